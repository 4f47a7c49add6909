/* The tape. Operations record themselves in one place (`recorded`); lbackward.c walks what they left.
   The rule of a node is the operation's name, looked up in the table of lua/fnet/tensor/rules.lua, or a script's
   own backward function. Numbers in `sequence` grow with creation, so descending order is an order for backward. */
#include "ltape.h"

#include "lstorage.h"

/* A call inside which recording is switched on or off, such as a walk that may ask for gradients as values. Its
   memory is a userdata on the stack of the coroutine that made it, which closes it: at the call's end, by an error,
   by coroutine.close, or with the coroutine itself. */
struct scope {
    struct tape *tape;
    struct scope *outer;
    lua_State *coroutine;
    bool recording, asking;
};

#define SCOPE "fnet.scope"

static const char tape_key; /* registry: struct tape */

struct tape *ltape_of(lua_State *L) {
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

bool lrecording(lua_State *L) { return is_recording(L, ltape_of(L)); }

bool lasking(lua_State *L) {
    const struct scope *scope = ltape_of(L)->scopes;
    while (scope && scope->coroutine != L) scope = scope->outer;
    return scope && scope->asking;
}

/* Whether one of the arguments requires gradients, and none is the result itself. */
static bool depends(lua_State *L, const void *result, int first, int last) {
    bool found = false;
    for (int i = first; i <= last; i++) {
        const struct handle *handle = ltensor_test(L, i);
        if (handle && handle == result) return false;
        found = found || (handle && handle->requires_grad);
    }
    return found;
}

size_t lversions(lua_State *L, const struct handle *result, int first, int last) {
    size_t sum = result->storage->version;
    for (int i = first; i <= last; i++) {
        struct handle *handle = ltensor_test(L, i);
        if (handle) sum += handle->storage->version;
    }
    return sum;
}

void lrecord(lua_State *L, struct tape *tape, int result, int first, int last, int saved) {
    struct handle *handle = lua_touserdata(L, result);
    int arguments = last - first + 1;
    struct node *node = lua_newuserdatauv(L, sizeof *node, NODE_ARGUMENT - 1 + arguments);
    node->arguments = arguments;
    lua_insert(L, -2);
    lua_setiuservalue(L, -2, NODE_RULE);
    for (int i = 0; i < arguments; i++) {
        lua_pushvalue(L, first + i);
        lua_setiuservalue(L, -2, NODE_ARGUMENT + i);
    }
    if (saved) {
        lua_pushvalue(L, saved);
        lua_setiuservalue(L, -2, NODE_SAVED);
    }
    lua_setiuservalue(L, result, SLOT_NODE);
    handle->requires_grad = true;
    handle->version = lversions(L, handle, first, last);
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
    lcheck_most(L, lua_tostring(L, lua_upvalueindex(2)), arguments);
    int results = unrecorded(L);
    struct tape *tape = lua_touserdata(L, lua_upvalueindex(4));
    int result = lua_gettop(L) - results + 1;
    if (depends(L, lua_touserdata(L, result), 1, arguments) && is_recording(L, tape)) {
        lua_pushvalue(L, lua_upvalueindex(2));
        lrecord(L, tape, result, 1, arguments, results > 1 ? result + 1 : 0);
    }
    lua_settop(L, result);
    return 1;
}

void lregister_operations(lua_State *L, const struct operation *operations) {
    for (; operations->name; operations++) {
        lua_pushcfunction(L, operations->function);
        lua_pushstring(L, operations->name);
        lua_pushinteger(L, operations->arguments);
        lua_pushlightuserdata(L, ltape_of(L));
        lua_pushcclosure(L, operations->arguments == UNRECORDED ? unrecorded : recorded, 4);
        lua_setfield(L, -2, operations->name);
    }
}

/* core.record(result, backward, ...): a script's own operation; see fnet.operation. */
static int record_own(lua_State *L) {
    struct handle *result = ltensor_check(L, 1);
    struct tape *tape = ltape_of(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (!is_recording(L, tape) || !depends(L, NULL, 3, lua_gettop(L))) return 0;
    if (lua_gettop(L) - 2 > NODE_MOST)
        return lerror(L, "operation: expected at most %d arguments, got %d; pass a table or one joined tensor",
                      NODE_MOST, lua_gettop(L) - 2);
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
    lrecord(L, tape, 1, 3, last, 0);
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

int lcall_recording(lua_State *L, bool recording, bool asking) {
    struct scope *scope = lua_newuserdatauv(L, sizeof *scope, 1);
    *scope = (struct scope){.tape = ltape_of(L), .coroutine = L, .recording = recording, .asking = asking};
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

static int call_switched(lua_State *L, const char *what, bool recording) {
    bool callable = lua_isfunction(L, 1) || (!ltensor_test(L, 1) && luaL_getmetafield(L, 1, "__call") != LUA_TNIL);
    if (!callable) return lerror(L, "%s: expected a function or a model, got %s", what, lpush_kind(L, 1));
    if (!lua_isfunction(L, 1)) lua_pop(L, 1);
    return lcall_recording(L, recording, false);
}

/* core.no_grad(f, ...), core.enable_grad(f, ...): f(...) without recording, and with it where it was switched off;
   return what it returns. */
static int no_grad(lua_State *L) { return call_switched(L, "no_grad", false); }
static int enable_grad(lua_State *L) { return call_switched(L, "enable_grad", true); }

static int recording(lua_State *L) {
    lua_pushboolean(L, lrecording(L));
    return 1;
}

void lopen_tape(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"record", record_own},   {"no_grad", no_grad}, {"enable_grad", enable_grad},
        {"recording", recording}, {NULL, NULL},
    };
    static const luaL_Reg scope[] = {{"__close", end_scope}, {"__gc", end_scope}, {NULL, NULL}};
    if (!ltape_of(L)) { /* a module that is opened a second time: the first one's operations refer to the tape */
        struct tape *tape = lua_newuserdatauv(L, sizeof *tape, 0);
        *tape = (struct tape){0};
        lua_rawsetp(L, LUA_REGISTRYINDEX, &tape_key);
    }
    lnew_metatable(L, SCOPE, scope);
    luaL_setfuncs(L, functions, 0);
}
