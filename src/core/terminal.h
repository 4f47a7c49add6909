/* What is known of a terminal. */
#ifndef FNET_TERMINAL_H
#define FNET_TERMINAL_H

#include <stdbool.h>

/* Whether a file descriptor is a terminal that understands sequences for moving and erasing: one without a name in
   TERM, or named "dumb" (an editor's window, some logs), does not. */
bool terminal_draws(int descriptor);

/* Its size; 80 by 24 where it does not say. */
void terminal_size(int descriptor, int *columns, int *rows);

#endif
