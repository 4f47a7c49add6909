/* The module fnet.core: everything that the Lua library under lua/fnet calls in C. Not for scripts: the public
   interface is what lua/fnet/init.lua makes of it. */
#include "ltensor.h"

LUAMOD_API int luaopen_fnet_core(lua_State *L) {
    lua_newtable(L);
    lopen_error(L);
    lopen_storage(L);
    lopen_tape(L); /* before the operations, which refer to the tape */
    lopen_tensor(L);
    lopen_create(L);
    lopen_view(L);
    lopen_elementwise(L);
    lopen_reduce(L);
    lopen_matmul(L);
    lopen_conv(L);
    lopen_pool(L);
    lopen_index(L);
    lopen_nn(L);
    lopen_norm(L);
    lopen_optim(L);
    lopen_random(L);
    lopen_idx(L);
    lopen_file(L);
    lopen_transform(L);
    lopen_decode(L);
    lopen_hash(L);
    lopen_image(L);
    lopen_signal(L);
    lopen_runtime(L);
    return 1;
}
