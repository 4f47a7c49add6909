/* Sums, maxima and minima of every instruction set, along rows and down columns: equal bit for bit to the order
   that the numerics contract lays down. */
#include "../check.h"

#include "reference.h"

static const char *const names[REDUCE_COUNT] = {"sum", "maximum", "minimum"};

enum { PLACE_X, PLACE_Y, PLACE_EXPECTED };

static void test_row(const struct kernels *kernels, enum reduction operation, size_t n, enum values values) {
    for (size_t position = 0; position < POSITION_COUNT; position++) {
        const float *x = put_filled(PLACE_X, n, position, values);
        float *expected = put(PLACE_EXPECTED, 1, 0), *y = put(PLACE_Y, 1, random_below(POSITION_COUNT));
        *expected = reference_reduce(operation, n, x, 1);
        kernels->reduce[operation](n, x, y);
        check_same(1, expected, y, "n %zu values %d", n, (int)values);
        check_guards(PLACE_Y);
    }
}

static void test_columns(const struct kernels *kernels, enum reduction operation, size_t rows, size_t columns,
                         enum values values) {
    size_t x_row = columns + random_below(4), extent = rows ? (rows - 1) * x_row + columns : 0;
    const float *x = put_filled(PLACE_X, extent, random_below(POSITION_COUNT), values);
    float *expected = put(PLACE_EXPECTED, columns, 0), *y = put(PLACE_Y, columns, random_below(POSITION_COUNT));
    for (size_t j = 0; j < columns; j++) expected[j] = reference_reduce(operation, rows, x + j, x_row);
    kernels->reduce_columns[operation](rows, columns, x, x_row, y);
    check_same(columns, expected, y, "rows %zu columns %zu stride %zu values %d", rows, columns, x_row,
               (int)values);
    check_guards(PLACE_Y);
}

static void test_squares(const struct kernels *kernels, size_t n, enum values values, double scale) {
    const float *x = put_filled(PLACE_X, n, random_below(POSITION_COUNT), values);
    double lane[16] = {0}, y = kernels->sum_squares(n, x, scale);
    for (size_t i = 0; i < n; i++) lane[i % 16] += (x[i] * scale) * (x[i] * scale);
    for (size_t half = 8; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++) lane[l] += lane[l + half];
    check(y == lane[0] || (isnan(y) && isnan(lane[0])), "n %zu values %d scale %a: %a, expected %a", n, (int)values,
          scale, y, lane[0]);
}

int main(int count, char **arguments) {
    /* around the ends of a group (64 elements of each of 16 lanes) and of a block (64 groups) */
    static const size_t long_sizes[] = {1007, 1008,  1023,  1024,  1025,  1039,  1040,   2048,
                                        4999, 65535, 65536, 65537, 65551, 65552, 131072, 140001};
    enum { LONG_COUNT = sizeof long_sizes / sizeof *long_sizes };
    size_t tables;
    const struct kernels *const *table = kernels_supported(&tables);
    check_start(count, arguments);
    for (size_t t = 0; t < tables; t++)
        for (int o = 0; o < REDUCE_COUNT; o++) {
            enum reduction operation = (enum reduction)o;
            size_t least = operation != REDUCE_SUM; /* an extreme needs an element */
            test("%s %s", table[t]->name, names[o]);
            for (int values = 0; values < VALUES_COUNT; values++)
                for (size_t s = least; s < SIZE_COUNT; s++)
                    test_row(table[t], operation, size_at(s), (enum values)values);
            for (size_t s = 0; s < LONG_COUNT; s++) test_row(table[t], operation, long_sizes[s], PLAIN);

            test("%s %s of columns", table[t]->name, names[o]);
            for (int values = 0; values < VALUES_COUNT; values++)
                for (size_t r = least; r < SIZE_COUNT; r++)
                    for (size_t c = 0; c < SIZE_COUNT; c++)
                        test_columns(table[t], operation, size_at(r), size_at(c), (enum values)values);
            for (size_t s = 0; s < LONG_COUNT; s++)
                test_columns(table[t], operation, long_sizes[s], 1 + random_below(3), PLAIN);
        }
    for (size_t t = 0; t < tables; t++) {
        test("%s sum of squares", table[t]->name);
        for (int values = 0; values < VALUES_COUNT; values++)
            for (size_t s = 0; s < SIZE_COUNT; s++) {
                test_squares(table[t], size_at(s), (enum values)values, 1);
                test_squares(table[t], size_at(s), (enum values)values, 0x1p-700);
            }
        for (size_t s = 0; s < LONG_COUNT; s++) test_squares(table[t], long_sizes[s], PLAIN, 1);
    }
    return check_end();
}
