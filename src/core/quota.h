/* How many processors the control group of this process grants it: what a container is started with
   (docker --cpus, a pod's limit). Called by threads.c. */
#ifndef FNET_QUOTA_H
#define FNET_QUOTA_H

#include <stddef.h>

/* Whole processors, to the nearest, at least one; SIZE_MAX where there is no limit, or none that can be read. */
size_t quota_processors(void);

/* The same for a list of the groups of a process, as /proc/self/cgroup is, and the place where they are mounted. */
size_t quota_of(const char *groups, const char *mounts);

#endif
