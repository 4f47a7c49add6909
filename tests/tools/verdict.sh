# What a run of tests comes to. Sourced by test.sh and emulated.sh, which say in $logs where it keeps what is printed:
# verdict_start, then a line for each command, then verdict_end, whose status is that of the whole run.
# Invariant: every figure is of this run and was reported at its end. A command that ended early, failed, tested
# nothing or whose log could not be written counts as a failed test; what it prints on the way counts for nothing.

verdict_start() {
    passed=0
    failed=0
    left_out=0
    rm -rf "$logs" && mkdir -p "$logs" && return
    echo "what is tested is kept in $logs, which cannot be made anew"
    echo '0 passed, 1 failed'
    exit 1
}

# in_sight NAME COMMAND...: sets log, status (nothing where that could not be written) and written
in_sight() {
    name=$1
    shift
    echo "== $name"
    log=$logs/$(echo "$name" | tr ' /' '__').log
    written=yes
    { ended=0; "$@" 2>&1 </dev/null || ended=$?; echo $ended >"$log.status"; } | tee "$log" || written=no
    status=$(cat "$log.status") || true
}

# add [PASSED FAILED [LEFT OUT]]: what the command in sight reported
add() {
    problem=
    if [ $# -lt 2 ]; then
        problem="ended with status ${status:-unknown} before it reported its figures"
    elif [ "$1" -eq 0 ] && [ "$2" -eq 0 ]; then
        problem='tested nothing'
    elif [ $written = no ]; then
        problem='was not written to its log'
    elif [ "$status" != 0 ] && [ "$2" -eq 0 ]; then
        problem="ended with status ${status:-unknown}"
    fi
    if [ -n "$problem" ]; then
        echo "$name $problem"
        failed=$((failed + 1))
    fi
    passed=$((passed + ${1:-0}))
    failed=$((failed + ${2:-0}))
    left_out=$((left_out + ${3:-0}))
}

# run_program NAME COMMAND...: the last line that it prints is `N passed, N failed`
run_program() {
    in_sight "$@"
    add $(tail -n 1 "$log" | sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p')
}

# run_specs NAME BUSTED...: whole.lua writes the figures
run_specs() {
    figures=$logs/$(echo "$1" | tr ' /' '__').figures
    in_sight "$@" -Xhelper "$figures"
    add $(cat "$figures")
}

verdict_end() {
    echo
    if [ $left_out -gt 0 ]; then echo "$left_out left out, for the reasons above"; fi
    echo "$passed passed, $failed failed"
    [ $failed -eq 0 ] && [ $passed -gt 0 ]
}
