/* Softmax and cross-entropy over the last axis. */
#include "ltape.h"

#include "../core/copy.h"
#include "../core/reduce.h"
#include "../core/rounding.h"
#include "../core/rows.h"

#include <math.h>
#include <string.h>

/* A contiguous float operand seen as rows of n. */
static const struct tensor *push_rows(lua_State *L, int index, const char *what, size_t *rows, size_t *n) {
    const struct tensor *x = &ltensor_check(L, index)->tensor;
    if (!dtype_is_float(x->dtype))
        lerror(L, "%s: expected a float tensor, got %s; convert with :float()", what, dtype_names[x->dtype]);
    if (x->rank < 1) lerror(L, "%s: expected at least one axis, got []", what);
    *n = x->shape[x->rank - 1];
    *rows = *n ? tensor_count(x) / *n : 0;
    return lpush_contiguous(L, index, what, x->dtype);
}

/* softmax(x): over the last axis. */
static int softmax(lua_State *L) {
    size_t rows, n;
    const struct tensor *x = push_rows(L, 1, "softmax", &rows, &n);
    struct tensor *y = ltensor_new(L, "softmax", x->dtype, x->rank, x->shape);
    rows_softmax(x->dtype, rows, n, x->data, y->data);
    lua_pushvalue(L, 1);
    lhandle_set_logits(L, lua_absindex(L, -2), x->rank - 1);
    return 1;
}

/* made_by(t): "softmax" or "sigmoid" where t holds probabilities that this made, else nil; and, where t is whole
   distributions of a softmax, their logits and the axis along which they lie. */
static int made_by(lua_State *L) {
    if (!ltensor_test(L, 1)) return 0;
    const char *maker = lhandle_made_by(ltensor_check(L, 1));
    if (!maker) return 0;
    lua_pushstring(L, maker);
    int axis = lhandle_classes(L, 1);
    if (axis == NO_AXIS) return 1;
    lua_getiuservalue(L, 1, SLOT_LOGITS);
    lua_pushinteger(L, axis + 1);
    return 3;
}

/* softmax_backward(y, dy): dx. Not recorded; see the rule in lua/fnet/tensor/rules.lua. */
static int softmax_backward(lua_State *L) {
    size_t rows, n;
    const struct tensor *y = push_rows(L, 1, "softmax", &rows, &n);
    const struct tensor *dy = push_rows(L, 2, "softmax", &rows, &n);
    if (!tensor_alike(y, dy)) return luaL_argerror(L, 2, "shape or type differs");
    struct tensor *dx = ltensor_result(L, 2, "softmax", y->dtype, y->rank, y->shape);
    rows_softmax_backward(y->dtype, rows, n, y->data, dy->data, dx->data);
    return 1;
}

/* Raises unless the label in row i of int32 labels, from 0, is within 1 .. classes. */
static void check_label(lua_State *L, const char *what, const struct tensor *labels, size_t i, size_t classes) {
    int32_t label = ((const int32_t *)labels->data)[i];
    if (label >= 1 && (size_t)label <= classes) return;
    lerror_kind(L, LERROR_LABEL, "%s: label %d in row %s is outside 1..%I%s", what, (int)label,
                lpush_position(L, labels, i), (LUAI_UACINT)classes,
                label == 0 ? "; labels count from 1 in fnet, so add 1 to labels that count from 0"
                           : "; has the model as many outputs as there are classes?");
}

/* Pushes the labels at `index` for the rows of x as contiguous int32, each within 1 .. classes: of the shape of x
   without its last axis, or in one list. */
static const int32_t *push_labels(lua_State *L, int index, const char *what, const struct tensor *x, size_t rows) {
    size_t classes = x->shape[x->rank - 1];
    if (lua_type(L, index) == LUA_TNUMBER) {
        size_t one = 1;
        const char *argument = lua_pushfstring(L, "%s: label", what);
        lua_Integer label = lcheck_integer(L, index, argument, INT32_MIN, INT32_MAX);
        ((int32_t *)ltensor_new(L, what, INT32, 1, &one)->data)[0] = (int32_t)label;
    } else {
        const struct tensor *t = &ltensor_check(L, index)->tensor;
        if (dtype_is_float(t->dtype))
            lerror(L, "%s: expected labels as int32 or uint8, got %s; convert with :int()", what,
                   dtype_names[t->dtype]);
        lpush_contiguous(L, index, what, INT32);
    }
    const struct tensor *t = &ltensor_check(L, -1)->tensor;
    struct tensor each = *x;
    each.rank--;
    if (tensor_count(t) != rows || (t->rank > 1 && !tensor_same_shape(t, &each)))
        lerror(L, "%s: expected one label a row, %s%s%s, got %s%s", what,
               each.rank > 1 ? lpush_shape_of(L, &each) : "", each.rank > 1 ? " or " : "", lpush_shape(L, 1, &rows),
               lpush_shape_of(L, t),
               tensor_count(t) == rows   ? "; labels:flatten() makes a list of them"
               : tensor_same_shape(t, x) ? "; rows that give each class its share are floats: labels:float()"
                                         : "");
    for (size_t i = 0; i < rows; i++) check_label(L, what, t, i, classes);
    return t->data;
}

/* labels_but(ignored, labels, classes): the positions, from 1, of the labels that are not `ignored`, as int32
   [count]; those must be within 1 .. classes. */
static int labels_but(lua_State *L) {
    lua_Integer ignored = luaL_checkinteger(L, 1);
    size_t classes = (size_t)luaL_checkinteger(L, 3);
    const struct tensor *t = &ltensor_check(L, 2)->tensor;
    if (dtype_is_float(t->dtype)) return luaL_argerror(L, 2, "expected labels");
    t = lpush_contiguous(L, 2, "cross_entropy", INT32);
    const int32_t *label = t->data;
    size_t count = tensor_count(t), kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (label[i] == ignored) continue;
        check_label(L, "cross_entropy", t, i, classes);
        kept++;
    }
    int32_t *position = ltensor_new(L, "cross_entropy", INT32, 1, &kept)->data;
    for (size_t i = 0; i < count; i++)
        if (label[i] != ignored) *position++ = (int32_t)i + 1;
    return 1;
}

/* correct(output, labels, what): how many rows have their largest output at the label; none with a NaN has, which
   would be the first one's place. */
static int correct(lua_State *L) {
    const char *what = luaL_checkstring(L, 3);
    size_t rows, n, hits = 0;
    const struct tensor *x = push_rows(L, 1, what, &rows, &n);
    const int32_t *label = push_labels(L, 2, what, x, rows);
    int32_t *guess = ltensor_new(L, what, INT32, 1, &rows)->data;
    if (rows > 0) reduce_index(false, x, rows, n, 1, guess);
    lcheck_interrupt(L); /* then a guess is no place */
    for (size_t i = 0; i < rows; i++)
        hits += guess[i] == label[i] && !isnan(tensor_get(x, i * n + (size_t)guess[i] - 1));
    lua_pushinteger(L, (lua_Integer)hits);
    return 1;
}

/* one_hot(labels, output, what, at, beside): of the output's shape and type, at the label of each row `at`, 1 by
   default, else `beside`, 0 by default; numbers that the type holds. */
static int one_hot(lua_State *L) {
    const char *what = luaL_checkstring(L, 3);
    double at = luaL_optnumber(L, 4, 1), beside = luaL_optnumber(L, 5, 0);
    size_t rows, n;
    const struct tensor *x = push_rows(L, 2, what, &rows, &n);
    const int32_t *label = push_labels(L, 1, what, x, rows);
    struct tensor *y = ltensor_new(L, what, x->dtype, x->rank, x->shape);
    tensor_fill(y, beside);
    for (size_t i = 0; i < rows; i++) tensor_put(y->dtype, y->data, i * n + (size_t)label[i] - 1, at);
    return 1;
}

/* cross_entropy(logits, labels): the mean over rows of log(sum(exp(x))) - x[label]; saves softmax(logits). */
static int cross_entropy(lua_State *L) {
    size_t rows, n;
    const struct tensor *x = push_rows(L, 1, "cross_entropy", &rows, &n);
    if (rows == 0)
        return lerror(L, "cross_entropy: expected at least one row and one class, got %s", lpush_shape_of(L, x));
    const int32_t *label = push_labels(L, 2, "cross_entropy", x, rows);
    struct tensor *losses = ltensor_new(L, "cross_entropy", x->dtype, 1, &rows);
    struct tensor *loss = ltensor_new(L, "cross_entropy", x->dtype, 0, NULL);
    struct tensor *probability = ltensor_new(L, "cross_entropy", x->dtype, x->rank, x->shape);
    rows_cross_entropy(x->dtype, rows, n, x->data, label, losses->data, probability->data);
    reduce_axis(REDUCE_SUM, x->dtype, 1, rows, 1, losses->data, loss->data);
    rounding_mode before = rounding_begin();
    if (x->dtype == FLOAT32)
        *(float *)loss->data /= (float)rows;
    else
        *(double *)loss->data /= (double)rows;
    rounding_end(before);
    return 2;
}

/* cross_entropy_backward(dy, probability, labels): dlogits. Not recorded. */
static int cross_entropy_backward(lua_State *L) {
    const struct tensor *dy = &ltensor_check(L, 1)->tensor;
    size_t rows, n;
    if (tensor_count(dy) != 1) return luaL_argerror(L, 1, "expected one element");
    const struct tensor *p = push_rows(L, 2, "cross_entropy", &rows, &n);
    const int32_t *label = push_labels(L, 3, "cross_entropy", p, rows);
    struct tensor *dx = ltensor_new(L, "cross_entropy", p->dtype, p->rank, p->shape);
    rounding_mode before = rounding_begin();
    volatile double slope = tensor_get(dy, 0) / (double)rows;
    rows_cross_entropy_backward(p->dtype, rows, n, p->data, label, slope, dx->data);
    rounding_end(before);
    return 1;
}

/* class_costs(target, logits): target * -log(softmax(logits)), class by class, and 0 where that would be 0 *
   infinity; saves exp(logits - max). The target, of the logits' shape and type, gets no gradient. */
static int class_costs(lua_State *L) {
    size_t rows, n;
    const struct tensor *target = push_rows(L, 1, "class_costs", &rows, &n);
    const struct tensor *x = push_rows(L, 2, "class_costs", &rows, &n);
    if (!tensor_alike(target, x)) return luaL_argerror(L, 2, "shape or type differs");
    struct tensor *cost = ltensor_new(L, "class_costs", x->dtype, x->rank, x->shape);
    struct tensor *exponential = ltensor_new(L, "class_costs", x->dtype, x->rank, x->shape);
    rows_class_costs(x->dtype, rows, n, x->data, target->data, exponential->data, cost->data);
    return 2;
}

/* class_costs_backward(dy, target, exponential): dlogits. Not recorded. */
static int class_costs_backward(lua_State *L) {
    size_t rows, n;
    const struct tensor *dy = push_rows(L, 1, "class_costs", &rows, &n);
    const struct tensor *target = push_rows(L, 2, "class_costs", &rows, &n);
    const struct tensor *exponential = push_rows(L, 3, "class_costs", &rows, &n);
    if (!tensor_alike(dy, target) || !tensor_alike(target, exponential))
        return luaL_argerror(L, 2, "shape or type differs");
    struct tensor *dx = ltensor_new(L, "class_costs", dy->dtype, dy->rank, dy->shape);
    rows_class_costs_backward(dy->dtype, rows, n, dy->data, target->data, exponential->data, dx->data);
    return 1;
}

/* is_pair(a, b): both are tensors, of one shape with something in it. */
static int is_pair(lua_State *L) {
    const struct handle *a = ltensor_test(L, 1), *b = ltensor_test(L, 2);
    lua_pushboolean(L, a && b && tensor_same_shape(&a->tensor, &b->tensor) && tensor_count(&a->tensor) > 0);
    return 1;
}

void lopen_nn(lua_State *L) {
    static const struct operation operations[] = {
        {"softmax", softmax, 1},
        {"softmax_backward", softmax_backward, UNRECORDED},
        {"cross_entropy", cross_entropy, 2},
        {"cross_entropy_backward", cross_entropy_backward, UNRECORDED},
        {"class_costs", class_costs, 2},
        {"class_costs_backward", class_costs_backward, UNRECORDED},
        {"made_by", made_by, UNRECORDED},
        {"labels_but", labels_but, UNRECORDED},
        {"correct", correct, UNRECORDED},
        {"one_hot", one_hot, UNRECORDED},
        {"is_pair", is_pair, UNRECORDED},
        {NULL, NULL, 0},
    };
    lregister_operations(L, operations);
}
