#include "elementwise.h"

#include "backend.h"
#include "threads.h"

#include <string.h>

#define RUN 512 /* elements of a strided operand that are lined up at a time */
#define PIECE (64 * 1024)
#define MOST_OPERANDS 3
#define TILE_ROW 256 /* bytes of a row of a tile, in which a transposed operand is turned; it has as many rows */

/* Walks the flat positions [begin, end) of the output in runs along its last axes: `inner` elements in a row in
   which every operand moves by a constant step. */
struct job {
    const struct kernels *kernels;
    enum unary unary;
    enum binary binary;
    enum ternary ternary;
    int operands;
    struct tensor operand[MOST_OPERANDS];
    struct tensor y;
    size_t inner;
    size_t step[MOST_OPERANDS];
    size_t rows_at_once; /* where operands are whole or a short row; else 0 */
    bool is_row[MOST_OPERANDS];
    size_t tile, down, across; /* elements of a tile's side; tiles of a matrix */
};

/* Joins trailing axes as long as every operand crosses from one to the next with its inner step. */
static void find_inner(struct job *job) {
    int axis = job->y.rank - 1;
    job->inner = 1;
    for (int o = 0; o < job->operands; o++) job->step[o] = 0;
    for (; axis >= 0; axis--) {
        if (job->y.shape[axis] == 1) continue;
        bool fits = job->y.stride[axis] == job->inner;
        for (int o = 0; o < job->operands; o++) {
            size_t stride = job->operand[o].stride[axis];
            if (job->inner == 1)
                job->step[o] = stride;
            else if (stride != job->step[o] * job->inner)
                fits = false;
        }
        if (!fits) return;
        job->inner *= job->y.shape[axis];
    }
}

/* Whether every operand lies as the output does, is one element, or one row that is so short that a call for each
   row would take longer than its elements: then many rows are computed at a time, unless there is only one. */
static void find_rows(struct job *job) {
    size_t elements = tensor_count(&job->y), count = 0;
    job->rows_at_once = 0;
    if (job->inner < 2 || job->inner > RUN / 2 || job->inner == elements) return;
    for (int o = 0; o < job->operands; o++) {
        const struct tensor *t = &job->operand[o];
        size_t one = 1, moving = 0;
        for (int axis = 0; axis < t->rank; axis++) moving += t->shape[axis] > 1 && t->stride[axis] > 0;
        for (int axis = t->rank - 1; axis >= 0 && one < job->inner; one *= t->shape[axis--])
            moving -= t->shape[axis] > 1 && t->stride[axis] > 0;
        job->is_row[o] = job->step[o] == 1 && moving == 0;
        count += job->is_row[o];
        if (!job->is_row[o] && !tensor_is_contiguous(t) && (job->step[o] > 0 || moving > 0)) return;
    }
    if (count > 0) job->rows_at_once = (elements < RUN ? elements : RUN) / job->inner;
}

/* n elements from `from` as the kernels take them: in place for steps 0 and 1, else lined up in the buffer. */
static const void *line_up(size_t size, const char *from, size_t step, size_t n, void *buffer) {
    if (step <= 1) return from;
    for (size_t i = 0; i < n; i++) {
        if (size == 4)
            ((uint32_t *)buffer)[i] = ((const uint32_t *)(const void *)from)[i * step];
        else
            ((uint64_t *)buffer)[i] = ((const uint64_t *)(const void *)from)[i * step];
    }
    return buffer;
}

/* n elements of the output, from elements that lie next to each other, or from one where the step is 0. */
static void compute(const struct job *job, size_t n, const void *const *from, const size_t *step, void *to) {
    if (job->operands == 1)
        job->kernels->unary[job->unary](n, from[0], to);
    else if (job->operands == 2)
        job->kernels->binary[job->binary](n, from[0], step[0] != 0, from[1], step[1] != 0, to);
    else
        job->kernels->ternary[job->ternary](n, from[0], step[0] != 0, from[1], step[1] != 0, from[2], step[2] != 0,
                                            to);
}

static void run_elements(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t size = dtype_sizes[job->y.dtype];
    double buffer[MOST_OPERANDS][RUN];
    while (begin < end) {
        size_t n = job->inner - begin % job->inner;
        if (n > end - begin) n = end - begin;
        const void *from[MOST_OPERANDS];
        bool strided = false;
        for (int o = 0; o < job->operands; o++) strided = strided || job->step[o] > 1;
        if (strided && n > RUN) n = RUN;
        if (job->operands == 1 && job->step[0] == 0 && n > 1) n = 1; /* a repeated element, rare: one at a time */
        for (int o = 0; o < job->operands; o++) {
            const struct tensor *t = &job->operand[o];
            from[o] =
                line_up(size, (const char *)t->data + tensor_offset(t, begin) * size, job->step[o], n, buffer[o]);
        }
        compute(job, n, from, job->step, (char *)job->y.data + tensor_offset(&job->y, begin) * size);
        begin += n;
    }
}

/* With short rows, which are laid out once, as often as they are needed. */
static void run_rows(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t size = dtype_sizes[job->y.dtype], inner = job->inner, n = job->rows_at_once * inner;
    double buffer[MOST_OPERANDS][RUN];
    for (int o = 0; o < job->operands; o++)
        for (size_t i = 0, at = begin % inner; job->is_row[o] && i < n; i += inner - at, at = 0)
            memcpy((char *)buffer[o] + i * size, (const char *)job->operand[o].data + at * size,
                   (inner - at < n - i ? inner - at : n - i) * size);
    for (; begin < end; begin += n) {
        if (n > end - begin) n = end - begin;
        const void *from[MOST_OPERANDS];
        for (int o = 0; o < job->operands; o++)
            from[o] = job->is_row[o] ? (const char *)buffer[o]
                                     : (const char *)job->operand[o].data + (job->step[o] ? begin : 0) * size;
        compute(job, n, from, job->step, (char *)job->y.data + begin * size);
    }
}

/* Whether the rows of the operand lie across those of the output. */
static bool is_transposed(const struct tensor *t) {
    int down = t->rank - 2, across = t->rank - 1;
    return t->rank >= 2 && t->shape[down] > 1 && t->shape[across] > 1 && t->stride[down] == 1 &&
           t->stride[across] > 1;
}

/* A tile of the output's last two axes: what lies across it is turned as a whole, since a run along a row would
   fetch a cache line for each of its elements. */
static void run_tile(const struct job *job, size_t outer, size_t row, size_t column) {
    size_t size = dtype_sizes[job->y.dtype], length = job->y.shape[job->y.rank - 1];
    size_t rows = job->y.shape[job->y.rank - 2] - row, columns = length - column;
    size_t begin = (outer + row) * length + column, step[MOST_OPERANDS];
    double buffer[MOST_OPERANDS][TILE_ROW * (TILE_ROW / 4) / sizeof(double)];
    if (rows > job->tile) rows = job->tile;
    if (columns > job->tile) columns = job->tile;
    for (int o = 0; o < job->operands; o++) {
        const struct tensor *t = &job->operand[o];
        step[o] = t->stride[t->rank - 1];
        if (is_transposed(t))
            job->kernels->transpose(columns, rows, (const char *)t->data + tensor_offset(t, begin) * size, step[o],
                                    buffer[o], job->tile);
    }
    for (size_t i = 0; i < rows; i++, begin += length) {
        const void *from[MOST_OPERANDS];
        for (int o = 0; o < job->operands; o++) {
            const struct tensor *t = &job->operand[o];
            from[o] = is_transposed(t) ? (const char *)buffer[o] + i * TILE_ROW
                                       : line_up(size, (const char *)t->data + tensor_offset(t, begin) * size,
                                                 step[o], columns, buffer[o]);
        }
        compute(job, columns, from, step, (char *)job->y.data + begin * size);
    }
}

static void run_tiles(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    size_t length = job->y.shape[job->y.rank - 2];
    for (; begin < end; begin++)
        run_tile(job, begin / job->across / job->down * length, begin / job->across % job->down * job->tile,
                 begin % job->across * job->tile);
}

static void share_tiles(struct job *job, size_t count) {
    const struct tensor *y = &job->y;
    job->tile = TILE_ROW / dtype_sizes[y->dtype];
    job->down = (y->shape[y->rank - 2] + job->tile - 1) / job->tile;
    job->across = (y->shape[y->rank - 1] + job->tile - 1) / job->tile;
    threads_for(tensor_span(y, 0, y->rank - 2) * job->down * job->across, PIECE / (job->tile * job->tile),
                (double)count * 4, run_tiles, job);
}

static void run_job(struct job *job) {
    size_t count = tensor_count(&job->y);
    job->kernels = backend(job->y.dtype);
    for (int o = 0; o < job->operands; o++) {
        if (count == 0 || !is_transposed(&job->operand[o]) || !tensor_is_contiguous(&job->y)) continue;
        share_tiles(job, count);
        return;
    }
    find_inner(job);
    find_rows(job);
    threads_for(count, PIECE, (double)count * 4, job->rows_at_once ? run_rows : run_elements, job);
}

void elementwise_unary(enum unary operation, const struct tensor *x, const struct tensor *y) {
    struct job job = {.unary = operation, .operands = 1, .operand = {*x}, .y = *y};
    run_job(&job);
}

void elementwise_binary(enum binary operation, const struct tensor *a, const struct tensor *b,
                        const struct tensor *y) {
    struct job job = {.binary = operation, .operands = 2, .operand = {*a, *b}, .y = *y};
    run_job(&job);
}

void elementwise_ternary(enum ternary operation, const struct tensor *a, const struct tensor *b,
                         const struct tensor *c, const struct tensor *y) {
    struct job job = {.ternary = operation, .operands = 3, .operand = {*a, *b, *c}, .y = *y};
    run_job(&job);
}
