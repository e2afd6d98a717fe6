#!/bin/sh
# Plants a fault against each invariant into the interlock (`--cfg planted="i1"`, never a cargo feature) and shows that the model check
# catches it, with the trace it found. The flag is given to the workspace's own crates only (a wrapper around rustc), so that the
# dependencies are built once for all of them. Usage: lane-core/tests/planted.sh [FAULT...]
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
    cargo test --quiet -p lane-core --test interlock_model -- "$test" --exact --nocapture >"$log" 2>&1; then
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
i1 a_commanded_boom_with_a_trailer I1
i2 a_commanded_boom_jammed I2
i3 a_commanded_boom_with_two_vehicles I3
i4 a_commanded_boom_with_two_vehicles I4
i5 a_commanded_boom_cranked_and_cut_off I5
i6 a_commanded_boom_stopped_and_restarted I6
i7 a_commanded_boom_stopped_and_restarted I7
i8 a_commanded_boom_jammed I8
i15 a_commanded_boom_cranked_and_cut_off I15
i16 a_commanded_boom_with_a_blind_photocell I16
l2 a_commanded_boom_with_two_vehicles L2
FAULTS
exit "$missed"
