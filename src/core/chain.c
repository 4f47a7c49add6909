#include "chain.h"

void chain_extend(struct chain *chain, const struct product *p) {
    if (!chain->sums || p->k == 0) {
        chain->kernels->matmul(p);
        return;
    }
    struct product part = *p;
    size_t whole = p->k * (p->laps + 1);
    for (size_t done = 0; done < whole; done += part.k * (part.laps + 1)) {
        size_t lap = done / p->k, l = done % p->k, step = chain_step(chain, whole - done);
        part.laps = l == 0 && step >= p->k ? step / p->k - 1 : 0; /* as many as are whole */
        part.k = step < p->k - l ? step : p->k - l;
        part.a.at = (const char *)p->a.at + (lap * p->a_lap + l * p->a.column) * chain->size;
        part.b.at = (const char *)p->b.at + (lap * p->b_lap + l * p->b.row) * chain->size;
        chain->kernels->matmul(&part);
        part.start = (struct matrix){part.c, part.c_row, 1};
        chain_advance(chain, part.k * (part.laps + 1), part.m, part.n, part.c, part.c_row);
    }
}
