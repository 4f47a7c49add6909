/* The same loops for double, used by float64 tensors: gradient checks and other work where precision matters
   more than speed. exp, log, tanh and pow are the C library's, so these bits are outside the numerics
   contract, which speaks of float32. */
#include "kernels.h"

#include <float.h>
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

#define KERNELS_TABLE kernels_double
#define KERNELS_NAME "double"
#include "template/all.inc"
