#!/usr/bin/env bash
# The whole of Borderlane on one machine: mosquitto, the centre, the simulated lane and the daemon; trucks pass until it is stopped.
# DEMO_SECONDS=n ends it by itself; DEMO_DIR keeps its files (default target/demo, made anew each time); DEMO_PORT is the first of ten ports.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
port=${DEMO_PORT:-7800}
dir=${DEMO_DIR:-$root/target/demo}
bin=${CARGO_TARGET_DIR:-target}/debug
export PATH="$PATH:/usr/sbin"

echo "demo: building (the first time takes some minutes)"
[ -n "${DEMO_NO_BUILD:-}" ] || cargo build --locked --workspace

rm -rf "$dir"
mkdir -p "$dir/state/keys" "$dir/central"
pids=()
stop() {
  trap - EXIT INT TERM
  echo "demo: stopping"
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
}
trap stop EXIT
trap 'exit 0' INT TERM

start() { # start NAME COMMAND...: in the background, logged
  local name=$1; shift
  "$@" >"$dir/$name.log" 2>&1 &
  pids+=($!)
  echo $! >"$dir/$name.pid"
}
up() { # up NAME URL: waits until it answers
  for _ in $(seq 1 150); do
    if python3 - "$2" <<'P' 2>/dev/null; then return 0; fi
import sys, urllib.request
urllib.request.urlopen(sys.argv[1], timeout=1).read(1)
P
    sleep 0.2
  done
  echo "demo: $1 does not answer; its log:"; tail -n 30 "$dir/$1.log"; exit 1
}
post() { # post URL JSON
  python3 - "$1" "$2" <<'P'
import sys, urllib.request
request = urllib.request.Request(sys.argv[1], sys.argv[2].encode(), {"content-type": "application/json"})
urllib.request.urlopen(request, timeout=5).read()
P
}

echo "demo: keys"
root_key=$("$bin/borderlane-central" keys init --dir "$dir/central/keys" --site huu-nghi)
lane_key=$("$bin/borderlane" keys make "$dir/state/keys/lane.key")
"$bin/borderlane-central" keys lane --dir "$dir/central/keys" --site huu-nghi --lane lane-1 --public "$lane_key" >/dev/null

cat >"$dir/mosquitto.conf" <<C
listener $((port + 1)) 127.0.0.1
allow_anonymous true
persistence false
max_packet_size 2097152
C
cat >"$dir/central.toml" <<C
site = "huu-nghi"
data_dir = "$dir/central"
keys_dir = "$dir/central/keys"
listen = "127.0.0.1:$((port + 2))"
declarations_file = "$root/demo/declarations.json"
[broker]
host = "127.0.0.1"
port = $((port + 1))
C
cat >"$dir/sim.toml" <<C
seed = 1
[control]
listen = "127.0.0.1:$port"
[[module]]
kind = "moxa-e1214"
listen = "127.0.0.1:$((port + 4))"
watchdog_ms = 2000
[[module]]
kind = "moxa-e1214"
listen = "127.0.0.1:$((port + 5))"
watchdog_ms = 2000
[scale]
protocol = "yaohua"
listen = "127.0.0.1:$((port + 6))"
[[camera]]
name = "front"
looks_at = "front"
listen = "127.0.0.1:$((port + 7))"
[[camera]]
name = "rear"
looks_at = "rear"
listen = "127.0.0.1:$((port + 8))"
C
python3 - "$root" "$dir" "$port" "$root_key" "$bin" <<'P'
import re, sys
root, out, port, key, bin = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5]
text = open(f"{root}/config/lane.toml").read()
def put(pattern, value):
    global text
    text, count = re.subn(pattern, value, text, count=1, flags=re.M)
    assert count == 1, pattern
put(r'^state_dir = "[^"]*"', f'state_dir = "{out}/state"')
# A demonstration shares its machine with a compiler and a browser: inputs may be older than at a lane before they count as unknown.
put(r'^fresh_ms = 300  ', 'fresh_ms = 1000 ')
put(r'^fresh_ms = 300$', 'fresh_ms = 1000')
put(r'^clock_vouched = false', 'clock_vouched = true')
put(r'^profiles = "/usr/share/borderlane/profiles/barrier"', f'profiles = "{root}/config/profiles/barrier"')
put(r'^profiles = "/usr/share/borderlane/profiles/scale"', f'profiles = "{root}/config/profiles/scale"')
put(r'^address = "192.168.1.20:502"', f'address = "127.0.0.1:{port + 4}"')
put(r'^address = "192.168.1.21:502"', f'address = "127.0.0.1:{port + 5}"')
put(r'^endpoint = "[^"]*"', f'endpoint = "tcp://127.0.0.1:{port + 6}"')
put(r'^program = "[^"]*"', f'program = "{root}/{bin}/borderlane-vision"' if not bin.startswith("/") else f'program = "{bin}/borderlane-vision"')
put(r'^models = "[^"]*"', f'models = "{root}/models"')
put(r'^front = "[^"]*"', f'front = "http://127.0.0.1:{port + 7}/stream"')
put(r'^rear = "[^"]*"', f'rear = "http://127.0.0.1:{port + 8}/stream"')
put(r'^host = "[^"]*"', 'host = "127.0.0.1"')
put(r'^port = 8883', f'port = {port + 1}')
put(r'^root_key = "[^"]*"', f'root_key = "{key}"')
for name in ("ca_file", "certificate_file", "key_file"):
    put(rf'^{name} = .*\n', '')
put(r'^listen = "127.0.0.1:8080"', f'listen = "127.0.0.1:{port + 3}"')
open(f"{out}/lane.toml", "w").write(text)
P

echo "demo: an officer (login demo, PIN 271828)"
printf '271828\n271828\n' | "$bin/borderlane" officer --config "$dir/lane.toml" add demo --agency customs --role supervisor >/dev/null

start mosquitto mosquitto -c "$dir/mosquitto.conf"
start central "$bin/borderlane-central" run --config "$dir/central.toml"
up central "http://127.0.0.1:$((port + 2))/api/lanes"
start sim "$bin/hardware-sim" --config "$dir/sim.toml"
up sim "http://127.0.0.1:$port/state"
start lane "$bin/borderlane" run --config "$dir/lane.toml"
up lane "http://127.0.0.1:$((port + 3))/api/session"

cat <<T

  officer's touchscreen   http://127.0.0.1:$((port + 3))/         (login demo, PIN 271828)
  driver's sign           http://127.0.0.1:$((port + 3))/driver.html
  central console         http://127.0.0.1:$((port + 2))/
  the lane's hardware     http://127.0.0.1:$port/         (send trucks, break things)
  logs and databases      $dir

  Ctrl-C stops everything.

T
truck() { post "http://127.0.0.1:$port/vehicle" "$1"; echo "demo: a truck: $1"; }
begin=$SECONDS
round=0
while [ -z "${DEMO_SECONDS:-}" ] || [ $((SECONDS - begin)) -lt "$DEMO_SECONDS" ]; do
  case $((round % 3)) in
    0) truck '{"plate": "12C-123.45", "gross_kg": 28000}' ;;
    1) truck '{"plate": "29H-678.90", "plate_colour": "white", "gross_kg": 9000, "length_m": 8.0, "axles": 2}' ;;
    2) truck '{"plate": "98C-246.80", "gross_kg": 22000}'
       (sleep 20; post "http://127.0.0.1:$((port + 2))/declarations/D-HELD-3/confirm" '{"agency": "plant", "result": "pass", "required": true}'; echo "demo: plant quarantine confirms D-HELD-3") & ;;
  esac
  round=$((round + 1))
  for _ in $(seq 1 40); do
    sleep 1
    for pid in "${pids[@]}"; do kill -0 "$pid" 2>/dev/null || { echo "demo: a part has ended; see $dir/*.log"; tail -n 5 "$dir"/*.log; exit 1; }; done
    if [ -n "${DEMO_SECONDS:-}" ] && [ $((SECONDS - begin)) -ge "$DEMO_SECONDS" ]; then break; fi
  done
done
python3 - "$port" <<'P'
import json, sys, urllib.request
port = int(sys.argv[1])
get = lambda url: json.load(urllib.request.urlopen(url, timeout=5))
passages = get(f"http://127.0.0.1:{port + 3}/api/passages?limit=20")["passages"]
ends = [p["end"] for p in passages]
print("demo: passages:", ends)
P
