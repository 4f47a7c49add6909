/* Chains of fused multiply-adds that are so long that float would lose digits. One of up to CHAIN_MOST products
   stays whole, as in any ordinary layer. A longer one is cut into blocks of CHAIN_BLOCK; each begins from zero (the
   first one where the chain begins), and what the blocks come to is added in double, in ascending order, and
   rounded once. Where a chain is cut depends on its length alone. Matrix products and convolutions use it. */
#ifndef FNET_CHAIN_H
#define FNET_CHAIN_H

#include "../kernels/kernels.h"

#include <stdbool.h>

#define CHAIN_MOST 4096
#define CHAIN_BLOCK 1024

/* The chains of a matrix c of outputs, all equally long, while they grow. */
struct chain {
    const struct kernels *kernels;
    size_t size;  /* of an element */
    size_t done;  /* products so far */
    double *sums; /* of the finished blocks: zeros at first; [i * sums_row + j]; NULL where nothing is cut */
    size_t sums_row;
};

/* Whether chains of so many products are cut. */
static inline bool chain_is_cut(size_t length) { return length > CHAIN_MOST; }

/* How many of `left` products still belong to this block. */
static inline size_t chain_step(const struct chain *chain, size_t left) {
    size_t rest = CHAIN_BLOCK - chain->done % CHAIN_BLOCK;
    return chain->sums && rest < left ? rest : left;
}

/* After `step` products more, of all chains: a block that ends goes to the sums. */
static inline void chain_advance(struct chain *chain, size_t step, size_t m, size_t n, void *c, size_t c_row) {
    chain->done += step;
    if (!chain->sums || step == 0 || chain->done % CHAIN_BLOCK != 0) return;
    for (size_t i = 0; i < m; i++)
        chain->kernels->bank(n, (char *)c + i * c_row * chain->size, chain->sums + i * chain->sums_row);
}

/* The products of `p` more, from p->start on if they are the first ones, else from what c has. */
void chain_extend(struct chain *chain, const struct product *p);

/* Ends all chains: the sums of the blocks come into c. */
static inline void chain_end(const struct chain *chain, size_t m, size_t n, void *c, size_t c_row) {
    for (size_t i = 0; chain->sums && i < m; i++)
        chain->kernels->settle(n, (char *)c + i * c_row * chain->size, chain->sums + i * chain->sums_row);
}

#endif
