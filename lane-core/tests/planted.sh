#!/bin/sh
# Plants a fault against each invariant into the interlock and the lane (`--cfg planted="i1"`, never a cargo feature) and shows that the
# model check catches it, with the trace it found. The flag is given to the workspace's own crates only (a wrapper around rustc), so that
# the dependencies are built once for all of them. Usage: lane-core/tests/planted.sh [FAULT...]
set -u
cd "$(dirname "$0")/../.." || exit 2
target=${PLANTED_TARGET_DIR:-$PWD/target/planted}
mkdir -p "$target/wrappers" "$target/traces"
missed=0

# the model check | fault | the test that meets it | the property that must break
while read -r program fault test property; do
  [ $# -eq 0 ] || case " $* " in *" $fault "*) ;; *) continue ;; esac
  wrapper="$target/wrappers/$fault"
  # The first argument is rustc itself.
  printf '#!/bin/sh\nrustc=$1\nshift\nexec "$rustc" "$@" --cfg "planted=\\"%s\\""\n' "$fault" >"$wrapper"
  chmod +x "$wrapper"
  log="$target/traces/$fault.txt"
  if RUSTC_WORKSPACE_WRAPPER="$wrapper" CARGO_TARGET_DIR="$target" RUST_BACKTRACE=0 \
    cargo test --quiet -p lane-core --test "$program" -- "$test" --exact --nocapture >"$log" 2>&1; then
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
interlock_model i1 a_commanded_boom_with_a_trailer I1
interlock_model i2 a_commanded_boom_jammed I2
interlock_model i3 a_commanded_boom_with_two_vehicles I3
interlock_model i4 a_commanded_boom_with_two_vehicles I4
interlock_model i5 a_commanded_boom_cranked_and_cut_off I5
interlock_model i6 a_commanded_boom_stopped_and_restarted I6
interlock_model i7 a_commanded_boom_stopped_and_restarted I7
interlock_model i8 a_commanded_boom_jammed I8
interlock_model i15 a_commanded_boom_cranked_and_cut_off I15
interlock_model i16 a_commanded_boom_with_a_blind_photocell I16
interlock_model l2 a_commanded_boom_with_two_vehicles L2
lane_model lane_i3 facts_that_change I3
lane_model lane_i5 stop_faults_and_a_restart I5
lane_model lane_i5_latch stop_faults_and_a_restart I5
lane_model lane_i9 a_store_that_answers_late_or_fails I9
lane_model lane_i10 a_second_vehicle_and_a_late_picture I10
lane_model lane_i13 a_person_with_an_old_view I13
lane_model lane_i14 facts_that_change I14
lane_model lane_l1 a_second_vehicle_and_a_late_picture L1
FAULTS
exit "$missed"
