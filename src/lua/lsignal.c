/* Ctrl-C, SIGTERM and SIGHUP (the terminal is gone) put off: hold_signals() until its result is closed, for a
   program that has something to save before it ends. Invariant: while the signals are held, the first one is only
   noted, and a second one ends the process; when they are let go of, the handlers from before are back. */
#include "lcheck.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define HOLD_METATABLE "fnet.held_signals"

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { SIGNALS = sizeof signals / sizeof *signals };

struct hold {
    bool active;
    struct sigaction before[SIGNALS];
};

static atomic_int noted;                    /* the signal that came, or 0 */
static atomic_flag held = ATOMIC_FLAG_INIT; /* by one hold at most, of all states: handlers belong to the process */

static void note(int number) {
    int none = 0;
    if (atomic_compare_exchange_strong(&noted, &none, number)) return;
    signal(number, SIG_DFL); /* nobody acted on the first: the user means it */
    raise(number);
}

static int release(lua_State *L) {
    struct hold *hold = luaL_checkudata(L, 1, HOLD_METATABLE);
    if (!hold->active) return 0;
    for (int i = 0; i < SIGNALS; i++) sigaction(signals[i], &hold->before[i], NULL);
    hold->active = false;
    atomic_flag_clear(&held);
    return 0;
}

/* hold_signals(): an object to close (hold:close()); nil where they are held already. A signal that the process
   ignores stays ignored. */
static int hold_signals(lua_State *L) {
    struct sigaction action;
    struct hold *hold = lnew_object(L, sizeof *hold, HOLD_METATABLE);
    if (atomic_flag_test_and_set(&held)) return 0;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = note;
    atomic_store(&noted, 0);
    for (int i = 0; i < SIGNALS; i++) {
        sigaction(signals[i], NULL, &hold->before[i]);
        if (hold->before[i].sa_handler != SIG_IGN) sigaction(signals[i], &action, NULL);
    }
    hold->active = true;
    return 1;
}

/* held_signal(): the number of the signal that came while they were held, or nil. */
static int held_signal(lua_State *L) {
    int number = atomic_load(&noted);
    if (number == 0) return 0;
    lua_pushinteger(L, number);
    return 1;
}

/* raise_signal(number): what the signal would have done; output that is still in memory is written first. */
static int raise_signal(lua_State *L) {
    int number = (int)lcheck_integer(L, 1, "raise_signal", 1, 64);
    atomic_store(&noted, 0);
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
