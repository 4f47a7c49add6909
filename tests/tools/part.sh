#!/bin/sh
# Runs a part of the tests by itself, which `make test` leaves out or has shorter:
# part.sh NAME FNET 'BUSTED-ARGUMENT...' [test program...]
# Invariant: as of test.sh, the last line is `N passed, N failed`, and the exit status is 0 only when every command
# succeeded and reported its figures (verdict.sh).
set -u

fuzz_runs=100000

name=$1
FNET=$2
specs=$3
shift 3
case $FNET in /*) ;; *) FNET=./$FNET ;; esac
export FNET
unset LUA_INIT LUA_INIT_5_4 LUA_INIT_5_5 # the user's own

logs=build/release/logs-$name
. tests/tools/verdict.sh
verdict_start

run_specs "specs in $FNET" busted --lua="$FNET" --output=plainTerminal $specs
for program in "$@"; do
    case $program in
        */fuzz/*) run_program "$program" "$program" $fuzz_runs ;;
        *) run_program "$program" "$program" ;;
    esac
done

verdict_end
