/* Reading a line at the interactive prompt; for main.c only.
   On a terminal, with libedit or readline: line editing, Tab completion, and a history kept across runs in
   $XDG_STATE_HOME/fnet/history (~/.local/state/fnet/history where that is unset). Anywhere else: plain lines. */
#ifndef FNET_LREADLINE_H
#define FNET_LREADLINE_H

#include <lua.h>

/* Pops a completion function, complete(text before the cursor) -> list of names, and pushes the reader:
   read_line(prompt) -> the line without its newline; nil at the end of the input; false after Ctrl-C. */
void lreadline_open(lua_State *L);

#endif
