#include "chain.h"

void chain_extend(struct chain *chain, const struct product *p) {
    if (!chain->sums) {
        chain->kernels->matmul(p);
        return;
    }
    struct product part = *p;
    for (size_t left = p->k; left > 0; left -= part.k) {
        part.k = chain_step(chain, left);
        chain->kernels->matmul(&part);
        chain_advance(chain, part.k, part.m, part.n, part.c, part.c_row);
        part.a.at = (const char *)part.a.at + part.k * part.a.column * chain->size;
        part.b.at = (const char *)part.b.at + part.k * part.b.row * chain->size;
        part.start = (struct matrix){part.c, part.c_row, 1};
    }
}
