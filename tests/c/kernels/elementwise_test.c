/* The kernels on single elements, of every instruction set: equal bit for bit to plain C where C has the operation,
   else to the portable table, whose values math_test.c checks. */
#include "../check.h"

#include "../../../src/kernels/kernels.h"

static const char *const unary_names[] = {
#define UNARY(NAME, name, place, expression) name,
#include "../../../src/kernels/operations.inc"
};
static const char *const binary_names[] = {
#define BINARY(NAME, name, place, expression) name,
#include "../../../src/kernels/operations.inc"
};

static const char *const ternary_names[] = {
#define TERNARY(NAME, name, expression) name,
#include "../../../src/kernels/operations.inc"
};

static float unary_expected(enum unary operation, float x) {
    float y;
    switch (operation) {
    case UNARY_NEGATE: return float_of_bits(bits_of_float(x) ^ 0x80000000u);
    case UNARY_ABS: return fabsf(x);
    case UNARY_SIGN: return x > 0 ? 1 : x < 0 ? -1 : x;
    case UNARY_SQRT: return sqrtf(x);
    case UNARY_RELU: return x > 0 || isnan(x) ? x : 0;
    default: kernels_portable.unary[operation](1, &x, &y); return y;
    }
}

/* Of zeros of both signs the second operand stays. */
static float binary_expected(enum binary operation, float a, float b) {
    float y;
    switch (operation) {
    case BINARY_ADD: return a + b;
    case BINARY_SUBTRACT: return a - b;
    case BINARY_MULTIPLY: return a * b;
    case BINARY_DIVIDE: return a / b;
    case BINARY_MAXIMUM: return isnan(a) || isnan(b) ? NAN : a > b ? a : b;
    case BINARY_MINIMUM: return isnan(a) || isnan(b) ? NAN : a < b ? a : b;
    case BINARY_EQUAL: return a == b;
    case BINARY_NOT_EQUAL: return a != b;
    case BINARY_LESS: return a < b;
    case BINARY_LESS_EQUAL: return a <= b;
    case BINARY_GATE: return b > 0 ? a : 0;
    case BINARY_LEAKY_RELU: return a > 0 ? a : a * b;
    default: kernels_portable.binary[operation](1, &a, 1, &b, 1, &y); return y;
    }
}

enum { PLACE_A, PLACE_B, PLACE_Y, PLACE_EXPECTED };

static void test_unary(const struct kernels *kernels, enum unary operation, size_t n, enum values values) {
    for (size_t position = 0; position < POSITION_COUNT; position++) {
        const float *x = put_filled(PLACE_A, n, position, values);
        float *expected = put(PLACE_EXPECTED, n, 0);
        for (size_t i = 0; i < n; i++) expected[i] = unary_expected(operation, x[i]);

        float *y = put(PLACE_Y, n, random_below(POSITION_COUNT));
        kernels->unary[operation](n, x, y);
        check_same(n, expected, y, "n %zu", n);
        check_guards(PLACE_Y);

        y = put_copy(PLACE_Y, n, position, x);
        kernels->unary[operation](n, y, y);
        check_same(n, expected, y, "n %zu in place", n);
        check_guards(PLACE_Y);
    }
}

static void test_binary(const struct kernels *kernels, enum binary operation, size_t n, size_t a_step,
                        size_t b_step, enum values values) {
    size_t a_count = a_step ? n : 1, b_count = b_step ? n : 1;
    const float *a = put_filled(PLACE_A, a_count, random_below(POSITION_COUNT), values);
    const float *b = put_filled(PLACE_B, b_count, random_below(POSITION_COUNT), values);
    float *expected = put(PLACE_EXPECTED, n, 0);
    for (size_t i = 0; i < n; i++) expected[i] = binary_expected(operation, a[i * a_step], b[i * b_step]);

    float *y = put(PLACE_Y, n, random_below(POSITION_COUNT));
    kernels->binary[operation](n, a, a_step, b, b_step, y);
    check_same(n, expected, y, "n %zu steps %zu %zu", n, a_step, b_step);
    check_guards(PLACE_Y);
    if (a_count == n) {
        y = put_copy(PLACE_Y, n, random_below(POSITION_COUNT), a);
        kernels->binary[operation](n, y, a_step, b, b_step, y);
        check_same(n, expected, y, "n %zu steps %zu %zu in place of the left operand", n, a_step, b_step);
        check_guards(PLACE_Y);
    }
    if (b_count == n) {
        y = put_copy(PLACE_Y, n, random_below(POSITION_COUNT), b);
        kernels->binary[operation](n, a, a_step, y, b_step, y);
        check_same(n, expected, y, "n %zu steps %zu %zu in place of the right operand", n, a_step, b_step);
        check_guards(PLACE_Y);
    }
}

/* Every special value, NaN included, with every other. */
static void test_pairs(const struct kernels *kernels, enum binary operation) {
    enum { KINDS = SPECIAL_COUNT + 1, PAIRS = KINDS * KINDS };
    float *a = put(PLACE_A, PAIRS, AT_END), *b = put(PLACE_B, PAIRS, AT_END), *y = put(PLACE_Y, PAIRS, AT_END);
    for (size_t i = 0; i < PAIRS; i++) {
        size_t left = i / KINDS, right = i % KINDS;
        a[i] = left < SPECIAL_COUNT ? special_value(left) : NAN;
        b[i] = right < SPECIAL_COUNT ? special_value(right) : NAN;
    }
    kernels->binary[operation](PAIRS, a, 1, b, 1, y);
    for (size_t i = 0; i < PAIRS; i++) {
        float expected = binary_expected(operation, a[i], b[i]);
        check(same(expected, y[i]), "%a, %a: got %a, expected %a", (double)a[i], (double)b[i], (double)y[i],
              (double)expected);
    }
}

static float ternary_expected(enum ternary operation, float a, float b, float c) {
    switch (operation) {
    case TERNARY_WHERE: return a != 0 ? b : c;
    case TERNARY_LEAKY_RELU_BACKWARD: return b > 0 ? a : a * c;
    default: return b > 0 ? a : a * (b + c); /* TERNARY_ELU_BACKWARD */
    }
}

/* First operands are 0, -0, 1, NaN and others, as conditions may be; each operand is one value or many. */
static void test_ternary(const struct kernels *kernels, enum ternary operation, size_t n, size_t steps) {
    static const float firsts[] = {0, 1, -0.0f, NAN, -2, FLT_TRUE_MIN, INFINITY};
    size_t a_step = steps & 1, b_step = steps >> 1 & 1, c_step = steps >> 2;
    float *a = put(PLACE_EXPECTED, a_step ? n : 1, random_below(POSITION_COUNT));
    for (size_t i = 0; i < (a_step ? n : 1); i++) a[i] = firsts[random_below(7)];
    const float *b = put_filled(PLACE_A, b_step ? n : 1, random_below(POSITION_COUNT), WILD);
    const float *c = put_filled(PLACE_B, c_step ? n : 1, random_below(POSITION_COUNT), WILD);
    float *y = put(PLACE_Y, n, random_below(POSITION_COUNT));
    kernels->ternary[operation](n, a, a_step, b, b_step, c, c_step, y);
    for (size_t i = 0; i < n; i++) {
        float expected = ternary_expected(operation, a[i * a_step], b[i * b_step], c[i * c_step]);
        check(same(expected, y[i]), "n %zu steps %zu element %zu: %a, expected %a", n, steps, i, (double)y[i],
              (double)expected);
    }
    check_guards(PLACE_Y);
}

static void test_scale_bytes(const struct kernels *kernels, size_t n) {
    static const double scales[] = {1.0 / 255, 1, 0.1, -3, 1e38, 1e-42};
    for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
        uint8_t *x = put_bytes(PLACE_A, n, 1, random_below(POSITION_COUNT));
        float *expected = put(PLACE_EXPECTED, n, 0), *y = put(PLACE_Y, n, random_below(POSITION_COUNT));
        for (size_t i = 0; i < n; i++) {
            x[i] = (uint8_t)(n < 3 ? 255 * (i % 2) : random_bits());
            expected[i] = (float)x[i] * (float)scales[s];
        }
        kernels->scale_bytes(n, x, scales[s], y);
        check_same(n, expected, y, "n %zu scale %g", n, scales[s]);
        check_guards(PLACE_Y);
    }
}

/* Words of counters that pass 2^32 and 2^64 on the way, by one block at a time of plain C, whose words random_test
   knows; and the mask of them. */
static void test_random(const struct kernels *kernels, size_t blocks) {
    static const uint64_t firsts[] = {0, UINT32_MAX - 20u, UINT64_MAX - 20u};
    static const uint32_t limits[] = {0, 1, UINT32_MAX / 10, UINT32_MAX};
    size_t n = 4 * blocks, bytes = n * sizeof(uint32_t);
    for (size_t f = 0; f < sizeof firsts / sizeof *firsts; f++) {
        uint64_t seed = random_bits(), stream = UINT64_C(0xfedcba9876543210);
        uint32_t *expected = put_bytes(PLACE_A, bytes, sizeof *expected, 0);
        uint32_t *word = put_bytes(PLACE_Y, bytes, sizeof *word, random_below(POSITION_COUNT));
        kernels->philox(seed, stream, firsts[f], blocks, word);
        for (size_t i = 0; i < blocks; i++)
            kernels_portable.philox(seed, stream, firsts[f] + i, 1, expected + 4 * i);
        check(n == 0 || memcmp(expected, word, bytes) == 0, "%zu blocks from %zu are others", blocks, f);
        check_guards(PLACE_Y);
        float *y = put(PLACE_Y, n, random_below(POSITION_COUNT));
        for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
            kernels->mask(n, expected, limits[l], 1.25, y);
            for (size_t i = 0; i < n; i++)
                check(y[i] == (expected[i] < limits[l] ? 0 : 1.25f), "word %08x gives %a", expected[i],
                      (double)y[i]);
            check_guards(PLACE_Y);
        }
    }
}

int main(int count, char **arguments) {
    size_t tables;
    const struct kernels *const *table = kernels_supported(&tables);
    check_start(count, arguments);
    for (size_t t = 0; t < tables; t++) {
        for (int operation = 0; operation < UNARY_COUNT; operation++) {
            test("%s %s", table[t]->name, unary_names[operation]);
            for (size_t s = 0; s < SIZE_COUNT; s++)
                for (int values = 0; values < VALUES_COUNT; values++)
                    test_unary(table[t], (enum unary)operation, size_at(s), (enum values)values);
        }
        for (int operation = 0; operation < BINARY_COUNT; operation++) {
            test("%s %s", table[t]->name, binary_names[operation]);
            for (size_t s = 0; s < SIZE_COUNT; s++)
                for (int values = 0; values < VALUES_COUNT; values++)
                    for (size_t steps = 0; steps < 4; steps++)
                        test_binary(table[t], (enum binary)operation, size_at(s), steps & 1, steps >> 1,
                                    (enum values)values);
            test_pairs(table[t], (enum binary)operation);
        }
        for (int operation = 0; operation < TERNARY_COUNT; operation++) {
            test("%s %s", table[t]->name, ternary_names[operation]);
            for (size_t s = 0; s < SIZE_COUNT; s++)
                for (size_t steps = 0; steps < 8; steps++)
                    test_ternary(table[t], (enum ternary)operation, size_at(s), steps);
        }
        test("%s scale_bytes", table[t]->name);
        for (size_t s = 0; s < SIZE_COUNT; s++) test_scale_bytes(table[t], size_at(s));
        test("%s random numbers", table[t]->name);
        for (size_t blocks = 0; blocks < 70; blocks++) test_random(table[t], blocks);
    }
    return check_end();
}
