/* Batch, layer and RMS normalisation of every instruction set: equal bit for bit to the steps written out in plain
   C, also in place where that is allowed. */
#include "../check.h"

#include "reference.h"

enum {
    PLACE_X,
    PLACE_DY,
    PLACE_MEAN,
    PLACE_INVERSE,
    PLACE_WEIGHT,
    PLACE_BIAS,
    PLACE_LEVEL,
    PLACE_TILT,
    PLACE_Y,
    PLACE_EXPECTED,
    PLACE_TERMS
};

static size_t anywhere(void) { return random_below(POSITION_COUNT); }

static bool same_or_nan(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static const float *put_row(size_t place, size_t n, enum values values) {
    return put_filled(place, n, anywhere(), values);
}

/* (x - mean) * inverse: in float where the inverse is from 2^-32 to 2^32, else in double, rounded once. */
static bool ordinary(double inverse) { return inverse >= 0x1p-32 && inverse <= 0x1p32; }
static float normalised(float x, double mean, double inverse) {
    if (ordinary(inverse)) return (x - (float)mean) * (float)inverse;
    return (float)(((double)x - mean) * inverse);
}
/* x * (weight * inverse), likewise */
static float scaled(float x, float weight, double inverse) {
    if (ordinary(inverse)) return x * (weight * (float)inverse);
    return (float)((double)x * ((double)weight * inverse));
}

/* Means and inverse deviations. */
static const double *put_statistics(size_t place, size_t n, enum values values) {
    double *to = put_bytes(place, n * sizeof *to, sizeof *to, 0);
    for (size_t i = 0; i < n; i++) to[i] = random_value(values);
    return to;
}

/* y[j] = the contract's sum over rows of terms[i, j] */
static void sum_columns(size_t rows, size_t columns, const float *terms, float *y) {
    for (size_t j = 0; j < columns; j++) y[j] = reference_sum(rows, terms + j, columns);
}

static void test_column_sums(const struct kernels *kernels, size_t rows, size_t columns, enum values values) {
    size_t row = columns + random_below(3), extent = rows ? (rows - 1) * row + columns : 0;
    size_t most = columns > rows ? columns : rows;
    const float *x = put_row(PLACE_X, extent, values), *dy = put_row(PLACE_DY, extent, values);
    const double *mean = put_statistics(PLACE_MEAN, most, values);
    const double *inverse = put_statistics(PLACE_INVERSE, most, values);
    float *terms = put(PLACE_TERMS, rows * columns, 0), *expected = put(PLACE_EXPECTED, columns, 0);
    for (int by_rows = 0; by_rows < 2; by_rows++) {
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < columns; j++) {
                size_t of = by_rows ? i : j;
                terms[i * columns + j] = dy[i * row + j] * normalised(x[i * row + j], mean[of], inverse[of]);
            }
        sum_columns(rows, columns, terms, expected);
        float *y = put(PLACE_Y, columns, anywhere());
        (by_rows ? kernels->layer_norm_weight : kernels->batch_norm_weight)(rows, columns, row, x, dy, mean,
                                                                            inverse, y);
        check_same(columns, expected, y, "by rows %d, rows %zu columns %zu", by_rows, rows, columns);
        check_guards(PLACE_Y);
    }
}

static void test_batch_norm(const struct kernels *kernels, size_t rows, size_t n, enum values values) {
    size_t count = rows * n;
    const float *x = put_row(PLACE_X, count, values), *dy = put_row(PLACE_DY, count, values);
    const double *mean = put_statistics(PLACE_MEAN, n, values);
    const double *inverse = put_statistics(PLACE_INVERSE, n, values);
    const float *weight = put_row(PLACE_WEIGHT, n, values), *bias = put_row(PLACE_BIAS, n, values);
    const float *level = put_row(PLACE_LEVEL, n, values), *tilt = put_row(PLACE_TILT, n, values);
    const struct norm norm = {.mean = mean, .inverse = inverse, .weight = weight, .bias = bias};
    struct norm_slopes slopes = {
        .mean = mean, .inverse = inverse, .gain = bias, .level = level, .tilt = tilt, .weight = weight};
    float *expected = put(PLACE_EXPECTED, count, 0), *y = put(PLACE_Y, count, anywhere());
    for (size_t i = 0; i < count; i++)
        expected[i] = fmaf(normalised(x[i], mean[i % n], inverse[i % n]), weight[i % n], bias[i % n]);
    kernels->batch_norm(rows, n, x, &norm, y);
    check_same(count, expected, y, "rows %zu n %zu values %d", rows, n, (int)values);
    check_guards(PLACE_Y);
    y = put_copy(PLACE_Y, count, anywhere(), x);
    kernels->batch_norm(rows, n, y, &norm, y);
    check_same(count, expected, y, "rows %zu n %zu values %d in place", rows, n, (int)values);

    for (size_t i = 0; i < count; i++) {
        float z = normalised(x[i], mean[i % n], inverse[i % n]);
        float rest = (dy[i] * bias[i % n] - level[i % n]) - z * tilt[i % n];
        expected[i] = scaled(rest, weight[i % n], inverse[i % n]);
    }
    y = put(PLACE_Y, count, anywhere());
    kernels->batch_norm_backward(rows, n, x, dy, &slopes, y);
    check_same(count, expected, y, "backward, rows %zu n %zu values %d", rows, n, (int)values);
    check_guards(PLACE_Y);
    y = put_copy(PLACE_Y, count, anywhere(), dy);
    kernels->batch_norm_backward(rows, n, x, y, &slopes, y);
    check_same(count, expected, y, "backward, rows %zu n %zu values %d in place", rows, n, (int)values);
    slopes.gain = NULL;
    for (size_t i = 0; i < count; i++) {
        float z = normalised(x[i], mean[i % n], inverse[i % n]);
        expected[i] = scaled((dy[i] - level[i % n]) - z * tilt[i % n], weight[i % n], inverse[i % n]);
    }
    kernels->batch_norm_backward(rows, n, x, dy, &slopes, y);
    check_same(count, expected, y, "backward without a gain, rows %zu n %zu values %d", rows, n, (int)values);
}

static double squares_of(size_t n, const float *x) {
    for (size_t i = 0; i < n; i++) reference_terms[i] = x[i];
    return reference_long_sum(n, reference_terms, SQUARES);
}

/* Without a bias the mean counts as 0. */
static void test_row_norm(const struct kernels *kernels, bool centred, size_t rows, size_t n, enum values values) {
    size_t count = rows * n;
    const float *x = put_row(PLACE_X, count, values), *dy = put_row(PLACE_DY, count, values);
    const float *weight = put_row(PLACE_WEIGHT, n, values), *bias = centred ? put_row(PLACE_BIAS, n, values) : NULL;
    float *expected = put(PLACE_EXPECTED, count, 0), *y = put(PLACE_Y, count, anywhere());
    float *g = put(PLACE_TERMS, 2 * n, 0), *gz = g + n;
    double mean[4], inverse[4], means[5], inverses[5];
    for (size_t r = 0; r < rows; r++) {
        double squares;
        mean[r] = centred ? reference_moments(n, x + r * n, 1, &squares) : 0;
        if (!centred) squares = squares_of(n, x + r * n);
        inverse[r] = 1 / sqrt(squares / (double)n + 1e-5);
        for (size_t i = 0; i < n; i++) {
            float z = normalised(x[r * n + i], mean[r], inverse[r]);
            expected[r * n + i] = bias ? fmaf(z, weight[i], bias[i]) : z * weight[i];
        }
    }
    means[rows] = inverses[rows] = 5; /* which nobody may change */
    kernels->layer_norm(rows, n, x, weight, bias, 1e-5, y, means, inverses);
    check_same(count, expected, y, "rows %zu n %zu values %d", rows, n, (int)values);
    for (size_t r = 0; r < rows; r++)
        check(same_or_nan(mean[r], means[r]) && same_or_nan(inverse[r], inverses[r]),
              "row %zu of %zu, n %zu values %d: mean %a, expected %a; deviation %a, expected %a", r, rows, n,
              (int)values, means[r], mean[r], inverses[r], inverse[r]);
    check(means[rows] == 5 && inverses[rows] == 5, "a row too many");
    check_guards(PLACE_Y);

    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < n; i++) {
            g[i] = dy[r * n + i] * weight[i];
            gz[i] = g[i] * normalised(x[r * n + i], mean[r], inverse[r]);
        }
        float level = centred ? reference_mean(n, n, g, 1) : 0, tilt = reference_mean(n, n, gz, 1);
        for (size_t i = 0; i < n; i++) {
            float rest = (g[i] - level) - normalised(x[r * n + i], mean[r], inverse[r]) * tilt;
            expected[r * n + i] = scaled(rest, 1, inverse[r]);
        }
    }
    y = put(PLACE_Y, count, anywhere());
    kernels->layer_norm_backward(rows, n, x, dy, weight, centred, means, inverses, y);
    check_same(count, expected, y, "backward, rows %zu n %zu values %d", rows, n, (int)values);
    check_guards(PLACE_Y);
    y = put_copy(PLACE_Y, count, anywhere(), dy);
    kernels->layer_norm_backward(rows, n, x, y, weight, centred, means, inverses, y);
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
        test("%s layer and RMS normalisation", name);
        for (int values = 0; values < VALUES_COUNT; values++)
            for (size_t s = 1; s < SIZE_COUNT; s++)
                for (size_t rows = 0; rows < 4; rows++)
                    for (int centred = 0; centred < 2; centred++)
                        test_row_norm(table[t], centred, rows, size_at(s), (enum values)values);
    }
    return check_end();
}
