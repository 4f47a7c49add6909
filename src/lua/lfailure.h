/* Failures that came back as nil and a message, for whoever reports what followed.
   Above lerror; for what reads and writes files, and for main.c. */
#ifndef FNET_LFAILURE_H
#define FNET_LFAILURE_H

#include <lua.h>

#include <stdbool.h>

/* Notes the message at that index, which a function of the library gives the script now. `unwritten`: the path of
   the file that is not there for it, NULL where nothing was to be written. A script that catches errors around the
   call, as a runner of tests does, sees to that file itself. */
void lfailure_note(lua_State *L, int message, const char *unwritten);

/* A file was written, perhaps the one that could not be before. */
void lfailure_written(lua_State *L, const char *path);

/* Pushes "run.lua:4: x.st: No such file or directory", the latest one, or the latest of a file that has not been
   written since; nil, and gives NULL, where there is none. */
const char *lfailure_latest(lua_State *L, bool unwritten);

#endif
