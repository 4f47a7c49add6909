/* See lsource.h. */
#include "lsource.h"

#include "../core/opening.h"

#include <errno.h>

FILE *lsource_open(lua_State *L, const char *path, const char *lead) {
    const char *message;
    int code;
    FILE *file = opening_file(path, &message, &code);
    if (!file && code == EMFILE) { /* those that nobody uses any more may be open still */
        lua_gc(L, LUA_GCCOLLECT, 0);
        file = opening_file(path, &message, &code);
    }
    if (file) return file;
    if (code == EINTR) lcheck_interrupt(L);
    luaL_pushfail(L);
    lua_pushfstring(L, lead ? "%s: %s" : "%s%s", lead ? lead : "", message);
    lua_pushinteger(L, code);
    return NULL;
}
