//! The I/O module out of reach, the daemon killed, the disk full.

use super::lane::{Lane, did, has_fault, is_fault};
use super::site::{Wishes, declaration};
use serde_json::json;

#[test]
fn modbus_cut_while_idle_is_a_hold_that_heals() {
    let lane = Lane::start(Wishes::default(), &[declaration("D1", "12C-123.45", json!({}))]);
    lane.knob("module0_freeze", true);
    let held = lane.until_shown("the link is known lost", |v| has_fault(v, "barrier_link_hold"));
    lane.check(!has_fault(&held, "barrier_link_lost"), "with the boom down and nobody there it is a hold");
    let boom = held["signals"].as_array().and_then(|s| s.iter().find(|s| s["name"] == "boom_down")).cloned().unwrap_or_default();
    lane.check(boom["on"].is_null(), &format!("what is not known is not shown: {boom}"));
    lane.knob("module0_freeze", false);
    lane.until_shown("healed by itself", |v| !has_fault(v, "barrier_link_hold") && v["phase"] == "idle");
    lane.truck("12C-123.45", json!({}));
    lane.name_plates("12C-123.45", "12C-123.45");
    lane.until_ended("passed");
    lane.until_idle();
    lane.check(
        lane.said(|r| is_fault(r, "barrier_link_hold", true)) && lane.said(|r| is_fault(r, "barrier_link_hold", false)),
        "in the ledger",
    );
    lane.check(lane.opens() == 1, "one opening");
    lane.finish();
}

#[test]
fn modbus_cut_while_opening_blocks_until_a_person_looked() {
    let lane = Lane::start(Wishes::default(), &[declaration("D1", "12C-123.45", json!({}))]);
    lane.knob_at("boom_slow", 4.0);
    lane.truck("12C-123.45", json!({ "reaction_ms": 600_000 }));
    lane.name_plates("12C-123.45", "12C-123.45");
    lane.until_world("the boom rises", |w| w["boom"]["angle_deg"].as_f64().is_some_and(|a| a > 5.0));
    lane.knob("module0_freeze", true);
    lane.until_shown("blocked", |v| has_fault(v, "barrier_link_lost") && v["phase"] == "faulted");
    lane.until_said("the permit ended", |r| r["kind"] == "permit_ended" && r["end"] == "fault");
    lane.knob("module0_freeze", false);
    lane.knob("boom_slow", false);
    lane.until("the signals are known again", |lane| {
        let view = lane.view();
        let known = view["signals"].as_array().is_some_and(|all| all.iter().all(|s| s["on"].is_boolean() || s["present"] == false));
        known.then_some(())
    });
    std::thread::sleep(std::time::Duration::from_secs(2));
    lane.check(has_fault(&lane.view(), "barrier_link_lost"), "it does not heal by itself");
    lane.act(&json!({ "do": "reset_faults" }));
    lane.until_shown("reset by a person", |v| !has_fault(v, "barrier_link_lost"));
    lane.check(lane.opens() == 1 && lane.count(|r| r["kind"] == "permit_granted") == 1, "the reset opened nothing");
    lane.finish();
}

#[test]
fn a_daemon_killed_with_the_boom_open_starts_with_a_fault_and_a_spent_permit() {
    let wishes = Wishes { boom: "close_if_unused_ms = 20000\n", ..Wishes::default() };
    let mut lane = Lane::start(wishes, &[declaration("D1", "12C-123.45", json!({}))]);
    lane.truck("12C-123.45", json!({ "reaction_ms": 600_000 }));
    lane.name_plates("12C-123.45", "12C-123.45");
    lane.until_said("the boom is up", |r| did(r, "boom_up"));
    let first = lane.until_said("the permit", |r| r["kind"] == "permit_granted")["passage"].clone();
    lane.kill_daemon();
    lane.until_world("the module's watchdog let go", |w| w["modules"][0]["watchdog"] == "expired");
    lane.start_daemon();
    let view = lane.until_shown("boom open at start", |v| has_fault(v, "boom_open_at_start"));
    lane.check(view["phase"] == "faulted", "nothing moves");
    let lost = lane.until_ended("power_lost");
    lane.check(lost["passage"] == first && first.is_string(), "the passage of before ended");
    lane.login();
    lane.act(&json!({ "do": "close_boom" }));
    lane.until_shown("one touch answers it", |v| !has_fault(v, "boom_open_at_start"));
    lane.until_shown("the board closes it, the truck is a new passage", |v| {
        v["boom"] == "down" && v["at_boom"]["passage"].is_string() && v["at_boom"]["passage"] != lost["passage"]
    });
    lane.name_plates("12C-123.45", "12C-123.45");
    lane.until_shown("its weight does not count: it stood there at the start", |v| {
        v["phase"] == "held" && v["at_boom"]["gross_unknown"] == "not_zero_before"
    });
    lane.check(lane.opens() == 1 && lane.count(|r| r["kind"] == "permit_granted") == 1, "the old permit opens nothing");
    lane.finish();
}

/// A small disk of its own, where mounting is allowed.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let done = std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(dir.path()).output();
        if done.is_ok_and(|done| done.status.success()) {
            return Some(Self(dir));
        }
        eprintln!("skipped: a small disk cannot be mounted here (needs root)");
        None
    }

    fn fill(&self) {
        let chunk = vec![0_u8; 4096];
        let mut file = std::fs::File::create(self.0.path().join("ballast")).unwrap();
        while std::io::Write::write_all(&mut file, &chunk).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.0.path().join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_opens_nothing_until_there_is_room() {
    let Some(disk) = SmallDisk::mount() else { return };
    let wishes = Wishes { state: Some(disk.0.path().join("state")), ..Wishes::default() };
    let lane = Lane::start(wishes, &[declaration("D1", "12C-123.45", json!({}))]);
    lane.truck("12C-123.45", json!({}));
    lane.until_shown("the truck is there, weighed", |v| v["at_boom"]["passage"].is_string() && v["at_boom"]["gross_grams"].is_number());
    disk.fill();
    lane.name_plates("12C-123.45", "12C-123.45");
    let view = lane.until_shown("the store cannot commit", |v| v["store_ok"] == false && has_fault(v, "store_failed"));
    lane.check(view["boom"] == "down", "the boom stays down");
    std::thread::sleep(std::time::Duration::from_secs(3));
    lane.check(lane.opens() == 0, "no record, no opening");
    disk.free();
    lane.until_shown("there is room again", |v| v["store_ok"] == true && !has_fault(v, "store_failed"));
    lane.until_said("the fault is in the ledger afterwards", |r| is_fault(r, "store_failed", true));
    lane.until_ended("passed");
    lane.until_idle();
    lane.check(lane.opens() == 1, "then it opened once");
    // What the black box was given while the disk was full may be missing; then it says so.
    lane.finish_with_a_hole();
}
