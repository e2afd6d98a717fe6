//! What comes down to a lane over a real broker in somebody else's hands: replicas, keys, commands, answers, claims.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod link_support;

use borderlane::sync::import::{apply_bundle, verify_bundle};
use borderlane::sync::ports::{LaneFacts, SyncInput, SyncReport, SyncRequest};
use ed25519_dalek::SigningKey;
use lane_link::command::{Command, CommandAct, CommandPerson, CommandReason, CommandReasonCode, CommandRole, Refusal};
use lane_link::envelope::{Domain, Envelope, What};
use lane_link::hex_bytes::HexBytes;
use lane_link::keys::{KeyPurpose, KeyRing};
use lane_link::replica::{Change, Collection, Head, Place, ReplicaMessage, Row};
use lane_link::state::LaneState;
use link_support::{Broker, Centre, Kept, Keys, Lane, Stranger, declaration, name, now_ms, site};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;

const DECLARATIONS: &str = "borderlane/v1/huu-nghi/replica/declarations";
const COMMAND: &str = "borderlane/v1/huu-nghi/lane-1/command";

fn rows(kept: &Kept) -> usize {
    kept.rows.get(&Collection::Declarations).map_or(0, std::collections::BTreeMap::len)
}

fn place(kept: &Kept) -> Place {
    kept.copies.get(&Collection::Declarations).map_or(Place::default(), |c| c.0)
}

fn standing(lane: &Lane) -> (usize, Place) {
    let kept = lane.kept();
    (rows(&kept), place(&kept))
}

fn snapshots(kept: &Kept) -> usize {
    kept.snapshots.get(&Collection::Declarations).copied().unwrap_or(0)
}

fn lane(broker: &Broker, keys: &Keys) -> Lane {
    Lane::begin("lane-1", broker.port, keys, Arc::new(Mutex::new(Kept::default())), |_| {})
}

#[tokio::test]
async fn a_declaration_its_confirmation_and_its_withdrawal_reach_the_lane() {
    let broker = Broker::start("");
    let (centre, keys, _) = Centre::start(broker.port).await;
    let mut lane = lane(&broker, &keys);
    lane.until("fresh", |r| matches!(r, SyncReport::Freshness(f) if f.link_up && f.head_utc_ms().is_some()).then_some(())).await;
    let answer = centre.post("/declarations", json!([declaration("D-1", "12C-123.45")])).await;
    assert_eq!(answer, json!({ "rows": 1 }));
    lane.wait("the row", |kept| rows(kept) == 1).await;
    centre.post("/declarations/D-1/confirm", json!({ "agency": "customs", "result": "pass" })).await;
    lane.wait("the confirmation", |kept| kept.rows[&Collection::Declarations]["D-1"]["confirmations"][0]["result"] == "pass").await;
    centre.post("/declarations/D-1/withdraw", json!({})).await;
    lane.wait("the withdrawal", |kept| kept.rows[&Collection::Declarations]["D-1"]["state"] == "withdrawn").await;
    assert_eq!(snapshots(&lane.kept()), 1, "changes came as changes; only the empty collection began as a snapshot");
    let bad = centre.post("/declarations", json!([declaration("D-2", "??")])).await;
    assert!(bad["error"].as_str().unwrap().contains("D-2"), "{bad}");
    centre.post("/watchlist", json!([{ "entry": "W-1", "plate": "29A-1", "action": "hold", "seen_by": "lane" }])).await;
    lane.wait("the watch entry", |kept| kept.rows.get(&Collection::Watchlist).is_some_and(|r| r.contains_key("W-1"))).await;
}

#[tokio::test]
async fn a_gap_is_repaired_by_changes_and_a_long_absence_by_a_snapshot() {
    let broker = Broker::start("");
    let (centre, keys, _) = Centre::start(broker.port).await;
    let mut here = lane(&broker, &keys);
    for n in 1..=5 {
        centre.post("/declarations", json!([declaration(&format!("D-{n}"), "12C12345")])).await;
    }
    here.wait("five rows", |kept| rows(kept) == 5).await;
    let kept = Arc::clone(&here.kept);
    let before = snapshots(&kept.lock().unwrap());
    // Lost on the way: the copy is set back, as if a change had never come.
    drop(here);
    {
        let mut kept = kept.lock().unwrap();
        kept.rows.get_mut(&Collection::Declarations).unwrap().remove("D-5");
        kept.copies.get_mut(&Collection::Declarations).unwrap().0.revision = 4;
    }
    let mut here = Lane::begin("lane-1", broker.port, &keys, kept, |_| {});
    here.wait("the missed row", |kept| rows(kept) == 5).await;
    assert_eq!(snapshots(&here.kept()), before, "a missed change comes as a change");
    let kept = Arc::clone(&here.kept);
    drop(here);
    // More changes than are sent one by one; several parts.
    for chunk in 0..260 {
        let rows: Vec<_> = (0..10).map(|n| declaration(&format!("E-{chunk}-{n}"), "15C00001")).collect();
        centre.post("/declarations", json!(rows)).await;
    }
    let mut here = Lane::begin("lane-1", broker.port, &keys, kept, |_| {});
    here.wait("everything", |kept| rows(kept) == 2_605).await;
    assert_eq!(snapshots(&here.kept()), before + 1);
    assert_eq!(place(&here.kept()), Place { epoch: 1, revision: 265 });
}

#[tokio::test]
async fn a_planted_declaration_is_refused_whoever_signed_it() {
    let broker = Broker::start("");
    let (centre, keys, _) = Centre::start(broker.port).await;
    let mut lane = lane(&broker, &keys);
    centre.post("/declarations", json!([declaration("D-1", "12C12345")])).await;
    lane.wait("the honest row", |kept| rows(kept) == 1).await;
    let mut stranger = Stranger::join(broker.port, "stranger", &[]).await;
    let have = place(&lane.kept());
    let row = Row::Upsert { key: "X".into(), body: declaration("X", "99Z99999") };
    let change =
        Change { collection: Collection::Declarations, epoch: 1, revision: have.revision + 1, follows: have.revision, rows: vec![row] };
    let domain = Domain::site(What::Change(Collection::Declarations), &site());
    let own = SigningKey::from_bytes(&[99; 32]);
    let lane_key = SigningKey::from_bytes(&[41; 32]);
    let watch = Domain::site(What::Change(Collection::Watchlist), &site());
    let signer = centre.folder.signer().unwrap();
    let planted = [
        ("a stranger's key under the data key's name", Envelope::seal(&change, &domain, "data-1", &own).unwrap()),
        ("a stranger's key under its own name", Envelope::seal(&change, &domain, "stranger", &own).unwrap()),
        ("a lane's key", Envelope::seal(&change, &domain, "lane-1", &lane_key).unwrap()),
        ("the data key, but for the watchlist", signer.for_site(What::Change(Collection::Watchlist), &change).unwrap()),
        ("the data key's name over the watchlist's domain", Envelope::seal(&change, &watch, "data-1", &own).unwrap()),
        ("another epoch", signer.for_site(What::Change(Collection::Declarations), &Change { epoch: 2, ..change.clone() }).unwrap()),
        ("an older epoch", signer.for_site(What::Change(Collection::Declarations), &Change { epoch: 0, ..change.clone() }).unwrap()),
    ];
    for (what, envelope) in planted {
        let payload = serde_json::to_vec(&ReplicaMessage::Change(envelope)).unwrap();
        stranger.say(DECLARATIONS, payload, false).await;
        lane.until(what, |r| matches!(r, SyncReport::Refused { topic, .. } if topic == DECLARATIONS).then_some(())).await;
    }
    for junk in [b"".to_vec(), b"{".to_vec(), vec![0xff; 300], br#"{"change":{}}"#.to_vec()] {
        stranger.say(DECLARATIONS, junk, false).await;
        lane.until("junk", |r| matches!(r, SyncReport::Refused { topic, .. } if topic == DECLARATIONS).then_some(())).await;
    }
    assert_eq!(standing(&lane), (1, have));
    centre.post("/declarations", json!([declaration("D-2", "12C12346")])).await;
    lane.wait("honest rows still come", |kept| rows(kept) == 2).await;
}

#[tokio::test]
async fn what_was_said_before_cannot_be_said_again() {
    let broker = Broker::start("");
    let (centre, keys, _) = Centre::start(broker.port).await;
    let mut stranger = Stranger::join(broker.port, "ear", &[DECLARATIONS]).await;
    let mut lane = lane(&broker, &keys);
    let old_head = loop {
        let heard = stranger.hear("declarations").await;
        if matches!(serde_json::from_slice(&heard), Ok(ReplicaMessage::Head(_))) {
            break heard;
        }
    };
    for n in 1..=3 {
        centre.post("/declarations", json!([declaration(&format!("D-{n}"), "12C12345")])).await;
    }
    let old_change = loop {
        let heard = stranger.hear("declarations").await;
        if matches!(serde_json::from_slice(&heard), Ok(ReplicaMessage::Change(_))) {
            break heard;
        }
    };
    lane.wait("three rows and their head", |kept| {
        rows(kept) == 3 && kept.copies[&Collection::Declarations].1.is_some_and(|head| now_ms() - head < 5_000)
    })
    .await;
    let have = place(&lane.kept());
    stranger.say(DECLARATIONS, old_head, false).await;
    lane.until("an old head is refused", |r| match r {
        SyncReport::Refused { topic, why } if topic == DECLARATIONS && why.contains("head time") => Some(()),
        _ => None,
    })
    .await;
    stranger.say(DECLARATIONS, old_change, false).await;
    // A head from the future, signed: it would make old knowledge look fresh and block every honest head.
    let ahead = Head { collection: Collection::Declarations, epoch: 1, revision: have.revision, utc_ms: now_ms() + 3_600_000 };
    let ahead = centre.folder.signer().unwrap().for_site(What::Head(Collection::Declarations), &ahead).unwrap();
    stranger.say(DECLARATIONS, serde_json::to_vec(&ReplicaMessage::Head(ahead)).unwrap(), false).await;
    lane.until("a head from the future is refused", |r| match r {
        SyncReport::Refused { why, .. } if why.contains("ahead of the clock") => Some(()),
        _ => None,
    })
    .await;
    assert_eq!(standing(&lane), (3, have));
}

async fn challenge(stranger: &mut Stranger) -> LaneState {
    loop {
        let state: LaneState = serde_json::from_slice(&stranger.hear("state").await).unwrap();
        // The birth that follows the key list: then the lane can judge.
        if state.online && state.key_list_version > 0 {
            return state;
        }
    }
}

fn open_once(id: &str, state: &LaneState) -> Command {
    Command {
        id: id.into(),
        lane: name("lane-1"),
        passage: Some("p-1".into()),
        view_stamp: None,
        challenge: state.challenge,
        not_before_ms: now_ms() - 1_000,
        expires_ms: now_ms() + 30_000,
        by: CommandPerson { id: "an".into(), agency: "border_guard".into(), role: CommandRole::Supervisor },
        act: CommandAct::OpenOnce { reason: CommandReason { code: CommandReasonCode::Ordered, text: String::new() } },
    }
}

#[tokio::test]
async fn a_command_works_once_and_every_bad_one_does_nothing_but_be_recorded() {
    let broker = Broker::start("");
    let (centre, keys, _) = Centre::start(broker.port).await;
    let mut stranger = Stranger::join(broker.port, "stranger", &["borderlane/v1/huu-nghi/lane-1/state", COMMAND]).await;
    let mut lane = lane(&broker, &keys);
    lane.facts.send_replace(LaneFacts { passage: Some("p-1".into()) });
    let state = challenge(&mut stranger).await;
    let order = json!({ "id": "c-1", "passage": "p-1", "by": { "id": "an", "agency": "border_guard", "role": "supervisor" },
        "act": { "open_once": { "reason": { "code": "ordered" } } } });
    let sent = loop {
        let answer = centre.post("/lanes/lane-1/command", order.clone()).await;
        if answer["id"] == "c-1" {
            break stranger.hear("command").await;
        }
        sleep(Duration::from_millis(100)).await;
    };
    let command = lane.until("the command", |r| if let SyncReport::Command(c) = r { Some(c) } else { None }).await;
    assert_eq!(command.id, "c-1");
    lane.inputs.send(SyncInput::Reply { id: "c-1".into(), outcome: "accepted".into() }).await.unwrap();

    let signer = centre.folder.signer().unwrap();
    let sign = |command: &Command| signer.for_lane(What::Command, &name("lane-1"), command).unwrap();
    let stranger_key = SigningKey::from_bytes(&[99; 32]);
    let domain = Domain::lane(What::Command, &site(), &name("lane-1"));
    let good = open_once("c-2", &state);
    let bad = [
        (sent, false, Refusal::Replayed),
        (sign(&Command { not_before_ms: now_ms() - 60_000, expires_ms: now_ms() - 1, ..good.clone() }).to_bytes(), false, Refusal::Expired),
        (Envelope::seal(&good, &domain, "command-1", &stranger_key).unwrap().to_bytes(), false, Refusal::BadSignature),
        (sign(&Command { passage: Some("p-9".into()), ..good.clone() }).to_bytes(), false, Refusal::OtherPassage),
        (sign(&Command { lane: name("lane-2"), ..good.clone() }).to_bytes(), false, Refusal::OtherLane),
        (sign(&Command { challenge: HexBytes([0; 16]), ..good.clone() }).to_bytes(), false, Refusal::OldChallenge),
        (sign(&good).to_bytes(), true, Refusal::Retained),
        (b"open".to_vec(), false, Refusal::Malformed),
    ];
    for (payload, retain, why) in bad {
        stranger.say(COMMAND, payload, retain).await;
        let record = lane.until("a refusal", |r| match r {
            SyncReport::CommandRefused(record) => Some(record),
            SyncReport::Command(command) => panic!("done: {command:?}"),
            _ => None,
        });
        assert_eq!(record.await.why, why);
    }
    assert_eq!(lane.kept().seen.len(), 1, "only the good one was remembered");
    for _ in 0..100 {
        if centre.get("/api/commands/c-1").await["outcomes"].as_array().unwrap().len() == 2 {
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(centre.get("/api/commands/c-1").await["outcomes"], json!(["replayed", "accepted"]));
}

#[tokio::test]
async fn a_command_kept_for_a_lane_that_was_away_does_nothing() {
    let broker = Broker::start("");
    let (centre, keys, _) = Centre::start(broker.port).await;
    let mut stranger = Stranger::join(broker.port, "stranger", &["borderlane/v1/huu-nghi/lane-1/state"]).await;
    let dir = tempfile::tempdir().unwrap();
    let again = || {
        let kept = Arc::new(Mutex::new(Kept::default()));
        Lane::begin("lane-1", broker.port, &keys, kept, |s| s.key_list_path = dir.path().join("list"))
    };
    let here = again();
    let state = challenge(&mut stranger).await;
    drop(here);
    let command = centre.folder.signer().unwrap().for_lane(What::Command, &name("lane-1"), &open_once("c-1", &state)).unwrap();
    stranger.say(COMMAND, command.to_bytes(), false).await;
    let mut here = again();
    here.facts.send_replace(LaneFacts { passage: Some("p-1".into()) });
    // The broker kept the session and delivers it now; the challenge is another.
    let record = here.until("a refusal", |r| match r {
        SyncReport::CommandRefused(record) => Some(record),
        SyncReport::Command(command) => panic!("done: {command:?}"),
        _ => None,
    });
    assert_eq!(record.await.why, Refusal::OldChallenge);
}

#[tokio::test]
async fn an_unknown_plate_is_asked_for_and_the_answer_is_believed_for_its_signature() {
    let broker = Broker::start("");
    let (centre, keys, _) = Centre::start(broker.port).await;
    let mut elsewhere = declaration("D-9", "15C00009");
    elsewhere["gate"] = "tan-thanh".into();
    centre.post("/declarations", json!([declaration("D-1", "12C12345"), elsewhere])).await;
    let mut lane = lane(&broker, &keys);
    lane.until("keys", |r| matches!(r, SyncReport::KeyList { .. }).then_some(())).await;
    for (id, plate) in [("q-1", "12c-123.45"), ("q-2", "15C00009")] {
        lane.inputs.send(SyncInput::Query { id: id.into(), plates: vec![plate.into()] }).await.unwrap();
        let answer = lane.until("an answer", |r| if let SyncReport::Answer(a) = r { Some(a) } else { None }).await;
        assert_eq!(answer.id, id);
        match id {
            "q-1" => assert_eq!(answer.declarations[0]["id"], "D-1"),
            _ => assert_eq!((answer.declarations.len(), answer.elsewhere.as_deref()), (0, Some("tan-thanh"))),
        }
    }
}

#[tokio::test]
async fn claims_go_from_lane_to_lane_and_only_under_the_lanes_own_key() {
    let broker = Broker::start("");
    let (_centre, one, two) = Centre::start(broker.port).await;
    let first = lane(&broker, &one);
    let mut second = Lane::begin("lane-2", broker.port, &two, Arc::new(Mutex::new(Kept::default())), |_| {});
    second.until("keys", |r| matches!(r, SyncReport::KeyList { .. }).then_some(())).await;
    let held = SyncInput::Claim { declaration: "D-1".into(), passage: "p-1".into(), held: true };
    first.inputs.send(held).await.unwrap();
    let claim = second.until("a claim", |r| if let SyncReport::Claim(c) = r { Some(c) } else { None }).await;
    assert_eq!((claim.lane.as_str(), claim.declaration.as_str(), claim.held), ("lane-1", "D-1", true));
    // Lane 1's key, claiming for lane 3.
    let forged = lane_link::claim::Claim { lane: name("lane-3"), utc_ms: now_ms(), ..claim };
    let payload = borderlane::sync::claims::sealed(&forged, &site(), "lane-1", &one.lane);
    let mut stranger = Stranger::join(broker.port, "stranger", &[]).await;
    stranger.say("borderlane/v1/huu-nghi/claims", payload, false).await;
    second.until("it is refused", |r| matches!(r, SyncReport::Refused { topic, .. } if topic.ends_with("claims")).then_some(())).await;
    first.inputs.send(SyncInput::Claim { declaration: "D-1".into(), passage: "p-1".into(), held: false }).await.unwrap();
    let claim = second.until("the release", |r| if let SyncReport::Claim(c) = r { Some(c) } else { None }).await;
    assert!(!claim.held);
}

#[tokio::test]
async fn keys_rotate_by_overlap_without_a_lost_change() {
    let broker = Broker::start("");
    let (centre, keys, _) = Centre::start(broker.port).await;
    let mut lane = lane(&broker, &keys);
    centre.post("/declarations", json!([declaration("D-1", "12C12345")])).await;
    lane.wait("the first row", |kept| rows(kept) == 1).await;
    let version = centre.folder.rotate(KeyPurpose::Data, now_ms()).unwrap();
    lane.until("the new list", |r| matches!(r, SyncReport::KeyList { version: v } if v == version).then_some(())).await;
    let version = centre.folder.retire("data-1", now_ms()).unwrap();
    lane.until("the list without the old key", |r| matches!(r, SyncReport::KeyList { version: v } if v == version).then_some(())).await;
    centre.post("/declarations", json!([declaration("D-2", "12C12346")])).await;
    lane.wait("a row under the new key", |kept| rows(kept) == 2).await;
}

#[tokio::test]
async fn a_bundle_file_brings_the_same_rows_and_nothing_older() {
    let broker = Broker::start("");
    let (centre, keys, _) = Centre::start(broker.port).await;
    let old = centre.get("/bundle/declarations").await.to_string();
    centre.post("/declarations", json!([declaration("D-1", "12C12345"), declaration("D-2", "12C12346")])).await;
    let new = centre.get("/bundle/declarations").await.to_string();
    let mut ring = KeyRing::pinned(site(), &keys.root).unwrap();
    let nothing = |_| Place::default();
    let bundle = verify_bundle(new.as_bytes(), &mut ring, Some(now_ms()), nothing).unwrap();
    assert_eq!((bundle.manifest.rows, bundle.manifest.revision), (2, 1));
    let have = |_| Place { epoch: 1, revision: 1 };
    assert!(verify_bundle(old.as_bytes(), &mut ring, Some(now_ms()), have).is_err(), "nothing older");
    let forged = new.replacen("12C12345", "12C12399", 1);
    let forged = if forged == new { new.replacen("\"parts_b64\":[\"", "\"parts_b64\":[\"AAAA", 1) } else { forged };
    assert!(verify_bundle(forged.as_bytes(), &mut ring, Some(now_ms()), nothing).is_err(), "parts are held by the manifest");
    let mut stranger = KeyRing::pinned(site(), &HexBytes(SigningKey::from_bytes(&[9; 32]).verifying_key().to_bytes())).unwrap();
    assert!(verify_bundle(new.as_bytes(), &mut stranger, Some(now_ms()), nothing).is_err(), "another root");

    let (requests, mut asked) = mpsc::channel::<SyncRequest>(4);
    let applied = tokio::spawn(apply_bundle_owned(bundle, requests));
    let mut staged = 0;
    while let Some(request) = asked.recv().await {
        match request {
            SyncRequest::SnapshotRows { rows, reply, .. } => {
                staged += rows.len();
                reply.send(Ok(())).unwrap();
            }
            SyncRequest::SnapshotBegin { reply, .. } | SyncRequest::SnapshotCommit { reply, .. } => reply.send(Ok(())).unwrap(),
            other => assert!(matches!(other, SyncRequest::HeadReached { .. })),
        }
    }
    assert_eq!((applied.await.unwrap().unwrap(), staged), (Place { epoch: 1, revision: 1 }, 2));
}

async fn apply_bundle_owned(
    bundle: lane_link::replica::OpenedBundle,
    store: mpsc::Sender<SyncRequest>,
) -> Result<Place, borderlane::sync::import::ImportError> {
    apply_bundle(bundle, &store).await
}

#[tokio::test]
async fn the_will_tells_the_centre_that_a_lane_died() {
    let broker = Broker::start("");
    let (centre, keys, _) = Centre::start(broker.port).await;
    let mut stranger = Stranger::join(broker.port, "ear", &["borderlane/v1/huu-nghi/lane-1/state"]).await;
    let here = lane(&broker, &keys);
    challenge(&mut stranger).await;
    drop(here);
    loop {
        let state: LaneState = serde_json::from_slice(&stranger.hear("state").await).unwrap();
        if !state.online {
            break;
        }
    }
    for _ in 0..100 {
        if centre.get("/api/lanes").await["lanes"][0]["online"] == false {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("the centre still believes it is there");
}
