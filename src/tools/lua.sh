#!/bin/sh
# Which Lua fnet is built with: prints the name by which pkg-config knows it, that in $LUA where this is set, else the
# first that fits, 5.4 before 5.5. Where none fits it fails, and says what is there instead.
# PKG_CONFIG is honoured as in the Makefile.
set -eu
asked=${PKG_CONFIG:-pkg-config}

ask() { $asked "$@" 2>/dev/null; }

if [ -n "${LUA:-}" ]; then
    if ask --exists "$LUA >= 5.4 $LUA < 5.6"; then echo "$LUA" && exit 0; fi
else
    for minor in 4 5; do
        for name in "lua5.$minor" "lua-5.$minor" "lua5$minor" lua; do
            if ask --exists "$name >= 5.$minor $name < 5.$((minor + 1))"; then echo "$name" && exit 0; fi
        done
    done
fi

there=''
for name in lua5.5 lua5.4 lua5.3 lua5.2 lua5.1 lua luajit; do
    if version=$(ask --modversion "$name"); then there="${there:+$there,} $name ($version)"; fi
done
case ${LUA:-} in
    '') echo "expected Lua 5.4 or 5.5 with its headers; $asked finds${there:- no Lua};" \
        '`sh src/tools/setup.sh build` installs Lua 5.4, or names the package' ;;
    *) echo "LUA=$LUA: expected what $asked calls a Lua 5.4 or 5.5 with its headers, such as lua5.4; it finds${there:- no Lua}" ;;
esac >&2
exit 1
