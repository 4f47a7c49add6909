/* The mode of floating-point arithmetic that the numerics promise stands on: to nearest, denormal numbers included.
   Another library of the process may have set another one in this thread (crtfastmath, which -Ofast links in, a
   synthesiser, interval arithmetic). Whoever computes takes the mode with rounding_begin and gives back what was
   there with rounding_end: a read and a comparison where nothing has to be changed.
   Invariant: between the two stand calls of functions, or accesses to memory, which a compiler leaves there; what
   is computed in registers alone it may move, so such values go through volatile variables. */
#ifndef FNET_ROUNDING_H
#define FNET_ROUNDING_H

#include <stdint.h>

#if defined(__x86_64__)

#define ROUNDING_BITS 0xe040u /* of MXCSR: flush to zero, rounding control, denormals are zeros */
typedef unsigned rounding_mode;
/* What the processor is set to. */
static inline rounding_mode rounding_read(void) {
    rounding_mode mode;
    __asm__ volatile("stmxcsr %0" : "=m"(mode) : : "memory");
    return mode;
}
/* The other way round. */
static inline void rounding_write(rounding_mode mode) { __asm__ volatile("ldmxcsr %0" : : "m"(mode) : "memory"); }

#elif defined(__aarch64__)

#define ROUNDING_BITS UINT64_C(0x3c80003) /* of FPCR: default NaN, flush to zero, rounding mode, FIZ, AH, FZ16 */
typedef uint64_t rounding_mode;
/* What the processor is set to. */
static inline rounding_mode rounding_read(void) {
    rounding_mode mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode) : : "memory");
    return mode;
}
/* The other way round. */
static inline void rounding_write(rounding_mode mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode) : "memory"); }

#else

#include <fenv.h>

#define ROUNDING_BITS (~0)
typedef int rounding_mode;
/* What the processor is set to. */
static inline rounding_mode rounding_read(void) { return fegetround() ^ FE_TONEAREST; }
/* The other way round. */
static inline void rounding_write(rounding_mode mode) { fesetround(mode ^ FE_TONEAREST); }

#endif

/* Sets the mode of the promise; gives the one from before. */
static inline rounding_mode rounding_begin(void) {
    rounding_mode before = rounding_read();
    if (before & ROUNDING_BITS) rounding_write(before & ~ROUNDING_BITS);
    return before;
}

/* Sets again what rounding_begin gave. */
static inline void rounding_end(rounding_mode before) {
    if (before & ROUNDING_BITS) rounding_write(before);
}

/* The float32 nearest to a number. */
static inline float rounding_single(double value) {
    rounding_mode before = rounding_begin();
    volatile double number = value;
    volatile float single = (float)number;
    rounding_end(before);
    return single;
}

#endif
