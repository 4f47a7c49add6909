/* The reader of idx.h. Everything it reads comes through take(), which hands out the decoded bytes of a plain or
   compressed file alike and writes them straight to where they belong; conversion happens there, in place. */
#include "idx.h"
#include "interrupt.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

enum element { UNSIGNED_8 = 0x08, SIGNED_8, SIGNED_16 = 0x0B, SIGNED_32, REAL_32, REAL_64 };

/* Output of one step: small enough that Ctrl-C is noticed quickly. */
#define STEP_SIZE ((size_t)4 << 20)

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
    reader->stream.next_in = reader->buffer;
    reader->stream.avail_in = (uInt)got;
    return true;
}

static bool take_plain(struct idx_reader *reader, unsigned char *to, size_t size, size_t *taken) {
    size_t buffered = reader->stream.avail_in < size ? reader->stream.avail_in : size;
    if (buffered > 0) memcpy(to, reader->stream.next_in, buffered);
    reader->stream.next_in += buffered;
    reader->stream.avail_in -= (uInt)buffered;
    *taken = buffered;
    while (*taken < size) {
        size_t step = size - *taken < STEP_SIZE ? size - *taken : STEP_SIZE, got;
        if (interrupt_pending()) return fail(reader, EINTR, "interrupted");
        if (!read_file(reader, to + *taken, step, &got)) return false;
        *taken += got;
        if (got < step) break;
    }
    return true;
}

static bool take_compressed(struct idx_reader *reader, unsigned char *to, size_t size, size_t *taken) {
    z_stream *stream = &reader->stream;
    for (*taken = 0; *taken < size && !reader->ended;) {
        size_t step = size - *taken < STEP_SIZE ? size - *taken : STEP_SIZE;
        if (interrupt_pending()) return fail(reader, EINTR, "interrupted");
        if (stream->avail_in == 0 && !refill(reader)) return false;
        if (stream->avail_in == 0)
            return fail(reader, 0, "gzip data is cut short: the file ends after %zu decompressed bytes",
                        reader->decoded + *taken);
        stream->next_out = to + *taken;
        stream->avail_out = (uInt)step;
        int status = inflate(stream, Z_NO_FLUSH);
        *taken += step - stream->avail_out;
        if (status == Z_MEM_ERROR) return fail_system(reader, ENOMEM);
        if (status != Z_OK && status != Z_STREAM_END)
            return fail(reader, 0, "gzip data is damaged after %zu decompressed bytes: %s",
                        reader->decoded + *taken, stream->msg ? stream->msg : "unknown error");
        reader->ended = status == Z_STREAM_END;
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
    if (reader->stream.avail_in == 0) return fail(reader, 0, "is empty, expected an IDX file");
    if (reader->stream.avail_in >= 2 && reader->buffer[0] == 0x1f && reader->buffer[1] == 0x8b) {
        int status = inflateInit2(&reader->stream, 15 + 16); /* the largest window; gzip and nothing else */
        if (status == Z_MEM_ERROR) return fail_system(reader, ENOMEM);
        if (status != Z_OK) return fail(reader, 0, "cannot start zlib: %s", zError(status));
        reader->compressed = true;
    }
    return true;
}

static uint32_t load_32(const unsigned char *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool element_layout(struct idx_reader *reader) {
    static const struct {
        enum dtype dtype;
        size_t size;
    } elements[] = {[UNSIGNED_8] = {UINT8, 1}, [SIGNED_8] = {INT32, 1},  [SIGNED_16] = {INT32, 2},
                    [SIGNED_32] = {INT32, 4},  [REAL_32] = {FLOAT32, 4}, [REAL_64] = {FLOAT64, 8}};
    if (reader->element > REAL_64 || elements[reader->element].size == 0)
        return fail(reader, 0, "has element type 0x%02X, expected 0x08, 0x09, 0x0B, 0x0C, 0x0D or 0x0E",
                    (unsigned)reader->element);
    reader->layout.dtype = elements[reader->element].dtype;
    reader->element_size = elements[reader->element].size;
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
    reader->element = bytes[2];
    if (!element_layout(reader)) return false;
    if (rank < 1 || rank > TENSOR_MAX_RANK)
        return fail(reader, 0, "has %d dimensions, expected 1 to %d", rank, TENSOR_MAX_RANK);
    size_t size = 4 * (size_t)rank;
    if (!take(reader, bytes, size, &taken)) return false;
    if (taken < size)
        return fail(reader, 0, "ends after %zu bytes, inside its header of %zu bytes for %d dimensions", taken + 4,
                    size + 4, rank);
    for (int axis = 0; axis < rank; axis++) shape[axis] = load_32(bytes + 4 * axis);
    return check_layout(reader, rank, shape, limit);
}

/* Big-endian elements at the end of the memory become native ones from its start. In place: an element is written
   where only it and earlier ones, already converted, were read. */
static void convert(const struct idx_reader *reader, unsigned char *to, const unsigned char *from, size_t count) {
    enum element element = (enum element)reader->element;
    if (element == UNSIGNED_8 && reader->layout.dtype == UINT8) return;
    if (element == REAL_64) {
        for (size_t i = 0; i < count; i++) {
            uint64_t bits = (uint64_t)load_32(from + 8 * i) << 32 | load_32(from + 8 * i + 4);
            memcpy(to + 8 * i, &bits, sizeof bits);
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        int32_t value;
        switch (element) {
        case UNSIGNED_8: value = from[i]; break;
        case SIGNED_8: value = (from[i] ^ 0x80) - 0x80; break;
        case SIGNED_16: value = ((from[2 * i] << 8 | from[2 * i + 1]) ^ 0x8000) - 0x8000; break;
        default: value = (int32_t)load_32(from + 4 * i); break; /* the bits of a float32 too */
        }
        memcpy(to + 4 * i, &value, sizeof value);
    }
}

static bool shift_labels(struct idx_reader *reader, unsigned char *data, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int32_t label;
        memcpy(&label, data + sizeof label * i, sizeof label);
        if (label < 0 || label >= reader->classes)
            return fail(reader, 0, "has label %d in row %zu, expected 0 to %d", (int)label, i + 1,
                        reader->classes - 1);
        label++;
        memcpy(data + sizeof label * i, &label, sizeof label);
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
    if (reader->stream.avail_in == 0 && !refill(reader)) return false;
    if (reader->stream.avail_in == 0) return true;
    return fail(reader, 0, "goes on after its gzip member, expected one member and then the end of the file");
}

bool idx_read(struct idx_reader *reader, void *data) {
    unsigned char *to = data;
    size_t count = tensor_count(&reader->layout), size = count * reader->element_size, taken;
    unsigned char *from = to + (tensor_bytes(&reader->layout) - size);
    if (!take(reader, from, size, &taken)) return false;
    if (taken < size)
        return fail(reader, 0, "ends after %zu of the %zu bytes that its header declares", reader->decoded,
                    reader->decoded - taken + size);
    if (!check_end(reader)) return false;
    convert(reader, to, from, count);
    return reader->classes == 0 || shift_labels(reader, to, count);
}

void idx_close(struct idx_reader *reader) {
    if (reader->compressed) inflateEnd(&reader->stream);
    if (reader->file) fclose(reader->file);
    reader->compressed = false;
    reader->file = NULL;
}
