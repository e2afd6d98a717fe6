//! What the store counts, for health and `/metrics`.

use super::lane::Tip;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Counters and levels, shared between the writer and those who look.
#[derive(Debug, Default)]
pub struct Metrics {
    pub(super) turns: AtomicU64,
    pub(super) commits: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) appended: AtomicU64,
    pub(super) commit_last_us: AtomicU64,
    pub(super) commit_max_us: AtomicU64,
    pub(super) group_max_requests: AtomicU64,
    pub(super) last_seq: AtomicU64,
    pub(super) acknowledged_seq: AtomicU64,
    pub(super) backlog: AtomicU64,
    pub(super) records_lost: AtomicU64,
    pub(super) evidence_bytes: AtomicU64,
    pub(super) evidence_lost: AtomicU64,
    pub(super) cache_begun_anew: AtomicU64,
    pub(super) free_bytes: AtomicU64,
    pub(super) ledger_damaged: AtomicBool,
    pub(super) quarantined: AtomicU64,
}

/// The metrics at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreMetrics {
    /// Turns of the writer's idle work: a writer that is alive advances it every `probe_interval_ms`, between requests.
    pub turns: u64,
    /// Transactions of `lane.db`.
    pub commits: u64,
    /// Requests in them.
    pub requests: u64,
    /// Records appended.
    pub appended: u64,
    /// The last transaction, microseconds from begin to durable.
    pub commit_last_us: u64,
    /// The longest one.
    pub commit_max_us: u64,
    /// Requests of the largest group.
    pub group_max_requests: u64,
    /// The ledger's last sequence.
    pub last_seq: u64,
    /// The last one that the centre has.
    pub acknowledged_seq: u64,
    /// Records that wait for the disk.
    pub backlog: u64,
    /// Records lost because the disk took none for too long.
    pub records_lost: u64,
    /// Evidence on disk, bytes.
    pub evidence_bytes: u64,
    /// Evidence that left before the centre had it.
    pub evidence_lost: u64,
    /// How often the cache was begun anew since the start.
    pub cache_begun_anew: u64,
    /// Free disk, bytes.
    pub free_bytes: u64,
    /// The ledger's file was found damaged in use: nothing is committed until a restart, which keeps it aside.
    pub ledger_damaged: bool,
    /// Rows of the replicas that could not be understood.
    pub quarantined: u64,
}

impl Metrics {
    pub(super) fn committed(&self, requests: u64, appended: u64, took: Duration, tip: &Tip) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.turns.fetch_add(1, Ordering::Relaxed);
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.requests.fetch_add(requests, Ordering::Relaxed);
        self.appended.fetch_add(appended, Ordering::Relaxed);
        self.commit_last_us.store(us, Ordering::Relaxed);
        self.commit_max_us.fetch_max(us, Ordering::Relaxed);
        self.group_max_requests.fetch_max(requests, Ordering::Relaxed);
        self.level(tip);
    }

    pub(super) fn level(&self, tip: &Tip) {
        self.last_seq.store(tip.seq, Ordering::Relaxed);
        self.acknowledged_seq.store(tip.acknowledged_seq, Ordering::Relaxed);
        self.evidence_bytes.store(tip.evidence_bytes, Ordering::Relaxed);
    }

    /// The metrics now.
    pub fn read(&self) -> StoreMetrics {
        let get = |value: &AtomicU64| value.load(Ordering::Relaxed);
        StoreMetrics {
            turns: get(&self.turns),
            commits: get(&self.commits),
            requests: get(&self.requests),
            appended: get(&self.appended),
            commit_last_us: get(&self.commit_last_us),
            commit_max_us: get(&self.commit_max_us),
            group_max_requests: get(&self.group_max_requests),
            last_seq: get(&self.last_seq),
            acknowledged_seq: get(&self.acknowledged_seq),
            backlog: get(&self.backlog),
            records_lost: get(&self.records_lost),
            evidence_bytes: get(&self.evidence_bytes),
            evidence_lost: get(&self.evidence_lost),
            cache_begun_anew: get(&self.cache_begun_anew),
            free_bytes: get(&self.free_bytes),
            ledger_damaged: self.ledger_damaged.load(Ordering::Relaxed),
            quarantined: get(&self.quarantined),
        }
    }
}
