#include "reduce.h"

#include "backend.h"
#include "threads.h"

#define COLUMN_UNIT 16

struct job {
    const struct kernels *kernels;
    enum reduction operation;
    size_t size, n, inner;
    const char *x;
    char *y;
    bool smallest;
    const struct tensor *source;
    int32_t *index;
};

/* Items are outputs: rows when the axis is the last one, else groups of up to 16 columns of one outer slice. */
static void reduce_rows(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    for (size_t o = begin; o < end; o++)
        job->kernels->reduce[job->operation](job->n, job->x + o * job->n * job->size, job->y + o * job->size);
}

static void reduce_groups(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t groups = (job->inner + COLUMN_UNIT - 1) / COLUMN_UNIT;
    for (size_t item = begin; item < end; item++) {
        size_t outer = item / groups, j = item % groups * COLUMN_UNIT;
        size_t columns = job->inner - j < COLUMN_UNIT ? job->inner - j : COLUMN_UNIT;
        job->kernels->reduce_columns[job->operation](job->n, columns,
                                                     job->x + (outer * job->n * job->inner + j) * job->size,
                                                     job->inner, job->y + (outer * job->inner + j) * job->size);
    }
}

void reduce_axis(enum reduction operation, enum dtype dtype, size_t outer, size_t n, size_t inner, const void *x,
                 void *y) {
    struct job job = {.kernels = backend(dtype),
                      .operation = operation,
                      .size = dtype_sizes[dtype],
                      .n = n,
                      .inner = inner,
                      .x = x,
                      .y = y};
    double cost = (double)outer * (double)n * (double)inner;
    if (inner == 1) {
        threads_for(outer, threads_piece(n), cost, reduce_rows, &job);
    } else {
        size_t groups = (inner + COLUMN_UNIT - 1) / COLUMN_UNIT;
        threads_for(outer * groups, threads_piece(n * COLUMN_UNIT), cost, reduce_groups, &job);
    }
}

/* The first place of the largest (or smallest) element, or of the first NaN; without branches, because no predictor
   foresees where a larger one comes. */
static size_t find_float(size_t n, size_t step, const float *x, bool smallest) {
    float sign = smallest ? -1.0f : 1.0f, best = sign * x[0];
    size_t place = 0;
    for (size_t i = 1; i < n; i++) {
        float value = sign * x[i * step];
        bool better = ((value > best) | (value != value)) & (best == best);
        place = better ? i : place;
        best = better ? value : best;
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
        for (size_t i = 1; i < job->n && best_value == best_value; i++) {
            double value = tensor_element(dtype, data, first + i * job->inner);
            if ((job->smallest ? value < best_value : value > best_value) || value != value) {
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
