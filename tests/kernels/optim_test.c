/* The optimiser steps of every instruction set: equal bit for bit to the formulas in plain C, over several steps,
   on blocks whose rows have gaps, which stay untouched. */
#include "../check.h"

#include "../../src/kernels/kernels.h"

enum { PLACE_G, PLACE_M, PLACE_V, PLACE_P, PLACE_EXPECTED_M, PLACE_EXPECTED_V, PLACE_EXPECTED_P };

static float flushed(float x) { return fabsf(x) < FLT_MIN ? 0 : x; }

static void adam_expected(const struct adam_step *step, float g, float *m, float *v, float *p) {
    *m = flushed(fmaf((float)(1 - step->beta1), g - *m, *m));
    *v = flushed(fmaf((float)(1 - step->beta2), g * g - *v, *v));
    *p += (float)-step->rate * *m / (sqrtf(*v) + (float)step->epsilon);
}

static void sgd_expected(double rate, double momentum, float g, float *v, float *p) {
    if (v) g = *v = flushed(fmaf((float)momentum, *v, g));
    *p = fmaf((float)-rate, g, *p);
}

struct block {
    size_t rows, columns, row, extent;
};

static struct block random_block(size_t rows, size_t columns) {
    size_t row = columns + random_below(4);
    return (struct block){rows, columns, row, rows && columns ? (rows - 1) * row + columns : 0};
}

/* The same values at two places: one for the kernel, one for the expectation. */
static float *put_twice(size_t number, size_t expected, size_t n, enum values values, float **other) {
    float *x = put_filled(number, n, random_below(POSITION_COUNT), values);
    *other = put_copy(expected, n, 0, x);
    return x;
}

static void test_adam(const struct kernels *kernels, size_t rows, size_t columns, enum values values) {
    static const struct adam_step steps[] = {
        {0.9, 0.999, 1e-3, 1e-8}, {0.9, 0.999, 3e-4, 1e-7}, {0.5, 0.25, 10, 0}};
    struct block block = random_block(rows, columns);
    float *expected_m, *expected_v, *expected_p;
    float *m = put_twice(PLACE_M, PLACE_EXPECTED_M, block.extent, values, &expected_m);
    float *v = put_twice(PLACE_V, PLACE_EXPECTED_V, block.extent, values, &expected_v);
    float *p = put_twice(PLACE_P, PLACE_EXPECTED_P, block.extent, values, &expected_p);
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
        const float *g = put_filled(PLACE_G, block.extent, random_below(POSITION_COUNT), values);
        for (size_t r = 0; r < rows; r++)
            for (size_t i = r * block.row; i < r * block.row + columns; i++)
                adam_expected(&steps[s], g[i], &expected_m[i], &expected_v[i], &expected_p[i]);
        kernels->adam(rows, columns, block.row, &steps[s], g, m, v, p);
        check_same(block.extent, expected_m, m, "first moment, %zux%zu step %zu", rows, columns, s);
        check_same(block.extent, expected_v, v, "second moment, %zux%zu step %zu", rows, columns, s);
        check_same(block.extent, expected_p, p, "parameter, %zux%zu step %zu", rows, columns, s);
    }
    check_guards(PLACE_M);
    check_guards(PLACE_V);
    check_guards(PLACE_P);
}

static void test_sgd(const struct kernels *kernels, size_t rows, size_t columns, enum values values, bool moving) {
    struct block block = random_block(rows, columns);
    float *expected_v = NULL, *expected_p, *v = NULL;
    if (moving) v = put_twice(PLACE_V, PLACE_EXPECTED_V, block.extent, values, &expected_v);
    float *p = put_twice(PLACE_P, PLACE_EXPECTED_P, block.extent, values, &expected_p);
    for (size_t s = 0; s < 3; s++) {
        double rate = s == 0 ? 0.1 : 1.0 / 3, momentum = s == 1 ? 0.9 : 0.3;
        const float *g = put_filled(PLACE_G, block.extent, random_below(POSITION_COUNT), values);
        for (size_t r = 0; r < rows; r++)
            for (size_t i = r * block.row; i < r * block.row + columns; i++)
                sgd_expected(rate, momentum, g[i], v ? &expected_v[i] : NULL, &expected_p[i]);
        kernels->sgd(rows, columns, block.row, rate, momentum, g, v, p);
        if (v) check_same(block.extent, expected_v, v, "velocity, %zux%zu step %zu", rows, columns, s);
        check_same(block.extent, expected_p, p, "parameter, %zux%zu step %zu", rows, columns, s);
    }
    if (v) check_guards(PLACE_V);
    check_guards(PLACE_P);
}

/* A moment that only decays must reach zero, not a denormal number where rounding stops it. */
static void test_decay(const struct kernels *kernels) {
    enum { N = 17 };
    const struct adam_step step = {0.9, 0.999, 1e-3, 1e-8};
    float g[N] = {0}, m[N], v[N], p[N] = {0}, velocity[N];
    for (size_t i = 0; i < N; i++) {
        m[i] = velocity[i] = i % 2 ? -1e-37f : 1e-37f;
        v[i] = 1.2e-38f;
    }
    for (int i = 0; i < 200; i++) {
        kernels->adam(1, N, N, &step, g, m, v, p);
        kernels->sgd(1, N, N, 0.1, 0.9, g, velocity, p);
    }
    for (size_t i = 0; i < N; i++)
        check(m[i] == 0 && v[i] == 0 && velocity[i] == 0, "element %zu ends as %g, %g, %g", i, (double)m[i],
              (double)v[i], (double)velocity[i]);
}

int main(int count, char **arguments) {
    static const size_t rows[] = {0, 1, 3};
    size_t tables;
    const struct kernels *const *table = kernels_supported(&tables);
    check_start(count, arguments);
    for (size_t t = 0; t < tables; t++)
        for (int kind = 0; kind < 3; kind++) {
            static const char *const names[] = {"adam", "sgd", "sgd with momentum"};
            test("%s %s", table[t]->name, names[kind]);
            for (size_t s = 0; s < SIZE_COUNT; s++)
                for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
                    for (int values = 0; values < VALUES_COUNT; values++) {
                        if (kind == 0)
                            test_adam(table[t], rows[r], size_at(s), (enum values)values);
                        else
                            test_sgd(table[t], rows[r], size_at(s), (enum values)values, kind == 2);
                    }
        }
    for (size_t t = 0; t < tables; t++) {
        test("%s moments that decay", table[t]->name);
        test_decay(table[t]);
    }
    return check_end();
}
