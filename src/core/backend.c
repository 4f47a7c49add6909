#include "backend.h"

#include "caller.h"

#include <string.h>

const struct kernels *const *backend_all(size_t *count) { return kernels_supported(count); }

bool backend_use(const char *name) {
    size_t count;
    const struct kernels *const *table = kernels_supported(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i]->name, name) != 0) continue;
        caller.kernels = table[i];
        return true;
    }
    return false;
}

static const struct kernels *fastest(void) {
    size_t count;
    const struct kernels *const *table = kernels_supported(&count);
    return table[count - 1];
}

const struct kernels *backend(enum dtype dtype) {
    if (dtype == FLOAT64) return &kernels_double;
    if (!caller.kernels) caller.kernels = fastest();
    return caller.kernels;
}

const char *backend_name(void) { return backend(FLOAT32)->name; }
