#!/usr/bin/env bash
# The screens in Debian's Chromium: first against a lane that is played (and the page that labels photos, with the real program), then against
# the demonstration's real daemon.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root/tests/browser"
npm ci --silent --no-audit --no-fund
vision=$(realpath -m "${CARGO_TARGET_DIR:-$root/target}")/debug/borderlane-vision
if [ -x "$vision" ]; then export BORDERLANE_VISION=$vision; else echo "browser: labelling skipped: no $vision"; fi
[ -n "${BROWSER_ONLY_DAEMON:-}" ] || npx playwright test

mkdir -p "$root/target"
dir=$root/target/browser-demo
port=17800
DEMO_NO_BUILD=1 DEMO_DIR=$dir DEMO_PORT=$port DEMO_SECONDS=240 "$root/scripts/demo.sh" >"$root/target/browser-demo.log" 2>&1 &
demo=$!
trap 'kill $demo 2>/dev/null || true; wait $demo 2>/dev/null || true' EXIT
for _ in $(seq 1 300); do
  if grep -q "officer's touchscreen" "$root/target/browser-demo.log"; then break; fi
  kill -0 $demo 2>/dev/null || { cat "$root/target/browser-demo.log"; exit 1; }
  sleep 0.2
done
BORDERLANE_URL=http://127.0.0.1:$((port + 3))/ BORDERLANE_PID=$(cat "$dir/lane.pid") npx playwright test daemon
