//! What passes, and what comes down after it.

use super::*;
use crate::fault::Fault;
use crate::permit::PermitEnd;

#[test]
fn a_truck_passes_and_the_boom_is_lowered_after_the_hold() {
    let mut bench = Bench::new(commanded());
    let id = bench.open(PermitKind::Passage);
    assert!(bench.is(Output::LightGreen));
    bench.drive_through(500);
    assert!(!bench.is(Output::Close), "not yet quiet for joined_gap_ms");
    bench.pass(1_600);
    assert!(bench.saw(Event::VehicleEntered { permit: Some(id) }));
    assert!(bench.saw(Event::VehicleClear { permit: Some(id), vehicles: 1 }));
    assert!(bench.saw(Event::PermitEnded(id, PermitEnd::VehicleClear)));
    assert!(bench.is(Output::Close));
    assert!(!bench.is(Output::LightGreen));
    bench.set(Signal::BoomUp, false);
    bench.pass(1_000);
    bench.set(Signal::BoomDown, true);
    bench.pass(100);
    assert_eq!(bench.interlock.boom(), Boom::Down);
    assert_eq!(bench.interlock.faults().iter().count(), 0);
}

#[test]
fn a_drawbar_joins_and_a_second_vehicle_is_a_tailgate() {
    for (gap_ms, tailgate) in [(1_000, false), (2_000, true)] {
        let mut bench = Bench::new(commanded());
        let id = bench.open(PermitKind::Passage);
        for (signal, on, ms) in [
            (Signal::BoomLoop, true, 500),
            (Signal::Photocell, true, 500),
            (Signal::ExitLoop, true, 500),
            (Signal::BoomLoop, false, 500),
            (Signal::Photocell, false, gap_ms),
            (Signal::BoomLoop, true, 500),
        ] {
            bench.set(signal, on);
            bench.pass(ms);
        }
        assert_eq!(bench.saw(Event::Tailgate { permit: Some(id) }), tailgate, "{gap_ms}");
        assert_eq!(bench.is(Output::Buzzer), tailgate);
    }
}

#[test]
fn a_group_permit_admits_its_count_and_no_more() {
    let mut bench = Bench::new(commanded());
    let id = bench.open(PermitKind::Group { count: 2 });
    for _ in 0..2 {
        bench.drive_through(300);
        bench.pass(1_600);
    }
    let entered = bench.events.iter().filter(|event| matches!(event, Event::VehicleEntered { .. })).count();
    assert_eq!(entered, 2);
    assert!(bench.saw(Event::PermitEnded(id, PermitEnd::VehicleClear)));
}

#[test]
fn a_vehicle_that_backs_out_ends_its_permit() {
    let mut bench = Bench::new(commanded());
    let id = bench.open(PermitKind::Passage);
    bench.set(Signal::PlatformFront, true);
    for (signal, on) in [(Signal::BoomLoop, true), (Signal::Photocell, true), (Signal::Photocell, false), (Signal::BoomLoop, false)] {
        bench.set(signal, on);
        bench.pass(500);
    }
    bench.pass(1_600);
    assert!(bench.saw(Event::BackedOut { permit: Some(id) }));
    assert!(bench.saw(Event::PermitEnded(id, PermitEnd::BackedOut)));
}

#[test]
fn an_end_that_was_not_seen_keeps_the_boom_up_and_calls_until_a_touch() {
    let mut bench = Bench::new(commanded());
    bench.open(PermitKind::Passage);
    for (signal, on) in [(Signal::BoomLoop, true), (Signal::Photocell, true), (Signal::BoomLoop, false), (Signal::Photocell, false)] {
        bench.set(signal, on);
        bench.pass(500);
    }
    bench.pass(20_000);
    assert!(bench.interlock.faults().has(Fault::PassageUnclear));
    assert!(!bench.is(Output::Close));
    // Two sensors saw it and the exit loop did not: that lie is reset first, then one touch closes.
    bench.close();
    assert!(!bench.is(Output::Close));
    bench.reset();
    bench.pass(2_500);
    bench.close();
    assert!(bench.is(Output::Close), "{:?}", bench.events);
}

#[test]
fn presence_while_falling_cuts_down_in_the_same_scan_and_raises_after_the_rest() {
    let mut bench = Bench::new(commanded());
    bench.open(PermitKind::Passage);
    bench.drive_through(500);
    bench.pass(1_600);
    assert!(bench.is(Output::Close));
    bench.set(Signal::BoomUp, false);
    bench.set(Signal::Photocell, true);
    bench.pass(50);
    assert!(!bench.is(Output::Close) && !bench.is(Output::Open));
    bench.pass(350);
    assert!(!bench.is(Output::Open), "rest");
    bench.pass(50);
    assert!(bench.is(Output::Open));
    assert!(bench.saw(Event::Reversed));
}

#[test]
fn a_self_closing_boom_that_falls_onto_presence_is_raised_in_the_same_scan() {
    let mut bench = Bench::new(Config::default());
    let id = bench.open(PermitKind::Passage);
    bench.set(Signal::BoomLoop, true);
    bench.pass(500);
    bench.set(Signal::BoomUp, false);
    bench.pass(50);
    assert!(bench.is(Output::Open));
    assert!(bench.saw(Event::FaultRaised(Fault::UncommandedMovement)));
    assert!(bench.saw(Event::PermitEnded(id, PermitEnd::Fault)));
}

#[test]
fn a_held_open_is_released_only_when_down_would_be_allowed() {
    let mut bench = Bench::new(held());
    bench.open(PermitKind::Passage);
    bench.drive_through(500);
    assert!(bench.is(Output::Open));
    bench.pass(1_600);
    assert!(!bench.is(Output::Open), "released: the board closes");
    assert!(!bench.is(Output::Close), "never commanded");
    bench.set(Signal::Photocell, true);
    bench.pass(50);
    assert!(bench.is(Output::Open), "taken back");
}

#[test]
fn an_open_that_was_held_before_the_start_is_taken_over_and_released_by_a_touch_only() {
    let mut bench = Bench::cold(held());
    bench.set(Signal::BoomUp, true);
    bench.set(Signal::Photocell, true);
    for _ in 0..40 {
        bench.scan_with(Requests { open_held: true, ..Requests::default() });
    }
    assert!(bench.is(Output::Open), "something stands under it");
    bench.set(Signal::Photocell, false);
    bench.pass(10_000);
    assert!(bench.is(Output::Open), "nobody asked for it to come down");
    bench.close();
    bench.pass(2_100);
    assert!(!bench.is(Output::Open), "{:?}", bench.interlock.faults());
}

#[test]
fn a_photocell_that_never_blocked_is_a_fault_and_nothing_is_lowered() {
    let mut bench = Bench::new(commanded());
    bench.open(PermitKind::Passage);
    for (signal, on) in [(Signal::BoomLoop, true), (Signal::ExitLoop, true), (Signal::BoomLoop, false), (Signal::ExitLoop, false)] {
        bench.set(signal, on);
        bench.pass(500);
    }
    bench.pass(10_000);
    assert!(bench.interlock.faults().has(Fault::PhotocellBlind));
    assert!(!bench.events.iter().any(|event| matches!(event, Event::MovementStarted { permit: None, .. })));
}

#[test]
fn a_corrective_up_does_not_depend_on_time_passing_in_an_orderly_way() {
    let mut bench = Bench::new(commanded());
    bench.open(PermitKind::Passage);
    bench.drive_through(500);
    bench.pass(1_600);
    bench.set(Signal::BoomUp, false);
    bench.set(Signal::BoomLoop, true);
    bench.pass(50);
    bench.now = bench.now.plus(60_000);
    bench.pass(50);
    assert!(bench.is(Output::Open));
}
