/* The loops over plain arrays, once per instruction set.
   kernels_{portable,avx2,avx512,neon}.c define a dozen vector operations for float and include the template
   (template/all.inc); kernels_double.c does the same for double, which gradient checks use. All float tables
   compute the same bits: kernels_portable.c is the definition, the others are tested for equality with it.
   Invariant: a kernel never allocates, never fails, and knows no shape beyond its arguments. Pointers need no
   alignment; an output may be the same array as an input (of matmul: as start alone) but must not overlap it in
   part. n may be 0.
   Element pointers are void * so that one struct serves float and double. Only src/core calls kernels. */
#ifndef FNET_KERNELS_H
#define FNET_KERNELS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The order in which every kernel adds and rounds; see README.md beside this file. */
#define NUMERICS_VERSION 2

/* UNARY_NEGATE and so on: what operations.inc has rows for. */
enum unary {
#define UNARY(NAME, name, place, expression) UNARY_##NAME,
#include "operations.inc"
    UNARY_COUNT
};

enum binary {
#define BINARY(NAME, name, place, expression) BINARY_##NAME,
#include "operations.inc"
    BINARY_COUNT
};

enum ternary {
#define TERNARY(NAME, name, expression) TERNARY_##NAME,
#include "operations.inc"
    TERNARY_COUNT
};

enum optim_rule {
#define OPTIM(NAME, rule, m, v) OPTIM_##NAME,
#include "operations.inc"
    OPTIM_COUNT
};

enum reduction { REDUCE_SUM, REDUCE_PRODUCT, REDUCE_MEAN, REDUCE_MAXIMUM, REDUCE_MINIMUM, REDUCE_COUNT };

struct optim_step {
    double rate, beta1, beta2, epsilon;
    double decay; /* g + decay p stands for g: the gradient of the penalty decay / 2 |p|^2 */
    double fade;  /* of Adam and Lion: p loses fade p, too (decoupled weight decay) */
};

/* at[i * row + j * column] */
struct matrix {
    const void *at;
    size_t row, column;
};

/* c[m, n] = start + a[m, k] * b[k, n], and, for each of `laps` more, + a * b from a_lap and b_lap elements further
   on. The columns of b, start and c lie side by side. */
struct product {
    size_t m, n, k;
    struct matrix a, b;
    struct matrix start; /* at: NULL for zero; a bias has row 0; or c itself */
    void *c;
    size_t c_row;
    size_t laps, a_lap, b_lap;
};

/* n channels, each by itself, at m places of a row: x(r, i, t, c) = x.at[r * x.row + i * x.column + t * tap + c]
   meets w(r, t, c) = w.at[r * w.row + t * tap + c] for y[i, c] = y[i * y_step + c], r < rows, t < taps. */
struct depthwise {
    size_t m, n, rows, taps, tap;
    struct matrix x, w;
    const void *bias; /* n values, or NULL for zero */
    void *y;
    size_t y_step;
};

/* rows x columns places of n channels: the one at (r, c) begins at r * row + c * column, and its tap, the number by
   which a window knows it, is first_tap + r * tap_row + c * tap_column. */
struct places {
    size_t n, rows, columns, row, column;
    ptrdiff_t first_tap, tap_row, tap_column;
};

/* Rows of columns of numbers, one a column, for batch_norm and its gradient. */
struct norm {
    const double *mean, *inverse;
    const void *weight, *bias;
};
struct norm_slopes {
    const double *mean, *inverse;
    const void *gain, *level, *tilt, *weight;
};

/* What a recurrent layer does with its sums; the gates, which are `units` wide each: 1, 1, 4 and 3. */
enum cell_kind { CELL_TANH, CELL_RELU, CELL_LSTM, CELL_GRU, CELL_COUNT };

/* One step of some rows of a batch. From one row to the next lie `row` elements (of gates and slopes as many times
   that as there are gates), but before_row of `before` and `units` of dh and dc. */
struct cell {
    size_t rows, units, row, before_row;
    void *gates;        /* sums, which become the gates; of the simple cells they stay */
    void *extra;        /* LSTM: the memory c; GRU: the sums of the state for the candidate, given */
    void *y;            /* the new state h */
    const void *before; /* LSTM: the memory before this step; GRU: the state */
    const void *dy;     /* for the way back: the gradient of y from outside */
    void *dh;           /* and from later steps; of a GRU becomes its part that goes straight to the state before */
    void *dc;           /* LSTM: the gradient of c from later steps, which becomes that of the memory before */
    void *slopes;       /* the gradients of the sums */
    void *extra_slopes; /* GRU: of those of the state */
};

struct kernels {
    const char *name;
    size_t width;        /* elements in a vector */
    size_t tile_rows;    /* rows of the largest matmul tile */
    size_t tile_columns; /* its columns, in elements: a packed panel of B has this many */

    /* Each element of c is ONE chain of fused multiply-adds, k ascending. */
    void (*matmul)(const struct product *product);

    /* For chains that are cut: sums[i] += x[i], x[i] = 0; and at the end x[i] = sums[i] + x[i], rounded once. */
    void (*bank)(size_t n, void *x, double *sums);
    void (*settle)(size_t n, void *x, const double *sums);

    /* y = x, for bytes that are of no element type. */
    void (*copy)(size_t bytes, const void *x, void *y);

    /* y[j * y_row + i] = x[i * x_row + j], i < rows, j < columns */
    void (*transpose)(size_t rows, size_t columns, const void *x, size_t x_row, void *y, size_t y_row);

    /* y[i, c] = bias[c] + sum over (r, t), ascending, of x(r, i, t, c) * w(r, t, c), one chain of fused
       multiply-adds. */
    void (*depthwise)(const struct depthwise *p);

    /* With y's gradient in the place of y, and one row: dw[t * tap + c] += x(0, i, t, c) * y[i, c], fused, i < m
       ascending. */
    void (*depthwise_weight)(const struct depthwise *p, void *dw);

    /* Of a window: the maximum, and the tap of the first of the maxima or of the first NaN; the element that a tap
       names; (sum from zero, rows in order) / count. */
    void (*pool_maximum)(const struct places *window, const void *x, void *y, void *tap);
    void (*pool_pick)(const struct places *window, const void *x, const void *tap, void *y);
    void (*pool_average)(const struct places *window, const void *x, double count, void *y);

    /* One position of dx = the sum, from zero, rows in order, of dy over the windows whose maximum came from there;
       `windows` says which tap it is of each. */
    void (*pool_maximum_backward)(const struct places *windows, const void *dy, const void *tap, void *dx);

    /* y[i] = operation(x[i]) */
    void (*unary[UNARY_COUNT])(size_t n, const void *x, void *y);

    /* y[i] = a[i * a_step] op b[i * b_step] with steps of 0 or 1. */
    void (*binary[BINARY_COUNT])(size_t n, const void *a, size_t a_step, const void *b, size_t b_step, void *y);

    /* y[i] = the operation on a[i * a_step], b[i * b_step] and c[i * c_step] with steps of 0 or 1. */
    void (*ternary[TERNARY_COUNT])(size_t n, const void *a, size_t a_step, const void *b, size_t b_step,
                                   const void *c, size_t c_step, void *y);

    /* *y = the reduction of x[0 .. n), n > 0 but for sums and products. Orders are in template/shared.inc. */
    void (*reduce[REDUCE_COUNT])(size_t n, const void *x, void *y);

    /* y[j] = the reduction over i of x[i * x_row + j], i < rows, j < columns, in the same order. */
    void (*reduce_columns[REDUCE_COUNT])(size_t rows, size_t columns, const void *x, size_t x_row, void *y);

    /* The sum of squares of x[i] * scale; that of each column; the mean, and the sum of squared distances from it:
     * in double, in the same order. */
    double (*sum_squares)(size_t n, const void *x, double scale);
    void (*sum_squares_columns)(size_t rows, size_t columns, const void *x, size_t x_row, double *y);
    void (*moments)(size_t n, const void *x, double *mean, double *squares);
    void (*moments_columns)(size_t rows, size_t columns, const void *x, size_t x_row, double *mean,
                            double *squares);

    /* Rows of n contiguous elements: y = exp(x - max) / sum(exp(x - max)). */
    void (*softmax)(size_t rows, size_t n, const void *x, void *y);

    /* dx = y * (dy - sum(dy * y)), row by row. */
    void (*softmax_backward)(size_t rows, size_t n, const void *y, const void *dy, void *dx);

    /* loss[i] = log(sum(exp(x[i]))) - x[i][label[i] - 1], probability = softmax(x). Labels count from 1. */
    void (*cross_entropy)(size_t rows, size_t n, const void *x, const int32_t *label, void *loss,
                          void *probability);

    /* dx = (probability - onehot(label)) * scale */
    void (*cross_entropy_backward)(size_t rows, size_t n, const void *probability, const int32_t *label,
                                   double scale, void *dx);

    /* exponential = exp(x - max), cost = target * -log(softmax(x)) class by class, 0 where that is 0 * infinity;
       and dx = exponential * (sum(dy * target) / sum(exponential)) - dy * target. */
    void (*class_costs)(size_t rows, size_t n, const void *x, const void *target, void *exponential, void *cost);
    void (*class_costs_backward)(size_t rows, size_t n, const void *dy, const void *target, const void *exponential,
                                 void *dx);

    /* With z = (x - mean) * inverse, rounded once, of each column: y = z * weight + bias; dx = (dy * gain - level
       - z * tilt) * (weight * inverse); and the gradient of the weights, y[j] = the sum over i of dy[i, j] * z[i,
       j], where x[i, j] is x[i * row + j], for dy too. */
    void (*batch_norm)(size_t rows, size_t columns, const void *x, const struct norm *norm, void *y);
    void (*batch_norm_backward)(size_t rows, size_t columns, const void *x, const void *dy,
                                const struct norm_slopes *slopes, void *dx);
    void (*batch_norm_weight)(size_t rows, size_t columns, size_t row, const void *x, const void *dy,
                              const double *mean, const double *inverse, void *y);

    /* The same row by row, with the mean and the inverse deviation of each, n > 0; the gradient of x, which may
       take the place of dy, but not of x. Without a bias means are 0, so that rows are divided by the root
       of their mean square; the way back is told by `centred`, which is false then. */
    void (*layer_norm)(size_t rows, size_t n, const void *x, const void *weight, const void *bias, double epsilon,
                       void *y, double *mean, double *inverse);
    void (*layer_norm_backward)(size_t rows, size_t n, const void *x, const void *dy, const void *weight,
                                bool centred, const double *mean, const double *inverse, void *dx);
    void (*layer_norm_weight)(size_t rows, size_t columns, size_t row, const void *x, const void *dy,
                              const double *mean, const double *inverse, void *y);

    /* RNN: y = tanh(gates), or relu. LSTM: c = forget * before + input * candidate, y = output * tanh(c). GRU:
       candidate = tanh(sum + reset * extra), y = (1 - update) * candidate + update * before. Every operation is
       rounded. */
    void (*cell[CELL_COUNT])(const struct cell *p);
    void (*cell_backward[CELL_COUNT])(const struct cell *p);

    /* y[i] = x[i] * scale, rounded to the element type */
    void (*scale_bytes)(size_t n, const uint8_t *x, double scale, void *y);

    /* word[4 * i + w] = word w of Philox4x32-10 (core/random.h) for the counter (first + i, stream), i < blocks;
       and y[i] = word[i] < limit ? 0 : kept */
    void (*philox)(uint64_t seed, uint64_t stream, uint64_t first, size_t blocks, uint32_t *word);
    void (*mask)(size_t n, const uint32_t *word, uint32_t limit, double kept, void *y);

    /* One optimiser step on a rows x columns block of equally laid out arrays; row: elements between rows. moment1
       (m) and moment2 (v) count only for rules that have them. Moments below the smallest normal number become
       zero. */
    void (*optim[OPTIM_COUNT])(size_t rows, size_t columns, size_t row, const struct optim_step *step,
                               const void *gradient, void *moment1, void *moment2, void *parameter);
};

/* Counts the requests to give up what is being computed (core/interrupt.c). A loop over a long row looks now and
   then, and ends with its result unfinished where one has come since the kernel was called. */
extern atomic_uint kernels_requests;

extern const struct kernels kernels_portable, kernels_double;
#if defined(__x86_64__)
extern const struct kernels kernels_avx2, kernels_avx512;
#elif defined(__aarch64__)
extern const struct kernels kernels_neon;
#endif

/* The tables that this processor and operating system can run, slowest first; *count says how many. */
const struct kernels *const *kernels_supported(size_t *count);

#endif
