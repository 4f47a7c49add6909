/* exp, log, sin and their relatives, sigmoid, sqrt, power, atan2 and the activations: how far from the C library's
   double functions, in units in the last place (ulp) of the float result, over a sample of all floats; with --all
   over every float there is (a quarter of an hour). All tables are measured, and are to give the same bits. The
   special cases of power are those of C11, F.10.4.4. */
#include "../check.h"

#include "../../../src/kernels/kernels.h"

#define MOST_ULP 0.51      /* what math.inc promises */
#define MOST_ULP_POWER 0.6 /* its error grows with the exponent */

enum { CHUNK = 4096, SAMPLE_STEP = 10007 };

static double exact_sigmoid(double x) { return 1 / (1 + exp(-x)); }

static double exact_softplus(double x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))); }
static double exact_silu(double x) { return x == -INFINITY ? -0.0 : x * exact_sigmoid(x); }
static double exact_silu_slope(double x) {
    double s = exact_sigmoid(x);
    return isinf(x) ? s : s + x * s * exact_sigmoid(-x);
}
static double normal_below(double x) { return erfc(x / -sqrt(2)) / 2; }
static double exact_gelu(double x) { return x == -INFINITY ? -0.0 : x * normal_below(x); }
static double exact_gelu_slope(double x) {
    return isinf(x) ? normal_below(x) : normal_below(x) + x * exp(-x * x / 2) / sqrt(2 * acos(-1));
}
static double exact_elu(double x) { return x > 0 ? x : expm1(x); }

/* The slopes of silu and gelu pass through 0, near which an error of 2^-34 is many units: `slack` is allowed. */
#define SLACK 0x1p-33

static void elu_of_one(size_t n, const void *x, void *y) {
    static const float one = 1;
    kernels_portable.binary[BINARY_ELU](n, x, 1, &one, 0, y);
}

static const struct function {
    const char *name;
    enum unary operation; /* UNARY_COUNT: elu */
    double (*exact)(double x);
    double slack;
} functions[] = {{"exp", UNARY_EXP, exp, 0},          {"log", UNARY_LOG, log, 0},
                 {"tanh", UNARY_TANH, tanh, 0},       {"sigmoid", UNARY_SIGMOID, exact_sigmoid, 0},
                 {"sqrt", UNARY_SQRT, sqrt, 0},       {"softplus", UNARY_SOFTPLUS, exact_softplus, 0},
                 {"silu", UNARY_SILU, exact_silu, 0}, {"silu'", UNARY_SILU_SLOPE, exact_silu_slope, SLACK},
                 {"gelu", UNARY_GELU, exact_gelu, 0}, {"gelu'", UNARY_GELU_SLOPE, exact_gelu_slope, SLACK},
                 {"elu", UNARY_COUNT, exact_elu, 0},  {"expm1", UNARY_EXPM1, expm1, 0},
                 {"exp2", UNARY_EXP2, exp2, 0},       {"log1p", UNARY_LOG1P, log1p, 0},
                 {"log2", UNARY_LOG2, log2, 0},       {"log10", UNARY_LOG10, log10, 0},
                 {"sin", UNARY_SIN, sin, 0},          {"cos", UNARY_COS, cos, 0},
                 {"tan", UNARY_TAN, tan, 0},          {"asin", UNARY_ASIN, asin, 0},
                 {"acos", UNARY_ACOS, acos, 0},       {"atan", UNARY_ATAN, atan, 0},
                 {"sinh", UNARY_SINH, sinh, 0},       {"cosh", UNARY_COSH, cosh, 0}};

/* Infinity counts as the number after FLT_MAX, 2^128. */
static double finite_value(double x) { return fabs(x) > 0x1p128 ? copysign(0x1p128, x) : x; }

/* |y - exact|, less the slack, in ulps of a float at exact; huge for a NaN or a sign of zero where it does not
   belong. */
static double ulps(float y, double exact, double slack) {
    if (isnan(exact) || isnan(y)) return isnan(exact) && isnan(y) ? 0 : HUGE_VAL;
    if (slack > 0 && fabs((double)y - exact) <= slack) return 0;
    if (y == 0 && !signbit(y) != !signbit(exact)) return HUGE_VAL;
    int exponent;
    frexp(finite_value(exact), &exponent);
    if (exponent > 128) exponent = 128;
    if (exponent < -125 || exact == 0) exponent = -125;
    return fabs(finite_value((double)y) - finite_value(exact)) / ldexp(1, exponent - 24);
}

static void test_function(const struct kernels *const *table, size_t tables, const struct function *f,
                          uint64_t step) {
    static float x[CHUNK], y[CHUNK], other[CHUNK];
    const uint64_t all = UINT64_C(1) << 32;
    double worst = 0;
    float worst_x = 0;
    test("%s", f->name);
    for (uint64_t bits = 0; bits < all; bits += step * CHUNK) {
        size_t n = 0;
        for (; n < CHUNK && bits + n * step < all; n++) x[n] = float_of_bits((uint32_t)(bits + n * step));
        if (f->operation == UNARY_COUNT)
            elu_of_one(n, x, y);
        else
            kernels_portable.unary[f->operation](n, x, y);
        for (size_t i = 0; i < n; i++) {
            double error = ulps(y[i], f->exact((double)x[i]), f->slack);
            if (error <= worst) continue;
            worst = error;
            worst_x = x[i];
        }
        for (size_t t = 0; t < tables && f->operation != UNARY_COUNT; t++) {
            table[t]->unary[f->operation](n, x, other);
            check_same(n, y, other, "%s, from %a", table[t]->name, (double)x[0]);
        }
    }
    check(worst <= MOST_ULP, "%.4f ulp off at %a", worst, (double)worst_x);
    printf("%-8s within %.6f ulp (at %a)\n", f->name, worst, (double)worst_x);
}

/* Random pairs: exponents that lead everywhere between underflow and overflow, any bits, and bases near 1. */
static void random_pair(size_t i, float *a, float *b) {
    *a = random_value(WILD);
    *b = random_value(WILD);
    if (i % 4 != 0) *a = fabsf(*a);
    if (i % 4 == 1) *b = (float)((double)random_value(PLAIN) * 80 / log2((double)*a));
    if (i % 4 == 2) *b = (float)random_below(41) - 20;
    if (i % 4 == 3) {
        *a = 1 + random_value(PLAIN) * 0x1p-12f;
        *b = random_value(PLAIN) * 100000;
    }
}

/* A function of two operands against the C library's in double. */
static void test_pairs(const struct kernels *const *table, size_t tables, const char *name, enum binary operation,
                       double (*exact)(double a, double b), double most) {
    static float a[CHUNK], b[CHUNK], y[CHUNK], other[CHUNK];
    double worst = 0;
    float worst_a = 0, worst_b = 0;
    test("%s", name);
    for (int chunk = 0; chunk < 40; chunk++) {
        for (size_t i = 0; i < CHUNK; i++) random_pair(i, &a[i], &b[i]);
        kernels_portable.binary[operation](CHUNK, a, 1, b, 1, y);
        for (size_t i = 0; i < CHUNK; i++) {
            double error = ulps(y[i], exact((double)a[i], (double)b[i]), 0);
            if (error <= worst) continue;
            worst = error;
            worst_a = a[i];
            worst_b = b[i];
        }
        for (size_t t = 0; t < tables; t++) {
            table[t]->binary[operation](CHUNK, a, 1, b, 1, other);
            check_same(CHUNK, y, other, "%s", table[t]->name);
        }
    }
    check(worst <= most, "%.4f ulp off at %a, %a", worst, (double)worst_a, (double)worst_b);
    printf("%-8s within %.6f ulp (at %a, %a)\n", name, worst, (double)worst_a, (double)worst_b);
}

static void test_special_powers(const struct kernels *kernels) {
    static const struct {
        float a, b, y;
    } cases[] = {/* a zero to an odd integer, to another negative number, to another positive number */
                 {0, -1, INFINITY},
                 {-0.0f, -1, -INFINITY},
                 {-0.0f, -3, -INFINITY},
                 {0, -3, INFINITY},
                 {0, -2, INFINITY},
                 {-0.0f, -2, INFINITY},
                 {-0.0f, -0.5f, INFINITY},
                 {0, -1.5f, INFINITY},
                 {0, -INFINITY, INFINITY},
                 {-0.0f, -INFINITY, INFINITY},
                 {0, 1, 0},
                 {-0.0f, 1, -0.0f},
                 {-0.0f, 5, -0.0f},
                 {0, 2, 0},
                 {-0.0f, 2, 0},
                 {-0.0f, 0.5f, 0},
                 {-0.0f, INFINITY, 0},
                 {0, INFINITY, 0},
                 /* 2^24 + 2 is even; every float from 2^24 on is */
                 {-0.0f, 16777215, -0.0f},
                 {-0.0f, 16777216, 0},
                 {-1, 16777215, -1},
                 {-1, 16777218, 1},
                 {-1, FLT_MAX, 1},
                 /* one, and any number to the power of zero, NaN included */
                 {-1, INFINITY, 1},
                 {-1, -INFINITY, 1},
                 {1, INFINITY, 1},
                 {1, -INFINITY, 1},
                 {1, NAN, 1},
                 {1, -7.5f, 1},
                 {NAN, 0, 1},
                 {NAN, -0.0f, 1},
                 {0, 0, 1},
                 {-0.0f, -0.0f, 1},
                 {INFINITY, 0, 1},
                 {-INFINITY, -0.0f, 1},
                 {-3, 0, 1},
                 {NAN, 1, NAN},
                 {NAN, -INFINITY, NAN},
                 {2, NAN, NAN},
                 {-INFINITY, NAN, NAN},
                 {0, NAN, NAN},
                 /* a negative number to a fraction */
                 {-1, 0.5f, NAN},
                 {-2, 1.5f, NAN},
                 {-FLT_MAX, -0.25f, NAN},
                 {-FLT_TRUE_MIN, FLT_TRUE_MIN, NAN},
                 /* infinite exponents */
                 {0.5f, -INFINITY, INFINITY},
                 {-0.5f, -INFINITY, INFINITY},
                 {FLT_TRUE_MIN, -INFINITY, INFINITY},
                 {2, -INFINITY, 0},
                 {-2, -INFINITY, 0},
                 {0.5f, INFINITY, 0},
                 {-0.5f, INFINITY, 0},
                 {2, INFINITY, INFINITY},
                 {-2, INFINITY, INFINITY},
                 {0x1.fffffep-1f, INFINITY, 0},
                 {0x1.000002p+0f, INFINITY, INFINITY},
                 /* infinite bases */
                 {-INFINITY, -1, -0.0f},
                 {-INFINITY, -2, 0},
                 {-INFINITY, -0.5f, 0},
                 {-INFINITY, 3, -INFINITY},
                 {-INFINITY, 2, INFINITY},
                 {-INFINITY, 0.5f, INFINITY},
                 {-INFINITY, INFINITY, INFINITY},
                 {-INFINITY, -INFINITY, 0},
                 {INFINITY, -1, 0},
                 {INFINITY, -FLT_TRUE_MIN, 0},
                 {INFINITY, 1, INFINITY},
                 {INFINITY, FLT_TRUE_MIN, INFINITY},
                 {INFINITY, INFINITY, INFINITY},
                 {INFINITY, -INFINITY, 0},
                 /* ordinary ones that are exact, overflow and underflow */
                 {2, 10, 1024},
                 {-2, 3, -8},
                 {-2, 4, 16},
                 {3, 2, 9},
                 {10, 5, 100000},
                 {4, 0.5f, 2},
                 {4, -0.5f, 0.5f},
                 {-2, -1, -0.5f},
                 {2, 127, 0x1p127f},
                 {2, -149, FLT_TRUE_MIN},
                 {-2, -149, -FLT_TRUE_MIN},
                 {2, 128, INFINITY},
                 {-2, 129, -INFINITY},
                 {2, -151, 0},
                 {-2, -151, -0.0f},
                 {FLT_MAX, 1, FLT_MAX},
                 {FLT_MAX, 2, INFINITY},
                 {FLT_TRUE_MIN, 1, FLT_TRUE_MIN},
                 {FLT_TRUE_MIN, -1, INFINITY},
                 {FLT_MIN, 0.5f, 0x1p-63f},
                 {10, -46, 0}};
    test("%s special cases of power", kernels->name);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float y;
        kernels->binary[BINARY_POWER](1, &cases[i].a, 1, &cases[i].b, 1, &y);
        check(same(y, cases[i].y), "%a to the power of %a is %a, expected %a", (double)cases[i].a,
              (double)cases[i].b, (double)y, (double)cases[i].y);
    }
}

/* Those of C11, F.10.1.4, as eighths of a turn; -0 is written as -9. */
static void test_special_angles(const struct kernels *kernels) {
    static const float numbers[] = {-INFINITY, -1, -0.0f, 0, 1, INFINITY};
    static const signed char eighths[6][6] = {/* a row for each of a, a column for each b */
                                              {-3, -2, -2, -2, -2, -1}, {-4, -3, -2, -2, -1, -9},
                                              {-4, -4, -4, -9, -9, -9}, {4, 4, 4, 0, 0, 0},
                                              {4, 3, 2, 2, 1, 0},       {3, 2, 2, 2, 2, 1}};
    test("%s special cases of atan2", kernels->name);
    for (size_t i = 0; i < 36; i++) {
        float a = numbers[i / 6], b = numbers[i % 6], y;
        int k = eighths[i / 6][i % 6];
        float expected = k == -9 ? -0.0f : (float)(k * 0x1.921fb54442d18p-1);
        kernels->binary[BINARY_ATAN2](1, &a, 1, &b, 1, &y);
        check(same(y, expected), "%a, %a gives %a, expected %a", (double)a, (double)b, (double)y, (double)expected);
    }
    for (size_t i = 0; i < 2; i++) {
        float operands[] = {NAN, INFINITY}, y;
        kernels->binary[BINARY_ATAN2](1, &operands[i], 1, &operands[1 - i], 1, &y);
        check(isnan(y), "a NaN gives %a", (double)y);
    }
}

static void test_special_values(const struct kernels *kernels) {
    static const struct {
        enum unary operation;
        float x, y;
    } cases[] = {{UNARY_EXP, 0, 1},
                 {UNARY_EXP, -0.0f, 1},
                 {UNARY_EXP, INFINITY, INFINITY},
                 {UNARY_EXP, -INFINITY, 0},
                 {UNARY_EXP, NAN, NAN},
                 {UNARY_EXP, 89, INFINITY},
                 {UNARY_EXP, -104, 0},
                 {UNARY_LOG, 1, 0},
                 {UNARY_LOG, 0, -INFINITY},
                 {UNARY_LOG, -0.0f, -INFINITY},
                 {UNARY_LOG, -1, NAN},
                 {UNARY_LOG, -INFINITY, NAN},
                 {UNARY_LOG, INFINITY, INFINITY},
                 {UNARY_LOG, NAN, NAN},
                 {UNARY_TANH, 0, 0},
                 {UNARY_TANH, -0.0f, -0.0f},
                 {UNARY_TANH, INFINITY, 1},
                 {UNARY_TANH, -INFINITY, -1},
                 {UNARY_TANH, NAN, NAN},
                 {UNARY_TANH, FLT_TRUE_MIN, FLT_TRUE_MIN},
                 {UNARY_SIGMOID, 0, 0.5f},
                 {UNARY_SIGMOID, INFINITY, 1},
                 {UNARY_SIGMOID, -INFINITY, 0},
                 {UNARY_SIGMOID, NAN, NAN},
                 {UNARY_SOFTPLUS, -INFINITY, 0},
                 {UNARY_SOFTPLUS, INFINITY, INFINITY},
                 {UNARY_SOFTPLUS, -200, 0},
                 {UNARY_SOFTPLUS, 200, 200},
                 {UNARY_SOFTPLUS, NAN, NAN},
                 {UNARY_SILU, -INFINITY, -0.0f},
                 {UNARY_SILU, -FLT_MAX, -0.0f},
                 {UNARY_SILU, INFINITY, INFINITY},
                 {UNARY_SILU, 0, 0},
                 {UNARY_SILU, NAN, NAN},
                 {UNARY_SILU_SLOPE, INFINITY, 1},
                 {UNARY_SILU_SLOPE, -FLT_MAX, -0.0f},
                 {UNARY_SILU_SLOPE, 0, 0.5f},
                 {UNARY_SILU_SLOPE, NAN, NAN},
                 {UNARY_GELU, -INFINITY, -0.0f},
                 {UNARY_GELU, -FLT_MAX, -0.0f},
                 {UNARY_GELU, INFINITY, INFINITY},
                 {UNARY_GELU, FLT_MAX, FLT_MAX},
                 {UNARY_GELU, 0, 0},
                 {UNARY_GELU, NAN, NAN},
                 {UNARY_GELU_SLOPE, INFINITY, 1},
                 {UNARY_GELU_SLOPE, -FLT_MAX, -0.0f},
                 {UNARY_GELU_SLOPE, 0, 0.5f},
                 {UNARY_GELU_SLOPE, NAN, NAN},
                 {UNARY_SQRT, -0.0f, -0.0f},
                 {UNARY_SQRT, -1, NAN},
                 {UNARY_SQRT, INFINITY, INFINITY},
                 {UNARY_EXPM1, -0.0f, -0.0f},
                 {UNARY_EXPM1, FLT_TRUE_MIN, FLT_TRUE_MIN},
                 {UNARY_EXPM1, -INFINITY, -1},
                 {UNARY_EXPM1, INFINITY, INFINITY},
                 {UNARY_EXP2, 127, 0x1p127f},
                 {UNARY_EXP2, 128, INFINITY},
                 {UNARY_EXP2, -149, FLT_TRUE_MIN},
                 {UNARY_EXP2, -150, 0},
                 {UNARY_EXP2, -INFINITY, 0},
                 {UNARY_LOG1P, -0.0f, -0.0f},
                 {UNARY_LOG1P, -1, -INFINITY},
                 {UNARY_LOG1P, -1.5f, NAN},
                 {UNARY_LOG1P, INFINITY, INFINITY},
                 {UNARY_LOG1P, FLT_TRUE_MIN, FLT_TRUE_MIN},
                 {UNARY_LOG2, FLT_TRUE_MIN, -149},
                 {UNARY_LOG2, 0x1p127f, 127},
                 {UNARY_LOG2, -0.0f, -INFINITY},
                 {UNARY_LOG2, -1, NAN},
                 {UNARY_LOG10, 1e10f, 10},
                 {UNARY_LOG10, 0, -INFINITY},
                 {UNARY_LOG10, INFINITY, INFINITY},
                 {UNARY_SIN, -0.0f, -0.0f},
                 {UNARY_SIN, INFINITY, NAN},
                 {UNARY_SIN, -INFINITY, NAN},
                 {UNARY_SIN, NAN, NAN},
                 {UNARY_COS, -0.0f, 1},
                 {UNARY_COS, INFINITY, NAN},
                 {UNARY_TAN, -0.0f, -0.0f},
                 {UNARY_TAN, -INFINITY, NAN},
                 {UNARY_ASIN, -0.0f, -0.0f},
                 {UNARY_ASIN, 0x1.000002p+0f, NAN},
                 {UNARY_ACOS, 1, 0},
                 {UNARY_ACOS, -1, 0x1.921fb6p+1f},
                 {UNARY_ACOS, -0.0f, 0x1.921fb6p+0f},
                 {UNARY_ACOS, -INFINITY, NAN},
                 {UNARY_ATAN, -0.0f, -0.0f},
                 {UNARY_ATAN, -INFINITY, -0x1.921fb6p+0f},
                 {UNARY_ATAN, NAN, NAN},
                 {UNARY_SINH, -0.0f, -0.0f},
                 {UNARY_SINH, -INFINITY, -INFINITY},
                 {UNARY_COSH, -0.0f, 1},
                 {UNARY_COSH, -INFINITY, INFINITY},
                 /* whose true results lie nearest to the middle between two floats */
                 {UNARY_SIN, -0x1.33333p+13f, 0x1.63f4bap-2f},
                 {UNARY_COS, -0x1.3170fp+63f, 0x1.fe2976p-1f},
                 {UNARY_ACOS, 0x1.04c444p-12f, 0x1.920f6ap+0f},
                 {UNARY_ATAN, -0x1.1ad646p-4f, -0x1.1a6386p-4f},
                 {UNARY_SINH, -0x1.250bfep-11f, -0x1.250bfep-11f},
                 {UNARY_EXP2, -0x1.e7526ep-6f, 0x1.f58d62p-1f},
                 {UNARY_LOG1P, 0x1.6351d8p+95f, 0x1.08b512p+6f},
                 {UNARY_LOG10, 0x1.fddcf4p-98f, -0x1.d33a46p+4f},
                 {UNARY_FLOOR, -0.0f, -0.0f},
                 {UNARY_FLOOR, -FLT_TRUE_MIN, -1},
                 {UNARY_FLOOR, 8388607.5f, 8388607},
                 {UNARY_CEIL, -0.5f, -0.0f},
                 {UNARY_CEIL, FLT_TRUE_MIN, 1},
                 {UNARY_CEIL, INFINITY, INFINITY},
                 {UNARY_ROUND, 0.5f, 0},
                 {UNARY_ROUND, -0.5f, -0.0f},
                 {UNARY_ROUND, 1.5f, 2},
                 {UNARY_ROUND, 2.5f, 2},
                 {UNARY_ROUND, 8388607.5f, 8388608},
                 {UNARY_ROUND, -FLT_MAX, -FLT_MAX},
                 {UNARY_ROUND, NAN, NAN},
                 {UNARY_TRUNC, -0.7f, -0.0f},
                 {UNARY_TRUNC, 2.7f, 2}};
    test("%s special values", kernels->name);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float y;
        kernels->unary[cases[i].operation](1, &cases[i].x, &y);
        check(same(y, cases[i].y), "case %zu: %a gives %a, expected %a", i, (double)cases[i].x, (double)y,
              (double)cases[i].y);
    }
}

int main(int count, char **arguments) {
    bool all = count > 1 && strcmp(arguments[1], "--all") == 0;
    size_t tables;
    const struct kernels *const *table = kernels_supported(&tables);
    check_start(all ? 1 : count, arguments);
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++)
        test_function(table, tables, &functions[f], all ? 1 : SAMPLE_STEP);
    test_pairs(table, tables, "power", BINARY_POWER, pow, MOST_ULP_POWER);
    test_pairs(table, tables, "atan2", BINARY_ATAN2, atan2, MOST_ULP);
    for (size_t t = 0; t < tables; t++) {
        test_special_powers(table[t]);
        test_special_angles(table[t]);
        test_special_values(table[t]);
    }
    return check_end();
}
