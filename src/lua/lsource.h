/* Opening the file that a reader reads. Above lcheck, below tensor handles; the bindings of the readers call it. */
#ifndef FNET_LSOURCE_H
#define FNET_LSOURCE_H

#include "lcheck.h"

#include <stdio.h>

/* The file, as opening.h has it. NULL after pushing nil, the message and errno; `lead` and a colon stand in front
   of the message, NULL: nothing. */
FILE *lsource_open(lua_State *L, const char *path, const char *lead);

#endif
