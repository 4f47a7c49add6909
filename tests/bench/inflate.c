/* What zlib alone needs for gzip files: reads each file whole, then inflates it in one call into memory that was
   touched before, checksum included. Prints the seconds of reading and inflating, opening and memory left out.
     inflate FILE.gz... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void fail(const char *path, const char *why) {
    fprintf(stderr, "inflate: %s: %s\n", path, why);
    exit(1);
}

static unsigned char *touched(const char *path, size_t bytes) {
    unsigned char *memory = malloc(bytes);
    if (!memory) fail(path, "not enough memory");
    memset(memory, 1, bytes);
    return memory;
}

/* gzip ends with the length of what it holds, modulo 2^32, least significant byte first. */
static size_t inflated_size(FILE *file, const char *path, size_t *compressed) {
    unsigned char end[4];
    if (fseek(file, -4, SEEK_END) != 0 || fread(end, 1, 4, file) != 4) fail(path, "is not a gzip file");
    *compressed = (size_t)ftell(file);
    rewind(file);
    return (size_t)end[0] | (size_t)end[1] << 8 | (size_t)end[2] << 16 | (size_t)end[3] << 24;
}

static double inflate_file(const char *path) {
    size_t compressed;
    FILE *file = fopen(path, "rb");
    if (!file) fail(path, "cannot be opened");
    size_t size = inflated_size(file, path, &compressed);
    unsigned char *in = touched(path, compressed), *out = touched(path, size);

    double started = seconds_now();
    z_stream stream = {0};
    if (fread(in, 1, compressed, file) != compressed) fail(path, "cannot be read");
    if (inflateInit2(&stream, 15 + 16) != Z_OK) fail(path, "zlib could not start");
    stream.next_in = in;
    stream.avail_in = (uInt)compressed;
    stream.next_out = out;
    stream.avail_out = (uInt)size;
    if (inflate(&stream, Z_FINISH) != Z_STREAM_END) fail(path, "is damaged");
    double seconds = seconds_now() - started;

    inflateEnd(&stream);
    fclose(file);
    free(in);
    free(out);
    return seconds;
}

int main(int argc, char **argv) {
    double seconds = 0.0;
    for (int i = 1; i < argc; i++) seconds += inflate_file(argv[i]);
    printf("%.6f\n", seconds);
    return 0;
}
