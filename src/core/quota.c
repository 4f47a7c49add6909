/* Sources: Linux, Documentation/admin-guide/cgroup-v2.rst (cpu.max) and scheduler/sched-bwc.rst (version 1);
   cgroups(7) on /proc/self/cgroup. A group is bound by the limits of those above it, too. In a container the path
   may be that of the host, of which nothing but the end is mounted: then what lies at the mount point counts. */
#include "quota.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The first two numbers of a file; how many there are: none where the first is "max". */
static int read_numbers(const char *directory, const char *name, long long *first, long long *second) {
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path) return 0;
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    int found = fscanf(file, "%lld %lld", first, second);
    fclose(file);
    return found > 0 ? found : 0;
}

static size_t limit_of(const char *directory) {
    long long quota, period, ignored;
    bool known = read_numbers(directory, "cpu.max", &quota, &period) == 2 ||
                 (read_numbers(directory, "cpu.cfs_quota_us", &quota, &ignored) == 1 &&
                  read_numbers(directory, "cpu.cfs_period_us", &period, &ignored) == 1);
    if (!known || quota <= 0 || period <= 0) return SIZE_MAX;
    long long nearest = (quota + period / 2) / period; /* a thread that has a half for itself is worth its waits */
    return nearest > 0 ? (size_t)nearest : 1;
}

/* The least of the limits of `path` below the directory `mount`, and of what lies between. */
static size_t limit_along(const char *mount, const char *path) {
    char directory[PATH_MAX];
    size_t least = SIZE_MAX, root = strlen(mount);
    if (snprintf(directory, sizeof directory, "%s%s", mount, path) >= (int)sizeof directory) return limit_of(mount);
    for (char *end = directory + strlen(directory); end; end = strrchr(directory + root, '/')) {
        *end = '\0';
        size_t limit = limit_of(directory);
        least = limit < least ? limit : least;
    }
    return least;
}

static size_t limit_below(const char *mounts, const char *name, const char *path) {
    char mount[PATH_MAX];
    int length = snprintf(mount, sizeof mount, "%s%s%s", mounts, *name ? "/" : "", name);
    return length < (int)sizeof mount ? limit_along(mount, path) : SIZE_MAX;
}

static bool has_word(const char *list, const char *word) {
    size_t length = strlen(word);
    for (; list; list = strchr(list, ','), list = list ? list + 1 : NULL)
        if (strncmp(list, word, length) == 0 && (list[length] == ',' || list[length] == '\0')) return true;
    return false;
}

size_t quota_of(const char *groups, const char *mounts) {
    char line[PATH_MAX + 256];
    size_t least = SIZE_MAX;
    FILE *file = fopen(groups, "r");
    if (!file) return SIZE_MAX;
    while (fgets(line, sizeof line, file)) { /* number:controllers:path */
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path) continue;
        *path++ = '\0';
        controllers++;
        if (*controllers && !has_word(controllers, "cpu")) continue;
        size_t limit = limit_below(mounts, controllers, path);
        /* a link, where the directory's name lists the controllers in another order */
        if (limit == SIZE_MAX && *controllers) limit = limit_below(mounts, "cpu", path);
        least = limit < least ? limit : least;
    }
    fclose(file);
    return least;
}

size_t quota_processors(void) { return quota_of("/proc/self/cgroup", "/sys/fs/cgroup"); }
