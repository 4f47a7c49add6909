#include "optim.h"

#include "backend.h"
#include "threads.h"

#include <math.h>

/* A smaller parameter stays with the caller, who most likely computes with it alone. */
#define SHARED_ELEMENTS 4096

/* Item of a job = part of the grid: each thread takes its share of every parameter. */
struct job {
    const struct optim_parameter *parameters;
    size_t count;
    enum optim_rule rule;
    const struct optim_step *step;
    bool limits; /* the gradients to [-value, value]; else they are multiplied by it */
    double value;
};

/* The block of a parameter that a part of the grid covers, and where it begins, in bytes. */
static size_t block_of(const struct optim_parameter *p, size_t part, size_t *rows, size_t *columns) {
    size_t row_parts = 1, column_parts = 1, i, i_end, j, j_end;
    *rows = *columns = 0;
    if (p->rows * p->columns >= SHARED_ELEMENTS)
        threads_grid(p->rows, p->columns, &row_parts, &column_parts);
    else if (part > 0)
        return 0;
    threads_range(p->rows, 1, part / column_parts, row_parts, &i, &i_end);
    threads_range(p->columns, 64, part % column_parts, column_parts, &j, &j_end);
    *rows = i_end - i;
    *columns = j_end - j;
    return (i * p->columns + j) * dtype_sizes[p->dtype];
}

static void update(const struct job *job, const struct optim_parameter *p, size_t part) {
    size_t rows, columns, at = block_of(p, part, &rows, &columns);
    backend(p->dtype)->optim[job->rule](rows, columns, p->columns, job->step, (const char *)p->gradient + at,
                                        p->moment1 ? (char *)p->moment1 + at : NULL,
                                        p->moment2 ? (char *)p->moment2 + at : NULL, (char *)p->parameter + at);
}

static void update_all(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    for (size_t part = begin; part < end; part++)
        for (size_t k = 0; k < job->count; k++) update(job, &job->parameters[k], part);
}

/* x = x operation value, for a number that the elements' type may round. */
static void apply(const struct kernels *kernels, enum binary operation, size_t n, void *x, double value,
                  enum dtype dtype) {
    float single = (float)value;
    kernels->binary[operation](n, x, 1, dtype == FLOAT32 ? (const void *)&single : &value, 0, x);
}

static void change_gradient(const struct job *job, const struct optim_parameter *p, size_t part) {
    size_t rows, columns, at = block_of(p, part, &rows, &columns);
    const struct kernels *kernels = backend(p->dtype);
    for (size_t r = 0; r < rows; r++) {
        void *row = (char *)p->gradient + at + r * p->columns * dtype_sizes[p->dtype];
        if (job->limits) {
            apply(kernels, BINARY_MINIMUM, columns, row, job->value, p->dtype);
            apply(kernels, BINARY_MAXIMUM, columns, row, -job->value, p->dtype);
        } else {
            apply(kernels, BINARY_MULTIPLY, columns, row, job->value, p->dtype);
        }
    }
}

static void change_gradients(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    for (size_t part = begin; part < end; part++)
        for (size_t k = 0; k < job->count; k++) change_gradient(job, &job->parameters[k], part);
}

static void share(struct job *job, double cost, void (*work)(void *context, size_t begin, size_t end)) {
    double elements = 0;
    for (size_t k = 0; k < job->count; k++)
        elements += (double)job->parameters[k].rows * (double)job->parameters[k].columns;
    threads_for(threads_count(), 0, elements * cost, work, job);
}

void optim_update(const struct optim_parameter *parameters, size_t count, enum optim_rule rule,
                  const struct optim_step *step) {
    struct job job = {.parameters = parameters, .count = count, .rule = rule, .step = step};
    share(&job, 8, update_all);
}

void optim_scale(const struct optim_parameter *parameters, size_t count, double factor) {
    struct job job = {.parameters = parameters, .count = count, .value = factor};
    share(&job, 1, change_gradients);
}

void optim_limit(const struct optim_parameter *parameters, size_t count, double most) {
    struct job job = {.parameters = parameters, .count = count, .limits = true, .value = most};
    share(&job, 2, change_gradients);
}

double optim_norm(const struct optim_parameter *parameters, size_t count) {
    double total = 0;
    for (size_t k = 0; k < count; k++) {
        const struct optim_parameter *p = &parameters[k];
        double wide;
        float single;
        backend(p->dtype)->sum_squares(p->rows * p->columns, p->gradient,
                                       p->dtype == FLOAT32 ? (void *)&single : &wide);
        total += p->dtype == FLOAT32 ? (double)single : wide;
    }
    return sqrt(total);
}
