/* Opening the file that a reader reads, for the bindings of the readers: idx, csv, input. */
#ifndef FNET_LINPUT_H
#define FNET_LINPUT_H

#include "lcheck.h"

#include <stdio.h>

/* The file, as opening.h has it. NULL after pushing nil, the message and errno; `lead` and a colon stand in front
   of the message, NULL: nothing. */
FILE *linput_open(lua_State *L, const char *path, const char *lead);

#endif
