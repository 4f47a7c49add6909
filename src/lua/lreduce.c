/* Reductions over one axis, several, or everything. */
#include "ltape.h"

#include "../core/copy.h"
#include "../core/reduce.h"
#include "../core/rounding.h"

#include <math.h>

/* A contiguous operand seen as [outer, n, inner], and the shape of the result. */
struct plan {
    const struct tensor *x;
    size_t outer, n, inner, shape[TENSOR_MAX_RANK];
    int rank;
};

/* The axes that are reduced, into `reduced`; how many there are. At 2: nil for all, one, or a list of different
   ones, in whose place on the stack, and so on the tape, comes a list of its own: the script may change its. */
static int check_axes(lua_State *L, const char *what, const struct tensor *t, bool *reduced) {
    if (lua_isnoneornil(L, 2)) {
        for (int k = 0; k < t->rank; k++) reduced[k] = true;
        return t->rank;
    }
    if (lua_type(L, 2) != LUA_TTABLE) {
        reduced[lcheck_axis(L, 2, what, t)] = true;
        return 1;
    }
    lua_Integer count = (lua_Integer)lcheck_list(L, 2, what, "an axis or a list of axes such as {1, 3}");
    if (count == 0)
        return lerror(L, "%s: expected at least one axis, got an empty list; without it, all axes", what);
    lua_createtable(L, 0, 0);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, 2, i);
        int axis = lcheck_axis(L, lua_gettop(L), what, t);
        if (reduced[axis]) return lerror(L, "%s: axis %d is there twice", what, axis + 1);
        reduced[axis] = true;
        lua_rawseti(L, -2, i);
    }
    lua_replace(L, 2);
    return (int)count;
}

/* Whether the axes stay with length 1, at 3. A number there was to be a second axis. */
static bool check_keep(lua_State *L, const char *what) {
    if (!lua_isnoneornil(L, 3) && !lua_isboolean(L, 3))
        lerror(L, "%s: keep: expected true or false, got %s; several axes are a list, {1, 2}", what,
               lpush_kind(L, 3));
    return lua_toboolean(L, 3);
}

/* Arguments: tensor, axis or axes, keep. Reduced axes that are not neighbours are
   brought together by a copy with those that stay in front. */
static struct plan plan_reduction(lua_State *L, const char *what, enum dtype dtype) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    bool keep = check_keep(L, what), reduced[TENSOR_MAX_RANK] = {false};
    int count = check_axes(L, what, t, reduced), first = 0, kept = 0, last = 0;
    while (first < t->rank && !reduced[first]) first++;
    int end = first;
    while (end < t->rank && reduced[end]) end++;
    struct plan plan = {
        .outer = tensor_span(t, 0, first), .n = tensor_span(t, first, end), .inner = tensor_span(t, end, t->rank)};
    struct tensor turned = *t;
    for (int k = 0; k < t->rank; k++) {
        if (!reduced[k] || keep) plan.shape[plan.rank++] = reduced[k] ? 1 : t->shape[k];
        int place = reduced[k] ? t->rank - count + last++ : kept++;
        turned.shape[place] = t->shape[k];
        turned.stride[place] = t->stride[k];
    }
    if (end - first == count) {
        plan.x = lpush_contiguous(L, 1, what, dtype);
    } else {
        plan.outer = tensor_span(&turned, 0, kept);
        plan.n = tensor_span(&turned, kept, t->rank);
        plan.inner = 1;
        plan.x = ltensor_copy(L, what, dtype, &turned);
    }
    return plan;
}

static void check_not_empty(lua_State *L, const char *what, const struct plan *plan) {
    if (plan->n == 0) lerror(L, "%s: %s has no elements to choose from", what, lpush_shape_of(L, plan->x));
}

/* Pushes the tensor of results: `values`, so many as `plan` has outputs, in its shape. */
static void push_results(lua_State *L, const char *what, const struct plan *plan, enum dtype dtype,
                         double *values) {
    struct tensor *y = ltensor_new(L, what, dtype, plan->rank, plan->shape), from = *y;
    from.dtype = FLOAT64;
    from.data = values;
    tensor_copy(&from, y);
}

/* Integers: exact. Sums are int32, extremes of the type itself, means float32. */
static int reduce_whole(lua_State *L, const char *what, enum reduction operation) {
    enum dtype dtype = ltensor_check(L, 1)->tensor.dtype;
    struct plan plan = plan_reduction(L, what, dtype);
    if (operation == REDUCE_MAXIMUM || operation == REDUCE_MINIMUM) check_not_empty(L, what, &plan);
    size_t outputs = plan.outer * plan.inner;
    struct tensor *exact = ltensor_new(L, what, FLOAT64, 1, &outputs);
    double *y = exact->data;
    enum reduction part = operation == REDUCE_MEAN ? REDUCE_SUM : operation;
    reduce_integers(part, dtype, plan.outer, plan.n, plan.inner, plan.x->data, y);
    rounding_mode before = rounding_begin();
    for (size_t i = 0; i < outputs && operation == REDUCE_MEAN; i++) y[i] /= (double)plan.n;
    rounding_end(before);
    for (size_t i = 0; i < outputs; i++)
        if (operation == REDUCE_SUM && (y[i] < INT32_MIN || y[i] > INT32_MAX))
            return lerror(L, "sum: %f is outside int32, in which whole numbers are added; use t:double():sum()",
                          y[i]);
    push_results(L, what, &plan, operation == REDUCE_MEAN ? FLOAT32 : operation == REDUCE_SUM ? INT32 : dtype, y);
    return 1;
}

static int reduce(lua_State *L, const char *what, enum reduction operation) {
    enum dtype dtype = ltensor_check(L, 1)->tensor.dtype;
    if (!dtype_is_float(dtype)) return reduce_whole(L, what, operation);
    struct plan plan = plan_reduction(L, what, dtype);
    if (operation == REDUCE_MAXIMUM || operation == REDUCE_MINIMUM) check_not_empty(L, what, &plan);
    struct tensor *y = ltensor_new(L, what, dtype, plan.rank, plan.shape);
    reduce_axis(operation, dtype, plan.outer, plan.n, plan.inner, plan.x->data, y->data);
    return 1;
}

static int sum(lua_State *L) { return reduce(L, "sum", REDUCE_SUM); }
/* prod(t, axis, keep): of floats; running.lua has the products of whole numbers. */
static int product(lua_State *L) { return reduce(L, "prod", REDUCE_PRODUCT); }
static int mean(lua_State *L) { return reduce(L, "mean", REDUCE_MEAN); }
static int maximum(lua_State *L) { return reduce(L, "max", REDUCE_MAXIMUM); }
static int minimum(lua_State *L) { return reduce(L, "min", REDUCE_MINIMUM); }

/* The type in which every element is exact, and the one of the result. */
static enum dtype exact_type(enum dtype dtype) { return dtype == INT32 || dtype == FLOAT64 ? FLOAT64 : FLOAT32; }
static enum dtype result_type(enum dtype dtype) { return dtype == FLOAT64 ? FLOAT64 : FLOAT32; }

/* The first of the doubles that result number i comes from. */
static const double *first_of(const struct plan *plan, size_t i) {
    return (const double *)plan->x->data + i / plan->inner * plan->n * plan->inner + i % plan->inner;
}

/* The root of a sum of squares, number `i` of the results, again where the squares are outside double; float32's
   are not. `mean`: of each result, or NULL for 0. */
static double root_of(const struct plan *plan, double squares, size_t i, const double *mean) {
    if (plan->x->dtype == FLOAT32 || (squares > 1e-280 && squares < INFINITY)) return sqrt(squares);
    return reduce_root(plan->n, plan->inner, first_of(plan, i), mean ? mean[i] : 0);
}

/* spread(t, axis, keep, correction): the variance, or its root, from moments in double. */
static int spread(lua_State *L, const char *what, bool root) {
    enum dtype dtype = ltensor_check(L, 1)->tensor.dtype, exact = exact_type(dtype);
    lua_pushfstring(L, "%s: correction", what);
    double correction =
        lua_isnoneornil(L, 4) ? 1 : (double)lcheck_integer(L, 4, lua_tostring(L, -1), 0, LUA_MAXINTEGER);
    struct plan plan = plan_reduction(L, what, exact);
    size_t shape[2] = {2, plan.outer * plan.inner};
    struct tensor *moments = ltensor_new(L, what, FLOAT64, 2, shape);
    double *y = (double *)moments->data + shape[1], count = (double)plan.n - correction;
    reduce_moments(exact, plan.outer, plan.n, plan.inner, plan.x->data, moments->data, y);
    rounding_mode before = rounding_begin();
    for (size_t i = 0; i < shape[1]; i++) {
        double over = count > 0 ? count : 0;
        y[i] = root ? root_of(&plan, y[i], i, moments->data) / sqrt(over) : y[i] / over;
        if (exact == FLOAT32 || isfinite(y[i])) continue;
        double variance = reduce_far_variance(plan.n, plan.inner, first_of(&plan, i), over);
        y[i] = (root ? sqrt(variance) : variance / REDUCE_NEARER) / REDUCE_NEARER;
    }
    rounding_end(before);
    push_results(L, what, &plan, result_type(dtype), y);
    return 1;
}

static int variance(lua_State *L) { return spread(L, "var", false); }
static int deviation(lua_State *L) { return spread(L, "std", true); }

/* norm(t, axis, keep): the Euclidean norm. */
static int norm(lua_State *L) {
    enum dtype dtype = ltensor_check(L, 1)->tensor.dtype, exact = exact_type(dtype);
    struct plan plan = plan_reduction(L, "norm", exact);
    size_t outputs = plan.outer * plan.inner;
    struct tensor *squares = ltensor_new(L, "norm", FLOAT64, 1, &outputs);
    double *y = squares->data;
    reduce_squares(exact, plan.outer, plan.n, plan.inner, plan.x->data, y);
    rounding_mode before = rounding_begin();
    for (size_t i = 0; i < outputs; i++) y[i] = root_of(&plan, y[i], i, NULL);
    rounding_end(before);
    push_results(L, "norm", &plan, result_type(dtype), y);
    return 1;
}

static int index_of(lua_State *L, const char *what, bool smallest) {
    lcheck_most(L, what, 3);
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
        {"sum", sum, 3},     {"mean", mean, 3},   {"var", variance, 4},           {"std", deviation, 4},
        {"max", maximum, 3}, {"min", minimum, 3}, {"argmax", argmax, UNRECORDED}, {"argmin", argmin, UNRECORDED},
        {NULL, NULL, 0},
    };
    static const struct operation inner[] = {{"norm", norm, 3}, {"prod", product, 3}, {NULL, NULL, 0}};
    lua_getfield(L, -1, "methods");
    lregister_operations(L, operations);
    lua_pop(L, 1);
    lregister_operations(L, inner);
}
