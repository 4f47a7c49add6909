/* Recurrent layers, all steps of one direction of one layer at once. For lua/fnet/nn/recurrent.lua and the rule in
   lua/fnet/tensor/rules.lua, which give operands of one float type. */
#include "lstorage.h"
#include "ltape.h"

#include "../core/recurrent.h"

#include <string.h>

/* The tensor at `index`, contiguous; raises unless it has that type and shape. `part` says what it is. */
static const struct tensor *push_part(lua_State *L, int index, const char *part, enum dtype dtype, int rank,
                                      const size_t *shape) {
    const struct tensor *t = &ltensor_check(L, index)->tensor;
    struct tensor expected;
    if (!tensor_layout(&expected, dtype, rank, shape) || !tensor_alike(t, &expected))
        lerror(L, "recurrent: expected %s of %s %s, got %s %s", part, dtype_names[dtype],
               lpush_shape(L, rank, shape), dtype_names[t->dtype], lpush_shape_of(L, t));
    return lpush_contiguous(L, index, "recurrent", dtype);
}

/* Pushes the lengths at `index`, int32 [batch]; NULL for nil. */
static const int32_t *push_lengths(lua_State *L, int index, const struct recurrent *p) {
    if (lua_isnil(L, index)) return NULL;
    const int32_t *lengths = push_part(L, index, "lengths", INT32, 1, &p->batch)->data;
    for (size_t i = 0; i < p->batch; i++)
        if (lengths[i] < 1 || (size_t)lengths[i] > p->time)
            lerror(L,
                   "recurrent: lengths: expected whole numbers from 1 to %I, the steps of the input, got %d for "
                   "sequence %I",
                   (LUAI_UACINT)p->time, (int)lengths[i], (LUAI_UACINT)i + 1);
    return lengths;
}

/* What forward and backward are told, from seven arguments at `first`: kind, reversed, lengths, the weights of the
   state, GRU's bias, and the state h and c at the start; the gates are at `gates`. */
static struct recurrent push_layer(lua_State *L, int gates, int first) {
    static const char *const kinds[CELL_COUNT + 1] = {
        [CELL_TANH] = "tanh", [CELL_RELU] = "relu", [CELL_LSTM] = "lstm", [CELL_GRU] = "gru"};
    struct recurrent p = {.kind = (enum cell_kind)luaL_checkoption(L, first, NULL, kinds)};
    const struct tensor *t = &ltensor_check(L, gates)->tensor;
    const size_t count = cell_forms[p.kind].gates;
    if (!dtype_is_float(t->dtype) || t->rank != 3 || !tensor_is_contiguous(t) || t->shape[1] == 0)
        luaL_argerror(L, gates, "expected the sums of the gates, [batch, time, gates * units]");
    if (t->shape[2] % count != 0)
        lerror(L, "recurrent: expected gates of a whole number of units, got %s %s", dtype_names[t->dtype],
               lpush_shape_of(L, t));
    p.dtype = t->dtype;
    p.gates = t->data;
    p.batch = t->shape[0];
    p.time = t->shape[1];
    p.units = t->shape[2] / count;
    p.reversed = lua_toboolean(L, first + 1);
    p.lengths = push_lengths(L, first + 2, &p);
    const size_t weight[2] = {p.units, t->shape[2]}, state[2] = {p.batch, p.units};
    p.weight = push_part(L, first + 3, "weights of the state", p.dtype, 2, weight)->data;
    if (p.kind == CELL_GRU && !lua_isnil(L, first + 4))
        p.bias = push_part(L, first + 4, "a bias of the state", p.dtype, 1, &p.units)->data;
    p.h = push_part(L, first + 5, "a state", p.dtype, 2, state)->data;
    if (p.kind == CELL_LSTM) p.c = push_part(L, first + 6, "a state c", p.dtype, 2, state)->data;
    return p;
}

/* Computes, forward where there are no slopes, with a workspace from the pool. All else is made before: a finalizer
   that runs meanwhile may choose another instruction set, which needs another workspace. */
static void run(lua_State *L, const struct recurrent *p, const struct recurrent_slopes *slopes) {
    size_t bytes = 0, needed;
    void *workspace = NULL;
    lua_pushnil(L);
    while ((needed = recurrent_workspace(p)) > bytes) {
        lua_pop(L, 1);
        workspace = lstorage_data(lstorage_take(L, "recurrent", bytes = needed));
    }
    if (slopes)
        recurrent_backward(p, slopes, workspace);
    else
        recurrent_forward(p, workspace);
    if (bytes > 0) lstorage_give_back(L, -1);
    lua_pop(L, 1);
}

enum { GATES = 1, KIND = 5, OPERANDS = KIND + 6 };

/* recurrent(gates, x, w, b, kind, reversed, lengths, weight, bias, h, c): the states after each step, [batch *
   time, units], of an LSTM with the memory c at the end below them, [batch, units]. The gates come as
   dense(x, w, b), whose rule does not look at them, and are changed in place; x, w and b are for second
   derivatives. Saves what else a cell keeps: c, or GRU's sums of the state. */
static int recurrent(lua_State *L) {
    lua_settop(L, OPERANDS);
    struct recurrent p = push_layer(L, GATES, KIND);
    const struct cell_form *form = &cell_forms[p.kind];
    size_t shape[3] = {p.batch, p.time, p.units};
    size_t rows[2] = {p.batch * (p.time + (p.kind == CELL_LSTM)), p.units};
    struct tensor *y = ltensor_new(L, "recurrent", p.dtype, 2, rows);
    struct tensor *extra = form->has_extra ? ltensor_new(L, "recurrent", p.dtype, 3, shape) : NULL;
    p.y = y->data;
    if (extra) p.extra = extra->data;
    if (p.kind == CELL_LSTM) p.last = (char *)p.y + p.batch * p.time * p.units * dtype_sizes[p.dtype];
    run(L, &p, NULL);
    return extra ? 2 : 1;
}

/* recurrent_backward(dy, y, gates, kind, reversed, lengths, weight, bias, h, c, extra): the gradients of the sums
   of the gates and, of a GRU, of those of the state, else nil; the state before each step, [batch, time, units];
   and the gradients of h and, of an LSTM, of c. Not recorded. */
static int backward(lua_State *L) {
    enum { DY = 1, Y, SUMS, FIRST, EXTRA = FIRST + 7 };
    lua_settop(L, EXTRA);
    struct recurrent p = push_layer(L, SUMS, FIRST);
    bool is_lstm = p.kind == CELL_LSTM, is_gru = p.kind == CELL_GRU;
    size_t shape[3] = {p.batch, p.time, p.units}, gates[3] = {p.batch, p.time, 0}, state[2] = {p.batch, p.units};
    size_t rows[2] = {p.batch * (p.time + is_lstm), p.units};
    gates[2] = cell_forms[p.kind].gates * p.units;
    p.y = push_part(L, Y, "states", p.dtype, 2, rows)->data;
    if (is_lstm || is_gru) p.extra = push_part(L, EXTRA, "what was saved", p.dtype, 3, shape)->data;
    struct recurrent_slopes slopes = {.dy = push_part(L, DY, "a gradient", p.dtype, 2, rows)->data};
    slopes.slopes = ltensor_new(L, "recurrent", p.dtype, 3, gates)->data;
    if (is_gru)
        slopes.extra = ltensor_new(L, "recurrent", p.dtype, 3, shape)->data;
    else
        lua_pushnil(L);
    slopes.before = ltensor_new(L, "recurrent", p.dtype, 3, shape)->data;
    slopes.dh = ltensor_new(L, "recurrent", p.dtype, 2, state)->data;
    if (is_lstm) {
        slopes.dc = ltensor_new(L, "recurrent", p.dtype, 2, state)->data;
        size_t bytes = p.batch * p.units * dtype_sizes[p.dtype];
        memcpy(slopes.dc, (const char *)slopes.dy + p.time * bytes, bytes);
    } else {
        lua_pushnil(L);
    }
    run(L, &p, &slopes);
    return 5;
}

void lopen_recurrent(lua_State *L) {
    static const struct operation operations[] = {
        {"recurrent", recurrent, OPERANDS}, {"recurrent_backward", backward, UNRECORDED}, {NULL, NULL, 0}};
    lregister_operations(L, operations);
}
