/* The bindings of image.h, and the names in a directory.
   Invariant: an open directory is a to-be-closed variable. */
#include "ltensor.h"

#include "../core/image.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define DIRECTORY_METATABLE "fnet.directory"

static int failure(lua_State *L, const char *message) {
    luaL_pushfail(L);
    lua_pushstring(L, message);
    return 2;
}

/* core.decode_image(bytes): uint8 [height, width] or [height, width, 3]; nil and why not. */
static int decode_image(lua_State *L) {
    struct image image;
    size_t size;
    const uint8_t *bytes = (const uint8_t *)luaL_checklstring(L, 1, &size);
    if (!image_inspect(&image, bytes, size)) return failure(L, image.message);
    const size_t shape[] = {image.height, image.width, image.channels};
    struct tensor *t = ltensor_new(L, "read_image", UINT8, image.channels == 1 ? 2 : 3, shape);
    if (!image_decode(&image, bytes, size, t->data)) return failure(L, image.message);
    return 1;
}

/* core.encode_png(picture): the bytes of a PNG file of a uint8 tensor [height, width] or [height, width, 3]; nil
   and why not. */
static int encode_png(lua_State *L) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    struct image image = {.channels = 1};
    luaL_Buffer buffer;
    size_t size;
    luaL_argcheck(L,
                  t->dtype == UINT8 && (t->rank == 2 || (t->rank == 3 && t->shape[2] == 3)) && tensor_count(t) > 0,
                  1, "expected uint8 [height, width] or [height, width, 3]");
    image.height = t->shape[0];
    image.width = t->shape[1];
    if (t->rank == 3) image.channels = 3;
    t = lpush_contiguous(L, 1, "write_png", UINT8);
    if (!image_encode_png(&image, t->data, NULL, &size)) return failure(L, image.message);
    uint8_t *to = (uint8_t *)luaL_buffinitsize(L, &buffer, size);
    if (!image_encode_png(&image, t->data, to, &size)) return failure(L, image.message);
    luaL_pushresultsize(&buffer, size);
    return 1;
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
    DIR **directory = lua_newuserdatauv(L, sizeof *directory, 0);
    *directory = NULL;
    luaL_setmetatable(L, DIRECTORY_METATABLE);
    lua_toclose(L, -1);
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
    struct stat status;
    lua_pushboolean(L, stat(luaL_checkstring(L, 1), &status) == 0 && S_ISDIR(status.st_mode));
    return 1;
}

void lopen_image(lua_State *L) {
    static const luaL_Reg functions[] = {{"decode_image", decode_image},
                                         {"encode_png", encode_png},
                                         {"list_directory", list_directory},
                                         {"is_directory", is_directory},
                                         {NULL, NULL}};
    static const luaL_Reg directory[] = {{"__close", close_directory}, {NULL, NULL}};
    lnew_metatable(L, DIRECTORY_METATABLE, directory);
    luaL_setfuncs(L, functions, 0);
}
