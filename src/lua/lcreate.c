/* Making tensors from shapes, numbers, nested tables and bytes. */
#include "ltensor.h"

#include "../core/copy.h"

#include <math.h>
#include <stdint.h>

/* full(shape, value, dtype, name of the operation or nil) */
static int full(lua_State *L) {
    size_t shape[TENSOR_MAX_RANK];
    const char *what = luaL_optstring(L, 4, "full");
    int rank = lcheck_shape(L, 1, what, shape);
    enum dtype dtype = lcheck_dtype(L, 3, what, FLOAT32);
    double value = lcheck_element(L, 2, what, dtype);
    struct tensor *t = ltensor_new(L, what, dtype, rank, shape);
    tensor_fill(t, value);
    lcheck_interrupt(L);
    return 1;
}

/* arange(first, last, step, dtype): first, first + step, ... up to and including last. */
static int arange(lua_State *L) {
    enum dtype dtype = lcheck_dtype(L, 4, "arange", FLOAT32);
    double first = lcheck_element(L, 1, "arange: first", FLOAT64);
    double last = lcheck_element(L, 2, "arange: last", FLOAT64);
    double step = lua_isnoneornil(L, 3) ? 1 : lcheck_element(L, 3, "arange: step", FLOAT64);
    if (step == 0 || !isfinite(step))
        return lerror(L, "arange: expected a finite step other than zero, got %f", step);
    double steps = (last - first) / step;
    if (!(fabs(steps) < 9007199254740992.0)) /* 2^53 */
        return lerror(L, "arange: from %f to %f in steps of %f is not a finite range", first, last, step);
    size_t count = steps < 0 ? 0 : (size_t)(steps + 1e-9) + 1;
    const size_t places[] = {0, count > 1, count - 1}; /* where these fit the type, all do */
    for (int i = 0; i < 3 && count > 0; i++) {
        lua_pushnumber(L, first + (double)places[i] * step);
        int is_whole;
        lua_Integer whole = lua_tointegerx(L, -1, &is_whole);
        if (is_whole) lua_pushinteger(L, whole), lua_replace(L, -2);
        lcheck_element(L, -1, "arange", dtype);
        lua_pop(L, 1);
    }
    struct tensor *t = ltensor_new(L, "arange", dtype, 1, &count);
    tensor_ramp(t, first, step);
    lcheck_interrupt(L);
    return 1;
}

/* linspace(first, last, count, dtype): first, count - 2 numbers at equal distances, last. */
static int linspace(lua_State *L) {
    double first = lcheck_element(L, 1, "linspace: first", FLOAT64);
    double last = lcheck_element(L, 2, "linspace: last", FLOAT64);
    size_t count = (size_t)lcheck_integer(L, 3, "linspace: count", 0, LUA_MAXINTEGER);
    enum dtype dtype = lcheck_dtype(L, 4, "linspace", FLOAT32);
    if (!dtype_is_float(dtype))
        return lerror(L, "linspace: expected float32 or float64, got %s; fnet.arange makes whole numbers",
                      dtype_names[dtype]);
    if (!isfinite(last - first)) return lerror(L, "linspace: from %f to %f is not a finite range", first, last);
    struct tensor *t = ltensor_new(L, "linspace", dtype, 1, &count);
    tensor_ramp(t, first, count > 1 ? (last - first) / (double)(count - 1) : 0);
    if (count > 1) tensor_set(t, count - 1, last);
    lcheck_interrupt(L);
    return 1;
}

static const char LIST[] = "a table of numbers (nested for more axes)";

/* The shape of a nested table, from its first elements. */
static int nested_shape(lua_State *L, int index, size_t *shape) {
    int rank = 0;
    lua_pushvalue(L, index);
    while (lua_type(L, -1) == LUA_TTABLE) {
        if (rank == TENSOR_MAX_RANK) return lerror(L, "tensor: expected at most %d levels", TENSOR_MAX_RANK);
        size_t length = lcheck_row(L, -1);
        shape[rank++] = length > 0 ? length : lcheck_list(L, -1, "tensor", LIST);
        lua_rawgeti(L, -1, 1);
        lua_remove(L, -2);
        if (shape[rank - 1] == 0) break;
    }
    lua_pop(L, 1);
    return rank;
}

/* Fills t from the value on top of the stack; `position` counts elements. */
static void fill_nested(lua_State *L, const struct tensor *t, int axis, size_t *position) {
    if (axis == t->rank) {
        if (ltensor_test(L, -1))
            lerror(L, "tensor: element %I: expected a number, got %s; fnet.stack and fnet.concat join tensors",
                   (LUAI_UACINT)*position + 1, lpush_kind(L, -1));
        if (lua_type(L, -1) == LUA_TNUMBER && dtype_is_float(t->dtype)) { /* fits; naming each place takes long */
            tensor_set(t, *position, lua_tonumber(L, -1));
        } else {
            lua_pushfstring(L, "tensor: element %I", (LUAI_UACINT)*position + 1);
            tensor_set(t, *position, lcheck_element(L, -2, lua_tostring(L, -1), t->dtype));
            lua_pop(L, 1);
        }
        if (++*position % INTERRUPT_ELEMENTS == 0) lcheck_interrupt(L);
        return;
    }
    luaL_checkstack(L, 8, "tensor");
    bool table = lua_type(L, -1) == LUA_TTABLE;
    size_t length = table ? lcheck_row(L, -1) : 0;
    if (!table || length != t->shape[axis]) {
        const char *got = table ? lua_pushfstring(L, "%I entries", (LUAI_UACINT)length) : lpush_kind(L, -1);
        lerror(L, "tensor: rows must be equally long: expected %I entries at level %d after element %I, got %s",
               (LUAI_UACINT)t->shape[axis], axis + 1, (LUAI_UACINT)*position, got);
    }
    for (size_t i = 0; i < t->shape[axis]; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        fill_nested(L, t, axis + 1, position);
        lua_pop(L, 1);
    }
}

/* tensor(nested table or number, dtype) */
static int from_table(lua_State *L) {
    size_t shape[TENSOR_MAX_RANK], position = 0;
    bool is_list = lua_type(L, 1) == LUA_TTABLE && lcheck_row(L, 1) > 0;
    if (lua_type(L, 1) != LUA_TNUMBER && !is_list) lcheck_list(L, 1, "tensor", LIST);
    enum dtype dtype = lcheck_dtype(L, 2, "tensor", FLOAT32);
    int rank = nested_shape(L, 1, shape);
    struct tensor *t = ltensor_new(L, "tensor", dtype, rank, shape);
    lua_pushvalue(L, 1);
    fill_nested(L, t, 0, &position);
    lua_pop(L, 1);
    return 1;
}

/* from_bytes(string, shape, dtype): native byte order, row-major. */
static int from_bytes(lua_State *L) {
    size_t length, shape[TENSOR_MAX_RANK];
    if (lua_type(L, 1) != LUA_TSTRING) return lerror(L, "from_bytes: expected a string, got %s", lpush_kind(L, 1));
    const char *bytes = lua_tolstring(L, 1, &length);
    int rank = lcheck_shape(L, 2, "from_bytes", shape);
    struct tensor layout;
    enum dtype dtype = lcheck_dtype(L, 3, "from_bytes", FLOAT32);
    if (!tensor_layout(&layout, dtype, rank, shape) || tensor_bytes(&layout) != length)
        return lerror(L, "from_bytes: expected the bytes of %s of %s, got a string of %I bytes",
                      lpush_shape(L, rank, shape), dtype_names[dtype], (LUAI_UACINT)length);
    layout.data = (void *)(uintptr_t)bytes;
    ltensor_copy(L, "from_bytes", dtype, &layout);
    return 1;
}

/* length(table): see lcheck_length. */
static int length_of(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_pushinteger(L, (lua_Integer)lcheck_length(L, 1));
    return 1;
}

void lopen_create(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"full", full},         {"arange", arange},         {"linspace", linspace},
        {"tensor", from_table}, {"from_bytes", from_bytes}, {"length", length_of},
        {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
}
