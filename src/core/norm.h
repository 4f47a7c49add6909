/* Batch normalisation over the columns, layer and RMS normalisation over the rows of contiguous [rows, n] matrices,
   forward beside backward, shared among threads by columns where a sum runs over rows, else by rows. Formulas:
   kernels/template/norm.inc. */
#ifndef FNET_NORM_H
#define FNET_NORM_H

#include "../kernels/kernels.h"
#include "tensor.h"

/* With z = (x - mean) * inverse: y = z * weight + bias; dx = (dy * gain - level - z * tilt) * weight * inverse; and
   the gradient of the weights, dweight[n] = the sums over rows of dy * z. */
void norm_batch(enum dtype dtype, size_t rows, size_t n, const void *x, const struct norm *norm, void *y);
void norm_batch_backward(enum dtype dtype, size_t rows, size_t n, const void *x, const void *dy,
                         const struct norm_slopes *slopes, void *dx);
void norm_batch_weight(enum dtype dtype, size_t rows, size_t n, const void *x, const void *dy, const double *mean,
                       const double *inverse, void *dweight);

/* The same with each row's own mean[rows] and inverse[rows], which it gives; then dx, and dweight[n]. Without a
   bias means are 0, and nothing is centred: RMS normalisation. */
void norm_layer(enum dtype dtype, size_t rows, size_t n, const void *x, const void *weight, const void *bias,
                double epsilon, void *y, double *mean, double *inverse);
void norm_layer_backward(enum dtype dtype, size_t rows, size_t n, const void *x, const void *dy, const void *weight,
                         bool centred, const double *mean, const double *inverse, void *dx);
void norm_layer_weight(enum dtype dtype, size_t rows, size_t n, const void *x, const void *dy, const double *mean,
                       const double *inverse, void *dweight);

#endif
