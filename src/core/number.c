/* Up to 19 digits are a whole number w below 2^64, the value is w * 10^e, and where |e| is small both w and 5^|e|
   are exact: one product or quotient of 128 bits, rounded once. Other numbers go to strtod, as digits without a
   decimal point, which is the only part that a locale changes. */
#include "number.h"

#include "rounding.h"

#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    DIGITS_EXACT = 19, /* always fit into 64 bits */
    POWER_MOST = 27,   /* 5^27 < 2^64 */
    DIGITS_MOST = 800, /* more decide nothing but whether a number lies exactly between two doubles: 767 */
    EXPONENT_MOST = 1 << 20
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

#ifdef __SIZEOF_INT128__

__extension__ typedef unsigned __int128 wide;

/* bits * 2^power, where bits has its highest bit in the upper two, and `rest` tells that it is a little more:
   rounded once, by the conversion. */
static double rounded(uint64_t bits, bool rest, int power) { return ldexp((double)(bits | rest), power); }

/* w * 10^exponent; false where that takes more than one step. */
static bool scale(uint64_t w, long exponent, double *value) {
    uint64_t five = 1;
    *value = (double)w;
    if (w == 0 || exponent == 0) return true;
    if (exponent < -POWER_MOST || exponent > POWER_MOST) return false;
    for (long k = labs(exponent); k > 0; k--) five *= 5;
    int shift = __builtin_clzll(w);
    if (exponent < 0) {
        int down = __builtin_clzll(five);
        wide dividend = (wide)(w << shift) << 63;
        uint64_t divisor = five << down, quotient = (uint64_t)(dividend / divisor);
        bool rest = (wide)quotient * divisor != dividend;
        *value = rounded(quotient, rest, (int)exponent - 63 + down - shift);
    } else {
        wide product = (wide)(w << shift) * five;
        uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
        int up = __builtin_clzll(high); /* not 0: both factors are large */
        if (up > 0) high = high << up | low >> (64 - up);
        *value = rounded(high, low << up != 0, (int)exponent + 64 - up - shift);
    }
    return true;
}

#else

static bool scale(uint64_t w, long exponent, double *value) {
    *value = (double)w;
    return w == 0 || exponent == 0;
}

#endif

/* The digits between the two places, times 10^exponent. */
static double read_slowly(const char *from, const char *end, long exponent) {
    char text[DIGITS_MOST + 32];
    size_t count = 0;
    bool rest = false;
    for (const char *at = from; at < end; at++) {
        if (!is_digit(*at) || (count == 0 && *at == '0')) continue;
        if (count < DIGITS_MOST) {
            text[count++] = *at;
        } else {
            rest = rest || *at != '0';
            exponent++;
        }
    }
    if (rest) text[count - 1] = '1'; /* no longer between two doubles */
    snprintf(text + count, sizeof text - count, "e%ld", exponent);
    int mode = fegetround();
    fesetround(FE_TONEAREST);
    double value = strtod(text, NULL);
    fesetround(mode);
    return value;
}

/* The exponent behind an 'e' at *at, if there is one: *at moves behind it. False where it has no digits. */
static bool take_exponent(const char **at, const char *end, long *exponent) {
    if (*at == end || (**at != 'e' && **at != 'E')) return true;
    const char *from = *at + 1;
    long value = 0;
    bool negative = from < end && *from == '-';
    if (from < end && (*from == '-' || *from == '+')) from++;
    for (*at = from; *at < end && is_digit(**at); ++*at)
        if (value < EXPONENT_MOST) value = value * 10 + (**at - '0');
    *exponent += negative ? -value : value;
    return *at > from;
}

/* Digits as they come. */
struct digits {
    uint64_t value;          /* while there are at most 19 significant ones */
    long count, significant; /* without zeros in front */
};

static inline void add_digit(struct digits *digits, char c) {
    digits->value = digits->value * 10 + (uint64_t)(c - '0');
    digits->count++;
    digits->significant += digits->significant > 0 || c != '0';
}

static bool parse(const char *text, size_t length, char decimal, char thousands, double *value) {
    const char *at = text, *end = text + length;
    struct digits digits = {0};
    bool negative = length > 0 && *at == '-', parted = false;
    if (length > 0 && (*at == '-' || *at == '+')) at++;
    const char *from = at;
    long group = 0, exponent = 0; /* group: digits since the last separator of thousands */
    for (; at < end; at++) {
        if (is_digit(*at)) {
            add_digit(&digits, *at);
            group++;
        } else if (thousands && *at == thousands && group > 0 && group <= 3 && (!parted || group == 3)) {
            parted = true;
            group = 0;
        } else {
            break;
        }
    }
    if (parted && group != 3) return false;
    if (at < end && *at == decimal)
        for (at++; at < end && is_digit(*at); at++, exponent--) add_digit(&digits, *at);
    const char *behind = at;
    if (digits.count == 0 || !take_exponent(&at, end, &exponent) || at < end) return false;
    if (digits.significant > DIGITS_EXACT || !scale(digits.value, exponent, value))
        *value = read_slowly(from, behind, exponent);
    if (negative) *value = -*value;
    return true;
}

bool number_parse(const char *text, size_t length, char decimal, char thousands, double *value) {
    rounding_mode before = rounding_begin();
    bool is = parse(text, length, decimal, thousands, value);
    rounding_end(before);
    return is;
}
