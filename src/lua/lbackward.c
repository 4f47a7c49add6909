/* Backward: walks from a result over what is on the tape, and gives each leaf its gradient.
   Gradients of intermediate results live in a table during the walk; a leaf's ends in its SLOT_GRAD, or, where
   gradients were asked for as values, those of what was asked for in a table of the caller's: then what does not
   lead there gets none. Memory that was taken during the walk and that no script's code has seen goes back to the
   pool at once. After the walk the operation's name stands in the node's place, for the error of a second walk. */
#include "lgradient.h"

#include "../core/copy.h"

#include <stdlib.h>
#include <string.h>

/* Stack positions during the walk. */
enum { ROOT = 1, SEED, RETAIN, ASKED, ORDER, GRADIENTS, RULES, SORTED, WANTED, WALK_TOP = WANTED };

struct step {
    size_t sequence;
    lua_Integer position; /* in ORDER */
};

struct pass {
    struct tape *tape;
    bool recording;   /* of the gradients */
    bool asked;       /* ASKED is a table: its keys are the tensors whose gradients are wanted, its values those */
    const char *what; /* who walks, for messages */
    unsigned char *goes; /* of each result in ORDER, where gradients are asked for: some argument's is wanted */
    size_t visit;
    size_t births;     /* storages up to this one are older than the walk */
    lua_Integer count; /* of results in ORDER */
};

static int later_first(const void *a, const void *b) {
    size_t x = ((const struct step *)a)->sequence, y = ((const struct step *)b)->sequence;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* Pushes the node of the recorded result at `index`; gives the number of its arguments. */
static int push_node(lua_State *L, int index, const struct pass *pass) {
    if (lua_getiuservalue(L, index, SLOT_NODE) == LUA_TUSERDATA)
        return ((struct node *)lua_touserdata(L, -1))->arguments;
    const char *made_by = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "an operation of the script";
    const struct handle *result = lua_touserdata(L, index);
    return lerror(
        L,
        "%s: an earlier %s has freed the history of a tensor %s, the result of %s; compute it again, or carry it "
        "from one step to the next by :detach(), or call the first %s with { retain = true }",
        pass->what, pass->asked ? "grad() or backward()" : "backward()", lpush_shape_of(L, &result->tensor),
        made_by, pass->asked ? "one" : "backward");
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
        int arguments = push_node(L, lua_gettop(L), pass);
        for (int k = 0; k < arguments; k++) {
            lua_getiuservalue(L, -1, NODE_ARGUMENT + k);
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

/* The history of the recorded result at `index` ends here; the operation's name stays. What it has saved goes back,
   unless gradients are recorded, which may need it. */
static void forget(lua_State *L, int index, const struct pass *pass) {
    if (lua_getiuservalue(L, index, SLOT_NODE) != LUA_TUSERDATA) return;
    lua_getiuservalue(L, -1, NODE_SAVED);
    if (!pass->recording && ltensor_test(L, -1)) give_back(L, -1, TAKER);
    if (lua_getiuservalue(L, -2, NODE_RULE) != LUA_TSTRING) lua_pushboolean(L, false);
    lua_setiuservalue(L, index, SLOT_NODE);
}

/* Pushes what ASKED has for the tensor at `index`: its gradient, false before there is one, nil where nobody has
   asked. */
static int push_asked(lua_State *L, int index) {
    lua_pushvalue(L, index);
    return lua_rawget(L, ASKED);
}

/* Whether anybody wants the gradient of the tensor at `index`, which takes part in the walk. */
static bool wanted(lua_State *L, int index, struct pass *pass) {
    if (!pass->asked) return true;
    bool asked = push_asked(L, index) != LUA_TNIL;
    lua_pop(L, 1);
    return asked ||
           (((struct handle *)lua_touserdata(L, index))->sequence > 0 && pass->goes[position_of(L, index, pass)]);
}

/* Notes which results have an argument whose gradient is wanted; `steps` go from the latest result to the first. */
static void find_wanted(lua_State *L, const struct step *steps, struct pass *pass) {
    pass->goes = lua_newuserdatauv(L, (size_t)pass->count + 1, 0);
    memset(pass->goes, 0, (size_t)pass->count + 1);
    for (lua_Integer i = pass->count; i-- > 0;) {
        lua_rawgeti(L, ORDER, steps[i].position);
        int arguments = push_node(L, lua_gettop(L), pass);
        for (int k = 0; k < arguments && !pass->goes[steps[i].position]; k++) {
            lua_getiuservalue(L, -1, NODE_ARGUMENT + k);
            const struct handle *argument = ltensor_test(L, -1);
            pass->goes[steps[i].position] = argument && argument->requires_grad && wanted(L, lua_gettop(L), pass);
            lua_pop(L, 1);
        }
        lua_pop(L, 2);
    }
}

/* Tells the rules which of the tensors first .. last nobody wants the gradient of. */
static void mark_unwanted(lua_State *L, int first, int last, struct pass *pass) {
    for (int i = first; i <= last && pass->asked; i++) {
        struct handle *argument = ltensor_test(L, i);
        if (argument && argument->requires_grad) argument->unwanted = wanted(L, i, pass) ? 0 : pass->tape->visit;
    }
}

/* The gradient on top of the stack, of the tensor at `of`, is what somebody gets. Where gradients are recorded and
   this one turned out not to depend on anything, as that of a function that is linear piece by piece, it goes on
   the tape as constant: its derivative is 0, and no error. */
static void finish(lua_State *L, int of, const struct pass *pass) {
    const struct handle *gradient = lua_touserdata(L, -1);
    if (pass->recording && !gradient->requires_grad) {
        lua_pushliteral(L, "constant");
        lrecord(L, pass->tape, lua_gettop(L) - 1, of, of, 0);
    }
    lstorage_leave_to(gradient->storage, gradient->requires_grad ? COLLECTOR : LEAF);
}

/* The gradient on top of the stack (popped) is nobody's: its memory goes back where it is the walk's. */
static void drop(lua_State *L, const struct pass *pass) {
    ((struct handle *)lua_touserdata(L, -1))->storage->holders++;
    let_go(L, lua_gettop(L), pass->births);
    lua_pop(L, 1);
}

/* The gradient on top of the stack (popped) goes to the leaf at `leaf`. */
static void give_to_leaf(lua_State *L, int leaf, const struct pass *pass) {
    int before = pass->asked ? push_asked(L, leaf) : lua_getiuservalue(L, leaf, SLOT_GRAD);
    if (before == LUA_TUSERDATA) {
        lua_insert(L, -2);
        lgradient_add(L, LEAF, pass->births);
    } else {
        lua_pop(L, 1);
        lgradient_make_sole(L, pass->births, 0);
    }
    finish(L, leaf, pass);
    if (pass->asked) {
        lua_pushvalue(L, leaf);
        lua_insert(L, -2);
        lua_rawset(L, ASKED);
    } else {
        lua_setiuservalue(L, leaf, SLOT_GRAD);
    }
}

/* The gradient at `gradient` of the recorded result at `result` is complete: it is kept where it was asked for. */
static void keep_asked(lua_State *L, int result, int gradient, const struct pass *pass) {
    if (push_asked(L, result) != LUA_TNIL) {
        lua_pushvalue(L, result);
        lua_pushvalue(L, gradient);
        lgradient_make_sole(L, pass->births, 1);
        finish(L, result, pass);
        lua_rawset(L, ASKED);
    }
    lua_settop(L, gradient);
}

/* The gradient on top of the stack (popped) takes the place of the one at `before`, which may be the same or nil.
 */
static void set_gradient(lua_State *L, lua_Integer position, int before, struct pass *pass) {
    ((struct handle *)lua_touserdata(L, -1))->storage->holders++;
    if (!lua_isnil(L, before)) let_go(L, before, pass->births);
    lua_rawseti(L, GRADIENTS, position);
}

/* The gradient on top of the stack (popped) goes to the recorded result at `result`. */
static void give_to_result(lua_State *L, int result, struct pass *pass) {
    lua_Integer position = position_of(L, result, pass);
    bool begins = lua_rawgeti(L, GRADIENTS, position) == LUA_TNIL;
    int before = lua_gettop(L);
    lua_pushvalue(L, begins ? before - 1 : before);
    if (!begins) {
        lua_pushvalue(L, before - 1);
        lgradient_add(L, TAKER, pass->births);
    }
    set_gradient(L, position, before, pass);
    lua_settop(L, before - 2);
}

/* The script gets the gradients that it has asked for. */
static void leave_asked(lua_State *L) {
    lua_pushnil(L);
    while (lua_next(L, ASKED)) {
        if (lua_toboolean(L, -1)) lhandle_escape(lua_touserdata(L, -1));
        lua_pop(L, 1);
    }
}

static void check_gradient(lua_State *L, int gradient, const struct handle *argument, int number, int node) {
    struct handle *handle = ltensor_test(L, gradient);
    if (handle && tensor_alike(&handle->tensor, &argument->tensor) && lhandle_alive(handle)) return;
    lua_getiuservalue(L, node, NODE_RULE);
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

/* What part of t, of the shape of the argument at `whole`, the result is that slice or select made of it; their
   other arguments stand above it. */
static struct tensor part_of(lua_State *L, bool slice, int whole, const struct tensor *t, const struct tensor *y) {
    int axis = (int)lua_tointeger(L, whole + 1) - 1;
    size_t first = (size_t)lua_tointeger(L, whole + 2) - 1;
    return slice ? tensor_slice(t, axis, first, y->shape[axis]) : tensor_select(t, axis, first);
}

/* Where the recorded result at `result` is a part of another one, that slice or select made, its gradient goes
   straight to that part of the other's, which is as long as the sum of all parts: a rule would have to make one as
   long as that for each of them. False where it is the rule's: gradients that are recorded, and parts whose last
   axis does not lie in one piece. */
static bool give_part(lua_State *L, int result, int whole, int gradient, const char *name, struct pass *pass) {
    bool slice = strcmp(name, "slice") == 0;
    if (pass->recording || (!slice && strcmp(name, "select") != 0)) return false;
    const struct tensor *x = &ltensor_check(L, whole)->tensor,
                        *y = &((struct handle *)lua_touserdata(L, result))->tensor;
    if (((struct handle *)lua_touserdata(L, whole))->sequence == 0 || tensor_count(y) == 0) return false;
    struct tensor layout;
    tensor_layout(&layout, x->dtype, x->rank, x->shape);
    struct tensor part = part_of(L, slice, whole, &layout, y);
    if (part.rank == 0 || part.stride[part.rank - 1] != 1) return false;
    const struct tensor *dy = lpush_contiguous(L, gradient, "backward", y->dtype);
    lua_Integer position = position_of(L, whole, pass);
    bool begins = lua_rawgeti(L, GRADIENTS, position) == LUA_TNIL;
    int before = lua_gettop(L);
    if (begins) {
        tensor_fill(ltensor_new(L, "backward", x->dtype, x->rank, x->shape), 0);
    } else {
        lua_pushvalue(L, before);
        lgradient_make_sole(L, pass->births, 1);
    }
    struct handle *sum = lua_touserdata(L, -1);
    part = part_of(L, slice, whole, &sum->tensor, y);
    if (begins)
        tensor_copy(dy, &part);
    else
        lgradient_add_part(sum, &part, dy);
    set_gradient(L, position, before, pass);
    lcheck_interrupt(L);
    return true;
}

/* The recorded result on top of the stack hands its gradient on to its arguments. */
static void step_back(lua_State *L, struct pass *pass) {
    int result = lua_gettop(L);
    lua_Integer position = position_of(L, result, pass);
    if (lua_rawgeti(L, GRADIENTS, position) == LUA_TNIL) return;
    int gradient = lua_gettop(L);
    if (pass->asked) {
        keep_asked(L, result, gradient, pass);
        if (!pass->goes[position]) return;
    }
    int arguments = push_node(L, result, pass), node = lua_gettop(L);
    luaL_checkstack(L, arguments * 2 + 16, "backward");
    bool own = lua_getiuservalue(L, node, NODE_RULE) == LUA_TFUNCTION;
    const char *operation = own ? NULL : lua_tostring(L, -1); /* which the node keeps */
    if (!own) {
        lua_pushvalue(L, -1);
        if (lua_rawget(L, RULES) == LUA_TNIL)
            lerror(L, "%s: has no derivative; use :detach() or fnet.no_grad", lua_tostring(L, -2));
        lua_remove(L, -2);
    }
    lua_pushvalue(L, gradient);
    if (own) { /* the script may keep it or change it in place */
        lgradient_make_sole(L, pass->births, 1);
        lhandle_escape(lua_touserdata(L, -1));
    }
    lua_pushvalue(L, result);
    for (int i = 0; i < arguments; i++) lua_getiuservalue(L, node, NODE_ARGUMENT + i);
    int saved = own ? 0 : 1;
    if (saved) lua_getiuservalue(L, node, NODE_SAVED); /* nil where the operation saved nothing */
    const struct handle *y = lua_touserdata(L, result);
    int first = lua_gettop(L) - arguments - saved + 1;
    if (lversions(L, y, first, first + arguments - 1) != y->version)
        lerror(L, "%s: a tensor was changed in place after an operation had used it; change a :clone() instead",
               pass->what);
    mark_unwanted(L, first, first + arguments - 1, pass);
    struct handle *dy = lua_touserdata(L, gradient);
    dy->held = true;
    pass->tape->births = pass->births; /* a walk in between had its own */
    bool given = !own && give_part(L, result, first, gradient, operation, pass);
    if (given)
        lua_settop(L, node);
    else if (own)
        call_own(L, first - 3, arguments);
    else
        lua_call(L, 2 + arguments + saved, arguments);
    const bool used_up = !dy->held;
    dy->held = dy->last_use = false;
    for (int i = arguments; i >= 1 && !given; i--) { /* the last one is on top */
        lua_getiuservalue(L, node, NODE_ARGUMENT - 1 + i);
        struct handle *argument = ltensor_test(L, -1);
        lua_insert(L, -2);
        if (argument && argument->requires_grad && !lua_isnil(L, -1)) {
            check_gradient(L, lua_gettop(L), argument, i, node);
            if (own) lhandle_escape(lua_touserdata(L, -1));
            if (!wanted(L, lua_gettop(L) - 1, pass))
                drop(L, pass);
            else if (argument->sequence > 0)
                give_to_result(L, lua_gettop(L) - 1, pass);
            else
                give_to_leaf(L, lua_gettop(L) - 1, pass);
        } else {
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
    if (used_up && lhandle_alive(dy)) dy->storage->holders++;
    let_go(L, gradient, pass->births);
    lua_pushnil(L);
    lua_rawseti(L, GRADIENTS, position);
}

static int walk(lua_State *L) {
    struct pass pass = {.tape = ltape_of(L), .asked = lua_istable(L, ASKED)};
    pass.what = pass.asked ? "grad" : "backward";
    /* Gradients that are recorded are what the next derivatives are made from: none of their memory goes back. */
    pass.recording = lrecording(L);
    pass.births = pass.recording ? SIZE_MAX : lstorage_births();
    if (((struct handle *)lua_touserdata(L, ROOT))->sequence == 0) { /* a leaf */
        lua_pushvalue(L, SEED);
        if (wanted(L, ROOT, &pass)) give_to_leaf(L, ROOT, &pass);
        if (pass.asked) leave_asked(L);
        return 0;
    }
    bool retain = lua_toboolean(L, RETAIN);
    lua_createtable(L, 8, 0);
    lua_createtable(L, 8, 0);
    lgradient_push_rules(L);
    collect(L, &pass);
    lua_Integer count = pass.count;
    struct step *steps = lua_newuserdatauv(L, sizeof *steps * (size_t)count, 0);
    for (lua_Integer i = 0; i < count; i++) {
        lua_rawgeti(L, ORDER, i + 1);
        steps[i] = (struct step){((struct handle *)lua_touserdata(L, -1))->sequence, i + 1};
        lua_pop(L, 1);
    }
    qsort(steps, (size_t)count, sizeof *steps, later_first);
    if (pass.asked)
        find_wanted(L, steps, &pass);
    else
        lua_pushnil(L);
    lua_pushvalue(L, SEED);
    give_to_result(L, ROOT, &pass);
    for (lua_Integer i = 0; i < count; i++) {
        lua_rawgeti(L, ORDER, steps[i].position);
        step_back(L, &pass);
        lua_settop(L, WALK_TOP);
    }
    for (lua_Integer i = 1; i <= count && !retain; i++) {
        lua_rawgeti(L, ORDER, i);
        forget(L, WALK_TOP + 1, &pass);
        give_back(L, WALK_TOP + 1, TAPE);
        lua_settop(L, WALK_TOP);
    }
    if (pass.asked) leave_asked(L);
    return 0;
}

/* core.backward(result, seed or nil, retain, create_graph, asked or nil): each leaf's gradient is added to what it
   has; or, with a table `asked` whose keys are tensors and whose values are false, it gets those tensors'
   gradients, and leaves are left alone. */
static int backward(lua_State *L) {
    struct handle *root = ltensor_check(L, 1);
    const struct tensor *t = &root->tensor;
    lua_settop(L, 5);
    bool create_graph = lua_toboolean(L, 4), asked = lua_istable(L, 5);
    lua_remove(L, 4);
    const char *what = asked ? "grad" : "backward";
    if (!root->requires_grad)
        return lerror(L,
                      "%s: this result does not depend on any tensor that requires gradients (detached, "
                      "without parameters, or computed under no_grad or in the backward of an operation: there "
                      "fnet.enable_grad(f, ...) records)",
                      what);
    if (lua_isnil(L, 2)) {
        if (tensor_count(t) != 1)
            return lerror(L,
                          "%s: expected a loss with one element, got %s; reduce it with :sum() or :mean(), "
                          "or pass { gradient = ... }",
                          what, lpush_shape_of(L, t));
        struct tensor *seed = ltensor_new(L, "backward", t->dtype, t->rank, t->shape);
        tensor_set(seed, 0, 1);
        lua_replace(L, 2);
    } else {
        struct handle *seed = ltensor_check(L, 2);
        if (!tensor_alike(&seed->tensor, t))
            return lerror(L, "%s: expected a gradient of %s and %s, got %s and %s", what, lpush_shape_of(L, t),
                          dtype_names[t->dtype], lpush_shape_of(L, &seed->tensor), dtype_names[seed->tensor.dtype]);
    }
    lua_pushcfunction(L, walk);
    lua_insert(L, 1);
    return lcall_recording(L, create_graph, asked);
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

/* core.zero_grad(list): drops the tensors' gradients, whose memory is used again where the leaf has kept it. */
static int zero_grad(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    enum { TENSOR = 2, GRADIENT };
    for (lua_Integer i = 1, count = (lua_Integer)lua_rawlen(L, 1); i <= count; i++) {
        lua_settop(L, 1);
        lua_rawgeti(L, 1, i);
        ltensor_check(L, TENSOR);
        if (lua_getiuservalue(L, TENSOR, SLOT_GRAD) == LUA_TNIL) continue;
        give_back(L, GRADIENT, LEAF);
        lua_pushnil(L);
        lua_setiuservalue(L, TENSOR, SLOT_GRAD);
    }
    return 0;
}

void lopen_backward(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"backward", backward},   {"rules", lgradient_set_rules},   {"discard", discard},
        {"zero_grad", zero_grad}, {"last_use", lgradient_last_use}, {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
}
