/* Editing a line on a terminal, with libedit, GNU readline, or by ourselves, whichever the build has; for
   lreadline.c only. Knows nothing of Lua. One editor a process: both libraries keep theirs in global state, or the
   terminal is one.
 */
#ifndef FNET_EDITOR_H
#define FNET_EDITOR_H

#include <stddef.h>

enum editor_outcome { EDITOR_TEXT, EDITOR_END, EDITOR_INTERRUPTED };

/* Called once. `complete` is called for each Tab with what stands before the cursor; it may call editor_insert and
   editor_show, and must come back: no error may jump out of it. */
void editor_open(void (*complete)(const char *before, size_t size));

/* Reads a line, or the lines of a pasted text. At EDITOR_TEXT *text is the caller's to free. */
enum editor_outcome editor_read(const char *prompt, char **text);

/* Puts a line into what the arrow keys bring back, which has so many lines at most. */
enum { EDITOR_HISTORY_LINES = 1000 };
void editor_add_history(const char *line);

/* During completion: puts a text in at the cursor; shows one below the line. */
void editor_insert(const char *text);
void editor_show(const char *text);

#endif
