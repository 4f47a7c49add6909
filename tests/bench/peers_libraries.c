/* The peers of the comparison of matrix products: OpenBLAS, oneDNN, libxsmm. The Makefile defines PEER_... for
   each library that is installed. */
#include "peers_matmul.h"

#include <stdio.h>

#if defined(PEER_OPENBLAS) || defined(PEER_ONEDNN) || defined(PEER_LIBXSMM)
static struct multiplication product;
#endif
#if defined(PEER_ONEDNN) || defined(PEER_LIBXSMM)
void omp_set_num_threads(int count); /* of libgomp; <omp.h> is not there for every compiler */
#endif

#ifdef PEER_OPENBLAS
#include <cblas.h>

static void openblas_version(char *text, size_t size) {
    snprintf(text, size, "%s, %s", openblas_get_config(), openblas_get_corename());
}

static bool openblas_prepare(const struct multiplication *p, int threads) {
    product = *p;
    openblas_set_num_threads(threads);
    return true;
}

static void openblas_run(void) {
    const struct multiplication *p = &product;
    int m = (int)p->m, n = (int)p->n, k = (int)p->k;
    cblas_sgemm(CblasRowMajor, p->a_transposed ? CblasTrans : CblasNoTrans,
                p->b_transposed ? CblasTrans : CblasNoTrans, m, n, k, 1, p->a, p->a_transposed ? m : k, p->b,
                p->b_transposed ? k : n, 0, p->c, n);
}
#endif

#ifdef PEER_ONEDNN
#include <oneapi/dnnl/dnnl.h>

static void onednn_version(char *text, size_t size) {
    const dnnl_version_t *version = dnnl_version();
    snprintf(text, size, "%d.%d.%d", version->major, version->minor, version->patch);
}

static bool onednn_sgemm_prepare(const struct multiplication *p, int threads) {
    product = *p;
    omp_set_num_threads(threads);
    return true;
}

static void onednn_sgemm_run(void) {
    const struct multiplication *p = &product;
    dnnl_dim_t m = (dnnl_dim_t)p->m, n = (dnnl_dim_t)p->n, k = (dnnl_dim_t)p->k;
    dnnl_sgemm(p->a_transposed ? 'T' : 'N', p->b_transposed ? 'T' : 'N', m, n, k, 1, p->a, p->a_transposed ? m : k,
               p->b, p->b_transposed ? k : n, 0, p->c, n);
}

#if DNNL_VERSION_MAJOR == 2
static dnnl_engine_t engine;
static dnnl_stream_t stream;
static dnnl_primitive_t primitive;
static dnnl_exec_arg_t arguments[3];

static bool describe(int which, int argument, size_t rows, size_t columns, bool transposed, const void *data) {
    dnnl_dims_t shape = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
    dnnl_dims_t strides = {transposed ? 1 : (dnnl_dim_t)columns, transposed ? (dnnl_dim_t)rows : 1};
    dnnl_memory_desc_t description;
    if (arguments[which].memory) dnnl_memory_destroy(arguments[which].memory);
    arguments[which].memory = NULL;
    arguments[which].arg = argument;
    return dnnl_memory_desc_init_by_strides(&description, 2, shape, dnnl_f32, strides) == dnnl_success &&
           dnnl_memory_create(&arguments[which].memory, &description, engine, (void *)(size_t)data) == dnnl_success;
}

static bool onednn_matmul_prepare(const struct multiplication *p, int threads) {
    omp_set_num_threads(threads);
    if (!engine && (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success ||
                    dnnl_stream_create(&stream, engine, dnnl_stream_default_flags) != dnnl_success))
        return false;
    if (!describe(0, DNNL_ARG_SRC, p->m, p->k, p->a_transposed, p->a) ||
        !describe(1, DNNL_ARG_WEIGHTS, p->k, p->n, p->b_transposed, p->b) ||
        !describe(2, DNNL_ARG_DST, p->m, p->n, false, p->c))
        return false;
    const dnnl_memory_desc_t *shapes[3];
    for (int i = 0; i < 3; i++) dnnl_memory_get_memory_desc(arguments[i].memory, &shapes[i]);
    dnnl_matmul_desc_t operation;
    dnnl_primitive_desc_t description;
    if (dnnl_matmul_desc_init(&operation, shapes[0], shapes[1], NULL, shapes[2]) != dnnl_success ||
        dnnl_primitive_desc_create(&description, &operation, NULL, engine, NULL) != dnnl_success)
        return false;
    if (primitive) dnnl_primitive_destroy(primitive);
    primitive = NULL;
    bool made = dnnl_primitive_create(&primitive, description) == dnnl_success;
    dnnl_primitive_desc_destroy(description);
    return made;
}

static void onednn_matmul_run(void) {
    dnnl_primitive_execute(primitive, stream, 3, arguments);
    dnnl_stream_wait(stream);
}
#endif
#endif

#ifdef PEER_LIBXSMM
#include <libxsmm.h>

void openblas_set_num_threads(int count); /* libxsmm calls BLAS for what it has no code for */

static libxsmm_smmfunction kernel;

static void libxsmm_version(char *text, size_t size) { snprintf(text, size, "%s", LIBXSMM_VERSION); }

/* libxsmm is column-major: it computes the transposed product, b before a. */
static bool libxsmm_kernel_prepare(const struct multiplication *p, int threads) {
    const float one = 1, zero = 0;
    const int prefetch = LIBXSMM_GEMM_PREFETCH_NONE;
    const libxsmm_blasint m = (libxsmm_blasint)p->m, n = (libxsmm_blasint)p->n, k = (libxsmm_blasint)p->k;
    const libxsmm_blasint lda = p->a_transposed ? m : k, ldb = p->b_transposed ? k : n;
    const int flags =
        (p->b_transposed ? LIBXSMM_GEMM_FLAG_TRANS_A : 0) | (p->a_transposed ? LIBXSMM_GEMM_FLAG_TRANS_B : 0);
    product = *p;
    kernel = threads == 1 ? libxsmm_smmdispatch(n, m, k, &ldb, &lda, &n, &one, &zero, &flags, &prefetch) : NULL;
    return kernel != NULL;
}

static void libxsmm_kernel_run(void) { kernel(product.b, product.a, product.c); }

static bool libxsmm_prepare(const struct multiplication *p, int threads) {
    product = *p;
    omp_set_num_threads(threads);
    openblas_set_num_threads(threads);
    return true;
}

static void libxsmm_run(void) {
    const struct multiplication *p = &product;
    const float one = 1, zero = 0;
    const libxsmm_blasint m = (libxsmm_blasint)p->m, n = (libxsmm_blasint)p->n, k = (libxsmm_blasint)p->k;
    const libxsmm_blasint lda = p->a_transposed ? m : k, ldb = p->b_transposed ? k : n;
    libxsmm_sgemm_omp(p->b_transposed ? "T" : "N", p->a_transposed ? "T" : "N", &n, &m, &k, &one, p->b, &ldb, p->a,
                      &lda, &zero, p->c, &n);
}
#endif

const struct entrant peers[] = {
#ifdef PEER_OPENBLAS
    {"OpenBLAS", openblas_version, openblas_prepare, openblas_run},
#endif
#ifdef PEER_ONEDNN
    {"oneDNN sgemm", onednn_version, onednn_sgemm_prepare, onednn_sgemm_run},
#if DNNL_VERSION_MAJOR == 2
    {"oneDNN matmul", onednn_version, onednn_matmul_prepare, onednn_matmul_run},
#endif
#endif
#ifdef PEER_LIBXSMM
    {"libxsmm kernel", libxsmm_version, libxsmm_kernel_prepare, libxsmm_kernel_run},
    {"libxsmm sgemm", libxsmm_version, libxsmm_prepare, libxsmm_run},
#endif
    {NULL, NULL, NULL, NULL}};
