#include "count.h"

#include "threads.h"

#include <math.h>

#define PIECE 65536 /* elements between two looks for an interrupt */

/* Without a cost a loop stays in one thread, and goes in order. */
static void in_order(size_t count, void (*work)(void *context, size_t begin, size_t end), void *job) {
    threads_for(count, PIECE, 0, work, job);
}

struct job {
    const struct tensor *x;
    const int32_t *value;
    size_t found, most; /* most: of places, or of bins */
    int32_t *y;
    double low, high;
    double *new_edges;
    const double *edges;
    size_t bad;
};

static double element(const struct job *job, size_t i) { return tensor_element(job->x->dtype, job->x->data, i); }

static void nonzero(void *context, size_t begin, size_t end) {
    struct job *job = context;
    size_t found = 0;
    for (size_t i = begin; i < end; i++) found += element(job, i) != 0;
    job->found += found;
}

size_t count_nonzero(const struct tensor *x) {
    struct job job = {.x = x};
    in_order(tensor_count(x), nonzero, &job);
    return job.found;
}

/* Each place is written, and the next one over it where that was none: no branch to be guessed. */
static void nonzero_places(void *context, size_t begin, size_t end) {
    struct job *job = context;
    size_t found = job->found;
    for (size_t i = begin; i < end && found < job->most; i++) {
        job->y[found] = (int32_t)i + 1;
        found += element(job, i) != 0;
    }
    job->found = found;
}

void count_nonzero_places(const struct tensor *x, size_t count, int32_t *y) {
    struct job job = {.x = x, .most = count, .y = y};
    in_order(tensor_count(x), nonzero_places, &job);
}

static void add_values(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    for (size_t i = begin; i < end; i++) job->y[job->value[i] - 1]++;
}

void count_values(const int32_t *value, size_t count, int32_t *counts) {
    struct job job = {.value = value, .y = counts};
    in_order(count, add_values, &job);
}

static void range(void *context, size_t begin, size_t end) {
    struct job *job = context;
    for (size_t i = begin; i < end; i++) {
        double x = element(job, i);
        if (x < job->low) job->low = x;
        if (x > job->high) job->high = x;
        if (isnan(x) && job->found++ == 0) job->bad = i;
    }
}

bool count_range(const struct tensor *x, double *low, double *high, size_t *bad) {
    struct job job = {.x = x, .low = INFINITY, .high = -INFINITY};
    in_order(tensor_count(x), range, &job);
    *low = job.low;
    *high = job.high;
    *bad = job.bad;
    return job.found == 0;
}

/* Each edge by itself, so that 3/10 from 0 to 1 is 0.3; a difference of the ends may be beyond double. */
static void place_edges(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    for (size_t i = begin; i < end; i++) {
        double share = (double)i / (double)job->most;
        job->new_edges[i] = job->low * (1 - share) + job->high * share;
    }
}

void count_edges(double low, double high, size_t bins, double *edges) {
    struct job job = {.low = low, .high = high, .most = bins, .new_edges = edges};
    in_order(bins + 1, place_edges, &job);
}

/* The quotient is a guess: it is the edges that decide. */
static void add_to_bins(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    const double *edges = job->edges;
    size_t last = job->most - 1;
    double low = edges[0], high = edges[job->most], scale = (double)job->most / (high / 2 - low / 2);
    for (size_t i = begin; i < end; i++) {
        double x = element(job, i);
        if (!(x >= low && x <= high)) continue;
        double guess = (x / 2 - low / 2) * scale;
        size_t bin = guess < (double)last ? (size_t)guess : last;
        while (bin > 0 && x < edges[bin]) bin--;
        while (bin < last && x >= edges[bin + 1]) bin++;
        job->y[bin]++;
    }
}

void count_bins(const struct tensor *x, const double *edges, size_t bins, int32_t *counts) {
    struct job job = {.x = x, .edges = edges, .most = bins, .y = counts};
    in_order(tensor_count(x), add_to_bins, &job);
}
