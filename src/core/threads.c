#define _GNU_SOURCE /* sched_getaffinity */
#include "threads.h"

#include "caller.h"
#include "interrupt.h"
#include "quota.h"
#include "rounding.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

/* Work below this many operations takes less time than waking a worker costs (some 2 microseconds). */
#define SHARE_COST 6e4
/* An idle worker looks for work about this often (some 300 microseconds, more than the longest pause within a
   training step: waking it costs more than the pause) before it sleeps, and yields its processor now and then in
   case others need it. */
#define SPIN 65536
#define SPIN_YIELD 512
/* A yield of so many nanoseconds gave the processor to somebody else who computes, such as another training. The
   worker then sleeps at once. A yield to nobody lasts less than a microsecond. */
#define YIELDED 25000
#define CACHE_LINE 64
#define ROUND UINT64_C(512) /* more than THREADS_MOST */

struct loop {
    size_t count, piece;
    void (*work)(void *context, size_t begin, size_t end);
    void *context;
    size_t parts;
    struct caller caller; /* whose loop it is */
};

/* Each loop is a round, numbered upwards: as many parts as the caller has asked for threads, and for them no more
   hands (the caller and workers) than there are processors, since others would only wait for a processor. A hand
   begins with the first of its share of the parts and goes upwards through all that nobody has claimed, so that a
   worker whose processor is busy elsewhere holds nobody up. The caller's share begins with part 0. Only who has
   claimed a part may read `loop`: until all parts are finished the caller does not change it. What the caller and
   the workers pass back and forth has its own cache lines. */
static struct {
    /* (number * ROUND + hands) * ROUND + parts; `loop` is written before */
    _Alignas(CACHE_LINE) _Atomic uint64_t round;
    struct loop loop;
    _Alignas(CACHE_LINE) atomic_size_t unfinished; /* parts */
    _Alignas(CACHE_LINE) atomic_size_t asleep;     /* workers */
    _Atomic uint64_t claimed[THREADS_MOST];        /* the last round in which the part was claimed */
    atomic_bool stop;
    pthread_mutex_t busy; /* held by the thread that has a loop under way, or changes what follows */
    size_t owners;
    atomic_size_t processors; /* that this process may use */
    size_t running;           /* workers alive; worker i has number i + 1, the caller is number 0 */
    pthread_t worker[THREADS_MOST];
    bool fork_handled;
    pthread_mutex_t mutex; /* for `wake` */
    pthread_cond_t wake;
} pool = {.busy = PTHREAD_MUTEX_INITIALIZER,
          .processors = 1,
          .mutex = PTHREAD_MUTEX_INITIALIZER,
          .wake = PTHREAD_COND_INITIALIZER};

_Thread_local struct caller caller;

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* The threads that the caller has asked for; by default one a processor. */
static size_t wanted(void) {
    if (caller.threads == 0) caller.threads = smaller(threads_available(), THREADS_MOST);
    return caller.threads;
}

static int64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Between the i-th look and the next: leaves the execution units to the other thread of the same core, and tells
   whether somebody else has had the processor. Not x86's pause, which under a hypervisor may cost microseconds each
   time (measured: 15 instead of 1 for an empty loop). */
static bool pause_briefly(size_t i) {
#if defined(__x86_64__)
    __builtin_ia32_lfence();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
    if (i % SPIN_YIELD != 0) return false;
    int64_t before = nanoseconds();
    sched_yield();
    return nanoseconds() - before > YIELDED;
}

void threads_range(size_t count, size_t unit, size_t part, size_t parts, size_t *begin, size_t *end) {
    size_t units = (count + unit - 1) / unit;
    *begin = units / parts * part + (units % parts < part ? units % parts : part);
    *end = *begin + units / parts + (part < units % parts);
    *begin = *begin * unit < count ? *begin * unit : count;
    *end = *end * unit < count ? *end * unit : count;
}

static void run_pieces(const struct loop *loop, size_t begin, size_t end) {
    rounding_mode before = rounding_begin();
    if (loop->piece == 0 && begin < end) {
        loop->work(loop->context, begin, end);
        begin = end;
    }
    while (begin < end && !interrupt_pending()) {
        size_t next = end - begin > loop->piece ? begin + loop->piece : end;
        loop->work(loop->context, begin, next);
        begin = next;
    }
    rounding_end(before);
}

/* Waits until `round` differs from seen: first spinning, then asleep. */
static uint64_t wait_for_round(uint64_t seen) {
    uint64_t round;
    for (size_t i = 1; i <= SPIN; i++) {
        if ((round = atomic_load_explicit(&pool.round, memory_order_acquire)) != seen) return round;
        if (pause_briefly(i)) break;
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
    size_t begin, end;
    caller = pool.loop.caller;
    threads_range(pool.loop.count, 1, part, pool.loop.parts, &begin, &end);
    run_pieces(&pool.loop, begin, end);
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
        size_t parts = round % ROUND, hands = round / ROUND % ROUND;
        if (number >= hands) continue;
        for (size_t part = number * parts / hands; part < parts; part++) take_part(part, round);
    }
}

static uint64_t next_round(size_t hands, size_t parts) {
    uint64_t number = atomic_load(&pool.round) / (ROUND * ROUND) + 1,
             round = (number * ROUND + hands) * ROUND + parts;
    atomic_store(&pool.round, round);
    if (atomic_load(&pool.asleep) == 0) return round;
    pthread_mutex_lock(&pool.mutex);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.mutex);
    return round;
}

static void stop_workers(void) {
    if (pool.running == 0) return;
    atomic_store(&pool.stop, true);
    next_round(0, 0);
    for (size_t i = 0; i < pool.running; i++) pthread_join(pool.worker[i], NULL);
    atomic_store(&pool.stop, false);
    pool.running = 0;
}

/* In the child of a fork only the calling thread exists, whatever another was doing. */
static void forget_workers(void) {
    pool.running = 0;
    atomic_store(&pool.asleep, 0);
    pthread_mutex_init(&pool.busy, NULL);
    pthread_mutex_init(&pool.mutex, NULL);
    pthread_cond_init(&pool.wake, NULL);
}

static void start_workers(size_t count) {
    sigset_t all, before;
    if (pool.running >= count || pool.owners == 0) return; /* a finalizer that computes after the last close */
    sigfillset(&all);                                      /* signals belong to the thread that runs Lua */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; pool.running < count; pool.running++) {
        starts[pool.running] = (struct start){pool.running + 1, atomic_load(&pool.round)};
        if (pthread_create(&pool.worker[pool.running], NULL, worker_main, &starts[pool.running]) != 0) break;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void threads_open(void) {
    pthread_mutex_lock(&pool.busy);
    if (pool.owners++ == 0) atomic_store(&pool.processors, threads_available());
    if (!pool.fork_handled) pool.fork_handled = pthread_atfork(NULL, NULL, forget_workers) == 0;
    pthread_mutex_unlock(&pool.busy);
}

void threads_close(void) {
    pthread_mutex_lock(&pool.busy);
    if (--pool.owners == 0) stop_workers();
    pthread_mutex_unlock(&pool.busy);
}

size_t threads_count(void) { return wanted(); }

void threads_suppose(size_t processors) { atomic_store(&pool.processors, processors); }

size_t threads_at_once(void) { return smaller(wanted(), atomic_load(&pool.processors)); }

void threads_set(size_t count) {
    caller.threads = count;
    if (pthread_mutex_trylock(&pool.busy) != 0) return; /* those that are too many sleep */
    if (pool.running >= count) stop_workers();
    pthread_mutex_unlock(&pool.busy);
}

size_t threads_available(void) {
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    size_t processors = count > 0 ? (size_t)count : 1, most = quota_processors();
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) processors = (size_t)CPU_COUNT(&set);
#endif
    return processors < most ? processors : most;
}

/* The loop among the threads of the pool, which is ours. */
static void share(struct loop loop) {
    interrupt_pending(); /* workers look for what comes from now on */
    loop.caller = caller;
    loop.parts = smaller(caller.threads, loop.count);
    pool.loop = loop;
    atomic_store_explicit(&pool.unfinished, loop.parts, memory_order_relaxed);
    size_t hands = smaller(pool.running + 1, threads_at_once());
    uint64_t round = next_round(smaller(hands, loop.parts), loop.parts);
    for (size_t part = 0; part < loop.parts; part++) take_part(part, round);
    for (size_t i = 1; atomic_load_explicit(&pool.unfinished, memory_order_acquire) != 0; i++) pause_briefly(i);
}

void threads_for(size_t count, size_t piece, double cost, void (*work)(void *context, size_t begin, size_t end),
                 void *context) {
    struct loop loop = {.count = count, .piece = piece, .work = work, .context = context};
    if (count > 1 && cost >= SHARE_COST && wanted() > 1 && pthread_mutex_trylock(&pool.busy) == 0) {
        start_workers(threads_at_once() - 1);
        share(loop);
        pthread_mutex_unlock(&pool.busy);
    } else {
        run_pieces(&loop, 0, count);
    }
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
    size_t threads = wanted();
    for (size_t parts = 1; parts <= threads && rows < 64 * threads; parts++)
        if (threads % parts == 0 && columns / parts >= 64) *column_parts = parts;
    *row_parts = threads / *column_parts;
}
