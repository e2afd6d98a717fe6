//! A real journald, in a mount namespace of its own: what it stores is asked of `journalctl`.
//!
//! The test starts itself again inside the namespace, with standard error connected as systemd connects it. Skipped, and said, where namespaces are
//! not allowed or journald is not installed.

use super::{start, tell, tell_opened};
use lane_core::fault::Fault;
use lane_core::ids::{LedgerId, PassageId};
use lane_core::input::Camera;
use lane_core::plate::PlateText;
use lane_core::record::{PassageEnd, Record, What};
use lane_core::time::{Mono, Wall};
use std::path::Path;
use std::process::Command;

const NAME: &str = "runtime::journal::tests::the_journal_stores_lane_passage_fault_plate_and_priority_as_fields";
const JOURNALD: &str = "/lib/systemd/systemd-journald";
const INSIDE: &str = "BORDERLANE_TEST_IN_JOURNAL";
const PASSAGE: PassageId = PassageId { ledger: LedgerId(0xabc), seq: 17 };

/// A `/run` of its own, journald on it, this test once more, and what the journal holds then.
const SCRIPT: &str = r#"
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/log/journal
/lib/systemd/systemd-journald >"$1/journald.log" 2>&1 &
journald=$!
trap 'kill $journald' EXIT
for _ in $(seq 1 100); do [ -S /run/systemd/journal/socket ] && break; sleep 0.05; done
exec 2>"$1/stderr"
export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2)
"$2" --exact "$3" --nocapture >"$1/stdout"
journalctl --sync >/dev/null || true
for _ in $(seq 1 100); do
  journalctl --no-pager --output=json LANE=L3 >"$1/lines"
  if grep -q 'a passage ended' "$1/lines"; then break; fi
  sleep 0.05
done
"#;

fn record(what: What) -> Record {
    Record { at: Mono(1), wall: Wall::UNKNOWN, passage: Some(PASSAGE), what }
}

fn inside() {
    start("info", "L3");
    tell_opened(PASSAGE);
    let text = PlateText::parse("12C12345").unwrap();
    let read = What::PlateRead { camera: Camera::Front, text, probability_ppm: 1, frames: 1, picture: None, acquired_at: Mono(1) };
    tell(&record(read));
    tell(&record(What::Fault { fault: Fault::UncommandedMovement, raised: true }));
    tell(&record(What::Fault { fault: Fault::PhotocellBlind, raised: true }));
    tell(&record(What::PassageEnded { end: PassageEnd::Passed, stages_ms: [None; 3] }));
}

#[test]
fn the_journal_stores_lane_passage_fault_plate_and_priority_as_fields() {
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    if !Path::new(JOURNALD).exists() {
        eprintln!("skipped: {JOURNALD} is not installed");
        return;
    }
    let allowed = Command::new("unshare").args(["--mount", "--propagation", "private", "true"]).output();
    if !allowed.is_ok_and(|tried| tried.status.success()) {
        eprintln!("skipped: a mount namespace is not allowed here (root is needed)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let own = std::env::current_exe().unwrap();
    let ran = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "bash", "-c", SCRIPT, "bash"])
        .args([folder.path().as_os_str(), own.as_os_str(), NAME.as_ref()])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let file = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    assert!(ran.status.success(), "{}{}{}", file("journald.log"), file("stderr"), file("stdout"));
    let lines: Vec<serde_json::Value> = file("lines").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = |message: &str| {
        let found = lines.iter().find(|line| line["MESSAGE"].as_str() == Some(message));
        found.unwrap_or_else(|| panic!("no {message:?} in {lines:#?}\n{}", file("stderr")))
    };
    let passage = lane_link::ids::passage_text(PASSAGE);
    let blocked = line("a fault was raised: the lane is blocked");
    let field = |line: &serde_json::Value, name: &str| line[name].as_str().map(str::to_owned);
    for (name, value) in [("LANE", "L3"), ("PASSAGE", &passage), ("FAULT", "uncommanded_movement"), ("PRIORITY", "3")] {
        assert_eq!(field(blocked, name).as_deref(), Some(value), "{name}");
    }
    let blind = line("a fault was raised");
    assert_eq!((field(blind, "FAULT").as_deref(), field(blind, "PRIORITY").as_deref()), (Some("photocell_blind"), Some("4")));
    let read = line("a plate was read");
    assert_eq!((field(read, "PLATE").as_deref(), field(read, "CAMERA").as_deref()), (Some("12C12345"), Some("front")));
    assert_eq!(field(line("a passage began"), "PASSAGE").as_deref(), Some(passage.as_str()));
    assert_eq!(field(line("a passage ended"), "END").as_deref(), Some("passed"));
    assert!(file("stderr").is_empty(), "nothing goes to standard error beside the journal: {}", file("stderr"));
}
