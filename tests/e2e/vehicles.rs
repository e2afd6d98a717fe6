//! Vehicles that do not do what one vehicle should: follow through, back out, stand under the boom, come apart, come from behind.

use super::lane::{Lane, did, has_fault, is_fault, moved};
use super::site::{Wishes, declaration};
use serde_json::json;

/// A combination of 13 m to 16 m, 18 t as every truck of these tests.
fn semi(gap_m: f64) -> serde_json::Value {
    json!({ "trailer_plate": "12R-012.34", "length_m": 5.0, "trailer_length_m": 8.0, "gap_m": gap_m, "axles": 5 })
}

fn semi_declaration() -> serde_json::Value {
    declaration("D1", "12C-123.45", json!({ "trailer_plate": "12R-012.34", "axles": 5 }))
}

#[test]
fn a_second_truck_on_the_first_ones_permit_is_a_tailgate_and_is_not_struck() {
    let lane = Lane::start(Wishes::default(), &[declaration("D1", "12C-123.45", json!({}))]);
    // The boom's board leaves it up for a while, as long delays do: the second one drives on.
    lane.knob("boom_no_auto_close", true);
    lane.truck("12C-123.45", json!({}));
    lane.name_plates("12C-123.45", "12C-123.45");
    lane.until_said("the first enters", |r| did(r, "vehicle_entered"));
    lane.truck("15C-999.99", json!({ "behaviour": "tailgate", "speed_m_s": 4.0, "gross_kg": 9000.0 }));
    let alarmed = lane.until_shown("a tailgate", |v| has_fault(v, "tailgate"));
    lane.check(alarmed["boom"] == "up", "nothing comes down on it");
    lane.until("both have left", |lane| (lane.happened("vehicle_passed") == 2).then_some(()));
    lane.knob("boom_no_auto_close", false);
    lane.until_ended("passed");
    lane.check(lane.said(|r| did(r, "tailgate")) && lane.said(|r| is_fault(r, "tailgate", true)), "the ledger says so");
    lane.check(lane.count(|r| r["kind"] == "permit_granted") == 1 && lane.opens() == 1, "one permit, one opening");
    lane.check(!lane.said(|r| moved(r, "down")), "we commanded no Down");
    lane.finish();
}

#[test]
fn a_second_truck_that_sticks_to_the_first_is_found_when_both_are_gone() {
    let lane = Lane::start(Wishes::default(), &[declaration("D1", "12C-123.45", json!({}))]);
    lane.truck("12C-123.45", json!({ "length_m": 7.0 }));
    lane.until_shown("the first is weighed", |v| v["at_boom"]["gross_grams"].is_number());
    lane.truck("15C-999.99", json!({ "behaviour": "tailgate", "length_m": 7.0 }));
    lane.until_world("the second stands behind it", |w| {
        w["vehicles"][1]["tail_m"].as_f64().is_some_and(|m| m > 7.0) && w["vehicles"][1]["speed_m_s"].as_f64().is_some_and(|v| v < 0.01)
    });
    lane.name_plates("12C-123.45", "12C-123.45");
    lane.until("both have left", |lane| (lane.happened("vehicle_passed") == 2).then_some(()));
    lane.until_ended("passed");
    lane.until_ended("tailgated");
    let view = lane.until_shown("alarmed", |v| has_fault(v, "tailgate"));
    lane.check(view["boom"] == "down" && lane.opens() == 1, "one opening");
    lane.check(lane.count(|r| r["kind"] == "permit_granted") == 1, "one permit");
    lane.act(&json!({ "do": "reset_faults" }));
    lane.until_shown("a person looked", |v| !has_fault(v, "tailgate"));
    lane.until_said("the reset is in the ledger", |r| is_fault(r, "tailgate", false));
    lane.finish();
}

#[test]
fn a_vehicle_that_backs_out_under_its_permit_leaves_it_spent() {
    let wishes = Wishes { boom: "close_if_unused_ms = 4000\n", ..Wishes::default() };
    let lane = Lane::start(wishes, &[declaration("D1", "12C-123.45", json!({}))]);
    let truck = lane.truck("12C-123.45", json!({ "reaction_ms": 600_000 }));
    lane.name_plates("12C-123.45", "12C-123.45");
    lane.until_said("the boom is up", |r| did(r, "boom_up"));
    lane.order(truck, "reverse");
    lane.until("it has left backwards", |lane| (lane.happened("vehicle_left_backwards") == 1).then_some(()));
    lane.until_ended("turned_back");
    let ended = lane.until_said("the permit ended", |r| r["kind"] == "permit_ended");
    lane.check(ended["end"] == "backed_out" || ended["end"] == "expired", &format!("the permit is spent: {ended}"));
    lane.until_idle();
    lane.check(lane.opens() == 1 && !lane.said(|r| did(r, "vehicle_entered")), "one opening, nobody entered");
    lane.finish();
}

#[test]
fn a_held_vehicle_that_backs_out_is_turned_back() {
    let lane = Lane::start(Wishes::default(), &[]);
    lane.truck("12C-123.45", json!({ "behaviour": "reverse_out", "wait_ms": 9000 }));
    lane.name_plates("12C-123.45", "12C-123.45");
    lane.until_shown("held: nothing is declared", |v| v["phase"] == "held" && v["sign"] == "wait_officer");
    lane.until_ended("turned_back");
    lane.until_idle();
    lane.check(lane.opens() == 0 && !lane.said(|r| r["kind"] == "permit_granted"), "nothing opened");
    lane.finish();
}

#[test]
fn a_trailer_that_stops_under_the_boom_keeps_it_up() {
    let lane = Lane::start(Wishes::default(), &[semi_declaration()]);
    let mut spec = semi(0.8);
    spec["behaviour"] = json!("stop_under_boom");
    let truck = lane.truck("12C-123.45", spec);
    lane.name_plates("12C-123.45", "12R-012.34");
    lane.until_world("it stands under the boom", |w| {
        w["vehicles"][0]["speed_m_s"].as_f64().is_some_and(|v| v < 0.01) && w["vehicles"][0]["front_m"].as_f64().is_some_and(|m| m > 28.0)
    });
    std::thread::sleep(std::time::Duration::from_secs(6));
    let view = lane.view();
    lane.check(view["phase"] == "passing" && view["boom"] == "up", "the boom waits for it");
    lane.check(lane.world()["boom"]["angle_deg"].as_f64() == Some(90.0), "it stands up in the world, too");
    lane.order(truck, "go");
    lane.until_ended("passed");
    lane.until_idle();
    let clear = lane.until_said("clear", |r| did(r, "vehicle_clear"));
    lane.check(clear["event"]["vehicles"] == 1 && lane.opens() == 1, "one vehicle, one opening");
    lane.finish();
}

#[test]
fn tractor_and_trailer_with_a_gap_are_one_vehicle() {
    let lane = Lane::start(Wishes::default(), &[semi_declaration()]);
    lane.truck("12C-123.45", semi(3.0));
    lane.name_plates("12C-123.45", "12R-012.34");
    lane.until_ended("passed");
    lane.until_idle();
    let clear = lane.until_said("clear", |r| did(r, "vehicle_clear"));
    lane.check(clear["event"]["vehicles"] == 1, "one vehicle passed");
    lane.check(lane.count(|r| r["kind"] == "passage_opened") == 1, "there was one passage");
    lane.check(!lane.said(|r| is_fault(r, "tailgate", true)) && lane.opens() == 1, "no tailgate, one opening");
    lane.finish();
}

#[test]
fn a_vehicle_from_behind_is_alarmed_and_opens_nothing() {
    let lane = Lane::start(Wishes::default(), &[]);
    let truck = lane.truck("29H-678.90", json!({ "behaviour": "wrong_way" }));
    let alarmed = lane.until_shown("wrong way", |v| has_fault(v, "wrong_way"));
    lane.check(alarmed["phase"] == "faulted" && alarmed["boom"] == "down", "nothing moves");
    lane.order(truck, "reverse");
    lane.until("it has left", |lane| (lane.world()["vehicles"] == json!([])).then_some(()));
    lane.check(has_fault(&lane.view(), "wrong_way"), "a person must look");
    lane.act(&json!({ "do": "reset_faults" }));
    lane.until_shown("reset", |v| !has_fault(v, "wrong_way") && v["phase"] == "idle");
    lane.check(lane.opens() == 0, "nothing was opened");
    lane.finish();
}
