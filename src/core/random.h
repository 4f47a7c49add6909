/* Counter-based random numbers: a value is a function of (seed, stream, index) and of nothing else.
   Generator: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3, SC 2011).
   Key = seed; counter = (index / 4, stream); word index % 4 is taken. */
#ifndef FNET_RANDOM_H
#define FNET_RANDOM_H

#include "tensor.h"

/* y[i] uniform in [low, high): 24 random bits (float32) or 53 from two words (float64). Contiguous y. */
void random_uniform(uint64_t seed, uint64_t stream, double low, double high, const struct tensor *y);

/* y[i] normal, by inversion of the distribution function (Wichura, algorithm AS 241, 1988): of 32 random bits, to
   seven digits (float32, PPND7), or of 53 from two words, to sixteen (float64, PPND16). */
void random_normal(uint64_t seed, uint64_t stream, double mean, double deviation, const struct tensor *y);

/* y[i] = 0 with the given probability (to 2^-32), else `kept`. */
void random_mask(uint64_t seed, uint64_t stream, double probability, double kept, const struct tensor *y);

/* y = a permutation of 1 .. n (Fisher and Yates). n < 2^31 */
void random_permutation(uint64_t seed, uint64_t stream, size_t n, int32_t *y);

/* The four words of one counter. */
void random_block(uint64_t seed, uint64_t stream, uint64_t index, uint32_t word[4]);

#endif
