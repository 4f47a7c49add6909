/* Reading at the interactive prompt; for main.c only.
   On a terminal that can draw, with libedit or readline: line editing, Tab completion, and a history kept across
   runs (src/terminal). Anywhere else: plain lines. */
#ifndef FNET_LREADLINE_H
#define FNET_LREADLINE_H

#include <lua.h>

/* Pops a completion function, complete(text before the cursor, list_directory) -> what to put in at the cursor,
   what to show below the line, each or nil; list_directory(path) gives a list of names. Pushes the reader:
   read_line(prompt) -> the line without its newline, or the lines of a pasted text; nil at the end of the input;
   false after Ctrl-C; false and a message where the line cannot be had. */
void lreadline_open(lua_State *L);

#endif
