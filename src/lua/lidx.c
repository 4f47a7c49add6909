/* The binding of the IDX reader: read_idx(path, options) gives a tensor.
   Invariant: the reader, which owns an open file and zlib's state, is a to-be-closed variable, so it is closed
   however read_idx ends, by an error or by Ctrl-C as well. */
#include "lsource.h"
#include "ltensor.h"

#include "../core/idx.h"

#include <limits.h>
#include <string.h>

#define READER_METATABLE "fnet.idx_reader"

static int reader_close(lua_State *L) {
    idx_close(luaL_checkudata(L, 1, READER_METATABLE));
    return 0;
}

/* The integer in options[name], from 1 to `high`; `what` names it in an error. */
static lua_Integer option(lua_State *L, int options, const char *name, const char *what, lua_Integer high,
                          lua_Integer otherwise) {
    if (lua_isnoneornil(L, options) || lua_getfield(L, options, name) == LUA_TNIL) return otherwise;
    return lcheck_integer(L, lua_gettop(L), what, 1, high);
}

/* nil, the message, errno or nil, and the beginning of a file that begins as none of IDX. */
static int failure(lua_State *L, const char *path, const struct idx_reader *reader) {
    lcheck_interrupt(L);
    luaL_pushfail(L);
    lua_pushfstring(L, "%s: %s", path, reader->input.message);
    if (reader->input.code != 0)
        lua_pushinteger(L, reader->input.code);
    else
        lua_pushnil(L);
    if (reader->beginning_size == 0) return 3;
    lua_pushlstring(L, (const char *)reader->beginning, reader->beginning_size);
    return 4;
}

/* Reads an IDX file, plain or compressed with gzip. Elements keep their type, but int8 and int16 become int32.
   With options.labels = n the file must hold labels 0 ... n - 1 in one dimension; the tensor holds 1 ... n.
   nil, message, errno when the file cannot be read; nil, message when it is damaged or above the limit.
   ---@param path string
   ---@param options? { limit?: integer, labels?: integer }  limit: bytes of the tensor, 4 GiB by default
   ---@return tensor? tensor  uint8, int32, float32 or float64, with the shape of the file
   ---@return string? message
   ---@return integer? code */
static int read_idx(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    lua_Integer limit = option(L, 2, "limit", "read_idx: limit", LUA_MAXINTEGER, (lua_Integer)IDX_DEFAULT_LIMIT);
    int labels = (int)option(L, 2, "labels", "read_idx: labels", INT_MAX, 0);
    struct idx_reader *reader = lnew_closing(L, sizeof *reader, READER_METATABLE);
    FILE *file = lsource_open(L, path, path);
    if (!file) return 3;
    if (!idx_open(reader, file, labels, (uint64_t)limit) || !idx_expect(reader)) return failure(L, path, reader);
    const struct tensor *layout = &reader->layout;
    const struct tensor *tensor = ltensor_try(L, layout->dtype, layout->rank, layout->shape);
    if (!tensor) {
        lua_pushfstring(L, "%s: %s", path, lua_tostring(L, -2));
        lua_replace(L, -3);
        return 3;
    }
    if (!idx_read(reader, tensor->data)) return failure(L, path, reader);
    return 1;
}

/* idx_header(path): { dtype, shape, type and big_endian as the file has its elements, first = the byte, from 0,
   with which they begin }; nil, message, errno as above. */
static int idx_header(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    struct idx_reader *reader = lnew_closing(L, sizeof *reader, READER_METATABLE);
    FILE *file = lsource_open(L, path, path);
    if (!file) return 3;
    if (!idx_open(reader, file, 0, UINT64_MAX)) return failure(L, path, reader);
    lua_createtable(L, 0, 5);
    lua_pushstring(L, dtype_names[reader->layout.dtype]);
    lua_setfield(L, -2, "dtype");
    lpush_lengths(L, &reader->layout);
    lua_setfield(L, -2, "shape");
    lua_pushstring(L, encoding_names[reader->encoding]);
    lua_setfield(L, -2, "type");
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "big_endian");
    lua_pushinteger(L, (lua_Integer)reader->input.taken);
    lua_setfield(L, -2, "first");
    return 1;
}

void lopen_idx(lua_State *L) {
    static const luaL_Reg functions[] = {{"read_idx", read_idx}, {"idx_header", idx_header}, {NULL, NULL}};
    static const luaL_Reg reader[] = {{"__close", reader_close}, {NULL, NULL}};
    lnew_metatable(L, READER_METATABLE, reader);
    luaL_setfuncs(L, functions, 0);
}
