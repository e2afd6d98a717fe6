#!/usr/bin/env bash
# Runs cargo's tests with nextest where it is there, else with cargo test. Arguments: as for `cargo nextest run`.
set -euo pipefail
if cargo nextest --version >/dev/null 2>&1; then
  exec cargo nextest run --no-fail-fast --status-level slow --final-status-level fail "$@"
fi
exec cargo test --no-fail-fast "$@"
