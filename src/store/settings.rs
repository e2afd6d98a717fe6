//! The store's settings: every limit of it, with its default.

use super::error::StoreError;
use std::path::PathBuf;

/// Rows that leave for a segment at once.
pub(crate) const SEGMENT_MAX_RECORDS: u64 = 2_000;
/// Rows of a replica in one transaction.
pub(crate) const REPLICA_CHUNK_MAX_ROWS: usize = 500;
/// Rows of one change.
pub const CHANGE_MAX_ROWS: usize = 10_000;
/// Bytes of one replica row's JSON.
pub const REPLICA_ROW_MAX_BYTES: usize = 64 * 1024;
/// Plates of one replica row.
pub const REPLICA_ROW_MAX_PLATES: usize = 4;
/// Passages-counted marks of one declaration row.
pub const COUNTED_MAX: usize = 64;
/// Declarations that one permit may be judged on.
pub const PERMIT_MAX_DECLARATIONS: usize = 16;
/// Plates of one look-up.
pub const LOOKUP_MAX_PLATES: usize = 8;
/// Candidates of one look-up (as `lane_core::rules::MAX_CANDIDATES`).
pub const LOOKUP_MAX_CANDIDATES: usize = 32;
/// Permits remembered; a permit of another start is refused by its boot id, so older ones may go.
pub(crate) const PERMITS_MAX_ROWS: u64 = 10_000;

/// The store's settings. Sizes in bytes, times as named.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// The folder of `lane.db`, `cache.db`, `evidence/`, `segments/` and `kept/`.
    pub dir: PathBuf,
    /// `lane_core::plate::confusable_key` as text to text; unreadable text gives itself.
    pub confusable_key: fn(&str) -> String,
    /// Acknowledged records stay this long in the database, then leave as a sealed segment. At least 400.
    pub ledger_keep_days: u32,
    /// A head is signed at least every so many records (and at every maintenance).
    pub head_every_records: u64,
    /// One record's bytes.
    pub record_max_bytes: usize,
    /// Black boxes stay this long, ...
    pub black_box_keep_days: u32,
    /// ... all together at most this large, the oldest leaving first, ...
    pub black_box_max_bytes: u64,
    /// ... and one of them at most this large; its later entries are counted, not kept.
    pub black_box_passage_max_bytes: u64,
    /// Evidence stays this long, ...
    pub evidence_keep_days: u32,
    /// ... and takes at most this much disk: acknowledged files leave first.
    pub evidence_budget_bytes: u64,
    /// One picture.
    pub max_evidence_bytes: u64,
    /// Less free disk than this is the fault "nearly full".
    pub nearly_full_bytes: u64,
    /// Less free disk than this takes no more evidence: the rest is the ledger's.
    pub evidence_floor_bytes: u64,
    /// Requests that may wait.
    pub queue_max_requests: usize,
    /// Requests of one group commit.
    pub group_max_requests: usize,
    /// Records kept in memory while the disk takes none.
    pub backlog_max_records: usize,
    /// Ids of acts and commands remembered against repetition.
    pub acts_max_rows: u64,
    /// How often a store that cannot commit tries again, and an idle one looks at the disk.
    pub probe_interval_ms: u64,
    /// A write-ahead log over this is checkpointed even with a vehicle in the lane.
    pub wal_max_bytes: u64,
    /// Limits `lane.db` to so many pages of 4096 bytes; `None`: the disk is the limit.
    pub lane_max_pages: Option<u32>,
}

impl StoreSettings {
    /// The defaults, in a folder.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, confusable_key: fn(&str) -> String) -> Self {
        Self {
            dir: dir.into(),
            confusable_key,
            ledger_keep_days: 400,
            head_every_records: 64,
            record_max_bytes: 64 * 1024,
            black_box_keep_days: 30,
            black_box_max_bytes: 1 << 30,
            black_box_passage_max_bytes: 8 << 20,
            evidence_keep_days: 90,
            evidence_budget_bytes: 16 << 30,
            max_evidence_bytes: 4 << 20,
            nearly_full_bytes: 1 << 30,
            evidence_floor_bytes: 256 << 20,
            queue_max_requests: 256,
            group_max_requests: 64,
            backlog_max_records: 4_096,
            acts_max_rows: 10_000,
            probe_interval_ms: 1_000,
            wal_max_bytes: 32 << 20,
            lane_max_pages: None,
        }
    }

    /// Refuses values out of range, naming the key.
    pub fn check(&self) -> Result<(), StoreError> {
        let bad = |key, problem: &str| Err(StoreError::Setting { key, problem: problem.to_owned() });
        if self.ledger_keep_days < 400 {
            return bad("ledger_keep_days", "must be at least 400");
        }
        if self.head_every_records == 0 {
            return bad("head_every_records", "must be at least 1");
        }
        if !(1_024..=1 << 20).contains(&self.record_max_bytes) {
            return bad("record_max_bytes", "must be 1024 to 1048576");
        }
        if self.queue_max_requests == 0 || self.group_max_requests == 0 {
            return bad("queue_max_requests", "it and group_max_requests must be at least 1");
        }
        if self.probe_interval_ms == 0 {
            return bad("probe_interval_ms", "must be at least 1");
        }
        if self.max_evidence_bytes > self.evidence_budget_bytes {
            return bad("max_evidence_bytes", "must not be over evidence_budget_bytes");
        }
        Ok(())
    }

    pub(crate) fn lane_file(&self) -> PathBuf {
        self.dir.join("lane.db")
    }
    pub(crate) fn cache_file(&self) -> PathBuf {
        self.dir.join("cache.db")
    }
    pub(crate) fn mark_file(&self) -> PathBuf {
        self.dir.join("ledger.mark")
    }
    pub(crate) fn evidence_dir(&self) -> PathBuf {
        self.dir.join("evidence")
    }
    pub(crate) fn segments_dir(&self) -> PathBuf {
        self.dir.join("segments")
    }
    pub(crate) fn kept_dir(&self) -> PathBuf {
        self.dir.join("kept")
    }
}
