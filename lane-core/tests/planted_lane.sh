#!/bin/sh
# Plants a fault against each invariant the lane holds (`--cfg planted="lane_i9"`, never a cargo feature) and shows that its model check catches
# it, with the trace it found. The flag is given to the workspace's own crates only (a wrapper around rustc), so that the dependencies are built
# once for all of them. Usage: lane-core/tests/planted_lane.sh [FAULT...]
set -u
cd "$(dirname "$0")/../.." || exit 2
target=${PLANTED_TARGET_DIR:-$PWD/target/planted}
mkdir -p "$target/wrappers" "$target/traces"
missed=0

# fault | the test that meets it | the property that must break
while read -r fault test property; do
  [ $# -eq 0 ] || case " $* " in *" $fault "*) ;; *) continue ;; esac
  wrapper="$target/wrappers/$fault"
  # The first argument is rustc itself.
  printf '#!/bin/sh\nrustc=$1\nshift\nexec "$rustc" "$@" --cfg "planted=\\"%s\\""\n' "$fault" >"$wrapper"
  chmod +x "$wrapper"
  log="$target/traces/$fault.txt"
  if RUSTC_WORKSPACE_WRAPPER="$wrapper" CARGO_TARGET_DIR="$target" RUST_BACKTRACE=0 \
    cargo test --quiet -p lane-core --test lane_model -- "$test" --exact --nocapture >"$log" 2>&1; then
    echo "planted $fault: NOT CAUGHT by $test"
    missed=$((missed + 1))
  elif grep -qw "BROKEN $property" "$log"; then
    steps=$(sed -n "/BROKEN $property/,/BROKEN\|panicked/p" "$log" | grep -c '^    ')
    echo "planted $fault: caught as $property in $test, a trace of $steps states in $log"
  else
    echo "planted $fault: failed, but not as $property; see $log"
    missed=$((missed + 1))
  fi
done <<FAULTS
lane_i3 facts_that_change I3
lane_i5 stop_faults_and_a_restart I5
lane_i5_latch stop_faults_and_a_restart I5
lane_i9 a_store_that_answers_late_or_fails I9
lane_i10 a_second_vehicle_and_a_late_picture I10
lane_i13 a_person_with_an_old_view I13
lane_i14 facts_that_change I14
lane_l1 a_second_vehicle_and_a_late_picture L1
FAULTS
exit "$missed"
