/* The tape, on which operations on tensors that require gradients record themselves.
   Above tensor handles; the files of operations call it. */
#ifndef FNET_LTAPE_H
#define FNET_LTAPE_H

#include "ltensor.h"

/* What has been recorded in a Lua state, and where recording is switched. */
struct tape {
    struct scope *scopes; /* the latest first; without any, operations record themselves */
    size_t sequence;      /* of the latest recorded result */
    size_t visit;         /* of the latest walk */
    size_t births;        /* what the rules of the walk that goes on make is younger than this storage */
};

/* The tape of the state. */
struct tape *ltape_of(lua_State *L);

/* True while operations record themselves on the tape. */
bool lrecording(lua_State *L);

/* True in the rules of a walk that gives gradients to its caller, and not to the leaves. */
bool lasking(lua_State *L);

/* Calls the function at 1 with the arguments above it, recording switched; returns its results, also where it
   yields in between. To be returned at once by the C function that runs. `asking`: it is a walk as above. */
int lcall_recording(lua_State *L, bool recording, bool asking);

/* What is recorded of a result lies in its SLOT_NODE, a userdata with these user values: the operation's name or a
   script's own backward function, what was saved for the rule, and the arguments one after the other. */
struct node {
    int arguments;
};

enum { NODE_RULE = 1, NODE_SAVED, NODE_ARGUMENT };

#define NODE_MOST 65000 /* arguments; Lua's limit for user values is a little higher */

/* Records a result: it is at `result`, its rule on top of the stack (popped), the arguments at first .. last, and
   what is saved for the rule at `saved`, 0 for nothing. */
void lrecord(lua_State *L, struct tape *tape, int result, int first, int last, int saved);

/* What the storages of a result and of its arguments have gone through: it must not change before backward. */
size_t lversions(lua_State *L, const struct handle *result, int first, int last);

/* An operation. One that the tape can record takes exactly `arguments` stack values, leaves them as they are, and
   returns its result first, then at most one value saved for its gradient rule: a tensor that it has made, whose
   memory goes back to the pool with the record. */
struct operation {
    const char *name;
    lua_CFunction function;
    int arguments; /* or UNRECORDED: as many as there are, and any results */
};

enum { UNRECORDED };

/* Adds the operations, ended by a NULL name, to the table on top of the stack. What an interrupt has cut short is
   thrown away behind each of them: it raises "interrupted". */
void lregister_operations(lua_State *L, const struct operation *operations);

#endif
