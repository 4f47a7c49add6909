/* Batch, layer, RMS and group normalisation over matrices [..., n], seen as rows of n. For the layers in
   lua/fnet/nn/norm.lua and group_norm.lua, and the rules in lua/fnet/tensor/rules.lua, which give operands of one
   float type. */
#include "ltape.h"

#include "../core/group_norm.h"
#include "../core/norm.h"
#include "../core/reduce.h"

/* A contiguous operand seen as rows of n. */
static const struct tensor *push_matrix(lua_State *L, int index, size_t *rows, size_t *n) {
    const struct tensor *x = &ltensor_check(L, index)->tensor;
    if (!dtype_is_float(x->dtype) || x->rank < 1) luaL_argerror(L, index, "expected a float tensor with an axis");
    *n = x->shape[x->rank - 1];
    *rows = *n ? tensor_count(x) / *n : 0;
    return lpush_contiguous(L, index, "norm", x->dtype);
}

/* A contiguous operand of so many elements and of x's type. */
static const void *push_vector(lua_State *L, int index, const struct tensor *x, size_t count) {
    const struct tensor *t = &ltensor_check(L, index)->tensor;
    if (t->dtype != x->dtype || tensor_count(t) != count)
        luaL_argerror(L, index, "its type or number of elements does not belong to x");
    return lpush_contiguous(L, index, "norm", x->dtype)->data;
}

/* A contiguous operand of so many elements in float64: means and inverse deviations. */
static const double *push_statistics(lua_State *L, int index, size_t count) {
    const struct tensor *t = &ltensor_check(L, index)->tensor;
    if (t->dtype != FLOAT64 || tensor_count(t) != count)
        luaL_argerror(L, index, "its type or number of elements does not belong to x");
    return lpush_contiguous(L, index, "norm", FLOAT64)->data;
}

/* column_moments(x): [2, n] in float64, of each column the mean and the sum of squared distances from it. */
static int column_moments(lua_State *L) {
    size_t rows, n;
    const struct tensor *x = push_matrix(L, 1, &rows, &n);
    size_t shape[2] = {2, n};
    struct tensor *y = ltensor_new(L, "norm", FLOAT64, 2, shape);
    reduce_moments(x->dtype, 1, rows, n, x->data, y->data, (double *)y->data + n);
    return 1;
}

/* batch_norm(x, weight, bias, mean, inverse, epsilon): (x - mean) * inverse * weight + bias. Mean and inverse, in
   float64, which the caller has worked out, count as functions of x; the rule needs epsilon. */
static int batch_norm(lua_State *L) {
    size_t rows, n;
    const struct tensor *x = push_matrix(L, 1, &rows, &n);
    struct norm norm;
    norm.weight = push_vector(L, 2, x, n);
    norm.bias = push_vector(L, 3, x, n);
    norm.mean = push_statistics(L, 4, n);
    norm.inverse = push_statistics(L, 5, n);
    luaL_checknumber(L, 6);
    struct tensor *y = ltensor_new(L, "norm", x->dtype, x->rank, x->shape);
    norm_batch(x->dtype, rows, n, x->data, &norm, y->data);
    return 1;
}

/* batch_norm_backward(x, dy, mean, inverse, level, tilt, weight): (dy - level - z * tilt) * weight * inverse, where
   z = (x - mean) * inverse. */
static int batch_norm_backward(lua_State *L) {
    size_t rows, n;
    const struct tensor *x = push_matrix(L, 1, &rows, &n);
    const void *dy = push_vector(L, 2, x, rows * n);
    struct norm_slopes slopes;
    slopes.mean = push_statistics(L, 3, n);
    slopes.inverse = push_statistics(L, 4, n);
    slopes.level = push_vector(L, 5, x, n);
    slopes.tilt = push_vector(L, 6, x, n);
    slopes.weight = push_vector(L, 7, x, n);
    slopes.gain = NULL;
    struct tensor *dx = ltensor_new(L, "norm", x->dtype, x->rank, x->shape);
    norm_batch_backward(x->dtype, rows, n, x->data, dy, &slopes, dx->data);
    return 1;
}

/* batch_norm_weight(x, dy, mean, inverse): [n], the sums over rows of dy * z, the gradient of the weights. */
static int batch_norm_weight(lua_State *L) {
    size_t rows, n;
    const struct tensor *x = push_matrix(L, 1, &rows, &n);
    const void *dy = push_vector(L, 2, x, rows * n);
    const double *mean = push_statistics(L, 3, n), *inverse = push_statistics(L, 4, n);
    struct tensor *y = ltensor_new(L, "norm", x->dtype, 1, &n);
    norm_batch_weight(x->dtype, rows, n, x->data, dy, mean, inverse, y->data);
    return 1;
}

/* The rows of x; saves [2, rows] in float64, the means and the inverse deviations. Without a bias means are 0. */
static int normalise_rows(lua_State *L, bool has_bias, double epsilon) {
    size_t rows, n;
    const struct tensor *x = push_matrix(L, 1, &rows, &n);
    const void *weight = push_vector(L, 2, x, n), *bias = has_bias ? push_vector(L, 3, x, n) : NULL;
    size_t shape[2] = {2, rows};
    struct tensor *y = ltensor_new(L, "norm", x->dtype, x->rank, x->shape);
    struct tensor *saved = ltensor_new(L, "norm", FLOAT64, 2, shape);
    norm_layer(x->dtype, rows, n, x->data, weight, bias, epsilon, y->data, saved->data,
               (double *)saved->data + rows);
    return 2;
}

/* layer_norm(x, weight, bias, epsilon), and rms_norm(x, weight, epsilon), by the root of the mean of squares */
static int layer_norm(lua_State *L) { return normalise_rows(L, true, luaL_checknumber(L, 4)); }
static int rms_norm(lua_State *L) { return normalise_rows(L, false, luaL_checknumber(L, 3)); }

/* The gradients of x and of weight. */
static int normalise_rows_backward(lua_State *L, bool centred) {
    size_t rows, n;
    lua_settop(L, 4);
    const struct tensor *x = push_matrix(L, 2, &rows, &n);
    const void *dy = push_vector(L, 1, x, rows * n), *weight = push_vector(L, 3, x, n);
    const double *mean = push_statistics(L, 4, 2 * rows), *inverse = mean + rows;
    struct tensor *dx = ltensor_new(L, "norm", x->dtype, x->rank, x->shape);
    struct tensor *dweight = ltensor_new(L, "norm", x->dtype, 1, &n);
    norm_layer_backward(x->dtype, rows, n, x->data, dy, weight, centred, mean, inverse, dx->data);
    norm_layer_weight(x->dtype, rows, n, x->data, dy, mean, inverse, dweight->data);
    return 2;
}

/* layer_norm_backward(dy, x, weight, saved), and rms_norm_backward */
static int layer_norm_backward(lua_State *L) { return normalise_rows_backward(L, true); }
static int rms_norm_backward(lua_State *L) { return normalise_rows_backward(L, false); }

/* group_norm(x, weight, bias, groups, epsilon, batch): x is [batch, ..., n], or one sample of a batch of 1; saves
   [2, batch, n] in float64, the mean and the inverse deviation of each feature's group. */
static int group_norm(lua_State *L) {
    size_t rows, n;
    const struct tensor *x = push_matrix(L, 1, &rows, &n);
    struct group_norm norm = {.dtype = x->dtype, .n = n, .x = x->data};
    norm.weight = push_vector(L, 2, x, n);
    const void *bias = push_vector(L, 3, x, n);
    norm.groups = (size_t)lcheck_integer(L, 4, "group_norm: groups", 1, LUA_MAXINTEGER);
    double epsilon = luaL_checknumber(L, 5);
    norm.batch = (size_t)lcheck_integer(L, 6, "group_norm: batch", 0, LUA_MAXINTEGER);
    norm.places = norm.batch ? rows / norm.batch : 0;
    if (n == 0 || n % norm.groups != 0 || norm.batch * norm.places != rows)
        luaL_argerror(L, 4, "the groups or the batch do not divide x");
    size_t shape[3] = {2, norm.batch, n};
    struct tensor *y = ltensor_new(L, "norm", x->dtype, x->rank, x->shape);
    struct tensor *saved = ltensor_new(L, "norm", FLOAT64, 3, shape);
    norm.mean = saved->data;
    norm.inverse = norm.mean + norm.batch * n;
    norm_group(&norm, bias, epsilon, y->data);
    return 2;
}

/* group_norm_backward(dy, x, weight, groups, saved): the gradients of x, of weight and of bias. */
static int group_norm_backward(lua_State *L) {
    size_t rows, n;
    lua_settop(L, 5);
    const struct tensor *x = push_matrix(L, 2, &rows, &n);
    const void *dy = push_vector(L, 1, x, rows * n);
    const struct tensor *saved = &ltensor_check(L, 5)->tensor;
    struct group_norm norm = {.dtype = x->dtype, .n = n, .x = x->data, .batch = saved->shape[1]};
    norm.weight = push_vector(L, 3, x, n);
    norm.groups = (size_t)lcheck_integer(L, 4, "group_norm: groups", 1, LUA_MAXINTEGER);
    norm.places = norm.batch ? rows / norm.batch : 0;
    norm.mean = saved->data;
    norm.inverse = norm.mean + norm.batch * n;
    size_t shape[2] = {4 * norm.batch + 1, n};
    struct tensor *scratch = ltensor_new(L, "norm", x->dtype, 2, shape);
    struct tensor *dx = ltensor_new(L, "norm", x->dtype, x->rank, x->shape);
    struct tensor *dweight = ltensor_new(L, "norm", x->dtype, 1, &n);
    struct tensor *dbias = ltensor_new(L, "norm", x->dtype, 1, &n);
    norm_group_backward(&norm, dy, scratch->data, dx->data, dweight->data, dbias->data);
    return 3;
}

void lopen_norm(lua_State *L) {
    static const struct operation operations[] = {{"batch_norm", batch_norm, 6},
                                                  {"layer_norm", layer_norm, 4},
                                                  {"rms_norm", rms_norm, 3},
                                                  {"group_norm", group_norm, 6},
                                                  {"column_moments", column_moments, UNRECORDED},
                                                  {"batch_norm_backward", batch_norm_backward, UNRECORDED},
                                                  {"batch_norm_weight", batch_norm_weight, UNRECORDED},
                                                  {"layer_norm_backward", layer_norm_backward, UNRECORDED},
                                                  {"rms_norm_backward", rms_norm_backward, UNRECORDED},
                                                  {"group_norm_backward", group_norm_backward, UNRECORDED},
                                                  {NULL, NULL, 0}};
    lregister_operations(L, operations);
}
