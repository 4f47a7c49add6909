/* Gathering and counting by index, and joining tensors. Indices count from 1. */
#include "ltape.h"

#include "../core/copy.h"
#include "../core/count.h"
#include "../core/index.h"
#include "../core/row_set.h"

#include <math.h>
#include <string.h>

/* Pushes the indices at `index` as contiguous int32, each within 1 .. limit. */
static const struct tensor *push_indices(lua_State *L, int index, const char *what, size_t limit) {
    const struct tensor *t = &ltensor_check(L, index)->tensor;
    if (dtype_is_float(t->dtype))
        lerror(L, "%s: expected indices as int32 or uint8, got %s of %s; convert with :int()", what,
               dtype_names[t->dtype], lpush_shape_of(L, t));
    t = lpush_contiguous(L, index, what, INT32);
    size_t bad;
    if (!index_check(t->data, tensor_count(t), (int64_t)limit, &bad))
        lerror(L, "%s: index %d at position %s is outside 1..%I (indices count from 1)", what,
               (int)((const int32_t *)t->data)[bad], lpush_position(L, t, bad), (LUAI_UACINT)limit);
    return t;
}

static const struct tensor *push_index_list(lua_State *L, int index, const char *what, size_t limit) {
    const struct tensor *t = push_indices(L, index, what, limit);
    if (t->rank != 1) lerror(L, "%s: expected indices of rank 1, got %s", what, lpush_shape_of(L, t));
    return t;
}

/* gather(t, indices, axis, who asks): the positions of the axis (1 by default) that the indices name, in their
   order; the shape of the indices takes the place of the axis. */
static int gather(lua_State *L) {
    const char *what = luaL_optstring(L, 4, "gather");
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    int axis = lua_isnil(L, 3) && t->rank > 0 ? 0 : lcheck_axis(L, 3, what, t);
    const struct tensor *indices = push_indices(L, 2, what, t->shape[axis]);
    int rank = t->rank - 1 + indices->rank;
    if (rank > TENSOR_MAX_RANK) return lerror(L, "%s: the result would have %d axes", what, rank);
    t = lpush_contiguous(L, 1, what, t->dtype);
    size_t outer = tensor_span(t, 0, axis), inner = tensor_span(t, axis + 1, t->rank), shape[TENSOR_MAX_RANK];
    for (int k = 0; k < rank; k++)
        shape[k] = k < axis                   ? t->shape[k]
                   : k < axis + indices->rank ? indices->shape[k - axis]
                                              : t->shape[k - indices->rank + 1];
    struct tensor *y = ltensor_new(L, what, t->dtype, rank, shape);
    index_gather(outer, t->shape[axis], inner, dtype_sizes[t->dtype], t->data, indices->data, tensor_count(indices),
                 y->data);
    lhandle_inherit(L, 1);
    return 1;
}

/* scatter(t, indices, axis, length, who asks): zeros of that length along the axis, t added at the indices:
   gather's gradient. */
static int scatter(lua_State *L) {
    const char *what = luaL_optstring(L, 5, "scatter");
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    int axis = lcheck_axis(L, 3, what, t);
    size_t length = (size_t)lcheck_integer(L, 4, lua_pushfstring(L, "%s: length", what), 0, INT32_MAX);
    if (!dtype_is_float(t->dtype))
        return lerror(L, "%s: expected a float tensor, got %s", what, dtype_names[t->dtype]);
    const struct tensor *indices = push_index_list(L, 2, what, length);
    if (indices->shape[0] != t->shape[axis])
        return lerror(L, "%s: expected %I indices, one a position of axis %d, got %I", what,
                      (LUAI_UACINT)t->shape[axis], axis + 1, (LUAI_UACINT)indices->shape[0]);
    t = lpush_contiguous(L, 1, what, t->dtype);
    size_t outer = tensor_span(t, 0, axis), inner = tensor_span(t, axis + 1, t->rank);
    struct tensor layout = *t;
    layout.shape[axis] = length;
    const int32_t *index = indices->data;
    size_t count = indices->shape[0];
    struct tensor *y;
    if (axis == 0 && count < length) { /* most rows stay zeros: who reads the result may pass over those */
        uint64_t *rows;
        y = ltensor_new_rows(L, what, t->dtype, t->rank, layout.shape, &rows);
        for (size_t i = 0; rows && i < count; i++) row_set_add(rows, (size_t)index[i] - 1);
    } else {
        y = ltensor_new(L, what, t->dtype, t->rank, layout.shape);
        memset(y->data, 0, tensor_bytes(y));
    }
    index_scatter_add(t->dtype, outer, length, inner, t->data, index, count, y->data);
    return 1;
}

/* Where one index lies beside each line of x along the axis: [outer, count, inner]. */
struct lines {
    size_t outer, count, inner;
};

static struct lines check_lines(lua_State *L, const char *what, const struct tensor *x, int axis,
                                const struct tensor *indices) {
    bool fits = x->rank == indices->rank;
    for (int k = 0; fits && k < x->rank; k++) fits = k == axis || x->shape[k] == indices->shape[k];
    if (!fits)
        lerror(L, "%s: expected indices of the shape of %s but for axis %d, got %s", what, lpush_shape_of(L, x),
               axis + 1, lpush_shape_of(L, indices));
    return (struct lines){tensor_span(x, 0, axis), indices->shape[axis], tensor_span(x, axis + 1, x->rank)};
}

/* take_along(x, indices, axis): x at the indices, which stand at the other axes' places in x. */
static int take_along(lua_State *L) {
    const struct tensor *x = &ltensor_check(L, 1)->tensor;
    int axis = lcheck_axis(L, 3, "take_along_axis", x);
    const struct tensor *indices = push_indices(L, 2, "take_along_axis", x->shape[axis]);
    struct lines lines = check_lines(L, "take_along_axis", x, axis, indices);
    x = lpush_contiguous(L, 1, "take_along_axis", x->dtype);
    struct tensor *y = ltensor_new(L, "take_along_axis", x->dtype, x->rank, indices->shape);
    index_take_along(lines.outer, x->shape[axis], lines.inner, dtype_sizes[x->dtype], x->data, indices->data,
                     lines.count, y->data);
    lhandle_inherit(L, 1);
    return 1;
}

/* t:pick(indices, axis): one element of each line along the axis, the last by default, which then is gone. */
static int pick(lua_State *L) {
    const struct tensor *x = &ltensor_check(L, 1)->tensor;
    if (x->rank == 0) return lerror(L, "pick: expected at least one axis, got []");
    int axis = lua_isnil(L, 3) ? x->rank - 1 : lcheck_axis(L, 3, "pick", x);
    struct tensor line = tensor_select(x, axis, 0);
    const struct tensor *indices = push_indices(L, 2, "pick", x->shape[axis]);
    if (!tensor_same_shape(indices, &line))
        return lerror(L, "pick: expected indices of %s, the shape of %s without axis %d, got %s",
                      lpush_shape_of(L, &line), lpush_shape_of(L, x), axis + 1, lpush_shape_of(L, indices));
    x = lpush_contiguous(L, 1, "pick", x->dtype);
    struct tensor *y = ltensor_new(L, "pick", x->dtype, line.rank, line.shape);
    index_take_along(tensor_span(x, 0, axis), x->shape[axis], tensor_span(x, axis + 1, x->rank),
                     dtype_sizes[x->dtype], x->data, indices->data, 1, y->data);
    lhandle_inherit(L, 1);
    return 1;
}

/* put_along(t, indices, axis, length, who asks): zeros of that length along the axis, t added at the indices:
   take_along's gradient. */
static int put_along(lua_State *L) {
    const char *what = luaL_optstring(L, 5, "put_along");
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    int axis = lcheck_axis(L, 3, what, t);
    size_t length = (size_t)lcheck_integer(L, 4, lua_pushfstring(L, "%s: length", what), 0, INT32_MAX);
    if (!dtype_is_float(t->dtype))
        return lerror(L, "%s: expected a float tensor, got %s", what, dtype_names[t->dtype]);
    const struct tensor *indices = push_indices(L, 2, what, length);
    if (!tensor_same_shape(t, indices))
        return lerror(L, "%s: expected indices of %s, got %s", what, lpush_shape_of(L, t),
                      lpush_shape_of(L, indices));
    struct lines lines = check_lines(L, what, t, axis, indices);
    t = lpush_contiguous(L, 1, what, t->dtype);
    struct tensor layout = *t;
    layout.shape[axis] = length;
    struct tensor *y = ltensor_new(L, what, t->dtype, t->rank, layout.shape);
    index_put_along(t->dtype, lines.outer, length, lines.inner, t->data, indices->data, lines.count, y->data);
    return 1;
}

/* concat2(a, b, axis): a followed by b along the axis. */
static int concat2(lua_State *L) {
    const struct tensor *a = &ltensor_check(L, 1)->tensor, *b = &ltensor_check(L, 2)->tensor;
    int axis = lcheck_axis(L, 3, "concat", a);
    bool fits = a->rank == b->rank && a->dtype == b->dtype;
    for (int k = 0; fits && k < a->rank; k++) fits = k == axis || a->shape[k] == b->shape[k];
    if (!fits)
        return lerror(L, "concat: along axis %d all other lengths and the types must be equal, got %s %s and %s %s",
                      axis + 1, dtype_names[a->dtype], lpush_shape_of(L, a), dtype_names[b->dtype],
                      lpush_shape_of(L, b));
    struct tensor layout = *a;
    layout.shape[axis] += b->shape[axis];
    struct tensor *y = ltensor_new(L, "concat", a->dtype, a->rank, layout.shape);
    tensor_join(a, b, axis, y);
    lhandle_inherit(L, 1);
    lhandle_inherit(L, 2);
    return 1;
}

/* core.gather_scaled(bytes, indices, scale, dtype): rows of a uint8 tensor as floats times scale. */
static int gather_scaled(lua_State *L) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    double scale = luaL_checknumber(L, 3);
    enum dtype dtype = lcheck_dtype(L, 4, "gather_scaled", FLOAT32);
    if (t->dtype != UINT8 || t->rank < 1 || !tensor_is_contiguous(t) || !dtype_is_float(dtype))
        return luaL_argerror(L, 1, "expected a contiguous uint8 tensor");
    const struct tensor *indices = push_index_list(L, 2, "gather", t->shape[0]);
    struct tensor layout = *t;
    layout.shape[0] = indices->shape[0];
    struct tensor *y = ltensor_new(L, "batch", dtype, t->rank, layout.shape);
    index_gather_scaled(tensor_span(t, 1, t->rank), t->data, indices->data, indices->shape[0], scale, dtype,
                        y->data);
    return 1;
}

/* Positions and counts are int32. */
static void check_countable(lua_State *L, const char *what, const struct tensor *t) {
    if (tensor_count(t) > INT32_MAX) lerror(L, "%s: positions and counts beyond 2^31 do not fit int32", what);
}

/* t:nonzero(): the row-major positions of what is not 0. */
static int nonzero(lua_State *L) {
    lua_settop(L, 1);
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    check_countable(L, "nonzero", t);
    t = lpush_contiguous(L, 1, "nonzero", t->dtype);
    size_t count = count_nonzero(t);
    lcheck_interrupt(L); /* then it is too small */
    count_nonzero_places(t, count, ltensor_new(L, "nonzero", INT32, 1, &count)->data);
    return 1;
}

/* labels:one_hot(classes, dtype): 1 at the label along a new last axis, else 0. */
static int one_hot(lua_State *L) {
    lua_settop(L, 3);
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    lua_Integer classes = lcheck_integer(L, 2, "one_hot: classes", 0, INT32_MAX);
    enum dtype dtype = lcheck_dtype(L, 3, "one_hot", FLOAT32);
    if (t->rank == TENSOR_MAX_RANK) return lerror(L, "one_hot: the result would have %d axes", t->rank + 1);
    t = push_indices(L, 1, "one_hot", (size_t)classes);
    struct tensor layout = *t;
    layout.shape[t->rank] = (size_t)classes;
    struct tensor *y = ltensor_new(L, "one_hot", dtype, t->rank + 1, layout.shape);
    memset(y->data, 0, tensor_bytes(y));
    const int32_t *label = t->data;
    for (size_t i = 0, count = tensor_count(t); i < count; i++)
        tensor_put(dtype, y->data, i * (size_t)classes + (size_t)label[i] - 1, 1);
    return 1;
}

static int32_t *push_counts(lua_State *L, const char *what, size_t length) {
    struct tensor *y = ltensor_new(L, what, INT32, 1, &length);
    memset(y->data, 0, tensor_bytes(y));
    return y->data;
}

/* labels:bincount(length): how often each of 1 .. length is there; the greatest label by default. */
static int bincount(lua_State *L) {
    lua_settop(L, 2);
    bool free_length = lua_isnil(L, 2);
    size_t length = free_length ? INT32_MAX : (size_t)lcheck_integer(L, 2, "bincount: length", 0, INT32_MAX);
    check_countable(L, "bincount", &ltensor_check(L, 1)->tensor);
    const struct tensor *t = push_indices(L, 1, "bincount", length);
    double low, high;
    size_t bad;
    if (free_length) {
        count_range(t, &low, &high, &bad);
        lcheck_interrupt(L); /* then it is too small */
        length = tensor_count(t) > 0 ? (size_t)high : 0;
    }
    count_values(t->data, tensor_count(t), push_counts(L, "bincount", length));
    return 1;
}

/* t:histogram(bins, low, high): counts and edges. */
static int histogram(lua_State *L) {
    lua_settop(L, 4);
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    size_t bins = lua_isnil(L, 2) ? 10 : (size_t)lcheck_integer(L, 2, "histogram: bins", 1, INT32_MAX), bad;
    check_countable(L, "histogram", t);
    t = lpush_contiguous(L, 1, "histogram", t->dtype);
    double low, high;
    if (!count_range(t, &low, &high, &bad))
        return lerror(L,
                      "histogram: the element at position %s is nan, which belongs into no bin; "
                      "t:masked_select(t:isfinite()) leaves such out",
                      lpush_position(L, t, bad));
    lcheck_interrupt(L);
    if (tensor_count(t) == 0) low = 0, high = 1;
    if (low == high) low -= 0.5, high += 0.5;
    if (!lua_isnil(L, 3)) low = lcheck_element(L, 3, "histogram: low", FLOAT64);
    if (!lua_isnil(L, 4)) high = lcheck_element(L, 4, "histogram: high", FLOAT64);
    if (!(isfinite(low) && isfinite(high) && low < high))
        return lerror(L, "histogram: expected finite ends, low < high, got %f and %f%s", low, high,
                      lua_isnil(L, 3) || lua_isnil(L, 4)
                          ? ", of which those that are not given are the least and the greatest element"
                          : "");
    int32_t *counts = push_counts(L, "histogram", bins);
    size_t ends = bins + 1;
    double *edges = ltensor_new(L, "histogram", FLOAT64, 1, &ends)->data;
    count_edges(low, high, bins, edges);
    count_bins(t, edges, bins, counts);
    return 2;
}

void lopen_index(lua_State *L) {
    static const struct operation methods[] = {{"pick", pick, 3},
                                               {"nonzero", nonzero, UNRECORDED},
                                               {"one_hot", one_hot, UNRECORDED},
                                               {"bincount", bincount, UNRECORDED},
                                               {"histogram", histogram, UNRECORDED},
                                               {NULL, NULL, 0}};
    static const struct operation operations[] = {{"gather", gather, 4},
                                                  {"scatter", scatter, 5},
                                                  {"take_along", take_along, 3},
                                                  {"put_along", put_along, 5},
                                                  {"concat2", concat2, 3},
                                                  {"gather_scaled", gather_scaled, UNRECORDED},
                                                  {NULL, NULL, 0}};
    lregister_operations(L, operations);
    lua_getfield(L, -1, "methods");
    lregister_operations(L, methods);
    lua_pop(L, 1);
}
