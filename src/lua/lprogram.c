/* The program that runs: where it lies, which it is of several, and another one in its place. And the memory of
   tensors, for modules beside fnet.core that move bytes. */
#include "ltensor.h"

#include "../core/launch.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

/* program(): the path of the running program; nil where the system does not tell. */
static int program(lua_State *L) {
    char path[PATH_MAX];
#ifdef __APPLE__
    uint32_t size = sizeof path;
    if (_NSGetExecutablePath(path, &size) != 0) return 0;
    lua_pushstring(L, path);
#else
    static const char *const links[] = {"/proc/self/exe", "/proc/curproc/exe", "/proc/curproc/file"};
    ssize_t length = -1; /* by Linux, NetBSD or FreeBSD, where it is mounted */
    for (size_t i = 0; length <= 0 && i < sizeof links / sizeof *links; i++)
        length = readlink(links[i], path, sizeof path);
    if (length <= 0 || (size_t)length == sizeof path) return 0;
    lua_pushlstring(L, path, (size_t)length);
#endif
    return 1;
}

/* execute(words): the program words[1], looked up as a shell does, with all words for arguments, takes the place of
   this one. Comes back only where it cannot, with nil, message, errno. */
static int execute(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer count = (lua_Integer)lua_rawlen(L, 1);
    luaL_argcheck(L, count > 0, 1, "expected at least one word");
    char **words = lua_newuserdatauv(L, sizeof *words * ((size_t)count + 1), 0);
    for (lua_Integer i = 0; i < count; i++) {
        lua_rawgeti(L, 1, i + 1); /* the list keeps it */
        words[i] = (char *)(size_t)luaL_checkstring(L, -1);
        lua_pop(L, 1);
    }
    words[count] = NULL;
    execvp(words[0], words);
    return luaL_fileresult(L, 0, words[0]);
}

/* launched(): by what this process was started together with others, "openmpi", "mpich" or "srun", and how many
   they are; nil where it was not. */
static int launched(lua_State *L) {
    struct launch launch;
    if (!launch_find(&launch)) return 0;
    lua_pushstring(L, launch.starter);
    lua_pushinteger(L, launch.count);
    return 2;
}

/* forget_launch(): programs that are started from now on do not take themselves for one of them. */
static int forget_launch(lua_State *L) {
    (void)L;
    launch_forget();
    return 0;
}

/* memory(t): the address of a contiguous tensor's elements, and their bytes; good as long as the tensor is. */
static int memory(lua_State *L) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    luaL_argcheck(L, tensor_is_contiguous(t), 1, "expected a contiguous tensor");
    lua_pushlightuserdata(L, t->data);
    lua_pushinteger(L, (lua_Integer)tensor_bytes(t));
    return 2;
}

void lopen_program(lua_State *L) {
    static const luaL_Reg functions[] = {{"program", program},   {"execute", execute},
                                         {"launched", launched}, {"forget_launch", forget_launch},
                                         {"memory", memory},     {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
