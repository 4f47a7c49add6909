/* The matrix product of every instruction set: equal bit for bit to one chain of fused multiply-adds an element,
   for every layout of a that callers use, every kind of start, and rows with gaps, which stay untouched. */
#include "../check.h"

#include "reference.h"

enum { PLACE_A, PLACE_B, PLACE_START, PLACE_C, PLACE_EXPECTED, PLACE_LAID_OUT };
enum layout { BY_ROWS, BY_COLUMNS, SPREAD, LAYOUT_COUNT };
enum start { FROM_ZERO, FROM_BIAS, FROM_MATRIX, FROM_C, START_COUNT };

static const char *const layout_names[LAYOUT_COUNT] = {"by rows", "by columns", "spread"};
static const char *const start_names[START_COUNT] = {"zero", "bias", "matrix", "c"};

/* In `laps` pieces of k, each *lap elements after the one before. */
static struct matrix lay_out(enum layout layout, size_t m, size_t k, size_t laps, const float *a, size_t *lap) {
    size_t gap = random_below(4), piece = k / laps, column = 1;
    if (layout == BY_COLUMNS) column = m + gap;
    if (layout == SPREAD) column = 3;
    *lap = piece * column + random_below(3);
    struct matrix to = {NULL, layout == BY_COLUMNS ? 1 : laps * *lap + gap, column};
    size_t extent = m > 0 && k > 0 ? (m - 1) * to.row + (laps - 1) * *lap + (piece - 1) * column + 1 : 0;
    float *target = put(PLACE_LAID_OUT, extent, random_below(POSITION_COUNT));
    for (size_t i = 0; i < m; i++)
        for (size_t l = 0; l < k; l++) target[i * to.row + l / piece * *lap + l % piece * column] = a[i * k + l];
    to.at = target;
    return to;
}

static void test_product(const struct kernels *kernels, size_t m, size_t n, size_t k, enum layout layout,
                         enum start from, enum values values) {
    const float *a = put_filled(PLACE_A, m * k, 0, values);
    size_t laps = 1 + random_below(3), a_lap;
    if (k % laps != 0) laps = 1;
    struct matrix laid_out = lay_out(layout, m, k, laps, a, &a_lap);
    size_t b_row = n + random_below(4), c_row = n + random_below(4), start_row = from == FROM_BIAS ? 0 : c_row;
    size_t c_extent = m && n ? (m - 1) * c_row + n : 0;
    size_t start_extent = from == FROM_BIAS && m ? n : from == FROM_MATRIX ? c_extent : 0;
    const float *b = put_filled(PLACE_B, k && n ? (k - 1) * b_row + n : 0, random_below(POSITION_COUNT), values);
    const float *start = put_filled(PLACE_START, start_extent, random_below(POSITION_COUNT), values);
    float *c = put(PLACE_C, c_extent, random_below(POSITION_COUNT));
    float *expected = put(PLACE_EXPECTED, c_extent, 0);
    if (from == FROM_ZERO) start = NULL;
    if (from == FROM_C) {
        for (size_t i = 0; i < c_extent; i++) c[i] = expected[i] = random_value(values);
        reference_matmul(m, n, k, a, k, 1, b, b_row, 1, expected, start_row, expected, c_row);
        start = c;
    } else {
        reference_matmul(m, n, k, a, k, 1, b, b_row, 1, start, start_row, expected, c_row);
    }
    kernels->matmul(&(struct product){.m = m,
                                      .n = n,
                                      .k = k / laps,
                                      .a = laid_out,
                                      .b = {b, b_row, 1},
                                      .start = {start, start_row, 1},
                                      .c = c,
                                      .c_row = c_row,
                                      .laps = laps - 1,
                                      .a_lap = a_lap,
                                      .b_lap = k / laps * b_row});
    check_same(c_extent, expected, c, "m %zu n %zu k %zu in %zu laps a %s from %s values %d", m, n, k, laps,
               layout_names[layout], start_names[from], (int)values);
    check_guards(PLACE_C);
}

static void test_any(const struct kernels *kernels, size_t m, size_t n, size_t k) {
    test_product(kernels, m, n, k, (enum layout)random_below(LAYOUT_COUNT), (enum start)random_below(START_COUNT),
                 (enum values)random_below(VALUES_COUNT));
}

int main(int count, char **arguments) {
    size_t tables;
    const struct kernels *const *table = kernels_supported(&tables);
    check_start(count, arguments);
    for (size_t t = 0; t < tables; t++) {
        for (int layout = 0; layout < LAYOUT_COUNT; layout++)
            for (int from = 0; from < START_COUNT; from++) {
                test("%s matmul, a %s, from %s", table[t]->name, layout_names[layout], start_names[from]);
                for (size_t m = 0; m < 10; m++)
                    for (size_t s = 0; s < SIZE_COUNT; s++)
                        for (int values = 0; values < VALUES_COUNT; values++)
                            test_product(table[t], m, size_at(s), random_below(5), (enum layout)layout,
                                         (enum start)from, (enum values)values);
            }
        test("%s matmul, every m and n", table[t]->name);
        for (size_t m = 0; m < SIZE_COUNT; m++)
            for (size_t n = 0; n < SIZE_COUNT; n++) {
                test_any(table[t], size_at(m), size_at(n), 2);
                test_any(table[t], size_at(m), size_at(n), 5);
            }
        test("%s matmul, every n and k", table[t]->name);
        for (size_t n = 0; n < SIZE_COUNT; n++)
            for (size_t k = 0; k < SIZE_COUNT; k++) test_any(table[t], 1 + random_below(7), size_at(n), size_at(k));
        test("%s matmul, any m, n and k", table[t]->name);
        for (size_t i = 0; i < 300; i++)
            test_any(table[t], size_at(random_below(SIZE_COUNT)), size_at(random_below(SIZE_COUNT)),
                     size_at(random_below(SIZE_COUNT)));
    }
    return check_end();
}
