/* Operations on single elements, any strides. The last axis of y is contiguous; the operands have its element type
   (float32 or float64) and, after tensor_expand, its shape. */
#ifndef FNET_ELEMENTWISE_H
#define FNET_ELEMENTWISE_H

#include "../kernels/kernels.h"
#include "tensor.h"

/* y = operation(x), and y = a operation b, element by element. */
void elementwise_unary(enum unary operation, const struct tensor *x, const struct tensor *y);
void elementwise_binary(enum binary operation, const struct tensor *a, const struct tensor *b,
                        const struct tensor *y);

/* The same for three operands. */
void elementwise_ternary(enum ternary operation, const struct tensor *a, const struct tensor *b,
                         const struct tensor *c, const struct tensor *y);

#endif
