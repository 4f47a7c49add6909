/* Errors at the user's line and of a kind that code asks for. See lerror.h.
   Invariant: an error's value is its text; what is known of it besides is kept for the latest RECENT of them. */
#include "lerror.h"

#include "../core/interrupt.h"
#include "../core/text.h"

#include <lualib.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

static const char prefix_key; /* registry: what the chunk names of the library's own modules start with */
static const char place_key;  /* registry: a function from a message to one that says where in a model it arose */
static const char recent_key; /* registry: the latest errors, FIELDS values each; at 0 how many there have been */

enum { MESSAGE = 1, KIND, POSITION, FIELDS = POSITION }; /* KIND is nil where there is none; see note */
enum { RECENT = 16 };

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

/* The message on top of the stack gets its place; it stays as it is where finding that fails, or is under way.
   Ctrl-C and a lack of memory meanwhile are raised instead. */
static void add_place(lua_State *L) {
    if (!lua_checkstack(L, 4)) return;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &place_key) == LUA_TFUNCTION) {
        lua_pushnil(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &place_key);
        lua_pushvalue(L, -1);
        lua_pushvalue(L, -3);
        int status = lua_pcall(L, 1, 1, 0);
        bool placed = status == LUA_OK && lua_isstring(L, -1);
        lua_insert(L, -2);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &place_key);
        if (status == LUA_ERRMEM || (status != LUA_OK && lerror_is(L, -1, LERROR_INTERRUPTED))) lua_error(L);
        if (placed) lua_copy(L, -1, -2);
    }
    lua_pop(L, 1);
}

/* The level of the innermost frame of a script, from a level outwards; -1 where none is on the stack or the library
   is not yet open. */
static int script_level_from(lua_State *L, int level, lua_Debug *frame) {
    int found = -1;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &prefix_key);
    const char *prefix = lua_tostring(L, -1);
    for (; found < 0 && prefix && lua_getstack(L, level, frame); level++) {
        lua_getinfo(L, "Sl", frame);
        if (frame->currentline > 0 && strncmp(frame->source, prefix, strlen(prefix)) != 0) found = level;
    }
    lua_pop(L, 1);
    return found;
}

static int script_level(lua_State *L, lua_Debug *frame) { return script_level_from(L, 0, frame); }

/* Whether a variable of a function, or with -1 what follows its parameters, is a table of the library's names; then
   pushes how scripts write that table. */
static bool push_space(lua_State *L, const lua_Debug *frame, int variable) {
    if (!lua_getlocal(L, frame, variable)) return false;
    if (luaL_getmetafield(L, -1, "__space") == LUA_TNIL) lua_pushnil(L);
    lua_remove(L, -2);
    if (lua_type(L, -1) == LUA_TSTRING) return true;
    lua_pop(L, 1);
    return false;
}

/* Adds to the message on top of the stack that a function of the library, which the script has called with a colon,
   is called with a dot: fnet:zeros { 2 } hands it `fnet` first, and it refuses that, or what it takes for another
   argument. Of a tail call neither the name nor the sign is known. */
static void add_dot(lua_State *L) {
    lua_Debug frame;
    int level = script_level(L, &frame) - 1;
    if (level < 0 || !lua_getstack(L, level, &frame) || !lua_getinfo(L, "nt", &frame)) return;
    if ((strcmp(frame.namewhat, "method") != 0 && !frame.istailcall) || !lua_checkstack(L, 4)) return;
    if (!push_space(L, &frame, 1) && !push_space(L, &frame, frame.istailcall ? 2 : -1)) return;
    const char *space = lua_tostring(L, -1);
    if (frame.istailcall)
        lua_pushfstring(L, "; was a colon written for a dot, %s.name(...)?", space);
    else
        lua_pushfstring(L, "; call it with a dot, %s.%s(...)", space, frame.name);
    lua_remove(L, -2);
    lua_concat(L, 2);
}

bool lerror_in_script(lua_State *L, int level) {
    lua_Debug frame;
    return script_level(L, &frame) == level;
}

bool lerror_is_caught(lua_State *L) {
    lua_Debug frame;
    bool caught = false;
    if (!lua_checkstack(L, 6)) return false;
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, LUA_GNAME);
    lua_getfield(L, -1, "pcall");
    lua_getfield(L, -2, "xpcall");
    for (int level = 0; !caught && lua_getstack(L, level, &frame); level++) {
        lua_getinfo(L, "f", &frame);
        caught = (lua_rawequal(L, -1, -2) || lua_rawequal(L, -1, -3)) &&
                 script_level_from(L, level + 1, &frame) == level + 1;
        lua_pop(L, 1);
    }
    lua_pop(L, 4);
    return caught;
}

void lerror_push_position(lua_State *L) {
    lua_Debug frame;
    if (script_level(L, &frame) >= 0)
        lua_pushfstring(L, "%s:%d: ", frame.short_src, frame.currentline);
    else
        lua_pushliteral(L, "");
}

/* Pushes the table of the latest errors; returns how many there have been. */
static lua_Integer push_recent(lua_State *L) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &recent_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_createtable(L, RECENT * FIELDS, 1);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &recent_key);
    }
    lua_rawgeti(L, -1, 0);
    lua_Integer count = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return count;
}

/* Notes the message on top of the stack; `position` is how long its position is, -1 for none. */
static void note(lua_State *L, const char *kind, lua_Integer position) {
    lua_Integer count = push_recent(L), base = count % RECENT * FIELDS;
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, base + MESSAGE);
    lua_pushstring(L, kind);
    lua_rawseti(L, -2, base + KIND);
    lua_pushinteger(L, position);
    lua_rawseti(L, -2, base + POSITION);
    lua_pushinteger(L, count + 1);
    lua_rawseti(L, -2, 0);
    lua_pop(L, 1);
}

/* Pushes a field of the latest error that is the text at `index`, or that this text ends with where `whole` is not
   asked for: a script that raises an error again may put something in front. nil where there is none. */
static void push_noted(lua_State *L, int index, int field, bool whole) {
    size_t size = 0, length;
    const char *text = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &size) : NULL;
    lua_Integer count = push_recent(L);
    for (lua_Integer i = count; text && i > 0 && i > count - RECENT; i--) {
        lua_Integer base = (i - 1) % RECENT * FIELDS;
        lua_rawgeti(L, -1, base + MESSAGE);
        const char *message = lua_tolstring(L, -1, &length);
        bool same = length <= size && memcmp(text + size - length, message, length) == 0;
        lua_pop(L, 1);
        if (!same || (whole && length < size)) continue;
        lua_rawgeti(L, -1, base + field);
        lua_remove(L, -2);
        return;
    }
    lua_pop(L, 1);
    lua_pushnil(L);
}

int lerror_level(lua_State *L, int index) {
    lua_Debug frame;
    push_noted(L, index, POSITION, true);
    bool ours = lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 0;
    lua_pop(L, 1);
    int level = ours ? script_level(L, &frame) : -1;
    return ours && level < 0 ? 0 : level;
}

bool lerror_is(lua_State *L, int index, const char *kind) {
    push_noted(L, index, KIND, false);
    bool is = lua_isstring(L, -1) && strcmp(lua_tostring(L, -1), kind) == 0;
    lua_pop(L, 1);
    return is;
}

void lpush_visible(lua_State *L, int index, bool lines) {
    size_t size;
    const char *text = lua_tolstring(L, index, &size);
    size_t length = text_visible(NULL, text, size, lines);
    luaL_Buffer buffer;
    if (length == size) {
        lua_pushvalue(L, index);
        return;
    }
    char *to = luaL_buffinitsize(L, &buffer, length);
    luaL_pushresultsize(&buffer, text_visible(to, text, size, lines));
}

/* core.visible(text, lines): as a terminal may see it; lines: ends of lines and tabs stay. */
static int visible(lua_State *L) {
    luaL_checkstring(L, 1);
    lua_settop(L, 2);
    lpush_visible(L, 1, lua_toboolean(L, 2));
    return 1;
}

int lerror_kind(lua_State *L, const char *kind, const char *format, ...) {
    va_list arguments;
    lerror_push_position(L);
    lua_Integer position = (lua_Integer)lua_rawlen(L, -1);
    va_start(arguments, format);
    lua_pushvfstring(L, format, arguments);
    va_end(arguments);
    lpush_visible(L, lua_gettop(L), true); /* it may quote a file */
    lua_remove(L, -2);
    add_dot(L);
    if (!kind || strcmp(kind, LERROR_INTERRUPTED) != 0) add_place(L); /* Ctrl-C is no layer's fault */
    lua_concat(L, 2);
    note(L, kind, position);
    return lua_error(L);
}

int lerror_interrupted(lua_State *L) {
    lua_pushliteral(L, "interrupted");
    note(L, LERROR_INTERRUPTED, -1);
    return lua_error(L);
}

/* Upvalue of both: string.format. core.raise_kind(kind, format, ...): the same for the library's Lua modules. */
static int raise_kind(lua_State *L) {
    const char *kind = lua_tostring(L, 1);
    luaL_checkstring(L, 2);
    if (lua_gettop(L) > 2) { /* a message alone may hold any text */
        lua_pushvalue(L, lua_upvalueindex(1));
        lua_insert(L, 2);
        lua_call(L, lua_gettop(L) - 2, 1);
    }
    return lerror_kind(L, kind, "%s", lua_tostring(L, 2));
}

/* core.raise(format, ...): without a kind. */
static int raise(lua_State *L) {
    lua_pushnil(L);
    lua_insert(L, 1);
    return raise_kind(L);
}

/* core.error_kind(message): see fnet.error_kind; and whether it is Lua that has raised a lack of memory, which says
   neither of what nor how much. Its message stands here alone. */
static int error_kind(lua_State *L) {
    const char *text = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : "";
    bool of_lua = strcmp(text, "not enough memory") == 0;
    if (of_lua)
        lua_pushliteral(L, LERROR_MEMORY);
    else
        push_noted(L, 1, KIND, false);
    lua_pushboolean(L, of_lua);
    return 2;
}

/* core.error_text(message): without the position that lerror has put in front, as a text in any case. */
static int error_text(lua_State *L) {
    size_t size;
    const char *text = luaL_tolstring(L, 1, &size);
    push_noted(L, 1, POSITION, true);
    size_t position = lua_tointeger(L, -1) > 0 ? (size_t)lua_tointeger(L, -1) : 0;
    lua_pushlstring(L, text + position, size - position);
    return 1;
}

void lcheck_interrupt(lua_State *L) {
    if (interrupt_pending() && interrupt_take()) lerror_kind(L, LERROR_INTERRUPTED, "interrupted");
}

void lopen_error(lua_State *L) {
    static const luaL_Reg functions[] = {{"library", set_library},   {"place", set_place},
                                         {"error_kind", error_kind}, {"error_text", error_text},
                                         {"visible", visible},       {NULL, NULL}};
    static const luaL_Reg raising[] = {{"raise", raise}, {"raise_kind", raise_kind}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
    lua_getglobal(L, LUA_STRLIBNAME);
    lua_getfield(L, -1, "format");
    lua_remove(L, -2);
    luaL_setfuncs(L, raising, 1);
}
