/* The same loops for double, used by float64 tensors: gradient checks and other work where precision matters
   more than speed. exp, log, tanh and pow are the C library's, so these bits are outside the numerics
   contract, which speaks of float32. */
#include "kernels.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

typedef double real;
typedef double vec;

#define WIDTH 1
#define REAL_MIN DBL_MIN
#define TILE_ROWS 4
#define TILE_VECTORS_MOST 4
#define TILE_VECTORS(rows) 4

static inline vec vload(const real *p) { return *p; }
static inline void vstore(real *p, vec x) { *p = x; }
static inline vec vload_partial(const real *p, size_t n) { return n ? *p : 0; }
static inline void vstore_partial(real *p, size_t n, vec x) {
    if (n) *p = x;
}
static inline vec vset1(real x) { return x; }
static inline vec vadd(vec a, vec b) { return a + b; }
static inline vec vsub(vec a, vec b) { return a - b; }
static inline vec vmul(vec a, vec b) { return a * b; }
static inline vec vdiv(vec a, vec b) { return a / b; }
static inline vec vfma(vec a, vec b, vec c) { return fma(a, b, c); }
static inline vec vsqrt(vec x) { return sqrt(x); }
static inline vec vneg(vec x) { return -x; }
static inline vec vabs(vec x) { return fabs(x); }
static inline vec vmax(vec a, vec b) { return a > b ? a : b; }
static inline vec vmax_nan(vec a, vec b) { return a > b || a != a ? a : b; }

typedef bool vmask;
static inline vmask vgreater(vec a, vec b) { return a > b; }
static inline vmask vequal(vec a, vec b) { return a == b; }
static inline vec vselect(vmask mask, vec yes, vec no) { return mask ? yes : no; }

static inline vec vexp(vec x) { return exp(x); }
static inline vec vlog(vec x) { return log(x); }
static inline vec vtanh(vec x) { return tanh(x); }
static inline vec vsigmoid(vec x) { return 1 / (1 + exp(-x)); }
static inline vec vpower(vec a, vec b) { return pow(a, b); }

#define KERNELS_TABLE kernels_double
#define KERNELS_NAME "double"
#include "template/all.inc"
