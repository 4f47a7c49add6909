/* What the readers of files in lua/fnet/files need of C: elements of any encoding, deflate, the sizes of types.
   Invariant: zlib's state is a to-be-closed variable, so it is freed however a function ends. */
#include "ltensor.h"

#include "../core/decode.h"
#include "../core/stream.h"

#define STREAM_METATABLE "fnet.stream"

static int stream_close(lua_State *L) {
    stream_end(luaL_checkudata(L, 1, STREAM_METATABLE));
    return 0;
}

/* The bytes [first, last] (from 1) of the string at index 1, those two at 2 and 3. */
static const unsigned char *piece(lua_State *L, size_t *length) {
    size_t whole;
    const char *bytes = luaL_checklstring(L, 1, &whole);
    lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3);
    luaL_argcheck(L, first >= 1 && first - 1 <= last && last <= (lua_Integer)whole, 2, "outside the string");
    *length = (size_t)(last - first + 1);
    return (const unsigned char *)bytes + first - 1;
}

/* core.decode(bytes, first, last, encoding, big endian, shape): a tensor of that shape from the elements; nil and
   why not. */
static int decode(lua_State *L) {
    size_t length, shape[TENSOR_MAX_RANK], bad;
    const unsigned char *bytes = piece(L, &length);
    enum encoding encoding = (enum encoding)luaL_checkoption(L, 4, NULL, encoding_names);
    bool big_endian = lua_toboolean(L, 5);
    int rank = lcheck_shape(L, 6, "decode", shape);
    enum dtype dtype = encoding_dtypes[encoding];
    struct tensor *t = ltensor_new(L, "decode", dtype, rank, shape);
    size_t count = tensor_count(t), size = encoding_sizes[encoding];
    luaL_argcheck(L, count == length / size && length % size == 0, 6, "another number of elements than the bytes");
    bool good = decode_elements(encoding, big_endian, bytes, count, dtype, t->data, &bad);
    lcheck_interrupt(L);
    if (good) return 1;
    luaL_pushfail(L);
    lua_pushfstring(L, "holds, as element %I, a whole number that int32 cannot hold", (LUAI_UACINT)bad + 1);
    return 2;
}

/* core.inflate(bytes, first, last, size): the `size` bytes that were deflated into those; nil and why not. */
static int inflate_bytes(lua_State *L) {
    size_t length;
    luaL_Buffer buffer;
    const unsigned char *bytes = piece(L, &length);
    size_t size = (size_t)lcheck_integer(L, 4, "inflate: size", 0, (lua_Integer)1 << 48);
    struct stream *stream = lnew_closing(L, sizeof *stream, STREAM_METATABLE);
    unsigned char *to = (unsigned char *)luaL_buffinitsize(L, &buffer, size + 1); /* one more shows an excess */
    *stream = (struct stream){.from = bytes, .left = length, .to = to, .room = size + 1};
    enum stream_state state = stream_inflate(stream, false);
    if (state == STREAM_OPEN) state = stream_move(stream);
    lcheck_interrupt(L);
    luaL_pushresultsize(&buffer, stream->room > 0 ? size + 1 - stream->room : size);
    if (state == STREAM_NO_MEMORY) return lerror_kind(L, LERROR_MEMORY, "inflate: not enough memory for zlib");
    if (state == STREAM_ENDED && stream->room == 1 && stream->left == 0) return 1;
    luaL_pushfail(L);
    if (stream->room == 0)
        lua_pushliteral(L, "holds more bytes than it declares");
    else if (state == STREAM_ENDED)
        lua_pushstring(L, stream->room > 1 ? "holds fewer bytes than it declares"
                                           : "goes on after its compressed data");
    else
        lua_pushfstring(L, "compressed data is damaged: %s",
                        state == STREAM_DAMAGED ? stream->message : "it is cut short");
    return 2;
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

/* core.encoding_sizes.u16: bytes an element. */
static void push_encoding_sizes(lua_State *L) {
    lua_createtable(L, 0, ENCODING_COUNT);
    for (int i = 0; i < ENCODING_COUNT; i++) {
        lua_pushinteger(L, (lua_Integer)encoding_sizes[i]);
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
    static const luaL_Reg functions[] = {
        {"decode", decode}, {"inflate", inflate_bytes}, {"deflate", deflate_bytes}, {NULL, NULL}};
    static const luaL_Reg stream[] = {{"__close", stream_close}, {NULL, NULL}};
    lnew_metatable(L, STREAM_METATABLE, stream);
    luaL_setfuncs(L, functions, 0);
    push_encoding_sizes(L);
    lua_setfield(L, -2, "encoding_sizes");
    push_dtypes(L);
    lua_setfield(L, -2, "dtypes");
}
