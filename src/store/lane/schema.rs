//! The tables of `lane.db` and its migrations.
//!
//! `user_version` counts the steps below; each step is one transaction, run once, in order. A file with a higher number was written by a newer
//! program and is refused. The pragmas are those measured as safe: WAL with FULL loses no committed transaction at a power cut.

use crate::store::error::StoreError;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use std::path::Path;

/// The newest format.
pub const LANE_FORMAT: i64 = 3;

const STEPS: [&str; 3] = [V1, V2, V3];

const V1: &str = "
CREATE TABLE meta (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  ledger BLOB NOT NULL CHECK (length(ledger) = 16),
  base_seq INTEGER NOT NULL,
  base_hash BLOB NOT NULL CHECK (length(base_hash) = 32),
  acknowledged_seq INTEGER NOT NULL,
  previous BLOB CHECK (previous IS NULL OR length(previous) = 16),
  forked INTEGER NOT NULL DEFAULT 0,
  probe INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE ledger (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  kind TEXT NOT NULL,
  passage BLOB CHECK (passage IS NULL OR length(passage) = 24),
  utc_ms INTEGER,
  bytes BLOB NOT NULL
) STRICT;
CREATE INDEX ledger_passage ON ledger (passage) WHERE passage IS NOT NULL;
CREATE TABLE segment (
  first_seq INTEGER PRIMARY KEY,
  last_seq INTEGER NOT NULL,
  last_hash BLOB NOT NULL CHECK (length(last_hash) = 32),
  file TEXT NOT NULL,
  content BLOB NOT NULL CHECK (length(content) = 32)
) STRICT;
CREATE TRIGGER ledger_is_not_changed BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_leaves_as_segments BEFORE DELETE ON ledger
  WHEN NOT EXISTS (SELECT 1 FROM segment WHERE OLD.seq BETWEEN first_seq AND last_seq)
  BEGIN SELECT RAISE(ABORT, 'a record leaves only in a sealed segment'); END;
CREATE TABLE head (
  seq INTEGER PRIMARY KEY,
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  utc_ms INTEGER,
  public_key BLOB NOT NULL CHECK (length(public_key) = 32),
  signature BLOB NOT NULL CHECK (length(signature) = 64)
) STRICT;
CREATE TABLE open_passage (passage BLOB PRIMARY KEY CHECK (length(passage) = 24)) STRICT, WITHOUT ROWID;
CREATE TABLE permit (
  id BLOB PRIMARY KEY CHECK (length(id) = 42),
  granted_seq INTEGER NOT NULL,
  ended INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE entry_use (
  declaration TEXT NOT NULL,
  passage BLOB NOT NULL CHECK (length(passage) = 24),
  permit BLOB NOT NULL CHECK (length(permit) = 42),
  PRIMARY KEY (declaration, passage)
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_use_permit ON entry_use (permit);
CREATE TABLE black_box (
  passage BLOB PRIMARY KEY CHECK (length(passage) = 24),
  number INTEGER NOT NULL UNIQUE,
  core_version TEXT NOT NULL,
  rules BLOB NOT NULL CHECK (length(rules) = 32),
  utc_ms INTEGER,
  snapshot BLOB NOT NULL,
  total_bytes INTEGER NOT NULL,
  dropped INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE black_box_entry (
  number INTEGER NOT NULL REFERENCES black_box (number) ON DELETE CASCADE,
  n INTEGER NOT NULL,
  effect INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (number, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE officer (
  id TEXT PRIMARY KEY,
  agency TEXT NOT NULL,
  role TEXT NOT NULL,
  sites TEXT NOT NULL,
  valid_from_ms INTEGER NOT NULL,
  valid_until_ms INTEGER NOT NULL,
  pin_hash TEXT NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0,
  locked_until_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE act (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE evidence (
  digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
  bytes INTEGER NOT NULL,
  utc_ms INTEGER,
  number INTEGER NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;
";

// v1 knew neither which evidence the centre has nor how far the centre's signed heads had come, and so could be shown an older cache.
const V2: &str = "
ALTER TABLE evidence ADD COLUMN acknowledged INTEGER NOT NULL DEFAULT 0;
CREATE INDEX evidence_leaving ON evidence (acknowledged DESC, number);
CREATE TABLE replica_floor (
  collection INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  utc_ms INTEGER NOT NULL
) STRICT;
";

// v2 had no index of kinds, so that the last mode of a quiet lane was looked for through a year of watch records; and did not know which
// officers the centre had sent, so that none of them could be dismissed.
const V3: &str = "
CREATE INDEX ledger_listed ON ledger (kind) WHERE kind IN ('mode', 'passage_opened');
ALTER TABLE officer ADD COLUMN from_centre INTEGER NOT NULL DEFAULT 0;
";

/// The kinds that are listed newest first, as the index `ledger_listed` has them: SQLite uses a partial index only for a query that says the same.
pub const LISTED: &str = "kind IN ('mode', 'passage_opened')";
/// [`LISTED`] as words.
pub const LISTED_KINDS: [&str; 2] = ["mode", "passage_opened"];

/// The schema of an older format, for tests of the migrations.
#[cfg(test)]
pub fn steps_upto(format: usize) -> String {
    format!("{} PRAGMA user_version = {format};", STEPS[..format].concat())
}

/// Opens for writing: pragmas, then migrations. `max_pages` limits the file, for tests and quotas.
pub fn open(path: &Path, max_pages: Option<u32>) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags).map_err(StoreError::sql("open lane.db"))?;
    pragmas(&conn, "FULL").map_err(StoreError::sql("set up lane.db"))?;
    if let Some(pages) = max_pages {
        conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).map_err(StoreError::sql("limit lane.db"))?;
    }
    migrate(&mut conn, path)?;
    Ok(conn)
}

/// Opens for reading only.
pub fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(StoreError::sql("open for reading"))?;
    conn.execute_batch(READER_PRAGMAS).and_then(|()| stable_plans(&conn)).map_err(StoreError::sql("set up a reader"))?;
    Ok(conn)
}

const READER_PRAGMAS: &str =
    "PRAGMA busy_timeout=5000; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA query_only=ON;";

/// A plan never depends on what is bound. Else SQLite marks a statement with a bound integer as expired whenever its bindings are cleared, which
/// rusqlite's statement cache does after each use: every cached statement would be parsed and planned again.
fn stable_plans(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// The pragmas of a writing connection. `wal_autocheckpoint=0`: the writer checkpoints between vehicles.
pub fn pragmas(conn: &Connection, synchronous: &str) -> rusqlite::Result<()> {
    conn.execute_batch(&format!(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; PRAGMA busy_timeout=5000; PRAGMA foreign_keys=ON;
         PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA wal_autocheckpoint=0;"
    ))?;
    stable_plans(conn)
}

/// The format number of an open file.
pub fn format_of(conn: &Connection) -> Result<i64, StoreError> {
    conn.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(StoreError::sql("read the format"))
}

fn migrate(conn: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let found = format_of(conn)?;
    if found > LANE_FORMAT {
        return Err(StoreError::Newer { path: path.to_owned(), found, known: LANE_FORMAT });
    }
    if found < 0 {
        return Err(StoreError::row("migrate lane.db", format!("format {found}")));
    }
    for (step, sql) in (1_i64..).zip(STEPS).filter(|(step, _)| *step > found) {
        let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StoreError::sql("begin a migration"))?;
        apply(&transaction, step, sql).map_err(StoreError::sql("migrate lane.db"))?;
        transaction.commit().map_err(StoreError::sql("commit a migration"))?;
        if found > 0 {
            tracing::info!(from = step - 1, to = step, "lane.db was migrated");
        }
    }
    Ok(())
}

fn apply(transaction: &Transaction<'_>, step: i64, sql: &str) -> rusqlite::Result<()> {
    transaction.execute_batch(sql)?;
    transaction.pragma_update(None, "user_version", step)
}
