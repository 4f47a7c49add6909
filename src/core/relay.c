#include "relay.h"

#include "backend.h"
#include "threads.h"

#define LEGS_MOST 16
#define BLOCKS_A_LEG 8 /* at least: a leg begins when the one before has finished its first block */

/* One thread's part of k. */
struct leg {
    _Alignas(64) atomic_size_t blocks; /* finished */
};

struct job {
    struct matmul product;
    const struct kernels *kernels;
    size_t legs, row_blocks, blocks;
    struct leg leg[LEGS_MOST];
};

static size_t divide_up(size_t a, size_t b) { return (a + b - 1) / b; }

/* Rows l .. end of the weights; block after block down the rows of the output, then the next columns. */
static void run_leg(struct job *job, size_t number, size_t l, size_t end) {
    const struct matmul *p = &job->product;
    size_t high = job->kernels->tile_rows, wide = job->kernels->tile_columns;
    for (size_t block = 0; block < job->blocks; block++) {
        struct product part = matmul_rest(p, block % job->row_blocks * high, block / job->row_blocks * wide, l);
        if (part.m > high) part.m = high;
        if (part.n > wide) part.n = wide;
        part.k = end - l;
        if (number > 0 && !threads_wait(&job->leg[number - 1].blocks, block + 1)) return;
        job->kernels->matmul(&part);
        atomic_store_explicit(&job->leg[number].blocks, block + 1, memory_order_release);
    }
}

static void run_legs(void *context, size_t begin, size_t end) {
    struct job *job = context;
    for (size_t number = begin; number < end; number++) {
        size_t l, l_end;
        threads_range(job->product.k, 1, number, job->legs, &l, &l_end);
        run_leg(job, number, l, l_end);
    }
}

static struct job plan(const struct matmul *p) {
    struct job job = {.product = *p, .kernels = backend(p->dtype), .legs = threads_at_once()};
    job.row_blocks = divide_up(p->m, job.kernels->tile_rows);
    job.blocks = job.row_blocks * divide_up(p->n, job.kernels->tile_columns);
    return job;
}

bool relay_pays(const struct matmul *p) {
    size_t row_parts, column_parts, threads = threads_at_once();
    if (threads == 1 || threads > LEGS_MOST || matmul_workspace(p) > 0) return false;
    threads_grid(p->k, p->n, &row_parts, &column_parts);
    return column_parts == 1 && plan(p).blocks >= BLOCKS_A_LEG * (threads - 1);
}

void relay_run(const struct matmul *p) {
    struct job job = plan(p);
    threads_for(job.legs, 1, (double)p->m * (double)p->n * (double)p->k, run_legs, &job);
}
