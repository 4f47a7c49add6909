/* All that is delivered comes through input_take. */
#include "input.h"

#include "interrupt.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define PIECE 65536       /* bytes that are decoded at a time */
#define DEFLATE_MOST 1032 /* bytes that one byte can stand for (zlib's technical details) */
#define DEFLATE_BEGUN 16  /* bytes that zlib may have taken already for what comes next */

const char *const input_format_names[INPUT_FORMAT_COUNT + 1] = {"plain", "any", "stored", "deflated", NULL};

static bool fail(struct input *input, int code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(input->message, sizeof input->message, format, arguments);
    va_end(arguments);
    input->code = code;
    return false;
}

static bool fail_system(struct input *input, int code) { return fail(input, code, "%s", strerror(code)); }

static bool fail_interrupted(struct input *input) { return fail(input, EINTR, "interrupted"); }

/* Reads at the input's place, and leaves the file where it stands: a process that forked may share that. */
static bool read_at(struct input *input, unsigned char *to, size_t size, size_t *got) {
    for (*got = 0; *got < size;) {
        ssize_t step = pread(fileno(input->file), to + *got, size - *got, (off_t)input->place);
        if (step < 0 && errno != EINTR) return fail_system(input, errno);
        if (step == 0) break;
        if (step > 0) *got += (size_t)step, input->place += step;
    }
    return true;
}

/* Reads as much as possible; *got < size only at the end of the part. */
static bool read_file(struct input *input, unsigned char *to, size_t size, size_t *got) {
    if (size > input->ahead) size = (size_t)input->ahead;
    if (input->place > 0) {
        if (!read_at(input, to, size, got)) return false;
    } else {
        errno = 0;
        *got = size > 0 ? fread(to, 1, size, input->file) : 0;
        if (*got < size && ferror(input->file)) return fail_system(input, errno ? errno : EIO);
    }
    input->ahead = *got < size ? 0 : input->ahead - *got;
    return true;
}

static bool refill(struct input *input) {
    size_t got;
    if (!read_file(input, input->buffer, sizeof input->buffer, &got)) return false;
    input->stream.from = input->buffer;
    input->stream.left = got;
    return true;
}

static bool begin_stream(struct input *input) {
    enum stream_state state = stream_inflate(&input->stream, input->format == INPUT_ANY);
    if (state == STREAM_NO_MEMORY) return fail_system(input, ENOMEM);
    if (state == STREAM_DAMAGED) return fail(input, 0, "cannot start zlib: %s", input->stream.message);
    input->compressed = true;
    return true;
}

bool input_start(struct input *input, FILE *file, enum input_format format, uint64_t length) {
    input->file = file;
    input->ahead = length;
    input->format = format;
    if (format == INPUT_DEFLATED) return begin_stream(input);
    if (format != INPUT_ANY) return true;
    if (!refill(input)) return false;
    bool gzip = input->stream.left >= 2 && input->buffer[0] == 0x1f && input->buffer[1] == 0x8b;
    return !gzip || begin_stream(input);
}

static bool take_plain(struct input *input, unsigned char *to, size_t size, size_t *taken) {
    struct stream *stream = &input->stream;
    *taken = stream->left < size ? stream->left : size;
    if (*taken > 0) {
        memcpy(to, stream->from, *taken);
        stream->from += *taken;
        stream->left -= *taken;
    }
    while (*taken < size) {
        size_t step = size - *taken < STREAM_STEP ? size - *taken : STREAM_STEP, got;
        if (interrupt_pending()) return fail_interrupted(input);
        if (!read_file(input, to + *taken, step, &got)) return false;
        *taken += got;
        if (got < step) break;
    }
    return true;
}

/* After the end of compressed data: goes on where another member of gzip begins. */
static bool next_member(struct input *input) {
    struct stream *stream = &input->stream;
    input->ended = true;
    if (input->format != INPUT_ANY) return true;
    if (stream->left == 0 && !refill(input)) return false;
    if (stream->left == 0 || stream->from[0] != 0x1f) return true;
    input->ended = false;
    return inflateReset(&stream->zlib) == Z_OK || fail(input, 0, "cannot start zlib again");
}

static bool take_compressed(struct input *input, unsigned char *to, size_t size, size_t *taken) {
    const char *what = input->format == INPUT_ANY ? "gzip data" : "compressed data";
    struct stream *stream = &input->stream;
    stream->to = to;
    stream->room = size;
    for (*taken = 0; *taken < size && !input->ended;) {
        if (interrupt_pending()) return fail_interrupted(input);
        if (stream->left == 0 && !refill(input)) return false;
        bool at_end = stream->left == 0; /* zlib may hold the last bytes and still give what they stand for */
        enum stream_state state = stream_move(stream);
        bool moved = size - stream->room > *taken;
        *taken = size - stream->room;
        if (at_end && !moved && state == STREAM_OPEN && !interrupt_pending())
            return fail(input, 0, "%s is cut short: %s ends after %zu decompressed bytes", what,
                        input->format == INPUT_ANY ? "the file" : "it", input->taken + *taken);
        if (state == STREAM_NO_MEMORY) return fail_system(input, ENOMEM);
        if (state == STREAM_DAMAGED)
            return fail(input, 0, "%s is damaged after %zu decompressed bytes: %s", what, input->taken + *taken,
                        stream->message);
        if (state == STREAM_ENDED && !next_member(input)) return false;
    }
    return true;
}

bool input_take(struct input *input, void *to, size_t size, size_t *taken) {
    bool fine = input->compressed ? take_compressed(input, to, size, taken) : take_plain(input, to, size, taken);
    if (input->format >= INPUT_STORED) input->crc = stream_crc32(input->crc, to, *taken);
    input->taken += *taken;
    return fine;
}

/* The bytes of the part that were not taken yet; UINT64_MAX where the size of the file tells nothing: a pipe's, or
   that of a file which the system makes up. */
static uint64_t bytes_left(const struct input *input) {
    struct stat status;
    off_t at = input->place > 0 ? (off_t)input->place : ftello(input->file);
    if (fstat(fileno(input->file), &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0 || at < 0)
        return UINT64_MAX;
    uint64_t rest = status.st_size > at ? (uint64_t)(status.st_size - at) : 0;
    return input->stream.left + (rest < input->ahead ? rest : input->ahead);
}

bool input_is_open_ended(const struct input *input) { return input->compressed || bytes_left(input) == UINT64_MAX; }

bool input_expect(struct input *input, uint64_t bytes) {
    const uint64_t left = bytes_left(input);
    if (left == UINT64_MAX) {
        if (bytes <= INPUT_PIPE_MOST) return true;
        return fail(input, 0, "declares %llu bytes of elements; the limit for a pipe is %llu, save it as a file",
                    (unsigned long long)bytes, (unsigned long long)INPUT_PIPE_MOST);
    }
    if (!input->compressed) {
        if (bytes <= left) return true;
        return fail(input, 0, "ends after %llu of the %llu bytes that its header declares",
                    (unsigned long long)(input->taken + left), (unsigned long long)(input->taken + bytes));
    }
    if (bytes / DEFLATE_MOST <= left + DEFLATE_BEGUN) return true;
    return fail(input, 0, "declares %llu bytes of elements, more than can be in %llu compressed ones",
                (unsigned long long)bytes, (unsigned long long)left);
}

/* Elements that have to be changed on their way. */
static bool decode_pieces(struct input *input, enum encoding encoding, bool big_endian, size_t count,
                          enum dtype dtype, unsigned char *to, size_t *taken, size_t *bad) {
    unsigned char piece[PIECE];
    const size_t size = encoding_sizes[encoding];
    size_t whole = 0, got = PIECE;
    for (*taken = 0; whole < count && got == PIECE; *taken += got) {
        size_t step = count - whole < PIECE / size ? count - whole : PIECE / size;
        if (!input_take(input, piece, step * size, &got)) return false;
        if (!decode_elements(encoding, big_endian, piece, got / size, dtype, to + whole * dtype_sizes[dtype],
                             bad)) {
            *bad += whole;
            return false;
        }
        whole += got / size;
    }
    return true;
}

/* input_elements; *bad is the number of the whole number that does not fit, SIZE_MAX where all do. */
static bool take_elements(struct input *input, enum encoding encoding, bool big_endian, size_t count,
                          enum dtype dtype, void *to, size_t *bad) {
    const size_t size = count * encoding_sizes[encoding];
    size_t taken;
    *bad = SIZE_MAX;
    bool fine = decode_is_copy(encoding, big_endian, dtype)
                    ? input_take(input, to, size, &taken)
                    : decode_pieces(input, encoding, big_endian, count, dtype, to, &taken, bad);
    if (interrupt_pending()) return fail_interrupted(input);
    if (!fine || taken == size) return fine;
    return fail(input, 0, "ends after %zu of the %zu bytes that its header declares", input->taken,
                input->taken - taken + size);
}

bool input_elements(struct input *input, enum encoding encoding, bool big_endian, size_t count, enum dtype dtype,
                    void *to) {
    size_t bad;
    bool fine = take_elements(input, encoding, big_endian, count, dtype, to, &bad);
    return bad == SIZE_MAX
               ? fine
               : fail(input, 0, "holds, as element %zu, a whole number that int32 cannot hold", bad + 1);
}

bool input_rows(struct input *input, uint64_t first, size_t width, enum encoding encoding, bool big_endian,
                const int32_t *index, size_t count, void *y) {
    const enum dtype dtype = encoding_dtypes[encoding];
    const uint64_t bytes = (uint64_t)width * encoding_sizes[encoding];
    unsigned char *to = y;
    size_t run, bad;
    for (size_t i = 0; i < count; i += run, to += run * width * dtype_sizes[dtype]) {
        for (run = 1; i + run < count && index[i + run] == index[i] + (int32_t)run;) run++;
        input->place = (int64_t)(first + (uint64_t)(index[i] - 1) * bytes);
        input->ahead = run * bytes;
        bool fine = take_elements(input, encoding, big_endian, run * width, dtype, to, &bad);
        if (bad < SIZE_MAX)
            return fail(input, 0, "holds, in row %zu, a whole number that int32 cannot hold",
                        (size_t)index[i] + bad / width);
        if (!fine && input->code == 0) return fail(input, 0, "ends early: it was cut short after it was opened");
        if (!fine) return false;
    }
    return true;
}

bool input_finish(struct input *input) {
    unsigned char extra;
    size_t taken, before = input->taken;
    if (!input_take(input, &extra, 1, &taken)) return false;
    if (taken > 0) return fail(input, 0, "goes on after the %zu bytes that its header declares", before);
    if (!input->compressed || input->format == INPUT_ANY) {
        if (input->stream.left == 0) return true;
        return fail(input, 0, "goes on after its gzip data, expected another gzip member or the end of the file");
    }
    if (input->stream.left == 0 && input->ahead == 0) return true;
    return fail(input, 0, "goes on after its compressed data");
}

void input_end(struct input *input) { stream_end(&input->stream); }
