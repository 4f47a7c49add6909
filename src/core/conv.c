#include "conv.h"

#include "backend.h"
#include "chain.h"
#include "interrupt.h"
#include "threads.h"

#include <string.h>

/* In a picture whose edges are padded, what one output row takes from one row of the kernel is a matrix product
   whose left operand lies in place, (kernel column, channel) side by side and the next output column a stride
   further on. So an output row is a product that goes on from one kernel row to the next. Bands of rows are copied
   into a buffer with zeros around, unless they need none. Where rows are so short that a tile of the product would
   not be full, what each output column takes from a row is copied there side by side, unfolded: then all rows of a
   band follow each other as rows of one product, as they do for kernels of 1 x 1. The gradient of the input is the
   same walk over dy with the kernel turned round. A stride of s cuts the input's rows into s phases, each with the
   taps of the kernel that meet it: a convolution of its own, of stride 1. */

#define BAND_BYTES (192 * 1024)    /* of a padded band: it stays in the second-level cache */
#define PIECE_WORK 1e7             /* multiply-adds between two looks for an interrupt, as in matmul.c */
#define PARTS_BANDS 4              /* a thread's share of a small batch, at least */
#define ENDS_PIECE 16384           /* elements of dw whose chains are ended at a time */
#define CHANNEL_UNIT 16            /* channels of a depthwise weight gradient that stay together */
#define UNFOLD_DEPTH 32            /* channels that a target has at least where unfolding its source pays */
#define WEIGHTS_BYTES (512 * 1024) /* more do not stay in the second-level cache */
#define LAPS_BYTES (24 * 1024)     /* of dy, for one product of the weight gradient: in the first-level cache */

/* Which targets of an axis meet which taps: target + i * (steps between targets) starts at source + i * step. */
struct phase {
    size_t target, count;
    size_t taps, packed; /* how many, and the number of the first in the turned kernel */
    ptrdiff_t source;    /* may lie beyond the edges */
};

/* One side of the walk, x or y: pictures that are read, or such that are written. */
struct side {
    char *pictures;
    size_t rows, columns;         /* of a picture */
    size_t channels, depth;       /* of all groups together, and of one */
    size_t row_step, column_step; /* from one target of a phase to the next */
};

/* The weights in the order of the walk: the one of (group, row, tap) is a matrix whose rows are `column` apart. */
struct weights {
    char *at;
    size_t group, row, tap, column;
};

struct job {
    struct conv conv;
    const struct kernels *kernels;
    size_t size; /* of an element */
    bool turned; /* the gradient of the input: from y to x, with the kernel turned round */
    bool depthwise;
    size_t groups; /* 1 where it is depthwise: all channels go together */
    struct side source, target;
    struct weights weights;
    double *sums;      /* of the blocks of chains that are cut, for the targets of a product, a part */
    size_t sums_count; /* 0 where nothing is cut */
    char *buffers;
    ptrdiff_t low;    /* the first source column that a band needs */
    size_t width;     /* how many */
    bool joins;       /* rows of targets that follow each other in step become one product */
    bool unfolded;    /* each target of a row has its source columns for itself */
    size_t band_rows; /* targets */
    size_t bands, row_phases, column_phases, items, steps, parts;
    size_t buffer_bytes;
};

/* The phase of an axis: all windows in turn, or, turned, the positions whose distance from the first window's start
   is r above a multiple of the stride. Those meet the taps r, r + stride, ..., the last one first. */
static struct phase phase_of(const struct window *w, bool turned, size_t r) {
    if (!turned) return (struct phase){0, w->count, w->kernel, 0, -(ptrdiff_t)w->before};
    size_t s = w->stride, end = w->size + w->before;
    struct phase phase = {.taps = r < w->kernel ? (w->kernel - r + s - 1) / s : 0};
    phase.packed = w->kernel / s * r + (w->kernel % s < r ? w->kernel % s : r);
    size_t first = w->before > r ? (w->before - r + s - 1) / s : 0;
    if (first * s + r < end) phase.count = (end - 1 - r) / s - first + 1;
    phase.target = first * s + r - w->before;
    phase.source = (ptrdiff_t)first - (ptrdiff_t)phase.taps + 1;
    return phase;
}

/* The phases that hold a target: as many as the stride, or as the axis is long. */
static size_t phase_count(const struct window *w, bool turned) {
    if (!turned) return 1;
    return w->stride < w->size ? w->stride : w->size;
}

/* One of those: that of the target `number`. */
static struct phase nth_phase(const struct window *w, bool turned, size_t number) {
    return phase_of(w, turned, (number + w->before) % w->stride);
}

/* A kernel whose chain would be cut is left to the general way. */
static bool is_depthwise(const struct conv *p) {
    return p->groups > 1 && p->groups == p->inputs && p->groups == p->units &&
           !chain_is_cut(p->rows.kernel * p->columns.kernel);
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* a * b, or SIZE_MAX: padding may be so wide that a band does not fit into memory. */
static size_t times(size_t a, size_t b) {
    size_t product;
    return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

static double work_of(const struct conv *p) {
    return (double)p->batch * (double)p->rows.count * (double)p->columns.count * (double)p->rows.kernel *
           (double)p->columns.kernel * (double)(p->inputs / p->groups) * (double)p->units;
}

/* How high a band may be: `step` source rows an output row, `extra` beyond them. */
static size_t band_height(size_t rows, size_t row_bytes, size_t step, size_t extra, double row_work) {
    size_t most = row_bytes ? BAND_BYTES / row_bytes : rows;
    size_t high = most > extra ? (most - extra) / step : 1;
    if ((double)high * row_work > PIECE_WORK) high = (size_t)(PIECE_WORK / row_work);
    high = high < rows ? high : rows;
    return high ? high : 1;
}

/* The two sides, and how the weights lie: in place, [rows, taps, depth, units], or as turn_row lays them out. */
static void choose_sides(struct job *job) {
    const struct conv *p = &job->conv;
    size_t depth = p->inputs / job->groups, wide = p->units / job->groups;
    struct side x = {p->x, p->rows.size, p->columns.size, p->inputs, depth, p->rows.stride, p->columns.stride};
    struct side y = {p->y, p->rows.count, p->columns.count, p->units, wide, 1, 1};
    struct weights weights = {.at = p->w, .group = wide, .tap = depth * p->units, .column = p->units};
    job->source = x;
    job->target = y;
    if (job->turned) {
        job->source = y;
        job->target = x;
        weights.tap = depth * wide;
        weights.group = p->rows.kernel * p->columns.kernel * weights.tap;
        weights.column = depth;
    }
    if (job->depthwise) weights.tap = p->units;
    weights.row = p->columns.kernel * weights.tap;
    job->weights = weights;
}

/* Sizes and the plan of the walk, for a convolution or the gradient of its input; the workspace comes later. */
static struct job plan_walk(const struct conv *p, bool turned) {
    struct job job = {.conv = *p, .size = dtype_sizes[p->dtype], .turned = turned, .depthwise = is_depthwise(p)};
    job.groups = job.depthwise ? 1 : p->groups;
    job.kernels = backend(p->dtype);
    choose_sides(&job);
    job.row_phases = phase_count(&p->rows, turned);
    job.column_phases = phase_count(&p->columns, turned);
    ptrdiff_t high = 0;
    size_t longest = 0, widest_taps = 0; /* a row of targets; the taps that meet one */
    bool any = false;
    for (size_t r = 0; r < job.column_phases; r++) {
        struct phase phase = nth_phase(&p->columns, turned, r);
        longest = phase.count > longest ? phase.count : longest;
        widest_taps = phase.taps > widest_taps ? phase.taps : widest_taps;
        if (phase.taps == 0) continue;
        ptrdiff_t end = phase.source + (ptrdiff_t)((phase.count - 1) * job.source.column_step + phase.taps);
        if (!any || phase.source < job.low) job.low = phase.source;
        if (!any || end > high) high = end;
        any = true;
    }
    job.width = (size_t)(high - job.low);
    size_t rows = 0, most_taps = 0, step = job.source.row_step;
    for (size_t r = 0; r < job.row_phases; r++) {
        struct phase phase = nth_phase(&p->rows, turned, r);
        rows = phase.count > rows ? phase.count : rows;
        most_taps = phase.taps > most_taps ? phase.taps : most_taps;
    }
    job.parts = threads_count();
    size_t pictures = p->batch * job.groups * job.row_phases;
    double row_work = pictures && rows ? work_of(p) / (double)pictures / (double)rows : 0;
    size_t unfolded = times(times(longest, widest_taps), job.source.depth * job.size);
    job.joins = !job.depthwise && p->rows.stride == 1 && (!turned || p->columns.stride == 1);
    job.unfolded =
        job.joins && widest_taps > 1 && longest < 2 * job.kernels->tile_rows && job.target.depth >= UNFOLD_DEPTH;
    size_t row_bytes = job.unfolded ? unfolded : times(job.width, job.source.depth * job.size);
    job.band_rows = band_height(rows, row_bytes, step, most_taps, row_work);
    if (pictures > 0 && pictures < PARTS_BANDS * job.parts) {
        size_t bands = least(rows, (PARTS_BANDS * job.parts + pictures - 1) / pictures);
        if (bands > 0) job.band_rows = least(job.band_rows, (rows + bands - 1) / bands);
    }
    job.bands = (rows + job.band_rows - 1) / job.band_rows;
    job.items = pictures * job.bands;
    job.steps = (job.items + job.parts - 1) / job.parts;
    job.buffer_bytes = times((job.band_rows - 1) * step + most_taps, row_bytes);
    if (!job.depthwise && chain_is_cut(times(most_taps, times(widest_taps, job.source.depth))))
        job.sums_count = times(job.joins ? job.band_rows * longest : longest, job.target.depth);
    return job;
}

/* rows x width positions of the source's depth, from `row` and the lowest column on, zeros beyond the edges. */
static void copy_padded(const struct job *job, const char *picture, ptrdiff_t row, size_t rows, char *to) {
    ptrdiff_t height = (ptrdiff_t)job->source.rows, across = (ptrdiff_t)job->source.columns;
    ptrdiff_t first = job->low < 0 ? 0 : job->low, end = job->low + (ptrdiff_t)job->width;
    if (end > across) end = across;
    size_t channels = job->source.channels, pixel = job->source.depth * job->size, pitch = job->width * pixel;
    size_t inside = end > first ? (size_t)(end - first) : 0, left = inside ? (size_t)(first - job->low) * pixel : 0;
    for (size_t i = 0; i < rows; i++, row++, to += pitch) {
        if (row < 0 || row >= height || inside == 0) {
            memset(to, 0, pitch);
            continue;
        }
        const char *from = picture + (size_t)(row * across + first) * channels * job->size;
        memset(to, 0, left);
        if (job->source.depth == channels)
            memcpy(to + left, from, inside * pixel);
        else
            for (size_t j = 0; j < inside; j++)
                memcpy(to + left + j * pixel, from + j * channels * job->size, pixel);
        memset(to + left + inside * pixel, 0, pitch - left - inside * pixel);
    }
}

/* The same, unfolded: for each target of a row, a step apart, the columns of its taps. */
static void copy_unfolded(const struct job *job, const char *picture, ptrdiff_t row, size_t rows, char *to) {
    struct phase columns = nth_phase(&job->conv.columns, job->turned, 0);
    size_t channels = job->source.channels, pixel = job->source.depth * job->size;
    ptrdiff_t height = (ptrdiff_t)job->source.rows, across = (ptrdiff_t)job->source.columns;
    for (size_t i = 0; i < rows; i++, row++)
        for (size_t j = 0; j < columns.count; j++) {
            ptrdiff_t column = columns.source + (ptrdiff_t)(j * job->source.column_step);
            for (size_t t = 0; t < columns.taps; t++, column++, to += pixel) {
                if (row < 0 || row >= height || column < 0 || column >= across)
                    memset(to, 0, pixel);
                else
                    memcpy(to, picture + (size_t)(row * across + column) * channels * job->size, pixel);
            }
        }
}

/* Rows of one group of a source picture, with zeros where they reach beyond the edges: in place where they do not,
   unless they are unfolded. *pitch: elements from row to row; *step: from target to target. */
static const char *band_of(const struct job *job, size_t picture, size_t group, ptrdiff_t row, size_t rows,
                           char *buffer, size_t *pitch, size_t *step) {
    const struct side *side = &job->source;
    const char *from =
        side->pictures + (picture * side->rows * side->columns * side->channels + group * side->depth) * job->size;
    if (job->unfolded) {
        copy_unfolded(job, from, row, rows, buffer);
        *step = job->conv.columns.kernel * side->depth;
        *pitch = job->target.columns * *step;
        return buffer;
    }
    *step = side->column_step * side->depth;
    bool inside = row >= 0 && row + (ptrdiff_t)rows <= (ptrdiff_t)side->rows && job->low >= 0 &&
                  job->low + (ptrdiff_t)job->width <= (ptrdiff_t)side->columns;
    if (inside && side->depth == side->channels) {
        *pitch = side->columns * side->channels;
        return from + ((size_t)row * side->columns + (size_t)job->low) * side->channels * job->size;
    }
    copy_padded(job, from, row, rows, buffer);
    *pitch = job->width * side->depth;
    return buffer;
}

/* `lines` rows of targets of one phase: each element is one chain through the kernel's rows. */
static void walk_rows(const struct job *job, const struct phase *rows, const struct phase *columns, size_t lines,
                      struct matrix a, size_t pitch, const char *b, const char *bias, char *c, double *sums) {
    const struct weights *weights = &job->weights;
    size_t depth = job->source.depth, taps = columns->taps ? rows->taps : 0;
    size_t turns = taps ? taps : 1; /* a row of the kernel each; without taps one of no products */
    size_t c_row = job->target.column_step * job->target.channels;
    if (job->depthwise) {
        struct depthwise line = {.m = columns->count,
                                 .n = job->target.depth,
                                 .rows = taps,
                                 .taps = columns->taps,
                                 .tap = depth,
                                 .x = {a.at, pitch, a.row},
                                 .w = {b, weights->row, depth},
                                 .bias = bias,
                                 .y = c,
                                 .y_step = c_row};
        job->kernels->depthwise(&line);
        return;
    }
    struct product product = {.m = lines * columns->count,
                              .n = job->target.depth,
                              .k = taps ? columns->taps * depth : 0,
                              .a = a,
                              .b = {b, weights->column, 1},
                              .start = {bias, 0, 1},
                              .c = c,
                              .c_row = c_row,
                              .a_lap = pitch,
                              .b_lap = weights->row};
    struct chain chain = {.kernels = job->kernels, .size = job->size, .sums_row = product.n};
    bool is_cut = chain_is_cut(taps * product.k);
    if (is_cut) memset(sums, 0, product.m * product.n * sizeof *sums);
    /* Many weights come by pieces that the second-level cache keeps: a row of the kernel, a panel of columns. */
    bool many = taps * product.k * product.n * job->size > WEIGHTS_BYTES;
    size_t panel = many ? job->kernels->tile_columns : product.n, at_once = many ? 1 : turns;
    for (size_t j = 0; j < job->target.depth; j += panel) {
        struct product part = product;
        part.n = least(panel, product.n - j);
        part.c = c + j * job->size;
        if (bias) part.start.at = bias + j * job->size;
        chain.done = 0;
        chain.sums = is_cut ? sums + j : NULL;
        part.laps = at_once - 1;
        for (size_t t = 0; t < turns; t += at_once) {
            part.a.at = (const char *)a.at + t * pitch * job->size;
            part.b.at = b + (t * weights->row + j) * job->size;
            chain_extend(&chain, &part);
            part.start = (struct matrix){part.c, c_row, 1};
        }
        chain_end(&chain, part.m, part.n, part.c, c_row);
    }
}

/* An item is a band of one phase of the rows, of one group of one picture. */
static void walk_item(const struct job *job, size_t item, char *buffer, double *sums) {
    const struct conv *p = &job->conv;
    const struct side *source = &job->source, *target = &job->target;
    const struct weights *weights = &job->weights;
    size_t size = job->size, begin = item % job->bands * job->band_rows,
           phase = item / job->bands % job->row_phases;
    size_t group = item / job->bands / job->row_phases % job->groups;
    size_t picture = item / job->bands / job->row_phases / job->groups;
    struct phase rows = nth_phase(&p->rows, job->turned, phase);
    if (begin >= rows.count) return;
    size_t end = least(begin + job->band_rows, rows.count), pitch = 0, step = 0;
    const char *band = source->pictures; /* a phase without taps reads nothing */
    if (rows.taps > 0 && job->width > 0)
        band = band_of(job, picture, group, rows.source + (ptrdiff_t)(begin * source->row_step),
                       (end - begin - 1) * source->row_step + rows.taps, buffer, &pitch, &step);
    const char *b = weights->at + (group * weights->group + rows.packed * weights->row) * size;
    const char *bias = p->bias ? (const char *)p->bias + group * target->depth * size : NULL;
    size_t lines = job->joins && pitch == target->columns * step ? end - begin : 1;
    for (size_t i = begin; i < end; i += lines)
        for (size_t r = 0; r < job->column_phases; r++) {
            struct phase columns = nth_phase(&p->columns, job->turned, r);
            struct matrix a = {band, step, 1};
            if (rows.taps > 0 && columns.taps > 0) {
                size_t in_front = job->unfolded ? 0 : (size_t)(columns.source - job->low) * source->depth;
                a.at = band + ((i - begin) * source->row_step * pitch + in_front) * size;
            }
            size_t row = picture * target->rows + rows.target + i * target->row_step;
            size_t to = (row * target->columns + columns.target) * target->channels + group * target->depth;
            walk_rows(job, &rows, &columns, lines, a, pitch, b + columns.packed * weights->tap * size, bias,
                      target->pictures + to * size, sums);
        }
}

static void walk_steps(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    for (size_t q = begin; q < end; q++) {
        size_t part = q / job->steps, first, last;
        threads_range(job->items, 1, part, job->parts, &first, &last);
        size_t item = first + q % job->steps;
        if (item < last)
            walk_item(job, item, job->buffers + part * job->buffer_bytes, job->sums + part * job->sums_count);
    }
}

/* The kernel turned round: for each group, phase and tap a [units, inputs] block of it (depthwise: a row). */
static void turn_row(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    const struct conv *p = &job->conv;
    const struct weights *weights = &job->weights;
    size_t taps = p->columns.kernel, units = p->units / job->groups, inputs = p->inputs / p->groups;
    for (size_t item = begin; item < end; item++) {
        size_t group = item / p->rows.kernel, kernel_row = item % p->rows.kernel;
        struct phase rows = phase_of(&p->rows, true, kernel_row % p->rows.stride);
        size_t row = rows.packed + rows.taps - 1 - kernel_row / p->rows.stride;
        for (size_t s = 0; s < taps; s++) {
            struct phase columns = phase_of(&p->columns, true, s % p->columns.stride);
            size_t tap = columns.packed + columns.taps - 1 - s / p->columns.stride;
            const char *from =
                (const char *)p->w + ((kernel_row * taps + s) * inputs * p->units + group * units) * job->size;
            char *to = weights->at + (group * weights->group + row * weights->row + tap * weights->tap) * job->size;
            if (job->depthwise)
                memcpy(to, from, units * job->size);
            else
                job->kernels->transpose(inputs, units, from, p->units, to, inputs);
        }
    }
}

static size_t weight_count(const struct conv *p) {
    return p->rows.kernel * p->columns.kernel * (p->inputs / p->groups) * p->units;
}

static void run_walk(struct job *job, void *workspace) {
    const struct conv *p = &job->conv;
    job->sums = workspace;
    job->buffers = (char *)(job->sums + job->parts * job->sums_count);
    if (job->turned) {
        size_t count = weight_count(p);
        job->weights.at = job->buffers;
        job->buffers += count * job->size;
        threads_for(job->groups * p->rows.kernel, 1, (double)count, turn_row, job);
    }
    threads_for(job->parts * job->steps, 1, work_of(p), walk_steps, job);
}

/* --- the gradient of the weights ------------------------------------------------------------------------- */

/* What a thread owns are blocks of rows of dw, (group, kernel row, kernel column and channel): it goes over the
   whole batch for them. The batch comes in chunks, bands of pictures, with a look for an interrupt after each. */
struct weight_job {
    struct job walk; /* sizes, and how a band of x is laid out */
    size_t blocks;   /* of one group and kernel row */
    size_t unit;     /* rows of a block */
    size_t band_rows, bands, buffer_bytes, parts;
    size_t first, last; /* the chunks of this round: bands of pictures */
    size_t length;      /* of a chain */
    double *sums;       /* of its blocks, one an element of dw; NULL where nothing is cut */
};

static struct weight_job plan_weight(const struct conv *p) {
    struct weight_job job = {.walk = plan_walk(p, false)};
    job.walk.unfolded = false;
    const struct job *walk = &job.walk;
    size_t m = walk->depthwise ? p->units : p->columns.kernel * walk->source.depth;
    job.unit = walk->depthwise ? CHANNEL_UNIT : walk->kernels->tile_rows;
    job.blocks = (m + job.unit - 1) / job.unit;
    job.parts = walk->parts;
    size_t row_bytes = times(walk->width, walk->source.depth * walk->size);
    double rows = (double)p->batch * (double)p->rows.count;
    job.band_rows =
        band_height(p->rows.count, row_bytes, p->rows.stride, p->rows.kernel, rows > 0 ? work_of(p) / rows : 0);
    job.bands = (p->rows.count + job.band_rows - 1) / job.band_rows;
    job.buffer_bytes = times((job.band_rows - 1) * p->rows.stride + p->rows.kernel, row_bytes);
    job.length = times(p->batch, p->rows.count * p->columns.count);
    return job;
}

/* The chains of the elements of dw from `dw` on, before output row number `row` of the batch. */
static struct chain chain_of(const struct weight_job *job, const char *dw, size_t row) {
    const struct job *walk = &job->walk;
    size_t at = (size_t)(dw - (const char *)walk->conv.w) / walk->size;
    return (struct chain){.kernels = walk->kernels,
                          .size = walk->size,
                          .done = row * walk->conv.columns.count,
                          .sums = job->sums ? job->sums + at : NULL,
                          .sums_row = walk->conv.units};
}

/* One output row's share in `m` channels of a depthwise dw. */
static void weigh_depthwise(struct chain *chain, size_t taps, struct depthwise line, char *dw) {
    for (size_t left = line.m; left > 0; left -= line.m) {
        line.m = chain_step(chain, left);
        chain->kernels->depthwise_weight(&line, dw);
        line.x.at = (const char *)line.x.at + line.m * line.x.column * chain->size;
        line.y = (char *)line.y + line.m * line.y_step * chain->size;
        chain_advance(chain, line.m, taps, line.n, dw, line.tap);
    }
}

/* Rows [i, i + m) of one group and kernel row of dw, over one band, which begins with output row `first` of the
   batch. */
static void weigh_rows(const struct weight_job *job, size_t group, size_t kernel_row, size_t i, size_t m,
                       const char *band, size_t pitch, char *dy, size_t first, size_t rows) {
    const struct job *walk = &job->walk;
    const struct conv *p = &walk->conv;
    size_t size = walk->size, a_column = p->columns.stride * walk->source.depth, units = p->units;
    size_t wide = walk->target.depth, x_pitch = p->rows.stride * pitch * size;
    size_t dy_pitch = p->columns.count * units * size, taps = p->columns.kernel;
    band += (kernel_row * pitch + i) * size;
    if (walk->depthwise) {
        char *dw = (char *)p->w + (kernel_row * taps * units + i) * size;
        struct chain chain = chain_of(job, dw, first);
        dy += i * size;
        for (size_t r = 0; r < rows; r++) {
            struct depthwise line = {.m = p->columns.count,
                                     .n = m,
                                     .taps = taps,
                                     .tap = units,
                                     .x = {band + r * x_pitch, 0, a_column},
                                     .y = dy + r * dy_pitch,
                                     .y_step = units};
            weigh_depthwise(&chain, taps, line, dw);
        }
        return;
    }
    char *dw = (char *)p->w + ((kernel_row * taps * walk->source.depth + i) * units + group * wide) * size;
    dy += group * wide * size;
    struct chain chain = chain_of(job, dw, first);
    size_t most = LAPS_BYTES / (p->columns.count * wide * size);
    for (size_t r = 0, laps; r < rows; r += laps) {
        laps = most ? least(most, rows - r) : 1;
        struct product product = {.m = m,
                                  .n = wide,
                                  .k = p->columns.count,
                                  .a = {band + r * x_pitch, 1, a_column},
                                  .b = {dy + r * dy_pitch, units, 1},
                                  .start = {dw, units, 1},
                                  .c = dw,
                                  .c_row = units,
                                  .laps = laps - 1,
                                  .a_lap = p->rows.stride * pitch,
                                  .b_lap = p->columns.count * units};
        chain_extend(&chain, &product);
    }
}

static void weigh_part(const struct weight_job *job, size_t chunk, size_t begin, size_t end, char *buffer) {
    const struct job *walk = &job->walk;
    const struct conv *p = &walk->conv;
    size_t picture = chunk / job->bands, i = chunk % job->bands * job->band_rows;
    size_t rows = least(job->band_rows, p->rows.count - i), loaded = SIZE_MAX, pitch = 0, step = 0;
    size_t m = walk->depthwise ? p->units : p->columns.kernel * walk->source.depth;
    const char *band = NULL;
    char *dy = (char *)p->y + (picture * p->rows.count + i) * p->columns.count * p->units * walk->size;
    while (begin < end) {
        size_t kernel_row = begin / job->blocks % p->rows.kernel, group = begin / job->blocks / p->rows.kernel;
        size_t first = begin % job->blocks, count = least(job->blocks - first, end - begin);
        if (group != loaded) {
            ptrdiff_t row = (ptrdiff_t)(i * p->rows.stride) - (ptrdiff_t)p->rows.before;
            band = band_of(walk, picture, group, row, (rows - 1) * p->rows.stride + p->rows.kernel, buffer, &pitch,
                           &step);
            loaded = group;
        }
        size_t from = first * job->unit, to = least((first + count) * job->unit, m);
        weigh_rows(job, group, kernel_row, from, to - from, band, pitch, dy, picture * p->rows.count + i, rows);
        begin += count;
    }
}

static void weigh_parts(void *context, size_t begin, size_t end) {
    const struct weight_job *job = context;
    const struct conv *p = &job->walk.conv;
    size_t first, last;
    for (size_t part = begin; part < end; part++) {
        threads_range(job->walk.groups * p->rows.kernel * job->blocks, 1, part, job->parts, &first, &last);
        if (first == last) continue;
        for (size_t chunk = job->first; chunk < job->last; chunk++)
            weigh_part(job, chunk, first, last, job->walk.buffers + part * job->buffer_bytes);
    }
}

static void end_chains(void *context, size_t begin, size_t end) {
    const struct weight_job *job = context;
    char *dw = (char *)job->walk.conv.w + begin * job->walk.size;
    struct chain chain = chain_of(job, dw, 0);
    chain_end(&chain, 1, end - begin, dw, 0);
}

static void run_weight(struct weight_job *job, void *workspace) {
    const struct conv *p = &job->walk.conv;
    size_t chunks = p->batch * job->bands, count = weight_count(p);
    job->walk.buffers = workspace;
    if (chain_is_cut(job->length)) {
        job->sums = workspace;
        job->walk.buffers = (char *)(job->sums + count);
        memset(job->sums, 0, count * sizeof *job->sums);
    }
    memset(p->w, 0, count * job->walk.size);
    if (chunks == 0) return;
    double chunk_work = work_of(p) / (double)chunks;
    size_t round = 1 + (size_t)(PIECE_WORK * (double)job->parts / (chunk_work + 1));
    for (; job->first < chunks && !interrupt_pending(); job->first = job->last) {
        job->last = least(job->first + round, chunks);
        threads_for(job->parts, 1, chunk_work * (double)(job->last - job->first), weigh_parts, job);
    }
    if (job->sums) threads_for(count, ENDS_PIECE, (double)count * 4, end_chains, job);
}

/* a + b, or SIZE_MAX */
static size_t plus(size_t a, size_t b) { return a < SIZE_MAX - b ? a + b : SIZE_MAX; }

size_t conv_workspace(const struct conv *p, enum conv_pass pass) {
    if (pass == CONV_WEIGHT) {
        struct weight_job job = plan_weight(p);
        size_t sums = chain_is_cut(job.length) ? times(weight_count(p), sizeof(double)) : 0;
        return plus(times(job.parts, job.buffer_bytes), sums);
    }
    struct job job = plan_walk(p, pass == CONV_INPUT);
    size_t sums = times(job.parts, times(job.sums_count, sizeof(double)));
    size_t turned = job.turned ? weight_count(p) * job.size : 0;
    return plus(plus(times(job.parts, job.buffer_bytes), sums), turned);
}

void conv_run(const struct conv *p, enum conv_pass pass, void *workspace) {
    if (pass == CONV_WEIGHT) {
        struct weight_job job = plan_weight(p);
        run_weight(&job, workspace);
    } else {
        struct job job = plan_walk(p, pass == CONV_INPUT);
        run_walk(&job, workspace);
    }
}
