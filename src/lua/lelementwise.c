/* Elementwise operations. Operands are tensors or numbers; shapes broadcast; integers become float32 first,
   and float64 wins over float32. */
#include "ltape.h"

#include "../core/elementwise.h"

static int unary(lua_State *L, const char *what, enum unary operation) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    struct tensor x = *t;
    if (!dtype_is_float(t->dtype)) x = *lpush_contiguous(L, 1, what, FLOAT32);
    struct tensor *y = ltensor_new(L, what, x.dtype, x.rank, x.shape);
    elementwise_unary(operation, &x, y);
    lcheck_interrupt(L);
    return 1;
}

/* The operand at `index` as the kernels take it; a number becomes a tensor of rank 0 in *number. */
struct operand {
    struct tensor tensor;
    float single;
    double number;
};

static void get_operand(lua_State *L, int index, const char *what, enum dtype dtype, struct operand *operand) {
    if (ltensor_test(L, index)) {
        const struct tensor *t = &ltensor_check(L, index)->tensor;
        operand->tensor = t->dtype == dtype ? *t : *lpush_contiguous(L, index, what, dtype);
        return;
    }
    if (lua_type(L, index) != LUA_TNUMBER)
        lerror(L, "%s: expected a tensor or a number, got %s", what, luaL_typename(L, index));
    operand->number = lua_tonumber(L, index);
    operand->single = (float)operand->number;
    operand->tensor = (struct tensor){.dtype = dtype};
    operand->tensor.data = dtype == FLOAT64 ? (void *)&operand->number : (void *)&operand->single;
}

static void check_broadcast(lua_State *L, const char *what, const struct tensor *a, const struct tensor *b,
                            int *rank, size_t *shape) {
    if (tensor_broadcast(a, b, rank, shape)) return;
    lerror(L, "%s: shapes %s and %s do not fit together: counted from the last axis, lengths must be equal or 1",
           what, lpush_shape(L, a->rank, a->shape), lpush_shape(L, b->rank, b->shape));
}

static int binary_as(lua_State *L, const char *what, enum binary operation, enum dtype dtype) {
    struct operand a, b;
    int rank;
    size_t shape[TENSOR_MAX_RANK];
    get_operand(L, 1, what, dtype, &a);
    get_operand(L, 2, what, dtype, &b);
    check_broadcast(L, what, &a.tensor, &b.tensor, &rank, shape);
    struct tensor *y = ltensor_new(L, what, dtype, rank, shape);
    struct tensor left = tensor_expand(&a.tensor, rank, shape), right = tensor_expand(&b.tensor, rank, shape);
    elementwise_binary(operation, &left, &right, y);
    lcheck_interrupt(L);
    return 1;
}

/* float64 where one of the operands at first .. last is. */
static enum dtype common_type(lua_State *L, int first, int last) {
    for (int i = first; i <= last; i++) {
        struct handle *handle = ltensor_test(L, i);
        if (handle && handle->tensor.dtype == FLOAT64) return FLOAT64;
    }
    return FLOAT32;
}

static int binary(lua_State *L, const char *what, enum binary operation) {
    return binary_as(L, what, operation, common_type(L, 1, 2));
}

/* where(condition, a, b): a where the condition is not 0, else b. */
static int where(lua_State *L) {
    struct operand c, a, b;
    struct tensor both = {.rank = 0};
    int rank;
    size_t shape[TENSOR_MAX_RANK];
    enum dtype dtype = common_type(L, 2, 3);
    get_operand(L, 1, "where", dtype, &c);
    get_operand(L, 2, "where", dtype, &a);
    get_operand(L, 3, "where", dtype, &b);
    check_broadcast(L, "where", &a.tensor, &b.tensor, &both.rank, both.shape);
    check_broadcast(L, "where", &c.tensor, &both, &rank, shape);
    struct tensor *y = ltensor_new(L, "where", dtype, rank, shape);
    struct tensor condition = tensor_expand(&c.tensor, rank, shape);
    struct tensor yes = tensor_expand(&a.tensor, rank, shape), no = tensor_expand(&b.tensor, rank, shape);
    elementwise_where(&condition, &yes, &no, y);
    lcheck_interrupt(L);
    return 1;
}

/* Comparisons of integers happen in double, where every int32 is exact; the answer is float32 all the same. */
static int compare(lua_State *L, const char *what, enum binary operation) {
    lua_settop(L, 2);
    for (int i = 1; i <= 2; i++) {
        struct handle *handle = ltensor_test(L, i);
        if (!handle || handle->tensor.dtype != INT32) continue;
        binary_as(L, what, operation, FLOAT64);
        lpush_contiguous(L, -1, what, FLOAT32);
        return 1;
    }
    return binary(L, what, operation);
}

static int negate(lua_State *L) { return unary(L, "neg", UNARY_NEGATE); }
static int absolute(lua_State *L) { return unary(L, "abs", UNARY_ABS); }
static int sign(lua_State *L) { return unary(L, "sign", UNARY_SIGN); }
static int square_root(lua_State *L) { return unary(L, "sqrt", UNARY_SQRT); }
static int exponential(lua_State *L) { return unary(L, "exp", UNARY_EXP); }
static int logarithm(lua_State *L) { return unary(L, "log", UNARY_LOG); }
static int hyperbolic_tangent(lua_State *L) { return unary(L, "tanh", UNARY_TANH); }
static int sigmoid(lua_State *L) {
    unary(L, "sigmoid", UNARY_SIGMOID);
    ltensor_test(L, -1)->sigmoid = true;
    return 1;
}
static int relu(lua_State *L) { return unary(L, "relu", UNARY_RELU); }
static int softplus(lua_State *L) { return unary(L, "softplus", UNARY_SOFTPLUS); }
static int silu(lua_State *L) { return unary(L, "silu", UNARY_SILU); }
static int silu_slope(lua_State *L) { return unary(L, "silu_slope", UNARY_SILU_SLOPE); }
static int gelu(lua_State *L) { return unary(L, "gelu", UNARY_GELU); }
static int gelu_slope(lua_State *L) { return unary(L, "gelu_slope", UNARY_GELU_SLOPE); }

/* is_sigmoid(t): whether t is the result of a sigmoid. */
static int is_sigmoid(lua_State *L) {
    lua_pushboolean(L, ltensor_check(L, 1)->sigmoid);
    return 1;
}

static int add(lua_State *L) { return binary(L, "add", BINARY_ADD); }
static int subtract(lua_State *L) { return binary(L, "sub", BINARY_SUBTRACT); }
static int multiply(lua_State *L) { return binary(L, "mul", BINARY_MULTIPLY); }
static int divide(lua_State *L) { return binary(L, "div", BINARY_DIVIDE); }
static int power(lua_State *L) { return binary(L, "pow", BINARY_POWER); }
static int maximum(lua_State *L) { return binary(L, "maximum", BINARY_MAXIMUM); }
static int minimum(lua_State *L) { return binary(L, "minimum", BINARY_MINIMUM); }
static int gate(lua_State *L) { return binary(L, "gate", BINARY_GATE); }
static int leaky_relu(lua_State *L) { return binary(L, "leaky_relu", BINARY_LEAKY_RELU); }
static int elu(lua_State *L) { return binary(L, "elu", BINARY_ELU); }

static int equal(lua_State *L) { return compare(L, "eq", BINARY_EQUAL); }
static int not_equal(lua_State *L) { return compare(L, "ne", BINARY_NOT_EQUAL); }
static int less(lua_State *L) { return compare(L, "lt", BINARY_LESS); }
static int less_equal(lua_State *L) { return compare(L, "le", BINARY_LESS_EQUAL); }

static int swapped(lua_State *L, lua_CFunction comparison) {
    lua_settop(L, 2);
    lua_insert(L, 1);
    return comparison(L);
}
static int greater(lua_State *L) { return swapped(L, less); }
static int greater_equal(lua_State *L) { return swapped(L, less_equal); }

void lopen_elementwise(lua_State *L) {
    static const struct operation operations[] = {
        {"neg", negate, 1},
        {"abs", absolute, 1},
        {"sign", sign, 1},
        {"sqrt", square_root, 1},
        {"exp", exponential, 1},
        {"log", logarithm, 1},
        {"tanh", hyperbolic_tangent, 1},
        {"sigmoid", sigmoid, 1},
        {"relu", relu, 1},
        {"softplus", softplus, 1},
        {"silu", silu, 1},
        {"gelu", gelu, 1},
        {"add", add, 2},
        {"sub", subtract, 2},
        {"mul", multiply, 2},
        {"div", divide, 2},
        {"pow", power, 2},
        {"maximum", maximum, 2},
        {"minimum", minimum, 2},
        {"gate", gate, 2},
        {NULL, NULL, 0},
    };
    static const luaL_Reg comparisons[] = {
        {"eq", equal},   {"ne", not_equal},     {"lt", less}, {"le", less_equal},
        {"gt", greater}, {"ge", greater_equal}, {NULL, NULL},
    };
    static const char *const metamethods[][2] = {
        {"__add", "add"}, {"__sub", "sub"}, {"__mul", "mul"}, {"__div", "div"}, {"__pow", "pow"}, {"__unm", "neg"},
    };
    /* With an argument that has a default, without a first operand, or of use to a rule only: not methods. */
    static const struct operation others[] = {
        {"leaky_relu", leaky_relu, 2}, {"elu", elu, 2}, {"where", where, 3}, {"silu_slope", silu_slope, 1},
        {"gelu_slope", gelu_slope, 1}, {NULL, NULL, 0},
    };
    lregister_operations(L, others);
    lua_pushcfunction(L, is_sigmoid);
    lua_setfield(L, -2, "is_sigmoid");
    lua_getfield(L, -1, "methods");
    lregister_operations(L, operations);
    luaL_setfuncs(L, comparisons, 0);
    luaL_getmetatable(L, TENSOR_METATABLE);
    for (size_t i = 0; i < sizeof metamethods / sizeof *metamethods; i++) {
        lua_getfield(L, -2, metamethods[i][1]);
        lua_setfield(L, -2, metamethods[i][0]);
    }
    lua_pop(L, 2);
}
