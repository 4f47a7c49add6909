/* Input: the bytes of a file, or of a part of it, one after the other and straight to where they belong: as they
   lie there, deflated, or compressed with gzip. Every reader of elements takes them from here, so that reading
   needs the memory of the result and a buffer. Invariant: nothing is read beyond the part, and nothing is
   decompressed beyond what was taken, and one byte more. An input starts as zeros, and input_end is owed to it
   after input_start. It goes on from where the file stands: meanwhile nobody else reads from that. The caller puts
   the file's name in front of a message. */
#ifndef FNET_INPUT_H
#define FNET_INPUT_H

#include "decode.h"
#include "stream.h"

#include <stdio.h>

#define INPUT_BUFFER_SIZE ((size_t)256 * 1024)
#define INPUT_PIPE_MOST ((uint64_t)4 << 30) /* bytes that elements out of a pipe may take */

enum input_format {
    INPUT_PLAIN,
    INPUT_ANY, /* compressed where it begins as gzip does, in any number of members (RFC 1952, 2.2); else plain */
    INPUT_STORED, /* the members of zip archives, whose CRC-32 is added up */
    INPUT_DEFLATED,
    INPUT_FORMAT_COUNT
};

extern const char *const input_format_names[INPUT_FORMAT_COUNT + 1]; /* "plain", "any", ...; NULL at the end */

struct input {
    char message[256]; /* set by the function that returned false */
    int code;          /* errno where the environment refused; 0 where the file is damaged */
    size_t taken;      /* bytes delivered so far */
    uint32_t crc;      /* of a zip member's */
    bool compressed;

    /* Private to input.c. */
    FILE *file;
    uint64_t ahead; /* bytes of the part that are still in the file */
    int64_t place;  /* of the next byte to be read, 0: where the file stands */
    enum input_format format;
    struct stream stream; /* from and left are the unread part of the buffer, for plain files too */
    bool ended;           /* the compressed data has */
    unsigned char buffer[INPUT_BUFFER_SIZE];
};

/* The next `length` bytes of the file, UINT64_MAX for all that follow. False when INPUT_ANY cannot look at them. */
bool input_start(struct input *input, FILE *file, enum input_format format, uint64_t length);

/* Delivers the next bytes; *taken < size only at the end. False also after an interrupt, as with all of these. */
bool input_take(struct input *input, void *to, size_t size, size_t *taken);

/* False where the file cannot hold so many bytes more, by its size, and by what can be in so many compressed ones:
   to be asked before memory is taken for what a header declares. */
bool input_expect(struct input *input, uint64_t bytes);

/* Whether the size of the file does not tell how much follows, within small factors: compressed, or out of a pipe.
 */
bool input_is_open_ended(const struct input *input);

/* The next elements, decoded to what encoding_dtypes or, for u8, `dtype` says. Fewer bytes, and a whole number
   beyond int32, are faults. */
bool input_elements(struct input *input, enum encoding encoding, bool big_endian, size_t count, enum dtype dtype,
                    void *to);

/* Rows of a file that lies there plainly, from the byte `first` on, which is above 0: y[i] = row index[i], counted
   from 1, of `width` elements. */
bool input_rows(struct input *input, uint64_t first, size_t width, enum encoding encoding, bool big_endian,
                const int32_t *index, size_t count, void *y);

/* False where anything follows: another byte of the data, or something else behind compressed data. */
bool input_finish(struct input *input);

/* Gives zlib's memory back; the file is the caller's. */
void input_end(struct input *input);

#endif
