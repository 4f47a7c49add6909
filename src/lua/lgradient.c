/* Gradients that meet. See lgradient.h. */
#include "lgradient.h"

#include "../core/elementwise.h"

static const char rules_key; /* registry: the rules by the names of operations */

void lgradient_push_rules(lua_State *L) { lua_rawgetp(L, LUA_REGISTRYINDEX, &rules_key); }

/* Calls a rule with the tensors on top of the stack: the result takes the place of so many of them. */
static void call_rule(lua_State *L, const char *name, int arguments) {
    lgradient_push_rules(L);
    lua_getfield(L, -1, name);
    lua_replace(L, -2);
    lua_insert(L, -1 - arguments);
    lua_call(L, arguments, 1);
    ltensor_check(L, -1);
}

/* Nobody but `keeper`, and no gradient but `holders`, uses its memory. */
static bool is_sole(const struct handle *gradient, enum keeper keeper, size_t births, size_t holders) {
    return lhandle_alive(gradient) && lstorage_reusable(gradient->storage, keeper, births, holders) &&
           tensor_is_contiguous(&gradient->tensor);
}

void lgradient_make_sole(lua_State *L, size_t births, size_t holders) {
    if (!is_sole(lua_touserdata(L, -1), TAKER, births, holders)) call_rule(L, "copy", 1);
}

void lgradient_add(lua_State *L, enum keeper keeper, size_t births) {
    struct handle *first = ltensor_check(L, -2), *second = ltensor_check(L, -1);
    bool into_first = is_sole(first, keeper, births, keeper == TAKER),
         into_second = is_sole(second, TAKER, births, 0);
    if (!into_first && !into_second) {
        call_rule(L, "accumulate", 2);
        return;
    }
    struct handle *sum = into_first ? first : second;
    elementwise_binary(BINARY_ADD, &first->tensor, &second->tensor, &sum->tensor);
    lhandle_changed(sum);
    sum->storage->no_minus_zero = first->storage->no_minus_zero || second->storage->no_minus_zero;
    if (into_first)
        lua_pop(L, 1);
    else
        lua_replace(L, -2);
    lcheck_interrupt(L);
}

/* Elsewhere 0 is added, as if the gradient had zeros there: that makes 0 of -0, once for all. */
void lgradient_add_part(struct handle *sum, const struct tensor *part, const struct tensor *gradient) {
    lhandle_changed(sum);
    if (!sum->storage->no_minus_zero) {
        double zero = 0; /* of either type */
        struct tensor number = {.dtype = sum->tensor.dtype, .data = &zero};
        number = tensor_expand(&number, sum->tensor.rank, sum->tensor.shape);
        elementwise_binary(BINARY_ADD, &sum->tensor, &number, &sum->tensor);
        sum->storage->no_minus_zero = true;
    }
    elementwise_binary(BINARY_ADD, part, gradient, part);
}

bool lgradient_wanted(lua_State *L, const struct handle *argument) {
    if (!argument->requires_grad) return false;
    return argument->unwanted == 0 || argument->unwanted != ltape_of(L)->visit || !lasking(L);
}

struct handle *lgradient_to_extend(lua_State *L, int index) {
    const struct handle *leaf = lua_touserdata(L, index);
    if (leaf->sequence > 0 || lasking(L)) return NULL;
    lua_getiuservalue(L, index, SLOT_GRAD); /* which the leaf keeps */
    struct handle *gradient = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return gradient && is_sole(gradient, LEAF, 0, 0) && tensor_alike(&gradient->tensor, &leaf->tensor) ? gradient
                                                                                                       : NULL;
}

/* core.last_use(t): t, a gradient or what the rule has made, which the rule reads once more: the operation that
   does so may write its result there, where nobody else uses the memory. A view is left alone: as
   a leaf's gradient it could not go back to the pool. */
int lgradient_last_use(lua_State *L) {
    struct handle *handle = ltensor_check(L, 1);
    if (handle->held) handle->storage->holders--;
    handle->held = false;
    handle->last_use = handle->owner && is_sole(handle, TAKER, ltape_of(L)->births, 0);
    lua_settop(L, 1);
    return 1;
}

int lgradient_set_rules(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &rules_key);
    return 0;
}
