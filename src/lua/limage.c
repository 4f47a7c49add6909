/* The bindings of image.h and picture.h. lua/fnet/data/images.lua calls them, with arguments that it has checked.
 */
#include "ltensor.h"

#include "../core/image.h"
#include "../core/picture.h"

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

static struct tensor *new_picture(lua_State *L, const char *what, size_t height, size_t width, size_t channels) {
    const size_t shape[] = {height, width, channels};
    return ltensor_new(L, what, UINT8, channels == 1 ? 2 : 3, shape);
}

/* A picture that is not decoded: gives nil and why, or raises an error where that lies with this machine. */
static int refuse(lua_State *L, const struct image *image, const char *what) {
    lcheck_interrupt(L);
    if (!image->no_memory) return failure(L, image->message);
    return lerror_kind(L, LERROR_MEMORY, "%s: not enough memory to decode %I x %I pixels", what,
                       (LUAI_UACINT)image->width, (LUAI_UACINT)image->height);
}

/* core.decode_image(bytes, what, background, gamma, turned): uint8 [height, width] or [height, width, 3]; nil and
   why not. what: the words in front of an error; turned: as the orientation beside the pixels says. */
static int decode_image(lua_State *L) {
    struct image image;
    size_t size;
    const uint8_t *bytes = check_bytes(L, 1, &size);
    const char *what = luaL_optstring(L, 2, "read_image");
    const struct image_options options = {.background = (uint8_t)luaL_optinteger(L, 3, 255),
                                          .gamma = lua_toboolean(L, 4)};
    bool turned = lua_toboolean(L, 5);
    lua_settop(L, 5);
    if (!image_inspect(&image, bytes, size)) return refuse(L, &image, what);
    turned = turned && image.orientation > 1;
    bool lies = image.orientation >= 5; /* on its side */
    const struct tensor *y = NULL, *x;
    if (turned)
        y = new_picture(L, what, lies ? image.width : image.height, lies ? image.height : image.width,
                        image.channels);
    x = new_picture(L, what, image.height, image.width, image.channels);
    if (!image_decode(&image, &options, bytes, size, x->data)) return refuse(L, &image, what);
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
