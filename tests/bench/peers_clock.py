"""The time of one call, of which many may be too short for the clock. peers_clock.lua does the same."""

import time


def seconds_a_call(call, enough, clock=time.perf_counter):
    call()
    calls = 1
    while True:
        start = clock()
        for _ in range(calls):
            call()
        seconds = clock() - start
        if seconds >= enough:
            return seconds / calls
        calls *= 2
