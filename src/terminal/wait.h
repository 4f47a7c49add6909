/* Waiting for a key while a line is edited, and the signals that come meanwhile; for the editors and for
   lreadline.c. */
#ifndef FNET_WAIT_H
#define FNET_WAIT_H

/* What an editor does with the screen: gives the terminal back as it was found, takes it and draws the line again,
   draws the line for a new size. */
struct screen {
    void (*leave)(void);
    void (*draw)(void);
    void (*resize)(void);
};

enum wait_outcome { WAIT_KEY, WAIT_INTERRUPTED, WAIT_END };

/* From wait_begin to wait_end signals arrive inside wait_for_key alone, so none interrupts an editing library. */
void wait_begin(void);
void wait_end(void);

/* Returns when standard input can be read, after Ctrl-C, or when the terminal is gone. */
enum wait_outcome wait_for_key(const struct screen *screen);

#endif
