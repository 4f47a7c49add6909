/* CSV: the records of a file and their fields, one record at a time, plain or compressed with gzip (RFC 4180, in
   UTF-8). Lines end with LF, CRLF or CR. Fields are parted by one character, or by runs of blanks and tabs where
   that character is a blank. A field may stand in quotes, with those inside doubled; blanks around a field do not
   belong to it. Empty lines are passed over, but where records have one field. Invariant: a record is handed out
   only when it is valid UTF-8 without zero bytes; memory is a piece of the file that holds a record, however large
   the file. A reader starts as zeros but for resize and context; csv_close is owed to it after csv_open, whatever
   that returned, and closes the file. The caller puts the file's name in front of a message. */
#ifndef FNET_CSV_H
#define FNET_CSV_H

#include "input.h"

/* Brings memory, changes its size, gives it back (size 0); NULL where there is none. What a Lua state has. */
typedef void *csv_resize(void *context, void *block, size_t old_size, size_t size);

enum csv_state { CSV_RECORD, CSV_END, CSV_FAULT };

struct csv_field {
    char *at;
    size_t length;
    bool quoted;
    bool doubled; /* quotes inside, while the record is read */
};

struct csv_reader {
    struct csv_field *fields; /* of the record that csv_next read, until the next call */
    size_t count;             /* of them */
    size_t line;              /* where that record begins, from 1 */
    char message[240];        /* of a fault */
    int code;                 /* errno where the environment refused, ENOMEM also for want of memory; else 0 */

    csv_resize *resize;
    void *context;

    /* Private to csv.c. */
    FILE *file;
    struct input input;
    char separator;
    unsigned char stops[256]; /* 1 for what an unquoted field ends before */
    bool ended;               /* nothing more is in the file */
    size_t width;             /* fields of the first record, 0 before it */
    size_t next_line;
    size_t room;  /* for fields */
    char *buffer; /* `size` bytes; the text lies from begin to end, and a line end behind it */
    size_t size, begin, end;
};

/* Takes over the file and reads its beginning, which then lies in the buffer from begin to end, without a byte
   order mark. */
bool csv_open(struct csv_reader *reader, FILE *file);

/* What parts the fields: an ASCII character, no letter or digit. To be said before the first csv_next. */
void csv_separate(struct csv_reader *reader, char separator);

/* Whether a small file, or none, may have any number of records. */
bool csv_is_open_ended(const struct csv_reader *reader);

/* Reads the next record. */
enum csv_state csv_next(struct csv_reader *reader);

/* Closes the file and gives the memory back; does nothing a second time. */
void csv_close(struct csv_reader *reader);

#endif
