/* SHA-256 and CRC-32 of strings, tensors (row-major bytes), and functions that give such until they give nil, one
   after the other. */
#include "ltensor.h"

#include "../core/sha256.h"
#include "../core/stream.h"

#define PIECE ((size_t)4 << 20) /* bytes between two looks for an interrupt */

typedef void add_function(void *hash, const void *bytes, size_t count);

/* Adds the string or tensor at `index`. */
static void add_value(lua_State *L, int index, const char *what, add_function *add, void *hash) {
    size_t length;
    const char *bytes = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &length) : NULL;
    if (bytes) {
        lua_pushvalue(L, index);
    } else {
        const struct tensor *t = lpush_contiguous(L, index, what, ltensor_check(L, index)->tensor.dtype);
        bytes = t->data;
        length = tensor_bytes(t);
    }
    for (size_t at = 0; at < length; at += PIECE) {
        add(hash, bytes + at, length - at < PIECE ? length - at : PIECE);
        lcheck_interrupt(L);
    }
    lua_pop(L, 1);
}

/* Adds all arguments. */
static void add_arguments(lua_State *L, const char *what, add_function *add, void *hash) {
    for (int i = 1, last = lua_gettop(L); i <= last; i++) {
        if (!lua_isfunction(L, i)) {
            add_value(L, i, what, add, hash);
            continue;
        }
        while (lua_pushvalue(L, i), lua_call(L, 0, 1), !lua_isnil(L, -1)) {
            add_value(L, lua_gettop(L), what, add, hash);
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
}

static void add_sha256(void *hash, const void *bytes, size_t count) { sha256_add(hash, bytes, count); }

static void add_crc32(void *crc, const void *bytes, size_t count) {
    *(uint32_t *)crc = stream_crc32(*(uint32_t *)crc, bytes, count);
}

/* core.sha256(...): 64 hexadecimal digits. */
static int sha256(lua_State *L) {
    struct sha256 hash;
    char hex[65];
    sha256_start(&hash);
    add_arguments(L, "sha256", add_sha256, &hash);
    sha256_end(&hash, hex);
    lua_pushstring(L, hex);
    return 1;
}

/* core.crc32(...): a whole number. */
static int crc32_of(lua_State *L) {
    uint32_t crc = 0;
    add_arguments(L, "crc32", add_crc32, &crc);
    lua_pushinteger(L, (lua_Integer)crc);
    return 1;
}

void lopen_hash(lua_State *L) {
    static const luaL_Reg functions[] = {{"sha256", sha256}, {"crc32", crc32_of}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
