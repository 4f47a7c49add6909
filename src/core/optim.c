#include "optim.h"

#include "backend.h"
#include "threads.h"

/* A smaller parameter stays with the caller, who most likely computes with it alone. */
#define SHARED_ELEMENTS 4096

struct job {
    const struct optim_parameter *parameters;
    size_t count;
    const struct adam_step *adam; /* NULL for sgd */
    double rate, momentum;
    size_t parts;
};

static void update(const struct job *job, const struct optim_parameter *p, size_t part) {
    size_t row_parts = 1, column_parts = 1, i, i_end, j, j_end, size = dtype_sizes[p->dtype];
    if (p->rows * p->columns >= SHARED_ELEMENTS)
        threads_grid(p->rows, p->columns, &row_parts, &column_parts);
    else if (part > 0)
        return;
    threads_range(p->rows, 1, part / column_parts, row_parts, &i, &i_end);
    threads_range(p->columns, 64, part % column_parts, column_parts, &j, &j_end);
    size_t at = (i * p->columns + j) * size;
    const struct kernels *kernels = backend(p->dtype);
    const char *gradient = (const char *)p->gradient + at;
    char *parameter = (char *)p->parameter + at, *moment1 = p->moment1 ? (char *)p->moment1 + at : NULL;
    if (job->adam)
        kernels->adam(i_end - i, j_end - j, p->columns, job->adam, gradient, moment1, (char *)p->moment2 + at,
                      parameter);
    else
        kernels->sgd(i_end - i, j_end - j, p->columns, job->rate, job->momentum, gradient, moment1, parameter);
}

/* Item = part of the grid: each thread updates its share of every parameter. */
static void run(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    for (size_t part = begin; part < end; part++)
        for (size_t k = 0; k < job->count; k++) update(job, &job->parameters[k], part);
}

static void share(struct job *job) {
    double cost = 0;
    for (size_t k = 0; k < job->count; k++)
        cost += (double)job->parameters[k].rows * (double)job->parameters[k].columns * 8;
    threads_for(threads_count(), 0, cost, run, job);
}

void optim_adam(const struct optim_parameter *parameters, size_t count, const struct adam_step *step) {
    struct job job = {.parameters = parameters, .count = count, .adam = step};
    share(&job);
}

void optim_sgd(const struct optim_parameter *parameters, size_t count, double rate, double momentum) {
    struct job job = {.parameters = parameters, .count = count, .rate = rate, .momentum = momentum};
    share(&job);
}
