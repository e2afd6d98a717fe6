//! `cache.db`: what the centre told, disposable. Losing it costs a resync and nothing else.
//!
//! One table holds the rows of all four collections, each in one of two slots; one index finds plates by their confusable key:
//! ```text
//!   collection: number → active slot, revision, newest head      entry: (collection, slot, id) → JSON, revision, tombstone, …
//!   plate: (collection, slot, key, plate) → entry                exact = key and plate, near = key
//! ```
//! A snapshot is staged part by part in the inactive slot and becomes the collection by turning one pointer; the old rows leave in small steps.
//! A change must follow the revision that is there: else it is a gap, and the link asks for repair. What is older is refused, also by the heads
//! that `lane.db` remembers when the cache itself was lost.
//!
//! A damaged file, or one of another format or with other confusable keys, is set aside (one copy is kept) and begun anew.

pub mod lookup;
pub mod replica;

use super::error::StoreError;
use super::lane::schema::{format_of, pragmas};
use super::settings::StoreSettings;
use super::types::{Collection, CollectionState, Head};
use lane_core::ids::Revision;
use lane_core::plate::Symbol;
use replica::Staging;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::collections::BTreeMap;
use std::path::Path;

/// The format of `cache.db`. Another one is not migrated: the rows come again from the centre.
pub const CACHE_FORMAT: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), key_probe TEXT NOT NULL) STRICT;
CREATE TABLE collection (
  number INTEGER PRIMARY KEY,
  slot INTEGER NOT NULL DEFAULT 0 CHECK (slot IN (0, 1)),
  epoch INTEGER,
  revision INTEGER,
  head_epoch INTEGER,
  head_revision INTEGER,
  head_utc_ms INTEGER
) STRICT;
INSERT INTO collection (number) VALUES (0), (1), (2), (3);
CREATE TABLE entry (
  row INTEGER PRIMARY KEY,
  collection INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  id TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  gate TEXT,
  state TEXT,
  valid_from_ms INTEGER,
  valid_until_ms INTEGER,
  tombstone INTEGER NOT NULL DEFAULT 0,
  counted BLOB,
  bytes BLOB NOT NULL,
  UNIQUE (collection, slot, id)
) STRICT;
CREATE TABLE plate (
  collection INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  key TEXT NOT NULL,
  plate TEXT NOT NULL,
  row INTEGER NOT NULL REFERENCES entry (row) ON DELETE CASCADE,
  PRIMARY KEY (collection, slot, key, plate, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX plate_row ON plate (row);
";

/// Counts rows of one collection that are in quarantine without reading it. No new format: a program that does not know the index may use the file.
const QUARANTINE_INDEX: &str = "CREATE INDEX IF NOT EXISTS entry_quarantined ON entry (collection, slot) WHERE state = 'quarantined';";
/// The state of a row that could not be understood. No state of a declaration's row is called so.
pub(super) const QUARANTINED: &str = "quarantined";

/// The cache as the writer holds it.
pub struct CacheDb {
    pub(super) conn: Connection,
    pub(super) key: fn(&str) -> String,
    pub(super) staging: BTreeMap<Collection, Staging>,
    settings: std::sync::Arc<StoreSettings>,
}

impl CacheDb {
    /// Opens the cache; says whether it had to be begun anew.
    pub fn open(settings: &std::sync::Arc<StoreSettings>) -> Result<(Self, bool), StoreError> {
        let path = settings.cache_file();
        let was_there = path.exists();
        let (conn, anew) = match open_file(&path, settings.confusable_key) {
            Ok((conn, filled)) => (conn, !filled),
            Err(error) if was_there => {
                tracing::warn!(%error, "the cache cannot be used: it is set aside and begun anew");
                set_aside(&path, &settings.kept_dir())?;
                (open_file(&path, settings.confusable_key)?.0, true)
            }
            Err(error) => return Err(error),
        };
        let cache = Self { conn, key: settings.confusable_key, staging: BTreeMap::new(), settings: settings.clone() };
        Ok((cache, anew))
    }

    /// The file was found damaged in use: sets it aside and begins anew.
    pub fn begin_anew(&mut self) -> Result<(), StoreError> {
        let nothing = Connection::open_in_memory().map_err(StoreError::sql("close the cache"))?;
        drop(std::mem::replace(&mut self.conn, nothing));
        self.staging.clear();
        let path = self.settings.cache_file();
        set_aside(&path, &self.settings.kept_dir())?;
        self.conn = open_file(&path, self.key)?.0;
        Ok(())
    }
}

/// Opens or makes the file; the flag says that it was filled before.
fn open_file(path: &Path, key: fn(&str) -> String) -> Result<(Connection, bool), StoreError> {
    let what = "open cache.db";
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags).map_err(StoreError::sql(what))?;
    pragmas(&conn, "NORMAL").map_err(StoreError::sql(what))?;
    let probe = key_probe(key);
    match format_of(&conn)? {
        0 => {
            let transaction = conn.transaction().map_err(StoreError::sql(what))?;
            transaction.execute_batch(SCHEMA).map_err(StoreError::sql(what))?;
            transaction.execute_batch(QUARANTINE_INDEX).map_err(StoreError::sql(what))?;
            transaction.execute("INSERT INTO meta VALUES (1, ?1)", [&probe]).map_err(StoreError::sql(what))?;
            transaction.pragma_update(None, "user_version", CACHE_FORMAT).map_err(StoreError::sql(what))?;
            transaction.commit().map_err(StoreError::sql(what))?;
            Ok((conn, false))
        }
        CACHE_FORMAT => {
            conn.execute_batch(QUARANTINE_INDEX).map_err(StoreError::sql(what))?;
            let made_with: String = conn.query_row("SELECT key_probe FROM meta", [], |row| row.get(0)).map_err(StoreError::sql(what))?;
            if made_with != probe {
                return Err(StoreError::row(what, "its rows have other confusable keys"));
            }
            for collection in Collection::ALL {
                state(&conn, collection)?;
            }
            Ok((conn, true))
        }
        found => Err(StoreError::Newer { path: path.to_owned(), found, known: CACHE_FORMAT }),
    }
}

/// The key of every symbol: rows keyed by another function must not be looked up with this one.
fn key_probe(key: fn(&str) -> String) -> String {
    Symbol::all().map(|symbol| key(&symbol.as_char().to_string())).collect()
}

/// Keeps the last damaged cache for a technician and no more: it is large and holds nothing that the centre has not.
fn set_aside(path: &Path, kept_dir: &Path) -> Result<(), StoreError> {
    super::files::make_dir(kept_dir)?;
    for suffix in ["", "-wal", "-shm"] {
        let named = |base: &Path| {
            let mut name = base.as_os_str().to_owned();
            name.push(suffix);
            std::path::PathBuf::from(name)
        };
        let (from, to) = (named(path), named(&kept_dir.join("cache.db")));
        match std::fs::rename(&from, &to) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let _ = std::fs::remove_file(&to);
            }
            Err(source) => return Err(StoreError::File { what: "set aside", path: from, source }),
        }
    }
    Ok(())
}

/// The slot and revision of a collection.
pub fn slot(conn: &Connection, collection: Collection) -> Result<(i64, Option<Revision>), StoreError> {
    let what = "read a collection";
    let found: Option<(i64, Option<u32>, Option<i64>)> = conn
        .prepare_cached("SELECT slot, epoch, revision FROM collection WHERE number = ?1")
        .and_then(|mut select| select.query_row([collection.number()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional())
        .map_err(StoreError::sql(what))?;
    let Some((slot, epoch, revision)) = found else { return Err(StoreError::row(what, "its row is missing")) };
    Ok((slot, revision_of(epoch, revision)?))
}

/// Rows of a collection in force that could not be understood.
pub fn quarantined(conn: &Connection, collection: Collection) -> Result<u64, StoreError> {
    let what = "count quarantined rows";
    let count: i64 = conn
        .prepare_cached(
            "SELECT count(*) FROM entry e JOIN collection c ON c.number = e.collection AND c.slot = e.slot
             WHERE e.state = 'quarantined' AND e.collection = ?1",
        )
        .and_then(|mut select| select.query_row([collection.number()], |row| row.get(0)))
        .map_err(StoreError::sql(what))?;
    super::codec::from_sql(count, what)
}

/// How far a collection is.
pub fn state(conn: &Connection, collection: Collection) -> Result<CollectionState, StoreError> {
    let what = "read a head";
    let (_, have) = slot(conn, collection)?;
    let (epoch, revision, utc_ms): (Option<u32>, Option<i64>, Option<i64>) = conn
        .prepare_cached("SELECT head_epoch, head_revision, head_utc_ms FROM collection WHERE number = ?1")
        .and_then(|mut select| select.query_row([collection.number()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))))
        .map_err(StoreError::sql(what))?;
    let head = match (revision_of(epoch, revision)?, utc_ms) {
        (Some(revision), Some(utc_ms)) => Some(Head { revision, utc_ms }),
        _ => None,
    };
    Ok(CollectionState { collection, have, head })
}

fn revision_of(epoch: Option<u32>, revision: Option<i64>) -> Result<Option<Revision>, StoreError> {
    match (epoch, revision) {
        (Some(epoch), Some(revision)) => Ok(Some(Revision { epoch, revision: super::codec::from_sql(revision, "read a revision")? })),
        _ => Ok(None),
    }
}

/// Writes the newest head of a collection.
pub fn write_head(conn: &Connection, collection: Collection, head: &Head) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE collection SET head_epoch = ?2, head_revision = ?3, head_utc_ms = ?4 WHERE number = ?1")
        .and_then(|mut update| {
            update.execute(params![collection.number(), head.revision.epoch, super::codec::to_sql(head.revision.revision), head.utc_ms])
        })
        .map_err(StoreError::sql("write a head"))
        .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_any_symbols_key_is_seen_in_the_probe() {
        let plain = key_probe(str::to_owned);
        for changed in [
            (|text| text.replace('9', "0")) as fn(&str) -> String,
            |text| text.replace('Z', "2"),
            |text| text.replace('粤', "桂"),
            |text| text.replace('挂', "桂"),
        ] {
            assert_ne!(key_probe(changed), plain);
        }
    }
}
