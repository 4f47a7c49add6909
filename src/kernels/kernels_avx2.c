/* The template over vectors of 8 floats: AVX2 and FMA. */
#include "kernels.h"

#include <float.h>
#include <immintrin.h>
#include <math.h>
#include <stdbool.h>

typedef float real;
typedef __m256 vec;
typedef __m256d dvec;

#define WIDTH 8
#define REAL_MIN FLT_MIN
#define REAL_EPSILON FLT_EPSILON
#define REAL_INFINITY INFINITY
#define REAL_NAN NAN
#define TILE_ROWS 6
#define TILE_VECTORS(rows) ((rows) <= 1 ? 8 : (rows) <= 3 ? 4 : 2)

static inline __m256i first_lanes(size_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline vec vload(const real *p) { return _mm256_loadu_ps(p); }
static inline void vstore(real *p, vec x) { _mm256_storeu_ps(p, x); }
static inline vec vload_partial(const real *p, size_t n) { return _mm256_maskload_ps(p, first_lanes(n)); }
/* Halves, since a masked store takes dozens of cycles on AMD's processors. All lanes are a case, too. */
static inline void vstore_partial(real *p, size_t n, vec x) {
    if (n & 8) {
        _mm256_storeu_ps(p, x);
        return;
    }
    __m128 part = _mm256_castps256_ps128(x);
    if (n & 4) {
        _mm_storeu_ps(p, part);
        part = _mm256_extractf128_ps(x, 1);
        p += 4;
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)p, part);
        part = _mm_movehl_ps(part, part);
        p += 2;
    }
    if (n & 1) _mm_store_ss(p, part);
}
static inline vec vset1(real x) { return _mm256_set1_ps(x); }
static inline vec vadd(vec a, vec b) { return _mm256_add_ps(a, b); }
static inline vec vsub(vec a, vec b) { return _mm256_sub_ps(a, b); }
static inline vec vmul(vec a, vec b) { return _mm256_mul_ps(a, b); }
static inline vec vdiv(vec a, vec b) { return _mm256_div_ps(a, b); }
static inline vec vfma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
static inline vec vsqrt(vec x) { return _mm256_sqrt_ps(x); }
static inline vec vneg(vec x) { return _mm256_xor_ps(x, _mm256_set1_ps(-0.0f)); }
static inline vec vabs(vec x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
static inline vec vcopysign(vec size, vec sign) {
    return _mm256_or_ps(size, _mm256_and_ps(_mm256_set1_ps(-0.0f), sign));
}
static inline vec vmax(vec a, vec b) { return _mm256_max_ps(a, b); } /* a > b ? a : b, by definition */

typedef __m256 vmask;
static inline vmask vgreater(vec a, vec b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
static inline vmask vequal(vec a, vec b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
static inline bool vany_but(vmask a, vmask b) { return !_mm256_testc_ps(b, a); }
static inline vec vselect(vmask mask, vec yes, vec no) { return _mm256_blendv_ps(no, yes, mask); }
static inline vec vmax_nan(vec a, vec b) {
    return vselect(_mm256_cmp_ps(a, a, _CMP_UNORD_Q), a, _mm256_max_ps(a, b));
}

typedef uint64_t counter;
typedef counter counters __attribute__((vector_size(32)));
static inline counters multiply_counters(counters x, uint32_t m, counters *high) {
    counters product = (counters)_mm256_mul_epu32((__m256i)x, _mm256_set1_epi64x(m));
    *high = product >> 32;
    return product;
}

static inline dvec dload(const double *p) { return _mm256_loadu_pd(p); }
static inline void dstore(double *p, dvec x) { _mm256_storeu_pd(p, x); }
static inline dvec dread(const real *p) { return _mm256_cvtps_pd(_mm_loadu_ps(p)); }
static inline dvec dlow(vec x) { return _mm256_cvtps_pd(_mm256_castps256_ps128(x)); }
static inline dvec dhigh(vec x) { return _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)); }
static inline vec djoin(dvec low, dvec high) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(low)), _mm256_cvtpd_ps(high), 1);
}
static inline dvec dset1(double x) { return _mm256_set1_pd(x); }
static inline dvec dadd(dvec a, dvec b) { return _mm256_add_pd(a, b); }
static inline dvec dsub(dvec a, dvec b) { return _mm256_sub_pd(a, b); }
static inline dvec dmul(dvec a, dvec b) { return _mm256_mul_pd(a, b); }
static inline dvec ddiv(dvec a, dvec b) { return _mm256_div_pd(a, b); }
static inline dvec dsqrt(dvec x) { return _mm256_sqrt_pd(x); }
static inline dvec dfma(dvec a, dvec b, dvec c) { return _mm256_fmadd_pd(a, b, c); }
static inline dvec dmax(dvec a, dvec b) { return _mm256_max_pd(a, b); }
static inline dvec dmin(dvec a, dvec b) { return _mm256_min_pd(a, b); }
static inline dvec dselect_greater(dvec a, dvec b, dvec yes, dvec no) {
    return _mm256_blendv_pd(no, yes, _mm256_cmp_pd(a, b, _CMP_GT_OQ));
}
static inline bool dany_greater(dvec a, dvec b) { return _mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_GT_OQ)) != 0; }
static inline dvec dround(dvec x) {
    return _mm256_sub_pd(_mm256_add_pd(x, _mm256_set1_pd(0x1.8p52)), _mm256_set1_pd(0x1.8p52));
}
static inline dvec dpower_of_two(dvec n) {
    __m256i bits = _mm256_castpd_si256(_mm256_add_pd(n, _mm256_set1_pd(0x1.8p52 + 1023)));
    return _mm256_castsi256_pd(_mm256_slli_epi64(bits, 52));
}
static inline dvec dexponent(dvec x) {
    __m256i bits = _mm256_srli_epi64(_mm256_castpd_si256(x), 52);
    bits = _mm256_or_si256(bits, _mm256_set1_epi64x(0x4330000000000000));
    return _mm256_sub_pd(_mm256_castsi256_pd(bits), _mm256_set1_pd(0x1p52 + 1023));
}
static inline dvec dmantissa(dvec x) {
    __m256i bits = _mm256_and_si256(_mm256_castpd_si256(x), _mm256_set1_epi64x(0x000fffffffffffff));
    return _mm256_castsi256_pd(_mm256_or_si256(bits, _mm256_set1_epi64x(0x3ff0000000000000)));
}

#include "template/math.inc"

#define KERNELS_TABLE kernels_avx2
#define KERNELS_NAME "avx2"
#include "template/all.inc"
