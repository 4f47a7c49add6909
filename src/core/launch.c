/* See launch.h. */
#include "launch.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>

/* The first of them that is there counts, for srun may have started mpirun. With --mpi=pmi2 srun says what MPICH
   does. With --mpi=pmix the size has a variable of its own, which is there without PMIX_RANK, too: then the
   processes have no MPI in common, and each is alone. */
static const struct {
    const char *starter, *rank, *size;
} told[] = {{"openmpi", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
            {"mpich", "PMI_RANK", "PMI_SIZE"},
            {"srun", "PMIX_RANK", "SLURM_STEP_NUM_TASKS"}};
enum { STARTERS = sizeof told / sizeof *told };

/* A variable's whole number; -1 where it is not there or none that fits. */
static int number_of(const char *name) {
    const char *text = getenv(name);
    if (text == NULL || text[0] < '0' || text[0] > '9') return -1;
    char *end;
    long long value = strtoll(text, &end, 10); /* a long may end with int */
    return *end == '\0' && value <= INT_MAX ? (int)value : -1;
}

bool launch_find(struct launch *launch) {
    for (size_t i = 0; i < STARTERS; i++) {
        int rank = number_of(told[i].rank), count = number_of(told[i].size);
        if (rank < 0 || count <= rank) continue;
        *launch = (struct launch){.starter = told[i].starter, .rank = rank, .count = count};
        return true;
    }
    return false;
}

void launch_forget(void) {
    for (size_t i = 0; i < STARTERS; i++) {
        unsetenv(told[i].rank);
        unsetenv(told[i].size);
    }
}
