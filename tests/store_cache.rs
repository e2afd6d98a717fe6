//! The cache: changes, gaps, snapshots, what is older, look-ups, damage.

mod store_support;

use borderlane::store::{
    Applied, Change, Collection, Head, LOOKUP_MAX_CANDIDATES, ReplicaRow, Store, StoreError, StoreSettings, UpsertRow,
};
use lane_core::ids::Revision;
use store_support::*;
use tempfile::tempdir;

fn at(epoch: u32, revision: u64) -> Revision {
    Revision { epoch, revision }
}

fn row(id: &str, plates: &[&str]) -> ReplicaRow {
    ReplicaRow::Upsert(UpsertRow {
        id: id.into(),
        plates: plates.iter().map(|plate| (*plate).to_owned()).collect(),
        gate: Some("huu-nghi".into()),
        bytes: format!("{{\"id\":\"{id}\"}}").into_bytes(),
        ..UpsertRow::default()
    })
}

fn change(follows: u64, revision: u64, rows: Vec<ReplicaRow>) -> Change {
    Change { epoch: 1, follows, revision, rows }
}

const D: Collection = Collection::Declarations;

async fn ids(store: &Store, plate: &str) -> Vec<(String, bool)> {
    let found = store.lookup(vec![plate.into()], None).await.unwrap();
    found.declarations.into_iter().map(|row| (row.id, row.exact)).collect()
}

#[tokio::test]
async fn changes_follow_one_another_and_a_gap_changes_nothing() {
    let dir = tempdir().unwrap();
    let (store, opened) = open(dir.path());
    assert!(opened.cache_begun_anew);
    let first = change(0, 1, vec![row("a", &["12C12345"])]);
    assert_eq!(store.apply_replica(D, first.clone()).await.unwrap(), Applied::Gap { have: None }, "a snapshot comes first");
    assert_eq!(store.apply_snapshot(D, at(1, 0), vec![]).await.unwrap(), Applied::Done(at(1, 0)));
    assert_eq!(store.apply_replica(D, first.clone()).await.unwrap(), Applied::Done(at(1, 1)));
    assert_eq!(store.apply_replica(D, first).await.unwrap(), Applied::Older { have: at(1, 1) });
    let far = change(2, 3, vec![row("c", &["12C12345"])]);
    assert_eq!(store.apply_replica(D, far).await.unwrap(), Applied::Gap { have: Some(at(1, 1)) });
    let other_epoch = Change { epoch: 2, follows: 1, revision: 2, rows: vec![] };
    assert_eq!(store.apply_replica(D, other_epoch).await.unwrap(), Applied::Gap { have: Some(at(1, 1)) });
    let old_epoch = Change { epoch: 0, follows: 1, revision: 9, rows: vec![] };
    assert_eq!(store.apply_replica(D, old_epoch).await.unwrap(), Applied::Older { have: at(1, 1) });
    assert_eq!(ids(&store, "12C12345").await, [("a".to_owned(), true)]);
    store.apply_replica(D, change(1, 5, vec![row("a", &["29H99999"]), row("b", &["12C12345"])])).await.unwrap();
    assert_eq!(ids(&store, "12C12345").await, [("b".to_owned(), true)], "a row is replaced with its plates");
    store.apply_replica(D, change(5, 6, vec![ReplicaRow::Tombstone { id: "b".into() }])).await.unwrap();
    assert!(ids(&store, "12C12345").await.is_empty());
    store.close().await;
    let (store, opened) = open(dir.path());
    assert!(!opened.cache_begun_anew);
    assert_eq!(store.collections().await.unwrap()[0].have, Some(at(1, 6)));
    store.close().await;
}

#[tokio::test]
async fn a_bad_row_refuses_its_whole_change_by_name() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    store.apply_snapshot(D, at(1, 0), vec![]).await.unwrap();
    let long = ReplicaRow::Upsert(UpsertRow { id: "big".into(), bytes: vec![0; 70_000], ..UpsertRow::default() });
    let refused = store.apply_replica(D, change(0, 1, vec![row("a", &["X1"]), long])).await.unwrap_err().to_string();
    assert!(refused.contains("big") && refused.contains("65536"), "{refused}");
    assert!(ids(&store, "X1").await.is_empty());
    assert_eq!(store.collections().await.unwrap()[0].have, Some(at(1, 0)));
    store.close().await;
}

#[tokio::test]
async fn a_snapshot_replaces_everything_at_its_end_and_not_before() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    store.apply_snapshot(D, at(1, 5), vec![row("old", &["A1"])]).await.unwrap();
    store.begin_snapshot(D, at(1, 9)).await.unwrap();
    store.stage_snapshot(D, 0, (0..1_200).map(|n| row(&format!("n{n}"), &["A1"])).take(700).collect()).await.unwrap();
    assert_eq!(ids(&store, "A1").await, [("old".to_owned(), true)]);
    store.stage_snapshot(D, 1, vec![row("last", &["B1"])]).await.unwrap();
    assert!(matches!(store.end_snapshot(D, 2, 700).await, Err(StoreError::Snapshot { .. })), "one row more was staged");
    assert_eq!(ids(&store, "A1").await, [("old".to_owned(), true)]);
    store.begin_snapshot(D, at(1, 9)).await.unwrap();
    store.stage_snapshot(D, 0, vec![row("new", &["B1"])]).await.unwrap();
    assert!(store.stage_snapshot(D, 2, vec![]).await.is_err(), "a part is missing");
    assert!(store.end_snapshot(D, 1, 1).await.is_err(), "and the snapshot with it");
    assert_eq!(store.apply_snapshot(D, at(1, 9), vec![row("new", &["B1"])]).await.unwrap(), Applied::Done(at(1, 9)));
    assert!(ids(&store, "A1").await.is_empty());
    assert_eq!(ids(&store, "B1").await, [("new".to_owned(), true)]);
    store.close().await;
}

#[tokio::test]
async fn nothing_older_comes_in_not_even_into_an_empty_cache() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    store.apply_snapshot(D, at(2, 5), vec![]).await.unwrap();
    for older in [at(2, 4), at(1, 99)] {
        assert_eq!(store.apply_snapshot(D, older, vec![]).await.unwrap(), Applied::Older { have: at(2, 5) });
    }
    let head = |revision, utc_ms| Head { revision, utc_ms };
    assert!(store.head_seen(D, head(at(2, 7), NOW)).await.unwrap());
    assert!(!store.head_seen(D, head(at(2, 7), NOW)).await.unwrap(), "the same");
    assert!(!store.head_seen(D, head(at(2, 6), NOW + 10)).await.unwrap(), "an older revision");
    assert!(!store.head_seen(D, head(at(2, 8), NOW - 10)).await.unwrap(), "an older time");
    assert!(store.head_seen(D, head(at(2, 7), NOW + 20)).await.unwrap());
    store.close().await;
    for name in ["cache.db", "cache.db-wal", "cache.db-shm"] {
        let _ = std::fs::remove_file(dir.path().join(name));
    }
    let (store, opened) = open(dir.path());
    assert!(opened.cache_begun_anew);
    let state = store.collections().await.unwrap()[0];
    assert_eq!((state.have, state.head), (None, Some(head(at(2, 7), NOW + 20))));
    assert_eq!(store.apply_snapshot(D, at(2, 6), vec![]).await.unwrap(), Applied::Older { have: at(2, 7) });
    assert_eq!(store.apply_snapshot(D, at(2, 7), vec![]).await.unwrap(), Applied::Done(at(2, 7)));
    store.close().await;
}

#[tokio::test]
async fn a_look_up_gives_exact_ones_first_then_those_that_look_alike() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    let rows = vec![row("near", &["12C1234O"]), row("exact", &["29H11111", "12C12340"]), row("other", &["12C99999"])];
    store.apply_snapshot(D, at(1, 1), rows).await.unwrap();
    store.apply_snapshot(Collection::Watchlist, at(1, 4), vec![row("w", &["12C1234D"])]).await.unwrap();
    let found = store.lookup(vec!["12C12340".into(), "29H11111".into()], None).await.unwrap();
    let ids: Vec<_> = found.declarations.iter().map(|row| (row.id.as_str(), row.exact)).collect();
    assert_eq!(ids, [("exact", true), ("near", false)]);
    assert_eq!(found.declarations[0].bytes, b"{\"id\":\"exact\"}");
    assert!(!found.truncated);
    assert_eq!((found.watch[0].id.as_str(), found.watch[0].exact), ("w", false));
    assert_eq!((found.declarations_revision, found.watchlist_revision), (Some(at(1, 1)), Some(at(1, 4))));
    store.close().await;
}

#[tokio::test]
async fn more_candidates_than_fit_are_told() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    let rows = |count: usize| (0..count).map(|n| row(&format!("d{n:03}"), &["12C1234O"])).collect::<Vec<_>>();
    store.apply_snapshot(D, at(1, 1), rows(LOOKUP_MAX_CANDIDATES)).await.unwrap();
    let found = store.lookup(vec!["12C12340".into()], None).await.unwrap();
    assert_eq!((found.declarations.len(), found.truncated), (LOOKUP_MAX_CANDIDATES, false));
    let mut more = rows(LOOKUP_MAX_CANDIDATES + 1);
    more.push(row("exact", &["12C12340"]));
    store.apply_snapshot(D, at(1, 2), more).await.unwrap();
    let found = store.lookup(vec!["12C12340".into()], None).await.unwrap();
    assert_eq!((found.declarations.len(), found.truncated), (LOOKUP_MAX_CANDIDATES, true));
    assert_eq!(found.declarations[0].id, "exact", "exact ones are never crowded out");
    store.close().await;
}

#[tokio::test]
async fn a_cache_that_cannot_be_read_is_set_aside_and_begun_anew() {
    type Spoil = fn(&std::path::Path);
    let spoils: [(&str, Spoil); 4] = [
        ("rubbish", |path| std::fs::write(path, vec![9; 50_000]).unwrap()),
        ("another format", |path| set_format(path, 99)),
        ("an older format", |path| {
            let conn = rusqlite::Connection::open(path).unwrap();
            conn.execute_batch("DROP TABLE plate; DROP TABLE collection;").unwrap();
        }),
        ("other keys", |path| {
            rusqlite::Connection::open(path).unwrap().execute("UPDATE meta SET key_probe = 'x'", []).map(|_| ()).unwrap();
        }),
    ];
    for (what, spoil) in spoils {
        let dir = tempdir().unwrap();
        let (store, _) = open(dir.path());
        store.apply_snapshot(D, at(1, 1), vec![row("a", &["A1"])]).await.unwrap();
        store.close().await;
        spoil(&dir.path().join("cache.db"));
        let (store, opened) = open(dir.path());
        assert!(opened.cache_begun_anew && opened.restored.is_none(), "{what}");
        assert!(dir.path().join("kept/cache.db").exists(), "{what}");
        assert!(ids(&store, "A1").await.is_empty(), "{what}");
        store.apply_snapshot(D, at(1, 1), vec![row("a", &["A1"])]).await.unwrap();
        assert_eq!(ids(&store, "A1").await.len(), 1, "{what}");
        store.close().await;
    }
}

fn set_format(path: &std::path::Path, format: i64) {
    rusqlite::Connection::open(path).unwrap().pragma_update(None, "user_version", format).unwrap();
}

#[tokio::test]
async fn a_cache_damaged_while_in_use_is_begun_anew_without_the_ledger_noticing() {
    let dir = tempdir().unwrap();
    let (store, _) = open(dir.path());
    store.apply_snapshot(D, at(1, 1), (0..2_000).map(|n| row(&format!("d{n}"), &["A1"])).collect()).await.unwrap();
    // Another hand takes a table away under the running store.
    rusqlite::Connection::open(dir.path().join("cache.db")).unwrap().execute_batch("DROP TABLE plate").unwrap();
    assert!(matches!(store.lookup(vec!["A1".into()], None).await, Err(StoreError::CacheDamaged)));
    assert!(ids(&store, "A1").await.is_empty());
    assert_eq!(store.collections().await.unwrap()[0].have, None, "the link sees that it must resync");
    assert_eq!(store.metrics().cache_begun_anew, 1);
    store.apply_snapshot(D, at(1, 1), vec![row("a", &["A1"])]).await.unwrap();
    assert_eq!(ids(&store, "A1").await.len(), 1);
    append(&store, 1).await;
    store.close().await;
}

#[tokio::test]
async fn a_large_snapshot_delays_no_authorisation_by_more_than_one_small_step() {
    let dir = tempdir().unwrap();
    let wide = StoreSettings { queue_max_requests: 64, ..settings(dir.path()) };
    let (store, _) = Store::open(wide, key(), &boot(1)).unwrap();
    let loading = {
        let store = store.clone();
        tokio::spawn(async move {
            let rows = (0..10_000).map(|n| row(&format!("d{n}"), &[&format!("12C{n:05}")])).collect();
            store.apply_snapshot(D, at(1, 1), rows).await.unwrap()
        })
    };
    let mut while_loading = 0;
    while !loading.is_finished() {
        append(&store, 1).await;
        while_loading += 1;
    }
    assert_eq!(loading.await.unwrap(), Applied::Done(at(1, 1)));
    // 20 steps of 500 rows: a store that wrote the snapshot in one go would have taken one or two appends in between.
    assert!(while_loading >= 10, "{while_loading} appends");
    store.close().await;
}
