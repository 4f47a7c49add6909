/* Random numbers and SHA-256: published known answers, values that do not depend on how the work is shared, and
   distributions that are what they claim to be. */
#include "../check.h"

#include "../../../src/core/random.h"
#include "../../../src/core/sha256.h"
#include "../../../src/core/threads.h"

/* From the file kat_vectors of the Random123 distribution. */
static void test_philox(void) {
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {{{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
                 {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                  {0xffffffff, 0xffffffff},
                  {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
                 {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                  {0xa4093822, 0x299f31d0},
                  {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}};
    test("Philox4x32-10 known answers");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t out[4];
        const uint32_t *counter = known[i].counter, *key = known[i].key;
        random_block((uint64_t)key[1] << 32 | key[0], (uint64_t)counter[3] << 32 | counter[2],
                     (uint64_t)counter[1] << 32 | counter[0], out);
        for (size_t w = 0; w < 4; w++)
            check(out[w] == known[i].out[w], "vector %zu word %zu is %08x, expected %08x", i, w, out[w],
                  known[i].out[w]);
    }
}

static struct tensor vector(enum dtype dtype, size_t n, void *data) {
    struct tensor t;
    check(tensor_layout(&t, dtype, 1, &n), "too large");
    t.data = data;
    return t;
}

/* random.h's definition, once more: key = seed, counter = (index / 4, stream), word index % 4. */
static uint32_t word_at(uint64_t seed, uint64_t stream, uint64_t index) {
    uint32_t out[4];
    random_block(seed, stream, index / 4, out);
    return out[index % 4];
}

enum { N = 50003 };
static const size_t thread_counts[] = {1, 2, 3, 4, 8};
enum { THREAD_COUNTS = sizeof thread_counts / sizeof *thread_counts };

static void test_uniform(void) {
    static float x[N];
    static double wide[N];
    const uint64_t seed = UINT64_C(0x123456789abcdef0), stream = UINT64_C(0xfedcba9876543210);
    struct tensor y = vector(FLOAT32, N, x), wide_y = vector(FLOAT64, N, wide);
    for (size_t t = 0; t < THREAD_COUNTS; t++) {
        test("uniform numbers, %zu threads", thread_counts[t]);
        threads_set(thread_counts[t]);
        random_uniform(seed, stream, 0, 1, &y);
        random_uniform(seed, stream, 0, 1, &wide_y);
        for (uint64_t i = 0; i < N; i++) {
            float expected = (float)(word_at(seed, stream, i) >> 8) * 0x1p-24f;
            uint64_t bits = (uint64_t)word_at(seed, stream, 2 * i) << 32 | word_at(seed, stream, 2 * i + 1);
            check(x[i] == expected, "element %zu is %a, expected %a", (size_t)i, (double)x[i], (double)expected);
            check(wide[i] == (double)(bits >> 11) * 0x1p-53, "float64 element %zu is %a", (size_t)i, wide[i]);
        }
    }
    test("uniform numbers stay within their bounds");
    for (uint64_t s = 0; s < 20; s++) { /* a range of a few floats, where rounding reaches the upper end */
        random_uniform(s, 0, 1, 1 + 0x1p-22, &y);
        for (size_t i = 0; i < N; i++) check(x[i] >= 1 && x[i] < 1 + 0x1p-22f, "%a", (double)x[i]);
    }
    random_uniform(1, 2, 5, 5, &y);
    for (size_t i = 0; i < N; i++) check(x[i] == 5, "an empty range gives %a", (double)x[i]);
}

/* The distribution function of the result must lead back to the random bits that it came from. */
static void check_normal(size_t i, double z, double tail, bool left, double tolerance) {
    double back = 0.5 * erfc(fabs(z) / sqrt(2));
    check(fabs(back / tail - 1) < tolerance && (z < 0) == left, "element %zu: tail %.17g gives %.17g", i, tail, z);
}

static void check_moments(const double *z) {
    double sum = 0, squares = 0, count = N;
    for (size_t i = 0; i < N; i++) {
        sum += z[i];
        squares += z[i] * z[i];
    }
    check(fabs(sum / count) < 0.02 && fabs(squares / count - 1) < 0.03, "mean %g, variance %g", sum / count,
          squares / count);
}

static void test_normal(void) {
    static float x[N], first[N];
    static double wide[N], single[N];
    struct tensor y = vector(FLOAT32, N, x), first_y = vector(FLOAT32, N, first), wide_y = vector(FLOAT64, N, wide);
    threads_set(1);
    random_normal(7, 3, 0, 1, &first_y);
    test("normal numbers");
    for (size_t i = 0; i < N; i++) {
        double p = ((double)word_at(7, 3, i) + 0.5) * 0x1p-32;
        single[i] = first[i];
        check_normal(i, single[i], p < 0.5 ? p : 1 - p, p < 0.5, 2e-6);
    }
    check_moments(single);
    for (size_t t = 0; t < THREAD_COUNTS; t++) {
        test("normal numbers, %zu threads", thread_counts[t]);
        threads_set(thread_counts[t]);
        random_normal(7, 3, 0, 0.5, &y);
        for (size_t i = 0; i < N; i++) check(x[i] == first[i] / 2, "element %zu is %a", i, (double)x[i]);
        random_normal(7, 3, 0, 1, &wide_y);
        for (size_t i = 0; i < N; i++) { /* a sign, and 52 bits below it */
            uint64_t bits = ((uint64_t)word_at(7, 3, 2 * i) << 32 | word_at(7, 3, 2 * i + 1)) >> 11;
            double below = ((double)(bits % (UINT64_C(1) << 52)) + 0.5) * 0x1p-53;
            check_normal(i, wide[i], below, bits >> 52 == 0, 1e-13);
        }
    }
    check_moments(wide);
    random_normal(7, 3, 10, 0.5, &y);
    check(fabs((double)x[0] - (10 + 0.5 * single[0])) < 1e-6, "mean and deviation: %g", (double)x[0]);
}

static void test_mask(void) {
    static float x[N];
    static double wide[N];
    static const double probabilities[] = {0, 0x1p-32, 0.3, 0.5, 1};
    struct tensor y = vector(FLOAT32, N, x), wide_y = vector(FLOAT64, N, wide);
    for (size_t t = 0; t < THREAD_COUNTS; t++)
        for (size_t p = 0; p < sizeof probabilities / sizeof *probabilities; p++) {
            test("masks of probability %g, %zu threads", probabilities[p], thread_counts[t]);
            threads_set(thread_counts[t]);
            random_mask(9, 4, probabilities[p], 1.25, &y);
            random_mask(9, 4, probabilities[p], 1.25, &wide_y);
            for (uint64_t i = 0; i < N; i++) {
                double expected = word_at(9, 4, i) * 0x1p-32 < probabilities[p] ? 0 : 1.25;
                check(x[i] == (float)expected && !signbit(x[i]), "element %zu is %a", (size_t)i, (double)x[i]);
                check(wide[i] == expected, "float64 element %zu is %a", (size_t)i, wide[i]);
            }
        }
}

static void test_permutation(void) {
    static int32_t y[N];
    static unsigned char seen[N];
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 100, N};
    test("permutations");
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (uint64_t seed = 0; seed < 3; seed++) {
            size_t n = sizes[s], fixed = 0;
            memset(seen, 0, sizeof seen);
            random_permutation(seed, 1, n, y);
            for (size_t i = 0; i < n; i++) {
                bool new_value = y[i] >= 1 && (size_t)y[i] <= n && !seen[y[i] - 1];
                if (check(new_value, "n %zu: %d is out of range or there twice", n, y[i])) seen[y[i] - 1] = 1;
                fixed += (size_t)y[i] == i + 1;
            }
            check(n < 100 || fixed < 10, "n %zu: %zu elements stayed in place", n, fixed);
        }
    test("permutations of three, all equally often");
    size_t counts[4][4] = {{0}};
    for (uint64_t stream = 0; stream < 6000; stream++) {
        random_permutation(5, stream, 3, y);
        counts[y[0]][y[1]]++;
    }
    for (int a = 1; a <= 3; a++)
        for (int b = 1; b <= 3; b++)
            check(a == b || (counts[a][b] > 850 && counts[a][b] < 1150), "%d %d came %zu times of 6000", a, b,
                  counts[a][b]);
}

/* From FIPS 180-4's example pages and NIST's byte-oriented vectors; the whole at once and cut in pieces. */
static void test_sha256(void) {
    static const struct {
        const char *text, *hex;
    } known[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrst"
         "nopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"}};
    test("SHA-256 known answers");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        for (size_t piece = 1; piece <= 130; piece += 3) {
            struct sha256 hash;
            char hex[65];
            size_t bytes = strlen(known[i].text);
            sha256_start(&hash);
            for (size_t at = 0; at < bytes; at += piece)
                sha256_add(&hash, known[i].text + at, bytes - at < piece ? bytes - at : piece);
            sha256_end(&hash, hex);
            check(strcmp(hex, known[i].hex) == 0, "message %zu in pieces of %zu: %s", i, piece, hex);
        }
    test("SHA-256 of a million times a");
    static char million[1000000];
    struct sha256 hash;
    char hex[65];
    memset(million, 'a', sizeof million);
    sha256_start(&hash);
    sha256_add(&hash, million, sizeof million);
    sha256_end(&hash, hex);
    check(strcmp(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0") == 0, "%s", hex);
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    threads_open();
    threads_suppose(THREADS_MOST); /* workers for all threads, whatever the machine has */
    test_philox();
    test_uniform();
    test_normal();
    test_mask();
    test_permutation();
    test_sha256();
    threads_close();
    return check_end();
}
