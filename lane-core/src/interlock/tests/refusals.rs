//! What must not move, and why.

use super::super::Refusal;
use super::*;
use crate::fault::Fault;
use crate::permit::PermitEnd;

fn refused(bench: &Bench) -> Option<Refusal> {
    bench.events.iter().rev().find_map(|event| match event {
        Event::PermitRefused(_, why) | Event::CloseRefused(why) => Some(*why),
        _ => None,
    })
}

#[test]
fn nothing_moves_before_a_complete_fresh_read() {
    let mut bench = Bench::cold(commanded());
    bench.lost = true;
    bench.pass(5_000);
    bench.lost = false;
    bench.set(Signal::BoomDown, true);
    let permit = bench.permit(PermitKind::Passage, 0, 10_000);
    bench.grant(permit);
    assert_eq!(refused(&bench), Some(Refusal::NotReady));
    bench.pass(500);
    assert!(!bench.is(Output::Open), "a refused permit is worth nothing later");
    bench.grant(permit);
    assert_eq!(refused(&bench), Some(Refusal::Used));
}

#[test]
fn a_boom_that_is_up_at_the_start_waits_for_a_touch() {
    let mut bench = Bench::cold(commanded());
    bench.set(Signal::BoomUp, true);
    bench.pass(10_000);
    assert!(bench.interlock.faults().has(Fault::BoomOpenAtStart));
    assert!(!bench.is(Output::Close));
    bench.set(Signal::Photocell, true);
    bench.close();
    assert_eq!(refused(&bench), Some(Refusal::Presence));
    bench.set(Signal::Photocell, false);
    bench.close();
    assert!(!bench.is(Output::Close), "the hold is not over");
    bench.pass(2_100);
    assert!(bench.is(Output::Close));
}

#[test]
fn a_permit_is_used_once_expires_and_dies_with_its_boot() {
    let mut bench = Bench::new(commanded());
    let stale = bench.permit(PermitKind::Passage, 1, 0);
    bench.grant(stale);
    assert_eq!(refused(&bench), Some(Refusal::Expired));
    let mut foreign = bench.permit(PermitKind::Passage, 2, 10_000);
    foreign.id.boot = BootId(2);
    bench.grant(foreign);
    assert_eq!(refused(&bench), Some(Refusal::ForeignBoot));
    let id = bench.open(PermitKind::Passage);
    bench.pass(31_000);
    assert!(bench.saw(Event::PermitEnded(id, PermitEnd::Expired)));
    bench.set(Signal::BoomLoop, true);
    bench.pass(50);
    assert!(bench.saw(Event::Tailgate { permit: None }), "nobody enters under an expired permit");
    let again = Permit { id, ..bench.permit(PermitKind::Passage, 0, 10_000) };
    bench.grant(again);
    assert_eq!(refused(&bench), Some(Refusal::Used));
}

#[test]
fn a_permit_that_is_taken_back_before_the_entry_ends_and_after_it_does_not() {
    let mut bench = Bench::new(commanded());
    let id = bench.open(PermitKind::Passage);
    bench.set(Signal::BoomLoop, true);
    bench.pass(50);
    bench.scan_with(Requests { revoke: Some((id, PermitEnd::Revoked)), ..Requests::default() });
    assert!(bench.interlock.permit().is_some());
    let mut bench = Bench::new(commanded());
    let id = bench.open(PermitKind::Passage);
    bench.scan_with(Requests { revoke: Some((id, PermitEnd::Revoked)), ..Requests::default() });
    assert!(bench.saw(Event::PermitEnded(id, PermitEnd::Revoked)));
}

#[test]
fn stop_beats_everything_until_a_person_resets_it() {
    for config in [commanded(), held(), Config { stop_output: true, ..held() }] {
        let mut bench = Bench::new(config.clone());
        let permit = bench.permit(PermitKind::Passage, 0, 10_000);
        bench.grant(permit);
        bench.set(Signal::BoomDown, false);
        bench.pass(50);
        bench.scan_with(Requests { stop: true, grant: Some(permit), reset: true, ..Requests::default() });
        let kept = config.drive == Drive::Maintained && !config.stop_output;
        assert_eq!(bench.is(Output::Open), kept, "a held Open is dropped only where a stop contact holds the boom");
        assert_eq!(bench.is(Output::Stop), config.stop_output);
        bench.pass(5_000);
        assert!(bench.interlock.is_stopped());
        bench.reset();
        assert!(!bench.interlock.is_stopped());
    }
}

#[test]
fn the_key_and_the_dead_regime_kill_all_outputs() {
    let mut bench = Bench::new(held());
    bench.open(PermitKind::Passage);
    bench.set(Signal::ManualKey, true);
    bench.pass(50);
    assert_eq!(bench.outputs, Outputs::OFF);
    let mut bench = Bench::new(held());
    bench.open(PermitKind::Passage);
    bench.regime = Regime::Dead;
    bench.pass(50);
    assert_eq!(bench.outputs, Outputs::OFF);
    assert!(bench.interlock.permit().is_none());
}

#[test]
fn held_open_never_lowers() {
    let mut bench = Bench::new(commanded());
    bench.regime = Regime::HeldOpen;
    let id = bench.open(PermitKind::Emergency);
    bench.scan_with(Requests { revoke: Some((id, PermitEnd::EndedByPerson)), ..Requests::default() });
    bench.drive_through(300);
    bench.pass(30_000);
    assert!(bench.saw(Event::VehicleEntered { permit: None }));
    assert!(!bench.is(Output::Close));
    bench.regime = Regime::Normal;
    bench.pass(100);
    assert!(bench.is(Output::Close));
}

#[test]
fn a_test_permit_needs_bring_up_and_an_empty_lane() {
    let mut bench = Bench::new(commanded());
    let permit = bench.permit(PermitKind::Test, 0, 10_000);
    bench.grant(permit);
    assert_eq!(refused(&bench), Some(Refusal::Regime));
    bench.regime = Regime::BringUp;
    bench.set(Signal::PlatformRear, true);
    let permit = bench.permit(PermitKind::Test, 1, 10_000);
    bench.grant(permit);
    assert_eq!(refused(&bench), Some(Refusal::NotEmpty));
    bench.set(Signal::PlatformRear, false);
    let permit = bench.permit(PermitKind::Test, 2, 10_000);
    bench.grant(permit);
    assert!(bench.is(Output::Open));
}

#[test]
fn link_loss_holds_over_a_quiet_lane_and_blocks_over_a_live_permit() {
    let mut bench = Bench::new(commanded());
    bench.lost = true;
    bench.pass(500);
    assert!(bench.interlock.faults().has(Fault::BarrierLinkHold));
    bench.lost = false;
    bench.pass(150);
    assert_eq!(bench.interlock.faults().iter().count(), 0);
    bench.open(PermitKind::Passage);
    bench.lost = true;
    bench.pass(500);
    bench.lost = false;
    bench.pass(5_000);
    assert!(bench.interlock.faults().has(Fault::BarrierLinkLost), "only a person ends it");
    assert!(bench.interlock.permit().is_none());
    assert!(!bench.is(Output::Close));
}

#[test]
fn a_stale_input_is_no_clear_input() {
    let mut bench = Bench::new(commanded());
    bench.open(PermitKind::Passage);
    bench.drive_through(500);
    bench.fitted.retain(|signal| *signal != Signal::ExitLoop);
    bench.pass(50);
    // Fitted but silent: the image still knows it.
    let mut image = ProcessImage::new(Signal::ALL);
    for signal in &bench.fitted {
        image.put(*signal, Sample { value: bench.on.contains(signal), acquired_at: bench.now });
    }
    let scan = bench.interlock.scan(bench.now, &image, &Requests::default());
    assert!(!scan.outputs.get(Output::Close));
    assert!(bench.interlock.faults().has(Fault::BarrierLinkLost));
}

#[test]
fn a_movement_that_never_ends_is_a_fault() {
    let mut bench = Bench::new(commanded());
    let permit = bench.permit(PermitKind::Passage, 0, 60_000);
    bench.grant(permit);
    bench.pass(15_100);
    assert!(bench.interlock.faults().has(Fault::TravelTimeout));
    assert!(bench.saw(Event::PermitEnded(permit.id, PermitEnd::Fault)));
}

#[test]
fn both_limits_and_a_stuck_loop_are_lies() {
    let mut bench = Bench::new(commanded());
    bench.set(Signal::BoomUp, true);
    bench.pass(50);
    assert!(bench.interlock.faults().has(Fault::LimitsContradict));
    let mut bench = Bench::new(Config { presence_stuck_ms: 10_000, ..commanded() });
    bench.set(Signal::BoomLoop, true);
    bench.pass(10_200);
    assert!(bench.interlock.faults().has(Fault::PresenceStuck));
}

#[test]
fn a_vehicle_from_the_wrong_side_moves_nothing() {
    let mut bench = Bench::new(commanded());
    bench.set(Signal::ExitLoop, true);
    bench.pass(50);
    assert!(bench.interlock.faults().has(Fault::WrongWay));
    let permit = bench.permit(PermitKind::Passage, 0, 10_000);
    bench.grant(permit);
    assert_eq!(refused(&bench), Some(Refusal::Fault));
    assert!(bench.is(Output::LightRed) && bench.is(Output::Buzzer) && !bench.is(Output::Open));
}

#[test]
fn a_hard_wired_stop_kills_the_outputs_and_blocks() {
    let mut bench = Bench::new(commanded());
    bench.open(PermitKind::Passage);
    bench.set(Signal::EStop, true);
    bench.pass(50);
    assert_eq!(bench.outputs, Outputs::OFF);
    bench.set(Signal::EStop, false);
    bench.pass(1_000);
    assert!(bench.interlock.faults().has(Fault::EmergencyStop));
    bench.reset();
    bench.pass(500);
    assert!(bench.interlock.faults().has(Fault::BoomOpenAtStart));
}
