#include "shard.h"

#include "threads.h"

struct job {
    const struct tensor *x, *before, *y;
    double weight;
};

static void change(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    for (size_t i = begin; i < end; i++) {
        double now = tensor_element(job->x->dtype, job->x->data, i);
        double before = tensor_element(job->before->dtype, job->before->data, i);
        tensor_put(job->y->dtype, job->y->data, i, now == before ? 0 : job->weight * (now - before));
    }
}

void shard_change(const struct tensor *x, const struct tensor *before, double weight, const struct tensor *y) {
    struct job job = {.x = x, .before = before, .y = y, .weight = weight};
    threads_for(tensor_count(x), 0, (double)tensor_count(x) * 8, change, &job);
}

static void apply(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    for (size_t i = begin; i < end; i++) {
        double added = tensor_element(job->y->dtype, job->y->data, i);
        double before = tensor_element(job->before->dtype, job->before->data, i);
        tensor_put(job->x->dtype, job->x->data, i, added == 0 ? before : before + added);
    }
}

void shard_apply(const struct tensor *y, const struct tensor *before, const struct tensor *x) {
    struct job job = {.x = x, .before = before, .y = y};
    threads_for(tensor_count(x), 0, (double)tensor_count(x) * 8, apply, &job);
}
