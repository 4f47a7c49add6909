#!/bin/sh
# Installs what is missing on this machine: setup.sh GOAL..., where a goal is build, docs, fashion, test, long, pages,
# fuzz, lint, aarch64, i386 or distributions.
# Invariant: where nothing is missing, it prints nothing, asks no package manager and needs no network.
# With apt-get it installs, through sudo when not root; elsewhere it names the packages and fails. What apt-get says is
# shown when it fails, or as it comes with V=1.
# CC, PKG_CONFIG and LUA are honoured as in the Makefile.
set -eu
cd "$(dirname "$0")/../.."

required='' # Debian's names of what is missing
optional='' # the same for what fnet can do without: never an error

say() { printf '%s\n' "setup.sh: $*" >&2; }
available() { command -v "$1" >/dev/null 2>&1; }
need() { required="$required $*"; }

# ---- what is missing ----

known_to_pkg_config() { "${PKG_CONFIG:-pkg-config}" --exists "$@" 2>/dev/null; }

check_lua() {
    if reason=$(sh src/tools/lua.sh 2>&1); then return; fi
    case ${LUA:-lua5.4} in
        lua5.4 | lua5.5) need "lib${LUA:-lua5.4}-dev" ;;
        *) say "$reason" && exit 1 ;; # no package of Debian has that name
    esac
}

# Debian's name of the interpreter that goes with it.
stock_lua() {
    if name=$(sh src/tools/lua.sh 2>/dev/null); then
        echo "lua$(${PKG_CONFIG:-pkg-config} --modversion "$name" | cut -d. -f1,2)"
    else
        echo "${LUA:-lua5.4}"
    fi
}

compiles() { printf '%s\n' "$1" | ${CC:-cc} -x c -S -o - - >/dev/null 2>&1; }

check_build() {
    compiles '#include <stdio.h>' || need gcc libc6-dev
    available make || need make
    available "${PKG_CONFIG:-pkg-config}" || need pkg-config
    check_lua
    compiles '#include <zlib.h>' || need zlib1g-dev
}

data_is_here() {
    for directory in data ${FNET_DATA:+"$FNET_DATA"} /usr/share/datasets/fashion-mnist; do
        if ls "$directory"/t10k-labels-idx1-ubyte* >/dev/null 2>&1; then return 0; fi
    done
    return 1
}

# Not every release has the data as a package; data/fetch.sh downloads it then.
check_data() {
    if data_is_here; then return; fi
    optional="$optional dataset-fashion-mnist"
    available curl || available wget || optional="$optional curl ca-certificates"
}

check_docs() { available cmark-gfm || need cmark-gfm; }

check_test() {
    available cmark-gfm || optional="$optional cmark-gfm" # for the specs of the pages
    available mandoc || optional="$optional mandoc" # for those of the manual pages
    [ -d /usr/share/libonnx-testdata ] || optional="$optional libonnx-testdata" # of Debian's alone
    lua=$(sh tests/tools/stock-lua.sh) || need "$(stock_lua)"
    busted --lua="$lua" --version >/dev/null 2>&1 || need lua-busted
    "$lua" -e 'require "luv"' >/dev/null 2>&1 || optional="$optional lua-luv" # states in threads
    known_to_pkg_config ompi-c || optional="$optional openmpi-bin libopenmpi-dev" # several processes
    known_to_pkg_config mpich || optional="$optional mpich libmpich-dev"
    available curl || need curl # the specs of the download try both
    available wget || need wget
}

check_long() { compiles '#include <mpfr.h>' || need libmpfr-dev; }

# Any of them: tests/support/browser.lua takes the first.
check_pages() {
    check_docs
    available chromium || available chromium-browser || available google-chrome || need chromium
}

# libFuzzer comes with clang, elsewhere than on Debian in the same package.
has_fuzzer() {
    trial=$(mktemp) || return 1
    printf '%s\n' 'int LLVMFuzzerTestOneInput(const char *data, unsigned long size) { return !data && size; }' |
        clang -fsanitize=fuzzer,address -x c - -o "$trial" 2>/dev/null
    status=$?
    rm -f "$trial"
    return $status
}

check_fuzz() {
    available clang || need clang
    has_fuzzer || need libclang-rt-dev
}

check_lint() {
    for tool in lua-check:luacheck cppcheck:cppcheck gcc:gcc clang:clang clang-format:clang-format; do
        available "${tool#*:}" || need "${tool%:*}"
    done
}

# check_cross PROCESSOR COMPILER ARCHITECTURE: elsewhere these tools come without the C library for it, or not at all.
check_cross() {
    if [ "$(uname -m)" = "$1" ]; then say "this is such a machine, $1: make test tests it" && exit 1; fi
    if ! available apt-get; then say "test-$1 needs the packages of Debian or Ubuntu" && exit 1; fi
    available "$2-gcc" || need "gcc-$2"
    [ -e "/usr/$2/include/stdio.h" ] || need "libc6-dev-$3-cross"
}

check_distributions() {
    if ! available apt-get; then say "test-distributions needs the packages of Debian or Ubuntu" && exit 1; fi
    available debootstrap || need debootstrap
    available git || need git
}

for goal in "$@"; do
    check_build
    case $goal in
        build) ;;
        docs) check_docs ;;
        fashion) check_data ;;
        test) check_test ;;
        long) check_long ;;
        pages) check_pages ;;
        fuzz) check_fuzz ;;
        lint) check_lint ;;
        aarch64)
            check_cross aarch64 aarch64-linux-gnu arm64
            available qemu-aarch64 || need qemu-user
            available clang || need clang
            ;;
        i386) check_cross i386 i686-linux-gnu i386 ;;
        distributions) check_distributions ;;
        *)
            say "unknown goal '$goal'; there are build, docs, fashion, test, long, pages, fuzz, lint, aarch64, i386" \
                "and distributions"
            exit 1
            ;;
    esac
done
if [ -z "$required$optional" ]; then exit 0; fi

# Line editing and pictures come along when something is installed anyway.
known_to_pkg_config libedit || optional="$optional libedit-dev"
known_to_pkg_config libpng || optional="$optional libpng-dev"
known_to_pkg_config libjpeg || optional="$optional libjpeg-dev"

# ---- without apt-get: say what to install ----

# Our name, which is Debian's, and those of dnf, pacman and brew.
other_names='
gcc gcc gcc gcc
libc6-dev glibc-devel glibc -
make make make make
pkg-config pkgconf-pkg-config pkgconf pkgconf
liblua5.4-dev lua-devel lua lua
liblua5.5-dev - - lua
zlib1g-dev zlib-devel zlib zlib
libedit-dev libedit-devel libedit libedit
libpng-dev libpng-devel libpng libpng
libjpeg-dev libjpeg-turbo-devel libjpeg-turbo jpeg-turbo
lua5.4 lua lua lua
lua5.5 - - lua
lua-busted luarocks luarocks luarocks
lua-luv - - -
libopenmpi-dev openmpi-devel openmpi open-mpi
libmpfr-dev mpfr-devel mpfr mpfr
curl curl curl curl
wget wget wget wget
cmark-gfm - cmark-gfm cmark-gfm
mandoc mandoc mandoc mandoc
chromium chromium chromium chromium
libonnx-testdata - - -
lua-check luarocks luacheck luacheck
cppcheck cppcheck cppcheck cppcheck
clang clang clang llvm
libclang-rt-dev compiler-rt compiler-rt -
clang-format clang-tools-extra clang clang-format'

# packages_for COLUMN
packages_for() {
    for package in $required $optional; do
        echo "$other_names" | awk -v name="$package" -v column="$1" \
            '$1 == name && $column != "-" { print $column }'
    done | sort -u | paste -s -d ' ' -
}

if ! available apt-get; then
    if [ -z "$required" ]; then exit 0; fi
    say "missing here (under Debian's names):$required; and apt-get, to install it with, is not there either"
    say "  Fedora:  sudo dnf install $(packages_for 2)"
    say "  Arch:    sudo pacman -S $(packages_for 3)"
    say "  brew:    brew install $(packages_for 4)"
    say "Lua has to be 5.4 or 5.5; where the package lua is another version, look for lua5.4, lua54 or lua@5.4."
    case $required in *lua-busted*) say "Then: sudo luarocks --lua-version 5.4 install busted" ;; esac
    case $required in *lua-check*) say "Then, unless luacheck is there: sudo luarocks install luacheck" ;; esac
    case $required in *cmark-gfm*) say "Where no package has cmark-gfm: https://github.com/github/cmark-gfm" ;; esac
    exit 1
fi

# ---- with apt-get ----

if [ "$(id -u)" -eq 0 ]; then
    administrator=''
elif available sudo; then
    administrator=sudo
elif [ -z "$required" ]; then
    exit 0
else
    say "missing:$required. Run as root: apt-get install$required"
    exit 1
fi

apt() {
    set -- $administrator env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@"
    if [ -n "${V:-}" ]; then "$@" </dev/null >&2; else "$@" </dev/null >>"$log" 2>&1; fi
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
offered() { [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]; }
install() { apt install --yes --no-install-recommends "$@"; }

updated=no
update() { updated=yes && apt update; }

for package in $required $optional; do
    if ! offered "$package"; then
        update || true # offline perhaps: what is required fails below, with the reason
        break
    fi
done

extras=''
for package in $optional; do
    case $package in
        curl | ca-certificates) case $extras in *dataset*) continue ;; esac ;; # there will be nothing to download
    esac
    if offered "$package"; then extras="$extras $package"; fi
done
if [ -z "$required$extras" ]; then exit 0; fi

# What each package is for, one word or two; what has none here is named alone.
purposes='
gcc to compile
libc6-dev to compile
make to compile
pkg-config to find libraries
liblua5.4-dev Lua 5.4
liblua5.5-dev Lua 5.5
zlib1g-dev compressed files
dataset-fashion-mnist the pictures
curl downloads
ca-certificates downloads
libedit-dev line editing
libpng-dev PNG pictures
libjpeg-dev JPEG pictures
lua5.4 stock Lua
lua5.5 stock Lua
lua-busted to run specs
lua-luv Lua in threads
openmpi-bin several processes
libopenmpi-dev several processes
mpich several processes
libmpich-dev several processes
cmark-gfm pages
mandoc manual pages
chromium pages
libonnx-testdata ONNX models to read
lua-check lint
cppcheck lint
clang-format lint'

say 'installing, with apt-get (V=1 shows what it says):'
for package in $required $extras; do
    say "  $(echo "$purposes" | sed -n "s/^\($package\) \(.*\)/\1  (\2)/p" | grep . || echo "$package")"
done
if install $required $extras || { [ $updated = no ] && update && install $required $extras; }; then exit 0; fi
if [ -z "$required" ]; then
    say "apt-get could not install$extras; fnet goes on without"
    exit 0
fi
if [ -n "$extras" ] && install $required; then
    say "apt-get could not install$extras; fnet goes on without"
    exit 0
fi
sed 's/^/  /' "$log" >&2
say "apt-get could not install$required; its reason stands above"
exit 1
