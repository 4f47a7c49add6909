/* decode_elements: every encoding, both byte orders, the limits of each, and every float16; the bytes lie before a
   page that nobody may touch. */
#include "../check.h"

#include "../../../src/core/decode.h"

static const unsigned char *bytes_of(uint64_t bits, size_t size, bool big_endian) {
    unsigned char *bytes = put_bytes(0, size, 1, AT_END);
    for (size_t i = 0; i < size; i++) bytes[big_endian ? size - 1 - i : i] = (unsigned char)(bits >> 8 * i);
    return bytes;
}

static bool decode(enum encoding type, bool big_endian, const unsigned char *from, size_t count, void *to,
                   size_t *bad) {
    return decode_elements(type, big_endian, from, count, encoding_dtypes[type], to, bad);
}

/* A whole number with these bits is `value`, or is refused. */
static void whole(enum encoding type, uint64_t bits, bool fits, int32_t value) {
    for (int big_endian = 0; big_endian <= 1; big_endian++) {
        int32_t got = 0;
        size_t bad = 9;
        bool good = decode(type, big_endian, bytes_of(bits, encoding_sizes[type], big_endian), 1, &got, &bad);
        check(good == fits, "%s: %llx was %s", encoding_names[type], (unsigned long long)bits,
              good ? "taken" : "refused");
        check(fits ? got == value : bad == 0, "%s: %llx became %d", encoding_names[type], (unsigned long long)bits,
              (int)got);
    }
}

static void test_whole_numbers(void) {
    test("whole numbers keep their values or are refused");
    whole(ENCODING_I8, 0x7f, true, 127), whole(ENCODING_I8, 0x80, true, -128), whole(ENCODING_I8, 0xff, true, -1);
    whole(ENCODING_U16, 0xffff, true, 65535), whole(ENCODING_I16, 0x8000, true, -32768);
    whole(ENCODING_U32, 0x7fffffff, true, INT32_MAX), whole(ENCODING_U32, 0x80000000, false, 0);
    whole(ENCODING_I32, 0x80000000, true, INT32_MIN), whole(ENCODING_I32, 0xfffffffe, true, -2);
    whole(ENCODING_U64, 0x7fffffff, true, INT32_MAX), whole(ENCODING_U64, 0x80000000, false, 0);
    whole(ENCODING_U64, UINT64_MAX, false, 0), whole(ENCODING_I64, (uint64_t)1 << 63, false, 0);
    whole(ENCODING_I64, (uint64_t)INT64_MAX, false, 0), whole(ENCODING_I64, UINT64_MAX, true, -1);
    whole(ENCODING_I64, 0xffffffff80000000, true, INT32_MIN), whole(ENCODING_I64, 0xffffffff7fffffff, false, 0);
}

static void test_position(void) {
    const unsigned char bytes[] = {1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0x80};
    int32_t got[4];
    size_t bad = 0;
    test("the first that does not fit is named");
    check(!decode(ENCODING_U32, false, bytes, 4, got, &bad) && bad == 2, "the bad one is %zu", bad);
    check(decode(ENCODING_U32, false, bytes, 2, got, &bad) && got[0] == 1 && got[1] == 2, "the good ones");
    check(decode(ENCODING_U32, false, NULL, 0, NULL, &bad), "none at all was refused");
}

static void test_bytes(void) {
    const unsigned char bytes[] = {0, 1, 2, 255};
    unsigned char got[4];
    size_t bad;
    test("bytes");
    check(decode(ENCODING_U8, false, bytes, 4, got, &bad) && memcmp(bytes, got, 4) == 0, "u8 changed");
    check(decode(ENCODING_BOOL, true, bytes, 4, got, &bad), "bool was refused");
    check(memcmp(got, "\0\1\1\1", 4) == 0, "bool: %d %d %d %d", got[0], got[1], got[2], got[3]);
}

/* By the formula of the standard, instead of by bits. */
static void test_halves(void) {
    test("every float16");
    for (uint32_t half = 0; half < 65536; half++) {
        int exponent = half >> 10 & 31, fraction = half & 1023;
        double size = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
        float expected = (float)(half & 0x8000 ? -size : size), got;
        size_t bad;
        if (exponent == 31) expected = fraction ? NAN : half & 0x8000 ? -INFINITY : INFINITY;
        for (int big_endian = 0; big_endian <= 1; big_endian++) {
            decode(ENCODING_F16, big_endian, bytes_of(half, 2, big_endian), 1, &got, &bad);
            check(same(got, expected), "%04x became %a, expected %a", half, (double)got, (double)expected);
        }
        check(exponent < 31 || !fraction || (bits_of_float(got) & 0x7fffff) == (uint32_t)fraction << 13,
              "the NaN %04x lost its fraction", half);
    }
}

static void test_brain_floats(void) {
    test("every bfloat16 is the upper half of a float32");
    for (uint32_t brain = 0; brain < 65536; brain++)
        for (int big_endian = 0; big_endian <= 1; big_endian++) {
            uint32_t got = 0;
            size_t bad;
            decode(ENCODING_BF16, big_endian, bytes_of(brain, 2, big_endian), 1, &got, &bad);
            check(got == brain << 16, "%04x became %08x", brain, got);
        }
}

static void test_floats(void) {
    test("float32 and float64 keep their bits");
    for (int big_endian = 0; big_endian <= 1; big_endian++)
        for (int tries = 0; tries < 1000; tries++) {
            uint64_t bits = random_bits(), got = 0;
            uint32_t single = 0;
            size_t bad;
            decode(ENCODING_F64, big_endian, bytes_of(bits, 8, big_endian), 1, &got, &bad);
            decode(ENCODING_F32, big_endian, bytes_of((uint32_t)bits, 4, big_endian), 1, &single, &bad);
            check(got == bits && single == (uint32_t)bits, "%llx changed", (unsigned long long)bits);
        }
}

enum { MANY = (1 << 20) + 1000 }; /* more than between two looks for an interrupt */

static void test_far_position(void) {
    unsigned char *bytes = calloc(MANY, 8);
    int32_t *got = calloc(MANY, sizeof *got);
    size_t bad = 0;
    test("one far behind the start is named");
    if (check(bytes && got, "no memory")) {
        bytes[8 * (MANY - 7)] = 5;
        bytes[8 * (MANY - 3) + 7] = 0x80;
        check(!decode(ENCODING_U64, false, bytes, MANY, got, &bad) && bad == MANY - 3, "the bad one is %zu", bad);
        check(got[MANY - 7] == 5 && got[0] == 0, "those before it changed");
    }
    free(bytes);
    free(got);
}

static void test_labels(void) {
    const unsigned char bytes[] = {0, 1, 200, 255};
    int32_t got[4];
    size_t bad;
    test("bytes as int32");
    check(decode_elements(ENCODING_U8, true, bytes, 4, INT32, got, &bad), "refused");
    check(got[0] == 0 && got[1] == 1 && got[2] == 200 && got[3] == 255, "%d %d", got[2], got[3]);
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    test_whole_numbers();
    test_position();
    test_bytes();
    test_halves();
    test_brain_floats();
    test_floats();
    test_far_position();
    test_labels();
    return check_end();
}
