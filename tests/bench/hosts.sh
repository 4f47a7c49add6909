#!/bin/sh
# Hosts that this machine plays: network namespaces, each with one link to a switch, also a namespace, over which MPI
# speaks TCP. Needs root, iproute2 and Open MPI. Touches nothing but the namespaces fnet-host-... that it has made:
# what it does to links and addresses happens inside these, and they go with it, also after Ctrl-C.
#   hosts.sh with COUNT COMMAND...     makes hosts 1 to COUNT, runs the command, ends what runs on them, removes them
# For that command:
#   hosts.sh link COUNT RATE DELAY     each link gets this rate in both directions, in Mbit/s (0: as fast as it
#                                      goes), and this delay one way, in microseconds; fails where the kernel cannot
#   hosts.sh mpirun COUNT COMMAND...   the command, a process on each of the hosts 1 to COUNT
set -u
name=fnet-host
network=10.77.0

fail() {
    printf '%s\n' "hosts.sh: $*" >&2
    exit 1
}

check_surroundings() {
    [ "$(id -u)" -eq 0 ] || fail 'only root may make network namespaces; run this as root, or with sudo'
    for program in ip tc unshare mktemp; do
        command -v "$program" >/dev/null 2>&1 ||
            fail "$program is not here; in Debian the packages iproute2, util-linux and coreutils have what is needed"
    done
    open_mpi >/dev/null
}

# The mpirun of Open MPI: MPICH could do the same, but one is enough for measuring.
open_mpi() {
    for program in mpirun.openmpi mpirun; do
        case $("$program" --version 2>/dev/null) in *'Open MPI'*) echo "$program"; return ;; esac
    done
    fail 'no mpirun of Open MPI is here; in Debian the package openmpi-bin has it'
}

hosts() {
    number=1
    while [ "$number" -le "$1" ]; do
        echo "$number"
        number=$((number + 1))
    done
}

make_namespace() {
    ip netns add "$1" || fail "the network namespace $1 cannot be made. If it is there already, another measurement" \
        'goes on, or one was killed: then "ip netns delete" removes it'
    made="$made $1"
}

make_hosts() {
    make_namespace "$name-switch"
    # shellcheck disable=SC2015 # whichever of them fails
    ip -n "$name-switch" link add bridge type bridge && ip -n "$name-switch" link set bridge up ||
        fail 'this kernel has no bridge between network namespaces'
    for number in $(hosts "$1"); do
        host=$name-$number
        make_namespace "$host"
        ip -n "$name-switch" link add "port$number" type veth peer name wire netns "$host" ||
            fail 'this kernel has no links between network namespaces (veth)'
        # shellcheck disable=SC2015
        ip -n "$name-switch" link set "port$number" master bridge up &&
            ip -n "$host" address add "$network.$number/24" dev wire &&
            ip -n "$host" link set lo up && ip -n "$host" link set wire up || fail "$host cannot be linked"
    done
}

processes_on_hosts() { for namespace in $made; do ip netns pids "$namespace"; done; }

# Asks what runs on the hosts to end, waits two seconds at most, then makes an end of it.
end_processes() {
    # shellcheck disable=SC2046 # numbers, one a word
    for signal in TERM KILL; do
        looks=0
        [ -z "$(processes_on_hosts)" ] || kill -$signal $(processes_on_hosts) 2>/dev/null
        while [ -n "$(processes_on_hosts)" ] && [ "$looks" -lt 20 ]; do
            sleep 0.1
            looks=$((looks + 1))
        done
    done
}

# Runs at the end, whatever that is.
remove_hosts() {
    trap '' INT TERM HUP
    [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
    end_processes
    for namespace in $made; do ip netns delete "$namespace"; done
    rm -rf "$TMPDIR"
}

with() {
    check_surroundings
    count=$1
    shift
    made=''
    child=''
    TMPDIR=$(mktemp -d /tmp/fnet-host.XXXXXX) || fail 'no temporary folder can be made in /tmp'
    export TMPDIR # of Open MPI too
    trap remove_hosts EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    make_hosts "$count"
    FNET_BENCH_HOSTS=$count
    export FNET_BENCH_HOSTS
    "$@" & # in the background, so that a signal is heard at once
    child=$!
    wait "$child"
    status=$?
    child=''
    exit "$status"
}

# set_queue NAMESPACE DEVICE RATE DELAY: what leaves by this end of a link. What may leave at once is what the rate
# allows in 0.1 ms, or two packets: more would let a good part of a small message pass as if there were no limit.
set_queue() {
    tc -n "$1" qdisc delete dev "$2" root 2>/dev/null
    parent=root
    if [ "$3" -gt 0 ]; then
        burst=$(($3 * 25 / 2))
        [ $burst -gt 4000 ] || burst=4000
        tc -n "$1" qdisc add dev "$2" root handle 1: tbf rate "$3mbit" burst $burst latency 100ms || return 1
        parent='parent 1:1'
    fi
    # shellcheck disable=SC2086 # two words
    [ "$4" -eq 0 ] || tc -n "$1" qdisc add dev "$2" $parent netem delay "$4us" limit 100000
}

set_links() {
    for number in $(hosts "$1"); do
        # shellcheck disable=SC2015
        set_queue "$name-$number" wire "$2" "$3" && set_queue "$name-switch" "port$number" "$2" 0 || return 1
    done
}

# A host has a name of its own, by which Open MPI tells hosts apart.
on_host() {
    host=$1
    shift
    # shellcheck disable=SC2016 # for the other shell
    exec ip netns exec "$host" unshare --uts sh -c 'echo "$0" > /proc/sys/kernel/hostname; exec sh -c "$*"' "$host" "$@"
}

# Where Open MPI would call ssh, it calls `hosts.sh on HOST COMMAND...`. What it and the processes say on stderr is
# shown where they fail: else it is a warning of a race that Open MPI has with its own child.
run_mpi() {
    list=''
    for number in $(hosts "$1"); do list="$list,$name-$number:1"; done
    count=$1
    shift
    # shellcheck disable=SC2016 # for the other shell
    ip netns exec "$name-1" unshare --uts sh -c 'echo "$0" > /proc/sys/kernel/hostname; exec "$@"' "$name-1" \
        env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 "$(open_mpi)" -n "$count" -H "${list#,}" \
        --mca plm_rsh_agent "sh $directory/hosts.sh on" --mca plm_rsh_no_tree_spawn 1 --mca oob_tcp_if_include wire \
        --mca btl tcp,self --mca btl_tcp_if_include wire --mca hwloc_base_binding_policy none \
        --mca mpi_yield_when_idle 1 "$@" 2>"$TMPDIR/said" && return
    status=$?
    cat "$TMPDIR/said" >&2
    return $status
}

usage='expected with COUNT COMMAND..., link COUNT RATE DELAY, mpirun COUNT COMMAND..., or on HOST COMMAND...'
directory=$(CDPATH='' cd "$(dirname "$0")" && pwd)
what=${1-}
[ $# -ge 3 ] || fail "$usage"
shift
[ "$what" = on ] || case $1 in
    [1-9] | [1-9][0-9]) ;;
    *) fail "$what: expected 1 to 99 hosts, got '$1'" ;;
esac
case $what in
    with) with "$@" ;;
    link) set_links "$@" ;;
    on) on_host "$@" ;;
    mpirun) run_mpi "$@" ;;
    *) fail "$usage" ;;
esac
