/* The reader of idx.h. */
#include "idx.h"

#include <stdarg.h>
#include <string.h>

static bool fail(struct idx_reader *reader, int code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->input.message, sizeof reader->input.message, format, arguments);
    va_end(arguments);
    reader->input.code = code;
    return false;
}

static bool open_input(struct idx_reader *reader) {
    struct input *input = &reader->input;
    if (!input_start(input, reader->file, INPUT_ANY, UINT64_MAX)) return false;
    return input->stream.left > 0 || fail(reader, 0, "is empty, expected an IDX file");
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

/* The rest of the beginning, as far as it can be read. */
static void keep_beginning(struct idx_reader *reader, size_t count) {
    size_t more = 0;
    input_take(&reader->input, reader->beginning + count, IDX_BEGINNING - count, &more);
    reader->beginning_size = count + more;
}

bool idx_open(struct idx_reader *reader, FILE *file, int classes, uint64_t limit) {
    unsigned char bytes[4 * TENSOR_MAX_RANK], *beginning = reader->beginning;
    size_t shape[TENSOR_MAX_RANK], taken;
    reader->file = file;
    reader->classes = classes;
    if (!open_input(reader) || !input_take(&reader->input, beginning, 4, &taken)) return false;
    if (taken >= 2 && (beginning[0] != 0 || beginning[1] != 0)) {
        keep_beginning(reader, taken);
        return fail(reader, 0, "starts with the bytes %02X %02X, expected 00 00 of an IDX file", beginning[0],
                    beginning[1]);
    }
    if (taken < 4)
        return fail(reader, 0, "ends after %zu bytes, inside the 4 bytes that an IDX file starts with", taken);
    int rank = beginning[3];
    if (!read_encoding(reader, beginning[2])) return false;
    if (rank < 1 || rank > TENSOR_MAX_RANK)
        return fail(reader, 0, "has %d dimensions, expected 1 to %d", rank, TENSOR_MAX_RANK);
    size_t size = 4 * (size_t)rank;
    if (!input_take(&reader->input, bytes, size, &taken)) return false;
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

bool idx_expect(struct idx_reader *reader) {
    return input_expect(&reader->input, tensor_count(&reader->layout) * encoding_sizes[reader->encoding]);
}

bool idx_read(struct idx_reader *reader, void *data) {
    struct input *input = &reader->input;
    size_t count = tensor_count(&reader->layout);
    if (!input_elements(input, reader->encoding, true, count, reader->layout.dtype, data)) return false;
    if (!input_finish(input)) return false;
    return reader->classes == 0 || shift_labels(reader, data, count);
}

void idx_close(struct idx_reader *reader) {
    input_end(&reader->input);
    if (reader->file) fclose(reader->file);
    reader->file = NULL;
}
