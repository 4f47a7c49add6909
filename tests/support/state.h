/* A state of Lua with an allocator of one's own, for tests written in C. */
#ifndef FNET_STATE_H
#define FNET_STATE_H

#include <lua.h>

/* lua_newstate, which from Lua 5.5 on takes a seed for the hashes of strings too. */
static inline lua_State *new_state(lua_Alloc allocate, void *context) {
#if LUA_VERSION_NUM >= 505
    return lua_newstate(allocate, context, 0);
#else
    return lua_newstate(allocate, context);
#endif
}

#endif
