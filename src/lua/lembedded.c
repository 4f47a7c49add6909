/* The library's modules inside the executable, as `require` finds them. */
#include "lembedded.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <zlib.h>

#include "../embedded.h"
#include "lcore.h"

enum { GZIP = 0x1f }; /* how a file of gzip begins, and no text */

/* Whether the text came out whole. Not by core/stream.h, which stops at a Ctrl-C: a module is loaded or not. */
static bool inflate_module(const struct embedded_module *module, char *text) {
    const unsigned char *bytes = embedded_bytes + module->begin;
    z_stream stream = {
        .next_in = (unsigned char *)(uintptr_t)bytes, /* zlib's interface lacks the const */
        .avail_in = (uInt)module->length,
        .next_out = (unsigned char *)text,
        .avail_out = (uInt)module->size,
    };
    if (inflateInit2(&stream, 15 + 16) != Z_OK) return false; /* the largest window; 16: gzip */
    bool whole = inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_out == 0;
    inflateEnd(&stream);
    return whole;
}

static void push_text(lua_State *L, const struct embedded_module *module) {
    const unsigned char *bytes = embedded_bytes + module->begin;
    if (bytes[0] != GZIP) {
        lua_pushlstring(L, (const char *)bytes, module->size);
        return;
    }
    luaL_Buffer buffer;
    char *text = luaL_buffinitsize(L, &buffer, module->size);
    if (!inflate_module(module, text)) luaL_error(L, "not enough memory to read %s", module->path);
    luaL_pushresultsize(&buffer, module->size);
}

static int load_embedded(lua_State *L) {
    const struct embedded_module *module = lua_touserdata(L, lua_upvalueindex(1));
    const char *chunk_name = lua_pushfstring(L, "@%s", module->path);
    push_text(L, module);
    if (luaL_loadbufferx(L, lua_tostring(L, -1), module->size, chunk_name, "t") != LUA_OK) return lua_error(L);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

/* The module fnet.sources: the text of each module by its path, for help. */
static int load_sources(lua_State *L) {
    lua_newtable(L);
    for (const struct embedded_module *module = embedded_modules; module->size > 0; module++) {
        push_text(L, module);
        lua_setfield(L, -2, module->path);
    }
    return 1;
}

void lembedded_preload(lua_State *L) {
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_fnet_core);
    lua_setfield(L, -2, "fnet.core");
    lua_pushcfunction(L, load_sources);
    lua_setfield(L, -2, "fnet.sources");
    for (const struct embedded_module *module = embedded_modules; module->size > 0; module++) {
        lua_pushlightuserdata(L, (void *)module);
        lua_pushcclosure(L, load_embedded, 1);
        lua_setfield(L, -2, module->name);
    }
    lua_pop(L, 1);
}
