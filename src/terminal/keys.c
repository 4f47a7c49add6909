/* See keys.h.
   Invariant: a letter is read byte by byte and no further, so what was typed ahead is there for whoever reads next.
 */
#include "keys.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "letters.h"

static const wchar_t paste_end[] = L"\033[201~";
enum { PASTE_END_LENGTH = sizeof paste_end / sizeof paste_end[0] - 1 };

enum wait_outcome keys_read(const struct screen *screen, wchar_t *letter) {
    static char bytes[MB_LEN_MAX]; /* read, and no letter yet */
    static size_t count;
    for (;;) {
        size_t used = count > 0 ? letters_decode(bytes, count, letter) : 0;
        if (used > 0) {
            count -= used;
            memmove(bytes, bytes + used, count);
            return WAIT_KEY;
        }
        enum wait_outcome outcome = wait_for_key(screen);
        if (outcome != WAIT_KEY) return outcome;
        if (read(STDIN_FILENO, bytes + count, 1) != 1) return WAIT_END;
        count++;
    }
}

enum wait_outcome keys_read_paste(const struct screen *screen, void (*take)(wchar_t letter)) {
    size_t matched = 0; /* letters of the end that have come */
    while (matched < PASTE_END_LENGTH) {
        wchar_t letter;
        enum wait_outcome outcome = keys_read(screen, &letter);
        if (outcome != WAIT_KEY) return outcome;
        if (letter == paste_end[matched]) {
            matched++;
            continue;
        }
        for (size_t i = 0; i < matched; i++) take(paste_end[i]); /* it began like the end, and was none */
        matched = letter == paste_end[0];
        if (!matched) take(letter == L'\r' ? L'\n' : letter);
    }
    return WAIT_KEY;
}
