#!/usr/bin/env bash
# Benchmarks of what is delivered (release builds), each against a peer measured in the same run: table, and target/bench.json.
# BENCH_ARGS are handed on: groups (coil lane lookup ready plates approach opening camera memory), --passages N, --rows N, --demo-s N,
# --vehicles N, --openings N, --watch-s N. BENCH_VEHICLES and BENCH_OPENINGS set the two counts too. What the figures mean: benches/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
[ -e ui/dist/index.html ] || scripts/ui.sh
[ -n "${BENCH_NO_BUILD:-}" ] || cargo build --release --locked --quiet --workspace --bins
mkdir -p target
# shellcheck disable=SC2086
exec "$target/release/borderlane-bench" --dir target/bench --out target/bench.json ${BENCH_ARGS:-}
