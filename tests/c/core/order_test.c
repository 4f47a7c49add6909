/* The order of elements, and running sums and products, over shapes around every threshold, in memory of exactly
   the size that they ask for. */
#include "../check.h"

#include "../../../src/core/order.h"
#include "../../../src/core/scan.h"
#include "../../../src/core/threads.h"

/* Multiples of 1/4, so that sums are exact, with ties, a NaN now and then and both zeros. */
static double number(size_t i) {
    size_t mixed = i * 7919 % 101;
    return mixed == 7 ? NAN : mixed == 11 ? -0.0 : (double)mixed / 4 - 12;
}

static bool comes_before(double a, double b, bool descending) {
    if (isnan(a) || isnan(b)) return !isnan(a) && isnan(b);
    return descending ? a > b : a < b;
}

static void test_places(enum dtype dtype, size_t outer, size_t n, size_t inner, size_t first, size_t count,
                        bool descending) {
    size_t shape[] = {outer, n, inner}, all = outer * n * inner, wanted = outer * count * inner;
    struct tensor x;
    tensor_layout(&x, dtype, 3, shape);
    x.data = malloc(all * dtype_sizes[dtype] + !all);
    for (size_t i = 0; i < all; i++)
        tensor_set(&x, i, dtype_is_float(dtype) ? number(i) : (double)(i * 7919 % 251));
    size_t memory = order_parts(outer * inner) * order_items(n, first + count);
    struct order_item *items = malloc(memory * sizeof *items + !memory);
    int32_t *place = malloc(wanted * sizeof *place + !wanted);
    order_places(descending, &x, outer, n, inner, first, count, items, place);
    for (size_t line = 0; line < outer * inner; line++) {
        size_t start = line / inner * n * inner + line % inner, to = line / inner * count * inner + line % inner;
        for (size_t i = 0; i < count; i++) {
            size_t here = (size_t)place[to + i * inner] - 1, before = 0;
            double value = tensor_get(&x, start + here * inner);
            for (size_t k = 0; k < n; k++) {
                double other = tensor_get(&x, start + k * inner);
                before +=
                    comes_before(other, value, descending) || (!comes_before(value, other, descending) && k < here);
            }
            check(before == first + i, "%zu of %zu: element %zu has %zu before it", first + i, n, here, before);
        }
    }
    free(place);
    free(items);
    free(x.data);
}

static void test_scan(size_t outer, size_t n, size_t inner, bool reversed) {
    size_t all = outer * n * inner;
    float *a = malloc(all * sizeof *a + !all), *b = malloc(all * sizeof *b + !all),
          *y = malloc(all * sizeof *y + !all);
    for (size_t i = 0; i < all; i++) {
        a[i] = i % 3 == 0 ? -1 : i % 7 == 0 ? 0 : 1;
        b[i] = (float)(i * 31 % 64);
    }
    for (int kind = 0; kind < 3; kind++) {
        scan_axis(FLOAT32, outer, n, inner, kind == 0 ? NULL : a, kind == 1 ? NULL : b, reversed, y);
        for (size_t line = 0; line < outer * inner; line++) {
            float state = 0;
            for (size_t i = 0; i < n; i++) {
                size_t at = line / inner * n * inner + line % inner + (reversed ? n - 1 - i : i) * inner;
                float added = kind == 1 ? 0 : b[at], factor = kind == 0 ? 1 : a[at];
                state = i > 0 ? factor * state + added : kind == 1 ? a[at] : b[at];
                check(y[at] == state, "kind %d, %zu of %zu: expected %g, got %g", kind, i, n, state, y[at]);
            }
        }
    }
    free(a);
    free(b);
    free(y);
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    threads_open();
    threads_suppose(4);
    threads_set(3);
    static const size_t lengths[] = {1, 2, 63, 64, 65, 129, 300}, inners[] = {1, 2, 15, 16, 17, 33};
    test("places are those of a stable order with NaN last");
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (size_t k = 0; k < 4; k++) {
            size_t n = lengths[i], part = n < 5 ? n : 5;
            test_places(k % 2 ? FLOAT64 : FLOAT32, 3, n, inners[k], 0, n, k > 1);
            test_places(k % 2 ? FLOAT64 : FLOAT32, 3, n, inners[k], 0, part, k > 1);
            test_places(k % 2 ? FLOAT64 : FLOAT32, 3, n, inners[k], n / 2, n - n / 2 < 2 ? 1 : 2, k > 1);
        }
    test_places(FLOAT32, 0, 5, 2, 0, 5, false);
    test_places(FLOAT32, 2, 0, 2, 0, 0, false);
    static const enum dtype dtypes[] = {FLOAT32, FLOAT64, INT32, UINT8};
    test("so are those of some ranks of a long line");
    for (size_t d = 0; d < 4; d++)
        for (int descending = 0; descending < 2; descending++) {
            static const size_t firsts[] = {0, 1, 7, 500, 701, 1000, 1180};
            for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
                test_places(dtypes[d], 2, 1200, 1, firsts[i], 1, descending);
                test_places(dtypes[d], 1, 1200, 2, firsts[i], 20, descending);
                test_places(dtypes[d], 1, 1200, 1, firsts[i] / 2, 90, descending);
            }
        }
    test("running sums, products and chains, both ways");
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (size_t k = 0; k < sizeof inners / sizeof *inners; k++)
            for (int reversed = 0; reversed < 2; reversed++) test_scan(3, lengths[i], inners[k], reversed);
    test_scan(2, 0, 3, true);
    test_scan(0, 3, 17, false);
    threads_close();
    return check_end();
}
