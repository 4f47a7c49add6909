/* The product of a dense layer in training, shared among threads along k. Each thread multiplies with its own rows
   of the weights: those whose gradient it computes and that it updates (threads_grid), so that no weight moves from
   one core's cache to another's, which would take longer than the multiplication.
   The sums stay unbroken chains: thread i takes a block of outputs where thread i - 1 left it, while that one is at
   the next block. The numbers are those of matmul_run. */
#ifndef FNET_RELAY_H
#define FNET_RELAY_H

#include "matmul.h"

/* True where several threads take part and their waiting for a first block is short against the work. */
bool relay_pays(const struct matmul *product);
void relay_run(const struct matmul *product);

#endif
