#!/bin/sh
# Runs every test against one build: test.sh VARIANT FNET [C test program...]
# The C programs first, then the specs inside FNET, then (release only, since a sanitizer has to be in the
# executable) the library's specs inside stock Lua. Specs find the interpreter under test in $FNET.
# Invariant: the last line is `N passed, N failed`, the sum of all of them; the exit status is 0 only when every
# command succeeded and reported its figures (verdict.sh), and no sanitizer wrote a report, in whatever process.
set -u

fuzz_runs=5000 # of targets in C; those in Lua take longer
script_runs=1000

variant=$1
FNET=$2
shift 2
case $FNET in /*) ;; *) FNET=./$FNET ;; esac
export FNET
unset LUA_INIT LUA_INIT_5_4 LUA_INIT_5_5 # the user's own

# ThreadSanitizer of older compilers cannot work with a widely randomised memory layout: start over without.
if [ "$variant" = tsan ] && ! "$FNET" -e '' 2>/dev/null; then
    if [ -z "${FNET_LAYOUT_FIXED:-}" ] && setarch -R true 2>/dev/null; then
        FNET_LAYOUT_FIXED=1 exec setarch -R sh "$0" "$variant" "$FNET" "$@"
    fi
fi

logs=build/$variant/logs
. tests/tools/verdict.sh
verdict_start

# An allocation that fails must return NULL, as it does without a sanitizer; a forked child may start threads.
common="allocator_may_return_null=1:log_path=\"$PWD/$logs/report\""
export ASAN_OPTIONS="$common:detect_stack_use_after_return=1"
export UBSAN_OPTIONS="$common:print_stacktrace=1"
export TSAN_OPTIONS="$common:die_after_fork=0"

for program in "$@"; do
    case $program in
        */fuzz/*)
            runs=$fuzz_runs
            if [ -e "tests/fuzz/${program##*/}.lua" ]; then runs=$script_runs; fi
            run_program "$program" "$program" $runs
            ;;
        *) run_program "$program" "$program" ;;
    esac
done

task=default
tags=
if [ "$variant" != release ]; then
    tags=--exclude-tags=browser # slow, and what a page does is not in fnet
    echo "left out: specs that drive a browser"
fi
if [ "$variant" = tsan ]; then
    task=threads
    echo "left out: fuzz targets and specs that run in one thread, and specs named Ctrl-C, which ThreadSanitizer"
    echo "cannot deliver to a busy Lua loop (.busted)"
fi
run_specs "specs in $FNET" busted --lua="$FNET" --run=$task $tags --output=plainTerminal

if [ "$variant" = release ]; then
    if lua=$(sh tests/tools/stock-lua.sh); then
        suffix=$("$lua" -e 'print((_VERSION:match("%d.%d"):gsub("%.", "_")))')
        path=$(printenv "LUA_PATH_$suffix" || printenv LUA_PATH || echo ';')
        cpath=$(printenv "LUA_CPATH_$suffix" || printenv LUA_CPATH || echo ';')
        echo "left out: the specs that start fnet as a program (.busted)"
        run_specs "library specs in $lua" env "LUA_PATH_$suffix=lua/?.lua;lua/?/init.lua;$path" \
            "LUA_CPATH_$suffix=build/release/?.so;$cpath" \
            busted --lua="$lua" --run=library --output=plainTerminal
    else
        echo "stock Lua is not here (src/tools/setup.sh test installs it): the library was not tested in it"
        failed=$((failed + 1))
    fi
fi

for report in "$logs"/report.*; do
    [ -e "$report" ] || continue
    # That an allocation failed is noted there too. It is no finding: tests ask for more memory than there is.
    grep -qv 'WARNING: [A-Za-z]*Sanitizer failed to allocate' "$report" || continue
    echo "== $report"
    cat "$report"
    failed=$((failed + 1))
done

verdict_end
