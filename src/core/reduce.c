#include "reduce.h"

#include "backend.h"
#include "interrupt.h"
#include "threads.h"

#include <math.h>

#define COLUMN_UNIT 16
#define GROUPS 8                   /* of columns that a kernel gets together at least: it reads row by row */
#define LONG_ROW ((size_t)1 << 20) /* elements between two looks for an interrupt: one row may be all there is */

static size_t next_look(size_t i, size_t n) { return n - i < LONG_ROW ? n : i + LONG_ROW; }

struct job {
    const struct kernels *kernels;
    void (*part)(const struct job *job, size_t outer, size_t j, size_t columns);
    enum reduction operation;
    size_t size, n, inner, groups;
    const char *x;
    char *y;
    double *mean, *squares;
    bool smallest;
    const struct tensor *source;
    int32_t *index;
};

/* An item is an output where the axis is the last one, else a group of up to 16 columns of one outer slice; groups
   that follow each other go to the kernel together. */
static void reduce_parts(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    while (begin < end) {
        size_t group = begin % job->groups, groups = job->groups - group;
        if (groups > end - begin) groups = end - begin;
        size_t j = group * COLUMN_UNIT, left = job->inner - j;
        job->part(job, begin / job->groups, j, left < groups * COLUMN_UNIT ? left : groups * COLUMN_UNIT);
        begin += groups;
    }
}

static void share(struct job *job, size_t outer) {
    size_t columns = job->inner == 1 ? 1 : COLUMN_UNIT;
    job->groups = (job->inner + COLUMN_UNIT - 1) / COLUMN_UNIT;
    threads_for(outer * job->groups, threads_piece(job->n * columns) + GROUPS - 1,
                (double)outer * (double)job->n * (double)job->inner, reduce_parts, job);
}

static const char *from(const struct job *job, size_t outer, size_t j) {
    return job->x + (outer * job->n * job->inner + j) * job->size;
}

static void part_of_axis(const struct job *job, size_t outer, size_t j, size_t columns) {
    const char *x = from(job, outer, j);
    char *y = job->y + (outer * job->inner + j) * job->size;
    if (job->inner == 1)
        job->kernels->reduce[job->operation](job->n, x, y);
    else
        job->kernels->reduce_columns[job->operation](job->n, columns, x, job->inner, y);
}

void reduce_axis(enum reduction operation, enum dtype dtype, size_t outer, size_t n, size_t inner, const void *x,
                 void *y) {
    struct job job = {.kernels = backend(dtype),
                      .part = part_of_axis,
                      .operation = operation,
                      .size = dtype_sizes[dtype],
                      .n = n,
                      .inner = inner,
                      .x = x,
                      .y = y};
    share(&job, outer);
}

static void part_of_squares(const struct job *job, size_t outer, size_t j, size_t columns) {
    const char *x = from(job, outer, j);
    double *squares = job->squares + outer * job->inner + j;
    if (job->inner == 1)
        *squares = job->kernels->sum_squares(job->n, x, 1);
    else
        job->kernels->sum_squares_columns(job->n, columns, x, job->inner, squares);
}

void reduce_squares(enum dtype dtype, size_t outer, size_t n, size_t inner, const void *x, double *squares) {
    struct job job = {.kernels = backend(dtype),
                      .part = part_of_squares,
                      .size = dtype_sizes[dtype],
                      .n = n,
                      .inner = inner,
                      .x = x,
                      .squares = squares};
    share(&job, outer);
}

static void part_of_moments(const struct job *job, size_t outer, size_t j, size_t columns) {
    const char *x = from(job, outer, j);
    size_t at = outer * job->inner + j;
    if (job->inner == 1)
        job->kernels->moments(job->n, x, job->mean + at, job->squares + at);
    else
        job->kernels->moments_columns(job->n, columns, x, job->inner, job->mean + at, job->squares + at);
}

void reduce_moments(enum dtype dtype, size_t outer, size_t n, size_t inner, const void *x, double *mean,
                    double *squares) {
    struct job job = {.kernels = backend(dtype),
                      .part = part_of_moments,
                      .size = dtype_sizes[dtype],
                      .n = n,
                      .inner = inner,
                      .x = x,
                      .mean = mean,
                      .squares = squares};
    share(&job, outer);
}

double reduce_root(size_t n, size_t step, const double *x, double mean) {
    double most = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        double distance = fabs(x[i * step] - mean);
        if (isnan(distance)) return distance;
        if (distance > most) most = distance;
    }
    if (most == 0 || isinf(most)) return most;
    for (size_t i = 0; i < n; i++) sum += (x[i * step] - mean) / most * ((x[i * step] - mean) / most);
    return most * sqrt(sum);
}

double reduce_far_variance(size_t n, size_t step, const double *x, double over) {
    double first = n > 0 ? x[0] * REDUCE_NEARER : 0, mean = 0, sum = 0;
    for (size_t i = 0; i < n; i++) mean += x[i * step] * REDUCE_NEARER - first;
    mean = mean / (double)n + first;
    for (size_t i = 0; i < n; i++) {
        double distance = x[i * step] * REDUCE_NEARER - mean;
        sum += distance * distance;
    }
    return sum / over;
}

/* Row after row of the columns, so that memory is read in order. Whole numbers below 2^53 are exact in double. */
#define INTEGERS(name, type)                                                                                       \
    static void name##_rows(const struct job *job, const type *x, size_t i, size_t end, size_t columns,            \
                            double *y) {                                                                           \
        for (; i < end; i++)                                                                                       \
            for (size_t c = 0; c < columns; c++) {                                                                 \
                double value = x[i * job->inner + c];                                                              \
                if (job->operation == REDUCE_SUM)                                                                  \
                    y[c] += value;                                                                                 \
                else if (job->operation == REDUCE_MAXIMUM ? value > y[c] : value < y[c])                           \
                    y[c] = value;                                                                                  \
            }                                                                                                      \
    }                                                                                                              \
    static void name(const struct job *job, size_t outer, size_t j, size_t columns) {                              \
        const type *x = (const void *)from(job, outer, j);                                                         \
        double *y = job->squares + outer * job->inner + j;                                                         \
        for (size_t c = 0; c < columns; c++) y[c] = job->n > 0 ? x[c] : 0;                                         \
        for (size_t i = 1; i < job->n && !interrupt_pending(); i = next_look(i, job->n))                           \
            name##_rows(job, x, i, next_look(i, job->n), columns, y);                                              \
    }
INTEGERS(part_of_bytes, uint8_t)
INTEGERS(part_of_integers, int32_t)

void reduce_integers(enum reduction operation, enum dtype dtype, size_t outer, size_t n, size_t inner,
                     const void *x, double *y) {
    struct job job = {.part = dtype == UINT8 ? part_of_bytes : part_of_integers,
                      .operation = operation,
                      .size = dtype_sizes[dtype],
                      .n = n,
                      .inner = inner,
                      .x = x,
                      .squares = y};
    share(&job, outer);
}

/* The first place of the largest (or smallest) element, or of the first NaN; without branches, because no predictor
   foresees where a larger one comes. */
static size_t find_float(size_t n, size_t step, const float *x, bool smallest) {
    float sign = smallest ? -1.0f : 1.0f, best = sign * x[0];
    size_t place = 0;
    for (size_t i = 1; i < n && !interrupt_pending();) {
        for (size_t end = next_look(i, n); i < end; i++) {
            float value = sign * x[i * step];
            bool better = ((value > best) | (value != value)) & (best == best);
            place = better ? i : place;
            best = better ? value : best;
        }
    }
    return place;
}

static void find_index(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    for (size_t item = begin; item < end; item++) {
        size_t first = item / job->inner * job->n * job->inner + item % job->inner, best = 0;
        enum dtype dtype = job->source->dtype;
        const void *data = job->source->data;
        if (dtype == FLOAT32) {
            const float *x = (const float *)data + first;
            job->index[item] = (int32_t)find_float(job->n, job->inner, x, job->smallest) + 1;
            continue;
        }
        double best_value = tensor_element(dtype, data, first);
        for (size_t i = 1; i < job->n && !interrupt_pending();) {
            for (size_t stop = next_look(i, job->n); i < stop; i++) {
                double value = tensor_element(dtype, data, first + i * job->inner);
                bool better = (job->smallest ? value < best_value : value > best_value) || value != value;
                if (!better || best_value != best_value) continue;
                best = i;
                best_value = value;
            }
        }
        job->index[item] = (int32_t)best + 1;
    }
}

void reduce_index(bool smallest, const struct tensor *x, size_t outer, size_t n, size_t inner, int32_t *y) {
    struct job job = {.n = n, .inner = inner, .smallest = smallest, .source = x, .index = y};
    threads_for(outer * inner, threads_piece(n), (double)outer * (double)n * (double)inner * 4, find_index, &job);
}
