/* The kernel tables in force. Chosen once when the library is opened; backend_use changes it later.
   Called from the main thread only, never while threads_for runs. */
#ifndef FNET_BACKEND_H
#define FNET_BACKEND_H

#include "../kernels/kernels.h"
#include "tensor.h"

void backend_open(void);            /* the fastest table that this machine runs */
bool backend_use(const char *name); /* false when the name is not among backend_all() */
const char *backend_name(void);     /* "avx512" */
const struct kernels *const *backend_all(size_t *count);

/* The table for float32 or float64 elements. */
const struct kernels *backend(enum dtype dtype);

#endif
