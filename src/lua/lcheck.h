/* Checks of the arguments of functions that Lua calls: each raises an error that names the operation (`what`), what
   it expected and what it got.
   Above lerror, below tensor handles; every binding calls it. */
#ifndef FNET_LCHECK_H
#define FNET_LCHECK_H

#include "../core/tensor.h"
#include "lerror.h"

/* Pushes "[784, 128]". */
const char *lpush_shape(lua_State *L, int rank, const size_t *shape);
const char *lpush_shape_of(lua_State *L, const struct tensor *t);

/* Pushes where the element with that row-major number, from 0, lies: "3", or "[2, 1]" for more axes; from 1. */
const char *lpush_position(lua_State *L, const struct tensor *t, size_t flat);

/* Pushes the table {784, 128}. */
void lpush_lengths(lua_State *L, const struct tensor *t);

/* Pushes what the value at `index` is, for messages: what its metatable's function `kind` says, such as "a float32
   tensor of [2, 3]", else its Lua type. */
const char *lpush_kind(lua_State *L, int index);

/* Cuts the stack to so many arguments, or raises: what would be passed over in silence means something elsewhere,
   such as the decimals in t:round(2). Lua calls a unary minus with its operand twice. */
void lcheck_most(lua_State *L, const char *what, int most);

/* An integer argument within [low, high]; the error names what, expected and got (also for NaN and fractions). */
lua_Integer lcheck_integer(lua_State *L, int index, const char *what, lua_Integer low, lua_Integer high);

/* A number that an element of this type can hold. */
double lcheck_element(lua_State *L, int index, const char *what, enum dtype dtype);

/* The length of a list up to its last number, so that nil in it is met by whoever walks it: for { 1, nil, 3 }
   Lua 5.5 tells the length 1. */
size_t lcheck_length(lua_State *L, int index);

/* The same for rows of many numbers, in no time: keys behind the length that Lua tells are behind it in the table
   too, but for tables that were filled from their end or have names beside: then a part of them is seen. */
size_t lcheck_row(lua_State *L, int index);

/* A table with a list in it, or nothing, and its length; `expected` names it. */
size_t lcheck_list(lua_State *L, int index, const char *what, const char *expected);

/* A shape argument at `index`: a table of up to TENSOR_MAX_RANK lengths. Returns the rank. */
int lcheck_shape(lua_State *L, int index, const char *what, size_t *shape);

/* An axis from 1 to the rank, returned counted from 0. */
int lcheck_axis(lua_State *L, int index, const char *what, const struct tensor *t);

/* A dtype name, or `otherwise` when the argument is nil. */
enum dtype lcheck_dtype(lua_State *L, int index, const char *what, enum dtype otherwise);

/* The type of both tensors, one of floats. */
enum dtype lcheck_floats(lua_State *L, const char *what, const struct tensor *a, const struct tensor *b);

/* Raises an error unless elements of type `dtype` can hold all of t's; floats lose their fractions. */
void lcheck_range(lua_State *L, const char *what, const struct tensor *t, enum dtype dtype);

/* A class of userdata, for luaL_checkudata: its metatable under that name, with these functions, which are its
   methods too. */
void lnew_metatable(lua_State *L, const char *name, const luaL_Reg *functions);

/* Pushes an object of that class: `size` bytes, zeros; as a to-be-closed variable of the function that runs. */
void *lnew_object(lua_State *L, size_t size, const char *name);
void *lnew_closing(lua_State *L, size_t size, const char *name);

#endif
