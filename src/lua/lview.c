/* Views, which share storage, and copies. All are operations of the tape. */
#include "lstorage.h"
#include "ltape.h"

#include "../core/copy.h"

/* The result on top of the stack is a view or a copy of the tensor at 1, whose axis `classes` it has as its own
   axis `axis`, or not at all: NO_AXIS. What holds probabilities goes on to do so. The same operation, with the
   arguments above 1, makes of the logits the logits of the result. */
static int inherit(lua_State *L, const char *operation, int arguments, int axis) {
    if (lhandle_made_by(lua_touserdata(L, 1))) lhandle_inherit(L, 1);
    if (axis == NO_AXIS) return 1;
    int result = lua_gettop(L);
    lua_getiuservalue(L, 1, SLOT_LOGITS);
    luaL_getmetatable(L, TENSOR_METATABLE);
    lua_getfield(L, -1, "methods");
    lua_getfield(L, -1, operation); /* recorded on the tape */
    lua_pushvalue(L, -4);
    for (int i = 2; i <= arguments; i++) lua_pushvalue(L, i);
    lua_call(L, arguments, 1);
    lhandle_set_logits(L, result, axis);
    lua_settop(L, result);
    return 1;
}

/* The axis along which the softmax was taken that the tensor at 1 is made of; NO_AXIS for none. */
static int classes_of(lua_State *L) { return lhandle_classes(L, 1); }

/* Where an axis lies in another shape of as many elements, in which as many lie before it and behind it. */
static int axis_in(const struct tensor *t, int axis, const struct tensor *other) {
    if (axis == NO_AXIS) return NO_AXIS;
    size_t behind = tensor_span(t, axis + 1, t->rank);
    for (int at = other->rank - 1; at >= 0; at--)
        if (other->shape[at] == t->shape[axis] && tensor_span(other, at + 1, other->rank) == behind) return at;
    return NO_AXIS;
}

/* The tensor at 1 with another shape of as many elements: a view where strides allow it, else a copy. */
static int push_reshaped(lua_State *L, const char *what, int rank, const size_t *shape) {
    const struct tensor *t = &((struct handle *)lua_touserdata(L, 1))->tensor, *result;
    struct tensor view;
    if (tensor_reshape(t, rank, shape, &view)) {
        result = ltensor_view(L, 1, &view);
    } else {
        struct tensor layout;
        result = ltensor_new(L, what, t->dtype, rank, shape);
        tensor_layout(&layout, t->dtype, t->rank, t->shape);
        layout.data = result->data;
        tensor_copy(t, &layout);
    }
    return inherit(L, what, 2, axis_in(t, classes_of(L), result));
}

/* reshape(t, shape): a view where strides allow it, else a copy. One length may be -1: it is worked out. */
static int reshape(lua_State *L) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    size_t shape[TENSOR_MAX_RANK], count = tensor_count(t), known = 1;
    int free_axis = -1;
    size_t lengths = lcheck_list(L, 2, "reshape", "a shape such as {2, -1}");
    int rank = (int)lengths;
    if (lengths > TENSOR_MAX_RANK)
        return lerror(L, "reshape: expected at most %d axes, got %I", TENSOR_MAX_RANK, (LUAI_UACINT)lengths);
    for (int axis = 0; axis < rank; axis++) {
        lua_rawgeti(L, 2, axis + 1);
        lua_Integer length = lcheck_integer(L, lua_gettop(L), "reshape", -1, LUA_MAXINTEGER);
        lua_pop(L, 1);
        if (length == -1 && free_axis >= 0) return lerror(L, "reshape: only one length may be -1");
        if (length == -1) free_axis = axis;
        shape[axis] = length == -1 ? 1 : (size_t)length;
        if (shape[axis] != 0 && known > (size_t)PTRDIFF_MAX / shape[axis])
            return lerror(L, "reshape: the lengths are too large");
        known *= shape[axis];
    }
    if (free_axis >= 0 && known > 0 && count % known == 0) {
        shape[free_axis] = count / known;
        known = count;
    } else if (free_axis >= 0) {
        shape[free_axis] = (size_t)-1; /* for the message */
        known = count + 1;
    }
    if (known != count)
        return lerror(L, "reshape: %s has %I elements and does not fit into %s", lpush_shape_of(L, t),
                      (LUAI_UACINT)count, lpush_shape(L, rank, shape));
    return push_reshaped(L, "reshape", rank, shape);
}

/* flatten(t, first): the axes from `first` on (1 by default) as one. */
static int flatten(lua_State *L) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    int first = lua_isnil(L, 2) ? 0 : lcheck_axis(L, 2, "flatten", t);
    struct tensor layout = *t;
    layout.shape[first] = tensor_span(t, first, t->rank);
    return push_reshaped(L, "flatten", first + 1, layout.shape);
}

/* transpose(t, axis1, axis2): the last two axes by default. */
static int transpose(lua_State *L) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    if (t->rank < 2) return lerror(L, "transpose: expected at least two axes, got %s", lpush_shape_of(L, t));
    int a = lua_isnil(L, 2) ? t->rank - 2 : lcheck_axis(L, 2, "transpose", t);
    int b = lua_isnil(L, 3) ? t->rank - 1 : lcheck_axis(L, 3, "transpose", t);
    struct tensor view = *t;
    view.shape[a] = t->shape[b];
    view.shape[b] = t->shape[a];
    view.stride[a] = t->stride[b];
    view.stride[b] = t->stride[a];
    ltensor_view(L, 1, &view);
    int classes = classes_of(L);
    return inherit(L, "transpose", 3, classes == a ? b : classes == b ? a : classes);
}

/* slice(t, axis, first, last): positions first .. last along the axis; last may be nil (to the end). */
static int slice(lua_State *L) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    int axis = lcheck_axis(L, 2, "slice", t);
    lua_Integer length = (lua_Integer)t->shape[axis];
    lua_Integer first = lcheck_integer(L, 3, "slice: first", 1, length + 1);
    lua_Integer last = lua_isnil(L, 4) ? length : lcheck_integer(L, 4, "slice: last", first - 1, length);
    struct tensor view = tensor_slice(t, axis, (size_t)first - 1, (size_t)(last - first + 1));
    ltensor_view(L, 1, &view);
    int classes = classes_of(L);
    return inherit(L, "slice", 4, classes == axis && view.shape[axis] != t->shape[axis] ? NO_AXIS : classes);
}

/* select(t, axis, index): one position of an axis; the axis is gone. */
static int select_index(lua_State *L) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    int axis = lcheck_axis(L, 2, "select", t);
    size_t at = (size_t)lcheck_integer(L, 3, "select: index", 1, (lua_Integer)t->shape[axis]) - 1;
    struct tensor view = tensor_select(t, axis, at);
    ltensor_view(L, 1, &view);
    int classes = classes_of(L);
    return inherit(L, "select", 3, classes == axis ? NO_AXIS : classes > axis ? classes - 1 : classes);
}

/* unslice(t, axis, first, length, value): of that length along the axis, t at `first` and else the value, 0 by
   default: slice's gradient. */
static int unslice(lua_State *L) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    int axis = lcheck_axis(L, 2, "unslice", t);
    lua_Integer part_length = (lua_Integer)t->shape[axis];
    lua_Integer length = lcheck_integer(L, 4, "unslice: length", part_length, LUA_MAXINTEGER);
    lua_Integer free = length - part_length;
    size_t first = (size_t)lcheck_integer(L, 3, "unslice: first", 1, free < LUA_MAXINTEGER ? free + 1 : free) - 1;
    double value = lua_isnil(L, 5) ? 0 : lcheck_element(L, 5, "unslice: value", t->dtype);
    struct tensor shape = *t;
    shape.shape[axis] = (size_t)length;
    struct tensor *whole = ltensor_new(L, "unslice", t->dtype, t->rank, shape.shape);
    size_t end = first + t->shape[axis];
    struct tensor front = tensor_slice(whole, axis, 0, first), part = tensor_slice(whole, axis, first, end - first),
                  behind = tensor_slice(whole, axis, end, (size_t)length - end);
    if (tensor_span(t, 0, axis) == 1) { /* each of them lies in one piece */
        tensor_fill(&front, value);
        tensor_fill(&behind, value);
    } else {
        tensor_fill(whole, value);
    }
    tensor_copy(t, &part);
    return inherit(L, "unslice", 4, NO_AXIS);
}

/* expand(t, shape): a view in which axes of length 1, and new leading axes, repeat. */
static int expand(lua_State *L) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    size_t shape[TENSOR_MAX_RANK];
    int rank = lcheck_shape(L, 2, "expand", shape);
    bool fits = rank >= t->rank;
    for (int axis = 0; fits && axis < t->rank; axis++) {
        size_t wanted = shape[rank - t->rank + axis];
        fits = t->shape[axis] == wanted || t->shape[axis] == 1;
    }
    if (!fits)
        return lerror(L, "expand: %s cannot be repeated to %s; only axes of length 1 repeat", lpush_shape_of(L, t),
                      lpush_shape(L, rank, shape));
    struct tensor layout;
    if (!tensor_layout(&layout, t->dtype, rank, shape))
        return lerror(L, "expand: %s of %s elements is more than this machine can address",
                      lpush_shape(L, rank, shape), dtype_names[t->dtype]);
    struct tensor view = tensor_expand(t, rank, shape);
    ltensor_view(L, 1, &view);
    int classes = classes_of(L);
    bool repeated = classes != NO_AXIS && t->shape[classes] != shape[rank - t->rank + classes];
    return inherit(L, "expand", 2, classes == NO_AXIS || repeated ? NO_AXIS : rank - t->rank + classes);
}

static int push_copy(lua_State *L, const char *what, int arguments, enum dtype dtype) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    ltensor_copy(L, what, dtype, t);
    if (!dtype_is_float(dtype)) return 1; /* no probabilities any more */
    return inherit(L, what, arguments, classes_of(L));
}

static int clone(lua_State *L) { return push_copy(L, "clone", 1, ltensor_check(L, 1)->tensor.dtype); }

static int contiguous(lua_State *L) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    if (!tensor_is_contiguous(t)) return push_copy(L, "contiguous", 1, t->dtype);
    lua_pushvalue(L, 1);
    return 1;
}

/* to(t, dtype): itself when it has that type already. Floats become integers by truncation and must fit. */
static int to(lua_State *L) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    enum dtype dtype = lcheck_dtype(L, 2, "to", FLOAT32);
    if (t->dtype == dtype) {
        lua_pushvalue(L, 1);
        return 1;
    }
    lcheck_range(L, "to", t, dtype);
    return push_copy(L, "to", 2, dtype);
}

/* t:detach(): the same elements without a history. Not recorded. A view of an embedded storage would keep its
   owner alive and, with that, the history: such a result is copied. */
static int detach(lua_State *L) {
    const struct handle *handle = ltensor_check(L, 1);
    if (handle->sequence > 0 && handle->storage->embedded) return push_copy(L, "detach", 1, handle->tensor.dtype);
    struct tensor view = handle->tensor;
    ltensor_view(L, 1, &view);
    return inherit(L, "detach", 1, classes_of(L));
}

static int is_contiguous(lua_State *L) {
    lua_pushboolean(L, tensor_is_contiguous(&ltensor_check(L, 1)->tensor));
    return 1;
}

void lopen_view(lua_State *L) {
    static const struct operation operations[] = {
        {"reshape", reshape, 2},
        {"flatten", flatten, 2},
        {"transpose", transpose, 3},
        {"slice", slice, 4},
        {"select", select_index, 3},
        {"unslice", unslice, 5},
        {"expand", expand, 2},
        {"clone", clone, 1},
        {"contiguous", contiguous, 1},
        {"to", to, 2},
        {"detach", detach, UNRECORDED},
        {"is_contiguous", is_contiguous, UNRECORDED},
        {NULL, NULL, 0},
    };
    lua_getfield(L, -1, "methods");
    lregister_operations(L, operations);
    lua_pop(L, 1);
}
