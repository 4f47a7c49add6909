/* Keys as letters, and pasted texts; for the editors that read for themselves. */
#ifndef FNET_KEYS_H
#define FNET_KEYS_H

#include <stdbool.h>
#include <wchar.h>

#include "wait.h"

/* Asks the terminal to put KEYS_PASTE in front of what is pasted and to mark its end; or no longer to. */
#define KEYS_MARK_PASTES "\033[?2004h"
#define KEYS_MARK_NO_PASTES "\033[?2004l"
#define KEYS_PASTE L"\033[200~"

/* Waits for the next letter; it was read where the outcome is WAIT_KEY. */
enum wait_outcome keys_read(const struct screen *screen, wchar_t *letter);

/* After KEYS_PASTE: gives what is pasted to `take`, letter by letter, up to its end. */
enum wait_outcome keys_read_paste(const struct screen *screen, void (*take)(wchar_t letter));

#endif
