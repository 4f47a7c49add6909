/* Opening a file that a reader reads: an ordinary one, or a pipe. What else has a name in the file system, or would
   let the reader wait for good, is refused before a byte is read. Called by the bindings of the readers. */
#ifndef FNET_OPENING_H
#define FNET_OPENING_H

#include <stdio.h>

#define OPENING_PATIENCE 2 /* seconds that a named pipe's other end may take to be opened */

/* The file, for reading in binary; NULL where there is none: *message says why, *code is errno. EINTR also after an
   interrupt. */
FILE *opening_file(const char *path, const char **message, int *code);

#endif
