/* The editor of a build without libedit and GNU readline. See editor.h.
   The cursor stays at the end of the line: keys are letters, Backspace, Ctrl-W, Ctrl-U, Tab, Ctrl-D. There is more
   of it than the terminal's own line, which ends at 4,095 bytes and is lost when the process is stopped. Invariant:
   `line` is what stands on the screen behind the prompt. */
#include "editor.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "../core/terminal.h"
#include "keys.h"
#include "letters.h"

static void (*complete)(const char *before, size_t size);
static struct termios mode_before;
static const char *prompt_text;
static wchar_t *line;
static size_t length, capacity;
static int columns_drawn; /* the width for which the line was drawn */

/* ---- the screen ---- */

static void show(const char *text) {
    fputs(text, stdout);
    fflush(stdout);
}

static void take_terminal(void) {
    struct termios mode;
    if (tcgetattr(STDIN_FILENO, &mode_before) != 0) return;
    mode = mode_before;
    mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &mode);
    show(KEYS_MARK_PASTES);
}

static void leave_terminal(void) {
    show(KEYS_MARK_NO_PASTES);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &mode_before);
}

static void draw(void) {
    int rows;
    char *text = letters_encode_all(line, length);
    terminal_size(STDOUT_FILENO, &columns_drawn, &rows);
    fputs(prompt_text, stdout);
    if (text != NULL) show(text);
    free(text);
}

static void draw_again(void) {
    take_terminal();
    draw();
}

/* Takes the line off the screen, up from where the cursor stands. */
static void wipe(void) {
    struct letters_place place = {0, 0};
    size_t count;
    wchar_t *prompt = letters_decode_all(prompt_text, &count);
    if (prompt != NULL) letters_move(prompt, prompt + count, columns_drawn, &place);
    free(prompt);
    letters_move(line, line + length, columns_drawn, &place);
    if (place.row > 0) printf("\033[%dA", place.row);
    show("\r\033[J");
}

/* Terminals wrap lines anew when their size changes. */
static void resize(void) {
    int rows;
    terminal_size(STDOUT_FILENO, &columns_drawn, &rows);
    wipe();
    draw();
}

static const struct screen screen = {leave_terminal, draw_again, resize};

/* ---- the line ---- */

static void append(wchar_t letter) {
    if (length == capacity) {
        size_t larger = capacity > 0 ? 2 * capacity : 256;
        wchar_t *letters = realloc(line, larger * sizeof *line);
        if (letters == NULL) return;
        line = letters;
        capacity = larger;
    }
    line[length++] = letter;
    char *text = letters_encode_all(&letter, 1);
    if (text != NULL) show(text);
    free(text);
}

static void cut(size_t new_length) {
    wipe();
    length = new_length;
    draw();
}

static size_t without_last_word(void) {
    size_t end = length;
    while (end > 0 && line[end - 1] == L' ') end--;
    while (end > 0 && line[end - 1] != L' ') end--;
    return end;
}

static void complete_here(void) {
    char *before = letters_encode_all(line, length);
    if (before != NULL) complete(before, strlen(before));
    free(before);
}

void editor_insert(const char *text) {
    size_t count;
    wchar_t *letters = letters_decode_all(text, &count);
    for (size_t i = 0; letters != NULL && i < count; i++) append(letters[i]);
    free(letters);
}

void editor_show(const char *text) {
    printf("\n%s\n", text);
    draw();
}

/* What begins with Escape: a pasted text, or a key that does nothing here. */
static enum wait_outcome take_sequence(void) {
    wchar_t sequence[16] = L"\033";
    const size_t most = sizeof sequence / sizeof sequence[0] - 1;
    for (size_t i = 1; i < most; i++) {
        enum wait_outcome outcome = keys_read(&screen, &sequence[i]);
        if (outcome != WAIT_KEY) return outcome;
        bool goes_on =
            i == 1 ? sequence[1] == L'[' || sequence[1] == L'O' : sequence[i] < L'@' || sequence[i] > L'~';
        if (!goes_on) break;
    }
    return wcscmp(sequence, KEYS_PASTE) == 0 ? keys_read_paste(&screen, append) : WAIT_KEY;
}

/* ---- reading ---- */

/* WAIT_KEY when the line is complete. */
static enum wait_outcome edit(void) {
    enum { CTRL_D = 4, CTRL_H = 8, CTRL_U = 21, CTRL_W = 23, ESCAPE = 27, DELETE = 127 };
    for (;;) {
        wchar_t letter;
        enum wait_outcome outcome = keys_read(&screen, &letter);
        if (outcome != WAIT_KEY) return outcome;
        if (letter == L'\n' || letter == L'\r') return WAIT_KEY;
        if (letter == CTRL_D && length == 0) return WAIT_END;
        if (letter == ESCAPE) outcome = take_sequence();
        if (outcome != WAIT_KEY) return outcome;
        if (letter == L'\t') complete_here();
        if ((letter == CTRL_H || letter == DELETE) && length > 0) cut(length - 1);
        if (letter == CTRL_U) cut(0);
        if (letter == CTRL_W) cut(without_last_word());
        if (letter >= L' ' && letter != DELETE) append(letter);
    }
}

void editor_open(void (*complete_with)(const char *before, size_t size)) {
    complete = complete_with;
    letters_open();
}

enum editor_outcome editor_read(const char *prompt, char **text) {
    prompt_text = prompt;
    length = 0;
    wait_begin();
    take_terminal();
    draw();
    enum wait_outcome outcome = edit();
    leave_terminal();
    wait_end();
    if (outcome != WAIT_END) putchar('\n');
    if (outcome != WAIT_KEY) return outcome == WAIT_END ? EDITOR_END : EDITOR_INTERRUPTED;
    *text = letters_encode_all(line, length);
    return *text == NULL ? EDITOR_END : EDITOR_TEXT;
}

/* No key brings a line back. */
void editor_add_history(const char *text) { (void)text; }
