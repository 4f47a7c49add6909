/* Storage: the memory behind tensors, as Lua userdata, so that the collector sees and frees every byte. Small
   storages lie in the userdata of their first handle, larger ones in one of their own.
   The pool keeps storages that the library gave back early (never more than POOL_BYTES), so that a training
   step runs in the same memory as the one before.
   Invariant: a storage is in the pool or in use, never both; giving it back moves `generation` on, which is
   how handles of its former user notice. */
#ifndef FNET_LSTORAGE_H
#define FNET_LSTORAGE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

struct storage {
    size_t generation;
    size_t bytes;   /* usable */
    size_t birth;   /* the how-manieth storage taken: backward gives back only younger ones */
    size_t version; /* grows with each change in place */
    size_t holders; /* gradients of intermediate results that use it during backward */
    bool embedded;  /* lies in the userdata of the handle that it was made for: too small for the pool */
    bool claimed;   /* by the .grad of a leaf */
    bool escaped;   /* a script's own code has seen it: left to the collector */
};

#define POOLED_BYTES 4096 /* storages below this size are embedded */

struct storage *lstorage_take(lua_State *L, const char *what, size_t bytes); /* pushes its userdata */
void lstorage_embed(struct storage *storage, size_t bytes);                  /* makes one inside a handle */
size_t lstorage_total(size_t bytes); /* what a storage of so many usable bytes takes, alignment included */
void *lstorage_data(struct storage *storage);

void lstorage_give_back(lua_State *L, int index); /* the storage userdata at index */
size_t lstorage_births(void);                     /* storages taken so far */

#endif
