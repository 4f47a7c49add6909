#include "image_format.h"

#include <stdio.h>
#include <string.h>

bool image_missing(struct image *image, const char *format, const char *library, const char *package) {
    snprintf(image->message, sizeof image->message,
             "is a %s picture, and this fnet was built without %s; install it (Debian: %s) and build fnet again",
             format, library, package);
    return false;
}

bool image_plausible(struct image *image, size_t size, size_t least) {
    size_t height = image->height, width = image->width;
    if (height > IMAGE_MOST_PIXELS / width)
        snprintf(image->message, sizeof image->message, "has %zu x %zu pixels; the limit is %zu pixels", width,
                 height, IMAGE_MOST_PIXELS);
    else if (size < least)
        snprintf(image->message, sizeof image->message,
                 "is damaged: its %zu bytes are too few for the %zu x %zu pixels that it declares", size, width,
                 height);
    else
        return true;
    return false;
}

/* A number of one to four bytes of EXIF data, which is laid out like a TIFF file. */
static uint32_t exif_number(const uint8_t *at, size_t bytes, bool little) {
    uint32_t value = 0;
    for (size_t i = 0; i < bytes; i++) value |= (uint32_t)at[i] << 8 * (little ? i : bytes - 1 - i);
    return value;
}

/* CIPA DC-008 (EXIF 2.32), 4.6.2 and 4.6.4: entries of twelve bytes, tag, type, count, value. */
int image_exif_orientation(const uint8_t *exif, size_t size) {
    enum { ORIENTATION = 0x0112, SHORT = 3 };
    if (size < 8 || (memcmp(exif, "II*", 4) != 0 && memcmp(exif, "MM\0*", 4) != 0)) return 1;
    bool little = exif[0] == 'I';
    size_t at = exif_number(exif + 4, 4, little);
    if (at > size - 2) return 1;
    size_t entries = exif_number(exif + at, 2, little);
    for (at += 2; entries > 0 && at + 12 <= size; entries--, at += 12) {
        if (exif_number(exif + at, 2, little) != ORIENTATION) continue;
        uint32_t value = exif_number(exif + at + 8, exif_number(exif + at + 2, 2, little) == SHORT ? 2 : 4, little);
        return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

bool image_decode(struct image *image, const struct image_options *options, const uint8_t *bytes, size_t size,
                  uint8_t *data) {
    *image = (struct image){.orientation = 1};
    if (size >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0)
        return png_decode(image, options, bytes, size, data);
    if (size >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0) return jpeg_decode(image, bytes, size, data);
    snprintf(image->message, sizeof image->message, "%s, expected a PNG or JPEG picture",
             size == 0 ? "is empty" : "is of another format");
    return false;
}

bool image_inspect(struct image *image, const uint8_t *bytes, size_t size) {
    return image_decode(image, NULL, bytes, size, NULL);
}
