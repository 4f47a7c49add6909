/* Lines that are kept across sessions in $XDG_STATE_HOME/fnet/history (~/.local/state/fnet/history where that is
   unset), as plain text, since the editing libraries' own formats differ; for lreadline.c only. */
#ifndef FNET_HISTORY_H
#define FNET_HISTORY_H

/* Gives the lines of earlier sessions to the editor. Where there is no place for the file, none is kept. */
void history_open(void);

/* Adds the lines of a text, unless blank or the same as the last one, to the editor's and at once to the file, so
   that sessions side by side and sessions that crash keep theirs. Cuts the text into its lines. */
void history_remember(char *text);

#endif
