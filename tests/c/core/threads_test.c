/* The pool of threads: every item exactly once whatever is asked for, an early end after an interrupt, a life on
   both sides of fork(), and any order of more and fewer threads. */
#include "../check.h"

#include "../../../src/core/interrupt.h"
#include "../../../src/core/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

#define SHARED 1e9 /* a cost that is always worth sharing */

enum { MANY = 64 }; /* processors, so that there are as many workers as a test asks for, whatever the machine has */
enum { ITEMS = 1000, PATIENCE = 120 /* seconds, after which a pool that hangs has failed */ };
static const size_t thread_counts[] = {1, 2, 3, 4, 8};
enum { THREAD_COUNTS = sizeof thread_counts / sizeof *thread_counts };

/* Plain counters: two threads that meet in one of them are a race, which ThreadSanitizer reports. */
struct items {
    size_t piece, stop_at;
    bool within_piece[ITEMS];
    unsigned char visits[ITEMS];
};

static void visit(void *context, size_t begin, size_t end) {
    struct items *items = context;
    for (size_t i = begin; i < end; i++) {
        items->visits[i]++;
        items->within_piece[i] = end - begin <= items->piece;
        if (i + 1 == items->stop_at) interrupt_request();
    }
}

static size_t visited_once(const struct items *items) {
    size_t count = 0;
    for (size_t i = 0; i < ITEMS; i++) count += items->visits[i] == 1 && items->within_piece[i];
    return count;
}

static size_t visits(const struct items *items) {
    size_t count = 0;
    for (size_t i = 0; i < ITEMS; i++) count += items->visits[i];
    return count;
}

/* True when a loop over count items reaches each of them once and none beyond. */
static bool covers(size_t count, size_t piece, double cost) {
    struct items items = {.piece = piece ? piece : ITEMS}; /* 0 stands for the whole range */
    threads_for(count, piece, cost, visit, &items);
    return visited_once(&items) == count && visits(&items) == count;
}

static void test_covering(void) {
    static const size_t counts[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 100, 255, 999, ITEMS};
    static const size_t pieces[] = {0, 1, 2, 3, 7, 64, 999, ITEMS, 5000};
    for (size_t t = 0; t < THREAD_COUNTS; t++) {
        test("every item once, %zu threads", thread_counts[t]);
        threads_set(thread_counts[t]);
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
            for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
                check(covers(counts[c], pieces[p], SHARED), "count %zu piece %zu", counts[c], pieces[p]);
                check(covers(counts[c], pieces[p], 1), "count %zu piece %zu, too cheap to share", counts[c],
                      pieces[p]);
            }
    }
}

/* Each part waits until all have begun: then each is done by a thread of its own. */
struct meeting {
    size_t parts;
    atomic_size_t begun;
    pthread_t doer[ITEMS];
};

static void note_thread(void *context, size_t begin, size_t end) {
    struct meeting *meeting = context;
    for (size_t i = begin; i < end; i++) meeting->doer[i] = pthread_self();
    atomic_fetch_add(&meeting->begun, 1);
    while (atomic_load(&meeting->begun) < meeting->parts) sched_yield();
}

static void pause_milliseconds(long milliseconds) {
    struct timespec time = {0, milliseconds * 1000000};
    nanosleep(&time, NULL);
}

/* The threads of a loop meet: after a pause, since a pool that has seen others compute keeps to its caller for a
 * while. */
static void meet(struct meeting *meeting, size_t parts) {
    pause_milliseconds(20);
    meeting->parts = parts;
    atomic_store(&meeting->begun, 0);
    threads_for(ITEMS, ITEMS, SHARED, note_thread, meeting);
}

static void test_sharing(void) {
    static struct meeting meeting;
    for (size_t t = 0; t < THREAD_COUNTS; t++) {
        size_t threads = thread_counts[t], changes = 0;
        test("work is shared by %zu threads", threads);
        threads_set(threads);
        meet(&meeting, threads);
        for (size_t i = 1; i < ITEMS; i++) changes += !pthread_equal(meeting.doer[i], meeting.doer[i - 1]);
        check(changes == threads - 1 && pthread_equal(meeting.doer[0], pthread_self()), "%zu changes of thread",
              changes);
        meeting.parts = 1;
        threads_for(ITEMS, 1, 1, note_thread, &meeting);
        for (size_t i = 0; i < ITEMS; i++)
            check(pthread_equal(meeting.doer[i], pthread_self()), "too cheap, yet shared");
    }
}

/* Two processors for eight threads: the parts are as many as the threads, who computes them are two. */
static void test_few_processors(void) {
    static struct meeting meeting;
    test("more threads than processors");
    threads_suppose(2);
    threads_set(8);
    check(threads_count() == 8 && threads_at_once() == 2, "%zu at once", threads_at_once());
    for (size_t i = 0; i < 5; i++) {
        meet(&meeting, 2);
        check(atomic_load(&meeting.begun) == 8, "%zu parts", atomic_load(&meeting.begun));
        size_t second = 0, others = 0; /* the first item of the second thread; items of a third */
        for (size_t k = 0; k < ITEMS; k++) {
            if (pthread_equal(meeting.doer[k], meeting.doer[0])) continue;
            if (second == 0) second = k;
            others += !pthread_equal(meeting.doer[k], meeting.doer[second]);
        }
        check(others == 0, "more than two threads");
        if (!check(covers(ITEMS, 3, SHARED), "round %zu", i)) break;
    }
    threads_suppose(MANY);
}

/* Somebody who needs the processors all the time. */
static void *need_processor(void *stop) {
    while (!atomic_load((atomic_bool *)stop)) continue;
    return NULL;
}

static void test_company(void) {
    enum { OTHERS = 4 };
    static atomic_bool stop;
    pthread_t other[OTHERS];
    size_t count = 0;
    test("others need the processors");
    threads_set(2);
    while (count < OTHERS && pthread_create(&other[count], NULL, need_processor, &stop) == 0) count++;
    time_t end = time(NULL) + 1;
    for (size_t i = 0; time(NULL) <= end; i++)
        if (!check(covers(ITEMS, 100, SHARED), "round %zu", i)) break;
    atomic_store(&stop, true);
    for (size_t i = 0; i < count; i++) pthread_join(other[i], NULL);
}

static void test_set(void) {
    static const size_t sequence[] = {1, 8, 2, 4, 1, 3, 8, 8, 1, 16, 5};
    test("more and fewer threads");
    for (size_t i = 0; i < sizeof sequence / sizeof *sequence; i++) {
        threads_set(sequence[i]);
        check(threads_count() == sequence[i], "asked for %zu, got %zu", sequence[i], threads_count());
        check(covers(ITEMS, 3, SHARED), "after a change to %zu", sequence[i]);
        threads_set(sequence[i]); /* to the same again, and then no loop before the next change */
    }
    test("fewer threads before the first loop");
    threads_set(8);
    threads_set(2);
    check(covers(ITEMS, 3, SHARED), "with 2 threads");
    test("processors");
    check(threads_available() >= 1, "none");
}

static void test_owners(void) {
    test("one owner of two leaves, then all, then a new one comes");
    threads_set(4);
    threads_open();
    threads_close();
    check(covers(ITEMS, 3, SHARED), "with one owner left");
    threads_close();
    check(covers(ITEMS, 3, SHARED), "without an owner: nobody would end the workers");
    threads_open();
    threads_suppose(MANY);
    threads_set(4);
    check(covers(ITEMS, 3, SHARED) && threads_count() == 4, "with a new owner");
}

static void test_many_loops(void) {
    test("many short loops");
    threads_set(8);
    for (size_t i = 0; i < 1000; i++)
        if (!check(covers(i % 40, 1 + i % 3, SHARED), "loop %zu", i)) return;
}

static void test_sleep(void) {
    test("a loop after the workers fell asleep");
    threads_set(4);
    for (size_t i = 0; i < 5; i++) {
        pause_milliseconds(20);
        check(covers(ITEMS, 7, SHARED), "round %zu", i);
    }
}

static void test_interrupt(void) {
    for (size_t t = 0; t < THREAD_COUNTS; t++) {
        size_t threads = thread_counts[t];
        struct items items = {.piece = 1, .stop_at = 4};
        test("an interrupt, %zu threads", threads);
        threads_set(threads);
        threads_for(ITEMS, 1, SHARED, visit, &items);
        for (size_t i = 0; i < ITEMS; i++) {
            bool first_range =
                i < ITEMS / threads; /* the range of the thread that asked; others may have finished */
            if (first_range) check(items.visits[i] == (i < 4), "item %zu was visited %d times", i, items.visits[i]);
        }
        check(visited_once(&items) == visits(&items), "something was visited twice");
        check(interrupt_pending(), "the request is gone before it was taken");
        struct items none = {.piece = 1};
        threads_for(ITEMS, 1, SHARED, visit, &none);
        check(visits(&none) == 0, "%zu items in spite of a request", visits(&none));
        check(covers(ITEMS, 0, SHARED), "a request cut off what must not be");
        check(interrupt_take() && !interrupt_take() && !interrupt_pending(), "a request counts exactly once");
        check(covers(ITEMS, 3, SHARED), "the loop after the interrupt");
    }
}

/* ThreadSanitizer still remembers the parent's threads and ends a child that has a thread at the address of one of
   them. The C library reuses their stacks unless a larger one is asked for. */
static void place_threads_elsewhere(void) {
#ifdef __SANITIZE_THREAD__
    pthread_attr_t attributes;
    size_t bytes = 0;
    if (pthread_getattr_default_np(&attributes) == 0 && pthread_attr_getstacksize(&attributes, &bytes) == 0 &&
        pthread_attr_setstacksize(&attributes, 2 * bytes) == 0)
        pthread_setattr_default_np(&attributes);
#endif
}

/* In the child only the calling thread is left: its pool must start workers of its own. */
static void test_fork_once(const char *when) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(PATIENCE);
        place_threads_elsewhere();
        bool good = covers(ITEMS, 3, SHARED) && covers(ITEMS, 7, SHARED);
        threads_set(2);
        good = good && covers(ITEMS, 3, SHARED);
        threads_set(5);
        good = good && covers(ITEMS, 3, SHARED);
        threads_close(); /* ends and joins */
        _exit(good ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    if (!check(child > 0, "no fork")) return;
    check(covers(ITEMS, 3, SHARED), "the parent, while the child runs, %s", when);
    int status = 0;
    check(waitpid(child, &status, 0) == child, "the child is lost");
    check(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS, "the child, %s: status %#x", when,
          (unsigned)status);
    check(covers(ITEMS, 3, SHARED), "the parent, after the child's end, %s", when);
}

static void test_fork(void) {
    test("fork");
    threads_set(4);
    check(covers(ITEMS, 3, SHARED), "before the fork");
    test_fork_once("workers awake");
    pause_milliseconds(50);
    test_fork_once("workers asleep");
    threads_set(3);
    test_fork_once("no worker started yet");
    threads_set(1);
    test_fork_once("one thread");
}

static void test_ranges(void) {
    test("ranges");
    for (size_t s = 0; s < SIZE_COUNT; s++)
        for (size_t unit = 1; unit <= 64; unit *= 4)
            for (size_t parts = 1; parts <= 9; parts++) {
                size_t count = size_at(s), at = 0, most = 0, least = SIZE_MAX;
                for (size_t part = 0; part < parts; part++) {
                    size_t begin, end;
                    threads_range(count, unit, part, parts, &begin, &end);
                    check(begin == at && end >= begin,
                          "count %zu unit %zu: part %zu of %zu is [%zu, %zu) after %zu", count, unit, part, parts,
                          begin, end, at);
                    check(begin % unit == 0 || begin == count, "count %zu unit %zu: a bound at %zu", count, unit,
                          begin);
                    at = end;
                    size_t units = (end - begin + unit - 1) / unit;
                    most = units > most ? units : most;
                    least = units < least ? units : least;
                }
                check(at == count, "count %zu unit %zu: %zu parts end at %zu", count, unit, parts, at);
                check(most - least <= 1, "count %zu unit %zu: parts of %zu to %zu units", count, unit, least, most);
            }
}

static void test_grid(void) {
    test("grids");
    for (size_t threads = 1; threads <= 16; threads++)
        for (size_t rows = 0; rows < 2000; rows += 61)
            for (size_t columns = 0; columns < 2000; columns += 37) {
                size_t down, across;
                threads_set(threads);
                threads_grid(rows, columns, &down, &across);
                check(down * across == threads, "%zu x %zu for %zu threads", down, across, threads);
                check(across == 1 || columns / across >= 64, "%zu columns in %zu parts", columns, across);
                check(across == 1 || rows / threads < 64, "%zu rows for %zu threads", rows, threads);
            }
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    alarm(PATIENCE);
    threads_open();
    threads_suppose(MANY);
    test_covering();
    test_sharing();
    test_few_processors();
    test_company();
    test_set();
    test_owners();
    test_many_loops();
    test_sleep();
    test_interrupt();
    test_fork();
    test_ranges();
    test_grid();
    threads_set(1);
    threads_close();
    return check_end();
}
