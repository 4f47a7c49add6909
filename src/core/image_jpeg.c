/* JPEG (ITU-T T.81), read through libjpeg. */
#include "image_format.h"

#ifdef FNET_JPEG

#include "interrupt.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#define SCANS_MOST 500 /* a hostile file of few bytes may have any number of them, which take time */
#define EXIF_MARKER (JPEG_APP0 + 1)
#define EXIF_LEAD "Exif\0" /* and one zero more */

struct jpeg {
    struct jpeg_decompress_struct decoder;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    char text[JMSG_LENGTH_MAX];
};

static void jpeg_failed(j_common_ptr decoder) {
    struct jpeg *jpeg = decoder->client_data;
    decoder->err->format_message(decoder, jpeg->text);
    longjmp(jpeg->failed, 1);
}

/* Warnings (level -1) mean damaged data, for which the library would invent pixels; but for these, after which the
   pixels are all there. */
static void jpeg_message(j_common_ptr decoder, int level) {
    int code = decoder->err->msg_code;
    if (level >= 0 || code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM) return;
    jpeg_failed(decoder);
}

static void jpeg_silent(j_common_ptr decoder) { (void)decoder; }

/* Called for each row of blocks of each scan. */
static void jpeg_progress(j_common_ptr decoder) {
    struct jpeg *jpeg = decoder->client_data;
    bool scans = jpeg->decoder.input_scan_number > SCANS_MOST;
    if (!scans && !interrupt_pending()) return;
    snprintf(jpeg->text, sizeof jpeg->text, scans ? "it has more than %d scans" : "interrupted", SCANS_MOST);
    longjmp(jpeg->failed, 1);
}

static int jpeg_orientation(const struct jpeg_decompress_struct *decoder) {
    for (jpeg_saved_marker_ptr marker = decoder->marker_list; marker; marker = marker->next)
        if (marker->data_length > sizeof EXIF_LEAD && memcmp(marker->data, EXIF_LEAD, sizeof EXIF_LEAD) == 0)
            return image_exif_orientation(marker->data + sizeof EXIF_LEAD, marker->data_length - sizeof EXIF_LEAD);
    return 1;
}

static void jpeg_header(struct jpeg *jpeg, struct image *image, const uint8_t *bytes, size_t size) {
    struct jpeg_decompress_struct *decoder = &jpeg->decoder;
    jpeg_mem_src(decoder, bytes, (unsigned long)size);
    jpeg_save_markers(decoder, EXIF_MARKER, 0xffff);
    jpeg_read_header(decoder, TRUE);
    image->height = decoder->image_height;
    image->width = decoder->image_width;
    image->channels = decoder->jpeg_color_space == JCS_GRAYSCALE ? 1 : 3;
    image->orientation = jpeg_orientation(decoder);
    decoder->out_color_space = decoder->num_components == 4 ? JCS_CMYK
                               : image->channels == 1       ? JCS_GRAYSCALE
                                                            : JCS_RGB;
    decoder->dct_method = JDCT_ISLOW; /* exact */
}

/* Cyan, magenta, yellow and black, as all known writers store them: 255 is no ink. */
static void cmyk_to_rgb(const uint8_t *cmyk, size_t count, uint8_t *rgb) {
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < 3; c++) {
            unsigned light = cmyk[4 * i + 3];
            rgb[3 * i + c] = (uint8_t)(light - ((255u - cmyk[4 * i + c]) * light + 127) / 255);
        }
}

static void jpeg_rows(struct jpeg *jpeg, struct image *image, uint8_t *data) {
    struct jpeg_decompress_struct *decoder = &jpeg->decoder;
    size_t width = image->width;
    JSAMPARRAY inks = NULL;
    jpeg_start_decompress(decoder);
    if (decoder->out_color_space == JCS_CMYK)
        inks = decoder->mem->alloc_sarray((j_common_ptr)decoder, JPOOL_IMAGE, (JDIMENSION)(4 * width), 1);
    while (decoder->output_scanline < decoder->output_height) {
        JSAMPROW row = data + decoder->output_scanline * width * image->channels;
        jpeg_read_scanlines(decoder, inks ? inks : &row, 1);
        if (inks) cmyk_to_rgb(inks[0], width, row);
    }
    jpeg_finish_decompress(decoder);
}

/* False after an error, which ends in the longjmp: all that changes lies with the caller, in defined state. */
static bool jpeg_work(struct jpeg *jpeg, struct image *image, const uint8_t *bytes, size_t size, uint8_t *data) {
    if (setjmp(jpeg->failed) != 0) return false;
    jpeg_create_decompress(&jpeg->decoder);
    jpeg->decoder.progress = &jpeg->progress;
    jpeg_header(jpeg, image, bytes, size);
    if (data) jpeg_rows(jpeg, image, data);
    return true;
}

/* Bytes that so many pixels take at least: one bit for each block of 8 x 8, in the coding of Huffman. */
static size_t least_bytes(const struct jpeg *jpeg, const struct image *image) {
    return jpeg->decoder.arith_code ? 0 : image->height * image->width / 64 / 8;
}

bool jpeg_decode(struct image *image, const uint8_t *bytes, size_t size, uint8_t *data) {
    struct jpeg jpeg;
    memset(&jpeg, 0, sizeof jpeg);
    jpeg.decoder.err = jpeg_std_error(&jpeg.errors);
    jpeg.errors.error_exit = jpeg_failed;
    jpeg.errors.emit_message = jpeg_message;
    jpeg.errors.output_message = jpeg_silent;
    jpeg.progress.progress_monitor = jpeg_progress;
    jpeg.decoder.client_data = &jpeg;
    bool fine = jpeg_work(&jpeg, image, bytes, size, data);
    size_t least = least_bytes(&jpeg, image);
    jpeg_destroy_decompress(&jpeg.decoder);
    if (fine) return image_plausible(image, size, least);
    image->no_memory = jpeg.errors.msg_code == JERR_OUT_OF_MEMORY;
    snprintf(image->message, sizeof image->message, "is no JPEG picture that can be read: %s", jpeg.text);
    return false;
}

#else

bool jpeg_decode(struct image *image, const uint8_t *bytes, size_t size, uint8_t *data) {
    (void)bytes, (void)size, (void)data;
    return image_missing(image, "JPEG", "libjpeg", "libjpeg-dev");
}

#endif
