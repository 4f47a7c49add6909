/* The tape, on which operations on tensors that require gradients record themselves.
   Above tensor handles; the files of operations call it. */
#ifndef FNET_LTAPE_H
#define FNET_LTAPE_H

#include "ltensor.h"

/* True while operations record themselves on the tape. */
bool lrecording(lua_State *L);

/* An operation. One that the tape can record takes exactly `arguments` stack values, leaves them as they are, and
   returns its result first, then at most one value saved for its gradient rule. */
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
