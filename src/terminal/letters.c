/* See letters.h.
   Invariant: encoding what was decoded gives the same bytes, whatever they are. */
#define _XOPEN_SOURCE 700 /* wcwidth */
#include "letters.h"

#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Low surrogates, which are no letters: where Python puts such bytes, too. */
enum { STRAY = 0xDC00, STRAY_FIRST = STRAY + 0x80, STRAY_LAST = STRAY + 0xFF };

void letters_open(void) {
    const char *name = setlocale(LC_CTYPE, "");
    if (name == NULL || strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0) setlocale(LC_CTYPE, "C.UTF-8");
}

size_t letters_decode(const char *bytes, size_t size, wchar_t *letter) {
    mbstate_t state;
    memset(&state, 0, sizeof state);
    size_t used = mbrtowc(letter, bytes, size, &state);
    if (used == 0) return 1; /* the letter 0 */
    if (used == (size_t)-2 && size < (size_t)MB_CUR_MAX) return 0;
    if (used <= size) return used;
    *letter = STRAY + (unsigned char)bytes[0];
    return 1;
}

wchar_t *letters_decode_all(const char *text, size_t *count) {
    size_t size = strlen(text), at = 0;
    wchar_t *letters = malloc((size + 1) * sizeof *letters);
    if (letters == NULL) return NULL;
    for (*count = 0; at < size; ++*count) {
        size_t used = letters_decode(text + at, size - at, &letters[*count]);
        if (used == 0) { /* the text ends inside a letter */
            letters[*count] = STRAY + (unsigned char)text[at];
            used = 1;
        }
        at += used;
    }
    letters[*count] = L'\0';
    return letters;
}

char *letters_encode_all(const wchar_t *letters, size_t count) {
    char *text = malloc(count * (size_t)MB_CUR_MAX + 1), *end = text;
    if (text == NULL) return NULL;
    for (size_t i = 0; i < count; i++) {
        if (letters[i] >= STRAY_FIRST && letters[i] <= STRAY_LAST) {
            *end++ = (char)(letters[i] - STRAY);
        } else {
            mbstate_t state;
            memset(&state, 0, sizeof state);
            size_t size = wcrtomb(end, letters[i], &state);
            if (size != (size_t)-1) end += size;
        }
    }
    *end = '\0';
    return text;
}

void letters_move(const wchar_t *from, const wchar_t *to, int columns, struct letters_place *place) {
    bool has_width = true;
    for (; from != to; from++) {
        int width = *from == L'\t' ? 8 - place->column % 8 : wcwidth(*from);
        if (*from == LETTERS_NO_WIDTH) has_width = !has_width;
        if (*from == L'\n' || place->column + width > columns) {
            place->row++;
            place->column = 0;
        }
        if (has_width && *from != L'\n' && width > 0) place->column += width;
    }
}
