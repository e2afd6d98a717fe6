//! The centre's database: one SQLite file, WAL and FULL, one connection behind one lock.
//!
//! ```text
//! collections (name, epoch, revision)                 rows (collection, key, plate, trailer, body)
//! changes (collection, epoch, revision, envelope)     the last CHANGES_MAX of each, as signed
//! ledgers (lane, ledger, seq, hash)                   the cursor: moves in the transaction that stores the records
//! records (lane, ledger, seq, hash, kind, passage, bytes)
//! evidence (digest, lane), alarms (lane, kind, text)
//! ```

use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Signed changes kept of each collection; older ones come as a snapshot.
pub const CHANGES_MAX: u64 = 10_000;
/// Alarms kept.
pub const ALARMS_MAX: u64 = 10_000;
const SCHEMA_VERSION: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE collections (name TEXT PRIMARY KEY, epoch INTEGER NOT NULL, revision INTEGER NOT NULL) STRICT;
CREATE TABLE rows (
  collection TEXT NOT NULL, key TEXT NOT NULL, plate TEXT, trailer TEXT, body TEXT NOT NULL, PRIMARY KEY (collection, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX rows_plate ON rows (plate) WHERE plate IS NOT NULL;
CREATE TABLE changes (
  collection TEXT NOT NULL, epoch INTEGER NOT NULL, revision INTEGER NOT NULL, envelope TEXT NOT NULL,
  PRIMARY KEY (collection, epoch, revision)
) STRICT, WITHOUT ROWID;
CREATE TABLE ledgers (lane TEXT NOT NULL, ledger TEXT NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (lane, ledger)) STRICT;
CREATE TABLE records (
  id INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, ledger TEXT NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL,
  kind TEXT NOT NULL, passage TEXT, bytes BLOB NOT NULL, UNIQUE (lane, ledger, seq)
) STRICT;
CREATE INDEX records_passage ON records (lane, passage) WHERE passage IS NOT NULL;
CREATE INDEX records_ended ON records (lane, id) WHERE kind = 'passage_ended';
CREATE TABLE evidence (digest TEXT PRIMARY KEY, lane TEXT NOT NULL, bytes INTEGER NOT NULL) STRICT;
CREATE TABLE alarms (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, lane TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL) STRICT;
";

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// SQLite.
    #[error("database: {0}")]
    Sql(#[from] rusqlite::Error),
    /// Written by a newer version of this program.
    #[error("the database has version {0}; this program knows {SCHEMA_VERSION}")]
    Newer(i64),
    /// What was asked for cannot be.
    #[error("{0}")]
    Bad(String),
    /// The thread that held it is gone.
    #[error("the database task ended")]
    Ended,
}

/// The database; cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    connection: Arc<Mutex<Connection>>,
}

impl Db {
    /// Opens or makes the file.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn open(path: &Path) -> Result<Self, DbError> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000; PRAGMA foreign_keys=ON;
             PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;",
        )?;
        let version: i64 = connection.query_row("PRAGMA user_version", [], |r| r.get(0))?;
        match version {
            0 => connection.execute_batch(&format!("BEGIN; {SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;"))?,
            SCHEMA_VERSION => {}
            newer => return Err(DbError::Newer(newer)),
        }
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Runs `work` on a thread where it may block.
    ///
    /// # Errors
    /// What `work` gives, or [`DbError::Ended`].
    pub async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        let connection = Arc::clone(&self.connection);
        // A panic while the lock was held rolled its transaction back: the connection is good.
        let done = tokio::task::spawn_blocking(move || work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner)));
        done.await.map_err(|_| DbError::Ended)?
    }
}

/// An unsigned column: SQLite's integers are signed, and ours never negative.
///
/// # Errors
/// When the column is no integer.
pub fn unsigned(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

/// Notes an alarm; the oldest leave first.
///
/// # Errors
/// [`DbError::Sql`].
pub fn alarm(connection: &Connection, at_ms: i64, lane: &str, kind: &str, text: &str) -> Result<(), DbError> {
    connection.execute("INSERT INTO alarms (at_ms, lane, kind, text) VALUES (?1, ?2, ?3, ?4)", (at_ms, lane, kind, text))?;
    connection.execute("DELETE FROM alarms WHERE id <= (SELECT max(id) FROM alarms) - ?1", [ALARMS_MAX.cast_signed()])?;
    Ok(())
}
