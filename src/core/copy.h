/* Copying and filling tensors of any strides and types, among threads. An interrupt ends them early, as it does
   every loop: the caller looks for it. */
#ifndef FNET_COPY_H
#define FNET_COPY_H

#include "tensor.h"

/* y[...] = x[...] for equal shapes, any strides, any pair of element types. Float to integer truncates; the caller
   checks ranges first. They do not overlap. */
void tensor_copy(const struct tensor *x, const struct tensor *y);

/* y = a followed by b along the axis, from 0; all have one type. */
void tensor_join(const struct tensor *a, const struct tensor *b, int axis, const struct tensor *y);

/* y[...] = value, which the type can hold. */
void tensor_fill(const struct tensor *y, double value);

/* y[i] = first + i step, i from 0, row-major. */
void tensor_ramp(const struct tensor *y, double first, double step);

#endif
