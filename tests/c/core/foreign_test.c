/* foreign_decode: every type, both byte orders, the limits of each, and every float16; the bytes lie before a page
   that nobody may touch. */
#include "../check.h"

#include "../../../src/core/foreign.h"

static const unsigned char *bytes_of(uint64_t bits, size_t size, bool big_endian) {
    unsigned char *bytes = put_bytes(0, size, 1, AT_END);
    for (size_t i = 0; i < size; i++) bytes[big_endian ? size - 1 - i : i] = (unsigned char)(bits >> 8 * i);
    return bytes;
}

/* A whole number with these bits is `value`, or is refused. */
static void whole(enum foreign type, uint64_t bits, bool fits, int32_t value) {
    for (int big_endian = 0; big_endian <= 1; big_endian++) {
        int32_t got = 0;
        size_t bad = 9;
        bool good =
            foreign_decode(type, big_endian, bytes_of(bits, foreign_sizes[type], big_endian), 1, &got, &bad);
        check(good == fits, "%s: %llx was %s", foreign_names[type], (unsigned long long)bits,
              good ? "taken" : "refused");
        check(fits ? got == value : bad == 0, "%s: %llx became %d", foreign_names[type], (unsigned long long)bits,
              (int)got);
    }
}

static void test_whole_numbers(void) {
    test("whole numbers keep their values or are refused");
    whole(FOREIGN_I8, 0x7f, true, 127), whole(FOREIGN_I8, 0x80, true, -128), whole(FOREIGN_I8, 0xff, true, -1);
    whole(FOREIGN_U16, 0xffff, true, 65535), whole(FOREIGN_I16, 0x8000, true, -32768);
    whole(FOREIGN_U32, 0x7fffffff, true, INT32_MAX), whole(FOREIGN_U32, 0x80000000, false, 0);
    whole(FOREIGN_I32, 0x80000000, true, INT32_MIN), whole(FOREIGN_I32, 0xfffffffe, true, -2);
    whole(FOREIGN_U64, 0x7fffffff, true, INT32_MAX), whole(FOREIGN_U64, 0x80000000, false, 0);
    whole(FOREIGN_U64, UINT64_MAX, false, 0), whole(FOREIGN_I64, (uint64_t)1 << 63, false, 0);
    whole(FOREIGN_I64, (uint64_t)INT64_MAX, false, 0), whole(FOREIGN_I64, UINT64_MAX, true, -1);
    whole(FOREIGN_I64, 0xffffffff80000000, true, INT32_MIN), whole(FOREIGN_I64, 0xffffffff7fffffff, false, 0);
}

static void test_position(void) {
    const unsigned char bytes[] = {1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0x80};
    int32_t got[4];
    size_t bad = 0;
    test("the first that does not fit is named");
    check(!foreign_decode(FOREIGN_U32, false, bytes, 4, got, &bad) && bad == 2, "the bad one is %zu", bad);
    check(foreign_decode(FOREIGN_U32, false, bytes, 2, got, &bad) && got[0] == 1 && got[1] == 2, "the good ones");
    check(foreign_decode(FOREIGN_U32, false, NULL, 0, NULL, &bad), "none at all was refused");
}

static void test_bytes(void) {
    const unsigned char bytes[] = {0, 1, 2, 255};
    unsigned char got[4];
    size_t bad;
    test("bytes");
    check(foreign_decode(FOREIGN_U8, false, bytes, 4, got, &bad) && memcmp(bytes, got, 4) == 0, "u8 changed");
    check(foreign_decode(FOREIGN_BOOL, true, bytes, 4, got, &bad), "bool was refused");
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
            foreign_decode(FOREIGN_F16, big_endian, bytes_of(half, 2, big_endian), 1, &got, &bad);
            check(same(got, expected), "%04x became %a, expected %a", half, (double)got, (double)expected);
        }
        check(exponent < 31 || !fraction || (bits_of_float(got) & 0x7fffff) == (uint32_t)fraction << 13,
              "the NaN %04x lost its fraction", half);
    }
}

static void test_floats(void) {
    test("float32 and float64 keep their bits");
    for (int big_endian = 0; big_endian <= 1; big_endian++)
        for (int tries = 0; tries < 1000; tries++) {
            uint64_t bits = random_bits(), got = 0;
            uint32_t single = 0;
            size_t bad;
            foreign_decode(FOREIGN_F64, big_endian, bytes_of(bits, 8, big_endian), 1, &got, &bad);
            foreign_decode(FOREIGN_F32, big_endian, bytes_of((uint32_t)bits, 4, big_endian), 1, &single, &bad);
            check(got == bits && single == (uint32_t)bits, "%llx changed", (unsigned long long)bits);
        }
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    test_whole_numbers();
    test_position();
    test_bytes();
    test_halves();
    test_floats();
    return check_end();
}
