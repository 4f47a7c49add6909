/* Tensors as Lua userdata.
   A handle (metatable "fnet.tensor") is a small userdata with a struct tensor inside. The elements live in a
   storage, which the handle keeps alive through user value 1; views share it. A storage can be given back to the
   pool before the collector would have found it (see lstorage.h): its generation then moves on and every handle of
   the old generation raises an error when it is used.
   Above storages and checks, below the tape; every binding that has to do with tensors calls it. */
#ifndef FNET_LTENSOR_H
#define FNET_LTENSOR_H

#include "lcheck.h"

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
    size_t unwanted;   /* the last walk in which nobody wanted its gradient */
    bool parameter;    /* requires_grad was set once: a model's, also while it is frozen */
    bool requires_grad;
    bool owner;    /* made with its storage, not as a view */
    bool last_use; /* a gradient rule reads it once more: see ltensor_result */
    bool held;     /* the gradient that the rule is called with: the walk holds its storage */
    bool sigmoid;  /* probabilities, the result of one or a part of that: no loss may take them for logits */
    bool softmax;  /* the same, of a softmax */
    int classes;   /* the axis along which the softmax was taken, from 0; NO_AXIS where it is no axis of this tensor
                    */
    size_t traced; /* the versions of its storage and of its logits' when `classes` was noted */
};

#define NO_AXIS (-1)

/* User values of a handle. SLOT_LOGITS: what softmax, taken along the axis `classes`, makes this tensor of. */
enum { SLOT_STORAGE = 1, SLOT_NODE, SLOT_GRAD, SLOT_LOGITS, SLOT_COUNT = SLOT_LOGITS };

/* Pushes a new contiguous tensor with unset elements. `what` names the operation in the error that is raised
   when the size overflows or memory is short. */
struct tensor *ltensor_new(lua_State *L, const char *what, enum dtype dtype, int rank, const size_t *shape);

/* A new tensor for the result of the operands at 1 .. operands; or one of them, which is alike and whose last use
   this is: for operations that read no element after they have written there. */
struct tensor *ltensor_result(lua_State *L, int operands, const char *what, enum dtype dtype, int rank,
                              const size_t *shape);

/* The same of zeros, with a set of rows, positions of the first axis (core/row_set.h), for who goes on to write
   into some: he adds those to *rows. That is NULL where the tensor is too small for it to pay. */
struct tensor *ltensor_new_rows(lua_State *L, const char *what, enum dtype dtype, int rank, const size_t *shape,
                                uint64_t **rows);

/* The same for what a file holds, the layout of which is known to fit: where memory is short it pushes nil, a
   message that goes behind the file's name, and errno, and gives NULL. */
struct tensor *ltensor_try(lua_State *L, enum dtype dtype, int rank, const size_t *shape);

/* Pushes a view: the same storage as the handle at `index`, with the given layout and data pointer. */
struct tensor *ltensor_view(lua_State *L, int index, const struct tensor *layout);

/* The handle at `index`; raises an argument error for anything else, or when its storage was given back. */
struct handle *ltensor_check(lua_State *L, int index);

/* Raises that the value at `index` is not what an operation expects there, such as "a tensor or a number". `what`
   names the operation; NULL: as the script has called it. Without an object it may be a method called with a dot.
 */
int lrefuse_operand(lua_State *L, const char *what, int index, const char *expected, bool has_object);
struct handle *ltensor_test(lua_State *L, int index); /* NULL for anything that is no tensor */

/* Pushes a contiguous copy of t, of the given type; elements are converted as tensor_copy does. */
struct tensor *ltensor_copy(lua_State *L, const char *what, enum dtype dtype, const struct tensor *t);

/* Pushes the tensor at `index` as a contiguous one of the given type: itself where it is one already. */
const struct tensor *lpush_contiguous(lua_State *L, int index, const char *what, enum dtype dtype);

/* "softmax" or "sigmoid" where the tensor holds probabilities that this made; else NULL. */
const char *lhandle_made_by(const struct handle *handle);

/* The tensor on top of the stack has elements of the one at `index`: it is made of probabilities where that is.
   Where it holds all classes of each distribution, along the axis `classes`, a view says so: see lview.c. */
void lhandle_inherit(lua_State *L, int index);

/* Pops logits: the tensor at `index` is the softmax of them along an axis. */
void lhandle_set_logits(lua_State *L, int index, int axis);

/* The axis along which the tensor at `index` is whole distributions of a softmax whose logits are in SLOT_LOGITS;
   NO_AXIS where it is not, or where it or its logits were changed in place or given back since. */
int lhandle_classes(lua_State *L, int index);

/* The set of a tensor that ltensor_new_rows made: the rows that are not in it are zeros. NULL for others, for
   views, and after a change in place. */
const uint64_t *lhandle_rows(const struct handle *handle);

/* To be called with each change of elements in place. */
void lhandle_changed(struct handle *handle);

/* The elements of `part`, the handle's tensor or a part of it, are those of `source`, or numbers where that is
   NULL: with all of them changed nothing is left of probabilities that were there. To be called with each copy. */
void lhandle_written(struct handle *handle, const struct tensor *part, const struct handle *source);

/* True while the storage is this handle's: it was not given back. */
bool lhandle_alive(const struct handle *handle);

/* A script's own code sees the elements from now on: they are left to the collector. */
void lhandle_escape(const struct handle *handle);

/* Gives back the storage of the living handle at `index`. */
void lhandle_give_back(lua_State *L, int index);

#endif
