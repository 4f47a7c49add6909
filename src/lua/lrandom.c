/* Random tensors. The state is a seed and a stream number: each call takes the next stream, so a value depends
   only on the seed, on how many calls came before, and on its place in the tensor. The functions share the state as
   an upvalue; each random_source has one of its own. */
#include "ltensor.h"

#include "../core/random.h"

#include <math.h>

struct state {
    uint64_t seed, stream;
};

static struct state *state_of(lua_State *L) { return lua_touserdata(L, lua_upvalueindex(1)); }

static double check_finite(lua_State *L, int index, const char *what, double otherwise) {
    double value = lua_isnoneornil(L, index) ? otherwise : lcheck_element(L, index, what, FLOAT64);
    if (!isfinite(value)) lerror(L, "%s: expected a finite number, got %f", what, value);
    return value;
}

static enum dtype check_float_type(lua_State *L, int index, const char *what) {
    enum dtype dtype = lcheck_dtype(L, index, what, FLOAT32);
    if (!dtype_is_float(dtype)) lerror(L, "%s: expected float32 or float64, got %s", what, dtype_names[dtype]);
    return dtype;
}

/* uniform(shape, low, high, dtype) */
static int uniform(lua_State *L) {
    size_t shape[TENSOR_MAX_RANK];
    int rank = lcheck_shape(L, 1, "rand", shape);
    double low = check_finite(L, 2, "rand: low", 0), high = check_finite(L, 3, "rand: high", 1);
    enum dtype dtype = check_float_type(L, 4, "rand");
    if (low > high) return lerror(L, "rand: expected low <= high, got %f and %f", low, high);
    if (!isfinite(high - low)) return lerror(L, "rand: from %f to %f is too wide a range", low, high);
    struct tensor *t = ltensor_new(L, "rand", dtype, rank, shape);
    struct state *state = state_of(L);
    random_uniform(state->seed, state->stream++, low, high, t);
    lcheck_interrupt(L);
    return 1;
}

/* normal(shape, mean, deviation, dtype) */
static int normal(lua_State *L) {
    size_t shape[TENSOR_MAX_RANK];
    int rank = lcheck_shape(L, 1, "randn", shape);
    double mean = check_finite(L, 2, "randn: mean", 0), deviation = check_finite(L, 3, "randn: deviation", 1);
    enum dtype dtype = check_float_type(L, 4, "randn");
    if (deviation < 0) return lerror(L, "randn: expected a deviation of at least 0, got %f", deviation);
    struct tensor *t = ltensor_new(L, "randn", dtype, rank, shape);
    struct state *state = state_of(L);
    random_normal(state->seed, state->stream++, mean, deviation, t);
    lcheck_interrupt(L);
    return 1;
}

/* dropout_mask(like, rate): 0 with probability `rate`, else 1 / (1 - rate), in the shape and type of `like`. */
static int dropout_mask(lua_State *L) {
    const struct tensor *like = &ltensor_check(L, 1)->tensor;
    double rate = luaL_checknumber(L, 2);
    if (!dtype_is_float(like->dtype)) return luaL_argerror(L, 1, "expected a float tensor");
    if (!(rate >= 0 && rate <= 1)) return luaL_argerror(L, 2, "expected a number from 0 to 1");
    struct tensor *t = ltensor_new(L, "dropout", like->dtype, like->rank, like->shape);
    struct state *state = state_of(L);
    random_mask(state->seed, state->stream++, rate, rate < 1 ? 1 / (1 - rate) : 0, t);
    lcheck_interrupt(L);
    return 1;
}

/* permutation(n): 1 .. n in random order, int32. */
static int permutation(lua_State *L) {
    size_t n = (size_t)lcheck_integer(L, 1, "permutation", 0, INT32_MAX);
    struct tensor *t = ltensor_new(L, "permutation", INT32, 1, &n);
    struct state *state = state_of(L);
    random_permutation(state->seed, state->stream++, n, t->data);
    lcheck_interrupt(L);
    return 1;
}

/* A random whole number from 0 to `most`: of the 64 bits of each pair of words those that it may have, until they
   are not above it. */
static uint64_t below_or_equal(const struct state *state, uint64_t most) {
    uint64_t mask = most, bits = 0;
    for (int shift = 1; shift < 64; shift *= 2) mask |= mask >> shift;
    for (uint64_t i = 0; i == 0 || bits > most; i++) {
        uint32_t word[4];
        random_block(state->seed, state->stream, i, word);
        bits = ((uint64_t)word[0] << 32 | word[1]) & mask;
    }
    return bits;
}

/* random(): a number in [0, 1) with 53 random bits; random(last), random(first, last): a whole number, both
   included, as math.random gives them. */
static int random_number(lua_State *L) {
    struct state *state = state_of(L);
    if (lua_isnoneornil(L, 1) && lua_isnoneornil(L, 2)) {
        double u;
        struct tensor number = {.dtype = FLOAT64, .data = &u};
        random_uniform(state->seed, state->stream++, 0, 1, &number);
        lua_pushnumber(L, u);
        return 1;
    }
    bool two = !lua_isnoneornil(L, 2);
    for (int i = 1; i <= 2; i++)
        if (lua_type(L, i) == LUA_TNUMBER && !lua_isinteger(L, i) &&
            lua_tonumber(L, i) != floor(lua_tonumber(L, i)))
            return lerror(
                L,
                "random: expected whole numbers, got %f; low + (high - low) * random() is a number between "
                "others",
                lua_tonumber(L, i));
    lua_Integer first = two ? lcheck_integer(L, 1, "random: first", LUA_MININTEGER, LUA_MAXINTEGER) : 1;
    lua_Integer last = lcheck_integer(L, two ? 2 : 1, "random: last", first, LUA_MAXINTEGER);
    uint64_t most = (uint64_t)last - (uint64_t)first;
    lua_pushinteger(L, (lua_Integer)((uint64_t)first + below_or_equal(state, most)));
    state->stream++;
    return 1;
}

/* random_state([seed, stream]): the state, after setting it. */
static int random_state(lua_State *L) {
    struct state *state = state_of(L);
    if (!lua_isnoneornil(L, 1)) {
        lua_Integer seed = lcheck_integer(L, 1, "random_state: seed", LUA_MININTEGER, LUA_MAXINTEGER);
        lua_Integer stream =
            lua_isnoneornil(L, 2) ? 0 : lcheck_integer(L, 2, "random_state: stream", 0, LUA_MAXINTEGER);
        *state = (struct state){(uint64_t)seed, (uint64_t)stream};
    }
    lua_pushinteger(L, (lua_Integer)state->seed);
    lua_pushinteger(L, (lua_Integer)state->stream);
    return 2;
}

static void add_functions(lua_State *L, uint64_t seed);

/* random_source(seed): a table of these functions with a state of their own. */
static int random_source(lua_State *L) {
    uint64_t seed = (uint64_t)lcheck_integer(L, 1, "generator: seed", LUA_MININTEGER, LUA_MAXINTEGER);
    lua_createtable(L, 0, 8);
    add_functions(L, seed);
    return 1;
}

/* Adds the functions, with a new state, to the table on top of the stack. */
static void add_functions(lua_State *L, uint64_t seed) {
    static const luaL_Reg functions[] = {{"uniform", uniform},
                                         {"normal", normal},
                                         {"dropout_mask", dropout_mask},
                                         {"permutation", permutation},
                                         {"random", random_number},
                                         {"random_state", random_state},
                                         {"random_source", random_source},
                                         {NULL, NULL}};
    struct state *state = lua_newuserdatauv(L, sizeof *state, 0);
    *state = (struct state){.seed = seed};
    luaL_setfuncs(L, functions, 1);
}

void lopen_random(lua_State *L) { add_functions(L, 0); }
