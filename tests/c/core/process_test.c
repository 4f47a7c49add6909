/* Processes that work for this one: what they report and print comes back, in whatever way they end; they end with
   their starter; standard descriptors that are closed disturb nothing. */
#include "../check.h"

#include "../../../src/core/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum { ROOM = 200000 };

static char text[PROCESS_STREAMS][ROOM];

/* Collects what a process writes until it has ended; how many bytes of each stream. */
static void collect(struct process *process, size_t used[PROCESS_STREAMS]) {
    bool ended, open;
    memset(text, 0, sizeof text);
    memset(used, 0, PROCESS_STREAMS * sizeof *used);
    do {
        process_wait(&process, 1, 10000);
        ended = process_ended(process);
        for (int i = 0; i < PROCESS_STREAMS; i++) {
            ssize_t got;
            do {
                got = process_read(process, (enum process_stream)i, text[i] + used[i], ROOM - 1 - used[i]);
                if (got > 0) used[i] += (size_t)got;
            } while (got > 0);
        }
        open = process->stream[PROCESS_REPORT] >= 0;
    } while (!ended || open);
}

static void test_streams(void) {
    struct process process;
    size_t used[PROCESS_STREAMS];
    test("what comes back");
    printf("this stands in a buffer and is not printed twice\n");
    if (process_start(&process) == 0) {
        static char large[150000];
        memset(large, 'x', sizeof large);
        printf("printed");
        fprintf(stderr, "complained");
        process_report("reported", 8);
        process_report(large, sizeof large); /* more than a pipe holds */
        process_leave(7);
    }
    collect(&process, used);
    check(used[PROCESS_REPORT] == 150008 && memcmp(text[PROCESS_REPORT], "reportedxx", 10) == 0, "the report");
    check(strcmp(text[PROCESS_OUTPUT], "printed") == 0, "the output is '%s'", text[PROCESS_OUTPUT]);
    check(strcmp(text[PROCESS_ERRORS], "complained") == 0, "the errors are '%s'", text[PROCESS_ERRORS]);
    check(WIFEXITED(process.status) && WEXITSTATUS(process.status) == 7, "status %#x", (unsigned)process.status);
    process_signal(&process, SIGKILL); /* of whoever has its number now: nothing may happen */
    process_close(&process);
    process_close(&process);
}

static void test_death(void) {
    struct process process, *list[] = {&process};
    size_t used[PROCESS_STREAMS];
    test("an end by a signal");
    if (process_start(&process) == 0) raise(SIGKILL);
    collect(&process, used);
    check(WIFSIGNALED(process.status) && WTERMSIG(process.status) == SIGKILL, "killed");
    process_close(&process);

    if (process_start(&process) == 0) pause();
    process_wait(list, 1, 0);
    check(!process_ended(&process), "it runs");
    process_signal(&process, SIGTERM);
    collect(&process, used);
    check(WIFSIGNALED(process.status) && WTERMSIG(process.status) == SIGTERM, "told to end");
    process_close(&process);

    if (process_start(&process) == 0) pause();
    process_close(&process);
    check(kill(process.id, 0) != 0 && errno == ESRCH, "closing leaves none");

    signal(SIGCHLD, SIG_IGN); /* the system then waits itself */
    if (process_start(&process) == 0) process_leave(0);
    collect(&process, used);
    check(process.ended && process.status == -1, "nobody knows how it ended");
    signal(SIGCHLD, SIG_DFL);
    process_close(&process);
}

/* A sibling has copies of the struct and of the pipes, and neither kills with the one nor keeps the others open. */
static void test_siblings(void) {
    struct process first, second;
    size_t used[PROCESS_STREAMS];
    test("siblings");
    if (process_start(&first) == 0) pause();
    if (process_start(&second) == 0) {
        process_signal(&first, SIGKILL);
        process_close(&first);
        process_leave(0);
    }
    collect(&second, used);
    check(!process_ended(&first), "the sibling lives");
    process_close(&first);
    process_close(&second);
}

/* The innermost keeps the pipe open as long as it lives. */
static void test_orphans(void) {
#ifdef __linux__
    int alive[2];
    char byte;
    struct process process, inner, *list[] = {&process};
    test("the end of the starter");
    check(pipe(alive) == 0, "pipe");
    if (process_start(&process) == 0) {
        if (process_start(&inner) == 0) pause();
        process_report("x", 1);
        pause();
    }
    close(alive[1]);
    while (process_read(&process, PROCESS_REPORT, &byte, 1) == 0) process_wait(list, 1, 1000);
    process_close(&process); /* kills it */
    check(read(alive[0], &byte, 1) == 0, "nobody is left");
    close(alive[0]);
#endif
}

/* Pipes must not take the places of the standard descriptors. */
static void test_closed_descriptors(void) {
    struct process process;
    size_t used[PROCESS_STREAMS];
    test("closed standard descriptors");
    fflush(NULL);
    int kept[3];
    for (int i = 0; i < 3; i++) kept[i] = fcntl(i, F_DUPFD, 10);
    for (int i = 0; i < 3; i++) close(i);
    if (process_start(&process) == 0) {
        process_report("reported", 8);
        if (write(STDERR_FILENO, "errors", 6) == 6 && write(STDOUT_FILENO, "output", 6) == 6) _exit(3);
        _exit(4);
    }
    collect(&process, used);
    for (int i = 0; i < 3; i++) {
        dup2(kept[i], i);
        close(kept[i]);
    }
    check(WIFEXITED(process.status) && WEXITSTATUS(process.status) == 3, "status %#x", (unsigned)process.status);
    check(strcmp(text[PROCESS_REPORT], "reported") == 0 && strcmp(text[PROCESS_OUTPUT], "output") == 0 &&
              strcmp(text[PROCESS_ERRORS], "errors") == 0,
          "all three came back");
    process_close(&process);
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    alarm(60);
    test_streams();
    test_death();
    test_siblings();
    test_orphans();
    test_closed_descriptors();
    return check_end();
}
