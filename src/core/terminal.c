/* See terminal.h. */
#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool terminal_draws(int descriptor) {
    const char *name = getenv("TERM");
    return isatty(descriptor) && name != NULL && name[0] != '\0' && strcmp(name, "dumb") != 0;
}

void terminal_size(int descriptor, int *columns, int *rows) {
    struct winsize size;
    bool known = ioctl(descriptor, TIOCGWINSZ, &size) == 0;
    *columns = known && size.ws_col > 0 ? size.ws_col : 80;
    *rows = known && size.ws_row > 0 ? size.ws_row : 24;
}
