#!/usr/bin/env bash
# Plants a fault against each invariant and shows that the model check catches it.
set -uo pipefail
cd "$(dirname "$0")/.."
export PLANTED_TARGET_DIR="$PWD/target/planted"
code=0
lane-core/tests/planted.sh || code=1
lane-core/tests/planted_lane.sh || code=1
exit $code
