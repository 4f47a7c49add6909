/* Optimiser steps on lists of contiguous parameters, each seen as [rows, columns], shared among threads on the grid
   that the matrix products use. Formulas: kernels/operations.inc. */
#ifndef FNET_OPTIM_H
#define FNET_OPTIM_H

#include "../kernels/kernels.h"
#include "tensor.h"

struct optim_parameter {
    enum dtype dtype;
    size_t rows, columns;
    void *gradient;
    void *moment1, *moment2; /* NULL where the rule has none */
    void *parameter;
    const uint64_t *rows_set; /* row_set.h: the gradients of all other rows are zeros; NULL: that is not known */
};

/* One step on each of `count` parameters; nothing interrupts it half-way. */
void optim_update(const struct optim_parameter *parameters, size_t count, enum optim_rule rule,
                  const struct optim_step *step);

/* The Euclidean norm of all gradients as one vector: the squares of each summed in double (kernels.h), those sums
   added in the order of the list, the square root. Where the squares leave the range of double, which those of
   floats cannot, the gradients are taken times a power of two; so it is finite for all finite gradients. */
double optim_norm(const struct optim_parameter *parameters, size_t count);

/* Every gradient times the factor, which no type of element rounds to 0, and every gradient limited to [-most,
   most]. */
void optim_scale(const struct optim_parameter *parameters, size_t count, double factor);
void optim_limit(const struct optim_parameter *parameters, size_t count, double most);

#endif
