/* Ctrl-C ends whatever can take long: with a request under way, each of these raises "interrupted", and does little
   before. What took the time of a whole operation would be seen by the patience of whoever runs this. */
#include "../check.h"

#include "../../../src/core/interrupt.h"
#include "../../../src/lua/lcore.h"

#include <lauxlib.h>
#include <lualib.h>

static const char before[] =
    "package.path = 'lua/?.lua;lua/?/init.lua'\n"
    "fnet = require 'fnet'\n"
    "data, nn = fnet.data, fnet.nn\n"
    "a, whole, path = fnet.rand { 600, 700 }, fnet.full({ 300000 }, 2, 'int32'), os.tmpname()\n"
    "numbers, text = a:reshape({ 600 * 700 }):totable(), a:bytes()\n"
    "picture, model = (a * 255):byte(), nn.Sequential { nn.Dense(700, 300) }\n"
    "assert(data.write_npy(path, a))\n";

static const char *const operations[] = {
    "a:clone()",
    "a:T():contiguous()",
    "a:T():reshape { 420000 }",
    "a:fill(1)",
    "a:copy(a * 2)",
    "a:double()",
    "a:int()",
    "a:slice(2, 3, 600):contiguous()",
    "fnet.zeros { 600, 700 }",
    "fnet.full({ 600, 700 }, 3)",
    "fnet.arange(1, 300000)",
    "fnet.rand { 600, 700 }",
    "fnet.randn { 600, 700 }",
    "fnet.permutation(300000)",
    "fnet.tensor(numbers)",
    "fnet.from_bytes(text, { 600, 700 })",
    "a:totable()",
    "a:exp()",
    "a + a:T():reshape { 600, 700 }",
    "a:sum()",
    "a:sum(1)",
    "a:max()",
    "a:argmax(2)",
    "a:softmax()",
    "a:matmul(a:T())",
    "fnet.concat({ a, a }, 1)",
    "fnet.sha256(a)",
    "fnet.sha256(text)",
    "data.write_png(path, picture)",
    "data.write_npy(path, a)",
    "data.read_npy(path)",
    "model:save(path)",
    "model(a)",
};

int main(int count, char **arguments) {
    check_start(count, arguments);
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_fnet_core);
    lua_setfield(L, -2, "fnet.core");
    lua_settop(L, 0);
    test("before");
    check(luaL_dostring(L, before) == LUA_OK, "%s", lua_tostring(L, -1));
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        test("%s", operations[i]);
        check(luaL_loadstring(L, lua_pushfstring(L, "return %s", operations[i])) == LUA_OK, "no code");
        interrupt_request();
        bool raised = lua_pcall(L, 0, 1, 0) != LUA_OK;
        const char *message = raised ? lua_tostring(L, -1) : "no error";
        check(raised && strstr(message, "interrupted") != NULL, "%s", message);
        check(!interrupt_pending(), "nobody took the request");
        if (interrupt_take()) continue;
        check(luaL_loadstring(L, lua_pushfstring(L, "return %s", operations[i])) == LUA_OK &&
                  lua_pcall(L, 0, 1, 0) == LUA_OK,
              "afterwards: %s", lua_tostring(L, -1));
        lua_settop(L, 0);
    }
    lua_close(L);
    return check_end();
}
