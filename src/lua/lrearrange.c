/* Elements in other places: flip and triangle, for lua/fnet/tensor/index.lua, which has checked what is given. */
#include "ltape.h"

#include "../core/rearrange.h"

/* flip(t, axis): the positions along the axis from the last to the first. */
static int flip(lua_State *L) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    int axis = lcheck_axis(L, 2, "flip", t);
    t = lpush_contiguous(L, 1, "flip", t->dtype);
    struct tensor *y = ltensor_new(L, "flip", t->dtype, t->rank, t->shape);
    rearrange_flip(tensor_span(t, 0, axis), t->shape[axis], tensor_span(t, axis + 1, t->rank),
                   dtype_sizes[t->dtype], t->data, y->data);
    lhandle_inherit(L, 1);
    return 1;
}

/* triangle(t, upper, diagonal, who asks): of the last two axes what is not above the diagonal, or not below it;
   else zeros. */
static int triangle(lua_State *L) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    const char *what = luaL_checkstring(L, 4);
    luaL_argcheck(L, t->rank >= 2, 1, "expected at least two axes");
    t = lpush_contiguous(L, 1, what, t->dtype);
    struct tensor *y = ltensor_new(L, what, t->dtype, t->rank, t->shape);
    rearrange_triangle(lua_toboolean(L, 2), luaL_checkinteger(L, 3), tensor_span(t, 0, t->rank - 2),
                       t->shape[t->rank - 2], t->shape[t->rank - 1], dtype_sizes[t->dtype], t->data, y->data);
    return 1;
}

void lopen_rearrange(lua_State *L) {
    static const struct operation operations[] = {{"flip", flip, 2}, {"triangle", triangle, 4}, {NULL, NULL, 0}};
    lregister_operations(L, operations);
}
