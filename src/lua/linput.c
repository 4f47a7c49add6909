/* Files that are read by parts: core.open_input(path) gives an input, whose methods give strings and tensors.
   What the environment refuses, and what a file lacks, comes back as nil, a message without the file's name, and
   errno or nil.
   Invariant: the file is open until :close(), the end of a to-be-closed variable, or the collector. */
#include "lsource.h"
#include "ltensor.h"

#include "../core/index.h"
#include "../core/input.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#ifdef __APPLE__
#define st_mtim st_mtimespec
#endif

#define INPUT_METATABLE "fnet.input"

struct input_file {
    FILE *file;         /* NULL: closed */
    struct stat status; /* when it was opened */
    struct input input; /* the latest part */
};

static int input_close(lua_State *L) {
    struct input_file *self = luaL_checkudata(L, 1, INPUT_METATABLE);
    input_end(&self->input);
    if (self->file) fclose(self->file); /* nothing was written to it: no result matters */
    self->file = NULL;
    return 0;
}

static struct input_file *check_input(lua_State *L) {
    struct input_file *self = luaL_checkudata(L, 1, INPUT_METATABLE);
    if (!self->file) lerror(L, "the file is closed");
    return self;
}

static int failure(lua_State *L, const char *message, int code) {
    lcheck_interrupt(L);
    luaL_pushfail(L);
    lua_pushstring(L, message);
    if (code == 0) return 2;
    lua_pushinteger(L, code);
    return 3;
}

/* core.open_input(path): an input; nil, the message with the path, errno. */
static int open_input(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    struct input_file *self = lnew_object(L, sizeof *self, INPUT_METATABLE);
    self->file = lsource_open(L, path, path);
    if (!self->file) return 3;
    return fstat(fileno(self->file), &self->status) == 0 ? 1 : luaL_fileresult(L, 0, path);
}

/* input:size(): bytes; nil where it is no ordinary file. */
static int input_size(lua_State *L) {
    const struct input_file *self = check_input(L);
    if (S_ISREG(self->status.st_mode))
        lua_pushinteger(L, (lua_Integer)self->status.st_size);
    else
        luaL_pushfail(L);
    return 1;
}

/* Forgets the part that was read so far. */
static void forget_part(struct input_file *self) {
    input_end(&self->input);
    memset(&self->input, 0, offsetof(struct input, buffer));
    self->input.file = self->file;
}

/* input:part(format, first, length): what the methods below read from now on: from the byte `first` on (from 0) so
   many bytes, all that follow for nil; format as in input.h. true. */
static int input_part(lua_State *L) {
    struct input_file *self = check_input(L);
    enum input_format format = (enum input_format)luaL_checkoption(L, 2, NULL, input_format_names);
    lua_Integer first = lcheck_integer(L, 3, "part: first", 0, LUA_MAXINTEGER);
    uint64_t length =
        lua_isnoneornil(L, 4) ? UINT64_MAX : (uint64_t)lcheck_integer(L, 4, "part: length", 0, LUA_MAXINTEGER);
    forget_part(self);
    bool stands_there = first == 0 && !S_ISREG(self->status.st_mode); /* a pipe, from its beginning */
    if (!stands_there && fseeko(self->file, (off_t)first, SEEK_SET) != 0) return failure(L, strerror(errno), errno);
    if (!input_start(&self->input, self->file, format, length))
        return failure(L, self->input.message, self->input.code);
    lua_pushboolean(L, 1);
    return 1;
}

/* input:bytes(count): the next ones; fewer only at the end. */
static int input_bytes(lua_State *L) {
    struct input_file *self = check_input(L);
    luaL_Buffer buffer;
    size_t count = (size_t)lcheck_integer(L, 2, "bytes: count", 0, PTRDIFF_MAX), taken;
    char *to = luaL_buffinitsize(L, &buffer, count);
    bool fine = input_take(&self->input, to, count, &taken);
    luaL_pushresultsize(&buffer, fine ? taken : 0);
    return fine ? 1 : failure(L, self->input.message, self->input.code);
}

/* input:elements(encoding, big endian, shape): the next ones as a tensor. */
static int input_tensor(lua_State *L) {
    size_t shape[TENSOR_MAX_RANK];
    struct input_file *self = check_input(L);
    enum encoding encoding = (enum encoding)luaL_checkoption(L, 2, NULL, encoding_names);
    bool big_endian = lua_toboolean(L, 3);
    int rank = lcheck_shape(L, 4, "elements", shape);
    const enum dtype dtype = encoding_dtypes[encoding];
    struct tensor layout;
    if (!tensor_layout(&layout, dtype, rank, shape)) return failure(L, "has a shape larger than any memory", 0);
    if (!input_expect(&self->input, tensor_count(&layout) * encoding_sizes[encoding]))
        return failure(L, self->input.message, self->input.code);
    const struct tensor *t = ltensor_try(L, dtype, rank, shape);
    if (!t) return 3;
    if (!input_elements(&self->input, encoding, big_endian, tensor_count(t), dtype, t->data))
        return failure(L, self->input.message, self->input.code);
    return 1;
}

/* input:expect(count): true where the file can hold so many bytes more. */
static int input_check_count(lua_State *L) {
    struct input_file *self = check_input(L);
    lua_Integer count = lcheck_integer(L, 2, "expect: count", 0, LUA_MAXINTEGER);
    if (!input_expect(&self->input, (uint64_t)count)) return failure(L, self->input.message, self->input.code);
    lua_pushboolean(L, 1);
    return 1;
}

/* input:finish(): true where nothing follows. */
static int input_check_end(lua_State *L) {
    struct input_file *self = check_input(L);
    if (!input_finish(&self->input)) return failure(L, self->input.message, self->input.code);
    lua_pushboolean(L, 1);
    return 1;
}

/* input:crc32(): of all that was read of a "stored" or "deflated" part. */
static int input_crc32(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)check_input(L)->input.crc);
    return 1;
}

static bool has_changed(const struct input_file *self) {
    struct stat now;
    const struct stat *before = &self->status;
    return fstat(fileno(self->file), &now) != 0 || now.st_size != before->st_size ||
           now.st_mtim.tv_sec != before->st_mtim.tv_sec || now.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

/* input:rows(first, encoding, big endian, shape, indices): rows of elements that lie there plainly from the byte
   `first` on and have that shape. */
static int input_read_rows(lua_State *L) {
    size_t shape[TENSOR_MAX_RANK], bad;
    struct input_file *self = luaL_checkudata(L, 1, INPUT_METATABLE);
    uint64_t first = (uint64_t)lcheck_integer(L, 2, "rows: first", 0, LUA_MAXINTEGER);
    enum encoding encoding = (enum encoding)luaL_checkoption(L, 3, NULL, encoding_names);
    bool big_endian = lua_toboolean(L, 4);
    int rank = lcheck_shape(L, 5, "rows", shape);
    const struct tensor *indices = &ltensor_check(L, 6)->tensor;
    bool fits = indices->dtype == INT32 && indices->rank == 1 && tensor_is_contiguous(indices);
    luaL_argcheck(L, fits && rank >= 1, 6, "expected contiguous int32 [count]");
    const size_t count = indices->shape[0];
    if (!index_check(indices->data, count, (int64_t)shape[0], &bad))
        lerror(L, "rows: index %d at position %I is outside 1..%I (indices count from 1)",
               (int)((const int32_t *)indices->data)[bad], (LUAI_UACINT)bad + 1, (LUAI_UACINT)shape[0]);
    if (!self->file) return failure(L, "is closed", 0);
    if (has_changed(self)) return failure(L, "was changed after it was opened; open it anew", 0);
    forget_part(self);
    shape[0] = count;
    const struct tensor *t = ltensor_try(L, encoding_dtypes[encoding], rank, shape);
    if (!t) return 3;
    if (!input_rows(&self->input, first, tensor_span(t, 1, rank), encoding, big_endian, indices->data, count,
                    t->data))
        return failure(L, self->input.message, self->input.code);
    return 1;
}

void lopen_input(lua_State *L) {
    static const luaL_Reg functions[] = {{"open_input", open_input}, {NULL, NULL}};
    static const luaL_Reg methods[] = {
        {"size", input_size},          {"part", input_part},       {"bytes", input_bytes},
        {"expect", input_check_count}, {"elements", input_tensor}, {"finish", input_check_end},
        {"crc32", input_crc32},        {"rows", input_read_rows},  {"close", input_close},
        {"__close", input_close},      {"__gc", input_close},      {NULL, NULL}};
    lnew_metatable(L, INPUT_METATABLE, methods);
    luaL_setfuncs(L, functions, 0);
}
