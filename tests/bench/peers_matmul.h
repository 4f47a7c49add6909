/* What the entrants of the comparison of matrix products have in common. Each runs in a process of its own, so an
   entrant may keep its state in static variables. */
#ifndef PEERS_MATMUL_H
#define PEERS_MATMUL_H

#include <stdbool.h>
#include <stddef.h>

/* c[m, n] = a[m, k] b[k, n], all row-major and contiguous; a transposed operand is stored as [k, m] or [n, k]. */
struct multiplication {
    const char *name;
    size_t m, n, k;
    bool a_transposed, b_transposed;
    const float *a, *b;
    float *c;
};

struct entrant {
    const char *name;
    void (*version)(char *text, size_t size);
    bool (*prepare)(const struct multiplication *product, int threads); /* false: has no code for this product */
    void (*run)(void);                                                  /* the prepared product, once */
};

extern const struct entrant peers[]; /* of the libraries that were there at build time; ends with a NULL name */

#endif
