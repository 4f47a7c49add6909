#!/bin/sh
# Prints the command that starts stock Lua 5.4 on this machine; fails, and prints nothing, where there is none.
for name in lua5.4 lua-5.4 lua54 lua; do
    if "$name" -e 'os.exit(_VERSION == "Lua 5.4")' >/dev/null 2>&1 </dev/null; then
        echo "$name"
        exit 0
    fi
done
exit 1
