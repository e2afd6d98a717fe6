//! Scenarios: text files of inputs, each line followed by what the lane did. The lane and the interlock are the real ones; the boom, the
//! store and the cache are small models (`lane_scenarios/world.rs`).
//!
//! `LANE_SCENARIOS=write cargo test -p lane-core --test lane_scenarios` writes the transcripts anew; the difference is to be read by a person.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test's helpers fail the test")]

mod lane_scenarios {
    pub mod script;
    pub mod transcript;
    pub mod world;
}

use lane_scenarios::script::run;
use std::path::PathBuf;

fn check(name: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(format!("{name}.txt"));
    let expected = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let found = run(&expected);
    if std::env::var_os("LANE_SCENARIOS").is_some_and(|value| value == "write") {
        std::fs::write(&path, found).unwrap();
        return;
    }
    for (number, (expected, found)) in expected.lines().zip(found.lines()).enumerate() {
        assert_eq!(found, expected, "{name}.txt, line {} (found on the left)", number + 1);
    }
    assert_eq!(found.lines().count(), expected.lines().count(), "{name}.txt: number of lines");
}

macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        $(#[test] fn $name() { check(stringify!($name)); })*

        #[test]
        fn every_file_is_run() {
            let known = [$(stringify!($name)),*];
            for entry in std::fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                assert!(known.contains(&name.trim_end_matches(".txt")), "{name} is run by no test");
            }
        }
    };
}

scenarios!(
    cleared_truck,
    missing_confirmation_arrives,
    withdrawn_while_held,
    revoked_before_entry,
    withdrawn_after_entry,
    weight_mismatch,
    unread_plate_corrected,
    override_with_reason,
    override_refused_passage_changed,
    second_consent,
    tailgate,
    tailgate_close,
    backs_out,
    wrong_way,
    store_cannot_commit,
    stop,
    restart_with_vehicle,
    held_open,
    attended_agree,
    link_loss_hold,
    stale_knowledge,
    unknown_plate,
    misrouted,
    competing_declarations,
    maintenance,
    group,
    emergency,
    bring_up_test,
    two_on_the_scale,
    trailer_gap,
    scale_silent,
    closed_lane,
    unanswered_call,
    presence_breaks,
    commands_from_the_centre,
    confirm_at_the_lane,
    cache_silent,
    camera_frozen,
    camera_moved,
    held_open_restart,
    watched_for,
    tractor_and_trailer_in_front,
    two_alike_in_front,
);
