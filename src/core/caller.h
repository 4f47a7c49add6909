/* What holds in one thread of the process, and for the workers that help it with a loop, who take it over: states
   of Lua in several threads neither see nor change each other's. Zeros stand for what has not been asked for yet.
   For backend.c, interrupt.c and threads.c, which explain their member. */
#ifndef FNET_CALLER_H
#define FNET_CALLER_H

#include "../kernels/kernels.h"

struct caller {
    const struct kernels *kernels;
    size_t threads;
    unsigned interrupts;
};

extern _Thread_local struct caller caller; /* threads.c */

#endif
