//! The ledger through the store's front door and over real files: chain, acknowledgement, damage, restore, segments.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod store_support;

use borderlane::store::verify::{verify_database, verify_path};
use borderlane::store::{Store, StoreError, StoreSettings, Why, chain};
use ed25519_dalek::SigningKey;
use lane_core::ids::{Digest, LedgerId};
use store_support::*;
use tempfile::tempdir;

#[tokio::test]
async fn records_come_back_in_order_with_the_bytes_that_were_given() {
    let dir = tempdir().unwrap();
    let (store, opened) = open(dir.path());
    assert_eq!((opened.restored, opened.last_seq), (None, 1));
    let committed = store.append(vec![record("a"), record("b")]).await.unwrap();
    assert_eq!(committed.iter().map(|c| c.seq).collect::<Vec<_>>(), [2, 3]);
    let outbox = store.read_outbox(Some(1), 10, 1_000_000).await.unwrap();
    assert_eq!(outbox.rows.iter().map(|row| row.bytes.as_slice()).collect::<Vec<_>>(), [b"a", b"b"]);
    let mut previous = outbox.previous;
    for row in &outbox.rows {
        assert_eq!(row.hash, chain::record_hash(outbox.ledger, row.seq, previous, &row.bytes));
        previous = row.hash;
    }
    assert_eq!(store.read_outbox(Some(1), 10, 1).await.unwrap().rows.len(), 1, "one row always fits");
    store.close().await;
}

#[tokio::test]
async fn a_sequence_goes_on_after_a_restart() {
    let dir = tempdir().unwrap();
    let (store, first) = open(dir.path());
    append(&store, 5).await;
    store.close().await;
    let (store, second) = open(dir.path());
    assert_eq!((second.ledger, second.last_seq, second.restored), (first.ledger, 6, None));
    append(&store, 1).await;
    assert!(verify_database(&dir.path().join("lane.db"), &[]).unwrap().bad.is_none());
    store.close().await;
}

#[tokio::test]
async fn the_acknowledgement_moves_the_outbox_only_with_the_right_hash() {
    let dir = tempdir().unwrap();
    let (store, opened) = open(dir.path());
    append(&store, 4).await;
    let rows = store.read_outbox(None, 10, 10_000).await.unwrap().rows;
    assert_eq!(rows.len(), 5);
    store.acknowledge(opened.ledger, 3, rows[2].hash).await.unwrap();
    let rest = store.read_outbox(None, 10, 10_000).await.unwrap();
    assert_eq!((rest.rows[0].seq, rest.acknowledged_seq, rest.last_seq), (4, 3, 5));
    store.acknowledge(opened.ledger, 2, rows[1].hash).await.unwrap();
    assert_eq!(store.read_outbox(None, 10, 10_000).await.unwrap().acknowledged_seq, 3, "it never moves back");
    let other = store.acknowledge(LedgerId(9), 4, rows[3].hash).await;
    assert!(matches!(other, Err(StoreError::OtherLedger(_))));
    assert!(!store.state().borrow().restored);
    let fork = store.acknowledge(opened.ledger, 4, Digest([9; 32])).await;
    assert!(matches!(fork, Err(StoreError::Fork { seq: 4 })), "{fork:?}");
    assert!(store.state().borrow().restored, "the lane goes attended");
    store.close().await;
}

#[tokio::test]
async fn after_a_fork_the_next_start_begins_a_new_ledger_that_names_the_old() {
    let dir = tempdir().unwrap();
    let (store, old) = open(dir.path());
    append(&store, 2).await;
    let ahead = store.acknowledge(old.ledger, 77, Digest([9; 32])).await;
    assert!(matches!(ahead, Err(StoreError::AcknowledgedAhead { seq: 77, last: 3 })));
    store.close().await;
    let (store, new) = open(dir.path());
    assert_eq!(new.restored, Some(Why::Fork));
    assert_ne!(new.ledger, old.ledger);
    let first = first_record(dir.path());
    assert_eq!(first["previous"], lane_link::ids::ledger_text(old.ledger));
    assert_eq!(first["last_seq"], 3);
    assert_eq!(first["why"], "fork");
    store.close().await;
}

#[tokio::test]
async fn the_first_record_is_one_that_every_reader_of_records_knows() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    let bytes = store.read_outbox(Some(0), 1, 10_000).await.unwrap().rows.remove(0).bytes;
    let record: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!((record["v"].as_u64(), record["kind"].as_str()), (Some(1), Some("ledger_begun")));
    assert_eq!((record["clock_trusted"].as_bool(), record["why"].as_str()), (Some(true), Some("first")));
    store.close().await;
}

#[tokio::test]
async fn a_changed_record_is_found_at_its_sequence() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    append(&store, 30).await;
    store.close().await;
    assert!(verify_database(&dir.path().join("lane.db"), &[]).unwrap().bad.is_none());
    tamper(dir.path(), "UPDATE ledger SET bytes = CAST('{\"n\":999}' AS BLOB) WHERE seq = 17");
    let report = verify_database(&dir.path().join("lane.db"), &[]).unwrap();
    assert_eq!(report.bad.unwrap().seq, 17);
    assert_eq!(report.last_seq, 16);
}

#[tokio::test]
async fn a_missing_record_is_a_gap_and_missing_ends_are_seen_too() {
    for (sql, bad) in [
        ("DELETE FROM ledger WHERE seq = 12", 12),
        ("DELETE FROM ledger WHERE seq = 1", 1),
        ("DELETE FROM ledger WHERE seq >= 28", 28),
        ("DELETE FROM ledger WHERE seq >= 28; DELETE FROM head WHERE seq >= 28", 28),
    ] {
        let dir = tempdir().unwrap();
        let (store, _) = open(dir.path());
        append(&store, 30).await;
        store.close().await;
        tamper(dir.path(), sql);
        let report = verify_database(&dir.path().join("lane.db"), &[]).unwrap();
        assert_eq!(report.bad.map(|bad| bad.seq), Some(bad), "{sql}");
    }
}

#[tokio::test]
async fn a_rewritten_chain_fails_at_the_first_signed_head() {
    let dir = tempdir().unwrap();
    let (store, opened) = open(dir.path());
    append(&store, 20).await;
    store.close().await;
    // Somebody who knows the formula but has no key rewrites everything from record 5 on.
    let conn = raw(dir.path());
    conn.execute_batch("DROP TRIGGER ledger_is_not_changed").unwrap();
    let mut previous: Vec<u8> = conn.query_row("SELECT hash FROM ledger WHERE seq = 4", [], |row| row.get(0)).unwrap();
    for seq in 5..=21_u64 {
        let hash = chain::record_hash(opened.ledger, seq, Digest(previous.clone().try_into().unwrap()), b"forged");
        conn.execute("UPDATE ledger SET bytes = CAST('forged' AS BLOB), hash = ?2 WHERE seq = ?1", rusqlite::params![seq as i64, hash.0])
            .unwrap();
        previous = hash.0.to_vec();
    }
    let bad = verify_database(&dir.path().join("lane.db"), &[]).unwrap().bad.unwrap();
    assert!(bad.seq >= 5 && bad.seq <= 5 + 8 && bad.what.contains("head"), "{bad:?}");
}

#[tokio::test]
async fn signatures_count_only_under_the_keys_that_are_allowed() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    append(&store, 30).await;
    store.close().await;
    let path = dir.path().join("lane.db");
    let ours = verify_database(&path, &[key().verifying_key().to_bytes()]).unwrap();
    assert!(ours.bad.is_none() && ours.signatures >= 3 && ours.signed_upto >= 24, "{ours:?}");
    let other = SigningKey::from_bytes(&[1; 32]).verifying_key().to_bytes();
    assert_eq!(verify_database(&path, &[other]).unwrap().bad.unwrap().seq, 1);
}

#[tokio::test]
async fn a_new_lane_key_is_recorded() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    store.close().await;
    let new = SigningKey::from_bytes(&[43; 32]);
    let (store, _) = Store::open(settings(dir.path()), new, &boot(2)).unwrap();
    let rows = store.read_outbox(Some(1), 10, 10_000).await.unwrap().rows;
    assert_eq!(rows[0].kind, "ledger_key");
    assert_eq!(verify_database(&dir.path().join("lane.db"), &[]).unwrap().keys.len(), 2);
    store.close().await;
}

#[tokio::test]
async fn a_cut_off_file_is_reported_and_at_the_next_start_kept_aside() {
    let dir = tempdir().unwrap();
    let (store, old) = open(dir.path());
    append(&store, 400).await;
    store.close().await;
    let path = dir.path().join("lane.db");
    let length = std::fs::metadata(&path).unwrap().len();
    std::fs::File::options().write(true).open(&path).unwrap().set_len(length / 3 / 4096 * 4096).unwrap();
    let report = verify_database(&path, &[]).unwrap();
    assert!(report.bad.is_some(), "{report:?}");
    let (store, new) = open(dir.path());
    assert_eq!(new.restored, Some(Why::Damaged));
    assert_ne!(new.ledger, old.ledger);
    let first = first_record(dir.path());
    assert_eq!(first["previous"], lane_link::ids::ledger_text(old.ledger));
    assert_eq!(first["last_seq"], 401, "the mark knows what was there");
    assert!(dir.path().join("kept/00001-lane.db").exists());
    append(&store, 1).await;
    store.close().await;
}

#[tokio::test]
async fn a_file_of_rubbish_does_not_stop_a_start() {
    let dir = tempdir().unwrap();
    std::fs::write(dir.path().join("lane.db"), vec![7; 20_000]).unwrap();
    let (store, opened) = open(dir.path());
    assert_eq!(opened.restored, Some(Why::Damaged));
    append(&store, 1).await;
    store.close().await;
}

#[tokio::test]
async fn a_changed_record_after_the_last_head_is_found_at_start() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    append(&store, 13).await;
    store.close().await;
    tamper(dir.path(), "UPDATE ledger SET bytes = CAST('x' AS BLOB) WHERE seq = 14");
    let (store, opened) = open(dir.path());
    assert_eq!(opened.restored, Some(Why::Damaged));
    store.close().await;
}

#[tokio::test]
async fn an_older_copy_put_back_begins_a_new_ledger_and_keeps_the_officers() {
    let dir = tempdir().unwrap();
    let (store, old) = open(dir.path());
    store.put_officer(store_officer("hoa")).await.unwrap();
    store.officer_failed("hoa".into(), NOW).await.unwrap();
    append(&store, 3).await;
    store.close().await;
    std::fs::copy(dir.path().join("lane.db"), dir.path().join("backup")).unwrap();
    let (store, _) = open(dir.path());
    append(&store, 3).await;
    store.close().await;
    std::fs::rename(dir.path().join("backup"), dir.path().join("lane.db")).unwrap();
    let (store, new) = open(dir.path());
    assert_eq!(new.restored, Some(Why::OlderCopy));
    let first = first_record(dir.path());
    assert_eq!((first["previous"].clone(), first["last_seq"].clone()), (lane_link::ids::ledger_text(old.ledger).into(), 7.into()));
    let (_, lockout) = store.officer("hoa".into(), NOW).await.unwrap().unwrap();
    assert_eq!(lockout.failures, 1);
    store.close().await;
}

#[tokio::test]
async fn a_lost_file_begins_a_new_ledger_that_names_the_old() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    append(&store, 3).await;
    store.close().await;
    std::fs::remove_file(dir.path().join("lane.db")).unwrap();
    let (store, new) = open(dir.path());
    assert_eq!(new.restored, Some(Why::Lost));
    assert_eq!(first_record(dir.path())["last_seq"], 4);
    store.close().await;
    let (store, again) = open(dir.path());
    assert_eq!((again.ledger, again.restored), (new.ledger, None));
    store.close().await;
}

#[tokio::test]
async fn a_newer_file_is_refused_and_left_as_it_is() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    store.close().await;
    raw(dir.path()).pragma_update(None, "user_version", 4).unwrap();
    let refused = Store::open(settings(dir.path()), key(), &boot(2));
    assert!(matches!(refused, Err(StoreError::Newer { found: 4, known: 3, .. })));
    assert!(!dir.path().join("kept").exists());
}

#[tokio::test]
async fn a_file_of_format_1_is_migrated_with_all_it_holds() {
    let dir = tempdir().unwrap();
    let fixture = include_str!("fixtures/store/lane_v1.sql");
    raw(dir.path()).execute_batch(fixture).unwrap();
    let (store, opened) = open(dir.path());
    assert_eq!((opened.restored, opened.last_seq, opened.ledger), (None, 3, LedgerId(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10)));
    assert_eq!(opened.open_passages.len(), 1);
    assert_eq!(store.officers().await.unwrap()[0].0.id, "hoa");
    assert_eq!(store.pending_evidence(10).await.unwrap().len(), 1);
    append(&store, 1).await;
    assert!(verify_database(&dir.path().join("lane.db"), &[]).unwrap().bad.is_none());
    store.close().await;
    let format: i64 = raw(dir.path()).pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(format, 3);
}

#[tokio::test]
async fn two_processes_cannot_have_one_store() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    assert!(matches!(Store::open(settings(dir.path()), key(), &boot(2)), Err(StoreError::InUse { .. })));
    store.close().await;
    let (store, _) = open(dir.path());
    store.close().await;
}

#[tokio::test]
async fn old_acknowledged_records_leave_as_sealed_segments_that_verify() {
    let dir = tempdir().unwrap();
    let (store, opened) = open(dir.path());
    append(&store, 40).await;
    let later = wall(NOW + 401 * DAY_MS);
    assert_eq!(store.maintain(later).await.unwrap().records_sealed, 0, "nothing is acknowledged");
    let rows = store.read_outbox(Some(0), 100, 100_000).await.unwrap().rows;
    store.acknowledge(opened.ledger, 30, rows[29].hash).await.unwrap();
    assert_eq!(store.maintain(wall(NOW + 399 * DAY_MS)).await.unwrap().records_sealed, 0, "not old enough");
    assert_eq!(store.maintain(later).await.unwrap().records_sealed, 30);
    append(&store, 2).await;
    let ours = [key().verifying_key().to_bytes()];
    let reports = verify_path(dir.path(), &ours).unwrap();
    assert_eq!(reports.len(), 2);
    assert!(reports.iter().all(|file| file.report.bad.is_none()), "{reports:?}");
    assert_eq!((reports[0].report.first_seq, reports[0].report.last_seq), (1, 30));
    assert_eq!(reports[1].report.first_seq, 31);
    store.close().await;
    let (store, again) = open(dir.path());
    assert_eq!((again.last_seq, again.restored), (43, None));
    store.close().await;

    let segment = reports[0].path.clone();
    let text = std::fs::read_to_string(&segment).unwrap();
    for (at, spoilt) in [
        (10, text.replacen("\"seq\":10,", "\"seq\":11,", 1)),
        (31, text.lines().take(31).map(|line| format!("{line}\n")).collect()),
        // What no record's hash covers, the seal does.
        (30, text.replacen("\"kind\":\"test\"", "\"kind\":\"tesu\"", 1)),
    ] {
        std::fs::write(&segment, spoilt).unwrap();
        let bad = verify_path(dir.path(), &ours).unwrap().remove(0).report.bad;
        assert_eq!(bad.as_ref().map(|bad| bad.seq), Some(at), "{bad:?}");
    }
    std::fs::remove_file(&segment).unwrap();
    assert!(verify_path(dir.path(), &ours).unwrap()[0].report.bad.is_some(), "a missing segment is a gap");
}

#[tokio::test]
async fn a_record_is_neither_changed_nor_removed_by_statement() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    append(&store, 2).await;
    store.close().await;
    assert!(raw(dir.path()).execute("UPDATE ledger SET kind = 'x' WHERE seq = 2", []).is_err());
    assert!(raw(dir.path()).execute("DELETE FROM ledger WHERE seq = 3", []).is_err());
}

#[tokio::test]
async fn a_record_over_the_limit_is_refused_and_takes_nothing_with_it() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    let large = record(&"x".repeat(64 * 1024 + 1));
    let refused = store.append(vec![record("a"), large]).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })), "{refused:?}");
    assert_eq!(store.append(vec![record("b")]).await.unwrap()[0].seq, 2);
    store.close().await;
}

#[tokio::test]
async fn many_callers_share_commits_and_nothing_is_lost_between_them() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.append(vec![record(&format!("{n}"))]).await.unwrap()[0].seq })
        })
        .collect();
    let mut seqs = Vec::new();
    for task in tasks {
        seqs.push(task.await.unwrap());
    }
    seqs.sort_unstable();
    assert_eq!(seqs, (2..=201).collect::<Vec<u64>>());
    let metrics = store.metrics();
    assert!(metrics.group_max_requests > 1 && metrics.commits < 200, "{metrics:?}");
    store.close().await;
    assert!(verify_database(&dir.path().join("lane.db"), &[]).unwrap().bad.is_none());
    assert!(matches!(store.append(vec![record("late")]).await, Err(StoreError::Closed)));
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let dir = tempdir().unwrap();
    let bad = StoreSettings { ledger_keep_days: 399, ..settings(dir.path()) };
    let error = Store::open(bad, key(), &boot(1)).err().unwrap().to_string();
    assert!(error.contains("ledger_keep_days"), "{error}");
}

#[test]
fn the_sqlite_that_is_linked_has_no_wal_reset_bug() {
    // Debian 12's 3.40.1 can corrupt a WAL database; fixed in 3.51.3.
    assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
}

#[tokio::test]
async fn the_pragmas_are_those_that_were_measured_as_safe() {
    let dir = tempdir().unwrap();
    let conn = borderlane::store::lane::schema::open(&dir.path().join("lane.db"), None).unwrap();
    let number = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    let mode: String = conn.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    for (name, value) in [("synchronous", 2), ("busy_timeout", 5_000), ("foreign_keys", 1), ("trusted_schema", 0), ("cell_size_check", 1)] {
        assert_eq!(number(name), value, "{name}");
    }
    let mapped = conn.pragma_query_value(None, "mmap_size", |row| row.get::<_, i64>(0)).unwrap_or(0);
    assert_eq!(mapped, 0);
}

fn store_officer(id: &str) -> borderlane::store::OfficerRow {
    borderlane::store::OfficerRow {
        id: id.into(),
        agency: "customs".into(),
        role: "officer".into(),
        sites: vec!["huu-nghi".into()],
        valid_from_ms: 0,
        valid_until_ms: NOW + DAY_MS,
        pin_hash: "$argon2id$".into(),
        from_centre: false,
    }
}
