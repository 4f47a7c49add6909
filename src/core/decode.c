#include "decode.h"

#include "interrupt.h"

#include <string.h>

const char *const encoding_names[ENCODING_COUNT + 1] = {"bool", "u8",  "i8",  "u16",  "i16", "u32", "i32",
                                                        "u64",  "i64", "f16", "bf16", "f32", "f64", NULL};
const size_t encoding_sizes[ENCODING_COUNT] = {1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 2, 4, 8};
const enum dtype encoding_dtypes[ENCODING_COUNT] = {UINT8, UINT8, INT32,   INT32,   INT32,   INT32,  INT32,
                                                    INT32, INT32, FLOAT32, FLOAT32, FLOAT32, FLOAT64};

#define LOOK ((size_t)1 << 20) /* elements between two looks for an interrupt: a few ms */

static inline uint64_t load(const unsigned char *from, size_t size, bool swapped) {
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (size) {
    case 1: return *from;
    case 2: memcpy(&two, from, sizeof two); return swapped ? __builtin_bswap16(two) : two;
    case 4: memcpy(&four, from, sizeof four); return swapped ? __builtin_bswap32(four) : four;
    default: memcpy(&eight, from, sizeof eight); return swapped ? __builtin_bswap64(eight) : eight;
    }
}

/* IEEE 754-2008, binary16: 5 bits of exponent, 10 of fraction; a NaN keeps its fraction. */
static inline uint32_t widen(uint32_t half) {
    uint32_t sign = (half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023;
    if (exponent == 31) return sign | 0x7F800000 | fraction << 13;
    if (exponent > 0) return sign | (exponent + 112) << 23 | fraction << 13;
    float small = (float)fraction * 0x1p-24f;
    uint32_t bits;
    memcpy(&bits, &small, sizeof bits);
    return sign | bits;
}

/* The loop over elements. Its encoding and order are constants where it is called, so that within the loop nothing
   of them is asked. Gives the number of the first that does not fit into int32, or the count. */
static inline __attribute__((always_inline)) size_t
run(const enum encoding encoding, const bool swapped, const unsigned char *from, size_t count, unsigned char *to) {
    const size_t size = encoding_sizes[encoding];
    const bool is_signed =
        encoding == ENCODING_I8 || encoding == ENCODING_I16 || encoding == ENCODING_I32 || encoding == ENCODING_I64;
    const uint64_t sign = (uint64_t)1 << (8 * size - 1);
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = load(from + i * size, size, swapped);
        uint32_t single = (uint32_t)bits;
        switch (encoding) {
        case ENCODING_BOOL: to[i] = bits != 0; continue;
        case ENCODING_F64: memcpy(to + i * sizeof bits, &bits, sizeof bits); continue;
        case ENCODING_F16: single = widen(single); break;
        case ENCODING_BF16: single <<= 16; break;
        case ENCODING_F32: break;
        default: /* whole numbers, with their sign in all 64 bits */
            if (is_signed) bits = (bits ^ sign) - sign;
            if (is_signed ? bits + ((uint64_t)1 << 31) > UINT32_MAX : bits > INT32_MAX) return i;
            single = (uint32_t)bits;
        }
        memcpy(to + i * sizeof single, &single, sizeof single);
    }
    return count;
}

static inline __attribute__((always_inline)) size_t
run_any(enum encoding encoding, const bool swapped, const unsigned char *from, size_t count, unsigned char *to) {
    switch (encoding) {
    case ENCODING_BOOL: return run(ENCODING_BOOL, swapped, from, count, to);
    case ENCODING_U8: return run(ENCODING_U8, swapped, from, count, to);
    case ENCODING_I8: return run(ENCODING_I8, swapped, from, count, to);
    case ENCODING_U16: return run(ENCODING_U16, swapped, from, count, to);
    case ENCODING_I16: return run(ENCODING_I16, swapped, from, count, to);
    case ENCODING_U32: return run(ENCODING_U32, swapped, from, count, to);
    case ENCODING_I32: return run(ENCODING_I32, swapped, from, count, to);
    case ENCODING_U64: return run(ENCODING_U64, swapped, from, count, to);
    case ENCODING_I64: return run(ENCODING_I64, swapped, from, count, to);
    case ENCODING_F16: return run(ENCODING_F16, swapped, from, count, to);
    case ENCODING_BF16: return run(ENCODING_BF16, swapped, from, count, to);
    case ENCODING_F32: return run(ENCODING_F32, swapped, from, count, to);
    default: return run(ENCODING_F64, swapped, from, count, to);
    }
}

static bool is_swapped(bool big_endian) { return big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__); }

bool decode_is_copy(enum encoding encoding, bool big_endian, enum dtype dtype) {
    const size_t size = encoding_sizes[encoding];
    bool same = encoding == ENCODING_U8 || encoding == ENCODING_I32 || encoding >= ENCODING_F32;
    return same && size == dtype_sizes[dtype] && (size == 1 || !is_swapped(big_endian));
}

bool decode_elements(enum encoding encoding, bool big_endian, const unsigned char *from, size_t count,
                     enum dtype dtype, void *to, size_t *bad) {
    const bool swapped = is_swapped(big_endian), copied = decode_is_copy(encoding, big_endian, dtype);
    const size_t size = encoding_sizes[encoding], wide = dtype_sizes[dtype];
    unsigned char *y = to;
    for (size_t begin = 0; begin < count && !interrupt_pending(); begin += LOOK) {
        const unsigned char *x = from + begin * size;
        size_t step = count - begin < LOOK ? count - begin : LOOK, done = step;
        if (!copied)
            done = swapped ? run_any(encoding, true, x, step, y) : run_any(encoding, false, x, step, y);
        else
            memcpy(y, x, step * size);
        if (done < step) {
            *bad = begin + done;
            return false;
        }
        y += step * wide;
    }
    return true;
}
