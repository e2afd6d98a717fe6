#!/usr/bin/env bash
# The daemon's own tests, all but the end-to-end ones.
set -euo pipefail
cd "$(dirname "$0")/.."
targets=(--lib --bins)
for file in tests/*.rs; do
  name=$(basename "$file" .rs)
  [ "$name" = e2e ] || targets+=(--test "$name")
done
exec scripts/cargo-test.sh -p borderlane "${targets[@]}"
