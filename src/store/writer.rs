//! The writer: one thread, the only one that writes either database.
//!
//! ```text
//!   requests ──▶ bounded queue ──▶ drain ──▶ lane.db first: all that wait become one transaction (group commit) ──▶ answers
//!                                       └─▶ then one step of anything else (cache, maintenance), then drain again
//! ```
//! An answer is given after the commit, so that "answered" means durable. Within a group each request stands in a savepoint: one that is refused takes
//! nothing with it. When SQLite itself fails, the whole group is rolled back; records of plain appends then stay in memory, in order and bounded,
//! and go first into the next transaction; everything else is answered with an error and done by nobody. Without requests the writer wakes
//! every `probe_interval_ms`: it tries again if it could not commit, looks at the disk, and checkpoints while the lane is empty.

use super::cache::CacheDb;
use super::error::StoreError;
use super::files;
use super::lane::mark::{self, Mark};
use super::lane::{LaneTx, Tip, permits};
use super::metrics::Metrics;
use super::settings::StoreSettings;
use super::types::{Committed, DiskState, EntryUse, Head, NewRecord};
use ed25519_dalek::SigningKey;
use lane_core::ids::{BootId, PassageId, PermitId};
use rusqlite::Connection;
use std::collections::VecDeque;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// The write-ahead log is checkpointed between vehicles once it has this many bytes.
const WAL_WORTH_BYTES: u64 = 1 << 20;

/// Beside `lane.db` where a run met damage in it.
pub const DAMAGE_NOTE: &str = "lane.db.damaged";

/// Called after the commit with what became of it.
pub type Finish = Box<dyn FnOnce(Result<(), &str>) + Send>;
/// Runs inside the transaction, or, given none, does nothing because the group has fallen; says how it went and how to answer.
pub type LaneJob = Box<dyn FnOnce(Option<&mut LaneTx<'_>>) -> (JobEnd, Finish) + Send>;

/// Runs between the group commits, with all of the writer.
pub type Step = Box<dyn FnOnce(&mut Writer) + Send>;

/// How a job of a group went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    /// Its part of the transaction stands.
    Done,
    /// It was refused: its part is taken back.
    Refused,
    /// SQLite failed: the group falls.
    Failed(Failure),
}

/// Why a transaction was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    reason: String,
    is_damage: bool,
}

impl Failure {
    fn of(error: &StoreError) -> Self {
        Self { reason: error.to_string(), is_damage: error.is_damage() }
    }

    fn at(what: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| Self::of(&StoreError::Sql { what, source })
    }
}

/// A record, and what is at an end with it. All of it waits for the disk where that takes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The record.
    pub record: NewRecord,
    /// What ends.
    pub ends: Ends,
}

/// What a record ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// Nothing.
    Nothing,
    /// A passage.
    Passage(PassageId),
    /// A permit.
    Permit(PermitId, EntryUse),
}

impl Entry {
    fn write(&self, tx: &mut LaneTx<'_>) -> Result<Committed, StoreError> {
        match self.ends {
            Ends::Nothing => tx.append(&self.record),
            Ends::Passage(passage) => tx.end_passage(passage, &self.record),
            Ends::Permit(permit, entry) => tx.end_permit(permit, entry, &self.record),
        }
    }
}

/// What the writer is asked.
pub enum Request {
    /// Append records; kept in memory while the disk takes none.
    Append {
        /// The records.
        records: Vec<Entry>,
        /// Where they came to stand.
        answer: oneshot::Sender<Result<Vec<Committed>, StoreError>>,
    },
    /// Something else in `lane.db`.
    Lane(LaneJob),
    /// Several, which come to stand in one group as far as a group reaches.
    Together(Vec<Request>),
    /// Something outside a lane transaction: cache, maintenance.
    Step(Step),
    /// End after what was asked before.
    Close,
}

/// The writer's state.
pub struct Writer {
    pub(super) conn: Connection,
    pub(super) tip: Tip,
    pub(super) key: SigningKey,
    pub(super) settings: Arc<StoreSettings>,
    pub(super) boot: BootId,
    pub(super) cache: CacheDb,
    pub(super) cache_generation: Arc<AtomicU64>,
    pub(super) floors: [Option<Head>; 4],
    pub(super) state: watch::Sender<DiskState>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) sweep_folder: u8,
    pub(super) entries_after: String,
    pub(super) is_being_written: Arc<dyn Fn(lane_core::ids::Digest) -> bool + Send + Sync>,
    pub(super) mark: File,
    pub(super) backlog: VecDeque<Entry>,
    pub(super) lost: u64,
    /// Held as long as the writer lives: another process must not open the store.
    pub(super) _lock: File,
}

struct AppendEnd {
    records: Vec<Entry>,
    result: Result<Vec<Committed>, StoreError>,
    answer: oneshot::Sender<Result<Vec<Committed>, StoreError>>,
}

impl Writer {
    /// Runs until closed.
    pub fn run(mut self, queue: &Receiver<Request>) {
        let wait = Duration::from_millis(self.settings.probe_interval_ms);
        let mut lane: VecDeque<Request> = VecDeque::new();
        let mut steps = VecDeque::new();
        let mut idle_since = Instant::now();
        self.look_at_disk();
        loop {
            if lane.is_empty() && steps.is_empty() {
                match queue.recv_timeout(wait) {
                    Ok(request) => {
                        if !sort(request, &mut lane, &mut steps) {
                            break;
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            let mut closing = false;
            loop {
                match queue.try_recv() {
                    Ok(request) => closing |= !sort(request, &mut lane, &mut steps),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => {
                        closing = true;
                        break;
                    }
                }
            }
            while !lane.is_empty() {
                let group = lane.drain(..lane.len().min(self.settings.group_max_requests)).collect();
                self.commit_group(group);
            }
            if let Some(step) = steps.pop_front() {
                step(&mut self);
            }
            if idle_since.elapsed() >= wait {
                idle_since = Instant::now();
                self.between();
            }
            if closing {
                steps.drain(..).for_each(|step| step(&mut self));
                break;
            }
        }
        self.end();
    }

    fn end(mut self) {
        if !self.backlog.is_empty() {
            self.commit_group(Vec::new());
        }
        if self.backlog.is_empty() {
            tracing::info!(seq = self.tip.seq, "the store is closed");
        } else {
            tracing::error!(records = self.backlog.len(), "the store is closed with records that the disk did not take");
        }
    }

    /// One group: begin, backlog, requests, head, commit, answers.
    fn commit_group(&mut self, requests: Vec<Request>) {
        let begun = Instant::now();
        let count = requests.len() as u64;
        let mut appends = Vec::new();
        let mut finishes = Vec::new();
        let result = self.transact(requests, &mut appends, &mut finishes);
        match result {
            Ok(tip) => {
                let appended = tip.seq - self.tip.seq;
                self.tip = tip;
                self.backlog.clear();
                self.lost = 0;
                self.after_commit(count, appended, begun);
                for append in appends {
                    let _ = append.answer.send(append.result);
                }
                finishes.into_iter().for_each(|finish: Finish| finish(Ok(())));
            }
            Err(failure) => {
                self.fell(&failure);
                let reason = failure.reason;
                for append in appends {
                    let result = self.keep(append.records, append.result, &reason);
                    let _ = append.answer.send(result);
                }
                finishes.into_iter().for_each(|finish: Finish| finish(Err(&reason)));
            }
        }
    }

    fn transact(&mut self, requests: Vec<Request>, appends: &mut Vec<AppendEnd>, finishes: &mut Vec<Finish>) -> Result<Tip, Failure> {
        let damaged = self.is_damaged();
        let damage = || Failure { reason: "the ledger is damaged".to_owned(), is_damage: true };
        let mut failed = damaged.then(damage);
        if failed.is_none() {
            failed = self.conn.execute_batch("BEGIN IMMEDIATE").map_err(Failure::at("begin")).err();
        }
        let is_probe = requests.is_empty();
        let mut tx = LaneTx { conn: &self.conn, tip: self.tip.clone(), key: &self.key, settings: &self.settings, boot: self.boot };
        if failed.is_none() {
            failed = write_backlog(&mut tx, &self.backlog, self.lost, is_probe).err().map(|error| Failure::of(&error));
        }
        for request in requests {
            run_request(&mut tx, request, &mut failed, appends, finishes);
        }
        if failed.is_none() {
            failed = tx.sign_head(self.settings.head_every_records).err().map(|error| Failure::of(&error));
        }
        let tip = tx.tip;
        let outcome = match failed {
            None => self.conn.execute_batch("COMMIT").map_err(Failure::at("commit")),
            Some(failure) => Err(failure),
        };
        if outcome.is_err() && !self.conn.is_autocommit() {
            let _ = self.conn.execute_batch("ROLLBACK");
        }
        outcome.map(|()| tip)
    }

    /// One transaction of the writer's own.
    pub(super) fn lane<T>(&mut self, op: impl FnOnce(&mut LaneTx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if self.is_damaged() {
            return Err(StoreError::CannotCommit { reason: "the ledger is damaged".to_owned() });
        }
        self.conn.execute_batch("BEGIN IMMEDIATE").map_err(|error| StoreError::CannotCommit { reason: error.to_string() })?;
        let mut tx = LaneTx { conn: &self.conn, tip: self.tip.clone(), key: &self.key, settings: &self.settings, boot: self.boot };
        let result = op(&mut tx);
        let tip = tx.tip;
        let result = result.and_then(|value| {
            self.conn.execute_batch("COMMIT").map(|()| value).map_err(|error| StoreError::CannotCommit { reason: error.to_string() })
        });
        match &result {
            Ok(_) => {
                let appended = tip.seq - self.tip.seq;
                self.tip = tip;
                self.after_commit(1, appended, Instant::now());
            }
            Err(error) => {
                if !self.conn.is_autocommit() {
                    let _ = self.conn.execute_batch("ROLLBACK");
                }
                if matches!(error, StoreError::CannotCommit { .. } | StoreError::Sql { .. }) {
                    let failure = Failure::of(error);
                    self.fell(&failure);
                }
            }
        }
        result
    }

    fn after_commit(&mut self, requests: u64, appended: u64, begun: Instant) {
        if appended > 0 {
            let mark = Mark { ledger: self.tip.ledger, seq: self.tip.seq, hash: self.tip.hash };
            if let Err(error) = mark::write(&self.mark, &mark) {
                tracing::warn!(%error, "the ledger's mark could not be written");
            }
        }
        self.metrics.committed(requests, appended, begun.elapsed(), &self.tip);
        self.metrics.backlog.store(0, Ordering::Relaxed);
        if !self.is_damaged() {
            self.set_can_commit(true, "");
        }
    }

    fn is_damaged(&self) -> bool {
        self.metrics.ledger_damaged.load(Ordering::Relaxed)
    }

    /// A transaction was not taken. A damaged file stays as it is until the next start, which keeps it aside and begins a new ledger: the note beside it says so.
    fn fell(&mut self, failure: &Failure) {
        self.set_can_commit(false, &failure.reason);
        if failure.is_damage && !self.is_damaged() {
            tracing::error!(reason = failure.reason, "the ledger is damaged: the next start keeps it aside and begins a new one");
            self.metrics.ledger_damaged.store(true, Ordering::Relaxed);
            if let Err(error) = files::write_synced(&self.settings.dir, DAMAGE_NOTE, failure.reason.as_bytes()) {
                tracing::error!(%error, "the damage could not be noted");
            }
        }
    }

    /// Records that the disk did not take wait for it, in order; beyond the limit they are lost, counted, and the ledger will say so.
    fn keep(
        &mut self,
        records: Vec<Entry>,
        result: Result<Vec<Committed>, StoreError>,
        reason: &str,
    ) -> Result<Vec<Committed>, StoreError> {
        if result.as_ref().is_err_and(|error| matches!(error, StoreError::TooLarge { .. })) {
            return result;
        }
        if self.lost > 0 || self.backlog.len() + records.len() > self.settings.backlog_max_records {
            self.lost += records.len() as u64;
            self.metrics.records_lost.fetch_add(records.len() as u64, Ordering::Relaxed);
            return Err(StoreError::CannotCommit { reason: reason.to_owned() });
        }
        self.backlog.extend(records);
        self.metrics.backlog.store(self.backlog.len() as u64, Ordering::Relaxed);
        Err(StoreError::Kept { kept: self.backlog.len(), reason: reason.to_owned() })
    }

    /// Between requests: try again, look at the disk, checkpoint.
    fn between(&mut self) {
        self.metrics.turns.fetch_add(1, Ordering::Relaxed);
        if !self.state.borrow().can_commit && !self.is_damaged() {
            self.commit_group(Vec::new());
        }
        self.look_at_disk();
        self.checkpoint();
    }

    fn checkpoint(&mut self) {
        for (conn, path) in [(&self.conn, self.settings.lane_file()), (&self.cache.conn, self.settings.cache_file())] {
            let mut wal = path.into_os_string();
            wal.push("-wal");
            let size = std::fs::metadata(wal).map_or(0, |there| there.len());
            if size < WAL_WORTH_BYTES {
                continue;
            }
            let is_empty = permits::open_passages(&self.conn).is_ok_and(|open| open.is_empty());
            if !is_empty && size < self.settings.wal_max_bytes {
                continue;
            }
            // TRUNCATE gives the space back to the disk; a reader in its way is not waited for: PASSIVE does what it can.
            let _ = conn.pragma_update(None, "busy_timeout", 0);
            let truncated = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
            if truncated != Ok(0) {
                let _ = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            }
            let _ = conn.pragma_update(None, "busy_timeout", 5_000);
        }
    }

    pub(super) fn look_at_disk(&mut self) {
        let free = match files::free_bytes(&self.settings.dir) {
            Ok(free) => free,
            Err(error) => return tracing::warn!(%error, "the disk cannot be looked at"),
        };
        self.metrics.free_bytes.store(free, Ordering::Relaxed);
        let nearly_full = free < self.settings.nearly_full_bytes;
        self.state.send_if_modified(|state| {
            let changed = state.nearly_full != nearly_full;
            if changed {
                tracing::warn!(free_bytes = free, nearly_full, "the disk's state changed");
            }
            state.nearly_full = nearly_full;
            changed
        });
    }

    pub(super) fn set_can_commit(&mut self, can: bool, reason: &str) {
        self.state.send_if_modified(|state| {
            let changed = state.can_commit != can;
            if changed && can {
                tracing::info!("the store can commit again");
            } else if changed {
                tracing::error!(reason, "the store cannot commit");
            }
            state.can_commit = can;
            changed
        });
    }
}

fn sort(request: Request, lane: &mut VecDeque<Request>, steps: &mut VecDeque<Step>) -> bool {
    match request {
        Request::Step(step) => steps.push_back(step),
        Request::Close => return false,
        Request::Together(requests) => return requests.into_iter().all(|request| sort(request, lane, steps)),
        request => lane.push_back(request),
    }
    true
}

fn write_backlog(tx: &mut LaneTx<'_>, backlog: &VecDeque<Entry>, lost: u64, is_probe: bool) -> Result<(), StoreError> {
    for entry in backlog {
        entry.write(tx)?;
    }
    if lost > 0 {
        let body = serde_json::json!({
            "v": 1, "kind": "records_lost", "at_ms": 0, "utc_ms": tx.tip.utc_ms.unwrap_or(0),
            "clock_trusted": tx.tip.utc_ms.is_some(), "count": lost,
        });
        let bytes = body.to_string().into_bytes();
        tx.append(&NewRecord { kind: "records_lost".into(), passage: None, utc_ms: tx.tip.utc_ms, bytes })?;
    }
    if is_probe {
        tx.conn.execute("UPDATE meta SET probe = probe + 1", []).map_err(StoreError::sql("try to commit"))?;
    }
    Ok(())
}

/// Runs one request in a savepoint, unless the group has fallen already.
fn run_request(
    tx: &mut LaneTx<'_>,
    request: Request,
    failed: &mut Option<Failure>,
    appends: &mut Vec<AppendEnd>,
    finishes: &mut Vec<Finish>,
) {
    let before = tx.tip.clone();
    if failed.is_none()
        && let Err(error) = tx.conn.execute_batch("SAVEPOINT request")
    {
        *failed = Some(Failure::at("begin a request")(error));
    }
    let end = match request {
        Request::Append { records, answer } => {
            let result = match failed {
                Some(failure) => Err(StoreError::CannotCommit { reason: failure.reason.clone() }),
                None => records.iter().map(|entry| entry.write(tx)).collect::<Result<Vec<_>, _>>(),
            };
            let end = job_end(result.as_ref().err());
            appends.push(AppendEnd { records, result, answer });
            end
        }
        Request::Lane(job) => {
            let (end, finish) = job(failed.is_none().then_some(&mut *tx));
            finishes.push(finish);
            end
        }
        // Sorted out before.
        Request::Step(_) | Request::Together(_) | Request::Close => JobEnd::Done,
    };
    if failed.is_some() {
        return;
    }
    let closed = match &end {
        JobEnd::Done => tx.conn.execute_batch("RELEASE request"),
        JobEnd::Refused => {
            tx.tip = before;
            tx.conn.execute_batch("ROLLBACK TO request; RELEASE request")
        }
        JobEnd::Failed(failure) => {
            *failed = Some(failure.clone());
            return;
        }
    };
    if let Err(error) = closed {
        *failed = Some(Failure::at("end a request")(error));
    }
}

/// How an operation's error ends its job: SQLite's own failures take the group with them.
pub fn job_end(error: Option<&StoreError>) -> JobEnd {
    match error {
        None => JobEnd::Done,
        Some(error @ (StoreError::Sql { .. } | StoreError::Row { .. })) => JobEnd::Failed(Failure::of(error)),
        Some(_) => JobEnd::Refused,
    }
}
