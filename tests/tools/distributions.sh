#!/bin/sh
# Runs the README's words on bare systems: distributions.sh SUITE..., as root. Each suite of Debian or Ubuntu becomes a
# minimal root below build/distributions, gets a clone of the last commit and the README's `apt-get install git make`, and
# `make test` runs in it. Beside it lies a log. A root goes when all passed, and stays to be looked into when not.
# A name such as sid-lua5.5 is a suite with the Lua that `make test LUA=lua5.5` takes.
# Mirrors and proxies are those of this machine's apt: DEBIAN_MIRROR and UBUNTU_MIRROR name others.
# Invariant: the last line is `N passed, N failed`, the sum over the roots; a root that does not get as far as figures
# counts as one failure. Suites whose archive is not within reach are left out in a sentence.
set -eu
cd "$(dirname "$0")/../.."

folder=$PWD/build/distributions
say() { printf '%s\n' "distributions.sh: $*" >&2; }

if [ "$(id -u)" -ne 0 ]; then
    say "this makes roots with debootstrap and enters them with chroot, which root alone may: sudo make test-distributions"
    exit 1
fi
if [ -n "$(git status --porcelain)" ]; then say "what is not committed is not tested"; fi

# ---- where packages come from ----

# mirror_of ORIGIN: the archive of that name among the sources of this machine's apt
mirror_of() {
    apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' | sed -n "s/^$1 //p" | head -n 1
}

# describe_suite SUITE: sets what debootstrap has to know of it
describe_suite() {
    case $1 in
        bookworm | trixie | forky | sid)
            origin=Debian mirror=${DEBIAN_MIRROR:-$(mirror_of Debian)} components=main script=sid
            keys=/usr/share/keyrings/debian-archive-keyring.gpg
            ;;
        jammy | noble)
            origin=Ubuntu mirror=${UBUNTU_MIRROR:-$(mirror_of Ubuntu)} components=main,universe script=gutsy
            keys=/usr/share/keyrings/ubuntu-archive-keyring.gpg
            ;;
        *)
            say "unknown suite '$1'; there are bookworm, trixie, forky, sid, jammy and noble"
            exit 1
            ;;
    esac
}

proxy=$(apt-config dump | sed -n 's/^Acquire::http::Proxy "\(.*\)";$/\1/p')
if [ -n "$proxy" ]; then export http_proxy="$proxy"; fi

# ---- one root ----

# inside ROOT COMMAND: in a namespace of its own, so that every process and every mount ends with it
inside() {
    unshare --mount --pid --fork --kill-child sh -ec '
        mount -t proc proc "$1/proc"
        mount --rbind /sys "$1/sys"
        mount --rbind /dev "$1/dev"
        exec chroot "$1" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
            DEBIAN_FRONTEND=noninteractive sh -ec "$2"' inside "$1" "$2"
}

make_root() {
    debootstrap --variant=minbase --components="$components" --keyring="$keys" "$1" "$2" "$mirror" \
        "/usr/share/debootstrap/scripts/$script"
    apt-config dump | grep -E '^Acquire::(https?|Check|Retries)' >"$2/etc/apt/apt.conf.d/90host" || true
    cp /etc/hosts /etc/resolv.conf "$2/etc"
    git clone --quiet . "$2/root/fnet"
}

# test_root SUITE ROOT [LUA]
test_root() {
    make_root "$1" "$2"
    inside "$2" "
        apt-get update
        apt-get install --yes git make
        cd /root/fnet
        make test ${3:+LUA=$3}"
}

# ---- all of them ----

mkdir -p "$folder"
passed=0
failed=0
for name in "$@"; do
    suite=${name%%-*}
    lua=${name#"$suite"}
    describe_suite "$suite"
    if [ -z "$mirror" ]; then
        say "$name is left out: apt's sources here name no archive of $origin; ${origin}_MIRROR=URL, in capitals, does"
        continue
    fi
    if ! [ -e "$keys" ]; then
        say "$name is left out: its packages cannot be trusted without $keys, of the package ${keys##*/}, less .gpg"
        continue
    fi
    root=$folder/$name
    log=$root.log
    rm -rf "$root" "$log"
    begun=$(date +%s)
    status=0
    (test_root "$suite" "$root" "${lua#-}") </dev/null >"$log" 2>&1 || status=$?
    seconds=$(($(date +%s) - begun))
    figures=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" | tail -n 1)
    case $status:$figures in
        *:) figures='0 1' ;;
        0:* | *:*' '[1-9]*) ;;
        *) figures="${figures% *} 1" ;;
    esac
    echo "$name: ${figures% *} passed, ${figures#* } failed, $seconds s, status $status, $log"
    passed=$((passed + ${figures% *}))
    failed=$((failed + ${figures#* }))
    if [ $status -eq 0 ]; then rm -rf "$root"; fi
done

echo
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
