#include "scan.h"

#include "interrupt.h"
#include "threads.h"

#define COLUMN_UNIT 16 /* lines that lie side by side go together, because memory is read row by row */
#define LONG_LINE (((size_t)1 << 20) - 1) /* elements between two looks for an interrupt, as a mask */

struct job {
    size_t n, inner, groups;
    bool reversed;
    void (*scan)(const struct job *job, size_t first, size_t columns);
    const void *a, *b;
    void *y;
};

/* `start` and `next` say what an element is made of, a[at], b[at] and the double `before`. A line by itself keeps
   that in a register. */
#define SCAN(name, type, start, next)                                                                              \
    static void name(const struct job *job, size_t first, size_t columns) {                                        \
        const type *a = job->a, *b = job->b;                                                                       \
        type *y = job->y;                                                                                          \
        double state[COLUMN_UNIT] = {0}, before = 0;                                                               \
        ptrdiff_t step = job->reversed ? -(ptrdiff_t)job->inner : (ptrdiff_t)job->inner;                           \
        size_t at = job->reversed ? first + (job->n - 1) * job->inner : first;                                     \
        (void)a, (void)b;                                                                                          \
        for (size_t i = 0; i < job->n; i++, at += (size_t)step) {                                                  \
            if ((i & LONG_LINE) == LONG_LINE && interrupt_pending()) return;                                       \
            if (columns == 1) {                                                                                    \
                before = i == 0 ? start : next;                                                                    \
                y[at] = (type)before;                                                                              \
                continue;                                                                                          \
            }                                                                                                      \
            for (size_t c = 0; c < columns; c++, at++) {                                                           \
                before = state[c];                                                                                 \
                state[c] = i == 0 ? start : next;                                                                  \
                y[at] = (type)state[c];                                                                            \
            }                                                                                                      \
            at -= columns;                                                                                         \
        }                                                                                                          \
    }
#define SCANS(suffix, type)                                                                                        \
    SCAN(sums_of_##suffix, type, b[at], before + b[at])                                                            \
    SCAN(products_of_##suffix, type, a[at], a[at] * before)                                                        \
    SCAN(chains_of_##suffix, type, b[at], a[at] * before + b[at])
SCANS(floats, float)
SCANS(doubles, double)

/* An item is a group of up to 16 neighbouring lines. */
static void scan_groups(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    for (size_t item = begin; item < end; item++) {
        size_t outer = item / job->groups, column = item % job->groups * COLUMN_UNIT, left = job->inner - column;
        size_t first = outer * job->n * job->inner + column, columns = left < COLUMN_UNIT ? left : COLUMN_UNIT;
        job->scan(job, first, columns);
    }
}

void scan_axis(enum dtype dtype, size_t outer, size_t n, size_t inner, const void *a, const void *b, bool reversed,
               void *y) {
    bool single = dtype == FLOAT32;
    struct job job = {.scan = !a       ? single ? sums_of_floats : sums_of_doubles
                              : !b     ? single ? products_of_floats : products_of_doubles
                              : single ? chains_of_floats
                                       : chains_of_doubles,
                      .n = n,
                      .inner = inner,
                      .groups = (inner + COLUMN_UNIT - 1) / COLUMN_UNIT,
                      .reversed = reversed,
                      .a = a,
                      .b = b,
                      .y = y};
    size_t columns = inner < COLUMN_UNIT ? inner : COLUMN_UNIT;
    threads_for(outer * job.groups, threads_piece(n * columns), (double)outer * (double)n * (double)inner * 4,
                scan_groups, &job);
}
