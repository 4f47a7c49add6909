/* What the C test programs share: counting, values that can be repeated, arrays between guards.
   A program calls check_start first, test() at the start of each test, check() as often as it likes, and returns
   check_end(). A test passes when it made at least one check and none of its checks failed. */
#ifndef FNET_TESTS_CHECK_H
#define FNET_TESTS_CHECK_H

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- counting ---- */

static struct {
    unsigned long passed, failed, made, wrong; /* tests; checks of the current test */
    char name[160];
    uint64_t random;
} checks;

static inline void check_start(int count, char **arguments) {
    uint64_t seed = count > 1 ? strtoull(arguments[1], NULL, 0) : 20170825;
    checks.random = seed;
    printf("seed %llu\n", (unsigned long long)seed);
}

static inline void test_finish(void) {
    if (checks.name[0] == '\0') return;
    if (checks.made == 0) printf("%s: nothing was checked\n", checks.name);
    if (checks.wrong > 0) printf("%s: %lu of %lu checks failed\n", checks.name, checks.wrong, checks.made);
    if (checks.made > 0 && checks.wrong == 0)
        checks.passed++;
    else
        checks.failed++;
    fflush(stdout);
}

/* Ends the test before and begins the one with this name. */
static inline __attribute__((format(printf, 1, 2))) void test(const char *format, ...) {
    va_list arguments;
    test_finish();
    va_start(arguments, format);
    vsnprintf(checks.name, sizeof checks.name, format, arguments);
    va_end(arguments);
    checks.made = checks.wrong = 0;
}

/* Counts; says what was wrong the first few times in each test. */
static inline __attribute__((format(printf, 2, 3))) bool check(bool good, const char *format, ...) {
    checks.made++;
    if (good) return true;
    if (checks.wrong++ < 5) {
        va_list arguments;
        printf("%s: ", checks.name);
        va_start(arguments, format);
        vprintf(format, arguments);
        va_end(arguments);
        printf("\n");
        fflush(stdout);
    }
    return false;
}

static inline int check_end(void) {
    test_finish();
    printf("%lu passed, %lu failed\n", checks.passed, checks.failed);
    return checks.failed == 0 && checks.passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- values ---- */

/* SplitMix64 */
static inline uint64_t random_bits(void) {
    uint64_t z = checks.random += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline size_t random_below(size_t count) { return (size_t)(random_bits() % count); }

static inline float float_of_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t bits_of_float(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

enum { SPECIAL_COUNT = 34 };

static inline float special_value(size_t i) {
    static const float values[SPECIAL_COUNT / 2] = {
        0,     FLT_TRUE_MIN, 1e-40f, 0x1.fffffcp-127f, FLT_MIN, 1e-20f, 0.5f, 1, 1.5f, 2, 3, 4,
        88.5f, 103.5f,       1e20f,  FLT_MAX,          INFINITY};
    return i % 2 ? -values[i / 2 % (SPECIAL_COUNT / 2)] : values[i / 2 % (SPECIAL_COUNT / 2)];
}

/* PLAIN: in [-2, 2). WILD: any bits, so any size, and some NaNs. SPECIAL: zeros, denormals, limits, infinities,
   NaN. FINITE: as special, but neither infinite nor NaN. */
enum values { PLAIN, WILD, SPECIAL, FINITE, VALUES_COUNT };

static inline float random_value(enum values values) {
    uint64_t bits = random_bits();
    switch (values) {
    case PLAIN: return (float)((double)(bits >> 40) * 0x1p-22 - 2);
    case WILD: return float_of_bits((uint32_t)bits);
    case SPECIAL: return bits % 16 == 0 ? NAN : special_value((size_t)(bits >> 8));
    default: {
        float x = special_value((size_t)(bits >> 8));
        return isfinite(x) ? x : 0.25f;
    }
    }
}

static inline void fill(size_t n, float *x, enum values values) {
    for (size_t i = 0; i < n; i++) x[i] = random_value(values);
}

/* The sizes at which vectors and tiles begin and end. */
enum { SIZE_COUNT = 19 };

static inline size_t size_at(size_t i) {
    static const uint8_t sizes[SIZE_COUNT] = {0,  1,  2,  3,  5,  7,  8,   15,  16, 17,
                                              31, 32, 33, 63, 64, 65, 127, 128, 129};
    return sizes[i];
}

/* ---- comparing ---- */

/* The same bits, or both NaN. */
static inline bool same(float a, float b) { return (a != a && b != b) || bits_of_float(a) == bits_of_float(b); }

/* The position of the first difference; n when there is none. */
static inline size_t difference(size_t n, const float *a, const float *b) {
    size_t i = 0;
    while (i < n && same(a[i], b[i])) i++;
    return i;
}

#define check_same(n, expected, got, ...)                                                                          \
    do {                                                                                                           \
        const float *expected_ = (expected), *got_ = (got);                                                        \
        size_t n_ = (n), at_ = difference(n_, expected_, got_);                                                    \
        char what_[200];                                                                                           \
        if (at_ < n_) snprintf(what_, sizeof what_, __VA_ARGS__);                                                  \
        check(at_ == n_, "%s: element %zu is %a, expected %a", at_ < n_ ? what_ : "", at_,                         \
              at_ < n_ ? (double)got_[at_] : 0, at_ < n_ ? (double)expected_[at_] : 0);                            \
    } while (0)

/* ---- arrays between guards ---- */

/* Each place is memory of its own, followed by a page that nobody may touch. An array is put there so that it
   starts 0 to 3 elements after a multiple of 64 bytes, with guard bytes on both sides, or (AT_END) so that
   it ends where the forbidden page begins: then reading past its end is a crash, too. */
enum { PLACE_COUNT = 12, PLACE_BYTES = 4 << 20, GUARD_BYTES = 256, AT_END = 4, POSITION_COUNT = 5 };

static struct place {
    unsigned char *memory, *begin, *end; /* begin, end: of the array there now */
} places[PLACE_COUNT];

static inline size_t guard_after(const struct place *place) {
    size_t room = (size_t)(place->memory + PLACE_BYTES - place->end);
    return room < GUARD_BYTES ? room : GUARD_BYTES;
}

/* The array itself starts with the guards' pattern, so that what a kernel leaves out shows. */
static inline void *put_bytes(size_t number, size_t bytes, size_t element, size_t position) {
    struct place *place = &places[number];
    if (!place->memory) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        place->memory = mmap(NULL, PLACE_BYTES + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (place->memory == MAP_FAILED || mprotect(place->memory + PLACE_BYTES, page, PROT_NONE) != 0) {
            perror("memory for a test");
            exit(EXIT_FAILURE);
        }
    }
    if (bytes + 2 * GUARD_BYTES + 4 * element > PLACE_BYTES) {
        printf("a test wants an array of %zu bytes\n", bytes);
        exit(EXIT_FAILURE);
    }
    place->begin = place->memory + (position == AT_END ? PLACE_BYTES - bytes : GUARD_BYTES + position * element);
    place->end = place->begin + bytes;
    memset(place->begin - GUARD_BYTES, 0xa5, GUARD_BYTES + bytes + guard_after(place));
    return place->begin;
}

static inline float *put(size_t number, size_t n, size_t position) {
    return put_bytes(number, n * sizeof(float), sizeof(float), position);
}

static inline float *put_filled(size_t number, size_t n, size_t position, enum values values) {
    float *x = put(number, n, position);
    fill(n, x, values);
    return x;
}

static inline float *put_copy(size_t number, size_t n, size_t position, const float *from) {
    float *x = put(number, n, position);
    if (n > 0) memcpy(x, from, n * sizeof *x);
    return x;
}

static inline bool untouched(const unsigned char *from, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (from[i] != 0xa5) return false;
    return true;
}

static inline void check_guards(size_t number) {
    const struct place *place = &places[number];
    check(untouched(place->begin - GUARD_BYTES, GUARD_BYTES), "wrote before the start of its output");
    check(untouched(place->end, guard_after(place)), "wrote past the end of its output");
}

#endif
