/* PNG (W3C, third edition), written with zlib alone: grey or red, green and blue, eight bits each, in one piece.
   Invariant: the same pixels give the same bytes, with the same zlib. */
#include "image_format.h"

#include "interrupt.h"
#include "stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum filter { NONE, SUB, UP, AVERAGE, PAETH, FILTERS }; /* section 9.2 */

/* The neighbour that is nearest to left + above - corner (section 9.4). */
static uint8_t paeth(int left, int above, int corner) {
    int far_left = abs(above - corner), far_above = abs(left - corner), far_corner = abs(left + above - 2 * corner);
    if (far_left <= far_above && far_left <= far_corner) return (uint8_t)left;
    return (uint8_t)(far_above <= far_corner ? above : corner);
}

/* A row of `count` bytes as its differences from what a filter expects; `last` is the row above, of zeros for the
   first. How large they are: the sum of their absolute values as signed bytes. */
static size_t filter_row(enum filter filter, const uint8_t *row, const uint8_t *last, size_t count, size_t channels,
                         uint8_t *to) {
    size_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t left = i < channels ? 0 : row[i - channels], above = last[i];
        uint8_t corner = i < channels ? 0 : last[i - channels], expected = 0;
        if (filter == SUB) expected = left;
        if (filter == UP) expected = above;
        if (filter == AVERAGE) expected = (uint8_t)((left + above) / 2);
        if (filter == PAETH) expected = paeth(left, above, corner);
        to[i] = (uint8_t)(row[i] - expected);
        sum += to[i] < 128 ? to[i] : 256u - to[i];
    }
    return sum;
}

/* All rows, each with the number of its filter in front: the one whose differences are smallest (section 12.7).
   `zeros` are those of a row. */
static void filter_rows(const struct image *image, const uint8_t *data, const uint8_t *zeros, uint8_t *to) {
    const size_t count = image->width * image->channels;
    for (size_t y = 0; y < image->height && !interrupt_pending(); y++, to += count + 1) {
        const uint8_t *row = data + y * count, *last = y > 0 ? row - count : zeros;
        enum filter best = NONE;
        size_t least = SIZE_MAX;
        for (enum filter filter = NONE; filter < FILTERS; filter++) {
            size_t sum = filter_row(filter, row, last, count, image->channels, to + 1);
            if (sum < least) best = filter, least = sum;
        }
        *to = (uint8_t)best;
        filter_row(best, row, last, count, image->channels, to + 1);
    }
}

static uint8_t *put_number(uint8_t *to, size_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) *to++ = (uint8_t)(value >> shift);
    return to;
}

/* Closes a chunk whose content begins at `content`, after its length and its kind, and ends at `to`. */
static uint8_t *end_chunk(uint8_t *content, uint8_t *to) {
    put_number(content - 8, (size_t)(to - content));
    return put_number(to, stream_crc32(0, content - 4, (size_t)(to - content) + 4));
}

static uint8_t *begin_chunk(uint8_t *to, const char *kind) {
    memcpy(to + 4, kind, 4);
    return to + 8;
}

/* The bytes of all rows with their filters; what they are at most when they are compressed, with all around it. */
static size_t rows_size(const struct image *image) { return image->height * (1 + image->width * image->channels); }
static size_t file_most(const struct image *image) { return rows_size(image) + rows_size(image) / 1024 + 1024; }

/* The compressed rows in zlib's frame (RFC 1950). NULL where memory is short; unfinished after an interrupt. */
static uint8_t *compress_rows(const uint8_t *rows, size_t count, uint8_t *to, size_t room) {
    struct stream stream = {.from = rows, .left = count, .to = to + 2, .room = room - 6};
    memcpy(to, "\x78\x9c", 2);
    enum stream_state state = stream_deflate(&stream);
    if (state == STREAM_OPEN) state = stream_move(&stream);
    stream_end(&stream);
    if (state != STREAM_ENDED && !interrupt_pending()) return NULL;
    return put_number(stream.to, stream_adler32(rows, count));
}

static bool encode(struct image *image, const uint8_t *data, uint8_t *rows, const uint8_t *zeros, uint8_t *to,
                   size_t *size) {
    uint8_t *at = to, *content;
    filter_rows(image, data, zeros, rows);
    memcpy(at, "\x89PNG\r\n\x1a\n", 8);
    content = begin_chunk(at + 8, "IHDR");
    at = put_number(put_number(content, image->width), image->height);
    memcpy(at, image->channels == 3 ? "\x08\x02\0\0\0" : "\x08\0\0\0\0", 5);
    at = end_chunk(content, at + 5);
    content = begin_chunk(at, "sRGB");
    *content = 0; /* perceptual */
    at = end_chunk(content, content + 1);
    content = begin_chunk(at, "IDAT");
    at = compress_rows(rows, rows_size(image), content, *size - (size_t)(content - to) - 16);
    if (!at) return false;
    at = end_chunk(content, at);
    content = begin_chunk(at, "IEND");
    at = end_chunk(content, content);
    *size = (size_t)(at - to);
    return true;
}

bool image_encode_png(struct image *image, const uint8_t *data, uint8_t *to, size_t *size) {
    if (!image_plausible(image, 0, 0)) return false;
    if (!to) {
        *size = file_most(image);
        return true;
    }
    uint8_t *rows = malloc(rows_size(image)), *zeros = calloc(image->width, image->channels);
    bool fine = rows && zeros && encode(image, data, rows, zeros, to, size);
    free(rows);
    free(zeros);
    if (!fine) snprintf(image->message, sizeof image->message, "cannot be encoded as PNG: not enough memory");
    return fine;
}
