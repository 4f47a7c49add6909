#!/bin/sh
# Packs a release: dist.sh VERSION writes to build/dist
#   fnet-VERSION.tar.gz         what git tracks, as of the last commit
#   fnet-VERSION.tar.gz.sha256  for `sha256sum --check`
#   fnet-VERSION.spdx           what is inside: each file with its checksums, licence and copyright, in the
#                               tag-value format of SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3)
# A file's licence is the file LICENSE in its folder, or in the next one above that has such a file.
# Invariant: one commit gives the same bytes on every machine with the same gzip: the order is git's, the owner root,
# the time that of the commit.
set -eu
cd "$(dirname "$0")/../../.."
name=fnet-$1
out=build/dist

say() { printf '%s\n' "dist.sh: $*" >&2; }
give_up() {
    say "$*"
    exit 1
}

# In a folder that only lies in somebody's clone, the prefix is the way to it.
prefix=$(git rev-parse --show-prefix 2>&1) || give_up "make dist packs what git tracks, and git says: $prefix"
[ -z "$prefix" ] || give_up "make dist packs what git tracks, and of a clone this is only the folder $prefix"
committed=$(git show HEAD:src/version.h | sed -n 's/^#define FNET_VERSION "\(.*\)"/\1/p')
[ "$committed" = "$1" ] ||
    give_up "src/version.h says $1, but in the last commit, which would be packed, ${committed:-nothing}; commit it first"
changed=$(git diff --name-only HEAD | paste -s -d ' ' -)
[ -z "$changed" ] || say "what is not committed is left out: $changed"

if command -v sha256sum >/dev/null; then
    sha1='sha1sum' sha256='sha256sum'
else
    sha1='shasum -a 1' sha256='shasum -a 256'
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p $out
git -c tar.umask=0022 archive --format=tar --prefix="$name/" HEAD >"$work/tar"
gzip -9 -n <"$work/tar" >"$work/$name.tar.gz"
tar -x -f "$work/tar" -C "$work"
(cd "$work" && $sha256 "$name.tar.gz") >"$work/sum"

# ---- what is inside; links have no content of their own ----

created=$(TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ)
(
    cd "$work/$name"
    find . -type f | LC_ALL=C sort >../files
    tr '\n' '\0' <../files | xargs -0 $sha1 | cut -d ' ' -f 1 >../sha1
    tr '\n' '\0' <../files | xargs -0 $sha256 | cut -d ' ' -f 1 >../sha256
    [ -f LICENSE ] || give_up "the top folder has no LICENSE"
    find . -name LICENSE | while read -r licence; do
        tr -s '\n ' ' ' <"$licence" | grep -q 'Permission is hereby granted, free of charge, .* WITHOUT WARRANTY' ||
            give_up "$licence is not the MIT licence, the only one that dist.sh knows"
        printf '%s\tMIT\t%s\n' "${licence%/*}" "$(sed -n '/^Copyright /p' "$licence")"
    done >../licences
)
verification=$(LC_ALL=C sort "$work/sha1" | tr -d '\n' | $sha1 | cut -d ' ' -f 1) # as section 7.9 says
copyright=$(awk -F '\t' '$1 == "." { print $3 }' "$work/licences")
{
    cat <<END
SPDXVersion: SPDX-2.3
DataLicense: CC0-1.0
SPDXID: SPDXRef-DOCUMENT
DocumentName: $name
DocumentNamespace: https://spdx.org/spdxdocs/$name-$(cut -d ' ' -f 1 "$work/sum")
Creator: Organization: the fnet authors
Creator: Tool: fnet-make-dist-$1
Created: $created

PackageName: fnet
SPDXID: SPDXRef-Package
PackageVersion: $1
PackageFileName: $name.tar.gz
PackageDownloadLocation: NOASSERTION
FilesAnalyzed: true
PackageVerificationCode: $verification
PackageChecksum: SHA256: $(cut -d ' ' -f 1 "$work/sum")
PackageLicenseConcluded: MIT
PackageLicenseInfoFromFiles: MIT
PackageLicenseDeclared: MIT
PackageCopyrightText: <text>$copyright</text>
Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-Package
END
    paste "$work/files" "$work/sha1" "$work/sha256" | awk -F '\t' -v licences="$work/licences" '
        BEGIN { while ((getline < licences) > 0) { licence[$1] = $2; copyright[$1] = $3 } }
        {
            folder = $1
            do sub(/\/[^\/]*$/, "", folder); while (!(folder in licence))
            print "\nFileName: " $1 "\nSPDXID: SPDXRef-File-" NR
            print "FileChecksum: SHA1: " $2 "\nFileChecksum: SHA256: " $3
            print "LicenseConcluded: " licence[folder]
            print "LicenseInfoInFile: " ($1 ~ /\/LICENSE$/ ? licence[folder] : "NONE")
            print "FileCopyrightText: <text>" copyright[folder] "</text>"
        }'
} >"$work/spdx"

mv "$work/$name.tar.gz" "$out/$name.tar.gz"
mv "$work/sum" "$out/$name.tar.gz.sha256"
mv "$work/spdx" "$out/$name.spdx"
ls -1 "$out/$name.tar.gz" "$out/$name.tar.gz.sha256" "$out/$name.spdx"
