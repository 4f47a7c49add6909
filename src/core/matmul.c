#include "matmul.h"

#include "backend.h"
#include "interrupt.h"
#include "threads.h"

#include <string.h>

/* Small products run straight on the operands. Large ones, and those whose b has no unit column stride, are cut
   along k in slabs: each slab of b is packed into panels as wide as the kernel's tile, then each thread multiplies
   block by block of a. A block whose rows do not lie side by side in memory is first packed into panels as high
   as the tile. A slab starts from what the one before left in c, so the chain of each element is unbroken. */

#define SLAB 256                   /* depth of a slab: a panel of b stays in the second-level cache */
#define BLOCK_ROWS 96              /* rows of a block of a, a multiple of every tile's rows */
#define PACK_ELEMENTS (256 * 1024) /* of b, from which packing pays when there are rows to reuse it */
#define PACK_ROWS 64
#define PIECE_WORK 1e7 /* multiply-adds between two looks for an interrupt: some 10 ms in the slowest kernel */

struct job {
    struct matmul product;
    const struct kernels *kernels;
    size_t size; /* of an element */
    size_t slab_begin, slab_depth;
    bool packed;
    char *panels; /* packed b */
    char *blocks; /* packed a, one block a thread */
    size_t row_parts, column_parts;
    size_t steps; /* looks for an interrupt within a part */
};

static bool wants_packing(const struct matmul *p) {
    return p->b_column != 1 || (p->m >= PACK_ROWS && p->n >= 64 && p->n * p->k >= PACK_ELEMENTS);
}

static size_t slab_depth(const struct matmul *p) { return p->k < SLAB ? p->k : SLAB; }

size_t matmul_workspace(const struct matmul *p) {
    if (!wants_packing(p)) return 0;
    size_t columns = backend(p->dtype)->tile_columns, panels = (p->n + columns - 1) / columns;
    size_t rows = p->a_column == 1 ? 0 : threads_count() * BLOCK_ROWS;
    return (panels * columns + rows) * slab_depth(p) * dtype_sizes[p->dtype];
}

/* to[i * to_row + j] = from[i * row + j * column] */
#define PACK(name, type)                                                                                           \
    static void name(size_t rows, size_t columns, const type *from, size_t row, size_t column, type *to,           \
                     size_t to_row) {                                                                              \
        if (column == 1) {                                                                                         \
            for (size_t i = 0; i < rows; i++) memcpy(to + i * to_row, from + i * row, columns * sizeof *to);       \
        } else if (columns > rows) {                                                                               \
            for (size_t i = 0; i < rows; i++)                                                                      \
                for (size_t j = 0; j < columns; j++) to[i * to_row + j] = from[i * row + j * column];              \
        } else {                                                                                                   \
            for (size_t j = 0; j < columns; j++)                                                                   \
                for (size_t i = 0; i < rows; i++) to[i * to_row + j] = from[i * row + j * column];                 \
        }                                                                                                          \
    }
PACK(pack_floats, float)
PACK(pack_doubles, double)

static void pack(size_t size, size_t rows, size_t columns, const void *from, size_t row, size_t column, void *to,
                 size_t to_row) {
    if (size == sizeof(float))
        pack_floats(rows, columns, from, row, column, to, to_row);
    else
        pack_doubles(rows, columns, from, row, column, to, to_row);
}

static void pack_panels(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    const struct matmul *p = &job->product;
    size_t wide = job->kernels->tile_columns;
    for (size_t panel = begin; panel < end; panel++) {
        size_t j = panel * wide, columns = p->n - j < wide ? p->n - j : wide;
        const char *from = (const char *)p->b + (job->slab_begin * p->b_row + j * p->b_column) * job->size;
        char *to = job->panels + panel * wide * job->slab_depth * job->size;
        pack(job->size, job->slab_depth, columns, from, p->b_row, p->b_column, to, wide);
    }
}

/* Rows [i, end) of the output against the packed slab, block by block. */
static void multiply_packed(const struct job *job, size_t i, size_t end, size_t first, size_t last, char *block) {
    const struct matmul *p = &job->product;
    const struct kernels *kernels = job->kernels;
    size_t size = job->size, high = kernels->tile_rows, wide = kernels->tile_columns, depth = job->slab_depth;
    for (; i < end; i += BLOCK_ROWS) {
        size_t rows = end - i < BLOCK_ROWS ? end - i : BLOCK_ROWS;
        const char *a = (const char *)p->a + (i * p->a_row + job->slab_begin * p->a_column) * size;
        size_t a_row = p->a_row, a_column = p->a_column, a_block = high * p->a_row;
        if (a_column != 1) {
            for (size_t r = 0; r < rows; r += high)
                pack(size, depth, rows - r < high ? rows - r : high, a + r * a_row * size, a_column, a_row,
                     block + r * depth * size, high);
            a = block;
            a_row = 1;
            a_column = high;
            a_block = high * depth;
        }
        for (size_t panel = first; panel < last; panel++) {
            size_t j = panel * wide, columns = p->n - j < wide ? p->n - j : wide;
            char *c = (char *)p->c + (i * p->n + j) * size;
            const char *start = c;
            size_t start_row = p->n;
            if (job->slab_begin == 0) {
                start = p->bias ? (const char *)p->bias + j * size : NULL;
                start_row = 0;
            }
            kernels->matmul(rows, columns, depth, a, a_row, a_column, a_block,
                            job->panels + panel * wide * depth * size, wide, start, start_row, c, p->n);
        }
    }
}

static void multiply_direct(const struct job *job, size_t i, size_t end, size_t j, size_t columns) {
    const struct matmul *p = &job->product;
    size_t size = job->size;
    job->kernels->matmul(end - i, columns, p->k, (const char *)p->a + i * p->a_row * size, p->a_row, p->a_column,
                         job->kernels->tile_rows * p->a_row, (const char *)p->b + j * size, p->b_row,
                         p->bias ? (const char *)p->bias + j * size : NULL, 0, (char *)p->c + (i * p->n + j) * size,
                         p->n);
}

/* Item q is one step of one part of the grid: the steps of a part share its columns and divide its rows. */
static void multiply_steps(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    const struct matmul *p = &job->product;
    size_t wide = job->kernels->tile_columns, high = job->kernels->tile_rows;
    for (size_t q = begin; q < end; q++) {
        size_t part = q / job->steps, row_part = part / job->column_parts, column_part = part % job->column_parts;
        size_t i, i_end, j, j_end;
        threads_range(p->m, high, row_part * job->steps + q % job->steps, job->row_parts * job->steps, &i, &i_end);
        threads_range(p->n, wide, column_part, job->column_parts, &j, &j_end);
        if (i == i_end || j == j_end) continue;
        if (job->packed)
            multiply_packed(job, i, i_end, j / wide, (j_end + wide - 1) / wide,
                            job->blocks + part * BLOCK_ROWS * job->slab_depth * job->size);
        else
            multiply_direct(job, i, i_end, j, j_end - j);
    }
}

void matmul_run(const struct matmul *p, void *workspace) {
    struct job job = {.product = *p,
                      .kernels = backend(p->dtype),
                      .size = dtype_sizes[p->dtype],
                      .slab_depth = p->k,
                      .packed = wants_packing(p)};
    size_t wide = job.kernels->tile_columns, panels = (p->n + wide - 1) / wide, parts = threads_count();
    double work = (double)p->m * (double)p->n * (double)p->k;
    if (job.packed && slab_depth(p) > 0) job.slab_depth = slab_depth(p);
    job.panels = workspace;
    if (job.packed) job.blocks = job.panels + panels * wide * job.slab_depth * job.size;
    threads_grid(p->m, p->n, &job.row_parts, &job.column_parts);
    do {
        if (p->k - job.slab_begin < job.slab_depth) job.slab_depth = p->k - job.slab_begin;
        double slab_work = p->k ? work / (double)p->k * (double)job.slab_depth : 0;
        job.steps = 1 + (size_t)(slab_work / (double)parts / PIECE_WORK);
        if (job.packed) threads_for(panels, 1, slab_work, pack_panels, &job);
        threads_for(parts * job.steps, 1, slab_work, multiply_steps, &job);
        job.slab_begin += job.slab_depth;
    } while (job.slab_begin < p->k && !interrupt_pending());
}
