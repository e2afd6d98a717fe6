//! The store's figures, one JSON object a line: `{"name","value","unit","peer","ratio"}`, `ratio` = value / peer of the same run.
//!
//! `store_figures [ROWS] [DIR]`: ROWS declarations (default 1,000,000) in a store under DIR (default: a temporary folder).
//! * `authorise_p50`, `authorise_p99`: a permit asked for until it is durable, through the queue and the writer; peer: one bare FULL commit of the same bytes;
//! * `find_exact`, `find_near`: one collection asked for one plate, same peer;
//! * `lookup_exact`, `lookup_near`: whole look-ups (declarations, watchlist, overlay); peer: a bare prepared SELECT of the same row;
//! * `store_open`: opening with that cache; peer: opening the same files with bare SQLite.
#![allow(clippy::unwrap_used)]

use borderlane::store::cache::lookup;
use borderlane::store::lane::schema;
use borderlane::store::{Authorisation, Boot, Collection, NewRecord, ReplicaRow, Store, StoreSettings, UpsertRow, plate_key};
use ed25519_dalek::SigningKey;
use lane_core::ids::{BootId, PermitId, Revision};
use lane_core::time::{Mono, Wall};
use std::path::Path;
use std::time::Instant;

fn main() {
    let mut args = std::env::args().skip(1);
    let rows: usize = args.next().map_or(1_000_000, |rows| rows.parse().unwrap());
    let temporary = std::env::temp_dir().join(format!("store-figures-{}", std::process::id()));
    let given = args.next();
    let dir = given.as_ref().map_or(temporary.clone(), Into::into);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(figures(&dir, rows));
    if given.is_none() {
        std::fs::remove_dir_all(&dir).unwrap();
    }
}

fn print(name: &str, value: f64, unit: &str, peer: f64) {
    println!(
        "{}",
        serde_json::json!({"name": name, "value": value, "unit": unit, "peer": peer, "ratio": (value / peer * 100.0).round() / 100.0})
    );
}

fn open(dir: &Path) -> Store {
    let boot = Boot { id: BootId(u128::from(std::process::id())), at: Mono(0), wall: Wall::UNKNOWN };
    Store::open(StoreSettings::new(dir, plate_key), SigningKey::from_bytes(&[1; 32]), &boot).unwrap().0
}

fn plate(n: usize) -> String {
    format!("{:02}C{:06}", 11 + n % 80, n / 80)
}

fn record() -> NewRecord {
    NewRecord { kind: "permit_granted".into(), passage: None, utc_ms: None, bytes: vec![b'x'; 600] }
}

async fn figures(dir: &Path, rows: usize) {
    let store = open(dir);
    fill(&store, rows).await;
    authorisations(&store, dir).await;
    store.close().await;
    let begun = Instant::now();
    let bare = rusqlite::Connection::open(dir.join("cache.db")).unwrap();
    let _: i64 = bare.query_row("SELECT count(*) FROM collection", [], |row| row.get(0)).unwrap();
    let bare_lane = rusqlite::Connection::open(dir.join("lane.db")).unwrap();
    let _: i64 = bare_lane.query_row("SELECT max(seq) FROM ledger", [], |row| row.get(0)).unwrap();
    let peer = begun.elapsed();
    drop((bare, bare_lane));
    let begun = Instant::now();
    let store = open(dir);
    print("store_open", begun.elapsed().as_secs_f64() * 1e3, "ms", peer.as_secs_f64() * 1e3);
    lookups(dir, rows);
    store.close().await;
}

async fn fill(store: &Store, rows: usize) {
    let begun = Instant::now();
    let at = Revision { epoch: 1, revision: 1 };
    store.begin_snapshot(Collection::Declarations, at).await.unwrap();
    let json = format!(r#"{{"id":"D","goods":"{}"}}"#, "x".repeat(500)).into_bytes();
    let mut parts = 0;
    for first in (0..rows).step_by(10_000) {
        let part = (first..rows.min(first + 10_000))
            .map(|n| {
                ReplicaRow::Upsert(UpsertRow {
                    id: format!("D-{n}"),
                    plates: vec![plate(n)],
                    gate: Some("huu-nghi".into()),
                    bytes: json.clone(),
                    ..UpsertRow::default()
                })
            })
            .collect();
        store.stage_snapshot(Collection::Declarations, parts, part).await.unwrap();
        parts += 1;
    }
    store.end_snapshot(Collection::Declarations, parts, rows as u64).await.unwrap();
    eprintln!("{rows} declarations staged in {:?}", begun.elapsed());
}

async fn authorisations(store: &Store, dir: &Path) {
    let bare_file = dir.join("bare.db");
    let bare = schema::open(&bare_file, None).unwrap();
    bare.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB)").unwrap();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let boot = BootId(u128::from(std::process::id()));
    for counter in 0..2_000 {
        let permit = PermitId { passage: None, counter, boot };
        let begun = Instant::now();
        store.authorise(Authorisation { permit, declarations: vec!["D-1".into()], record: record() }).await.unwrap();
        ours.push(begun.elapsed().as_secs_f64() * 1e6);
        let begun = Instant::now();
        bare.prepare_cached("INSERT INTO t (b) VALUES (?1)").unwrap().execute([record().bytes]).unwrap();
        theirs.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    for values in [&mut ours, &mut theirs] {
        values.sort_by(f64::total_cmp);
    }
    for (name, at) in [("authorise_p50", 1_000), ("authorise_p99", 1_980)] {
        print(name, ours[at], "us", theirs[at]);
    }
    drop(bare);
    let _ = std::fs::remove_file(bare_file);
}

fn lookups(dir: &Path, rows: usize) {
    let cache = schema::open_reader(&dir.join("cache.db")).unwrap();
    let lane = schema::open_reader(&dir.join("lane.db")).unwrap();
    let asked: Vec<String> = (0..20_000).map(|n| plate(n * 7_919 % rows)).collect();
    let near: Vec<String> = asked.iter().map(|plate| plate.replacen('0', "O", 1)).collect();
    let mut peer = 0.0;
    let sql = "SELECT e.id, e.bytes FROM plate p JOIN entry e ON e.row = p.row WHERE p.collection = 0 AND p.slot = ?1 AND p.key = ?2 AND p.plate = ?3";
    let slot = borderlane::store::cache::slot(&cache, Collection::Declarations).unwrap().0;
    for pass in 0..2 {
        let begun = Instant::now();
        for plate in &asked {
            let mut select = cache.prepare_cached(sql).unwrap();
            let found: (String, Vec<u8>) =
                select.query_row(rusqlite::params![slot, plate_key(plate), plate], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            assert!(!found.1.is_empty());
        }
        if pass == 1 {
            peer = begun.elapsed().as_secs_f64() * 1e6 / asked.len() as f64;
        }
    }
    for (name, plates) in [("find_exact", &asked), ("find_near", &near)] {
        let begun = Instant::now();
        for plate in plates {
            let found = lookup::find(&cache, Collection::Declarations, plate_key, std::slice::from_ref(plate)).unwrap();
            assert!(!found.hits.is_empty(), "{plate}");
        }
        print(name, begun.elapsed().as_secs_f64() * 1e6 / plates.len() as f64, "us", peer);
    }
    for (name, plates) in [("lookup_exact", &asked), ("lookup_near", &near)] {
        let begun = Instant::now();
        for plate in plates {
            let found = lookup::lookup(&cache, &lane, plate_key, std::slice::from_ref(plate), None).unwrap();
            assert!(!found.declarations.is_empty(), "{plate}");
        }
        print(name, begun.elapsed().as_secs_f64() * 1e6 / plates.len() as f64, "us", peer);
    }
}
