/* The line reader of the interactive mode; see lreadline.h.
   Invariant: a Lua error never jumps across a frame of the editing library, and Ctrl-C never interrupts one:
   SIGINT is blocked while the library works and let in only while we wait for a key.
   FNET_READLINE is 1 for GNU readline, 2 for libedit, undefined for neither. Both are driven through the part of
   the interface that they share. The history is our own plain text, since their file formats differ. */
#include "lreadline.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../core/durable.h"
#include "../core/interrupt.h"

#ifdef FNET_READLINE

#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <sys/select.h>
#include <sys/stat.h>

#if FNET_READLINE == 1
#include <readline/history.h>
#include <readline/readline.h>
#else
#include <editline/readline.h>
#endif

enum { HISTORY_LINES = 1000 };

static char history_path[PATH_MAX]; /* empty: no history is kept */

/* ---- history ---- */

/* Creates the directories above `path`, as `mkdir -p` does. What fails here fails again when the file is opened. */
static void make_directories(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
}

/* Rewrites a file of more than twice HISTORY_LINES lines with its last ones. */
static void shorten_history(const char *text) {
    struct durable durable;
    int count = 0;
    for (const char *end = text; (end = strchr(end, '\n')) != NULL; end++) count++;
    if (count <= 2 * HISTORY_LINES) return;
    for (; count > HISTORY_LINES; count--) text = strchr(text, '\n') + 1;
    if (durable_begin(&durable, &durable_posix, history_path) && durable_write(&durable, text, strlen(text))) {
        durable_commit(&durable);
    }
    durable_abandon(&durable);
}

static void load_history(void) {
    const char *start = getenv("XDG_STATE_HOME"), *below = "";
    if (start == NULL || start[0] != '/') { /* the standard says to ignore a relative path */
        start = getenv("HOME");
        below = "/.local/state";
    }
    if (start == NULL || start[0] != '/') return;
    int length = snprintf(history_path, sizeof history_path, "%s%s/fnet/history", start, below);
    if (length < 0 || (size_t)length >= sizeof history_path) {
        history_path[0] = '\0';
        return;
    }
    make_directories(history_path);
    FILE *file = fopen(history_path, "r");
    if (file == NULL) return;
    char *text = NULL;
    size_t capacity = 0;
    if (getdelim(&text, &capacity, '\0', file) > 0) {
        shorten_history(text);
        for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) add_history(line);
    }
    free(text);
    fclose(file);
}

/* Adds a line to the history, unless it is blank or repeats the last one, and at once to the file, so that
   sessions side by side and sessions that crash keep their lines. */
static void remember(const char *line) {
    static char *last;
    if (line[strspn(line, " \t")] == '\0' || (last != NULL && strcmp(last, line) == 0)) return;
    free(last);
    last = strdup(line);
    add_history(line);
    if (history_path[0] == '\0') return;
    int descriptor = open(history_path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (descriptor < 0) return;
    dprintf(descriptor, "%s\n", line);
    close(descriptor);
}

/* ---- completion ---- */

static lua_State *completing; /* the state in which read_line is running */

/* complete, text, size -> the list. In a function of its own because making a string may raise an error. */
static int candidates(lua_State *L) {
    lua_pushlstring(L, lua_touserdata(L, 2), (size_t)lua_tointeger(L, 3));
    lua_replace(L, 2);
    lua_settop(L, 2);
    lua_call(L, 1, 1);
    return 1;
}

/* Gives the names in the list on top of the Lua stack, one a call; the library frees them. */
static char *next_candidate(const char *text, int later_call) {
    static lua_Integer index;
    (void)text;
    if (!later_call) index = 0;
    const char *name = lua_rawgeti(completing, -1, ++index) == LUA_TSTRING ? lua_tostring(completing, -1) : NULL;
    char *copy = name == NULL ? NULL : strdup(name);
    lua_pop(completing, 1);
    return copy;
}

/* Bytes in front of the cursor; libedit counts letters. */
static lua_Integer bytes_before(int position) {
#if FNET_READLINE == 1
    return position;
#else
    lua_Integer bytes = 0;
    mblen(NULL, 0);
    for (int i = 0; i < position; i++) {
        int size = mblen(rl_line_buffer + bytes, MB_CUR_MAX);
        bytes += size > 0 ? size : 1;
    }
    return bytes;
#endif
}

static char **complete(const char *text, int start, int end) {
    lua_State *L = completing;
    char **matches = NULL;
    (void)start;
    rl_attempted_completion_over = 1; /* file names are no part of Lua */
    rl_completion_append_character = '\0';
    if (!lua_checkstack(L, LUA_MINSTACK)) return NULL;
    int top = lua_gettop(L);
    lua_pushcfunction(L, candidates);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushlightuserdata(L, rl_line_buffer);
    lua_pushinteger(L, bytes_before(end));
    if (lua_pcall(L, 3, 1, 0) == LUA_OK && lua_istable(L, -1)) {
        matches = rl_completion_matches(text, next_candidate);
    }
    lua_settop(L, top);
    return matches;
}

/* ---- editing ---- */

static bool editing; /* both ends are a terminal */
static char *edited; /* the finished line, ours to free; NULL at the end of the input */
static bool finished;

static void take_line(char *line) {
    edited = line;
    finished = true;
    rl_callback_handler_remove(); /* now, or the library would show the prompt for a line to come */
}

static void start_editing(void) {
    static char name[] = "fnet"; /* libedit declares plain char pointers */
    static char word_breaks[] = " \t\n\"\\'`@$><=;|&{}()[]+-*/%^#~,.:";
    setlocale(LC_CTYPE, ""); /* or letters outside ASCII come out as escapes */
    rl_readline_name = name;
    rl_catch_signals = 0;
    rl_initialize();
    rl_basic_word_break_characters = word_breaks;
    rl_completer_word_break_characters = word_breaks;
    rl_attempted_completion_function = complete;
    using_history();
    stifle_history(HISTORY_LINES);
    load_history();
}

/* Returns false after Ctrl-C; else `edited` has the line. */
static bool edit_line(const char *prompt) {
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    finished = false;
    rl_callback_handler_install(prompt, take_line);
    bool interrupted = false;
    while (!finished && !interrupted) {
        fd_set input;
        FD_ZERO(&input);
        FD_SET(STDIN_FILENO, &input);
        int ready = pselect(STDIN_FILENO + 1, &input, NULL, NULL, NULL, &before);
        if (ready > 0) rl_callback_read_char();
        if (ready < 0 && errno != EINTR) take_line(NULL); /* no terminal any more */
        interrupted = interrupt_take();
    }
    if (interrupted) {
        rl_free_line_state();
        rl_callback_handler_remove();
        putchar('\n');
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return !interrupted;
}

#endif

/* ---- the reader ---- */

/* A line from a pipe, or from a terminal without an editing library. Buffers are static so that an error in a
   later lua_ call loses nothing. */
static int read_plain(lua_State *L, const char *prompt) {
    static char *line;
    static size_t capacity;
    fputs(prompt, stdout);
    fflush(stdout);
    errno = 0;
    ssize_t size = getline(&line, &capacity, stdin);
    if (size < 0) {
        if (errno != EINTR || !interrupt_take()) return 0;
        clearerr(stdin);
        putchar('\n');
        lua_pushboolean(L, 0);
        return 1;
    }
    lua_pushlstring(L, line, (size_t)(size > 0 && line[size - 1] == '\n' ? size - 1 : size));
    return 1;
}

static int read_line(lua_State *L) {
    const char *prompt = luaL_checkstring(L, 1);
#ifdef FNET_READLINE
    if (editing) {
        completing = L;
        free(edited);
        edited = NULL;
        fflush(stdout);
        if (!edit_line(prompt)) {
            lua_pushboolean(L, 0);
            return 1;
        }
        if (edited == NULL) return 0;
        edited[strcspn(edited, "\n")] = '\0';
        remember(edited);
        lua_pushstring(L, edited);
        return 1;
    }
#endif
    return read_plain(L, prompt);
}

void lreadline_open(lua_State *L) {
#ifdef FNET_READLINE
    editing = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    if (editing) start_editing();
#endif
    lua_pushcclosure(L, read_line, 1);
}
