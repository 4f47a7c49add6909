/* What the binding files share: tensors as Lua userdata.
   A handle (metatable "fnet.tensor") is a small userdata with a struct tensor inside. The elements live in a
   storage userdata, which the handle keeps alive through user value 1; views share it. A storage can be given
   back to the pool before the collector would have found it (see lstorage.c): its generation then moves on and
   every handle of the old generation raises an error when it is used.
   Order in every binding: check all arguments, create all Lua objects, then compute. */
#ifndef FNET_LTENSOR_H
#define FNET_LTENSOR_H

#include <lauxlib.h>
#include <lua.h>

#include "../core/tensor.h"

#define TENSOR_METATABLE "fnet.tensor"

struct storage; /* lstorage.c */

struct handle {
    struct tensor tensor;
    struct storage *storage;
    size_t generation;      /* of the storage, when this handle was made */
    size_t sequence;        /* order of creation on the tape; 0 for a leaf */
    size_t visit;           /* backward's mark: the last walk that saw this handle */
    bool requires_grad;
    bool interior;          /* nobody but the library sees it: released with the tape */
    bool exposed;           /* a gradient that a script has seen: never given back to the pool */
};

/* User values of a handle. */
enum { SLOT_STORAGE = 1, SLOT_NODE, SLOT_GRAD, SLOT_COUNT = SLOT_GRAD };

/* Pushes a new contiguous tensor with unset elements. `what` names the operation in the error that is raised
   when the size overflows or memory is short. */
struct tensor *ltensor_new(lua_State *L, const char *what, enum dtype dtype, int rank, const size_t *shape);

/* Pushes a view: the same storage as the handle at `index`, with the given layout and data pointer. */
struct tensor *ltensor_view(lua_State *L, int index, const struct tensor *layout);

/* The handle at `index`; raises an argument error for anything else, or when its storage was given back. */
struct handle *ltensor_check(lua_State *L, int index);
struct handle *ltensor_test(lua_State *L, int index); /* NULL for anything that is no tensor */

/* Raises an error at the place in the script that called into the library (frames of fnet's own modules are
   skipped). Same format directives as lua_pushfstring. */
int lerror(lua_State *L, const char *format, ...);

/* Pushes "[784, 128]". */
const char *lpush_shape(lua_State *L, int rank, const size_t *shape);

/* An integer argument within [low, high]; the error names what, expected and got (also for NaN and fractions). */
lua_Integer lcheck_integer(lua_State *L, int index, const char *what, lua_Integer low, lua_Integer high);

/* Raises "interrupted" when Ctrl-C came during the operation. Called after each one that may take long. */
void lcheck_interrupt(lua_State *L);

/* Registration, one function a binding file; each adds its functions to the table on top of the stack. */
void lopen_storage(lua_State *L);
void lopen_tensor(lua_State *L);
void lopen_create(lua_State *L);
void lopen_elementwise(lua_State *L);
void lopen_reduce(lua_State *L);
void lopen_matmul(lua_State *L);
void lopen_index(lua_State *L);
void lopen_nn(lua_State *L);
void lopen_tape(lua_State *L);
void lopen_optim(lua_State *L);
void lopen_random(lua_State *L);
void lopen_idx(lua_State *L);
void lopen_runtime(lua_State *L);

int luaopen_fnet_core(lua_State *L);

#endif
