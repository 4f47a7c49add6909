/* Elements as other programs write them, of any width and byte order, into the four types of tensors.
   Invariant: a whole number either keeps its value or is refused; float16 widens exactly. */
#ifndef FNET_FOREIGN_H
#define FNET_FOREIGN_H

#include "tensor.h"

enum foreign {
    FOREIGN_BOOL, /* one byte, not 0 is true */
    FOREIGN_U8,
    FOREIGN_I8,
    FOREIGN_U16,
    FOREIGN_I16,
    FOREIGN_U32,
    FOREIGN_I32,
    FOREIGN_U64,
    FOREIGN_I64,
    FOREIGN_F16,
    FOREIGN_F32,
    FOREIGN_F64,
    FOREIGN_COUNT
};

extern const char *const foreign_names[FOREIGN_COUNT + 1]; /* "bool", "u8", "i8" ..., NULL at the end */
extern const size_t foreign_sizes[FOREIGN_COUNT];          /* bytes an element */
extern const enum dtype foreign_dtypes[FOREIGN_COUNT];     /* what the elements become */

/* to[i] = element i of the bytes. False when one does not fit into int32: *bad is the first such, from 0.
   An interrupt ends it early. */
bool foreign_decode(enum foreign type, bool big_endian, const unsigned char *from, size_t count, void *to,
                    size_t *bad);

#endif
