/* Elements of tensors from Lua: t[i], t.field, the methods that read or change elements where they are, and tables
   and bytes made of them. */
#include "ltape.h"

#include "../core/copy.h"

#include <string.h>

/* A tensor whose elements may be changed; the caller says lhandle_changed when it does so. */
static struct handle *check_writable(lua_State *L, int index) {
    struct handle *handle = ltensor_check(L, index);
    const struct tensor *t = &handle->tensor;
    for (int axis = 0; axis < t->rank; axis++)
        if (t->shape[axis] > 1 && t->stride[axis] == 0)
            lerror(L, "in-place change of a tensor whose elements repeat (an expanded view); change a :clone()");
    if (handle->requires_grad && (handle->sequence > 0 || lrecording(L)))
        lerror(L,
               "in-place change of a tensor that requires gradients; wrap it in fnet.no_grad(function() ... end)");
    return handle;
}

static void push_element(lua_State *L, const struct tensor *t, size_t index) {
    double value = tensor_get(t, index);
    if (dtype_is_float(t->dtype))
        lua_pushnumber(L, value);
    else
        lua_pushinteger(L, (lua_Integer)value);
}

/* Whether ipairs asks: it ends at the first nil, where anybody else learns that there is no such row. */
static bool ipairs_asks(lua_State *L) {
    lua_Debug frame;
    if (!lua_getstack(L, 1, &frame) || !lua_getinfo(L, "f", &frame)) return false;
    return lua_rawequal(L, -1, lua_upvalueindex(2));
}

static int get_index(lua_State *L, struct handle *handle) {
    const struct tensor *t = &handle->tensor;
    if (t->rank == 0) return lerror(L, "index: a tensor of shape [] has no rows; its value is t:item()");
    lua_Integer length = (lua_Integer)t->shape[0];
    if (lua_tointeger(L, 2) == length + 1 && ipairs_asks(L)) return 0;
    lua_Integer row = lcheck_integer(L, 2, "index", 1, length) - 1;
    if (t->rank == 1) {
        push_element(L, t, (size_t)row);
        return 1;
    }
    lua_getfield(L, lua_upvalueindex(1), "select"); /* recorded on the tape */
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 1);
    lua_pushinteger(L, row + 1);
    lua_call(L, 3, 1);
    return 1;
}

/* Raises an error that says what the tensor at 1 has instead of the key at 2; see lua/fnet/tensor/init.lua. */
static int refuse_key(lua_State *L) {
    luaL_getmetafield(L, 1, "unknown");
    lua_pushvalue(L, 2);
    lua_call(L, 1, 0);
    return 0;
}

/* t:shape() */
static int shape_called(lua_State *L) { return lerror(L, "shape is a field: t.shape, without parentheses"); }

/* What every list of lengths has for a metatable; who asks for it is told that there is none. */
static void push_metatable_of_shapes(lua_State *L) {
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, shape_called);
    lua_setfield(L, -2, "__call");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
}

/* Upvalue 1: the methods; 2: the function by which ipairs goes on; 3: the metatable of shapes. */
static int tensor_index(lua_State *L) {
    if (lua_type(L, 2) == LUA_TNUMBER) return get_index(L, ltensor_check(L, 1));
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    if (!ltensor_test(L, 1)) ltensor_check(L, 1); /* raises; properties are there after the elements are gone */
    struct handle *handle = lua_touserdata(L, 1);
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    if (strcmp(name, "shape") == 0) {
        lpush_lengths(L, &handle->tensor);
        lua_pushvalue(L, lua_upvalueindex(3));
        lua_setmetatable(L, -2);
    } else if (strcmp(name, "rank") == 0)
        lua_pushinteger(L, handle->tensor.rank);
    else if (strcmp(name, "dtype") == 0)
        lua_pushstring(L, dtype_names[handle->tensor.dtype]);
    else if (strcmp(name, "requires_grad") == 0)
        lua_pushboolean(L, handle->requires_grad);
    else if (strcmp(name, "grad") == 0) {
        lua_getiuservalue(L, 1, SLOT_GRAD);
        struct handle *grad = lua_touserdata(L, -1);
        if (grad) lhandle_escape(grad);
    } else {
        return refuse_key(L);
    }
    return 1;
}

/* A write in place leaves no trace on the tape. */
static void check_no_history(lua_State *L, const char *what, const struct handle *source) {
    if (source->requires_grad && lrecording(L))
        lerror(L,
               "%s: the value %s requires gradients, which would be lost here; collect such values in a table and "
               "join "
               "them by fnet.stack or fnet.concat, or write value:detach()%s",
               what, lpush_shape_of(L, &source->tensor),
               tensor_count(&source->tensor) == 1 ? " or the number value:item()" : "");
}

/* Copies; where source and target may overlap, by way of a third tensor. */
static void copy_apart(lua_State *L, const struct tensor *source, const struct tensor *target, bool overlap) {
    tensor_copy(overlap ? ltensor_copy(L, "copy", source->dtype, source) : source, target);
    lcheck_interrupt(L);
}

/* Gives all elements of t, the handle's tensor or a part of it, one value. */
static void set_all(lua_State *L, struct handle *handle, const struct tensor *t, double value) {
    lhandle_written(handle, t, NULL);
    tensor_fill(t, value);
    lcheck_interrupt(L);
}

static int set_index(lua_State *L, struct handle *handle) {
    const struct tensor *t = &handle->tensor;
    if (t->rank == 0) return lerror(L, "index: a tensor of shape [] has no rows; use t:fill(value)");
    size_t row = (size_t)lcheck_integer(L, 2, "index", 1, (lua_Integer)t->shape[0]) - 1;
    struct tensor target = tensor_select(t, 0, row);
    struct handle *value = ltensor_test(L, 3);
    if (value) {
        const struct tensor *source = &ltensor_check(L, 3)->tensor;
        if (!tensor_same_shape(source, &target) || (dtype_is_float(source->dtype) && !dtype_is_float(t->dtype)))
            return lerror(L, "t[%I] = value: expected %s of %s, got %s of %s", (LUAI_UACINT)row + 1,
                          lpush_shape_of(L, &target), dtype_names[t->dtype], lpush_shape_of(L, source),
                          dtype_names[source->dtype]);
        check_no_history(L, "t[i] = value", value);
        lcheck_range(L, "t[i] = value", source, t->dtype);
        lhandle_written(handle, &target, value);
        copy_apart(L, source, &target, value->storage == handle->storage);
        return 0;
    }
    if (lua_type(L, 3) != LUA_TNUMBER)
        return lerror(L, "t[i] = value: expected a number or a tensor of %s, got %s%s", lpush_shape_of(L, &target),
                      lpush_kind(L, 3), lua_istable(L, 3) ? "; fnet.tensor { ... } makes one of numbers" : "");
    set_all(L, handle, &target, lcheck_element(L, 3, "t[i] = value", t->dtype));
    return 0;
}

/* core.is_parameter(value): a tensor whose requires_grad a script has set to true, now or before it was frozen. */
static int is_parameter(lua_State *L) {
    const struct handle *handle = ltensor_test(L, 1);
    lua_pushboolean(L, handle && handle->parameter && handle->sequence == 0);
    return 1;
}

static int tensor_newindex(lua_State *L) {
    if (lua_type(L, 2) == LUA_TNUMBER) return set_index(L, check_writable(L, 1));
    struct handle *handle = ltensor_check(L, 1);
    if (lua_type(L, 2) != LUA_TSTRING) return refuse_key(L);
    const char *name = lua_tostring(L, 2);
    if (strcmp(name, "requires_grad") == 0) {
        if (!lua_isboolean(L, 3))
            return lerror(L, "requires_grad: expected true or false, got %s", lpush_kind(L, 3));
        if (!dtype_is_float(handle->tensor.dtype))
            return lerror(L, "requires_grad: only float tensors have gradients, this one is %s; use :float() first",
                          dtype_names[handle->tensor.dtype]);
        if (handle->sequence > 0)
            return lerror(L, "requires_grad: this tensor is the result of an operation; use :detach() for one "
                             "without gradients");
        handle->requires_grad = lua_toboolean(L, 3);
        if (handle->requires_grad) handle->parameter = true;
        return 0;
    }
    if (strcmp(name, "grad") == 0) {
        if (!lua_isnil(L, 3)) {
            if (!ltensor_test(L, 3)) return lerror(L, "grad: expected a tensor, got %s", lpush_kind(L, 3));
            struct handle *grad = ltensor_check(L, 3);
            if (!tensor_alike(&grad->tensor, &handle->tensor))
                return lerror(L, "grad: expected %s of %s like the tensor, got %s of %s",
                              lpush_shape_of(L, &handle->tensor), dtype_names[handle->tensor.dtype],
                              lpush_shape_of(L, &grad->tensor), dtype_names[grad->tensor.dtype]);
            if (!tensor_is_contiguous(&grad->tensor)) return lerror(L, "grad: expected a contiguous tensor");
            lhandle_escape(grad);
        }
        lua_settop(L, 3);
        lua_setiuservalue(L, 1, SLOT_GRAD);
        return 0;
    }
    return lerror(
        L, "a tensor's field '%s' cannot be set; elements are t[i], properties are requires_grad and grad", name);
}

static int tensor_length(lua_State *L) {
    struct handle *handle = ltensor_check(L, 1);
    lua_pushinteger(L, handle->tensor.rank ? (lua_Integer)handle->tensor.shape[0] : 0);
    return 1;
}

/* t:item(): the value of a tensor with one element. */
static int tensor_item(lua_State *L) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    if (tensor_count(t) != 1)
        return lerror(L, "item: expected a tensor with one element, got %s", lpush_shape_of(L, t));
    push_element(L, t, 0);
    return 1;
}

/* The flat position of the indices at stack positions first .. first + rank - 1. */
static size_t check_position(lua_State *L, const struct tensor *t, int first, const char *what) {
    size_t position = 0;
    if (lua_gettop(L) - first + 1 != t->rank)
        lerror(L, "%s: expected %d indices for %s, got %d", what, t->rank, lpush_shape_of(L, t),
               lua_gettop(L) - first + 1);
    for (int axis = 0; axis < t->rank; axis++)
        position = position * t->shape[axis] +
                   (size_t)lcheck_integer(L, first + axis, what, 1, (lua_Integer)t->shape[axis]) - 1;
    return position;
}

static int tensor_get_element(lua_State *L) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    push_element(L, t, check_position(L, t, 2, "get"));
    return 1;
}

static int tensor_set_element(lua_State *L) {
    struct handle *handle = check_writable(L, 1);
    const struct tensor *t = &handle->tensor;
    double value = lcheck_element(L, 2, "set", t->dtype);
    size_t position = check_position(L, t, 3, "set");
    lhandle_changed(handle);
    tensor_set(t, position, value);
    return 0;
}

static int fill_elements(lua_State *L) {
    struct handle *handle = check_writable(L, 1);
    set_all(L, handle, &handle->tensor, lcheck_element(L, 2, "fill", handle->tensor.dtype));
    lua_settop(L, 1);
    return 1;
}

/* t:copy(source): the elements of source, broadcast and converted, into t. */
static int tensor_copy_from(lua_State *L) {
    struct handle *handle = check_writable(L, 1), *from = ltensor_check(L, 2);
    const struct tensor *t = &handle->tensor, *source = &from->tensor;
    int rank;
    size_t shape[TENSOR_MAX_RANK];
    if (!tensor_broadcast(t, source, &rank, shape) || rank != t->rank ||
        memcmp(shape, t->shape, sizeof *shape * (size_t)rank) != 0)
        return lerror(L, "copy: %s does not fit into %s", lpush_shape_of(L, source), lpush_shape_of(L, t));
    if (dtype_is_float(source->dtype) && !dtype_is_float(t->dtype))
        return lerror(L, "copy: expected whole numbers for %s, got %s; convert with :int() first",
                      dtype_names[t->dtype], dtype_names[source->dtype]);
    check_no_history(L, "copy", from);
    lcheck_range(L, "copy", source, t->dtype);
    struct tensor expanded = tensor_expand(source, rank, shape);
    lhandle_written(handle, t, from);
    copy_apart(L, &expanded, t, from->storage == handle->storage);
    lua_settop(L, 1);
    return 1;
}

static int tensor_bytes_string(lua_State *L) {
    const struct tensor *t = lpush_contiguous(L, 1, "bytes", ltensor_check(L, 1)->tensor.dtype);
    lua_pushlstring(L, t->data, tensor_bytes(t));
    return 1;
}

static void push_nested(lua_State *L, const struct tensor *t, int axis, size_t *position) {
    if (axis == t->rank) {
        push_element(L, t, (*position)++);
        if (*position % INTERRUPT_ELEMENTS == 0) lcheck_interrupt(L);
        return;
    }
    luaL_checkstack(L, 4, "totable");
    lua_createtable(L, t->shape[axis] < 1 << 24 ? (int)t->shape[axis] : 0, 0);
    for (size_t i = 0; i < t->shape[axis]; i++) {
        push_nested(L, t, axis + 1, position);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* The shape is there after the elements are gone. */
static int tensor_count_elements(lua_State *L) {
    const struct handle *handle = ltensor_test(L, 1);
    if (!handle) handle = ltensor_check(L, 1); /* raises */
    lua_pushinteger(L, (lua_Integer)tensor_count(&handle->tensor));
    return 1;
}

static int totable(lua_State *L) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    size_t position = 0;
    push_nested(L, t, 0, &position);
    return 1;
}

void lopen_element(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"item", tensor_item},   {"get", tensor_get_element},      {"set", tensor_set_element},
        {"fill", fill_elements}, {"copy", tensor_copy_from},       {"bytes", tensor_bytes_string},
        {"totable", totable},    {"count", tensor_count_elements}, {NULL, NULL},
    };
    static const luaL_Reg metamethods[] = {{"__newindex", tensor_newindex}, {"__len", tensor_length}, {NULL, NULL}};
    lua_getfield(L, -1, "metatable");
    luaL_setfuncs(L, metamethods, 0);
    lua_getfield(L, -2, "methods");
    luaL_setfuncs(L, functions, 0);
    lua_getglobal(L, "ipairs");
    lua_pushvalue(L, -1);
    lua_setfield(L, -4, "__pairs");
    lua_newtable(L);
    lua_call(L, 1, 1);
    push_metatable_of_shapes(L);
    lua_pushcclosure(L, tensor_index, 3);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, is_parameter);
    lua_setfield(L, -2, "is_parameter");
}
