/* Recurrent layers: all steps of one direction of one layer, forward beside backward. The products of the input are
   in the gates already, those of the state are added here, step by step. Shared among threads by rows of the batch:
   no step waits for another thread.
   Called by the binding lrecurrent.c, which has checked shapes and types. */
#ifndef FNET_RECURRENT_H
#define FNET_RECURRENT_H

#include "../kernels/kernels.h"
#include "tensor.h"

#include <stdbool.h>

/* How many gates a cell has; and whether, beside the state, it keeps something for each step. */
extern const struct cell_form {
    size_t gates;
    bool has_extra;
} cell_forms[CELL_COUNT];

struct recurrent {
    enum dtype dtype; /* FLOAT32 or FLOAT64, of everything */
    enum cell_kind kind;
    bool reversed; /* from the last step of each sequence to the first */
    size_t batch, time, units;
    const int32_t *lengths; /* [batch], each from 1 to time; NULL: all are `time` steps long */
    const void *weight;     /* [units, gates * units] of the state */
    const void *bias;       /* GRU: [units], of the sums of the state for the candidate; or NULL */
    const void *h, *c;      /* [batch, units], the state at the start, and the LSTM's memory */
    void *gates;            /* [batch, time, gates * units] */
    void *extra;            /* [batch, time, units] where the cell has it */
    void *y;                /* [batch, time, units]; 0 behind the end of a sequence */
    void *last;             /* LSTM: [batch, units], the memory at the end */
};

/* Gradients; what lies behind the end of a sequence becomes 0. */
struct recurrent_slopes {
    const void *dy; /* [batch, time, units] */
    void *slopes;   /* as gates: of the sums */
    void *extra;    /* as extra, GRU: of the sums of the state */
    void *before;   /* [batch, time, units]: no gradient, but the state before each step, for that of weight */
    void *dh, *dc;  /* [batch, units]: of h and c; dc holds that of `last` before */
};

size_t recurrent_workspace(const struct recurrent *p); /* bytes that both need */
void recurrent_forward(const struct recurrent *p, void *workspace);
void recurrent_backward(const struct recurrent *p, const struct recurrent_slopes *slopes, void *workspace);

#endif
