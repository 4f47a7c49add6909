/* The optimiser steps of every instruction set: equal bit for bit to the formulas in plain C, over several steps,
   on blocks whose rows have gaps, which stay untouched. */
#include "../check.h"

#include "../../../src/kernels/kernels.h"

enum { PLACE_G, PLACE_M, PLACE_V, PLACE_P, PLACE_EXPECTED_M, PLACE_EXPECTED_V, PLACE_EXPECTED_P };

static float flushed(float x) { return fabsf(x) < FLT_MIN ? 0 : x; }

static float towards(double beta, float x, float moment) {
    return flushed(fmaf((float)(1 - beta), x - moment, moment));
}

static float sign_of(float x) { return x > 0 ? 1.0f : x < 0 ? -1.0f : x; }

/* The rules in plain C, for one element. */
static void expected(enum optim_rule rule, const struct optim_step *step, float g, float *m, float *v, float *p) {
    float rate = (float)-step->rate, momentum = (float)step->beta1, change = 0;
    if (step->decay != 0) g = fmaf((float)step->decay, *p, g);
    switch (rule) {
    case OPTIM_SGD: *p = fmaf(rate, g, *p); return;
    case OPTIM_MOMENTUM:
        *m = flushed(fmaf(momentum, *m, g));
        *p = fmaf(rate, *m, *p);
        return;
    case OPTIM_NESTEROV:
        *m = flushed(fmaf(momentum, *m, g));
        *p = fmaf(rate, fmaf(momentum, *m, g), *p);
        return;
    case OPTIM_AVERAGE: *p = fmaf((float)(1 - step->beta1), g - *p, *p); return;
    case OPTIM_ADAM:
        *m = towards(step->beta1, g, *m);
        *v = towards(step->beta2, g * g, *v);
        change = rate * *m / (sqrtf(*v) + (float)step->epsilon);
        break;
    case OPTIM_RMSPROP:
        *v = towards(step->beta2, g * g, *v);
        change = rate * g / (sqrtf(*v) + (float)step->epsilon);
        break;
    case OPTIM_ADAGRAD:
        *v = flushed(fmaf(g, g, *v));
        change = rate * g / (sqrtf(*v) + (float)step->epsilon);
        break;
    default:
        change = rate * sign_of(fmaf((float)(1 - step->beta1), g - *m, *m));
        *m = towards(step->beta2, g, *m);
        break;
    }
    if (step->fade != 0) change = fmaf((float)-step->fade, *p, change);
    *p += change;
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

static const char *const rule_names[] = {
#define OPTIM(NAME, rule, m, v) #rule,
#include "../../../src/kernels/operations.inc"
};

static void test_rule(const struct kernels *kernels, enum optim_rule rule, size_t rows, size_t columns,
                      enum values values) {
    static const struct optim_step steps[] = {
        {.rate = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8},
        {.rate = 1.0 / 3, .beta1 = 0.3, .beta2 = 0.99, .epsilon = 1e-7, .decay = 0.01},
        {.rate = 10, .beta1 = 0.5, .beta2 = 0.25, .fade = 0.125},
    };
    struct block block = random_block(rows, columns);
    float *expected_m, *expected_v, *expected_p;
    float *m = put_twice(PLACE_M, PLACE_EXPECTED_M, block.extent, values, &expected_m);
    float *v = put_twice(PLACE_V, PLACE_EXPECTED_V, block.extent, values, &expected_v);
    float *p = put_twice(PLACE_P, PLACE_EXPECTED_P, block.extent, values, &expected_p);
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
        const float *g = put_filled(PLACE_G, block.extent, random_below(POSITION_COUNT), values);
        for (size_t r = 0; r < rows; r++)
            for (size_t i = r * block.row; i < r * block.row + columns; i++)
                expected(rule, &steps[s], g[i], &expected_m[i], &expected_v[i], &expected_p[i]);
        kernels->optim[rule](rows, columns, block.row, &steps[s], g, m, v, p);
        check_same(block.extent, expected_m, m, "first moment, %zux%zu step %zu", rows, columns, s);
        check_same(block.extent, expected_v, v, "second moment, %zux%zu step %zu", rows, columns, s);
        check_same(block.extent, expected_p, p, "parameter, %zux%zu step %zu", rows, columns, s);
    }
    check_guards(PLACE_M);
    check_guards(PLACE_V);
    check_guards(PLACE_P);
}

/* Moments that a rule does not have may be NULL. */
static void test_without_moments(const struct kernels *kernels) {
    enum { N = 37 };
    const struct optim_step step = {.rate = 0.5, .beta1 = 0.75};
    float g[N], p[N], wanted[N];
    fill(N, g, PLAIN);
    fill(N, p, PLAIN);
    for (size_t i = 0; i < N; i++) wanted[i] = fmaf(0.25f, g[i] - fmaf(-0.5f, g[i], p[i]), fmaf(-0.5f, g[i], p[i]));
    kernels->optim[OPTIM_SGD](1, N, N, &step, g, NULL, NULL, p);
    kernels->optim[OPTIM_AVERAGE](1, N, N, &step, g, NULL, NULL, p);
    check_same(N, wanted, p, "sgd, then average");
}

/* A moment that only decays must reach zero, not a denormal number where rounding stops it. */
static void test_decay(const struct kernels *kernels) {
    enum { N = 17 };
    const struct optim_step step = {.rate = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    float g[N] = {0}, m[N], v[N], p[N] = {0}, velocity[N];
    for (size_t i = 0; i < N; i++) {
        m[i] = velocity[i] = i % 2 ? -1e-37f : 1e-37f;
        v[i] = 1.2e-38f;
    }
    for (int i = 0; i < 200; i++) {
        kernels->optim[OPTIM_ADAM](1, N, N, &step, g, m, v, p);
        kernels->optim[OPTIM_MOMENTUM](1, N, N, &step, g, velocity, NULL, p);
    }
    for (size_t i = 0; i < N; i++)
        check(m[i] == 0 && v[i] == 0 && velocity[i] == 0, "element %zu ends as %g, %g, %g", i, (double)m[i],
              (double)v[i], (double)velocity[i]);
}

static float any_size(int least, int most) {
    int exponent = least + (int)random_below((size_t)(most - least));
    float mantissa =
        1 + (float)random_below(4) / 4 + (random_below(2) ? (float)random_below(1 << 21) * 0x1p-23f : 0);
    return ldexpf(random_below(2) ? mantissa : -mantissa, exponent);
}

/* First moments whose product with the rate is denormal, for parameters that see it and for those that do not; with
   a fade that leaves sums halfway between two numbers, where the least term decides. */
static void test_denormal_products(const struct kernels *kernels) {
    enum { N = 4096 + 5 };
    static const float fades[] = {0, 1.5f, 0.75f, 0x1.8p-17f, 0x1p-30f},
                       rates[] = {1e-3f, 0.3f, 0x1p-22f, 0x1p-26f, 8};
    static float g[N], m[N], v[N], p[N], wanted_m[N], wanted_v[N], wanted_p[N];
    for (size_t k = 0; k < 25; k++) {
        struct optim_step step = {
            .rate = (double)rates[k / 5], .beta1 = 0.9, .beta2 = 0.999, .fade = (double)fades[k % 5]};
        step.epsilon = random_below(8) ? 1e-8 : 0;
        for (size_t i = 0; i < N; i++) {
            g[i] = random_below(8) ? 0 : any_size(-140, -60);
            wanted_m[i] = m[i] = random_below(8) ? any_size(-127, -100) : 0;
            wanted_v[i] = v[i] = random_below(8) ? fabsf(any_size(random_below(2) ? -126 : 0, 12)) : 0;
            wanted_p[i] = p[i] = random_below(8) ? any_size(-140, 2) : 0;
            expected(OPTIM_ADAM, &step, g[i], &wanted_m[i], &wanted_v[i], &wanted_p[i]);
        }
        kernels->optim[OPTIM_ADAM](1, N, N, &step, g, m, v, p);
        check_same(N, wanted_m, m, "first moment, %zu", k);
        check_same(N, wanted_p, p, "parameter, %zu", k);
    }
}

int main(int count, char **arguments) {
    static const size_t rows[] = {0, 1, 3};
    size_t tables;
    const struct kernels *const *table = kernels_supported(&tables);
    check_start(count, arguments);
    for (size_t t = 0; t < tables; t++)
        for (int rule = 0; rule < OPTIM_COUNT; rule++) {
            test("%s %s", table[t]->name, rule_names[rule]);
            for (size_t s = 0; s < SIZE_COUNT; s++)
                for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
                    for (int values = 0; values < VALUES_COUNT; values++)
                        test_rule(table[t], (enum optim_rule)rule, rows[r], size_at(s), (enum values)values);
        }
    for (size_t t = 0; t < tables; t++) {
        test("%s moments that decay", table[t]->name);
        test_decay(table[t]);
        test("%s denormal products", table[t]->name);
        for (size_t i = 0; i < 20; i++) test_denormal_products(table[t]);
        test("%s without moments", table[t]->name);
        test_without_moments(table[t]);
    }
    return check_end();
}
