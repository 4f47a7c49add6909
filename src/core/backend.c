#include "backend.h"

#include <string.h>

static const struct kernels *chosen = &kernels_portable;

const struct kernels *const *backend_all(size_t *count) { return kernels_supported(count); }

void backend_open(void) {
    size_t count;
    const struct kernels *const *table = kernels_supported(&count);
    chosen = table[count - 1];
}

bool backend_use(const char *name) {
    size_t count;
    const struct kernels *const *table = kernels_supported(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i]->name, name) != 0) continue;
        chosen = table[i];
        return true;
    }
    return false;
}

const char *backend_name(void) { return chosen->name; }

const struct kernels *backend(enum dtype dtype) { return dtype == FLOAT64 ? &kernels_double : chosen; }
