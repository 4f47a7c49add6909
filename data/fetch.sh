#!/bin/sh
# Puts the four files of Fashion-MNIST within reach of fnet; `make data` runs it.
# usage: data/fetch.sh [DIRECTORY]        default: the directory of this script
# Where the distribution's package is installed, there is nothing to do. Otherwise each file is downloaded to
# NAME.gz.part, which a later run continues, and renamed to NAME.gz once its content has the SHA-256 that
# SHA256SUMS (beside this script) names. The sums are those of the uncompressed bytes.
# Environment:
#   FNET_MIRROR       addresses to download from, separated by spaces, instead of the upstream ones
#   FNET_DATASET_DIR  where the package has its files, default /usr/share/datasets/fashion-mnist
set -eu

upstream='https://fashion-mnist.s3.eu-central-1.amazonaws.com
https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion'

here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
sums=$here/SHA256SUMS
target=${1:-$here}
installed=${FNET_DATASET_DIR:-/usr/share/datasets/fashion-mnist}
names=$(sed 's/.*  //' "$sums")

say() { printf '%s\n' "fetch.sh: $*" >&2; }
give_up() {
    say "$*"
    exit 1
}
available() { command -v "$1" >/dev/null 2>&1; }

sha256() {
    if available sha256sum; then
        sha256sum | cut -d ' ' -f 1
    elif available shasum; then
        shasum -a 256 | cut -d ' ' -f 1
    else
        openssl dgst -sha256 | sed 's/.*= *//'
    fi
}

# intact FILE NAME: gzip finds it whole, and its content has the sum of NAME.
intact() {
    gzip -t <"$1" 2>/dev/null && [ "$(gzip -dc <"$1" | sha256)" = "$(sed -n "s/  $2\$//p" "$sums")" ]
}

# download ADDRESS PART: continues the part. The part stays when the network fails, and goes when the server
# answers with an error, for then its end may be what the server refuses.
download() {
    status=0
    if available curl; then
        curl --fail --location --silent --show-error --connect-timeout 20 --speed-limit 1 --speed-time 60 \
            --proto "$protocols" --continue-at - --output "$2" "$1" || status=$?
        refusals=' 22 33 '
    else
        wget --no-verbose --timeout=60 --tries=2 --continue --output-document="$2" "$1" || status=$?
        refusals=' 8 '
    fi
    case $refusals in *" $status "*) rm -f "$2" ;; esac
    return "$status"
}

# attempt ADDRESS PART NAME: the part is complete and intact.
attempt() {
    download "$1" "$2" || return 1
    intact "$2" "$3" && return 0
    rm -f "$2"
    say "what came from $1 does not have the SHA-256 of $3, so it was deleted"
    return 1
}

# fetch NAME
fetch() {
    part=$target/$1.gz.part
    for mirror in $mirrors; do
        address=${mirror%/}/$1.gz
        begun=no
        if [ -s "$part" ]; then begun=yes; fi
        say "downloading $address"
        if attempt "$address" "$part" "$1" ||
            { [ $begun = yes ] && [ ! -e "$part" ] && attempt "$address" "$part" "$1"; }; then
            mv -f "$part" "$target/$1.gz"
            return 0
        fi
    done
    return 1
}

complete=yes
for name in $names; do
    if [ ! -f "$installed/$name.gz" ]; then complete=no; fi
done
if [ $complete = yes ]; then
    say "Fashion-MNIST is in $installed already; nothing to do"
    exit 0
fi

available curl || available wget || give_up "neither curl nor wget is there to download with; install one of them"
available sha256sum || available shasum || available openssl ||
    give_up "none of sha256sum, shasum and openssl is there to check the files with; install one of them"
available gzip || give_up "gzip is not there to check the files with; install it"

mirrors=${FNET_MIRROR:-$upstream}
protocols='=https'
if [ -n "${FNET_MIRROR:-}" ]; then protocols='=https,http'; fi

mkdir -p "$target"
for name in $names; do
    if [ -f "$target/$name.gz" ] && intact "$target/$name.gz" "$name"; then continue; fi
    fetch "$name" || give_up "$name.gz could not be fetched; try again later, name another address in FNET_MIRROR," \
        "or put the four files into $target yourself"
done
say "Fashion-MNIST is in $target; every checksum matches"
