/* A binary tree of sums, each of its two children's: node 1 is the sum of all, the leaves are the weights, followed
   by zeros. A draw goes down from node 1; a weight that is taken away is 0 exactly, since the sums above it are
   made anew. */
#include "sample.h"

#include <math.h>

/* The leaves of the tree: a power of two. */
static size_t leaves_for(size_t classes) {
    size_t leaves = 1;
    while (leaves < classes) leaves *= 2;
    return leaves;
}

size_t sample_memory(size_t classes) { return classes > INT32_MAX ? 0 : 2 * leaves_for(classes); }

/* The leaf at u of the sum. Rounding may lead past the end: never to where the sum is 0. */
static size_t leaf_at(const double *tree, size_t leaves, double u) {
    size_t node = 1;
    double left = u * tree[1];
    while (node < leaves) {
        node *= 2;
        if (tree[node + 1] > 0 && left >= tree[node]) left -= tree[node++];
    }
    return node;
}

enum sample_fault sample_row(enum dtype dtype, size_t classes, const void *x, size_t count, const double *u,
                             bool replace, double *memory, int32_t *y, size_t *bad) {
    size_t leaves = leaves_for(classes), above = 0, needed = replace ? count > 0 : count;
    double *tree = memory;
    for (size_t i = 0; i < leaves; i++) {
        double weight = i >= classes ? 0 : dtype == FLOAT32 ? ((const float *)x)[i] : ((const double *)x)[i];
        *bad = i;
        if (!(weight >= 0 && isfinite(weight))) return SAMPLE_WEIGHT;
        above += weight > 0;
        tree[leaves + i] = weight;
    }
    for (size_t node = leaves - 1; node > 0; node--) tree[node] = tree[2 * node] + tree[2 * node + 1];
    if (isinf(tree[1])) return SAMPLE_SUM;
    *bad = above;
    if (above < needed) return SAMPLE_FEW;
    for (size_t i = 0; i < count; i++) {
        size_t node = leaf_at(tree, leaves, u[i]);
        y[i] = (int32_t)(node - leaves) + 1;
        if (replace) continue;
        tree[node] = 0;
        while ((node /= 2) > 0) tree[node] = tree[2 * node] + tree[2 * node + 1];
    }
    return SAMPLE_FINE;
}
