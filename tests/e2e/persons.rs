//! What persons do: override, Stop, and an act on what is no longer so.

use super::lane::{Lane, check_of, is_fault};
use super::parts::{post, post_ok};
use super::site::{Wishes, declaration, unconfirmed};
use serde_json::json;

#[test]
fn an_override_carries_person_reason_and_what_the_lane_would_have_done() {
    let lane = Lane::start(Wishes::default(), &[declaration("D1", "12C-123.45", unconfirmed())]);
    lane.truck("12C-123.45", json!({}));
    lane.name_plates("12C-123.45", "12C-123.45");
    let view = lane.until_shown("held, weighed", |v| v["phase"] == "held" && v["sign"] == "wait_confirmation");
    let nobody = json!({ "id": "e2e-nobody-1", "passage": view["at_boom"]["passage"], "view_stamp": view["stamp"],
        "act": { "do": "open", "reason": { "code": "confirmed_outside" } } });
    let refused = post(&lane.screen_url("/api/act"), None, &nobody);
    lane.check(refused.status == 401 && refused.body["error"] == "login_needed", "nobody opens without a login");
    lane.check(lane.act_on(&view, &json!({ "do": "open", "reason": { "code": "other" } })) == "reason_missing", "a reason is asked for");
    lane.check(lane.opens() == 0, "nothing opened so far");
    lane.act(&json!({ "do": "open", "reason": { "code": "confirmed_outside", "text": "đã xác nhận qua điện thoại" } }));
    lane.until_ended("passed");
    lane.until_idle();
    let act = lane.until_said("the act", |r| r["kind"] == "act" && r["act"]["do"] == "open" && r["outcome"] == "accepted");
    let person_and_reason =
        act["by"]["id"] == "lan.nguyen" && act["by"]["agency"] == "customs" && act["act"]["reason"]["code"] == "confirmed_outside";
    lane.check(
        person_and_reason && act["lane_would"] == "hold" && act["origin"] == "lane",
        "person, reason, and what the lane would have done",
    );
    let permit = lane.until_said("the permit", |r| r["kind"] == "permit_granted");
    lane.check(
        permit["lane_would"] == "hold" && permit["by"]["id"] == "lan.nguyen" && permit["act"] == act["id"],
        "the permit names the act",
    );
    lane.check(permit["passage"] == act["passage"] && permit["declarations"][0]["id"] == "D1", "and what it was decided on");
    lane.check(lane.opens() == 1, "the device was told to open once");
    lane.finish();
}

#[test]
fn an_override_decided_on_another_view_is_refused() {
    let lane =
        Lane::start(Wishes::default(), &[declaration("D1", "12C-123.45", unconfirmed()), declaration("D2", "29H-678.90", unconfirmed())]);
    let first = lane.truck("12C-123.45", json!({}));
    lane.name_plates("12C-123.45", "12C-123.45");
    let seen = lane.until_shown("the first is held", |v| v["phase"] == "held" && v["sign"] == "wait_confirmation");
    let red = declaration("D1", "12C-123.45", json!({ "channel": "red", "confirmations": unconfirmed()["confirmations"] }));
    post_ok(&lane.centre_url("/declarations"), &json!([red]));
    lane.until_shown("the channel turned red", |v| check_of(v, "channel")["result"] == "failed");
    let open = json!({ "do": "open", "reason": { "code": "documents_checked" } });
    lane.check(lane.act_on(&seen, &open) == "passage_changed", "what was decided on changed");
    lane.order(first, "reverse");
    lane.until_ended("diverted");
    lane.truck("29H-678.90", json!({}));
    lane.name_plates("29H-678.90", "29H-678.90");
    let second = lane.until_shown("the second is held", |v| v["phase"] == "held" && v["at_boom"]["passage"] != seen["at_boom"]["passage"]);
    lane.check(lane.act_on(&seen, &open) == "passage_changed", "another vehicle stands there");
    let refused = |r: &serde_json::Value| r["kind"] == "act" && r["act"]["do"] == "open" && r["outcome"] == "passage_changed";
    lane.until("both are in the ledger", |lane| (lane.count(refused) == 2).then_some(()));
    lane.check(second["boom"] == "down" && lane.opens() == 0 && !lane.said(|r| r["kind"] == "permit_granted"), "nothing opened");
    lane.finish();
}

#[test]
fn stop_beats_the_opening_and_wants_a_person() {
    let lane = Lane::start(Wishes::default(), &[declaration("D1", "12C-123.45", json!({}))]);
    lane.knob_at("boom_slow", 6.0);
    lane.truck("12C-123.45", json!({}));
    lane.name_plates("12C-123.45", "12C-123.45");
    lane.until_world("the boom rises", |w| w["boom"]["angle_deg"].as_f64().is_some_and(|a| a > 5.0));
    lane.press_stop();
    let stopped = lane.until_shown("stopped", |v| v["stop_latched"] == true && v["phase"] == "faulted");
    lane.check(stopped["sign"] == "stop", "the driver is told to stop");
    lane.until("the device was told to stop", |lane| lane.stop_writes().contains(&0xFF00).then_some(()));
    let at = lane.world()["boom"]["angle_deg"].as_f64().unwrap_or(0.0);
    lane.check(at < 85.0, &format!("the boom stands on its way: {at}"));
    lane.until_said("the permit ended by Stop", |r| r["kind"] == "permit_ended" && r["end"] == "stop");
    lane.until_said("Stop is in the ledger", |r| is_fault(r, "stop_latched", true));
    let agree = lane.view();
    lane.check(lane.act_on(&agree, &json!({ "do": "agree" })) != "accepted", "nothing opens while Stop is latched");
    lane.knob("boom_slow", false);
    lane.act(&json!({ "do": "reset_faults" }));
    lane.until_said("the reset", |r| is_fault(r, "stop_latched", false));
    lane.until("the stop contact is released", |lane| (lane.stop_writes().last() == Some(&0)).then_some(()));
    lane.check(lane.opens() == 1 && lane.count(|r| r["kind"] == "permit_granted") == 1, "Stop's reset opens nothing by itself");
    lane.finish();
}
