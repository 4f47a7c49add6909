#include "rows.h"

#include "backend.h"
#include "threads.h"

struct job {
    const struct kernels *kernels;
    size_t n, size;
    const char *x, *y_in, *dy, *target;
    char *y, *loss, *dx;
    const int32_t *label;
    double scale;
};

/* What a row costs beside its elements. */
#define ROW_COST 400

static void share_rows(struct job *job, enum dtype dtype, size_t rows, double cost,
                       void (*work)(void *context, size_t begin, size_t end)) {
    job->kernels = backend(dtype);
    job->size = dtype_sizes[dtype];
    threads_for(rows, threads_piece(job->n), (double)rows * ((double)job->n * cost + ROW_COST), work, job);
}

static void softmax(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t at = begin * job->n * job->size;
    job->kernels->softmax(end - begin, job->n, job->x + at, job->y + at);
}

void rows_softmax(enum dtype dtype, size_t rows, size_t n, const void *x, void *y) {
    struct job job = {.n = n, .x = x, .y = y};
    share_rows(&job, dtype, rows, 16, softmax);
}

static void softmax_backward(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t at = begin * job->n * job->size;
    job->kernels->softmax_backward(end - begin, job->n, job->y_in + at, job->dy + at, job->dx + at);
}

void rows_softmax_backward(enum dtype dtype, size_t rows, size_t n, const void *y, const void *dy, void *dx) {
    struct job job = {.n = n, .y_in = y, .dy = dy, .dx = dx};
    share_rows(&job, dtype, rows, 4, softmax_backward);
}

static void cross_entropy(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t at = begin * job->n * job->size;
    job->kernels->cross_entropy(end - begin, job->n, job->x + at, job->label + begin, job->loss + begin * job->size,
                                job->y + at);
}

void rows_cross_entropy(enum dtype dtype, size_t rows, size_t n, const void *x, const int32_t *label, void *loss,
                        void *probability) {
    struct job job = {.n = n, .x = x, .label = label, .loss = loss, .y = probability};
    share_rows(&job, dtype, rows, 16, cross_entropy);
}

static void cross_entropy_backward(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t at = begin * job->n * job->size;
    job->kernels->cross_entropy_backward(end - begin, job->n, job->y_in + at, job->label + begin, job->scale,
                                         job->dx + at);
}

void rows_cross_entropy_backward(enum dtype dtype, size_t rows, size_t n, const void *probability,
                                 const int32_t *label, double scale, void *dx) {
    struct job job = {.n = n, .y_in = probability, .label = label, .scale = scale, .dx = dx};
    share_rows(&job, dtype, rows, 4, cross_entropy_backward);
}

static void class_costs(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t at = begin * job->n * job->size;
    job->kernels->class_costs(end - begin, job->n, job->x + at, job->target + at, job->y + at, job->loss + at);
}

void rows_class_costs(enum dtype dtype, size_t rows, size_t n, const void *x, const void *target, void *exponential,
                      void *cost) {
    struct job job = {.n = n, .x = x, .target = target, .y = exponential, .loss = cost};
    share_rows(&job, dtype, rows, 16, class_costs);
}

static void class_costs_backward(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t at = begin * job->n * job->size;
    job->kernels->class_costs_backward(end - begin, job->n, job->dy + at, job->target + at, job->y_in + at,
                                       job->dx + at);
}

void rows_class_costs_backward(enum dtype dtype, size_t rows, size_t n, const void *dy, const void *target,
                               const void *exponential, void *dx) {
    struct job job = {.n = n, .dy = dy, .target = target, .y_in = exponential, .dx = dx};
    share_rows(&job, dtype, rows, 4, class_costs_backward);
}
