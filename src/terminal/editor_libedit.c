/* The editor on libedit, through its own interface (histedit.h). See editor.h.
   Its imitation of readline's interface is no way: rl_callback_read_char writes into a buffer that has been freed
   as soon as a line has more than 1,020 letters.
   Invariant: keys come from read_letter alone, and while one is waited for, the library is at rest. */
#include "editor.h"

#include <histedit.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "keys.h"
#include "letters.h"

static EditLine *line_editor;
static HistoryW *lines_before;
static void (*complete)(const char *before, size_t size);
static wchar_t *prompt_letters;
static enum wait_outcome outcome; /* of the last wait for a key */

/* ---- the screen ---- */

static void show(const char *text) {
    fputs(text, stdout);
    fflush(stdout);
}

static void leave_screen(void) {
    el_set(line_editor, EL_PREP_TERM, 0);
    show(KEYS_MARK_NO_PASTES);
}

static void draw_screen(void) {
    el_set(line_editor, EL_PREP_TERM, 0); /* whoever stopped us may have left the terminal in any state */
    el_set(line_editor, EL_PREP_TERM, 1);
    show(KEYS_MARK_PASTES);
    el_resize(line_editor);
    el_set(line_editor, EL_REFRESH);
}

/* The library believes the cursor to be where it draws the prompt, so we go there. Terminals wrap lines anew. */
static void resize_screen(void) {
    const LineInfoW *line = el_wline(line_editor);
    struct letters_place place = {0, 0};
    int columns = 0;
    el_resize(line_editor);
    if (el_get(line_editor, EL_GETTC, "co", &columns) == 0 && columns > 0) {
        letters_move(prompt_letters, prompt_letters + wcslen(prompt_letters), columns, &place);
        letters_move(line->buffer, line->cursor, columns, &place);
    }
    if (place.row > 0) printf("\033[%dA", place.row);
    show("\r\033[J");
    el_set(line_editor, EL_REFRESH);
}

static const struct screen screen = {leave_screen, draw_screen, resize_screen};

static wchar_t *give_prompt(EditLine *editor) {
    (void)editor;
    return prompt_letters;
}

/* ---- keys ---- */

/* The library's function for the next letter: 1, or 0 at the end, or -1 after Ctrl-C. */
static int read_letter(EditLine *editor, wchar_t *letter) {
    (void)editor;
    outcome = keys_read(&screen, letter);
    return outcome == WAIT_KEY ? 1 : outcome == WAIT_END ? 0 : -1;
}

static void insert_letter(wchar_t letter) {
    wchar_t text[2] = {letter, L'\0'};
    el_winsertstr(line_editor, text);
}

/* Takes what is pasted as it is, newlines and tabs too. */
static unsigned char paste(EditLine *editor, wint_t key) {
    (void)editor;
    (void)key;
    outcome = keys_read_paste(&screen, insert_letter);
    return outcome == WAIT_KEY ? CC_REFRESH : CC_EOF;
}

/* ---- completion ---- */

static bool shown; /* something was written below the line */

static unsigned char complete_here(EditLine *editor, wint_t key) {
    const LineInfoW *line = el_wline(editor);
    char *before = letters_encode_all(line->buffer, (size_t)(line->cursor - line->buffer));
    (void)key;
    shown = false;
    if (before != NULL) complete(before, strlen(before));
    free(before);
    return shown ? CC_REDISPLAY : CC_REFRESH;
}

void editor_insert(const char *text) {
    size_t count;
    wchar_t *letters = letters_decode_all(text, &count);
    if (letters != NULL) el_winsertstr(line_editor, letters);
    free(letters);
}

void editor_show(const char *text) {
    const LineInfoW *line = el_wline(line_editor);
    el_cursor(line_editor, (int)(line->lastchar - line->cursor)); /* below the last row of a long line */
    el_set(line_editor, EL_REFRESH);
    printf("\n%s\n", text);
    shown = true;
}

/* ---- lines ---- */

static void bind_keys(void) {
    static const struct {
        const wchar_t *keys, *function;
    } bindings[] = {
        {L"\033[1~", L"ed-move-to-beg"},      {L"\033[4~", L"ed-move-to-end"},
        {L"\033[7~", L"ed-move-to-beg"},      {L"\033[8~", L"ed-move-to-end"},
        {L"\033[H", L"ed-move-to-beg"},       {L"\033[F", L"ed-move-to-end"},
        {L"\033OH", L"ed-move-to-beg"},       {L"\033OF", L"ed-move-to-end"},
        {L"\033[3~", L"ed-delete-next-char"}, {L"\033[2~", L"em-toggle-overwrite"},
        {L"\033[1;5C", L"em-next-word"},      {L"\033[1;5D", L"ed-prev-word"},
        {L"\033[5C", L"em-next-word"},        {L"\033[5D", L"ed-prev-word"},
        {L"\033\033[C", L"em-next-word"},     {L"\033\033[D", L"ed-prev-word"},
        {L"\022", L"em-inc-search-prev"},     {L"\t", L"fnet-complete"},
        {KEYS_PASTE, L"fnet-paste"},
    };
    for (size_t i = 0; i < sizeof bindings / sizeof bindings[0]; i++) {
        el_wset(line_editor, EL_BIND, bindings[i].keys, bindings[i].function, NULL);
    }
}

void editor_open(void (*complete_with)(const char *before, size_t size)) {
    HistEventW event;
    complete = complete_with;
    letters_open();
    line_editor = el_init("fnet", stdin, stdout, stderr);
    lines_before = history_winit();
    if (line_editor == NULL || lines_before == NULL) return;
    history_w(lines_before, &event, H_SETSIZE, EDITOR_HISTORY_LINES);
    el_wset(line_editor, EL_HIST, history_w, lines_before);
    el_wset(line_editor, EL_PROMPT_ESC, give_prompt, LETTERS_NO_WIDTH);
    el_wset(line_editor, EL_EDITOR, L"emacs");
    el_wset(line_editor, EL_SIGNAL, 0);
    el_wset(line_editor, EL_GETCFN, read_letter);
    el_wset(line_editor, EL_ADDFN, L"fnet-complete", L"Complete a name", complete_here);
    el_wset(line_editor, EL_ADDFN, L"fnet-paste", L"Take a pasted text as it is", paste);
    bind_keys();
    el_source(line_editor, NULL); /* the user's own bindings */
}

/* The prompt, in which readline's marks around what has no width become libedit's, one for both sides. */
static bool set_prompt(const char *prompt) {
    size_t count;
    free(prompt_letters);
    prompt_letters = letters_decode_all(prompt, &count);
    for (size_t i = 0; prompt_letters != NULL && i < count; i++) {
        if (prompt_letters[i] == L'\2') prompt_letters[i] = LETTERS_NO_WIDTH;
    }
    return prompt_letters != NULL;
}

enum editor_outcome editor_read(const char *prompt, char **text) {
    int count = 0;
    if (line_editor == NULL || lines_before == NULL || !set_prompt(prompt)) return EDITOR_END;
    wait_begin();
    show(KEYS_MARK_PASTES);
    el_resize(line_editor); /* the size may have changed while a script ran */
    outcome = WAIT_KEY;
    const wchar_t *line = el_wgets(line_editor, &count);
    show(KEYS_MARK_NO_PASTES);
    wait_end();
    if (outcome == WAIT_INTERRUPTED) {
        putchar('\n');
        return EDITOR_INTERRUPTED;
    }
    if (line == NULL || count <= 0) return EDITOR_END;
    *text = letters_encode_all(line, (size_t)count - (line[count - 1] == L'\n'));
    return *text == NULL ? EDITOR_END : EDITOR_TEXT;
}

void editor_add_history(const char *line) {
    HistEventW event;
    size_t count;
    wchar_t *letters = letters_decode_all(line, &count);
    if (letters != NULL && lines_before != NULL) history_w(lines_before, &event, H_ENTER, letters);
    free(letters);
}
