#!/bin/sh
# Tests the aarch64 build where there is no such processor: builds fnet and the C test programs with Debian's cross
# compiler, runs the programs under qemu, and compares the weights of a short training with those of ./fnet here.
# Lua and zlib for aarch64 are unpacked below build/aarch64, so that nothing of the user's system changes.
# Invariant: the last line is `N passed, N failed`; the exit status is 0 only when all was built and passed.
set -eu
cd "$(dirname "$0")/../.."

build=build/aarch64
root=$PWD/$build/root
libraries=$root/usr/lib/aarch64-linux-gnu
iterations=2000 # of fuzzing; fewer than in `make test`, because qemu is slow

say() { printf '%s\n' "aarch64.sh: $*" >&2; }

# An apt of its own: the user's sources and keys, but state, cache and architecture from below build.
foreign_apt() {
    apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root \
        -o Dir::State="$state" -o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" "$@"
}

unpack_libraries() {
    state=$PWD/$build/apt
    rm -rf "$state" "$root" "$root.part"
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$root.part"
    : >"$state/status"
    say 'fetching Lua and zlib for aarch64'
    if ! foreign_apt update || ! (cd "$state" && foreign_apt download liblua5.4-dev zlib1g-dev); then
        say "the package sources of this machine offer no arm64 packages, or cannot be reached; instead, put"
        say "  liblua5.4.a, libz.a and pkgconfig/lua5.4.pc into $libraries, their headers into $root/usr/include"
        exit 1
    fi
    for package in "$state"/*.deb; do dpkg-deb -x "$package" "$root.part"; done
    # the archives alone: the shared libraries that these links name are in other packages
    find "$root.part" -name '*.so' -exec rm {} +
    mv "$root.part" "$root"
    rm -rf "$state"
}

if ! [ -e "$libraries/liblua5.4.a" ] || ! [ -e "$libraries/libz.a" ]; then unpack_libraries; fi

set -- # the C test programs
for source in tests/kernels/*.c tests/core/*.c tests/fuzz/*.c; do
    if [ -e "$source" ]; then set -- "$@" "$build/${source%.c}"; fi
done

export PKG_CONFIG_LIBDIR="$libraries/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root"
${MAKE:-make} --no-print-directory VARIANT=aarch64 CC=aarch64-linux-gnu-gcc READLINE=none \
    CPPFLAGS="-isystem $root/usr/include -isystem $root/usr/include/aarch64-linux-gnu" LDFLAGS="-L$libraries" \
    $build/fnet "$@"

emulated() { qemu-aarch64 -L /usr/aarch64-linux-gnu "$@" </dev/null; }

passed=0
failed=0
for program in "$@"; do
    echo "== $program"
    arguments=''
    case $program in */fuzz/*) arguments=$iterations ;; esac
    log=$program.log
    status=0
    emulated "$program" $arguments >"$log" 2>&1 || status=$?
    cat "$log"
    figures=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" | tail -n 1)
    case $figures in
        *' 0') if [ $status -ne 0 ]; then figures="${figures% *} 1"; fi ;;
        '') figures='0 1' ;;
    esac
    if [ $status -ne 0 ]; then echo "$program ended with status $status"; fi
    passed=$((passed + ${figures% *}))
    failed=$((failed + ${figures#* }))
done

# weights COMMAND...: the hash of the weights after one pass over the small data set of the tests
weights() { "$@" examples/fashion.lua --data tests/fixtures/fashion --epochs 1 | sed -n 's/^weights sha256 //p'; }

unset FNET_ISA FNET_THREADS
expected=$(weights ./fnet)
for isa in portable neon; do
    got=$(FNET_ISA=$isa weights emulated $build/fnet)
    echo "== weights sha256 after a short training, $isa under qemu"
    if [ -n "$got" ] && [ "$got" = "$expected" ]; then
        echo "$got, as here"
        passed=$((passed + 1))
    else
        echo "${got:-none}, but here ${expected:-none}"
        failed=$((failed + 1))
    fi
done

echo
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
