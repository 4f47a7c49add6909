/* Processes that work for this one: fork. Each is a copy of it that shares its memory until one of them writes
   there, so that a data set is read once; what it prints and what it reports comes back through pipes.
   Invariants: only who started a process signals it and waits for it (a copy of the struct in a sibling is
   inert); no process outlives its starter where the system can see to that (Linux), elsewhere it ends when it next
   reports. For lprocess.c. */
#ifndef FNET_PROCESS_H
#define FNET_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PROCESS_MOST 256 /* that process_wait waits for */

enum process_stream { PROCESS_REPORT, PROCESS_OUTPUT, PROCESS_ERRORS, PROCESS_STREAMS };

struct process {
    pid_t id, starter;
    int stream[PROCESS_STREAMS]; /* our ends of its pipes, -1 at the end */
    bool ended;
    int status; /* of waitpid, once it has ended; -1 where somebody else has waited for it */
};

/* Starts a copy of this process: 1 here, 0 in the copy, -1 and errno where the system refuses. The copy has one
   thread, the one that called; its standard output and standard error lead here. What is still in the buffers of
   C's files is written before, so that nothing is written twice. */
int process_start(struct process *process);

/* In a process that was started: the bytes go to its starter. It does not return where that is gone. */
void process_report(const void *bytes, size_t count);

/* Ends a process that was started: its files are flushed; what is for the end of its starter does not happen. */
_Noreturn void process_leave(int status);

/* Waits until one of them has written something or ended, a signal came, or the time is over. */
void process_wait(struct process *const *list, size_t count, int milliseconds);

/* Reads what is there, without waiting: how many bytes, 0 for none now, -1 for none any more. */
ssize_t process_read(struct process *process, enum process_stream stream, void *to, size_t size);

/* Whether it has ended. */
bool process_ended(struct process *process);

/* Sends a signal, unless it has ended. */
void process_signal(struct process *process, int number);

/* Kills it where it runs, waits for that, and closes its pipes. In another process than its starter: closes them.
 */
void process_close(struct process *process);

#endif
