/* Fuzzing of the IDX reader: idx_fuzz ITERATIONS
   Small good files, plain and gzip-compressed, are damaged at random, always in the same way, and read. Each time
   the reader must come to the verdict of a second, simpler opinion that has the whole file in memory, must give
   a reason for each refusal, and must not ask for more memory than the limit.
   Built with -DFNET_LIBFUZZER -fsanitize=fuzzer, libFuzzer invents the files instead. */
#include "../../../src/core/idx.h"
#include "fuzz.h"

enum { LIMIT = 1024, DECODED_MAX = 4096 };

static bool valid_plain(const unsigned char *at, size_t size) {
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

static bool valid(const unsigned char *at, size_t size) {
    unsigned char decoded[DECODED_MAX];
    if (size < 2 || at[0] != 0x1f || at[1] != 0x8b) return valid_plain(at, size);
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    if (inflateInit2(&stream, 15 + 16) != Z_OK) return false;
    stream.next_in = (unsigned char *)(uintptr_t)at; /* zlib's interface lacks the const */
    stream.avail_in = (uInt)size;
    stream.next_out = decoded;
    stream.avail_out = sizeof decoded;
    bool whole = inflate(&stream, Z_FINISH) == Z_STREAM_END;
    while (whole && stream.avail_in > 0 && stream.next_in[0] == 0x1f) { /* another member */
        if (inflateReset(&stream) != Z_OK) return false;
        whole = inflate(&stream, Z_FINISH) == Z_STREAM_END;
    }
    whole = whole && stream.avail_in == 0;
    size = sizeof decoded - stream.avail_out;
    inflateEnd(&stream);
    return whole && valid_plain(decoded, size);
}

static bool reads(struct idx_reader *reader, const unsigned char *at, size_t size, bool *sound) {
    FILE *file = fmemopen((void *)(uintptr_t)at, size, "r");
    if (!file) return *sound = false;
    memset(reader, 0, sizeof *reader);
    bool good = idx_open(reader, file, 0, LIMIT);
    if (good) {
        size_t needed = tensor_bytes(&reader->layout);
        void *data = malloc(needed ? needed : 1); /* exactly as large, for the sanitizer to guard its end */
        *sound = needed <= LIMIT && data;
        good = *sound && idx_read(reader, data);
        free(data);
    }
    idx_close(reader);
    if (!good && (reader->input.message[0] == '\0' || reader->input.code != 0)) *sound = false;
    return good;
}

/* True when the reader and the second opinion agree. */
static bool check(const unsigned char *at, size_t size) {
    static struct idx_reader reader;
    bool sound = true;
    bool agreed = reads(&reader, at, size, &sound) == valid(at, size);
    return agreed && sound;
}

#ifdef FNET_LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 0 && size <= FILE_MAX && !check(data, size)) abort();
    return 0;
}

#else

static void make_good(struct bytes *file) {
    static const unsigned char types[] = {8, 9, 11, 12, 13, 14}, sizes[] = {1, 1, 2, 4, 4, 8};
    size_t type = choose(sizeof types), rank = 1 + choose(TENSOR_MAX_RANK), count = 1;
    file->size = 0;
    put(file, 0), put(file, 0), put(file, types[type]), put(file, rank);
    for (size_t axis = 0; axis < rank; axis++) {
        size_t length = choose(20) == 0 ? 0 : 1 + choose(rank > 3 ? 2 : 5);
        put(file, 0), put(file, 0), put(file, 0), put(file, length);
        count *= length;
    }
    for (size_t i = 0; i < count * sizes[type]; i++) put(file, choose(choose(2) ? 3 : 256));
}

int main(int count, char **arguments) {
    unsigned long iterations = count > 1 ? strtoul(arguments[1], NULL, 10) : 100000, failed = 0;
    for (unsigned long i = 0; i < iterations; i++) {
        struct bytes file;
        make_good(&file);
        if (choose(4) == 0) damage(&file);
        if (choose(2) == 0 && !compress_file(&file)) return EXIT_FAILURE;
        for (size_t times = choose(4); times > 0; times--) damage(&file);
        if (check(file.at, file.size)) continue;
        failed++;
        report(i, &file);
    }
    printf("%lu passed, %lu failed\n", iterations - failed, failed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
