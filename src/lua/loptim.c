/* Optimiser steps over lists of parameters. Parameters without a gradient are left alone, and so are those that are
   frozen, that is, do not require gradients. */
#include "ltensor.h"

#include "../core/optim.h"

/* The elements of the contiguous tensor list[i] at stack index `list`, of the parameter's type and shape. */
static void *list_data(lua_State *L, int list, lua_Integer i, const struct tensor *like, const char *what) {
    lua_rawgeti(L, list, i);
    const struct tensor *t = &ltensor_check(L, lua_gettop(L))->tensor;
    if (!tensor_alike(t, like) || !tensor_is_contiguous(t))
        lerror(L, "step: %s %I: expected a contiguous %s %s like its parameter, got %s %s", what, (LUAI_UACINT)i,
               dtype_names[like->dtype], lpush_shape_of(L, like), dtype_names[t->dtype], lpush_shape_of(L, t));
    lua_pop(L, 1); /* the list keeps it */
    return t->data;
}

static void check_changeable(lua_State *L, lua_Integer i, const struct tensor *p) {
    if (dtype_is_float(p->dtype) && tensor_is_contiguous(p)) return;
    lerror(L, "step: parameter %I: expected a contiguous float tensor", (LUAI_UACINT)i);
}

/* The elements of a float tensor seen as a matrix; the gradient and the moments are for the caller. */
static struct optim_parameter matrix_of(const struct tensor *p) {
    size_t columns = p->rank ? p->shape[p->rank - 1] : 1;
    return (struct optim_parameter){.dtype = p->dtype,
                                    .rows = columns ? tensor_count(p) / columns : 0,
                                    .columns = columns,
                                    .parameter = p->data};
}

enum change { NOTHING, GRADIENTS, PARAMETERS };

/* Fills an array, kept alive on the stack, from the lists at `parameters`, moment1 and moment2 (0: none), and
   notes what is going to change. */
static struct optim_parameter *collect(lua_State *L, int parameters, int moment1, int moment2, enum change change,
                                       size_t *count) {
    lua_Integer length = (lua_Integer)lua_rawlen(L, parameters);
    struct optim_parameter *list = lua_newuserdatauv(L, sizeof *list * (size_t)(length + 1), 0);
    *count = 0;
    for (lua_Integer i = 1; i <= length; i++) {
        lua_rawgeti(L, parameters, i);
        struct handle *handle = ltensor_check(L, lua_gettop(L));
        const struct tensor *p = &handle->tensor;
        lua_getiuservalue(L, -1, SLOT_GRAD);
        struct handle *gradient = lua_touserdata(L, -1);
        if (gradient && handle->requires_grad) {
            check_changeable(L, i, p);
            ltensor_check(L, lua_gettop(L));
            if (gradient->storage == handle->storage)
                lerror(L, "step: parameter %I: its gradient shares its memory; use a :clone()", (LUAI_UACINT)i);
            struct optim_parameter *entry = &list[(*count)++];
            *entry = matrix_of(p);
            entry->gradient = gradient->tensor.data;
            if (change == PARAMETERS && (entry->rows_set = lhandle_rows(gradient))) {
                entry->rows = p->shape[0]; /* those of the set */
                entry->columns = tensor_count(p) / entry->rows;
            }
            if (change == PARAMETERS) lhandle_changed(handle);
            if (change == GRADIENTS) lhandle_changed(gradient);
            if (moment1) entry->moment1 = list_data(L, moment1, i, p, "first moment");
            if (moment2) entry->moment2 = list_data(L, moment2, i, p, "second moment");
        }
        lua_pop(L, 2);
    }
    return list;
}

/* In the order of enum optim_rule: its name, and those of its moments, "" where it has none. */
static const char *const rule_names[] = {
#define OPTIM(NAME, rule, m, v) #rule,
#include "../kernels/operations.inc"
    NULL,
};
static const char *const moment_names[][2] = {
#define OPTIM(NAME, rule, m, v) {m, v},
#include "../kernels/operations.inc"
};

/* optimise(rule, parameters, moments1, moments2, rate, decay, fade, beta1, beta2, epsilon): one step; see struct
    optim_step. Numbers that are left out are 0; moments that the rule does not have are ignored. Gives the number
    of parameters that had a gradient. */
static int optimise(lua_State *L) {
    enum optim_rule rule = (enum optim_rule)luaL_checkoption(L, 1, NULL, rule_names);
    int moments[2];
    luaL_checktype(L, 2, LUA_TTABLE);
    for (int i = 0; i < 2; i++) {
        moments[i] = *moment_names[rule][i] ? 3 + i : 0;
        if (moments[i]) luaL_checktype(L, moments[i], LUA_TTABLE);
    }
    struct optim_step step = {.rate = luaL_checknumber(L, 5),
                              .decay = luaL_optnumber(L, 6, 0),
                              .fade = luaL_optnumber(L, 7, 0),
                              .beta1 = luaL_optnumber(L, 8, 0),
                              .beta2 = luaL_optnumber(L, 9, 0),
                              .epsilon = luaL_optnumber(L, 10, 0)};
    size_t count;
    struct optim_parameter *list = collect(L, 2, moments[0], moments[1], PARAMETERS, &count);
    optim_update(list, count, rule, &step);
    lua_pushinteger(L, (lua_Integer)count);
    return 1;
}

/* moving(parameters): how many of them a step would change; where these are some but not all, also a list that says
   of each whether it is one. */
static int moving(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer length = (lua_Integer)lua_rawlen(L, 1), count = 0;
    bool *moves = lua_newuserdatauv(L, (size_t)length + 1, 0);
    for (lua_Integer i = 1; i <= length; i++) {
        lua_rawgeti(L, 1, i);
        const struct handle *handle = ltensor_check(L, lua_gettop(L));
        moves[i] = lua_getiuservalue(L, -1, SLOT_GRAD) != LUA_TNIL && handle->requires_grad;
        count += moves[i];
        lua_pop(L, 2);
    }
    lua_pushinteger(L, count);
    if (count == 0 || count == length) return 1;
    lua_createtable(L, (int)length, 0);
    for (lua_Integer i = 1; i <= length; i++) {
        lua_pushboolean(L, moves[i]);
        lua_rawseti(L, -2, i);
    }
    return 2;
}

/* average(averages, parameters, keep): average += keep * (parameter - average), for each of two lists. */
static int average(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TTABLE);
    struct optim_step step = {.beta1 = 1 - luaL_checknumber(L, 3)};
    size_t count = (size_t)lua_rawlen(L, 1);
    struct optim_parameter *list = lua_newuserdatauv(L, sizeof *list * (count + 1), 0);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, 1, (lua_Integer)i + 1);
        struct handle *handle = ltensor_check(L, lua_gettop(L));
        check_changeable(L, (lua_Integer)i + 1, &handle->tensor);
        list[i] = matrix_of(&handle->tensor);
        list[i].gradient = list_data(L, 2, (lua_Integer)i + 1, &handle->tensor, "parameter");
        lhandle_changed(handle);
        lua_pop(L, 1);
    }
    optim_update(list, count, OPTIM_AVERAGE, &step);
    return 0;
}

/* gradient_norm(parameters) */
static int gradient_norm(lua_State *L) {
    size_t count;
    luaL_checktype(L, 1, LUA_TTABLE);
    struct optim_parameter *list = collect(L, 1, 0, 0, NOTHING, &count);
    lua_pushnumber(L, optim_norm(list, count));
    return 1;
}

/* change_gradients(parameters, value, limits): times the value, or limited to [-value, value]. */
static int change_gradients(lua_State *L) {
    size_t count;
    luaL_checktype(L, 1, LUA_TTABLE);
    double value = luaL_checknumber(L, 2);
    bool limits = lua_toboolean(L, 3);
    struct optim_parameter *list = collect(L, 1, 0, 0, GRADIENTS, &count);
    (limits ? optim_limit : optim_scale)(list, count, value);
    return 0;
}

void lopen_optim(lua_State *L) {
    static const luaL_Reg functions[] = {{"optimise", optimise},
                                         {"moving", moving},
                                         {"average", average},
                                         {"gradient_norm", gradient_norm},
                                         {"change_gradients", change_gradients},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
    lua_newtable(L); /* core.moments[rule]: the names of its moments m at 1 and v at 2 */
    for (int rule = 0; rule < OPTIM_COUNT; rule++) {
        lua_createtable(L, 2, 0);
        for (int i = 0; i < 2; i++) {
            if (!*moment_names[rule][i]) continue;
            lua_pushstring(L, moment_names[rule][i]);
            lua_rawseti(L, -2, i + 1);
        }
        lua_setfield(L, -2, rule_names[rule]);
    }
    lua_setfield(L, -2, "moments");
}
