//! What can go wrong in the store: one variant an operation.

use super::types::Collection;
use lane_core::ids::{Digest, LedgerId, PermitId};
use std::path::PathBuf;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A setting is out of its range.
    #[error("store setting {key}: {problem}")]
    Setting {
        /// Which.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A file or folder of the store cannot be used.
    #[error("{what} {}: {source}", path.display())]
    File {
        /// The operation.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process has this store open.
    #[error("the store in {} is in use by another process", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The file was written by a newer program.
    #[error("{} has format {found}, this program knows up to {known}: use the newer program", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// SQLite refused an operation.
    #[error("{what}: {source}")]
    Sql {
        /// The operation.
        what: &'static str,
        /// Why.
        source: rusqlite::Error,
    },
    /// A stored row does not have the shape it was written with.
    #[error("{what}: a stored row is malformed: {problem}")]
    Row {
        /// The operation.
        what: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// Records of this kind are not indexed.
    #[error("records of kind {0} are not listed: there is no index of them")]
    KindNotListed(&'static str),
    /// The disk did not take the transaction: nothing of it is stored.
    #[error("the store cannot commit: {reason}")]
    CannotCommit {
        /// Why.
        reason: String,
    },
    /// The disk did not take the records; they are kept in memory, in order, and written when it does.
    #[error("the store cannot commit, {kept} records wait in memory: {reason}")]
    Kept {
        /// How many wait.
        kept: usize,
        /// Why.
        reason: String,
    },
    /// A record, snapshot or row is larger than its limit.
    #[error("{what} of {bytes} bytes is over the limit of {max}")]
    TooLarge {
        /// What.
        what: &'static str,
        /// Its size.
        bytes: u64,
        /// The limit.
        max: u64,
    },
    /// This permit was granted before: a permit is used once (I3).
    #[error("permit {0:?} was granted before")]
    PermitUsed(PermitId),
    /// A permit dies with the start of the daemon that made it.
    #[error("permit {0:?} belongs to another start of the daemon")]
    PermitOfOtherBoot(PermitId),
    /// The centre acknowledged a record that is not ours: two ledgers carry one id.
    #[error("fork: the centre acknowledged sequence {seq} with another hash than the ledger's")]
    Fork {
        /// Where.
        seq: u64,
    },
    /// The centre acknowledged more than the ledger has: this file is older than what was sent.
    #[error("fork: the centre acknowledged sequence {seq}, the ledger ends at {last}")]
    AcknowledgedAhead {
        /// What the centre has.
        seq: u64,
        /// What the ledger has.
        last: u64,
    },
    /// The acknowledgement is for another ledger.
    #[error("the acknowledgement is for ledger {0:?}, which is not in use")]
    OtherLedger(LedgerId),
    /// No such evidence is stored.
    #[error("no evidence {0:?}")]
    EvidenceUnknown(Digest),
    /// The evidence file does not hash to its name.
    #[error("evidence {0:?} is damaged")]
    EvidenceDamaged(Digest),
    /// The disk has no room for evidence: what is left is the ledger's.
    #[error("no room for evidence: {free_bytes} bytes are free, {floor_bytes} are the ledger's")]
    EvidenceNoRoom {
        /// Free now.
        free_bytes: u64,
        /// Kept for the ledger.
        floor_bytes: u64,
    },
    /// A replica row was refused; nothing of its change was applied.
    #[error("{collection:?} row {id:?}: {problem}")]
    ReplicaRow {
        /// Of which collection.
        collection: Collection,
        /// Which row; at most 64 bytes of it.
        id: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// A snapshot's part or end came without its beginning, twice or out of order.
    #[error("{collection:?} snapshot: {problem}")]
    Snapshot {
        /// Of which collection.
        collection: Collection,
        /// What is wrong.
        problem: &'static str,
    },
    /// The cache was damaged; it was set aside and begun anew, and must be fetched again.
    #[error("the cache was damaged and is begun anew")]
    CacheDamaged,
    /// The entries used here could not be read, so no candidate's entries are known.
    #[error("the entries used here cannot be read: {0}")]
    Entries(#[source] Box<StoreError>),
    /// No black box of this passage.
    #[error("no black box of this passage")]
    BlackBoxUnknown,
    /// No such officer.
    #[error("no officer {0:?}")]
    OfficerUnknown(String),
    /// More requests wait than `queue_max_requests`.
    #[error("the store's queue is full")]
    Busy,
    /// The writer or a reader has ended.
    #[error("the store is closed")]
    Closed,
    /// The operating system gave no random bytes.
    #[error("no random bytes for a ledger id: {0}")]
    Random(getrandom::Error),
}

impl StoreError {
    /// May the same request succeed later without anything being repaired?
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        matches!(self, Self::CannotCommit { .. } | Self::Busy | Self::EvidenceNoRoom { .. } | Self::CacheDamaged)
    }

    /// Is the database file itself damaged?
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Row { .. }) || matches!(self, Self::Sql { source, .. } if sql_damage(source))
    }

    pub(crate) fn sql(what: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| Self::Sql { what, source }
    }

    pub(crate) fn file(what: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { what, path, source }
    }

    pub(crate) fn row(what: &'static str, problem: impl Into<String>) -> Self {
        Self::Row { what, problem: problem.into() }
    }
}

fn sql_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    match error {
        rusqlite::Error::SqliteFailure(failure, message) => {
            matches!(failure.code, DatabaseCorrupt | NotADatabase)
                || message.as_deref().is_some_and(|m| m.starts_with("no such table") || m.starts_with("no such column"))
        }
        rusqlite::Error::SqlInputError { msg, .. } => msg.starts_with("no such table") || msg.starts_with("no such column"),
        rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::FromSqlConversionFailure(..) => true,
        _ => false,
    }
}
