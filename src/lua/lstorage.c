#include "lstorage.h"

#include "lerror.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

#define ALIGNMENT 64
#define LARGE_PAGE ((size_t)2 << 20)    /* of x86 and of aarch64 with pages of 4 KiB; elsewhere the system rounds */
#define GUARDED_BYTES ((size_t)1 << 20) /* from here on the collector comes first, and an error says the size */

struct pool {
    size_t bytes; /* held, free */
};

static atomic_size_t birth_count; /* of all states */

static const char pool_key, free_key; /* registry: struct pool; {[bytes] = array of free storages} */

static struct pool *pool_of(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &pool_key);
    struct pool *pool = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return pool;
}

size_t lstorage_births(void) { return atomic_load_explicit(&birth_count, memory_order_relaxed); }

static size_t next_birth(void) { return atomic_fetch_add_explicit(&birth_count, 1, memory_order_relaxed) + 1; }

void *lstorage_data(struct storage *storage) {
    uintptr_t address = (uintptr_t)(storage + 1);
    return (char *)(storage + 1) + (ALIGNMENT - address % ALIGNMENT) % ALIGNMENT;
}

static int new_userdata(lua_State *L) {
    lua_newuserdatauv(L, (size_t)lua_tointeger(L, 1), 0);
    return 1;
}

/* Pushes the userdata or the error. */
static int try_userdata(lua_State *L, size_t total) {
    lua_pushcfunction(L, new_userdata);
    lua_pushinteger(L, (lua_Integer)total);
    return lua_pcall(L, 1, 1, 0);
}

size_t lstorage_total(size_t bytes) { return sizeof(struct storage) + ALIGNMENT - 1 + bytes; }

/* What the pool may hold: POOL_BYTES and half of all that the collector counts, the pool included. So it keeps what
   the step of a large network gives back, whose gradients alone are more than POOL_BYTES. */
static size_t pool_most(lua_State *L) { return POOL_BYTES + ((size_t)lua_gc(L, LUA_GCCOUNT) << 10) / 2; }

static void empty_pool(lua_State *L, struct pool *pool) {
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &free_key);
    pool->bytes = 0;
}

/* Asks the system for large pages where whole ones fit in: the first use of a large tensor then costs one fault for
   each of them instead of 512. A system that has none ignores it; nothing depends on it. */
static void ask_for_large_pages(void *memory, size_t bytes) {
#ifdef MADV_HUGEPAGE
    size_t skipped = (LARGE_PAGE - (uintptr_t)memory % LARGE_PAGE) % LARGE_PAGE;
    if (bytes < skipped + LARGE_PAGE) return;
    (void)madvise((char *)memory + skipped, (bytes - skipped) / LARGE_PAGE * LARGE_PAGE, MADV_HUGEPAGE);
#else
    (void)memory;
    (void)bytes;
#endif
}

/* What the collector would do because a block of that size has been taken, it does before: the block may then be
   one that it has just freed, and that the caches still hold. Its pace stays. (Lua 5.5 cannot take a debt back.) */
static void collect_first(lua_State *L, size_t bytes) {
#if LUA_VERSION_NUM == 504
    int kibibytes = bytes >> 10 < INT_MAX ? (int)(bytes >> 10) : INT_MAX;
    if (!lua_gc(L, LUA_GCISRUNNING)) return;
    lua_gc(L, LUA_GCSTEP, kibibytes);
    lua_gc(L, LUA_GCSTEP, -kibibytes);
#else
    (void)L;
    (void)bytes;
#endif
}

static struct storage *allocate(lua_State *L, const char *what, size_t bytes) {
    size_t total = lstorage_total(bytes);
    if (bytes >= GUARDED_BYTES) {
        collect_first(L, total);
        int status = try_userdata(L, total);
        if (status == LUA_ERRMEM && pool_of(L)->bytes > 0) {
            lua_pop(L, 1);
            empty_pool(L, pool_of(L));
            status = try_userdata(L, total);
        }
        if (status == LUA_ERRMEM)
            lerror_kind(L, LERROR_MEMORY, "%s: not enough memory for %I MiB; use fewer or smaller tensors", what,
                        (LUAI_UACINT)(bytes >> 20));
        if (status != LUA_OK) lua_error(L); /* Ctrl-C, whose hook Lua calls in there too */
    } else {
        lua_newuserdatauv(L, total, 0);
    }
    struct storage *storage = lua_touserdata(L, -1);
    ask_for_large_pages(storage, total);
    *storage = (struct storage){.bytes = bytes};
    return storage;
}

struct storage *lstorage_take(lua_State *L, const char *what, size_t bytes) {
    struct pool *pool = pool_of(L);
    struct storage *storage = NULL;
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes >= POOLED_BYTES && pool->bytes >= bytes) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &free_key);
        if (lua_rawgeti(L, -1, (lua_Integer)bytes) == LUA_TTABLE) {
            lua_Integer last = (lua_Integer)lua_rawlen(L, -1);
            if (last > 0) {
                lua_rawgeti(L, -1, last);
                storage = lua_touserdata(L, -1);
                lua_pushnil(L);
                lua_rawseti(L, -3, last);
                pool->bytes -= bytes;
                lua_replace(L, -3);
                lua_pop(L, 1);
            }
        }
        if (!storage) lua_pop(L, 2);
    }
    if (!storage) storage = allocate(L, what, bytes);
    storage->birth = next_birth();
    storage->holders = 0;
    storage->keeper = TAKER;
    storage->rows = 0;
    storage->sigmoid = storage->softmax = storage->no_minus_zero = false;
    return storage;
}

void lstorage_leave_to(struct storage *storage, enum keeper keeper) {
    if (storage->keeper == TAKER || keeper == COLLECTOR) storage->keeper = keeper;
}

bool lstorage_reusable(const struct storage *storage, enum keeper keeper, size_t births, size_t holders) {
    return storage->keeper == keeper && storage->birth > births && storage->holders <= holders;
}

void lstorage_give_back(lua_State *L, int index) {
    struct pool *pool = pool_of(L);
    struct storage *storage = lua_touserdata(L, index);
    index = lua_absindex(L, index);
    storage->generation++;
    storage->zeros = false;
    if (storage->bytes < POOLED_BYTES) return;
    size_t most = pool_most(L);
    if (pool->bytes + storage->bytes > most) empty_pool(L, pool); /* full of sizes that nobody asks for */
    if (storage->bytes > most) return;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &free_key);
    if (lua_rawgeti(L, -1, (lua_Integer)storage->bytes) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_createtable(L, 4, 0);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, (lua_Integer)storage->bytes);
    }
    lua_pushvalue(L, index);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    pool->bytes += storage->bytes;
    lua_pop(L, 2);
}

void lstorage_embed(struct storage *storage, size_t bytes) {
    *storage = (struct storage){.bytes = bytes, .birth = next_birth(), .embedded = true};
}

/* core.pool(): bytes held free, storages taken so far, bytes of spare blocks. core.pool(true) lets the collector
   have the storages and the system the blocks first. */
static int pool_report(lua_State *L) {
    struct pool *pool = pool_of(L);
    if (lua_toboolean(L, 1)) {
        empty_pool(L, pool);
        lspare_empty(L);
    }
    lua_pushinteger(L, (lua_Integer)pool->bytes);
    lua_pushinteger(L, (lua_Integer)lstorage_births());
    lua_pushinteger(L, (lua_Integer)lspare_bytes(L));
    return 3;
}

void lopen_storage(lua_State *L) {
    struct pool *pool = lua_newuserdatauv(L, sizeof *pool, 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &pool_key);
    empty_pool(L, pool);
    lspare_open(L);
    lua_pushcfunction(L, pool_report);
    lua_setfield(L, -2, "pool");
}
