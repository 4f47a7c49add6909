#!/bin/sh
# Prints, for each C file of the project, how many of its lines the last run of a counting build executed:
# coverage.sh build/coverage. A file that is compiled several times (a template) counts with its best object.
set -eu
build=$1

find "$build/src" -name '*.gcda' | LC_ALL=C sort | while read -r data; do
    ${GCOV:-gcov} --no-output --object-directory "$(dirname "$data")" "$data" 2>/dev/null
done | awk '
    /^File / { file = $2; gsub(/\047/, "", file) }
    /^Lines executed:/ && file ~ /^src\// {
        sub(/^Lines executed:/, "")
        percent = $1 + 0
        if (!(file in lines) || percent > best[file]) { best[file] = percent; lines[file] = $3 }
        file = ""
    }
    END {
        for (file in lines) printf "%-40s %6.2f%% of %5d\n", file, best[file], lines[file] | "sort"
        close("sort")
        for (file in lines) { total += lines[file]; executed += best[file] * lines[file] / 100 }
        printf "%-40s %6.2f%% of %5d\n", "total", (total ? 100 * executed / total : 0), total
    }'
