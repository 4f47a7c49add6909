#include "group_norm.h"

#include "backend.h"
#include "reduce.h"
#include "threads.h"

#include <math.h>

#define COLUMN_UNIT 16 /* columns next to each other go together, because memory is read row by row */

struct job {
    const struct group_norm *norm;
    const struct kernels *kernels;
    size_t size, columns; /* bytes of an element; groups of up to 16 columns */
    const char *bias, *dy, *level, *tilt, *ones;
    char *y;
};

static struct job job_for(const struct group_norm *norm) {
    return (struct job){.norm = norm,
                        .kernels = backend(norm->dtype),
                        .size = dtype_sizes[norm->dtype],
                        .columns = (norm->n + COLUMN_UNIT - 1) / COLUMN_UNIT};
}

/* Means, and squared distances in the place of inverse deviations, of the features become those of their groups. */
static void join_groups(const struct group_norm *norm, double epsilon) {
    size_t width = norm->n / norm->groups;
    for (size_t first = 0; first < norm->batch * norm->n; first += width) {
        double *mean = norm->mean + first, *inverse = norm->inverse + first, middle = 0, squares = 0;
        for (size_t i = 0; i < width; i++) middle += mean[i] - mean[0]; /* so that equal ones are met exactly */
        middle = mean[0] + middle / (double)width;
        for (size_t i = 0; i < width; i++) {
            double apart = mean[i] - middle;
            squares += inverse[i] + (double)norm->places * (apart * apart);
        }
        squares = 1 / sqrt(squares / ((double)norm->places * (double)width) + epsilon);
        for (size_t i = 0; i < width; i++) mean[i] = middle, inverse[i] = squares;
    }
}

/* The rows begin .. end - 1 of all samples, cut where a sample ends. */
static void each_sample(const struct job *job, size_t begin, size_t end,
                        void (*rows)(const struct job *job, size_t sample, size_t first, size_t count)) {
    size_t places = job->norm->places;
    for (size_t next; begin < end; begin = next) {
        size_t sample = begin / places;
        next = (sample + 1) * places < end ? (sample + 1) * places : end;
        rows(job, sample, begin, next - begin);
    }
}

static void forward_rows(const struct job *job, size_t sample, size_t first, size_t count) {
    const struct group_norm *norm = job->norm;
    const struct norm of = {.mean = norm->mean + sample * norm->n,
                            .inverse = norm->inverse + sample * norm->n,
                            .weight = norm->weight,
                            .bias = job->bias};
    size_t at = first * norm->n * job->size;
    job->kernels->batch_norm(count, norm->n, (const char *)norm->x + at, &of, job->y + at);
}

static void forward(void *context, size_t begin, size_t end) { each_sample(context, begin, end, forward_rows); }

static void share_rows(struct job *job, void (*work)(void *context, size_t begin, size_t end)) {
    size_t rows = job->norm->batch * job->norm->places, n = job->norm->n;
    threads_for(rows, threads_piece(n), (double)rows * (double)n * 4, work, job);
}

void norm_group(struct group_norm *norm, const void *bias, double epsilon, void *y) {
    struct job job = job_for(norm);
    job.bias = bias;
    job.y = y;
    reduce_moments(norm->dtype, norm->batch, norm->places, norm->n, norm->x, norm->mean, norm->inverse);
    join_groups(norm, epsilon);
    share_rows(&job, forward);
}

/* Items are groups of up to 16 columns of a sample: their sums over places of dy * z. */
static void weight_sums(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    const struct group_norm *norm = job->norm;
    for (size_t item = begin; item < end; item++) {
        size_t sample = item / job->columns, column = item % job->columns * COLUMN_UNIT;
        size_t left = norm->n - column, feature = sample * norm->n + column;
        size_t at = (sample * norm->places * norm->n + column) * job->size;
        job->kernels->batch_norm_weight(norm->places, left < COLUMN_UNIT ? left : COLUMN_UNIT, norm->n,
                                        (const char *)norm->x + at, job->dy + at, norm->mean + feature,
                                        norm->inverse + feature, job->y + feature * job->size);
    }
}

/* Of each group, the mean of weight * sums / places, for each of its features. */
static void group_means(const struct group_norm *norm, const void *sums, void *means) {
    size_t width = norm->n / norm->groups;
    double count = (double)norm->places * (double)width;
    for (size_t first = 0; first < norm->batch * norm->n; first += width) {
        double sum = 0;
        for (size_t i = first; i < first + width; i++)
            sum += tensor_element(norm->dtype, norm->weight, i % norm->n) * tensor_element(norm->dtype, sums, i);
        for (size_t i = first; i < first + width; i++) tensor_put(norm->dtype, means, i, sum / count);
    }
}

static void backward_rows(const struct job *job, size_t sample, size_t first, size_t count) {
    const struct group_norm *norm = job->norm;
    size_t feature = sample * norm->n, at = first * norm->n * job->size;
    const struct norm_slopes of = {.mean = norm->mean + feature,
                                   .inverse = norm->inverse + feature,
                                   .level = job->level + feature * job->size,
                                   .tilt = job->tilt + feature * job->size,
                                   .gain = norm->weight,
                                   .weight = job->ones};
    job->kernels->batch_norm_backward(count, norm->n, (const char *)norm->x + at, job->dy + at, &of, job->y + at);
}

static void backward(void *context, size_t begin, size_t end) { each_sample(context, begin, end, backward_rows); }

void norm_group_backward(const struct group_norm *norm, const void *dy, void *scratch, void *dx, void *dweight,
                         void *dbias) {
    struct job job = job_for(norm);
    size_t features = norm->batch * norm->n, bytes = features * job.size;
    char *biases = scratch, *weights = biases + bytes, *level = weights + bytes, *tilt = level + bytes,
         *ones = tilt + bytes;
    job.dy = dy;
    reduce_axis(REDUCE_SUM, norm->dtype, norm->batch, norm->places, norm->n, dy, biases);
    job.y = weights;
    threads_for(norm->batch * job.columns, threads_piece(norm->places * COLUMN_UNIT),
                (double)norm->places * (double)features * 2, weight_sums, &job);
    reduce_axis(REDUCE_SUM, norm->dtype, 1, norm->batch, norm->n, biases, dbias);
    reduce_axis(REDUCE_SUM, norm->dtype, 1, norm->batch, norm->n, weights, dweight);
    group_means(norm, biases, level);
    group_means(norm, weights, tilt);
    for (size_t i = 0; i < norm->n; i++) tensor_put(norm->dtype, ones, i, 1);
    job.level = level;
    job.tilt = tilt;
    job.ones = ones;
    job.y = dx;
    share_rows(&job, backward);
}
