/* What the fuzzers share: files in memory, choices that are the same each time, and damage.
   Invariant: a damaged file has at least one byte and at most FILE_MAX. */
#ifndef FNET_TESTS_FUZZ_H
#define FNET_TESTS_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { FILE_MAX = 2048 };

struct bytes {
    size_t size;
    unsigned char at[FILE_MAX];
};

static uint64_t state = 20170825; /* SplitMix64, from a fixed start, so that a failure can be repeated */

static inline size_t choose(size_t count) {
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (size_t)((z ^ (z >> 31)) % count);
}

static inline void put(struct bytes *file, size_t byte) {
    if (file->size < FILE_MAX) file->at[file->size++] = (unsigned char)byte;
}

static inline void damage(struct bytes *file) {
    static const unsigned char telling[] = {0x00, 0x01, 0x08, 0x1f, 0x7f, 0x80, 0x8b, 0xff};
    size_t place = choose(choose(2) ? file->size : 1 + file->size / 8); /* often in the header */
    switch (choose(6)) {
    case 0: file->at[place] ^= (unsigned char)(1u << choose(8)); break;
    case 1: file->at[place] = telling[choose(sizeof telling)]; break;
    case 2: file->size = place + 1; break;
    case 3:
        for (size_t more = 1 + choose(4); more > 0; more--) put(file, choose(256));
        break;
    case 4: /* a copy of the front, as a second member would be */
        for (size_t i = 0, size = file->size; i < size - place; i++) put(file, file->at[i]);
        break;
    default: /* a hole */
        file->size--;
        memmove(file->at + place, file->at + place + 1, file->size - place);
        if (file->size == 0) put(file, 0);
    }
}

/* Adds the bytes to the file, as a member of gzip. */
static inline bool add_member(struct bytes *file, const unsigned char *from, size_t size) {
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    if (deflateInit2(&stream, (int)choose(10), Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return false;
    stream.next_in = (unsigned char *)(uintptr_t)from;
    stream.avail_in = (uInt)size;
    stream.next_out = file->at + file->size;
    stream.avail_out = (uInt)(FILE_MAX - file->size);
    bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    file->size = FILE_MAX - stream.avail_out;
    deflateEnd(&stream);
    return whole;
}

/* Makes one member of gzip of it, or two; false where that is too long. */
static inline bool compress_file(struct bytes *file) {
    struct bytes plain = *file;
    size_t first = choose(3) ? plain.size : choose(plain.size + 1);
    file->size = 0;
    return add_member(file, plain.at, first) &&
           (first == plain.size || add_member(file, plain.at + first, plain.size - first));
}

static inline void report(unsigned long iteration, const struct bytes *file) {
    printf("iteration %lu: a file of %zu bytes, starting with", iteration, file->size);
    for (size_t k = 0; k < file->size && k < 40; k++) printf(" %02X", file->at[k]);
    printf("\n");
}

#endif
