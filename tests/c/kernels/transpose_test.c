/* The transpose of every table: any bits are moved unchanged, rows may have gaps, which stay untouched. */
#include "../check.h"

#include "../../../src/kernels/kernels.h"

enum { PLACE_X, PLACE_Y, PLACE_EXPECTED };

static void test_transpose(const struct kernels *kernels, size_t rows, size_t columns) {
    size_t x_row = columns + random_below(4), y_row = rows + random_below(4);
    size_t x_extent = rows ? (rows - 1) * x_row + columns : 0,
           y_extent = columns ? (columns - 1) * y_row + rows : 0;
    const float *x = put_filled(PLACE_X, x_extent, random_below(POSITION_COUNT), WILD);
    float *y = put_filled(PLACE_Y, y_extent, random_below(POSITION_COUNT), PLAIN);
    float *expected = put_copy(PLACE_EXPECTED, y_extent, 0, y);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) expected[j * y_row + i] = x[i * x_row + j];
    kernels->transpose(rows, columns, x, x_row, y, y_row);
    check_same(y_extent, expected, y, "rows %zu columns %zu", rows, columns);
    check_guards(PLACE_Y);
}

static void test_double(void) {
    enum { ROWS = 11, COLUMNS = 13 };
    double x[ROWS][COLUMNS], y[COLUMNS][ROWS];
    test("double transpose");
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < COLUMNS; j++) x[i][j] = (double)(i * COLUMNS + j);
    kernels_double.transpose(ROWS, COLUMNS, x, COLUMNS, y, ROWS);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < COLUMNS; j++) check(x[i][j] == y[j][i], "row %zu column %zu is %g", i, j, y[j][i]);
}

int main(int count, char **arguments) {
    size_t tables;
    const struct kernels *const *table = kernels_supported(&tables);
    check_start(count, arguments);
    for (size_t t = 0; t < tables; t++) {
        test("%s transpose", table[t]->name);
        for (size_t rows = 0; rows < 20; rows++)
            for (size_t columns = 0; columns < 20; columns++) test_transpose(table[t], rows, columns);
        for (size_t i = 0; i < 20; i++) test_transpose(table[t], random_below(300), random_below(300));
    }
    test_double();
    return check_end();
}
