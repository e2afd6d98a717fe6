//! The four collections as the centre keeps them: every write is one signed change of one revision, made and kept in one transaction.

use crate::db::{CHANGES_MAX, DbError, unsigned};
use crate::keys::Signer;
use base64::Engine;
use lane_core::plate::PlateText;
use lane_link::declaration::Declaration;
use lane_link::envelope::{Envelope, What};
use lane_link::officer::Officer;
use lane_link::replica::{
    BUNDLE_FORMAT, Bundle, Change, Collection, Head, MAX_PART_BYTES, MAX_PARTS, MAX_ROW_BYTES, MAX_ROWS, Manifest, Part, PartRef, Place,
    Row, check_rows, sha256,
};
use lane_link::rules::RulesRow;
use rusqlite::{Connection, OptionalExtension, Transaction};
use serde_json::Value;
use std::collections::BTreeMap;

/// Changes sent one by one to repair; more missing ones come as a snapshot.
pub const REPAIR_MAX_CHANGES: u64 = 256;
/// Signed bytes of one change.
const CHANGE_MAX_BYTES: usize = 256 * 1024;

fn sign_error(error: lane_link::envelope::EnvelopeError) -> DbError {
    DbError::Bad(error.to_string())
}

/// Where a collection stands. The epoch is the root's; a new one begins at the revision that was.
///
/// # Errors
/// [`DbError::Sql`].
pub fn place(connection: &Connection, signer: &Signer, collection: Collection) -> Result<Place, DbError> {
    let sql = "SELECT revision FROM collections WHERE name = ?1";
    let revision: Option<u64> = connection.query_row(sql, [collection.word()], |r| unsigned(r, 0)).optional()?;
    Ok(Place { epoch: signer.epoch(collection), revision: revision.unwrap_or(0) })
}

/// Checks rows as lanes will: their size, and that a declaration is one.
///
/// # Errors
/// [`DbError::Bad`] names the row.
pub fn check(collection: Collection, rows: &[Row]) -> Result<(), DbError> {
    check_rows(rows).map_err(|e| DbError::Bad(e.to_string()))?;
    for row in rows {
        let Row::Upsert { key, body } = row else { continue };
        if body.to_string().len() > MAX_ROW_BYTES {
            return Err(DbError::Bad(format!("row {key} is longer than {MAX_ROW_BYTES} bytes")));
        }
        check_body(collection, key, body).map_err(|why| DbError::Bad(format!("{} {key}: {why}", collection.word())))?;
    }
    Ok(())
}

fn check_body(collection: Collection, key: &str, body: &Value) -> Result<(), String> {
    fn read<T: serde::de::DeserializeOwned>(body: &Value) -> Result<T, String> {
        serde_json::from_value(body.clone()).map_err(|error| error.to_string())
    }
    let own = |id: &str| if id == key { Ok(()) } else { Err(format!("it calls itself {id}")) };
    match collection {
        Collection::Declarations => {
            let declaration: Declaration = read(body)?;
            declaration.to_core(lane_core::ids::Revision { epoch: 1, revision: 1 }).map_err(|error| error.to_string())?;
            own(&declaration.id)
        }
        Collection::Watchlist => {
            let plate = body["plate"].as_str().ok_or("plate is missing")?;
            PlateText::parse(plate).map(drop).map_err(|error| error.to_string())
        }
        Collection::Officers => {
            let officer: Officer = read(body)?;
            let window = officer.valid_from_ms < officer.valid_until_ms;
            if !window || officer.sites.is_empty() || officer.agency.is_empty() {
                return Err("an officer has an agency, a site, and a window that ends after it begins".to_owned());
            }
            own(&officer.id)
        }
        Collection::Rules => read::<RulesRow>(body)?.check().map_err(|error| error.to_string()),
    }
}

/// What makes a collection be just these rows: those that differ, and tombstones of those that are not among them.
///
/// # Errors
/// [`DbError`].
pub fn towards(connection: &Connection, collection: Collection, wanted: &BTreeMap<String, Value>) -> Result<Vec<Row>, DbError> {
    let mut statement = connection.prepare("SELECT key FROM rows WHERE collection = ?1 ORDER BY key")?;
    let keys = statement.query_map([collection.word()], |r| r.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    let gone = keys.into_iter().filter(|key| !wanted.contains_key(key)).map(|key| Row::Tombstone { key });
    let mut rows: Vec<Row> = gone.collect();
    for (key, body) in wanted {
        if row(connection, collection, key)?.as_ref() != Some(body) {
            rows.push(Row::Upsert { key: key.clone(), body: body.clone() });
        }
    }
    Ok(rows)
}

/// Writes rows as one or several changes; the signed changes, to be published.
///
/// # Errors
/// [`DbError`]: nothing was written.
pub fn write(connection: &mut Connection, signer: &Signer, collection: Collection, rows: Vec<Row>) -> Result<Vec<Envelope>, DbError> {
    let transaction = connection.transaction()?;
    let envelopes = write_in(&transaction, signer, collection, rows)?;
    transaction.commit()?;
    Ok(envelopes)
}

/// As [`write`], within a transaction.
///
/// # Errors
/// [`DbError`].
pub fn write_in(transaction: &Transaction<'_>, signer: &Signer, collection: Collection, rows: Vec<Row>) -> Result<Vec<Envelope>, DbError> {
    let mut envelopes = Vec::new();
    let mut chunk = Vec::new();
    let mut bytes = 0;
    for row in rows {
        let size = match &row {
            Row::Upsert { key, body } => key.len() + body.to_string().len() + 64,
            Row::Tombstone { key } => key.len() + 64,
        };
        if chunk.len() == MAX_ROWS || (!chunk.is_empty() && bytes + size > CHANGE_MAX_BYTES) {
            envelopes.push(one_change(transaction, signer, collection, std::mem::take(&mut chunk))?);
            bytes = 0;
        }
        bytes += size;
        chunk.push(row);
    }
    if !chunk.is_empty() {
        envelopes.push(one_change(transaction, signer, collection, chunk)?);
    }
    Ok(envelopes)
}

fn one_change(transaction: &Transaction<'_>, signer: &Signer, collection: Collection, rows: Vec<Row>) -> Result<Envelope, DbError> {
    check(collection, &rows)?;
    let name = collection.word();
    let Place { epoch, revision: follows } = place(transaction, signer, collection)?;
    let revision = follows + 1;
    for row in &rows {
        match row {
            Row::Tombstone { key } => {
                transaction.execute("DELETE FROM rows WHERE collection = ?1 AND key = ?2", (name, key))?;
            }
            Row::Upsert { key, body } => {
                let plate = |field: &str| body[field].as_str().and_then(|text| PlateText::parse(text).ok()).map(|p| p.to_string());
                let (plate, trailer) =
                    if collection == Collection::Declarations { (plate("plate"), plate("trailer_plate")) } else { (None, None) };
                transaction.execute(
                    "INSERT OR REPLACE INTO rows (collection, key, plate, trailer, body) VALUES (?1, ?2, ?3, ?4, ?5)",
                    (name, key, plate, trailer, body.to_string()),
                )?;
            }
        }
    }
    let change = Change { collection, epoch, revision, follows, rows };
    let envelope = signer.for_site(What::Change(collection), &change).map_err(sign_error)?;
    let text = serde_json::to_string(&envelope).map_err(|e| DbError::Bad(e.to_string()))?;
    transaction.execute("INSERT INTO changes VALUES (?1, ?2, ?3, ?4)", (name, epoch, revision.cast_signed(), text))?;
    let oldest = revision.saturating_sub(CHANGES_MAX);
    transaction
        .execute("DELETE FROM changes WHERE collection = ?1 AND (epoch <> ?2 OR revision <= ?3)", (name, epoch, oldest.cast_signed()))?;
    transaction.execute("INSERT OR REPLACE INTO collections VALUES (?1, ?2, ?3)", (name, epoch, revision.cast_signed()))?;
    Ok(envelope)
}

/// The body of a row.
///
/// # Errors
/// [`DbError`].
pub fn row(connection: &Connection, collection: Collection, key: &str) -> Result<Option<Value>, DbError> {
    let sql = "SELECT body FROM rows WHERE collection = ?1 AND key = ?2";
    let body: Option<String> = connection.query_row(sql, (collection.word(), key), |r| r.get(0)).optional()?;
    body.map(|text| serde_json::from_str(&text).map_err(|e| DbError::Bad(e.to_string()))).transpose()
}

/// The declaration `id`.
///
/// # Errors
/// [`DbError`].
pub fn declaration(connection: &Connection, id: &str) -> Result<Option<Declaration>, DbError> {
    let body = row(connection, Collection::Declarations, id)?;
    body.map(|value| serde_json::from_value(value).map_err(|e| DbError::Bad(format!("declaration {id}: {e}")))).transpose()
}

/// Declarations whose tractor or trailer has this plate, at most `max_rows`.
///
/// # Errors
/// [`DbError`].
pub fn by_plate(connection: &Connection, plate: &str, max_rows: u32) -> Result<Vec<Value>, DbError> {
    let mut statement =
        connection.prepare_cached("SELECT body FROM rows WHERE collection = 'declarations' AND plate = ?1 ORDER BY key LIMIT ?2")?;
    let bodies = statement.query_map((plate, max_rows), |r| r.get::<_, String>(0))?;
    bodies.map(|body| serde_json::from_str(&body?).map_err(|e| DbError::Bad(e.to_string()))).collect()
}

/// Puts a declaration in.
///
/// # Errors
/// [`DbError::Bad`] when it cannot be written as JSON.
pub fn upsert(declaration: &Declaration) -> Result<Row, DbError> {
    let body = serde_json::to_value(declaration).map_err(|e| DbError::Bad(e.to_string()))?;
    Ok(Row::Upsert { key: declaration.id.clone(), body })
}

/// The signed head as of now.
///
/// # Errors
/// [`DbError`].
pub fn head(connection: &Connection, signer: &Signer, collection: Collection, utc_ms: i64) -> Result<Envelope, DbError> {
    let Place { epoch, revision } = place(connection, signer, collection)?;
    signer.for_site(What::Head(collection), &Head { collection, epoch, revision, utc_ms }).map_err(sign_error)
}

/// The signed changes after `have`, if they are few and all still there; else `None`: a snapshot is due.
///
/// # Errors
/// [`DbError`].
pub fn missed(connection: &Connection, signer: &Signer, collection: Collection, have: Place) -> Result<Option<Vec<Envelope>>, DbError> {
    let now = place(connection, signer, collection)?;
    let epoch_known = have.epoch == now.epoch || (have.epoch == 0 && have.revision == 0);
    let count = now.revision.saturating_sub(have.revision);
    // An empty collection is known by its empty snapshot: no change would ever say so.
    let never_filled = have.epoch == 0 && count == 0;
    if !epoch_known || never_filled || have.revision > now.revision || count > REPAIR_MAX_CHANGES {
        return Ok(None);
    }
    let sql = "SELECT envelope FROM changes WHERE collection = ?1 AND epoch = ?2 AND revision > ?3 ORDER BY revision";
    let mut statement = connection.prepare_cached(sql)?;
    let texts = statement.query_map((collection.word(), now.epoch, have.revision.cast_signed()), |r| r.get::<_, String>(0))?;
    let mut envelopes = Vec::new();
    for text in texts {
        envelopes.push(Envelope::parse(text?.as_bytes()).map_err(sign_error)?);
    }
    Ok((envelopes.len() as u64 == count).then_some(envelopes))
}

/// A whole collection: its signed manifest, and its parts as bytes.
#[derive(Debug)]
pub struct Snapshot {
    /// Signed [`Manifest`].
    pub manifest: Envelope,
    /// The parts it names.
    pub parts: Vec<Vec<u8>>,
}

/// A snapshot as of now.
///
/// # Errors
/// [`DbError`]; [`DbError::Bad`] beyond [`MAX_PARTS`].
pub fn snapshot(connection: &Connection, signer: &Signer, collection: Collection) -> Result<Snapshot, DbError> {
    let Place { epoch, revision } = place(connection, signer, collection)?;
    let mut statement = connection.prepare("SELECT key, body FROM rows WHERE collection = ?1 ORDER BY key")?;
    let mut rows = statement.query([collection.word()])?;
    let (mut parts, mut refs): (Vec<Vec<u8>>, Vec<PartRef>) = (Vec::new(), Vec::new());
    let (mut chunk, mut bytes, mut total) = (Vec::new(), 0, 0_u64);
    let mut close = |chunk: &mut Vec<Row>| -> Result<(), DbError> {
        let count = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        let part = serde_json::to_vec(&Part { rows: std::mem::take(chunk) }).map_err(|e| DbError::Bad(e.to_string()))?;
        refs.push(PartRef { sha256: sha256(&part), bytes: u32::try_from(part.len()).unwrap_or(u32::MAX), rows: count });
        parts.push(part);
        if parts.len() > MAX_PARTS { Err(DbError::Bad(format!("more than {MAX_PARTS} parts"))) } else { Ok(()) }
    };
    while let Some(found) = rows.next()? {
        let (key, body): (String, String) = (found.get(0)?, found.get(1)?);
        let size = key.len() + body.len() + 64;
        if chunk.len() == MAX_ROWS || (!chunk.is_empty() && bytes + size > MAX_PART_BYTES) {
            close(&mut chunk)?;
            bytes = 0;
        }
        bytes += size;
        total += 1;
        chunk.push(Row::Upsert { key, body: serde_json::from_str(&body).map_err(|e| DbError::Bad(e.to_string()))? });
    }
    if !chunk.is_empty() {
        close(&mut chunk)?;
    }
    let manifest = Manifest { collection, epoch, revision, rows: total, parts: refs };
    let manifest = signer.for_site(What::Manifest(collection), &manifest).map_err(sign_error)?;
    Ok(Snapshot { manifest, parts })
}

/// A file for the day the network is gone.
///
/// # Errors
/// [`DbError`].
pub fn bundle(connection: &Connection, signer: &Signer, collection: Collection, utc_ms: i64) -> Result<Bundle, DbError> {
    let Snapshot { manifest, parts } = snapshot(connection, signer, collection)?;
    Ok(Bundle {
        format: BUNDLE_FORMAT.to_owned(),
        keys: Some(signer.list.clone()),
        collection,
        manifest,
        parts_b64: parts.iter().map(|part| base64::engine::general_purpose::STANDARD.encode(part)).collect(),
        head: Some(head(connection, signer, collection, utc_ms)?),
    })
}
