/* See process.h. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

static int report = -1; /* in a process that was started: its end of the pipe */

static void close_both(int ends[2]) {
    int code = errno;
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0) close(ends[i]);
    errno = code;
}

/* A pipe whose ends are none of the three standard descriptors, even where those are closed, and concern no program
   that is executed. We read without waiting. */
static bool open_pipe(int ends[2]) {
    int low[2];
    ends[0] = ends[1] = -1;
    if (pipe(low) != 0) return false;
    for (int i = 0; i < 2; i++) ends[i] = fcntl(low[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close_both(low);
    if (ends[0] >= 0 && ends[1] >= 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0) return true;
    close_both(ends);
    return false;
}

/* In the new process. */
static void begin(int pipes[PROCESS_STREAMS][2], pid_t starter) {
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (getppid() != starter) _exit(EXIT_FAILURE); /* gone before that was set */
    if (report >= 0) close(report);                /* of the starter, to its own */
    report = pipes[PROCESS_REPORT][1];
    close(pipes[PROCESS_REPORT][0]);
    dup2(pipes[PROCESS_OUTPUT][1], STDOUT_FILENO);
    dup2(pipes[PROCESS_ERRORS][1], STDERR_FILENO);
    close_both(pipes[PROCESS_OUTPUT]);
    close_both(pipes[PROCESS_ERRORS]);
}

int process_start(struct process *process) {
    int pipes[PROCESS_STREAMS][2], opened = 0;
    *process = (struct process){.stream = {-1, -1, -1}, .ended = true};
    while (opened < PROCESS_STREAMS && open_pipe(pipes[opened])) opened++;
    pid_t id = -1, starter = getpid();
    if (opened == PROCESS_STREAMS) {
        fflush(NULL);
        id = fork();
    }
    if (id == 0) {
        begin(pipes, starter);
        return 0;
    }
    for (int i = 0; i < opened && id < 0; i++) close_both(pipes[i]);
    if (id < 0) return -1;
    for (int i = 0; i < PROCESS_STREAMS; i++) {
        close(pipes[i][1]);
        process->stream[i] = pipes[i][0];
    }
    process->id = id;
    process->starter = starter;
    process->ended = false;
    return 1;
}

void process_report(const void *bytes, size_t count) {
    const char *from = bytes;
    while (count > 0) {
        ssize_t written = write(report, from, count); /* SIGPIPE where the starter is gone */
        if (written < 0 && errno != EINTR) _exit(EXIT_FAILURE);
        if (written > 0) from += written, count -= (size_t)written;
    }
}

_Noreturn void process_leave(int status) {
    fflush(NULL);
    _exit(status);
}

void process_wait(struct process *const *list, size_t count, int milliseconds) {
    struct pollfd ends[PROCESS_MOST * PROCESS_STREAMS];
    nfds_t used = 0;
    for (size_t i = 0; i < count; i++) {
        /* It is at its end, which process_ended sees any moment. */
        if (list[i]->stream[PROCESS_REPORT] < 0 && !list[i]->ended && milliseconds > 1) milliseconds = 1;
        for (int k = 0; k < PROCESS_STREAMS; k++)
            if (list[i]->stream[k] >= 0) ends[used++] = (struct pollfd){.fd = list[i]->stream[k], .events = POLLIN};
    }
    poll(ends, used, milliseconds);
}

ssize_t process_read(struct process *process, enum process_stream stream, void *to, size_t size) {
    int *end = &process->stream[stream];
    if (*end < 0) return -1;
    ssize_t got;
    do got = read(*end, to, size);
    while (got < 0 && errno == EINTR);
    if (got > 0) return got;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return 0;
    close(*end);
    *end = -1;
    return -1;
}

bool process_ended(struct process *process) {
    if (process->ended || process->starter != getpid()) return true;
    pid_t ended = waitpid(process->id, &process->status, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR)) return false;
    if (ended < 0) process->status = -1;
    return process->ended = true;
}

void process_signal(struct process *process, int number) {
    if (!process_ended(process)) kill(process->id, number);
}

void process_close(struct process *process) {
    process_signal(process, SIGKILL);
    while (!process->ended && process->starter == getpid()) {
        pid_t ended = waitpid(process->id, &process->status, 0);
        process->ended = ended >= 0 || errno != EINTR;
    }
    for (int i = 0; i < PROCESS_STREAMS; i++) {
        if (process->stream[i] >= 0) close(process->stream[i]);
        process->stream[i] = -1;
    }
}
