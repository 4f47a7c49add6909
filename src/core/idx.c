/* The reader of idx.h. Everything it reads comes through take(), which hands out the decoded bytes of a plain or
   compressed file alike and writes them straight to where they belong; decoding happens there, in place. */
#include "idx.h"
#include "interrupt.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static bool fail(struct idx_reader *reader, int code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->message, sizeof reader->message, format, arguments);
    va_end(arguments);
    reader->code = code;
    return false;
}

static bool fail_system(struct idx_reader *reader, int code) {
    if (code == EISDIR) return fail(reader, code, "is a directory, expected an IDX file");
    return fail(reader, code, "%s", strerror(code));
}

/* Reads as much as possible; *got < size only at the end of the file. */
static bool read_file(struct idx_reader *reader, unsigned char *to, size_t size, size_t *got) {
    errno = 0;
    *got = fread(to, 1, size, reader->file);
    if (*got < size && ferror(reader->file)) return fail_system(reader, errno ? errno : EIO);
    return true;
}

static bool refill(struct idx_reader *reader) {
    size_t got;
    if (!read_file(reader, reader->buffer, sizeof reader->buffer, &got)) return false;
    reader->stream.from = reader->buffer;
    reader->stream.left = got;
    return true;
}

static bool take_plain(struct idx_reader *reader, unsigned char *to, size_t size, size_t *taken) {
    struct stream *stream = &reader->stream;
    *taken = stream->left < size ? stream->left : size;
    if (*taken > 0) memcpy(to, stream->from, *taken);
    stream->from += *taken;
    stream->left -= *taken;
    while (*taken < size) {
        size_t step = size - *taken < STREAM_STEP ? size - *taken : STREAM_STEP, got;
        if (interrupt_pending()) return fail(reader, EINTR, "interrupted");
        if (!read_file(reader, to + *taken, step, &got)) return false;
        *taken += got;
        if (got < step) break;
    }
    return true;
}

static bool take_compressed(struct idx_reader *reader, unsigned char *to, size_t size, size_t *taken) {
    struct stream *stream = &reader->stream;
    stream->to = to;
    stream->room = size;
    for (*taken = 0; *taken < size && !reader->ended;) {
        if (interrupt_pending()) return fail(reader, EINTR, "interrupted");
        if (stream->left == 0 && !refill(reader)) return false;
        if (stream->left == 0)
            return fail(reader, 0, "gzip data is cut short: the file ends after %zu decompressed bytes",
                        reader->decoded + *taken);
        enum stream_state state = stream_move(stream);
        *taken = size - stream->room;
        if (state == STREAM_NO_MEMORY) return fail_system(reader, ENOMEM);
        if (state == STREAM_DAMAGED)
            return fail(reader, 0, "gzip data is damaged after %zu decompressed bytes: %s",
                        reader->decoded + *taken, stream->message);
        reader->ended = state == STREAM_ENDED;
    }
    return true;
}

/* Delivers the next decoded bytes; *taken < size only at the end of the data. */
static bool take(struct idx_reader *reader, void *to, size_t size, size_t *taken) {
    bool fine = reader->compressed ? take_compressed(reader, to, size, taken) : take_plain(reader, to, size, taken);
    reader->decoded += *taken;
    return fine;
}

static bool open_stream(struct idx_reader *reader) {
    setvbuf(reader->file, NULL, _IONBF, 0); /* the reader has its own buffer */
    if (!refill(reader)) return false;
    if (reader->stream.left == 0) return fail(reader, 0, "is empty, expected an IDX file");
    if (reader->stream.left >= 2 && reader->buffer[0] == 0x1f && reader->buffer[1] == 0x8b) {
        enum stream_state state = stream_inflate(&reader->stream, true);
        if (state == STREAM_NO_MEMORY) return fail_system(reader, ENOMEM);
        if (state == STREAM_DAMAGED) return fail(reader, 0, "cannot start zlib: %s", reader->stream.message);
        reader->compressed = true;
    }
    return true;
}

/* The encoding that the header's type code stands for. */
static bool read_encoding(struct idx_reader *reader, unsigned code) {
    static const enum encoding encodings[] = {[0x08] = ENCODING_U8,  [0x09] = ENCODING_I8,  [0x0B] = ENCODING_I16,
                                              [0x0C] = ENCODING_I32, [0x0D] = ENCODING_F32, [0x0E] = ENCODING_F64};
    if (code < 0x08 || code == 0x0A || code > 0x0E)
        return fail(reader, 0, "has element type 0x%02X, expected 0x08, 0x09, 0x0B, 0x0C, 0x0D or 0x0E", code);
    reader->encoding = encodings[code];
    reader->layout.dtype = encoding_dtypes[reader->encoding];
    return true;
}

static void format_shape(char *to, size_t size, int rank, const size_t *shape) {
    size_t length = 0;
    for (int axis = 0; axis < rank; axis++)
        length += (size_t)snprintf(to + length, size - length, "%s%zu", axis ? ", " : "", shape[axis]);
}

/* Fills in the layout from the dimensions of the header, and checks it against what the caller wants. */
static bool check_layout(struct idx_reader *reader, int rank, const size_t *shape, uint64_t limit) {
    char text[TENSOR_MAX_RANK * 12]; /* ten digits, comma, space */
    enum dtype dtype = reader->layout.dtype;
    format_shape(text, sizeof text, rank, shape);
    if (reader->classes > 0) {
        if (rank != 1) return fail(reader, 0, "has shape [%s], expected labels in one dimension", text);
        if (dtype_is_float(dtype))
            return fail(reader, 0, "holds %s, expected whole numbers as labels", dtype_names[dtype]);
        dtype = INT32;
    }
    if (!tensor_layout(&reader->layout, dtype, rank, shape))
        return fail(reader, 0, "declares shape [%s] of %s, more bytes than memory has addresses", text,
                    dtype_names[dtype]);
    if (tensor_bytes(&reader->layout) > limit)
        return fail(reader, 0, "declares shape [%s] of %s, %zu bytes; the limit is %llu", text, dtype_names[dtype],
                    tensor_bytes(&reader->layout), (unsigned long long)limit);
    return true;
}

bool idx_open(struct idx_reader *reader, FILE *file, int classes, uint64_t limit) {
    unsigned char bytes[4 * TENSOR_MAX_RANK];
    size_t shape[TENSOR_MAX_RANK], taken;
    reader->file = file;
    reader->classes = classes;
    if (!open_stream(reader) || !take(reader, bytes, 4, &taken)) return false;
    if (taken >= 2 && (bytes[0] != 0 || bytes[1] != 0))
        return fail(reader, 0, "starts with the bytes %02X %02X, expected 00 00 of an IDX file", bytes[0],
                    bytes[1]);
    if (taken < 4)
        return fail(reader, 0, "ends after %zu bytes, inside the 4 bytes that an IDX file starts with", taken);
    int rank = bytes[3];
    if (!read_encoding(reader, bytes[2])) return false;
    if (rank < 1 || rank > TENSOR_MAX_RANK)
        return fail(reader, 0, "has %d dimensions, expected 1 to %d", rank, TENSOR_MAX_RANK);
    size_t size = 4 * (size_t)rank;
    if (!take(reader, bytes, size, &taken)) return false;
    if (taken < size)
        return fail(reader, 0, "ends after %zu bytes, inside its header of %zu bytes for %d dimensions", taken + 4,
                    size + 4, rank);
    for (int axis = 0; axis < rank; axis++) {
        const unsigned char *at = bytes + 4 * axis;
        shape[axis] = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
    }
    return check_layout(reader, rank, shape, limit);
}

static bool shift_labels(struct idx_reader *reader, int32_t *label, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (label[i] < 0 || label[i] >= reader->classes)
            return fail(reader, 0, "has label %d in row %zu, expected 0 to %d", (int)label[i], i + 1,
                        reader->classes - 1);
        label[i]++;
    }
    return true;
}

/* The file must end after the last element: neither another byte of data nor anything behind a gzip member. */
static bool check_end(struct idx_reader *reader) {
    unsigned char extra;
    size_t taken, declared = reader->decoded;
    if (!take(reader, &extra, 1, &taken)) return false;
    if (taken > 0) return fail(reader, 0, "goes on after the %zu bytes that its header declares", declared);
    if (!reader->compressed) return true;
    if (reader->stream.left == 0 && !refill(reader)) return false;
    if (reader->stream.left == 0) return true;
    return fail(reader, 0, "goes on after its gzip member, expected one member and then the end of the file");
}

bool idx_read(struct idx_reader *reader, void *data) {
    unsigned char *to = data;
    size_t count = tensor_count(&reader->layout), size = count * encoding_sizes[reader->encoding], taken, bad;
    unsigned char *from = to + (tensor_bytes(&reader->layout) - size); /* decoding goes on in place */
    if (!take(reader, from, size, &taken)) return false;
    if (taken < size)
        return fail(reader, 0, "ends after %zu of the %zu bytes that its header declares", reader->decoded,
                    reader->decoded - taken + size);
    if (!check_end(reader)) return false;
    decode_elements(reader->encoding, true, from, count, reader->layout.dtype, to, &bad); /* all of them fit */
    if (interrupt_pending()) return fail(reader, EINTR, "interrupted");
    return reader->classes == 0 || shift_labels(reader, data, count);
}

void idx_close(struct idx_reader *reader) {
    stream_end(&reader->stream);
    if (reader->file) fclose(reader->file);
    reader->file = NULL;
}
