/* What the machine itself can do: the limits that the benchmark holds its figures against.
     limits multiply-adds ISA THREADS MILLISECONDS      GFLOP/s (a multiply-add counts as two)
     limits read ISA THREADS MILLISECONDS KIBIBYTES     GB/s, each thread over its own so many KiB
     limits update ISA THREADS MILLISECONDS KIBIBYTES   GB/s read plus GB/s written, in place
   Prints one number, the sum over the threads. Each thread warms up, then counts what it did in its own time. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define THREADS_MOST 256
#define CHAINS 14 /* accumulators in the loops; with two factors they fill AVX2's 16 registers */

/* An operand that inline assembly might change: a vector in a register. */
#if defined(__x86_64__)
#define KEPT(v) "+v"(v)
#elif defined(__aarch64__)
#define KEPT(v) "+w"(v)
#else
#define KEPT(v) "+m"(v)
#endif

struct loops {
    const char *isa;
    size_t lanes; /* floats a vector */
    /* rounds times CHAINS multiply-adds of vectors, in independent chains */
    float (*multiply_adds)(size_t rounds, float a, float b);
    /* over count floats, a multiple of 8 vectors */
    float (*read)(float *x, size_t count);
    void (*update)(float *x, size_t count);
};

#if defined(__x86_64__)
#define NAME(function) function##_avx512
#define TARGET __attribute__((target("avx512f")))
#define VECTOR __m512
#define LANES 16
#define SET(x) _mm512_set1_ps(x)
#define LOAD(p) _mm512_load_ps(p)
#define STORE(p, v) _mm512_store_ps(p, v)
#define ADD(a, b) _mm512_add_ps(a, b)
#define MULTIPLY_ADD(a, b, sum) _mm512_fmadd_ps(a, b, sum)
#include "limits_loops.inc"

#define NAME(function) function##_avx2
#define TARGET __attribute__((target("avx2,fma")))
#define VECTOR __m256
#define LANES 8
#define SET(x) _mm256_set1_ps(x)
#define LOAD(p) _mm256_load_ps(p)
#define STORE(p, v) _mm256_store_ps(p, v)
#define ADD(a, b) _mm256_add_ps(a, b)
#define MULTIPLY_ADD(a, b, sum) _mm256_fmadd_ps(a, b, sum)
#include "limits_loops.inc"
#elif defined(__aarch64__)
#define NAME(function) function##_neon
#define TARGET
#define VECTOR float32x4_t
#define LANES 4
#define SET(x) vdupq_n_f32(x)
#define LOAD(p) vld1q_f32(p)
#define STORE(p, v) vst1q_f32(p, v)
#define ADD(a, b) vaddq_f32(a, b)
#define MULTIPLY_ADD(a, b, sum) vfmaq_f32(sum, a, b)
#include "limits_loops.inc"
#endif

/* The compiler's own vectors; without an instruction for it, a multiply-add is a product and a sum. */
typedef float portable_vector __attribute__((vector_size(16)));
#define NAME(function) function##_portable
#define TARGET
#define VECTOR portable_vector
#define LANES 4
#define SET(x) ((portable_vector){x, x, x, x})
#define LOAD(p) (*(const portable_vector *)(const void *)(p))
#define STORE(p, v) (*(portable_vector *)(void *)(p) = (v))
#define ADD(a, b) ((a) + (b))
#define MULTIPLY_ADD(a, b, sum) ((a) * (b) + (sum))
#include "limits_loops.inc"

static const struct loops all_loops[] = {
#if defined(__x86_64__)
    {"avx512", 16, multiply_adds_avx512, read_avx512, update_avx512},
    {"avx2", 8, multiply_adds_avx2, read_avx2, update_avx2},
#elif defined(__aarch64__)
    {"neon", 4, multiply_adds_neon, read_neon, update_neon},
#endif
    {"portable", 4, multiply_adds_portable, read_portable, update_portable},
};

enum kind { MULTIPLY_ADDS, READ, UPDATE };

/* What all threads share; `ready` counts those that have warmed up. */
static struct {
    const struct loops *loops;
    enum kind kind;
    size_t floats;
    double seconds;
    size_t threads;
    atomic_size_t ready;
    double rate[THREADS_MOST];
} run;

static volatile float sink; /* results go here, so that no loop is left out */

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* One portion of work, some 10 to 100 microseconds; returns its operations or bytes. */
static double portion(float *x) {
    const size_t rounds = 4096;
    size_t repeats = run.floats > 0 && run.floats < 65536 ? 65536 / run.floats : 1;
    switch (run.kind) {
    case MULTIPLY_ADDS:
        sink = run.loops->multiply_adds(rounds, 0x1p-20f, 0x1p-21f);
        return 2.0 * CHAINS * (double)(rounds * run.loops->lanes);
    case READ:
        for (size_t i = 0; i < repeats; i++) sink = run.loops->read(x, run.floats);
        return (double)(repeats * run.floats * sizeof(float));
    case UPDATE:
        for (size_t i = 0; i < repeats; i++) run.loops->update(x, run.floats);
        return 2.0 * (double)(repeats * run.floats * sizeof(float));
    }
    return 0.0;
}

static void *measure(void *argument) {
    double *rate = argument, work = 0.0, started, now;
    float *x = NULL;
    if (run.floats > 0) {
        if (posix_memalign((void **)&x, 4096, run.floats * sizeof(float)) != 0) {
            fprintf(stderr, "limits: not enough memory\n");
            exit(1);
        }
        for (size_t i = 0; i < run.floats; i++) x[i] = 1.0f;
    }
    started = seconds_now();
    do portion(x);
    while (seconds_now() - started < run.seconds / 4);
    atomic_fetch_add(&run.ready, 1);
    while (atomic_load(&run.ready) < run.threads) portion(x);
    started = seconds_now();
    do {
        work += portion(x);
        now = seconds_now();
    } while (now - started < run.seconds);
    *rate = work / (now - started) / 1e9;
    free(x);
    return NULL;
}

static size_t number(const char *text, size_t low, size_t high) {
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (*end || value < low || value > high) {
        fprintf(stderr, "limits: expected a number from %zu to %zu, got '%s'\n", low, high, text);
        exit(2);
    }
    return (size_t)value;
}

int main(int argc, char **argv) {
    static const char *const kinds[] = {"multiply-adds", "read", "update"};
    int kind = 0;
    while (argc > 1 && kind < 3 && strcmp(argv[1], kinds[kind]) != 0) kind++;
    if (argc < 5 || kind == 3 || argc != (kind == MULTIPLY_ADDS ? 5 : 6)) {
        fprintf(stderr, "usage: limits multiply-adds|read|update ISA THREADS MILLISECONDS [KIBIBYTES]\n");
        return 2;
    }
    run.kind = (enum kind)kind;
    for (size_t i = 0; i < sizeof all_loops / sizeof *all_loops; i++)
        if (strcmp(argv[2], all_loops[i].isa) == 0) run.loops = &all_loops[i];
    if (!run.loops) {
        fprintf(stderr, "limits: no loops for the instruction set '%s'\n", argv[2]);
        return 2;
    }
    run.threads = number(argv[3], 1, THREADS_MOST);
    run.seconds = (double)number(argv[4], 1, 60000) / 1e3;
    if (run.kind != MULTIPLY_ADDS) run.floats = number(argv[5], 4, (size_t)1 << 24) * 1024 / sizeof(float);

    pthread_t others[THREADS_MOST];
    for (size_t i = 1; i < run.threads; i++) {
        if (pthread_create(&others[i], NULL, measure, &run.rate[i]) != 0) {
            fprintf(stderr, "limits: the system gave no thread\n");
            return 1;
        }
    }
    measure(&run.rate[0]);
    double rate = run.rate[0];
    for (size_t i = 1; i < run.threads; i++) {
        pthread_join(others[i], NULL);
        rate += run.rate[i];
    }
    printf("%.4f\n", rate);
    return 0;
}
