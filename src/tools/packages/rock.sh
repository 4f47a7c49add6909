#!/bin/sh
# Packs for LuaRocks: rock.sh VERSION [SOURCE] writes to build/dist
#   fnet-VERSION-1.rockspec   fnet-scm-1.rockspec, with the version and where the sources are to be had
#   fnet-VERSION-1.src.rock   that, with the sources, as `luarocks pack` packs it
# SOURCE is the address of the tarball that dist.sh has packed, or one that begins with git, of a repository, of which
# the tag vVERSION is taken. Without it, it is the tarball in build/dist: what the rock then holds can be installed
# anywhere, the rockspec alone only here.
set -eu
cd "$(dirname "$0")/../../.."
out=build/dist
rockspec=fnet-$1-1.rockspec
address=${2:-file://$PWD/$out/fnet-$1.tar.gz}

give_up() {
    printf '%s\n' "rock.sh: $*" >&2
    exit 1
}

case $address in
    *[\"\\]*) give_up "SOURCE=$address: no address has quotes or backslashes" ;;
    git*://*) source="{ url = \"$address\", tag = \"v$1\" }" ;;
    *://*) source="{ url = \"$address\" }" ;;
    *) give_up "SOURCE=$address: expected an address, https://... of a tarball or git+https://... of a repository" ;;
esac

# Below the comment, which speaks of the rockspec of a clone.
source=$source version=$1-1 awk '
    /^--/ { next }
    /^version = / { $0 = "version = \"" ENVIRON["version"] "\"" }
    /^source = / { $0 = "source = " ENVIRON["source"] }
    { print }' fnet-scm-1.rockspec >"$out/$rockspec"
echo "$out/$rockspec"

command -v luarocks >/dev/null || give_up "luarocks is not here, so no rock was packed of it"
(cd $out && luarocks pack "$rockspec" >rock.log 2>&1) || {
    cat $out/rock.log >&2
    give_up "luarocks could not pack $out/$rockspec; its reason stands above"
}
rm -f $out/rock.log
echo "$out/fnet-$1-1.src.rock"
