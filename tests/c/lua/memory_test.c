/* A lack of memory, wherever it comes, is raised as such: no file is called damaged for it, no layer wrong, and
   what was locked is free again. The allocator refuses twice in a row, since Lua asks again after a collection. */
#include "../check.h"

#include "../../support/state.h"

#include "../../../src/lua/lcore.h"

#include <lauxlib.h>
#include <lualib.h>

static long left = -1; /* allocations until one is refused; below 0: none is */

static void *allocate(void *nothing, void *block, size_t old_size, size_t size) {
    (void)nothing, (void)old_size;
    if (size == 0) {
        free(block);
        return NULL;
    }
    bool grows = block == NULL || size > old_size;
    if (grows && left >= 0 && left-- <= 1) return NULL;
    return realloc(block, size);
}

/* refuse(n): the n-th allocation from now on and the next; none for -1. Gives whether one was still to be refused.
 */
static int refuse(lua_State *L) {
    long before = left;
    left = (long)luaL_checkinteger(L, 1);
    lua_pushboolean(L, before >= 0);
    return 1;
}

static const char before[] =
    "package.path = 'lua/?.lua;lua/?/init.lua'\n"
    "fnet = require 'fnet'\n"
    "data, nn = fnet.data, fnet.nn\n"
    "require('fnet.base.later').load()\n"
    "directory = os.tmpname()\n"
    "os.remove(directory)\n"
    "assert(require('fnet.core').make_directory(directory))\n"
    "path, rows = directory .. '/m.safetensors', directory .. '/x.npz'\n"
    "x = fnet.rand { 8, 3 }\n"
    "model = nn.Sequential { nn.Dense(3, 4), nn.ReLU(), nn.BatchNorm(4), nn.Dense(4, 2) }\n"
    "assert(model:save(path))\n"
    "assert(data.write_npz(rows, { x = x, y = x }))\n"
    "set = data.Dataset { x = x, y = fnet.full({ 8 }, 1, 'int32') }\n"
    "optim = fnet.optim.Adam(model:parameters())\n"
    "options = { train = set, loss = nn.cross_entropy, optim = optim, checkpoint = directory .. '/run' }\n"
    "function checkpoint()\n"
    "  local opened <close> = assert(fnet.checkpoint(directory .. '/run', { model = model, resume = true,\n"
    "    optim = optim, data = set }))\n"
    "  return opened:save()\n"
    "end\n"
    "assert(checkpoint())\n"
    "function outcome(f, n)\n"
    "  refuse(n)\n"
    "  local ok, value, message, code = pcall(f)\n"
    "  local ended = refuse(-1)\n"
    "  if ok and value ~= nil then return ended and 'done' or nil end\n"
    "  if not ok and fnet.error_kind(value) == 'out of memory' or code == 12 then return nil end\n"
    "  return tostring(message or value)\n"
    "end\n";

static const char *const operations[] = {
    "fnet.load(path)",
    "model:save(path)",
    "data.read_npz(rows)",
    "checkpoint()",
    "model(x)",
    "fnet.check(model, x, { gradients = false })",
    "nn.Sequential { nn.Dense(3, 4), nn.Dense(4, 2) }",
};

enum { MOST = 20000 };

static void teardown(lua_State *L) {
    static const char after[] = "for _, name in ipairs { '/run/lock', '/run/checkpoint.safetensors', '/run',\n"
                                "  '/m.safetensors', '/x.npz', '' } do os.remove(directory .. name) end\n";
    check(luaL_dostring(L, after) == LUA_OK, "%s", lua_tostring(L, -1));
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    lua_State *L = new_state(allocate, NULL);
    luaL_openlibs(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_fnet_core);
    lua_setfield(L, -2, "fnet.core");
    lua_register(L, "refuse", refuse);
    lua_settop(L, 0);
    test("before");
    check(luaL_dostring(L, before) == LUA_OK, "%s", lua_tostring(L, -1));
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        test("%s", operations[i]);
        lua_getglobal(L, "outcome");
        check(luaL_loadstring(L, lua_pushfstring(L, "return %s", operations[i])) == LUA_OK, "no code");
        lua_remove(L, -2);
        bool done = false;
        long n;
        for (n = 1; n < MOST && !done; n += 1 + n / 20) { /* most is to be seen early */
            lua_settop(L, 2);
            lua_pushvalue(L, 1);
            lua_pushvalue(L, 2);
            lua_pushinteger(L, n);
            lua_call(L, 2, 1);
            done = lua_isstring(L, -1) && strcmp(lua_tostring(L, -1), "done") == 0;
            check(done || lua_isnil(L, -1), "allocation %ld: %s", n, lua_tostring(L, -1));
        }
        check(done && n > 10, "refused %ld times without an end", n);
        lua_settop(L, 0);
    }
    teardown(L);
    lua_close(L);
    return check_end();
}
