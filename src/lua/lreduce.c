/* Reductions over one axis or over everything. */
#include "ltape.h"

#include "../core/reduce.h"

/* A contiguous operand seen as [outer, n, inner], and the shape of the result. */
struct plan {
    const struct tensor *x;
    size_t outer, n, inner, shape[TENSOR_MAX_RANK];
    int rank;
};

/* Arguments: tensor, axis or nil for all, keep (true: the axis stays with length 1). */
static struct plan plan_reduction(lua_State *L, const char *what, enum dtype dtype) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    bool all = lua_isnoneornil(L, 2), keep = lua_toboolean(L, 3);
    int first = all ? 0 : lcheck_axis(L, 2, what, t), end = all ? t->rank : first + 1;
    struct plan plan = {
        .outer = tensor_span(t, 0, first), .n = tensor_span(t, first, end), .inner = tensor_span(t, end, t->rank)};
    for (int k = 0; k < t->rank; k++) {
        bool reduced = k >= first && k < end;
        if (!reduced || keep) plan.shape[plan.rank++] = reduced ? 1 : t->shape[k];
    }
    plan.x = lpush_contiguous(L, 1, what, dtype);
    return plan;
}

static void check_not_empty(lua_State *L, const char *what, const struct plan *plan) {
    if (plan->n == 0) lerror(L, "%s: %s has no elements to choose from", what, lpush_shape_of(L, plan->x));
}

static int reduce(lua_State *L, const char *what, enum reduction operation) {
    enum dtype dtype = ltensor_check(L, 1)->tensor.dtype;
    if (!dtype_is_float(dtype)) dtype = FLOAT32;
    struct plan plan = plan_reduction(L, what, dtype);
    if (operation != REDUCE_SUM) check_not_empty(L, what, &plan);
    struct tensor *y = ltensor_new(L, what, dtype, plan.rank, plan.shape);
    reduce_axis(operation, dtype, plan.outer, plan.n, plan.inner, plan.x->data, y->data);
    return 1;
}

static int sum(lua_State *L) { return reduce(L, "sum", REDUCE_SUM); }
static int maximum(lua_State *L) { return reduce(L, "max", REDUCE_MAXIMUM); }
static int minimum(lua_State *L) { return reduce(L, "min", REDUCE_MINIMUM); }

static int index_of(lua_State *L, const char *what, bool smallest) {
    lua_settop(L, 3);
    struct plan plan = plan_reduction(L, what, ltensor_check(L, 1)->tensor.dtype);
    check_not_empty(L, what, &plan);
    if (plan.n > INT32_MAX) return lerror(L, "%s: positions beyond 2^31 do not fit int32", what);
    struct tensor *y = ltensor_new(L, what, INT32, plan.rank, plan.shape);
    reduce_index(smallest, plan.x, plan.outer, plan.n, plan.inner, y->data);
    return 1;
}

static int argmax(lua_State *L) { return index_of(L, "argmax", false); }
static int argmin(lua_State *L) { return index_of(L, "argmin", true); }

void lopen_reduce(lua_State *L) {
    static const struct operation operations[] = {
        {"sum", sum, 3},
        {"max", maximum, 3},
        {"min", minimum, 3},
        {"argmax", argmax, UNRECORDED},
        {"argmin", argmin, UNRECORDED},
        {NULL, NULL, 0},
    };
    lua_getfield(L, -1, "methods");
    lregister_operations(L, operations);
    lua_pop(L, 1);
}
