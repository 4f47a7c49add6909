/* The bindings of transform.h. lua/fnet/data/transforms.lua calls them, with stages that it has checked; what
   depends on the batch is checked here. */
#include "ltensor.h"

#include "../core/index.h"
#include "../core/transform.h"

#include <string.h>

static const char *const kind_names[] = {"crop", "flip", "erase", NULL};

/* The number stage[name] of the table on top of the stack. */
static double field(lua_State *L, const char *name) {
    lua_getfield(L, -1, name);
    double value = luaL_checknumber(L, -1);
    lua_pop(L, 1);
    return value;
}

/* The height or width of a crop: by default that of the picture. */
static size_t extent(lua_State *L, const char *name, size_t otherwise) {
    bool given = lua_getfield(L, -1, name) != LUA_TNIL;
    size_t value = given ? (size_t)lcheck_integer(L, lua_gettop(L), name, 1, INT32_MAX) : otherwise;
    lua_pop(L, 1);
    return value;
}

/* The stage in the table on top of the stack, for pictures of out_height x out_width so far. */
static void read_stage(lua_State *L, struct transform *transform, struct transform_stage *stage) {
    lua_getfield(L, -1, "kind");
    stage->kind = (enum transform_kind)luaL_checkoption(L, -1, NULL, kind_names);
    lua_pop(L, 1);
    if (stage->kind != TRANSFORM_CROP) {
        stage->probability = field(L, "probability");
        if (stage->kind == TRANSFORM_FLIP) return;
        stage->area[0] = field(L, "least_area"), stage->area[1] = field(L, "most_area");
        stage->aspect[0] = field(L, "least_aspect"), stage->aspect[1] = field(L, "most_aspect");
        return;
    }
    size_t height = transform->out_height, width = transform->out_width;
    lua_getfield(L, -1, "padding");
    stage->padding = (size_t)lcheck_integer(L, lua_gettop(L), "padding", 0, 65535);
    lua_pop(L, 1);
    stage->height = extent(L, "height", height);
    stage->width = extent(L, "width", width);
    if (stage->height > height + 2 * stage->padding || stage->width > width + 2 * stage->padding)
        lerror(L, "random_crop: a window of [%I, %I] is larger than pictures of [%I, %I] with a padding of %I",
               (LUAI_UACINT)stage->height, (LUAI_UACINT)stage->width, (LUAI_UACINT)height, (LUAI_UACINT)width,
               (LUAI_UACINT)stage->padding);
    transform->out_height = stage->height;
    transform->out_width = stage->width;
}

/* The shape of a picture; anything but pictures counts as one row of pixels, each with the values of the last axis.
 */
static void read_shape(const struct tensor *t, struct transform *transform) {
    bool pictures = t->rank == 3 || t->rank == 4;
    transform->channels = t->rank == 3 ? 1 : t->rank == 1 ? 1 : t->shape[t->rank - 1];
    transform->height = pictures ? t->shape[1] : 1;
    transform->width = pictures ? t->shape[2] : tensor_span(t, 1, t->rank - 1);
    transform->out_height = transform->height;
    transform->out_width = transform->width;
}

/* Pushes the statistics at `index`, one value or one a channel, repeated along a row of the result. */
static const void *push_row(lua_State *L, int index, const struct transform *transform, enum dtype dtype) {
    const struct tensor *given = &ltensor_check(L, index)->tensor;
    size_t count = tensor_count(given), n = transform->out_width * transform->channels;
    if (count != 1 && count != transform->channels)
        lerror(L, "normalise: %I values for %I channels; expected one value, or one a channel", (LUAI_UACINT)count,
               (LUAI_UACINT)transform->channels);
    struct tensor *row = ltensor_new(L, "normalise", dtype, 1, &n);
    for (size_t i = 0; i < n; i++) tensor_set(row, i, tensor_get(given, i % count));
    return row->data;
}

/* core.transform(x, indices or nil, scale, stages, seed, stream, mean or nil, deviation): the pictures of x that
   the indices name, as floats, after the stages: tables { kind, ... }, of which the k-th uses stream + k - 1. */
static int transform_batch(lua_State *L) {
    const struct tensor *x = &ltensor_check(L, 1)->tensor;
    struct transform transform;
    double scale = luaL_checknumber(L, 3);
    luaL_checktype(L, 4, LUA_TTABLE);
    lua_settop(L, 8);
    if (x->dtype == INT32 || x->rank < 1 || !tensor_is_contiguous(x))
        return lerror(L, "transform: expected contiguous samples of uint8, float32 or float64, got %s of %s",
                      dtype_names[x->dtype], lpush_shape_of(L, x));
    memset(&transform, 0, sizeof transform);
    read_shape(x, &transform);
    transform.seed = (uint64_t)luaL_checkinteger(L, 5);
    transform.stages = (int)lua_rawlen(L, 4);
    luaL_argcheck(L, transform.stages <= TRANSFORM_MOST_STAGES, 4, "too many stages");
    for (int s = 0; s < transform.stages; s++) {
        transform.stage[s].stream = (uint64_t)luaL_checkinteger(L, 6) + (uint64_t)s;
        lua_rawgeti(L, 4, s + 1);
        read_stage(L, &transform, &transform.stage[s]);
        lua_pop(L, 1);
    }
    if (transform.stages > 0 && x->rank != 3 && x->rank != 4)
        return lerror(L,
                      "transform: expected pictures [count, height, width] or [count, height, width, channels], "
                      "got %s",
                      lpush_shape_of(L, x));
    enum dtype dtype = x->dtype == FLOAT64 ? FLOAT64 : FLOAT32;
    const int32_t *index = NULL;
    struct tensor layout = *x;
    if (!lua_isnil(L, 2)) {
        const struct tensor *indices = &ltensor_check(L, 2)->tensor;
        size_t bad;
        luaL_argcheck(L, indices->dtype == INT32 && indices->rank == 1 && tensor_is_contiguous(indices), 2,
                      "expected contiguous int32 of rank 1");
        if (!index_check(indices->data, indices->shape[0], (int64_t)x->shape[0], &bad))
            return luaL_argerror(L, 2, "an index is outside the samples");
        index = indices->data;
        layout.shape[0] = indices->shape[0];
    }
    if (transform.stages > 0) {
        layout.shape[1] = transform.out_height;
        layout.shape[2] = transform.out_width;
    }
    if (!lua_isnil(L, 7)) {
        transform.mean = push_row(L, 7, &transform, dtype);
        transform.deviation = push_row(L, 8, &transform, dtype);
    }
    struct tensor *y = ltensor_new(L, "batch", dtype, x->rank, layout.shape);
    transform_pictures(&transform, x->dtype, x->data, index, layout.shape[0], scale, dtype, y->data);
    lcheck_interrupt(L);
    return 1;
}

/* core.mix(x, partners, weights): weights[i] x[i] + (1 - weights[i]) x[partners[i]], for floats. */
static int mix(lua_State *L) {
    const struct tensor *x = &ltensor_check(L, 1)->tensor;
    const struct tensor *partners = &ltensor_check(L, 2)->tensor, *weights = &ltensor_check(L, 3)->tensor;
    size_t bad;
    luaL_argcheck(L, dtype_is_float(x->dtype) && x->rank >= 1, 1, "expected floats");
    luaL_argcheck(L,
                  partners->dtype == INT32 && partners->rank == 1 && tensor_is_contiguous(partners) &&
                      partners->shape[0] == x->shape[0] &&
                      index_check(partners->data, partners->shape[0], (int64_t)x->shape[0], &bad),
                  2, "expected one row number for each row");
    luaL_argcheck(L, weights->rank == 1 && weights->shape[0] == x->shape[0], 3, "expected one weight a row");
    weights = lpush_contiguous(L, 3, "mix_up", x->dtype);
    x = lpush_contiguous(L, 1, "mix_up", x->dtype);
    struct tensor *y = ltensor_new(L, "mix_up", x->dtype, x->rank, x->shape);
    transform_mix(x->dtype, tensor_span(x, 1, x->rank), x->data, partners->data, weights->data, x->shape[0],
                  y->data);
    lcheck_interrupt(L);
    return 1;
}

void lopen_transform(lua_State *L) {
    static const luaL_Reg functions[] = {{"transform", transform_batch}, {"mix", mix}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
