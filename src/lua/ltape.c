/* The tape. Operations record themselves in one place (`recorded`); backward walks what they left.
   A node is the Lua table {rule, n, argument 1 .. argument n, saved} in the SLOT_NODE of the result: `rule` is the
   operation's name, looked up in the table of lua/fnet/tensor/rules.lua, or a script's own backward function.
   Numbers in `sequence` grow with creation, so descending order is an order for backward. Gradients of intermediate
   results live in a table during the walk; a leaf's ends in its SLOT_GRAD. Memory that was taken during the walk
   and that no script's code has seen goes back to the pool at once.
   After the walk the operation's name stands in the node's place, for the error of a second walk. */
#include "ltape.h"

#include "lstorage.h"

#include <stdlib.h>

/* A call inside which recording is switched on or off. Its memory is a userdata on the stack of the coroutine that
   made it, which closes it: at the call's end, by an error, by coroutine.close, or with the coroutine itself. */
struct scope {
    struct tape *tape;
    struct scope *outer;
    lua_State *coroutine;
    bool recording;
};

struct tape {
    struct scope *scopes; /* the latest first; without any, operations record themselves */
    size_t sequence;      /* of the latest recorded result */
    size_t visit;         /* of the latest walk */
};

#define SCOPE "fnet.scope"

static const char tape_key, rules_key; /* registry: struct tape; name -> rule */

static struct tape *tape_of(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &tape_key);
    struct tape *tape = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return tape;
}

/* The latest scope of the coroutine that runs decides, else the latest of those that wait for it. Nobody is inside
   the scope of one that has yielded, or ended by an error. */
static bool is_recording(lua_State *L, const struct tape *tape) {
    const struct scope *around = NULL;
    for (const struct scope *scope = tape->scopes; scope; scope = scope->outer) {
        if (scope->coroutine == L) return scope->recording;
        if (!around && lua_status(scope->coroutine) == LUA_OK) around = scope;
    }
    return !around || around->recording;
}

bool lrecording(lua_State *L) { return is_recording(L, tape_of(L)); }

static bool depends(lua_State *L, int first, int last) {
    for (int i = first; i <= last; i++) {
        struct handle *handle = ltensor_test(L, i);
        if (handle && handle->requires_grad) return true;
    }
    return false;
}

/* What the storages of a result and of its arguments have gone through: it must not change before backward. */
static size_t versions(lua_State *L, const struct handle *result, int first, int last) {
    size_t sum = result->storage->version;
    for (int i = first; i <= last; i++) {
        struct handle *handle = ltensor_test(L, i);
        if (handle) sum += handle->storage->version;
    }
    return sum;
}

/* Result at `result`, rule on top of the stack (popped), arguments at first .. last, saved value at `saved`. */
static void record(lua_State *L, struct tape *tape, int result, int first, int last, int saved) {
    struct handle *handle = lua_touserdata(L, result);
    int arguments = last - first + 1;
    lua_createtable(L, arguments + 3, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 1);
    lua_pushinteger(L, arguments);
    lua_rawseti(L, -2, 2);
    for (int i = 0; i < arguments; i++) {
        lua_pushvalue(L, first + i);
        lua_rawseti(L, -2, 3 + i);
    }
    if (saved) {
        lua_pushvalue(L, saved);
        lua_rawseti(L, -2, 3 + arguments);
    }
    lua_setiuservalue(L, result, SLOT_NODE);
    handle->requires_grad = true;
    handle->version = versions(L, handle, first, last);
    handle->sequence = ++tape->sequence;
}

/* Upvalues of both: the operation's C function, its name, its number of arguments, the tape. */
static int unrecorded(lua_State *L) {
    int results = lua_tocfunction(L, lua_upvalueindex(1))(L);
    lcheck_interrupt(L);
    return results;
}

static int recorded(lua_State *L) {
    int arguments = (int)lua_tointeger(L, lua_upvalueindex(3));
    lua_settop(L, arguments);
    int results = unrecorded(L);
    struct tape *tape = lua_touserdata(L, lua_upvalueindex(4));
    int result = lua_gettop(L) - results + 1;
    if (depends(L, 1, arguments) && is_recording(L, tape)) {
        bool itself = false;
        for (int i = 1; i <= arguments; i++) itself = itself || lua_rawequal(L, i, result);
        if (!itself) {
            lua_pushvalue(L, lua_upvalueindex(2));
            record(L, tape, result, 1, arguments, results > 1 ? result + 1 : 0);
        }
    }
    lua_settop(L, result);
    return 1;
}

void lregister_operations(lua_State *L, const struct operation *operations) {
    for (; operations->name; operations++) {
        lua_pushcfunction(L, operations->function);
        lua_pushstring(L, operations->name);
        lua_pushinteger(L, operations->arguments);
        lua_pushlightuserdata(L, tape_of(L));
        lua_pushcclosure(L, operations->arguments == UNRECORDED ? unrecorded : recorded, 4);
        lua_setfield(L, -2, operations->name);
    }
}

/* core.record(result, backward, ...): a script's own operation; see fnet.operation. */
static int record_own(lua_State *L) {
    struct handle *result = ltensor_check(L, 1);
    struct tape *tape = tape_of(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (!is_recording(L, tape) || !depends(L, 3, lua_gettop(L))) return 0;
    for (int i = 3; i <= lua_gettop(L); i++)
        if (lua_rawequal(L, 1, i))
            return lerror(L, "operation: forward returned its argument %d itself; return a new tensor (:clone())",
                          i - 2);
    if (!dtype_is_float(result->tensor.dtype) || result->requires_grad)
        return lerror(L, "operation: forward must return a new float tensor without a history, got %s",
                      result->requires_grad ? "one that is on the tape" : dtype_names[result->tensor.dtype]);
    lhandle_escape(result);
    int last = lua_gettop(L);
    lua_pushvalue(L, 2);
    record(L, tape, 1, 3, last, 0);
    return 0;
}

/* --- backward ------------------------------------------------------------------------------------------- */

/* Stack positions during the walk. */
enum { ROOT = 1, SEED, RETAIN, ORDER, GRADIENTS, RULES, SORTED, WALK_TOP = SORTED };

struct step {
    size_t sequence;
    lua_Integer position; /* in ORDER */
};

struct pass {
    struct tape *tape;
    bool recording; /* of the gradients */
    size_t visit;
    size_t births;     /* storages up to this one are older than the walk */
    lua_Integer count; /* of results in ORDER */
};

static int later_first(const void *a, const void *b) {
    size_t x = ((const struct step *)a)->sequence, y = ((const struct step *)b)->sequence;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* Pushes the node of the recorded result at `index`. */
static void push_node(lua_State *L, int index) {
    if (lua_getiuservalue(L, index, SLOT_NODE) == LUA_TTABLE) return;
    const char *made_by = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "an operation of the script";
    const struct handle *result = lua_touserdata(L, index);
    lerror(
        L,
        "backward: an earlier backward() has freed the history of a tensor %s, the result of %s; compute it again, "
        "or carry it from one step to the next by :detach(), or call the first backward with { retain = true }",
        lpush_shape_of(L, &result->tensor), made_by);
}

/* The history of the recorded result at `index` ends here; the name of the operation stays. */
static void forget(lua_State *L, int index) {
    if (lua_getiuservalue(L, index, SLOT_NODE) == LUA_TTABLE) {
        if (lua_rawgeti(L, -1, 1) != LUA_TSTRING) lua_pushboolean(L, false);
        lua_setiuservalue(L, index, SLOT_NODE);
    }
}

/* Appends to ORDER every recorded result that the root depends on. */
static void collect(lua_State *L, struct pass *pass) {
    struct tape *tape = pass->tape;
    lua_Integer count = 1;
    struct handle *root = lua_touserdata(L, ROOT);
    root->visit = pass->visit = ++tape->visit;
    root->position = 1;
    lua_pushvalue(L, ROOT);
    lua_rawseti(L, ORDER, 1);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, ORDER, i);
        push_node(L, lua_gettop(L));
        lua_rawgeti(L, -1, 2);
        lua_Integer arguments = lua_tointeger(L, -1);
        lua_pop(L, 1);
        for (lua_Integer k = 0; k < arguments; k++) {
            lua_rawgeti(L, -1, 3 + k);
            struct handle *argument = ltensor_test(L, -1);
            if (argument && argument->sequence > 0 && argument->visit != tape->visit) {
                argument->visit = tape->visit;
                argument->position = (size_t)++count;
                lua_rawseti(L, ORDER, count);
            } else {
                lua_pop(L, 1);
            }
        }
        lua_pop(L, 2);
    }
    pass->count = count;
}

/* The number of the handle at `index` in ORDER. A backward() inside a script's rule may have given results in
   common other numbers: then all get theirs back. */
static lua_Integer position_of(lua_State *L, int index, struct pass *pass) {
    for (lua_Integer i = 1; i <= pass->count && pass->visit != pass->tape->visit; i++) {
        lua_rawgeti(L, ORDER, i);
        ((struct handle *)lua_touserdata(L, -1))->position = (size_t)i;
        lua_pop(L, 1);
    }
    pass->visit = pass->tape->visit;
    return (lua_Integer)((struct handle *)lua_touserdata(L, index))->position;
}

/* One gradient fewer uses the storage of the handle at `index`. */
static void let_go(lua_State *L, int index, size_t births) {
    const struct handle *gradient = lua_touserdata(L, index);
    if (!lhandle_alive(gradient)) return; /* a script has released it */
    gradient->storage->holders--;
    if (lstorage_reusable(gradient->storage, TAKER, births, 0)) lhandle_give_back(L, index);
}

/* The keeper gives back the storage of the handle at `index`, unless that is a view or the storage another's. */
static void give_back(lua_State *L, int index, enum keeper keeper) {
    const struct handle *handle = lua_touserdata(L, index);
    if (handle->owner && lhandle_alive(handle) && lstorage_reusable(handle->storage, keeper, 0, 0))
        lhandle_give_back(L, index);
}

/* Calls a rule with the tensors on top of the stack: the result takes the place of so many of them. */
static void call_rule(lua_State *L, const char *name, int arguments) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &rules_key);
    lua_getfield(L, -1, name);
    lua_replace(L, -2);
    lua_insert(L, -1 - arguments);
    lua_call(L, arguments, 1);
    ltensor_check(L, -1);
}

/* The gradient on top of the stack is to be kept, or changed in place: where more gradients than `holders` use its
   storage, or that is not the walk's, or it is not contiguous, a copy takes its place. */
static void make_sole(lua_State *L, size_t births, size_t holders) {
    const struct handle *gradient = lua_touserdata(L, -1);
    if (lstorage_reusable(gradient->storage, TAKER, births, holders) && tensor_is_contiguous(&gradient->tensor))
        return;
    call_rule(L, "copy", 1);
}

/* The gradient on top of the stack (popped) goes to the leaf at `leaf`. Where gradients are recorded and this one
   turned out not to depend on anything, as that of a function that is linear piece by piece, it goes on the tape as
   constant: its derivative is 0, and no error. */
static void give_to_leaf(lua_State *L, int leaf, size_t births, bool recording) {
    if (lua_getiuservalue(L, leaf, SLOT_GRAD) == LUA_TNIL) {
        lua_pop(L, 1);
        make_sole(L, births, 0);
    } else {
        lua_insert(L, -2);
        call_rule(L, "accumulate", 2);
    }
    const struct handle *gradient = lua_touserdata(L, -1);
    if (recording && !gradient->requires_grad) {
        lua_pushliteral(L, "constant");
        record(L, tape_of(L), lua_gettop(L) - 1, leaf, leaf, 0);
    }
    lstorage_leave_to(gradient->storage, gradient->requires_grad ? COLLECTOR : LEAF);
    lua_setiuservalue(L, leaf, SLOT_GRAD);
}

/* The gradient on top of the stack (popped) goes to the recorded result at `result`. */
static void give_to_result(lua_State *L, int result, struct pass *pass) {
    lua_Integer position = position_of(L, result, pass);
    if (lua_rawgeti(L, GRADIENTS, position) == LUA_TNIL) {
        lua_pop(L, 1);
    } else {
        lua_pushvalue(L, -1);
        lua_pushvalue(L, -3);
        call_rule(L, "accumulate", 2);
        let_go(L, lua_gettop(L) - 1, pass->births);
        lua_replace(L, -3);
        lua_pop(L, 1);
    }
    ((struct handle *)lua_touserdata(L, -1))->storage->holders++;
    lua_rawseti(L, GRADIENTS, position);
}

static void check_gradient(lua_State *L, int gradient, const struct handle *argument, int number, int node) {
    struct handle *handle = ltensor_test(L, gradient);
    if (handle && tensor_alike(&handle->tensor, &argument->tensor) && lhandle_alive(handle)) return;
    lua_rawgeti(L, node, 1);
    const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "operation";
    const char *got = handle ? lpush_shape_of(L, &handle->tensor) : lpush_kind(L, gradient);
    lerror(L, "%s: its backward must return for argument %d a gradient of shape %s and type %s, got %s%s%s", name,
           number, lpush_shape_of(L, &argument->tensor), dtype_names[argument->tensor.dtype], got,
           handle ? " and " : "", handle ? dtype_names[handle->tensor.dtype] : "");
}

/* Pushes a script's own backward's place, such as "script.lua:7". */
static const char *push_place(lua_State *L, int function) {
    lua_Debug place;
    lua_pushvalue(L, function);
    lua_getinfo(L, ">S", &place);
    if (place.linedefined <= 0) return lua_pushstring(L, place.short_src); /* "[C]" */
    return lua_pushfstring(L, "%s:%d", place.short_src, place.linedefined);
}

/* Calls a script's own backward at `function` with the tensors above it, and leaves one result an argument. */
static void call_own(lua_State *L, int function, int arguments) {
    int place = lua_absindex(L, function);
    lua_pushvalue(L, place);
    lua_insert(L, place + 1);
    lua_call(L, lua_gettop(L) - place - 1, LUA_MULTRET);
    int given = lua_gettop(L) - place;
    while (given > arguments && lua_isnil(L, -1)) lua_settop(L, place + --given);
    luaL_checkstack(L, arguments + 16, "backward");
    if (given > arguments)
        lerror(L, "operation: its backward (%s) returned %d gradients, expected %d, one an argument",
               push_place(L, place), given, arguments);
    lua_settop(L, place + arguments);
    lua_remove(L, place);
}

/* The recorded result on top of the stack hands its gradient on to its arguments. */
static void step_back(lua_State *L, struct pass *pass) {
    int result = lua_gettop(L);
    lua_Integer position = position_of(L, result, pass);
    if (lua_rawgeti(L, GRADIENTS, position) == LUA_TNIL) return;
    int gradient = lua_gettop(L);
    push_node(L, result);
    int node = lua_gettop(L);
    lua_rawgeti(L, node, 2);
    int arguments = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    luaL_checkstack(L, arguments * 2 + 16, "backward");
    bool own = lua_rawgeti(L, node, 1) == LUA_TFUNCTION;
    if (!own) {
        lua_pushvalue(L, -1);
        if (lua_rawget(L, RULES) == LUA_TNIL)
            lerror(L, "%s: has no derivative; use :detach() or fnet.no_grad", lua_tostring(L, -2));
        lua_remove(L, -2);
    }
    lua_pushvalue(L, gradient);
    if (own) { /* the script may keep it or change it in place */
        make_sole(L, pass->births, 1);
        lhandle_escape(lua_touserdata(L, -1));
    }
    lua_pushvalue(L, result);
    int saved = own ? 0 : 1; /* nil where the operation saved nothing */
    for (int i = 0; i < arguments + saved; i++) lua_rawgeti(L, node, 3 + i);
    const struct handle *y = lua_touserdata(L, result);
    int first = lua_gettop(L) - arguments - saved + 1;
    if (versions(L, y, first, first + arguments - 1) != y->version)
        lerror(L,
               "backward: a tensor was changed in place after an operation had used it; change a :clone() instead");
    if (own)
        call_own(L, first - 3, arguments);
    else
        lua_call(L, 2 + arguments + saved, arguments);
    for (int i = arguments; i >= 1; i--) { /* the last one is on top */
        lua_rawgeti(L, node, 2 + i);
        struct handle *argument = ltensor_test(L, -1);
        lua_insert(L, -2);
        if (argument && argument->requires_grad && !lua_isnil(L, -1)) {
            check_gradient(L, lua_gettop(L), argument, i, node);
            if (own) lhandle_escape(lua_touserdata(L, -1));
            if (argument->sequence > 0)
                give_to_result(L, lua_gettop(L) - 1, pass);
            else
                give_to_leaf(L, lua_gettop(L) - 1, pass->births, pass->recording);
        } else {
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
    let_go(L, gradient, pass->births);
    lua_pushnil(L);
    lua_rawseti(L, GRADIENTS, position);
}

static int walk(lua_State *L) {
    struct pass pass = {.tape = tape_of(L)};
    /* Gradients that are recorded are what the next derivatives are made from: none of their memory goes back. */
    pass.recording = is_recording(L, pass.tape);
    pass.births = pass.recording ? SIZE_MAX : lstorage_births();
    bool retain = lua_toboolean(L, RETAIN);
    lua_createtable(L, 8, 0);
    lua_createtable(L, 8, 0);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &rules_key);
    collect(L, &pass);
    lua_Integer count = pass.count;
    struct step *steps = lua_newuserdatauv(L, sizeof *steps * (size_t)count, 0);
    for (lua_Integer i = 0; i < count; i++) {
        lua_rawgeti(L, ORDER, i + 1);
        steps[i] = (struct step){((struct handle *)lua_touserdata(L, -1))->sequence, i + 1};
        lua_pop(L, 1);
    }
    qsort(steps, (size_t)count, sizeof *steps, later_first);
    lua_pushvalue(L, SEED);
    give_to_result(L, ROOT, &pass);
    for (lua_Integer i = 0; i < count; i++) {
        lua_rawgeti(L, ORDER, steps[i].position);
        step_back(L, &pass);
        lua_settop(L, WALK_TOP);
    }
    for (lua_Integer i = 1; i <= count && !retain; i++) {
        lua_rawgeti(L, ORDER, i);
        forget(L, WALK_TOP + 1);
        give_back(L, WALK_TOP + 1, TAPE);
        lua_settop(L, WALK_TOP);
    }
    return 0;
}

/* The end of a scope, however it comes; a second one does nothing. */
static int end_scope(lua_State *L) {
    struct scope *ended = luaL_checkudata(L, 1, SCOPE);
    struct scope **link = &ended->tape->scopes;
    while (*link && *link != ended) link = &(*link)->outer;
    if (*link) *link = ended->outer;
    return 0;
}

static int return_all(lua_State *L, int status, lua_KContext first) {
    (void)status;
    return lua_gettop(L) - (int)first;
}

/* Calls the function at 1 with the arguments above it, recording switched; returns its results, also where it
   yields in between. To be returned at once by the C function that runs. */
static int call_with_recording(lua_State *L, bool recording) {
    struct scope *scope = lua_newuserdatauv(L, sizeof *scope, 1);
    *scope = (struct scope){.tape = tape_of(L), .coroutine = L, .recording = recording};
    lua_pushthread(L); /* which is there as long as its scope is */
    lua_setiuservalue(L, -2, 1);
    luaL_setmetatable(L, SCOPE);
    lua_insert(L, 1);
    lua_toclose(L, 1);
    scope->outer = scope->tape->scopes;
    scope->tape->scopes = scope;
    lua_callk(L, lua_gettop(L) - 2, LUA_MULTRET, 1, return_all);
    return return_all(L, LUA_OK, 1);
}

/* core.backward(result, seed or nil, retain, create_graph) */
static int backward(lua_State *L) {
    struct handle *root = ltensor_check(L, 1);
    const struct tensor *t = &root->tensor;
    lua_settop(L, 4);
    bool create_graph = lua_toboolean(L, 4);
    if (!root->requires_grad)
        return lerror(L, "backward: this result does not depend on any tensor that requires gradients (detached, "
                         "without parameters, or computed under no_grad or in the backward of an operation: there "
                         "fnet.enable_grad(f, ...) records)");
    if (lua_isnil(L, 2)) {
        if (tensor_count(t) != 1)
            return lerror(L,
                          "backward: expected a loss with one element, got %s; reduce it with :sum() or :mean(), "
                          "or pass { gradient = ... }",
                          lpush_shape_of(L, t));
        struct tensor *seed = ltensor_new(L, "backward", t->dtype, t->rank, t->shape);
        tensor_set(seed, 0, 1);
        lua_replace(L, 2);
    } else {
        struct handle *seed = ltensor_check(L, 2);
        if (!tensor_alike(&seed->tensor, t))
            return lerror(L, "backward: expected a gradient of %s and %s, got %s and %s", lpush_shape_of(L, t),
                          dtype_names[t->dtype], lpush_shape_of(L, &seed->tensor), dtype_names[seed->tensor.dtype]);
    }
    if (root->sequence == 0) { /* a leaf */
        lua_settop(L, 2);
        give_to_leaf(L, 1, lstorage_births(), create_graph);
        return 0;
    }
    lua_settop(L, 3);
    lua_pushcfunction(L, walk);
    lua_insert(L, 1);
    return call_with_recording(L, create_graph);
}

static int call_switched(lua_State *L, const char *what, bool recording) {
    bool callable = lua_isfunction(L, 1) || (!ltensor_test(L, 1) && luaL_getmetafield(L, 1, "__call") != LUA_TNIL);
    if (!callable) return lerror(L, "%s: expected a function or a model, got %s", what, lpush_kind(L, 1));
    if (!lua_isfunction(L, 1)) lua_pop(L, 1);
    return call_with_recording(L, recording);
}

/* core.no_grad(f, ...), core.enable_grad(f, ...): f(...) without recording, and with it where it was switched off;
   return what it returns. */
static int no_grad(lua_State *L) { return call_switched(L, "no_grad", false); }
static int enable_grad(lua_State *L) { return call_switched(L, "enable_grad", true); }

static int recording(lua_State *L) {
    lua_pushboolean(L, lrecording(L));
    return 1;
}

/* core.rules(table): the rules by operation name, and "accumulate", which adds two gradients, and "copy". */
static int set_rules(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &rules_key);
    return 0;
}

/* core.discard(x, y): y was made from x, which nobody else has seen: its storage goes back at once, or with the
   tape when the tape holds it as a result. What the tape holds as an argument only is left to the collector. */
static int discard(lua_State *L) {
    struct handle *x = ltensor_test(L, 1), *y = ltensor_test(L, 2);
    if (!x || !y || x->storage == y->storage) return 0;
    if (!x->requires_grad && !y->requires_grad)
        give_back(L, 1, TAKER);
    else if (x->sequence > 0 && x->owner && lhandle_alive(x))
        lstorage_leave_to(x->storage, TAPE);
    return 0;
}

/* core.zero_grad(t): drops the gradient; its memory is used again where the leaf has kept it. */
static int zero_grad(lua_State *L) {
    ltensor_check(L, 1);
    lua_getiuservalue(L, 1, SLOT_GRAD);
    if (lua_isnil(L, -1)) return 0;
    give_back(L, -1, LEAF);
    lua_pushnil(L);
    lua_setiuservalue(L, 1, SLOT_GRAD);
    return 0;
}

/* core.leaves(result): the leaves that require gradients and that it depends on, in the order in which a walk over
   what is on the tape meets them; that a part of it was freed is no error. */
static int leaves(lua_State *L) {
    struct handle *root = ltensor_test(L, 1); /* its elements may have been given back */
    luaL_argexpected(L, root, 1, "tensor");
    lua_Integer count = 1, found = 0;
    lua_settop(L, 1);
    lua_createtable(L, 8, 0);
    lua_createtable(L, 8, 0);
    enum { MET = 2, LEAVES };
    size_t visit = ++tape_of(L)->visit;
    root->visit = visit;
    lua_pushvalue(L, 1);
    lua_rawseti(L, MET, 1);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, MET, i);
        const struct handle *result = lua_touserdata(L, -1);
        if (result->sequence == 0) {
            if (result->requires_grad) lua_rawseti(L, LEAVES, ++found);
            lua_settop(L, LEAVES);
            continue;
        }
        lua_Integer arguments = 0;
        if (lua_getiuservalue(L, -1, SLOT_NODE) == LUA_TTABLE) {
            lua_rawgeti(L, -1, 2);
            arguments = lua_tointeger(L, -1);
            lua_pop(L, 1);
        }
        for (lua_Integer k = 0; k < arguments; k++) {
            lua_rawgeti(L, -1, 3 + k);
            struct handle *argument = ltensor_test(L, -1);
            bool first = argument && argument->requires_grad && argument->visit != visit;
            if (first) {
                argument->visit = visit;
                lua_rawseti(L, MET, ++count);
            } else {
                lua_pop(L, 1);
            }
        }
        lua_settop(L, LEAVES);
    }
    return 1;
}

/* core.unread_gradient(t): it has a gradient that no script has looked at. */
static int unread_gradient(lua_State *L) {
    ltensor_check(L, 1);
    lua_getiuservalue(L, 1, SLOT_GRAD);
    const struct handle *gradient = ltensor_test(L, -1);
    lua_pushboolean(L, gradient && lhandle_alive(gradient) && gradient->storage->keeper == LEAF);
    return 1;
}

/* core.is_leaf(t): no recorded operation made it. */
static int is_leaf(lua_State *L) {
    lua_pushboolean(L, ltensor_check(L, 1)->sequence == 0);
    return 1;
}

void lopen_tape(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"record", record_own},
        {"backward", backward},
        {"no_grad", no_grad},
        {"enable_grad", enable_grad},
        {"recording", recording},
        {"rules", set_rules},
        {"discard", discard},
        {"zero_grad", zero_grad},
        {"is_leaf", is_leaf},
        {"leaves", leaves},
        {"unread_gradient", unread_gradient},
        {NULL, NULL},
    };
    static const luaL_Reg scope[] = {{"__close", end_scope}, {"__gc", end_scope}, {NULL, NULL}};
    if (!tape_of(L)) { /* a module that is opened a second time: the first one's operations refer to the tape */
        struct tape *tape = lua_newuserdatauv(L, sizeof *tape, 0);
        *tape = (struct tape){0};
        lua_rawsetp(L, LUA_REGISTRYINDEX, &tape_key);
    }
    lnew_metatable(L, SCOPE, scope);
    luaL_setfuncs(L, functions, 0);
}
