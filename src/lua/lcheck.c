/* Checks of arguments. See lcheck.h. */
#include "lcheck.h"

#include <math.h>
#include <string.h>

/* What elements of the types without fractions can hold. */
static const struct {
    double low, high;
} whole[DTYPE_COUNT] = {[UINT8] = {0, 255}, [INT32] = {-2147483648.0, 2147483647.0}};

const char *lpush_shape(lua_State *L, int rank, const size_t *shape) {
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    luaL_addchar(&text, '[');
    for (int axis = 0; axis < rank; axis++) {
        if (axis > 0) luaL_addstring(&text, ", ");
        lua_pushinteger(L, (lua_Integer)shape[axis]);
        luaL_addvalue(&text);
    }
    luaL_addchar(&text, ']');
    luaL_pushresult(&text);
    return lua_tostring(L, -1);
}

const char *lpush_shape_of(lua_State *L, const struct tensor *t) { return lpush_shape(L, t->rank, t->shape); }

void lpush_lengths(lua_State *L, const struct tensor *t) {
    lua_createtable(L, t->rank, 0);
    for (int axis = 0; axis < t->rank; axis++) {
        lua_pushinteger(L, (lua_Integer)t->shape[axis]);
        lua_rawseti(L, -2, axis + 1);
    }
}

const char *lpush_position(lua_State *L, const struct tensor *t, size_t flat) {
    size_t place[TENSOR_MAX_RANK];
    if (t->rank < 2) return lua_pushfstring(L, "%I", (LUAI_UACINT)flat + 1);
    for (int axis = t->rank - 1; axis >= 0; axis--) {
        place[axis] = flat % t->shape[axis] + 1;
        flat /= t->shape[axis];
    }
    return lpush_shape(L, t->rank, place);
}

const char *lpush_kind(lua_State *L, int index) {
    index = lua_absindex(L, index);
    if (luaL_getmetafield(L, index, "kind") == LUA_TFUNCTION) {
        lua_pushvalue(L, index);
        lua_call(L, 1, 1);
        if (lua_type(L, -1) == LUA_TSTRING) return lua_tostring(L, -1);
    }
    return lua_pushstring(L, luaL_typename(L, index));
}

void lcheck_most(lua_State *L, const char *what, int most) {
    for (int i = most + 1; i <= lua_gettop(L); i++)
        if (!lua_isnil(L, i) && !(most == 1 && lua_rawequal(L, 1, i)))
            lerror(L, "%s: expected at most %d argument%s, the tensor counted, got %d", what, most,
                   most == 1 ? "" : "s", lua_gettop(L));
    lua_settop(L, most);
}

lua_Integer lcheck_integer(lua_State *L, int index, const char *what, lua_Integer low, lua_Integer high) {
    int exact;
    lua_Integer value = lua_tointegerx(L, index, &exact);
    if (exact && lua_type(L, index) == LUA_TNUMBER && value >= low && value <= high) return value;
    const char *got;
    if (lua_type(L, index) == LUA_TNUMBER) {
        lua_pushvalue(L, index);
        got = isnan(lua_tonumber(L, -1)) ? "nan" : lua_tostring(L, -1); /* the sign of a NaN says nothing */
    } else {
        got = lpush_kind(L, index);
    }
    if (low == LUA_MININTEGER && high == LUA_MAXINTEGER)
        return lerror(L, "%s: expected a whole number, got %s", what, got);
    if (high == LUA_MAXINTEGER)
        return lerror(L, "%s: expected a whole number of at least %I, got %s", what, (LUAI_UACINT)low, got);
    if (high < low) return lerror(L, "%s: nothing to choose from (it is empty), got %s", what, got);
    return lerror(L, "%s: expected a whole number from %I to %I, got %s", what, (LUAI_UACINT)low, (LUAI_UACINT)high,
                  got);
}

double lcheck_element(lua_State *L, int index, const char *what, enum dtype dtype) {
    int ok;
    double value = lua_tonumberx(L, index, &ok);
    if (!ok || lua_type(L, index) != LUA_TNUMBER)
        lerror(L, "%s: expected a number, got %s", what, lpush_kind(L, index));
    double low = whole[dtype].low, high = whole[dtype].high;
    if (!dtype_is_float(dtype) && !(value >= low && value <= high && value == (double)(int64_t)value)) {
        lua_pushvalue(L, index);
        lerror(L, "%s: expected a whole number from %d to %d for %s, got %s", what, (int)low, (int)high,
               dtype_names[dtype], lua_tostring(L, -1));
    }
    return value;
}

/* The largest whole key of a list, at least `length`, among those that lua_next gives behind the key on the stack.
 */
static size_t last_key(lua_State *L, int index, lua_Integer length) {
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        if (lua_isinteger(L, -1) && lua_tointeger(L, -1) > length) length = lua_tointeger(L, -1);
    }
    return (size_t)length;
}

size_t lcheck_length(lua_State *L, int index) {
    index = lua_absindex(L, index);
    lua_pushnil(L);
    return last_key(L, index, 0);
}

size_t lcheck_row(lua_State *L, int index) {
    index = lua_absindex(L, index);
    lua_Integer length = (lua_Integer)lua_rawlen(L, index);
    if (length > 0)
        lua_pushinteger(L, length);
    else
        lua_pushnil(L);
    return last_key(L, index, length);
}

size_t lcheck_list(lua_State *L, int index, const char *what, const char *expected) {
    index = lua_absindex(L, index);
    if (lua_type(L, index) == LUA_TTABLE) {
        size_t length = lcheck_length(L, index);
        if (length > 0) return length;
        lua_pushnil(L);
        if (!lua_next(L, index)) return 0;
        lua_pop(L, 2);
    }
    const char *got = lpush_kind(L, index);
    return (size_t)lerror(L, "%s: expected %s, got %s", what, expected,
                          strcmp(got, "table") == 0 ? "a table with other keys" : got);
}

int lcheck_shape(lua_State *L, int index, const char *what, size_t *shape) {
    lua_Integer rank = (lua_Integer)lcheck_list(L, index, what, "a shape such as {2, 3}");
    if (rank > TENSOR_MAX_RANK)
        return lerror(L, "%s: expected at most %d axes, got %I", what, TENSOR_MAX_RANK, (LUAI_UACINT)rank);
    for (lua_Integer axis = 1; axis <= rank; axis++) {
        lua_rawgeti(L, index, axis);
        shape[axis - 1] = (size_t)lcheck_integer(L, lua_gettop(L), what, 0, PTRDIFF_MAX);
        lua_pop(L, 1);
    }
    return (int)rank;
}

int lcheck_axis(lua_State *L, int index, const char *what, const struct tensor *t) {
    lua_Integer given = lua_tointeger(L, index);
    if (given >= 1 && given <= t->rank && lua_isinteger(L, index)) return (int)given - 1; /* without a message */
    if (lua_type(L, index) == LUA_TTABLE)
        return lerror(L, "%s: axis: expected a whole number from 1 to %d, got table; one axis a call", what,
                      t->rank);
    if (t->rank > 0 && lua_type(L, index) == LUA_TNUMBER && lua_tonumber(L, index) < 1) {
        lua_pushvalue(L, index);
        return lerror(L, "%s: axis: expected a whole number from 1 to %d, got %s; the last axis is %d", what,
                      t->rank, lua_tostring(L, -1), t->rank);
    }
    lua_pushfstring(L, "%s: axis", what);
    int axis = (int)lcheck_integer(L, index, lua_tostring(L, -1), 1, t->rank) - 1;
    lua_pop(L, 1);
    return axis;
}

enum dtype lcheck_dtype(lua_State *L, int index, const char *what, enum dtype otherwise) {
    if (lua_isnoneornil(L, index)) return otherwise;
    const char *name = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : lpush_kind(L, index);
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++)
        if (strcmp(name, dtype_names[dtype]) == 0) return (enum dtype)dtype;
    return (enum dtype)lerror(L, "%s: expected the type float32, float64, uint8 or int32, got %s", what, name);
}

enum dtype lcheck_floats(lua_State *L, const char *what, const struct tensor *a, const struct tensor *b) {
    if (!dtype_is_float(a->dtype) || a->dtype != b->dtype)
        lerror(L, "%s: expected two float tensors of one type, got %s and %s; convert with :float()", what,
               dtype_names[a->dtype], dtype_names[b->dtype]);
    return a->dtype;
}

void lcheck_range(lua_State *L, const char *what, const struct tensor *t, enum dtype dtype) {
    if (dtype_is_float(dtype) || t->dtype == dtype || t->dtype == UINT8) return;
    size_t count = tensor_count(t);
    for (size_t i = 0; i < count; i++) {
        if (i % INTERRUPT_ELEMENTS == 0) lcheck_interrupt(L);
        double value = tensor_get(t, i);
        if (!(value > whole[dtype].low - 1 && value < whole[dtype].high + 1))
            lerror(L, "%s: element %I is %f, which %s cannot hold", what, (LUAI_UACINT)i + 1, value,
                   dtype_names[dtype]);
    }
}

void lnew_metatable(lua_State *L, const char *name, const luaL_Reg *functions) {
    luaL_newmetatable(L, name);
    luaL_setfuncs(L, functions, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

void *lnew_object(lua_State *L, size_t size, const char *name) {
    void *object = memset(lua_newuserdatauv(L, size, 0), 0, size);
    luaL_setmetatable(L, name);
    return object;
}

void *lnew_closing(lua_State *L, size_t size, const char *name) {
    void *object = lnew_object(L, size, name);
    lua_toclose(L, -1);
    return object;
}
