/* The template over vectors of 4 floats: NEON, which every aarch64 processor has. */
#include "kernels.h"

#include <arm_neon.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>

typedef float real;
typedef float32x4_t vec;
typedef float64x2_t dvec;

#define WIDTH 4
#define REAL_MIN FLT_MIN
#define REAL_EPSILON FLT_EPSILON
#define REAL_INFINITY INFINITY
#define REAL_NAN NAN
#define TILE_ROWS 6
/* 32 registers: 6 x 4 or 2 x 8 sums, a row of b, and one value of a */
#define TILE_VECTORS(rows) ((rows) <= 2 ? 8 : 4)

static inline vec vload(const real *p) { return vld1q_f32(p); }
static inline void vstore(real *p, vec x) { vst1q_f32(p, x); }
static inline vec vload_partial(const real *p, size_t n) {
    vec x = vdupq_n_f32(0);
    if (n > 0) x = vld1q_lane_f32(p, x, 0);
    if (n > 1) x = vld1q_lane_f32(p + 1, x, 1);
    if (n > 2) x = vld1q_lane_f32(p + 2, x, 2);
    if (n > 3) x = vld1q_lane_f32(p + 3, x, 3);
    return x;
}
static inline void vstore_partial(real *p, size_t n, vec x) {
    if (n > 0) vst1q_lane_f32(p, x, 0);
    if (n > 1) vst1q_lane_f32(p + 1, x, 1);
    if (n > 2) vst1q_lane_f32(p + 2, x, 2);
    if (n > 3) vst1q_lane_f32(p + 3, x, 3);
}
static inline vec vset1(real x) { return vdupq_n_f32(x); }
static inline vec vadd(vec a, vec b) { return vaddq_f32(a, b); }
static inline vec vsub(vec a, vec b) { return vsubq_f32(a, b); }
static inline vec vmul(vec a, vec b) { return vmulq_f32(a, b); }
static inline vec vdiv(vec a, vec b) { return vdivq_f32(a, b); }
static inline vec vfma(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); } /* the addend comes first */
static inline vec vsqrt(vec x) { return vsqrtq_f32(x); }
static inline vec vneg(vec x) { return vnegq_f32(x); }
static inline vec vabs(vec x) { return vabsq_f32(x); }
static inline vec vcopysign(vec size, vec sign) { return vbslq_f32(vdupq_n_u32(0x80000000), sign, size); }

typedef uint32x4_t vmask;
static inline vmask vgreater(vec a, vec b) { return vcgtq_f32(a, b); }
static inline vmask vequal(vec a, vec b) { return vceqq_f32(a, b); }
static inline bool vany_but(vmask a, vmask b) { return vmaxvq_u32(vbicq_u32(a, b)) != 0; }
static inline vec vselect(vmask mask, vec yes, vec no) { return vbslq_f32(mask, yes, no); }

/* Comparisons, since vmaxq_f32 and its like have other answers for NaN and for zeros of unlike sign. */
static inline vec vmax(vec a, vec b) { return vselect(vgreater(a, b), a, b); }
static inline vec vmax_nan(vec a, vec b) { return vselect(vequal(a, a), vmax(a, b), a); }

typedef uint64_t counter;
typedef counter counters __attribute__((vector_size(16)));
static inline counters multiply_counters(counters x, uint32_t m, counters *high) {
    counters product = (counters)vmull_n_u32(vmovn_u64((uint64x2_t)x), m);
    *high = product >> 32;
    return product;
}

static inline dvec dload(const double *p) { return vld1q_f64(p); }
static inline void dstore(double *p, dvec x) { vst1q_f64(p, x); }
static inline dvec dread(const real *p) { return vcvt_f64_f32(vld1_f32(p)); }
static inline dvec dlow(vec x) { return vcvt_f64_f32(vget_low_f32(x)); }
static inline dvec dhigh(vec x) { return vcvt_high_f64_f32(x); }
static inline vec djoin(dvec low, dvec high) { return vcvt_high_f32_f64(vcvt_f32_f64(low), high); }
static inline dvec dset1(double x) { return vdupq_n_f64(x); }
static inline dvec dadd(dvec a, dvec b) { return vaddq_f64(a, b); }
static inline dvec dsub(dvec a, dvec b) { return vsubq_f64(a, b); }
static inline dvec dmul(dvec a, dvec b) { return vmulq_f64(a, b); }
static inline dvec ddiv(dvec a, dvec b) { return vdivq_f64(a, b); }
static inline dvec dsqrt(dvec x) { return vsqrtq_f64(x); }
static inline dvec dfma(dvec a, dvec b, dvec c) { return vfmaq_f64(c, a, b); }
static inline dvec dselect_greater(dvec a, dvec b, dvec yes, dvec no) {
    return vbslq_f64(vcgtq_f64(a, b), yes, no);
}
static inline bool dany_greater(dvec a, dvec b) { return vaddvq_u64(vcgtq_f64(a, b)) != 0; }
static inline dvec dmax(dvec a, dvec b) { return dselect_greater(a, b, a, b); }
static inline dvec dmin(dvec a, dvec b) { return dselect_greater(b, a, a, b); }
static inline dvec dround(dvec x) { return vsubq_f64(vaddq_f64(x, vdupq_n_f64(0x1.8p52)), vdupq_n_f64(0x1.8p52)); }
static inline dvec dpower_of_two(dvec n) {
    uint64x2_t bits = vreinterpretq_u64_f64(vaddq_f64(n, vdupq_n_f64(0x1.8p52 + 1023)));
    return vreinterpretq_f64_u64(vshlq_n_u64(bits, 52));
}
static inline dvec dexponent(dvec x) {
    uint64x2_t bits = vshrq_n_u64(vreinterpretq_u64_f64(x), 52);
    bits = vorrq_u64(bits, vdupq_n_u64(0x4330000000000000));
    return vsubq_f64(vreinterpretq_f64_u64(bits), vdupq_n_f64(0x1p52 + 1023));
}
static inline dvec dmantissa(dvec x) {
    uint64x2_t bits = vandq_u64(vreinterpretq_u64_f64(x), vdupq_n_u64(0x000fffffffffffff));
    return vreinterpretq_f64_u64(vorrq_u64(bits, vdupq_n_u64(0x3ff0000000000000)));
}

#include "template/math.inc"

#define KERNELS_TABLE kernels_neon
#define KERNELS_NAME "neon"
#include "template/all.inc"
