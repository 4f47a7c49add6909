/* Whether the functions of mathematics give, for every float there is, the float next to the true value: rounding.c
   [FUNCTION...], all without arguments. The C library's function in double says so where its result lies further
   from the middle between two floats than 2^-44, a bound far above its error; elsewhere MPFR does. As many threads
   as processors; some minutes a function. Prints for each how many floats have another result, the first of them,
   and the largest error in units in the last place (ulp). Fails where a function that promises the nearest float
   has another, or any is further off than 0.51 ulp. */
#include "../check.h"

#include "../../../src/kernels/kernels.h"

#include <mpfr.h>
#include <pthread.h>
#include <stdatomic.h>

#define MOST_ULP 0.51 /* what math.inc promises of all */
#define UNSURE 0x1p-44

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static int mpfr_sigmoid(mpfr_t y, mpfr_srcptr x, mpfr_rnd_t rounding) {
    mpfr_t e;
    mpfr_init2(e, 400);
    mpfr_neg(e, x, MPFR_RNDN);
    mpfr_exp(e, e, MPFR_RNDN);
    mpfr_add_ui(e, e, 1, MPFR_RNDN);
    int direction = mpfr_ui_div(y, 1, e, rounding);
    mpfr_clear(e);
    return direction;
}

enum promise { NEAR, NEAREST };
enum symmetry {
    NONE,
    ODD,
    EVEN
}; /* negative floats have the results of positive ones, with their sign or as they are */

static const struct function {
    const char *name;
    enum unary operation;
    enum promise promise;
    enum symmetry symmetry;
    double (*in_double)(double x);
    int (*exact)(mpfr_t y, mpfr_srcptr x, mpfr_rnd_t rounding);
} functions[] = {
    {"exp", UNARY_EXP, NEAR, NONE, exp, mpfr_exp},
    {"log", UNARY_LOG, NEAR, NONE, log, mpfr_log},
    {"tanh", UNARY_TANH, NEAR, ODD, tanh, mpfr_tanh},
    {"sigmoid", UNARY_SIGMOID, NEAR, NONE, sigmoid, mpfr_sigmoid},
    {"expm1", UNARY_EXPM1, NEAREST, NONE, expm1, mpfr_expm1},
    {"exp2", UNARY_EXP2, NEAREST, NONE, exp2, mpfr_exp2},
    {"log1p", UNARY_LOG1P, NEAREST, NONE, log1p, mpfr_log1p},
    {"log2", UNARY_LOG2, NEAREST, NONE, log2, mpfr_log2},
    {"log10", UNARY_LOG10, NEAREST, NONE, log10, mpfr_log10},
    {"sin", UNARY_SIN, NEAREST, ODD, sin, mpfr_sin},
    {"cos", UNARY_COS, NEAREST, EVEN, cos, mpfr_cos},
    {"tan", UNARY_TAN, NEAREST, ODD, tan, mpfr_tan},
    {"asin", UNARY_ASIN, NEAREST, ODD, asin, mpfr_asin},
    {"acos", UNARY_ACOS, NEAREST, NONE, acos, mpfr_acos},
    {"atan", UNARY_ATAN, NEAREST, ODD, atan, mpfr_atan},
    {"sinh", UNARY_SINH, NEAREST, ODD, sinh, mpfr_sinh},
    {"cosh", UNARY_COSH, NEAREST, EVEN, cosh, mpfr_cosh},
};
enum { FUNCTION_COUNT = sizeof functions / sizeof *functions };

enum { ROW = 1 << 10, BLOCK = 1 << 16, MOST_THREADS = 256 };

static const struct kernels *kernels;

struct work {
    const struct function *function;
    atomic_uint_fast64_t *next; /* the bits of the first float that nobody has taken yet */
    uint64_t wrong;
    uint32_t first; /* the bits of the first float with a wrong result */
    double worst;
};

/* The float next to f(x), by MPFR: as precise as a float, denormal numbers included. */
static float nearest(const struct function *f, float x) {
    mpfr_t from, to;
    mpfr_inits2(24, from, to, (mpfr_ptr)NULL);
    mpfr_set_flt(from, x, MPFR_RNDN);
    int direction = f->exact(to, from, MPFR_RNDN);
    mpfr_subnormalize(to, direction, MPFR_RNDN);
    float y = mpfr_get_flt(to, MPFR_RNDN);
    mpfr_clears(from, to, (mpfr_ptr)NULL);
    return y;
}

static double ulps(float y, double exact) {
    int exponent;
    if (isnan(exact) || isinf((float)exact) || isinf(y)) return 0; /* right or wrong, but no distance */
    frexp(exact, &exponent);
    if (exponent < -125 || exact == 0) exponent = -125;
    return fabs((double)y - exact) / ldexp(1, exponent - 24);
}

static void compare(struct work *work, uint32_t bits, float got, float expected) {
    if (same(got, expected)) return;
    if (work->wrong++ == 0 || bits < work->first) work->first = bits;
}

/* The results for the floats whose bits begin there, and for their negatives where that follows. */
static void search_row(struct work *work, uint32_t begin) {
    const struct function *f = work->function;
    float x[ROW], y[ROW], negative[ROW], other[ROW];
    for (uint32_t i = 0; i < ROW; i++) x[i] = float_of_bits(begin + i);
    for (uint32_t i = 0; i < ROW; i++) negative[i] = -x[i];
    kernels->unary[f->operation](ROW, x, y);
    kernels->unary[f->operation](ROW, negative, other);
    for (uint32_t i = 0; i < ROW; i++) {
        double about = f->in_double((double)x[i]), error = ulps(y[i], about);
        float low = (float)(about * (1 - UNSURE)), high = (float)(about * (1 + UNSURE));
        float expected = same(low, high) ? low : nearest(f, x[i]);
        if (error > work->worst) work->worst = error;
        compare(work, begin + i, y[i], expected);
        if (f->symmetry != NONE)
            compare(work, bits_of_float(negative[i]), other[i], f->symmetry == ODD ? -expected : expected);
    }
}

static void *search(void *context) {
    struct work *work = context;
    const uint64_t end = UINT64_C(1) << (work->function->symmetry == NONE ? 32 : 31);
    mpfr_set_emin(-148);
    mpfr_set_emax(128);
    for (uint64_t begin; (begin = atomic_fetch_add(work->next, BLOCK)) < end;)
        for (uint64_t bits = begin; bits < begin + BLOCK; bits += ROW) search_row(work, (uint32_t)bits);
    mpfr_free_cache();
    return NULL;
}

static void examine(const struct function *f) {
    static struct work work[MOST_THREADS];
    pthread_t threads[MOST_THREADS];
    atomic_uint_fast64_t next = 0;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = processors < 1 ? 1 : processors > MOST_THREADS ? MOST_THREADS : (size_t)processors;
    struct work all = {.function = f};
    test("%s", f->name);
    for (size_t i = 0; i < count; i++) {
        work[i] = (struct work){.function = f, .next = &next};
        if (pthread_create(&threads[i], NULL, search, &work[i]) != 0) {
            perror("a thread");
            exit(EXIT_FAILURE);
        }
    }
    for (size_t i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        if (work[i].worst > all.worst) all.worst = work[i].worst;
        if (work[i].wrong > 0 && (all.wrong == 0 || work[i].first < all.first)) all.first = work[i].first;
        all.wrong += work[i].wrong;
    }
    printf("%-8s %llu of 2^32 floats have not the nearest result, error at most %.9f ulp", f->name,
           (unsigned long long)all.wrong, all.worst);
    if (all.wrong > 0) printf(", first at %a", (double)float_of_bits(all.first));
    printf("\n");
    check(all.worst <= MOST_ULP, "%.9f ulp off", all.worst);
    if (f->promise == NEAREST) check(all.wrong == 0, "%llu results", (unsigned long long)all.wrong);
}

int main(int count, char **arguments) {
    size_t tables;
    const struct kernels *const *table = kernels_supported(&tables);
    kernels = table[tables - 1]; /* math_test.c says that all give the same bits */
    for (size_t f = 0; f < FUNCTION_COUNT; f++) {
        bool wanted = count == 1;
        for (int i = 1; i < count; i++) wanted = wanted || strcmp(arguments[i], functions[f].name) == 0;
        if (wanted) examine(&functions[f]);
    }
    return check_end();
}
