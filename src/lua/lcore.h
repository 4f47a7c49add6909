/* The files of src/lua, from the lowest floor up. A file calls only floors below its own, and includes the highest
   of them, whose header brings this one and the lower ones (lstorage.h, for the few that look inside, is extra):
     lerror      errors at the user's line
     lfailure    what came back as nil and a message
     lcheck      checks of arguments
     lsource     files that are read
     lspare      memory that the collector has freed, kept
     lstorage    the memory behind tensors, and the pool of what was given back
     ltensor     tensors as userdata: handles
     ltape       recording
     lgradient   sums of gradients
     the rest    elements, operations, files, the system: called by Lua only
   Order in every binding: check all arguments, create all Lua objects, then compute. */
#ifndef FNET_LCORE_H
#define FNET_LCORE_H

#include <lua.h>

#if LUA_VERSION_NUM < 504 || LUA_VERSION_NUM > 505
#error "fnet is written for Lua 5.4 and 5.5, and this lua.h is of another version"
#endif

/* Registration: each adds its functions to the table on top of the stack. For lcore.c only. */
typedef void lopener(lua_State *L);
lopener lopen_error, lopen_storage, lopen_tensor, lopen_tape, lopen_backward, lopen_recorded, lopen_element,
    lopen_create, lopen_view, lopen_elementwise, lopen_reduce, lopen_matmul, lopen_conv, lopen_pool, lopen_index,
    lopen_nn, lopen_norm, lopen_optim, lopen_random, lopen_idx, lopen_input, lopen_file, lopen_transform,
    lopen_decode, lopen_hash, lopen_image, lopen_csv, lopen_signal, lopen_process, lopen_runtime, lopen_failure,
    lopen_shard, lopen_program, lopen_recurrent, lopen_order, lopen_sample, lopen_rearrange;

/* Opens the module fnet.core: called by require. */
LUAMOD_API int luaopen_fnet_core(lua_State *L);

#endif
