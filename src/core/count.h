/* Counts of elements, in one thread and ascending. x is contiguous and has at most INT32_MAX elements. */
#ifndef FNET_COUNT_H
#define FNET_COUNT_H

#include "tensor.h"

/* How many elements are not 0, as a NaN is; and where: y[i] is the position, from 1, of the i-th of the `count`. */
size_t count_nonzero(const struct tensor *x);
void count_nonzero_places(const struct tensor *x, size_t count, int32_t *y);

/* counts[value - 1] += 1 for each of the values, which are from 1 on. */
void count_values(const int32_t *value, size_t count, int32_t *counts);

/* The least and the greatest element, which are inf and -inf where there is none. False where there is a NaN, the
   first of them at *bad. */
bool count_range(const struct tensor *x, double *low, double *high, size_t *bad);

/* edges[bins + 1] at equal distances from low to high, both finite. */
void count_edges(double low, double high, size_t bins, double *edges);

/* counts[bin] += 1 for each element within edges[bin] <= x < edges[bin + 1], the last edge included. */
void count_bins(const struct tensor *x, const double *edges, size_t bins, int32_t *counts);

#endif
