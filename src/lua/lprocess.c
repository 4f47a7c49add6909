/* Bindings of process.h: processes that work for this one.
   What the environment refuses comes back as nil, message, errno. */
#include "lcheck.h"

#include "../core/process.h"

#include <errno.h>
#include <math.h>
#include <sys/wait.h>

#define PROCESS_METATABLE "fnet.process"
#define MILLISECONDS_MOST 1e6

static struct process *check_process(lua_State *L, int index) {
    return luaL_checkudata(L, index, PROCESS_METATABLE);
}

/* start_process(f, ...): a process that calls f(...) and ends, whatever that raises; the caller's variables are not
   closed there. */
static int start_process(lua_State *L) {
    luaL_checkany(L, 1);
    struct process *process = lnew_object(L, sizeof *process, PROCESS_METATABLE);
    lua_insert(L, 1);
    int side = process_start(process);
    if (side < 0) return luaL_fileresult(L, 0, "fork");
    if (side == 0) {
        lua_pcall(L, lua_gettop(L) - 2, 0, 0);
        process_leave(0);
    }
    lua_settop(L, 1);
    return 1;
}

/* report_to_starter(text): in a process that was started. */
static int report_to_starter(lua_State *L) {
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    process_report(text, size);
    return 0;
}

/* wait_for_processes(list, seconds): until one of them has something to read or has ended, or the time is over.
   Ctrl-C raises "interrupted". */
static int wait_for_processes(lua_State *L) {
    struct process *list[PROCESS_MOST];
    luaL_checktype(L, 1, LUA_TTABLE);
    size_t count = (size_t)lua_rawlen(L, 1);
    double milliseconds = ceil(1e3 * luaL_checknumber(L, 2));
    luaL_argcheck(L, count <= PROCESS_MOST, 1, "too many processes");
    luaL_argcheck(L, milliseconds >= 0 && milliseconds <= MILLISECONDS_MOST, 2, "out of range");
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, 1, (lua_Integer)i + 1);
        list[i] = check_process(L, -1);
        lua_pop(L, 1); /* the table holds it */
    }
    process_wait(list, count, (int)milliseconds);
    lcheck_interrupt(L);
    return 0;
}

/* process:read(stream): what it has written to "report", "output" or "errors" since; "" for nothing now, nil for
   nothing any more. */
static int read_stream(lua_State *L) {
    static const char *const streams[] = {"report", "output", "errors", NULL};
    char bytes[4096];
    struct process *process = check_process(L, 1);
    int stream = luaL_checkoption(L, 2, NULL, streams);
    ssize_t got = process_read(process, (enum process_stream)stream, bytes, sizeof bytes);
    if (got < 0) return 0;
    lua_pushlstring(L, bytes, (size_t)got);
    return 1;
}

/* process:ended(): nil while it runs; then how, as os.execute says it: "exit" and its status, or "signal" and the
   number. */
static int ended(lua_State *L) {
    struct process *process = check_process(L, 1);
    if (!process_ended(process)) return 0;
    bool killed = process->status >= 0 && WIFSIGNALED(process->status);
    lua_pushstring(L, killed ? "signal" : "exit");
    lua_pushinteger(L, killed                ? WTERMSIG(process->status)
                       : process->status < 0 ? -1
                                             : WEXITSTATUS(process->status));
    return 2;
}

/* process:signal(number) */
static int send_signal(lua_State *L) {
    process_signal(check_process(L, 1), (int)lcheck_integer(L, 2, "signal", 1, 64));
    return 0;
}

static int close_process(lua_State *L) {
    process_close(check_process(L, 1));
    return 0;
}

void lopen_process(lua_State *L) {
    static const luaL_Reg functions[] = {{"start_process", start_process},
                                         {"report_to_starter", report_to_starter},
                                         {"wait_for_processes", wait_for_processes},
                                         {NULL, NULL}};
    static const luaL_Reg process[] = {{"read", read_stream},
                                       {"ended", ended},
                                       {"signal", send_signal},
                                       {"close", close_process},
                                       {"__close", close_process},
                                       {"__gc", close_process},
                                       {NULL, NULL}};
    lnew_metatable(L, PROCESS_METATABLE, process);
    luaL_setfuncs(L, functions, 0);
    lua_pushinteger(L, PROCESS_MOST);
    lua_setfield(L, -2, "most_processes");
}
