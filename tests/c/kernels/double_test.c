/* The table for double, which gradient checks use: on small whole numbers, where nothing is rounded, the same
   values as the portable float table; elsewhere as close to it as float is to double. */
#include "../check.h"

#include "../../../src/kernels/kernels.h"

enum { N = 129, ROWS = 7, COUNT = ROWS * N };

static float x[COUNT], z[COUNT], float_y[COUNT], float_u[COUNT], float_v[COUNT];
static double wide_x[COUNT], wide_z[COUNT], y[COUNT], u[COUNT], v[COUNT];

static void fill_whole(void) {
    for (size_t i = 0; i < COUNT; i++) {
        wide_x[i] = x[i] = (float)random_below(65) - 32;
        wide_z[i] = z[i] = (float)(1 << random_below(5)); /* dividing by it is exact */
    }
}

static void check_near(size_t n, const float *expected, const double *got, double tolerance, const char *what) {
    for (size_t i = 0; i < n; i++)
        check(fabs((double)expected[i] - got[i]) <= tolerance * (1 + fabs(got[i])) ||
                  (isnan(expected[i]) && isnan(got[i])) || (isinf(expected[i]) && expected[i] == (float)got[i]),
              "%s: n %zu element %zu is %.17g, in float %.9g", what, n, i, got[i], (double)expected[i]);
}

static void check_close(double a, double b, const char *what) {
    check(fabs(a - b) <= 1e-14 * (1 + fabs(b)), "%s %.17g, expected %.17g", what, a, b);
}

static bool is_exact(enum unary operation) {
    return operation == UNARY_NEGATE || operation == UNARY_ABS || operation == UNARY_SIGN ||
           operation == UNARY_RELU;
}

static const char *const unary_names[] = {
#define UNARY(NAME, name, place, expression) name,
#include "../../../src/kernels/operations.inc"
};
static const char *const binary_names[] = {
#define BINARY(NAME, name, place, expression) name,
#include "../../../src/kernels/operations.inc"
};

static void test_elementwise(size_t n) {
    char what[32];
    for (int o = 0; o < UNARY_COUNT; o++) {
        kernels_portable.unary[o](n, x, float_y);
        kernels_double.unary[o](n, wide_x, y);
        check_near(n, float_y, y, is_exact((enum unary)o) ? 0 : 1e-7, unary_names[o]);
    }
    for (int o = 0; o < BINARY_COUNT; o++)
        for (size_t steps = 0; steps < 4; steps++) {
            bool rounds = o == BINARY_POWER || o == BINARY_ELU || o == BINARY_ATAN2;
            kernels_portable.binary[o](n, x, steps & 1, z, steps >> 1, float_y);
            kernels_double.binary[o](n, wide_x, steps & 1, wide_z, steps >> 1, y);
            snprintf(what, sizeof what, "%s, steps %zu", binary_names[o], steps);
            check_near(n, float_y, y, rounds ? 1e-7 : 0, what);
        }
    for (int o = 0; o < TERNARY_COUNT; o++) {
        kernels_portable.ternary[o](n, x, 1, z, 1, x, 0, float_y);
        kernels_double.ternary[o](n, wide_x, 1, wide_z, 1, wide_x, 0, y);
        check_near(n, float_y, y, 0, "an operation on three numbers");
    }
    uint8_t bytes[N];
    for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)random_bits();
    kernels_double.scale_bytes(n, bytes, 1.0 / 255, y);
    for (size_t i = 0; i < n; i++) check(y[i] == bytes[i] * (1.0 / 255), "byte %d gives %.17g", bytes[i], y[i]);
}

static void test_reduce(size_t n) {
    for (int o = 0; o < REDUCE_COUNT; o++) {
        if (n == 0 && o != REDUCE_SUM && o != REDUCE_PRODUCT) continue; /* the others need an element */
        kernels_portable.reduce[o](n, x, float_y);
        kernels_double.reduce[o](n, wide_x, y);
        check_near(1, float_y, y, o == REDUCE_MEAN || o == REDUCE_PRODUCT ? 1e-7 : 0, "reduction");
        kernels_portable.reduce_columns[o](ROWS, n, x, N, float_y);
        kernels_double.reduce_columns[o](ROWS, n, wide_x, N, y);
        check_near(n, float_y, y, o == REDUCE_MEAN || o == REDUCE_PRODUCT ? 1e-7 : 0, "reduction of columns");
    }
}

static void test_rows(size_t n) {
    int32_t label[ROWS];
    float loss[ROWS];
    double wide_loss[ROWS];
    static float float_cost[ROWS * N];
    static double wide_cost[ROWS * N];
    for (size_t r = 0; r < ROWS && n > 0; r++) label[r] = (int32_t)(1 + random_below(n));
    kernels_portable.softmax(ROWS, n, x, float_y);
    kernels_double.softmax(ROWS, n, wide_x, y);
    check_near(ROWS * n, float_y, y, 1e-6, "softmax");
    kernels_portable.softmax_backward(ROWS, n, z, x, float_y);
    kernels_double.softmax_backward(ROWS, n, wide_z, wide_x, y);
    check_near(ROWS * n, float_y, y, 0, "softmax backward");
    if (n == 0) return; /* a label needs a class */
    kernels_portable.cross_entropy(ROWS, n, x, label, loss, float_y);
    kernels_double.cross_entropy(ROWS, n, wide_x, label, wide_loss, y);
    check_near(ROWS, loss, wide_loss, 1e-6, "cross-entropy");
    check_near(ROWS * n, float_y, y, 1e-6, "probabilities");
    kernels_portable.cross_entropy_backward(ROWS, n, z, label, 0.25, float_y);
    kernels_double.cross_entropy_backward(ROWS, n, wide_z, label, 0.25, y);
    check_near(ROWS * n, float_y, y, 0, "cross-entropy backward");
    kernels_portable.class_costs(ROWS, n, x, z, float_y, float_cost);
    kernels_double.class_costs(ROWS, n, wide_x, wide_z, y, wide_cost);
    check_near(ROWS * n, float_cost, wide_cost, 1e-6, "costs of classes");
    check_near(ROWS * n, float_y, y, 1e-6, "exponentials");
    kernels_portable.class_costs_backward(ROWS, n, z, x, z, float_y);
    kernels_double.class_costs_backward(ROWS, n, wide_z, wide_x, wide_z, y);
    check_near(ROWS * n, float_y, y, 1e-5, "costs of classes backward");
}

static void test_norm(size_t n) {
    double mean[ROWS], inverse[ROWS], wide_mean[ROWS], wide_inverse[ROWS];
    double squares[N], wide_squares[N], middle[N], wide_middle[N];
    const struct norm norm = {.mean = wide_z, .inverse = wide_x, .weight = x, .bias = z};
    const struct norm wide_norm = {.mean = wide_z, .inverse = wide_x, .weight = wide_x, .bias = wide_z};
    const struct norm_slopes slopes = {
        .mean = wide_z, .inverse = wide_x, .gain = z, .level = x, .tilt = x, .weight = z};
    const struct norm_slopes wide_slopes = {
        .mean = wide_z, .inverse = wide_x, .gain = wide_z, .level = wide_x, .tilt = wide_x, .weight = wide_z};
    kernels_portable.sum_squares_columns(ROWS, n, x, N, squares);
    kernels_double.sum_squares_columns(ROWS, n, wide_x, N, wide_squares);
    for (size_t j = 0; j < n; j++)
        check(squares[j] == wide_squares[j], "squares %g, expected %g", squares[j], wide_squares[j]);
    kernels_portable.moments_columns(ROWS, n, x, N, middle, squares);
    kernels_double.moments_columns(ROWS, n, wide_x, N, wide_middle, wide_squares);
    for (size_t j = 0; j < n; j++)
        check_close(middle[j], wide_middle[j], "mean"), check_close(squares[j], wide_squares[j], "squares");
    kernels_portable.batch_norm_weight(ROWS, n, N, x, z, wide_z, wide_x, float_y);
    kernels_double.batch_norm_weight(ROWS, n, N, wide_x, wide_z, wide_z, wide_x, y);
    check_near(n, float_y, y, 0, "weights of batch norm");
    kernels_portable.batch_norm(ROWS, n, x, &norm, float_y);
    kernels_double.batch_norm(ROWS, n, wide_x, &wide_norm, y);
    check_near(ROWS * n, float_y, y, 0, "batch norm");
    kernels_portable.batch_norm_backward(ROWS, n, x, z, &slopes, float_y);
    kernels_double.batch_norm_backward(ROWS, n, wide_x, wide_z, &wide_slopes, y);
    check_near(ROWS * n, float_y, y, 0, "batch norm backward");
    if (n < 2) return; /* one number has no variance: its rounding errors grow beyond bounds */
    for (int centred = 0; centred < 2; centred++) {
        kernels_portable.layer_norm(ROWS, n, x, x, centred ? z : NULL, 1e-5, float_y, mean, inverse);
        kernels_double.layer_norm(ROWS, n, wide_x, wide_x, centred ? wide_z : NULL, 1e-5, y, wide_mean,
                                  wide_inverse);
        for (size_t i = 0; i < ROWS; i++)
            check_close(mean[i], wide_mean[i], "mean"), check_close(inverse[i], wide_inverse[i], "deviation");
        check_near(ROWS * n, float_y, y, 1e-4, "layer norm");
        kernels_portable.layer_norm_backward(ROWS, n, x, z, x, centred, wide_z, wide_z, float_y);
        kernels_double.layer_norm_backward(ROWS, n, wide_x, wide_z, wide_x, centred, wide_z, wide_z, y);
        check_near(ROWS * n, float_y, y, 1e-4, "layer norm backward");
    }
    kernels_portable.layer_norm_weight(ROWS, n, N, x, z, wide_x, wide_z, float_y);
    kernels_double.layer_norm_weight(ROWS, n, N, wide_x, wide_z, wide_x, wide_z, y);
    check_near(n, float_y, y, 0, "layer norm weight");
}

static void test_matmul(size_t n) {
    struct product product = {
        .m = ROWS, .n = n, .k = N, .a = {x, N, 1}, .b = {z, 1, 1}, .start = {x, 0, 1}, .c = float_y, .c_row = n};
    kernels_portable.matmul(&product);
    product.a.at = product.start.at = wide_x;
    product.b.at = wide_z;
    product.c = y;
    kernels_double.matmul(&product);
    check_near(ROWS * n, float_y, y, 0, "matmul");
}

static void test_optimizers(size_t n) {
    const struct optim_step step = {
        .rate = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-4, .decay = 0.01, .fade = 0.001};
    for (int rule = 0; rule < OPTIM_COUNT; rule++) {
        for (size_t i = 0; i < COUNT; i++) {
            y[i] = float_y[i] = x[i];
            u[i] = float_u[i] = z[i];
            v[i] = float_v[i] = z[COUNT - 1 - i];
        }
        kernels_portable.optim[rule](ROWS, n, N, &step, x, float_u, float_v, float_y);
        kernels_double.optim[rule](ROWS, n, N, &step, wide_x, u, v, y);
        check_near(COUNT, float_u, u, 1e-6, "first moment");
        check_near(COUNT, float_v, v, 1e-6, "second moment");
        check_near(COUNT, float_y, y, 1e-5, "parameter");
    }
}

int main(int count, char **arguments) {
    static const struct {
        const char *name;
        void (*run)(size_t n);
    } tests[] = {
        {"elementwise", test_elementwise}, {"reductions", test_reduce}, {"softmax, cross-entropy", test_rows},
        {"normalisation", test_norm},      {"matmul", test_matmul},     {"optimisers", test_optimizers}};
    check_start(count, arguments);
    for (size_t t = 0; t < sizeof tests / sizeof *tests; t++) {
        test("double: %s", tests[t].name);
        for (size_t s = 0; s < SIZE_COUNT; s++) {
            fill_whole();
            tests[t].run(size_at(s));
        }
    }
    return check_end();
}
