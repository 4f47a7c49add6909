/* The module fnet.core: everything that the Lua library under lua/fnet calls in C. Not for scripts: the public
   interface is what lua/fnet/init.lua makes of it. */
#include "lcore.h"

/* Floor by floor: an operation refers to the tape when it is registered. */
static void (*const open_functions[])(lua_State *) = {
    lopen_error,  lopen_storage, lopen_tensor,      lopen_tape,      lopen_backward, lopen_element,
    lopen_create, lopen_view,    lopen_elementwise, lopen_reduce,    lopen_matmul,   lopen_conv,
    lopen_pool,   lopen_index,   lopen_nn,          lopen_norm,      lopen_optim,    lopen_random,
    lopen_idx,    lopen_input,   lopen_file,        lopen_transform, lopen_decode,   lopen_hash,
    lopen_image,  lopen_csv,     lopen_signal,      lopen_process,   lopen_runtime,  lopen_failure,
    lopen_shard,  lopen_program, lopen_recurrent,   lopen_order,     lopen_sample,   lopen_rearrange,
};

LUAMOD_API int luaopen_fnet_core(lua_State *L) {
    lua_newtable(L);
    for (size_t i = 0; i < sizeof open_functions / sizeof *open_functions; i++) open_functions[i](L);
    return 1;
}
