/* Matrix products. */
#include "lgradient.h"

#include "../core/matmul.h"
#include "../core/reduce.h"
#include "../core/relay.h"

/* An operand of a product: a matrix in memory; its strides are in elements. */
struct operand {
    const void *data;
    size_t rows, columns, row_stride, column_stride;
};

/* The last two axes. */
static struct operand matrix_of(const struct tensor *t) {
    int row = t->rank - 2, column = t->rank - 1;
    return (struct operand){t->data, t->shape[row], t->shape[column], t->stride[row], t->stride[column]};
}

/* A contiguous tensor as rows along its last axis. */
static struct operand rows_of(const struct tensor *t) {
    size_t columns = t->shape[t->rank - 1];
    return (struct operand){t->data, tensor_span(t, 0, t->rank - 1), columns, columns, 1};
}

static struct operand transposed(struct operand a) {
    return (struct operand){a.data, a.columns, a.rows, a.column_stride, a.row_stride};
}

static struct matmul product_of(struct operand a, struct operand b, const struct tensor *c) {
    return (struct matmul){.dtype = c->dtype,
                           .m = a.rows,
                           .n = b.columns,
                           .k = a.columns,
                           .a = a.data,
                           .a_row = a.row_stride,
                           .a_column = a.column_stride,
                           .b = b.data,
                           .b_row = b.row_stride,
                           .b_column = b.column_stride,
                           .c = c->data};
}

/* The axes before the last two: their lengths and strides say where the matrices of a batch lie. */
static struct tensor batch_of(struct tensor t) {
    t.rank -= 2;
    return t;
}

static const struct tensor single = {.rank = 0}; /* a batch of one */

/* Runs a product for each pair of matrices of two batches of one shape; a workspace, where one is needed, comes
   from the pool and goes back. */
static void run(lua_State *L, const char *what, const struct matmul *product, const struct tensor *a_batch,
                const struct tensor *b_batch) {
    size_t bytes = 0, needed, size = dtype_sizes[product->dtype];
    void *workspace = NULL;
    lua_pushnil(L);
    while ((needed = matmul_workspace(product)) > bytes) { /* again where a finalizer has added threads meanwhile */
        lua_pop(L, 1);
        workspace = lstorage_data(lstorage_take(L, what, bytes = needed));
    }
    struct matmul one = *product;
    size_t count = tensor_count(a_batch);
    for (size_t i = 0; i < count; i++) {
        one.a = (const char *)product->a + tensor_offset(a_batch, i) * size;
        one.b = (const char *)product->b + tensor_offset(b_batch, i) * size;
        one.c = (char *)product->c + i * product->m * product->n * size;
        matmul_run(&one, workspace);
    }
    if (bytes > 0) lstorage_give_back(L, -1);
    lua_pop(L, 1);
}

/* Says what of two operands of a product does not fit, and how it would. */
static int wrong_product(lua_State *L, const struct tensor *a, const struct tensor *b) {
    const char *got = lua_pushfstring(L, "%s and %s", lpush_shape_of(L, a), lpush_shape_of(L, b));
    if (a->rank < 2 || b->rank < 2 || a->shape[a->rank - 1] == b->shape[b->rank - 2])
        return lerror(L,
                      "matmul: expected [..., m, k] and [..., k, n], where the axes before the last two are equal, "
                      "of length 1 or left out, got %s",
                      got);
    bool turned = a->shape[a->rank - 1] == b->shape[b->rank - 1];
    return lerror(
        L, "matmul: expected [..., m, k] and [..., k, n], got %s: k is %I in the first and %I in the second%s", got,
        (LUAI_UACINT)a->shape[a->rank - 1], (LUAI_UACINT)b->shape[b->rank - 2],
        turned ? "; a:matmul(b:transpose()) fits" : "");
}

/* matmul(a, b): [..., m, k] by [..., k, n]; the axes before the last two broadcast. */
static int matmul(lua_State *L) {
    const struct tensor *a = &ltensor_check(L, 1)->tensor, *b = &ltensor_check(L, 2)->tensor;
    lcheck_floats(L, "matmul", a, b);
    bool matrices = a->rank >= 2 && b->rank >= 2 && a->shape[a->rank - 1] == b->shape[b->rank - 2];
    if (!matrices) return wrong_product(L, a, b);
    struct tensor a_batch = batch_of(*a), b_batch = batch_of(*b);
    size_t shape[TENSOR_MAX_RANK];
    int rank;
    if (!tensor_broadcast(&a_batch, &b_batch, &rank, shape)) return wrong_product(L, a, b);
    a_batch = tensor_expand(&a_batch, rank, shape);
    b_batch = tensor_expand(&b_batch, rank, shape);
    shape[rank] = a->shape[a->rank - 2];
    shape[rank + 1] = b->shape[b->rank - 1];
    struct tensor *c = ltensor_new(L, "matmul", a->dtype, rank + 2, shape);
    struct matmul product = product_of(matrix_of(a), matrix_of(b), c);
    run(L, "matmul", &product, &a_batch, &b_batch);
    return 1;
}

/* What begins messages: the name of the layer at `index`, or the text there. */
static const char *push_place(lua_State *L, int index) {
    if (lua_type(L, index) != LUA_TTABLE) return luaL_optstring(L, index, "dense");
    lua_getfield(L, index, "name");
    lua_pushvalue(L, index);
    lua_call(L, 1, 1);
    return luaL_checkstring(L, -1);
}

/* Says what of a dense layer does not fit, and how it would; b is NULL where there is no bias. */
static int wrong_dense(lua_State *L, const struct tensor *x, const struct tensor *w, const struct tensor *b) {
    const char *what = push_place(L, 4);
    enum dtype dtype = lcheck_floats(L, what, x, w);
    if (w->rank != 2) return lerror(L, "%s: expected weights [inputs, units], got %s", what, lpush_shape_of(L, w));
    if (x->rank > 0 && x->shape[x->rank - 1] == w->shape[0])
        return lerror(L, "%s: expected a bias of [%I] and %s, got %s and %s", what, (LUAI_UACINT)w->shape[1],
                      dtype_names[dtype], lpush_shape_of(L, b), dtype_names[b->dtype]);
    bool flat = x->rank > 2 && tensor_span(x, 1, x->rank) == w->shape[0];
    return lerror(L, "%s: expected an input of [..., %I], got %s%s", what, (LUAI_UACINT)w->shape[0],
                  lpush_shape_of(L, x), flat ? "; put nn.Flatten() before it" : "");
}

/* dense(x, w, b, layer): x w + b for x of [..., inputs], w of [inputs, units], b of [units] or nil. The layer, or a
   text such as "layer 2, Dense(784, 128)", begins the message of an error. */
static int dense(lua_State *L) {
    const struct tensor *x = &ltensor_check(L, 1)->tensor, *b = NULL;
    const struct handle *weights = ltensor_check(L, 2);
    const struct tensor *w = &weights->tensor;
    enum dtype dtype = w->dtype;
    if (!lua_isnil(L, 3)) b = &ltensor_check(L, 3)->tensor;
    bool fits = dtype_is_float(dtype) && x->dtype == dtype && w->rank == 2 && x->rank > 0 &&
                x->shape[x->rank - 1] == w->shape[0];
    if (!fits || (b && (b->dtype != dtype || b->rank != 1 || b->shape[0] != w->shape[1])))
        return wrong_dense(L, x, w, b);
    if (b) b = lpush_contiguous(L, 3, "dense", dtype);
    if (x->rank != 2) x = lpush_contiguous(L, 1, "dense", dtype);
    struct tensor layout = *x;
    layout.shape[x->rank - 1] = w->shape[1];
    struct tensor *y = ltensor_new(L, "dense", dtype, x->rank, layout.shape);
    struct matmul product = product_of(x->rank == 2 ? matrix_of(x) : rows_of(x), matrix_of(w), y);
    if (b) product.bias = b->data;
    bool training = weights->requires_grad && lrecording(L); /* then the weights change every step */
    if (training && relay_pays(&product))
        relay_run(&product);
    else
        run(L, "dense", &product, &single, &single);
    return 1;
}

/* Pushes the gradient of the tensor at `index`, the product; nil where none is wanted, or where it was added to the
   one that a leaf has. */
static void push_gradient(lua_State *L, int index, struct operand a, struct operand b) {
    const struct handle *of = lua_touserdata(L, index);
    const struct tensor *t = &of->tensor;
    lua_pushnil(L);
    if (!lgradient_wanted(L, of)) return;
    struct handle *sum = lgradient_to_extend(L, index);
    struct matmul product = product_of(a, b, sum ? &sum->tensor : t);
    product.adds = sum && matmul_may_add(&product);
    if (product.adds) {
        lhandle_changed(sum);
    } else {
        lua_pop(L, 1);
        product.c = ltensor_new(L, "dense", t->dtype, t->rank, t->shape)->data;
    }
    run(L, "dense", &product, &single, &single);
}

/* dense_backward(dy, x, w, b): the gradients of x, w and b, each nil where none is wanted or where it was added to
   that of a leaf. Not recorded. */
static int dense_backward(lua_State *L) {
    lua_settop(L, 4);
    const struct handle *b = ltensor_test(L, 4);
    const struct tensor *dy = &ltensor_check(L, 1)->tensor, *xt = &ltensor_check(L, 2)->tensor;
    const struct tensor *wt = &ltensor_check(L, 3)->tensor;
    lcheck_floats(L, "dense", xt, wt);
    lcheck_floats(L, "dense", dy, wt);
    struct tensor layout = *xt;
    bool fits = wt->rank == 2 && xt->rank > 0 && xt->shape[xt->rank - 1] == wt->shape[0];
    if (fits) layout.shape[xt->rank - 1] = wt->shape[1];
    if (!fits || !tensor_same_shape(dy, &layout)) return luaL_argerror(L, 1, "does not belong to x and w");
    xt = lpush_contiguous(L, 2, "dense", wt->dtype);
    dy = lpush_contiguous(L, 1, "dense", wt->dtype);
    struct operand rows = rows_of(dy);
    push_gradient(L, 2, rows, transposed(matrix_of(wt)));
    push_gradient(L, 3, transposed(rows_of(xt)), rows);
    if (b && lgradient_wanted(L, b)) {
        struct tensor *db = ltensor_new(L, "dense", wt->dtype, 1, &rows.columns);
        reduce_axis(REDUCE_SUM, wt->dtype, 1, rows.rows, rows.columns, dy->data, db->data);
    } else {
        lua_pushnil(L);
    }
    return 3;
}

void lopen_matmul(lua_State *L) {
    static const struct operation operations[] = {{"matmul", matmul, 2},
                                                  {"dense", dense, 4},
                                                  {"dense_backward", dense_backward, UNRECORDED},
                                                  {NULL, NULL, 0}};
    lregister_operations(L, operations);
}
