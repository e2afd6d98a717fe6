#!/usr/bin/env bash
# step.sh NAME COMMAND...: runs a suite, prints its share of the time, fails as it fails.
set -uo pipefail
name=$1; shift
printf '\n== %s: %s\n' "$name" "$*"
start=$(date +%s)
"$@"
code=$?
printf '== %s: %s after %s s\n' "$name" "$([ $code -eq 0 ] && echo good || echo "FAILED ($code)")" "$(($(date +%s) - start))"
exit $code
