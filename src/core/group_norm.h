/* Group normalisation of a contiguous [batch, places, n] (Wu and He, 2018): the n features of a sample lie in
   groups of n / groups, n > 0, each of which has one mean and one deviation over all places. The kernels are those
   of batch normalisation, which get what belongs to a feature's group. */
#ifndef FNET_GROUP_NORM_H
#define FNET_GROUP_NORM_H

#include "tensor.h"

struct group_norm {
    enum dtype dtype;
    size_t batch, places, n, groups;
    const void *x, *weight; /* weight[n] */
    double *mean, *inverse; /* [batch, n] each */
};

/* y = (x - mean) * inverse * weight + bias; gives mean and inverse. A mean is that of the features' means, and the
   squared distances are those of each feature from its own mean and of that from the group's, in double, both in
   ascending order. */
void norm_group(struct group_norm *norm, const void *bias, double epsilon, void *y);

/* The gradients of x, weight[n] and bias[n]. `scratch` has room for [4 batch + 1, n] of the element type. */
void norm_group_backward(const struct group_norm *norm, const void *dy, void *scratch, void *dx, void *dweight,
                         void *dbias);

#endif
