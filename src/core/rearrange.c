#include "rearrange.h"

#include "threads.h"

#include <string.h>

struct job {
    bool upper;
    int64_t diagonal;
    size_t n, row_bytes, size; /* positions, or rows, of an outer slice; bytes of one, and of an element */
    const char *x;
    char *y;
};

/* So many elements, the last one first. */
#define REVERSE(name, type)                                                                                        \
    static void name(size_t count, const void *from, void *to) {                                                   \
        const type *x = from;                                                                                      \
        type *y = to;                                                                                              \
        for (size_t i = 0; i < count; i++) y[i] = x[count - 1 - i];                                                \
    }
REVERSE(reverse_bytes, uint8_t)
REVERSE(reverse_singles, uint32_t)
REVERSE(reverse_doubles, uint64_t)

/* Items are positions of all outer slices, taken as far as a slice goes. */
static void flip(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t bytes = job->row_bytes;
    for (size_t count; begin < end; begin += count) {
        size_t i = begin % job->n, left = job->n - i;
        count = left < end - begin ? left : end - begin;
        const char *x = job->x + (begin - i + left - count) * bytes; /* the last of its positions comes first */
        char *y = job->y + begin * bytes;
        if (bytes == job->size)
            (bytes == 1 ? reverse_bytes : bytes == 4 ? reverse_singles : reverse_doubles)(count, x, y);
        else
            for (size_t k = 0; k < count; k++) memcpy(y + k * bytes, x + (count - 1 - k) * bytes, bytes);
    }
}

void rearrange_flip(size_t outer, size_t n, size_t inner, size_t element_bytes, const void *x, void *y) {
    struct job job = {.n = n, .row_bytes = inner * element_bytes, .size = element_bytes, .x = x, .y = y};
    if (inner == 0) return;
    threads_for(outer * n, threads_piece(inner), (double)outer * (double)n * (double)inner, flip, &job);
}

static void triangle(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    int64_t columns = (int64_t)(job->row_bytes / job->size);
    for (size_t item = begin; item < end; item++) {
        int64_t cut = (int64_t)(item % job->n) + job->diagonal + !job->upper; /* the columns in front of the cut */
        size_t front = (size_t)(cut < 0 ? 0 : cut < columns ? cut : columns) * job->size;
        size_t first = job->upper ? front : 0, kept = job->upper ? job->row_bytes - front : front;
        char *y = job->y + item * job->row_bytes;
        memset(y + (job->upper ? 0 : front), 0, job->row_bytes - kept);
        memcpy(y + first, job->x + item * job->row_bytes + first, kept);
    }
}

void rearrange_triangle(bool upper, int64_t diagonal, size_t outer, size_t rows, size_t columns,
                        size_t element_bytes, const void *x, void *y) {
    const int64_t lowest = -(int64_t)rows, highest = (int64_t)columns; /* beyond which nothing changes any more */
    struct job job = {.upper = upper,
                      .diagonal = diagonal < lowest    ? lowest
                                  : diagonal > highest ? highest
                                                       : diagonal,
                      .n = rows,
                      .row_bytes = columns * element_bytes,
                      .size = element_bytes,
                      .x = x,
                      .y = y};
    if (columns == 0) return;
    threads_for(outer * rows, threads_piece(columns), (double)outer * (double)rows * (double)columns, triangle,
                &job);
}
