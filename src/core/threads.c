#define _GNU_SOURCE /* sched_getaffinity */
#include "threads.h"

#include "interrupt.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

/* Work below this many operations takes less time than waking a worker costs (some 2 microseconds). */
#define SHARE_COST 6e4
/* An idle worker looks for work about this often (some 300 microseconds, more than the longest pause within a
   training step: waking it costs more than the pause) before it sleeps, and yields its processor now and then in
   case there are more threads than processors. */
#define SPIN 65536
#define SPIN_YIELD 512
#define CACHE_LINE 64
#define ROUND UINT64_C(512) /* more than THREADS_MOST */

struct loop {
    size_t count, piece;
    void (*work)(void *context, size_t begin, size_t end);
    void *context;
    size_t parts;
};

/* Each loop is a round, numbered upwards. Part i belongs to thread i, but runs wherever it is claimed first: the
   caller, once through with its own part, takes those that their threads have not begun, so that a worker whose
   processor is busy elsewhere holds nobody up. Only who has claimed a part may read `loop`: until all parts
   are finished the caller does not change it.
   What the caller and the workers pass back and forth has its own cache lines. */
static struct {
    _Alignas(CACHE_LINE) _Atomic uint64_t round; /* number * ROUND + parts; `loop` is written before */
    struct loop loop;
    _Alignas(CACHE_LINE) atomic_size_t unfinished; /* parts */
    _Alignas(CACHE_LINE) atomic_size_t asleep;     /* workers */
    _Atomic uint64_t claimed[THREADS_MOST];        /* the last round in which the part was claimed */
    atomic_bool stop;
    size_t owners;
    size_t count;   /* threads asked for */
    size_t running; /* workers alive; worker i has number i + 1, the caller is number 0 */
    pthread_t worker[THREADS_MOST];
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool fork_handled;
} pool = {.count = 1, .mutex = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

/* Between the i-th look and the next: leaves the execution units to the other thread of the same core. Not x86's
   pause, which under a hypervisor may cost microseconds each time (measured: 15 instead of 1 for an empty loop). */
static void pause_briefly(size_t i) {
#if defined(__x86_64__)
    __builtin_ia32_lfence();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
    if (i % SPIN_YIELD == 0) sched_yield();
}

void threads_range(size_t count, size_t unit, size_t part, size_t parts, size_t *begin, size_t *end) {
    size_t units = (count + unit - 1) / unit;
    *begin = units / parts * part + (units % parts < part ? units % parts : part);
    *end = *begin + units / parts + (part < units % parts);
    *begin = *begin * unit < count ? *begin * unit : count;
    *end = *end * unit < count ? *end * unit : count;
}

static void run_part(const struct loop *loop, size_t part) {
    size_t begin, end;
    threads_range(loop->count, 1, part, loop->parts, &begin, &end);
    if (loop->piece == 0) {
        if (begin < end) loop->work(loop->context, begin, end);
        return;
    }
    while (begin < end && !interrupt_pending()) {
        size_t next = end - begin > loop->piece ? begin + loop->piece : end;
        loop->work(loop->context, begin, next);
        begin = next;
    }
}

/* Waits until `round` differs from seen: first spinning, then asleep. */
static uint64_t wait_for_round(uint64_t seen) {
    uint64_t round;
    for (size_t i = 1; i <= SPIN; i++) {
        if ((round = atomic_load_explicit(&pool.round, memory_order_acquire)) != seen) return round;
        pause_briefly(i);
    }
    pthread_mutex_lock(&pool.mutex);
    atomic_fetch_add(&pool.asleep, 1);
    while ((round = atomic_load(&pool.round)) == seen) pthread_cond_wait(&pool.wake, &pool.mutex);
    atomic_fetch_sub(&pool.asleep, 1);
    pthread_mutex_unlock(&pool.mutex);
    return round;
}

/* Runs the part if nobody has claimed it. A worker that comes late, with a round that is over, claims nothing. */
static void take_part(size_t part, uint64_t round) {
    uint64_t last = atomic_load(&pool.claimed[part]);
    if (last >= round || !atomic_compare_exchange_strong(&pool.claimed[part], &last, round)) return;
    run_part(&pool.loop, part);
    atomic_fetch_sub_explicit(&pool.unfinished, 1, memory_order_release);
}

struct start {
    size_t number;
    uint64_t round;
};
static struct start starts[THREADS_MOST];

static void *worker_main(void *argument) {
    const struct start *start = argument;
    size_t number = start->number;
    uint64_t round = start->round;
    for (;;) {
        round = wait_for_round(round);
        if (atomic_load(&pool.stop)) return NULL;
        if (number < round % ROUND) take_part(number, round);
    }
}

static void next_round(size_t parts) {
    atomic_store(&pool.round, (atomic_load(&pool.round) / ROUND + 1) * ROUND + parts);
    if (atomic_load(&pool.asleep) == 0) return;
    pthread_mutex_lock(&pool.mutex);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.mutex);
}

static void stop_workers(void) {
    if (pool.running == 0) return;
    atomic_store(&pool.stop, true);
    next_round(0);
    for (size_t i = 0; i < pool.running; i++) pthread_join(pool.worker[i], NULL);
    atomic_store(&pool.stop, false);
    pool.running = 0;
}

/* In the child of a fork only the calling thread exists. */
static void forget_workers(void) {
    pool.running = 0;
    atomic_store(&pool.asleep, 0);
    pthread_mutex_init(&pool.mutex, NULL);
    pthread_cond_init(&pool.wake, NULL);
}

static void start_workers(size_t wanted) {
    sigset_t all, before;
    if (pool.running >= wanted || pool.owners == 0) return; /* a finalizer that computes after the last close */
    sigfillset(&all);                                       /* signals belong to the thread that runs Lua */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool.running < wanted) {
        struct start *start = &starts[pool.running];
        *start = (struct start){pool.running + 1, atomic_load(&pool.round)};
        if (pthread_create(&pool.worker[pool.running], NULL, worker_main, start) != 0) break;
        pool.running++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void threads_open(void) {
    pool.owners++;
    if (pool.fork_handled) return;
    pool.fork_handled = pthread_atfork(NULL, NULL, forget_workers) == 0;
}

void threads_close(void) {
    if (--pool.owners == 0) stop_workers();
}

size_t threads_count(void) {
    start_workers(pool.count - 1);
    if (pool.running + 1 < pool.count) pool.count = pool.running + 1; /* the system gave no more */
    return pool.count;
}

void threads_set(size_t count) {
    if (count < pool.count) stop_workers();
    pool.count = count;
}

size_t threads_available(void) {
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return (size_t)CPU_COUNT(&set);
#endif
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (size_t)count : 1;
}

void threads_for(size_t count, size_t piece, double cost, void (*work)(void *context, size_t begin, size_t end),
                 void *context) {
    struct loop loop = {count, piece, work, context, 1};
    if (pool.count > 1 && count > 1 && cost >= SHARE_COST) {
        size_t threads = threads_count();
        loop.parts = threads < count ? threads : count;
    }
    if (loop.parts == 1) {
        run_part(&loop, 0);
        return;
    }
    pool.loop = loop;
    atomic_store_explicit(&pool.unfinished, loop.parts, memory_order_relaxed);
    next_round(loop.parts);
    uint64_t round = atomic_load(&pool.round);
    for (size_t part = 0; part < loop.parts; part++) take_part(part, round);
    for (size_t i = 1; atomic_load_explicit(&pool.unfinished, memory_order_acquire) != 0; i++) pause_briefly(i);
}

bool threads_wait(const atomic_size_t *counter, size_t least) {
    for (size_t i = 1; atomic_load_explicit(counter, memory_order_acquire) < least; i++) {
        if (interrupt_pending()) return false;
        pause_briefly(i);
    }
    return true;
}

void threads_grid(size_t rows, size_t columns, size_t *row_parts, size_t *column_parts) {
    *column_parts = 1;
    for (size_t parts = 1; parts <= pool.count && rows < 64 * pool.count; parts++)
        if (pool.count % parts == 0 && columns / parts >= 64) *column_parts = parts;
    *row_parts = pool.count / *column_parts;
}
