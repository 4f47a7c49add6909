#include "transform.h"

#include "backend.h"
#include "random.h"
#include "threads.h"

#include <math.h>
#include <string.h>

#define ATTEMPTS 10     /* at a rectangle that fits; the probability that all fail is small */
#define MIRROR_MOST 512 /* bytes mirrored at a time */

/* Where the pixels of one axis come from: source = offset + place, or offset - place where mirrored, for places of
   the result in [first, end); elsewhere is border. */
struct axis {
    ptrdiff_t offset, first, end;
    bool mirrored;
};

struct rectangle {
    size_t top, left, height, width;
};

struct job {
    const struct transform *transform;
    const struct kernels *kernels;
    const char *x;
    const int32_t *index;
    char *y;
    double scale;
    size_t x_size, y_size;
};

static void draw(const struct transform *transform, const struct transform_stage *stage, size_t place,
                 uint32_t attempt, uint32_t word[4]) {
    random_block(transform->seed, stage->stream, (uint64_t)attempt << 32 | (uint32_t)place, word);
}

/* Uniform in 0 .. count - 1; count < 2^32, bias below 2^-32 * count. */
static size_t below(uint32_t word, size_t count) { return (size_t)((uint64_t)word * count >> 32); }

static double between(uint32_t word, const double range[2]) {
    return range[0] + (range[1] - range[0]) * ((double)word * 0x1p-32);
}

static bool happens(uint32_t word, double probability) { return (double)word * 0x1p-32 < probability; }

/* A window of `size` places that begins at place `start` of the axis as it is so far. */
static void crop(struct axis *axis, ptrdiff_t start, ptrdiff_t size) {
    axis->offset += axis->mirrored ? -start : start;
    axis->first = axis->first - start < 0 ? 0 : axis->first - start;
    axis->end = axis->end - start > size ? size : axis->end - start;
    if (axis->end < axis->first) axis->end = axis->first = 0;
}

static void mirror(struct axis *axis, ptrdiff_t size) {
    ptrdiff_t first = axis->first;
    axis->offset += axis->mirrored ? 1 - size : size - 1;
    axis->mirrored = !axis->mirrored;
    axis->first = size - axis->end;
    axis->end = size - first;
}

static void place(const struct transform *transform, size_t i, struct axis *rows, struct axis *columns) {
    size_t height = transform->height, width = transform->width;
    *rows = (struct axis){.end = (ptrdiff_t)height};
    *columns = (struct axis){.end = (ptrdiff_t)width};
    for (int s = 0; s < transform->stages; s++) {
        const struct transform_stage *stage = &transform->stage[s];
        uint32_t word[4];
        if (stage->kind == TRANSFORM_ERASE) continue;
        draw(transform, stage, i, 0, word);
        if (stage->kind == TRANSFORM_FLIP) {
            if (happens(word[0], stage->probability)) mirror(columns, (ptrdiff_t)width);
            continue;
        }
        ptrdiff_t padding = (ptrdiff_t)stage->padding;
        size_t down = height + 2 * stage->padding - stage->height,
               across = width + 2 * stage->padding - stage->width;
        crop(rows, (ptrdiff_t)below(word[0], down + 1) - padding, (ptrdiff_t)stage->height);
        crop(columns, (ptrdiff_t)below(word[1], across + 1) - padding, (ptrdiff_t)stage->width);
        height = stage->height;
        width = stage->width;
    }
}

/* Converts n pixels that lie one after the other. */
static void convert(const struct job *job, const char *x, size_t n, char *y) {
    size_t count = n * job->transform->channels;
    if (job->x_size == 1)
        job->kernels->scale_bytes(count, (const uint8_t *)x, job->scale, y);
    else
        memcpy(y, x, count * job->y_size);
}

/* Eight at a time. */
static void reverse_bytes(const char *x, size_t n, char *y) {
    size_t i = 0;
    for (uint64_t eight; i + 8 <= n; i += 8) {
        memcpy(&eight, x + (n - 8 - i), sizeof eight);
        eight = __builtin_bswap64(eight);
        memcpy(y + i, &eight, sizeof eight);
    }
    for (; i < n; i++) y[i] = x[n - 1 - i];
}

/* Converts n pixels that lie in reverse: the first one is at x, the next one before it. */
static void convert_mirrored(const struct job *job, const char *x, size_t n, char *y) {
    char reversed[MIRROR_MOST];
    size_t pixel = job->transform->channels * job->x_size, most = MIRROR_MOST / pixel;
    if (most == 0) { /* a pixel larger than the buffer */
        for (size_t i = 0; i < n; i++)
            convert(job, x - i * pixel, 1, y + i * job->transform->channels * job->y_size);
        return;
    }
    for (size_t done = 0; done < n; done += most) {
        size_t here = n - done < most ? n - done : most;
        const char *last = x - (done + here - 1) * pixel;
        if (pixel == 1)
            reverse_bytes(last, here, reversed);
        else
            for (size_t i = 0; i < here; i++) memcpy(reversed + i * pixel, last + (here - 1 - i) * pixel, pixel);
        convert(job, reversed, here, y + done * job->transform->channels * job->y_size);
    }
}

static void move_pixels(const struct job *job, const char *x, const struct axis *rows, const struct axis *columns,
                        char *y) {
    const struct transform *transform = job->transform;
    size_t channels = transform->channels, out_row = transform->out_width * channels * job->y_size;
    size_t pixel = channels * job->x_size, first = (size_t)columns->first, end = (size_t)columns->end;
    for (size_t r = 0; r < transform->out_height; r++, y += out_row) {
        if ((ptrdiff_t)r < rows->first || (ptrdiff_t)r >= rows->end || first == end || pixel == 0) {
            memset(y, 0, out_row);
            continue;
        }
        const char *row = x + (size_t)(rows->offset + (ptrdiff_t)r) * transform->width * pixel;
        size_t left = first * channels * job->y_size, right = end * channels * job->y_size;
        memset(y, 0, left);
        if (columns->mirrored)
            convert_mirrored(job, row + (size_t)(columns->offset - columns->first) * pixel, end - first, y + left);
        else
            convert(job, row + (size_t)(columns->offset + columns->first) * pixel, end - first, y + left);
        memset(y + right, 0, out_row - right);
    }
}

static void normalise(const struct job *job, char *y) {
    const struct transform *transform = job->transform;
    size_t n = transform->out_width * transform->channels;
    for (size_t r = 0; r < transform->out_height; r++, y += n * job->y_size) {
        job->kernels->binary[BINARY_SUBTRACT](n, y, 1, transform->mean, 1, y);
        job->kernels->binary[BINARY_DIVIDE](n, y, 1, transform->deviation, 1, y);
    }
}

/* Zhong, Zheng, Kang, Li, Yang: Random erasing data augmentation, 2020, algorithm 1. False: nothing to erase. */
static bool choose_rectangle(const struct transform *transform, const struct transform_stage *stage, size_t i,
                             struct rectangle *rectangle) {
    uint32_t word[4];
    draw(transform, stage, i, 0, word);
    if (!happens(word[0], stage->probability)) return false;
    for (uint32_t attempt = 1; attempt <= ATTEMPTS; attempt++) {
        draw(transform, stage, i, attempt, word);
        double area = between(word[0], stage->area) * (double)transform->out_height * (double)transform->out_width;
        double aspect = between(word[1], stage->aspect);
        double height = floor(sqrt(area * aspect) + 0.5), width = floor(sqrt(area / aspect) + 0.5);
        if (!(height <= (double)transform->out_height && width <= (double)transform->out_width)) continue;
        rectangle->height = (size_t)height;
        rectangle->width = (size_t)width;
        rectangle->top = below(word[2], transform->out_height - rectangle->height + 1);
        rectangle->left = below(word[3], transform->out_width - rectangle->width + 1);
        return true;
    }
    return false;
}

static void erase(const struct job *job, size_t i, char *y) {
    const struct transform *transform = job->transform;
    struct rectangle hole;
    size_t pixel = transform->channels * job->y_size;
    for (int s = 0; s < transform->stages; s++) {
        const struct transform_stage *stage = &transform->stage[s];
        if (stage->kind != TRANSFORM_ERASE || !choose_rectangle(transform, stage, i, &hole)) continue;
        for (size_t r = hole.top; r < hole.top + hole.height; r++)
            memset(y + (r * transform->out_width + hole.left) * pixel, 0, hole.width * pixel);
    }
}

static void pictures(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    const struct transform *transform = job->transform;
    size_t x_bytes = transform->height * transform->width * transform->channels * job->x_size;
    size_t y_bytes = transform->out_height * transform->out_width * transform->channels * job->y_size;
    for (size_t i = begin; i < end; i++) { /* they lie anywhere: see index_gather_scaled */
        const char *x = job->x + (job->index ? (size_t)job->index[i] - 1 : i) * x_bytes;
        for (size_t at = 0; at < x_bytes; at += 64) __builtin_prefetch(x + at);
    }
    for (size_t i = begin; i < end; i++) {
        struct axis rows, columns;
        char *y = job->y + i * y_bytes;
        place(transform, i, &rows, &columns);
        move_pixels(job, job->x + (job->index ? (size_t)job->index[i] - 1 : i) * x_bytes, &rows, &columns, y);
        if (transform->mean) normalise(job, y);
        erase(job, i, y);
    }
}

void transform_pictures(const struct transform *transform, enum dtype x_dtype, const void *x, const int32_t *index,
                        size_t count, double scale, enum dtype y_dtype, void *y) {
    struct job job = {.transform = transform,
                      .kernels = backend(y_dtype),
                      .x = x,
                      .index = index,
                      .y = y,
                      .scale = scale,
                      .x_size = dtype_sizes[x_dtype],
                      .y_size = dtype_sizes[y_dtype]};
    size_t inner = transform->out_height * transform->out_width * transform->channels;
    threads_for(count, threads_piece(inner * 4), (double)count * (double)inner * 4, pictures, &job);
}

struct mix {
    const struct kernels *kernels;
    size_t inner, size;
    const char *x, *weight;
    const int32_t *partner;
    char *y;
};

static void mix(void *context, size_t begin, size_t end) {
    const struct mix *job = context;
    size_t row = job->inner * job->size;
    for (size_t i = begin; i < end; i++) {
        const char *other = job->x + ((size_t)job->partner[i] - 1) * row;
        char *y = job->y + i * row;
        job->kernels->binary[BINARY_SUBTRACT](job->inner, job->x + i * row, 1, other, 1, y);
        job->kernels->binary[BINARY_MULTIPLY](job->inner, y, 1, job->weight + i * job->size, 0, y);
        job->kernels->binary[BINARY_ADD](job->inner, y, 1, other, 1, y);
    }
}

void transform_mix(enum dtype dtype, size_t inner, const void *x, const int32_t *partner, const void *weight,
                   size_t count, void *y) {
    struct mix job = {.kernels = backend(dtype),
                      .inner = inner,
                      .size = dtype_sizes[dtype],
                      .x = x,
                      .weight = weight,
                      .partner = partner,
                      .y = y};
    threads_for(count, threads_piece(inner * 3), (double)count * (double)inner * 3, mix, &job);
}
