/* Elements of a contiguous tensor in other places, or not at all: copies that need no numbers, only bytes. */
#ifndef FNET_REARRANGE_H
#define FNET_REARRANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* y[outer, i, inner] = x[outer, n - 1 - i, inner] */
void rearrange_flip(size_t outer, size_t n, size_t inner, size_t element_bytes, const void *x, void *y);

/* Of each [rows, columns] y is x where column - row <= diagonal, or where it is `upper` >= diagonal; else zeros. */
void rearrange_triangle(bool upper, int64_t diagonal, size_t outer, size_t rows, size_t columns,
                        size_t element_bytes, const void *x, void *y);

#endif
