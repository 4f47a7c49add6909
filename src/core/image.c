#include "image.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#ifdef FNET_PNG
#include <png.h>
#endif
#ifdef FNET_JPEG
#include <jpeglib.h>
#endif

#if !defined(FNET_PNG) || !defined(FNET_JPEG)
static bool missing(struct image *image, const char *format, const char *library, const char *package) {
    snprintf(image->message, sizeof image->message,
             "is a %s picture, and this fnet was built without %s; install it (Debian: %s) and build fnet again",
             format, library, package);
    return false;
}
#endif

#if defined(FNET_PNG) || defined(FNET_JPEG)
static bool too_large(struct image *image) {
    if (image->height <= IMAGE_MOST_PIXELS / image->width) return false;
    snprintf(image->message, sizeof image->message, "has %zu x %zu pixels; the limit is %zu pixels", image->width,
             image->height, IMAGE_MOST_PIXELS);
    return true;
}
#endif

/* --- PNG: libpng's simplified interface keeps its longjmp to itself ------------------------------------------ */

#ifdef FNET_PNG

static bool png_fault(struct image *image, png_image *png) {
    snprintf(image->message, sizeof image->message, "is a damaged PNG picture: %s", png->message);
    png_image_free(png);
    return false;
}

/* data: NULL for the header alone. */
static bool png_read(struct image *image, const uint8_t *bytes, size_t size, uint8_t *data) {
    png_image png = {.version = PNG_IMAGE_VERSION};
    const png_color white = {255, 255, 255};
    if (!png_image_begin_read_from_memory(&png, bytes, size)) return png_fault(image, &png);
    image->height = png.height;
    image->width = png.width;
    image->channels = (png.format & PNG_FORMAT_FLAG_COLOR) != 0 ? 3 : 1;
    png.format = image->channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    png.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
    bool fine = !too_large(image);
    if (fine && data && (!png_image_finish_read(&png, &white, data, 0, NULL) || PNG_IMAGE_FAILED(png)))
        return png_fault(image, &png);
    png_image_free(&png);
    return fine;
}

bool image_encode_png(struct image *image, const uint8_t *data, uint8_t *to, size_t *size) {
    png_image png = {.version = PNG_IMAGE_VERSION};
    if (too_large(image)) return false;
    png.height = (png_uint_32)image->height;
    png.width = (png_uint_32)image->width;
    png.format = image->channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    png_alloc_size_t bytes = to ? *size : 0;
    if (!png_image_write_to_memory(&png, to, &bytes, 0, data, 0, NULL)) return png_fault(image, &png);
    *size = bytes;
    return true;
}

#else

static bool png_read(struct image *image, const uint8_t *bytes, size_t size, uint8_t *data) {
    (void)bytes, (void)size, (void)data;
    return missing(image, "PNG", "libpng", "libpng-dev");
}

bool image_encode_png(struct image *image, const uint8_t *data, uint8_t *to, size_t *size) {
    (void)size;
    return png_read(image, data, 0, to);
}

#endif

/* --- JPEG ---------------------------------------------------------------------------------------------------- */

#ifdef FNET_JPEG

struct jpeg {
    struct jpeg_decompress_struct decoder;
    struct jpeg_error_mgr errors;
    jmp_buf failed;
    char text[JMSG_LENGTH_MAX];
};

static void jpeg_failed(j_common_ptr decoder) {
    struct jpeg *jpeg = decoder->client_data;
    decoder->err->format_message(decoder, jpeg->text);
    longjmp(jpeg->failed, 1);
}

/* Warnings (level -1) mean damaged data, for which the library would invent pixels. */
static void jpeg_message(j_common_ptr decoder, int level) {
    if (level < 0) jpeg_failed(decoder);
}

static void jpeg_silent(j_common_ptr decoder) { (void)decoder; }

static void jpeg_header(struct jpeg *jpeg, struct image *image, const uint8_t *bytes, size_t size) {
    struct jpeg_decompress_struct *decoder = &jpeg->decoder;
    jpeg_mem_src(decoder, bytes, (unsigned long)size);
    jpeg_read_header(decoder, TRUE);
    image->height = decoder->image_height;
    image->width = decoder->image_width;
    image->channels = decoder->jpeg_color_space == JCS_GRAYSCALE ? 1 : 3;
    if (decoder->jpeg_color_space == JCS_CMYK || decoder->jpeg_color_space == JCS_YCCK) {
        snprintf(jpeg->text, sizeof jpeg->text, "its colours are those of a printer (CMYK)");
        longjmp(jpeg->failed, 1);
    }
    decoder->out_color_space = image->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    decoder->dct_method = JDCT_ISLOW; /* exact */
}

static void jpeg_rows(struct jpeg *jpeg, struct image *image, uint8_t *data) {
    jpeg_start_decompress(&jpeg->decoder);
    while (jpeg->decoder.output_scanline < jpeg->decoder.output_height) {
        JSAMPROW row = data + jpeg->decoder.output_scanline * image->width * image->channels;
        jpeg_read_scanlines(&jpeg->decoder, &row, 1);
    }
    jpeg_finish_decompress(&jpeg->decoder);
}

/* False after an error, which ends in the longjmp: all that changes lies with the caller, in defined state. */
static bool jpeg_work(struct jpeg *jpeg, struct image *image, const uint8_t *bytes, size_t size, uint8_t *data) {
    if (setjmp(jpeg->failed) != 0) return false;
    jpeg_create_decompress(&jpeg->decoder);
    jpeg_header(jpeg, image, bytes, size);
    if (data) jpeg_rows(jpeg, image, data);
    return true;
}

/* data: NULL for the header alone. */
static bool jpeg_read(struct image *image, const uint8_t *bytes, size_t size, uint8_t *data) {
    struct jpeg jpeg;
    memset(&jpeg, 0, sizeof jpeg);
    jpeg.decoder.err = jpeg_std_error(&jpeg.errors);
    jpeg.errors.error_exit = jpeg_failed;
    jpeg.errors.emit_message = jpeg_message;
    jpeg.errors.output_message = jpeg_silent;
    jpeg.decoder.client_data = &jpeg;
    bool fine = jpeg_work(&jpeg, image, bytes, size, data);
    jpeg_destroy_decompress(&jpeg.decoder);
    if (fine) return !too_large(image);
    snprintf(image->message, sizeof image->message, "is no JPEG picture that can be read: %s", jpeg.text);
    return false;
}

#else

static bool jpeg_read(struct image *image, const uint8_t *bytes, size_t size, uint8_t *data) {
    (void)bytes, (void)size, (void)data;
    return missing(image, "JPEG", "libjpeg", "libjpeg-dev");
}

#endif

/* --- both ---------------------------------------------------------------------------------------------------- */

bool image_decode(struct image *image, const uint8_t *bytes, size_t size, uint8_t *data) {
    if (size >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0) return png_read(image, bytes, size, data);
    if (size >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0) return jpeg_read(image, bytes, size, data);
    snprintf(image->message, sizeof image->message, "%s, expected a PNG or JPEG picture",
             size == 0 ? "is empty" : "is of another format");
    return false;
}

bool image_inspect(struct image *image, const uint8_t *bytes, size_t size) {
    return image_decode(image, bytes, size, NULL);
}
