/* Errors of the library: at the user's line, with the place in the model where they arose, and of a kind.
   The lowest floor of src/lua: every file calls it, and it calls none of them. */
#ifndef FNET_LERROR_H
#define FNET_LERROR_H

#include <lauxlib.h>
#include <lua.h>

#include <stdbool.h>

#include "lcore.h"

/* Raises an error at the place in the script that called into the library (frames of fnet's own modules are
   skipped). Same format directives as lua_pushfstring. */
#define lerror(L, ...) lerror_kind(L, NULL, __VA_ARGS__)

/* The same, of a kind that code asks for, NULL for none; lerror_is finds it also where a script raised the message
   again, with something in front. */
#define LERROR_INTERRUPTED "interrupted"
#define LERROR_MEMORY "out of memory"
#define LERROR_LABEL "label out of range"
int lerror_kind(lua_State *L, const char *kind, const char *format, ...);
bool lerror_is(lua_State *L, int index, const char *kind);

/* Whether a script is at this level of the stack, and only the library below: at 1, it has called the C function
   that runs. */
bool lerror_in_script(lua_State *L, int level);

/* Whether an error that is raised now would be caught by a script, with pcall or xpcall, in this coroutine. */
bool lerror_is_caught(lua_State *L);

/* Pushes the line of the script that has called into the library, "script.lua:12: ", or "" where there is none. */
void lerror_push_position(lua_State *L);

/* Raises "interrupted" where no operation of the library runs: without a position. */
int lerror_interrupted(lua_State *L);

/* Pushes the text at `index` as a terminal may see it, see text.h: names out of files in messages. What lerror
   raises goes through it, with its ends of lines. */
void lpush_visible(lua_State *L, int index, bool lines);

/* In a message handler: the level of the script's frame where the error with the message at `index` was raised by
   lerror, 0 where only the library's frames are on the stack (a tail call); -1 for any other error. */
int lerror_level(lua_State *L, int index);

/* Raises "interrupted" when Ctrl-C came during the operation. Called after each one that may take long. */
void lcheck_interrupt(lua_State *L);
#define INTERRUPT_ELEMENTS 65536 /* between two looks of a loop over elements */

#endif
