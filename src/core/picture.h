/* Pictures in another size, in grey, and turned: [height, width] or [height, width, 3], of any element type.
   Sums are of whole weights and are divided once, by a whole number: below 2^53, as for bytes, they are exact, so
   that integer types get the exact result, rounded, halves up. */
#ifndef FNET_PICTURE_H
#define FNET_PICTURE_H

#include "tensor.h"

#define PICTURE_MOST_LENGTH ((size_t)1 << 23) /* of an axis, for resizing: sums of bytes fit 32 bits */

/* y from x, both contiguous, of the same type and as many channels.
   Along an axis that gets shorter a new pixel is the mean over the area that it covers; along one that gets longer
   it lies on the line between the centres of its two neighbours, and is the outermost pixel beyond their centres.
 */
void picture_resize(const struct tensor *x, const struct tensor *y);

/* y[i, j] = 0.299 x[i, j, 0] + 0.587 x[i, j, 1] + 0.114 x[i, j, 2], both contiguous and of the same type. */
void picture_grey(const struct tensor *x, const struct tensor *y);

/* The picture x, height x width pixels of `channels` bytes, as it is seen when its `orientation` is that of the
   EXIF standard: 1 is as it lies, 2 mirrored left to right, 3 turned by 180 degrees, 4 mirrored top to bottom; 5,
   8, 7 and 6 are these mirrored along the diagonal, so that y has `width` rows. */
void picture_turn(const uint8_t *x, size_t height, size_t width, size_t channels, int orientation, uint8_t *y);

#endif
