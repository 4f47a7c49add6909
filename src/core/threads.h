/* A pool of worker threads that share one loop at a time.
   Results never depend on the number of threads: threads split outputs, never a sum.
   Invariant: the workers serve one caller at a time; another thread of the process that comes meanwhile computes
   alone, and how many threads it has asked for is its own matter. Workers run nothing but the given function and
   never see a lua_State. They start when they are first needed, spin briefly after a loop (a training step is many
   short loops), then sleep; after fork() the child starts its own. There are no more of them than processors,
   however many threads are asked for. */
#ifndef FNET_THREADS_H
#define FNET_THREADS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define THREADS_MOST 256

void threads_open(void);  /* one more owner of the pool */
void threads_close(void); /* one owner less; the last one ends and joins the workers */

size_t threads_count(void);     /* that were asked for: a loop has so many parts */
size_t threads_at_once(void);   /* no more than there are processors: so many of the parts are under way at once */
void threads_set(size_t count); /* 1 .. THREADS_MOST */
size_t threads_available(void); /* processors that this process may use, by its affinity and its container */
void threads_suppose(size_t processors); /* as if it might use so many: for tests, which need more workers */

/* Calls work(context, begin, end) for consecutive pieces that cover [0, count). The range is cut
   into one part a thread, taken in pieces of at most `piece` items, looking for an interrupt in between: a
   piece should take at most some milliseconds. A piece of 0 stands for the whole range, which nothing then
   interrupts (for changes in place). Runs in the caller alone when cost, a rough number of
   arithmetic operations an item times count, is too small to share. */
void threads_for(size_t count, size_t piece, double cost, void (*work)(void *context, size_t begin, size_t end),
                 void *context);

/* Waits, within a loop, until another part of it has counted up to `least`. False when an interrupt came first.
   A part may wait only for parts with lower numbers: those are begun first. */
bool threads_wait(const atomic_size_t *counter, size_t least);

/* A piece of items that cost so many operations each: well below a millisecond. */
static inline size_t threads_piece(size_t item_cost) { return 1 + 65536 / (item_cost + 1); }

/* How a matrix of outputs is shared: row_parts * column_parts == the number of threads. By rows where each thread
   gets at least 64, else also by columns, at least 64 wide. (Columns of one row in two cores' caches are slow:
   each core prefetches what the other is writing.) The matrix product and the optimisers use the same grid, so
   that a weight and its moments stay in one core's cache from step to step. */
void threads_grid(size_t rows, size_t columns, size_t *row_parts, size_t *column_parts);

/* The part-th of `parts` nearly equal ranges of [0, count), bounds at multiples of `unit`. */
void threads_range(size_t count, size_t unit, size_t part, size_t parts, size_t *begin, size_t *end);

#endif
