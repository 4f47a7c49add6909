#!/bin/sh
# Tests builds for another processor: emulated.sh aarch64 or i386. It builds fnet and the C test programs with each
# compiler for it, runs the programs, aarch64's under qemu, and compares the weights of a short training with those of ./fnet here.
# Lua and zlib for that processor are unpacked below build, so that nothing of the user's system changes.
# Invariant: the last line is `N passed, N failed`; the exit status is 0 only when all was built and passed.
set -eu
cd "$(dirname "$0")/../.."

processor=$1
case $processor in
    aarch64)
        architecture=arm64 folder=aarch64-linux-gnu isas='portable neon'
        starter='qemu-aarch64 -L /usr/aarch64-linux-gnu'
        ;;
    i386)
        architecture=i386 folder=i386-linux-gnu isas=portable
        starter='/usr/i686-linux-gnu/lib/ld-linux.so.2 --library-path /usr/i686-linux-gnu/lib' # no qemu: it runs here
        ;;
esac
root=$PWD/build/$processor-root
libraries=$root/usr/lib/$folder
runs=2000 # of fuzzing; fewer than in `make test`, because qemu is slow

say() { printf '%s\n' "emulated.sh: $*" >&2; }

# ---- Lua and zlib ----

# An apt of its own: the user's sources and keys, but state, cache and architecture from below build.
target_apt() {
    apt-get -qq -o APT::Architecture=$architecture -o APT::Architectures=$architecture -o APT::Sandbox::User=root \
        -o Dir::State="$state" -o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" "$@"
}

unpack_libraries() {
    state=$root.apt
    rm -rf "$state" "$root" "$root.part"
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$root.part"
    : >"$state/status"
    say "fetching Lua and zlib for $processor"
    target_apt update || true # one source of several may be out of reach; the download tells
    if ! (cd "$state" && target_apt download liblua5.4-dev zlib1g-dev); then
        say "the package sources of this machine offer no $architecture packages, or cannot be reached; instead, put"
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

# ---- building and running ----

unset FNET_ISA FNET_THREADS
emulated() { $starter "$@" </dev/null; }

# weights COMMAND...: the hash of the weights after one pass over the small data set of the tests
weights() { "$@" examples/fashion.lua --data tests/fixtures/fashion --epochs 1 | sed -n 's/^weights sha256 //p'; }

expected=$(weights ./fnet)
logs=build/$processor-logs
. tests/tools/verdict.sh
verdict_start

# run_emulated PROGRAM
run_emulated() {
    arguments=''
    case $1 in */fuzz/*) arguments=$runs ;; esac
    run_program "$1" emulated "$1" $arguments
}

# compare_weights FNET ISA
compare_weights() {
    echo "== weights sha256 after a short training: $1, $2"
    got=$(FNET_ISA=$2 weights emulated "$1")
    if [ -n "$got" ] && [ "$got" = "$expected" ]; then
        echo "$got, as here"
        passed=$((passed + 1))
    else
        echo "${got:-none}, but here ${expected:-none}"
        failed=$((failed + 1))
    fi
}

# test_build VARIANT COMPILER
test_build() {
    build=build/$1
    compiler=$2
    set --
    for source in tests/c/kernels/*.c tests/c/core/*.c tests/fuzz/*_fuzz.c; do
        case $source in
            */threads_test.c) echo "$source is not for qemu, which cannot start threads in a forked child" ;;
            *) set -- "$@" "$build/${source%.c}" ;;
        esac
    done
    PKG_CONFIG_LIBDIR=$libraries/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root \
        ${MAKE:-make} --silent --no-print-directory VARIANT="${build#build/}" CC="$compiler" READLINE=none \
        CPPFLAGS="-isystem $root/usr/include -isystem $root/usr/include/$folder" \
        LDFLAGS="-L$libraries" "$build/fnet" "$@"
    for program in "$@"; do run_emulated "$program"; done
    for isa in $isas; do compare_weights "$build/fnet" "$isa"; done
}

case $processor in
    aarch64)
        test_build aarch64-gcc aarch64-linux-gnu-gcc
        test_build aarch64-clang 'clang --target=aarch64-linux-gnu'
        ;;
    i386)
        test_build i386-gcc i686-linux-gnu-gcc
        ;;
esac

verdict_end
