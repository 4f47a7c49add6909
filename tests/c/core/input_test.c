/* input: each format against the bytes that went in, taken in odd sizes; rows in any order; what is cut, damaged,
   or goes on. */
#include "../check.h"

#include "../../../src/core/input.h"

enum { COUNT = 300000, PACKED = 2 * COUNT };

static unsigned char plain[COUNT], packed[PACKED], got[COUNT + 1];
static struct input input;

/* The bytes, compressed as a member of gzip (window 31) or bare (-15), behind the `at` that are there. */
static size_t compress_bytes(size_t at, const unsigned char *from, size_t size, int window) {
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    bool fine = deflateInit2(&stream, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    stream.next_in = (unsigned char *)(uintptr_t)from;
    stream.avail_in = (uInt)size;
    stream.next_out = packed + at;
    stream.avail_out = (uInt)(PACKED - at);
    check(fine && deflate(&stream, Z_FINISH) == Z_STREAM_END, "not compressed");
    deflateEnd(&stream);
    return PACKED - stream.avail_out;
}

static FILE *open_bytes(const unsigned char *bytes, size_t size) {
    FILE *file = tmpfile();
    bool fine = file && fwrite(bytes, 1, size, file) == size && fseek(file, 0, SEEK_SET) == 0;
    if (!check(fine, "no file")) exit(EXIT_FAILURE);
    return file;
}

static bool start(FILE *file, enum input_format format, uint64_t length) {
    memset(&input, 0, sizeof input);
    return input_start(&input, file, format, length);
}

/* Takes all that there is in steps; how much it was. */
static size_t take_all(size_t step) {
    size_t total = 0, taken = 1;
    while (taken > 0 && total < COUNT) {
        size_t room = COUNT + 1 - total;
        if (!check(input_take(&input, got + total, room < step ? room : step, &taken), "%s", input.message)) break;
        total += taken;
    }
    return total;
}

static void test_formats(void) {
    static const size_t steps[] = {1000, 65536, 100001, COUNT + 1};
    test("what went in comes out, however it is taken");
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++)
        for (int format = 0; format < INPUT_FORMAT_COUNT; format++)
            for (int gzip = 0; gzip < (format == INPUT_ANY ? 2 : 1); gzip++) {
                size_t size = COUNT;
                memcpy(packed, plain, COUNT);
                if (format == INPUT_DEFLATED) size = compress_bytes(0, plain, COUNT, -15);
                if (gzip)
                    size = compress_bytes(compress_bytes(0, plain, 12345, 31), plain + 12345, COUNT - 12345, 31);
                FILE *file = open_bytes(packed, size);
                check(start(file, (enum input_format)format, format == INPUT_ANY ? UINT64_MAX : size), "start");
                memset(got, 0, sizeof got);
                check(take_all(steps[s]) == COUNT && memcmp(got, plain, COUNT) == 0, "%s came out otherwise",
                      input_format_names[format]);
                check(input_finish(&input), "%s: %s", input_format_names[format], input.message);
                check(input.crc == (format >= INPUT_STORED ? stream_crc32(0, plain, COUNT) : 0), "CRC-32");
                input_end(&input);
                fclose(file);
            }
}

/* zlib holds the last bytes of the file before it has given what they stand for. */
static void test_bare_ends(void) {
    test("compressed data comes out wherever what is taken ends within its last codes");
    for (size_t size = 1; size < 200; size++) {
        size_t packed_size = compress_bytes(0, plain, size, -15), taken;
        FILE *file = open_bytes(packed, packed_size);
        for (size_t first = 1; first <= size; first++) {
            rewind(file);
            bool fine = start(file, INPUT_DEFLATED, packed_size) && input_take(&input, got, first, &taken) &&
                        taken == first && input_take(&input, got + first, size - first, &taken) &&
                        input_finish(&input);
            check(fine && memcmp(got, plain, size) == 0, "%zu of %zu: %s", first, size, input.message);
            input_end(&input);
        }
        fclose(file);
    }
}

static void test_part(void) {
    size_t taken = 0;
    FILE *file = open_bytes(plain, COUNT);
    test("a part ends where it was said to, and leaves the rest");
    check(start(file, INPUT_PLAIN, 1000) && input_take(&input, got, 2000, &taken) && taken == 1000, "%zu", taken);
    check(input_finish(&input), "%s", input.message);
    check(start(file, INPUT_PLAIN, 1000) && input_take(&input, got, 999, &taken), "%s", input.message);
    check(memcmp(got, plain + 1000, 999) == 0, "the next part is another");
    check(!input_finish(&input) &&
              strcmp(input.message, "goes on after the 999 bytes that its header declares") == 0,
          "'%s'", input.message);
    fclose(file);
}

static void test_elements(void) {
    enum { MANY = COUNT / 8 };
    static int32_t numbers[MANY];
    static int64_t wide[MANY];
    test("elements are decoded in pieces, and a bad one is named wherever it is");
    for (size_t i = 0; i < MANY; i++) wide[i] = (int64_t)i - 7;
    for (size_t bad = 0; bad <= MANY; bad += MANY / 3) {
        if (bad < MANY) wide[bad] = INT64_MAX;
        FILE *file = open_bytes((unsigned char *)wide, MANY * 8);
        bool fine = start(file, INPUT_PLAIN, UINT64_MAX) &&
                    input_elements(&input, ENCODING_I64, false, MANY, INT32, numbers);
        char message[80];
        snprintf(message, sizeof message, "holds, as element %zu, a whole number that int32 cannot hold", bad + 1);
        check(fine == (bad == MANY) && (fine || strcmp(message, input.message) == 0), "'%s'", input.message);
        if (bad < MANY) wide[bad] = (int64_t)bad - 7;
        fclose(file);
    }
    for (size_t i = 0; i < MANY; i++)
        if (numbers[i] != (int32_t)i - 7) check(false, "%zu became %d", i, numbers[i]);
    FILE *file = open_bytes((unsigned char *)wide, 1001);
    check(start(file, INPUT_PLAIN, UINT64_MAX) &&
              !input_elements(&input, ENCODING_I64, false, 126, INT32, numbers) &&
              strcmp(input.message, "ends after 1001 of the 1008 bytes that its header declares") == 0,
          "'%s'", input.message);
    fclose(file);
}

static void test_rows(void) {
    enum { WIDTH = 7, ROWS = 1000, FIRST = 13 };
    static int32_t index[ROWS];
    static uint16_t words[ROWS * WIDTH];
    static int32_t rows[ROWS * WIDTH];
    test("rows come in any order, twice too, of either byte order");
    for (int i = 0; i < ROWS; i++) index[i] = i % 5 < 3 ? i + 1 : 1 + (int32_t)(random_bits() % ROWS);
    memcpy(words, plain, sizeof words);
    FILE *file = open_bytes(plain, FIRST);
    fseek(file, 0, SEEK_END);
    check(fwrite(words, 1, sizeof words, file) == sizeof words && fflush(file) == 0, "not written");
    for (int swapped = 0; swapped <= 1; swapped++) {
        memset(&input, 0, sizeof input);
        input.file = file;
        check(input_rows(&input, FIRST, WIDTH, ENCODING_U16, swapped, index, ROWS, rows), "%s", input.message);
        for (int i = 0; i < ROWS * WIDTH; i++) {
            uint16_t word = words[(index[i / WIDTH] - 1) * WIDTH + i % WIDTH];
            if (swapped != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)) word = (uint16_t)(word << 8 | word >> 8);
            if (rows[i] != word) check(false, "element %d is %d", i, rows[i]);
        }
    }
    check(ftruncate(fileno(file), FIRST + 20) == 0, "not cut");
    check(!input_rows(&input, FIRST, WIDTH, ENCODING_U16, false, index, ROWS, rows) &&
              strcmp(input.message, "ends early: it was cut short after it was opened") == 0,
          "'%s'", input.message);
    fclose(file);
}

/* Reads all; the message of what fails. */
static const char *fault(enum input_format format, size_t size) {
    size_t taken;
    FILE *file = open_bytes(packed, size);
    bool fine = start(file, format, UINT64_MAX) && input_take(&input, got, COUNT, &taken) && input_finish(&input);
    input_end(&input);
    fclose(file);
    return fine ? "" : input.message;
}

static void faulty(const char *expected, enum input_format format, size_t size) {
    const char *message = fault(format, size);
    check(strcmp(message, expected) == 0, "'%s', expected '%s'", message, expected);
}

static void test_faults(void) {
    char message[100];
    test("what is cut, damaged or goes on is refused");
    size_t size = compress_bytes(0, plain, COUNT, -15);
    packed[size] = 0;
    faulty("", INPUT_DEFLATED, size);
    faulty("goes on after its compressed data", INPUT_DEFLATED, size + 1);
    snprintf(message, sizeof message, "compressed data is cut short: it ends after %d decompressed bytes", COUNT);
    faulty(message, INPUT_DEFLATED, size - 1);
    packed[0] = 0xff; /* a block of a kind that there is not */
    faulty("compressed data is damaged after 0 decompressed bytes: invalid block type", INPUT_DEFLATED, size);
    size = compress_bytes(0, plain, 1000, 31);
    size_t both = compress_bytes(size, plain + 1000, COUNT - 1000, 31);
    faulty("", INPUT_ANY, both);
    packed[size + 1] = 0;
    faulty("gzip data is damaged after 1000 decompressed bytes: incorrect header check", INPUT_ANY, both);
    packed[size] = 0;
    faulty("goes on after its gzip data, expected another gzip member or the end of the file", INPUT_ANY, both);
    faulty("gzip data is cut short: the file ends after 1000 decompressed bytes", INPUT_ANY, size - 1);
}

static void expect_room(const char *what, uint64_t bytes, bool fits) {
    bool fine = input_expect(&input, bytes);
    check(fine == fits, "%s: %llu bytes: %s", what, (unsigned long long)bytes, fine ? "accepted" : input.message);
}

static void test_expected(void) {
    size_t taken;
    test("what a header declares is compared with the size of the file");
    FILE *file = open_bytes(plain, 1000);
    start(file, INPUT_ANY, UINT64_MAX);
    input_take(&input, got, 100, &taken);
    expect_room("plain", 900, true);
    expect_room("plain", 901, false);
    check(strcmp(input.message, "ends after 1000 of the 1001 bytes that its header declares") == 0, "%s",
          input.message);
    input_end(&input);
    fseek(file, 10, SEEK_SET);
    start(file, INPUT_STORED, 500);
    expect_room("a part", 500, true);
    expect_room("a part", 501, false);
    input_end(&input);
    fclose(file);
    test("and with what compressed bytes can stand for");
    memset(got, 0, COUNT);
    size_t size = compress_bytes(0, got, COUNT, 31);
    file = open_bytes(packed, size);
    start(file, INPUT_ANY, UINT64_MAX);
    input_take(&input, got, 10, &taken);
    expect_room("gzip", COUNT - 10, true);
    expect_room("gzip", (size + 20) * 1032, false);
    input_end(&input);
    fclose(file);
    test("a pipe may go on for long");
    int ends[2];
    if (!check(pipe(ends) == 0, "no pipe")) return;
    file = fdopen(ends[0], "rb");
    start(file, INPUT_PLAIN, UINT64_MAX);
    expect_room("a pipe", INPUT_PIPE_MOST, true);
    expect_room("a pipe", INPUT_PIPE_MOST + 1, false);
    input_end(&input);
    fclose(file);
    close(ends[1]);
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    for (size_t i = 0; i < COUNT; i++) plain[i] = i % 3 ? (unsigned char)random_bits() : 0;
    plain[0] = 'x'; /* no gzip */
    test_formats();
    test_bare_ends();
    test_part();
    test_elements();
    test_rows();
    test_faults();
    test_expected();
    return check_end();
}
