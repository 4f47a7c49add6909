/* Reductions over one axis of a contiguous tensor, seen as [outer, n, inner]. */
#ifndef FNET_REDUCE_H
#define FNET_REDUCE_H

#include "../kernels/kernels.h"
#include "tensor.h"

/* y[outer, inner] = the reduction over n; float types; n > 0 for maximum and minimum. */
void reduce_axis(enum reduction operation, enum dtype dtype, size_t outer, size_t n, size_t inner, const void *x,
                 void *y);

/* [outer, inner] each: the sums of squares; the means, and the sums of squared distances from them. In double, so
   that no finite floats are too large or too small. */
void reduce_squares(enum dtype dtype, size_t outer, size_t n, size_t inner, const void *x, double *squares);
void reduce_moments(enum dtype dtype, size_t outer, size_t n, size_t inner, const void *x, double *mean,
                    double *squares);

/* The root of the sum of squared distances of every step-th number from the mean, also where the squares are
   outside double. */
double reduce_root(size_t n, size_t step, const double *x, double mean);

/* The sum of squared distances from the mean, divided by `over`, of every step-th number times REDUCE_NEARER: where
   those of the numbers themselves overflow on the way, although the variance or its root does not. */
#define REDUCE_NEARER 0x1p-600
double reduce_far_variance(size_t n, size_t step, const double *x, double over);

/* y[outer, inner] = the exact sum, maximum or minimum over n of uint8 or int32. */
void reduce_integers(enum reduction operation, enum dtype dtype, size_t outer, size_t n, size_t inner,
                     const void *x, double *y);

/* y[outer, inner] = the first index (from 1) of the largest or smallest element; a NaN is both. Any type. */
void reduce_index(bool smallest, const struct tensor *x, size_t outer, size_t n, size_t inner, int32_t *y);

#endif
