#!/usr/bin/env bash
# cargo-test.sh FILTER [THREADS]: runs the tests that a nextest filter expression names, e.g. 'package(lane-core)'.
# The whole workspace is selected each time, so that its dependencies are built once with one set of features.
# Where nextest is not installed, `cargo test` runs the packages and test programs that the filter names.
set -euo pipefail
filter=$1
threads=${2:-}
if cargo nextest --version >/dev/null 2>&1; then
  exec cargo nextest run --workspace --locked --no-fail-fast --status-level slow --final-status-level fail ${threads:+-j "$threads"} -E "$filter"
fi
args=()
for package in $(grep -oP 'package\(\K[^)]+' <<<"$filter"); do args+=(-p "$package"); done
if [[ $filter == 'binary(e2e)' ]]; then args=(-p borderlane --test e2e); fi
if [[ $filter == *'not binary(e2e)'* ]]; then
  args+=(--lib --bins)
  for file in tests/*.rs; do [ "$file" = tests/e2e.rs ] || args+=(--test "$(basename "$file" .rs)"); done
fi
exec cargo test --locked --no-fail-fast "${args[@]}" ${threads:+-- --test-threads "$threads"}
