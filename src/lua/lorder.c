/* The order of elements along an axis, and running sums and products. For lua/fnet/tensor/order.lua and
   running.lua, which have checked the axis. */
#include "ltape.h"

#include "../core/order.h"
#include "../core/scan.h"

#include <string.h>

/* order(x, axis, descending, count, who asks, first): int32, where along the axis the elements lie that come at
   first .. first + count - 1; first is 1 by default. */
static int order(lua_State *L) {
    const struct tensor *x = &ltensor_check(L, 1)->tensor;
    const char *what = luaL_checkstring(L, 5);
    int axis = lcheck_axis(L, 2, what, x);
    size_t n = x->shape[axis];
    if (n > INT32_MAX) return lerror(L, "%s: positions beyond 2^31 do not fit int32", what);
    size_t count = (size_t)lcheck_integer(L, 4, what, 0, (lua_Integer)n);
    size_t first =
        lua_isnoneornil(L, 6) ? 0 : (size_t)lcheck_integer(L, 6, what, 1, (lua_Integer)(n - count) + 1) - 1;
    x = lpush_contiguous(L, 1, what, x->dtype);
    struct tensor layout = *x;
    layout.shape[axis] = count;
    size_t outer = tensor_span(x, 0, axis), inner = tensor_span(x, axis + 1, x->rank);
    struct tensor *y = ltensor_new(L, what, INT32, x->rank, layout.shape);
    size_t memory[] = {order_parts(outer * inner), order_items(n, first + count), sizeof(struct order_item)};
    void *items = ltensor_new(L, what, UINT8, 3, memory)->data;
    order_places(lua_toboolean(L, 3), x, outer, n, inner, first, count, items, y->data);
    lhandle_give_back(L, lua_gettop(L));
    lua_pop(L, 1);
    return 1;
}

/* groups(x, places): x and the order of its elements, both of one axis: the number of each element among the
   different ones, from 1; of each of those the place of its first element; and how often it occurs. All int32. */
static int groups(lua_State *L) {
    const struct tensor *x = &ltensor_check(L, 1)->tensor, *places = &ltensor_check(L, 2)->tensor;
    if (x->rank != 1 || !tensor_is_contiguous(x)) return luaL_argerror(L, 1, "expected one contiguous axis");
    if (places->dtype != INT32 || !tensor_same_shape(places, x) || !tensor_is_contiguous(places))
        return luaL_argerror(L, 2, "expected the places of x");
    size_t n = x->shape[0];
    const int32_t *place = places->data;
    for (size_t i = 0; i < n; i++) luaL_argcheck(L, place[i] >= 1 && (size_t)place[i] <= n, 2, "outside x");
    int32_t *group = ltensor_new(L, "unique", INT32, 1, &n)->data;
    size_t count = order_groups(x, n, place, group);
    int32_t *first = ltensor_new(L, "unique", INT32, 1, &count)->data;
    struct tensor *times = ltensor_new(L, "unique", INT32, 1, &count);
    int32_t *number = memset(times->data, 0, tensor_bytes(times));
    for (size_t i = 0; i < n; i++) {
        int32_t *seen = &number[group[place[i] - 1] - 1];
        if ((*seen)++ == 0) first[group[place[i] - 1] - 1] = place[i];
    }
    return 3;
}

/* scan(a, b, axis, reversed, who asks): see core/scan.h; one of a and b may be nil. Integers give int32, or an
   error where that is too small. */
static int scan(lua_State *L) {
    int given = lua_isnil(L, 1) ? 2 : 1;
    const struct tensor *x = &ltensor_check(L, given)->tensor;
    const char *what = luaL_checkstring(L, 5);
    int axis = lcheck_axis(L, 3, what, x);
    if (given == 1 && !lua_isnil(L, 2) && !tensor_alike(x, &ltensor_check(L, 2)->tensor))
        return luaL_argerror(L, 2, "shape or type differs");
    bool whole = !dtype_is_float(x->dtype);
    enum dtype dtype = whole ? FLOAT64 : x->dtype;
    const void *operand[2];
    for (int i = 0; i < 2; i++)
        operand[i] = lua_isnil(L, i + 1) ? NULL : lpush_contiguous(L, i + 1, what, dtype)->data;
    struct tensor *y = ltensor_new(L, what, dtype, x->rank, x->shape);
    scan_axis(dtype, tensor_span(x, 0, axis), x->shape[axis], tensor_span(x, axis + 1, x->rank), operand[0],
              operand[1], lua_toboolean(L, 4), y->data);
    if (!whole) return 1;
    lcheck_interrupt(L); /* then elements are no numbers */
    const double *values = y->data;
    for (size_t i = 0, count = tensor_count(y); i < count; i++) {
        if (values[i] >= INT32_MIN && values[i] <= INT32_MAX) continue;
        bool joined = strcmp(what, "prod") == 0; /* its axes, so the place is none that the caller knows */
        return lerror(L, "%s: %f%s is outside int32, the type for whole numbers; use t:double():%s()", what,
                      values[i], joined ? "" : lua_pushfstring(L, " at %s", lpush_position(L, y, i)), what);
    }
    ltensor_copy(L, what, INT32, y);
    return 1;
}

void lopen_order(lua_State *L) {
    static const struct operation operations[] = {
        {"order", order, UNRECORDED}, {"groups", groups, UNRECORDED}, {"scan", scan, 5}, {NULL, NULL, 0}};
    lregister_operations(L, operations);
}
