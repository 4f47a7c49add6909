#include "matmul.h"

#include "backend.h"
#include "chain.h"
#include "interrupt.h"
#include "rounding.h"
#include "threads.h"

#include <string.h>

/* A product is computed in one of three ways.
   DIRECT: straight on the operands.
   PACKED: cut into groups of columns and along k in slabs; what a group has of a slab of b is packed into panels as
   wide as the kernel's tile, then each thread multiplies block by block of a. A block whose rows do not lie side by
   side in memory is packed too. A slab starts from what the one before left in c, so the chain of each element is
   unbroken. For large products, and for a b without unit column stride.
   TRANSPOSED: each thread computes a block of the transpose and transposes it into c; where the columns of a do not
   lie in one piece, a is turned too. For a c of few columns, which would leave most of each vector empty; and for a
   b without unit column stride where a has so few rows that turning them takes less time than packing b.
   Chains that are cut (chain.h) are computed block by block, for one strip of c's rows after the other, so that the
   sums of the blocks take little memory. */
enum way { DIRECT, PACKED, TRANSPOSED };

#define SLAB 512                   /* depth of a slab, about */
#define GROUP_BYTES (1024 * 1024)  /* of a thread's panels: in the second-level cache while all of a passes */
#define BLOCK_ROWS 96              /* rows of a block of a, a multiple of every tile's rows */
#define PACKED_ROWS 16             /* of b, of which all panels are filled before the next rows are read */
#define PACK_ELEMENTS (240 * 1024) /* of b, from which packing pays when there are rows to reuse it */
#define PACK_ROWS 64
#define TRANSPOSED_COLUMNS 256 /* of a block of the transpose, at most */
#define TRANSPOSED_DEPTH 16    /* chains that are shorter do not pay for transposing the result */
#define SUMS_PIECE 16384
#define ADDED_ROWS 12 /* of a block that is added to c: a multiple of every tile's rows */
#define ADDED_BYTES (24 * 1024)
#define STRIP_BYTES (16 * 1024 * 1024) /* of the sums of blocks, about */
#define SMALL_WORK 3e4                 /* multiply-adds that are done before other threads would have begun */
#define PIECE_WORK 1e7 /* multiply-adds between looks for an interrupt: some 10 ms in the slowest kernel */

struct job {
    struct matmul product;
    const struct kernels *kernels;
    size_t size; /* of an element */
    enum way way;
    size_t group_begin, group_columns;
    size_t slab_begin, slab_depth;
    char *panels;      /* packed b */
    char *blocks;      /* packed a, or the transpose: one block a thread */
    size_t block_size; /* in bytes */
    size_t row_parts, column_parts;
    size_t steps; /* looks for an interrupt within a part */
};

static size_t least(size_t a, size_t b) { return a < b ? a : b; }
static size_t divide_up(size_t a, size_t b) { return (a + b - 1) / b; }

static enum way choose(const struct matmul *p) {
    size_t width = backend(p->dtype)->width;
    if (p->b_column != 1) {
        bool full_vectors = divide_up(p->m, width) * width - p->m <= width / 2;
        return full_vectors && p->m < PACK_ROWS && !p->bias && p->k >= TRANSPOSED_DEPTH ? TRANSPOSED : PACKED;
    }
    if (p->m >= PACK_ROWS && p->n >= 64 && p->n * p->k >= PACK_ELEMENTS) return PACKED;
    if (p->a_row != 1 || p->a_column == 1 || p->bias || p->k < TRANSPOSED_DEPTH) return DIRECT;
    return 5 * p->n * divide_up(p->m, width) < 4 * p->m * divide_up(p->n, width) ? TRANSPOSED : DIRECT;
}

/* Slabs of nearly equal depth; a shallow last one would cost a pass over c for nothing. */
static size_t slab_depth(const struct matmul *p) {
    size_t slabs = (p->k + SLAB / 2) / SLAB;
    return slabs > 1 ? divide_up(p->k, slabs) : p->k;
}

/* Columns whose panels are packed at a time, where threads share them in so many parts: whole panels. */
static size_t group_columns(const struct matmul *p, size_t column_parts) {
    size_t wide = backend(p->dtype)->tile_columns;
    return least(GROUP_BYTES / dtype_sizes[p->dtype] / SLAB * column_parts, divide_up(p->n, wide) * wide);
}

static size_t panels_size(const struct matmul *p) {
    return group_columns(p, threads_count()) * slab_depth(p) * dtype_sizes[p->dtype];
}

static size_t block_size(const struct matmul *p, enum way way) {
    if (way == TRANSPOSED)
        return (p->n + (p->a_row == 1 ? 0 : p->k)) * least(p->m, TRANSPOSED_COLUMNS) * dtype_sizes[p->dtype];
    return way == PACKED && p->a_column != 1 ? BLOCK_ROWS * slab_depth(p) * dtype_sizes[p->dtype] : 0;
}

bool matmul_may_add(const struct matmul *p) { return !chain_is_cut(p->k) && choose(p) == DIRECT; }

/* What a product needs whose chains are whole. */
static size_t whole_workspace(const struct matmul *p) {
    enum way way = choose(p);
    if (way == DIRECT) return 0;
    return (way == PACKED ? panels_size(p) : 0) + threads_count() * block_size(p, way);
}

static size_t strip_rows(const struct matmul *p) {
    size_t rows = STRIP_BYTES / sizeof(double) / (p->n + 1);
    return least(p->m, rows > BLOCK_ROWS ? rows : BLOCK_ROWS);
}

/* Rows from i on, and the block of the chain from l on. */
static struct matmul block_of(const struct matmul *p, size_t i, size_t l) {
    struct matmul block = *p;
    size_t size = dtype_sizes[p->dtype];
    block.m = least(p->m - i, strip_rows(p));
    block.k = least(p->k - l, CHAIN_BLOCK);
    block.a = (const char *)p->a + (i * p->a_row + l * p->a_column) * size;
    block.b = (const char *)p->b + l * p->b_row * size;
    block.c = (char *)p->c + i * p->n * size;
    if (l > 0) block.bias = NULL;
    return block;
}

static size_t sums_count(const struct matmul *p) { return chain_is_cut(p->k) ? strip_rows(p) * p->n : 0; }

size_t matmul_workspace(const struct matmul *p) {
    if (p->m == 0 || p->n == 0) return 0;
    if (!chain_is_cut(p->k)) return whole_workspace(p);
    struct matmul first = block_of(p, 0, 0), last = block_of(p, 0, (p->k - 1) / CHAIN_BLOCK * CHAIN_BLOCK);
    size_t a = whole_workspace(&first), b = whole_workspace(&last); /* those of a lower strip are no larger */
    return sums_count(p) * sizeof(double) + (a > b ? a : b);
}

/* to[i * to_row + j] = from[i * row + j * column] */
static void copy(const struct job *job, size_t rows, size_t columns, const char *from, size_t row, size_t column,
                 char *to, size_t to_row) {
    size_t size = job->size;
    if (row == 1 && column != 1) {
        job->kernels->transpose(columns, rows, from, column, to, to_row);
        return;
    }
    for (size_t i = 0; i < rows; i++) {
        if (column == 1)
            memcpy(to + i * to_row * size, from + i * row * size, columns * size);
        else
            for (size_t j = 0; j < columns; j++)
                memcpy(to + (i * to_row + j) * size, from + (i * row + j * column) * size, size);
    }
}

/* Rows of b that lie in one piece are read a few at a time for all panels, columns as a whole. */
static void pack_panels(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    const struct matmul *p = &job->product;
    size_t wide = job->kernels->tile_columns, most = p->b_column == 1 ? PACKED_ROWS : job->slab_depth;
    for (size_t l = 0; l < job->slab_depth; l += most)
        for (size_t panel = begin; panel < end; panel++) {
            size_t j = job->group_begin + panel * wide, columns = least(p->n - j, wide);
            copy(job, least(job->slab_depth - l, most), columns,
                 (const char *)p->b + ((job->slab_begin + l) * p->b_row + j * p->b_column) * job->size, p->b_row,
                 p->b_column, job->panels + (panel * job->slab_depth + l) * wide * job->size, wide);
        }
}

struct product matmul_rest(const struct matmul *p, size_t i, size_t j, size_t l) {
    size_t size = dtype_sizes[p->dtype];
    const char *a = (const char *)p->a + (i * p->a_row + l * p->a_column) * size;
    const char *b = (const char *)p->b + (l * p->b_row + j * p->b_column) * size;
    char *c = (char *)p->c + (i * p->n + j) * size;
    struct product rest = {.m = p->m - i,
                           .n = p->n - j,
                           .k = p->k - l,
                           .a = {a, p->a_row, p->a_column},
                           .b = {b, p->b_row, 1},
                           .start = {p->bias ? (const char *)p->bias + j * size : NULL, 0, 1},
                           .c = c,
                           .c_row = p->n};
    if (l > 0) rest.start = (struct matrix){c, p->n, 1};
    return rest;
}

/* Rows [i, end) of the output, panels [first, last) of the packed group, block by block. */
static void multiply_packed(const struct job *job, size_t i, size_t end, size_t first, size_t last, char *block) {
    const struct matmul *p = &job->product;
    const struct kernels *kernels = job->kernels;
    size_t size = job->size, wide = kernels->tile_columns, depth = job->slab_depth;
    for (; i < end; i += BLOCK_ROWS) {
        size_t rows = least(end - i, BLOCK_ROWS);
        const char *a = (const char *)p->a + (i * p->a_row + job->slab_begin * p->a_column) * size;
        if (p->a_column != 1) copy(job, depth, rows, a, p->a_column, p->a_row, block, BLOCK_ROWS);
        for (size_t panel = first; panel < last; panel++) {
            struct product part = matmul_rest(p, i, job->group_begin + panel * wide, job->slab_begin);
            part.m = rows;
            part.n = least(part.n, wide);
            part.k = depth;
            part.b = (struct matrix){job->panels + panel * wide * depth * size, wide, 1};
            if (p->a_column != 1) part.a = (struct matrix){block, 1, BLOCK_ROWS};
            kernels->matmul(&part);
        }
    }
}

static void multiply_transposed(const struct job *job, size_t i, size_t end, size_t j, size_t columns,
                                char *block) {
    const struct matmul *p = &job->product;
    const struct kernels *kernels = job->kernels;
    size_t size = job->size, row = least(p->m, TRANSPOSED_COLUMNS); /* of the block */
    for (; i < end; i += TRANSPOSED_COLUMNS) {
        size_t length = least(end - i, TRANSPOSED_COLUMNS);
        const char *a = (const char *)p->a + i * p->a_row * size;
        struct product transposed = {.m = columns,
                                     .n = length,
                                     .k = p->k,
                                     .a = {(const char *)p->b + j * p->b_column * size, p->b_column, p->b_row},
                                     .b = {a, p->a_column, 1},
                                     .c = block,
                                     .c_row = row};
        if (p->a_row != 1) {
            char *turned = block + p->n * row * size;
            copy(job, p->k, length, a, p->a_column, p->a_row, turned, row);
            transposed.b = (struct matrix){turned, row, 1};
        }
        kernels->matmul(&transposed);
        kernels->transpose(columns, length, block, row, (char *)p->c + (i * p->n + j) * size, p->n);
    }
}

/* Block by block into a buffer that stays in the first-level cache, and from there into c. */
static void multiply_and_add(const struct kernels *kernels, const struct matmul *p, size_t i, size_t end, size_t j,
                             size_t columns) {
    size_t size = dtype_sizes[p->dtype], widest = ADDED_BYTES / ADDED_ROWS / size;
    double buffer[ADDED_BYTES / sizeof(double)];
    for (; columns > 0; j += widest, columns -= least(columns, widest))
        for (size_t row = i; row < end; row += ADDED_ROWS) {
            struct product part = matmul_rest(p, row, j, 0);
            part.m = least(end - row, ADDED_ROWS);
            part.n = part.c_row = least(columns, widest);
            part.c = buffer;
            kernels->matmul(&part);
            for (size_t r = 0; r < part.m; r++) {
                char *c = (char *)p->c + ((row + r) * p->n + j) * size;
                kernels->binary[BINARY_ADD](part.n, c, 1, (char *)buffer + r * part.n * size, 1, c);
            }
        }
}

static void multiply_direct(const struct kernels *kernels, const struct matmul *p, size_t i, size_t end, size_t j,
                            size_t columns) {
    if (p->adds) {
        multiply_and_add(kernels, p, i, end, j, columns);
        return;
    }
    struct product part = matmul_rest(p, i, j, 0);
    part.m = end - i;
    part.n = columns;
    kernels->matmul(&part);
}

/* Item q is one step of one part of the grid: the steps of a part share its columns and divide its rows. */
static void multiply_steps(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    const struct matmul *p = &job->product;
    size_t wide = job->kernels->tile_columns, high = job->way == TRANSPOSED ? wide : job->kernels->tile_rows;
    for (size_t q = begin; q < end; q++) {
        size_t part = q / job->steps, row_part = part / job->column_parts, column_part = part % job->column_parts;
        char *block = job->blocks + part * job->block_size;
        size_t i, i_end, j, j_end;
        threads_range(p->m, high, row_part * job->steps + q % job->steps, job->row_parts * job->steps, &i, &i_end);
        threads_range(job->group_columns, wide, column_part, job->column_parts, &j, &j_end);
        if (i == i_end || j == j_end) continue;
        switch (job->way) {
        case DIRECT: multiply_direct(job->kernels, p, i, i_end, j, j_end - j); break;
        case PACKED: multiply_packed(job, i, i_end, j / wide, divide_up(j_end, wide), block); break;
        case TRANSPOSED: multiply_transposed(job, i, i_end, j, j_end - j, block); break;
        }
    }
}

/* Slab by slab; a product that is not packed is one group and one slab. */
static void multiply_group(struct job *job) {
    const struct matmul *p = &job->product;
    size_t depth = job->slab_depth, panels = divide_up(job->group_columns, job->kernels->tile_columns);
    size_t parts = job->row_parts * job->column_parts;
    job->slab_begin = 0;
    do {
        job->slab_depth = least(depth, p->k - job->slab_begin);
        double columns_depth = (double)job->group_columns * (double)job->slab_depth;
        double work = (double)p->m * columns_depth;
        job->steps = 1 + (size_t)(work / (double)parts / PIECE_WORK);
        if (job->way == PACKED) threads_for(panels, panels, columns_depth, pack_panels, job);
        threads_for(parts * job->steps, 1, work, multiply_steps, job);
        job->slab_begin += job->slab_depth;
    } while (job->slab_begin < p->k && !interrupt_pending());
    job->slab_depth = depth;
}

static void run_whole(const struct matmul *p, enum way way, void *workspace) {
    const struct kernels *kernels = backend(p->dtype);
    if (way == DIRECT && (double)p->m * (double)p->n * (double)p->k <= SMALL_WORK) {
        rounding_mode before = rounding_begin();
        multiply_direct(kernels, p, 0, p->m, 0, p->n);
        rounding_end(before);
        return;
    }
    struct job job = {.product = *p,
                      .kernels = kernels,
                      .size = dtype_sizes[p->dtype],
                      .way = way,
                      .slab_depth = way == PACKED ? slab_depth(p) : p->k,
                      .panels = workspace,
                      .blocks = workspace,
                      .block_size = block_size(p, way)};
    if (way == PACKED) job.blocks += panels_size(p);
    bool few_rows = way == TRANSPOSED && p->b_column != 1;
    threads_grid(few_rows ? 1 : p->m, way == TRANSPOSED && !few_rows ? 1 : p->n, &job.row_parts, &job.column_parts);
    size_t most = way == PACKED ? group_columns(p, job.column_parts) : p->n;
    do {
        job.group_columns = least(most, p->n - job.group_begin);
        multiply_group(&job);
        job.group_begin += job.group_columns;
    } while (job.group_begin < p->n && !interrupt_pending());
}

struct strip {
    const struct kernels *kernels;
    size_t size;
    char *c;
    double *sums;
    bool last;
};

static void add_block(void *context, size_t begin, size_t end) {
    const struct strip *strip = context;
    char *c = strip->c + begin * strip->size;
    if (strip->last)
        strip->kernels->settle(end - begin, c, strip->sums + begin);
    else
        strip->kernels->bank(end - begin, c, strip->sums + begin);
}

void matmul_run(const struct matmul *p, void *workspace) {
    if (p->m == 0 || p->n == 0) return;
    if (!chain_is_cut(p->k)) {
        run_whole(p, choose(p), workspace);
        return;
    }
    double *sums = workspace;
    for (size_t i = 0; i < p->m && !interrupt_pending(); i += strip_rows(p)) {
        size_t count = least(p->m - i, strip_rows(p)) * p->n;
        memset(sums, 0, count * sizeof *sums);
        for (size_t l = 0; l < p->k && !interrupt_pending(); l += CHAIN_BLOCK) {
            struct matmul block = block_of(p, i, l), highest = block_of(p, 0, l);
            run_whole(&block, choose(&highest), sums + sums_count(p));
            struct strip strip = {backend(p->dtype), dtype_sizes[p->dtype], block.c, sums, l + block.k == p->k};
            threads_for(count, SUMS_PIECE, (double)count * 4, add_block, &strip);
        }
    }
}
