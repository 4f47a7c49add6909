#!/bin/sh
# Installs the peers that `make bench-peers` compares with: C libraries with apt-get (through sudo when not root),
# Python packages with pip into build/peers/venv, and with apt-get what pip could not.
# Never fails: peers.py names each peer that is missing. Where nothing is missing it asks no package manager.
# PyTorch comes with its GPU libraries, some 3 GB, unless pip is configured with an index that has a CPU build.
set -u
cd "$(dirname "$0")/../.."
environment=build/peers/venv

say() { printf '%s\n' "peers_setup.sh: $*" >&2; }
available() { command -v "$1" >/dev/null 2>&1; }

apt_install() {
    administrator=''
    if [ "$(id -u)" -ne 0 ]; then administrator=sudo; fi
    if ! available apt-get || { [ -n "$administrator" ] && ! available sudo; }; then
        say "cannot install $* here"
        return 1
    fi
    say "installing $*"
    for attempt in first second; do
        if $administrator env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 install \
            --yes --no-install-recommends "$@" </dev/null >&2; then return 0; fi
        if [ $attempt = first ]; then $administrator apt-get -qq update </dev/null >&2 || return 1; fi
    done
    say "apt-get could not install $*"
    return 1
}

has_header() { printf '#include <%s>\n' "$1" | ${CC:-cc} -E -o /dev/null - 2>/dev/null; }
has_modules() {
    python=$1
    shift
    "$python" -c 'import sys
for name in sys.argv[1:]: __import__(name)' "$@" 2>/dev/null
}

libraries=''
${PKG_CONFIG:-pkg-config} --exists openblas 2>/dev/null || libraries="$libraries libopenblas-dev"
has_header oneapi/dnnl/dnnl.h || libraries="$libraries libdnnl-dev"
has_header libxsmm.h || libraries="$libraries libxsmm-dev"
available python3 || libraries="$libraries python3"
# One at a time: a release without one of them still has the others.
for package in $libraries; do apt_install "$package" || true; done

if ! [ -x $environment/bin/pip ]; then
    mkdir -p build/peers
    if ! python3 -m venv $environment >/dev/null 2>&1; then
        apt_install python3-venv && python3 -m venv $environment || say "no virtual environment in $environment"
    fi
fi

# python_peer 'MODULES' 'PACKAGES OF PIP' 'PACKAGES OF DEBIAN': today's version from pip, else Debian's.
python_peer() {
    if has_modules $environment/bin/python $1; then return; fi
    say "installing $2 into $environment"
    if $environment/bin/pip install --quiet --retries 1 $2 >&2; then return; fi
    say "pip could not install $2"
    if has_modules /usr/bin/python3 $1; then return; fi
    if [ -n "$3" ]; then apt_install $3 || true; fi
}
python_peer numpy numpy python3-numpy
python_peer 'numpy torch' 'numpy torch' 'python3-numpy python3-torch libopenblas0-openmp'
python_peer sklearn scikit-learn python3-sklearn
KERAS_BACKEND=jax
export KERAS_BACKEND
python_peer 'jax keras' 'jax keras' ''
exit 0
