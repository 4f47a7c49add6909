#include "recurrent.h"

#include "backend.h"
#include "chain.h"
#include "interrupt.h"
#include "threads.h"

#include <string.h>

/* The weights of the state are used in every step: they are laid out once, in panels of as many columns as a tile
   of the product has. Rows of the batch go through all steps in blocks that such a panel serves together. */

#define BLOCK_ROWS 48
#define STEP_COST 20 /* operations on a gate, beside its products */

const struct cell_form cell_forms[CELL_COUNT] = {
    [CELL_TANH] = {1, false},
    [CELL_RELU] = {1, false},
    [CELL_LSTM] = {4, true},
    [CELL_GRU] = {3, true},
};

struct job {
    const struct recurrent *p;
    const struct recurrent_slopes *slopes;
    const struct kernels *kernels;
    size_t size, gates;
    size_t joined; /* columns of the weights whose products go on from what the gates have; the rest are GRU's */
    char *panels;
    double *sums; /* of chains that are cut, for each row of the batch a panel's; NULL where none is */
};

static size_t least(size_t a, size_t b) { return a < b ? a : b; }
static size_t divide_up(size_t a, size_t b) { return (a + b - 1) / b; }

static size_t columns_of(const struct recurrent *p) { return cell_forms[p->kind].gates * p->units; }
static bool is_cut(const struct recurrent *p) { return chain_is_cut(columns_of(p)); } /* those of the way back */
static size_t wide_of(const struct recurrent *p) { return backend(p->dtype)->tile_columns; }
static size_t sums_bytes(const struct recurrent *p) {
    return is_cut(p) ? p->batch * wide_of(p) * sizeof(double) : 0;
}

size_t recurrent_workspace(const struct recurrent *p) {
    size_t wide = wide_of(p), columns = divide_up(columns_of(p), wide) + 1; /* GRU's last part begins a panel */
    size_t back = divide_up(p->units, wide) * columns_of(p);
    return sums_bytes(p) + wide * (columns * p->units > back ? columns * p->units : back) * dtype_sizes[p->dtype];
}

static struct job job_of(const struct recurrent *p, void *workspace) {
    struct job job = {.p = p,
                      .kernels = backend(p->dtype),
                      .size = dtype_sizes[p->dtype],
                      .gates = cell_forms[p->kind].gates,
                      .sums = is_cut(p) ? workspace : NULL,
                      .panels = (char *)workspace + sums_bytes(p)};
    job.joined = (p->kind == CELL_GRU ? 2 : job.gates) * p->units;
    return job;
}

/* Columns `first` to end - 1 of the weights, one panel after the other, each [units, wide]. */
static void pack_columns(const struct job *job, size_t first, size_t end, char *panels) {
    const struct recurrent *p = job->p;
    size_t wide = job->kernels->tile_columns, row = job->gates * p->units;
    for (size_t j = first; j < end; j += wide)
        for (size_t l = 0; l < p->units; l++, panels += wide * job->size)
            memcpy(panels, (const char *)p->weight + (l * row + j) * job->size, least(end - j, wide) * job->size);
}

/* The transpose: its columns are the rows of the weights; each panel is [gates * units, wide]. */
static void pack_rows(const struct job *job) {
    const struct recurrent *p = job->p;
    size_t wide = job->kernels->tile_columns, depth = job->gates * p->units;
    for (size_t j = 0; j < p->units; j += wide)
        job->kernels->transpose(least(p->units - j, wide), depth, (const char *)p->weight + j * depth * job->size,
                                depth, job->panels + j * depth * job->size, wide);
}

/* A left operand, [rows, depth] with `row` elements from one row to the next. */
struct factor {
    const void *at;
    size_t row, depth;
};

/* c[rows, n] = start + a b + more b', one chain each; b and b' lie below each other in panels. */
static void multiply(const struct job *job, size_t rows, size_t n, struct factor a, struct factor more,
                     const char *panels, struct matrix start, char *c, size_t c_row, double *sums) {
    size_t wide = job->kernels->tile_columns, depth = a.depth + more.depth;
    for (size_t j = 0; j < n; j += wide) {
        const char *panel = panels + j * depth * job->size;
        struct product product = {.m = rows,
                                  .n = least(n - j, wide),
                                  .k = a.depth,
                                  .a = {a.at, a.row, 1},
                                  .b = {panel, wide, 1},
                                  .start = start,
                                  .c = c + j * job->size,
                                  .c_row = c_row};
        if (start.at) product.start.at = (const char *)start.at + j * job->size;
        struct chain chain = {job->kernels, job->size, 0, chain_is_cut(depth) ? sums : NULL, wide};
        if (chain.sums) memset(sums, 0, rows * wide * sizeof *sums);
        chain_extend(&chain, &product);
        if (more.depth > 0) {
            product.k = more.depth;
            product.a = (struct matrix){more.at, more.row, 1};
            product.b.at = panel + a.depth * wide * job->size;
            product.start = (struct matrix){product.c, c_row, 1};
            chain_extend(&chain, &product);
        }
        chain_end(&chain, rows, product.n, product.c, c_row);
    }
}

/* The steps of a row. Not as an expression of both: GCC 10 warns of a change of sign there. */
static size_t length_of(const struct recurrent *p, size_t row) {
    if (p->lengths) return (size_t)p->lengths[row];
    return p->time;
}

/* Where a row of the batch stands at a step. */
enum stage { BEHIND, FIRST, WITHIN };

static enum stage stage_of(const struct recurrent *p, size_t row, size_t step) {
    size_t length = length_of(p, row);
    if (step >= length) return BEHIND;
    return step == (p->reversed ? length - 1 : 0) ? FIRST : WITHIN;
}

/* The rows from `row` on, before `end`, that are at the same stage: where they end. */
static size_t same_stage(const struct recurrent *p, size_t row, size_t end, size_t step) {
    enum stage stage = stage_of(p, row, step);
    while (row < end && stage_of(p, row, step) == stage) row++;
    return row;
}

/* The element of an array [batch, time, width * units], or of [batch, units]. */
static char *at(const struct job *job, const void *array, size_t width, size_t row, size_t step) {
    return array ? (char *)array + (row * job->p->time + step) * width * job->p->units * job->size : NULL;
}
static char *at_row(const struct job *job, const void *array, size_t row) {
    return array ? (char *)array + row * job->p->units * job->size : NULL;
}

/* What an array has for the rows before this step: `start` [batch, units] at the first one. */
static struct factor before_step(const struct job *job, const void *array, const void *start, size_t row,
                                 size_t step) {
    const struct recurrent *p = job->p;
    if (stage_of(p, row, step) == FIRST) return (struct factor){at_row(job, start, row), p->units, p->units};
    return (struct factor){at(job, array, 1, row, p->reversed ? step + 1 : step - 1), p->time * p->units, p->units};
}

static struct cell cell_of(const struct job *job, size_t row, size_t end, size_t step) {
    const struct recurrent *p = job->p;
    bool is_lstm = p->kind == CELL_LSTM;
    struct factor before = before_step(job, is_lstm ? p->extra : p->y, is_lstm ? p->c : p->h, row, step);
    return (struct cell){.rows = end - row,
                         .units = p->units,
                         .row = p->time * p->units,
                         .before = before.at,
                         .before_row = before.row,
                         .gates = at(job, p->gates, job->gates, row, step),
                         .extra = at(job, p->extra, 1, row, step),
                         .y = at(job, p->y, 1, row, step)};
}

static double *sums_of(const struct job *job, size_t row) {
    return job->sums ? job->sums + row * job->kernels->tile_columns : NULL;
}

/* Zeros at this step in the rows' part of an array [batch, time, width * units]. */
static void clear(const struct job *job, void *array, size_t width, size_t row, size_t end, size_t step) {
    for (; array && row < end; row++)
        memset(at(job, array, width, row, step), 0, width * job->p->units * job->size);
}

static void step_forward(const struct job *job, size_t row, size_t end, size_t step) {
    const struct recurrent *p = job->p;
    const struct factor none = {0}, state = before_step(job, p->y, p->h, row, step);
    struct cell cell = cell_of(job, row, end, step);
    size_t gates_row = job->gates * cell.row;
    multiply(job, cell.rows, job->joined, state, none, job->panels, (struct matrix){cell.gates, gates_row, 1},
             cell.gates, gates_row, sums_of(job, row));
    if (p->kind == CELL_GRU) {
        size_t joined = divide_up(job->joined, job->kernels->tile_columns) * job->kernels->tile_columns;
        multiply(job, cell.rows, p->units, state, none, job->panels + joined * p->units * job->size,
                 (struct matrix){p->bias, 0, 1}, cell.extra, cell.row, sums_of(job, row));
    }
    job->kernels->cell[p->kind](&cell);
}

static void step_backward(const struct job *job, size_t row, size_t end, size_t step) {
    const struct recurrent *p = job->p;
    const struct recurrent_slopes *slopes = job->slopes;
    struct cell cell = cell_of(job, row, end, step);
    cell.dy = at(job, slopes->dy, 1, row, step);
    cell.slopes = at(job, slopes->slopes, job->gates, row, step);
    cell.extra_slopes = at(job, slopes->extra, 1, row, step);
    cell.dh = at_row(job, slopes->dh, row);
    cell.dc = at_row(job, slopes->dc, row);
    job->kernels->cell_backward[p->kind](&cell);
    struct factor joined = {cell.slopes, job->gates * cell.row, job->joined}, rest = {0};
    struct matrix start = {NULL, 0, 1};
    if (p->kind == CELL_GRU) {
        rest = (struct factor){cell.extra_slopes, cell.row, p->units};
        start = (struct matrix){cell.dh, p->units, 1};
    }
    multiply(job, cell.rows, p->units, joined, rest, job->panels, start, cell.dh, p->units, sums_of(job, row));
    const struct factor state = before_step(job, p->y, p->h, row, step);
    for (size_t i = row; i < end; i++)
        memcpy(at(job, slopes->before, 1, i, step), (const char *)state.at + (i - row) * state.row * job->size,
               p->units * job->size);
}

/* The steps of rows begin .. end - 1, in the order of the sequence, or the other way round. */
static void run_rows(const struct job *job, size_t begin, size_t end, bool ascending,
                     void (*step_rows)(const struct job *, size_t, size_t, size_t)) {
    const struct recurrent *p = job->p;
    for (size_t k = 0; k < p->time && !interrupt_pending(); k++) {
        size_t step = ascending ? k : p->time - 1 - k, next;
        for (size_t row = begin; row < end; row = next) {
            next = same_stage(p, row, end, step);
            if (stage_of(p, row, step) != BEHIND) {
                step_rows(job, row, next, step);
            } else if (job->slopes) {
                clear(job, job->slopes->slopes, job->gates, row, next, step);
                clear(job, job->slopes->extra, 1, row, next, step);
                clear(job, job->slopes->before, 1, row, next, step);
            } else {
                clear(job, p->y, 1, row, next, step);
            }
        }
    }
}

static void forward(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    const struct recurrent *p = job->p;
    run_rows(job, begin, end, !p->reversed, step_forward);
    for (size_t row = begin; p->last && row < end; row++) {
        size_t length = length_of(p, row);
        memcpy(at_row(job, p->last, row), at(job, p->extra, 1, row, p->reversed ? 0 : length - 1),
               p->units * job->size);
    }
}

static void backward(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    memset(at_row(job, job->slopes->dh, begin), 0, (end - begin) * job->p->units * job->size);
    run_rows(job, begin, end, job->p->reversed, step_backward);
}

static void share(struct job *job, void (*work)(void *, size_t, size_t)) {
    const struct recurrent *p = job->p;
    double gates = (double)p->batch * (double)p->time * (double)columns_of(p);
    threads_for(p->batch, BLOCK_ROWS, gates * ((double)p->units + STEP_COST), work, job);
}

void recurrent_forward(const struct recurrent *p, void *workspace) {
    struct job job = job_of(p, workspace);
    size_t wide = job.kernels->tile_columns;
    pack_columns(&job, 0, job.joined, job.panels);
    pack_columns(&job, job.joined, job.gates * p->units,
                 job.panels + divide_up(job.joined, wide) * wide * p->units * job.size);
    share(&job, forward);
}

void recurrent_backward(const struct recurrent *p, const struct recurrent_slopes *slopes, void *workspace) {
    struct job job = job_of(p, workspace);
    job.slopes = slopes;
    pack_rows(&job);
    share(&job, backward);
}
