/* The letters that the terminal sends and shows; for the editors. */
#ifndef FNET_LETTERS_H
#define FNET_LETTERS_H

#include <stddef.h>
#include <wchar.h>

/* Takes letters as the environment says. Where it says nothing (the locale "C", or one that is not installed), they
   are UTF-8: every terminal of today sends them so, and the locale "C" would have none but ASCII's. */
void letters_open(void);

/* A byte that is part of no letter travels as a wide character that no letter is, and comes out as it was. */

/* The first letter of `size` bytes, of at least one: how many bytes it takes; 0 where more bytes are needed. */
size_t letters_decode(const char *bytes, size_t size, wchar_t *letter);

/* All of a text; *count gets the number of letters. NULL without memory; else the caller's to free. */
wchar_t *letters_decode_all(const char *text, size_t *count);
char *letters_encode_all(const wchar_t *letters, size_t count);

/* A place on the screen, counted from where something began. */
struct letters_place {
    int row, column;
};

/* On both sides of a part of a prompt that takes no columns, such as a colour. */
enum { LETTERS_NO_WIDTH = L'\1' };

/* Moves the place over letters on a terminal of so many columns. */
void letters_move(const wchar_t *from, const wchar_t *to, int columns, struct letters_place *place);

#endif
