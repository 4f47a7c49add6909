#!/bin/sh
# Builds Debian's packages: deb.sh VERSION writes to build/deb the source package, the command (fnet_*.deb) and the
# library for stock Lua (lua-fnet_*.deb), from the tarball that dist.sh has packed and src/tools/packages/debian in it.
# DEBFULLNAME and DEBEMAIL name who packs, as with Debian's other tools; else it is who made the last commit.
# The revision 0fnet1 is older than any of Debian's own, whose package would replace this one.
# Invariant: what is built is the last commit, and the time in the packages is that commit's.
set -eu
cd "$(dirname "$0")/../../.."
name=fnet-$1
out=build/deb

give_up() {
    printf '%s\n' "deb.sh: $*" >&2
    exit 1
}

for tool in dpkg-buildpackage dh; do
    command -v $tool >/dev/null || give_up "$tool is not here: apt-get install dpkg-dev debhelper"
done

maintainer="${DEBFULLNAME:-$(git log -1 --format=%cn)} <${DEBEMAIL:-$(git log -1 --format=%ce)}>"
rm -rf $out
mkdir -p $out
cp "build/dist/$name.tar.gz" "$out/fnet_$1.orig.tar.gz"
tar -x -z -f "$out/fnet_$1.orig.tar.gz" -C $out
cp -R "$out/$name/src/tools/packages/debian" "$out/$name/debian"
cd "$out/$name"
maintainer=$maintainer awk '
    /^Maintainer: / { $0 = "Maintainer: " ENVIRON["maintainer"] }
    { print }' debian/control >../control
mv ../control debian/control
cat >debian/changelog <<END
fnet ($1-0fnet1) unstable; urgency=medium

  * Version $1; CHANGELOG.md says what is new.

 -- $maintainer  $(git log -1 --format=%cD)
END

if ! missing=$(dpkg-checkbuilddeps 2>&1); then
    printf '%s\n' "$missing" >&2
    give_up "as root: apt-get build-dep ./$out/$name"
fi
unset MAKEFLAGS MFLAGS MAKELEVEL # those of `make deb`: the packages are built as by whoever builds their source
dpkg-buildpackage --no-sign >../build.log 2>&1 || {
    tail -n 40 ../build.log >&2
    give_up "dpkg-buildpackage failed, its last lines stand above; all is in $out/build.log"
}
cd ..
ls -1 ./*.dsc ./*.deb | sed "s:^\.:$out:"
