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

static void gather(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t bytes = job->inner * job->size;
    for (size_t item = begin; item < end; item++) {
        size_t outer = item / job->count, row = (size_t)job->index[item % job->count] - 1;
        memcpy(job->y + item * bytes, job->x + (outer * job->n + row) * bytes, bytes);
    }
}

void index_gather(size_t outer, size_t n, size_t inner, size_t element_bytes, const void *x, const int32_t *index,
                  size_t count, void *y) {
    struct job job = {
        .n = n, .inner = inner, .count = count, .size = element_bytes, .x = x, .index = index, .y = y};
    if (inner == 0) return;
    threads_for(outer * count, threads_piece(inner), (double)(outer * count) * (double)inner, gather, &job);
}

/* Shared by outer slices only, so that the order of additions does not depend on the threads. */
static void scatter(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t bytes = job->inner * job->size;
    for (size_t outer = begin; outer < end; outer++)
        for (size_t i = 0; i < job->count; i++) {
            char *y = job->y + (outer * job->n + (size_t)job->index[i] - 1) * bytes;
            job->kernels->binary[BINARY_ADD](job->inner, y, 1, job->x + (outer * job->count + i) * bytes, 1, y);
        }
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

/* Where item number `item` of [outer, count, inner] indices points to in [outer, n, inner]. */
static size_t along(const struct job *job, size_t item) {
    size_t outer = item / (job->count * job->inner), inner = item % job->inner;
    return (outer * job->n + (size_t)job->index[item] - 1) * job->inner + inner;
}

static void take_along(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    for (size_t item = begin; item < end; item++)
        memcpy(job->y + item * job->size, job->x + along(job, item) * job->size, job->size);
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
    for (size_t item = begin * items; item < end * items; item++) {
        char *y = job->y + along(job, item) * job->size;
        job->kernels->binary[BINARY_ADD](1, y, 1, job->x + item * job->size, 1, y);
    }
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
