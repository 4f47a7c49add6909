/* Storage: the memory behind tensors, as Lua userdata, so that the collector sees and frees every byte. Small
   storages lie in the userdata of their first handle, larger ones in one of their own.
   The pool keeps storages that the library gave back early (never more than POOL_BYTES and half of what the
   collector counts), so that a training step runs in the same memory as the one before.
   A storage may have a set of rows behind its elements, see ltensor_new_rows.
   Invariants: a storage is in the pool or in use, never both; giving it back moves `generation` on, which is how
   handles of its former user notice. While it is in use, one keeper decides when it goes back.
   What the collector frees is kept too: see lspare.h.
   Above lspare, below tensor handles; operations take their workspace here. */
#ifndef FNET_LSTORAGE_H
#define FNET_LSTORAGE_H

#include "lspare.h"

#include <stdbool.h>
#include <stddef.h>

/* Who decides when a storage in use is given back early. A script's :release() always may. */
enum keeper {
    TAKER,     /* who took it: a walk of backward what is younger than itself, a container what its layers made */
    LEAF,      /* zero_grad: it is the .grad of a leaf */
    TAPE,      /* backward, when it has walked: a result that only operations on the tape still need */
    COLLECTOR, /* nobody: a script's own code has seen it, or it is a gradient that is on the tape itself */
};

struct storage {
    size_t generation;
    size_t bytes;   /* usable */
    size_t birth;   /* the how-manieth storage taken: backward gives back only younger ones */
    size_t version; /* grows with each change in place */
    size_t holders; /* gradients of intermediate results that use it during backward */
    size_t rows;    /* where the set of rows that may be other than zeros begins; 0: nothing is known of them */
    enum keeper keeper;
    bool sigmoid, softmax; /* probabilities of such were written into it in place: see lhandle_written */
    bool no_minus_zero;    /* a sum of gradients in which no element is -0: see lgradient_add_part */
    bool embedded;         /* lies in the userdata of the handle that it was made for: too small for the pool */
    bool zeros;            /* of one that was just taken: all of its bytes are 0 */
};

#define POOLED_BYTES 4096 /* storages below this size are embedded */

struct storage *lstorage_take(lua_State *L, const char *what, size_t bytes); /* pushes its userdata */
void lstorage_embed(struct storage *storage, size_t bytes);                  /* makes one inside a handle */
size_t lstorage_total(size_t bytes); /* what a storage of so many usable bytes takes, alignment included */
void *lstorage_data(struct storage *storage);

/* Another keeper: the leaf or the tape after the taker, the collector after any, nobody after the collector. */
void lstorage_leave_to(struct storage *storage, enum keeper keeper);

/* True when `keeper` may give the storage back, or hand it to others, who may change it: it is the keeper, the
   storage was taken after the first `births`, and at most `holders` gradients use it during backward. */
bool lstorage_reusable(const struct storage *storage, enum keeper keeper, size_t births, size_t holders);

void lstorage_give_back(lua_State *L, int index); /* the storage userdata at index */
size_t lstorage_births(void);                     /* storages taken so far */

#endif
