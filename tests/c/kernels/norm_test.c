/* Batch and layer normalisation of every instruction set: equal bit for bit to the steps written out in plain C,
   also in place where that is allowed. */
#include "../check.h"

#include "reference.h"

enum {
    PLACE_X,
    PLACE_DY,
    PLACE_MEAN,
    PLACE_INVERSE,
    PLACE_WEIGHT,
    PLACE_BIAS,
    PLACE_Y,
    PLACE_EXPECTED,
    PLACE_TERMS
};

static size_t anywhere(void) { return random_below(POSITION_COUNT); }

static const float *put_row(size_t place, size_t n, enum values values) {
    return put_filled(place, n, anywhere(), values);
}

/* y[j] = the contract's sum over rows of terms[i, j] */
static void sum_columns(size_t rows, size_t columns, const float *terms, float *y) {
    for (size_t j = 0; j < columns; j++) y[j] = reference_sum(rows, terms + j, columns);
}

static void test_column_sums(const struct kernels *kernels, size_t rows, size_t columns, enum values values) {
    size_t row = columns + random_below(3), extent = rows ? (rows - 1) * row + columns : 0;
    const float *x = put_row(PLACE_X, extent, values), *dy = put_row(PLACE_DY, extent, values);
    const float *mean = put_row(PLACE_MEAN, columns > rows ? columns : rows, values);
    const float *inverse = put_row(PLACE_INVERSE, rows, values);
    float *terms = put(PLACE_TERMS, rows * columns, 0), *expected = put(PLACE_EXPECTED, columns, 0);
    for (int kind = 0; kind < 3; kind++) {
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < columns; j++) {
                float at = x[i * row + j], slope = dy[i * row + j];
                terms[i * columns + j] = kind == 0   ? (at - mean[j]) * (at - mean[j])
                                         : kind == 1 ? slope * (at - mean[j])
                                                     : slope * ((at - mean[i]) * inverse[i]);
            }
        sum_columns(rows, columns, terms, expected);
        float *y = put(PLACE_Y, columns, anywhere());
        if (kind == 0)
            kernels->centred_squares(rows, columns, row, x, mean, y);
        else if (kind == 1)
            kernels->centred_products(rows, columns, row, x, dy, mean, y);
        else
            kernels->layer_norm_weight(rows, columns, row, x, dy, mean, inverse, y);
        check_same(columns, expected, y, "kind %d rows %zu columns %zu", kind, rows, columns);
        check_guards(PLACE_Y);
    }
}

static void test_batch_norm(const struct kernels *kernels, size_t rows, size_t n, enum values values) {
    size_t count = rows * n;
    const float *x = put_row(PLACE_X, count, values), *dy = put_row(PLACE_DY, count, values);
    const float *mean = put_row(PLACE_MEAN, n, values), *inverse = put_row(PLACE_INVERSE, n, values);
    const float *weight = put_row(PLACE_WEIGHT, n, values), *bias = put_row(PLACE_BIAS, n, values);
    const struct norm norm = {.mean = mean, .inverse = inverse, .weight = weight, .bias = bias};
    const struct norm_slopes slopes = {.mean = mean, .level = inverse, .tilt = weight, .factor = bias};
    float *expected = put(PLACE_EXPECTED, count, 0), *y = put(PLACE_Y, count, anywhere());
    for (size_t i = 0; i < count; i++)
        expected[i] = fmaf((x[i] - mean[i % n]) * inverse[i % n], weight[i % n], bias[i % n]);
    kernels->batch_norm(rows, n, x, &norm, y);
    check_same(count, expected, y, "rows %zu n %zu values %d", rows, n, (int)values);
    check_guards(PLACE_Y);
    y = put_copy(PLACE_Y, count, anywhere(), x);
    kernels->batch_norm(rows, n, y, &norm, y);
    check_same(count, expected, y, "rows %zu n %zu values %d in place", rows, n, (int)values);

    for (size_t i = 0; i < count; i++)
        expected[i] = ((dy[i] - inverse[i % n]) - (x[i] - mean[i % n]) * weight[i % n]) * bias[i % n];
    y = put(PLACE_Y, count, anywhere());
    kernels->batch_norm_backward(rows, n, x, dy, &slopes, y);
    check_same(count, expected, y, "backward, rows %zu n %zu values %d", rows, n, (int)values);
    check_guards(PLACE_Y);
    y = put_copy(PLACE_Y, count, anywhere(), dy);
    kernels->batch_norm_backward(rows, n, x, y, &slopes, y);
    check_same(count, expected, y, "backward, rows %zu n %zu values %d in place", rows, n, (int)values);
}

static void test_layer_norm(const struct kernels *kernels, size_t rows, size_t n, enum values values) {
    size_t count = rows * n;
    const float *x = put_row(PLACE_X, count, values), *dy = put_row(PLACE_DY, count, values);
    const float *weight = put_row(PLACE_WEIGHT, n, values), *bias = put_row(PLACE_BIAS, n, values);
    float *expected = put(PLACE_EXPECTED, count, 0), *y = put(PLACE_Y, count, anywhere());
    float *terms = put(PLACE_TERMS, 2 * n + 2 * rows, 0), *g = terms, *gz = g + n, *mean = gz + n;
    float *inverse = mean + rows;
    for (size_t r = 0; r < rows; r++) {
        mean[r] = reference_sum(n, x + r * n, 1) / (float)n;
        for (size_t i = 0; i < n; i++) g[i] = (x[r * n + i] - mean[r]) * (x[r * n + i] - mean[r]);
        inverse[r] = 1 / sqrtf(reference_sum(n, g, 1) / (float)n + 1e-5f);
        for (size_t i = 0; i < n; i++)
            expected[r * n + i] = fmaf((x[r * n + i] - mean[r]) * inverse[r], weight[i], bias[i]);
    }
    float *means = put(PLACE_MEAN, rows, anywhere()), *inverses = put(PLACE_INVERSE, rows, anywhere());
    kernels->layer_norm(rows, n, x, weight, bias, 1e-5, y, means, inverses);
    check_same(count, expected, y, "rows %zu n %zu values %d", rows, n, (int)values);
    check_same(rows, mean, means, "means, rows %zu n %zu values %d", rows, n, (int)values);
    check_same(rows, inverse, inverses, "deviations, rows %zu n %zu values %d", rows, n, (int)values);
    check_guards(PLACE_Y);
    check_guards(PLACE_MEAN);
    check_guards(PLACE_INVERSE);

    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < n; i++) {
            g[i] = dy[r * n + i] * weight[i];
            gz[i] = g[i] * ((x[r * n + i] - mean[r]) * inverse[r]);
        }
        float level = reference_sum(n, g, 1) / (float)n, tilt = reference_sum(n, gz, 1) / (float)n;
        for (size_t i = 0; i < n; i++)
            expected[r * n + i] = ((g[i] - level) - ((x[r * n + i] - mean[r]) * inverse[r]) * tilt) * inverse[r];
    }
    y = put(PLACE_Y, count, anywhere());
    kernels->layer_norm_backward(rows, n, x, dy, weight, means, inverses, y);
    check_same(count, expected, y, "backward, rows %zu n %zu values %d", rows, n, (int)values);
    check_guards(PLACE_Y);
    y = put_copy(PLACE_Y, count, anywhere(), dy);
    kernels->layer_norm_backward(rows, n, x, y, weight, means, inverses, y);
    check_same(count, expected, y, "backward, rows %zu n %zu values %d in place", rows, n, (int)values);
}

int main(int count, char **arguments) {
    size_t tables;
    const struct kernels *const *table = kernels_supported(&tables);
    check_start(count, arguments);
    for (size_t t = 0; t < tables; t++) {
        const char *name = table[t]->name;
        test("%s sums over rows", name);
        for (int values = 0; values < VALUES_COUNT; values++)
            for (size_t r = 0; r < SIZE_COUNT; r++)
                test_column_sums(table[t], size_at(r), size_at(random_below(SIZE_COUNT)), (enum values)values);
        for (size_t n = 1; n < 40; n += 9) test_column_sums(table[t], 5000 + random_below(2000), n, PLAIN);
        test("%s batch normalisation", name);
        for (int values = 0; values < VALUES_COUNT; values++)
            for (size_t s = 0; s < SIZE_COUNT; s++)
                for (size_t rows = 0; rows < 4; rows++)
                    test_batch_norm(table[t], rows, size_at(s), (enum values)values);
        test("%s layer normalisation", name);
        for (int values = 0; values < VALUES_COUNT; values++)
            for (size_t s = 1; s < SIZE_COUNT; s++)
                for (size_t rows = 0; rows < 4; rows++)
                    test_layer_norm(table[t], rows, size_at(s), (enum values)values);
    }
    return check_end();
}
