/* The module fnet.core: everything that the Lua library under lua/fnet calls in C. Not for scripts: the public
   interface is what lua/fnet/init.lua makes of it. */
#include "lcore.h"

#include <lauxlib.h>

#include "lerror.h"

/* Floor by floor: an operation refers to the tape when it is registered. */
static void (*const open_functions[])(lua_State *) = {
    lopen_error,   lopen_storage,   lopen_tensor,      lopen_tape,   lopen_backward, lopen_recorded,  lopen_element,
    lopen_create,  lopen_view,      lopen_elementwise, lopen_reduce, lopen_matmul,   lopen_conv,      lopen_pool,
    lopen_index,   lopen_nn,        lopen_norm,        lopen_optim,  lopen_random,   lopen_idx,       lopen_input,
    lopen_file,    lopen_transform, lopen_decode,      lopen_hash,   lopen_image,    lopen_csv,       lopen_signal,
    lopen_process, lopen_runtime,   lopen_failure,     lopen_shard,  lopen_program,  lopen_recurrent, lopen_order,
    lopen_sample,  lopen_rearrange,
};

static void check_lua(lua_State *L) {
    int running = (int)lua_version(L), built = LUA_VERSION_NUM;
    if (running != built)
        luaL_error(L,
                   "fnet.core is built for Lua %d.%d, but this is Lua %d.%d; start the script with lua%d.%d, or "
                   "build it for this one: make library LUA=lua%d.%d",
                   built / 100, built % 100, running / 100, running % 100, built / 100, built % 100, running / 100,
                   running % 100);
    luaL_checkversion(L); /* and the size of numbers */
}

/* __index of the module: Lua files of another build call what this one does not have. */
static int missing(lua_State *L) {
    return lerror(L, "fnet.core has no '%s', which the Lua files ask for: they are of another build of fnet",
                  lua_tostring(L, 2));
}

LUAMOD_API int luaopen_fnet_core(lua_State *L) {
    check_lua(L);
    lua_newtable(L);
    for (size_t i = 0; i < sizeof open_functions / sizeof *open_functions; i++) open_functions[i](L);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, missing);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    return 1;
}
