#include "pool.h"

#include "backend.h"
#include "threads.h"

enum action { MAXIMUM, PICK, AVERAGE, SHARE, MAXIMUM_BACKWARD, AVERAGE_BACKWARD };

struct job {
    struct pool2d pool;
    enum action action;
    const struct kernels *kernels;
    size_t size;
    const char *x;  /* what is read, and beside it: */
    const void *by; /* the taps of a maximum */
    char *y, *tap;  /* what is written */
};

/* One position of y, `out`, from its window, which begins at `at` in x. */
static void output_at(const struct job *job, const struct places *window, size_t at, size_t out) {
    const struct kernels *kernels = job->kernels;
    const struct pool2d *p = &job->pool;
    double count = p->count_padding ? (double)p->rows.kernel * (double)p->columns.kernel
                                    : (double)window->rows * (double)window->columns;
    float single = (float)count;
    const char *x = job->x + at * job->size, *by = (const char *)job->by + out * job->size;
    char *y = job->y + out * job->size;
    switch (job->action) {
    case MAXIMUM: kernels->pool_maximum(window, x, y, job->tap + out * job->size); break;
    case PICK: kernels->pool_pick(window, x, by, y); break;
    case AVERAGE: kernels->pool_average(window, x, count, y); break;
    default: /* SHARE */
        kernels->binary[BINARY_DIVIDE](window->n, job->x + out * job->size, 1,
                                       job->size == sizeof single ? (void *)&single : &count, 0, y);
    }
}

/* Items are rows of y. */
static void outputs(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    const struct pool2d *p = &job->pool;
    struct places window = {.n = p->channels,
                            .row = p->columns.size * p->channels,
                            .column = p->channels,
                            .tap_row = (ptrdiff_t)p->columns.kernel,
                            .tap_column = 1};
    for (size_t item = begin; item < end; item++) {
        size_t picture = item / p->rows.count, above, before;
        size_t i = window_clip(&p->rows, item % p->rows.count, &window.rows, &above);
        for (size_t column = 0; column < p->columns.count; column++) {
            size_t j = window_clip(&p->columns, column, &window.columns, &before);
            window.first_tap = (ptrdiff_t)(above * p->columns.kernel + before);
            output_at(job, &window, ((picture * p->rows.size + i) * p->columns.size + j) * p->channels,
                      (item * p->columns.count + column) * p->channels);
        }
    }
}

/* Items are rows of dx; each element gathers from the windows that cover it. */
static void inputs(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    const struct pool2d *p = &job->pool;
    size_t n = p->channels, size = job->size;
    struct places windows = {.n = n,
                             .row = p->columns.count * n,
                             .column = n,
                             .tap_row = -(ptrdiff_t)(p->rows.stride * p->columns.kernel),
                             .tap_column = -(ptrdiff_t)p->columns.stride};
    for (size_t item = begin; item < end; item++) {
        size_t picture = item / p->rows.size, row = item % p->rows.size;
        size_t i = window_cover(&p->rows, row, &windows.rows);
        size_t tap_row = row + p->rows.before - i * p->rows.stride;
        for (size_t column = 0; column < p->columns.size; column++) {
            size_t j = window_cover(&p->columns, column, &windows.columns);
            size_t tap = tap_row * p->columns.kernel + column + p->columns.before - j * p->columns.stride;
            size_t at = ((picture * p->rows.count + i) * p->columns.count + j) * n * size;
            char *dx = job->y + (item * p->columns.size + column) * n * size;
            windows.first_tap = (ptrdiff_t)tap;
            if (windows.rows == 0 || windows.columns == 0) at = 0; /* no window covers it */
            if (job->action == MAXIMUM_BACKWARD)
                job->kernels->pool_maximum_backward(&windows, job->x + at, (const char *)job->by + at, dx);
            else
                job->kernels->pool_average(&windows, job->x + at, 1, dx);
        }
    }
}

static void run(const struct pool2d *pool, enum action action, const void *x, const void *by, void *y, void *tap) {
    struct job job = {*pool, action, backend(pool->dtype), dtype_sizes[pool->dtype], x, by, y, tap};
    bool backward = action >= MAXIMUM_BACKWARD;
    size_t rows = pool->batch * (backward ? pool->rows.size : pool->rows.count);
    size_t width = (backward ? pool->columns.size : pool->columns.count) * pool->channels;
    size_t taps = action == SHARE ? 1 : pool->rows.kernel * pool->columns.kernel;
    if (backward) taps = 1 + taps / (pool->rows.stride * pool->columns.stride);
    double cost = (double)width * (double)taps * 2;
    threads_for(rows, 1 + (size_t)(65536 / (cost + 1)), (double)rows * cost, backward ? inputs : outputs, &job);
}

void pool_maximum(const struct pool2d *pool, const void *x, void *y, void *tap) {
    run(pool, MAXIMUM, x, NULL, y, tap);
}

void pool_maximum_backward(const struct pool2d *pool, const void *dy, const void *tap, void *dx) {
    run(pool, MAXIMUM_BACKWARD, dy, tap, dx, NULL);
}

void pool_pick(const struct pool2d *pool, const void *x, const void *tap, void *y) {
    run(pool, PICK, x, tap, y, NULL);
}

void pool_average(const struct pool2d *pool, const void *x, void *y) { run(pool, AVERAGE, x, NULL, y, NULL); }

void pool_average_backward(const struct pool2d *pool, const void *dy, void *share, void *dx) {
    run(pool, SHARE, dy, NULL, share, NULL);
    run(pool, AVERAGE_BACKWARD, share, NULL, dx, NULL);
}
