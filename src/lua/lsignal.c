/* Ctrl-C and SIGTERM put off: hold_signals() until its result is closed, for a program that has something to save
   before it ends.
   Invariant: while the signals are held, the first one is only noted, and a second one ends the process; when they
   are let go of, the handlers from before are back. */
#include "lcheck.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define HOLD_METATABLE "fnet.held_signals"

struct hold {
    bool active;
    struct sigaction interrupt, terminate; /* from before */
};

static volatile sig_atomic_t noted; /* the signal that came, or 0 */
static bool held;                   /* by one hold at most: handlers belong to the process */

static void note(int number) {
    if (noted != 0) { /* nobody acted on the first: the user means it */
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    noted = number;
}

static int release(lua_State *L) {
    struct hold *hold = luaL_checkudata(L, 1, HOLD_METATABLE);
    if (!hold->active) return 0;
    hold->active = held = false;
    sigaction(SIGINT, &hold->interrupt, NULL);
    sigaction(SIGTERM, &hold->terminate, NULL);
    return 0;
}

/* hold_signals(): an object to close (hold:close()); nil where they are held already. A signal that the process
   ignores stays ignored. */
static int hold_signals(lua_State *L) {
    struct sigaction action;
    if (held) return 0;
    struct hold *hold = lnew_object(L, sizeof *hold, HOLD_METATABLE);
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = note;
    noted = 0;
    sigaction(SIGINT, NULL, &hold->interrupt);
    sigaction(SIGTERM, NULL, &hold->terminate);
    if (hold->interrupt.sa_handler != SIG_IGN) sigaction(SIGINT, &action, NULL);
    if (hold->terminate.sa_handler != SIG_IGN) sigaction(SIGTERM, &action, NULL);
    hold->active = held = true;
    return 1;
}

/* held_signal(): the number of the signal that came while they were held, or nil. */
static int held_signal(lua_State *L) {
    if (noted == 0) return 0;
    lua_pushinteger(L, noted);
    return 1;
}

/* raise_signal(number): what the signal would have done; output that is still in memory is written first. */
static int raise_signal(lua_State *L) {
    int number = (int)lcheck_integer(L, 1, "raise_signal", 1, 64);
    noted = 0;
    fflush(NULL);
    raise(number);
    return 0;
}

void lopen_signal(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"hold_signals", hold_signals}, {"held_signal", held_signal}, {"raise_signal", raise_signal}, {NULL, NULL}};
    static const luaL_Reg hold[] = {{"close", release}, {"__close", release}, {"__gc", release}, {NULL, NULL}};
    lnew_metatable(L, HOLD_METATABLE, hold);
    luaL_setfuncs(L, functions, 0);
}
