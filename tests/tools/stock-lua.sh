#!/bin/sh
# Prints the command that starts stock Lua on this machine, of the version that fnet is built with; fails, and prints
# nothing, where there is none.
cd "$(dirname "$0")/../.." || exit
version=5.4
if name=$(sh src/tools/lua.sh 2>/dev/null); then
    version=$(${PKG_CONFIG:-pkg-config} --modversion "$name" | cut -d. -f1,2)
fi
for name in "lua$version" "lua-$version" "lua$(echo "$version" | tr -d .)" lua; do
    if "$name" -e "os.exit(_VERSION == 'Lua $version')" >/dev/null 2>&1 </dev/null; then
        echo "$name"
        exit 0
    fi
done
exit 1
