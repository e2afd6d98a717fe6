#!/usr/bin/env bash
# End to end: real mosquitto, centre, simulated hardware on the wire, vision worker, daemon.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet --locked --workspace --bins
exec scripts/cargo-test.sh -p borderlane --test e2e
