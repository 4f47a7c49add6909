#!/bin/sh
# Runs make and tells how far it is: build.sh MAKE GOAL... A line for each file, as make itself prints them, becomes a
# count that goes on in place on a terminal, and four lines elsewhere; warnings and errors stay as they are. V=1 shows
# the commands instead.
# Invariant: the exit status is make's.
set -eu
make=$1
shift
if [ -n "${V:-}" ]; then exec "$make" --no-print-directory "$@"; fi

# What make would do if it knew no better: at most so many files.
total=$("$make" --no-print-directory --dry-run "$@" 2>/dev/null | grep -c "^echo '  compile " || true)
case ${MAKEFLAGS:-} in
    *-j* | *jobserver*) ;; # as many at a time as the user has said
    *) set -- --jobs="$(getconf _NPROCESSORS_ONLN 2>/dev/null || getconf NPROCESSORS_ONLN)" "$@" ;;
esac

live=0
if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ]; then live=1; fi
result=$(mktemp)
trap 'rm -f "$result"' EXIT
{ "$make" --no-print-directory "$@" && echo 0 >"$result" || echo $? >"$result"; } |
    awk -v total="$total" -v compiler="${CC:-cc}" -v live=$live '
    $1 == "compile" {
        if (++done == 1) print "compiling up to " total " files with " compiler
        if (live) printf "\r  %d of %d", done, total
        else if (done < total && int(4 * done / total) > int(4 * (done - 1) / total)) print "  " done " of " total
        fflush()
        next
    }
    $1 == "link" { next }
    { if (live && done) printf "\n"; print; fflush() }
    END { if (done) print (live ? "\r" : "") "  " done " compiled" (live ? "      " : "") }'
exit "$(cat "$result")"
