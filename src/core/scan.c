#include "scan.h"

#include "interrupt.h"
#include "threads.h"

#define COLUMN_UNIT 16 /* lines that lie side by side go together, because memory is read row by row */
#define LONG_LINE (((size_t)1 << 20) - 1) /* elements between two looks for an interrupt, as a mask */

struct job {
    enum dtype dtype;
    size_t n, inner, groups;
    bool reversed;
    const void *a, *b;
    void *y;
};

#define SCAN(name, type)                                                                                           \
    static void name(const struct job *job, size_t first, size_t columns) {                                        \
        const type *a = job->a, *b = job->b;                                                                       \
        type *y = job->y;                                                                                          \
        double state[COLUMN_UNIT] = {0};                                                                           \
        for (size_t i = 0; i < job->n; i++) {                                                                      \
            size_t at = first + (job->reversed ? job->n - 1 - i : i) * job->inner;                                 \
            if ((i & LONG_LINE) == LONG_LINE && interrupt_pending()) return;                                       \
            for (size_t c = 0; c < columns; c++, at++) {                                                           \
                double before = state[c];                                                                          \
                if (i == 0)                                                                                        \
                    state[c] = b ? b[at] : a[at];                                                                  \
                else if (!a)                                                                                       \
                    state[c] = before + b[at];                                                                     \
                else                                                                                               \
                    state[c] = b ? a[at] * before + b[at] : a[at] * before;                                        \
                y[at] = (type)state[c];                                                                            \
            }                                                                                                      \
        }                                                                                                          \
    }
SCAN(scan_floats, float)
SCAN(scan_doubles, double)

/* An item is a group of up to 16 neighbouring lines. */
static void scan_groups(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    for (size_t item = begin; item < end; item++) {
        size_t outer = item / job->groups, column = item % job->groups * COLUMN_UNIT, left = job->inner - column;
        size_t first = outer * job->n * job->inner + column, columns = left < COLUMN_UNIT ? left : COLUMN_UNIT;
        (job->dtype == FLOAT32 ? scan_floats : scan_doubles)(job, first, columns);
    }
}

void scan_axis(enum dtype dtype, size_t outer, size_t n, size_t inner, const void *a, const void *b, bool reversed,
               void *y) {
    struct job job = {.dtype = dtype,
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
