/* The fuzz targets that are written in Lua: NAME_fuzz runs tests/fuzz/NAME_fuzz.lua in a state with the library,
   and calls the function that this gives with the path of a file, which holds the bytes and has the name of a
   checkpoint, and the bytes themselves. An error is a fault, and so is memory out of proportion to the bytes; but
   where the script gives `true` behind the function, memory is only refused then. */
#include "fuzz.h"

#include "../../src/lua/lcore.h"
#include "../support/state.h"

#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <lualib.h>
#include <unistd.h>

/* Deflate makes at most 1032 bytes of one (zlib's page); what readers need besides, buffers above all, is little.
 */
enum { MEMORY_LEAST = 16 << 20, MEMORY_FACTOR = 1100 };

static lua_State *lua;
static bool refuses;
static size_t used, allowed = SIZE_MAX, refused; /* bytes; of the latest block that was refused */
static char root[PATH_MAX];                      /* the project's */
static char folder[] = "/tmp/fnet_fuzz_XXXXXX", path[sizeof folder + 32];

static void *allocate(void *context, void *block, size_t old_size, size_t size) {
    (void)context;
    if (block == NULL) old_size = 0; /* then it is the kind of the object */
    if (size == 0) {
        free(block);
        used -= old_size;
        return NULL;
    }
    if (size > old_size && size - old_size > allowed - used) {
        if (refuses || size != refused) { /* Lua collects, and asks once more */
            refused = size;
            return NULL;
        }
        fprintf(stderr, "%zu bytes more than the %zu in use\n", size - old_size, used);
        abort();
    }
    void *result = realloc(block, size);
    if (result != NULL) used += size - old_size;
    return result;
}

static void remove_file(void) {
    unlink(path);
    rmdir(folder);
}

static void fail(void) {
    fprintf(stderr, "%s\n", lua_tostring(lua, -1));
    abort();
}

/* Its script is named as the program. */
int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count;
    const char *name = strrchr((*arguments)[0], '/');
    char script[256];
    snprintf(script, sizeof script, "tests/fuzz/%s.lua", name ? name + 1 : (*arguments)[0]);
    require(mkdtemp(folder) != NULL, "no folder for the files");
    snprintf(path, sizeof path, "%s/checkpoint.safetensors", folder);
    atexit(remove_file);
    lua = new_state(allocate, NULL);
    require(lua != NULL, "no memory for Lua");
    lua_gc(lua, LUA_GCGEN, 0, 0); /* as the interpreter does */
    luaL_openlibs(lua);
    luaL_getsubtable(lua, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(lua, luaopen_fnet_core);
    lua_setfield(lua, -2, "fnet.core");
    lua_settop(lua, 0);
    require(getcwd(root, sizeof root) != NULL, "no working directory");
    lua_pushfstring(lua, "%s/?.lua;%s/lua/?.lua;%s/lua/?/init.lua", root, root, root);
    lua_getglobal(lua, "package");
    lua_insert(lua, 1);
    lua_setfield(lua, 1, "path");
    lua_settop(lua, 0);
    if (luaL_loadfile(lua, script) != LUA_OK || lua_pcall(lua, 0, 2, 0) != LUA_OK) fail();
    refuses = lua_toboolean(lua, 2);
    lua_settop(lua, 1);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int file =
        open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666); /* cut to nothing first, ext4 would wait for the disk */
    require(file >= 0 && write(file, data, size) == (ssize_t)size && ftruncate(file, (off_t)size) == 0 &&
                close(file) == 0,
            "no file for the bytes");
    allowed = used + MEMORY_LEAST + MEMORY_FACTOR * size;
    refused = 0;
    lua_pushvalue(lua, 1);
    lua_pushstring(lua, path);
    lua_pushlstring(lua, (const char *)data, size);
    require(chdir(folder) == 0, "no folder for the files"); /* whose names may be anything */
    if (lua_pcall(lua, 2, 0, 0) != LUA_OK) fail();
    require(chdir(root) == 0, "the project's folder is gone");
    allowed = SIZE_MAX;
    return 0;
}
