//! With cameras: the plate is read from the stream, nobody touches anything.

use super::lane::{Lane, did, has_fault, is_fault};
use super::parts::{get, root};
use super::site::{Wishes, declaration};
use serde_json::json;
use std::path::PathBuf;

/// A photo of a truck's front among the real ones, and its plate as labelled.
const PHOTO: (&str, &str) = ("littlerain2310_074.jpg", "29C80581");

/// The worker and its models, or a word why not.
fn vision_is_there() -> bool {
    let worker = std::path::Path::new(env!("CARGO_BIN_EXE_borderlane")).with_file_name("borderlane-vision");
    let models = root().join("models/manifest.json");
    for path in [&worker, &models] {
        if !path.exists() {
            eprintln!("skipped: {} is not there", path.display());
            return false;
        }
    }
    true
}

/// The folder of real photos, or a word why not.
fn real_photos() -> Option<PathBuf> {
    let data = std::env::var_os("BORDERLANE_DATA").map_or_else(|| root().join("../shared/data"), PathBuf::from);
    let folder = data.join("plates/vn/images");
    if folder.join(PHOTO.0).exists() {
        return Some(folder.canonicalize().unwrap());
    }
    eprintln!("skipped: {} is not there", folder.join(PHOTO.0).display());
    None
}

fn with_cameras() -> Wishes {
    Wishes { cameras: true, timing: "identify_deadline_ms = 20000\n", ..Wishes::default() }
}

#[test]
fn a_cleared_truck_passes_untouched() {
    if !vision_is_there() {
        return;
    }
    let lane = Lane::start(with_cameras(), &[declaration("D1", "12C-123.45", json!({}))]);
    lane.until_shown("both cameras are up", |v| v["cameras"] == json!(["ok", "ok"]));
    lane.truck("12C-123.45", json!({ "speed_m_s": 3.0 }));
    lane.until_ended("passed");
    lane.until_idle();
    lane.check(!lane.said(|r| r["kind"] == "act"), "nobody touched anything");
    let permit = lane.until_said("the permit", |r| r["kind"] == "permit_granted");
    lane.check(
        permit["lane_would"] == "pass" && permit["by"].is_null() && permit["declarations"][0]["id"] == "D1",
        "the lane itself opened",
    );
    let read = lane.until_said("the read", |r| r["kind"] == "plate_read" && r["camera"] == "front");
    lane.check(read["text"] == "12C12345", &format!("read {read}"));
    let picture = lane.records().iter().find_map(|r| r["evidence"].as_str().map(str::to_owned));
    if let Some(digest) = picture {
        let shown = get(&lane.screen_url(&format!("/api/evidence/{digest}"))).unwrap();
        lane.check(shown.status == 200, "the screen shows the picture");
        lane.until("the centre has the picture", |lane| {
            get(&lane.centre_url(&format!("/evidence/{digest}"))).ok().filter(|a| a.status == 200)
        });
    }
    lane.check(lane.opens() == 1 && lane.said(|r| did(r, "vehicle_clear")), "one opening, seen clear");
    lane.finish();
}

#[test]
fn a_truck_passes_on_a_real_photo_of_its_plate() {
    let Some(photos) = real_photos().filter(|_| vision_is_there()) else { return };
    let (photo, plate) = PHOTO;
    let lane = Lane::start(Wishes { photos: Some(photos), ..with_cameras() }, &[declaration("D1", plate, json!({}))]);
    lane.until_shown("both cameras are up", |v| v["cameras"] == json!(["ok", "ok"]));
    lane.truck(plate, json!({ "speed_m_s": 3.0, "front_photo": photo, "rear_photo": photo }));
    lane.until_ended("passed");
    lane.check(!lane.said(|r| r["kind"] == "act"), "nobody touched anything");
    let read = lane.until_said("the read", |r| r["kind"] == "plate_read" && r["camera"] == "front");
    lane.check(read["text"] == plate && lane.opens() == 1, &format!("read {read}, opened once"));
    lane.until_idle();
    lane.finish();
}

#[test]
fn a_frozen_camera_is_found_and_its_plate_is_not_read() {
    if !vision_is_there() {
        return;
    }
    let lane = Lane::start(with_cameras(), &[declaration("D1", "12C-123.45", json!({}))]);
    lane.until_shown("both cameras are up", |v| v["cameras"] == json!(["ok", "ok"]));
    lane.knob("front_frozen", true);
    let view = lane.until_shown("the front camera is known frozen", |v| v["cameras"][0] == "frozen" && has_fault(v, "camera_frozen"));
    lane.check(view["cameras"][1] == "ok", "the other one is not");
    lane.truck("12C-123.45", json!({}));
    lane.until_shown("held: the plate is not read", |v| v["phase"] == "held" && v["at_boom"]["called_ms"].is_number());
    lane.check(lane.opens() == 0, "nothing opened");
    lane.knob("front_frozen", false);
    lane.until_shown("it sees again", |v| v["cameras"][0] == "ok" && !has_fault(v, "camera_frozen"));
    lane.check(lane.said(|r| is_fault(r, "camera_frozen", true)), "in the ledger");
    lane.finish();
}

/// Covered, then turned aside: named on the screen with a picture, sent to the centre, and nothing opens by itself meanwhile.
#[test]
fn a_covered_and_a_moved_camera_are_named_with_pictures_here_and_at_the_centre() {
    if !vision_is_there() {
        return;
    }
    let lane = Lane::start(with_cameras(), &[declaration("D1", "12C-123.45", json!({}))]);
    lane.until_shown("both cameras are up", |v| v["cameras"] == json!(["ok", "ok"]));
    let (code, said) = lane.command(&["camera", "view", "front", "--accept"], "");
    lane.check(code == 0 && said.contains("from now on"), &format!("the view is accepted: {said}"));
    lane.until_said("the view is in the ledger", |r| r["kind"] == "camera_view" && r["camera"] == "front" && r["what"] == "accepted");
    let sight = |lane: &Lane| lane.frame()["cameras"][0].clone();
    lane.until("the screen knows the view", |lane| sight(lane)["accepted"]["picture"].as_str().map(str::to_owned));
    for (knob, word) in [("front_covered", "covered"), ("front_moved", "moved")] {
        lane.knob(knob, true);
        let view = lane.until_shown(word, |v| v["cameras"][0] == word && has_fault(v, "camera_untrusted"));
        lane.check(view["cameras"][1] == "ok", "the other one is well");
        let digest = lane.until("its picture", |lane| sight(lane)["picture"].as_str().map(str::to_owned));
        let shown = get(&lane.screen_url(&format!("/api/evidence/{digest}"))).unwrap();
        lane.check(shown.status == 200, "the screen shows the picture");
        lane.until_said("the record", |r| r["kind"] == "camera_condition" && r["state"] == word && r["picture"] == digest.as_str());
        lane.until("the centre has the picture", |lane| {
            get(&lane.centre_url(&format!("/evidence/{digest}"))).ok().filter(|a| a.status == 200)
        });
        lane.until("the centre's health names it", |lane| {
            let lanes = super::parts::get_json(&lane.centre_url("/api/lanes"));
            let devices = lanes["lanes"][0]["health"]["devices"].as_array().cloned().unwrap_or_default();
            devices.into_iter().find(|d| d["name"] == "front_camera" && d["state"] == word && d["picture"] == digest.as_str())
        });
        if word == "moved" {
            lane.truck("12C-123.45", json!({ "speed_m_s": 3.0 }));
            lane.until_shown("held for an officer", |v| v["phase"] == "held" && v["at_boom"]["called_ms"].is_number());
            lane.check(lane.opens() == 0, "nothing opened by itself");
        }
        lane.knob(knob, false);
        if word == "covered" {
            lane.until_shown("it sees again", |v| v["cameras"][0] == "ok" && !has_fault(v, "camera_untrusted"));
        }
    }
    let (code, said) = lane.command(&["camera", "view", "front", "--undo"], "");
    lane.check(code == 1 && said.contains("no view before"), &format!("there was none before: {said}"));
    lane.finish();
}
