/* Optimiser steps over lists of parameters. Parameters without a gradient are left alone. */
#include "ltensor.h"

#include "../core/optim.h"
#include "lstorage.h"

/* The elements of the contiguous tensor list[i] at stack index `list`, of the parameter's type and shape. */
static void *list_data(lua_State *L, int list, lua_Integer i, const struct tensor *like, const char *what) {
    lua_rawgeti(L, list, i);
    const struct tensor *t = &ltensor_check(L, lua_gettop(L))->tensor;
    if (t->dtype != like->dtype || !tensor_same_shape(t, like) || !tensor_is_contiguous(t))
        lerror(L, "step: %s %I: expected a contiguous %s %s like its parameter, got %s %s", what, (LUAI_UACINT)i,
               dtype_names[like->dtype], lpush_shape(L, like->rank, like->shape), dtype_names[t->dtype],
               lpush_shape(L, t->rank, t->shape));
    lua_pop(L, 1); /* the list keeps it */
    return t->data;
}

/* Fills an array, kept alive on the stack, from the lists at 1 (parameters), and at moment1 and moment2 (0: none).
 */
static struct optim_parameter *collect(lua_State *L, int moment1, int moment2, size_t *count) {
    lua_Integer length = (lua_Integer)lua_rawlen(L, 1);
    struct optim_parameter *list = lua_newuserdatauv(L, sizeof *list * (size_t)(length + 1), 0);
    *count = 0;
    for (lua_Integer i = 1; i <= length; i++) {
        lua_rawgeti(L, 1, i);
        const struct tensor *p = &ltensor_check(L, lua_gettop(L))->tensor;
        lua_getiuservalue(L, -1, SLOT_GRAD);
        struct handle *gradient = lua_touserdata(L, -1);
        if (gradient) {
            if (!dtype_is_float(p->dtype) || !tensor_is_contiguous(p))
                lerror(L, "step: parameter %I: expected a contiguous float tensor", (LUAI_UACINT)i);
            ltensor_check(L, lua_gettop(L));
            if (gradient->storage == ((struct handle *)lua_touserdata(L, -2))->storage)
                lerror(L, "step: parameter %I: its gradient shares its memory; use a :clone()", (LUAI_UACINT)i);
            struct optim_parameter *entry = &list[(*count)++];
            size_t columns = p->rank ? p->shape[p->rank - 1] : 1;
            *entry = (struct optim_parameter){.dtype = p->dtype, .columns = columns, .parameter = p->data};
            entry->rows = columns ? tensor_count(p) / columns : 0;
            entry->gradient = gradient->tensor.data;
            lhandle_changed(lua_touserdata(L, -2));
            if (moment1) entry->moment1 = list_data(L, moment1, i, p, "first moment");
            if (moment2) entry->moment2 = list_data(L, moment2, i, p, "second moment");
        }
        lua_pop(L, 2);
    }
    return list;
}

/* adam(parameters, moments1, moments2, rate, beta1, beta2, epsilon); see struct adam_step. */
static int adam(lua_State *L) {
    size_t count;
    for (int i = 1; i <= 3; i++) luaL_checktype(L, i, LUA_TTABLE);
    struct adam_step step = {.rate = luaL_checknumber(L, 4),
                             .beta1 = luaL_checknumber(L, 5),
                             .beta2 = luaL_checknumber(L, 6),
                             .epsilon = luaL_checknumber(L, 7)};
    struct optim_parameter *list = collect(L, 2, 3, &count);
    optim_adam(list, count, &step);
    return 0;
}

/* sgd(parameters, velocities or nil, rate, momentum) */
static int sgd(lua_State *L) {
    size_t count;
    luaL_checktype(L, 1, LUA_TTABLE);
    bool velocity = !lua_isnil(L, 2);
    if (velocity) luaL_checktype(L, 2, LUA_TTABLE);
    double rate = luaL_checknumber(L, 3), momentum = luaL_checknumber(L, 4);
    struct optim_parameter *list = collect(L, velocity ? 2 : 0, 0, &count);
    optim_sgd(list, count, rate, momentum);
    return 0;
}

void lopen_optim(lua_State *L) {
    lua_pushcfunction(L, adam);
    lua_setfield(L, -2, "adam");
    lua_pushcfunction(L, sgd);
    lua_setfield(L, -2, "sgd");
}
