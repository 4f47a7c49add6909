/* The bindings of image.h. */
#include "ltensor.h"

#include "../core/image.h"

static int failure(lua_State *L, const char *message) {
    luaL_pushfail(L);
    lua_pushstring(L, message);
    return 2;
}

/* core.decode_image(bytes): uint8 [height, width] or [height, width, 3]; nil and why not. */
static int decode_image(lua_State *L) {
    struct image image;
    size_t size;
    const uint8_t *bytes = (const uint8_t *)luaL_checklstring(L, 1, &size);
    if (!image_inspect(&image, bytes, size)) return failure(L, image.message);
    const size_t shape[] = {image.height, image.width, image.channels};
    struct tensor *t = ltensor_new(L, "read_image", UINT8, image.channels == 1 ? 2 : 3, shape);
    if (!image_decode(&image, bytes, size, t->data)) return failure(L, image.message);
    return 1;
}

/* core.encode_png(picture): the bytes of a PNG file of a uint8 tensor [height, width] or [height, width, 3]; nil
   and why not. */
static int encode_png(lua_State *L) {
    const struct tensor *t = &ltensor_check(L, 1)->tensor;
    struct image image = {.channels = 1};
    luaL_Buffer buffer;
    size_t size;
    luaL_argcheck(L,
                  t->dtype == UINT8 && (t->rank == 2 || (t->rank == 3 && t->shape[2] == 3)) && tensor_count(t) > 0,
                  1, "expected uint8 [height, width] or [height, width, 3]");
    image.height = t->shape[0];
    image.width = t->shape[1];
    if (t->rank == 3) image.channels = 3;
    t = lpush_contiguous(L, 1, "write_png", UINT8);
    if (!image_encode_png(&image, t->data, NULL, &size)) return failure(L, image.message);
    uint8_t *to = (uint8_t *)luaL_buffinitsize(L, &buffer, size);
    if (!image_encode_png(&image, t->data, to, &size)) return failure(L, image.message);
    luaL_pushresultsize(&buffer, size);
    return 1;
}

void lopen_image(lua_State *L) {
    static const luaL_Reg functions[] = {{"decode_image", decode_image}, {"encode_png", encode_png}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
