#include "foreign.h"

#include "interrupt.h"

#include <math.h>
#include <string.h>

const char *const foreign_names[FOREIGN_COUNT + 1] = {"bool", "u8",  "i8",  "u16", "i16", "u32", "i32",
                                                      "u64",  "i64", "f16", "f32", "f64", NULL};
const size_t foreign_sizes[FOREIGN_COUNT] = {1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8};
const enum dtype foreign_dtypes[FOREIGN_COUNT] = {UINT8, UINT8, INT32, INT32,   INT32,   INT32,
                                                  INT32, INT32, INT32, FLOAT32, FLOAT32, FLOAT64};

#define LOOK ((size_t)1 << 20) /* elements between two looks for an interrupt: a few ms */

static uint64_t load(const unsigned char *from, size_t size, bool big_endian) {
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++) bits = bits << 8 | from[big_endian ? i : size - 1 - i];
    return bits;
}

/* IEEE 754-2008, binary16: 5 bits of exponent, 10 of fraction; a NaN keeps its fraction. */
static uint32_t widen(uint32_t half) {
    uint32_t sign = (half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023;
    if (exponent == 31) return sign | 0x7F800000 | fraction << 13;
    if (exponent > 0) return sign | (exponent + 112) << 23 | fraction << 13;
    float small = (float)fraction * 0x1p-24f;
    uint32_t bits;
    memcpy(&bits, &small, sizeof bits);
    return sign | bits;
}

/* The value of the bits of a whole number; false where int32 cannot hold it. */
static bool whole(enum foreign type, uint64_t bits, int32_t *value) {
    bool is_signed = type == FOREIGN_I8 || type == FOREIGN_I16 || type == FOREIGN_I32 || type == FOREIGN_I64;
    uint64_t sign = (uint64_t)1 << (8 * foreign_sizes[type] - 1);
    if (is_signed && (bits & sign) != 0) {
        uint64_t size = (~bits & (sign - 1)) + 1; /* of the negative number */
        if (size > (uint64_t)1 << 31) return false;
        *value = (int32_t) - (int64_t)size;
        return true;
    }
    *value = (int32_t)(bits & INT32_MAX);
    return bits <= INT32_MAX;
}

bool foreign_decode(enum foreign type, bool big_endian, const unsigned char *from, size_t count, void *to,
                    size_t *bad) {
    size_t size = foreign_sizes[type], wide = dtype_sizes[foreign_dtypes[type]];
    unsigned char *y = to;
    for (size_t i = 0; i < count; i++, from += size, y += wide) {
        if (i % LOOK == 0 && interrupt_pending()) return true;
        uint64_t bits = load(from, size, big_endian);
        uint32_t single = (uint32_t)bits;
        int32_t value;
        switch (type) {
        case FOREIGN_BOOL: *y = bits != 0; break;
        case FOREIGN_U8: *y = (unsigned char)bits; break;
        case FOREIGN_F16:
            single = widen(single);
            memcpy(y, &single, sizeof single);
            break;
        case FOREIGN_F32: memcpy(y, &single, sizeof single); break;
        case FOREIGN_F64: memcpy(y, &bits, sizeof bits); break;
        default:
            if (!whole(type, bits, &value)) {
                *bad = i;
                return false;
            }
            memcpy(y, &value, sizeof value);
        }
    }
    return true;
}
