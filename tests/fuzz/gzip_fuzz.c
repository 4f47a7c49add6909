/* The input that all readers share, of gzip's members and of bare deflated data: what it delivers, in pieces of any
   size, must be what zlib by itself makes of the whole, and each refusal must give a reason. */
#include "../../src/core/input.h"
#include "fuzz.h"

enum { DECODED_MOST = 4 << 20 };

static uint8_t expected[DECODED_MOST], got[DECODED_MOST];

/* The second opinion. False where the data is damaged, or larger than DECODED_MOST; then nothing is compared. */
static bool decode(const uint8_t *data, size_t size, bool gzip, size_t *count, bool *too_large) {
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    require(inflateInit2(&stream, gzip ? 15 + 16 : -15) == Z_OK, "no memory for zlib");
    stream.next_in = (unsigned char *)(uintptr_t)data; /* zlib's interface lacks the const */
    stream.avail_in = (uInt)size;
    stream.next_out = expected;
    stream.avail_out = DECODED_MOST;
    bool whole = inflate(&stream, Z_FINISH) == Z_STREAM_END;
    while (whole && gzip && stream.avail_in > 0 && stream.next_in[0] == 0x1f) /* another member */
        whole = inflateReset(&stream) == Z_OK && inflate(&stream, Z_FINISH) == Z_STREAM_END;
    *too_large = stream.avail_out == 0;
    *count = DECODED_MOST - stream.avail_out;
    whole = whole && stream.avail_in == 0;
    inflateEnd(&stream);
    return whole;
}

static bool deliver(const uint8_t *data, size_t size, bool gzip, size_t *count) {
    static struct input input;
    memset(&input, 0, sizeof input);
    FILE *file = fmemopen((void *)(uintptr_t)data, size, "r");
    require(file != NULL, "no memory for the file");
    size_t taken = 1, piece = 1 + size % 5000;
    *count = 0;
    bool good = input_start(&input, file, gzip ? INPUT_ANY : INPUT_DEFLATED, gzip ? UINT64_MAX : size);
    while (good && taken > 0) {
        if (piece > DECODED_MOST - *count) piece = DECODED_MOST - *count;
        good = input_take(&input, got + *count, piece, &taken);
        if (good) *count += taken;
    }
    good = good && input_finish(&input);
    require(good || (input.message[0] != '\0' && input.code == 0), "a refusal without its reason");
    input_end(&input);
    fclose(file);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0 || size > FUZZ_MOST) return 0;
    for (int gzip = is_gzip(data, size); gzip >= 0; gzip--) {
        size_t expected_count, count;
        bool too_large, whole = decode(data, size, gzip, &expected_count, &too_large);
        bool good = deliver(data, size, gzip, &count);
        if (too_large) continue;
        require(good == whole, "zlib by itself thinks otherwise");
        require(!good || (count == expected_count && memcmp(got, expected, count) == 0), "other bytes than zlib's");
    }
    return 0;
}
