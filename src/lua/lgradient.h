/* Gradients that meet. A tensor that several operations have used gets the sum of their gradients, one after the
   other; where nobody else uses the memory of one of them, the sum is written there.
   Above the tape; backward and operations with a gradient of their own call it. */
#ifndef FNET_LGRADIENT_H
#define FNET_LGRADIENT_H

#include "lstorage.h"
#include "ltape.h"

/* core.rules(table): the rules by operation name, and "accumulate", which adds two gradients, and "copy". */
int lgradient_set_rules(lua_State *L);
void lgradient_push_rules(lua_State *L);

/* core.last_use, for rules. */
int lgradient_last_use(lua_State *L);

/* The gradient on top of the stack is to be kept, or changed in place: where more gradients than `holders` use its
   storage, or that is not the walk's, which began after `births`, or it is not contiguous, a copy takes its place.
 */
void lgradient_make_sole(lua_State *L, size_t births, size_t holders);

/* Replaces two gradients on top of the stack, the first of them in the hands of `keeper`, by their sum. Where they
   are recorded, `births` is SIZE_MAX and the sum is too. */
void lgradient_add(lua_State *L, enum keeper keeper, size_t births);

/* In a rule: whether the tensor, an argument of the operation, requires a gradient that somebody wants. */
bool lgradient_wanted(lua_State *L, const struct handle *argument);

/* Adds a gradient to the part of a sum that it belongs to; the sum is only the walk's. */
void lgradient_add_part(struct handle *sum, const struct tensor *part, const struct tensor *gradient);

/* The gradient of the leaf at `index`, where a product may be added to it in place; else NULL. */
struct handle *lgradient_to_extend(lua_State *L, int index);

#endif
