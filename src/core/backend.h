/* The kernel tables in force, in the thread that asks and in the workers that help it: the fastest that this
   machine runs, until backend_use names another. An operation asks once, before its loop, and sizes its workspace
   by the same table. */
#ifndef FNET_BACKEND_H
#define FNET_BACKEND_H

#include "../kernels/kernels.h"
#include "tensor.h"

bool backend_use(const char *name); /* false when the name is not among backend_all() */
const char *backend_name(void);     /* "avx512" */
const struct kernels *const *backend_all(size_t *count);

/* The table for float32 or float64 elements. */
const struct kernels *backend(enum dtype dtype);

#endif
