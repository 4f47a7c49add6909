/* The line reader of the interactive mode; see lreadline.h.
   Invariant: a Lua error never jumps across a frame of the editing library, and no text is lost by one: what the
   libraries gave is static and freed by the next call. */
#include "lreadline.h"

#include <dirent.h>
#include <errno.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../core/interrupt.h"
#include "../core/terminal.h"
#include "../terminal/wait.h"

#include "../terminal/editor.h"
#include "../terminal/history.h"

/* ---- files ---- */

static int close_directory(lua_State *L) {
    DIR **directory = lua_touserdata(L, 1);
    if (*directory != NULL) closedir(*directory);
    *directory = NULL;
    return 0;
}

/* list_directory(path): the names in it, directories with a slash at the end; none where it cannot be read. */
static int list_directory(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    lua_newtable(L);
    DIR **directory = lua_newuserdatauv(L, sizeof *directory, 0);
    *directory = NULL;
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, close_directory);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__gc");
    lua_setfield(L, -2, "__close");
    lua_setmetatable(L, -2);
    lua_toclose(L, -1);
    *directory = opendir(path);
    const struct dirent *entry;
    for (lua_Integer i = 1; *directory != NULL && (entry = readdir(*directory)) != NULL;) {
        struct stat about;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        bool is_directory = fstatat(dirfd(*directory), entry->d_name, &about, 0) == 0 && S_ISDIR(about.st_mode);
        lua_pushfstring(L, "%s%s", entry->d_name, is_directory ? "/" : "");
        lua_rawseti(L, -3, i++);
    }
    lua_pop(L, 1);
    return 1;
}

/* ---- completion ---- */

static lua_State *completing; /* the state in which read_line is running */

/* complete, text, size -> what to put in, and what to show. In a function of its own because making a string may
   raise an error. */
static int advice(lua_State *L) {
    lua_pushlstring(L, lua_touserdata(L, 2), (size_t)lua_tointeger(L, 3));
    lua_replace(L, 2);
    lua_settop(L, 2);
    lua_pushcfunction(L, list_directory);
    lua_call(L, 2, 2);
    return 2;
}

static void complete(const char *before, size_t size) {
    lua_State *L = completing;
    if (!lua_checkstack(L, LUA_MINSTACK)) return;
    int top = lua_gettop(L);
    lua_pushcfunction(L, advice);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushlightuserdata(L, (void *)before);
    lua_pushinteger(L, (lua_Integer)size);
    if (lua_pcall(L, 3, 2, 0) == LUA_OK) {
        if (lua_type(L, -2) == LUA_TSTRING) editor_insert(lua_tostring(L, -2));
        if (lua_type(L, -1) == LUA_TSTRING) editor_show(lua_tostring(L, -1));
    }
    lua_settop(L, top);
}

static bool editing; /* both ends are a terminal that can draw */

static int edit(lua_State *L, const char *prompt) {
    static char *text;
    free(text);
    text = NULL;
    completing = L;
    fflush(stdout);
    enum editor_outcome outcome = editor_read(prompt, &text);
    if (outcome == EDITOR_END) return 0;
    if (outcome == EDITOR_INTERRUPTED) {
        lua_pushboolean(L, 0);
        return 1;
    }
    lua_pushstring(L, text);
    history_remember(text);
    return 1;
}

/* ---- plain lines ---- */

static const char *plain_prompt;

static void show_prompt(void) {
    fputs(plain_prompt, stdout);
    fflush(stdout);
}

static void do_nothing(void) {}

/* Waits until a terminal has a line. After a stop the line must be typed again: the system has dropped it. */
static enum wait_outcome wait_for_line(void) {
    static const struct screen screen = {do_nothing, show_prompt, do_nothing};
    wait_begin();
    enum wait_outcome outcome = wait_for_key(&screen);
    wait_end();
    return outcome;
}

/* A line from a pipe, or from a terminal that cannot draw. */
static int read_plain(lua_State *L, const char *prompt) {
    enum { TERMINAL_BYTES = 4096 }; /* Linux drops what a line has beyond */
    static char *line;
    static size_t capacity;
    bool on_terminal = isatty(STDIN_FILENO);
    plain_prompt = prompt;
    show_prompt();
    errno = 0;
    bool interrupted = on_terminal && wait_for_line() == WAIT_INTERRUPTED;
    ssize_t size = interrupted ? -1 : getline(&line, &capacity, stdin);
    if (size < 0) {
        interrupted = interrupted || (errno == EINTR && interrupt_take());
        if (!interrupted) return 0;
        clearerr(stdin);
        putchar('\n');
        lua_pushboolean(L, 0);
        return 1;
    }
    if (on_terminal && size == TERMINAL_BYTES) {
        lua_pushboolean(L, 0);
        lua_pushfstring(L,
                        "the terminal cuts lines at %d bytes here, and this one was cut: put it into "
                        "several lines, or into a file",
                        TERMINAL_BYTES - 1);
        return 2;
    }
    lua_pushlstring(L, line, (size_t)(size > 0 && line[size - 1] == '\n' ? size - 1 : size));
    return 1;
}

static int read_line(lua_State *L) {
    const char *prompt = luaL_checkstring(L, 1);
    return editing ? edit(L, prompt) : read_plain(L, prompt);
}

void lreadline_open(lua_State *L) {
    editing = isatty(STDIN_FILENO) && terminal_draws(STDOUT_FILENO);
    if (editing) {
        editor_open(complete);
        history_open();
    }
    lua_pushcclosure(L, read_line, 1);
}
