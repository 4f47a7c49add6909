/* Errors at the user's line. See lerror.h. */
#include "lerror.h"

#include "../core/interrupt.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

static const char prefix_key; /* registry: what the chunk names of the library's own modules start with */
static const char place_key;  /* registry: a function from a message to one that says where in a model it arose */
static const char latest_key; /* registry: the message of the latest error that lerror raised */

/* core.library(prefix): frames of chunks whose source starts with the prefix are skipped in error positions. */
static int set_library(lua_State *L) {
    luaL_checkstring(L, 1);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &prefix_key);
    return 0;
}

/* core.place(f): f(message) may put in front what the library was doing when the error arose. */
static int set_place(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &place_key);
    return 0;
}

/* The message on top of the stack gets its place; it stays as it is where finding that fails, or is under way. */
static void add_place(lua_State *L) {
    if (!lua_checkstack(L, 4)) return;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &place_key) == LUA_TFUNCTION) {
        lua_pushnil(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &place_key);
        lua_pushvalue(L, -1);
        lua_pushvalue(L, -3);
        bool placed = lua_pcall(L, 1, 1, 0) == LUA_OK && lua_isstring(L, -1);
        lua_insert(L, -2);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &place_key);
        if (placed) lua_copy(L, -1, -2);
    }
    lua_pop(L, 1);
}

/* The level of the innermost frame of a script; -1 where none is on the stack or the library is not yet open. */
static int script_level(lua_State *L, lua_Debug *frame) {
    int found = -1;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &prefix_key);
    const char *prefix = lua_tostring(L, -1);
    for (int level = 0; found < 0 && prefix && lua_getstack(L, level, frame); level++) {
        lua_getinfo(L, "Sl", frame);
        if (frame->currentline > 0 && strncmp(frame->source, prefix, strlen(prefix)) != 0) found = level;
    }
    lua_pop(L, 1);
    return found;
}

/* Pushes "script.lua:12: ", or "" where there is no such line. */
static void push_position(lua_State *L) {
    lua_Debug frame;
    if (script_level(L, &frame) >= 0)
        lua_pushfstring(L, "%s:%d: ", frame.short_src, frame.currentline);
    else
        lua_pushliteral(L, "");
}

int lerror_level(lua_State *L, int index) {
    lua_Debug frame;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &latest_key);
    bool ours = lua_type(L, index) == LUA_TSTRING && lua_rawequal(L, index, -1);
    lua_pop(L, 1);
    int level = ours ? script_level(L, &frame) : -1;
    return ours && level < 0 ? 0 : level;
}

int lerror(lua_State *L, const char *format, ...) {
    va_list arguments;
    push_position(L);
    va_start(arguments, format);
    lua_pushvfstring(L, format, arguments);
    va_end(arguments);
    add_place(L);
    lua_concat(L, 2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &latest_key);
    return lua_error(L);
}

/* core.raise(message): the same for the library's Lua modules. */
static int raise(lua_State *L) { return lerror(L, "%s", luaL_checkstring(L, 1)); }

void lcheck_interrupt(lua_State *L) {
    if (interrupt_pending() && interrupt_take()) lerror(L, "interrupted");
}

void lopen_error(lua_State *L) {
    lua_pushcfunction(L, set_library);
    lua_setfield(L, -2, "library");
    lua_pushcfunction(L, set_place);
    lua_setfield(L, -2, "place");
    lua_pushcfunction(L, raise);
    lua_setfield(L, -2, "raise");
}
