/* The counts of interrupt.h. Invariant: they are lock-free, which is what makes them safe in a signal handler. */
#include "interrupt.h"

#include "caller.h"

#include <stdatomic.h>

_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a signal handler may only touch lock-free atomics");

atomic_uint kernels_requests = 1; /* from 1: a thread that has never looked has counted to 0 */
static atomic_uint taken = 1;

void interrupt_request(void) { atomic_fetch_add_explicit(&kernels_requests, 1, memory_order_relaxed); }

bool interrupt_untaken(void) {
    return atomic_load_explicit(&kernels_requests, memory_order_relaxed) !=
           atomic_load_explicit(&taken, memory_order_relaxed);
}

bool interrupt_pending(void) {
    unsigned now = atomic_load_explicit(&kernels_requests, memory_order_relaxed);
    if (caller.interrupts == 0) caller.interrupts = now;
    return caller.interrupts != now;
}

bool interrupt_take(void) {
    if (!interrupt_pending()) return false;
    caller.interrupts = atomic_load_explicit(&kernels_requests, memory_order_relaxed);
    atomic_store_explicit(&taken, caller.interrupts, memory_order_relaxed);
    return true;
}
