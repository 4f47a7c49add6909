/* Calls a fuzz target where there is no libFuzzer: NAME_fuzz RUNS calls it with nothing, with each file of
   tests/fuzz/corpus/NAME, and then RUNS times with one of these that was damaged, always in the same way; NAME_fuzz
   FILE with that file. Invariant: the input of a call lies in PROGRAM.input until the call is over, however the
   program ends. A call that takes more than SECONDS_MOST ends it. */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { FILES_MOST = 100, SECONDS_MOST = 60 };

struct bytes {
    size_t size; /* up to FUZZ_MOST; that of files, and after damage, above 0 */
    unsigned char at[FUZZ_MOST];
};

static struct bytes corpus[FILES_MOST];
static size_t corpus_size;
static int kept; /* PROGRAM.input */

#pragma weak LLVMFuzzerInitialize

/* ---- damage ---- */

static uint64_t state = 20170825; /* SplitMix64, from a fixed start, so that a failure can be repeated */

static size_t choose(size_t count) {
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (size_t)((z ^ (z >> 31)) % count);
}

/* Takes away `count` bytes at the place, as far as they are there and one remains, and puts others there. */
static void exchange(struct bytes *file, size_t place, size_t count, const void *others, size_t other_count) {
    if (count > file->size - place) count = file->size - place;
    if (file->size - count + other_count > FUZZ_MOST || file->size - count + other_count == 0) return;
    memmove(file->at + place + other_count, file->at + place + count, file->size - place - count);
    memcpy(file->at + place, others, other_count);
    file->size = file->size - count + other_count;
}

/* A number in binary, over what is there: one at which something may end, in 1 to 8 bytes, in either order. */
static void put_number(struct bytes *file, size_t place) {
    static const uint64_t numbers[] = {0,          1,          2,        0x7f,       0xff,       0x7fff,
                                       0xffff,     INT32_MAX,  1u << 31, UINT32_MAX, 1ull << 32, INT64_MAX,
                                       1ull << 63, UINT64_MAX, 1000000,  12345678901};
    uint64_t number = choose(3) ? numbers[choose(sizeof numbers / sizeof *numbers)] : file->size - choose(9);
    unsigned char bytes[8];
    size_t width = (size_t)1 << choose(4), big_endian = choose(2);
    for (size_t i = 0; i < width; i++) bytes[big_endian ? width - 1 - i : i] = (unsigned char)(number >> 8 * i);
    exchange(file, place, width, bytes, width);
}

/* Something of the text that formats are made of, in the place of the digits or of the byte there. */
static void put_text(struct bytes *file, size_t place) {
    static const char *const texts[] = {"0",
                                        "1",
                                        "-1",
                                        "4294967296",
                                        "9223372036854775807",
                                        "1e999",
                                        "2.0",
                                        "nan",
                                        "\"",
                                        "{",
                                        "}",
                                        "[",
                                        "]",
                                        ",",
                                        ":",
                                        "null",
                                        "\\u0000",
                                        "\n",
                                        "\r",
                                        ";",
                                        "\t",
                                        " ",
                                        "\xC3",
                                        "\xEF\xBB\xBF",
                                        "'",
                                        "(",
                                        ")",
                                        "[[[[[[[[",
                                        "%s",
                                        "/"};
    const char *text = texts[choose(sizeof texts / sizeof *texts)];
    size_t digits = 0;
    while (place + digits < file->size && file->at[place + digits] >= '0' && file->at[place + digits] <= '9')
        digits++;
    exchange(file, place, digits ? digits : choose(2), text, strlen(text));
}

/* A piece of the same file or of another one. */
static void put_piece(struct bytes *file, size_t place) {
    const struct bytes *other = choose(2) ? file : &corpus[choose(corpus_size)];
    static unsigned char piece[FUZZ_MOST];
    size_t from = choose(other->size), count = 1 + choose(other->size - from);
    if (choose(4)) count = 1 + choose(count < 16 ? count : 16);
    memcpy(piece, other->at + from, count);
    exchange(file, place, choose(2) ? count : 0, piece, count);
}

static void damage(struct bytes *file) {
    size_t place = choose(choose(2) ? file->size : 1 + file->size / 8); /* often in the header */
    unsigned char byte = (unsigned char)choose(256);
    switch (choose(8)) {
    case 0: file->at[place] ^= (unsigned char)(1u << choose(8)); break;
    case 1: exchange(file, place, 1, &byte, 1); break;
    case 2: exchange(file, place, 1 + choose(4), "", 0); break;
    case 3: file->size = place + 1; break;
    case 4: put_number(file, place); break;
    case 5: put_text(file, place); break;
    default: put_piece(file, place);
    }
}

/* ---- calling ---- */

/* In memory of exactly that size, for a sanitizer to guard its end. */
static void call(const struct bytes *file) {
    require(pwrite(kept, file->at, file->size, 0) == (ssize_t)file->size && ftruncate(kept, (off_t)file->size) == 0,
            "the input cannot be kept");
    uint8_t *data = malloc(file->size + !file->size);
    require(data != NULL, "no memory for the input");
    memcpy(data, file->at, file->size);
    alarm(SECONDS_MOST);
    LLVMFuzzerTestOneInput(data, file->size);
    alarm(0);
    free(data);
}

static bool read_file(const char *path, struct bytes *file) {
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) return false;
    file->size = fread(file->at, 1, FUZZ_MOST, stream);
    return fclose(stream) == 0 && file->size > 0;
}

static int is_shown(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static bool read_corpus(const char *folder) {
    struct dirent **entries;
    int count = scandir(folder, &entries, is_shown, alphasort);
    bool good = count > 0 && count <= FILES_MOST;
    for (int i = 0; i < count; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        good = good && read_file(path, &corpus[corpus_size++]);
        free(entries[i]);
    }
    if (count >= 0) free(entries);
    return good;
}

int main(int count, char **arguments) {
    static struct bytes file;
    char path[512], *end = NULL;
    unsigned long runs = count == 2 ? strtoul(arguments[1], &end, 10) : 0;
    if (count != 2) {
        fprintf(stderr, "usage: %s RUNS|FILE\n", arguments[0]);
        return EXIT_FAILURE;
    }
    if (LLVMFuzzerInitialize) LLVMFuzzerInitialize(&count, &arguments);
    snprintf(path, sizeof path, "%s.input", arguments[0]);
    kept = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    require(kept >= 0, "the input cannot be kept");
    if (*end != '\0') {
        require(read_file(arguments[1], &file), "the file cannot be read");
        call(&file);
    } else {
        char folder[256];
        const char *slash = strrchr(arguments[0], '/'), *name = slash ? slash + 1 : arguments[0];
        snprintf(folder, sizeof folder, "tests/fuzz/corpus/%.*s", (int)strlen(name) - (int)strlen("_fuzz"), name);
        if (!read_corpus(folder)) {
            perror(folder);
            return EXIT_FAILURE;
        }
        printf("whatever ends this, its last input is in %s\n", path);
        fflush(stdout);
        call(&file); /* nothing at all */
        for (size_t i = 0; i < corpus_size; i++) call(&corpus[i]);
        for (unsigned long i = 0; i < runs; i++) {
            const struct bytes *from = &corpus[choose(corpus_size)];
            memcpy(file.at, from->at, file.size = from->size);
            for (size_t times = 1 + choose(4); times > 0; times--) damage(&file);
            call(&file);
        }
    }
    unlink(path);
    printf("%zu passed, 0 failed\n", *end == '\0' ? 1 + corpus_size + (size_t)runs : 1);
    return EXIT_SUCCESS;
}
