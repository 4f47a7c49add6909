/* Convolution of pictures with channels last, and its two gradients.
   x [batch, height, width, inputs], w [kernel height, kernel width, inputs / groups, units],
   y [batch, rows.count, columns.count, units]:
     y[n, i, j, u] = bias[u] + sum over (r, s, c) of x[n, i * stride + r - before, j * stride + s - before, c]
                                                      * w[r, s, c, u]
   with x zero beyond its edges, and c over the inputs of u's group.
   Each element is one chain of fused multiply-adds in ascending order: y from the bias or zero over (kernel row,
   kernel column, channel); dx from zero over (row of y, column of y, unit of the group); dw from zero over (sample,
   row of y, column of y). What lies beyond an edge takes part as zeros. Long chains are cut as chain.h says.
   Threads share outputs, never a chain. */
#ifndef FNET_CONV_H
#define FNET_CONV_H

#include "tensor.h"
#include "window.h"

enum conv_pass { CONV_OUTPUT /* y from x and w */, CONV_INPUT /* dx from dy and w */, CONV_WEIGHT /* dw */ };

struct conv {
    enum dtype dtype; /* FLOAT32 or FLOAT64, of everything */
    size_t batch, inputs, units, groups;
    struct window rows, columns;
    void *x, *w, *y;  /* the one that the pass is named after is written; all contiguous */
    const void *bias; /* of CONV_OUTPUT: units values, or NULL for zero */
};

/* Bytes that conv_run needs; often 0. SIZE_MAX: more than there can be. */
size_t conv_workspace(const struct conv *conv, enum conv_pass pass);
void conv_run(const struct conv *conv, enum conv_pass pass, void *workspace);

#endif
