/* Streams of zlib, in both directions, in steps that are small enough for Ctrl-C; and its checksums.
   The caller sets what is read from and written to, and sets it again as often as it likes.
   Invariant: only stream_move touches zlib's counters, so that lengths are size_t everywhere else. A stream starts
   as zeros, and stream_end is owed to it after a beginning, whatever that returned. */
#ifndef FNET_STREAM_H
#define FNET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#define STREAM_STEP ((size_t)4 << 20) /* bytes between two looks for an interrupt */

enum stream_state { STREAM_OPEN, STREAM_ENDED, STREAM_DAMAGED, STREAM_NO_MEMORY };

struct stream {
    const unsigned char *from; /* not read yet */
    size_t left;
    unsigned char *to; /* not written yet */
    size_t room;
    const char *message; /* what is damaged */

    /* Private to stream.c. */
    z_stream zlib;
    int (*move)(z_stream *, int); /* inflate or deflate; NULL: not begun */
    int (*end)(z_stream *);
};

/* Begins to decompress: a member of gzip, or bare deflated data. */
enum stream_state stream_inflate(struct stream *stream, bool gzip);

/* Begins to compress, without a header; what is left to read when stream_move is called is all of it. */
enum stream_state stream_deflate(struct stream *stream);

/* Goes on until the input is used up, the room is full, or the data has ended; STREAM_OPEN also after an interrupt.
   ENDED: the checksum of a gzip member was right. */
enum stream_state stream_move(struct stream *stream);

/* Gives zlib's memory back; does nothing a second time. */
void stream_end(struct stream *stream);

/* The CRC-32 of what had `crc` (0: of nothing), with these bytes behind it. */
uint32_t stream_crc32(uint32_t crc, const void *bytes, size_t count);

/* The Adler-32 of these bytes (RFC 1950). */
uint32_t stream_adler32(const void *bytes, size_t count);

#endif
