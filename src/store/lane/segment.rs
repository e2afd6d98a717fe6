//! Sealed segments: how old records leave the database and stay provable.
//!
//! `segments/{ledger}-{first:012}-{last:012}.segment`, text, one JSON object a line:
//! ```text
//! {"format":"borderlane-segment-v1","ledger":"<32 hex>","first_seq":1,"last_seq":2000,"previous":"<64 hex>"}
//! {"seq":1,"kind":"…","utc_ms":…,"hash":"<64 hex>","bytes":"<base64>"}                                  one a record
//! {"head":{"seq":64,"hash":"…","utc_ms":…,"public_key":"…","signature":"…"}}                            heads signed within
//! {"seal":{"last_seq":2000,"last_hash":"…","content":"<SHA-256 of all bytes before this line>","public_key":"…","signature":"…"}}
//! ```
//! Only acknowledged records leave, only a prefix, and only once their file is synced; the database keeps the last hash as the new base.

use super::ledger::{READ_MAX_ROWS, hash_at, heads_between, row_of};
use super::{LaneTx, Tip};
use crate::store::chain::{self, Seal, SignedHead, ledger_text};
use crate::store::codec::{from_sql, to_sql};
use crate::store::error::StoreError;
use crate::store::files;
use crate::store::settings::{SEGMENT_MAX_RECORDS, StoreSettings};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::SigningKey;
use lane_core::ids::Digest;
use rusqlite::{Connection, params};
use serde_json::json;

const DAY_MS: i64 = 86_400_000;

/// A segment whose file is synced and whose records may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// What its seal states.
    pub seal: Seal,
    /// Its file's name.
    pub file: String,
}

/// Writes and syncs the next segment, if records are due. `now_utc_ms` must be trusted.
pub fn seal_next(
    conn: &Connection,
    tip: &Tip,
    key: &SigningKey,
    settings: &StoreSettings,
    now_utc_ms: i64,
) -> Result<Option<Sealed>, StoreError> {
    let Some((first_seq, last_seq)) = due(conn, tip, settings, now_utc_ms)? else { return Ok(None) };
    let previous = hash_at(conn, first_seq - 1)?.unwrap_or(chain::NO_PREVIOUS);
    let (text, last_hash) = body(conn, tip, first_seq, last_seq, previous)?;
    let content = chain::sha256(text.as_bytes());
    let seal = Seal { ledger: tip.ledger, first_seq, last_seq, last_hash, content };
    let line = json!({"seal": {
        "last_seq": last_seq, "last_hash": hex::encode(last_hash.0), "content": hex::encode(content.0),
        "public_key": hex::encode(key.verifying_key().to_bytes()), "signature": hex::encode(chain::sign_seal(key, &seal)),
    }});
    let file = format!("{}-{first_seq:012}-{last_seq:012}.segment", ledger_text(tip.ledger));
    files::write_synced(&settings.segments_dir(), &file, format!("{text}{line}\n").as_bytes())?;
    Ok(Some(Sealed { seal, file }))
}

/// The range that is due: acknowledged, older than the days kept, at most [`SEGMENT_MAX_RECORDS`].
fn due(conn: &Connection, tip: &Tip, settings: &StoreSettings, now: i64) -> Result<Option<(u64, u64)>, StoreError> {
    let what = "look for records that are due";
    let oldest = now.saturating_sub(i64::from(settings.ledger_keep_days) * DAY_MS);
    let first: Option<i64> =
        conn.query_row("SELECT min(seq) FROM ledger", [], |row| row.get(0)).map_err(StoreError::sql(what))?;
    let Some(first) = first.map(|seq| from_sql(seq, what)).transpose()? else { return Ok(None) };
    // A record without a trusted time is as old as its neighbours: it goes with the next dated one. The newest record always stays.
    let upto = tip.acknowledged_seq.min(tip.seq.saturating_sub(1)).min(first + SEGMENT_MAX_RECORDS - 1);
    let young: Option<i64> = conn
        .query_row(
            "SELECT min(seq) FROM ledger WHERE seq BETWEEN ?1 AND ?2 AND utc_ms >= ?3",
            params![to_sql(first), to_sql(upto), oldest],
            |row| row.get(0),
        )
        .map_err(StoreError::sql(what))?;
    let before = young.map(|seq| from_sql(seq, what)).transpose()?.map_or(upto, |seq| seq - 1);
    let last: Option<i64> = conn
        .query_row(
            "SELECT max(seq) FROM ledger WHERE seq BETWEEN ?1 AND ?2 AND utc_ms < ?3",
            params![to_sql(first), to_sql(before), oldest],
            |row| row.get(0),
        )
        .map_err(StoreError::sql(what))?;
    Ok(last.map(|seq| from_sql(seq, what)).transpose()?.map(|last| (first, last)))
}

fn body(conn: &Connection, tip: &Tip, first: u64, last: u64, previous: Digest) -> Result<(String, Digest), StoreError> {
    let what = "seal a segment";
    let mut text = format!(
        "{}\n",
        json!({"format": "borderlane-segment-v1", "ledger": ledger_text(tip.ledger), "first_seq": first, "last_seq": last,
               "previous": hex::encode(previous.0)})
    );
    let mut select = conn
        .prepare("SELECT seq, hash, kind, utc_ms, bytes FROM ledger WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq")
        .map_err(StoreError::sql(what))?;
    let mut rows = select.query([to_sql(first), to_sql(last)]).map_err(StoreError::sql(what))?;
    let (mut seq, mut hash) = (first - 1, previous);
    while let Some(row) = rows.next().map_err(StoreError::sql(what))? {
        let row = row_of(row)?;
        // A damaged record is never sealed as if it were good.
        if row.seq != seq + 1 || row.hash != chain::record_hash(tip.ledger, row.seq, hash, &row.bytes) {
            return Err(StoreError::row(what, format!("record {} does not follow", row.seq)));
        }
        (seq, hash) = (row.seq, row.hash);
        let line = json!({"seq": row.seq, "kind": row.kind, "utc_ms": row.utc_ms, "hash": hex::encode(row.hash.0),
                          "bytes": BASE64.encode(&row.bytes)});
        text.push_str(&line.to_string());
        text.push('\n');
    }
    if seq != last {
        return Err(StoreError::row(what, format!("record {last} is not there")));
    }
    let mut after = first - 1;
    loop {
        let heads = heads_between(conn, tip.ledger, after, last)?;
        for head in &heads {
            text.push_str(&format!("{}\n", json!({"head": head_json(head)})));
            after = head.seq;
        }
        if heads.len() < READ_MAX_ROWS {
            return Ok((text, hash));
        }
    }
}

fn head_json(head: &SignedHead) -> serde_json::Value {
    json!({"seq": head.seq, "hash": hex::encode(head.hash.0), "utc_ms": head.utc_ms,
           "public_key": hex::encode(head.public_key), "signature": hex::encode(head.signature)})
}

impl LaneTx<'_> {
    /// The records of a sealed segment leave the database; its last hash becomes the base.
    pub fn leave(&mut self, sealed: &Sealed) -> Result<(), StoreError> {
        let what = "let a segment leave";
        let (seal, sql) = (&sealed.seal, StoreError::sql);
        let (first, last) = (to_sql(seal.first_seq), to_sql(seal.last_seq));
        self.conn
            .execute(
                "INSERT INTO segment (first_seq, last_seq, last_hash, file, content) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![first, last, seal.last_hash.0, sealed.file, seal.content.0],
            )
            .map_err(sql(what))?;
        self.conn.execute("DELETE FROM ledger WHERE seq BETWEEN ?1 AND ?2", [first, last]).map_err(sql(what))?;
        self.conn.execute("DELETE FROM head WHERE seq BETWEEN ?1 AND ?2", [first, last]).map_err(sql(what))?;
        self.conn
            .execute("UPDATE meta SET base_seq = ?1, base_hash = ?2", params![last, seal.last_hash.0])
            .map_err(sql(what))?;
        Ok(())
    }
}
