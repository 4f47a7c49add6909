/* See history.h. */
#include "history.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../core/durable.h"
#include "editor.h"

static char path[PATH_MAX]; /* empty: no history is kept */

/* Creates the directories above the file, as `mkdir -p` does. What fails here fails again when the file is opened.
 */
static void make_directories(void) {
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
}

/* Rewrites a file of more than twice EDITOR_HISTORY_LINES lines with its last ones. */
static void shorten_history(const char *text) {
    struct durable durable;
    int count = 0;
    for (const char *end = text; (end = strchr(end, '\n')) != NULL; end++) count++;
    if (count <= 2 * EDITOR_HISTORY_LINES) return;
    for (; count > EDITOR_HISTORY_LINES; count--) text = strchr(text, '\n') + 1;
    if (durable_begin(&durable, &durable_posix, path) && durable_write(&durable, text, strlen(text))) {
        durable_commit(&durable);
    }
    durable_abandon(&durable);
}

void history_open(void) {
    const char *start = getenv("XDG_STATE_HOME"), *below = "";
    if (start == NULL || start[0] != '/') { /* the standard says to ignore a relative path */
        start = getenv("HOME");
        below = "/.local/state";
    }
    if (start == NULL || start[0] != '/') return;
    int length = snprintf(path, sizeof path, "%s%s/fnet/history", start, below);
    if (length < 0 || (size_t)length >= sizeof path) {
        path[0] = '\0';
        return;
    }
    make_directories();
    FILE *file = fopen(path, "r");
    if (file == NULL) return;
    char *text = NULL;
    size_t capacity = 0;
    if (getdelim(&text, &capacity, '\0', file) > 0) {
        shorten_history(text);
        for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) editor_add_history(line);
    }
    free(text);
    fclose(file);
}

static void remember_line(const char *line) {
    static char *last;
    if (line[strspn(line, " \t")] == '\0' || (last != NULL && strcmp(last, line) == 0)) return;
    free(last);
    last = strdup(line);
    editor_add_history(line);
    if (path[0] == '\0') return;
    int descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (descriptor < 0) return;
    dprintf(descriptor, "%s\n", line);
    close(descriptor);
}

void history_remember(char *text) {
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) remember_line(line);
}
