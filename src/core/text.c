/* See text.h. */
#include "text.h"

#include <stdio.h>
#include <string.h>

size_t text_character(const unsigned char *at, size_t left, uint32_t *code) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = at[0] < 0x80   ? 1
                    : at[0] < 0xC0 ? 0
                    : at[0] < 0xE0 ? 2
                    : at[0] < 0xF0 ? 3
                    : at[0] < 0xF8 ? 4
                                   : 0;
    *code = at[0];
    if (length <= 1) return length;
    if (length > left) return 0;
    *code &= 0x7Fu >> length;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xC0) != 0x80) return 0;
        *code = *code << 6 | (at[i] & 0x3F);
    }
    bool surrogate = *code >= 0xD800 && *code < 0xE000;
    return *code < least[length] || *code > 0x10FFFF || surrogate ? 0 : length;
}

/* Controls (C0, DEL and C1), separators of lines, and the marks, embeddings, overrides and isolates of Unicode's
   bidirectional algorithm (UAX 9, 2). */
static bool is_hidden(uint32_t code) {
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C || code == 0x200E || code == 0x200F ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

static size_t escape(char *to, size_t room, uint32_t code) {
    static const char letters[] = "abtnvfr"; /* of the codes from 7 on */
    unsigned long number = code;
    int length = code >= 7 && code <= 13 ? snprintf(to, room, "\\%c", letters[code - 7])
                                         : snprintf(to, room, code < 0x80 ? "\\x%02lX" : "\\u{%lX}", number);
    return (size_t)length;
}

size_t text_visible(char *to, const char *text, size_t size, bool lines) {
    const unsigned char *at = (const unsigned char *)text, *end = at + size;
    size_t written = 0;
    while (at < end) {
        char other[16];
        uint32_t code;
        size_t length = text_character(at, (size_t)(end - at), &code), count = length;
        if (length == 0) {
            length = 1;
            count = (size_t)snprintf(other, sizeof other, "\\x%02X", *at);
        } else if (is_hidden(code) && !(lines && (code == '\n' || code == '\t'))) {
            count = escape(other, sizeof other, code);
        }
        if (to) memcpy(to + written, count == length ? (const char *)at : other, count);
        written += count;
        at += length;
    }
    return written;
}
