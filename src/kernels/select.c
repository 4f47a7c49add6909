/* Which kernel tables this processor and operating system can run. Called by core/backend.c and by tests. */
#include "kernels.h"

#include <stdbool.h>

#if defined(__x86_64__)
#include <cpuid.h>

/* Leaf 1 and 7 say what the processor has; XGETBV says which registers the operating system saves. */
struct processor {
    unsigned leaf1_c, leaf7_b;
    uint64_t saved;
};

static struct processor processor_read(void) {
    struct processor p = {0};
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return p;
    p.leaf1_c = c;
    if (c & bit_OSXSAVE) {
        uint32_t low, high;
        __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        p.saved = (uint64_t)high << 32 | low;
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) p.leaf7_b = b;
    return p;
}

static bool has(uint64_t value, uint64_t bits) { return (value & bits) == bits; }

static bool runs_avx2(const struct processor *p) {
    return has(p->leaf1_c, bit_FMA | bit_AVX) && has(p->leaf7_b, bit_AVX2) && has(p->saved, 0x6);
}

static bool runs_avx512(const struct processor *p) {
    return runs_avx2(p) && has(p->leaf7_b, bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL) &&
           has(p->saved, 0xe6);
}
#endif

/* Slowest first; who runs one runs those before it. */
static const struct kernels *const tables[] = {
    &kernels_portable,
#if defined(__x86_64__)
    &kernels_avx2,
    &kernels_avx512,
#elif defined(__aarch64__)
    &kernels_neon,
#endif
};

const struct kernels *const *kernels_supported(size_t *count) {
    *count = sizeof tables / sizeof *tables;
#if defined(__x86_64__)
    struct processor p = processor_read();
    *count = runs_avx512(&p) ? 3 : runs_avx2(&p) ? 2 : 1;
#endif
    return tables;
}
