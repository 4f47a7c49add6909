#!/bin/sh
# Reads the sources critically: luacheck for the Lua, cppcheck for the C, clang-format for the layout of the C.
# Warnings of the compilers are a matter of the Makefile. Fails after all three have spoken.
set -u
status=0

echo '== luacheck'
luacheck --quiet --codes --no-color .busted .luacheckrc fnet-scm-1.rockspec lua src/tools/docs examples tests || status=1

echo '== cppcheck'
cppcheck --quiet -j 2 --std=c11 --language=c --platform=unix64 --error-exitcode=1 \
    --enable=warning,performance,portability --template=gcc -Isrc src tests examples || status=1

echo '== clang-format'
find src tests examples -name '*.[ch]' -o -name '*.inc' | LC_ALL=C sort | xargs clang-format --dry-run -Werror || status=1

exit $status
