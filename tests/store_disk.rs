//! The disk: full, full again, space that returns; evidence and its budget. The full disk is a small tmpfs where mounting is allowed (root), and always also
//! a limit on the database's pages.

mod store_support;

use borderlane::store::verify::verify_database;
use borderlane::store::{Authorisation, Store, StoreError, StoreSettings, chain};
use lane_core::ids::{BootId, PermitId};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use store_support::*;
use tempfile::tempdir;

fn authorisation(counter: u16) -> Authorisation {
    Authorisation {
        permit: PermitId { passage: None, counter, boot: BootId(1) },
        declarations: Vec::new(),
        record: record("permit_granted"),
    }
}

/// Appends until the disk takes no more; gives how many records were taken.
async fn fill(store: &Store) -> u64 {
    let large = "x".repeat(16_000);
    for n in 0..2_000 {
        match store.append(vec![record(&large)]).await {
            Ok(_) => {}
            Err(StoreError::Kept { .. }) => return n,
            Err(other) => panic!("{other}"),
        }
    }
    panic!("the disk was never full");
}

#[tokio::test]
async fn a_full_database_grants_nothing_keeps_plain_records_in_order_and_recovers_when_there_is_room() {
    let dir = tempdir().unwrap();
    let limited = StoreSettings { lane_max_pages: Some(150), probe_interval_ms: 60_000, ..settings(dir.path()) };
    let (store, _) = Store::open(limited, key(), &boot(1)).unwrap();
    let taken = fill(&store).await;
    assert!(taken > 5, "{taken}");
    assert!(!store.state().borrow().can_commit);
    let refused = store.authorise(authorisation(0)).await;
    assert!(matches!(refused, Err(StoreError::CannotCommit { .. })), "{refused:?}");
    assert!(matches!(store.open_passage(record("opened")).await, Err(StoreError::CannotCommit { .. })));
    assert!(matches!(store.append(vec![record("after")]).await, Err(StoreError::Kept { kept: 2, .. })));
    let before = store.metrics().last_seq;
    store.close().await;
    assert_eq!(verify_database(&dir.path().join("lane.db"), &[]).unwrap().bad, None);
    let (store, opened) = open_boot(dir.path(), 2);
    assert_eq!((opened.last_seq, opened.restored), (before, None));
    append(&store, 1).await;
    store.close().await;
}

#[tokio::test]
async fn records_over_the_backlog_are_counted_and_the_ledger_says_so() {
    let Some(disk) = Tmpfs::mount("1m") else { return };
    let small = StoreSettings { backlog_max_records: 3, ..settings(&disk.dir) };
    let (store, _) = Store::open(small, key(), &boot(1)).unwrap();
    let ballast = disk.ballast();
    fill(&store).await;
    for _ in 0..2 {
        assert!(matches!(store.append(vec![record("kept")]).await, Err(StoreError::Kept { .. })));
    }
    for _ in 0..4 {
        assert!(matches!(store.append(vec![record("lost")]).await, Err(StoreError::CannotCommit { .. })));
    }
    assert_eq!(store.metrics().records_lost, 4);
    std::fs::remove_file(ballast).unwrap();
    can_commit(&store).await;
    let outbox = store.read_outbox(Some(store.metrics().last_seq - 1), 10, 100_000).await.unwrap();
    let last: serde_json::Value = serde_json::from_slice(&outbox.rows[0].bytes).unwrap();
    assert_eq!((last["kind"].as_str(), last["count"].as_u64()), (Some("records_lost"), Some(4)));
    store.close().await;
}

async fn can_commit(store: &Store) {
    let mut state = store.state();
    let recovered = state.wait_for(|state| state.can_commit);
    tokio::time::timeout(Duration::from_secs(20), recovered).await.expect("the store did not recover").unwrap();
}

/// A small disk of its own, gone with the test.
struct Tmpfs {
    dir: PathBuf,
    _temp: tempfile::TempDir,
}

impl Tmpfs {
    fn mount(size: &str) -> Option<Self> {
        let temp = tempdir().unwrap();
        let dir = temp.path().to_owned();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(&dir).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self { dir, _temp: temp });
        }
        println!("skipped: a tmpfs cannot be mounted here (not root); the page limit is tested all the same");
        None
    }

    /// Something else that takes half the disk and can be removed.
    fn ballast(&self) -> PathBuf {
        let path = self.dir.join("ballast");
        std::fs::write(&path, vec![0; 400_000]).unwrap();
        path
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.dir).status();
    }
}

#[tokio::test]
async fn on_a_full_disk_the_store_says_so_and_recovers_by_itself_when_space_returns() {
    let Some(disk) = Tmpfs::mount("1m") else { return };
    let (store, opened) = open(&disk.dir);
    let ballast = disk.ballast();
    let taken = fill(&store).await;
    assert!(!store.state().borrow().can_commit);
    assert!(matches!(store.authorise(authorisation(7)).await, Err(StoreError::CannotCommit { .. })));
    assert!(matches!(store.append(vec![record("kept")]).await, Err(StoreError::Kept { .. })));
    std::fs::remove_file(ballast).unwrap();
    can_commit(&store).await;
    // The two that waited came first, in their order, and the refused grant is nowhere.
    let rows = store.read_outbox(Some(taken + 1), 10, 100_000).await.unwrap().rows;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1].bytes, b"kept");
    store.authorise(authorisation(7)).await.unwrap();
    store.close().await;
    let report = verify_database(&disk.dir.join("lane.db"), &[]).unwrap();
    assert_eq!((report.bad, report.ledger), (None, Some(opened.ledger)));
}

#[tokio::test]
async fn nearly_full_is_told_before_it_is_full() {
    let dir = tempdir().unwrap();
    let wants_more = StoreSettings { nearly_full_bytes: u64::MAX, ..settings(dir.path()) };
    let (store, _) = Store::open(wants_more, key(), &boot(1)).unwrap();
    let mut state = store.state();
    tokio::time::timeout(Duration::from_secs(20), state.wait_for(|state| state.nearly_full)).await.unwrap().unwrap();
    assert!(store.state().borrow().can_commit);
    append(&store, 1).await;
    store.close().await;
}

fn files(dir: &Path) -> usize {
    let folders = std::fs::read_dir(dir.join("evidence")).map(|entries| entries.flatten().collect()).unwrap_or(Vec::new());
    folders.iter().map(|folder| std::fs::read_dir(folder.path()).unwrap().count()).sum()
}

#[tokio::test]
async fn evidence_is_kept_by_its_hash_once_and_over_its_limit_refused() {
    let dir = tempdir().unwrap();
    let small = StoreSettings { max_evidence_bytes: 100, ..settings(dir.path()) };
    let (store, _) = Store::open(small, key(), &boot(1)).unwrap();
    let digest = store.put_evidence(b"picture".to_vec(), Some(NOW)).await.unwrap();
    assert_eq!(digest, chain::sha256(b"picture"));
    assert_eq!(store.put_evidence(b"picture".to_vec(), Some(NOW)).await.unwrap(), digest);
    assert_eq!((files(dir.path()), store.metrics().evidence_bytes), (1, 7));
    assert_eq!(store.read_evidence(digest).await.unwrap(), b"picture");
    assert!(matches!(store.put_evidence(vec![0; 101], None).await, Err(StoreError::TooLarge { .. })));
    assert!(matches!(store.read_evidence(chain::sha256(b"other")).await, Err(StoreError::EvidenceUnknown(_))));
    assert_eq!(store.pending_evidence(10).await.unwrap(), [(digest, 7)]);
    store.acknowledge_evidence(vec![digest]).await.unwrap();
    assert!(store.pending_evidence(10).await.unwrap().is_empty());
    store.close().await;
}

#[tokio::test]
async fn over_the_budget_acknowledged_evidence_leaves_first_then_the_oldest_and_that_is_counted() {
    let dir = tempdir().unwrap();
    let small = StoreSettings { max_evidence_bytes: 100, evidence_budget_bytes: 300, ..settings(dir.path()) };
    let (store, _) = Store::open(small, key(), &boot(1)).unwrap();
    let mut digests = Vec::new();
    for n in 0..3 {
        digests.push(store.put_evidence(vec![n; 100], Some(NOW)).await.unwrap());
    }
    store.acknowledge_evidence(vec![digests[1]]).await.unwrap();
    store.put_evidence(vec![3; 100], Some(NOW)).await.unwrap();
    assert!(store.read_evidence(digests[1]).await.is_err(), "the centre has it");
    assert!(store.read_evidence(digests[0]).await.is_ok());
    assert_eq!(store.metrics().evidence_lost, 0);
    store.put_evidence(vec![4; 100], Some(NOW)).await.unwrap();
    assert!(store.read_evidence(digests[0]).await.is_err());
    assert_eq!((store.metrics().evidence_lost, store.metrics().evidence_bytes, files(dir.path())), (1, 300, 3));
    append(&store, 1).await;
    let later = store.maintain(wall(NOW + 91 * DAY_MS)).await.unwrap();
    assert_eq!((later.evidence_left, files(dir.path())), (3, 0));
    store.close().await;
}

#[tokio::test]
async fn when_the_rest_of_the_disk_is_the_ledgers_evidence_is_refused_and_acknowledged_evidence_leaves() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    let kept = store.put_evidence(b"kept".to_vec(), Some(NOW)).await.unwrap();
    let sent = store.put_evidence(b"sent".to_vec(), Some(NOW)).await.unwrap();
    store.acknowledge_evidence(vec![sent]).await.unwrap();
    store.close().await;
    let full = StoreSettings { nearly_full_bytes: u64::MAX, evidence_floor_bytes: u64::MAX, ..settings(dir.path()) };
    let (store, _) = Store::open(full, key(), &boot(2)).unwrap();
    assert!(matches!(store.put_evidence(b"new".to_vec(), None).await, Err(StoreError::EvidenceNoRoom { .. })));
    append(&store, 1).await;
    store.maintain(wall(NOW)).await.unwrap();
    assert!(store.read_evidence(sent).await.is_err() && store.read_evidence(kept).await.is_ok());
    store.close().await;
}

#[tokio::test]
async fn evidence_whose_row_was_lost_comes_back_into_the_index() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    let digest = store.put_evidence(b"picture".to_vec(), Some(NOW)).await.unwrap();
    store.close().await;
    std::fs::write(dir.path().join("lane.db"), b"rubbish, but long enough to be no database").unwrap();
    let (store, opened) = open(dir.path());
    assert!(opened.restored.is_some());
    assert!(store.pending_evidence(10).await.unwrap().is_empty());
    let mut adopted = 0;
    for _ in 0..256 {
        adopted += store.maintain(wall(NOW)).await.unwrap().evidence_adopted;
    }
    assert_eq!(adopted, 1);
    assert_eq!(store.pending_evidence(10).await.unwrap(), [(digest, 7)]);
    store.close().await;
}
