/* Spare blocks: large ones that the collector has freed, kept for the next that have their size. The system would
   take them back, and give them page by page, at a price above that of the arithmetic on them.
   Invariants: with its spare blocks a state never takes more memory for large blocks than it had in use at once;
   they are at most POOL_BYTES and half of what is in use; before an allocation fails all have gone back.
   With Lua 5.5 nothing is kept: its long strings remember the allocator that frees them, longer than this one
   lives. Above lcheck, below lstorage. */
#ifndef FNET_LSPARE_H
#define FNET_LSPARE_H

#include <lua.h>
#include <stddef.h>

#define SPARED_BYTES ((size_t)128 << 10) /* from here on; what the C library asks the system for */
#define POOL_BYTES ((size_t)64 << 20)    /* what may be free in any case: here, and in the pool of storages */

/* Stands in front of the state's allocator until the state closes. A second time it does nothing. */
void lspare_open(lua_State *L);

/* Bytes of the spare blocks. */
size_t lspare_bytes(lua_State *L);

/* Gives all of them back. */
void lspare_empty(lua_State *L);

/* The state's own allocator, from which nothing is kept: for blocks that grow, of which a part is never used. */
lua_Alloc lspare_allocator(lua_State *L, void **context);

#endif
