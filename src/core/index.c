#include "index.h"

#include "backend.h"
#include "threads.h"

#include <string.h>

struct job {
    const struct kernels *kernels;
    size_t n, inner, count, size;
    const char *x;
    const int32_t *index;
    char *y;
    double scale;
};

/* So many bytes; those of single elements by one load and one store. */
static void copy_bytes(char *y, const char *x, size_t bytes) {
    if (bytes == 4)
        memcpy(y, x, 4);
    else if (bytes == 8)
        memcpy(y, x, 8);
    else
        memcpy(y, x, bytes);
}

/* y[i] = x[index[i]], and y[index[i]] += x[i], of single elements: what rows of one element are. */
#define TAKE(name, type)                                                                                           \
    static void name(size_t count, const void *from, const int32_t *index, void *to) {                             \
        const type *x = from;                                                                                      \
        type *y = to;                                                                                              \
        for (size_t i = 0; i < count; i++) y[i] = x[index[i] - 1];                                                 \
    }
#define ADD(name, type)                                                                                            \
    static void name(size_t count, const void *from, const int32_t *index, void *to) {                             \
        const type *x = from;                                                                                      \
        type *y = to;                                                                                              \
        for (size_t i = 0; i < count; i++) y[index[i] - 1] += x[i];                                                \
    }
TAKE(take_bytes, uint8_t)
TAKE(take_singles, uint32_t)
TAKE(take_doubles, uint64_t)
ADD(add_floats, float)
ADD(add_doubles, double)

static void take(size_t size, size_t count, const void *x, const int32_t *index, void *y) {
    (size == 1 ? take_bytes : size == 4 ? take_singles : take_doubles)(count, x, index, y);
}

static void gather(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t bytes = job->inner * job->size, outer = begin / job->count, i = begin % job->count;
    for (size_t here; job->inner == 1 && begin < end; begin += here, outer++, i = 0) {
        here = job->count - i < end - begin ? job->count - i : end - begin;
        take(bytes, here, job->x + outer * job->n * bytes, job->index + i, job->y + begin * bytes);
    }
    for (size_t item = begin; item < end; item++) {
        size_t row = (size_t)job->index[i] - 1;
        copy_bytes(job->y + item * bytes, job->x + (outer * job->n + row) * bytes, bytes);
        if (++i == job->count) i = 0, outer++;
    }
}

void index_gather(size_t outer, size_t n, size_t inner, size_t element_bytes, const void *x, const int32_t *index,
                  size_t count, void *y) {
    struct job job = {
        .n = n, .inner = inner, .count = count, .size = element_bytes, .x = x, .index = index, .y = y};
    if (inner == 0) return;
    threads_for(outer * count, threads_piece(inner), (double)(outer * count) * (double)inner, gather, &job);
}

/* y += x for n elements next to each other. */
static void add(const struct job *job, size_t n, void *y, const void *x) {
    if (n != 1) {
        job->kernels->binary[BINARY_ADD](n, y, 1, x, 1, y);
    } else if (job->size == sizeof(float)) {
        const float *from = x;
        float *to = y;
        *to += *from;
    } else {
        const double *from = x;
        double *to = y;
        *to += *from;
    }
}

/* Shared by outer slices only, so that the order of additions does not depend on the threads. */
static void scatter(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t bytes = job->inner * job->size;
    for (; job->inner == 1 && begin < end; begin++)
        (bytes == sizeof(float) ? add_floats : add_doubles)(job->count, job->x + begin * job->count * bytes,
                                                            job->index, job->y + begin * job->n * bytes);
    for (size_t outer = begin; outer < end; outer++)
        for (size_t i = 0; i < job->count; i++)
            add(job, job->inner, job->y + (outer * job->n + (size_t)job->index[i] - 1) * bytes,
                job->x + (outer * job->count + i) * bytes);
}

void index_scatter_add(enum dtype dtype, size_t outer, size_t n, size_t inner, const void *dy, const int32_t *index,
                       size_t count, void *y) {
    struct job job = {.kernels = backend(dtype),
                      .n = n,
                      .inner = inner,
                      .count = count,
                      .size = dtype_sizes[dtype],
                      .x = dy,
                      .index = index,
                      .y = y};
    threads_for(outer, 1, (double)(outer * count) * (double)inner, scatter, &job);
}

/* A walk over the items of [outer, count, inner] indices, each with its place in [outer, n, inner]. */
struct walk {
    size_t first, inner, item, items; /* of the slice: its first place, and how far the walk is in it */
};

static struct walk walk_from(const struct job *job, size_t begin) {
    size_t items = job->count * job->inner;
    return (struct walk){begin / items * job->n * job->inner, begin % job->inner, begin % items, items};
}

static size_t walk_place(const struct job *job, const struct walk *walk, int32_t index) {
    return walk->first + ((size_t)index - 1) * job->inner + walk->inner;
}

static void walk_on(const struct job *job, struct walk *walk) {
    if (++walk->inner == job->inner) walk->inner = 0;
    if (++walk->item < walk->items) return;
    walk->item = 0;
    walk->first += job->n * job->inner;
}

static void take_along(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    struct walk walk = walk_from(job, begin);
    for (size_t here; job->inner == 1 && begin < end; begin += here, walk = walk_from(job, begin)) {
        here = job->count - begin % job->count < end - begin ? job->count - begin % job->count : end - begin;
        take(job->size, here, job->x + walk.first * job->size, job->index + begin, job->y + begin * job->size);
    }
    for (size_t item = begin; item < end; item++, walk_on(job, &walk))
        copy_bytes(job->y + item * job->size, job->x + walk_place(job, &walk, job->index[item]) * job->size,
                   job->size);
}

void index_take_along(size_t outer, size_t n, size_t inner, size_t element_bytes, const void *x,
                      const int32_t *index, size_t count, void *y) {
    struct job job = {
        .n = n, .inner = inner, .count = count, .size = element_bytes, .x = x, .index = index, .y = y};
    size_t items = outer * count * inner;
    threads_for(items, threads_piece(1), (double)items * 4, take_along, &job);
}

/* Shared by outer slices only, as scatter. */
static void put_along(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t items = job->count * job->inner;
    if (items == 0) return;
    for (; job->inner == 1 && begin < end; begin++)
        (job->size == sizeof(float) ? add_floats : add_doubles)(job->count, job->x + begin * items * job->size,
                                                                job->index + begin * items,
                                                                job->y + begin * job->n * job->size);
    struct walk walk = walk_from(job, begin * items);
    for (size_t item = begin * items; item < end * items; item++, walk_on(job, &walk))
        add(job, 1, job->y + walk_place(job, &walk, job->index[item]) * job->size, job->x + item * job->size);
}

void index_put_along(enum dtype dtype, size_t outer, size_t n, size_t inner, const void *dy, const int32_t *index,
                     size_t count, void *y) {
    struct job job = {.kernels = backend(dtype),
                      .n = n,
                      .inner = inner,
                      .count = count,
                      .size = dtype_sizes[dtype],
                      .x = dy,
                      .index = index,
                      .y = y};
    memset(y, 0, outer * n * inner * job.size);
    threads_for(outer, 1, (double)(outer * count * inner) * 8, put_along, &job);
}

/* Rows lie anywhere in a large array: asking for all of them first lets the memory answer in parallel. */
static void gather_scaled(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    for (size_t i = begin; i < end; i++) {
        const char *row = job->x + ((size_t)job->index[i] - 1) * job->inner;
        for (size_t at = 0; at < job->inner; at += 64) __builtin_prefetch(row + at);
    }
    for (size_t i = begin; i < end; i++)
        job->kernels->scale_bytes(job->inner, (const uint8_t *)job->x + ((size_t)job->index[i] - 1) * job->inner,
                                  job->scale, job->y + i * job->inner * job->size);
}

void index_gather_scaled(size_t inner, const uint8_t *x, const int32_t *index, size_t count, double scale,
                         enum dtype dtype, void *y) {
    struct job job = {.kernels = backend(dtype),
                      .inner = inner,
                      .size = dtype_sizes[dtype],
                      .x = (const char *)x,
                      .index = index,
                      .y = y,
                      .scale = scale};
    threads_for(count, threads_piece(inner * 4), (double)count * (double)inner * 4, gather_scaled, &job);
}

bool index_check(const int32_t *index, size_t count, int64_t limit, size_t *bad) {
    for (size_t i = 0; i < count; i++) {
        if (index[i] >= 1 && index[i] <= limit) continue;
        *bad = i;
        return false;
    }
    return true;
}
