/* Storage: the memory behind tensors, as Lua userdata, so that the collector sees and frees every byte.
   The pool keeps storages that the library gave back early (never more than POOL_BYTES), so that a training
   step runs in the same memory as the one before.
   Invariant: a storage is in the pool or in use, never both; giving it back moves `generation` on, which is
   how handles of its former user notice. */
#ifndef FNET_LSTORAGE_H
#define FNET_LSTORAGE_H

#include "ltensor.h"

struct storage {
    size_t generation;
    size_t bytes;    /* usable */
    size_t birth;    /* the how-manieth storage taken in this state: backward gives back only younger ones */
    size_t holders;  /* gradients of intermediate results that use it during backward */
    bool claimed;    /* by the .grad of a leaf */
    bool escaped;    /* a script's own code has seen it: left to the collector */
};

struct storage *lstorage_take(lua_State *L, const char *what, size_t bytes); /* pushes it */
void lstorage_give_back(lua_State *L, int index);
void *lstorage_data(struct storage *storage);
size_t lstorage_births(lua_State *L); /* storages taken so far */

#endif
