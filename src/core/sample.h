/* Positions drawn in proportion to weights, from uniform random numbers that the caller has. */
#ifndef FNET_SAMPLE_H
#define FNET_SAMPLE_H

#include "tensor.h"

/* Numbers that sample_row needs as memory for weights of so many classes; 0 where there are too many. */
size_t sample_memory(size_t classes);

/* What is wrong with weights: one that is no finite number of at least 0, a sum that is not finite, or fewer than
   `needed` above 0. */
enum sample_fault { SAMPLE_FINE, SAMPLE_WEIGHT, SAMPLE_SUM, SAMPLE_FEW };

/* y[i], counted from 1, is the class at u[i], in [0, 1), of the sums of weights x[classes] (contiguous, float);
   where none may be drawn twice its weight becomes 0. For SAMPLE_WEIGHT *bad is its place, from 0; for SAMPLE_FEW
   how many there are. */
enum sample_fault sample_row(enum dtype dtype, size_t classes, const void *x, size_t count, const double *u,
                             bool replace, double *memory, int32_t *y, size_t *bad);

#endif
