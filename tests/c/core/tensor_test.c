/* Layouts of tensors: overflow, broadcasting, reshaping without a copy exactly where strides can express it, and
   copies between any views and element types. */
#include "../check.h"

#include "../../../src/core/copy.h"

enum { PLACE_X, PLACE_Y };

static void test_layout(void) {
    const int bits = sizeof(size_t) * 8;
    const size_t half = (size_t)1 << bits / 2,
                 shapes[][3] = {{half, half, 1}, {half, half / 2, 1}, {half, half, 0},
                                {0, half, half}, {SIZE_MAX, 1, 1},    {SIZE_MAX, 0, 1}};
    struct tensor t;
    test("layouts that are too large");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int type = 0; type < DTYPE_COUNT; type++)
            check(!tensor_layout(&t, (enum dtype)type, 3, shapes[i]), "shape %zu of %s fits", i, dtype_names[type]);
    /* an eighth of what a size counts to: the bytes decide */
    const size_t large[] = {half, half >> 3};
    check(tensor_layout(&t, UINT8, 2, large) && tensor_bytes(&t) == (size_t)1 << (bits - 3), "2^%d bytes",
          bits - 3);
    check(!tensor_layout(&t, INT32, 2, large) && !tensor_layout(&t, FLOAT64, 2, large), "2^%d bytes", bits - 1);
    test("layouts");
    const size_t shape[] = {2, 0, 3, 4};
    check(tensor_layout(&t, FLOAT32, 4, shape) && tensor_count(&t) == 0 && tensor_bytes(&t) == 0, "an empty one");
    check(tensor_layout(&t, FLOAT64, 2, shape + 2) && t.stride[0] == 4 && t.stride[1] == 1, "row-major");
    check(tensor_count(&t) == 12 && tensor_bytes(&t) == 96 && tensor_is_contiguous(&t), "12 doubles");
    check(tensor_layout(&t, FLOAT64, 0, NULL) && tensor_count(&t) == 1 && tensor_is_contiguous(&t),
          "a single element");
}

static bool broadcasts(int a_rank, const size_t *a_shape, int b_rank, const size_t *b_shape, int rank,
                       const size_t *shape) {
    struct tensor a, b;
    size_t got[TENSOR_MAX_RANK];
    int got_rank;
    if (!tensor_layout(&a, FLOAT32, a_rank, a_shape) || !tensor_layout(&b, FLOAT32, b_rank, b_shape)) return false;
    if (!tensor_broadcast(&a, &b, &got_rank, got) || got_rank != rank) return false;
    for (int axis = 0; axis < rank; axis++)
        if (got[axis] != shape[axis]) return false;
    return true;
}

static void test_broadcast(void) {
    const size_t one[] = {1, 1}, column[] = {3, 1}, row[] = {4}, both[] = {3, 4}, five[] = {5}, cube[] = {2, 3, 4};
    const size_t empty[] = {0}, empty_cube[] = {2, 3, 0};
    test("broadcasting");
    check(broadcasts(2, column, 1, row, 2, both), "[3, 1] with [4]");
    check(broadcasts(1, row, 2, column, 2, both), "[4] with [3, 1]");
    check(broadcasts(2, both, 2, both, 2, both), "equal shapes");
    check(broadcasts(3, cube, 2, both, 3, cube), "a new leading axis");
    check(broadcasts(3, cube, 2, one, 3, cube), "with [1, 1]");
    check(broadcasts(0, NULL, 3, cube, 3, cube), "with a single element");
    check(broadcasts(0, NULL, 0, NULL, 0, NULL), "two single elements");
    check(broadcasts(2, column, 1, empty, 2, (const size_t[]){3, 0}), "1 with 0");
    check(broadcasts(3, empty_cube, 2, column, 3, empty_cube), "0 with 1");
    check(!broadcasts(1, row, 1, five, 1, five), "4 with 5");
    check(!broadcasts(1, empty, 1, row, 1, row), "0 with 4");
}

static void test_parts(void) {
    uint8_t data[24];
    const size_t shape[] = {2, 3, 4};
    struct tensor t, other;
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)i;
    tensor_layout(&t, UINT8, 3, shape);
    t.data = data;
    test("parts");
    check(tensor_span(&t, 0, 3) == 24 && tensor_span(&t, 1, 2) == 3 && tensor_span(&t, 2, 2) == 1, "lengths");
    struct tensor part = tensor_slice(&t, 1, 1, 2), row = tensor_select(&t, 1, 2), last = tensor_select(&row, 1, 3);
    check(part.shape[1] == 2 && tensor_get(&part, 0) == 4 && tensor_get(&part, 15) == 23, "a slice");
    check(row.rank == 2 && row.shape[1] == 4 && tensor_get(&row, 0) == 8 && tensor_get(&row, 7) == 23, "a row");
    check(last.rank == 1 && tensor_get(&last, 0) == 11 && tensor_get(&last, 1) == 23, "a column of rows");
    tensor_layout(&other, INT32, 3, shape);
    check(tensor_same_shape(&t, &other) && !tensor_alike(&t, &other) && tensor_alike(&t, &t), "alike");
    check(!tensor_alike(&t, &part), "another shape");
}

static size_t offset_of(const struct tensor *t, size_t position) {
    size_t offset = 0;
    for (int axis = t->rank - 1; axis >= 0; axis--) {
        offset += position % t->shape[axis] * t->stride[axis];
        position /= t->shape[axis];
    }
    return offset;
}

/* A view with axes in any order in memory, some with gaps, some repeated where that is allowed. */
static struct tensor random_view(enum dtype dtype, int rank, const size_t *shape, bool repeats, size_t *extent) {
    struct tensor t = {.dtype = dtype, .rank = rank};
    bool done[TENSOR_MAX_RANK] = {false}, shuffled = random_below(2);
    *extent = 1;
    for (int i = rank - 1; i >= 0; i--) {
        int axis = i;
        if (shuffled)
            for (axis = (int)random_below((size_t)rank); done[axis];) axis = (axis + 1) % rank;
        done[axis] = true;
        size_t step = random_below(5) == 0 ? 2 : 1;
        t.shape[axis] = shape[axis];
        t.stride[axis] = repeats && random_below(5) == 0 ? 0 : *extent * step;
        if (t.stride[axis] > 0) *extent *= step * shape[axis];
    }
    return t;
}

/* Cuts a number of elements into axes at random, with axes of length 1 in between. */
static int random_shape(size_t count, size_t *shape) {
    int rank = 0;
    while (rank < TENSOR_MAX_RANK - 1 && (count > 1 || random_below(3) == 0)) {
        size_t length = 1 + random_below(6);
        if (random_below(4) == 0) length = count;
        if (count % length != 0) continue;
        shape[rank++] = length;
        count /= length;
    }
    if (count > 1) shape[rank++] = count;
    return rank;
}

/* What strides could express at all: steps along the new axes that lead to every element's place. */
static bool expressible(const struct tensor *t, int rank, const size_t *shape) {
    struct tensor view = {.rank = rank};
    size_t step = 1;
    for (int axis = rank - 1; axis >= 0; axis--) {
        view.shape[axis] = shape[axis];
        if (shape[axis] > 1) view.stride[axis] = offset_of(t, step);
        step *= shape[axis];
    }
    for (size_t i = 0; i < step; i++)
        if (offset_of(&view, i) != offset_of(t, i)) return false;
    return true;
}

static void test_reshape(void) {
    static const size_t counts[] = {1, 2, 6, 12, 24, 36, 60, 120, 720};
    size_t shape[TENSOR_MAX_RANK], other[TENSOR_MAX_RANK], extent, possible = 0, tries = 5000;
    test("reshaping");
    for (size_t i = 0; i < tries; i++) {
        size_t count = counts[random_below(sizeof counts / sizeof *counts)];
        int rank = random_shape(count, shape), other_rank = random_shape(count, other);
        struct tensor t = random_view(FLOAT32, rank, shape, true, &extent), view;
        t.data = &extent;
        bool expected = expressible(&t, other_rank, other), got = tensor_reshape(&t, other_rank, other, &view);
        check(got == expected, "try %zu: %zu elements of rank %d to rank %d: %s possible", i, count, rank,
              other_rank, expected ? "is" : "is not");
        possible += expected;
        if (!got || !expected) continue;
        check(view.data == t.data && view.rank == other_rank && tensor_count(&view) == count, "another tensor");
        for (size_t k = 0; k < count; k++)
            check(offset_of(&view, k) == offset_of(&t, k), "try %zu: element %zu lies elsewhere", i, k);
    }
    check(possible > tries / 10 && possible < tries * 9 / 10, "%zu of %zu were possible: too one-sided to tell",
          possible, tries);
}

static void test_copy(void) {
    size_t shape[TENSOR_MAX_RANK], x_extent, y_extent;
    for (int from = 0; from < DTYPE_COUNT; from++)
        for (int to = 0; to < DTYPE_COUNT; to++) {
            test("copying %s to %s", dtype_names[from], dtype_names[to]);
            for (size_t i = 0; i < 100; i++) {
                int rank = (int)random_below(5);
                for (int axis = 0; axis < rank; axis++) shape[axis] = 1 + random_below(i % 2 ? 4 : 7);
                struct tensor x = random_view((enum dtype)from, rank, shape, true, &x_extent);
                struct tensor y = random_view((enum dtype)to, rank, shape, false, &y_extent);
                size_t x_size = dtype_sizes[from], y_size = dtype_sizes[to], count = tensor_count(&x);
                x.data = put_bytes(PLACE_X, x_extent * x_size, x_size, 0);
                y.data = put_bytes(PLACE_Y, y_extent * y_size, y_size, 0);
                for (size_t k = 0; k < count; k++) tensor_set(&x, k, (double)random_below(200));
                tensor_copy(&x, &y);
                for (size_t k = 0; k < count; k++) {
                    double value = tensor_get(&x, k);
                    check(tensor_get(&y, k) == value, "element %zu is %g, expected %g", k, tensor_get(&y, k),
                          value);
                }
                /* put the pattern back where elements belong: then all of y's memory must show it */
                const unsigned char *memory = y.data;
                for (size_t k = 0; k < count; k++) memset((char *)y.data + offset_of(&y, k) * y_size, 0xa5, y_size);
                check(untouched(memory, y_extent * y_size), "wrote between the elements");
                check_guards(PLACE_Y);
            }
        }
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    test_layout();
    test_broadcast();
    test_parts();
    test_reshape();
    test_copy();
    return check_end();
}
