/* Ctrl-C in the interpreter. See linterrupt.h.
   Lua looks at the hooks of the state that runs, so the signal handler has to know it: `running`.
   Invariants: `running` is a state that is on the stack of those that resumed one another; an interruption is
   raised once, by whoever takes the flag of core/interrupt.h first: the hook below or the operation that was
   running. */
#include "linterrupt.h"

#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>

#include "../core/interrupt.h"
#include "lerror.h"

static lua_State *volatile running;

static void raise_interrupted(lua_State *L, lua_Debug *activation) {
    (void)activation;
    lua_sethook(L, NULL, 0, 0);
    if (interrupt_take()) lerror_interrupted(L);
}

/* lua_sethook may be called in a signal handler, as lua.c does. */
static void interrupt(lua_State *L) {
    lua_sethook(L, raise_interrupted, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

static void handle_signal(int number) {
    if (interrupt_pending()) { /* nobody took the last one: the user means it */
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    interrupt_request();
    interrupt(running);
}

static int release_signal(lua_State *L) {
    (void)L;
    signal(SIGINT, SIG_DFL);
    return 0;
}

/* Calls the function at 1, which runs the coroutine, with the values above it; the status of lua_pcall. A signal
   that came between the two states is handed on to the one that runs next. */
static int run_coroutine(lua_State *L, lua_State *coroutine) {
    running = coroutine;
    if (interrupt_pending()) interrupt(coroutine);
    int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    running = L;
    if (interrupt_pending()) interrupt(L);
    return status;
}

/* coroutine.resume and coroutine.close; upvalue: the original. */
static int run_first(lua_State *L) {
    lua_State *coroutine = lua_tothread(L, 1);
    luaL_argexpected(L, coroutine != NULL, 1, "thread"); /* here, where the name of the function is known */
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    if (run_coroutine(L, coroutine) != LUA_OK) return lua_error(L);
    return lua_gettop(L);
}

/* What coroutine.wrap gives; upvalues: what the original gave, its coroutine. An error gets the position of the
   call in front, as the original would have it, which sees us as its caller. */
static int run_wrapped(lua_State *L) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    int status = run_coroutine(L, lua_tothread(L, lua_upvalueindex(2)));
    if (status == LUA_OK) return lua_gettop(L);
    if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

/* coroutine.wrap; upvalue: the original, whose result keeps its coroutine as its first upvalue. */
static int wrap(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    if (lua_getupvalue(L, -1, 1) == NULL || !lua_isthread(L, -1))
        return luaL_error(L, "coroutine.wrap is not Lua's");
    lua_pushcclosure(L, run_wrapped, 2);
    return 1;
}

static void put_in_front(lua_State *L, const char *name, lua_CFunction function) {
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, function, 1);
    lua_setfield(L, -2, name);
}

void linterrupt_open(lua_State *L) {
    struct sigaction action = {.sa_handler = handle_signal}; /* no SA_RESTART: a blocked read has to give way */
    lua_newuserdatauv(L, 0, 0); /* its finalizer is the last to run, since no object is older */
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, release_signal);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    luaL_ref(L, LUA_REGISTRYINDEX);
    lua_getglobal(L, LUA_COLIBNAME);
    put_in_front(L, "resume", run_first);
    put_in_front(L, "close", run_first);
    put_in_front(L, "wrap", wrap);
    lua_pop(L, 1);
    running = L;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}
