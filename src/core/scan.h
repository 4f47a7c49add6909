/* Running sums and products along an axis of contiguous tensors, seen as [outer, n, inner]. */
#ifndef FNET_SCAN_H
#define FNET_SCAN_H

#include "tensor.h"

/* y[i] = a[i] y[i - 1] + b[i] along n, ascending, or descending where it is reversed (from y[i + 1] then); the
   first is b[i], without b a[i]. Without a, which counts as 1, a running sum, without b, as 0, a running product.
   Product and sum are each rounded in double, and carried on in double; y is rounded once. Float types. */
void scan_axis(enum dtype dtype, size_t outer, size_t n, size_t inner, const void *a, const void *b, bool reversed,
               void *y);

#endif
