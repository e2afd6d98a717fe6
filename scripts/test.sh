#!/usr/bin/env bash
# Everything CI runs. Every suite runs even when one before it failed; the share of each is printed; the exit code is that of the worst.
# TEST_ONLY="core e2e" runs only those.
set -uo pipefail
cd "$(dirname "$0")/.."
export CARGO_TERM_COLOR=never RUST_BACKTRACE=0
failed=() begin=$SECONDS

suite() { # suite NAME COMMAND...
  local name=$1; shift
  if [ -n "${TEST_ONLY:-}" ] && ! grep -qw -- "$name" <<<"$TEST_ONLY"; then return; fi
  scripts/step.sh "$name" "$@" || failed+=("$name")
}

suite format cargo fmt --all --check
suite build cargo build --workspace --all-targets --locked --quiet
suite clippy cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
suite deny scripts/deny.sh --if-installed
suite core scripts/cargo-test.sh 'package(lane-core)'
suite planted env PLANTED_TARGET_DIR="$PWD/target/planted" lane-core/tests/planted.sh
suite joints env PLANTED_TARGET_DIR="$PWD/target" tests/planted.sh
suite link scripts/cargo-test.sh 'package(lane-link) | package(borderlane-central)'
suite sim scripts/cargo-test.sh 'package(hardware-sim)'
suite vision scripts/cargo-test.sh 'package(borderlane-vision)'
# With Debian's Python: what needs PyTorch (hundreds of MiB) says that it is skipped. PYTHON=models/training/work/venv/bin/python runs all.
suite models "${PYTHON:-/usr/bin/python3}" -m unittest discover -s models/training/tests
suite daemon scripts/cargo-test.sh 'package(borderlane) & not binary(e2e)'
# Most of a scenario is waiting for trucks: many at once.
suite e2e scripts/cargo-test.sh 'binary(e2e)' 8
suite browser scripts/browser.sh

echo
if [ ${#failed[@]} -gt 0 ]; then
  echo "FAILED after $((SECONDS - begin)) s: ${failed[*]}"
  exit 1
fi
echo "all suites good after $((SECONDS - begin)) s"
