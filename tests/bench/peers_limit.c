/* The machine's multiply-add limit: independent chains in registers, as many threads as asked.
   Compiled for this very machine with contraction on, so that each line below is one fused multiply-add of the
   widest vector there is. */
#include "peers_matmul.h"

#include <pthread.h>
#include <time.h>

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
#define LANES (VECTOR_BYTES / (int)sizeof(float))
#define CHAINS 12 /* enough to hide a latency of 5 at two a cycle, and they fit into 16 registers */
#define TURNS 2000000L
#define THREADS_MOST 64

typedef float vector __attribute__((vector_size(VECTOR_BYTES)));

static void *multiply_add(void *sink) {
    vector x, y, chain[CHAINS];
    for (int lane = 0; lane < LANES; lane++) {
        x[lane] = 0.5f;
        y[lane] = (float)lane;
    }
    for (int i = 0; i < CHAINS; i++) chain[i] = y * (float)i;
    for (long turn = 0; turn < TURNS; turn++) {
        chain[0] = chain[0] * x + y;
        chain[1] = chain[1] * x + y;
        chain[2] = chain[2] * x + y;
        chain[3] = chain[3] * x + y;
        chain[4] = chain[4] * x + y;
        chain[5] = chain[5] * x + y;
        chain[6] = chain[6] * x + y;
        chain[7] = chain[7] * x + y;
        chain[8] = chain[8] * x + y;
        chain[9] = chain[9] * x + y;
        chain[10] = chain[10] * x + y;
        chain[11] = chain[11] * x + y;
        /* GCC would otherwise see that the chains converge to the same value and keep one. */
        __asm__ volatile("" : : : "memory");
    }
    for (int i = 1; i < CHAINS; i++) chain[0] += chain[i];
    *(vector *)sink = chain[0];
    return NULL;
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double limit_measure(int threads) {
    static vector sinks[THREADS_MOST];
    pthread_t handles[THREADS_MOST];
    int others = 0;
    double start = seconds_now();
    while (others < threads - 1 && pthread_create(&handles[others], NULL, multiply_add, &sinks[others + 1]) == 0)
        others++;
    multiply_add(&sinks[0]);
    for (int i = 0; i < others; i++) pthread_join(handles[i], NULL);
    return 2.0 * LANES * CHAINS * (double)TURNS * (others + 1) / (seconds_now() - start);
}
