//! `borderlane ledger verify`, `declarations lookup` and `list`, `replay`, through the functions that main calls, over real files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod store_support;

use borderlane::cli::{declarations, ledger, replay};
use borderlane::store::{
    BlackBox, BlackBoxEntry, BlackBoxOpening, BlackBoxWhat, Collection, ReplicaRow, Store, StoreSettings, declaration_row, plate_key,
};
use clap::Parser;
use lane_core::ids::{Digest, PassageId, Revision};
use lane_core::time::Mono;
use lane_link::ids::passage_text;
use std::path::Path;
use store_support::*;
use tempfile::tempdir;

#[derive(Parser)]
enum Cli {
    Ledger(ledger::LedgerArgs),
    Declarations(declarations::DeclarationsArgs),
    Replay(replay::ReplayArgs),
}

/// Inputs that begin with `e` lead to an effect: the rest of them.
fn rerun(found: &BlackBox) -> Result<Vec<Vec<u8>>, String> {
    if found.opening.snapshot.is_empty() {
        return Err("the snapshot is empty".into());
    }
    let inputs = found.entries.iter().filter(|entry| entry.what == BlackBoxWhat::Input);
    Ok(inputs.filter_map(|entry| entry.bytes.strip_prefix(b"e").map(<[u8]>::to_vec)).collect())
}

/// Exit code, output, errors.
fn run(args: &[&str]) -> (u8, String, String) {
    let cli = Cli::try_parse_from(std::iter::once("borderlane").chain(args.iter().copied())).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = match &cli {
        Cli::Ledger(args) => ledger::run(args, &mut out, &mut err),
        Cli::Declarations(args) => declarations::run(args, &mut out, &mut err),
        Cli::Replay(args) => replay::run(args, "0.2.0", rerun, &mut out, &mut err),
    };
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[tokio::test]
async fn a_good_ledger_verifies_beside_a_running_daemon() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    append(&store, 20).await;
    let key = hex::encode(key().verifying_key().to_bytes());
    let path = dir.path().join("lane.db");
    let (code, out, _) = run(&["ledger", "verify", path.to_str().unwrap(), "--key", &key]);
    assert_eq!(code, 0, "{out}");
    assert!(out.starts_with("good") && out.contains("records 1 to 21") && out.contains(&key), "{out}");
    let (code, out, _) = run(&["ledger", "verify", dir.path().to_str().unwrap(), "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, json["good"].as_bool(), json["files"][0]["records"].as_u64()), (0, Some(true), Some(21)));
    store.close().await;
}

#[tokio::test]
async fn a_bad_ledger_is_named_by_record_and_what_is_no_ledger_by_path() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    append(&store, 20).await;
    store.close().await;
    tamper(dir.path(), "UPDATE ledger SET bytes = CAST('x' AS BLOB) WHERE seq = 9");
    let path = dir.path().join("lane.db");
    let (code, out, _) = run(&["ledger", "verify", path.to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(out.starts_with("BAD") && out.contains("record 9:"), "{out}");
    let (_, out, _) = run(&["ledger", "verify", path.to_str().unwrap(), "--json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap()["files"][0]["bad"]["seq"], 9);
    std::fs::write(dir.path().join("rubbish"), b"not a ledger at all, but some text").unwrap();
    assert_eq!(run(&["ledger", "verify", dir.path().join("rubbish").to_str().unwrap()]).0, 1);
    let (code, _, err) = run(&["ledger", "verify", dir.path().join("absent").to_str().unwrap()]);
    assert!(code == 2 && err.contains("absent"), "{err}");
    assert!(Cli::try_parse_from(["borderlane", "ledger", "verify", "x", "--key", "12"]).is_err());
}

fn declaration(id: &str, plate: &str, gate: &str) -> ReplicaRow {
    let json = format!(
        r#"{{"id":"{id}","gate":"{gate}","direction":"outbound","trade":"export","plate":"{plate}","channel":"green",
            "valid_from_ms":0,"valid_until_ms":10,"state":"active"}}"#
    );
    ReplicaRow::Upsert(declaration_row(json.into_bytes()).unwrap())
}

#[tokio::test]
async fn declarations_are_looked_up_and_listed() {
    let dir = tempdir().unwrap();
    let real = StoreSettings { confusable_key: plate_key, ..settings(dir.path()) };
    let (store, _) = Store::open(real, key(), &boot(1)).unwrap();
    let at = Revision { epoch: 1, revision: 3 };
    let folder = dir.path().to_str().unwrap();
    assert_eq!(run(&["declarations", "lookup", "12C12345", "--dir", folder]).0, 1);
    let rows = vec![
        declaration("D-1", "12C-123.40", "huu-nghi"),
        declaration("D-2", "12C-1234O", "tan-thanh"),
        declaration("D-3", "29H-999.99", "huu-nghi"),
    ];
    store.apply_snapshot(Collection::Declarations, at, rows).await.unwrap();
    let (code, out, _) = run(&["declarations", "lookup", "12c 12340", "--dir", folder, "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 0);
    assert_eq!((&json["declarations"][0]["id"], &json["declarations"][1]["id"]), (&"D-1".into(), &"D-2".into()));
    assert_eq!(json["declarations"][1]["exact"], false);
    let (code, out, _) = run(&["declarations", "list", "--dir", folder, "--gate", "huu-nghi"]);
    assert_eq!((code, out.lines().count()), (0, 2), "{out}");
    assert_eq!(run(&["declarations", "list", "--dir", folder, "--max", "1"]).1.lines().count(), 1);
    let (code, _, err) = run(&["declarations", "lookup", "12C!", "--dir", folder]);
    assert!(code == 2 && err.contains("12C!"), "{err}");
    assert_eq!(run(&["declarations", "list", "--dir", dir.path().join("absent").to_str().unwrap()]).0, 2);
    store.close().await;
}

async fn recorded(dir: &Path, effect: &[u8]) -> PassageId {
    let (store, _) = open(dir);
    let passage = store.open_passage(record("opened")).await.unwrap();
    let opening = BlackBoxOpening { core_version: "0.1.0".into(), rules: Digest([3; 32]), utc_ms: Some(NOW), snapshot: vec![1] };
    store.black_box_open(passage, opening).await.unwrap();
    let entry = |what, bytes: &[u8]| BlackBoxEntry { what, at: Mono(1), bytes: bytes.to_vec() };
    let entries = vec![entry(BlackBoxWhat::Input, b"tick"), entry(BlackBoxWhat::Input, b"egrant"), entry(BlackBoxWhat::Effect, effect)];
    store.black_box_append(passage, 1, entries).await.unwrap();
    store.close().await;
    passage
}

#[tokio::test]
async fn a_passage_run_again_is_the_same_or_the_difference_is_shown() {
    let dir = tempdir().unwrap();
    let passage = recorded(dir.path(), b"grant").await;
    let db = dir.path().join("lane.db");
    let (code, out, _) = run(&["replay", &passage_text(passage), "--db", db.to_str().unwrap()]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("2 inputs, 1 effects") && out.contains("recorded by core 0.1.0, run by core 0.2.0"), "{out}");
    assert_eq!(run(&["replay", &passage.seq.to_string(), "--db", db.to_str().unwrap()]).0, 0);
    let (code, _, err) = run(&["replay", "77", "--db", db.to_str().unwrap()]);
    assert!(code == 2 && err.contains("no black box"), "{err}");
    assert_eq!(run(&["replay", "passage", "--db", db.to_str().unwrap()]).0, 2);

    let (store, _) = open(dir.path());
    store.black_box_append(passage, 9, Vec::new()).await.unwrap();
    store.close().await;
    let (code, out, _) = run(&["replay", &passage_text(passage), "--db", db.to_str().unwrap()]);
    assert!(code == 3 && out.contains("incomplete: 5 inputs and effects lost after 1 ms since boot"), "{code}: {out}");

    let dir = tempdir().unwrap();
    let passage = recorded(dir.path(), b"refuse").await;
    let db = dir.path().join("lane.db");
    let (code, out, _) = run(&["replay", &passage_text(passage), "--db", db.to_str().unwrap(), "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, json["same"].as_bool()), (1, Some(false)));
    assert_eq!((&json["listed"][0]["recorded"], &json["listed"][0]["now"]), (&"refuse".into(), &"grant".into()));
}
