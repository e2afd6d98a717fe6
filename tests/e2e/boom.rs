//! The boom and its sensors when they do not do what they should.

use super::lane::{Lane, did, has_fault, is_fault, moved};
use super::site::{Wishes, declaration};
use serde_json::{Value, json};

#[test]
fn something_under_the_closing_boom_raises_it_again() {
    let lane =
        Lane::start(Wishes { barrier: "travel_limit_ms = 20000\n", ..Wishes::default() }, &[declaration("D1", "12C-123.45", json!({}))]);
    lane.truck("12C-123.45", json!({}));
    lane.name_plates("12C-123.45", "12C-123.45");
    lane.until_said("the truck is under it", |r| did(r, "vehicle_entered"));
    // The board itself does not look: what raises the boom is us.
    lane.knob("boom_no_reverse", true);
    lane.knob_at("boom_slow", 8.0);
    lane.until_world("the boom comes down", |w| w["boom"]["angle_deg"].as_f64().is_some_and(|a| a < 80.0 && a > 40.0));
    lane.knob("photocell_stuck_on", true);
    lane.until_said("a corrective Up", |r| moved(r, "corrective_up"));
    lane.knob("boom_slow", false);
    lane.until_world("the boom is up again", |w| w["boom"]["angle_deg"].as_f64() == Some(90.0));
    lane.check(lane.opens() == 2 && lane.said(|r| did(r, "reversed")), "opened once for the truck, once to save");
    lane.check(lane.count(|r| r["kind"] == "permit_granted") == 1, "a corrective Up needs no permit and makes none");
    lane.knob("photocell_stuck_on", false);
    lane.finish();
}

#[test]
fn a_boom_cranked_by_hand_blocks_the_lane() {
    let lane = Lane::start(Wishes::default(), &[declaration("D1", "12C-123.45", json!({}))]);
    lane.knob_at("boom_crank", 60.0);
    let view = lane.until_shown("an uncommanded movement", |v| has_fault(v, "uncommanded_movement"));
    lane.check(view["phase"] == "faulted" && view["sign"] == "stop", "the lane is blocked and says stop");
    lane.truck("12C-123.45", json!({}));
    lane.name_plates("12C-123.45", "12C-123.45");
    lane.until_shown("the truck passes every check", |v| v["at_boom"]["verdict"]["outcome"] == "pass");
    std::thread::sleep(std::time::Duration::from_secs(2));
    lane.check(lane.opens() == 0 && !lane.said(|r| r["kind"] == "permit_granted"), "and still nothing opens");
    lane.check(lane.said(|r| is_fault(r, "uncommanded_movement", true)), "the ledger says so");
    lane.finish();
}

#[test]
fn a_loop_stuck_on_is_found_and_nothing_opens_by_itself() {
    let lane = Lane::start(Wishes { barrier: "travel_limit_ms = 6000\npresence_stuck_ms = 3000\n", ..Wishes::default() }, &[]);
    lane.knob("boom_loop_stuck_on", true);
    let view = lane.until_shown("a stuck presence", |v| has_fault(v, "presence_stuck"));
    lane.check(view["boom"] == "down" && lane.opens() == 0, "the boom stays where it is");
    lane.knob("boom_loop_stuck_on", false);
    lane.until_shown("nobody there", |v| v["at_boom"].is_null());
    lane.check(has_fault(&lane.view(), "presence_stuck"), "the fault waits for a person");
    lane.act(&json!({ "do": "reset_faults" }));
    lane.until_shown("healed", |v| !has_fault(v, "presence_stuck"));
    lane.check(lane.said(|r| is_fault(r, "presence_stuck", true)), "in the ledger");
    lane.until_said("the reset is in the ledger", |r| is_fault(r, "presence_stuck", false));
    lane.check(lane.opens() == 0 && close_writes(&lane) == 0, "nothing was commanded");
    lane.finish();
}

fn close_writes(lane: &Lane) -> usize {
    let close = |w: &&Value| w["function"] == 5 && (w["address"] == 1 || w["address"] == 0x0101) && w["values"][0] == 0xFF00;
    lane.writes().iter().filter(close).count()
}

#[test]
fn a_blind_photocell_is_found_and_the_next_truck_waits_for_a_person() {
    let rows = [declaration("D1", "12C-123.45", json!({})), declaration("D2", "29H-678.90", json!({}))];
    let lane = Lane::start(Wishes::default(), &rows);
    lane.knob("photocell_stuck_off", true);
    lane.truck("12C-123.45", json!({}));
    lane.name_plates("12C-123.45", "12C-123.45");
    lane.until_ended("passed");
    lane.until_shown("the photocell is known blind", |v| has_fault(v, "photocell_blind"));
    lane.until_said("it is in the ledger", |r| is_fault(r, "photocell_blind", true));
    lane.until_idle();
    lane.truck("29H-678.90", json!({}));
    lane.name_plates("29H-678.90", "29H-678.90");
    lane.until_shown("the next truck passes every check and waits for a person", |v| {
        v["at_boom"]["verdict"]["outcome"] == "pass" && v["at_boom"]["called_ms"].is_number() && v["sign"] == "wait_officer"
    });
    lane.check(lane.opens() == 1, "nothing opened for it by itself");
    lane.act(&json!({ "do": "agree" }));
    lane.until_said("a second permit", |r| r["kind"] == "permit_granted" && r["by"]["id"] == "lan.nguyen");
    lane.until("the second has left", |lane| (lane.happened("vehicle_passed") == 2).then_some(()));
    lane.check(lane.opens() == 2, "a person opened");
    lane.until("both passages ended", |lane| (lane.count(|r| r["kind"] == "passage_ended") == 2).then_some(()));
    lane.finish();
}
