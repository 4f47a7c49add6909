/* conv_run: outputs and both gradients of any geometry, for every table and thread count: equal bit for bit to the
   chains that conv.h writes down, with guards around the result and the workspace. */
#include "../check.h"

#include "../../../src/core/backend.h"
#include "../../../src/core/conv.h"
#include "../../../src/core/threads.h"
#include "../kernels/reference.h"

static const size_t thread_counts[] = {1, 2, 3, 8};
enum { THREAD_COUNTS = sizeof thread_counts / sizeof *thread_counts };
enum { PLACE_X, PLACE_W, PLACE_Y, PLACE_BIAS, PLACE_EXPECTED, PLACE_RESULT, PLACE_WORKSPACE };

static const char *const pass_names[] = {"output", "input", "weight"};

/* x, or zero beyond the edges */
static float at(const struct conv *p, const float *x, size_t n, size_t i, size_t r, size_t j, size_t s, size_t c) {
    size_t row = i * p->rows.stride + r, column = j * p->columns.stride + s;
    if (row < p->rows.before || row - p->rows.before >= p->rows.size) return 0;
    if (column < p->columns.before || column - p->columns.before >= p->columns.size) return 0;
    row = (n * p->rows.size + row - p->rows.before) * p->columns.size + column - p->columns.before;
    return x[row * p->inputs + c];
}

static size_t y_place(const struct conv *p, size_t n, size_t i, size_t j, size_t u) {
    return ((n * p->rows.count + i) * p->columns.count + j) * p->units + u;
}

static size_t w_place(const struct conv *p, size_t r, size_t s, size_t c, size_t u) {
    return ((r * p->columns.kernel + s) * (p->inputs / p->groups) + c) * p->units + u;
}

static float output_at(const struct conv *p, size_t n, size_t i, size_t j, size_t u) {
    const float *x = p->x, *w = p->w, *bias = p->bias;
    size_t depth = p->inputs / p->groups, first = u / (p->units / p->groups) * depth;
    struct reference_chain chain = {.length = p->rows.kernel * p->columns.kernel * depth, .x = bias ? bias[u] : 0};
    for (size_t r = 0; r < p->rows.kernel; r++)
        for (size_t s = 0; s < p->columns.kernel; s++)
            for (size_t c = 0; c < depth; c++)
                reference_extend(&chain, at(p, x, n, i, r, j, s, first + c), w[w_place(p, r, s, c, u)]);
    return reference_end(&chain);
}

/* The taps of the kernel that could take the position from some window, also beyond y's edges. */
static size_t taps_that_meet(const struct window *w, size_t position) {
    size_t first = (position + w->before) % w->stride;
    return first < w->kernel ? (w->kernel - first + w->stride - 1) / w->stride : 0;
}

/* Rows and columns of y, in order, whose window would hold the position: those beyond y's edges count as zeros. */
static float input_at(const struct conv *p, size_t n, size_t row, size_t column, size_t channel) {
    const float *dy = p->y, *w = p->w;
    size_t depth = p->inputs / p->groups, wide = p->units / p->groups, first = channel / depth * wide;
    long above = (long)(row + p->rows.before), before = (long)(column + p->columns.before);
    struct reference_chain chain = {.length =
                                        taps_that_meet(&p->rows, row) * taps_that_meet(&p->columns, column) * wide};
    for (long r = (long)p->rows.kernel - 1; r >= 0; r--)
        for (long s = (long)p->columns.kernel - 1; s >= 0; s--) {
            long down = (long)p->rows.stride, across = (long)p->columns.stride;
            if ((above - r) % down != 0 || (before - s) % across != 0) continue;
            long i = (above - r) / down, j = (before - s) / across;
            bool inside = above >= r && before >= s && i < (long)p->rows.count && j < (long)p->columns.count;
            for (size_t u = first; u < first + wide; u++) {
                float slope = inside ? dy[y_place(p, n, (size_t)i, (size_t)j, u)] : 0;
                reference_extend(&chain, slope, w[w_place(p, (size_t)r, (size_t)s, channel % depth, u)]);
            }
        }
    return reference_end(&chain);
}

static float weight_at(const struct conv *p, size_t r, size_t s, size_t c, size_t u) {
    const float *x = p->x, *dy = p->y;
    size_t channel = u / (p->units / p->groups) * (p->inputs / p->groups) + c;
    struct reference_chain chain = {.length = p->batch * p->rows.count * p->columns.count};
    for (size_t n = 0; n < p->batch; n++)
        for (size_t i = 0; i < p->rows.count; i++)
            for (size_t j = 0; j < p->columns.count; j++)
                reference_extend(&chain, at(p, x, n, i, r, j, s, channel), dy[y_place(p, n, i, j, u)]);
    return reference_end(&chain);
}

static size_t x_count(const struct conv *p) { return p->batch * p->rows.size * p->columns.size * p->inputs; }
static size_t y_count(const struct conv *p) { return p->batch * p->rows.count * p->columns.count * p->units; }
static size_t w_count(const struct conv *p) {
    return p->rows.kernel * p->columns.kernel * (p->inputs / p->groups) * p->units;
}

static void reference(const struct conv *p, enum conv_pass pass, float *to) {
    size_t depth = p->inputs / p->groups;
    if (pass == CONV_OUTPUT) {
        for (size_t k = 0; k < y_count(p); k++) {
            size_t column = k / p->units, row = column / p->columns.count;
            to[k] = output_at(p, row / p->rows.count, row % p->rows.count, column % p->columns.count, k % p->units);
        }
    } else if (pass == CONV_INPUT) {
        for (size_t k = 0; k < x_count(p); k++) {
            size_t column = k / p->inputs, row = column / p->columns.size;
            to[k] = input_at(p, row / p->rows.size, row % p->rows.size, column % p->columns.size, k % p->inputs);
        }
    } else {
        for (size_t k = 0; k < w_count(p); k++) {
            size_t c = k / p->units, s = c / depth;
            to[k] = weight_at(p, s / p->columns.kernel, s % p->columns.kernel, c % depth, k % p->units);
        }
    }
}

static bool fit(struct window *w) {
    if (w->size + w->before + w->after < w->kernel) return false;
    w->count = (w->size + w->before + w->after - w->kernel) / w->stride + 1;
    return true;
}

static void run(struct conv p, enum conv_pass pass) {
    size_t tables, counts[] = {y_count(&p), x_count(&p), w_count(&p)}, count = counts[pass];
    const struct kernels *const *table = backend_all(&tables);
    float *expected = put(PLACE_EXPECTED, count, 0);
    reference(&p, pass, expected);
    for (size_t t = 0; t < tables; t++)
        for (size_t i = 0; i < THREAD_COUNTS; i++) {
            backend_use(table[t]->name);
            threads_set(thread_counts[i]);
            float *result = put(PLACE_RESULT, count, random_below(POSITION_COUNT));
            *(pass == CONV_OUTPUT ? &p.y : pass == CONV_INPUT ? &p.x : &p.w) = result;
            size_t bytes = conv_workspace(&p, pass);
            conv_run(&p, pass, put_bytes(PLACE_WORKSPACE, bytes, sizeof(double), 0));
            check_same(count, expected, result,
                       "%s of %s, %zu threads, batch %zu, %zux%zu, kernel %zux%zu, stride %zux%zu, padding %zu %zu "
                       "%zu %zu, %zu to %zu, groups %zu",
                       pass_names[pass], table[t]->name, thread_counts[i], p.batch, p.rows.size, p.columns.size,
                       p.rows.kernel, p.columns.kernel, p.rows.stride, p.columns.stride, p.rows.before,
                       p.rows.after, p.columns.before, p.columns.after, p.inputs, p.units, p.groups);
            check_guards(PLACE_RESULT);
            check_guards(PLACE_WORKSPACE);
        }
}

static void run_all(struct conv *p, enum values values) {
    if (!fit(&p->rows) || !fit(&p->columns)) return;
    for (int pass = CONV_OUTPUT; pass <= CONV_WEIGHT; pass++) {
        p->x = put_filled(PLACE_X, x_count(p), AT_END, values);
        p->w = put_filled(PLACE_W, w_count(p), AT_END, values);
        p->y = put_filled(PLACE_Y, y_count(p), AT_END, values);
        p->bias = pass == CONV_OUTPUT && random_below(2) ? put_filled(PLACE_BIAS, p->units, AT_END, values) : NULL;
        run(*p, (enum conv_pass)pass);
    }
}

static struct window any_window(void) {
    return (struct window){.size = 1 + random_below(9),
                           .kernel = 1 + random_below(5),
                           .stride = 1 + random_below(4),
                           .before = random_below(4),
                           .after = random_below(4)};
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    threads_open();
    threads_suppose(THREADS_MOST); /* workers for all threads, whatever the machine has */
    test("any geometry");
    for (size_t tries = 0; tries < 120; tries++) {
        struct conv p = {.dtype = FLOAT32, .batch = 1 + random_below(3), .groups = 1 + random_below(3)};
        p.inputs = p.groups * (1 + random_below(tries % 8 == 0 ? 20 : 3));
        p.units = p.groups * (1 + random_below(tries % 8 == 0 ? 40 : 3));
        p.rows = any_window();
        p.columns = any_window();
        run_all(&p, tries % 4 == 3 ? SPECIAL : PLAIN);
    }
    test("short rows, which are unfolded for many units");
    for (size_t tries = 0; tries < 24; tries++) {
        struct conv p = {.dtype = FLOAT32, .batch = 1 + random_below(3), .groups = 1 + random_below(2)};
        p.inputs = p.groups * (1 + random_below(40));
        p.units = p.groups * (32 + random_below(20));
        p.rows = any_window();
        p.columns = any_window();
        p.rows.stride = 1;
        run_all(&p, tries % 4 == 3 ? SPECIAL : PLAIN);
    }
    struct conv short_rows = {.dtype = FLOAT32, .batch = 1, .inputs = 513, .units = 33, .groups = 1};
    short_rows.rows = (struct window){.size = 4, .kernel = 3, .stride = 1, .before = 1, .after = 1};
    short_rows.columns = (struct window){.size = 3, .kernel = 3, .stride = 1, .before = 1, .after = 1};
    run_all(&short_rows, PLAIN); /* the outputs' chains are cut */
    test("padding wider than the kernel: the input's gradient reads within rows that are longer than its own");
    struct conv inner = {.dtype = FLOAT32, .batch = 2, .inputs = 1, .units = 2, .groups = 1};
    inner.rows = (struct window){.size = 6, .kernel = 2, .stride = 1, .before = 4, .after = 4};
    inner.columns = (struct window){.size = 7, .kernel = 2, .stride = 1, .before = 4, .after = 4};
    run_all(&inner, PLAIN);
    test("depthwise");
    for (size_t tries = 0; tries < 60; tries++) {
        struct conv p = {.dtype = FLOAT32, .batch = 1 + random_below(2), .groups = 2 + random_below(40)};
        p.inputs = p.units = p.groups;
        p.rows = any_window();
        p.columns = any_window();
        p.columns.size += random_below(20);
        run_all(&p, tries % 4 == 3 ? SPECIAL : PLAIN);
    }
    test("several bands of a picture");
    struct conv large = {.dtype = FLOAT32, .batch = 1, .inputs = 20, .units = 18, .groups = 1};
    large.rows = (struct window){.size = 63, .kernel = 3, .stride = 1, .before = 1, .after = 1};
    large.columns = (struct window){.size = 97, .kernel = 3, .stride = 2, .before = 0, .after = 1};
    run_all(&large, PLAIN);
    test("chains that are cut: of the weights, of the outputs, of the inputs");
    struct conv cut = {.dtype = FLOAT32, .batch = 3, .inputs = 4, .units = 4, .groups = 2};
    cut.rows = (struct window){.size = 47, .kernel = 2, .stride = 1, .before = 1};
    cut.columns = (struct window){.size = 39, .kernel = 3, .stride = 1, .before = 1, .after = 1};
    run_all(&cut, PLAIN); /* 3 x 47 x 39 */
    cut.groups = cut.inputs = cut.units = 2;
    run_all(&cut, PLAIN);
    struct conv deep = {.dtype = FLOAT32, .batch = 1, .inputs = 9, .units = 10, .groups = 1};
    deep.rows = (struct window){.size = 27, .kernel = 26, .stride = 1, .before = 1, .after = 2};
    deep.columns = (struct window){.size = 23, .kernel = 21, .stride = 1, .after = 1};
    run_all(&deep, PLAIN);                      /* 26 x 21 x 9, and x 10 */
    deep.rows.stride = deep.columns.stride = 2; /* of the inputs: a quarter of it, which stays whole */
    run_all(&deep, PLAIN);
    deep.inputs = 4;
    deep.units = 120;
    deep.groups = 2;
    deep.rows.kernel = deep.columns.kernel = 17; /* of the inputs, some phases: 9 x 9 x 60 */
    deep.rows.size = deep.columns.size = 19;
    run_all(&deep, PLAIN);
    struct conv wide = {.dtype = FLOAT32, .batch = 1, .inputs = 2, .units = 2, .groups = 2};
    wide.rows = (struct window){.size = 66, .kernel = 65, .stride = 1};
    wide.columns = (struct window){.size = 68, .kernel = 66, .stride = 1, .before = 1};
    run_all(&wide, PLAIN);                   /* depthwise, but for its kernel */
    test("a stride far beyond the picture"); /* takes no time for the places between */
    struct conv leap = {.dtype = FLOAT32, .batch = 2, .inputs = 2, .units = 3, .groups = 1};
    leap.rows = leap.columns = (struct window){.size = 5, .kernel = 3, .stride = WINDOW_LONGEST, .before = 1};
    run_all(&leap, PLAIN);
    test("padding that no memory holds");
    leap.rows = (struct window){.size = 1, .kernel = 1 << 26, .stride = 1, .before = 1 << 25, .after = 1 << 25};
    leap.columns = (struct window){.size = 2, .kernel = 2, .stride = WINDOW_LONGEST};
    leap.columns.before = leap.columns.after = WINDOW_LONGEST;
    leap.rows.stride = 2; /* else rows would be unfolded, which takes less */
    leap.inputs = leap.units = 1 << 10;
    threads_set(16);
    check(fit(&leap.rows) && fit(&leap.columns), "it does not fit");
    check(conv_workspace(&leap, CONV_OUTPUT) == SIZE_MAX, "the output's workspace is %zu",
          conv_workspace(&leap, CONV_OUTPUT));
    check(conv_workspace(&leap, CONV_WEIGHT) == SIZE_MAX, "the weights' workspace is %zu",
          conv_workspace(&leap, CONV_WEIGHT));
    threads_close();
    return check_end();
}
