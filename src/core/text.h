/* Texts of strangers, such as names and messages out of files: whether they are UTF-8 (RFC 3629), and how a
   terminal may see them. What would move its cursor, colour, reorder or hide what stands around is written as in a
   string of Lua's: control characters, ends of lines among them, marks that turn the direction of writing, and
   bytes that are no UTF-8. Invariant: what is visible stays as it is. Called by whoever reads, raises or prints. */
#ifndef FNET_TEXT_H
#define FNET_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_VISIBLE_MOST 4 /* times as long as a text may the visible one be */

/* The bytes of the character at `at`, of which `left`, at least one, are there; 0 where none is valid. */
size_t text_character(const unsigned char *at, size_t left, uint32_t *code);

/* Writes the visible text to `to`, or nowhere for NULL, and gives its length, which is `size` only where nothing
   changes. lines: ends of lines and tabs stay. */
size_t text_visible(char *to, const char *text, size_t size, bool lines);

#endif
