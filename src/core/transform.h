/* Batches of pictures on their way to a network: gathered, moved, mirrored, converted, normalised and partly
   erased, in one pass over memory. Every random choice is a function of (seed, stream of the stage, place in the
   batch): it depends neither on the threads nor on the instruction set. Invariant: whatever the stages, a pixel of
   the result comes from one pixel of the source or is a fill: along each axis the source place is an offset plus or
   minus the place in the result, within one interval. */
#ifndef FNET_TRANSFORM_H
#define FNET_TRANSFORM_H

#include "tensor.h"

#define TRANSFORM_MOST_STAGES 16

enum transform_kind { TRANSFORM_CROP, TRANSFORM_FLIP, TRANSFORM_ERASE };

struct transform_stage {
    enum transform_kind kind;
    uint64_t stream;
    size_t padding, height, width; /* crop: a window of this size, anywhere in the picture with a zero border */
    double probability;            /* flip (left to right), erase */
    double area[2], aspect[2];     /* erase: fraction of the picture, height / width, each uniform in that range */
};

/* Stages in this order: crops and flips, mixed; normalising; erasing. Erased pixels are 0, also behind a
   normalisation; a border is 0 before it. */
struct transform {
    size_t height, width, channels; /* of a source picture */
    size_t out_height, out_width;   /* of the last crop, else those of the source */
    int stages;
    struct transform_stage stage[TRANSFORM_MOST_STAGES];
    uint64_t seed;
    const void *mean, *deviation; /* NULL, or out_width * channels values each, of the result's type */
};

/* y[i] = the stages applied to picture index[i] of x (to picture i + 1 where index is NULL): out_height x out_width
   x channels numbers. x is contiguous; bytes become numbers times scale; floats must be of y's type. The indices
   were checked. */
void transform_pictures(const struct transform *transform, enum dtype x_dtype, const void *x, const int32_t *index,
                        size_t count, double scale, enum dtype y_dtype, void *y);

/* y[i] = x[partner[i]] + weight[i] (x[i] - x[partner[i]]), rows of `inner` numbers; weight is of the same type
   (mix-up: Zhang, Cisse, Dauphin, Lopez-Paz, 2018, equation 1). Partners count from 1 and were checked. */
void transform_mix(enum dtype dtype, size_t inner, const void *x, const int32_t *partner, const void *weight,
                   size_t count, void *y);

#endif
