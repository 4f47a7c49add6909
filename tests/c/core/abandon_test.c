/* A kernel that goes over one long row ends when a request comes: these rows have no end that anyone would live to
   see, since they are one element over and over. */
#include "../check.h"

#include "../../../src/core/interrupt.h"
#include "../../../src/kernels/kernels.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define ENDLESS (SIZE_MAX / 4)

static atomic_bool ended;

static void *request(void *argument) {
    while (!atomic_load(&ended)) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        interrupt_request();
    }
    return argument;
}

static void run(const struct kernels *kernels, int operation) {
    const double x[32] = {0};
    double y[32], squares[32];
    if (operation < REDUCE_COUNT)
        kernels->reduce_columns[operation](ENDLESS, 1, x, 0, y);
    else if (operation == REDUCE_COUNT)
        kernels->sum_squares_columns(ENDLESS, 1, x, 0, squares);
    else
        kernels->moments_columns(ENDLESS, 1, x, 0, y, squares);
}

int main(int count, char **arguments) {
    size_t tables;
    const struct kernels *const *table = kernels_supported(&tables);
    check_start(count, arguments);
    for (size_t t = 0; t < tables; t++)
        for (int operation = 0; operation < REDUCE_COUNT + 2; operation++) {
            pthread_t thread;
            test("%s: operation %d", table[t]->name, operation);
            interrupt_take();
            atomic_store(&ended, false);
            if (!check(pthread_create(&thread, NULL, request, NULL) == 0, "no thread")) break;
            run(table[t], operation);
            atomic_store(&ended, true);
            pthread_join(thread, NULL);
            check(interrupt_take(), "nothing to take");
        }
    return check_end();
}
