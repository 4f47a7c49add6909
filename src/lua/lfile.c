/* Bindings of durable.h: writing a file as a whole, locks, directories.
   What the environment refuses comes back as nil, message, errno.
   Invariant: between durable_begin and its end nothing is called that can raise an error; an open directory is a
   to-be-closed variable. */
#include "ltensor.h"

#include "lfailure.h"

#include "../core/durable.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LOCK_METATABLE "fnet.lock"
#define DIRECTORY_METATABLE "fnet.directory"

static const char *check_path(lua_State *L, const char *what) {
    size_t length;
    if (lua_type(L, 1) != LUA_TSTRING) lerror(L, "%s: expected a path, got %s", what, lpush_kind(L, 1));
    const char *path = lua_tolstring(L, 1, &length);
    if (strlen(path) != length) lerror(L, "%s: the path contains a zero byte", what);
    return path;
}

static int failure(lua_State *L, const char *path, const char *message, int code) {
    luaL_pushfail(L);
    lua_pushfstring(L, "%s: %s", path, message);
    lua_pushinteger(L, code);
    return 3;
}

/* The bytes of a piece: a string, or a contiguous tensor. */
static const void *piece(lua_State *L, int index, size_t *count) {
    if (lua_type(L, index) == LUA_TSTRING) return lua_tolstring(L, index, count);
    const struct tensor *t = &((const struct handle *)lua_touserdata(L, index))->tensor;
    *count = tensor_bytes(t);
    return t->data;
}

/* write_file(path, pieces): the strings and tensors (row-major bytes) one after the other become the content of the
   file, durably and as a whole; gives true. */
static int write_file(lua_State *L) {
    struct durable durable;
    const char *path = check_path(L, "write_file");
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    lua_Integer count = (lua_Integer)lua_rawlen(L, 2);
    lua_createtable(L, (int)count, 0); /* the same pieces, tensors contiguous */
    for (lua_Integer i = 1; i <= count; i++) {
        if (lua_rawgeti(L, 2, i) != LUA_TSTRING) {
            lpush_contiguous(L, -1, "write_file", ltensor_check(L, -1)->tensor.dtype);
            lua_remove(L, -2);
        }
        lua_rawseti(L, 3, i);
    }
    bool fine = durable_begin(&durable, &durable_posix, path);
    for (lua_Integer i = 1; i <= count && fine; i++) {
        size_t bytes;
        lua_rawgeti(L, 3, i);
        const void *from = piece(L, -1, &bytes);
        fine = durable_write(&durable, from, bytes);
        lua_pop(L, 1);
    }
    fine = fine && durable_commit(&durable);
    durable_abandon(&durable);
    if (!fine) lcheck_interrupt(L);
    if (!fine) {
        failure(L, path, durable.message, durable.code);
        lfailure_note(L, -2, path);
        return 3;
    }
    lfailure_written(L, path);
    lua_pushboolean(L, 1);
    return 1;
}

/* can_write(path): true where write_file could begin now; nothing is left behind. */
static int can_write(lua_State *L) {
    struct durable durable;
    const char *path = check_path(L, "can_write");
    bool fine = durable_begin(&durable, &durable_posix, path);
    durable_abandon(&durable);
    if (!fine) return failure(L, path, durable.message, durable.code);
    lua_pushboolean(L, 1);
    return 1;
}

static bool names_directory(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* make_directory(path): true when it is there afterwards, and will be after a power cut. */
static int make_directory(lua_State *L) {
    const char *path = check_path(L, "make_directory");
    bool there = mkdir(path, 0777) == 0 && durable_sync_directory(&durable_posix, path);
    if (!there && errno == EEXIST) {
        there = names_directory(path);
        errno = ENOTDIR; /* what is there otherwise is a file */
    }
    return luaL_fileresult(L, there, path);
}

/* lock_file(path): holds the lock of that file until the result is closed (lock:close()) or collected; and false
   where the file system has no locks. */
static int lock_file(lua_State *L) {
    bool held;
    const char *path = check_path(L, "lock_file");
    int *file = lnew_object(L, sizeof *file, LOCK_METATABLE);
    *file = durable_lock(&durable_posix, path, &held);
    if (*file >= 0) {
        lua_pushboolean(L, held);
        return 2;
    }
    if (errno == EWOULDBLOCK) return failure(L, path, "is locked, by this or another process", EWOULDBLOCK);
    if (errno == ENODEV)
        return failure(L, path, "is a device, a pipe or the like; expected an ordinary file", ENODEV);
    if (errno == ELOOP)
        return failure(L, path, "is a symbolic link, or goes through too many; name the file itself", ELOOP);
    return luaL_fileresult(L, 0, path);
}

static int close_lock(lua_State *L) {
    int *file = luaL_checkudata(L, 1, LOCK_METATABLE);
    if (*file >= 0) close(*file); /* nothing was written to it: no result matters */
    *file = -1;
    return 0;
}

static int close_directory(lua_State *L) {
    DIR **directory = luaL_checkudata(L, 1, DIRECTORY_METATABLE);
    if (*directory) closedir(*directory);
    *directory = NULL;
    return 0;
}

/* core.list_directory(path): the names in it, unsorted, without those that begin with a dot; nil, message, errno.
 */
static int list_directory(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    DIR **directory = lnew_closing(L, sizeof *directory, DIRECTORY_METATABLE);
    *directory = opendir(path);
    if (!*directory) return luaL_fileresult(L, 0, path);
    lua_newtable(L);
    lua_Integer count = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(*directory);
        if (!entry && errno != 0) return luaL_fileresult(L, 0, path);
        if (!entry) return 1;
        if (entry->d_name[0] == '.') continue;
        lua_pushstring(L, entry->d_name);
        lua_rawseti(L, -2, ++count);
    }
}

/* core.is_directory(path) */
static int is_directory(lua_State *L) {
    lua_pushboolean(L, names_directory(luaL_checkstring(L, 1)));
    return 1;
}

void lopen_file(lua_State *L) {
    static const luaL_Reg functions[] = {{"write_file", write_file},
                                         {"can_write", can_write},
                                         {"make_directory", make_directory},
                                         {"lock_file", lock_file},
                                         {"list_directory", list_directory},
                                         {"is_directory", is_directory},
                                         {NULL, NULL}};
    static const luaL_Reg lock[] = {
        {"close", close_lock}, {"__close", close_lock}, {"__gc", close_lock}, {NULL, NULL}};
    static const luaL_Reg directory[] = {{"__close", close_directory}, {NULL, NULL}};
    lnew_metatable(L, LOCK_METATABLE, lock);
    lnew_metatable(L, DIRECTORY_METATABLE, directory);
    luaL_setfuncs(L, functions, 0);
}
