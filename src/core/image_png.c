/* PNG (W3C, third edition), read through libpng's ordinary interface: its simplified one converts to sRGB, blends
   in linear light, and in some versions mixes up the rows of interlaced pictures of 16 bits. */
#include "image_format.h"

#ifdef FNET_PNG

#include "interrupt.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFLATE_MOST 1032 /* bytes that one byte can stand for */

struct png {
    png_structp reader;
    png_infop info;
    struct image *image;
    uint8_t background;
    const uint8_t *at;
    size_t left;
    size_t least; /* bytes that the pixels take in a file */
    jmp_buf failed;
};

static void png_failed(png_structp reader, png_const_charp text) {
    struct png *png = png_get_error_ptr(reader);
    snprintf(png->image->message, sizeof png->image->message, "is a damaged PNG picture: %s", text);
    longjmp(png->failed, 1);
}

/* What libpng can go on without, such as a damaged chunk that holds no pixels. */
static void png_silent(png_structp reader, png_const_charp text) { (void)reader, (void)text; }

static png_voidp png_allocate(png_structp reader, png_alloc_size_t size) {
    struct png *png = png_get_mem_ptr(reader);
    void *memory = malloc(size);
    if (!memory) png->image->no_memory = true;
    return memory;
}

static void png_release(png_structp reader, png_voidp memory) {
    (void)reader;
    free(memory);
}

static void png_take(png_structp reader, png_bytep to, size_t size) {
    struct png *png = png_get_io_ptr(reader);
    if (size > png->left) png_error(reader, "it is cut short");
    memcpy(to, png->at, size);
    png->at += size;
    png->left -= size;
}

/* The orientation in the chunk eXIf, which may stand behind the pixels. */
static int png_orientation(const uint8_t *bytes, size_t size) {
    for (size_t at = 8; size - at >= 12;) {
        const uint8_t *chunk = bytes + at;
        size_t length = (size_t)chunk[0] << 24 | (size_t)chunk[1] << 16 | (size_t)chunk[2] << 8 | chunk[3];
        if (length > size - at - 12) break;
        if (memcmp(chunk + 4, "eXIf", 4) == 0) return image_exif_orientation(chunk + 8, length);
        at += length + 12;
    }
    return 1;
}

static void png_header(struct png *png, const uint8_t *bytes, size_t size) {
    struct image *image = png->image;
    png_set_read_fn(png->reader, png, png_take);
    png_set_keep_unknown_chunks(png->reader, PNG_HANDLE_CHUNK_NEVER, NULL, -1); /* profiles, texts, times */
    png_set_keep_unknown_chunks(png->reader, PNG_HANDLE_CHUNK_AS_DEFAULT, (png_const_bytep) "gAMA\0sRGB", 2);
    png_read_info(png->reader, png->info);
    image->height = png_get_image_height(png->reader, png->info);
    image->width = png_get_image_width(png->reader, png->info);
    image->channels = (png_get_color_type(png->reader, png->info) & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1;
    image->orientation = png_orientation(bytes, size);
    png->least = png_get_rowbytes(png->reader, png->info) * image->height / DEFLATE_MOST;
}

/* A row of pixels with their alpha behind them becomes one of pixels. */
static void png_blend(png_structp reader, png_row_infop row, png_bytep pixels) {
    const struct png *png = png_get_user_transform_ptr(reader);
    const size_t channels = png->image->channels;
    for (size_t i = 0; i < row->width; i++) {
        const png_byte *from = pixels + i * (channels + 1);
        unsigned alpha = from[channels], behind = png->background * (255 - alpha);
        for (size_t c = 0; c < channels; c++) /* halves do not arise: 255 is odd */
            pixels[i * channels + c] = (png_byte)((from[c] * alpha + behind + 127) / 255);
    }
}

static void png_pixels(struct png *png, const struct image_options *options, uint8_t *data) {
    const struct image *image = png->image;
    png_structp reader = png->reader;
    double gamma;
    png_set_expand(reader); /* palettes, fewer than eight bits, transparent colours */
    png_set_strip_16(reader);
    if (options->gamma && png_get_gAMA(reader, png->info, &gamma) != 0)
        png_set_gamma(reader, PNG_DEFAULT_sRGB, gamma);
    if ((png_get_color_type(reader, png->info) & PNG_COLOR_MASK_ALPHA) != 0 ||
        png_get_valid(reader, png->info, PNG_INFO_tRNS) != 0) {
        png_set_read_user_transform_fn(reader, png_blend);
        png_set_user_transform_info(reader, png, 8, (int)image->channels);
    }
    int passes = png_set_interlace_handling(reader);
    png_read_update_info(reader, png->info);
    if (png_get_rowbytes(reader, png->info) != image->width * image->channels) png_error(reader, "unknown layout");
    for (int pass = 0; pass < passes; pass++)
        for (size_t y = 0; y < image->height && !interrupt_pending(); y++)
            png_read_row(reader, data + y * image->width * image->channels, NULL);
}

/* False after an error, which ends in the longjmp: all that changes lies with the caller, in defined state. */
static bool png_work(struct png *png, const struct image_options *options, const uint8_t *bytes, size_t size,
                     uint8_t *data) {
    if (setjmp(png->failed) != 0) return false;
    png->reader = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, png, png_failed, png_silent, png, png_allocate,
                                           png_release);
    png->info = png->reader ? png_create_info_struct(png->reader) : NULL;
    if (!png->info) return false;
    png_header(png, bytes, size);
    if (data) png_pixels(png, options, data);
    return true;
}

bool png_decode(struct image *image, const struct image_options *options, const uint8_t *bytes, size_t size,
                uint8_t *data) {
    struct png png = {.image = image, .background = options ? options->background : 0, .at = bytes, .left = size};
    bool fine = png_work(&png, options, bytes, size, data);
    png_destroy_read_struct(&png.reader, &png.info, NULL);
    return fine && image_plausible(image, size, png.least);
}

#else

bool png_decode(struct image *image, const struct image_options *options, const uint8_t *bytes, size_t size,
                uint8_t *data) {
    (void)options, (void)bytes, (void)size, (void)data;
    return image_missing(image, "PNG", "libpng", "libpng-dev");
}

#endif
