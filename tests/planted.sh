#!/bin/bash
# Plants faults into the joints of the daemon (`src/`), one at a time, and shows that a test fails for each. The crate is built once with
# `--cfg planted="joints"` (a wrapper around rustc, never a cargo feature: what is shipped holds none of it); `BORDERLANE_PLANTED` then chooses the
# fault (src/planted.rs). Without one all the tests must pass. Usage: tests/planted.sh [FAULT...]
set -u
cd "$(dirname "$0")/.." || exit 2
target=${PLANTED_TARGET_DIR:-$PWD/target/planted}
logs="$target/joints"
mkdir -p "$logs"
wrapper="$logs/rustc"
# The first argument is rustc itself.
printf '#!/bin/sh\nrustc=$1\nshift\nexec "$rustc" "$@" --cfg "planted=\\"joints\\""\n' >"$wrapper"
chmod +x "$wrapper"
begin=$SECONDS
if ! RUSTC_WORKSPACE_WRAPPER="$wrapper" CARGO_TARGET_DIR="$target" cargo test --locked -p borderlane --lib --no-run >"$logs/build.txt" 2>&1; then
  tail -40 "$logs/build.txt"
  exit 2
fi
program=$(sed -n 's/.*Executable unittests.*(\(.*\))$/\1/p' "$logs/build.txt" | tail -1)
echo "built in $((SECONDS - begin)) s"

# the fault | what it breaks is the joint that its test names
faults=$(cat <<'FAULTS'
abandon barrier::tests::hang::a_stop_abandons_a_call_that_hangs_and_is_the_first_word_on_the_next_connection
catch_up barrier::tests::hang::a_stop_abandons_a_call_that_hangs_and_is_the_first_word_on_the_next_connection
back_off barrier::tests::hang::a_stop_is_tried_again_and_again_and_waits_for_no_reconnect
owed barrier::tests::joints::a_modules_task_that_fails_is_started_anew_and_ends_what_may_be_moving
restart barrier::tests::joints::a_modules_task_that_fails_is_started_anew_and_ends_what_may_be_moving
resync barrier::tests::joints::after_lost_reports_the_whole_state_is_sent
held_open barrier::tests::joints::an_open_that_is_held_stays_held_over_a_lost_connection
refused_release barrier::tests::joints::while_a_release_is_refused_the_other_direction_stays_off
regime runtime::tests::nothing_is_energised_before_the_lane_has_said_its_mode
last_mode runtime::tests::the_last_mode_is_believed_and_one_that_cannot_be_read_is_closed
bad_mode runtime::tests::the_last_mode_is_believed_and_one_that_cannot_be_read_is_closed
unheard runtime::tests::a_command_that_the_barrier_does_not_take_ends_the_lane_loop
late_act runtime::tests::an_act_whose_person_was_told_that_no_answer_came_is_not_done
durable runtime::tests::a_permit_that_the_store_refuses_is_never_durable
second_try runtime::tests::while_the_disk_takes_nothing_a_mode_is_not_durable_and_a_passage_is_opened_when_it_does
mode_durable runtime::tests::a_mode_takes_effect_at_once_and_is_answered_when_it_is_durable
hole runtime::tests::a_black_box_counts_what_the_disk_did_not_take_and_keeps_nothing_after_it
last_part runtime::tests::a_black_box_counts_what_the_disk_did_not_take_and_keeps_nothing_after_it
entries runtime::tests::an_entry_that_was_used_here_is_counted_in_the_answer
FAULTS
)

tests=$(cut -d' ' -f2 <<<"$faults" | sort -u)
# shellcheck disable=SC2086
if ! RUST_BACKTRACE=0 timeout 120 "$program" --exact $tests >"$logs/none.txt" 2>&1; then
  echo "without a fault the tests fail; see $logs/none.txt"
  exit 2
fi

missed=0
try() { # try FAULT TEST: they wait most of the time, so all run at once
  BORDERLANE_PLANTED=$1 RUST_BACKTRACE=0 timeout 120 "$program" --exact "$2" >"$logs/$1.txt" 2>&1
  echo $? >"$logs/$1.code"
}
while read -r fault test; do
  [ $# -eq 0 ] || case " $* " in *" $fault "*) ;; *) continue ;; esac
  rm -f "$logs/$fault.code"
  try "$fault" "$test" &
done <<<"$faults"
wait
while read -r fault test; do
  [ $# -eq 0 ] || case " $* " in *" $fault "*) ;; *) continue ;; esac
  code=$(cat "$logs/$fault.code")
  if [ "$code" = 101 ] && grep -q "^test $test ... FAILED" "$logs/$fault.txt"; then
    echo "planted $fault: caught by $test"
  else
    echo "planted $fault: NOT CAUGHT by $test (exit $code); see $logs/$fault.txt"
    missed=$((missed + 1))
  fi
done <<<"$faults"
exit "$missed"
