/* Pooling of pictures with channels last. */
#include "ltape.h"

#include "../core/pool.h"

#define LONGEST 4096 /* of a kernel's side: the number of a tap is exact in a float */

/* The geometry, from `index` on: kernel height and width, stride down and across, padding above, below, left and
   right. */
static struct pool2d check_geometry(lua_State *L, int index, enum dtype dtype) {
    struct pool2d pool = {.dtype = dtype};
    pool.rows.kernel = (size_t)lcheck_integer(L, index, "pool: kernel", 1, LONGEST);
    pool.columns.kernel = (size_t)lcheck_integer(L, index + 1, "pool: kernel", 1, LONGEST);
    pool.rows.stride = (size_t)lcheck_integer(L, index + 2, "pool: stride", 1, WINDOW_LONGEST);
    pool.columns.stride = (size_t)lcheck_integer(L, index + 3, "pool: stride", 1, WINDOW_LONGEST);
    pool.rows.before = (size_t)lcheck_integer(L, index + 4, "pool: padding", 0, (lua_Integer)pool.rows.kernel - 1);
    pool.rows.after = (size_t)lcheck_integer(L, index + 5, "pool: padding", 0, (lua_Integer)pool.rows.kernel - 1);
    pool.columns.before =
        (size_t)lcheck_integer(L, index + 6, "pool: padding", 0, (lua_Integer)pool.columns.kernel - 1);
    pool.columns.after =
        (size_t)lcheck_integer(L, index + 7, "pool: padding", 0, (lua_Integer)pool.columns.kernel - 1);
    return pool;
}

static bool fit(struct window *w, size_t size) {
    return window_fit(w, size) && (w->count - 1) * w->stride < size + w->before; /* the last one reaches the axis */
}

/* Fills in the pictures' shape, [batch, height, width, channels] or without the batch; false where none fits. */
static bool fit_picture(struct pool2d *pool, int rank, const size_t *shape) {
    pool->batch = rank == 4 ? shape[0] : 1;
    pool->channels = shape[rank - 1];
    return fit(&pool->rows, shape[rank - 3]) && fit(&pool->columns, shape[rank - 2]);
}

/* Stack: x, place, geometry. Pushes x contiguous; y's shape ends in shape[4]. */
static const struct tensor *check_input(lua_State *L, const char *what, struct pool2d *pool, size_t *shape) {
    const struct tensor *x = &ltensor_check(L, 1)->tensor;
    if (!dtype_is_float(x->dtype))
        lerror(L, "%s: expected a float tensor, got %s; convert with :float()", what, dtype_names[x->dtype]);
    if (x->rank != 3 && x->rank != 4)
        lerror(L, "%s: expected an input of [batch, height, width, channels], got %s", what, lpush_shape_of(L, x));
    *pool = check_geometry(L, 3, x->dtype);
    if (!fit_picture(pool, x->rank, x->shape))
        lerror(L, "%s: the window of %I x %I does not fit into a picture of %I x %I", what,
               (LUAI_UACINT)pool->rows.kernel, (LUAI_UACINT)pool->columns.kernel,
               (LUAI_UACINT)x->shape[x->rank - 3], (LUAI_UACINT)x->shape[x->rank - 2]);
    shape[0] = pool->batch;
    shape[1] = pool->rows.count;
    shape[2] = pool->columns.count;
    shape[3] = pool->channels;
    return lpush_contiguous(L, 1, what, x->dtype);
}

/* max_pool(x, place, kernel.., stride.., padding..): the maxima; saves the taps that they came from. */
static int max_pool(lua_State *L) {
    const char *what = luaL_optstring(L, 2, "max_pool");
    struct pool2d pool;
    size_t shape[4];
    const struct tensor *x = check_input(L, what, &pool, shape);
    struct tensor *y = ltensor_new(L, what, x->dtype, x->rank, shape + 4 - x->rank);
    struct tensor *tap = ltensor_new(L, what, x->dtype, x->rank, shape + 4 - x->rank);
    pool_maximum(&pool, x->data, y->data, tap->data);
    return 2;
}

/* pool_pick(x, nil, kernel.., stride.., padding.., tap): the elements of x that the taps name: the gradient of
   max_pool_input. */
static int pick(lua_State *L) {
    const struct tensor *x = &ltensor_check(L, 1)->tensor, *tap = &ltensor_check(L, 11)->tensor;
    struct pool2d pool;
    size_t shape[4];
    x = check_input(L, "max_pool", &pool, shape);
    bool fits = tap->rank == x->rank && tap->dtype == x->dtype;
    for (int axis = 0; fits && axis < x->rank; axis++) fits = tap->shape[axis] == shape[4 - x->rank + axis];
    if (!fits) return luaL_argerror(L, 11, "does not belong to x");
    tap = lpush_contiguous(L, 11, "max_pool", x->dtype);
    struct tensor *y = ltensor_new(L, "max_pool", x->dtype, x->rank, shape + 4 - x->rank);
    pool_pick(&pool, x->data, tap->data, y->data);
    return 1;
}

/* avg_pool(x, place, kernel.., stride.., padding.., count_padding): the means of the real elements of each window;
   with count_padding the padding counts too, as zeros. */
static int avg_pool(lua_State *L) {
    const char *what = luaL_optstring(L, 2, "avg_pool");
    struct pool2d pool;
    size_t shape[4];
    const struct tensor *x = check_input(L, what, &pool, shape);
    struct tensor *y = ltensor_new(L, what, x->dtype, x->rank, shape + 4 - x->rank);
    pool.count_padding = lua_toboolean(L, 11);
    pool_average(&pool, x->data, y->data);
    return 1;
}

/* Stack: dy, height, width, geometry. Pushes dy contiguous; dx's shape ends in shape[4]. */
static const struct tensor *check_gradient(lua_State *L, struct pool2d *pool, size_t *shape) {
    const struct tensor *dy = &ltensor_check(L, 1)->tensor;
    *pool = check_geometry(L, 4, dy->dtype);
    bool fits = dtype_is_float(dy->dtype) && (dy->rank == 3 || dy->rank == 4);
    if (fits) {
        shape[0] = dy->rank == 4 ? dy->shape[0] : 1;
        shape[1] = (size_t)lcheck_integer(L, 2, "pool: height", 1, WINDOW_LONGEST);
        shape[2] = (size_t)lcheck_integer(L, 3, "pool: width", 1, WINDOW_LONGEST);
        shape[3] = dy->shape[dy->rank - 1];
        fits = fit_picture(pool, 4, shape) && dy->shape[dy->rank - 3] == pool->rows.count &&
               dy->shape[dy->rank - 2] == pool->columns.count;
    }
    if (!fits) luaL_argerror(L, 1, "does not belong to this pooling");
    return lpush_contiguous(L, 1, "pool", dy->dtype);
}

/* max_pool_input(dy, height, width, kernel.., stride.., padding.., tap): the gradient of the input. */
static int max_pool_input(lua_State *L) {
    const struct tensor *tap = &ltensor_check(L, 12)->tensor;
    struct pool2d pool;
    size_t shape[4];
    const struct tensor *dy = check_gradient(L, &pool, shape);
    if (!tensor_alike(tap, dy)) return luaL_argerror(L, 12, "does not belong to dy");
    tap = lpush_contiguous(L, 12, "max_pool", dy->dtype);
    struct tensor *dx = ltensor_new(L, "max_pool", dy->dtype, dy->rank, shape + 4 - dy->rank);
    pool_maximum_backward(&pool, dy->data, tap->data, dx->data);
    return 1;
}

/* avg_pool_input(dy, height, width, kernel.., stride.., padding.., count_padding): the gradient of the input. */
static int avg_pool_input(lua_State *L) {
    struct pool2d pool;
    size_t shape[4];
    const struct tensor *dy = check_gradient(L, &pool, shape);
    struct tensor *share = ltensor_new(L, "avg_pool", dy->dtype, dy->rank, dy->shape);
    struct tensor *dx = ltensor_new(L, "avg_pool", dy->dtype, dy->rank, shape + 4 - dy->rank);
    pool.count_padding = lua_toboolean(L, 12);
    pool_average_backward(&pool, dy->data, share->data, dx->data);
    return 1;
}

void lopen_pool(lua_State *L) {
    static const struct operation operations[] = {{"max_pool", max_pool, 10},
                                                  {"pool_pick", pick, 11},
                                                  {"avg_pool", avg_pool, 11},
                                                  {"max_pool_input", max_pool_input, 12},
                                                  {"avg_pool_input", avg_pool_input, 12},
                                                  {NULL, NULL, 0}};
    lregister_operations(L, operations);
}
