/* Resizing goes row by row of the result: first down the columns, over the few rows of x that the row of y comes
   from, which are contiguous and fill vectors, then along the row. The sums of the first step lie on the stack, of
   BLOCK elements at a time. */
#include "picture.h"

#include "threads.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define BLOCK 3072 /* sums at a time: of whole pixels, whatever their channels */
#define RUN 512    /* places of a row of y at a time */
#define BAND 16    /* rows turned at a time, so that pixels that share a line of the cache are read together */

/* ---- another size ---- */

/* whole * unit + part: where a place of y begins, or where its centre lies. */
struct place {
    size_t whole;
    uint32_t part;
};

/* An axis in whole numbers. Shorter: in parts of 1 / to, place i of y covers [i from, (i + 1) from), and place k of
   x covers [k to, (k + 1) to). Longer: in parts of 1 / (2 to), the centre of place i lies (2 i + 1) from - to
   behind the first centre of x; counted from one centre further ahead, that is never negative. */
struct axis {
    size_t from, to; /* lengths */
    uint32_t divisor, unit;
    struct place step; /* from one place to the next */
};

/* What a place of y is made of: the places first .. last of x, with these weights, which add up to the divisor. */
struct taps {
    size_t first, last;
    uint32_t weight_first, weight_between, weight_last;
};

struct job {
    enum dtype dtype;
    struct axis rows, columns;
    size_t channels;
    const void *x;
    void *y;
};

static bool is_shorter(const struct axis *axis) { return axis->to <= axis->from; }

static struct place place_at(size_t at, uint32_t unit) { return (struct place){at / unit, (uint32_t)(at % unit)}; }

static struct axis axis_of(size_t from, size_t to) {
    uint32_t unit = (uint32_t)(to <= from ? to : 2 * to);
    return (struct axis){.from = from,
                         .to = to,
                         .divisor = to <= from ? (uint32_t)from : unit,
                         .unit = unit,
                         .step = place_at(to <= from ? from : 2 * from, unit)};
}

static struct place place_of(const struct axis *axis, size_t i) {
    size_t step = axis->step.whole * axis->unit + axis->step.part;
    return place_at(i * step + (is_shorter(axis) ? 0 : axis->from + axis->to), axis->unit);
}

static struct place next_place(const struct axis *axis, struct place place) {
    uint32_t part = place.part + axis->step.part;
    bool full = part >= axis->unit;
    return (struct place){place.whole + axis->step.whole + full, full ? part - axis->unit : part};
}

/* The taps of the place, which moves on to the next one. */
static inline struct taps next_taps(const struct axis *axis, struct place *place) {
    struct place here = *place;
    struct taps taps = {.weight_between = axis->unit};
    *place = next_place(axis, here);
    if (is_shorter(axis)) {
        taps.first = here.whole;
        taps.last = place->part > 0 ? place->whole : place->whole - 1;
        taps.weight_first = axis->unit - here.part;
        taps.weight_last = place->part > 0 ? place->part : axis->unit;
    } else {
        taps.first = here.whole > 0 ? here.whole - 1 : 0;
        taps.last = here.whole > 0 && here.part > 0 && here.whole < axis->from ? here.whole : taps.first;
        taps.weight_first = axis->unit - here.part;
        taps.weight_last = here.part;
    }
    if (taps.first == taps.last) taps.weight_first = axis->divisor;
    return taps;
}

/* The sums down the columns, for n elements of a row of x and of those below it from the element `at` on. What lies
   between first and last is added up in `sum`, which is exact for bytes, and weighted once. */
#define ADD_ROWS(name, type, sum)                                                                                  \
    static void name(const struct job *job, const struct taps *rows, size_t at, size_t n, double *sums) {          \
        const size_t row = job->columns.from * job->channels;                                                      \
        const type *first = (const type *)job->x + rows->first * row + at, *x = first;                             \
        const double weight_first = rows->weight_first, weight_between = rows->weight_between;                     \
        const double weight_last = rows->weight_last;                                                              \
        sum between[BLOCK];                                                                                        \
        if (rows->first == rows->last) {                                                                           \
            for (size_t i = 0; i < n; i++) sums[i] = weight_first * (double)first[i];                              \
            return;                                                                                                \
        }                                                                                                          \
        memset(between, 0, n * sizeof *between);                                                                   \
        for (size_t k = rows->first + 1; k < rows->last; k++) {                                                    \
            x += row;                                                                                              \
            for (size_t i = 0; i < n; i++) between[i] += x[i];                                                     \
        }                                                                                                          \
        x += row;                                                                                                  \
        for (size_t i = 0; i < n; i++)                                                                             \
            sums[i] = weight_between * (double)between[i] + weight_first * (double)first[i] +                      \
                      weight_last * (double)x[i];                                                                  \
    }
ADD_ROWS(add_rows_float32, float, double)
ADD_ROWS(add_rows_float64, double, double)
ADD_ROWS(add_rows_uint8, uint8_t, int32_t)
ADD_ROWS(add_rows_int32, int32_t, double)

typedef void add_rows(const struct job *job, const struct taps *rows, size_t at, size_t n, double *sums);
static add_rows *const add_rows_of[DTYPE_COUNT] = {
    [FLOAT32] = add_rows_float32, [FLOAT64] = add_rows_float64, [UINT8] = add_rows_uint8, [INT32] = add_rows_int32};

/* y[at ...] = n sums, divided. A rounded whole number is floor((2 sum + divisor) / (2 divisor)), and no such
   quotient lies nearer below a whole number than 1 / (2 divisor): half of that on top leaves room for the roundings
   of multiplying by the reciprocal, which is faster, for any divisor below 2^41. */
static void put(const struct job *job, size_t at, size_t n, const double *sums) {
    const double divisor = (double)job->rows.divisor * (double)job->columns.divisor;
    const double half = divisor / 2 + 0.25, reciprocal = 1 / divisor;
    switch (job->dtype) {
    case FLOAT32:
        for (size_t i = 0; i < n; i++) ((float *)job->y)[at + i] = (float)(sums[i] / divisor);
        break;
    case FLOAT64:
        for (size_t i = 0; i < n; i++) ((double *)job->y)[at + i] = sums[i] / divisor;
        break;
    case UINT8:
        for (size_t i = 0; i < n; i++) ((uint8_t *)job->y)[at + i] = (uint8_t)(int)((sums[i] + half) * reciprocal);
        break;
    default:
        for (size_t i = 0; i < n; i++) ((int32_t *)job->y)[at + i] = (int32_t)floor(sums[i] / divisor + 0.5);
    }
}

/* Some places of a row of y, one after the other, whose taps lie in the columns first .. last of x. */
struct run {
    size_t begin, n, first, last;
    struct taps taps[RUN];
};

/* As many places as there are, or as have their taps in one block of sums; at least one, from `begin` on, which is
   at `place`. */
static void next_run(const struct job *job, struct run *run, struct place *place) {
    const size_t most = BLOCK / job->channels;
    run->begin += run->n;
    for (run->n = 0; run->n < RUN && run->begin + run->n < job->columns.to; run->n++) {
        struct place here = *place;
        struct taps taps = next_taps(&job->columns, place);
        if (run->n == 0) run->first = taps.first;
        if (run->n > 0 && taps.last - run->first >= most) {
            *place = here;
            return;
        }
        run->taps[run->n] = taps;
        run->last = taps.last;
    }
}

/* Adds to the totals what the columns low .. high - 1 give, which have these sums. Inlined for 1 and 3 channels. */
static inline void add_columns(const struct run *run, size_t low, size_t high, const size_t channels,
                               const double *sums, double *totals) {
    for (size_t i = 0; i < run->n; i++) {
        const struct taps taps = run->taps[i];
        double total[3] = {0};
        for (size_t k = taps.first > low ? taps.first : low; k <= taps.last && k < high; k++) {
            double weight = k == taps.first  ? taps.weight_first
                            : k == taps.last ? taps.weight_last
                                             : taps.weight_between;
            for (size_t c = 0; c < channels; c++) total[c] += weight * sums[(k - low) * channels + c];
        }
        for (size_t c = 0; c < channels; c++) totals[i * channels + c] += total[c];
    }
}

static void resize_rows(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    const size_t channels = job->channels, most = BLOCK / channels;
    double sums[BLOCK], totals[3 * RUN];
    struct run run = {.n = 0};
    struct place column = place_of(&job->columns, 0);
    for (next_run(job, &run, &column); run.n > 0; next_run(job, &run, &column)) {
        struct place row = place_of(&job->rows, begin);
        for (size_t r = begin; r < end; r++) {
            struct taps rows = next_taps(&job->rows, &row);
            memset(totals, 0, run.n * channels * sizeof *totals);
            for (size_t low = run.first, high; low <= run.last; low = high) {
                high = run.last - low >= most ? low + most : run.last + 1;
                add_rows_of[job->dtype](job, &rows, low * channels, (high - low) * channels, sums);
                if (channels == 1)
                    add_columns(&run, low, high, 1, sums, totals);
                else
                    add_columns(&run, low, high, 3, sums, totals);
            }
            put(job, (r * job->columns.to + run.begin) * channels, run.n * channels, totals);
        }
    }
}

void picture_resize(const struct tensor *x, const struct tensor *y) {
    struct job job = {.dtype = x->dtype,
                      .rows = axis_of(x->shape[0], y->shape[0]),
                      .columns = axis_of(x->shape[1], y->shape[1]),
                      .channels = x->rank == 3 ? x->shape[2] : 1,
                      .x = x->data,
                      .y = y->data};
    size_t down = 1 + job.rows.from / job.rows.to, along = job.columns.from + 4 * job.columns.to;
    size_t cost = (down * job.columns.from + along) * job.channels;
    threads_for(job.rows.to, threads_piece(cost), (double)cost * (double)job.rows.to, resize_rows, &job);
}

/* ---- grey ---- */

static double grey_of(double red, double green, double blue) {
    return (299 * red + 587 * green + 114 * blue) / 1000;
}

static void grey(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    const uint8_t *bytes = job->x;
    switch (job->dtype) {
    case UINT8:
        for (size_t i = begin; i < end; i++)
            ((uint8_t *)job->y)[i] =
                (uint8_t)((299u * bytes[3 * i] + 587u * bytes[3 * i + 1] + 114u * bytes[3 * i + 2] + 500) / 1000);
        break;
    case FLOAT32:
        for (size_t i = begin; i < end; i++) {
            const float *x = (const float *)job->x + 3 * i;
            ((float *)job->y)[i] = (float)grey_of(x[0], x[1], x[2]);
        }
        break;
    case FLOAT64:
        for (size_t i = begin; i < end; i++) {
            const double *x = (const double *)job->x + 3 * i;
            ((double *)job->y)[i] = grey_of(x[0], x[1], x[2]);
        }
        break;
    default:
        for (size_t i = begin; i < end; i++) {
            const int32_t *x = (const int32_t *)job->x + 3 * i;
            ((int32_t *)job->y)[i] = (int32_t)floor(grey_of(x[0], x[1], x[2]) + 0.5);
        }
    }
}

void picture_grey(const struct tensor *x, const struct tensor *y) {
    struct job job = {.dtype = x->dtype, .x = x->data, .y = y->data};
    size_t count = tensor_count(y);
    threads_for(count, threads_piece(8), 8 * (double)count, grey, &job);
}

/* ---- turning ---- */

struct turn {
    const uint8_t *x;      /* where the first pixel of y lies */
    ptrdiff_t down, along; /* from there to the pixel below it in y, and to the one beside it, in bytes */
    size_t width, channels;
    uint8_t *y;
};

static void turn_rows(void *context, size_t begin, size_t end) {
    const struct turn *turn = context;
    for (size_t band = begin; band < end; band += BAND) {
        size_t rows = end - band < BAND ? end - band : BAND;
        for (size_t j = 0; j < turn->width; j++) {
            const uint8_t *x = turn->x + (ptrdiff_t)band * turn->down + (ptrdiff_t)j * turn->along;
            uint8_t *y = turn->y + (band * turn->width + j) * turn->channels;
            for (size_t i = 0; i < rows; i++, x += turn->down, y += turn->width * turn->channels)
                for (size_t c = 0; c < turn->channels; c++) y[c] = x[c];
        }
    }
}

void picture_turn(const uint8_t *x, size_t height, size_t width, size_t channels, int orientation, uint8_t *y) {
    bool from_below = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    ptrdiff_t row = (ptrdiff_t)(width * channels), pixel = (ptrdiff_t)channels;
    struct turn turn = {.x = x, .down = from_below ? -row : row, .along = from_right ? -pixel : pixel};
    if (from_below) turn.x += (height - 1) * width * channels;
    if (from_right) turn.x += (width - 1) * channels;
    turn.width = width;
    turn.channels = channels;
    turn.y = y;
    if (orientation >= 5) {
        ptrdiff_t down = turn.down;
        turn.down = turn.along;
        turn.along = down;
        turn.width = height;
        height = width;
    }
    threads_for(height, BAND * threads_piece(turn.width * channels * BAND),
                (double)height * (double)turn.width * (double)channels, turn_rows, &turn);
}
