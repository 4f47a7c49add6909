#include "lspare.h"

#include "lcheck.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SPARE_METATABLE "fnet.spare"
#define MOST_BLOCKS 256

struct block {
    void *start;
    size_t bytes;
};

/* Which allocations a state makes passes here, and is known by their sizes alone. */
struct spare {
    lua_Alloc allocate; /* the state's own */
    void *context;
    size_t in_use, bytes; /* of large blocks: used by the state, spare */
    size_t count;
    struct block block[MOST_BLOCKS]; /* the oldest first */
};

static const char spare_key; /* registry: struct spare */

static void forget(struct spare *spare, size_t i) {
    spare->bytes -= spare->block[i].bytes;
    spare->count--;
    memmove(&spare->block[i], &spare->block[i + 1], (spare->count - i) * sizeof *spare->block);
}

/* Gives the oldest blocks back until so many bytes have gone, or all. */
static void give_back(struct spare *spare, size_t bytes) {
    size_t gone = 0;
    while (gone < bytes && spare->count > 0) {
        struct block oldest = spare->block[0];
        forget(spare, 0);
        gone += oldest.bytes;
        spare->allocate(spare->context, oldest.start, oldest.bytes, 0);
    }
}

/* The latest of that size, which the caches may still hold; NULL for none. */
static void *take(struct spare *spare, size_t bytes) {
    for (size_t i = spare->count; i > 0; i--) {
        struct block block = spare->block[i - 1];
        if (block.bytes != bytes) continue;
        forget(spare, i - 1);
        return block.start;
    }
    return NULL;
}

/* Whether the block, which is not in use any more, is kept. */
static bool keep(struct spare *spare, void *start, size_t bytes) {
    size_t most = POOL_BYTES + spare->in_use / 2, room = bytes < most ? most - bytes : 0;
    if (spare->bytes > room) give_back(spare, spare->bytes - room);
    if (bytes > most) return false;
    if (spare->count == MOST_BLOCKS) give_back(spare, 1);
    spare->block[spare->count++] = (struct block){start, bytes};
    spare->bytes += bytes;
    return true;
}

static size_t counted(size_t bytes) { return bytes >= SPARED_BYTES ? bytes : 0; }

/* lua_Alloc: without a block `old_size` is the kind of object that the new one is for. */
static void *allocate(void *userdata, void *block, size_t old_size, size_t size) {
    struct spare *spare = userdata;
    if (old_size < SPARED_BYTES && size < SPARED_BYTES) { /* nearly all are small */
        void *small = spare->allocate(spare->context, block, old_size, size);
        if (small || size == 0 || spare->count == 0) return small;
    }
    size_t before = block ? counted(old_size) : 0, after = counted(size);
    void *result = !block && after > 0 ? take(spare, size) : NULL;
    if (!result) {
        if (after > before) give_back(spare, after - before);
        if (before > 0) spare->in_use -= before < spare->in_use ? before : spare->in_use; /* lspare_open is later */
        if (before > 0 && size == 0 && keep(spare, block, old_size)) return NULL;
        result = spare->allocate(spare->context, block, old_size, size);
        if (!result && size > 0 && spare->count > 0) {
            give_back(spare, spare->bytes);
            result = spare->allocate(spare->context, block, old_size, size);
        }
    }
    spare->in_use += result ? after : size > 0 ? before : 0;
    return result;
}

static struct spare *spare_of(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &spare_key);
    struct spare *spare = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return spare;
}

size_t lspare_bytes(lua_State *L) { return spare_of(L)->bytes; }

void lspare_empty(lua_State *L) { give_back(spare_of(L), SIZE_MAX); }

lua_Alloc lspare_allocator(lua_State *L, void **context) {
    const struct spare *spare = spare_of(L);
    *context = spare->context;
    return spare->allocate;
}

/* The state closes: what it frees from here on goes to its own allocator, since this code may be unloaded by then.
 */
static int close_spare(lua_State *L) {
    struct spare *spare = lua_touserdata(L, 1);
    void *context;
    if (lua_getallocf(L, &context) == allocate && context == spare)
        lua_setallocf(L, spare->allocate, spare->context);
    give_back(spare, SIZE_MAX);
    return 0;
}

void lspare_open(lua_State *L) {
    static const luaL_Reg functions[] = {{"__gc", close_spare}, {NULL, NULL}};
    if (spare_of(L)) return;
    lnew_metatable(L, SPARE_METATABLE, functions);
    struct spare *spare = lnew_object(L, sizeof *spare, SPARE_METATABLE);
    spare->allocate = lua_getallocf(L, &spare->context);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &spare_key);
    if (LUA_VERSION_NUM == 504) lua_setallocf(L, allocate, spare);
}
