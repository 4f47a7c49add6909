#include "norm.h"

#include "backend.h"
#include "threads.h"

#define COLUMN_UNIT 16

struct job {
    const struct kernels *kernels;
    size_t rows, n, size;
    const char *x, *dy, *weight, *bias;
    const double *mean, *inverse;
    const struct norm *norm;
    const struct norm_slopes *slopes;
    double epsilon;
    bool centred;
    char *y;
    double *mean_out, *inverse_out;
};

typedef void part(void *context, size_t begin, size_t end);

static void share_rows(struct job *job, enum dtype dtype, double cost, part *work) {
    job->kernels = backend(dtype);
    job->size = dtype_sizes[dtype];
    threads_for(job->rows, threads_piece(job->n), (double)job->rows * (double)job->n * cost, work, job);
}

/* Items are groups of up to 16 columns. */
static void share_columns(struct job *job, enum dtype dtype, part *work) {
    job->kernels = backend(dtype);
    job->size = dtype_sizes[dtype];
    threads_for((job->n + COLUMN_UNIT - 1) / COLUMN_UNIT, threads_piece(job->rows * COLUMN_UNIT),
                (double)job->rows * (double)job->n * 2, work, job);
}

/* The bytes in front of the first column of a group, and the number of columns in groups begin .. end - 1. */
static size_t first_byte(const struct job *job, size_t begin) { return begin * COLUMN_UNIT * job->size; }

static size_t column_count(const struct job *job, size_t begin, size_t end) {
    size_t last = end * COLUMN_UNIT < job->n ? end * COLUMN_UNIT : job->n;
    return last - begin * COLUMN_UNIT;
}

static void batch(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t at = begin * job->n * job->size;
    job->kernels->batch_norm(end - begin, job->n, job->x + at, job->norm, job->y + at);
}

void norm_batch(enum dtype dtype, size_t rows, size_t n, const void *x, const struct norm *norm, void *y) {
    struct job job = {.rows = rows, .n = n, .x = x, .norm = norm, .y = y};
    share_rows(&job, dtype, 4, batch);
}

static void batch_backward(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t at = begin * job->n * job->size;
    job->kernels->batch_norm_backward(end - begin, job->n, job->x + at, job->dy + at, job->slopes, job->y + at);
}

void norm_batch_backward(enum dtype dtype, size_t rows, size_t n, const void *x, const void *dy,
                         const struct norm_slopes *slopes, void *dx) {
    struct job job = {.rows = rows, .n = n, .x = x, .dy = dy, .slopes = slopes, .y = dx};
    share_rows(&job, dtype, 4, batch_backward);
}

static void batch_weight(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t at = first_byte(job, begin), column = begin * COLUMN_UNIT;
    job->kernels->batch_norm_weight(job->rows, column_count(job, begin, end), job->n, job->x + at, job->dy + at,
                                    job->mean + column, job->inverse + column, job->y + at);
}

void norm_batch_weight(enum dtype dtype, size_t rows, size_t n, const void *x, const void *dy, const double *mean,
                       const double *inverse, void *dweight) {
    struct job job = {.rows = rows, .n = n, .x = x, .dy = dy, .mean = mean, .inverse = inverse, .y = dweight};
    share_columns(&job, dtype, batch_weight);
}

static void layer(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t at = begin * job->n * job->size;
    job->kernels->layer_norm(end - begin, job->n, job->x + at, job->weight, job->bias, job->epsilon, job->y + at,
                             job->mean_out + begin, job->inverse_out + begin);
}

void norm_layer(enum dtype dtype, size_t rows, size_t n, const void *x, const void *weight, const void *bias,
                double epsilon, void *y, double *mean, double *inverse) {
    struct job job = {.rows = rows,
                      .n = n,
                      .x = x,
                      .weight = weight,
                      .bias = bias,
                      .epsilon = epsilon,
                      .y = y,
                      .mean_out = mean,
                      .inverse_out = inverse};
    share_rows(&job, dtype, 6, layer);
}

static void layer_backward(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t at = begin * job->n * job->size;
    job->kernels->layer_norm_backward(end - begin, job->n, job->x + at, job->dy + at, job->weight, job->centred,
                                      job->mean + begin, job->inverse + begin, job->y + at);
}

void norm_layer_backward(enum dtype dtype, size_t rows, size_t n, const void *x, const void *dy, const void *weight,
                         bool centred, const double *mean, const double *inverse, void *dx) {
    struct job job = {.rows = rows,
                      .n = n,
                      .x = x,
                      .dy = dy,
                      .weight = weight,
                      .centred = centred,
                      .mean = mean,
                      .inverse = inverse,
                      .y = dx};
    share_rows(&job, dtype, 10, layer_backward);
}

static void layer_weight(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t at = first_byte(job, begin);
    job->kernels->layer_norm_weight(job->rows, column_count(job, begin, end), job->n, job->x + at, job->dy + at,
                                    job->mean, job->inverse, job->y + at);
}

void norm_layer_weight(enum dtype dtype, size_t rows, size_t n, const void *x, const void *dy, const double *mean,
                       const double *inverse, void *dweight) {
    struct job job = {.rows = rows, .n = n, .x = x, .dy = dy, .mean = mean, .inverse = inverse, .y = dweight};
    share_columns(&job, dtype, layer_weight);
}
