//! Weights that say no, and weights that say nothing.

use super::lane::{Lane, check_of, has_fault, is_fault};
use super::site::{Wishes, declaration};
use serde_json::json;

#[test]
fn cargo_heavier_than_declared_is_held_with_the_figures() {
    let lane = Lane::start(Wishes::default(), &[declaration("D1", "12C-123.45", json!({}))]);
    let truck = lane.truck("12C-123.45", json!({ "gross_kg": 21_000.0 }));
    lane.name_plates("12C-123.45", "12C-123.45");
    let held =
        lane.until_shown("held for the weight", |v| v["sign"] == "wait_officer" && check_of(v, "cargo_weight")["result"] == "failed");
    let facts = &check_of(&held, "cargo_weight")["facts"];
    let gross = facts["gross_grams"].as_i64().unwrap_or(0);
    lane.check((gross - 21_000_000).abs() <= 40_000, &format!("gross {gross}"));
    lane.check(facts["declared_grams"] == 8_000_000 && facts["tare_grams"] == 10_000_000, &format!("the figures are there: {facts}"));
    let others = held["at_boom"]["verdict"]["checks"].as_array().unwrap().iter().filter(|c| c["leads_to"] != "pass").count();
    lane.check(others == 1 && held["phase"] == "held", "nothing else is wrong");
    lane.act(&json!({ "do": "divert", "reason": { "code": "ordered" } }));
    lane.until_shown("the driver is diverted", |v| v["sign"] == "divert");
    lane.order(truck, "reverse");
    lane.until_ended("diverted");
    lane.check(lane.said(|r| r["kind"] == "weighed") && lane.opens() == 0, "weighed, not opened");
    lane.finish();
}

#[test]
fn two_vehicles_on_the_scale_are_nobodys_weight() {
    let lane = Lane::start(Wishes::default(), &[declaration("D1", "12C-123.45", json!({}))]);
    // The wind shakes the first one until the second stands there, too.
    lane.knob_at("scale_unstable", 800.0);
    lane.truck("12C-123.45", json!({ "length_m": 7.0 }));
    lane.until_world("the first is on the platform", |w| w["vehicles"][0]["tail_m"].as_f64().is_some_and(|m| m > 7.0));
    let second = lane.truck("29H-678.90", json!({ "length_m": 7.0, "gross_kg": 8000.0 }));
    lane.until_shown("two vehicles are told apart", |v| v["at_boom"].is_object() && v["approaching"].is_object());
    lane.until_world("both stand on the platform", |w| {
        w["vehicles"].as_array().is_some_and(|all| all.len() == 2 && all.iter().all(stands_on_platform))
    });
    lane.knob("scale_unstable", false);
    lane.name_plates("12C-123.45", "12C-123.45");
    let held = lane.until_shown("held: the weight is nobody's", |v| {
        let weight = check_of(v, "cargo_weight");
        v["phase"] == "held" && weight["result"] == "unknown" && weight["facts"]["why_unknown"] == "several_vehicles"
    });
    lane.check(held["at_boom"]["gross_grams"].is_null() && lane.opens() == 0, "no number, no opening");
    lane.check(!lane.said(|r| r["kind"] == "weighed"), "no weighing in the ledger");
    lane.until_said("the ledger says why", |r| r["kind"] == "not_weighed");
    lane.order(second, "stop");
    lane.finish();
}

fn stands_on_platform(vehicle: &serde_json::Value) -> bool {
    vehicle["speed_m_s"].as_f64().is_some_and(|v| v < 0.01) && vehicle["tail_m"].as_f64().is_some_and(|m| m > 6.0)
}

#[test]
fn a_silent_scale_is_no_weight_and_an_officer_opens_with_the_reason() {
    let lane = Lane::start(Wishes::default(), &[declaration("D1", "12C-123.45", json!({}))]);
    lane.knob("scale_silent", true);
    lane.until_shown("the scale is known silent", |v| has_fault(v, "scale_silent"));
    lane.truck("12C-123.45", json!({}));
    lane.name_plates("12C-123.45", "12C-123.45");
    let held = lane.until_shown("held without a weight", |v| v["phase"] == "held" && check_of(v, "cargo_weight")["result"] == "unknown");
    lane.check(held["at_boom"]["gross_unknown"] == "silent" && held["at_boom"]["gross_grams"].is_null(), "silent is no number");
    lane.check(lane.opens() == 0, "unknown never counts as passed");
    lane.act(&json!({ "do": "open", "reason": { "code": "device_fault", "text": "đầu cân không gửi dữ liệu" } }));
    lane.until_ended("passed");
    let permit = lane.until_said("the permit", |r| r["kind"] == "permit_granted");
    lane.check(
        permit["lane_would"] == "hold" && permit["by"]["id"] == "lan.nguyen" && lane.opens() == 1,
        "by a named person, against the lane",
    );
    lane.check(
        lane.said(|r| is_fault(r, "scale_silent", true)) && lane.said(|r| r["kind"] == "not_weighed" && r["why"] == "silent"),
        "in the ledger",
    );
    lane.knob("scale_silent", false);
    lane.until_shown("it speaks again", |v| !has_fault(v, "scale_silent"));
    lane.finish();
}
