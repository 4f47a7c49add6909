/* Softmax and cross-entropy of every instruction set: equal bit for bit to the steps written out in plain C, close
   to double arithmetic, safe for any finite row, and the same in place. */
#include "../check.h"

#include "reference.h"

enum { PLACE_X, PLACE_Y, PLACE_LOSS, PLACE_LABEL, PLACE_EXPECTED, PLACE_EXPECTED_LOSS, PLACE_DY, PLACE_TARGET };

static void test_softmax(const struct kernels *kernels, size_t rows, size_t n, enum values values) {
    const float *x = put_filled(PLACE_X, rows * n, random_below(POSITION_COUNT), values);
    float *expected = put(PLACE_EXPECTED, rows * n, 0), *y = put(PLACE_Y, rows * n, random_below(POSITION_COUNT));
    for (size_t r = 0; r < rows; r++) reference_softmax(n, x + r * n, expected + r * n, 0);
    kernels->softmax(rows, n, x, y);
    check_same(rows * n, expected, y, "rows %zu n %zu values %d", rows, n, (int)values);
    check_guards(PLACE_Y);
    for (size_t r = 0; r < rows && n > 0 && (values == PLAIN || values == FINITE); r++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += (double)y[r * n + i];
        check(fabs(sum - 1) < 1e-6, "n %zu: a finite row has the sum %.9f", n, sum);
    }
    y = put_copy(PLACE_Y, rows * n, random_below(POSITION_COUNT), x);
    kernels->softmax(rows, n, y, y);
    check_same(rows * n, expected, y, "rows %zu n %zu values %d in place", rows, n, (int)values);
    check_guards(PLACE_Y);
}

static void test_softmax_backward(const struct kernels *kernels, size_t rows, size_t n, enum values values) {
    size_t count = rows * n;
    const float *y = put_filled(PLACE_X, count, random_below(POSITION_COUNT), values);
    const float *dy = put_filled(PLACE_DY, count, random_below(POSITION_COUNT), values);
    float *expected = put(PLACE_EXPECTED, count, 0), *dx = put(PLACE_Y, count, random_below(POSITION_COUNT));
    for (size_t r = 0; r < rows && n > 0; r++) {
        float *row = expected + r * n;
        for (size_t i = 0; i < n; i++) row[i] = y[r * n + i] * dy[r * n + i];
        float dot = reference_sum(n, row, 1);
        for (size_t i = 0; i < n; i++) row[i] = y[r * n + i] * (dy[r * n + i] - dot);
    }
    kernels->softmax_backward(rows, n, y, dy, dx);
    check_same(count, expected, dx, "rows %zu n %zu values %d", rows, n, (int)values);
    check_guards(PLACE_Y);
    dx = put_copy(PLACE_Y, count, random_below(POSITION_COUNT), dy);
    kernels->softmax_backward(rows, n, y, dx, dx);
    check_same(count, expected, dx, "rows %zu n %zu values %d in place of dy", rows, n, (int)values);
    check_guards(PLACE_Y);
    dx = put_copy(PLACE_Y, count, random_below(POSITION_COUNT), y);
    kernels->softmax_backward(rows, n, dx, dy, dx);
    check_same(count, expected, dx, "rows %zu n %zu values %d in place of y", rows, n, (int)values);
    check_guards(PLACE_Y);
}

static int32_t *put_labels(size_t rows, size_t n) {
    int32_t *label = put_bytes(PLACE_LABEL, rows * sizeof *label, sizeof *label, random_below(POSITION_COUNT));
    for (size_t r = 0; r < rows; r++) label[r] = (int32_t)(r == 0 ? n : 1 + random_below(n));
    return label;
}

static void test_cross_entropy(const struct kernels *kernels, size_t rows, size_t n, enum values values) {
    const float *x = put_filled(PLACE_X, rows * n, random_below(POSITION_COUNT), values);
    const int32_t *label = put_labels(rows, n);
    float *expected = put(PLACE_EXPECTED, rows * n, 0), *expected_loss = put(PLACE_EXPECTED_LOSS, rows, 0);
    for (size_t r = 0; r < rows; r++)
        expected_loss[r] = reference_softmax(n, x + r * n, expected + r * n, (size_t)label[r]);
    float *y = put(PLACE_Y, rows * n, random_below(POSITION_COUNT));
    float *loss = put(PLACE_LOSS, rows, random_below(POSITION_COUNT));
    kernels->cross_entropy(rows, n, x, label, loss, y);
    check_same(rows * n, expected, y, "probabilities, rows %zu n %zu values %d", rows, n, (int)values);
    check_same(rows, expected_loss, loss, "losses, rows %zu n %zu values %d", rows, n, (int)values);
    check_guards(PLACE_Y);
    check_guards(PLACE_LOSS);
    for (size_t r = 0; r < rows && values == PLAIN; r++) {
        double sum = exp((double)x[r * n]), right = (double)x[r * n + (size_t)label[r] - 1];
        for (size_t i = 1; i < n; i++) sum += exp((double)x[r * n + i]);
        check(fabs((double)loss[r] - (log(sum) - right)) < 2e-6, "n %zu: the loss is %.9f, in double %.9f", n,
              (double)loss[r], log(sum) - right);
    }
    y = put_copy(PLACE_Y, rows * n, random_below(POSITION_COUNT), x);
    loss = put(PLACE_LOSS, rows, random_below(POSITION_COUNT));
    kernels->cross_entropy(rows, n, y, label, loss, y);
    check_same(rows * n, expected, y, "probabilities in place, rows %zu n %zu", rows, n);
    check_same(rows, expected_loss, loss, "losses in place, rows %zu n %zu", rows, n);
    check_guards(PLACE_Y);
}

static void test_cross_entropy_backward(const struct kernels *kernels, size_t rows, size_t n, enum values values) {
    static const double scales[] = {1.0 / 32, 1, 1.0 / 3, -2};
    double scale = scales[random_below(sizeof scales / sizeof *scales)];
    const float *p = put_filled(PLACE_X, rows * n, random_below(POSITION_COUNT), values);
    const int32_t *label = put_labels(rows, n);
    float *expected = put(PLACE_EXPECTED, rows * n, 0), *dx = put(PLACE_Y, rows * n, random_below(POSITION_COUNT));
    for (size_t i = 0; i < rows * n; i++)
        expected[i] = (i % n == (size_t)label[i / n] - 1 ? p[i] - 1 : p[i]) * (float)scale;
    kernels->cross_entropy_backward(rows, n, p, label, scale, dx);
    check_same(rows * n, expected, dx, "rows %zu n %zu values %d", rows, n, (int)values);
    check_guards(PLACE_Y);
    dx = put_copy(PLACE_Y, rows * n, random_below(POSITION_COUNT), p);
    kernels->cross_entropy_backward(rows, n, dx, label, scale, dx);
    check_same(rows * n, expected, dx, "rows %zu n %zu values %d in place", rows, n, (int)values);
    check_guards(PLACE_Y);
}

/* Targets of which a third are 0. */
static const float *put_targets(size_t count, enum values values) {
    float *target = put_filled(PLACE_TARGET, count, random_below(POSITION_COUNT), values);
    for (size_t i = 0; i < count; i++)
        if (random_below(3) == 0) target[i] = 0;
    return target;
}

static void test_class_costs(const struct kernels *kernels, size_t rows, size_t n, enum values values) {
    size_t count = rows * n;
    const float *x = put_filled(PLACE_X, count, random_below(POSITION_COUNT), values);
    const float *target = put_targets(count, values);
    float *expected = put(PLACE_EXPECTED, count, 0), *cost = put(PLACE_Y, count, random_below(POSITION_COUNT));
    float *exponential = put(PLACE_LOSS, count, random_below(POSITION_COUNT));
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * n;
        float most = reference_extreme(REDUCE_MAXIMUM, n, row, 1), *y = expected + r * n;
        for (size_t i = 0; i < n; i++) y[i] = reference_exp(row[i] - most);
        float log_sum = reference_log(reference_sum(n, y, 1));
        for (size_t i = 0; i < n; i++) {
            float one = -((row[i] - most) - log_sum), part = target[r * n + i];
            y[i] = part * (part == 0 && isinf(one) && one > 0 ? 0 : one);
        }
    }
    kernels->class_costs(rows, n, x, target, exponential, cost);
    check_same(count, expected, cost, "rows %zu n %zu values %d", rows, n, (int)values);
    check_guards(PLACE_Y);
    check_guards(PLACE_LOSS);
    for (size_t i = 0; i < count && values == PLAIN; i++) {
        float most = reference_extreme(REDUCE_MAXIMUM, n, x + i / n * n, 1);
        expected[i] = reference_exp(x[i] - most);
    }
    if (values == PLAIN) check_same(count, expected, exponential, "exponentials, rows %zu n %zu", rows, n);
}

static void test_class_costs_backward(const struct kernels *kernels, size_t rows, size_t n, enum values values) {
    size_t count = rows * n;
    const float *dy = put_filled(PLACE_DY, count, random_below(POSITION_COUNT), values);
    const float *target = put_targets(count, values);
    const float *exponential = put_filled(PLACE_X, count, random_below(POSITION_COUNT), values);
    float *expected = put(PLACE_EXPECTED, count, 0), *dx = put(PLACE_Y, count, random_below(POSITION_COUNT));
    for (size_t r = 0; r < rows; r++) {
        float *row = expected + r * n;
        for (size_t i = 0; i < n; i++) row[i] = dy[r * n + i] * target[r * n + i];
        float factor = reference_sum(n, row, 1) / reference_sum(n, exponential + r * n, 1);
        for (size_t i = 0; i < n; i++) row[i] = factor * exponential[r * n + i] - row[i];
    }
    kernels->class_costs_backward(rows, n, dy, target, exponential, dx);
    check_same(count, expected, dx, "rows %zu n %zu values %d", rows, n, (int)values);
    check_guards(PLACE_Y);
}

/* Logits far apart and far from zero, where the definition taken literally would divide infinity by infinity. */
static void test_far(const struct kernels *kernels) {
    const float far[][3] = {
        {FLT_MAX, -FLT_MAX, 0}, {-FLT_MAX, -FLT_MAX, -FLT_MAX}, {1000, 999, 0}, {-1e30f, 0, 1e-40f}};
    const float expected[][3] = {
        {1, 0, 0}, {1.0f / 3, 1.0f / 3, 1.0f / 3}, {0.7310586f, 0.2689414f, 0}, {0, 0.5f, 0.5f}};
    for (size_t r = 0; r < sizeof far / sizeof *far; r++) {
        float y[3];
        kernels->softmax(1, 3, far[r], y);
        for (size_t i = 0; i < 3; i++)
            check(fabsf(y[i] - expected[r][i]) < 1e-6f, "row %zu: element %zu is %.9g", r, i, (double)y[i]);
    }
}

typedef void (*row_test)(const struct kernels *kernels, size_t rows, size_t n, enum values values);

static void test_sizes(const struct kernels *kernels, const char *name, row_test run, size_t first_size) {
    static const size_t rows[] = {0, 1, 2, 5, 17, 33};
    test("%s %s", kernels->name, name);
    for (size_t s = first_size; s < SIZE_COUNT; s++)
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
            for (int values = 0; values < VALUES_COUNT; values++)
                run(kernels, rows[r], size_at(s), (enum values)values);
    run(kernels, 3, 1040, PLAIN);
    run(kernels, 2, 4999, PLAIN);
}

int main(int count, char **arguments) {
    size_t tables;
    const struct kernels *const *table = kernels_supported(&tables);
    check_start(count, arguments);
    for (size_t t = 0; t < tables; t++) {
        test_sizes(table[t], "softmax", test_softmax, 0);
        test_far(table[t]);
        test_sizes(table[t], "softmax backward", test_softmax_backward, 0);
        test_sizes(table[t], "cross-entropy", test_cross_entropy, 1);
        test_sizes(table[t], "cross-entropy backward", test_cross_entropy_backward, 1);
        test_sizes(table[t], "costs of classes", test_class_costs, 1);
        test_sizes(table[t], "costs of classes backward", test_class_costs_backward, 1);
    }
    return check_end();
}
