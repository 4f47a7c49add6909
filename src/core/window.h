/* A kernel that slides along one axis: the geometry that convolution and pooling share.
   Window i covers the positions i * stride - before + t, t < kernel, of an axis of `size` elements that is thought
   to go on for `before` elements in front and `after` behind. */
#ifndef FNET_WINDOW_H
#define FNET_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of sizes, paddings and strides: three of them add up in a size_t. */
#define WINDOW_LONGEST (PTRDIFF_MAX > INT32_MAX ? INT32_MAX : PTRDIFF_MAX / 4)

struct window {
    size_t size, kernel, stride, before, after;
    size_t count; /* windows */
};

/* Fills in the axis' size and the count of windows; false where none fits. */
static inline bool window_fit(struct window *w, size_t size) {
    w->size = size;
    if (size == 0 || size > WINDOW_LONGEST || size + w->before + w->after < w->kernel) return false;
    w->count = (size + w->before + w->after - w->kernel) / w->stride + 1;
    return true;
}

/* The part of window i that lies on the axis: its first position, its length, the taps skipped in front. */
static inline size_t window_clip(const struct window *w, size_t i, size_t *length, size_t *skipped) {
    size_t start = i * w->stride, end = start + w->kernel, limit = w->size + w->before;
    *skipped = start < w->before ? w->before - start : 0;
    *length = (end < limit ? end : limit) - start - *skipped;
    return start + *skipped - w->before;
}

/* The windows that cover a position: the first, and how many. */
static inline size_t window_cover(const struct window *w, size_t position, size_t *count) {
    size_t at = position + w->before, last = at / w->stride;
    size_t first = at < w->kernel ? 0 : (at - w->kernel) / w->stride + 1;
    if (last >= w->count) last = w->count - 1;
    *count = first <= last ? last - first + 1 : 0;
    return first;
}

#endif
