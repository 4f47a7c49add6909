/* Ctrl-C in the interpreter; for main.c only. */
#ifndef FNET_LINTERRUPT_H
#define FNET_LINTERRUPT_H

#include <lua.h>

/* From here on Ctrl-C raises "interrupted" in whatever runs, also in a coroutine, until the state is closed; where
   it is ignored (nohup, a shell's background), it stays so. Called when the standard libraries are open: it takes
   the place of coroutine.resume, wrap and close, and of os.execute. */
void linterrupt_open(lua_State *L);

#endif
