#include "optim.h"

#include "backend.h"
#include "rounding.h"
#include "row_set.h"
#include "threads.h"

#include <float.h>
#include <math.h>

/* A smaller parameter stays with the caller, who most likely computes with it alone. */
#define SHARED_ELEMENTS 4096

/* A smaller sum of squares may have lost some that are denormal or 0. */
#define LEAST_SQUARES 0x1p-900

/* 2 to the power of this is a number, and the square of the least double times it is normal. */
#define SCALE_MOST 1000

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

/* True where a row stays as it is, bit for bit, whose gradient is zeros: p - rate 0 = p, also for -0. */
static bool passes_over_zeros(const struct job *job, const struct optim_parameter *p) {
    const struct optim_step *step = job->step;
    return p->rows_set && job->rule == OPTIM_SGD && step->decay == 0 && step->rate >= 0 && step->rate <= FLT_MAX;
}

static void update_rows(const struct job *job, const struct optim_parameter *p, size_t part) {
    size_t row, end, run_end, size = dtype_sizes[p->dtype];
    threads_range(p->rows, ROW_SET_WORD, part, threads_count(), &row, &end);
    for (; row_set_run(p->rows_set, end, &row, &run_end); row = run_end) {
        size_t count = (run_end - row) * p->columns, at = row * p->columns * size;
        backend(p->dtype)->optim[job->rule](1, count, count, job->step, (const char *)p->gradient + at, NULL, NULL,
                                            (char *)p->parameter + at);
    }
}

static void update_all(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    for (size_t part = begin; part < end; part++)
        for (size_t k = 0; k < job->count; k++) {
            const struct optim_parameter *p = &job->parameters[k];
            (passes_over_zeros(job, p) ? update_rows : update)(job, p, part);
        }
}

/* x = x operation value, for a number that the elements' type may round. */
static void apply(const struct kernels *kernels, enum binary operation, size_t n, void *x, double value,
                  enum dtype dtype) {
    float single = (float)value;
    kernels->binary[operation](n, x, 1, dtype == FLOAT32 ? (const void *)&single : &value, 0, x);
}

/* x = x * factor in steps that are normal numbers of the type, since a denormal factor has lost digits. */
static void scale(const struct kernels *kernels, size_t n, void *x, double factor, enum dtype dtype) {
    double least = dtype == FLOAT32 ? FLT_MIN : DBL_MIN;
    for (; factor != 0 && fabs(factor) < least; factor *= 0x1p64)
        apply(kernels, BINARY_MULTIPLY, n, x, 0x1p-64, dtype);
    apply(kernels, BINARY_MULTIPLY, n, x, factor, dtype);
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
            scale(kernels, columns, row, job->value, p->dtype);
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

static double sum_of_squares(const struct optim_parameter *parameters, size_t count, double scale) {
    double total = 0;
    for (size_t k = 0; k < count; k++) {
        const struct optim_parameter *p = &parameters[k];
        total += backend(p->dtype)->sum_squares(p->rows * p->columns, p->gradient, scale);
    }
    return total;
}

/* The largest absolute value, or a NaN where there is one. */
static double largest(const struct optim_parameter *parameters, size_t count) {
    double most = 0;
    for (size_t k = 0; k < count; k++) {
        const struct optim_parameter *p = &parameters[k];
        for (size_t i = 0; i < p->rows * p->columns; i++) {
            double size = fabs(tensor_element(p->dtype, p->gradient, i));
            if (size > most || size != size) most = size;
        }
    }
    return most;
}

static double norm(const struct optim_parameter *parameters, size_t count) {
    double total = sum_of_squares(parameters, count, 1);
    if (total > LEAST_SQUARES && total < INFINITY) return sqrt(total);
    double most = largest(parameters, count);
    if (most == 0 || !isfinite(most)) return most;
    int exponent;
    frexp(most, &exponent);
    if (exponent < -SCALE_MOST) exponent = -SCALE_MOST;
    return ldexp(sqrt(sum_of_squares(parameters, count, ldexp(1, -exponent))), exponent);
}

double optim_norm(const struct optim_parameter *parameters, size_t count) {
    rounding_mode before = rounding_begin();
    volatile double result = norm(parameters, count);
    rounding_end(before);
    return result;
}
