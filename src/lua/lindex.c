/* Gathering by index, and joining tensors. Indices count from 1. */
#include "ltape.h"

#include "../core/copy.h"
#include "../core/index.h"
#include "../core/row_set.h"

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

/* scatter(t, indices, axis, length): zeros of that length along the axis, t added at the indices: gather's
   gradient. */
static int scatter(lua_State *L) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    int axis = lcheck_axis(L, 3, "scatter", t);
    size_t length = (size_t)lcheck_integer(L, 4, "scatter: length", 0, INT32_MAX);
    if (!dtype_is_float(t->dtype))
        return lerror(L, "scatter: expected a float tensor, got %s", dtype_names[t->dtype]);
    const struct tensor *indices = push_index_list(L, 2, "scatter", length);
    if (indices->shape[0] != t->shape[axis])
        return lerror(L, "scatter: expected %I indices, one a position of axis %d, got %I",
                      (LUAI_UACINT)t->shape[axis], axis + 1, (LUAI_UACINT)indices->shape[0]);
    t = lpush_contiguous(L, 1, "scatter", t->dtype);
    size_t outer = tensor_span(t, 0, axis), inner = tensor_span(t, axis + 1, t->rank);
    struct tensor layout = *t;
    layout.shape[axis] = length;
    const int32_t *index = indices->data;
    size_t count = indices->shape[0];
    struct tensor *y;
    if (axis == 0 && count < length) { /* most rows stay zeros: who reads the result may pass over those */
        uint64_t *rows;
        y = ltensor_new_rows(L, "scatter", t->dtype, t->rank, layout.shape, &rows);
        for (size_t i = 0; rows && i < count; i++) row_set_add(rows, (size_t)index[i] - 1);
    } else {
        y = ltensor_new(L, "scatter", t->dtype, t->rank, layout.shape);
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

/* put_along(t, indices, axis, length): zeros of that length along the axis, t added at the indices: take_along's
   gradient. */
static int put_along(lua_State *L) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    int axis = lcheck_axis(L, 3, "put_along", t);
    size_t length = (size_t)lcheck_integer(L, 4, "put_along: length", 0, INT32_MAX);
    if (!dtype_is_float(t->dtype))
        return lerror(L, "put_along: expected a float tensor, got %s", dtype_names[t->dtype]);
    const struct tensor *indices = push_indices(L, 2, "put_along", length);
    if (!tensor_same_shape(t, indices))
        return lerror(L, "put_along: expected indices of %s, got %s", lpush_shape_of(L, t),
                      lpush_shape_of(L, indices));
    struct lines lines = check_lines(L, "put_along", t, axis, indices);
    t = lpush_contiguous(L, 1, "put_along", t->dtype);
    struct tensor layout = *t;
    layout.shape[axis] = length;
    struct tensor *y = ltensor_new(L, "put_along", t->dtype, t->rank, layout.shape);
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

void lopen_index(lua_State *L) {
    static const struct operation operations[] = {{"gather", gather, 4},
                                                  {"scatter", scatter, 4},
                                                  {"take_along", take_along, 3},
                                                  {"put_along", put_along, 4},
                                                  {"concat2", concat2, 3},
                                                  {"gather_scaled", gather_scaled, UNRECORDED},
                                                  {NULL, NULL, 0}};
    lregister_operations(L, operations);
}
