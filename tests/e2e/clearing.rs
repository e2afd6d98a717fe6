//! Trucks that clear, and trucks that wait for what is missing.

use super::lane::{Lane, check_of, did, is_fault, moved};
use super::parts::{get_json, post_ok};
use super::site::{GROSS_KG, TARE_KG, Wishes, declaration, unconfirmed};
use serde_json::{Value, json};

/// The passage that a cleared truck leaves in the ledger, in order.
fn assert_cleared_passage(lane: &Lane, lane_would: &str) {
    let records = lane.records();
    let at = |what: &str, is: &dyn Fn(&Value) -> bool| {
        records.iter().position(is).unwrap_or_else(|| panic!("{what} is not in the ledger: {records:#?}"))
    };
    let order = [
        at("passage opened", &|r| r["kind"] == "passage_opened"),
        at("permit granted", &|r| r["kind"] == "permit_granted" && r["lane_would"] == lane_would),
        at("admitting up", &|r| moved(r, "admitting_up")),
        at("vehicle entered", &|r| did(r, "vehicle_entered")),
        at("permit ended", &|r| r["kind"] == "permit_ended" && r["end"] == "vehicle_clear"),
        at("passage ended", &|r| r["kind"] == "passage_ended" && r["end"] == "passed"),
    ];
    lane.check(order.is_sorted(), &format!("the records of the passage are in order: {order:?}"));
    lane.check(lane.opens() == 1, "the device was told to open once");
    lane.check(lane.happened("boom_up") == 1 && lane.happened("boom_down") == 1, "the boom went up and down once");
    lane.check(!lane.said(|r| is_fault(r, "tailgate", true) || is_fault(r, "uncommanded_movement", true)), "nothing was alarmed");
}

#[test]
fn an_unread_plate_is_named_by_an_officer_and_the_truck_clears() {
    let lane = Lane::start(Wishes::default(), &[declaration("D1", "12C-123.45", json!({}))]);
    lane.truck("12C-123.45", json!({}));
    lane.until_shown("the lane calls an officer: it cannot read", |v| {
        v["phase"] == "held" && v["at_boom"]["called_ms"].is_number() && check_of(v, "plate_read")["result"] == "unknown"
    });
    lane.check(lane.opens() == 0, "nothing opens for a plate that nobody read");
    lane.name_plates("12C-123.45", "12C-123.45");
    lane.until_ended("passed");
    let act = lane.until_said("the correction", |r| r["kind"] == "act" && r["act"]["do"] == "correct_plate");
    lane.check(act["by"]["id"] == "lan.nguyen" && act["outcome"] == "accepted" && act["lane_would"] == "hold", "who named the plate");
    lane.check(lane.screen.showed(|v| v["sign"] == "go"), "the driver was told to go");
    lane.check(lane.screen.showed(|v| check_of(v, "plate_read")["facts"]["by_officer"] == true), "the screen says who read");
    let idle = lane.until_idle();
    lane.check(idle["sign"] == "come", "the sign asks for the next one");
    assert_cleared_passage(&lane, "pass");
    lane.finish();
}

#[test]
fn a_missing_confirmation_holds_names_the_agency_and_clears_by_itself_when_it_comes() {
    let lane = Lane::start(Wishes::default(), &[declaration("D1", "12C-123.45", unconfirmed())]);
    lane.truck("12C-123.45", json!({}));
    lane.name_plates("12C-123.45", "12C-123.45");
    let held = lane.until_shown("held for the plant quarantine alone", |v| {
        v["phase"] == "held" && v["sign"] == "wait_confirmation" && check_of(v, "confirmations")["facts"]["missing"] == json!(["plant"])
    });
    lane.check(held["boom"] == "down" && lane.opens() == 0, "the boom stays down");
    let gross = held["at_boom"]["gross_grams"].as_i64().unwrap_or(0);
    lane.check((gross - GROSS_KG * 1000).abs() <= 40_000, &format!("the truck is weighed: {gross}"));
    post_ok(&lane.centre_url("/declarations/D1/confirm"), &json!({ "agency": "plant", "result": "pass", "required": true }));
    lane.until_ended("passed");
    lane.until_idle();
    assert_cleared_passage(&lane, "pass");
    let verdicts: Vec<Value> = lane.records().iter().filter(|r| r["kind"] == "verdict").map(|r| r["outcome"].clone()).collect();
    lane.check(verdicts.contains(&json!("hold")) && verdicts.last() == Some(&json!("pass")), &format!("verdicts {verdicts:?}"));
    let passages = get_json(&lane.screen_url("/api/passages?limit=5"));
    lane.check(passages["passages"][0]["end"] == "passed", &format!("the screen lists the passage: {passages}"));
    lane.finish();
}

#[test]
fn a_declaration_withdrawn_while_held_no_longer_clears() {
    let lane = Lane::start(Wishes::default(), &[declaration("D1", "12C-123.45", unconfirmed())]);
    let truck = lane.truck("12C-123.45", json!({}));
    lane.name_plates("12C-123.45", "12C-123.45");
    lane.until_shown("held for a confirmation", |v| v["phase"] == "held" && v["sign"] == "wait_confirmation");
    post_ok(&lane.centre_url("/declarations/D1/withdraw"), &json!({}));
    lane.until_shown("an officer is needed", |v| v["sign"] == "wait_officer" && check_of(v, "active_in_window")["result"] == "failed");
    post_ok(&lane.centre_url("/declarations/D1/confirm"), &json!({ "agency": "plant", "result": "pass", "required": true }));
    lane.until_shown("the confirmation came, and does not help", |v| {
        v["phase"] == "held" && check_of(v, "confirmations")["result"] == "passed" && check_of(v, "active_in_window")["result"] == "failed"
    });
    lane.act(&json!({ "do": "refuse", "reason": { "code": "documents_checked" } }));
    lane.until_shown("the driver is turned back", |v| v["sign"] == "turn_back");
    lane.order(truck, "reverse");
    lane.until_ended("refused");
    lane.check(lane.opens() == 0 && !lane.said(|r| r["kind"] == "permit_granted"), "nothing was opened");
    lane.finish();
}

#[test]
fn an_empty_truck_returns_on_its_tare() {
    let empty = json!({ "trade": "empty_return", "cargo_grams": null, "goods": "" });
    let lane = Lane::start(Wishes::default(), &[declaration("D1", "29H-678.90", empty)]);
    lane.truck("29H-678.90", json!({ "gross_kg": TARE_KG as f64 }));
    lane.name_plates("29H-678.90", "29H-678.90");
    lane.until_ended("passed");
    lane.until_idle();
    assert_cleared_passage(&lane, "pass");
    lane.finish();
}

#[test]
fn a_lane_whose_broker_is_cut_for_the_whole_passage_clears_and_is_drained_later() {
    let mut lane = Lane::start(Wishes::default(), &[declaration("D1", "12C-123.45", json!({}))]);
    lane.until("everything so far is at the centre", |lane| (lane.records() == lane.at_centre()).then_some(()));
    let before = lane.at_centre().len();
    lane.cut_broker();
    lane.until_shown("the link is down", |v| v["link_up"] == false);
    lane.truck("12C-123.45", json!({}));
    lane.name_plates("12C-123.45", "12C-123.45");
    lane.until_ended("passed");
    lane.until_idle();
    lane.check(lane.screen.showed(|v| check_of(v, "not_claimed")["result"] == "waived"), "claims of other lanes are waived, and shown so");
    lane.check(lane.at_centre().len() == before, "nothing of it is at the centre");
    lane.check(lane.screen.now()["link"]["waiting_records"].as_u64() > Some(5), "the screen says how much waits");
    assert_cleared_passage(&lane, "pass");
    lane.mend_broker();
    lane.until_said("the link is back", |r| is_fault(r, "centre_link_lost", false));
    lane.until("the passage is at the centre", |lane| {
        lane.at_centre().iter().any(|r| r["kind"] == "passage_ended" && r["end"] == "passed").then_some(())
    });
    lane.finish();
}
