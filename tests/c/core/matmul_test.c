/* matmul_run: sizes that are multiplied directly, as the transpose, in packed panels, in several slabs and in
   several steps, with a and b in rows or transposed, for every table and thread count: equal bit for bit to the
   naive chain. */
#include "../check.h"

#include "../../../src/core/backend.h"
#include "../../../src/core/matmul.h"
#include "../../../src/core/threads.h"
#include "../kernels/reference.h"

static const size_t thread_counts[] = {1, 2, 3, 4, 8};
enum { THREAD_COUNTS = sizeof thread_counts / sizeof *thread_counts };
enum { PLACE_A, PLACE_B, PLACE_BIAS, PLACE_C, PLACE_EXPECTED, PLACE_WORKSPACE, PLACE_SUMS };

struct shape {
    size_t m, n, k;
    bool a_transposed, b_transposed, bias;
};

static void use(const struct kernels *table, size_t threads) {
    check(backend_use(table->name), "no table %s", table->name);
    threads_set(threads);
}

/* Fills in the product with fresh operands; returns what it is to give. */
static const float *prepare(struct matmul *product, const struct shape *shape, enum values values) {
    size_t m = shape->m, n = shape->n, k = shape->k;
    *product = (struct matmul){.dtype = FLOAT32, .m = m, .n = n, .k = k};
    product->a = put_filled(PLACE_A, m * k, AT_END, values);
    product->b = put_filled(PLACE_B, k * n, AT_END, values);
    product->a_row = shape->a_transposed ? 1 : k;
    product->a_column = shape->a_transposed ? m : 1;
    product->b_row = shape->b_transposed ? 1 : n;
    product->b_column = shape->b_transposed ? k : 1;
    product->bias = shape->bias ? put_filled(PLACE_BIAS, n, 1, values) : NULL;
    float *expected = put(PLACE_EXPECTED, m * n, 0);
    reference_matmul(m, n, k, product->a, product->a_row, product->a_column, product->b, product->b_row,
                     product->b_column, product->bias, 0, expected, n);
    return expected;
}

static void run(struct matmul *product, const float *expected) {
    size_t count = product->m * product->n, bytes = matmul_workspace(product);
    float *c = put(PLACE_C, count, random_below(POSITION_COUNT));
    product->c = c;
    matmul_run(product, put_bytes(PLACE_WORKSPACE, bytes, sizeof(double), 0));
    check_same(count, expected, c, "%s, %zu threads, %zux%zu times %zux%zu, strides of a %zu %zu, of b %zu %zu",
               backend_name(), threads_count(), product->m, product->k, product->k, product->n, product->a_row,
               product->a_column, product->b_row, product->b_column);
    check_guards(PLACE_C);
    check_guards(PLACE_WORKSPACE);
}

static void test_shape(const struct shape *shape) {
    size_t tables;
    const struct kernels *const *table = backend_all(&tables);
    struct matmul product;
    const float *expected = prepare(&product, shape, PLAIN);
    for (size_t t = 0; t < tables; t++)
        for (size_t i = 0; i < THREAD_COUNTS; i++) {
            use(table[t], thread_counts[i]);
            run(&product, expected);
        }
}

/* Small sizes cross the borders of tiles; a transposed b is packed, or a turned, whatever the sizes. */
static void test_small(void) {
    size_t tables;
    const struct kernels *const *table = backend_all(&tables);
    for (size_t t = 0; t < tables; t++)
        for (size_t i = 0; i < THREAD_COUNTS; i++) {
            test("%s small products, %zu threads", table[t]->name, thread_counts[i]);
            use(table[t], thread_counts[i]);
            for (size_t tries = 0; tries < 60; tries++) {
                struct shape shape = {size_at(random_below(SIZE_COUNT)),
                                      size_at(random_below(SIZE_COUNT)),
                                      size_at(random_below(SIZE_COUNT)),
                                      random_below(2),
                                      random_below(2),
                                      random_below(2)};
                struct matmul product;
                const float *expected = prepare(&product, &shape, (enum values)random_below(VALUES_COUNT));
                run(&product, expected);
            }
        }
}

static void test_large(void) {
    static const struct shape shapes[] = {
        {7, 33, 1300, false, true, true},    /* three slabs, the last one shallower */
        {100, 65, 512, true, true, false},   /* one slab exactly, two blocks of rows */
        {5, 130, 767, false, true, true},    /* as deep as one slab can be */
        {5, 130, 768, true, true, true},     /* two slabs */
        {7, 1030, 300, false, true, true},   /* three groups of columns */
        {66, 1100, 800, false, false, true}, /* groups and slabs, b read row by row */
        {67, 577, 770, true, true, false},   /* the same, b read column by column */
        {65, 496, 497, true, false, true},   /* packed for its size */
        {600, 10, 33, true, false, false},   /* as the transpose, in three blocks */
        {129, 17, 16, true, false, false},   /* the same, with tails everywhere */
        {50, 1, 300, true, false, false},    /* a single column */
        {8, 512, 513, false, false, true},   /* too few rows to pack for */
        {16, 128, 512, false, true, false},  /* few rows against a transposed b: as the transpose, a turned */
        {63, 130, 300, false, true, false},  /* the same, tails everywhere, columns shared out */
        {17, 64, 300, false, true, false},   /* too little in the second vector: packed */
        {16, 200, 300, true, true, false},   /* both transposed */
        {200, 63, 800, false, false, true},  /* two steps on one thread */
        {1, 3000, 100, false, false, false}, /* a single row, shared by columns */
        {3000, 1, 100, true, false, true},
        /* chains that are cut, in all ways, with bias and without, and where blocks and slabs end alike or not */
        {3, 5, 4097, false, false, true},
        {70, 3, 5000, true, false, false},
        {70, 9, 6144, true, false, true},
        {67, 70, 4100, false, true, true},
        {66, 68, 5120, true, false, false},
        {16, 70, 4097, false, true, false},
        {1, 1, 30000, false, false, false},
        {2, 1, 4096, false, false, true}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const struct shape *s = &shapes[i];
        test("%zux%zu times %zux%zu", s->m, s->k, s->k, s->n);
        test_shape(s);
    }
}

static void test_empty(void) {
    static const struct shape shapes[] = {{0, 5, 3, false, false, true}, {5, 0, 3, false, true, true},
                                          {4, 3, 0, false, false, true}, {4, 3, 0, false, true, true},
                                          {4, 3, 0, true, true, false},  {0, 0, 0, true, true, false}};
    test("empty products");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) test_shape(&shapes[i]);
}

/* The table for double: whole numbers, where every order of additions gives the same sum. */
static void test_double(void) {
    enum { M = 67, N = 271, K = 300 }; /* two groups of columns */
    static double a[M * K], b[K * N], bias[N], c[M * N];
    test("float64");
    for (size_t i = 0; i < M * K; i++) a[i] = (double)random_below(2001) - 1000;
    for (size_t i = 0; i < K * N; i++) b[i] = (double)random_below(2001) - 1000;
    for (size_t i = 0; i < N; i++) bias[i] = (double)random_below(2001) + 0.5;
    for (int transposed = 0; transposed < 2; transposed++) {
        struct matmul product = {.dtype = FLOAT64,
                                 .m = M,
                                 .n = N,
                                 .k = K,
                                 .a = a,
                                 .a_row = K,
                                 .a_column = 1,
                                 .b = b,
                                 .b_row = transposed ? 1 : N,
                                 .b_column = transposed ? K : 1,
                                 .bias = bias,
                                 .c = c};
        for (size_t t = 0; t < THREAD_COUNTS; t++) {
            threads_set(thread_counts[t]);
            matmul_run(&product, put_bytes(PLACE_WORKSPACE, matmul_workspace(&product), sizeof(double), 0));
            for (size_t i = 0; i < M; i++)
                for (size_t j = 0; j < N; j++) {
                    double sum = bias[j];
                    for (size_t l = 0; l < K; l++)
                        sum += a[i * K + l] * b[l * product.b_row + j * product.b_column];
                    check(c[i * N + j] == sum, "row %zu column %zu is %g, expected %g", i, j, c[i * N + j], sum);
                }
        }
    }
}

/* What is added to c: the product first, then one addition an element. */
static void test_added(void) {
    static const struct shape shapes[] = {{128, 512, 16, true, false, false},
                                          {13, 700, 16, true, false, true},
                                          {1, 1, 1, false, false, false},
                                          {25, 5, 40, false, false, false},
                                          {40, 33, 300, false, false, true}};
    size_t tables;
    const struct kernels *const *table = backend_all(&tables);
    test("products that are added");
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        struct matmul product;
        const float *chains = prepare(&product, &shapes[s], PLAIN);
        size_t count = product.m * product.n;
        float *before = put_filled(PLACE_WORKSPACE, count, 0, PLAIN);
        float *expected = put(PLACE_SUMS, count, 0);
        for (size_t i = 0; i < count; i++) expected[i] = before[i] + chains[i];
        for (size_t t = 0; t < tables; t++)
            for (size_t i = 0; i < THREAD_COUNTS; i++) {
                use(table[t], thread_counts[i]);
                check(matmul_may_add(&product), "shape %zu is not computed straight", s);
                product.c = put(PLACE_C, count, 0);
                memcpy(product.c, before, count * sizeof *before);
                product.adds = true;
                matmul_run(&product, NULL);
                check_same(count, expected, product.c, "%s, %zu threads, shape %zu", backend_name(),
                           threads_count(), s);
                check_guards(PLACE_C);
            }
    }
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    threads_open();
    threads_suppose(THREADS_MOST); /* workers for all threads, whatever the machine has */
    test_small();
    test_large();
    test_empty();
    test_double();
    test_added();
    threads_close();
    return check_end();
}
