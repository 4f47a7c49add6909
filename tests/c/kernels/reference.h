/* The numerics contract once more, in plain C and independent of the kernels' template: the order of sums, the
   choice among equal extremes, the chain of a matrix product. Tests of kernels and of the core compare with it. */
#ifndef FNET_TESTS_REFERENCE_H
#define FNET_TESTS_REFERENCE_H

#include "../../../src/kernels/kernels.h"

#include <math.h>

/* How the 8 terms of a group are added: in float; in double; in double, each squared. */
enum reference_kind { SINGLE, DOUBLE, SQUARES };

/* The sum in double. Lane `lane` of the 16 takes every 16th term; 8 terms make a group, 8 groups a run, 64 runs a
   block. */
static inline double reference_long_lane(size_t n, const double *x, size_t lane, enum reference_kind kind) {
    double blocks = 0, runs = 0, groups = 0, elements = 0;
    size_t taken = 0;
    for (size_t i = lane; i < n; i += 16) {
        if (kind == SQUARES)
            elements = fma(x[i], x[i], elements);
        else
            elements = kind == SINGLE ? (double)((float)elements + (float)x[i]) : elements + x[i];
        taken++;
        if (taken % 8 == 0) {
            groups += elements;
            elements = 0;
        }
        if (taken % 64 == 0) {
            runs += groups;
            groups = 0;
        }
        if (taken % 4096 == 0) {
            blocks += runs;
            runs = 0;
        }
    }
    return blocks + (runs + (groups + elements));
}

static inline double reference_long_sum(size_t n, const double *x, enum reference_kind kind) {
    double s[16];
    for (size_t lane = 0; lane < 16; lane++) s[lane] = reference_long_lane(n, x, lane, kind);
    double even = ((s[0] + s[8]) + (s[4] + s[12])) + ((s[2] + s[10]) + (s[6] + s[14]));
    double odd = ((s[1] + s[9]) + (s[5] + s[13])) + ((s[3] + s[11]) + (s[7] + s[15]));
    return even + odd;
}

/* The terms of a sum in double, which the test fills in. */
enum { REFERENCE_TERMS = 150000 };
static double reference_terms[REFERENCE_TERMS];

/* The sum divided by a count: up to 1024 terms in float, more in double. */
static inline float reference_mean(size_t n, size_t count, const float *x, size_t step) {
    float s[16] = {0};
    if (n > 1024) {
        check(n <= REFERENCE_TERMS, "%zu terms are too many", n);
        for (size_t i = 0; i < n; i++) reference_terms[i] = x[i * step];
        return (float)(reference_long_sum(n, reference_terms, SINGLE) / (double)count);
    }
    for (size_t lane = 0; lane < 16; lane++)
        for (size_t i = lane; i < n; i += 16) s[lane] += x[i * step];
    float even = ((s[0] + s[8]) + (s[4] + s[12])) + ((s[2] + s[10]) + (s[6] + s[14]));
    float odd = ((s[1] + s[9]) + (s[5] + s[13])) + ((s[3] + s[11]) + (s[7] + s[15]));
    return (even + odd) / (float)count;
}

/* A mean whose sum is beyond float is taken in double. */
static inline float reference_finite_mean(size_t n, const float *x, size_t step) {
    float mean = reference_mean(n, n, x, step);
    if (isfinite(mean)) return mean;
    for (size_t i = 0; i < n; i++) reference_terms[i] = x[i * step];
    return (float)(reference_long_sum(n, reference_terms, DOUBLE) / (double)n);
}

static inline float reference_sum(size_t n, const float *x, size_t step) { return reference_mean(n, 1, x, step); }

/* The mean, and the sum of squared distances from it. */
static inline double reference_moments(size_t n, const float *x, size_t step, double *squares) {
    check(n <= REFERENCE_TERMS, "%zu terms are too many", n);
    for (size_t i = 0; i < n; i++) reference_terms[i] = x[i * step];
    double mean = reference_long_sum(n, reference_terms, DOUBLE) / (double)n;
    for (size_t i = 0; i < n; i++) reference_terms[i] -= mean;
    *squares = reference_long_sum(n, reference_terms, SQUARES);
    return mean;
}

/* A NaN wins; of equal values, which differ only as zeros of both signs do, the second stays. */
static inline float reference_pick(enum reduction operation, float a, float b) {
    if (isnan(a) || isnan(b)) return NAN;
    return (operation == REDUCE_MAXIMUM ? a > b : a < b) ? a : b;
}

static inline float reference_extreme(enum reduction operation, size_t n, const float *x, size_t step) {
    float best[16] = {0};
    size_t lanes = n < 16 ? n : 16;
    for (size_t lane = 0; lane < lanes; lane++) {
        best[lane] = x[lane * step];
        for (size_t i = lane + 16; i < n; i += 16) best[lane] = reference_pick(operation, best[lane], x[i * step]);
    }
    for (size_t half = 8; half > 0; half /= 2)
        for (size_t lane = 0; lane < half && lane + half < lanes; lane++)
            best[lane] = reference_pick(operation, best[lane], best[lane + half]);
    return best[0];
}

/* Lane l of 16 takes the factors l, l + 16, ..., in double; joined as a tree. */
static inline float reference_product(size_t n, const float *x, size_t step) {
    double lane[16];
    for (size_t l = 0; l < 16; l++) {
        lane[l] = 1;
        for (size_t i = l; i < n; i += 16) lane[l] *= (double)x[i * step];
    }
    for (size_t half = 8; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++) lane[l] *= lane[l + half];
    return (float)lane[0];
}

static inline float reference_reduce(enum reduction operation, size_t n, const float *x, size_t step) {
    if (operation == REDUCE_SUM) return reference_sum(n, x, step);
    if (operation == REDUCE_PRODUCT) return reference_product(n, x, step);
    return operation == REDUCE_MEAN ? reference_finite_mean(n, x, step) : reference_extreme(operation, n, x, step);
}

/* A chain of so many products, from `x` on: of more than 4096, each block of 1024 is added in double. */
struct reference_chain {
    size_t length, done;
    double blocks;
    float x;
};
static inline void reference_extend(struct reference_chain *chain, float a, float b) {
    chain->x = fmaf(a, b, chain->x);
    if (++chain->done % 1024 != 0 || chain->length <= 4096) return;
    chain->blocks += (double)chain->x;
    chain->x = 0;
}
static inline float reference_end(const struct reference_chain *chain) {
    return chain->length > 4096 ? (float)(chain->blocks + (double)chain->x) : chain->x;
}

/* c[m, n] = start + a[m, k] b[k, n]; start[i * start_row + j], or NULL for zero. a and b have any strides. */
static inline void reference_matmul(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column,
                                    const float *b, size_t b_row, size_t b_column, const float *start,
                                    size_t start_row, float *c, size_t c_row) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            struct reference_chain chain = {.length = k, .x = start ? start[i * start_row + j] : 0};
            for (size_t l = 0; l < k; l++)
                reference_extend(&chain, a[i * a_row + l * a_column], b[l * b_row + j * b_column]);
            c[i * c_row + j] = reference_end(&chain);
        }
}

static inline float reference_exp(float x) {
    float y;
    kernels_portable.unary[UNARY_EXP](1, &x, &y);
    return y;
}

static inline float reference_log(float x) {
    float y;
    kernels_portable.unary[UNARY_LOG](1, &x, &y);
    return y;
}

/* One row; returns the loss of the given label, which counts from 1 (0: no label). */
static inline float reference_softmax(size_t n, const float *x, float *y, size_t label) {
    if (n == 0) return 0;
    float most = reference_extreme(REDUCE_MAXIMUM, n, x, 1), right = label ? x[label - 1] : 0;
    for (size_t i = 0; i < n; i++) y[i] = reference_exp(x[i] - most);
    float sum = reference_sum(n, y, 1);
    for (size_t i = 0; i < n; i++) y[i] /= sum;
    return reference_log(sum) + (most - right);
}

#endif
