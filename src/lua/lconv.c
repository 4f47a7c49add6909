/* Convolution of pictures with channels last, and its gradients as operations of their own. */
#include "lstorage.h"
#include "ltape.h"

#include "../core/conv.h"

/* Arguments from `index` on: stride down and across, padding above, below, left and right, groups. */
static struct conv check_geometry(lua_State *L, int index, enum dtype dtype) {
    struct conv conv = {.dtype = dtype};
    conv.rows.stride = (size_t)lcheck_integer(L, index, "conv2d: stride", 1, WINDOW_LONGEST);
    conv.columns.stride = (size_t)lcheck_integer(L, index + 1, "conv2d: stride", 1, WINDOW_LONGEST);
    conv.rows.before = (size_t)lcheck_integer(L, index + 2, "conv2d: padding", 0, WINDOW_LONGEST);
    conv.rows.after = (size_t)lcheck_integer(L, index + 3, "conv2d: padding", 0, WINDOW_LONGEST);
    conv.columns.before = (size_t)lcheck_integer(L, index + 4, "conv2d: padding", 0, WINDOW_LONGEST);
    conv.columns.after = (size_t)lcheck_integer(L, index + 5, "conv2d: padding", 0, WINDOW_LONGEST);
    conv.groups = (size_t)lcheck_integer(L, index + 6, "conv2d: groups", 1, WINDOW_LONGEST);
    return conv;
}

static bool fit(struct window *w, size_t size) { return w->kernel <= WINDOW_LONGEST && window_fit(w, size); }

/* The kernel's shape goes into conv, checked. */
static void check_weights(lua_State *L, const char *what, struct conv *conv, int rank, const size_t *shape) {
    bool good =
        rank == 4 && shape[0] > 0 && shape[1] > 0 && shape[2] > 0 && shape[3] > 0 && shape[3] % conv->groups == 0;
    if (!good)
        lerror(
            L,
            "%s: expected weights [kernel height, kernel width, inputs / groups, units] with units a multiple of "
            "the %I groups, got %s",
            what, (LUAI_UACINT)conv->groups, lpush_shape(L, rank, shape));
    conv->rows.kernel = shape[0];
    conv->columns.kernel = shape[1];
    conv->inputs = shape[2] * conv->groups;
    conv->units = shape[3];
}

/* Says that the input does not fit, and how it would. */
static int wrong_input(lua_State *L, const char *what, const struct tensor *x, const struct conv *conv) {
    const char *hint = "";
    const size_t *shape = x->shape;
    if (x->rank == 3 && conv->inputs == 1)
        hint = lua_pushfstring(L, "; put nn.Reshape(%I, %I, 1) before it, for the axis of channels",
                               (LUAI_UACINT)shape[1], (LUAI_UACINT)shape[2]);
    else if (x->rank == 2 && conv->inputs == 1)
        hint = "; put nn.Reshape(height, width, 1) before it, for the axis of channels";
    else if (x->rank == 4 && shape[1] == conv->inputs)
        hint = "; channels are the last axis: x:transpose(2, 3):transpose(3, 4)";
    return lerror(L, "%s: expected an input of [batch, height, width, %I], got %s%s", what,
                  (LUAI_UACINT)conv->inputs, lpush_shape(L, x->rank, shape), hint);
}

/* The picture's shape goes into conv; `rank` is 4, or 3 for one picture without a batch axis. */
static void check_picture(lua_State *L, const char *what, struct conv *conv, int rank, const size_t *shape) {
    conv->batch = rank == 4 ? shape[0] : 1;
    size_t height = shape[rank - 3], width = shape[rank - 2];
    if (fit(&conv->rows, height) && fit(&conv->columns, width)) return;
    lerror(L, "%s: the kernel of %I x %I does not fit into a picture of %I x %I with its padding", what,
           (LUAI_UACINT)conv->rows.kernel, (LUAI_UACINT)conv->columns.kernel, (LUAI_UACINT)height,
           (LUAI_UACINT)width);
}

static void run(lua_State *L, const char *what, const struct conv *conv, enum conv_pass pass) {
    size_t bytes = 0, needed;
    void *workspace = NULL;
    lua_pushnil(L);
    while ((needed = conv_workspace(conv, pass)) >
           bytes) { /* again where a finalizer has added threads meanwhile */
        if (needed > PTRDIFF_MAX) lerror(L, "%s: with this padding a picture does not fit into memory", what);
        lua_pop(L, 1);
        workspace = lstorage_data(lstorage_take(L, what, bytes = needed));
    }
    conv_run(conv, pass, workspace);
    if (bytes > 0) lstorage_give_back(L, -1);
    lua_pop(L, 1);
}

/* conv2d(x, w, b, place, stride.., padding.., groups): x [batch, height, width, inputs] or [height, width, inputs],
   b [units] or nil. The place, such as "layer 2, Conv2D(1, 32, 3)", begins the message of an error. */
static int conv2d(lua_State *L) {
    const char *what = luaL_optstring(L, 4, "conv2d");
    const struct tensor *x = &ltensor_check(L, 1)->tensor, *w = &ltensor_check(L, 2)->tensor, *b = NULL;
    lcheck_floats(L, what, x, w);
    struct conv conv = check_geometry(L, 5, x->dtype);
    check_weights(L, what, &conv, w->rank, w->shape);
    if ((x->rank != 3 && x->rank != 4) || x->shape[x->rank - 1] != conv.inputs) wrong_input(L, what, x, &conv);
    check_picture(L, what, &conv, x->rank, x->shape);
    if (!lua_isnil(L, 3)) {
        b = &ltensor_check(L, 3)->tensor;
        if (b->dtype != x->dtype || b->rank != 1 || b->shape[0] != conv.units)
            return lerror(L, "%s: expected a bias of [%I] and %s, got %s and %s", what, (LUAI_UACINT)conv.units,
                          dtype_names[x->dtype], lpush_shape_of(L, b), dtype_names[b->dtype]);
        conv.bias = lpush_contiguous(L, 3, what, x->dtype)->data;
    }
    size_t shape[4] = {conv.batch, conv.rows.count, conv.columns.count, conv.units};
    conv.x = lpush_contiguous(L, 1, what, x->dtype)->data;
    conv.w = lpush_contiguous(L, 2, what, x->dtype)->data;
    conv.y = ltensor_new(L, what, x->dtype, x->rank, shape + 4 - x->rank)->data;
    run(L, what, &conv, CONV_OUTPUT);
    return 1;
}

/* dy belongs to conv: its shape, and that of the batch. */
static void check_gradient(lua_State *L, int index, const struct conv *conv, const struct tensor *dy) {
    bool single = dy->rank == 3;
    bool fits = (single || dy->rank == 4) && (single ? conv->batch == 1 : dy->shape[0] == conv->batch) &&
                dy->shape[dy->rank - 3] == conv->rows.count && dy->shape[dy->rank - 2] == conv->columns.count &&
                dy->shape[dy->rank - 1] == conv->units;
    if (!fits) luaL_argerror(L, index, "does not belong to this convolution");
}

/* conv2d_input(dy, w, height, width, stride.., padding.., groups): the gradient of the input. */
static int conv2d_input(lua_State *L) {
    const struct tensor *dy = &ltensor_check(L, 1)->tensor, *w = &ltensor_check(L, 2)->tensor;
    lcheck_floats(L, "conv2d", dy, w);
    struct conv conv = check_geometry(L, 5, dy->dtype);
    check_weights(L, "conv2d", &conv, w->rank, w->shape);
    size_t shape[4] = {dy->rank == 4 ? dy->shape[0] : 1,
                       (size_t)lcheck_integer(L, 3, "conv2d: height", 1, WINDOW_LONGEST),
                       (size_t)lcheck_integer(L, 4, "conv2d: width", 1, WINDOW_LONGEST), conv.inputs};
    check_picture(L, "conv2d", &conv, 4, shape);
    check_gradient(L, 1, &conv, dy);
    conv.y = lpush_contiguous(L, 1, "conv2d", dy->dtype)->data;
    conv.w = lpush_contiguous(L, 2, "conv2d", dy->dtype)->data;
    conv.x = ltensor_new(L, "conv2d", dy->dtype, dy->rank, shape + 4 - dy->rank)->data;
    run(L, "conv2d", &conv, CONV_INPUT);
    return 1;
}

/* conv2d_weight(x, dy, kernel height, kernel width, stride.., padding.., groups): the gradient of the weights. */
static int conv2d_weight(lua_State *L) {
    const struct tensor *x = &ltensor_check(L, 1)->tensor, *dy = &ltensor_check(L, 2)->tensor;
    lcheck_floats(L, "conv2d", x, dy);
    struct conv conv = check_geometry(L, 5, x->dtype);
    bool fits = x->rank == dy->rank && (x->rank == 3 || x->rank == 4) && x->shape[x->rank - 1] % conv.groups == 0 &&
                x->shape[x->rank - 1] > 0;
    if (!fits) return luaL_argerror(L, 2, "does not belong to x");
    size_t shape[4] = {(size_t)lcheck_integer(L, 3, "conv2d: kernel", 1, WINDOW_LONGEST),
                       (size_t)lcheck_integer(L, 4, "conv2d: kernel", 1, WINDOW_LONGEST),
                       x->shape[x->rank - 1] / conv.groups, dy->shape[dy->rank - 1]};
    check_weights(L, "conv2d", &conv, 4, shape);
    check_picture(L, "conv2d", &conv, x->rank, x->shape);
    check_gradient(L, 2, &conv, dy);
    conv.x = lpush_contiguous(L, 1, "conv2d", x->dtype)->data;
    conv.y = lpush_contiguous(L, 2, "conv2d", x->dtype)->data;
    conv.w = ltensor_new(L, "conv2d", x->dtype, 4, shape)->data;
    run(L, "conv2d", &conv, CONV_WEIGHT);
    return 1;
}

void lopen_conv(lua_State *L) {
    static const struct operation operations[] = {{"conv2d", conv2d, 11},
                                                  {"conv2d_input", conv2d_input, 11},
                                                  {"conv2d_weight", conv2d_weight, 11},
                                                  {NULL, NULL, 0}};
    lregister_operations(L, operations);
}
