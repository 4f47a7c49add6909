/* Pooling of pictures with channels last: the maximum or the mean of each window, channel by channel.
   x [batch, height, width, channels], y [batch, rows.count, columns.count, channels]. Positions beyond an edge
   take no part: a mean divides by the number of real elements, or with count_padding by that of the whole
   window, as if they were zeros. Every window has at least one real element. Sums start from zero and go in the
   order of rows; threads share outputs. */
#ifndef FNET_POOL_H
#define FNET_POOL_H

#include "tensor.h"
#include "window.h"

struct pool2d {
    enum dtype dtype;
    size_t batch, channels;
    struct window rows, columns;
    bool count_padding; /* of means */
};

/* tap, shaped like y: which tap of the window, counted in rows from 0, each maximum came from. */
void pool_maximum(const struct pool2d *pool, const void *x, void *y, void *tap);
void pool_maximum_backward(const struct pool2d *pool, const void *dy, const void *tap, void *dx);
void pool_pick(const struct pool2d *pool, const void *x, const void *tap, void *y); /* x at those taps */
void pool_average(const struct pool2d *pool, const void *x, void *y);
/* share, shaped like y, is for dy / (elements that the mean was divided by). */
void pool_average_backward(const struct pool2d *pool, const void *dy, void *share, void *dx);

#endif
