/* The operations that the core shares among threads: elementwise with any strides and broadcasting, reductions over
   an axis, rows by index, softmax and cross-entropy, optimiser steps. Each for every table and thread count, equal
   bit for bit to one element (or row) at a time. */
#include "../check.h"

#include "../../../src/core/backend.h"
#include "../../../src/core/elementwise.h"
#include "../../../src/core/index.h"
#include "../../../src/core/optim.h"
#include "../../../src/core/reduce.h"
#include "../../../src/core/row_set.h"
#include "../../../src/core/rows.h"
#include "../../../src/core/threads.h"
#include "../kernels/reference.h"

static const size_t thread_counts[] = {1, 2, 3, 4, 8};
enum { THREAD_COUNTS = sizeof thread_counts / sizeof *thread_counts };
enum { PLACE_A, PLACE_B, PLACE_Y, PLACE_EXPECTED, PLACE_INDEX, PLACE_G, PLACE_M, PLACE_V, PLACE_P };

/* Calls run under every table and number of threads. */
static void everywhere(void (*run)(void *context), void *context) {
    size_t tables;
    const struct kernels *const *table = backend_all(&tables);
    for (size_t t = 0; t < tables; t++)
        for (size_t i = 0; i < THREAD_COUNTS; i++) {
            check(backend_use(table[t]->name), "no table %s", table[t]->name);
            threads_set(thread_counts[i]);
            run(context);
        }
}

/* ---- elementwise ---- */

struct elements {
    enum unary unary;
    enum binary binary;
    int operands;
    struct tensor a, b, y;
    const float *expected;
};

static void run_elements(void *context) {
    struct elements *job = context;
    size_t count = tensor_count(&job->y);
    job->y.data = put(PLACE_Y, count, random_below(POSITION_COUNT));
    if (job->operands == 1)
        elementwise_unary(job->unary, &job->a, &job->y);
    else
        elementwise_binary(job->binary, &job->a, &job->b, &job->y);
    check_same(count, job->expected, job->y.data, "%s, %zu threads, operands %d, rank %d, %zu elements",
               backend_name(), threads_count(), job->operands, job->y.rank, count);
    check_guards(PLACE_Y);
}

/* A view of the given shape on fresh values: axes in any order in memory, some with gaps, some repeated. */
static struct tensor random_view(size_t number, int rank, const size_t *shape) {
    struct tensor t = {.dtype = FLOAT32, .rank = rank};
    int order[TENSOR_MAX_RANK];
    size_t extent = 1;
    for (int axis = 0; axis < rank; axis++) order[axis] = axis;
    if (random_below(2))
        for (int axis = rank - 1; axis > 0; axis--) {
            int with = (int)random_below((size_t)axis + 1), other = order[axis];
            order[axis] = order[with];
            order[with] = other;
        }
    for (int i = rank - 1; i >= 0; i--) {
        size_t axis = (size_t)order[i], step = random_below(6) == 0 ? 2 : 1;
        t.shape[axis] = shape[axis];
        t.stride[axis] = random_below(6) == 0 ? 0 : extent * step;
        if (t.stride[axis] > 0) extent *= step * (shape[axis] ? shape[axis] : 1);
    }
    t.data = put_filled(number, extent, random_below(POSITION_COUNT), PLAIN);
    return t;
}

static float element(const struct tensor *t, size_t position) {
    size_t offset = 0;
    for (int axis = t->rank - 1; axis >= 0; axis--) {
        offset += position % t->shape[axis] * t->stride[axis];
        position /= t->shape[axis];
    }
    return ((const float *)t->data)[offset];
}

/* What the operation is to give. */
static void expect_elements(struct elements *job) {
    size_t count = tensor_count(&job->y);
    float *expected = put(PLACE_EXPECTED, count, 0);
    for (size_t i = 0; i < count; i++) {
        float a = element(&job->a, i), b = element(&job->b, i);
        if (job->operands == 1)
            kernels_portable.unary[job->unary](1, &a, &expected[i]);
        else
            kernels_portable.binary[job->binary](1, &a, 1, &b, 1, &expected[i]);
    }
    job->expected = expected;
}

/* Operands of the given shape. */
static void prepare(struct elements *job, int operands, int rank, const size_t *shape) {
    *job = (struct elements){.unary = UNARY_TANH, .binary = BINARY_DIVIDE, .operands = operands};
    check(tensor_layout(&job->y, FLOAT32, rank, shape), "the shape is too large");
    job->a = random_view(PLACE_A, rank, shape);
    job->b = random_view(PLACE_B, rank, shape);
    expect_elements(job);
}

static void run_random_shapes(void *context) {
    (void)context;
    for (int i = 0; i < 30; i++) {
        struct elements job;
        size_t shape[4];
        int rank = (int)random_below(5);
        for (int axis = 0; axis < rank; axis++) shape[axis] = 1 + random_below(rank > 2 ? 6 : 40);
        prepare(&job, 1 + i % 2, rank, shape);
        run_elements(&job);
    }
}

/* One operand is a row that is repeated over the other axes: the first one or the second, by its length. */
static void test_short_row(const size_t shape[3]) {
    struct elements job;
    size_t inner = shape[2];
    prepare(&job, 2, 3, shape);
    struct tensor *row = inner % 2 ? &job.a : &job.b, *whole = inner % 2 ? &job.b : &job.a;
    check(tensor_layout(whole, FLOAT32, 3, shape), "the shape is too large");
    whole->data = put_filled(inner % 2 ? PLACE_B : PLACE_A, tensor_count(whole), 0, PLAIN);
    row->stride[0] = row->stride[1] = 0;
    row->stride[2] = 1;
    row->data = put_filled(inner % 2 ? PLACE_A : PLACE_B, inner, AT_END, PLAIN);
    expect_elements(&job);
    everywhere(run_elements, &job);
}

static void test_elementwise(void) {
    static const struct {
        int rank;
        size_t shape[4];
    } shapes[] = {{0, {0}},          {1, {0}},          {2, {3, 0}},         {2, {0, 3}},    {1, {70001}},
                  {2, {150, 130}},   {2, {20001, 1}},   {2, {1, 20001}},     {2, {2, 9000}}, {3, {30, 1, 700}},
                  {3, {25, 30, 26}}, {4, {2, 3, 1, 4}}, {4, {9, 11, 8, 33}}, {2, {2, 20000}}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        test("elementwise on views of shape %zu", s);
        for (int i = 0; i < 4; i++) {
            struct elements job;
            prepare(&job, 1 + i % 2, shapes[s].rank, shapes[s].shape);
            everywhere(run_elements, &job);
        }
    }
    test("elementwise with a short row that is repeated");
    for (size_t inner = 1; inner <= 300; inner = inner * 3 / 2 + 1) {
        const size_t shape[] = {3, 20000 / inner, inner};
        test_short_row(shape);
    }
    test("elementwise with a short row, once or a few times");
    for (size_t inner = 1; inner <= 300; inner = inner * 3 / 2 + 1)
        for (size_t rows = 1; rows <= 4; rows++) {
            const size_t shape[] = {1, rows, inner};
            test_short_row(shape);
        }
    test("elementwise on views of random shapes");
    everywhere(run_random_shapes, NULL);
}

/* Broadcasting as bindings use it: the common shape, then both operands expanded to it. */
static void test_broadcast(void) {
    enum { ROWS = 130, COLUMNS = 160 };
    const size_t column[] = {ROWS, 1}, row[] = {COLUMNS};
    struct tensor a, b;
    struct elements job = {.binary = BINARY_SUBTRACT, .operands = 2};
    size_t shape[TENSOR_MAX_RANK];
    int rank;
    test("broadcasting a column with a row");
    check(tensor_layout(&a, FLOAT32, 2, column) && tensor_layout(&b, FLOAT32, 1, row), "too large");
    check(tensor_broadcast(&a, &b, &rank, shape) && rank == 2 && shape[0] == ROWS && shape[1] == COLUMNS,
          "wrong common shape");
    const float *left = a.data = put_filled(PLACE_A, ROWS, 1, WILD);
    const float *right = b.data = put_filled(PLACE_B, COLUMNS, 2, WILD);
    float *expected = put(PLACE_EXPECTED, ROWS * COLUMNS, 0);
    for (size_t i = 0; i < ROWS * COLUMNS; i++) expected[i] = left[i / COLUMNS] - right[i % COLUMNS];
    job.expected = expected;
    job.a = tensor_expand(&a, rank, shape);
    job.b = tensor_expand(&b, rank, shape);
    check(tensor_layout(&job.y, FLOAT32, rank, shape), "too large");
    everywhere(run_elements, &job);
}

/* ---- reductions ---- */

struct reduction_job {
    enum reduction operation;
    size_t outer, n, inner;
    const float *x, *expected;
    bool smallest;
    const int32_t *expected_index;
};

static void run_reduction(void *context) {
    const struct reduction_job *job = context;
    float *y = put(PLACE_Y, job->outer * job->inner, random_below(POSITION_COUNT));
    reduce_axis(job->operation, FLOAT32, job->outer, job->n, job->inner, job->x, y);
    check_same(job->outer * job->inner, job->expected, y, "%s, %zu threads, %d over [%zu, %zu, %zu]",
               backend_name(), threads_count(), (int)job->operation, job->outer, job->n, job->inner);
    check_guards(PLACE_Y);
}

static void run_index(void *context) {
    const struct reduction_job *job = context;
    const size_t shape[] = {job->outer, job->n, job->inner};
    size_t count = job->outer * job->inner;
    struct tensor x;
    check(tensor_layout(&x, FLOAT32, 3, shape), "too large");
    x.data = (void *)(uintptr_t)job->x; /* a tensor has no const */
    int32_t *y = put_bytes(PLACE_INDEX, count * sizeof *y, sizeof *y, 0);
    reduce_index(job->smallest, &x, job->outer, job->n, job->inner, y);
    for (size_t i = 0; i < count; i++)
        check(y[i] == job->expected_index[i], "%zu threads: element %zu is %d, expected %d", threads_count(), i,
              y[i], job->expected_index[i]);
    check_guards(PLACE_INDEX);
}

static int32_t first_index(bool smallest, size_t n, const float *x, size_t step) {
    size_t best = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i * step])) return (int32_t)i + 1;
        if (smallest ? x[i * step] < x[best * step] : x[i * step] > x[best * step]) best = i;
    }
    return (int32_t)best + 1;
}

static void test_reductions(void) {
    static const size_t shapes[][3] = {{1, 1, 1},     {3, 5, 1},     {3, 5, 7},     {300, 129, 1},
                                       {1, 300, 129}, {2, 200, 65},  {20011, 3, 1}, {1, 3, 20011},
                                       {7, 1000, 17}, {1, 70000, 2}, {0, 5, 3},     {5, 3, 0}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        struct reduction_job job = {.outer = shapes[s][0], .n = shapes[s][1], .inner = shapes[s][2]};
        size_t count = job.outer * job.inner;
        job.x = put_filled(PLACE_A, count * job.n, random_below(POSITION_COUNT), s % 2 ? PLAIN : SPECIAL);
        float *expected = put(PLACE_EXPECTED, count, 0);
        int32_t *expected_index = put_bytes(PLACE_B, count * sizeof *expected_index, sizeof *expected_index, 0);
        job.expected = expected;
        job.expected_index = expected_index;
        for (int o = 0; o < REDUCE_COUNT; o++) {
            test("reduction %d over [%zu, %zu, %zu]", o, job.outer, job.n, job.inner);
            job.operation = (enum reduction)o;
            for (size_t i = 0; i < count; i++)
                expected[i] = reference_reduce(
                    job.operation, job.n, job.x + i / job.inner * job.n * job.inner + i % job.inner, job.inner);
            everywhere(run_reduction, &job);
        }
        for (int smallest = 0; smallest < 2; smallest++) {
            test("index of the %s over [%zu, %zu, %zu]", smallest ? "smallest" : "largest", job.outer, job.n,
                 job.inner);
            job.smallest = smallest;
            for (size_t i = 0; i < count; i++)
                expected_index[i] = first_index(
                    smallest, job.n, job.x + i / job.inner * job.n * job.inner + i % job.inner, job.inner);
            everywhere(run_index, &job);
        }
    }
    test("sum over an empty axis");
    struct reduction_job empty = {.operation = REDUCE_SUM, .outer = 4, .inner = 3, .x = put(PLACE_A, 0, AT_END)};
    float *zeros = put(PLACE_EXPECTED, 12, 0);
    memset(zeros, 0, 12 * sizeof *zeros);
    empty.expected = zeros;
    everywhere(run_reduction, &empty);
}

/* ---- rows by index ---- */

struct index_job {
    size_t outer, n, inner, count;
    const float *x, *dy, *gathered, *scattered, *scaled;
    const uint8_t *bytes;
    const int32_t *index;
};

static void run_rows(void *context) {
    const struct index_job *job = context;
    size_t count = job->outer * job->count * job->inner;
    float *y = put(PLACE_Y, count, random_below(POSITION_COUNT));
    index_gather(job->outer, job->n, job->inner, sizeof *y, job->x, job->index, job->count, y);
    check_same(count, job->gathered, y, "gather, %zu threads", threads_count());
    check_guards(PLACE_Y);
    y = put(PLACE_Y, job->outer * job->n * job->inner, random_below(POSITION_COUNT));
    memset(y, 0, job->outer * job->n * job->inner * sizeof *y);
    index_scatter_add(FLOAT32, job->outer, job->n, job->inner, job->dy, job->index, job->count, y);
    check_same(job->outer * job->n * job->inner, job->scattered, y, "scatter, %s, %zu threads", backend_name(),
               threads_count());
    check_guards(PLACE_Y);
    y = put(PLACE_Y, job->count * job->inner, random_below(POSITION_COUNT));
    index_gather_scaled(job->inner, job->bytes, job->index, job->count, 1.0 / 255, FLOAT32, y);
    check_same(job->count * job->inner, job->scaled, y, "scaled, %s, %zu threads", backend_name(), threads_count());
    check_guards(PLACE_Y);
}

static void test_index(size_t outer, size_t n, size_t inner, size_t count) {
    struct index_job job = {.outer = outer, .n = n, .inner = inner, .count = count};
    test("%zu rows by index from [%zu, %zu, %zu]", count, outer, n, inner);
    const float *x = job.x = put_filled(PLACE_A, outer * n * inner, random_below(POSITION_COUNT), PLAIN);
    const float *dy = job.dy = put_filled(PLACE_B, outer * count * inner, random_below(POSITION_COUNT), PLAIN);
    int32_t *index = put_bytes(PLACE_INDEX, count * sizeof *index, sizeof *index, 0);
    uint8_t *bytes = put_bytes(PLACE_G, n * inner, 1, 3);
    float *gathered = put(PLACE_EXPECTED, outer * count * inner, 0),
          *scattered = put(PLACE_M, outer * n * inner, 0);
    float *scaled = put(PLACE_V, count * inner, 0);
    for (size_t i = 0; i < count; i++) index[i] = (int32_t)(i < 2 ? 1 + i * (n - 1) : 1 + random_below(n));
    for (size_t i = 0; i < n * inner; i++) bytes[i] = (uint8_t)random_bits();
    memset(scattered, 0, outer * n * inner * sizeof *scattered);
    for (size_t o = 0; o < outer; o++)
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < inner; j++) {
                size_t row = (size_t)index[i] - 1, here = (o * count + i) * inner + j;
                gathered[here] = x[(o * n + row) * inner + j];
                scattered[(o * n + row) * inner + j] += dy[here];
                scaled[i * inner + j] = (float)bytes[row * inner + j] * (float)(1.0 / 255);
            }
    job.index = index;
    job.bytes = bytes;
    job.gathered = gathered;
    job.scattered = scattered;
    job.scaled = scaled;
    everywhere(run_rows, &job);
}

static void test_index_check(void) {
    const int32_t index[] = {1, 10, 5, 0, 11};
    const int32_t far[] = {INT32_MIN, INT32_MAX};
    size_t bad = 99;
    test("checking indices");
    check(index_check(index, 0, 10, &bad) && index_check(index, 3, 10, &bad) && bad == 99, "refused good ones");
    check(!index_check(index, 5, 10, &bad) && bad == 3, "the first bad one is at 3, not %zu", bad);
    check(!index_check(index, 2, 9, &bad) && bad == 1, "the first above 9 is at 1, not %zu", bad);
    check(!index_check(far, 1, 10, &bad) && bad == 0, "took the least integer");
    check(index_check(far + 1, 1, INT64_MAX, &bad), "refused the greatest integer within a large limit");
    check(!index_check(index, 1, 0, &bad) && bad == 0, "took an index into nothing");
}

/* ---- softmax, cross-entropy, optimisers ---- */

struct rows_job {
    size_t rows, n;
    const float *x, *expected, *expected_loss;
    const int32_t *label;
};

static void run_softmax(void *context) {
    const struct rows_job *job = context;
    size_t count = job->rows * job->n;
    float *y = put(PLACE_Y, count, random_below(POSITION_COUNT));
    rows_softmax(FLOAT32, job->rows, job->n, job->x, y);
    check_same(count, job->expected, y, "softmax, %s, %zu threads", backend_name(), threads_count());
    float *loss = put(PLACE_B, job->rows, 0);
    y = put(PLACE_Y, count, random_below(POSITION_COUNT));
    rows_cross_entropy(FLOAT32, job->rows, job->n, job->x, job->label, loss, y);
    check_same(count, job->expected, y, "probabilities, %s, %zu threads", backend_name(), threads_count());
    check_same(job->rows, job->expected_loss, loss, "losses, %s, %zu threads", backend_name(), threads_count());
    check_guards(PLACE_B);

    float *dx = put(PLACE_Y, count, 0), *expected = put(PLACE_P, count, 0);
    rows_cross_entropy_backward(FLOAT32, job->rows, job->n, job->expected, job->label, 0.25, dx);
    for (size_t i = 0; i < count; i++)
        expected[i] = (job->expected[i] - (i % job->n == (size_t)job->label[i / job->n] - 1 ? 1.0f : 0)) * 0.25f;
    check_same(count, expected, dx, "cross-entropy backward, %zu threads", threads_count());
    check_guards(PLACE_Y);

    dx = put(PLACE_Y, count, 0);
    rows_softmax_backward(FLOAT32, job->rows, job->n, job->expected, job->x, dx);
    for (size_t r = 0; r < job->rows; r++)
        kernels_portable.softmax_backward(1, job->n, job->expected + r * job->n, job->x + r * job->n,
                                          expected + r * job->n);
    check_same(count, expected, dx, "softmax backward, %zu threads", threads_count());
    check_guards(PLACE_Y);

    float *exponential = put(PLACE_B, count, 0);
    y = put(PLACE_Y, count, random_below(POSITION_COUNT));
    rows_class_costs(FLOAT32, job->rows, job->n, job->x, job->expected, exponential, y);
    dx = put(PLACE_G, count, 0);
    kernels_portable.class_costs(job->rows, job->n, job->x, job->expected, dx, expected);
    check_same(count, expected, y, "costs of classes, %s, %zu threads", backend_name(), threads_count());
    check_same(count, dx, exponential, "exponentials, %s, %zu threads", backend_name(), threads_count());
    rows_class_costs_backward(FLOAT32, job->rows, job->n, job->x, job->expected, exponential, dx);
    kernels_portable.class_costs_backward(job->rows, job->n, job->x, job->expected, exponential, expected);
    check_same(count, expected, dx, "costs of classes backward, %zu threads", threads_count());
    check_guards(PLACE_B);
    check_guards(PLACE_G);
    check_guards(PLACE_Y);
}

static void test_softmax(size_t rows, size_t n) {
    struct rows_job job = {.rows = rows, .n = n, .x = put_filled(PLACE_A, rows * n, 1, PLAIN)};
    test("softmax and cross-entropy of %zu rows of %zu", rows, n);
    int32_t *label = put_bytes(PLACE_INDEX, rows * sizeof *label, sizeof *label, 0);
    float *expected = put(PLACE_EXPECTED, rows * n, 0), *loss = put(PLACE_M, rows, 0);
    for (size_t r = 0; r < rows; r++) {
        label[r] = (int32_t)(1 + random_below(n));
        loss[r] = reference_softmax(n, job.x + r * n, expected + r * n, (size_t)label[r]);
    }
    job.label = label;
    job.expected = expected;
    job.expected_loss = loss;
    everywhere(run_softmax, &job);
}

/* Leaves some rows of a gradient as they are and makes zeros of the others; the set of those that are left. */
static void thin_out(size_t rows, size_t columns, float *gradient, uint64_t *set) {
    memset(set, 0, row_set_bytes(rows));
    for (size_t row = 0; row < rows; row++) {
        bool stays = row % 7 == 3 || (row >= 60 && row < 70) || (row >= 192 && row < 256) || row + 1 == rows;
        if (stays)
            row_set_add(set, row);
        else
            memset(gradient + row * columns, 0, columns * sizeof *gradient);
    }
}

/* Three parameters in one call, as a model has them; the expectation is the portable kernel on the whole of each.
   Of the first most rows have gradients of zeros, which the optimiser may pass over. */
static void run_optimizers(void *context) {
    static const size_t shapes[][2] = {{784, 128}, {1, 128}, {37, 131}};
    enum { PARAMETERS = 3, TOTAL = 784 * 128 + 128 + 37 * 131 };
    uint64_t set[784 / ROW_SET_WORD + 1];
    const struct optim_step step = {.rate = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .fade = 0.01};
    const float *start = context;
    float *g = put_copy(PLACE_G, TOTAL, 0, start);
    thin_out(784, 128, g, set);
    for (int rule = 0; rule < OPTIM_COUNT; rule++) {
        float *m = put_copy(PLACE_M, TOTAL, 0, start + 1), *v = put(PLACE_V, TOTAL, 0);
        float *p = put_copy(PLACE_P, TOTAL, 0, start + 2), *expected_m = put_copy(PLACE_A, TOTAL, 0, start + 1);
        float *expected_v = put(PLACE_B, TOTAL, 0), *expected_p = put_copy(PLACE_EXPECTED, TOTAL, 0, start + 2);
        for (size_t i = 0; i < TOTAL; i++) v[i] = expected_v[i] = fabsf(start[i + 3]);
        p[0] = expected_p[0] = -0.0f;
        p[1] = expected_p[1] = -INFINITY;
        struct optim_parameter parameters[PARAMETERS];
        for (size_t i = 0, at = 0; i < PARAMETERS; at += shapes[i][0] * shapes[i][1], i++) {
            size_t rows = shapes[i][0], columns = shapes[i][1];
            parameters[i] = (struct optim_parameter){FLOAT32, rows,   columns, g + at,
                                                     m + at,  v + at, p + at,  i == 0 ? set : NULL};
            kernels_portable.optim[rule](rows, columns, columns, &step, g + at, expected_m + at, expected_v + at,
                                         expected_p + at);
        }
        optim_update(parameters, PARAMETERS, (enum optim_rule)rule, &step);
        check_same(TOTAL, expected_m, m, "first moment, %s, %zu threads", backend_name(), threads_count());
        check_same(TOTAL, expected_v, v, "second moment, %s, %zu threads", backend_name(), threads_count());
        check_same(TOTAL, expected_p, p, "parameter, %s, %zu threads", backend_name(), threads_count());
    }
}

/* The norm of two gradients, and what limits do to them; the second is one column, in double. */
static void run_clipping(void *context) {
    enum { ROWS = 100, COLUMNS = 131, N = ROWS * COLUMNS, M = 50 };
    const float *start = context;
    float *g = put_copy(PLACE_G, N, 0, start), *expected = put_copy(PLACE_EXPECTED, N, 0, start);
    double column[M], squares = 0;
    for (size_t i = 0; i < M; i++) {
        column[i] = (double)start[i] / 4;
        squares += column[i] * column[i];
    }
    struct optim_parameter parameters[] = {{FLOAT32, ROWS, COLUMNS, g, NULL, NULL, NULL, NULL},
                                           {FLOAT64, M, 1, column, NULL, NULL, NULL, NULL},
                                           {FLOAT32, 0, COLUMNS, g, NULL, NULL, NULL, NULL}};
    double norm = sqrt(kernels_portable.sum_squares(N, g, 1) + squares), got = optim_norm(parameters, 3);
    check(fabs(got / norm - 1) < 1e-15, "norm %.17g, expected %.17g", got, norm);
    optim_scale(parameters, 3, 0.3);
    for (size_t i = 0; i < N; i++) expected[i] *= 0.3f;
    check_same(N, expected, g, "scaled, %zu threads", threads_count());
    optim_limit(parameters, 3, 0.25);
    for (size_t i = 0; i < N; i++) expected[i] = fmaxf(fminf(expected[i], 0.25f), -0.25f);
    check_same(N, expected, g, "limited, %zu threads", threads_count());
    for (size_t i = 0; i < M; i++)
        check(column[i] == fmax(fmin((double)start[i] / 4 * 0.3, 0.25), -0.25), "element %zu is %g", i, column[i]);
    check_guards(PLACE_G);
}

/* Gradients whose squares no double holds, beside smaller ones and alone; what is not finite stays so; and a factor
   below the least normal float. */
static void test_far_norms(void) {
    static const double scales[] = {0x1p1000, 0x1p-1000, 0x1p-520, 0x1p-1065, 1};
    test("norms far from 1");
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        double pair[] = {3 * scales[i], 4 * scales[i]}, norm = 5 * scales[i];
        float small[] = {0x1p-149f, 0};
        struct optim_parameter parameters[] = {{FLOAT64, 1, 2, pair, NULL, NULL, NULL, NULL},
                                               {FLOAT32, 1, 2, small, NULL, NULL, NULL, NULL}};
        double got = optim_norm(parameters, 1);
        check(got == norm, "norm %a, expected %a", got, norm);
        if (norm > 1) check(optim_norm(parameters, 2) == norm, "with a small one %a", optim_norm(parameters, 2));
        small[1] = INFINITY;
        check(optim_norm(parameters, 2) == (double)INFINITY, "with infinity %a", optim_norm(parameters, 2));
        small[0] = NAN;
        check(isnan(optim_norm(parameters, 2)), "with a NaN %a", optim_norm(parameters, 2));
    }
    float few[] = {0x1p120f, -0x1p-100f, 0};
    struct optim_parameter parameter = {FLOAT32, 3, 1, few, NULL, NULL, NULL, NULL};
    check(optim_norm(&parameter, 1) == 0x1p120, "norm %a", optim_norm(&parameter, 1));
    optim_scale(&parameter, 1, 0x1.8p-200);
    check(few[0] == 0x1.8p-80f && few[1] == 0 && few[2] == 0, "scaled to %a, %a", (double)few[0], (double)few[1]);
    few[0] = few[1] = 0;
    check(optim_norm(&parameter, 1) == 0, "norm of zeros %a", optim_norm(&parameter, 1));
    check(optim_norm(&parameter, 0) == 0, "norm of nothing");
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    threads_open();
    threads_suppose(THREADS_MOST); /* workers for all threads, whatever the machine has */
    test_far_norms();
    test_elementwise();
    test_broadcast();
    test_reductions();
    test_index(1, 50, 20, 30);
    test_index(3, 17, 1, 40);
    test_index(40, 13, 33, 21);
    test_index(1, 60, 784, 128);
    test_index(2, 5, 3, 0);
    test_index(2, 5, 0, 4);
    test_index_check();
    test_softmax(1, 1);
    test_softmax(4000, 10);
    test_softmax(33, 1000);
    test_softmax(0, 10);
    test("optimisers");
    static float start[110000];
    fill(sizeof start / sizeof *start, start, PLAIN);
    everywhere(run_optimizers, start);
    test("clipping of gradients");
    everywhere(run_clipping, start);
    threads_close();
    return check_end();
}
