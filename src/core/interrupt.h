/* The one flag through which Ctrl-C reaches a long operation.
   A signal handler may call interrupt_request; threads.c polls interrupt_pending between pieces of work, so
   that an operation ends early (its result is then incomplete); the binding that started the operation calls
   interrupt_take afterwards and raises "interrupted". */
#ifndef FNET_INTERRUPT_H
#define FNET_INTERRUPT_H

#include <stdbool.h>

void interrupt_request(void); /* async-signal-safe */
bool interrupt_pending(void);
bool interrupt_take(void); /* true once for each request; clears it */

#endif
