#!/bin/sh
# Compiles and links every program for systems that are not at hand: portable.sh TARGET..., with zig, a clang that
# carries the headers and the names in the libraries of macOS, the BSDs and musl. Warnings are errors, those of
# -Wpedantic too. Of Lua and zlib there are the headers alone, those of this machine, so linkers are told to leave open
# what they do not find, and nothing runs.
# Invariant: the last line is `N passed, N failed`, a target each; what a target says is in build/portable/TARGET.log.
set -eu
cd "$(dirname "$0")/../.."

folder=$PWD/build/portable
say() { printf '%s\n' "portable.sh: $*" >&2; }

if ! zig=$(command -v zig); then
    zig=$folder/python/ziglang/zig
    [ -x "$zig" ] || python3 -m pip install --quiet --target "$folder/python" ziglang || {
        say "zig is needed: its own package, or ziglang from PyPI, which pip could not install"
        exit 1
    }
    chmod +x "$zig"
fi

# The two libraries' headers alone, since others beside them are this system's own.
include=$folder/include
mkdir -p "$include"
printf '#include <%s>\n' lauxlib.h lualib.h zlib.h | ${CC:-cc} ${LUA_CFLAGS:-} -M -x c - | tr ' ' '\n' |
    grep -E '/(lua|lauxlib|lualib|zlib|zconf)[^/]*\.h$' | while read -r file; do cp "$file" "$include"; done

passed=0
failed=0
for target in "$@"; do
    case $target in
        *macos*) open=-Wl,-undefined,dynamic_lookup ;;
        *) open=-shared ;; # a program that may have gaps
    esac
    log=$folder/$target.log
    begun=$(date +%s)
    if "${MAKE:-make}" --no-print-directory build="build/portable/$target" \
        fnet="build/portable/$target/interpreter" CC="$zig cc -target $target" CFLAGS="-O2 -Werror" \
        LUA_CFLAGS="-isystem $include" CPPFLAGS=-Wpedantic LDFLAGS="$open" READLINE=none IMAGES=none MPI=none \
        lua_link= system_libs=-lm programs library >"$log" 2>&1; then
        echo "$target: compiled and linked, $(($(date +%s) - begun)) s"
        passed=$((passed + 1))
    else
        grep -E 'error|warning|\*\*\*' "$log" | head -n 20
        echo "$target: failed, $log"
        failed=$((failed + 1))
    fi
done

echo
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
