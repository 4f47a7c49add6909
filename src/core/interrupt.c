/* The flag of interrupt.h: set by a signal handler, polled by worker threads, taken by the main thread.
   Invariant: the flag is lock-free, which is what makes it safe inside a signal handler. */
#include "interrupt.h"

#include <stdatomic.h>

_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a signal handler may only touch lock-free atomics");

static atomic_int requested;

void interrupt_request(void) { atomic_store_explicit(&requested, 1, memory_order_relaxed); }

bool interrupt_pending(void) { return atomic_load_explicit(&requested, memory_order_relaxed) != 0; }

bool interrupt_take(void) {
    /* The plain load first: this is called after every operation, and an exchange costs a locked instruction. */
    return interrupt_pending() && atomic_exchange_explicit(&requested, 0, memory_order_relaxed) != 0;
}
