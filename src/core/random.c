#include "random.h"

#include "backend.h"
#include "interrupt.h"
#include "threads.h"

#include <math.h>

#define PIECE 16384
#define MASK_WORDS 1024

/* Made at a time, where the numbers are made one by one. */
enum { BLOCKS = 16, WORDS = 4 * BLOCKS };

void random_block(uint64_t seed, uint64_t stream, uint64_t index, uint32_t word[4]) {
    backend(FLOAT32)->philox(seed, stream, index, 1, word);
}

/* WORDS words of a stream, word i among them as word[i % WORDS]. */
static void words(uint64_t seed, uint64_t stream, size_t i, uint32_t word[WORDS]) {
    backend(FLOAT32)->philox(seed, stream, i / WORDS * BLOCKS, BLOCKS, word);
}

struct job {
    uint64_t seed, stream;
    double low, high; /* or mean and deviation, or probability and kept value */
    const struct tensor *y;
};

static void store(const struct tensor *y, size_t i, double value) {
    if (y->dtype == FLOAT32)
        ((float *)y->data)[i] = (float)value;
    else
        ((double *)y->data)[i] = value;
}

/* low + (high - low) u may round up to high, which stays excluded unless low rounds to the same number. */
static double below(double value, double low, double high, enum dtype dtype) {
    if (dtype == FLOAT64) return value < high ? value : nextafter(high, -INFINITY);
    if ((float)value < (float)high || (float)low == (float)high) return value;
    return nextafterf((float)high, -INFINITY);
}

static void uniform(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    uint32_t word[WORDS];
    size_t count = job->y->dtype == FLOAT64 ? 2 : 1; /* words a number */
    for (size_t i = begin; i < end; i++) {
        double u;
        size_t first = count * i % WORDS;
        if (i == begin || first == 0) words(job->seed, job->stream, count * i, word);
        if (count == 2)
            u = (double)(((uint64_t)word[first] << 32 | word[first + 1]) >> 11) * 0x1p-53;
        else
            u = (word[first] >> 8) * 0x1p-24;
        double value = job->low + (job->high - job->low) * u;
        store(job->y, i, job->low < job->high ? below(value, job->low, job->high, job->y->dtype) : job->low);
    }
}

void random_uniform(uint64_t seed, uint64_t stream, double low, double high, const struct tensor *y) {
    struct job job = {seed, stream, low, high, y};
    threads_for(tensor_count(y), PIECE, (double)tensor_count(y) * 16, uniform, &job);
}

static double ratio(double x, const double *top, int tops, const double *bottom, int bottoms) {
    double above = top[tops - 1], under = bottom[bottoms - 1];
    for (int i = tops - 2; i >= 0; i--) above = above * x + top[i];
    for (int i = bottoms - 2; i >= 0; i--) under = under * x + bottom[i];
    return above / (under * x + 1);
}

/* -log p for p in (0, 0.5] from the float kernel, the same bits on every machine (the C library's are not). */
static double minus_log(double p) {
    float x = (float)p, y;
    kernels_portable.unary[UNARY_LOG](1, &x, &y);
    return -(double)y;
}

/* For float32: seven digits. p in [2^-33, 1 - 2^-33] */
static double normal_quantile(double p) {
    static const double a[] = {3.3871327179, 50.434271938, 159.29113202, 59.109374720};
    static const double b[] = {17.895169469, 78.757757664, 67.187563600};
    static const double c[] = {1.4234372777, 2.7568153900, 1.3067284816, 0.17023821103};
    static const double d[] = {0.73700164250, 0.12021132975};
    double q = p - 0.5;
    if (fabs(q) <= 0.425) return q * ratio(0.180625 - q * q, a, 4, b, 3);
    double r = sqrt(minus_log(q < 0 ? p : 1 - p));
    double size = ratio(r - 1.6, c, 4, d, 2); /* for r <= 5; 32 bits reach 4.8 */
    return q < 0 ? -size : size;
}

/* For float64: sixteen digits, and the logarithm is the C library's. p in (0, 0.5) */
static double normal_quantile_below(double p) {
    static const double a[] = {3.3871328727963666080,    1.3314166789178437745e+2, 1.9715909503065514427e+3,
                               1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                               3.3430575583588128105e+4, 2.5090809287301226727e+3};
    static const double b[] = {4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
                               2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4,
                               5.2264952788528545610e+3};
    static const double c[] = {1.42343711074968357734,    4.63033784615654529590,   5.76949722146069140550,
                               3.64784832476320460504,    1.27045825245236838258,   2.41780725177450611770e-1,
                               2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[] = {2.05319162663775882187,    1.67638483018380384940,    6.89767334985100004550e-1,
                               1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
                               1.05075007164441684324e-9};
    static const double e[] = {6.65790464350110377720,    5.46378491116411436990,    1.78482653991729133580,
                               2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                               2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[] = {5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
                               7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
                               2.04426310338993978564e-15};
    double q = p - 0.5;
    if (q >= -0.425) return q * ratio(0.180625 - q * q, a, 8, b, 7);
    double r = sqrt(-log(p));
    return r <= 5 ? -ratio(r - 1.6, c, 8, d, 7) : -ratio(r - 5, e, 8, f, 7);
}

/* A sign and 52 bits for the distance from the middle, so that both tails are equally fine. */
static double normal_of(const uint32_t word[2]) {
    uint64_t bits = ((uint64_t)word[0] << 32 | word[1]) >> 11;
    double below = normal_quantile_below(((double)(bits & (UINT64_MAX >> 12)) + 0.5) * 0x1p-53);
    return bits >> 52 ? -below : below;
}

static void normal(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    uint32_t word[WORDS];
    size_t count = job->y->dtype == FLOAT64 ? 2 : 1; /* words a number */
    for (size_t i = begin; i < end; i++) {
        size_t first = count * i % WORDS;
        if (i == begin || first == 0) words(job->seed, job->stream, count * i, word);
        double z = count == 2 ? normal_of(word + first) : normal_quantile(((double)word[first] + 0.5) * 0x1p-32);
        store(job->y, i, job->low + job->high * z);
    }
}

void random_normal(uint64_t seed, uint64_t stream, double mean, double deviation, const struct tensor *y) {
    struct job job = {seed, stream, mean, deviation, y};
    threads_for(tensor_count(y), PIECE, (double)tensor_count(y) * 32, normal, &job);
}

static void mask(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    const struct kernels *kernels = backend(job->y->dtype);
    uint64_t limit = (uint64_t)(job->low * 0x1p32);
    double kept = limit > UINT32_MAX ? 0 : job->high; /* the probability is 1 */
    uint32_t word[MASK_WORDS];
    for (size_t i = begin, count; i < end; i += count) {
        size_t skipped = i % 4; /* words of the first block */
        count = end - i < MASK_WORDS - skipped ? end - i : MASK_WORDS - skipped;
        kernels->philox(job->seed, job->stream, i / 4, (skipped + count + 3) / 4, word);
        kernels->mask(count, word + skipped, (uint32_t)limit, kept,
                      (char *)job->y->data + i * dtype_sizes[job->y->dtype]);
    }
}

void random_mask(uint64_t seed, uint64_t stream, double probability, double kept, const struct tensor *y) {
    struct job job = {seed, stream, probability, kept, y};
    threads_for(tensor_count(y), PIECE, (double)tensor_count(y) * 12, mask, &job);
}

void random_permutation(uint64_t seed, uint64_t stream, size_t n, int32_t *y) {
    uint32_t word[WORDS];
    for (size_t i = 0; i < n; i++) y[i] = (int32_t)i + 1;
    for (size_t i = n; i > 1; i--) {
        if (i % PIECE == 0 && interrupt_pending()) return;
        size_t turn = n - i;
        if (turn % WORDS == 0) words(seed, stream, turn, word);
        size_t j = (size_t)((uint64_t)word[turn % WORDS] * i >> 32); /* bias below 2^-32 * n */
        int32_t other = y[j];
        y[j] = y[i - 1];
        y[i - 1] = other;
    }
}
