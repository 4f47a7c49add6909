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
    const void *kind; /* what only tensors begin with; see ltensor_test */
    struct tensor tensor;
    struct storage *storage;
    size_t generation; /* of the storage, when this handle was made */
    size_t version;    /* of a recorded result: see versions in ltape.c */
    size_t sequence;   /* order of creation on the tape; 0 for a leaf */
    size_t visit;      /* the last backward walk that saw this handle */
    size_t position;   /* its number in that walk */
    bool requires_grad;
    bool owner;    /* made with its storage, not as a view */
    bool interior; /* nobody but the library sees it: released with the tape */
    bool exposed;  /* a gradient that a script has seen: never given back to the pool */
    bool sigmoid;  /* the result of one, which no loss may take for logits */
};

/* User values of a handle. */
enum { SLOT_STORAGE = 1, SLOT_NODE, SLOT_GRAD, SLOT_LOGITS /* of a softmax */, SLOT_COUNT = SLOT_LOGITS };

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

/* In a message handler: the level of the script's frame where the error with the message at `index` was raised by
   lerror, 0 where only the library's frames are on the stack (a tail call); -1 for any other error. */
int lerror_level(lua_State *L, int index);

/* Pushes "[784, 128]". */
const char *lpush_shape(lua_State *L, int rank, const size_t *shape);

/* An integer argument within [low, high]; the error names what, expected and got (also for NaN and fractions). */
lua_Integer lcheck_integer(lua_State *L, int index, const char *what, lua_Integer low, lua_Integer high);

/* Raises "interrupted" when Ctrl-C came during the operation. Called after each one that may take long. */
void lcheck_interrupt(lua_State *L);

/* A number that an element of this type can hold; `what` names the operation. */
double lcheck_element(lua_State *L, int index, const char *what, enum dtype dtype);

/* Raises an error unless elements of type `dtype` can hold all of t's; floats lose their fractions. */
void lcheck_range(lua_State *L, const char *what, const struct tensor *t, enum dtype dtype);

/* A shape argument at `index`: a table of up to TENSOR_MAX_RANK lengths. Returns the rank. */
int lcheck_shape(lua_State *L, int index, const char *what, size_t *shape);

/* An axis from 1 to the rank, returned counted from 0. */
int lcheck_axis(lua_State *L, int index, const char *what, const struct tensor *t);

/* A dtype name, or `otherwise` when the argument is nil. */
enum dtype lcheck_dtype(lua_State *L, int index, const char *what, enum dtype otherwise);

/* Pushes the tensor at `index` as a contiguous one of the given type: itself where it is one already. */
const struct tensor *lpush_contiguous(lua_State *L, int index, const char *what, enum dtype dtype);

/* True while operations record themselves on the tape. */
bool lrecording(lua_State *L);

/* An operation that the tape can record: `function` takes exactly `arguments` stack values, leaves them as they
   are, and returns its result first, then at most one value saved for its gradient rule. */
struct operation {
    const char *name;
    lua_CFunction function;
    int arguments;
};

/* Adds the operations, ended by a NULL name, to the table on top of the stack. */
void lregister_operations(lua_State *L, const struct operation *operations);

/* A class of userdata: its metatable under that name, with these functions, which are its methods too. */
void lnew_metatable(lua_State *L, const char *name, const luaL_Reg *functions);

/* Registration, one function a binding file; each adds its functions to the table on top of the stack. */
void lopen_error(lua_State *L);
void lopen_storage(lua_State *L);
void lopen_tensor(lua_State *L);
void lopen_create(lua_State *L);
void lopen_view(lua_State *L);
void lopen_elementwise(lua_State *L);
void lopen_reduce(lua_State *L);
void lopen_matmul(lua_State *L);
void lopen_conv(lua_State *L);
void lopen_pool(lua_State *L);
void lopen_index(lua_State *L);
void lopen_nn(lua_State *L);
void lopen_norm(lua_State *L);
void lopen_tape(lua_State *L);
void lopen_optim(lua_State *L);
void lopen_random(lua_State *L);
void lopen_idx(lua_State *L);
void lopen_file(lua_State *L);
void lopen_transform(lua_State *L);
void lopen_decode(lua_State *L);
void lopen_hash(lua_State *L);
void lopen_image(lua_State *L);
void lopen_signal(lua_State *L);
void lopen_runtime(lua_State *L);

/* Opens the module fnet.core: called by require. */
LUAMOD_API int luaopen_fnet_core(lua_State *L);

#endif
