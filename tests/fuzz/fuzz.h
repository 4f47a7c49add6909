/* What the fuzz targets share. A target is one function, LLVMFuzzerTestOneInput: it takes bytes that anybody may
   have made and aborts where these are neither read rightly nor refused with a reason. Who calls it is one of two:
   libFuzzer with what it invents (make fuzz), or replay.c with the corpus and with damage to it (make test).
   Invariant: what a target does depends on its bytes alone. */
#ifndef FNET_TESTS_FUZZ_H
#define FNET_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { FUZZ_MOST = 1 << 16 }; /* bytes of an input */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Optional: before the first input. */
int LLVMFuzzerInitialize(int *count, char ***arguments);

static inline void require(bool good, const char *what) {
    if (good) return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static inline bool is_gzip(const uint8_t *data, size_t size) {
    return size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
}

/* The bytes as a member of gzip, which are less than 2 * FUZZ_MOST; gives its size. */
static inline size_t compress_member(const uint8_t *data, size_t size, uint8_t *to) {
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    require(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK, "no memory for zlib");
    stream.next_in = (unsigned char *)(uintptr_t)data; /* zlib's interface lacks the const */
    stream.avail_in = (uInt)size;
    stream.next_out = to;
    stream.avail_out = 2 * FUZZ_MOST;
    require(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib did not compress");
    size_t written = 2 * FUZZ_MOST - stream.avail_out;
    deflateEnd(&stream);
    return written;
}

#endif
