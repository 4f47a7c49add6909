/* Errors of the library: at the user's line, with the place in the model where they arose.
   The lowest floor of src/lua: every file calls it, and it calls none of them. */
#ifndef FNET_LERROR_H
#define FNET_LERROR_H

#include <lauxlib.h>
#include <lua.h>

#include "lcore.h"

/* Raises an error at the place in the script that called into the library (frames of fnet's own modules are
   skipped). Same format directives as lua_pushfstring. */
int lerror(lua_State *L, const char *format, ...);

/* In a message handler: the level of the script's frame where the error with the message at `index` was raised by
   lerror, 0 where only the library's frames are on the stack (a tail call); -1 for any other error. */
int lerror_level(lua_State *L, int index);

/* Raises "interrupted" when Ctrl-C came during the operation. Called after each one that may take long. */
void lcheck_interrupt(lua_State *L);

#endif
