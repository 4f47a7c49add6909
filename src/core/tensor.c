#include "tensor.h"

#include "rounding.h"

#include <string.h>

const char *const dtype_names[DTYPE_COUNT] = {"float32", "float64", "uint8", "int32"};
const size_t dtype_sizes[DTYPE_COUNT] = {sizeof(float), sizeof(double), sizeof(uint8_t), sizeof(int32_t)};

bool tensor_layout(struct tensor *t, enum dtype dtype, int rank, const size_t *shape) {
    /* The strides must stay in range even where another axis is empty, so empty axes count as one here. */
    size_t elements = 1;
    memset(t, 0, sizeof *t);
    t->dtype = dtype;
    t->rank = rank;
    for (int axis = rank - 1; axis >= 0; axis--) {
        size_t length = shape[axis] ? shape[axis] : 1;
        t->shape[axis] = shape[axis];
        t->stride[axis] = elements;
        if (__builtin_mul_overflow(elements, length, &elements)) return false;
    }
    return !__builtin_mul_overflow(elements, dtype_sizes[dtype], &elements) && elements <= PTRDIFF_MAX;
}

size_t tensor_span(const struct tensor *t, int first, int end) {
    size_t count = 1;
    for (int axis = first; axis < end; axis++) count *= t->shape[axis];
    return count;
}

size_t tensor_count(const struct tensor *t) { return tensor_span(t, 0, t->rank); }

size_t tensor_bytes(const struct tensor *t) { return tensor_count(t) * dtype_sizes[t->dtype]; }

bool tensor_is_contiguous(const struct tensor *t) {
    size_t expected = 1;
    if (tensor_count(t) == 0) return true;
    for (int axis = t->rank - 1; axis >= 0; axis--) {
        if (t->shape[axis] != 1 && t->stride[axis] != expected) return false;
        expected *= t->shape[axis];
    }
    return true;
}

bool tensor_same_shape(const struct tensor *a, const struct tensor *b) {
    if (a->rank != b->rank) return false;
    for (int axis = 0; axis < a->rank; axis++)
        if (a->shape[axis] != b->shape[axis]) return false;
    return true;
}

bool tensor_alike(const struct tensor *a, const struct tensor *b) {
    return a->dtype == b->dtype && tensor_same_shape(a, b);
}

bool tensor_broadcast(const struct tensor *a, const struct tensor *b, int *rank, size_t *shape) {
    *rank = a->rank > b->rank ? a->rank : b->rank;
    for (int axis = 0; axis < *rank; axis++) {
        int in_a = axis - (*rank - a->rank), in_b = axis - (*rank - b->rank);
        size_t length_a = in_a < 0 ? 1 : a->shape[in_a], length_b = in_b < 0 ? 1 : b->shape[in_b];
        if (length_a != length_b && length_a != 1 && length_b != 1) return false;
        shape[axis] = length_a == 1 ? length_b : length_a;
    }
    return true;
}

struct tensor tensor_slice(const struct tensor *t, int axis, size_t first, size_t length) {
    struct tensor view = *t;
    view.shape[axis] = length;
    view.data = (char *)t->data + first * t->stride[axis] * dtype_sizes[t->dtype];
    return view;
}

struct tensor tensor_select(const struct tensor *t, int axis, size_t index) {
    struct tensor view = tensor_slice(t, axis, index, 1);
    view.rank--;
    for (int k = axis; k < view.rank; k++) {
        view.shape[k] = t->shape[k + 1];
        view.stride[k] = t->stride[k + 1];
    }
    return view;
}

struct tensor tensor_expand(const struct tensor *t, int rank, const size_t *shape) {
    struct tensor view = *t;
    view.rank = rank;
    for (int axis = 0; axis < rank; axis++) {
        int from = axis - (rank - t->rank);
        view.shape[axis] = shape[axis];
        view.stride[axis] = from < 0 || t->shape[from] == 1 ? 0 : t->stride[from];
    }
    return view;
}

bool tensor_reshape(const struct tensor *t, int rank, const size_t *shape, struct tensor *view) {
    if (!tensor_layout(view, t->dtype, rank, shape)) return false;
    view->data = t->data;
    if (tensor_is_contiguous(t)) return true;
    /* Drop axes of length 1 and join axes that follow each other in memory; then each group of new axes must
       fill exactly one old axis. */
    size_t length[TENSOR_MAX_RANK], stride[TENSOR_MAX_RANK];
    int groups = 0;
    for (int axis = 0; axis < t->rank; axis++) {
        if (t->shape[axis] == 1) continue;
        if (groups > 0 && stride[groups - 1] == t->stride[axis] * t->shape[axis]) {
            length[groups - 1] *= t->shape[axis];
            stride[groups - 1] = t->stride[axis];
        } else {
            length[groups] = t->shape[axis];
            stride[groups++] = t->stride[axis];
        }
    }
    int group = groups - 1;
    size_t filled = 1;
    for (int axis = rank - 1; axis >= 0; axis--) {
        if (shape[axis] == 1) continue;
        if (group < 0) return false;
        view->stride[axis] = stride[group] * filled;
        filled *= shape[axis];
        if (length[group] % filled != 0) return false;
        if (filled == length[group]) {
            group--;
            filled = 1;
        }
    }
    return true;
}

size_t tensor_offset(const struct tensor *t, size_t index) {
    size_t offset = 0;
    for (int axis = t->rank - 1; axis >= 0; axis--) {
        offset += index % t->shape[axis] * t->stride[axis];
        index /= t->shape[axis];
    }
    return offset;
}

double tensor_get(const struct tensor *t, size_t index) {
    rounding_mode before = rounding_begin();
    volatile double value = tensor_element(t->dtype, t->data, tensor_offset(t, index));
    rounding_end(before);
    return value;
}

void tensor_set(const struct tensor *t, size_t index, double value) {
    rounding_mode before = rounding_begin();
    volatile double number = value;
    tensor_put(t->dtype, t->data, tensor_offset(t, index), number);
    rounding_end(before);
}
