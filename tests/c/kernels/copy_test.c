/* The copy of every table: bytes of any number from and to any place, no bit changed and none beside them. */
#include "../check.h"

#include "../../../src/kernels/kernels.h"

#include <string.h>

enum { BYTES = 700, BESIDE = 64 };

static void test_copy(const struct kernels *kernels, size_t bytes) {
    unsigned char x[BYTES + BESIDE] = {0}, y[BYTES + 2 * BESIDE], expected[sizeof y];
    size_t from = random_below(BESIDE), to = random_below(BESIDE);
    for (size_t i = 0; i < sizeof x; i++) x[i] = (unsigned char)random_below(256);
    for (size_t i = 0; i < sizeof y; i++) y[i] = expected[i] = (unsigned char)random_below(256);
    for (size_t i = 0; i < bytes; i++) expected[to + i] = x[from + i];
    kernels->copy(bytes, x + from, y + to);
    check(memcmp(expected, y, sizeof y) == 0, "%zu bytes from %zu to %zu", bytes, from, to);
}

int main(int count, char **arguments) {
    size_t tables;
    const struct kernels *const *table = kernels_supported(&tables);
    check_start(count, arguments);
    for (size_t t = 0; t < tables; t++) {
        test("%s copy", table[t]->name);
        for (size_t bytes = 0; bytes <= BYTES; bytes++) test_copy(table[t], bytes);
    }
    test("double copy");
    for (size_t bytes = 0; bytes <= BYTES; bytes++) test_copy(&kernels_double, bytes);
    return check_end();
}
