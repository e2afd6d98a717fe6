//! Every way a command can be wrong, against one that is right.

use super::*;
use crate::hex_bytes::HexBytes;
use crate::keys::{KeyEntry, KeyList, KeyPurpose, ROOT_KEY_ID};
use ed25519_dalek::SigningKey;

const NOW: i64 = 10_000;
const CHALLENGE: Hex16 = HexBytes([7; 16]);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn ring() -> KeyRing {
    let entry = |id: &str, seed: u8, purpose| KeyEntry {
        key_id: id.into(),
        public_key: HexBytes(key(seed).verifying_key().to_bytes()),
        purpose,
        holder: id.into(),
        not_before_ms: 0,
        not_after_ms: i64::MAX,
    };
    let keys = vec![entry("cmd-1", 2, KeyPurpose::Command), entry("cmd-2", 3, KeyPurpose::Command), entry("data-1", 4, KeyPurpose::Data)];
    let list = KeyList { site: name("site"), version: 1, issued_ms: 0, keys, epochs: BTreeMap::new() };
    let mut ring = KeyRing::pinned(name("site"), &HexBytes(key(1).verifying_key().to_bytes())).unwrap();
    let domain = Domain::site(What::KeyList, &name("site"));
    ring.import(&Envelope::seal(&list, &domain, ROOT_KEY_ID, &key(1)).unwrap()).unwrap();
    ring
}

fn command() -> Command {
    Command {
        id: "c-1".into(),
        lane: name("lane-1"),
        passage: Some("p-1".into()),
        view_stamp: None,
        challenge: CHALLENGE,
        not_before_ms: NOW - 1_000,
        expires_ms: NOW + 1_000,
        by: CommandPerson { id: "an".into(), agency: "border_guard".into(), role: CommandRole::Supervisor },
        act: CommandAct::OpenOnce { reason: CommandReason { code: CommandReasonCode::Ordered, text: String::new() } },
    }
}

fn domain() -> Domain {
    Domain::lane(What::Command, &name("site"), &name("lane-1"))
}

fn sealed(command: &Command) -> Envelope {
    Envelope::seal(command, &domain(), "cmd-1", &key(2)).unwrap()
}

fn judge_at(bytes: &[u8], retained: bool, now_ms: Option<i64>, two: bool) -> Result<Accepted, Refusal> {
    let ring = ring();
    let lane = name("lane-1");
    let gate = CommandGate { ring: &ring, lane: &lane, challenge: CHALLENGE, passage: Some("p-1"), now_ms, open_needs_two_keys: two };
    gate.judge(bytes, retained).map_err(|r| r.why)
}

fn judge(command: &Command) -> Result<Accepted, Refusal> {
    judge_at(&sealed(command).to_bytes(), false, Some(NOW), false)
}

#[test]
fn a_good_command_is_accepted() {
    assert_eq!(judge(&command()).unwrap().command, command());
}

#[test]
fn every_wrong_field_names_its_refusal() {
    let with = |change: fn(&mut Command)| {
        let mut command = command();
        change(&mut command);
        judge(&command).unwrap_err()
    };
    assert_eq!(with(|c| c.lane = name("lane-2")), Refusal::OtherLane);
    assert_eq!(with(|c| c.challenge = HexBytes([8; 16])), Refusal::OldChallenge);
    assert_eq!(with(|c| c.not_before_ms = NOW + 1), Refusal::TooEarly);
    assert_eq!(with(|c| c.expires_ms = NOW), Refusal::Expired);
    assert_eq!(with(|c| c.expires_ms = NOW + MAX_COMMAND_LIFE_MS), Refusal::Expired);
    assert_eq!(with(|c| c.expires_ms = i64::MAX), Refusal::Expired);
    assert_eq!(with(|c| c.passage = Some("p-2".into())), Refusal::OtherPassage);
    assert_eq!(with(|c| c.passage = None), Refusal::OtherPassage);
    assert_eq!(with(|c| c.id = String::new()), Refusal::NotUnderstood);
    assert_eq!(with(|c| c.id = "x".repeat(65)), Refusal::NotUnderstood);
}

#[test]
fn retained_unsigned_wrongly_signed_and_timeless_commands_are_refused() {
    let good = sealed(&command());
    assert_eq!(judge_at(&good.to_bytes(), true, Some(NOW), false), Err(Refusal::Retained));
    assert_eq!(judge_at(&good.to_bytes(), false, None, false), Err(Refusal::ClockUnknown));
    assert_eq!(judge_at(b"{}", false, Some(NOW), false), Err(Refusal::Malformed));
    assert_eq!(judge_at(&vec![b' '; MAX_COMMAND_BYTES + 1], false, Some(NOW), false), Err(Refusal::Malformed));
    let by_data_key = Envelope::seal(&command(), &domain(), "data-1", &key(4)).unwrap();
    assert_eq!(judge_at(&by_data_key.to_bytes(), false, Some(NOW), false), Err(Refusal::BadSignature));
    let by_stranger = Envelope::seal(&command(), &domain(), "cmd-1", &key(9)).unwrap();
    assert_eq!(judge_at(&by_stranger.to_bytes(), false, Some(NOW), false), Err(Refusal::BadSignature));
    let other_lane = Domain::lane(What::Command, &name("site"), &name("lane-2"));
    let moved = Envelope::seal(&command(), &other_lane, "cmd-1", &key(2)).unwrap();
    assert_eq!(judge_at(&moved.to_bytes(), false, Some(NOW), false), Err(Refusal::BadSignature));
}

#[test]
fn fields_and_acts_that_are_not_known_are_refused() {
    for (path, value) in [("extra", serde_json::json!(1)), ("act", serde_json::json!({"open_for_ever": {}}))] {
        let mut json = serde_json::to_value(command()).unwrap();
        json[path] = value;
        let envelope = Envelope::seal(&json, &domain(), "cmd-1", &key(2)).unwrap();
        assert_eq!(judge_at(&envelope.to_bytes(), false, Some(NOW), false), Err(Refusal::NotUnderstood), "{path}");
    }
    let mut json = serde_json::to_value(command()).unwrap();
    json["act"]["open_once"]["twice"] = true.into();
    let envelope = Envelope::seal(&json, &domain(), "cmd-1", &key(2)).unwrap();
    assert_eq!(judge_at(&envelope.to_bytes(), false, Some(NOW), false), Err(Refusal::NotUnderstood));
}

#[test]
fn two_keys_are_two_different_keys() {
    let one = sealed(&command());
    assert_eq!(judge_at(&one.to_bytes(), false, Some(NOW), true), Err(Refusal::NeedsTwoKeys));
    let same = one.clone().also_sign(&domain(), "cmd-1", &key(2)).unwrap();
    assert_eq!(judge_at(&same.to_bytes(), false, Some(NOW), true), Err(Refusal::Malformed));
    let two = one.also_sign(&domain(), "cmd-2", &key(3)).unwrap();
    assert_eq!(judge_at(&two.to_bytes(), false, Some(NOW), true).unwrap().signers, ["cmd-1", "cmd-2"]);
}

#[test]
fn a_mode_needs_no_passage() {
    let reason = CommandReason { code: CommandReasonCode::Ordered, text: String::new() };
    let set = Command { act: CommandAct::SetMode { mode: CommandMode::Closed, reason }, passage: None, ..command() };
    assert!(judge(&set).is_ok());
}

#[test]
fn a_flood_of_refusals_is_one_record_and_then_one_a_minute() {
    let mut log = RefusalLog::default();
    let refused = |why| Refused { why, id: None };
    assert_eq!(log.note(refused(Refusal::Expired), 0).unwrap().count, 1);
    for at in 1..=500 {
        assert_eq!(log.note(refused(Refusal::Expired), at), None);
    }
    assert_eq!(log.note(refused(Refusal::Replayed), 501).unwrap().count, 1);
    assert_eq!(log.due(59_999), vec![]);
    assert_eq!(log.due(60_000), vec![RefusalRecord { why: Refusal::Expired, count: 500, id: None }]);
    assert_eq!(log.due(120_000), vec![]);
    assert_eq!(log.note(refused(Refusal::Expired), 120_001).unwrap().count, 1);
}
