//! What the store's tests share. Each test opens real files in a folder of its own.
#![allow(dead_code)]

use borderlane::store::{Boot, NewRecord, Opened, Store, StoreSettings};
use ed25519_dalek::SigningKey;
use lane_core::ids::{BootId, PassageId};
use lane_core::time::{Mono, Wall, WallQuality};
use rusqlite::Connection;
use std::path::Path;

pub const DAY_MS: i64 = 86_400_000;
/// 2026-01-01T00:00:00Z.
pub const NOW: i64 = 1_767_225_600_000;

pub fn key() -> SigningKey {
    SigningKey::from_bytes(&[42; 32])
}

pub fn wall(utc_ms: i64) -> Wall {
    Wall { utc_ms, quality: WallQuality::Trusted }
}

pub fn boot(id: u128) -> Boot {
    Boot { id: BootId(id), at: Mono(1_000), wall: wall(NOW) }
}

pub fn plate_key(plate: &str) -> String {
    plate.replace(['O', 'D', 'Q'], "0").replace('8', "B")
}

pub fn settings(dir: &Path) -> StoreSettings {
    StoreSettings {
        nearly_full_bytes: 1,
        evidence_floor_bytes: 1,
        probe_interval_ms: 20,
        head_every_records: 8,
        ..StoreSettings::new(dir, plate_key)
    }
}

pub fn open(dir: &Path) -> (Store, Opened) {
    Store::open(settings(dir), key(), &boot(1)).unwrap()
}

pub fn open_boot(dir: &Path, id: u128) -> (Store, Opened) {
    Store::open(settings(dir), key(), &boot(id)).unwrap()
}

pub fn record(text: &str) -> NewRecord {
    NewRecord { kind: "test".into(), passage: None, utc_ms: Some(NOW), bytes: text.as_bytes().to_vec() }
}

pub fn record_of(passage: PassageId, text: &str) -> NewRecord {
    NewRecord { passage: Some(passage), ..record(text) }
}

pub async fn append(store: &Store, count: usize) {
    for n in 0..count {
        store.append(vec![record(&format!("{{\"n\":{n}}}"))]).await.unwrap();
    }
}

/// A raw connection, as somebody with the file and a tool would have.
pub fn raw(dir: &Path) -> Connection {
    Connection::open(dir.join("lane.db")).unwrap()
}

/// Somebody tampers: the triggers that keep the ledger are no obstacle to who has the file.
pub fn tamper(dir: &Path, sql: &str) {
    let conn = raw(dir);
    conn.execute_batch("DROP TRIGGER ledger_is_not_changed; DROP TRIGGER ledger_leaves_as_segments;").unwrap();
    conn.execute_batch(sql).unwrap();
}

/// The JSON of a ledger's first record.
pub fn first_record(dir: &Path) -> serde_json::Value {
    let bytes: Vec<u8> = raw(dir).query_row("SELECT bytes FROM ledger WHERE seq = 1", [], |row| row.get(0)).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}
