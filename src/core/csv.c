/* A record is read where it lies in the buffer. Where the buffer ends within one, the record moves to its front,
   more is read, and it is read once more from its beginning: once a buffer. */
#include "csv.h"

#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#define FIRST_SIZE ((size_t)1 << 18)  /* of the buffer, bytes */
#define RECORD_MOST ((size_t)1 << 24) /* bytes; a small compressed file may have one without an end */

/* What one look at the text may come to. */
enum look { LOOK_RECORD, LOOK_EMPTY, LOOK_MORE, LOOK_FAULT };

static enum look fault(struct csv_reader *reader, int code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->message, sizeof reader->message, format, arguments);
    va_end(arguments);
    reader->code = code;
    return LOOK_FAULT;
}

/* ---- memory ---- */

/* The block with another size; NULL, with a fault, where there is no memory. */
static void *grow(struct csv_reader *reader, void *block, size_t old_size, size_t size) {
    void *larger = size > old_size ? reader->resize(reader->context, block, old_size, size) : NULL;
    if (!larger)
        fault(reader, ENOMEM, "line %zu: needs %zu bytes for one record, which do not fit into memory",
              reader->line, size);
    return larger;
}

static bool add_field(struct csv_reader *reader, char *at, size_t length, bool quoted, bool doubled) {
    if (reader->count == reader->room) {
        size_t room = reader->room > 0 ? 2 * reader->room : 32, size = sizeof *reader->fields;
        struct csv_field *fields = grow(reader, reader->fields, reader->room * size, room * size);
        if (!fields) return false;
        reader->fields = fields;
        reader->room = room;
    }
    reader->fields[reader->count++] = (struct csv_field){at, length, quoted, doubled};
    return true;
}

/* More of the file behind what is there, which moves to the front. */
static bool read_more(struct csv_reader *reader) {
    size_t left = reader->end - reader->begin, got;
    if (left > 0 && reader->begin > 0) memmove(reader->buffer, reader->buffer + reader->begin, left);
    reader->begin = 0;
    reader->end = left;
    if (left > RECORD_MOST) {
        fault(reader, 0, "line %zu: a record has more than %zu bytes; is it a table?", reader->line, RECORD_MOST);
        return false;
    }
    if (left >= reader->size / 2) {
        size_t size = reader->size > 0 ? 2 * reader->size : FIRST_SIZE;
        char *buffer = grow(reader, reader->buffer, reader->size, size);
        if (!buffer) return false;
        reader->buffer = buffer;
        reader->size = size;
    }
    size_t wanted = reader->size - left - 1; /* a line end stands behind the text */
    bool taken = input_take(&reader->input, reader->buffer + left, wanted, &got);
    if (!taken || (got < wanted && !input_finish(&reader->input))) {
        fault(reader, reader->input.code, "%s", reader->input.message);
        return false;
    }
    reader->end = left + got;
    reader->ended = got < wanted;
    reader->buffer[reader->end] = '\n';
    return true;
}

/* ---- UTF-8 ---- */

/* The first byte that is zero or begins no character; `count` where all is well. */
static size_t find_foreign(const unsigned char *at, size_t count) {
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    for (size_t i = 0; i < count;) {
        uint64_t eight;
        if (count - i >= sizeof eight) {
            memcpy(&eight, at + i, sizeof eight);
            if (((eight | ((eight - ones) & ~eight)) & high) == 0) { /* ASCII, and none is zero */
                i += sizeof eight;
                continue;
            }
        }
        uint32_t code;
        size_t length = text_character(at + i, count - i, &code);
        if (length == 0 || code == 0) return i;
        i += length;
    }
    return count;
}

/* Line ends, LF, CRLF or CR, between two places. */
static size_t count_lines(const char *from, const char *to) {
    size_t lines = 0;
    for (const char *at = from; at < to; at++) lines += *at == '\n' ? at == from || at[-1] != '\r' : *at == '\r';
    return lines;
}

/* False, with a fault, where the text of this record is none. It may be cut: within the last character too. */
static bool check_text(struct csv_reader *reader, const char *from, const char *to, bool cut) {
    const unsigned char *bytes = (const unsigned char *)from;
    size_t count = (size_t)(to - from), place = find_foreign(bytes, count);
    if (place == count || (cut && count - place < 4 && bytes[place] >= 0xC0)) return true;
    size_t line = reader->line + count_lines(from, from + place);
    if (bytes[place] == 0)
        fault(reader, 0, "line %zu: holds a zero byte; is it a text file?", line);
    else
        fault(reader, 0, "line %zu: is not UTF-8 (byte %02X); save the file as UTF-8", line, bytes[place]);
    return false;
}

/* ---- records ---- */

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* Behind the closing quote of the field whose opening quote is at `at`; NULL where the text ends before. */
static char *behind_quotes(char *at, const char *end, bool *doubled) {
    *doubled = false;
    for (char *from = at + 1;;) {
        char *quote = memchr(from, '"', (size_t)(end - from));
        if (!quote) return NULL;
        if (quote[1] != '"') return quote + 1;
        *doubled = true;
        from = quote + 2;
    }
}

static enum look fault_in_field(struct csv_reader *reader, size_t line, const char *what) {
    return fault(reader, 0, "line %zu, column %zu: %s", line, reader->count + 1, what);
}

static enum look fault_behind_quotes(struct csv_reader *reader, size_t line, char got) {
    char text[96], separator[] = {'\'', reader->separator, '\'', '\0'};
    snprintf(text, sizeof text, "expected %s or the end of the line after the closing quote, got '%c'",
             reader->separator == '\t'  ? "a tab"
             : reader->separator == ' ' ? "a blank"
                                        : separator,
             (unsigned char)got < ' ' ? '?' : got);
    return fault_in_field(reader, line, text);
}

/* The field at *at, up to the separator or the line end behind it, where *at is left. */
static enum look take_field(struct csv_reader *reader, char **at, size_t *line) {
    const unsigned char *stops = reader->stops;
    char *from = *at;
    while (is_blank(*from) && *from != reader->separator) from++;
    if (*from == '"') {
        bool doubled;
        char *behind = behind_quotes(from, reader->buffer + reader->end, &doubled);
        if (!behind && !reader->ended) return LOOK_MORE;
        if (!behind) {
            *at = reader->buffer + reader->end;
            return fault_in_field(reader, *line, "the quotes are never closed");
        }
        *line += count_lines(from, behind);
        *at = behind;
        while (is_blank(**at) && !stops[(unsigned char)**at]) ++*at;
        if (!stops[(unsigned char)**at] || **at == '"') return fault_behind_quotes(reader, *line, **at);
        return add_field(reader, from + 1, (size_t)(behind - from) - 2, true, doubled) ? LOOK_RECORD : LOOK_FAULT;
    }
    char *to = from;
    while (!stops[(unsigned char)*to]) to++;
    *at = to;
    if (*to == '"')
        return fault_in_field(reader, *line,
                              "a quote within a field; a field with quotes begins and ends with one, and has them "
                              "doubled inside");
    while (to > from && is_blank(to[-1])) to--;
    return add_field(reader, from, (size_t)(to - from), false, false) ? LOOK_RECORD : LOOK_FAULT;
}

/* The fields of the record that begins at *at, which ends behind it. */
static enum look take_record(struct csv_reader *reader, char **at, size_t *line) {
    const char *end = reader->buffer + reader->end;
    const bool blanks = reader->separator == ' ';
    reader->count = 0;
    for (;;) {
        while (blanks && is_blank(**at)) ++*at;
        if (!blanks || (**at != '\n' && **at != '\r')) {
            enum look look = take_field(reader, at, line);
            if (look != LOOK_RECORD) return look;
        }
        if (*at == end) return reader->ended ? LOOK_RECORD : LOOK_MORE;
        if (**at != '\n' && **at != '\r') {
            ++*at;
            continue;
        }
        bool carriage_return = **at == '\r';
        ++*at;
        ++*line;
        if (carriage_return && *at == end && !reader->ended) return LOOK_MORE; /* a line feed may follow */
        if (carriage_return && *at < end && **at == '\n') ++*at;
        return LOOK_RECORD;
    }
}

/* Makes one quote of two. */
static void undouble(struct csv_field *field) {
    const char *from = field->at, *end = from + field->length;
    char *to = field->at;
    while (from < end) {
        *to++ = *from;
        from += *from == '"' ? 2 : 1;
    }
    field->length = (size_t)(to - field->at);
    field->doubled = false;
}

static enum look look_at(struct csv_reader *reader) {
    char *from = reader->buffer + reader->begin, *at = from;
    size_t line = reader->next_line;
    reader->line = line;
    enum look look = take_record(reader, &at, &line);
    if (look == LOOK_MORE) at = reader->buffer + reader->end;
    if (look == LOOK_FAULT && reader->code != 0) return look; /* no fault of the text */
    if (!check_text(reader, from, at, look != LOOK_RECORD)) return LOOK_FAULT;
    if (look != LOOK_RECORD) return look;
    for (size_t i = 0; i < reader->count; i++)
        if (reader->fields[i].doubled) undouble(&reader->fields[i]);
    reader->begin = (size_t)(at - reader->buffer);
    reader->next_line = line;
    bool empty = reader->count == 1 && reader->fields[0].length == 0 && reader->width != 1;
    if (empty || reader->count == 0) return LOOK_EMPTY;
    if (reader->width == 0) reader->width = reader->count;
    return LOOK_RECORD;
}

bool csv_is_open_ended(const struct csv_reader *reader) { return input_is_open_ended(&reader->input); }

enum csv_state csv_next(struct csv_reader *reader) {
    for (;;) {
        if (reader->begin == reader->end) {
            if (reader->ended) return CSV_END;
            if (!read_more(reader)) return CSV_FAULT;
            continue;
        }
        switch (look_at(reader)) {
        case LOOK_RECORD: return CSV_RECORD;
        case LOOK_FAULT: return CSV_FAULT;
        case LOOK_EMPTY: break;
        case LOOK_MORE:
            if (!read_more(reader)) return CSV_FAULT;
        }
    }
}

bool csv_open(struct csv_reader *reader, FILE *file) {
    reader->line = reader->next_line = 1;
    reader->file = file;
    if (!input_start(&reader->input, file, INPUT_ANY, UINT64_MAX)) {
        fault(reader, reader->input.code, "%s", reader->input.message);
        return false;
    }
    if (!read_more(reader)) return false;
    if (reader->end >= 3 && memcmp(reader->buffer, "\xEF\xBB\xBF", 3) == 0) reader->begin = 3;
    return true;
}

void csv_separate(struct csv_reader *reader, char separator) {
    reader->separator = separator;
    for (const char *stop = "\n\r\""; *stop; stop++) reader->stops[(unsigned char)*stop] = 1;
    reader->stops[(unsigned char)separator] = 1;
    if (separator == ' ') reader->stops['\t'] = 1;
}

void csv_close(struct csv_reader *reader) {
    input_end(&reader->input);
    if (reader->file) fclose(reader->file);
    reader->file = NULL;
    if (reader->buffer) reader->resize(reader->context, reader->buffer, reader->size, 0);
    if (reader->fields) reader->resize(reader->context, reader->fields, reader->room * sizeof *reader->fields, 0);
    reader->buffer = NULL;
    reader->fields = NULL;
    reader->size = reader->room = 0;
}
