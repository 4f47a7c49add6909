/* Softmax and cross-entropy over the rows of a contiguous [rows, n] matrix, forward beside backward, shared
   among threads by rows. Formulas: kernels/template/rows.inc. Labels count from 1 and were checked. */
#ifndef FNET_ROWS_H
#define FNET_ROWS_H

#include "tensor.h"

/* y = softmax(x), row by row; dx from dy and the y of the forward pass. */
void rows_softmax(enum dtype dtype, size_t rows, size_t n, const void *x, void *y);
void rows_softmax_backward(enum dtype dtype, size_t rows, size_t n, const void *y, const void *dy, void *dx);

/* loss[rows] and probability = softmax(x); dx = (probability - one at the label) * scale. */
void rows_cross_entropy(enum dtype dtype, size_t rows, size_t n, const void *x, const int32_t *label, void *loss,
                        void *probability);
void rows_cross_entropy_backward(enum dtype dtype, size_t rows, size_t n, const void *probability,
                                 const int32_t *label, double scale, void *dx);

/* cost = target * -log(softmax(x)), class by class, and exponential = exp(x - max), from which dx is made. */
void rows_class_costs(enum dtype dtype, size_t rows, size_t n, const void *x, const void *target, void *exponential,
                      void *cost);
void rows_class_costs_backward(enum dtype dtype, size_t rows, size_t n, const void *dy, const void *target,
                               const void *exponential, void *dx);

#endif
