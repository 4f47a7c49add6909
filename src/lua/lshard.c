/* What a shard of a batch gives, in one vector of floats that is joined with those of the other shards by adding:
   the gradient of each parameter, zeros where it has none; for each parameter 1 where it has one; the changes of
   each buffer. For lua/fnet/train/shards.lua only. */
#include "ltensor.h"

#include "../core/copy.h"
#include "../core/elementwise.h"
#include "../core/shard.h"
#include "lstorage.h"

enum { VECTOR = 1, PARAMETERS, BUFFERS, BEFORE, WEIGHT, WHOLE };

/* The part of the vector from *at on that is for the elements of t, in its shape; *at moves behind it. */
static struct tensor next_part(lua_State *L, size_t *at, const struct tensor *t) {
    const struct tensor *vector = &ltensor_check(L, VECTOR)->tensor;
    size_t count = tensor_count(t);
    if (!dtype_is_float(vector->dtype) || vector->rank != 1 || !tensor_is_contiguous(vector))
        luaL_argerror(L, VECTOR, "expected a vector of floats");
    if (count > vector->shape[0] - *at) luaL_argerror(L, VECTOR, "too short");
    struct tensor part = *t;
    tensor_layout(&part, vector->dtype, t->rank, t->shape);
    part.data = (char *)vector->data + *at * dtype_sizes[vector->dtype];
    *at += count;
    return part;
}

/* The i-th tensor of a list, which keeps it; contiguous. */
static struct handle *check_entry(lua_State *L, int list, lua_Integer i) {
    lua_rawgeti(L, list, i);
    struct handle *handle = ltensor_check(L, lua_gettop(L));
    if (!tensor_is_contiguous(&handle->tensor)) luaL_argerror(L, list, "expected contiguous tensors");
    lua_pop(L, 1);
    return handle;
}

static lua_Integer count_of(lua_State *L, int list) {
    luaL_checktype(L, list, LUA_TTABLE);
    return (lua_Integer)lua_rawlen(L, list);
}

/* Where the flags are: as many elements behind the gradients as there are parameters. */
static struct tensor flags_of(lua_State *L, size_t at, lua_Integer parameters) {
    struct tensor flags;
    tensor_layout(&flags, FLOAT32, 1, &(size_t){(size_t)parameters});
    return next_part(L, &at, &flags);
}

/* pack_shard(vector, parameters, buffers, before, weight, whole): fills the vector. `before` are the buffers before
   the shard; `weight` is for changes of floats, `whole` for those of whole numbers. */
static int pack_shard(lua_State *L) {
    lua_Integer parameters = count_of(L, PARAMETERS), buffers = count_of(L, BUFFERS);
    double weight = luaL_checknumber(L, WEIGHT), whole = luaL_checknumber(L, WHOLE);
    size_t at = 0;
    for (lua_Integer i = 1; i <= parameters; i++) next_part(L, &at, &check_entry(L, PARAMETERS, i)->tensor);
    struct tensor flags = flags_of(L, at, parameters);
    at = 0;
    for (lua_Integer i = 1; i <= parameters; i++) {
        struct tensor part = next_part(L, &at, &check_entry(L, PARAMETERS, i)->tensor);
        lua_rawgeti(L, PARAMETERS, i);
        bool has_gradient = lua_getiuservalue(L, -1, SLOT_GRAD) != LUA_TNIL;
        if (has_gradient)
            tensor_copy(&ltensor_check(L, lua_gettop(L))->tensor, &part);
        else
            tensor_fill(&part, 0);
        tensor_set(&flags, (size_t)i - 1, has_gradient);
        lua_pop(L, 2);
    }
    at += (size_t)parameters;
    for (lua_Integer i = 1; i <= buffers; i++) {
        const struct tensor *x = &check_entry(L, BUFFERS, i)->tensor;
        struct tensor part = next_part(L, &at, x);
        shard_change(x, &check_entry(L, BEFORE, i)->tensor, dtype_is_float(x->dtype) ? weight : whole, &part);
    }
    lcheck_interrupt(L);
    return 0;
}

/* unpack_shard(vector, parameters, buffers, before): gives the parameters their gradients, and the buffers their
   changes. */
static int unpack_shard(lua_State *L) {
    lua_Integer parameters = count_of(L, PARAMETERS), buffers = count_of(L, BUFFERS);
    size_t at = 0;
    for (lua_Integer i = 1; i <= parameters; i++) next_part(L, &at, &check_entry(L, PARAMETERS, i)->tensor);
    struct tensor flags = flags_of(L, at, parameters);
    at = 0;
    for (lua_Integer i = 1; i <= parameters; i++) {
        const struct tensor *p = &check_entry(L, PARAMETERS, i)->tensor;
        struct tensor part = next_part(L, &at, p);
        if (tensor_get(&flags, (size_t)i - 1) == 0) continue;
        lua_rawgeti(L, PARAMETERS, i);
        const struct tensor *gradient = ltensor_new(L, "backward", p->dtype, p->rank, p->shape);
        tensor_copy(&part, gradient);
        lstorage_leave_to(ltensor_check(L, lua_gettop(L))->storage, LEAF);
        lua_setiuservalue(L, -2, SLOT_GRAD);
        lua_pop(L, 1);
    }
    at += (size_t)parameters;
    for (lua_Integer i = 1; i <= buffers; i++) {
        struct handle *buffer = check_entry(L, BUFFERS, i);
        struct tensor part = next_part(L, &at, &buffer->tensor);
        lhandle_changed(buffer);
        shard_apply(&part, &check_entry(L, BEFORE, i)->tensor, &buffer->tensor);
    }
    lcheck_interrupt(L);
    return 0;
}

/* add_shard(a, b): a = a + b, for two vectors of one length and type. */
static int add_shard(lua_State *L) {
    struct handle *a = ltensor_check(L, 1);
    const struct tensor *b = &ltensor_check(L, 2)->tensor;
    if (!tensor_alike(&a->tensor, b)) return luaL_argerror(L, 2, "expected a vector like the first");
    lhandle_changed(a);
    elementwise_binary(BINARY_ADD, &a->tensor, b, &a->tensor);
    lcheck_interrupt(L);
    return 0;
}

void lopen_shard(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"pack_shard", pack_shard}, {"unpack_shard", unpack_shard}, {"add_shard", add_shard}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
