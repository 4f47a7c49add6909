/* transform_pictures: whatever crops and flips follow each other, equal to moving each picture stage by stage
   with copies; for bytes, floats and doubles, in every table. transform_mix: equal to its formula. */
#include "../check.h"

#include "../../../src/core/backend.h"
#include "../../../src/core/random.h"
#include "../../../src/core/threads.h"
#include "../../../src/core/transform.h"

enum { PICTURES = 5, SIDE_MOST = 40, CHANNELS_MOST = 3, ELEMENTS = SIDE_MOST * SIDE_MOST * CHANNELS_MOST };
enum { PLACE_X, PLACE_RESULT, PLACE_EXPECTED, PLACE_STATISTICS, PLACE_OTHER };

struct picture {
    size_t height, width, channels;
    double at[ELEMENTS];
};

static void draw(const struct transform *t, const struct transform_stage *stage, size_t place, uint32_t word[4]) {
    random_block(t->seed, stage->stream, (uint32_t)place, word);
}

/* A window of height x width that begins at (top, left), which may lie beyond the edges. */
static void cut(struct picture *p, long top, long left, size_t height, size_t width) {
    static struct picture from;
    from = *p;
    p->height = height;
    p->width = width;
    for (size_t i = 0; i < height; i++)
        for (size_t j = 0; j < width; j++)
            for (size_t c = 0; c < p->channels; c++) {
                long row = (long)i + top, column = (long)j + left;
                bool inside = row >= 0 && row < (long)from.height && column >= 0 && column < (long)from.width;
                p->at[(i * width + j) * p->channels + c] =
                    inside ? from.at[((size_t)row * from.width + (size_t)column) * p->channels + c] : 0;
            }
}

static void flip(struct picture *p) {
    static struct picture from;
    from = *p;
    for (size_t i = 0; i < p->height; i++)
        for (size_t j = 0; j < p->width; j++)
            for (size_t c = 0; c < p->channels; c++)
                p->at[(i * p->width + j) * p->channels + c] =
                    from.at[(i * p->width + p->width - 1 - j) * p->channels + c];
}

static void stage_by_stage(const struct transform *t, size_t place, struct picture *p) {
    for (int s = 0; s < t->stages; s++) {
        const struct transform_stage *stage = &t->stage[s];
        uint32_t word[4];
        draw(t, stage, place, word);
        if (stage->kind == TRANSFORM_FLIP) {
            if (word[0] * 0x1p-32 < stage->probability) flip(p);
            continue;
        }
        uint64_t down = p->height + 2 * stage->padding - stage->height + 1;
        uint64_t across = p->width + 2 * stage->padding - stage->width + 1;
        cut(p, (long)(word[0] * down >> 32) - (long)stage->padding,
            (long)(word[1] * across >> 32) - (long)stage->padding, stage->height, stage->width);
    }
}

static void add_stage(struct transform *t) {
    struct transform_stage *stage = &t->stage[t->stages];
    stage->stream = random_bits();
    stage->kind = random_below(2) ? TRANSFORM_FLIP : TRANSFORM_CROP;
    stage->probability = 0.5;
    t->stages++;
    if (stage->kind == TRANSFORM_FLIP) return;
    stage->padding = random_below(5);
    size_t high = t->out_height + 2 * stage->padding, wide = t->out_width + 2 * stage->padding;
    stage->height = 1 + random_below(high < SIDE_MOST ? high : SIDE_MOST);
    stage->width = 1 + random_below(wide < SIDE_MOST ? wide : SIDE_MOST);
    t->out_height = stage->height;
    t->out_width = stage->width;
}

static struct transform any_transform(void) {
    struct transform t = {.seed = random_bits()};
    t.out_height = t.height = 1 + random_below(12);
    t.out_width = t.width = 1 + random_below(SIDE_MOST);
    t.channels = 1 + random_below(CHANNELS_MOST);
    for (size_t stages = random_below(6); stages > 0; stages--) add_stage(&t);
    return t;
}

/* Element i of x as a number. */
static double element(enum dtype dtype, const void *x, size_t i) {
    if (dtype == UINT8) return ((const uint8_t *)x)[i];
    return dtype == FLOAT32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

/* Values that every type holds exactly, so that a comparison of numbers is one of bits. */
static void *pixels(enum dtype dtype, size_t count) {
    void *x = put_bytes(PLACE_X, count * dtype_sizes[dtype], dtype_sizes[dtype], AT_END);
    for (size_t i = 0; i < count; i++) {
        uint8_t value = (uint8_t)(1 + random_below(255));
        if (dtype == UINT8) ((uint8_t *)x)[i] = value;
        if (dtype == FLOAT32) ((float *)x)[i] = value;
        if (dtype == FLOAT64) ((double *)x)[i] = value;
    }
    return x;
}

static void compare(const struct transform *t, enum dtype x_dtype, const void *x, const int32_t *index,
                    enum dtype y_dtype) {
    static struct picture expected;
    size_t inner = t->out_height * t->out_width * t->channels, size = dtype_sizes[y_dtype];
    char *y = put_bytes(PLACE_RESULT, PICTURES * inner * size, size, random_below(POSITION_COUNT));
    transform_pictures(t, x_dtype, x, index, PICTURES, 0.5, y_dtype, y);
    check_guards(PLACE_RESULT);
    for (size_t i = 0; i < PICTURES; i++) {
        size_t wrong = 0, from = t->height * t->width * t->channels,
               first = from * (index ? (size_t)index[i] - 1 : i);
        expected = (struct picture){.height = t->height, .width = t->width, .channels = t->channels};
        for (size_t k = 0; k < from; k++)
            expected.at[k] = element(x_dtype, x, first + k) * (x_dtype == UINT8 ? 0.5 : 1);
        stage_by_stage(t, i, &expected);
        for (size_t k = 0; k < inner; k++) wrong += element(y_dtype, y, i * inner + k) != expected.at[k];
        check(wrong == 0, "picture %zu of [%zu, %zu, %zu], %d stages, %s: %zu wrong", i, t->height, t->width,
              t->channels, t->stages, dtype_names[x_dtype], wrong);
    }
}

static void test_stages(void) {
    const int32_t index[PICTURES] = {3, 1, 1, 5, 4};
    static const enum dtype types[][2] = {
        {UINT8, FLOAT32}, {UINT8, FLOAT64}, {FLOAT32, FLOAT32}, {FLOAT64, FLOAT64}};
    for (size_t tries = 0; tries < 60; tries++) {
        struct transform t = any_transform();
        const enum dtype *type = types[tries % 4];
        const void *x = pixels(type[0], PICTURES * t.height * t.width * t.channels);
        compare(&t, type[0], x, random_below(2) ? index : NULL, type[1]);
    }
}

/* A pixel wider than the buffer in which pixels are mirrored, and one without any channel. */
static void test_wide_pixels(void) {
    enum { CHANNELS = 600, WIDTH = 3 };
    struct transform t = {.height = 1, .width = WIDTH, .out_height = 1, .out_width = WIDTH, .stages = 1};
    t.stage[0] = (struct transform_stage){.kind = TRANSFORM_FLIP, .probability = 1};
    t.channels = CHANNELS;
    const uint8_t *x = pixels(UINT8, CHANNELS * WIDTH);
    float *y = put(PLACE_RESULT, CHANNELS * WIDTH, AT_END);
    transform_pictures(&t, UINT8, x, NULL, 1, 1, FLOAT32, y);
    for (size_t i = 0; i < CHANNELS * WIDTH; i++) {
        size_t from = (WIDTH - 1 - i / CHANNELS) * CHANNELS + i % CHANNELS;
        check(y[i] == x[from], "element %zu is %g", i, (double)y[i]);
    }
    t.channels = 0;
    transform_pictures(&t, UINT8, x, NULL, 1, 1, FLOAT32, y);
    check_guards(PLACE_RESULT);
}

/* What is normalised, and behind that erased, is the picture of the result. */
static void test_normalise_and_erase(void) {
    enum { SIDE = 20 };
    struct transform t = {.height = SIDE, .width = SIDE, .channels = 1, .out_height = SIDE, .out_width = SIDE};
    t.stages = 1;
    t.stage[0] =
        (struct transform_stage){.kind = TRANSFORM_ERASE, .probability = 1, .area = {0.25, 0.25}, .aspect = {1, 1}};
    float *mean = put(PLACE_STATISTICS, SIDE, AT_END), *deviation = put(PLACE_OTHER, SIDE, AT_END);
    for (size_t i = 0; i < SIDE; i++) mean[i] = -1, deviation[i] = 2;
    t.mean = mean;
    t.deviation = deviation;
    const float *x = pixels(FLOAT32, SIDE * SIDE);
    float *y = put(PLACE_RESULT, SIDE * SIDE, AT_END);
    transform_pictures(&t, FLOAT32, x, NULL, 1, 1, FLOAT32, y);
    size_t erased = 0, wrong = 0;
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        if (y[i] == 0) erased++; /* (x + 1) / 2 is never 0 here */
        if (y[i] != 0 && y[i] != (x[i] + 1) / 2) wrong++;
    }
    check(wrong == 0 && erased == SIDE * SIDE / 4, "%zu wrong, %zu erased", wrong, erased);
}

static void test_mix(void) {
    enum { INNER = 37 };
    const int32_t partner[PICTURES] = {2, 1, 3, 5, 1};
    const float *x = put_filled(PLACE_X, PICTURES * INNER, AT_END, SPECIAL);
    const float *weight = put_filled(PLACE_OTHER, PICTURES, AT_END, PLAIN);
    float *expected = put(PLACE_EXPECTED, PICTURES * INNER, 0);
    for (size_t i = 0; i < PICTURES * INNER; i++) {
        float other = x[((size_t)partner[i / INNER] - 1) * INNER + i % INNER];
        expected[i] = (x[i] - other) * weight[i / INNER] + other;
    }
    float *y = put(PLACE_RESULT, PICTURES * INNER, random_below(POSITION_COUNT));
    transform_mix(FLOAT32, INNER, x, partner, weight, PICTURES, y);
    check_same(PICTURES * INNER, expected, y, "mixed");
    check_guards(PLACE_RESULT);
}

int main(int count, char **arguments) {
    size_t tables;
    const struct kernels *const *table = backend_all(&tables);
    check_start(count, arguments);
    threads_open();
    threads_suppose(THREADS_MOST); /* workers for all threads, whatever the machine has */
    for (size_t t = 0; t < tables; t++) {
        test("%s", table[t]->name);
        backend_use(table[t]->name);
        test_stages();
        test_wide_pixels();
        test_normalise_and_erase();
        test_mix();
    }
    threads_close();
    return check_end();
}
