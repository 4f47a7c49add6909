/* See opening.h. A pipe is opened without waiting for whoever writes into it, and is an ordinary one afterwards. */
#include "opening.h"

#include "interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TURN 20 /* milliseconds between two looks at a pipe */

/* What the reader cannot read, as a sentence; NULL for an ordinary file and a pipe. */
static const char *refusal(mode_t mode, int *code) {
    *code = S_ISDIR(mode) ? EISDIR : ENODEV;
    if (S_ISDIR(mode)) return strerror(EISDIR);
    if (S_ISCHR(mode) || S_ISBLK(mode)) return "is a device; expected a file or a pipe";
    if (!S_ISREG(mode) && !S_ISFIFO(mode)) return "is neither a file nor a pipe";
    return NULL;
}

/* Waits until there is something to read from a pipe, or somebody who may write it, or who did and has closed it.
 *ahead is a byte that was read for that, or EOF. Nobody there: 0 bytes are read, but nothing has hung up. */
static bool has_writer(int descriptor, int *ahead) {
    for (int waited = 0; waited <= OPENING_PATIENCE * 1000; waited += TURN) {
        struct pollfd end = {.fd = descriptor, .events = POLLIN};
        unsigned char byte;
        if (interrupt_pending()) break;
        if (poll(&end, 1, 0) > 0) return true;
        ssize_t got = read(descriptor, &byte, 1);
        if (got > 0) *ahead = byte;
        if (got != 0) return true;
        poll(NULL, 0, TURN);
    }
    return false;
}

static FILE *give_up(int descriptor) {
    close(descriptor);
    return NULL;
}

FILE *opening_file(const char *path, const char **message, int *code) {
    struct stat status;
    int ahead = EOF, descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (descriptor < 0) {
        *code = errno;
        bool is_socket = errno == ENXIO && stat(path, &status) == 0 && S_ISSOCK(status.st_mode);
        *message = is_socket ? "is a socket; expected a file or a pipe" : strerror(errno);
        return NULL;
    }
    if (fstat(descriptor, &status) != 0) {
        *message = strerror(*code = errno);
        return give_up(descriptor);
    }
    *message = refusal(status.st_mode, code);
    if (*message) return give_up(descriptor);
    if (S_ISFIFO(status.st_mode) && !has_writer(descriptor, &ahead)) {
        *code = interrupt_pending() ? EINTR : ETIMEDOUT;
        *message = "is a pipe into which nobody writes";
        return give_up(descriptor);
    }
    int flags = fcntl(descriptor, F_GETFL);
    FILE *file =
        flags >= 0 && fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) == 0 ? fdopen(descriptor, "rb") : NULL;
    if (!file) {
        *message = strerror(*code = errno);
        return give_up(descriptor);
    }
    setvbuf(file, NULL, _IONBF, 0); /* readers have buffers of their own, and may read parts that lie apart */
    if (ahead != EOF) ungetc(ahead, file);
    return file;
}
