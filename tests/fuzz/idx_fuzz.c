/* The IDX reader: it must come to the verdict of a second, simpler opinion that has the whole file in memory, also
   where the same file is compressed; must give a reason for each refusal; and must not ask for more memory than the
   limit. What is damaged in the compression itself is a matter of gzip_fuzz.c. */
#include "../../src/core/idx.h"
#include "fuzz.h"

enum { LIMIT = 1024 };

static bool is_valid(const unsigned char *at, size_t size) {
    static const uint64_t in_file[256] = {[8] = 1, [9] = 1, [11] = 2, [12] = 4, [13] = 4, [14] = 8};
    static const uint64_t in_memory[256] = {[8] = 1, [9] = 4, [11] = 4, [12] = 4, [13] = 4, [14] = 8};
    if (size < 4 || at[0] != 0 || at[1] != 0 || in_file[at[2]] == 0) return false;
    size_t header = 4 + 4 * (size_t)at[3];
    if (at[3] < 1 || at[3] > TENSOR_MAX_RANK || size < header) return false;
    bool empty = false;
    uint64_t span = in_memory[at[2]]; /* bytes of the tensor as if no axis were empty: its strides must fit too */
    for (size_t i = 4; i < header; i += 4) {
        uint64_t length = (uint64_t)at[i] << 24 | (uint64_t)at[i + 1] << 16 | (uint64_t)at[i + 2] << 8 | at[i + 3];
        if (length == 0) {
            empty = true;
        } else {
            if (span > PTRDIFF_MAX / length) return false;
            span *= length;
        }
    }
    if (empty) return size == header;
    return span <= LIMIT && size == header + span / in_memory[at[2]] * in_file[at[2]];
}

static bool reads(const unsigned char *at, size_t size) {
    static struct idx_reader reader_memory;
    struct idx_reader *reader = &reader_memory;
    FILE *file = fmemopen((void *)(uintptr_t)at, size, "r");
    require(file != NULL, "no memory for the file");
    memset(reader, 0, sizeof *reader);
    bool good = idx_open(reader, file, 0, LIMIT);
    if (good) {
        size_t needed = tensor_bytes(&reader->layout);
        void *data = malloc(needed ? needed : 1); /* exactly as large, for the sanitizer to guard its end */
        require(needed <= LIMIT && data != NULL, "more memory than the limit");
        good = idx_read(reader, data);
        free(data);
    }
    idx_close(reader);
    require(good || (reader->input.message[0] != '\0' && reader->input.code == 0), "a refusal without its reason");
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t member[2 * FUZZ_MOST];
    if (size == 0 || size > FUZZ_MOST || is_gzip(data, size)) return 0;
    bool valid = is_valid(data, size);
    require(reads(data, size) == valid, "the reader and the second opinion differ");
    require(reads(member, compress_member(data, size, member)) == valid, "they differ where it is compressed");
    return 0;
}
