/* Fuzzing of the PNG and JPEG readers: image_fuzz ITERATIONS
   Pictures that fnet encodes as PNG, and the JPEG files of tests/fixtures/images, are damaged at random, always in
   the same way, and decoded into memory that is exactly as large as they declare. Each refusal must give a reason.
   Built with -DFNET_LIBFUZZER -fsanitize=fuzzer, libFuzzer invents the files instead. */
#include "../../../src/core/image.h"
#include "fuzz.h"

enum { PIXELS_MOST = 1 << 16 }; /* decoded: larger ones only take time */

static bool decodes(const unsigned char *at, size_t size, bool *sound) {
    struct image image = {0};
    bool good = image_inspect(&image, at, size);
    *sound = true;
    if (good) {
        *sound = image.height > 0 && image.width > 0 && (image.channels == 1 || image.channels == 3);
        if (!*sound || image.height > PIXELS_MOST / image.width) return false;
        uint8_t *data = malloc(image.height * image.width * image.channels);
        const struct image_options options = {.background = 100, .gamma = size % 2 == 0};
        good = data && image_decode(&image, &options, at, size, data);
        free(data);
    }
    if (!good && image.message[0] == '\0') *sound = false;
    return good;
}

#ifdef FNET_LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bool sound;
    decodes(data, size, &sound);
    if (!sound) abort();
    return 0;
}

#else

/* False where PNG is not built in. */
static bool make_png(struct bytes *file) {
    struct image image = {.height = 1 + choose(12), .width = 1 + choose(12), .channels = choose(2) ? 3 : 1};
    uint8_t pixels[12 * 12 * 3];
    size_t colours = 1 + choose(256);
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)choose(colours);
    file->size = FILE_MAX;
    return image_encode_png(&image, pixels, file->at, &file->size);
}

static bool read_file(const char *path, struct bytes *file) {
    FILE *stream = fopen(path, "rb");
    if (!stream) return false;
    file->size = fread(file->at, 1, FILE_MAX, stream);
    return fclose(stream) == 0 && file->size > 0;
}

int main(int count, char **arguments) {
    unsigned long iterations = count > 1 ? strtoul(arguments[1], NULL, 10) : 100000, failed = 0;
    static const char *const names[] = {"grey", "colour", "progressive", "cmyk", "ycck", "scans"};
    enum { NAMES = sizeof names / sizeof *names };
    static struct bytes jpeg[NAMES], file;
    bool sound, has_png = make_png(&file);
    for (size_t i = 0; i < NAMES; i++) {
        char path[64];
        snprintf(path, sizeof path, "tests/fixtures/images/%s.jpg", names[i]);
        if (read_file(path, &jpeg[i])) continue;
        perror(path);
        return EXIT_FAILURE;
    }
    bool has_jpeg = decodes(jpeg[0].at, jpeg[0].size, &sound);
    for (unsigned long i = 0; i < iterations; i++) {
        bool png = has_png && choose(2) == 0, whole = choose(8) == 0;
        if (!png || !make_png(&file)) file = jpeg[choose(NAMES)];
        for (size_t times = whole ? 0 : 1 + choose(3); times > 0; times--) damage(&file);
        bool good = decodes(file.at, file.size, &sound);
        if (sound && (!whole || good == (png || has_jpeg))) continue;
        failed++;
        report(i, &file);
    }
    printf("%lu passed, %lu failed\n", iterations - failed, failed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
