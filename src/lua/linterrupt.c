/* Ctrl-C in the interpreter. See linterrupt.h.
   Lua looks at the hooks of the state that runs, so the signal handler has to know it: `running`.
   Invariants: `running` is a state that is on the stack of those that resumed one another; an interruption is
   raised once, by whoever takes the flag of core/interrupt.h first: the hook below or the operation that was
   running. */
#include "linterrupt.h"

#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "../core/interrupt.h"
#include "lerror.h"

static lua_State *volatile running;
static pthread_t thread; /* that runs it */

/* A function in C that is being called may be the one that closes what an error leaves, such as a scope of the
   tape: it is let through, and the error comes when it returns. */
static void raise_interrupted(lua_State *L, lua_Debug *activation) {
    if (activation->event == LUA_HOOKCALL && lua_getinfo(L, "S", activation) && activation->what[0] == 'C') return;
    lua_sethook(L, NULL, 0, 0);
    if (interrupt_take()) lerror_interrupted(L);
}

/* lua_sethook may be called in a signal handler, as lua.c does. */
static void interrupt(lua_State *L) {
    lua_sethook(L, raise_interrupted, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

static void handle_signal(int number) {
    if (!pthread_equal(pthread_self(), thread)) { /* one that a C library has started */
        pthread_kill(thread, number);
        return;
    }
    if (interrupt_untaken()) { /* nobody took the last one: the user means it */
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    interrupt_request();
    interrupt(running);
}

static int release_signal(lua_State *L) {
    struct sigaction now;
    (void)L;
    sigaction(SIGINT, NULL, &now);
    if (now.sa_handler == handle_signal) signal(SIGINT, SIG_DFL);
    return 0;
}

/* From here on `state` runs. A signal that came between two states is handed on to the one that runs next. */
static void run_next(lua_State *state) {
    running = state;
    if (interrupt_pending()) interrupt(state);
}

/* Resumes a coroutine with the values on top of the stack, in their place its results; how many those are, or -1
   and the error. As in Lua's own lcorolib.c: a call through the original would take another level of the C stack,
   of which Lua allows 200. */
static int resume(lua_State *L, lua_State *coroutine, int arguments) {
    int results;
    if (!lua_checkstack(coroutine, arguments)) {
        lua_pushliteral(L, "too many arguments to resume");
        return -1;
    }
    lua_xmove(L, coroutine, arguments);
    run_next(coroutine);
    int status = lua_resume(coroutine, L, arguments, &results);
    run_next(L);
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_xmove(coroutine, L, 1);
        return -1;
    }
    if (!lua_checkstack(L, results + 1)) {
        lua_pop(coroutine, results);
        lua_pushliteral(L, "too many results to resume");
        return -1;
    }
    lua_xmove(coroutine, L, results);
    return results;
}

/* coroutine.resume */
static int protected_resume(lua_State *L) {
    lua_State *coroutine = lua_tothread(L, 1);
    luaL_argexpected(L, coroutine != NULL, 1, "thread");
    int results = resume(L, coroutine, lua_gettop(L) - 1);
    lua_pushboolean(L, results >= 0);
    if (results < 0) results = 1;
    lua_insert(L, -(results + 1));
    return results + 1;
}

/* What coroutine.wrap gives; upvalue: the coroutine. */
static int run_wrapped(lua_State *L) {
    lua_State *coroutine = lua_tothread(L, lua_upvalueindex(1));
    int results = resume(L, coroutine, lua_gettop(L));
    if (results >= 0) return results;
    int status = lua_status(coroutine);
    if (status != LUA_OK && status != LUA_YIELD) {
        run_next(coroutine);
        status = lua_resetthread(coroutine); /* closes its variables, whose errors replace this one */
        run_next(L);
        lua_xmove(coroutine, L, 1);
    }
    if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

/* coroutine.wrap */
static int wrap(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *coroutine = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, coroutine, 1);
    lua_pushcclosure(L, run_wrapped, 1);
    return 1;
}

/* coroutine.close; upvalue: Lua's own. From Lua 5.5 on a coroutine may close itself: that call does not return. */
static int close_coroutine(lua_State *L) {
    lua_State *coroutine = LUA_VERSION_NUM >= 505 && lua_isnone(L, 1) ? L : lua_tothread(L, 1);
    luaL_argexpected(L, coroutine != NULL, 1, "thread");
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    run_next(coroutine);
    int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    run_next(L);
    return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

/* os.execute; upvalue: Lua's own. While a command runs, Ctrl-C concerns the command alone; where it died of that,
   the script ends as one of a shell does. */
static int execute(lua_State *L) {
    luaL_optstring(L, 1, NULL); /* here its error has the script's line */
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    if (lua_gettop(L) == 3 && strcmp(lua_tostring(L, 2), "signal") == 0 && lua_tointeger(L, 3) == SIGINT)
        return lerror_interrupted(L);
    return lua_gettop(L);
}

void linterrupt_open(lua_State *L) {
    struct sigaction before, action = {.sa_handler = handle_signal}; /* no SA_RESTART: a blocked read gives way */
    lua_newuserdatauv(L, 0, 0); /* its finalizer is the last to run, since no object is older */
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, release_signal);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    luaL_ref(L, LUA_REGISTRYINDEX);
    lua_getglobal(L, LUA_COLIBNAME);
    lua_pushcfunction(L, protected_resume);
    lua_setfield(L, -2, "resume");
    lua_pushcfunction(L, wrap);
    lua_setfield(L, -2, "wrap");
    lua_getfield(L, -1, "close");
    lua_pushcclosure(L, close_coroutine, 1);
    lua_setfield(L, -2, "close");
    lua_getglobal(L, LUA_OSLIBNAME);
    lua_getfield(L, -1, "execute");
    lua_pushcclosure(L, execute, 1);
    lua_setfield(L, -2, "execute");
    lua_pop(L, 2);
    running = L;
    thread = pthread_self();
    interrupt_pending(); /* what comes from now on concerns this thread */
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, NULL, &before);
    if (before.sa_handler != SIG_IGN) sigaction(SIGINT, &action, NULL);
}
