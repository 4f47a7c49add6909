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

#define KERNELS_TABLE kernels_double
#define KERNELS_NAME "double"
#include "template/all.inc"
