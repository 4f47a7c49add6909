#include "copy.h"

#include "backend.h"
#include "threads.h"

#include <math.h>
#include <string.h>

#define PIECE 65536    /* elements */
#define TILE 64        /* rows and columns of a tile: so many cache lines of either side stay in the first cache */
#define TILE_LONG 4096 /* its columns where both sides have them next to each other */
#define ROW_SHORT 256  /* bytes */
#define ROW_LONG 32768
#define FILLED 512 /* elements that are filled one by one, and then copied */

/* Bytes that lie side by side. Rows of middling length the kernel copies up to 1.6 times as fast as the C library.
 */
static void copy_row(size_t bytes, const char *x, char *y) {
    if (bytes < ROW_SHORT || bytes > ROW_LONG)
        memcpy(y, x, bytes);
    else
        backend(FLOAT32)->copy(bytes, x, y);
}

/* n elements, one `step` after the other. The first cases are those that training meets; the last serves every pair
   of types. */
static void copy_run(const struct tensor *x, size_t from, const struct tensor *y, size_t to, size_t n,
                     size_t x_step, size_t y_step) {
    size_t size = dtype_sizes[y->dtype];
    if (x->dtype == y->dtype && x_step == 1 && y_step == 1) {
        copy_row(n * size, (const char *)x->data + from * size, (char *)y->data + to * size);
    } else if (x->dtype == y->dtype && size == 4) {
        const uint32_t *source = (const uint32_t *)x->data + from;
        uint32_t *target = (uint32_t *)y->data + to;
        for (size_t i = 0; i < n; i++) target[i * y_step] = source[i * x_step];
    } else if (x->dtype == UINT8 && y->dtype == FLOAT32) {
        const uint8_t *source = (const uint8_t *)x->data + from;
        float *target = (float *)y->data + to;
        for (size_t i = 0; i < n; i++) target[i * y_step] = source[i * x_step];
    } else {
        for (size_t i = 0; i < n; i++)
            tensor_put(y->dtype, y->data, to + i * y_step, tensor_element(x->dtype, x->data, from + i * x_step));
    }
}

/* Tiles of the last two axes, for each place along the others. */
struct copying {
    struct tensor x, y;         /* of at least two axes */
    size_t rows, columns, wide; /* tiles down and across; columns of one */
};

static void copy_straight(void *context, size_t begin, size_t end) {
    const struct copying *job = context;
    copy_run(&job->x, begin, &job->y, begin, end - begin, 1, 1);
}

static void copy_tiles(void *context, size_t begin, size_t end) {
    const struct copying *job = context;
    const struct tensor *x = &job->x, *y = &job->y;
    int down = x->rank - 2, across = x->rank - 1;
    for (size_t tile = begin; tile < end; tile++) {
        size_t outer = tile / job->columns / job->rows * x->shape[down] * x->shape[across];
        size_t x_outer = tensor_offset(x, outer), y_outer = tensor_offset(y, outer);
        size_t row = tile / job->columns % job->rows * TILE, column = tile % job->columns * job->wide;
        size_t last = x->shape[down] - row < TILE ? x->shape[down] : row + TILE;
        size_t n = x->shape[across] - column < job->wide ? x->shape[across] - column : job->wide;
        for (; row < last; row++)
            copy_run(x, x_outer + row * x->stride[down] + column * x->stride[across], y,
                     y_outer + row * y->stride[down] + column * y->stride[across], n, x->stride[across],
                     y->stride[across]);
    }
}

/* The same tensor with leading axes of length 1, so that it has two. */
static struct tensor with_two_axes(const struct tensor *t) {
    struct tensor view = *t;
    for (; view.rank < 2; view.rank++) {
        memmove(view.shape + 1, view.shape, (size_t)view.rank * sizeof *view.shape);
        memmove(view.stride + 1, view.stride, (size_t)view.rank * sizeof *view.stride);
        view.shape[0] = view.stride[0] = 1;
    }
    return view;
}

struct filling {
    struct tensor y;
    double first, step;
};

static void fill(void *context, size_t begin, size_t end) {
    const struct filling *job = context;
    const struct tensor *y = &job->y;
    size_t size = dtype_sizes[y->dtype], n = end - begin;
    double some[FILLED];
    if (!tensor_is_contiguous(y)) {
        for (size_t i = begin; i < end; i++) tensor_set(y, i, job->first);
        return;
    }
    if (job->first == 0 && !signbit(job->first)) {
        memset((char *)y->data + begin * size, 0, n * size);
        return;
    }
    if (n > FILLED) n = FILLED;
    for (size_t i = 0; i < n; i++) tensor_put(y->dtype, some, i, job->first);
    for (; begin < end; begin += n) {
        if (n > end - begin) n = end - begin;
        memcpy((char *)y->data + begin * size, some, n * size);
    }
}

void tensor_fill(const struct tensor *y, double value) {
    struct filling job = {.y = *y, .first = value};
    size_t count = tensor_count(y);
    threads_for(count, PIECE, (double)count, fill, &job);
}

/* Whether all elements are one. */
static bool is_repeated(const struct tensor *t) {
    for (int axis = 0; axis < t->rank; axis++)
        if (t->shape[axis] > 1 && t->stride[axis] > 0) return false;
    return true;
}

void tensor_copy(const struct tensor *x, const struct tensor *y) {
    size_t count = tensor_count(x);
    if (count == 0) return;
    if (count > 1 && is_repeated(x)) {
        tensor_fill(y, tensor_get(x, 0));
        return;
    }
    struct copying job = {.x = with_two_axes(x), .y = with_two_axes(y)};
    if (tensor_is_contiguous(x) && tensor_is_contiguous(y)) {
        threads_for(count, PIECE, (double)count, copy_straight, &job);
        return;
    }
    int down = job.x.rank - 2, across = job.x.rank - 1;
    job.wide = job.x.stride[across] == 1 && job.y.stride[across] == 1 ? TILE_LONG : TILE;
    job.rows = (job.x.shape[down] + TILE - 1) / TILE;
    job.columns = (job.x.shape[across] + job.wide - 1) / job.wide;
    threads_for(tensor_span(&job.x, 0, down) * job.rows * job.columns, 1, (double)count * 2, copy_tiles, &job);
}

/* Runs of a and of b in turn, so that the result is written in the order of memory. */
struct joining {
    const char *a, *b;
    char *y;
    size_t a_bytes, b_bytes; /* of a run */
};

static void join_runs(void *context, size_t begin, size_t end) {
    const struct joining *job = context;
    char *y = job->y + begin * (job->a_bytes + job->b_bytes);
    for (size_t i = begin; i < end; i++, y += job->a_bytes + job->b_bytes) {
        copy_row(job->a_bytes, job->a + i * job->a_bytes, y);
        copy_row(job->b_bytes, job->b + i * job->b_bytes, y + job->a_bytes);
    }
}

void tensor_join(const struct tensor *a, const struct tensor *b, int axis, const struct tensor *y) {
    size_t runs = tensor_span(y, 0, axis), count = tensor_count(y);
    if (count == 0) return;
    if (count / runs <= PIECE && tensor_is_contiguous(a) && tensor_is_contiguous(b)) {
        size_t size = dtype_sizes[y->dtype];
        struct joining job = {.a = a->data,
                              .b = b->data,
                              .y = y->data,
                              .a_bytes = tensor_span(a, axis, a->rank) * size,
                              .b_bytes = tensor_span(b, axis, b->rank) * size};
        threads_for(runs, threads_piece(count / runs), (double)count * 2, join_runs, &job);
        return;
    }
    struct tensor first = tensor_slice(y, axis, 0, a->shape[axis]);
    struct tensor second = tensor_slice(y, axis, a->shape[axis], b->shape[axis]);
    tensor_copy(a, &first);
    tensor_copy(b, &second);
}

static void ramp(void *context, size_t begin, size_t end) {
    const struct filling *job = context;
    for (size_t i = begin; i < end; i++) tensor_set(&job->y, i, job->first + (double)i * job->step);
}

void tensor_ramp(const struct tensor *y, double first, double step) {
    struct filling job = {.y = *y, .first = first, .step = step};
    size_t count = tensor_count(y);
    threads_for(count, PIECE, (double)count * 2, ramp, &job);
}
