/* The template over vectors of 16 floats: AVX-512 F, DQ, BW, VL. */
#include "kernels.h"

#include <float.h>
#include <immintrin.h>
#include <math.h>
#include <stdbool.h>

typedef float real;
typedef __m512 vec;
typedef __m512d dvec;

#define WIDTH 16
#define REAL_MIN FLT_MIN
#define REAL_EPSILON FLT_EPSILON
#define REAL_INFINITY INFINITY
#define REAL_NAN NAN
#define TILE_ROWS 6
#define TILE_VECTORS(rows) ((rows) <= 2 ? 8 : 4)

static inline __mmask16 first_lanes(size_t n) { return (__mmask16)((1u << n) - 1); }

static inline vec vload(const real *p) { return _mm512_loadu_ps(p); }
static inline void vstore(real *p, vec x) { _mm512_storeu_ps(p, x); }
static inline vec vload_partial(const real *p, size_t n) { return _mm512_maskz_loadu_ps(first_lanes(n), p); }
static inline void vstore_partial(real *p, size_t n, vec x) { _mm512_mask_storeu_ps(p, first_lanes(n), x); }
static inline vec vset1(real x) { return _mm512_set1_ps(x); }
static inline vec vadd(vec a, vec b) { return _mm512_add_ps(a, b); }
static inline vec vsub(vec a, vec b) { return _mm512_sub_ps(a, b); }
static inline vec vmul(vec a, vec b) { return _mm512_mul_ps(a, b); }
static inline vec vdiv(vec a, vec b) { return _mm512_div_ps(a, b); }
static inline vec vfma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
static inline vec vsqrt(vec x) { return _mm512_sqrt_ps(x); }
static inline vec vneg(vec x) { return _mm512_xor_ps(x, _mm512_set1_ps(-0.0f)); }
static inline vec vabs(vec x) { return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), x); }
static inline vec vcopysign(vec size, vec sign) {
    return _mm512_or_ps(size, _mm512_and_ps(_mm512_set1_ps(-0.0f), sign));
}
static inline vec vmax(vec a, vec b) { return _mm512_max_ps(a, b); } /* a > b ? a : b, by definition */

typedef __mmask16 vmask;
static inline vmask vgreater(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
static inline vmask vequal(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
static inline bool vany_but(vmask a, vmask b) { return (a & ~b) != 0; }
static inline vec vselect(vmask mask, vec yes, vec no) { return _mm512_mask_blend_ps(mask, no, yes); }
static inline vec vmax_nan(vec a, vec b) {
    return vselect(_mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), a, _mm512_max_ps(a, b));
}

typedef uint64_t counter;
typedef counter counters __attribute__((vector_size(64)));
static inline counters multiply_counters(counters x, uint32_t m, counters *high) {
    counters product = (counters)_mm512_mul_epu32((__m512i)x, _mm512_set1_epi64(m));
    *high = product >> 32;
    return product;
}

static inline dvec dload(const double *p) { return _mm512_loadu_pd(p); }
static inline void dstore(double *p, dvec x) { _mm512_storeu_pd(p, x); }
static inline dvec dread(const real *p) { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }
static inline dvec dlow(vec x) { return _mm512_cvtps_pd(_mm512_castps512_ps256(x)); }
static inline dvec dhigh(vec x) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1)); }
static inline vec djoin(dvec low, dvec high) {
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(low)), _mm512_cvtpd_ps(high), 1);
}
static inline dvec dset1(double x) { return _mm512_set1_pd(x); }
static inline dvec dadd(dvec a, dvec b) { return _mm512_add_pd(a, b); }
static inline dvec dsub(dvec a, dvec b) { return _mm512_sub_pd(a, b); }
static inline dvec dmul(dvec a, dvec b) { return _mm512_mul_pd(a, b); }
static inline dvec ddiv(dvec a, dvec b) { return _mm512_div_pd(a, b); }
static inline dvec dsqrt(dvec x) { return _mm512_sqrt_pd(x); }
static inline dvec dfma(dvec a, dvec b, dvec c) { return _mm512_fmadd_pd(a, b, c); }
static inline dvec dmax(dvec a, dvec b) { return _mm512_max_pd(a, b); }
static inline dvec dmin(dvec a, dvec b) { return _mm512_min_pd(a, b); }
static inline dvec dselect_greater(dvec a, dvec b, dvec yes, dvec no) {
    return _mm512_mask_blend_pd(_mm512_cmp_pd_mask(a, b, _CMP_GT_OQ), no, yes);
}
static inline bool dany_greater(dvec a, dvec b) { return _mm512_cmp_pd_mask(a, b, _CMP_GT_OQ) != 0; }
static inline dvec dround(dvec x) {
    return _mm512_sub_pd(_mm512_add_pd(x, _mm512_set1_pd(0x1.8p52)), _mm512_set1_pd(0x1.8p52));
}
static inline dvec dpower_of_two(dvec n) {
    __m512i bits = _mm512_castpd_si512(_mm512_add_pd(n, _mm512_set1_pd(0x1.8p52 + 1023)));
    return _mm512_castsi512_pd(_mm512_slli_epi64(bits, 52));
}
static inline dvec dexponent(dvec x) {
    __m512i bits = _mm512_srli_epi64(_mm512_castpd_si512(x), 52);
    bits = _mm512_or_si512(bits, _mm512_set1_epi64(0x4330000000000000));
    return _mm512_sub_pd(_mm512_castsi512_pd(bits), _mm512_set1_pd(0x1p52 + 1023));
}
static inline dvec dmantissa(dvec x) {
    __m512i bits = _mm512_and_si512(_mm512_castpd_si512(x), _mm512_set1_epi64(0x000fffffffffffff));
    return _mm512_castsi512_pd(_mm512_or_si512(bits, _mm512_set1_epi64(0x3ff0000000000000)));
}

#include "template/math.inc"

#define KERNELS_TABLE kernels_avx512
#define KERNELS_NAME "avx512"
#include "template/all.inc"
