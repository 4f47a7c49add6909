/* Batch and layer normalisation over matrices [..., n], seen as rows of n. For the layers in lua/fnet/nn/norm.lua
   and the rules in lua/fnet/tensor/rules.lua, which give operands of one float type. */
#include "ltape.h"

#include "../core/norm.h"

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

/* centred_squares(x, mean): [n], the sums over rows of (x - mean)^2. */
static int centred_squares(lua_State *L) {
    size_t rows, n;
    const struct tensor *x = push_matrix(L, 1, &rows, &n);
    const void *mean = push_vector(L, 2, x, n);
    struct tensor *y = ltensor_new(L, "norm", x->dtype, 1, &n);
    norm_squares(x->dtype, rows, n, x->data, mean, y->data);
    return 1;
}

/* centred_products(x, dy, mean): [n], the sums over rows of dy * (x - mean). */
static int centred_products(lua_State *L) {
    size_t rows, n;
    const struct tensor *x = push_matrix(L, 1, &rows, &n);
    const void *dy = push_vector(L, 2, x, rows * n), *mean = push_vector(L, 3, x, n);
    struct tensor *y = ltensor_new(L, "norm", x->dtype, 1, &n);
    norm_products(x->dtype, rows, n, x->data, dy, mean, y->data);
    return 1;
}

/* batch_norm(x, weight, bias, mean, inverse, epsilon): (x - mean) * inverse * weight + bias. Mean and inverse,
   which the caller has worked out, count as functions of x; the rule needs epsilon. */
static int batch_norm(lua_State *L) {
    size_t rows, n;
    const struct tensor *x = push_matrix(L, 1, &rows, &n);
    struct norm norm;
    norm.weight = push_vector(L, 2, x, n);
    norm.bias = push_vector(L, 3, x, n);
    norm.mean = push_vector(L, 4, x, n);
    norm.inverse = push_vector(L, 5, x, n);
    luaL_checknumber(L, 6);
    struct tensor *y = ltensor_new(L, "norm", x->dtype, x->rank, x->shape);
    norm_batch(x->dtype, rows, n, x->data, &norm, y->data);
    return 1;
}

/* batch_norm_backward(x, dy, mean, level, tilt, factor): (dy - level - (x - mean) * tilt) * factor. */
static int batch_norm_backward(lua_State *L) {
    size_t rows, n;
    const struct tensor *x = push_matrix(L, 1, &rows, &n);
    const void *dy = push_vector(L, 2, x, rows * n);
    struct norm_slopes slopes;
    slopes.mean = push_vector(L, 3, x, n);
    slopes.level = push_vector(L, 4, x, n);
    slopes.tilt = push_vector(L, 5, x, n);
    slopes.factor = push_vector(L, 6, x, n);
    struct tensor *dx = ltensor_new(L, "norm", x->dtype, x->rank, x->shape);
    norm_batch_backward(x->dtype, rows, n, x->data, dy, &slopes, dx->data);
    return 1;
}

/* layer_norm(x, weight, bias, epsilon): row by row; saves [2, rows], the means and the inverse deviations. */
static int layer_norm(lua_State *L) {
    size_t rows, n;
    const struct tensor *x = push_matrix(L, 1, &rows, &n);
    const void *weight = push_vector(L, 2, x, n), *bias = push_vector(L, 3, x, n);
    double epsilon = luaL_checknumber(L, 4);
    size_t shape[2] = {2, rows};
    struct tensor *y = ltensor_new(L, "norm", x->dtype, x->rank, x->shape);
    struct tensor *saved = ltensor_new(L, "norm", x->dtype, 2, shape);
    norm_layer(x->dtype, rows, n, x->data, weight, bias, epsilon, y->data, saved->data,
               (char *)saved->data + rows * dtype_sizes[x->dtype]);
    return 2;
}

/* layer_norm_backward(dy, x, weight, saved): the gradients of x and of weight. */
static int layer_norm_backward(lua_State *L) {
    size_t rows, n;
    lua_settop(L, 4);
    const struct tensor *x = push_matrix(L, 2, &rows, &n);
    const void *dy = push_vector(L, 1, x, rows * n), *weight = push_vector(L, 3, x, n);
    const char *mean = push_vector(L, 4, x, 2 * rows), *inverse = mean + rows * dtype_sizes[x->dtype];
    struct tensor *dx = ltensor_new(L, "norm", x->dtype, x->rank, x->shape);
    struct tensor *dweight = ltensor_new(L, "norm", x->dtype, 1, &n);
    norm_layer_backward(x->dtype, rows, n, x->data, dy, weight, mean, inverse, dx->data);
    norm_layer_weight(x->dtype, rows, n, x->data, dy, mean, inverse, dweight->data);
    return 2;
}

void lopen_norm(lua_State *L) {
    static const struct operation operations[] = {{"batch_norm", batch_norm, 6},
                                                  {"layer_norm", layer_norm, 4},
                                                  {"centred_squares", centred_squares, UNRECORDED},
                                                  {"centred_products", centred_products, UNRECORDED},
                                                  {"batch_norm_backward", batch_norm_backward, UNRECORDED},
                                                  {"layer_norm_backward", layer_norm_backward, UNRECORDED},
                                                  {NULL, NULL, 0}};
    lregister_operations(L, operations);
}
