/* What the library runs on: version, instruction set, threads, clock, terminal. */
#include "ltensor.h"

#include "../core/backend.h"
#include "../core/terminal.h"
#include "../core/threads.h"
#include "../version.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define OWNER_METATABLE "fnet.threads"

static void use_isa(lua_State *L, const char *what, const char *name) {
    if (backend_use(name)) return;
    size_t count;
    const struct kernels *const *table = backend_all(&count);
    lua_pushliteral(L, "");
    for (size_t i = 0; i < count; i++) {
        lua_pushfstring(L, "%s%s", i ? ", " : "", table[i]->name);
        lua_concat(L, 2);
    }
    lerror(L, "%s: expected one of %s, which this machine can run, got '%s'", what, lua_tostring(L, -1), name);
}

/* isa([name]): the instruction set in use, after switching to the named one. */
static int isa(lua_State *L) {
    if (!lua_isnoneornil(L, 1)) {
        if (lua_type(L, 1) != LUA_TSTRING) return lerror(L, "isa: expected a string, got %s", lpush_kind(L, 1));
        use_isa(L, "isa", lua_tostring(L, 1));
    }
    lua_pushstring(L, backend_name());
    return 1;
}

/* isas(): the names that this machine can run, slowest first. */
static int isas(lua_State *L) {
    size_t count;
    const struct kernels *const *table = backend_all(&count);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        lua_pushstring(L, table[i]->name);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* threads([n]): the number of threads in use, after setting it. */
static int threads(lua_State *L) {
    if (!lua_isnoneornil(L, 1)) threads_set((size_t)lcheck_integer(L, 1, "threads", 1, THREADS_MOST));
    lua_pushinteger(L, (lua_Integer)threads_count());
    return 1;
}

/* processors(): how many this process may use, by its affinity and its container. */
static int processors(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)threads_available());
    return 1;
}

/* clock(): seconds from some fixed moment, never going back. */
static int monotonic_clock(lua_State *L) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    lua_pushnumber(L, (lua_Number)now.tv_sec + (lua_Number)now.tv_nsec * 1e-9);
    return 1;
}

/* terminal(descriptor): the columns and the rows of the terminal at file descriptor 0, 1 or 2, or nil where it is
   none that can draw. */
static int terminal(lua_State *L) {
    int descriptor = (int)lcheck_integer(L, 1, "terminal", 0, 2), columns, rows;
    if (!terminal_draws(descriptor)) return 0;
    terminal_size(descriptor, &columns, &rows);
    lua_pushinteger(L, columns);
    lua_pushinteger(L, rows);
    return 2;
}

static int close_threads(lua_State *L) {
    bool *open = lua_touserdata(L, 1);
    if (*open) threads_close();
    *open = false;
    return 0;
}

/* The owner of the thread pool: a userdata in the registry that ends the workers when the state closes. */
static void own_threads(lua_State *L) {
    static const char key;
    static const luaL_Reg owner[] = {{"__gc", close_threads}, {NULL, NULL}};
    lnew_metatable(L, OWNER_METATABLE, owner);
    bool *open = lnew_object(L, sizeof *open, OWNER_METATABLE);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
    threads_open();
    *open = true;
}

/* FNET_THREADS and FNET_ISA; a wrong value is an error, not a silent default. */
static void read_environment(lua_State *L) {
    const char *wanted = getenv("FNET_THREADS"), *name = getenv("FNET_ISA");
    size_t available = threads_available();
    threads_set(available < THREADS_MOST ? available : THREADS_MOST);
    if (wanted && *wanted) {
        if (!lua_stringtonumber(L, wanted))
            lerror(L, "FNET_THREADS: expected a whole number from 1 to %d, got '%s'", THREADS_MOST, wanted);
        threads_set((size_t)lcheck_integer(L, lua_gettop(L), "FNET_THREADS", 1, THREADS_MOST));
        lua_pop(L, 1);
    }
    if (name && *name) use_isa(L, "FNET_ISA", name);
}

void lopen_runtime(lua_State *L) {
    static const luaL_Reg functions[] = {{"isa", isa},
                                         {"isas", isas},
                                         {"threads", threads},
                                         {"clock", monotonic_clock},
                                         {"terminal", terminal},
                                         {"processors", processors},
                                         {NULL, NULL}};
    own_threads(L);
    read_environment(L);
    luaL_setfuncs(L, functions, 0);
    lua_pushliteral(L, FNET_VERSION);
    lua_setfield(L, -2, "version");
    lua_pushinteger(L, NUMERICS_VERSION);
    lua_setfield(L, -2, "numerics");
}
