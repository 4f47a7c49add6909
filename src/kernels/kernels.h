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

#include <stddef.h>
#include <stdint.h>

/* The order in which every kernel adds and rounds; see "The numerics promise" in README.md. */
#define NUMERICS_VERSION 1

enum unary {
    UNARY_NEGATE,
    UNARY_ABS,
    UNARY_SIGN, /* -1, 0, 1; a NaN stays */
    UNARY_SQRT,
    UNARY_EXP,
    UNARY_LOG,
    UNARY_TANH,
    UNARY_SIGMOID,    /* 1 / (1 + exp(-x)) */
    UNARY_RELU,       /* max(x, 0), and 0 for -0; a NaN stays */
    UNARY_SOFTPLUS,   /* log(1 + exp(x)) */
    UNARY_SILU,       /* x sigmoid(x) */
    UNARY_SILU_SLOPE, /* its derivative */
    UNARY_GELU,       /* x times the share of the normal distribution below x */
    UNARY_GELU_SLOPE, /* its derivative */
    UNARY_COUNT
};

enum binary {
    BINARY_ADD,
    BINARY_SUBTRACT,
    BINARY_MULTIPLY,
    BINARY_DIVIDE,
    BINARY_POWER,
    BINARY_MAXIMUM, /* a NaN in either operand wins */
    BINARY_MINIMUM,
    BINARY_EQUAL, /* comparisons give 1 or 0 */
    BINARY_NOT_EQUAL,
    BINARY_LESS,
    BINARY_LESS_EQUAL,
    BINARY_GATE,       /* b > 0 ? a : 0, the derivative of relu */
    BINARY_LEAKY_RELU, /* a > 0 ? a : a b */
    BINARY_ELU,        /* a > 0 ? a : b (exp(a) - 1) */
    BINARY_COUNT
};

enum reduction { REDUCE_SUM, REDUCE_MAXIMUM, REDUCE_MINIMUM, REDUCE_COUNT };

/* What an optimiser makes of a parameter p, its gradient g and its moments m and v. */
enum optim_rule {
    OPTIM_SGD,      /* p -= rate g */
    OPTIM_MOMENTUM, /* m = beta1 m + g; p -= rate m */
    OPTIM_NESTEROV, /* m = beta1 m + g; p -= rate (g + beta1 m) */
    OPTIM_ADAM,     /* m towards g by 1 - beta1, v towards g^2 by 1 - beta2; p -= rate m / (sqrt(v) + epsilon) */
    OPTIM_RMSPROP,  /* v towards g^2 by 1 - beta2; p -= rate g / (sqrt(v) + epsilon) */
    OPTIM_ADAGRAD,  /* v += g^2; p -= rate g / (sqrt(v) + epsilon) */
    OPTIM_LION,     /* p -= rate sign(beta1 m + (1 - beta1) g); m towards g by 1 - beta2 */
    OPTIM_AVERAGE,  /* p towards g by 1 - beta1: a running average of values that come as gradients */
    OPTIM_COUNT
};

struct optim_step {
    double rate, beta1, beta2, epsilon;
    double decay; /* g + decay p stands for g: the gradient of the penalty decay / 2 |p|^2 */
    double fade;  /* of Adam and Lion: p loses fade p, too (decoupled weight decay) */
};

/* Rows of columns of numbers, one a column, for batch_norm and its gradient. */
struct norm {
    const void *mean, *inverse, *weight, *bias;
};
struct norm_slopes {
    const void *mean, *level, *tilt, *factor;
};

struct kernels {
    const char *name;
    size_t width;        /* elements in a vector */
    size_t tile_rows;    /* rows of the largest matmul tile: a packed panel of A has this many */
    size_t tile_columns; /* its columns, in elements: a packed panel of B has this many */

    /* c[m, n] = start + a[m, k] * b[k, n]: each element is ONE chain of fused multiply-adds, k ascending.
       a[i, l] = a[i * a_row + l * a_column]; b[l, j] = b[l * b_row + j]; c[i, j] = c[i * c_row + j];
       a_block: elements from one group of tile_rows rows of a to the next (tile_rows * a_row when unpacked).
       start: NULL for zero, else start[i * start_row + j]: a bias with start_row 0, or c itself. */
    void (*matmul)(size_t m, size_t n, size_t k, const void *a, size_t a_row, size_t a_column, size_t a_block,
                   const void *b, size_t b_row, const void *start, size_t start_row, void *c, size_t c_row);

    /* y[j * y_row + i] = x[i * x_row + j], i < rows, j < columns */
    void (*transpose)(size_t rows, size_t columns, const void *x, size_t x_row, void *y, size_t y_row);

    /* Each channel by itself: y[i, c] = bias[c] + sum over (r, t), ascending, of x(r, i, t, c)
       * w[r * w_row + t * n + c], one chain of fused multiply-adds, i < m, c < n, r < rows, t < taps, with
       x(r, i, t, c) = x[r * x_row + i * x_step + t * n + c]; bias may be NULL for zero; y[i, c] = y[i * y_step +
       c]. */
    void (*depthwise)(size_t m, size_t n, size_t rows, size_t taps, const void *x, size_t x_row, size_t x_step,
                      const void *w, size_t w_row, const void *bias, void *y, size_t y_step);

    /* dw[t * dw_tap + c] += x[i * x_step + t * x_tap + c] * dy[i * dy_step + c], fused, i < m ascending. */
    void (*depthwise_weight)(size_t m, size_t n, size_t taps, const void *x, size_t x_step, size_t x_tap,
                             const void *dy, size_t dy_step, void *dw, size_t dw_tap);

    /* One window of rows x columns positions of n channels; position (r, c) lies at r * x_row + c * x_column and
       is tap first_tap + r * tap_row + c. tap: where the first of the maxima is, or the first NaN. */
    void (*pool_maximum)(size_t n, size_t rows, size_t columns, const void *x, size_t x_row, size_t x_column,
                         size_t first_tap, size_t tap_row, void *y, void *tap);
    /* y = the element that tap names. */
    void (*pool_pick)(size_t n, size_t rows, size_t columns, const void *x, size_t x_row, size_t x_column,
                      size_t first_tap, size_t tap_row, const void *tap, void *y);
    /* y = (sum from zero, rows in order) / count */
    void (*pool_average)(size_t n, size_t rows, size_t columns, const void *x, size_t x_row, size_t x_column,
                         double count, void *y);
    /* One position of dx = the sum, from zero, rows in order, of dy over the rows x columns windows that name it.
       It is first_tap of the first one, and first_tap - r * tap_row - c * tap_column of window (r, c). */
    void (*pool_maximum_backward)(size_t n, size_t rows, size_t columns, const void *dy, const void *tap,
                                  size_t y_row, size_t y_column, size_t first_tap, size_t tap_row,
                                  size_t tap_column, void *dx);

    void (*unary[UNARY_COUNT])(size_t n, const void *x, void *y);

    /* y[i] = a[i * a_step] op b[i * b_step] with steps of 0 or 1. */
    void (*binary[BINARY_COUNT])(size_t n, const void *a, size_t a_step, const void *b, size_t b_step, void *y);

    /* y[i] = condition[i * c_step] != 0 ? a[i * a_step] : b[i * b_step] with steps of 0 or 1. */
    void (*where)(size_t n, const void *condition, size_t c_step, const void *a, size_t a_step, const void *b,
                  size_t b_step, void *y);

    /* *y = the reduction of x[0 .. n), n > 0 but for sums. The order of a sum is in template/reduce.inc. */
    void (*reduce[REDUCE_COUNT])(size_t n, const void *x, void *y);

    /* y[j] = the reduction over i of x[i * x_row + j], i < rows, j < columns, in the same order. */
    void (*reduce_columns[REDUCE_COUNT])(size_t rows, size_t columns, const void *x, size_t x_row, void *y);

    /* *y = the sum of x[0 .. n) squared, in the same order. */
    void (*sum_squares)(size_t n, const void *x, void *y);

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

    /* y[j] = the sum over i of (x[i, j] - mean[j])^2, and of dy[i, j] * (x[i, j] - mean[j]); x[i, j] is
       x[i * row + j], for dy too. */
    void (*centred_squares)(size_t rows, size_t columns, size_t row, const void *x, const void *mean, void *y);
    void (*centred_products)(size_t rows, size_t columns, size_t row, const void *x, const void *dy,
                             const void *mean, void *y);

    /* y = (x - mean) * inverse * weight + bias, column by column; dx = (dy - level - (x - mean) * tilt) * factor */
    void (*batch_norm)(size_t rows, size_t columns, const void *x, const struct norm *norm, void *y);
    void (*batch_norm_backward)(size_t rows, size_t columns, const void *x, const void *dy,
                                const struct norm_slopes *slopes, void *dx);

    /* The same row by row, with the mean and the inverse deviation of each, n > 0; the gradient of x, which may
       take the place of dy, but not of x; the gradient of the weights, y[j] = the sum over i of dy[i, j] * (x[i, j]
       - mean[i]) * inverse[i]. */
    void (*layer_norm)(size_t rows, size_t n, const void *x, const void *weight, const void *bias, double epsilon,
                       void *y, void *mean, void *inverse);
    void (*layer_norm_backward)(size_t rows, size_t n, const void *x, const void *dy, const void *weight,
                                const void *mean, const void *inverse, void *dx);
    void (*layer_norm_weight)(size_t rows, size_t columns, size_t row, const void *x, const void *dy,
                              const void *mean, const void *inverse, void *y);

    /* y[i] = x[i] * scale, rounded to the element type */
    void (*scale_bytes)(size_t n, const uint8_t *x, double scale, void *y);

    /* One optimiser step on a rows x columns block of equally laid out arrays; row: elements between rows. moment1
       (m) and moment2 (v) count only for rules that have them. Moments below the smallest normal number become
       zero. */
    void (*optim[OPTIM_COUNT])(size_t rows, size_t columns, size_t row, const struct optim_step *step,
                               const void *gradient, void *moment1, void *moment2, void *parameter);
};

extern const struct kernels kernels_portable, kernels_double;
#if defined(__x86_64__)
extern const struct kernels kernels_avx2, kernels_avx512;
#elif defined(__aarch64__)
extern const struct kernels kernels_neon;
#endif

/* The tables that this processor and operating system can run, slowest first; *count says how many. */
const struct kernels *const *kernels_supported(size_t *count);

#endif
