/* The order of elements along an axis of a contiguous tensor, seen as [outer, n, inner], of any type; NaN comes
   last, -0 is 0, and equal elements stay in their order. Places count from 1. */
#ifndef FNET_ORDER_H
#define FNET_ORDER_H

#include "tensor.h"

/* An element that is being sorted. */
struct order_item {
    uint64_t key; /* in whose order the elements come */
    uint32_t place;
};

/* The parts into which the lines are cut, and the items that each needs memory for. */
size_t order_parts(size_t lines);
size_t order_items(size_t n, size_t last);

/* place[outer, count, inner] = where in their line of x the elements lie that come at first .. first + count - 1,
   from 0; n <= INT32_MAX, last = first + count <= n. */
void order_places(bool descending, const struct tensor *x, size_t outer, size_t n, size_t inner, size_t first,
                  size_t count, struct order_item *items, int32_t *place);

/* group[i] = the number, from 1, of element i among the different ones, whose order the places of all n elements
   give. Returns how many there are. */
size_t order_groups(const struct tensor *x, size_t n, const int32_t *place, int32_t *group);

#endif
