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

/* One position of y: the rows x columns elements of its window in x. */
static void output_at(const struct job *job, size_t at, size_t rows, size_t columns, size_t first_tap, size_t out) {
    const struct pool2d *p = &job->pool;
    const struct kernels *kernels = job->kernels;
    size_t n = p->channels, x_row = p->columns.size * n, taps = p->columns.kernel, size = job->size;
    double count = (double)rows * (double)columns;
    float single = (float)count;
    const char *x = job->x + at * size;
    char *y = job->y + out * size;
    switch (job->action) {
    case MAXIMUM:
        kernels->pool_maximum(n, rows, columns, x, x_row, n, first_tap, taps, y, job->tap + out * size);
        break;
    case PICK:
        kernels->pool_pick(n, rows, columns, x, x_row, n, first_tap, taps, (const char *)job->by + out * size, y);
        break;
    case AVERAGE: kernels->pool_average(n, rows, columns, x, x_row, n, count, y); break;
    default: /* SHARE */
        kernels->binary[BINARY_DIVIDE](n, job->x + out * size, 1, size == sizeof single ? (void *)&single : &count,
                                       0, y);
    }
}

/* Items are rows of y. */
static void outputs(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    const struct pool2d *p = &job->pool;
    for (size_t item = begin; item < end; item++) {
        size_t picture = item / p->rows.count, rows, columns, above, before;
        size_t i = window_clip(&p->rows, item % p->rows.count, &rows, &above);
        for (size_t column = 0; column < p->columns.count; column++) {
            size_t j = window_clip(&p->columns, column, &columns, &before);
            output_at(job, ((picture * p->rows.size + i) * p->columns.size + j) * p->channels, rows, columns,
                      above * p->columns.kernel + before, (item * p->columns.count + column) * p->channels);
        }
    }
}

/* Items are rows of dx; each element gathers from the windows that cover it. */
static void inputs(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    const struct pool2d *p = &job->pool;
    size_t n = p->channels, y_row = p->columns.count * n, size = job->size;
    for (size_t item = begin; item < end; item++) {
        size_t picture = item / p->rows.size, row = item % p->rows.size, rows, columns;
        size_t i = window_cover(&p->rows, row, &rows);
        size_t tap_row = row + p->rows.before - i * p->rows.stride;
        for (size_t column = 0; column < p->columns.size; column++) {
            size_t j = window_cover(&p->columns, column, &columns);
            size_t tap = tap_row * p->columns.kernel + column + p->columns.before - j * p->columns.stride;
            size_t at = ((picture * p->rows.count + i) * p->columns.count + j) * n * size;
            char *dx = job->y + (item * p->columns.size + column) * n * size;
            if (rows == 0 || columns == 0) at = 0; /* no window covers it */
            if (job->action == MAXIMUM_BACKWARD)
                job->kernels->pool_maximum_backward(n, rows, columns, job->x + at, (const char *)job->by + at,
                                                    y_row, n, tap, p->rows.stride * p->columns.kernel,
                                                    p->columns.stride, dx);
            else
                job->kernels->pool_average(n, rows, columns, job->x + at, y_row, n, 1, dx);
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
