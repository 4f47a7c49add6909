/* relay_run gives the bits of matmul_run, for every table and thread count, in float and double, whatever the
   shapes and strides of a; and an interrupt ends it. */
#include "../check.h"

#include "../../../src/core/backend.h"
#include "../../../src/core/interrupt.h"
#include "../../../src/core/relay.h"
#include "../../../src/core/threads.h"
#include "../kernels/reference.h"

enum { PLACE_A, PLACE_B, PLACE_BIAS, PLACE_C, PLACE_EXPECTED };

static const size_t thread_counts[] = {1, 2, 3, 5, 16};

static void everywhere(void (*body)(void)) {
    size_t tables;
    const struct kernels *const *table = backend_all(&tables);
    for (size_t t = 0; t < tables; t++)
        for (size_t i = 0; i < sizeof thread_counts / sizeof *thread_counts; i++) {
            test("%s, %zu threads", table[t]->name, thread_counts[i]);
            check(backend_use(table[t]->name), "no such table");
            threads_set(thread_counts[i]);
            body();
        }
}

static struct matmul product_of(size_t m, size_t n, size_t k, bool transposed, bool bias) {
    struct matmul product = {.m = m, .n = n, .k = k, .a_row = k, .a_column = 1, .b_row = n, .b_column = 1};
    if (transposed) {
        product.a_row = 1;
        product.a_column = m;
    }
    product.a = put_filled(PLACE_A, m * k, AT_END, PLAIN);
    product.b = put_filled(PLACE_B, k * n, AT_END, PLAIN);
    product.bias = bias ? put_filled(PLACE_BIAS, n, 1, PLAIN) : NULL;
    return product;
}

static void test_floats(void) {
    for (size_t tries = 0; tries < 12; tries++) {
        size_t m = 1 + random_below(70), n = 1 + random_below(140), k = random_below(700);
        struct matmul product = product_of(m, n, k, random_below(2), random_below(2));
        float *expected = put(PLACE_EXPECTED, m * n, 0);
        reference_matmul(m, n, k, product.a, product.a_row, product.a_column, product.b, n, 1, product.bias, 0,
                         expected, n);
        product.c = put(PLACE_C, m * n, random_below(POSITION_COUNT));
        relay_run(&product);
        check_same(m * n, expected, product.c, "%zux%zu times %zux%zu", m, k, k, n);
        check_guards(PLACE_C);
    }
}

/* Whole numbers, where every order of additions gives the same sum. */
static void test_doubles(void) {
    enum { M = 40, N = 130, K = 300 };
    static double a[M * K], b[K * N], c[M * N];
    for (size_t i = 0; i < M * K; i++) a[i] = (double)random_below(2001) - 1000;
    for (size_t i = 0; i < K * N; i++) b[i] = (double)random_below(2001) - 1000;
    struct matmul product = {.dtype = FLOAT64, .m = M, .n = N, .k = K, .a = a, .a_row = K, .a_column = 1};
    product.b = b;
    product.b_row = N;
    product.b_column = 1;
    product.c = c;
    relay_run(&product);
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < N; j++) {
            double sum = 0;
            for (size_t l = 0; l < K; l++) sum += a[i * K + l] * b[l * N + j];
            check(c[i * N + j] == sum, "row %zu column %zu is %g, expected %g", i, j, c[i * N + j], sum);
        }
}

static void test_interrupted(void) {
    struct matmul product = product_of(64, 128, 784, false, false);
    product.c = put(PLACE_C, product.m * product.n, 0);
    interrupt_request();
    relay_run(&product); /* returns */
    check(interrupt_take(), "the interrupt is lost");
}

/* Where the weights are shared by rows, b needs no packing, and there are blocks enough. */
static void test_pays(void) {
    test("when it pays");
    struct matmul lesson = product_of(32, 128, 784, false, true), narrow = product_of(8, 10, 128, false, true);
    struct matmul transposed = lesson, large = product_of(128, 1024, 784, false, true);
    transposed.b_row = 1;
    transposed.b_column = lesson.k;
    threads_set(1);
    check(!relay_pays(&lesson), "one thread");
    threads_set(2);
    check(relay_pays(&lesson), "the lesson's first layer");
    check(!relay_pays(&narrow), "one block beside another");
    check(!relay_pays(&transposed), "b by columns");
    check(!relay_pays(&large), "packed");
    threads_set(16);
    check(!relay_pays(&lesson), "too few rows for so many threads");
    threads_set(17);
    check(!relay_pays(&lesson), "too many threads");
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    threads_open();
    threads_suppose(THREADS_MOST); /* workers for all threads, whatever the machine has */
    everywhere(test_floats);
    everywhere(test_doubles);
    everywhere(test_interrupted);
    test_pays();
    threads_set(1);
    threads_close();
    return check_end();
}
