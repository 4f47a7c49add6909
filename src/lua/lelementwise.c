/* Elementwise operations. Operands are tensors or numbers; shapes broadcast; integers become float32 first,
   and float64 wins over float32. What int32 holds and float32 does not is computed in double, or refused. */
#include "ltape.h"

#include "../core/elementwise.h"
#include "../core/rounding.h"

#include <math.h>
#include <string.h>

/* Raises an error unless float32 holds every element exactly; t is of int32, or float64 with whole numbers. */
static void check_exact(lua_State *L, const char *what, const char *subject, const struct tensor *t) {
    size_t count = tensor_count(t);
    for (size_t i = 0; i < count; i++) {
        double value = tensor_get(t, i);
        if (value == (double)(float)value) continue;
        lua_pushfstring(L, "%I", (LUAI_UACINT)value);
        lerror(L, "%s: %s %I is %s, which float32 cannot hold exactly; use :double()", what, subject,
               (LUAI_UACINT)i + 1, lua_tostring(L, -1));
    }
}

/* The tensor at `index` as one of floats, for arithmetic. */
static const struct tensor *push_float(lua_State *L, int index, const char *what, enum dtype dtype) {
    const struct tensor *t = &ltensor_check(L, index)->tensor;
    if (t->dtype == INT32 && dtype == FLOAT32) check_exact(L, what, "element", t);
    return lpush_contiguous(L, index, what, dtype);
}

static int unary(lua_State *L, const char *what, enum unary operation) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    struct tensor x = *t;
    if (!dtype_is_float(t->dtype)) x = *push_float(L, 1, what, FLOAT32);
    struct tensor *y = ltensor_new(L, what, x.dtype, x.rank, x.shape);
    elementwise_unary(operation, &x, y);
    ltensor_test(L, -1)->sigmoid = operation == UNARY_SIGMOID;
    return 1;
}

/* Integers are whole already. */
static int whole(lua_State *L, const char *what, enum unary operation) {
    if (dtype_is_float(ltensor_check(L, 1)->tensor.dtype)) return unary(L, what, operation);
    lua_settop(L, 1);
    return 1;
}

/* A property of each element, 1 or 0; double holds every integer that is asked. */
static int property(lua_State *L, const char *what, enum unary operation) {
    lcheck_most(L, what, 1);
    if (dtype_is_float(ltensor_check(L, 1)->tensor.dtype)) return unary(L, what, operation);
    lpush_contiguous(L, 1, what, FLOAT64);
    lua_replace(L, 1);
    unary(L, what, operation);
    lpush_contiguous(L, -1, what, FLOAT32);
    return 1;
}

/* The operand at `index` as the kernels take it; a number becomes a tensor of rank 0 in *number. */
struct operand {
    struct tensor tensor;
    float single;
    double number;
};

static void get_operand(lua_State *L, int index, const char *what, enum dtype dtype, struct operand *operand) {
    const struct handle *handle = ltensor_test(L, index);
    if (handle) {
        if (!lhandle_alive(handle)) ltensor_check(L, index); /* raises */
        operand->tensor = handle->tensor.dtype == dtype ? handle->tensor : *push_float(L, index, what, dtype);
        return;
    }
    if (lua_type(L, index) != LUA_TNUMBER)
        lrefuse_operand(L, what, index, "a tensor or a number", ltensor_test(L, 1) || ltensor_test(L, 2));
    operand->number = lua_tonumber(L, index);
    operand->single = rounding_single(operand->number);
    operand->tensor = (struct tensor){.dtype = dtype};
    operand->tensor.data = dtype == FLOAT64 ? (void *)&operand->number : (void *)&operand->single;
}

static void check_broadcast(lua_State *L, const char *what, const struct tensor *a, const struct tensor *b,
                            int *rank, size_t *shape) {
    if (tensor_broadcast(a, b, rank, shape)) return;
    bool matrices = a->rank >= 2 && b->rank >= 2 && a->shape[a->rank - 1] == b->shape[b->rank - 2];
    lerror(L, "%s: shapes %s and %s do not fit together: counted from the last axis, lengths must be equal or 1%s",
           what, lpush_shape_of(L, a), lpush_shape_of(L, b),
           matrices && strcmp(what, "mul") == 0 ? "; the matrix product is a:matmul(b)" : "");
}

static int binary_as(lua_State *L, const char *what, enum binary operation, enum dtype dtype) {
    struct operand a, b;
    int rank;
    size_t shape[TENSOR_MAX_RANK];
    get_operand(L, 1, what, dtype, &a);
    get_operand(L, 2, what, dtype, &b);
    check_broadcast(L, what, &a.tensor, &b.tensor, &rank, shape);
    struct tensor *y = ltensor_result(L, 2, what, dtype, rank, shape);
    struct tensor left = tensor_expand(&a.tensor, rank, shape), right = tensor_expand(&b.tensor, rank, shape);
    elementwise_binary(operation, &left, &right, y);
    return 1;
}

/* The types of the tensors among the operands at first .. last, a bit each. */
static unsigned types_of(lua_State *L, int first, int last) {
    unsigned types = 0;
    for (int i = first; i <= last; i++) {
        const struct handle *handle = ltensor_test(L, i);
        if (handle) types |= 1U << handle->tensor.dtype;
    }
    return types;
}

/* float64 where one of them is. */
static enum dtype common_type(unsigned types) { return types & 1U << FLOAT64 ? FLOAT64 : FLOAT32; }

/* Whether the operand is an integer tensor, or a number that int32 holds. */
static bool is_whole(lua_State *L, int index) {
    const struct handle *handle = ltensor_test(L, index);
    if (handle) return !dtype_is_float(handle->tensor.dtype);
    double number = lua_tonumber(L, index);
    return number >= INT32_MIN && number <= INT32_MAX && number == floor(number);
}

static bool is_int32(lua_State *L, int index) {
    const struct handle *handle = ltensor_test(L, index);
    return handle && handle->tensor.dtype == INT32;
}

/* Whole numbers, int32 among them: the operands at first and first + 1. */
static bool both_whole(lua_State *L, int first) {
    return (is_int32(L, first) || is_int32(L, first + 1)) && is_whole(L, first) && is_whole(L, first + 1);
}

/* A number that bounds no int32: the larger of it and any is the other, or the smaller. */
static bool is_no_bound(lua_State *L, int index, enum binary operation) {
    if (lua_type(L, index) != LUA_TNUMBER) return false;
    double number = lua_tonumber(L, index);
    return operation == BINARY_MAXIMUM ? number <= INT32_MIN : number >= INT32_MAX;
}

/* The larger and the smaller of whole numbers are int32; their sums, differences and products float32, or refused.
 */
static int binary(lua_State *L, const char *what, enum binary operation) {
    bool extreme = operation == BINARY_MAXIMUM || operation == BINARY_MINIMUM;
    bool ring = operation == BINARY_ADD || operation == BINARY_SUBTRACT || operation == BINARY_MULTIPLY;
    lua_settop(L, 2);
    unsigned types = types_of(L, 1, 2);
    bool integers = types & 1U << INT32;
    if (integers && extreme &&
        ((is_int32(L, 1) && is_no_bound(L, 2, operation)) || (is_int32(L, 2) && is_no_bound(L, 1, operation)) ||
         both_whole(L, 1))) {
        binary_as(L, what, operation, FLOAT64);
        lpush_contiguous(L, -1, what, INT32);
        return 1;
    }
    if (integers && ring && both_whole(L, 1)) {
        binary_as(L, what, operation, FLOAT64);
        check_exact(L, what, "result", &ltensor_check(L, -1)->tensor);
        lpush_contiguous(L, -1, what, FLOAT32);
        return 1;
    }
    binary_as(L, what, operation, common_type(types));
    if (extreme && ltensor_test(L, 1) && lua_type(L, 2) == LUA_TNUMBER) lhandle_inherit(L, 1); /* as clamp does */
    return 1;
}

/* where(condition, a, b): a where the condition is not 0, else b; int32 where both are whole numbers, one of them
   int32. The other operations on three operands, which gradient rules call, take floats. */
static int ternary(lua_State *L, const char *what, enum ternary operation) {
    struct operand a, b, c;
    struct tensor both = {.rank = 0};
    int rank;
    size_t shape[TENSOR_MAX_RANK];
    bool whole = both_whole(L, 2);
    enum dtype dtype = whole ? FLOAT64 : common_type(types_of(L, 2, 3));
    if (is_int32(L, 1)) /* whether it is 0 survives any conversion */
        a.tensor = *lpush_contiguous(L, 1, what, dtype);
    else
        get_operand(L, 1, what, dtype, &a);
    get_operand(L, 2, what, dtype, &b);
    get_operand(L, 3, what, dtype, &c);
    check_broadcast(L, what, &b.tensor, &c.tensor, &both.rank, both.shape);
    check_broadcast(L, what, &a.tensor, &both, &rank, shape);
    struct tensor *y = ltensor_result(L, 3, what, dtype, rank, shape);
    struct tensor first = tensor_expand(&a.tensor, rank, shape), second = tensor_expand(&b.tensor, rank, shape),
                  third = tensor_expand(&c.tensor, rank, shape);
    elementwise_ternary(operation, &first, &second, &third, y);
    if (whole) lpush_contiguous(L, -1, what, INT32);
    return 1;
}

/* Comparisons of integers happen in double, where every int32 is exact; the answer is float32 all the same. */
static int compare(lua_State *L, const char *what, enum binary operation) {
    lcheck_most(L, what, 2);
    for (int i = 1; i <= 2; i++) {
        struct handle *handle = ltensor_test(L, i);
        if (!handle || handle->tensor.dtype != INT32) continue;
        binary_as(L, what, operation, FLOAT64);
        lpush_contiguous(L, -1, what, FLOAT32);
        return 1;
    }
    return binary_as(L, what, operation, common_type(types_of(L, 1, 2)));
}

/* Where scripts find an operation: see operations.inc. */
enum place { METHOD, FUNCTION, COMPARISON, WHOLE };

/* One function for each row: unary_NEGATE and so on. */
#define UNARY(NAME, name, place, expression)                                                                       \
    static int unary_##NAME(lua_State *L) {                                                                        \
        return (place == COMPARISON ? property : place == WHOLE ? whole : unary)(L, name, UNARY_##NAME);           \
    }
#define BINARY(NAME, name, place, expression)                                                                      \
    static int binary_##NAME(lua_State *L) {                                                                       \
        return (place == COMPARISON ? compare : binary)(L, name, BINARY_##NAME);                                   \
    }
#define TERNARY(NAME, name, expression)                                                                            \
    static int ternary_##NAME(lua_State *L) { return ternary(L, name, TERNARY_##NAME); }
#include "../kernels/operations.inc"

static int swapped(lua_State *L, const char *what, enum binary comparison) {
    lcheck_most(L, what, 2);
    lua_insert(L, 1);
    return compare(L, what, comparison);
}
static int greater(lua_State *L) { return swapped(L, "gt", BINARY_LESS); }
static int greater_equal(lua_State *L) { return swapped(L, "ge", BINARY_LESS_EQUAL); }

void lopen_elementwise(lua_State *L) {
    static const struct {
        enum place place;
        struct operation operation[2]; /* and the end */
    } rows[] = {
#define UNARY(NAME, name, place, expression) {place, {{name, unary_##NAME, place == COMPARISON ? UNRECORDED : 1}}},
#define BINARY(NAME, name, place, expression)                                                                      \
    {place, {{name, binary_##NAME, place == COMPARISON ? UNRECORDED : 2}}},
#include "../kernels/operations.inc"
    };
    static const struct operation comparisons[] = {
        {"gt", greater, UNRECORDED}, {"ge", greater_equal, UNRECORDED}, {NULL, NULL, 0}};
    static const struct operation ternaries[] = {
#define TERNARY(NAME, name, expression) {name, ternary_##NAME, TERNARY_##NAME == TERNARY_WHERE ? 3 : UNRECORDED},
#include "../kernels/operations.inc"
        {NULL, NULL, 0}};
    static const char *const metamethods[][2] = {
        {"__add", "add"}, {"__sub", "sub"}, {"__mul", "mul"}, {"__div", "div"}, {"__pow", "pow"}, {"__unm", "neg"},
    };
    lregister_operations(L, ternaries);
    lua_getfield(L, -1, "methods");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lua_pushvalue(L, rows[i].place == FUNCTION ? -2 : -1);
        lregister_operations(L, rows[i].operation);
        lua_pop(L, 1);
    }
    lregister_operations(L, comparisons);
    luaL_getmetatable(L, TENSOR_METATABLE);
    for (size_t i = 0; i < sizeof metamethods / sizeof *metamethods; i++) {
        lua_getfield(L, -2, metamethods[i][1]);
        lua_setfield(L, -2, metamethods[i][0]);
    }
    lua_pop(L, 2);
}
