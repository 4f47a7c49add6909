/* c[m, n] = bias + a[m, k] b[k, n] on contiguous c; shared among threads, packed where that pays, long chains cut
   as chain.h says. */
#ifndef FNET_MATMUL_H
#define FNET_MATMUL_H

#include "../kernels/kernels.h"
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
    bool adds;        /* each element of c is added to what c holds, after its chain; see matmul_may_add */
};

/* True for products that are computed straight on their operands: others need memory for the result first. */
bool matmul_may_add(const struct matmul *product);

size_t matmul_workspace(const struct matmul *product); /* bytes that matmul_run needs; often 0 */
void matmul_run(const struct matmul *product, void *workspace);

/* For the kernel, on a and b as they are: what is left from row i and column j on, where the first l steps of each
   chain are done. The caller takes as much of it as it wants: fewer rows m, columns n, steps k. b_column is 1. */
struct product matmul_rest(const struct matmul *product, size_t i, size_t j, size_t l);

#endif
