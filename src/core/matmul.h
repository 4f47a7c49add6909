/* c[m, n] = bias + a[m, k] b[k, n] on contiguous c; shared among threads, packed where that pays. */
#ifndef FNET_MATMUL_H
#define FNET_MATMUL_H

#include "tensor.h"

struct matmul {
    enum dtype dtype; /* FLOAT32 or FLOAT64, of everything */
    size_t m, n, k;
    const void *a;
    size_t a_row, a_column; /* strides in elements */
    const void *b;
    size_t b_row, b_column;
    const void *bias; /* n values, or NULL for zero */
    void *c;          /* row-major, n elements a row */
};

size_t matmul_workspace(const struct matmul *product); /* bytes that matmul_run needs; often 0 */
void matmul_run(const struct matmul *product, void *workspace);

#endif
