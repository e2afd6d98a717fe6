//! Permits, passages, entries, officers, acts, black boxes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod store_support;

use borderlane::store::{
    Authorisation, BlackBoxEntry, BlackBoxOpening, BlackBoxWhat, Change, Collection, EntryUse, OfficerRow, ReplicaRow, Store, StoreError,
    StoreSettings, UpsertRow,
};
use lane_core::ids::{BootId, Digest, PassageId, PermitId, Revision};
use lane_core::time::Mono;
use store_support::*;
use tempfile::tempdir;

fn permit(passage: PassageId, counter: u16, boot: u128) -> PermitId {
    PermitId { passage: Some(passage), counter, boot: BootId(boot) }
}

fn authorisation(permit: PermitId) -> Authorisation {
    Authorisation { permit, declarations: vec!["D-1".into()], record: record("permit_granted") }
}

#[tokio::test]
async fn a_permit_is_granted_once_also_after_it_ended_and_over_a_restart() {
    let dir = tempdir().unwrap();
    let (store, _) = open_boot(dir.path(), 1);
    let passage = store.open_passage(record("passage_opened")).await.unwrap();
    let first = permit(passage, 0, 1);
    store.authorise(authorisation(first)).await.unwrap();
    assert!(matches!(store.authorise(authorisation(first)).await, Err(StoreError::PermitUsed(id)) if id == first));
    store.end_permit(first, EntryUse::Used, record_of(passage, "permit_ended")).await.unwrap();
    assert!(matches!(store.authorise(authorisation(first)).await, Err(StoreError::PermitUsed(_))));
    // Ended again it is only recorded: the entry that it used stays used.
    store.end_permit(first, EntryUse::Free, record_of(passage, "permit_ended")).await.unwrap();
    let used: i64 = raw(dir.path()).query_row("SELECT count(*) FROM entry_use", [], |row| row.get(0)).unwrap();
    assert_eq!(used, 1);
    let second = permit(passage, 1, 1);
    store.authorise(authorisation(second)).await.unwrap();
    let last = store.metrics().last_seq;
    store.close().await;

    let (store, opened) = open_boot(dir.path(), 2);
    assert_eq!(opened.permits_ended, [second], "not known spent: spent now");
    assert_eq!(opened.open_passages, [passage]);
    assert_eq!(opened.last_seq, last, "a refused grant left no record");
    assert_eq!(store.permit_ended(second).await.unwrap(), Some(true));
    for old in [first, second] {
        assert!(matches!(store.authorise(authorisation(old)).await, Err(StoreError::PermitOfOtherBoot(_))));
    }
    store.end_passage(passage, record_of(passage, "power_lost")).await.unwrap();
    store.close().await;
    // Even a start that drew the same boot id again would grant nothing twice.
    let (store, opened) = open_boot(dir.path(), 1);
    assert!(opened.open_passages.is_empty() && opened.permits_ended.is_empty());
    assert!(matches!(store.authorise(authorisation(second)).await, Err(StoreError::PermitUsed(_))));
    store.close().await;
}

#[tokio::test]
async fn the_records_of_a_passage_are_found_by_its_name() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    let passage = store.open_passage(record("opened")).await.unwrap();
    append(&store, 2).await;
    store.append(vec![record_of(passage, "read")]).await.unwrap();
    let rows = store.passage_records(passage).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.bytes.as_slice()).collect::<Vec<_>>(), [&b"opened"[..], b"read"]);
    store.close().await;
}

fn declaration(counted: Vec<PassageId>) -> ReplicaRow {
    ReplicaRow::Upsert(UpsertRow {
        id: "D-1".into(),
        plates: vec!["12C12345".into()],
        counted,
        bytes: b"{}".to_vec(),
        ..UpsertRow::default()
    })
}

async fn used_here(store: &Store, own: Option<PassageId>) -> u16 {
    store.lookup(vec!["12C12345".into()], own).await.unwrap().declarations[0].entries_used_here
}

#[tokio::test]
async fn an_entry_counts_as_used_from_the_grant_until_the_centre_counts_it() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    let at = Revision { epoch: 1, revision: 1 };
    store.apply_snapshot(Collection::Declarations, at, vec![declaration(Vec::new())]).await.unwrap();
    assert_eq!(used_here(&store, None).await, 0);
    let passage = store.open_passage(record("opened")).await.unwrap();
    store.authorise(authorisation(permit(passage, 0, 1))).await.unwrap();
    assert_eq!(used_here(&store, None).await, 1);
    assert_eq!(used_here(&store, Some(passage)).await, 0, "its own passage may still pass");
    store.end_permit(permit(passage, 0, 1), EntryUse::Free, record("expired")).await.unwrap();
    assert_eq!(used_here(&store, None).await, 0, "nobody entered");
    store.authorise(authorisation(permit(passage, 1, 1))).await.unwrap();
    store.close().await;
    let (store, _) = open_boot(dir.path(), 2);
    assert_eq!(used_here(&store, None).await, 1, "the power went under the permit: it may have been used");
    let change = Change { epoch: 1, follows: 1, revision: 2, rows: vec![declaration(vec![passage])] };
    store.apply_replica(Collection::Declarations, change).await.unwrap();
    assert_eq!(used_here(&store, None).await, 0);
    let left: i64 = raw(dir.path()).query_row("SELECT count(*) FROM entry_use", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0, "what the centre counts is forgotten here");
    store.close().await;
}

#[tokio::test]
async fn an_entry_that_a_snapshot_counts_is_forgotten_at_the_next_maintenance_and_not_before_it_is_in_force() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    let at = |revision| Revision { epoch: 1, revision };
    store.apply_snapshot(Collection::Declarations, at(1), vec![declaration(Vec::new())]).await.unwrap();
    let passage = store.open_passage(record("opened")).await.unwrap();
    store.authorise(authorisation(permit(passage, 0, 1))).await.unwrap();
    assert_eq!(store.begin_snapshot(Collection::Declarations, at(2)).await.unwrap(), None);
    store.stage_snapshot(Collection::Declarations, 0, vec![declaration(vec![passage])]).await.unwrap();
    store.maintain(wall(NOW)).await.unwrap();
    assert_eq!(used_here(&store, None).await, 1, "the staged row counts nothing yet");
    store.end_snapshot(Collection::Declarations, 1, 1).await.unwrap();
    assert_eq!(used_here(&store, None).await, 0);
    store.maintain(wall(NOW)).await.unwrap();
    let left: i64 = raw(dir.path()).query_row("SELECT count(*) FROM entry_use", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
    store.close().await;
}

fn officer(id: &str, pin_hash: &str) -> OfficerRow {
    OfficerRow {
        id: id.into(),
        agency: "customs".into(),
        role: "officer".into(),
        sites: vec!["huu-nghi".into(), "tan-thanh".into()],
        valid_from_ms: 0,
        valid_until_ms: NOW + DAY_MS,
        pin_hash: pin_hash.into(),
        from_centre: false,
    }
}

#[tokio::test]
async fn wrong_pins_shut_the_door_over_a_restart_and_over_a_new_row() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    store.put_officer(officer("hoa", "a")).await.unwrap();
    for failures in 1..=4 {
        let lockout = store.officer_failed("hoa".into(), NOW).await.unwrap();
        assert_eq!((lockout.failures, lockout.shut_ms(NOW)), (failures, None));
    }
    assert_eq!(store.officer_failed("hoa".into(), NOW).await.unwrap().shut_ms(NOW), Some(300_000), "as the screens' own count");
    store.close().await;
    let (store, _) = open(dir.path());
    store.put_officer(officer("hoa", "b")).await.unwrap();
    let (row, lockout) = store.officer("hoa".into(), NOW + 1_000).await.unwrap().unwrap();
    assert_eq!((row, lockout.failures), (officer("hoa", "b"), 5));
    assert!(lockout.shut_ms(NOW + 1_000).is_some() && lockout.shut_ms(NOW + 300_000).is_none());
    store.officer_succeeded("hoa".into()).await.unwrap();
    assert_eq!(store.officer("hoa".into(), NOW).await.unwrap().unwrap().1.shut_ms(NOW), None);
    assert!(matches!(store.officer_failed("nobody".into(), NOW).await, Err(StoreError::OfficerUnknown(_))));
    assert!(store.remove_officer("hoa".into()).await.unwrap());
    assert!(store.officers().await.unwrap().is_empty());
    store.close().await;
}

#[tokio::test]
async fn the_centres_officers_are_mirrored_with_their_pins_kept_and_who_was_dismissed_is_gone() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    store.put_officer(officer("local", "l")).await.unwrap();
    store.put_officer(officer("hoa", "h")).await.unwrap();
    let promoted = OfficerRow { role: "supervisor".into(), ..officer("hoa", "") };
    let done = store.mirror_officers(vec![promoted.clone(), officer("minh", "")]).await.unwrap();
    assert_eq!((done.written, done.removed.len()), (2, 0));
    let kept = store.officer("hoa".into(), NOW).await.unwrap().unwrap().0;
    assert_eq!((kept.role.as_str(), kept.pin_hash.as_str(), kept.from_centre), ("supervisor", "h", true), "the PIN stays");
    assert_eq!(store.officer("minh".into(), NOW).await.unwrap().unwrap().0.pin_hash, "", "the centre brings no PIN");
    store.put_officer(officer("minh", "m")).await.unwrap();
    store.officer_failed("minh".into(), NOW).await.unwrap();
    assert_eq!(store.mirror_officers(vec![promoted.clone(), officer("minh", "")]).await.unwrap().written, 0, "nothing changed");
    let done = store.mirror_officers(vec![officer("minh", "")]).await.unwrap();
    assert_eq!(done.removed, ["hoa"]);
    let left: Vec<_> = store.officers().await.unwrap();
    let left: Vec<_> = left.iter().map(|(row, count)| (row.id.as_str(), row.pin_hash.as_str(), row.from_centre, count.failures)).collect();
    assert_eq!(left, [("local", "l", false, 0), ("minh", "m", true, 1)]);
    store.close().await;
}

#[tokio::test]
async fn a_clock_set_back_shuts_an_officer_out_for_an_hour_at_most() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    store.put_officer(officer("hoa", "a")).await.unwrap();
    for _ in 0..5 {
        store.officer_failed("hoa".into(), NOW + 400 * DAY_MS).await.unwrap();
    }
    assert!(store.officer("hoa".into(), NOW).await.unwrap().unwrap().1.shut_ms(NOW).is_some());
    let hour_later = NOW + 3_600_000;
    assert!(store.officer("hoa".into(), hour_later).await.unwrap().unwrap().1.shut_ms(hour_later).is_none());
    store.close().await;
}

#[tokio::test]
async fn an_act_is_new_once_and_the_memory_of_acts_is_bounded() {
    let dir = tempdir().unwrap();
    let few = StoreSettings { acts_max_rows: 3, ..settings(dir.path()) };
    let (store, _) = Store::open(few, key(), &boot(1)).unwrap();
    assert!(store.first_act("a-1".into()).await.unwrap());
    assert!(!store.first_act("a-1".into()).await.unwrap());
    store.close().await;
    let few = StoreSettings { acts_max_rows: 3, ..settings(dir.path()) };
    let (store, _) = Store::open(few, key(), &boot(2)).unwrap();
    assert!(!store.first_act("a-1".into()).await.unwrap(), "also after a restart");
    for n in 2..10 {
        assert!(store.first_act(format!("a-{n}")).await.unwrap());
    }
    let rows: i64 = raw(dir.path()).query_row("SELECT count(*) FROM act", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 3);
    assert!(store.first_act(String::new()).await.is_err());
    store.close().await;
}

fn opening() -> BlackBoxOpening {
    BlackBoxOpening { core_version: "0.1.0".into(), rules: Digest([3; 32]), utc_ms: Some(NOW), snapshot: vec![1; 100] }
}

fn entry(what: BlackBoxWhat, at: u64, size: usize) -> BlackBoxEntry {
    BlackBoxEntry { what, at: Mono(at), bytes: vec![at as u8; size] }
}

#[tokio::test]
async fn a_black_box_gives_back_what_was_put_in_and_stops_at_its_limit() {
    let dir = tempdir().unwrap();
    let small = StoreSettings { black_box_passage_max_bytes: 150, ..settings(dir.path()) };
    let (store, _) = Store::open(small, key(), &boot(1)).unwrap();
    let passage = store.open_passage(record("opened")).await.unwrap();
    assert!(matches!(store.black_box(passage).await, Err(StoreError::BlackBoxUnknown)));
    store.black_box_open(passage, opening()).await.unwrap();
    let entries = vec![entry(BlackBoxWhat::Input, 1, 20), entry(BlackBoxWhat::Effect, 2, 20)];
    store.black_box_append(passage, 1, entries.clone()).await.unwrap();
    store.black_box_append(passage, 3, vec![entry(BlackBoxWhat::Input, 3, 40), entry(BlackBoxWhat::Input, 4, 1)]).await.unwrap();
    let found = store.black_box(passage).await.unwrap();
    assert_eq!((found.opening, found.entries, found.entries_dropped), (opening(), entries, 2));
    store.close().await;
}

#[tokio::test]
async fn a_hole_in_a_black_box_is_counted_and_what_is_given_twice_is_kept_once() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    let passage = store.open_passage(record("opened")).await.unwrap();
    store.black_box_open(passage, opening()).await.unwrap();
    let entries: Vec<_> = (1..=4).map(|n| entry(BlackBoxWhat::Input, n, 10)).collect();
    store.black_box_append(passage, 1, entries[..3].to_vec()).await.unwrap();
    store.black_box_append(passage, 2, entries[1..].to_vec()).await.unwrap();
    assert_eq!((store.black_box(passage).await.unwrap().entries, 0), (entries.clone(), 0));
    // 5 to 9 never came.
    store.black_box_append(passage, 10, entries[..2].to_vec()).await.unwrap();
    store.black_box_append(passage, 12, entries[..1].to_vec()).await.unwrap();
    store.black_box_append(passage, 15, Vec::new()).await.unwrap();
    let found = store.black_box(passage).await.unwrap();
    assert_eq!((found.entries, found.entries_dropped), (entries, 5 + 2 + 1 + 2));
    store.close().await;
}

#[tokio::test]
async fn old_black_boxes_leave_by_days_and_by_bytes() {
    let dir = tempdir().unwrap();
    let small = StoreSettings { black_box_max_bytes: 350, ..settings(dir.path()) };
    let (store, _) = Store::open(small, key(), &boot(1)).unwrap();
    let mut passages = Vec::new();
    for n in 0..5 {
        let passage = store.open_passage(record("opened")).await.unwrap();
        store.black_box_open(passage, BlackBoxOpening { utc_ms: Some(NOW + n * DAY_MS), ..opening() }).await.unwrap();
        store.black_box_append(passage, 1, vec![entry(BlackBoxWhat::Input, 1, 10)]).await.unwrap();
        passages.push(passage);
    }
    assert_eq!(store.maintain(wall(NOW)).await.unwrap().black_boxes_left, 2, "three of 110 bytes fit into 350");
    assert!(store.black_box(passages[1]).await.is_err() && store.black_box(passages[2]).await.is_ok());
    assert_eq!(store.maintain(wall(NOW + 33 * DAY_MS)).await.unwrap().black_boxes_left, 1);
    assert!(store.black_box(passages[2]).await.is_err() && store.black_box(passages[3]).await.is_ok());
    let orphans: i64 = raw(dir.path()).query_row("SELECT count(*) FROM black_box_entry", [], |row| row.get(0)).unwrap();
    assert_eq!(orphans, 2);
    store.close().await;
}
