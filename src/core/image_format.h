/* What the files of single formats, image_png.c and image_jpeg.c, share with image.c, which alone calls them. */
#ifndef FNET_IMAGE_FORMAT_H
#define FNET_IMAGE_FORMAT_H

#include "image.h"

/* As image_decode; options and data are NULL for the header alone. */
bool png_decode(struct image *image, const struct image_options *options, const uint8_t *bytes, size_t size,
                uint8_t *data);
bool jpeg_decode(struct image *image, const uint8_t *bytes, size_t size, uint8_t *data);

/* False, with a message: the format's library is not built in. */
bool image_missing(struct image *image, const char *format, const char *library, const char *package);

/* Whether the picture is within the limit, and a file of `size` bytes can hold it, which takes at least `least`. */
bool image_plausible(struct image *image, size_t size, size_t least);

/* The orientation that a block of EXIF data notes; 1 where it notes none, or is damaged. */
int image_exif_orientation(const uint8_t *exif, size_t size);

#endif
