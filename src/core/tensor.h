/* A tensor as the core sees it: an element type, a shape, strides in elements, and a pointer into storage
   that somebody else owns.
   Invariant: 0 <= rank <= TENSOR_MAX_RANK; the product of the shape times the element size fits in size_t
   (tensor_layout checks it); a stride of 0 repeats one element along an axis.
   The core allocates nothing and fails nowhere: callers check shapes first and bring the memory. */
#ifndef FNET_TENSOR_H
#define FNET_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TENSOR_MAX_RANK 8

enum dtype { FLOAT32, FLOAT64, UINT8, INT32, DTYPE_COUNT };

struct tensor {
    enum dtype dtype;
    int rank;
    size_t shape[TENSOR_MAX_RANK];
    size_t stride[TENSOR_MAX_RANK];
    void *data;
};

extern const char *const dtype_names[DTYPE_COUNT]; /* "float32", "float64", "uint8", "int32" */
extern const size_t dtype_sizes[DTYPE_COUNT];      /* bytes an element */

/* True for the types that arithmetic, and gradients, are for. */
static inline bool dtype_is_float(enum dtype dtype) { return dtype <= FLOAT64; }

/* Fills in a contiguous, row-major layout with data = NULL. False when the size in bytes overflows. */
bool tensor_layout(struct tensor *t, enum dtype dtype, int rank, const size_t *shape);

/* The product of the lengths of the axes first .. end - 1; 1 for none. */
size_t tensor_span(const struct tensor *t, int first, int end);

size_t tensor_count(const struct tensor *t); /* elements; 1 for rank 0 */
size_t tensor_bytes(const struct tensor *t); /* elements times the element size */
bool tensor_is_contiguous(const struct tensor *t);
bool tensor_same_shape(const struct tensor *a, const struct tensor *b);
bool tensor_alike(const struct tensor *a, const struct tensor *b); /* in shape and type */

/* The shape that NumPy's rule gives for a op b. False when the shapes do not fit together. */
bool tensor_broadcast(const struct tensor *a, const struct tensor *b, int *rank, size_t *shape);

/* `length` positions of an axis, from `first` on; and one of them, without the axis. */
struct tensor tensor_slice(const struct tensor *t, int axis, size_t first, size_t length);
struct tensor tensor_select(const struct tensor *t, int axis, size_t index);

/* t seen with the given shape, repeated along axes of size 1 and along new leading axes. */
struct tensor tensor_expand(const struct tensor *t, int rank, const size_t *shape);

/* Same elements, another shape: false when strides cannot express it without a copy. counts must be equal. */
bool tensor_reshape(const struct tensor *t, int rank, const size_t *shape, struct tensor *view);

/* The element at an offset from data as a double; within a loop of threads.h, which sees to the rounding.
 */
static inline double tensor_element(enum dtype dtype, const void *data, size_t offset) {
    switch (dtype) {
    case FLOAT32: return ((const float *)data)[offset];
    case FLOAT64: return ((const double *)data)[offset];
    case UINT8: return ((const uint8_t *)data)[offset];
    default: return ((const int32_t *)data)[offset];
    }
}

/* The same the other way: a number that the type can hold. */
static inline void tensor_put(enum dtype dtype, void *data, size_t offset, double value) {
    switch (dtype) {
    case FLOAT32: ((float *)data)[offset] = (float)value; break;
    case FLOAT64: ((double *)data)[offset] = value; break;
    case UINT8: ((uint8_t *)data)[offset] = (uint8_t)value; break;
    default: ((int32_t *)data)[offset] = (int32_t)value; break;
    }
}

/* Where the element with that row-major number lies, in elements from data. */
size_t tensor_offset(const struct tensor *t, size_t index);

/* One element as a double, and back, anywhere. index < tensor_count(t), counted row-major. */
double tensor_get(const struct tensor *t, size_t index);
void tensor_set(const struct tensor *t, size_t index, double value);

#endif
