/* Streams longer than a step, in and out of uneven rooms; what is cut, damaged or too long; the CRC-32. */
#include "../check.h"

#include "../../../src/core/stream.h"

enum { PLAIN_SIZE = (9 << 20) + 17, ROOM = PLAIN_SIZE + PLAIN_SIZE / 1000 + 64 };

/* Half noise, so that the compressed data takes several steps too. */
static void make_plain(unsigned char *plain) {
    for (size_t i = 0; i < PLAIN_SIZE; i++) plain[i] = i % 2 ? (unsigned char)random_bits() : 0;
}

static size_t compress_all(const unsigned char *plain, unsigned char *packed) {
    struct stream stream = {.from = plain, .left = PLAIN_SIZE, .to = packed, .room = ROOM};
    bool good = stream_deflate(&stream) == STREAM_OPEN && stream_move(&stream) == STREAM_ENDED;
    check(good && stream.left == 0, "not compressed");
    stream_end(&stream);
    return ROOM - stream.room;
}

/* The state at the end, after the input came in pieces of `piece` bytes. */
static enum stream_state unpack(const unsigned char *packed, size_t size, size_t piece, unsigned char *to,
                                size_t *room) {
    struct stream stream = {.from = packed, .to = to, .room = *room};
    enum stream_state state = stream_inflate(&stream, false);
    for (size_t done = 0; state == STREAM_OPEN && stream.room > 0 && done < size;) {
        stream.left = size - done < piece ? size - done : piece;
        done += stream.left;
        state = stream_move(&stream);
        check(stream.room == 0 || state != STREAM_OPEN || stream.left == 0, "input was left over");
    }
    stream_end(&stream);
    *room = stream.room;
    return state;
}

static void test_round_trip(const unsigned char *plain, const unsigned char *packed, size_t size,
                            unsigned char *to) {
    static const size_t pieces[] = {SIZE_MAX, STREAM_STEP, 1 << 20, 1000};
    test("what was compressed comes back, however it is cut");
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        size_t room = PLAIN_SIZE + 1;
        memset(to, 0, PLAIN_SIZE);
        check(unpack(packed, size, pieces[i], to, &room) == STREAM_ENDED && room == 1, "%zu bytes of room", room);
        check(memcmp(plain, to, PLAIN_SIZE) == 0, "something else came back");
    }
}

static void test_faults(unsigned char *packed, size_t size, unsigned char *to) {
    struct stream stream = {.from = (const unsigned char *)"no gzip", .left = 7, .to = to, .room = 9};
    size_t room = PLAIN_SIZE;
    test("what is cut, damaged or too long");
    check(unpack(packed, size - 1, SIZE_MAX, to, &room) == STREAM_OPEN, "cut: no end was expected");
    room = 1000;
    check(unpack(packed, size, SIZE_MAX, to, &room) == STREAM_OPEN && room == 0, "the room was not filled");
    packed[0] = 0xff; /* a block of a kind that there is not */
    room = PLAIN_SIZE;
    check(unpack(packed, size, SIZE_MAX, to, &room) == STREAM_DAMAGED, "the damage was not seen");
    check(stream_inflate(&stream, true) == STREAM_OPEN && stream_move(&stream) == STREAM_DAMAGED, "taken for gzip");
    check(strcmp(stream.message, "incorrect header check") == 0, "'%s'", stream.message);
    stream_end(&stream);
}

static void test_crc32(void) {
    test("CRC-32");
    check(stream_crc32(0, "123456789", 9) == 0xCBF43926, "of the digits");
    check(stream_crc32(stream_crc32(0, "1234", 4), "56789", 5) == 0xCBF43926, "of two pieces");
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    unsigned char *plain = malloc(PLAIN_SIZE), *packed = malloc(ROOM), *to = malloc(PLAIN_SIZE + 1);
    if (!plain || !packed || !to) return EXIT_FAILURE;
    make_plain(plain);
    size_t size = compress_all(plain, packed);
    test_round_trip(plain, packed, size, to);
    test_faults(packed, size, to);
    test_crc32();
    free(plain);
    free(packed);
    free(to);
    return check_end();
}
