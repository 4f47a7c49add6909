/* Positions drawn in proportion to weights. */
#include "ltape.h"

#include "../core/sample.h"

static int refuse(lua_State *L, enum sample_fault fault, const struct tensor *x, size_t row, size_t bad) {
    size_t classes = x->shape[x->rank - 1];
    const char *where = "";
    if (x->rank > 1) where = lua_pushfstring(L, "row %I: ", (LUAI_UACINT)row + 1);
    if (fault == SAMPLE_WEIGHT)
        return lerror(L,
                      "sample: %sexpected finite weights of at least 0, got %f at %I; logits are no weights: "
                      "logits:softmax():sample(...)",
                      where, tensor_get(x, row * classes + bad), (LUAI_UACINT)bad + 1);
    if (fault == SAMPLE_SUM) return lerror(L, "sample: %sthe sum of the weights is not finite", where);
    if (bad == 0) return lerror(L, "sample: %sno weight is above 0", where);
    return lerror(L, "sample: %sonly %I weights are above 0, too few to draw without replacement", where,
                  (LUAI_UACINT)bad);
}

/* sample(weights, u, replace): weights [..., classes] and uniform numbers, float64 [..., n]; int32 [..., n]. */
static int sample(lua_State *L) {
    const struct tensor *x = &ltensor_check(L, 1)->tensor, *u;
    bool replace = lua_toboolean(L, 3);
    if (!dtype_is_float(x->dtype) || x->rank == 0)
        return lerror(L, "sample: expected float weights of [..., classes], got %s of %s", dtype_names[x->dtype],
                      lpush_shape_of(L, x));
    size_t classes = x->shape[x->rank - 1], rows = tensor_span(x, 0, x->rank - 1), needed = sample_memory(classes);
    if (needed == 0) return lerror(L, "sample: %I classes are too many", (LUAI_UACINT)classes);
    x = lpush_contiguous(L, 1, "sample", x->dtype);
    ltensor_check(L, 2);
    u = lpush_contiguous(L, 2, "sample", FLOAT64);
    size_t count = u->shape[u->rank - 1];
    double *memory = ltensor_new(L, "sample", FLOAT64, 1, &needed)->data;
    const struct tensor *y = ltensor_new(L, "sample", INT32, u->rank, u->shape);
    size_t bytes = classes * dtype_sizes[x->dtype];
    for (size_t row = 0; row < rows; row++) {
        size_t bad;
        enum sample_fault fault = sample_row(x->dtype, classes, (const char *)x->data + row * bytes, count,
                                             (const double *)u->data + row * count, replace, memory,
                                             (int32_t *)y->data + row * count, &bad);
        if (fault != SAMPLE_FINE) return refuse(L, fault, x, row, bad);
        lcheck_interrupt(L);
    }
    return 1;
}

void lopen_sample(lua_State *L) {
    static const struct operation operations[] = {{"sample", sample, UNRECORDED}, {NULL, NULL, 0}};
    lregister_operations(L, operations);
}
