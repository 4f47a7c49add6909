/* What the readers of foreign files in lua/fnet/data need of C: elements of any type, deflate, CRC-32.
   Invariant: zlib's state is a to-be-closed variable, so it is freed however a function ends. */
#include "ltensor.h"

#include "../core/foreign.h"
#include "../core/interrupt.h"

#include <string.h>
#include <zlib.h>

#define STREAM_METATABLE "fnet.zlib_stream"
#define STEP_SIZE ((size_t)4 << 20) /* of output: small enough that Ctrl-C is noticed quickly */

struct stream {
    z_stream zlib;
    int (*end)(z_stream *); /* NULL: not started */
};

static int stream_close(lua_State *L) {
    struct stream *stream = luaL_checkudata(L, 1, STREAM_METATABLE);
    if (stream->end) stream->end(&stream->zlib);
    stream->end = NULL;
    return 0;
}

static struct stream *new_stream(lua_State *L) {
    struct stream *stream = lua_newuserdatauv(L, sizeof *stream, 0);
    memset(stream, 0, sizeof *stream);
    luaL_setmetatable(L, STREAM_METATABLE);
    lua_toclose(L, -1);
    return stream;
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

/* core.decode(bytes, first, last, type, big endian, shape): a tensor of that shape from the elements; nil and the
   number of the element (from 1) that int32 cannot hold. */
static int decode(lua_State *L) {
    size_t length, shape[TENSOR_MAX_RANK], bad;
    const unsigned char *bytes = piece(L, &length);
    enum foreign type = (enum foreign)luaL_checkoption(L, 4, NULL, foreign_names);
    bool big_endian = lua_toboolean(L, 5);
    int rank = lcheck_shape(L, 6, "decode", shape);
    struct tensor *t = ltensor_new(L, "decode", foreign_dtypes[type], rank, shape);
    luaL_argcheck(L, tensor_count(t) == length / foreign_sizes[type] && length % foreign_sizes[type] == 0, 6,
                  "another number of elements than the bytes");
    bool good = foreign_decode(type, big_endian, bytes, tensor_count(t), t->data, &bad);
    lcheck_interrupt(L);
    if (good) return 1;
    luaL_pushfail(L);
    lua_pushinteger(L, (lua_Integer)bad + 1);
    return 2;
}

/* core.inflate(bytes, first, last, size): the `size` bytes that were deflated into those; nil and why not. */
static int inflate_bytes(lua_State *L) {
    size_t length;
    luaL_Buffer buffer;
    const unsigned char *bytes = piece(L, &length);
    size_t size = (size_t)lcheck_integer(L, 4, "inflate: size", 0, (lua_Integer)1 << 48), done = 0;
    struct stream *stream = new_stream(L);
    z_stream *zlib = &stream->zlib;
    unsigned char *to = (unsigned char *)luaL_buffinitsize(L, &buffer, size + 1); /* one more shows an excess */
    int status = inflateInit2(zlib, -15);                                         /* no header around it */
    if (status == Z_OK) stream->end = inflateEnd;
    zlib->next_in = (unsigned char *)(uintptr_t)bytes; /* zlib's interface lacks the const */
    while (status == Z_OK && done <= size && !interrupt_pending()) {
        size_t step = size + 1 - done < STEP_SIZE ? size + 1 - done : STEP_SIZE;
        size_t ahead = length < STEP_SIZE ? length : STEP_SIZE;
        zlib->avail_in = (uInt)ahead;
        zlib->next_out = to + done;
        zlib->avail_out = (uInt)step;
        status = inflate(zlib, Z_NO_FLUSH);
        length -= ahead - zlib->avail_in;
        done += step - zlib->avail_out;
    }
    lcheck_interrupt(L);
    luaL_pushresultsize(&buffer, done <= size ? done : size);
    if (status == Z_MEM_ERROR) return lerror(L, "inflate: not enough memory for zlib");
    if (status == Z_STREAM_END && done == size && length == 0) return 1;
    luaL_pushfail(L);
    if (done > size)
        lua_pushliteral(L, "holds more bytes than it declares");
    else if (status == Z_STREAM_END)
        lua_pushstring(L, done < size ? "holds fewer bytes than it declares" : "goes on after its compressed data");
    else
        lua_pushfstring(L, "compressed data is damaged: %s", zlib->msg ? zlib->msg : "it is cut short");
    return 2;
}

/* core.deflate(bytes): compressed, without a header. */
static int deflate_bytes(lua_State *L) {
    size_t length, done = 0;
    luaL_Buffer buffer;
    const char *bytes = luaL_checklstring(L, 1, &length);
    struct stream *stream = new_stream(L);
    z_stream *zlib = &stream->zlib;
    if (deflateInit2(zlib, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return lerror(L, "deflate: not enough memory for zlib");
    stream->end = deflateEnd;
    size_t most = length + length / 1000 + 64; /* above zlib's bound for stored blocks */
    unsigned char *to = (unsigned char *)luaL_buffinitsize(L, &buffer, most);
    int status = Z_OK;
    zlib->next_in = (unsigned char *)(uintptr_t)bytes;
    while (status == Z_OK && done < most && !interrupt_pending()) {
        size_t ahead = length < STEP_SIZE ? length : STEP_SIZE,
               step = most - done < STEP_SIZE ? most - done : STEP_SIZE;
        zlib->avail_in = (uInt)ahead;
        zlib->next_out = to + done;
        zlib->avail_out = (uInt)step;
        status = deflate(zlib, ahead == length ? Z_FINISH : Z_NO_FLUSH);
        length -= ahead - zlib->avail_in;
        done += step - zlib->avail_out;
    }
    lcheck_interrupt(L);
    luaL_pushresultsize(&buffer, done);
    if (status != Z_STREAM_END) return lerror(L, "deflate: zlib failed with status %d", status);
    return 1;
}

/* core.crc32(...): of strings and contiguous tensors, one after the other. */
static int crc32_pieces(lua_State *L) {
    uLong crc = crc32(0, NULL, 0);
    for (int i = 1; i <= lua_gettop(L); i++) {
        size_t length;
        const unsigned char *bytes;
        if (lua_type(L, i) == LUA_TSTRING) {
            bytes = (const unsigned char *)lua_tolstring(L, i, &length);
        } else {
            const struct tensor *t = &ltensor_check(L, i)->tensor;
            luaL_argcheck(L, tensor_is_contiguous(t), i, "expected a contiguous tensor");
            bytes = t->data;
            length = tensor_bytes(t);
        }
        for (size_t done = 0, step; done < length && !interrupt_pending(); done += step) {
            step = length - done < STEP_SIZE ? length - done : STEP_SIZE;
            crc = crc32(crc, bytes + done, (uInt)step);
        }
    }
    lcheck_interrupt(L);
    lua_pushinteger(L, (lua_Integer)crc);
    return 1;
}

void lopen_foreign(lua_State *L) {
    static const luaL_Reg functions[] = {{"decode", decode},
                                         {"inflate", inflate_bytes},
                                         {"deflate", deflate_bytes},
                                         {"crc32", crc32_pieces},
                                         {NULL, NULL}};
    static const luaL_Reg stream[] = {{"__close", stream_close}, {NULL, NULL}};
    lnew_metatable(L, STREAM_METATABLE, stream);
    luaL_setfuncs(L, functions, 0);
}
