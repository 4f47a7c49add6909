/* What is recorded: what the tape and the gradients say of a tensor. Nothing here changes them. */
#include "lgradient.h"

/* core.leaves(result, marks): the leaves that require gradients and that it depends on, in the order in which a
   walk over what is on the tape meets them; that a part of it was freed is no error. And a list of what the table
   `marks`, which may be left out, has for the tensors met. */
static int leaves(lua_State *L) {
    struct handle *root = ltensor_test(L, 1); /* its elements may have been given back */
    luaL_argexpected(L, root, 1, "tensor");
    lua_Integer count = 1, found = 0, marked = 0;
    enum { MARKS = 2, MET, LEAVES, FOUND };
    lua_settop(L, MARKS);
    bool has_marks = !lua_isnil(L, MARKS);
    if (has_marks) luaL_checktype(L, MARKS, LUA_TTABLE);
    for (int i = MET; i <= FOUND; i++) lua_createtable(L, 8, 0);
    size_t visit = ++ltape_of(L)->visit;
    root->visit = visit;
    lua_pushvalue(L, 1);
    lua_rawseti(L, MET, 1);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, MET, i);
        const struct handle *result = lua_touserdata(L, -1);
        if (has_marks) {
            lua_pushvalue(L, -1);
            if (lua_rawget(L, MARKS) != LUA_TNIL)
                lua_rawseti(L, FOUND, ++marked);
            else
                lua_pop(L, 1);
        }
        if (result->sequence == 0) {
            if (result->requires_grad) lua_rawseti(L, LEAVES, ++found);
            lua_settop(L, FOUND);
            continue;
        }
        int arguments = 0;
        if (lua_getiuservalue(L, -1, SLOT_NODE) == LUA_TUSERDATA)
            arguments = ((struct node *)lua_touserdata(L, -1))->arguments;
        for (int k = 0; k < arguments; k++) {
            lua_getiuservalue(L, -1, NODE_ARGUMENT + k);
            struct handle *argument = ltensor_test(L, -1);
            bool first = argument && argument->requires_grad && argument->visit != visit;
            if (first) {
                argument->visit = visit;
                lua_rawseti(L, MET, ++count);
            } else {
                lua_pop(L, 1);
            }
        }
        lua_settop(L, FOUND);
    }
    return 2;
}

/* core.wants(value): it is a tensor whose gradient is wanted. */
static int wants(lua_State *L) {
    const struct handle *handle = ltensor_test(L, 1);
    lua_pushboolean(L, handle && lgradient_wanted(L, handle));
    return 1;
}

/* core.fits(dy, value): dy, where it may be the value's gradient as it is; nil, where that wants none; else false.
 */
static int fits(lua_State *L) {
    const struct handle *dy = ltensor_check(L, 1), *of = ltensor_test(L, 2);
    lua_settop(L, 1);
    if (!of || !lgradient_wanted(L, of))
        lua_pushnil(L);
    else if (!tensor_alike(&dy->tensor, &of->tensor))
        lua_pushboolean(L, false);
    return 1;
}

/* core.unread_gradient(t): it has a gradient that no script has looked at. */
static int unread_gradient(lua_State *L) {
    ltensor_check(L, 1);
    lua_getiuservalue(L, 1, SLOT_GRAD);
    const struct handle *gradient = ltensor_test(L, -1);
    lua_pushboolean(L, gradient && lhandle_alive(gradient) && gradient->storage->keeper == LEAF);
    return 1;
}

/* core.is_leaf(t): no recorded operation made it. */
static int is_leaf(lua_State *L) {
    lua_pushboolean(L, ltensor_check(L, 1)->sequence == 0);
    return 1;
}

/* core.recorded(t): the operation that made it, by its name or as a script's own backward, and its arguments;
   nothing where none was recorded. */
static int recorded(lua_State *L) {
    const struct handle *result = ltensor_check(L, 1);
    if (result->sequence == 0 || lua_getiuservalue(L, 1, SLOT_NODE) != LUA_TUSERDATA) return 0;
    int node = lua_gettop(L), arguments = ((struct node *)lua_touserdata(L, node))->arguments;
    luaL_checkstack(L, arguments + 1, "too many arguments");
    lua_getiuservalue(L, node, NODE_RULE);
    for (int i = 0; i < arguments; i++) lua_getiuservalue(L, node, NODE_ARGUMENT + i);
    return arguments + 1;
}

void lopen_recorded(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"leaves", leaves},   {"wants", wants},       {"fits", fits}, {"unread_gradient", unread_gradient},
        {"is_leaf", is_leaf}, {"recorded", recorded}, {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
}
