/* The editor on GNU readline. See editor.h.
   Its alternate interface (callbacks) leaves the waiting for keys to us. Invariant: it catches no signals. */
#include "editor.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "letters.h"
#include "wait.h"

static void (*complete)(const char *before, size_t size);
static char *finished_text; /* NULL at the end of the input */
static bool finished;

/* ---- the screen ---- */

static void leave_screen(void) { rl_deprep_terminal(); }

static void draw_screen(void) {
    rl_deprep_terminal(); /* whoever stopped us may have left the terminal in any state */
    rl_prep_terminal(1);
    rl_reset_screen_size();
    rl_forced_update_display();
}

static const struct screen screen = {leave_screen, draw_screen, rl_resize_terminal};

/* ---- completion ---- */

static int complete_here(int count, int key) {
    (void)count;
    (void)key;
    complete(rl_line_buffer, (size_t)rl_point);
    return 0;
}

void editor_insert(const char *text) { rl_insert_text(text); }

void editor_show(const char *text) {
    int point = rl_point;
    rl_point = rl_end; /* below the last row of a long line */
    rl_redisplay();
    fprintf(rl_outstream, "\n%s\n", text);
    rl_point = point;
    rl_forced_update_display();
}

/* ---- lines ---- */

static void take_line(char *line) {
    finished_text = line;
    finished = true;
    rl_callback_handler_remove(); /* now, or the library would show the prompt for a line to come */
}

void editor_open(void (*complete_with)(const char *before, size_t size)) {
    complete = complete_with;
    rl_readline_name = "fnet";
    rl_catch_signals = rl_catch_sigwinch = 0;
    rl_change_environment = 0;
    rl_initialize();
    letters_open();                       /* after the library has chosen one by itself */
    rl_variable_bind("input-meta", "on"); /* it strips letters of their eighth bit where the locale is C */
    rl_variable_bind("output-meta", "on");
    rl_variable_bind("convert-meta", "off");
    rl_bind_key('\t', complete_here);
    using_history();
    stifle_history(EDITOR_HISTORY_LINES);
}

enum editor_outcome editor_read(const char *prompt, char **text) {
    enum wait_outcome outcome = WAIT_KEY;
    wait_begin();
    finished = false;
    rl_reset_screen_size(); /* it may have changed while a script ran */
    rl_callback_handler_install(prompt, take_line);
    while (!finished && outcome == WAIT_KEY) {
        outcome = wait_for_key(&screen);
        if (outcome == WAIT_KEY) rl_callback_read_char();
    }
    if (outcome == WAIT_INTERRUPTED) {
        rl_free_line_state();
        rl_callback_sigcleanup();
        rl_callback_handler_remove();
        putchar('\n');
    } else if (outcome == WAIT_END) {
        take_line(NULL);
    }
    wait_end();
    if (outcome == WAIT_INTERRUPTED) return EDITOR_INTERRUPTED;
    *text = finished_text;
    return finished_text == NULL ? EDITOR_END : EDITOR_TEXT;
}

void editor_add_history(const char *line) { add_history(line); }
