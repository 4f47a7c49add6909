/* The bindings of image.h and picture.h. lua/fnet/data/images.lua calls them, with arguments that it has checked.
 */
#include "ltensor.h"

#include "../core/image.h"
#include "../core/picture.h"

#include <errno.h>

static int failure(lua_State *L, const char *message) {
    luaL_pushfail(L);
    lua_pushstring(L, message);
    return 2;
}

/* The bytes of a string, or of a contiguous uint8 tensor. */
static const uint8_t *check_bytes(lua_State *L, int index, size_t *size) {
    if (lua_type(L, index) == LUA_TSTRING) return (const uint8_t *)lua_tolstring(L, index, size);
    const struct tensor *t = &ltensor_check(L, index)->tensor;
    luaL_argcheck(L, t->dtype == UINT8 && tensor_is_contiguous(t), index, "expected bytes");
    *size = tensor_bytes(t);
    return t->data;
}

/* A picture that is not decoded: nil, why, and errno where that lies with this machine. */
static int refuse(lua_State *L, const struct image *image) {
    lcheck_interrupt(L);
    if (!image->no_memory) return failure(L, image->message);
    luaL_pushfail(L);
    lua_pushfstring(L, "has %I x %I pixels, which cannot be decoded in the memory that is left",
                    (LUAI_UACINT)image->width, (LUAI_UACINT)image->height);
    lua_pushinteger(L, ENOMEM);
    return 3;
}

static struct tensor *try_picture(lua_State *L, size_t height, size_t width, size_t channels) {
    const size_t shape[] = {height, width, channels};
    return ltensor_try(L, UINT8, channels == 1 ? 2 : 3, shape);
}

/* core.decode_image(bytes, background, gamma, turned): uint8 [height, width] or [height, width, 3]; nil, why not,
   and errno where memory is short. turned: as the orientation beside the pixels says. */
static int decode_image(lua_State *L) {
    struct image image;
    size_t size;
    const uint8_t *bytes = check_bytes(L, 1, &size);
    const struct image_options options = {.background = (uint8_t)luaL_optinteger(L, 2, 255),
                                          .gamma = lua_toboolean(L, 3)};
    bool turned = lua_toboolean(L, 4);
    lua_settop(L, 4);
    if (!image_inspect(&image, bytes, size)) return refuse(L, &image);
    bool lies = image.orientation >= 5; /* on its side */
    const struct tensor *y = NULL, *x;
    turned = turned && image.orientation > 1;
    if (turned) {
        y = try_picture(L, lies ? image.width : image.height, lies ? image.height : image.width, image.channels);
        if (!y) return 3;
    }
    x = try_picture(L, image.height, image.width, image.channels);
    if (!x) return 3;
    if (!image_decode(&image, &options, bytes, size, x->data)) return refuse(L, &image);
    lcheck_interrupt(L);
    if (!turned) return 1;
    picture_turn(x->data, image.height, image.width, image.channels, image.orientation, y->data);
    lcheck_interrupt(L);
    lhandle_give_back(L, -1);
    lua_pop(L, 1);
    return 1;
}

static const struct tensor *check_picture(lua_State *L, int index) {
    const struct tensor *t = &ltensor_check(L, index)->tensor;
    luaL_argcheck(L, (t->rank == 2 || (t->rank == 3 && t->shape[2] == 3)) && tensor_count(t) > 0, index,
                  "expected [height, width] or [height, width, 3]");
    return t;
}

/* core.encode_png(picture): the bytes of a PNG file of a uint8 tensor [height, width] or [height, width, 3]; nil
   and why not. */
static int encode_png(lua_State *L) {
    const struct tensor *t = check_picture(L, 1);
    struct image image = {.height = t->shape[0], .width = t->shape[1], .channels = t->rank == 3 ? 3 : 1};
    luaL_Buffer buffer;
    size_t size;
    luaL_argcheck(L, t->dtype == UINT8, 1, "expected uint8");
    t = lpush_contiguous(L, 1, "write_png", UINT8);
    if (!image_encode_png(&image, t->data, NULL, &size)) return failure(L, image.message);
    uint8_t *to = (uint8_t *)luaL_buffinitsize(L, &buffer, size);
    if (!image_encode_png(&image, t->data, to, &size)) return failure(L, image.message);
    lcheck_interrupt(L);
    luaL_pushresultsize(&buffer, size);
    return 1;
}

/* core.resize(picture, height, width): of the same type. */
static int resize(lua_State *L) {
    const struct tensor *x = check_picture(L, 1);
    size_t shape[] = {(size_t)lcheck_integer(L, 2, "resize: height", 1, 65535),
                      (size_t)lcheck_integer(L, 3, "resize: width", 1, 65535), 3};
    if (x->shape[0] > PICTURE_MOST_LENGTH || x->shape[1] > PICTURE_MOST_LENGTH)
        return lerror(L, "resize: expected a picture of at most %I rows and columns, got %s",
                      (LUAI_UACINT)PICTURE_MOST_LENGTH, lpush_shape_of(L, x));
    x = lpush_contiguous(L, 1, "resize", x->dtype);
    const struct tensor *y = ltensor_new(L, "resize", x->dtype, x->rank, shape);
    picture_resize(x, y);
    lcheck_interrupt(L);
    return 1;
}

/* core.grey(picture): [height, width] of the same type, from [height, width, 3]. */
static int grey(lua_State *L) {
    const struct tensor *x = check_picture(L, 1);
    luaL_argcheck(L, x->rank == 3, 1, "expected [height, width, 3]");
    x = lpush_contiguous(L, 1, "grey", x->dtype);
    const struct tensor *y = ltensor_new(L, "grey", x->dtype, 2, x->shape);
    picture_grey(x, y);
    lcheck_interrupt(L);
    return 1;
}

void lopen_image(lua_State *L) {
    static const luaL_Reg functions[] = {{"decode_image", decode_image},
                                         {"encode_png", encode_png},
                                         {"resize", resize},
                                         {"grey", grey},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
