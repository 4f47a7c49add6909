/* Signals while a line is edited. See wait.h.
   Invariant: a handler only notes its signal; what is to be done about it is done by wait_for_key, between keys,
   where the editing library is at rest. */
#include "wait.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/select.h>
#include <unistd.h>

#include "../core/interrupt.h"

#ifndef SIGWINCH
#define SIGWINCH 28 /* POSIX has it since 2024 only, every system for decades */
#endif

/* Signals that end or stop the process: the terminal is given back before. */
static const int leaving[] = {SIGTSTP, SIGTERM, SIGHUP, SIGQUIT};
enum { LEAVING = sizeof leaving / sizeof leaving[0] };

static volatile sig_atomic_t asked_to_leave[LEAVING], continued, resized;
static struct sigaction leaving_before[LEAVING], continue_before, resize_before;
static sigset_t mask_before; /* what was blocked before wait_begin */

static void note(int number) {
    for (int i = 0; i < LEAVING; i++) {
        if (leaving[i] == number) asked_to_leave[i] = 1;
    }
    if (number == SIGCONT) continued = 1;
    if (number == SIGWINCH) resized = 1;
}

static void catch_signal(int number, struct sigaction *before) {
    struct sigaction action = {.sa_handler = note};
    sigemptyset(&action.sa_mask);
    sigaction(number, NULL, before);
    if (before->sa_handler != SIG_IGN) sigaction(number, &action, NULL);
}

void wait_begin(void) {
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGCONT);
    sigaddset(&blocked, SIGWINCH);
    for (int i = 0; i < LEAVING; i++) sigaddset(&blocked, leaving[i]);
    sigprocmask(SIG_BLOCK, &blocked, &mask_before);
    for (int i = 0; i < LEAVING; i++) catch_signal(leaving[i], &leaving_before[i]);
    catch_signal(SIGCONT, &continue_before);
    catch_signal(SIGWINCH, &resize_before);
}

void wait_end(void) {
    for (int i = 0; i < LEAVING; i++) sigaction(leaving[i], &leaving_before[i], NULL);
    sigaction(SIGCONT, &continue_before, NULL);
    sigaction(SIGWINCH, &resize_before, NULL);
    sigprocmask(SIG_SETMASK, &mask_before, NULL);
}

/* Lets the signal do what it does where nobody catches it. Whoever comes back was stopped and goes on, which the
   system says with SIGCONT; that is let in here, too, so that the line is drawn once. */
static void leave(int i, const struct screen *screen) {
    sigset_t let_in, blocked;
    struct sigaction ours;
    asked_to_leave[i] = 0;
    screen->leave();
    sigaction(leaving[i], &leaving_before[i], &ours);
    sigemptyset(&let_in);
    sigaddset(&let_in, leaving[i]);
    sigaddset(&let_in, SIGCONT);
    raise(leaving[i]);
    sigprocmask(SIG_UNBLOCK, &let_in, &blocked);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
    sigaction(leaving[i], &ours, NULL);
    continued = 1;
}

static void answer_signals(const struct screen *screen) {
    for (int i = 0; i < LEAVING; i++) {
        if (asked_to_leave[i]) leave(i, screen);
    }
    if (continued)
        screen->draw();
    else if (resized)
        screen->resize();
    continued = resized = 0;
}

enum wait_outcome wait_for_key(const struct screen *screen) {
    for (;;) {
        fd_set input;
        FD_ZERO(&input);
        FD_SET(STDIN_FILENO, &input);
        int ready = pselect(STDIN_FILENO + 1, &input, NULL, NULL, NULL, &mask_before);
        bool failed = ready < 0 && errno != EINTR;
        if (interrupt_take()) return WAIT_INTERRUPTED;
        answer_signals(screen);
        if (failed) return WAIT_END;
        if (ready > 0) return WAIT_KEY;
    }
}
