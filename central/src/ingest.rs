//! Records in: stored only where they continue the lane's ledger, in one transaction with the cursor.
//!
//! ```text
//! seq ≤ cursor, same hash       duplicate: acknowledged again
//! seq ≤ cursor, other hash      fork: alarm, no acknowledgement
//! seq = cursor + 1, chain good  stored
//! seq = cursor + 1, chain bad   fork (it follows another history): alarm, no acknowledgement
//! seq > cursor + 1              gap: "resend from the cursor"
//! ```
//! A passage that ends `passed` uses up an entry of the declarations its permit was judged on, in the same transaction, once.

use crate::db::{DbError, alarm, unsigned};
use crate::keys::Signer;
use crate::replicas;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lane_link::ack::{Ack, EventBatch, EventRecord, MAX_BATCH_RECORDS};
use lane_link::chain::{NO_PREVIOUS, record_hash};
use lane_link::declaration::DeclarationState;
use lane_link::envelope::Envelope;
use lane_link::hex_bytes::{Hex16, Hex32, HexBytes};
use lane_link::replica::Collection;
use rusqlite::{Connection, OptionalExtension, Transaction};
use serde_json::Value;

/// Longest record.
pub const MAX_RECORD_BYTES: usize = 64 * 1024;
/// Passages a declaration's row remembers as counted.
const COUNTED_MAX: usize = 32;

/// What became of a batch.
#[derive(Debug)]
pub struct Ingested {
    /// To be signed and sent; `None`: a fork is not acknowledged.
    pub ack: Option<Ack>,
    /// Records stored now.
    pub stored: usize,
    /// Changes of declarations that follow from it.
    pub changes: Vec<Envelope>,
}

/// Stores what continues the ledger.
///
/// # Errors
/// [`DbError`]: nothing was stored.
pub fn batch(connection: &mut Connection, signer: &Signer, lane: &str, batch: &EventBatch, now_ms: i64) -> Result<Ingested, DbError> {
    if batch.records.is_empty() || batch.records.len() > MAX_BATCH_RECORDS {
        return Err(DbError::Bad(format!("a batch has 1 to {MAX_BATCH_RECORDS} records")));
    }
    let transaction = connection.transaction()?;
    let ledger = batch.ledger;
    let (mut seq, mut hash) = cursor(&transaction, lane, ledger)?;
    let mut ingested = Ingested { ack: None, stored: 0, changes: Vec::new() };
    let mut resend = false;
    for record in &batch.records {
        if record.seq > seq + 1 {
            resend = true;
            break;
        }
        let bytes = BASE64.decode(&record.bytes_b64).map_err(|e| DbError::Bad(format!("record {}: {e}", record.seq)))?;
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(DbError::Bad(format!("record {} is longer than {MAX_RECORD_BYTES} bytes", record.seq)));
        }
        let fork = if record.seq <= seq {
            stored_hash(&transaction, lane, ledger, record.seq)? != Some(record.hash)
        } else {
            record_hash(ledger, record.seq, hash, &bytes) != record.hash
        };
        if fork {
            let text = format!("ledger {ledger}: record {} is not the one this ledger continues with (cursor {seq})", record.seq);
            transaction.rollback()?;
            alarm(connection, now_ms, lane, "fork", &text)?;
            return Ok(Ingested { ack: None, stored: 0, changes: Vec::new() });
        }
        if record.seq > seq {
            store(&transaction, lane, ledger, record, &bytes)?;
            (seq, hash) = (record.seq, record.hash);
            ingested.stored += 1;
            count_entry(&transaction, signer, lane, &bytes, &mut ingested.changes)?;
        }
    }
    if ingested.stored > 0 {
        let sql = "INSERT OR REPLACE INTO ledgers (lane, ledger, seq, hash) VALUES (?1, ?2, ?3, ?4)";
        transaction.execute(sql, (lane, ledger.to_string(), seq.cast_signed(), hash.0))?;
    }
    transaction.commit()?;
    ingested.ack = Some(Ack::Records { ledger, seq, hash, resend });
    Ok(ingested)
}

fn cursor(connection: &Connection, lane: &str, ledger: Hex16) -> Result<(u64, Hex32), DbError> {
    let sql = "SELECT seq, hash FROM ledgers WHERE lane = ?1 AND ledger = ?2";
    let found: Option<(u64, [u8; 32])> =
        connection.query_row(sql, (lane, ledger.to_string()), |r| Ok((unsigned(r, 0)?, r.get(1)?))).optional()?;
    Ok(found.map_or((0, NO_PREVIOUS), |(seq, hash)| (seq, HexBytes(hash))))
}

fn stored_hash(connection: &Connection, lane: &str, ledger: Hex16, seq: u64) -> Result<Option<Hex32>, DbError> {
    let sql = "SELECT hash FROM records WHERE lane = ?1 AND ledger = ?2 AND seq = ?3";
    let hash: Option<[u8; 32]> = connection.query_row(sql, (lane, ledger.to_string(), seq.cast_signed()), |r| r.get(0)).optional()?;
    Ok(hash.map(HexBytes))
}

fn store(transaction: &Transaction<'_>, lane: &str, ledger: Hex16, record: &EventRecord, bytes: &[u8]) -> Result<(), DbError> {
    let json: Value = serde_json::from_slice(bytes).unwrap_or(Value::Null);
    let kind = json["kind"].as_str().unwrap_or("unknown");
    transaction
        .prepare_cached("INSERT INTO records (lane, ledger, seq, hash, kind, passage, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute((lane, ledger.to_string(), record.seq.cast_signed(), record.hash.0, kind, json["passage"].as_str(), bytes))?;
    Ok(())
}

fn count_entry(
    transaction: &Transaction<'_>,
    signer: &Signer,
    lane: &str,
    bytes: &[u8],
    changes: &mut Vec<Envelope>,
) -> Result<(), DbError> {
    let json: Value = serde_json::from_slice(bytes).unwrap_or(Value::Null);
    if json["kind"] != "passage_ended" || json["end"] != "passed" {
        return Ok(());
    }
    let Some(passage) = json["passage"].as_str() else { return Ok(()) };
    let sql = "SELECT bytes FROM records WHERE lane = ?1 AND passage = ?2 AND kind = 'permit_granted' ORDER BY id DESC LIMIT 1";
    let permit: Option<Vec<u8>> = transaction.query_row(sql, (lane, passage), |r| r.get(0)).optional()?;
    let permit: Value = permit.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or(Value::Null);
    let ids = permit["declarations"].as_array().into_iter().flatten().filter_map(|d| d["id"].as_str());
    let mut rows = Vec::new();
    for id in ids.take(16) {
        let Some(mut declaration) = replicas::declaration(transaction, id)? else { continue };
        if declaration.passages_counted.iter().any(|p| p == passage) {
            continue;
        }
        if declaration.passages_counted.len() == COUNTED_MAX {
            declaration.passages_counted.remove(0);
        }
        declaration.passages_counted.push(passage.to_owned());
        declaration.entries_used = declaration.entries_used.saturating_add(1);
        if declaration.entries_used >= declaration.entries_allowed && declaration.state == DeclarationState::Active {
            declaration.state = DeclarationState::Used;
        }
        rows.push(replicas::upsert(&declaration)?);
    }
    changes.extend(replicas::write_in(transaction, signer, Collection::Declarations, rows)?);
    Ok(())
}

/// Stores a picture under its digest; `false`: the bytes are not the digest's.
///
/// # Errors
/// [`DbError::Bad`] when the disk does not take it.
pub fn picture(connection: &Connection, folder: &std::path::Path, lane: &str, digest: Hex32, bytes: &[u8]) -> Result<bool, DbError> {
    if lane_link::replica::sha256(bytes) != digest {
        return Ok(false);
    }
    let name = digest.to_string();
    let place = folder.join(&name[..2]);
    let keep = || -> std::io::Result<()> {
        std::fs::create_dir_all(&place)?;
        let beside = place.join(format!("{name}.new"));
        std::fs::write(&beside, bytes)?;
        std::fs::File::open(&beside)?.sync_all()?;
        std::fs::rename(&beside, place.join(&name))?;
        std::fs::File::open(&place)?.sync_all()
    };
    keep().map_err(|e| DbError::Bad(format!("picture {name}: {e}")))?;
    connection.execute(
        "INSERT OR IGNORE INTO evidence (digest, lane, bytes) VALUES (?1, ?2, ?3)",
        (&name, lane, u32::try_from(bytes.len()).unwrap_or(u32::MAX)),
    )?;
    Ok(true)
}
