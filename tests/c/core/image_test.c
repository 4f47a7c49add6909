/* image.h: PNG pictures keep their pixels through encoding and decoding, in memory that is exactly as large; every
   cut and every other format is refused with a reason. Where a library is not built in, the reason says so. EXIF
   data are read within their bounds, whatever they hold. */
#include "../check.h"

#include "../../../src/core/image_format.h"

enum { PLACE_PIXELS, PLACE_FILE, PLACE_DECODED };

static bool built_in(const struct image *image) { return strstr(image->message, "was built without") == NULL; }

/* The file of a picture, before a page that nobody may touch. */
static const uint8_t *encode(struct image *image, const uint8_t *pixels, size_t *size) {
    check(image_encode_png(image, pixels, NULL, size), "not encoded: %s", image->message);
    size_t most = *size;
    uint8_t *file = put_bytes(PLACE_FILE, most, 1, AT_END);
    check(image_encode_png(image, pixels, file, size) && *size <= most, "%zu bytes, not %zu", most, *size);
    return file;
}

static bool decode(const uint8_t *file, size_t size, struct image *image, const uint8_t **pixels) {
    memset(image, 0, sizeof *image);
    if (!image_inspect(image, file, size)) return false;
    *pixels = put_bytes(PLACE_DECODED, image->height * image->width * image->channels, 1, AT_END);
    const struct image_options options = {.background = 255};
    return image_decode(image, &options, file, size, (uint8_t *)(uintptr_t)*pixels);
}

static void test_pixels(void) {
    test("PNG keeps the pixels, and a part of it is refused");
    for (size_t tries = 0; tries < 40; tries++) {
        struct image image = {.height = 1 + random_below(20), .width = 1 + random_below(20)}, got;
        image.channels = random_below(2) ? 3 : 1;
        size_t size, count = image.height * image.width * image.channels;
        uint8_t *pixels = put_bytes(PLACE_PIXELS, count, 1, AT_END);
        size_t step = random_below(8), noise = tries % 4 != 0 ? 1 + random_below(4) : 256; /* for every filter */
        for (size_t i = 0; i < count; i++)
            pixels[i] = (uint8_t)(step * (i % (image.width * image.channels)) + 3 * (i / 7) + random_below(noise));
        const uint8_t *file = encode(&image, pixels, &size), *decoded;
        bool good = decode(file, size, &got, &decoded);
        if (!good && !built_in(&got)) return;
        good = good && got.height == image.height && got.width == image.width && got.channels == image.channels;
        if (check(good, "not decoded: %s", got.message))
            check(memcmp(decoded, pixels, count) == 0, "other pixels, %zu channels", image.channels);
        size_t cut = random_below(size - 12); /* a missing end of the file, 12 bytes, loses no pixels */
        memmove((uint8_t *)(uintptr_t)file + (size - cut), file, cut);
        good = decode(file + (size - cut), cut, &got, &decoded);
        check(!good && got.message[0] != '\0', "%zu of %zu bytes were taken", cut, size);
    }
}

static void test_sizes(void) {
    struct image image = {.height = SIZE_MAX / 2, .width = 1, .channels = 1};
    const uint8_t pixel = 7;
    size_t size;
    test("pictures beyond the limit are not encoded");
    check(!image_encode_png(&image, &pixel, NULL, &size) && image.message[0] != '\0', "it was encoded");
}

static void refuse(const char *bytes, size_t size, const char *reason) {
    struct image image = {0};
    check(!image_inspect(&image, (const uint8_t *)bytes, size), "%s: taken", reason);
    check(!built_in(&image) || strstr(image.message, reason) != NULL, "%s: %s", reason, image.message);
}

static void test_other_formats(void) {
    test("other formats");
    refuse(NULL, 0, "is empty");
    refuse("\x89PNG\r\n\x1a", 7, "is of another format");
    refuse("\x89PNG\r\n\x1a\n", 8, "is a damaged PNG picture");
    refuse("\xff\xd8\xff", 3, "is no JPEG picture that can be read");
    refuse("GIF89a", 6, "is of another format");
}

static void test_exif(void) {
    test("EXIF data are read within their bounds");
    for (size_t tries = 0; tries < 20000; tries++) {
        size_t size = random_below(64);
        uint8_t *exif = put_bytes(PLACE_FILE, size, 1, AT_END);
        for (size_t i = 0; i < size; i++) exif[i] = (uint8_t)random_below(random_below(2) ? 256 : 4);
        for (size_t at = 10; at + 2 <= size && tries % 2 != 0; at += 12) memcpy(exif + at, "\1\x12", 2);
        if (size >= 8) memcpy(exif, random_below(2) ? "II*\0\10\0\0" : "MM\0*\0\0\0\10", random_below(9));
        int orientation = image_exif_orientation(exif, size);
        check(orientation >= 1 && orientation <= 8, "%zu bytes: %d", size, orientation);
    }
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    test_pixels();
    test_sizes();
    test_other_formats();
    test_exif();
    return check_end();
}
