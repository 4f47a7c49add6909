/* How Ctrl-C reaches a long operation.
   A signal handler may call interrupt_request and interrupt_untaken; threads.c polls interrupt_pending between
   pieces of work, so that an operation ends early (its result is then incomplete); the binding that started the
   operation calls interrupt_take afterwards and raises "interrupted". Kernels on long rows look at the count
   themselves (kernels.h). Invariant: a request ends what each thread of the process does, not only the first one
   that looks: requests are counted, and a thread has its own count of those that it took. (A worker looks for its
   caller.) */
#ifndef FNET_INTERRUPT_H
#define FNET_INTERRUPT_H

#include <stdbool.h>

void interrupt_request(void);
bool interrupt_pending(void);
bool interrupt_take(void);    /* true once for each request; this thread's is then no longer pending */
bool interrupt_untaken(void); /* no thread has taken the latest request */

#endif
