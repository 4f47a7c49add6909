/* The files of src/lua, from the lowest floor up. A file calls only floors below its own, and includes the highest
   of them, whose header brings this one and the lower ones (lstorage.h, for the few that look inside, is extra):
     lerror      errors at the user's line
     lcheck      checks of arguments
     lstorage    the memory behind tensors, and the pool of what was given back
     ltensor     tensors as userdata: handles
     ltape       recording and backward
     the rest    elements, operations, files, the system: called by Lua only
   Order in every binding: check all arguments, create all Lua objects, then compute. */
#ifndef FNET_LCORE_H
#define FNET_LCORE_H

#include <lua.h>

/* Registration: each adds its functions to the table on top of the stack. For lcore.c only. */
void lopen_error(lua_State *L);
void lopen_storage(lua_State *L);
void lopen_tensor(lua_State *L);
void lopen_tape(lua_State *L);
void lopen_element(lua_State *L);
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
