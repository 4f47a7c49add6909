/* Rows by index. x is contiguous and seen as [outer, n, inner]; indices count from 1 and were checked. */
#ifndef FNET_INDEX_H
#define FNET_INDEX_H

#include "tensor.h"

/* y[outer, count, inner] = x[outer, index[i], inner] */
void index_gather(size_t outer, size_t n, size_t inner, size_t element_bytes, const void *x, const int32_t *index,
                  size_t count, void *y);

/* y[outer, index[i], inner] += dy[outer, i, inner], i ascending. Float types. */
void index_scatter_add(enum dtype dtype, size_t outer, size_t n, size_t inner, const void *dy, const int32_t *index,
                       size_t count, void *y);

/* y[outer, i, inner] = x[outer, index[outer, i, inner], inner] for i < count */
void index_take_along(size_t outer, size_t n, size_t inner, size_t element_bytes, const void *x,
                      const int32_t *index, size_t count, void *y);

/* y[outer, index[outer, i, inner], inner] += dy[outer, i, inner], i ascending; y starts as zeros. Float types. */
void index_put_along(enum dtype dtype, size_t outer, size_t n, size_t inner, const void *dy, const int32_t *index,
                     size_t count, void *y);

/* y[count, inner] = x[index[i], inner] * scale for uint8 x: a batch of pictures as a network sees it. */
void index_gather_scaled(size_t inner, const uint8_t *x, const int32_t *index, size_t count, double scale,
                         enum dtype dtype, void *y);

/* True when all are within [1, limit]; else *bad is the position (from 0) of the first that is not. */
bool index_check(const int32_t *index, size_t count, int64_t limit, size_t *bad);

#endif
