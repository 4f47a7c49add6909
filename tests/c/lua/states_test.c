/* Several states of Lua, each in a thread of its own, as a host program or a rock with threads has them: each
   computes the bits that it computes alone, whatever the others do to the number of threads and to the instruction
   set, and Ctrl-C ends all of them. ThreadSanitizer sees what they share. */
#include "../check.h"

#include "../../../src/core/interrupt.h"
#include "../../../src/lua/lcore.h"

#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>
#include <stdatomic.h>

enum { MOST_STATES = 8, TEXT = 200 };

/* What each state runs with its number; its result is a text. */
static const char training[] =
    "local number = ...\n"
    "local fnet = require 'fnet'\n"
    "local nn, isas = fnet.nn, fnet.isas()\n"
    "fnet.seed(7)\n"
    "local model = nn.Sequential { nn.Dense(60, 96), nn.ReLU(), nn.Dropout(0.2), nn.Dense(96, 5) }\n"
    "local opt = fnet.optim.Adam(model:parameters())\n"
    "local x, y = fnet.randn { 128, 60 }, fnet.full({ 128 }, 2, 'int32')\n"
    "for step = 1, 6 do\n"
    "  fnet.threads((number + step) % 4 + 1)\n"
    "  fnet.isa(isas[(number + step) % #isas + 1])\n"
    "  local loss = nn.cross_entropy(model(x), y)\n"
    "  opt:zero_grad() loss:backward() opt:step()\n"
    "  local copy = fnet.rand({ 300, 300 }):T():contiguous():fill(step)\n"
    "  local ok, message = pcall(model, copy)\n"
    "  assert(not ok and fnet.error_kind(message) == nil)\n"
    "end\n"
    "return model:sha256() .. ' ' .. fnet.threads() .. ' ' .. fnet.rand({ 4 }):sum():item()\n";

/* Until it is interrupted. */
static const char endless[] = "local number, ready = ...\n"
                              "local fnet = require 'fnet'\n"
                              "local a, told = fnet.rand { 200, 200 }, false\n"
                              "local ok, message = pcall(function()\n"
                              "  while true do\n"
                              "    a:matmul(a):release()\n"
                              "    if not told then told = true; ready() end\n"
                              "  end\n"
                              "end)\n"
                              "return tostring(ok) .. ' ' .. fnet.error_kind(message)\n";

struct state {
    const char *script;
    lua_Integer number;
    char result[TEXT];
};

static atomic_size_t ready_states;

static int ready(lua_State *L) {
    (void)L;
    atomic_fetch_add(&ready_states, 1);
    return 0;
}

static void *run(void *argument) {
    struct state *state = argument;
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_fnet_core);
    lua_setfield(L, -2, "fnet.core");
    lua_settop(L, 0);
    bool fine = luaL_dostring(L, "package.path = 'lua/?.lua;lua/?/init.lua'") == LUA_OK &&
                luaL_loadstring(L, state->script) == LUA_OK;
    lua_pushinteger(L, state->number);
    lua_pushcfunction(L, ready);
    if (fine) lua_pcall(L, 2, 1, 0);
    snprintf(state->result, sizeof state->result, "%s", lua_tostring(L, fine ? -1 : 1));
    lua_close(L);
    return NULL;
}

static void start(pthread_t *thread, struct state *states, size_t count, const char *script) {
    for (size_t i = 0; i < count; i++) {
        states[i] = (struct state){script, (lua_Integer)i, ""};
        if (!check(pthread_create(&thread[i], NULL, run, &states[i]) == 0, "no thread")) exit(check_end());
    }
}

static void join(const pthread_t *thread, size_t count) {
    for (size_t i = 0; i < count; i++) pthread_join(thread[i], NULL);
}

static void test_training(void) {
    static struct state alone[MOST_STATES], states[MOST_STATES];
    pthread_t thread[MOST_STATES];
    test("one after the other");
    for (size_t i = 0; i < MOST_STATES; i++) {
        alone[i] = (struct state){training, (lua_Integer)i, ""};
        run(&alone[i]);
        check(strncmp(alone[i].result, alone[0].result, 64) == 0, "state %zu: %s", i, alone[i].result);
    }
    for (size_t count = 2; count <= MOST_STATES; count += count == 2 ? 1 : count == 3 ? 5 : count) {
        test("%zu at once", count);
        start(thread, states, count, training);
        join(thread, count);
        for (size_t i = 0; i < count; i++)
            check(strcmp(states[i].result, alone[i].result) == 0, "state %zu: %s, alone %s", i, states[i].result,
                  alone[i].result);
    }
}

static void test_interrupt(void) {
    static struct state states[3];
    pthread_t thread[3];
    test("an interrupt reaches each state, once");
    start(thread, states, 3, endless);
    while (atomic_load(&ready_states) < 3) usleep(1000);
    interrupt_request();
    join(thread, 3);
    for (size_t i = 0; i < 3; i++)
        check(strcmp(states[i].result, "false interrupted") == 0, "%s", states[i].result);
    check(!interrupt_untaken(), "taken by nobody");
    start(thread, states, 1, training);
    join(thread, 1);
    check(states[0].result[0] != '\0' && strchr(states[0].result, ' ') == states[0].result + 64,
          "a thread that comes later: %s", states[0].result);
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    test_training();
    test_interrupt();
    return check_end();
}
