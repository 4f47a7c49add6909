/* Tensor handles. See ltensor.h. */
#include "ltensor.h"

#include "lstorage.h"

#include "../core/copy.h"
#include "../core/row_set.h"

#include <errno.h>
#include <string.h>

static const char metatable_key; /* registry: the same table as TENSOR_METATABLE, found faster */
static const char tensor_kind;   /* its address */

/* Pushes a handle with `extra` bytes behind it. */
static struct handle *new_handle(lua_State *L, size_t extra) {
    struct handle *handle = lua_newuserdatauv(L, sizeof *handle + extra, SLOT_COUNT);
    memset(handle, 0, sizeof *handle);
    handle->kind = &tensor_kind;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
    lua_setmetatable(L, -2);
    return handle;
}

/* `what` and so on as in ltensor.h; `extra` bytes behind the elements. */
static struct handle *new_tensor(lua_State *L, const char *what, enum dtype dtype, int rank, const size_t *shape,
                                 size_t extra) {
    struct tensor layout;
    if (!tensor_layout(&layout, dtype, rank, shape))
        lerror(L, "%s: %s of %s elements is more than this machine can address", what, lpush_shape(L, rank, shape),
               dtype_names[dtype]);
    luaL_checkstack(L, 8, what);
    size_t bytes = tensor_bytes(&layout) + extra;
    struct handle *handle;
    if (bytes < POOLED_BYTES) {
        handle = new_handle(L, lstorage_total(bytes));
        handle->storage = (struct storage *)(void *)(handle + 1);
        lstorage_embed(handle->storage, bytes);
    } else {
        struct storage *storage = lstorage_take(L, what, bytes);
        handle = new_handle(L, 0);
        handle->storage = storage;
        lua_insert(L, -2);
        lua_setiuservalue(L, -2, SLOT_STORAGE);
    }
    handle->generation = handle->storage->generation;
    handle->owner = true;
    handle->tensor = layout;
    handle->tensor.data = lstorage_data(handle->storage);
    return handle;
}

struct tensor *ltensor_new(lua_State *L, const char *what, enum dtype dtype, int rank, const size_t *shape) {
    return &new_tensor(L, what, dtype, rank, shape, 0)->tensor;
}

struct tensor *ltensor_result(lua_State *L, int operands, const char *what, enum dtype dtype, int rank,
                              const size_t *shape) {
    for (int i = 1; i <= operands; i++) {
        struct handle *handle = ltensor_test(L, i);
        if (!handle || !handle->last_use) continue;
        const struct tensor *t = &handle->tensor;
        if (t->dtype != dtype || t->rank != rank || memcmp(t->shape, shape, (size_t)rank * sizeof *shape) != 0)
            continue;
        handle->last_use = handle->storage->no_minus_zero = false;
        lhandle_written(handle, t, NULL);
        lua_pushvalue(L, i);
        return &handle->tensor;
    }
    return ltensor_new(L, what, dtype, rank, shape);
}

struct tensor *ltensor_new_rows(lua_State *L, const char *what, enum dtype dtype, int rank, const size_t *shape,
                                uint64_t **rows) {
    size_t set = row_set_bytes(shape[0]);
    struct handle *handle = new_tensor(L, what, dtype, rank, shape, set);
    struct storage *storage = handle->storage;
    if (!storage->zeros) memset(handle->tensor.data, 0, storage->bytes);
    *rows = NULL;
    if (!storage->embedded) {
        storage->rows = storage->bytes - set;
        *rows = (uint64_t *)(void *)((char *)handle->tensor.data + storage->rows);
    }
    return &handle->tensor;
}

const uint64_t *lhandle_rows(const struct handle *handle) {
    if (handle->storage->rows == 0 || !handle->owner) return NULL;
    return (const uint64_t *)(const void *)((const char *)handle->tensor.data + handle->storage->rows);
}

/* Makes zeros of what may be other than that, where this is known. True where it is. */
static bool clear_rows(const struct handle *handle) {
    const uint64_t *rows = lhandle_rows(handle);
    if (!rows) return false;
    size_t count = handle->tensor.shape[0], row_bytes = tensor_bytes(&handle->tensor) / count;
    for (size_t row = 0, end; row_set_run(rows, count, &row, &end); row = end)
        memset((char *)handle->tensor.data + row * row_bytes, 0, (end - row) * row_bytes);
    memset((char *)handle->tensor.data + handle->storage->rows, 0, row_set_bytes(count));
    return true;
}

static int new_as_laid_out(lua_State *L) {
    const struct tensor *layout = lua_touserdata(L, 1);
    ltensor_new(L, "read", layout->dtype, layout->rank, layout->shape);
    return 1;
}

struct tensor *ltensor_try(lua_State *L, enum dtype dtype, int rank, const size_t *shape) {
    struct tensor layout;
    if (!tensor_layout(&layout, dtype, rank, shape)) ltensor_new(L, "read", dtype, rank, shape); /* raises */
    lua_pushcfunction(L, new_as_laid_out);
    lua_pushlightuserdata(L, &layout);
    int status = lua_pcall(L, 1, 1, 0);
    if (status == LUA_OK) return &((struct handle *)lua_touserdata(L, -1))->tensor;
    if (!lerror_is(L, -1, LERROR_MEMORY)) lua_error(L); /* a lack of memory for little things too */
    luaL_pushfail(L);
    lua_pushfstring(L, "needs %I MiB, which do not fit into memory", (LUAI_UACINT)(tensor_bytes(&layout) >> 20));
    lua_pushinteger(L, ENOMEM);
    return NULL;
}

struct tensor *ltensor_view(lua_State *L, int index, const struct tensor *layout) {
    struct handle *source = lua_touserdata(L, index);
    luaL_checkstack(L, 8, "view");
    index = lua_absindex(L, index);
    struct handle *view = new_handle(L, 0);
    view->storage = source->storage;
    view->generation = source->generation;
    if (lua_getiuservalue(L, index, SLOT_STORAGE) == LUA_TNIL) { /* embedded: the view keeps its owner */
        lua_pop(L, 1);
        lua_pushvalue(L, index);
    }
    lua_setiuservalue(L, -2, SLOT_STORAGE);
    view->tensor = *layout;
    return &view->tensor;
}

/* Scripts cannot change a userdata's bytes, and no other library's begin with this address, which spares looking at
   the metatable. (The length of a light userdata is 0.) */
struct handle *ltensor_test(lua_State *L, int index) {
    struct handle *handle = lua_touserdata(L, index);
    if (!handle || lua_rawlen(L, index) < sizeof *handle || handle->kind != &tensor_kind) return NULL;
    return handle;
}

/* Raises that the value at `index` is not what is expected, such as a tensor. `method` names the method that has no
   object, where that is why. */
static int refuse(lua_State *L, const char *what, int index, const char *expected, const char *method) {
    const char *hint = "";
    bool plain = lua_type(L, index) == LUA_TTABLE && !lua_getmetatable(L, index);
    const char *kind = lpush_kind(L, index);
    if (plain) hint = "; fnet.tensor { ... } makes one of numbers";
    if (method) hint = lua_pushfstring(L, "; a method is called with a colon, t:%s(...)", method);
    return lerror(L, "%s%sexpected %s, got %s%s", what, *what ? ": " : "", expected, kind, hint);
}

static bool is_method(lua_State *L, const char *name) {
    luaL_getmetatable(L, TENSOR_METATABLE);
    lua_getfield(L, -1, "methods");
    return lua_getfield(L, -1, name) != LUA_TNIL;
}

int lrefuse_operand(lua_State *L, const char *what, int index, const char *expected, bool has_object) {
    lua_Debug frame;
    bool named = lua_getstack(L, 0, &frame) && lua_getinfo(L, "n", &frame) && frame.name && *frame.name != '?';
    const char *name = named ? frame.name : "";
    bool method = named && !has_object && strcmp(frame.namewhat, "metamethod") != 0;
    return refuse(L, what ? what : name, index, expected,
                  method && lerror_in_script(L, 1) && is_method(L, name) ? name : NULL);
}

static int not_a_tensor(lua_State *L, int index) { return lrefuse_operand(L, NULL, index, "a tensor", index > 1); }

/* core.refuse_tensor(what, value, method): the same for the library's Lua modules; `method`: it is the object of
   the method `what`, which calls expect.self, which calls this. */
static int refuse_tensor(lua_State *L) {
    const char *what = luaL_checkstring(L, 1);
    return refuse(L, what, 2, "a tensor", lua_toboolean(L, 3) && lerror_in_script(L, 3) ? what : NULL);
}

/* Metamethod "kind": see lpush_kind. */
static int tensor_kind_of(lua_State *L) {
    const struct handle *handle = ltensor_test(L, 1);
    if (!handle) return 0;
    const struct tensor *t = &handle->tensor;
    lua_pushfstring(L, "%s %s tensor of %s%s", t->dtype == INT32 ? "an" : "a", dtype_names[t->dtype],
                    lpush_shape_of(L, t), tensor_count(t) == 1 ? ", whose number is t:item()" : "");
    return 1;
}

/* core.kind(value): what lpush_kind says. */
static int kind(lua_State *L) {
    luaL_checkany(L, 1);
    lpush_kind(L, 1);
    return 1;
}

bool lhandle_alive(const struct handle *handle) { return handle->generation == handle->storage->generation; }

struct handle *ltensor_check(lua_State *L, int index) {
    struct handle *handle = ltensor_test(L, index);
    if (!handle) {
        not_a_tensor(L, index);
    } else if (!lhandle_alive(handle)) {
        lerror(L,
               "this tensor %s was given back: a batch when its loop took the next one, a gradient at zero_grad, "
               "or a tensor by :release(); keep a copy with :clone()",
               lpush_shape_of(L, &handle->tensor));
    }
    return handle;
}

struct tensor *ltensor_copy(lua_State *L, const char *what, enum dtype dtype, const struct tensor *t) {
    struct tensor *copy = ltensor_new(L, what, dtype, t->rank, t->shape);
    tensor_copy(t, copy);
    lcheck_interrupt(L);
    return copy;
}

const struct tensor *lpush_contiguous(lua_State *L, int index, const char *what, enum dtype dtype) {
    index = lua_absindex(L, index);
    const struct tensor *t = &ltensor_check(L, index)->tensor;
    if (t->dtype == dtype && tensor_is_contiguous(t)) {
        lua_pushvalue(L, index);
        return t;
    }
    return ltensor_copy(L, what, dtype, t);
}

static bool of_sigmoid(const struct handle *handle) { return handle->sigmoid || handle->storage->sigmoid; }

static bool of_softmax(const struct handle *handle) { return handle->softmax || handle->storage->softmax; }

const char *lhandle_made_by(const struct handle *handle) {
    return of_softmax(handle) ? "softmax" : of_sigmoid(handle) ? "sigmoid" : NULL;
}

void lhandle_inherit(lua_State *L, int index) {
    const struct handle *source = lua_touserdata(L, index);
    struct handle *handle = lua_touserdata(L, -1);
    handle->sigmoid = handle->sigmoid || of_sigmoid(source);
    handle->softmax = handle->softmax || of_softmax(source);
    handle->classes = NO_AXIS;
}

void lhandle_set_logits(lua_State *L, int index, int axis) {
    struct handle *handle = lua_touserdata(L, index);
    const struct handle *logits = lua_touserdata(L, -1);
    handle->softmax = true;
    handle->classes = axis;
    handle->traced = handle->storage->version + logits->storage->version;
    lua_setiuservalue(L, index, SLOT_LOGITS);
}

int lhandle_classes(lua_State *L, int index) {
    const struct handle *handle = lua_touserdata(L, index);
    if (!handle->softmax || handle->classes == NO_AXIS) return NO_AXIS;
    lua_getiuservalue(L, index, SLOT_LOGITS);
    const struct handle *logits = lua_touserdata(L, -1);
    bool as_it_was = lhandle_alive(logits) && handle->traced == handle->storage->version + logits->storage->version;
    lua_pop(L, 1);
    return as_it_was ? handle->classes : NO_AXIS;
}

void lhandle_changed(struct handle *handle) {
    handle->storage->version++;
    handle->storage->rows = 0;
}

void lhandle_written(struct handle *handle, const struct tensor *part, const struct handle *source) {
    bool sigmoid = source && of_sigmoid(source), softmax = source && of_softmax(source);
    lhandle_changed(handle);
    if (handle->owner && tensor_count(part) == tensor_count(&handle->tensor)) {
        handle->sigmoid = handle->softmax = false;
        handle->storage->sigmoid = handle->storage->softmax = false;
    }
    if (!dtype_is_float(part->dtype)) return; /* no probabilities any more */
    handle->storage->sigmoid = handle->storage->sigmoid || sigmoid;
    handle->storage->softmax = handle->storage->softmax || softmax;
}

void lhandle_escape(const struct handle *handle) {
    if (lhandle_alive(handle)) lstorage_leave_to(handle->storage, COLLECTOR);
}

void lhandle_give_back(lua_State *L, int index) {
    struct handle *handle = lua_touserdata(L, index);
    if (handle->storage->embedded) {
        handle->storage->generation++;
        return;
    }
    bool zeros = clear_rows(handle);
    lua_getiuservalue(L, index, SLOT_STORAGE);
    lstorage_give_back(L, -1);
    handle->storage->zeros = zeros;
    lua_pop(L, 1);
}

/* t:release(): gives the storage back before the collector would; any later use of it raises an error. */
static int tensor_release(lua_State *L) {
    struct handle *handle = ltensor_test(L, 1);
    if (!handle) return not_a_tensor(L, 1);
    if (lhandle_alive(handle)) lhandle_give_back(L, 1);
    return 0;
}

static int is_tensor(lua_State *L) {
    lua_pushboolean(L, ltensor_test(L, 1) != NULL);
    return 1;
}

void lopen_tensor(lua_State *L) {
    luaL_newmetatable(L, TENSOR_METATABLE);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
    lua_pushcfunction(L, tensor_kind_of);
    lua_setfield(L, -2, "kind");
    lua_newtable(L);
    lua_pushcfunction(L, tensor_release);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "release");
    lua_setfield(L, -3, "__close");
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "methods");
    lua_setfield(L, -3, "methods"); /* core.methods: Lua modules and other bindings add theirs */
    lua_setfield(L, -2, "metatable");
    static const luaL_Reg functions[] = {
        {"is_tensor", is_tensor}, {"refuse_tensor", refuse_tensor}, {"kind", kind}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
