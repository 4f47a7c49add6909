/* Elements as IDX, NumPy's and safetensors files hold them, of any width and byte order, into the four types of
   tensors.
   Invariant: a whole number either keeps its value or is refused; a float keeps its bits, or widens exactly. */
#ifndef FNET_DECODE_H
#define FNET_DECODE_H

#include "tensor.h"

enum encoding {
    ENCODING_BOOL, /* one byte, not 0 is true */
    ENCODING_U8,
    ENCODING_I8,
    ENCODING_U16,
    ENCODING_I16,
    ENCODING_U32,
    ENCODING_I32,
    ENCODING_U64,
    ENCODING_I64,
    ENCODING_F16,
    ENCODING_BF16, /* the upper half of a float32 */
    ENCODING_F32,
    ENCODING_F64,
    ENCODING_COUNT
};

extern const char *const encoding_names[ENCODING_COUNT + 1]; /* "bool", "u8", "i8" ..., NULL at the end */
extern const size_t encoding_sizes[ENCODING_COUNT];          /* bytes an element */
extern const enum dtype encoding_dtypes[ENCODING_COUNT];     /* what the elements become */

/* Whether the bytes of the elements are those of the tensor. */
bool decode_is_copy(enum encoding encoding, bool big_endian, enum dtype dtype);

/* to[i] = element i of the bytes, as encoding_dtypes has it; u8 also as INT32. False when a number does not fit
   into int32: *bad is the first such, from 0. An interrupt ends it early. */
bool decode_elements(enum encoding encoding, bool big_endian, const unsigned char *from, size_t count,
                     enum dtype dtype, void *to, size_t *bad);

#endif
