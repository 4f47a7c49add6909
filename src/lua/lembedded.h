/* The library's modules inside the executable, for the interpreter alone; core.so has none. */
#ifndef FNET_LEMBEDDED_H
#define FNET_LEMBEDDED_H

#include <lua.h>

/* Lets `require` find them, and the core, without a file; "fnet.sources" is a table of their texts by path. */
void lembedded_preload(lua_State *L);

#endif
