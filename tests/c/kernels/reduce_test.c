/* Sums, products, maxima and minima of every instruction set, along rows and down columns: equal bit for bit to the
   order that the numerics contract lays down. */
#include "../check.h"

#include "reference.h"

static const char *const names[REDUCE_COUNT] = {"sum", "product", "mean", "maximum", "minimum"};

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

static bool same_double(double a, double b) { return a == b || (a != a && b != b); }

/* Squares and moments: of a row, and of the same numbers as the first of some columns. */
static void test_double(const struct kernels *kernels, size_t n, enum values values) {
    size_t columns = 1 + random_below(n > 1000 ? 3 : 40), x_row = columns + random_below(4);
    const float *x = put_filled(PLACE_X, n ? (n - 1) * x_row + columns : 0, random_below(POSITION_COUNT), values);
    float *row = put(PLACE_Y, n, random_below(POSITION_COUNT));
    double squares[41], mean[41], apart[41], row_squares, row_mean, row_apart;
    squares[columns] = mean[columns] = apart[columns] = 5; /* which nobody may change */
    kernels->sum_squares_columns(n, columns, x, x_row, squares);
    if (n > 0) kernels->moments_columns(n, columns, x, x_row, mean, apart);
    check(squares[columns] == 5 && mean[columns] == 5 && apart[columns] == 5, "a column too many");
    for (size_t j = 0; j < columns; j++) {
        for (size_t i = 0; i < n; i++) reference_terms[i] = x[i * x_row + j];
        double expected = reference_long_sum(n, reference_terms, SQUARES);
        check(same_double(expected, squares[j]), "squares of %zu: %a, expected %a", n, squares[j], expected);
        for (size_t i = 0; i < n; i++) row[i] = x[i * x_row + j];
        row_squares = kernels->sum_squares(n, row, 1);
        check(same_double(expected, row_squares), "row of %zu: %a, expected %a", n, row_squares, expected);
        if (n == 0) continue;
        double expected_mean = reference_moments(n, row, 1, &expected);
        kernels->moments(n, row, &row_mean, &row_apart);
        check(same_double(expected_mean, mean[j]) && same_double(expected_mean, row_mean),
              "mean of %zu: %a in a column, %a in a row, expected %a", n, mean[j], row_mean, expected_mean);
        check(same_double(expected, apart[j]) && same_double(expected, row_apart),
              "squared distances of %zu: %a in a column, %a in a row, expected %a", n, apart[j], row_apart,
              expected);
    }
}

int main(int count, char **arguments) {
    /* around the ends of a short sum, of a group (8 terms of each of 16 lanes), of a run (8 groups) and of a block
       (64 runs) */
    static const size_t long_sizes[] = {1007, 1008, 1023, 1151,  1152,  1153,  1170,  1024,  1025,   1039,
                                        1040, 2048, 4999, 65535, 65536, 65537, 65551, 65552, 131072, 140001};
    enum { LONG_COUNT = sizeof long_sizes / sizeof *long_sizes };
    size_t tables;
    const struct kernels *const *table = kernels_supported(&tables);
    check_start(count, arguments);
    for (size_t t = 0; t < tables; t++)
        for (int o = 0; o < REDUCE_COUNT; o++) {
            enum reduction operation = (enum reduction)o;
            size_t least = operation != REDUCE_SUM && operation != REDUCE_PRODUCT; /* the others need an element */
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
            for (size_t s = 0; s < LONG_COUNT; s++) {
                test_columns(table[t], operation, long_sizes[s], 1 + random_below(3), PLAIN);
                if (long_sizes[s] < 5000) /* side by side, and more than are summed at once */
                    test_columns(table[t], operation, long_sizes[s], 17 + random_below(150), PLAIN);
            }
        }
    for (size_t t = 0; t < tables; t++) {
        test("%s squares and moments", table[t]->name);
        for (int values = 0; values < VALUES_COUNT; values++)
            for (size_t s = 0; s < SIZE_COUNT; s++) test_double(table[t], size_at(s), (enum values)values);
        for (size_t s = 0; s < LONG_COUNT; s += 3) test_double(table[t], long_sizes[s], PLAIN);
        test("%s squares of the largest and the smallest floats", table[t]->name);
        static const float edges[] = {0x1.fffffep127f, 0x1p-149f};
        for (size_t e = 0; e < 2; e++) {
            float x[] = {edges[e], -edges[e], edges[e], -edges[e]};
            double size = edges[e], squares, mean;
            squares = table[t]->sum_squares(4, x, 0.5) * 4;
            check(squares == 4 * size * size, "squares %a", squares);
            table[t]->moments(4, x, &mean, &squares);
            check(mean == 0 && squares == 4 * size * size, "mean %a, squares %a", mean, squares);
        }
    }
    return check_end();
}
