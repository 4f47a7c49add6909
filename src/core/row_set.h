/* A set of the rows of a matrix, one bit a row, in words of 64: which rows of a gradient may be other than zeros.
 */
#ifndef FNET_ROW_SET_H
#define FNET_ROW_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROW_SET_WORD 64

/* The size of a set of so many rows, an empty one being zeros. */
static inline size_t row_set_bytes(size_t rows) {
    return (rows / ROW_SET_WORD + (rows % ROW_SET_WORD > 0)) * sizeof(uint64_t);
}

/* row < the number of rows, here and below. */
static inline void row_set_add(uint64_t *set, size_t row) {
    set[row / ROW_SET_WORD] |= (uint64_t)1 << row % ROW_SET_WORD;
}

/* Whether the row is one of the set. */
static inline bool row_set_has(const uint64_t *set, size_t row) {
    return set[row / ROW_SET_WORD] >> row % ROW_SET_WORD & 1;
}

/* The first run of rows of the set within [*begin, end): [*begin, *run_end). False where there is none. */
static inline bool row_set_run(const uint64_t *set, size_t end, size_t *begin, size_t *run_end) {
    size_t row = *begin;
    for (; row < end; row = (row / ROW_SET_WORD + 1) * ROW_SET_WORD) {
        uint64_t left = set[row / ROW_SET_WORD] >> row % ROW_SET_WORD;
        if (left != 0) {
            row += (size_t)__builtin_ctzll(left);
            break;
        }
    }
    if (row >= end) return false;
    *begin = row;
    while (row < end && row_set_has(set, row)) row++;
    *run_end = row;
    return true;
}

#endif
