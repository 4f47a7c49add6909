#include "stream.h"

#include "interrupt.h"

static enum stream_state state_of(struct stream *stream, int status) {
    if (status == Z_OK || status == Z_BUF_ERROR) return STREAM_OPEN; /* the latter: nothing left, or no room */
    if (status == Z_STREAM_END) return STREAM_ENDED;
    if (status == Z_MEM_ERROR) return STREAM_NO_MEMORY;
    stream->message = stream->zlib.msg ? stream->zlib.msg : zError(status);
    return STREAM_DAMAGED;
}

enum stream_state stream_inflate(struct stream *stream, bool gzip) {
    int status = inflateInit2(&stream->zlib, gzip ? 15 + 16 : -15); /* the largest window; nothing but the format */
    stream->move = inflate;
    if (status == Z_OK) stream->end = inflateEnd;
    return state_of(stream, status);
}

enum stream_state stream_deflate(struct stream *stream) {
    int status = deflateInit2(&stream->zlib, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    stream->move = deflate;
    if (status == Z_OK) stream->end = deflateEnd;
    return state_of(stream, status);
}

enum stream_state stream_move(struct stream *stream) {
    z_stream *zlib = &stream->zlib;
    int status = Z_OK;
    while (status == Z_OK && stream->room > 0 && !interrupt_pending()) {
        size_t ahead = stream->left < STREAM_STEP ? stream->left : STREAM_STEP;
        size_t step = stream->room < STREAM_STEP ? stream->room : STREAM_STEP;
        zlib->next_in = (unsigned char *)(uintptr_t)stream->from; /* zlib's interface lacks the const */
        zlib->avail_in = (uInt)ahead;
        zlib->next_out = stream->to;
        zlib->avail_out = (uInt)step;
        status = stream->move(zlib, stream->move == deflate && ahead == stream->left ? Z_FINISH : Z_NO_FLUSH);
        stream->left -= ahead - zlib->avail_in;
        stream->room -= step - zlib->avail_out;
        stream->from = zlib->next_in;
        stream->to = zlib->next_out;
    }
    return state_of(stream, status);
}

void stream_end(struct stream *stream) {
    if (stream->end) stream->end(&stream->zlib);
    stream->end = NULL;
}

uint32_t stream_crc32(uint32_t crc, const void *bytes, size_t count) {
    return (uint32_t)crc32_z(crc, bytes, count);
}

uint32_t stream_adler32(const void *bytes, size_t count) { return (uint32_t)adler32_z(1, bytes, count); }
