/* The PNG and JPEG readers: what they accept is decoded into memory that is exactly as large as it declares, and
   each refusal gives a reason. A PNG is also read with its checksums put right, which would else hide most of the
   reader. */
#include "../../src/core/image.h"
#include "fuzz.h"

enum { PIXELS_MOST = 1 << 16 }; /* decoded: larger ones only take time */

static void decode(const uint8_t *data, size_t size) {
    struct image image = {0};
    bool good = image_inspect(&image, data, size);
    if (good) {
        require(image.height > 0 && image.width > 0 && (image.channels == 1 || image.channels == 3), "no picture");
        if (image.height > PIXELS_MOST / image.width) return;
        uint8_t *pixels = malloc(image.height * image.width * image.channels);
        const struct image_options options = {.background = 100, .gamma = size % 2 == 0};
        require(pixels != NULL, "no memory for the pixels");
        good = image_decode(&image, &options, data, size, pixels);
        free(pixels);
    }
    require(good || image.message[0] != '\0', "a refusal without its reason");
}

static uint32_t number_at(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Each chunk is a length, a name, the content, and the CRC-32 of these two (PNG, section 5.3). */
static void correct_checksums(uint8_t *png, size_t size) {
    for (size_t at = 8; size - at >= 12 && number_at(png + at) <= size - at - 12;) {
        size_t length = number_at(png + at);
        uint32_t crc = (uint32_t)crc32(0, png + at + 4, (uInt)length + 4);
        for (size_t i = 0; i < 4; i++) png[at + 8 + length + i] = (uint8_t)(crc >> (24 - 8 * i));
        at += 12 + length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    decode(data, size);
    if (size < 8 || data[0] != 0x89) return 0;
    uint8_t *png = malloc(size);
    require(png != NULL, "no memory for the picture");
    memcpy(png, data, size);
    correct_checksums(png, size);
    decode(png, size);
    free(png);
    return 0;
}
