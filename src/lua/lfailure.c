/* The latest nil, message that the library gave a script. Lua's way is that the script looks at it; where it does
   not, nil turns up elsewhere, or a file is missing in the end. The `fnet` command tells what it was then. See
   lfailure.h. Invariant: what functions give does not depend on anything here. */
#include "lfailure.h"

#include "lerror.h"

#include <lauxlib.h>
#include <string.h>

static const char failures_key; /* registry: the texts of both, and the path of what was not written */

enum { LATEST = 1, UNWRITTEN, PATH };

static void push_failures(lua_State *L) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &failures_key) == LUA_TTABLE) return;
    lua_pop(L, 1);
    lua_createtable(L, PATH, 0);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &failures_key);
}

void lfailure_note(lua_State *L, int message, const char *unwritten) {
    message = lua_absindex(L, message);
    push_failures(L);
    lerror_push_position(L);
    lua_pushvalue(L, message);
    lua_concat(L, 2);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, LATEST);
    if (unwritten && !lerror_is_caught(L)) {
        lua_rawseti(L, -2, UNWRITTEN);
        lua_pushstring(L, unwritten);
        lua_rawseti(L, -2, PATH);
    } else {
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

void lfailure_written(lua_State *L, const char *path) {
    push_failures(L);
    if (lua_rawgeti(L, -1, PATH) == LUA_TSTRING && strcmp(lua_tostring(L, -1), path) == 0) {
        lua_pushnil(L);
        lua_rawseti(L, -3, UNWRITTEN);
    }
    lua_pop(L, 2);
}

const char *lfailure_latest(lua_State *L, bool unwritten) {
    push_failures(L);
    lua_rawgeti(L, -1, unwritten ? UNWRITTEN : LATEST);
    lua_remove(L, -2);
    return lua_tostring(L, -1);
}

/* core.given(value, message, code): these, which a script gets; what goes with a nil is noted. */
static int given(lua_State *L) {
    if (lua_isnoneornil(L, 1) && lua_type(L, 2) == LUA_TSTRING) lfailure_note(L, 2, NULL);
    return lua_gettop(L);
}

void lopen_failure(lua_State *L) {
    lua_pushcfunction(L, given);
    lua_setfield(L, -2, "given");
}
