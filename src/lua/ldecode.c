/* What the readers and writers of files need of C besides inputs: deflate, base64, the sizes of types.
   Invariant: zlib's state is a to-be-closed variable, so it is freed however a function ends. */
#include "ltensor.h"

#include "../core/base64.h"
#include "../core/decode.h"
#include "../core/stream.h"

#define STREAM_METATABLE "fnet.stream"

static int stream_close(lua_State *L) {
    stream_end(luaL_checkudata(L, 1, STREAM_METATABLE));
    return 0;
}

/* core.deflate(bytes): compressed, without a header. */
static int deflate_bytes(lua_State *L) {
    size_t length;
    luaL_Buffer buffer;
    const char *bytes = luaL_checklstring(L, 1, &length);
    size_t most = length + length / 1000 + 64; /* above zlib's bound for stored blocks */
    struct stream *stream = lnew_closing(L, sizeof *stream, STREAM_METATABLE);
    unsigned char *to = (unsigned char *)luaL_buffinitsize(L, &buffer, most);
    *stream = (struct stream){.from = (const unsigned char *)bytes, .left = length, .to = to, .room = most};
    enum stream_state state = stream_deflate(stream);
    if (state != STREAM_OPEN) return lerror_kind(L, LERROR_MEMORY, "deflate: not enough memory for zlib");
    state = stream_move(stream);
    lcheck_interrupt(L);
    luaL_pushresultsize(&buffer, most - stream->room);
    if (state != STREAM_ENDED) return lerror(L, "deflate: zlib failed");
    return 1;
}

/* core.base64(bytes): as text. */
static int base64(lua_State *L) {
    size_t size;
    luaL_Buffer buffer;
    const char *bytes = luaL_checklstring(L, 1, &size);
    char *to = luaL_buffinitsize(L, &buffer, BASE64_LENGTH(size));
    base64_encode(to, (const uint8_t *)bytes, size);
    luaL_pushresultsize(&buffer, BASE64_LENGTH(size));
    return 1;
}

/* core.encodings.u16: { size = bytes an element, dtype = what the elements become }. */
static void push_encodings(lua_State *L) {
    lua_createtable(L, 0, ENCODING_COUNT);
    for (int i = 0; i < ENCODING_COUNT; i++) {
        lua_createtable(L, 0, 2);
        lua_pushinteger(L, (lua_Integer)encoding_sizes[i]);
        lua_setfield(L, -2, "size");
        lua_pushstring(L, dtype_names[encoding_dtypes[i]]);
        lua_setfield(L, -2, "dtype");
        lua_setfield(L, -2, encoding_names[i]);
    }
}

/* core.dtypes.int32: { size = bytes an element, float = whether arithmetic is for it }. */
static void push_dtypes(lua_State *L) {
    lua_createtable(L, 0, DTYPE_COUNT);
    for (int i = 0; i < DTYPE_COUNT; i++) {
        lua_createtable(L, 0, 2);
        lua_pushinteger(L, (lua_Integer)dtype_sizes[i]);
        lua_setfield(L, -2, "size");
        lua_pushboolean(L, dtype_is_float((enum dtype)i));
        lua_setfield(L, -2, "float");
        lua_setfield(L, -2, dtype_names[i]);
    }
}

void lopen_decode(lua_State *L) {
    static const luaL_Reg functions[] = {{"deflate", deflate_bytes}, {"base64", base64}, {NULL, NULL}};
    static const luaL_Reg stream[] = {{"__close", stream_close}, {NULL, NULL}};
    lnew_metatable(L, STREAM_METATABLE, stream);
    luaL_setfuncs(L, functions, 0);
    push_encodings(L);
    lua_setfield(L, -2, "encodings");
    push_dtypes(L);
    lua_setfield(L, -2, "dtypes");
}
