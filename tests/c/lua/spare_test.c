/* Spare blocks, seen by a host program with an allocator of its own that counts: the sizes that it is told, what a
   state takes at most, that a lack of memory finds them given back, and that a state that has closed leaves none.
 */
#include "../check.h"

#include "../../support/state.h"

#include "../../../src/lua/lcore.h"
#include "../../../src/lua/lspare.h"

#include <lauxlib.h>
#include <lualib.h>

#define MIB ((size_t)1 << 20)
#define HEAD 16 /* bytes in front of each block: its size */

/* Only large blocks are counted. */
static struct host {
    size_t held, most, limit, asked; /* bytes; the most at once; refused beyond; requests */
    bool mistaken;                   /* a block came back with another size than it was asked with */
} host;

static void *allocate(void *context, void *block, size_t old_size, size_t size) {
    struct host *counts = context;
    char *start = block ? (char *)block - HEAD : NULL;
    size_t before = 0, large = size >= SPARED_BYTES ? size : 0;
    if (start) {
        memcpy(&before, start, sizeof before);
        counts->mistaken = counts->mistaken || before != old_size;
        before = before >= SPARED_BYTES ? before : 0;
    }
    if (large > before && counts->held - before + large > counts->limit) return NULL;
    counts->asked += large > 0;
    counts->held += large - before;
    if (counts->held > counts->most) counts->most = counts->held;
    if (size == 0) {
        free(start);
        return NULL;
    }
    start = realloc(start, size + HEAD);
    if (!start) abort();
    memcpy(start, &size, sizeof size);
    return start + HEAD;
}

static lua_State *open_state(void) {
    host = (struct host){.limit = SIZE_MAX};
    lua_State *L = new_state(allocate, &host);
    luaL_openlibs(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_fnet_core);
    lua_setfield(L, -2, "fnet.core");
    lua_settop(L, 0);
    check(luaL_dostring(L, "package.path = 'lua/?.lua;lua/?/init.lua'\n"
                           "fnet = require 'fnet'\n"
                           "function mib(n) return fnet.zeros { n, 262144 } end\n") == LUA_OK,
          "%s", lua_tostring(L, -1));
    return L;
}

static void run(lua_State *L, const char *script) {
    check(luaL_dostring(L, script) == LUA_OK, "%s: %s", script, lua_tostring(L, -1));
    lua_settop(L, 0);
}

static void close_state(lua_State *L) {
    lua_close(L);
    check(host.held == 0, "%zu bytes are left", host.held);
    check(!host.mistaken, "a size was not that of its block");
}

static void kept(void) {
    test("what the collector frees is given to the next that asks for its size");
    lua_State *L = open_state();
    run(L, "x = mib(2) x = nil collectgarbage()");
    check(lspare_bytes(L) > 2 * MIB, "%zu bytes are spare", lspare_bytes(L));
    size_t asked = host.asked;
    run(L, "x = mib(2) x:sum() x = nil collectgarbage() x = mib(2)");
    check(host.asked == asked && lspare_bytes(L) == 0, "asked %zu times", host.asked - asked);
    run(L, "x = nil collectgarbage() require('fnet.core').pool(true)");
    check(host.held == 0, "%zu bytes are left", host.held);
    close_state(L);
}

static void bounded(void) {
    test("spare blocks are bounded, also where all sizes differ");
    lua_State *L = open_state();
    run(L, "for n = 1, 600 do fnet.zeros { 32768 + n * 16 } end collectgarbage()");
    check(lspare_bytes(L) <= POOL_BYTES, "%zu bytes are spare", lspare_bytes(L));
    run(L, "x = mib(90) x = nil collectgarbage()");
    check(lspare_bytes(L) <= POOL_BYTES, "%zu bytes are spare", lspare_bytes(L));
    run(L, "y = mib(90) x = mib(100) x = nil collectgarbage()");
    check(lspare_bytes(L) > 100 * MIB || lspare_bytes(L) == 0, "%zu bytes are spare", lspare_bytes(L));
    close_state(L);
    test("they take no more than was in use at once");
    L = open_state();
    run(L, "for n = 20, 40 do x = mib(n) x = nil collectgarbage() end");
    check(host.most < 40 * MIB + SPARED_BYTES, "%zu bytes", host.most);
    run(L, "a, b = mib(10), mib(20) a, b = nil collectgarbage()");
    run(L, "s = ('x'):rep(15 << 20) t = { table.unpack({}, 1, 1000) } for i = 1, 100000 do t[i] = i end");
    check(host.most < 40 * MIB + SPARED_BYTES, "%zu bytes", host.most);
    close_state(L);
}

static void refused(void) {
    test("a lack of memory finds them given back");
    lua_State *L = open_state();
    run(L, "x = { mib(20), mib(21) } x = nil collectgarbage()");
    check(lspare_bytes(L) > 41 * MIB, "%zu bytes are spare", lspare_bytes(L));
    host.limit = host.held + 5 * MIB;
    run(L, "x = mib(44) assert(x:sum():item() == 0)");
    run(L, "local ok, message = pcall(mib, 3)\n"
           "assert(not ok and fnet.error_kind(message) == 'out of memory', message)");
    host.limit = SIZE_MAX;
    run(L, "y = mib(3)");
    close_state(L);
}

static void replaced(void) {
    void *context;
    test("a module that is opened again, and a host that takes its allocator back");
    lua_State *L = open_state();
    run(L, "package.loaded['fnet.core'] = nil require 'fnet.core' x = mib(4) x = nil collectgarbage()");
    lua_setallocf(L, allocate, &host);
    run(L, "x = mib(4) x = nil collectgarbage()");
    close_state(L);
    L = open_state();
    check(lua_getallocf(L, &context) != allocate, "nothing stands in front");
    run(L, "setmetatable({}, { __gc = function() x = mib(2) end }) x = mib(3)");
    close_state(L);
}

static void not_in_front(void) {
    test("with Lua 5.5 the allocator stays the host's");
    void *context;
    lua_State *L = open_state();
    check(lua_getallocf(L, &context) == allocate, "something stands in front");
    run(L, "x = mib(2) s = ('x'):rep(15 << 20) x = nil collectgarbage()");
    check(lspare_bytes(L) == 0, "%zu bytes are spare", lspare_bytes(L));
    close_state(L);
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    if (LUA_VERSION_NUM == 504) {
        kept();
        bounded();
        refused();
        replaced();
    } else {
        not_in_front();
    }
    return check_end();
}
