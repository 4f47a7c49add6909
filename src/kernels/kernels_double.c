/* The same loops for double, used by float64 tensors: gradient checks and other work where precision matters
   more than speed. exp, log, tanh, pow and the like are the C library's, so these bits are outside the numerics
   contract, which speaks of float32. */
#include "kernels.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <tgmath.h>

typedef double real;
typedef double vec;

#define REAL_MIN DBL_MIN
#define REAL_EPSILON DBL_EPSILON
#define REAL_INFINITY INFINITY

#include "template/single.inc"

static inline vec vexp(vec x) { return exp(x); }
static inline vec vlog(vec x) { return log(x); }
static inline vec vtanh(vec x) { return tanh(x); }
static inline vec vsigmoid(vec x) { return 1 / (1 + exp(-x)); }
static inline vec vpower(vec a, vec b) { return pow(a, b); }
static inline vec vsoftplus(vec x) { return vmax(0, x) + log1p(exp(-fabs(x))); }
static inline vec vsilu(vec x) { return x == -INFINITY ? -0.0 : x * vsigmoid(x); }
static inline vec vsilu_slope(vec x) {
    vec s = vsigmoid(x);
    return isinf(x) ? s : s * (1 + x * (1 - s));
}
static inline double normal_below(double x) { return erfc(x * -0x1.6a09e667f3bcdp-1) / 2; }
static inline vec vgelu(vec x) { return x == -INFINITY ? -0.0 : x * normal_below(x); }
static inline vec vgelu_slope(vec x) {
    return isinf(x) ? normal_below(x) : normal_below(x) + x * exp(-x * x / 2) * 0x1.9884533d43651p-2;
}
static inline vec velu(vec x, vec b) { return x > 0 ? x : b * expm1(x); }

static inline vec vsin(vec x) { return sin(x); }
static inline vec vcos(vec x) { return cos(x); }
static inline vec vtan(vec x) { return tan(x); }
static inline vec vasin(vec x) { return asin(x); }
static inline vec vacos(vec x) { return acos(x); }
static inline vec vatan(vec x) { return atan(x); }
static inline vec vsinh(vec x) { return sinh(x); }
static inline vec vcosh(vec x) { return cosh(x); }
static inline vec vexpm1(vec x) { return expm1(x); }
static inline vec vexp2(vec x) { return exp2(x); }
static inline vec vlog1p(vec x) { return log1p(x); }
static inline vec vlog2(vec x) { return log2(x); }
static inline vec vlog10(vec x) { return log10(x); }
static inline vec vround(vec x) { return nearbyint(x); }
static inline vec vfloor(vec x) { return floor(x); }
static inline vec vceil(vec x) { return ceil(x); }
static inline vec vtrunc(vec x) { return trunc(x); }
static inline vec vatan2(vec a, vec b) { return atan2(a, b); }

#define KERNELS_TABLE kernels_double
#define KERNELS_NAME "double"
#include "template/all.inc"
