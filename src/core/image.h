/* PNG and JPEG pictures in memory, read through libpng and libjpeg where the build found them (FNET_PNG,
   FNET_JPEG); PNG is written in every build. Two phases: image_inspect tells the size, so that the caller brings
   the memory; image_decode fills it. Invariant: each function frees all that the libraries took before it returns,
   also after their errors, and calls nothing of its caller, so that no longjmp of theirs crosses a frame of another
   file. */
#ifndef FNET_IMAGE_H
#define FNET_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_MOST_PIXELS ((size_t)1 << 26)

struct image {
    size_t height, width, channels; /* of the pixels as they lie in the file; 1: grey, 3: red, green, blue */
    int orientation;                /* how they are seen: see picture_turn */
    bool no_memory;                 /* the libraries found too little */
    char message[256];              /* set by the function that returned false */
};

struct image_options {
    uint8_t background; /* the grey that transparent pixels lie on */
    bool gamma;         /* PNG: values become those of sRGB where the file says that they are others */
};

/* False also where the format's library is not built in, and where the file is too short for so many pixels. */
bool image_inspect(struct image *image, const uint8_t *bytes, size_t size);

/* Fills the height * width * channels bytes at data, for bytes that image_inspect found good; they are unset where
   Ctrl-C came meanwhile. 16 bits a channel lose the lower eight; a transparent pixel becomes
   (value * alpha + background * (255 - alpha)) / 255, rounded. A picture that is cut short or damaged is refused.
 */
bool image_decode(struct image *image, const struct image_options *options, const uint8_t *bytes, size_t size,
                  uint8_t *data);

/* Encodes height x width > 0 pixels, not more than can be read again, as a PNG file: into `to`, or, where that is
   NULL, only tells *size, an upper bound before, the exact number of bytes after. */
bool image_encode_png(struct image *image, const uint8_t *data, uint8_t *to, size_t *size);

#endif
