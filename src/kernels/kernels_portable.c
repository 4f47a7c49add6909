/* The definition of every float kernel: the template over "vectors" of one element, in plain C. */
#include "kernels.h"

#include <float.h>
#include <stdbool.h>
#include <string.h>
#include <tgmath.h>

_Static_assert(FLT_EVAL_METHOD == 0, "the numerics contract: no operation keeps more bits than its type");
_Static_assert(
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
    "fnet is for little-endian machines: the files it shares with others hold numbers as these have them");

typedef float real;
typedef float vec;

#define REAL_MIN FLT_MIN
#define REAL_EPSILON FLT_EPSILON
#define REAL_INFINITY INFINITY
#define REAL_NAN NAN

#include "template/single.inc"

static inline dvec dmax(dvec a, dvec b) { return a > b ? a : b; }
static inline dvec dmin(dvec a, dvec b) { return a < b ? a : b; }
static inline dvec dselect_greater(dvec a, dvec b, dvec yes, dvec no) { return a > b ? yes : no; }
static inline bool dany_greater(dvec a, dvec b) { return a > b; }

/* Adding 1.5 * 2^52 leaves no room for a fraction: the sum is rounded to the nearest integer, ties to even. */
static inline dvec dround(dvec x) { return (x + 0x1.8p52) - 0x1.8p52; }

static inline uint64_t bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline double of_bits(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
/* n + 1023 ends up in the low bits of a double near 2^52 and is moved to the place of the exponent. */
static inline dvec dpower_of_two(dvec n) { return of_bits(bits_of(n + (0x1.8p52 + 1023)) << 52); }
static inline dvec dexponent(dvec x) {
    return of_bits(bits_of(x) >> 52 | UINT64_C(0x4330000000000000)) - (0x1p52 + 1023);
}
static inline dvec dmantissa(dvec x) {
    return of_bits((bits_of(x) & UINT64_C(0x000fffffffffffff)) | UINT64_C(0x3ff0000000000000));
}

#include "template/math.inc"

#define KERNELS_TABLE kernels_portable
#define KERNELS_NAME "portable"
#include "template/all.inc"
