/* Depthwise convolution and pooling of every instruction set: equal bit for bit to the steps written out in plain
   C, at every number of channels where vectors begin and end. */
#include "../check.h"

#include "../../../src/kernels/kernels.h"

enum { PLACE_X, PLACE_W, PLACE_START, PLACE_Y, PLACE_TAP, PLACE_EXPECTED, PLACE_EXPECTED_TAP };

static void test_depthwise(const struct kernels *kernels, size_t m, size_t n, size_t rows, size_t taps,
                           enum values values) {
    size_t tap = n + random_below(3), x_step = tap * (1 + random_below(3));
    size_t x_row = (m - 1) * x_step + taps * tap + random_below(5);
    size_t w_row = taps * tap + random_below(3), y_step = n + random_below(9), extent = (m - 1) * y_step + n;
    const float *x = put_filled(PLACE_X, rows ? rows * x_row : 0, AT_END, values);
    const float *w = put_filled(PLACE_W, rows ? rows * w_row : 0, AT_END, values);
    const float *bias = random_below(2) ? put_filled(PLACE_START, n, AT_END, values) : NULL;
    float *expected = put(PLACE_EXPECTED, extent, 0), *y = put(PLACE_Y, extent, random_below(POSITION_COUNT));
    for (size_t i = 0; i < m; i++)
        for (size_t c = 0; c < n; c++) {
            float sum = bias ? bias[c] : 0;
            for (size_t r = 0; r < rows; r++)
                for (size_t t = 0; t < taps; t++)
                    sum = fmaf(x[r * x_row + i * x_step + t * tap + c], w[r * w_row + t * tap + c], sum);
            expected[i * y_step + c] = sum;
        }
    kernels->depthwise(&(struct depthwise){.m = m,
                                           .n = n,
                                           .rows = rows,
                                           .taps = taps,
                                           .tap = tap,
                                           .x = {x, x_row, x_step},
                                           .w = {w, w_row, tap},
                                           .bias = bias,
                                           .y = y,
                                           .y_step = y_step});
    check_same(extent, expected, y, "m %zu n %zu rows %zu taps %zu", m, n, rows, taps);
    check_guards(PLACE_Y);
}

static void test_depthwise_weight(const struct kernels *kernels, size_t m, size_t n, size_t taps,
                                  enum values values) {
    size_t tap = n + random_below(3), x_step = tap * (1 + random_below(3)), dy_step = n + random_below(9);
    const float *x = put_filled(PLACE_X, (m - 1) * x_step + taps * tap, AT_END, values);
    float *dy = put_filled(PLACE_W, m * dy_step, AT_END, values);
    float *expected = put_filled(PLACE_EXPECTED, taps * tap, 0, values);
    float *dw = put_copy(PLACE_Y, taps * tap, random_below(POSITION_COUNT), expected);
    for (size_t t = 0; t < taps; t++)
        for (size_t c = 0; c < n; c++)
            for (size_t i = 0; i < m; i++)
                expected[t * tap + c] =
                    fmaf(x[i * x_step + t * tap + c], dy[i * dy_step + c], expected[t * tap + c]);
    kernels->depthwise_weight(
        &(struct depthwise){
            .m = m, .n = n, .taps = taps, .tap = tap, .x = {x, 0, x_step}, .y = dy, .y_step = dy_step},
        dw);
    check_same(taps * tap, expected, dw, "m %zu n %zu taps %zu", m, n, taps);
    check_guards(PLACE_Y);
}

static void test_window(const struct kernels *kernels, size_t n, size_t rows, size_t columns, enum values values) {
    size_t x_column = n + random_below(3), x_row = columns * x_column + random_below(9);
    size_t first = random_below(5), tap_row = columns + random_below(3);
    const float *x = put_filled(PLACE_X, rows * x_row, AT_END, values);
    float *y = put(PLACE_Y, n, random_below(POSITION_COUNT)),
          *tap = put(PLACE_TAP, n, random_below(POSITION_COUNT));
    float *expected = put(PLACE_EXPECTED, n, 0), *expected_tap = put(PLACE_EXPECTED_TAP, n, 0);
    for (size_t c = 0; c < n; c++) {
        float best = x[c];
        size_t place = first;
        for (size_t k = 1; k < rows * columns; k++) {
            float next = x[k / columns * x_row + k % columns * x_column + c];
            if (best == best && (next > best || next != next)) {
                best = next;
                place = first + k / columns * tap_row + k % columns;
            }
        }
        expected[c] = best;
        expected_tap[c] = (float)place;
    }
    const struct places window = {n, rows, columns, x_row, x_column, (ptrdiff_t)first, (ptrdiff_t)tap_row, 1};
    kernels->pool_maximum(&window, x, y, tap);
    check_same(n, expected, y, "maximum, n %zu, %zu x %zu, values %d", n, rows, columns, (int)values);
    check_same(n, expected_tap, tap, "its tap, n %zu, %zu x %zu, values %d", n, rows, columns, (int)values);
    check_guards(PLACE_Y);
    check_guards(PLACE_TAP);
    kernels->pool_pick(&window, x, expected_tap, y);
    check_same(n, expected, y, "picked, n %zu, %zu x %zu, values %d", n, rows, columns, (int)values);
    check_guards(PLACE_Y);
    double parts = (double)(1 + random_below(9));
    for (size_t c = 0; c < n; c++) {
        float sum = 0;
        double total = 0;
        for (size_t k = 0; k < rows * columns; k++) {
            sum += x[k / columns * x_row + k % columns * x_column + c];
            total += (double)x[k / columns * x_row + k % columns * x_column + c];
        }
        expected[c] = rows * columns > 1024 ? (float)(total / parts) : sum / (float)parts;
    }
    kernels->pool_average(&window, x, parts, y);
    check_same(n, expected, y, "average, n %zu, %zu x %zu, values %d", n, rows, columns, (int)values);
    check_guards(PLACE_Y);
}

static void test_backward(const struct kernels *kernels, size_t n, size_t rows, size_t columns,
                          enum values values) {
    size_t y_column = n + random_below(3), y_row = columns * y_column + random_below(9);
    size_t tap_row = 7, tap_column = 2, first = (rows - 1) * tap_row + (columns - 1) * tap_column + random_below(3);
    const float *dy = put_filled(PLACE_X, rows * y_row, AT_END, values);
    float *tap = put(PLACE_W, rows * y_row, AT_END), *expected = put(PLACE_EXPECTED, n, 0);
    for (size_t i = 0; i < rows * y_row; i++) tap[i] = (float)random_below(first + 2);
    for (size_t c = 0; c < n; c++) {
        float sum = 0;
        for (size_t k = 0; k < rows * columns; k++) {
            size_t r = k / columns, s = k % columns, at = r * y_row + s * y_column + c;
            sum += tap[at] == (float)(first - r * tap_row - s * tap_column) ? dy[at] : 0;
        }
        expected[c] = sum;
    }
    float *dx = put(PLACE_Y, n, random_below(POSITION_COUNT));
    const struct places windows = {
        n, rows, columns, y_row, y_column, (ptrdiff_t)first, -(ptrdiff_t)tap_row, -(ptrdiff_t)tap_column};
    kernels->pool_maximum_backward(&windows, dy, tap, dx);
    check_same(n, expected, dx, "maximum backward, n %zu, %zu x %zu, values %d", n, rows, columns, (int)values);
    check_guards(PLACE_Y);
}

int main(int count, char **arguments) {
    size_t tables;
    const struct kernels *const *table = kernels_supported(&tables);
    check_start(count, arguments);
    for (size_t t = 0; t < tables; t++)
        for (int kind = 0; kind < VALUES_COUNT; kind++) {
            enum values values = (enum values)kind;
            test("%s depthwise convolution, values %d", table[t]->name, kind);
            for (size_t s = 1; s < SIZE_COUNT; s++)
                for (size_t m = 1; m < 20; m += 1 + random_below(3)) {
                    test_depthwise(table[t], m, size_at(s), random_below(4), 1 + random_below(4), values);
                    test_depthwise_weight(table[t], m, size_at(s), 1 + random_below(9), values);
                }
            test("%s pooling, values %d", table[t]->name, kind);
            test_window(table[t], 19, 32, 32, values);
            test_window(table[t], 19, 25, 41, values);
            for (size_t s = 1; s < SIZE_COUNT; s++)
                for (size_t tries = 0; tries < 6; tries++) {
                    test_window(table[t], size_at(s), 1 + random_below(4), 1 + random_below(4), values);
                    test_backward(table[t], size_at(s), 1 + random_below(3), 1 + random_below(3), values);
                }
        }
    return check_end();
}
