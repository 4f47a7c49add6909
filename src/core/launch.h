/* What mpirun or srun tells each of the processes that it has started together: which it is, of how many. The one
   place that knows the variables. Called by main.c and lprogram.c. */
#ifndef FNET_LAUNCH_H
#define FNET_LAUNCH_H

#include <stdbool.h>

struct launch {
    const char *starter; /* "openmpi" or "mpich", whose mpirun it was, or "srun" */
    int rank, count;     /* rank from 0 */
};

/* Whether this process was started so; one that is alone, as with mpirun -n 1, too. */
bool launch_find(struct launch *launch);

/* The programs that this process starts are none of them: they are not told. */
void launch_forget(void);

#endif
