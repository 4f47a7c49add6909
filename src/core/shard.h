/* What a shard of a batch changes in a model's buffers (running statistics, counters), as numbers that can be added
   to those of the other shards. */
#ifndef FNET_SHARD_H
#define FNET_SHARD_H

#include "tensor.h"

/* y = weight * (x - before), 0 where x is as before, whatever that is. Of equal counts; contiguous; y is float. */
void shard_change(const struct tensor *x, const struct tensor *before, double weight, const struct tensor *y);

/* x = before + y; as before where y is 0. */
void shard_apply(const struct tensor *y, const struct tensor *before, const struct tensor *x);

#endif
