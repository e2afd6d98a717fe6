#!/bin/sh
# Plants a fault against each invariant into the interlock and the lane (`--cfg planted="i1"`, never a cargo feature) and shows that the
# model check catches it, with the trace it found. The flag is given to the workspace's own crates only (a wrapper around rustc), so that
# the dependencies are built once for all of them; while one fault is looked for the next is built. Usage: lane-core/tests/planted.sh [FAULT...]
set -u
cd "$(dirname "$0")/../.." || exit 2
target=${PLANTED_TARGET_DIR:-$PWD/target/planted}
mkdir -p "$target/wrappers" "$target/traces"
verdicts="$target/verdicts"
: >"$verdicts"

# The test program of one fault; its log gets what the build says.
build() {
  wrapper="$target/wrappers/$2"
  # The first argument is rustc itself.
  printf '#!/bin/sh\nrustc=$1\nshift\nexec "$rustc" "$@" --cfg "planted=\\"%s\\""\n' "$2" >"$wrapper"
  chmod +x "$wrapper"
  RUSTC_WORKSPACE_WRAPPER="$wrapper" CARGO_TARGET_DIR="$target" cargo test -p lane-core --test "$1" --no-run \
    --config 'profile.test.package.lane-core.opt-level=1' --config 'profile.test.package.lane-core.debug=false' >"$target/traces/$2.txt" 2>&1
  sed -n 's/^ *Executable .*(\(.*\))$/\1/p' "$target/traces/$2.txt"
}

# Runs one test of a planted program and says whether it broke the property.
look() {
  log="$target/traces/$2.txt"
  if [ -z "$1" ]; then
    echo "planted $2: NOT BUILT; see $log"
  elif RUST_BACKTRACE=0 "$1" "$3" --exact --nocapture >"$log" 2>&1; then
    echo "planted $2: NOT CAUGHT by $3"
  elif grep -qw "BROKEN $4" "$log"; then
    steps=$(sed -n "/BROKEN $4/,/BROKEN\|panicked/p" "$log" | grep -c '^    ')
    echo "planted $2: caught as $4 in $3, a trace of $steps states in $log"
  else
    echo "planted $2: FAILED, but not as $4; see $log"
  fi | tee -a "$verdicts"
}

asked=0
# the model check | fault | the test that meets it | the property that must break
while read -r program fault test property; do
  [ $# -eq 0 ] || case " $* " in *" $fault "*) ;; *) continue ;; esac
  asked=$((asked + 1))
  executable=$(build "$program" "$fault")
  wait
  look "$executable" "$fault" "$test" "$property" &
done <<FAULTS
interlock_model i1 a_commanded_boom_with_a_trailer I1
interlock_model i1_stale a_commanded_boom_with_a_stale_signal I1
interlock_model i1_held an_open_that_was_held_at_the_start I1
interlock_model i2 a_commanded_boom_jammed I2
interlock_model i3 a_commanded_boom_with_two_vehicles I3
interlock_model i3_test a_test_permit I3
interlock_model i4 a_commanded_boom_with_two_vehicles I4
interlock_model i4_group a_group_permit I4
interlock_model i5 a_commanded_boom_cranked_and_cut_off I5
interlock_model i6 a_commanded_boom_stopped_and_restarted I6
interlock_model i7 a_commanded_boom_stopped_and_restarted I7
interlock_model i8 a_commanded_boom_jammed I8
interlock_model i15 a_commanded_boom_cranked_and_cut_off I15
interlock_model i15_key a_commanded_boom_worked_by_hand I15
interlock_model i16 a_commanded_boom_with_a_blind_photocell I16
interlock_model l2 a_commanded_boom_with_two_vehicles L2
lane_model lane_i3 facts_that_change I3
lane_model lane_i5 stop_and_a_device_fault I5
lane_model lane_i5_latch stop_and_a_device_fault I5
lane_model lane_i9 a_store_that_answers_late_or_fails I9
lane_model lane_i10 a_second_vehicle_and_a_late_picture I10
lane_model lane_i13 a_person_with_an_old_view I13
lane_model lane_i14 facts_that_change I14
lane_model i17 two_vehicles_close_together I17
lane_model lane_l1 a_second_vehicle_and_a_late_picture L1
FAULTS
wait
grep -v ': caught as' "$verdicts" && exit 1
# A look that was killed leaves no verdict, and a mistyped fault is none.
if [ "$asked" -eq 0 ] || [ "$(wc -l <"$verdicts")" -ne "$asked" ]; then
  echo "planted: $(wc -l <"$verdicts") verdicts on $asked faults"
  exit 1
fi
