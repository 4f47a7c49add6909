#!/bin/sh
# Lets libFuzzer invent inputs: fuzz.sh SECONDS PROGRAM..., each of them for so long. What leads further into the code
# is kept in build/fuzz/corpus, and the next time it goes on from there; tests/fuzz/corpus stays as it is.
# Invariant: ends at the first fault, whose input lies in build/fuzz/faults; NAME_fuzz FILE repeats it.
set -eu
seconds=$1
shift
mkdir -p build/fuzz/faults
for program in "$@"; do
    name=${program##*/}
    name=${name%_fuzz}
    echo "== $name"
    mkdir -p "build/fuzz/corpus/$name"
    "$program" -max_total_time="$seconds" -timeout=20 -max_len=65536 -rss_limit_mb=1024 -print_final_stats=1 \
        -verbosity=0 -artifact_prefix="$PWD/build/fuzz/faults/$name-" "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name"
done
