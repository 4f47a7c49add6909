/* Optimiser steps on one contiguous parameter seen as [rows, columns], shared among threads on the grid that
   the matrix products use. Formulas: kernels/template/optim.inc. */
#ifndef FNET_OPTIM_H
#define FNET_OPTIM_H

#include "../kernels/kernels.h"
#include "tensor.h"

struct optim_parameter {
    enum dtype dtype;
    size_t rows, columns;
    const void *gradient;
    void *moment1, *moment2; /* NULL where the optimiser has none */
    void *parameter;
};

/* One step on each of `count` parameters; nothing interrupts it half-way. */
void optim_adam(const struct optim_parameter *parameters, size_t count, const struct adam_step *step);
void optim_sgd(const struct optim_parameter *parameters, size_t count, double rate, double momentum);

#endif
