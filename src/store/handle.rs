//! The handle to the store.

use super::bundle::Bundle;
use super::cache::CacheDb;
use super::error::StoreError;
use super::lane::permits;
use super::lane::{LaneTx, black_box, evidence, ledger, mark, open as open_lane, persons};
use super::maintain::{Maintained, read_floors};
use super::metrics::{Metrics, StoreMetrics};
use super::reader::Reader;
use super::settings::StoreSettings;
use super::types::{
    Authorisation, BlackBox, BlackBoxEntry, BlackBoxOpening, Boot, Committed, DiskState, EntryUse, LedgerRow, Mirrored, NewRecord,
    OfficerRow, Opened, Outbox,
};
use super::writer::{Ends, Entry, Finish, JobEnd, LaneJob, Request, Writer, job_end};
use super::{chain, files};
use crate::officer::lockout::{LOCKOUT_MAX_MS, Lockout};
use ed25519_dalek::SigningKey;
use lane_core::ids::{Digest, LedgerId, PassageId, PermitId};
use lane_core::time::Wall;
use std::collections::{HashSet, VecDeque};
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{Semaphore, oneshot, watch};

/// The store. Cheap to clone; the last one dropped, or [`Store::close`], ends it.
#[derive(Clone)]
pub struct Store {
    pub(super) inner: Arc<Inner>,
    /// What is asked through this handle is gathered until [`Store::hand_over`].
    bundle: Option<Arc<Bundle>>,
}

pub(super) struct Inner {
    settings: Arc<StoreSettings>,
    queue: SyncSender<Request>,
    slots: Semaphore,
    pub(super) lookups: Reader,
    pub(super) readings: Reader,
    evidence: tokio::sync::Mutex<()>,
    being_written: Arc<Mutex<HashSet<Digest>>>,
    state: watch::Receiver<DiskState>,
    metrics: Arc<Metrics>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Opens the store in `settings.dir`, making what is missing. Blocks for as long as the files take.
    ///
    /// # Errors
    /// A setting out of range, a folder that cannot be used or is in use, a file of a newer format. A damaged file is no error: see [`Opened`].
    pub fn open(settings: StoreSettings, key: SigningKey, boot: &Boot) -> Result<(Self, Opened), StoreError> {
        settings.check()?;
        files::make_dir(&settings.dir)?;
        let lock = files::lock(&settings.dir)?;
        let lane = open_lane::open(&settings, &key, boot)?;
        let settings = Arc::new(settings);
        let (cache, cache_begun_anew) = CacheDb::open(&settings)?;
        let opened = Opened { cache_begun_anew, ..lane.opened };
        let generation = Arc::new(AtomicU64::new(0));
        let lookups = Reader::start("store-lookup", &settings, &generation)?;
        let readings = Reader::start("store-reader", &settings, &generation)?;
        let being_written: Arc<Mutex<HashSet<Digest>>> = Arc::default();
        let writing = being_written.clone();
        let (state_in, state) = watch::channel(DiskState { can_commit: true, nearly_full: false, restored: opened.restored.is_some() });
        let metrics = Arc::new(Metrics::default());
        metrics.level(&lane.tip);
        let writer = Writer {
            floors: read_floors(&lane.conn)?,
            mark: mark::open(&settings.mark_file())?,
            conn: lane.conn,
            tip: lane.tip,
            key,
            boot: boot.id,
            cache,
            cache_generation: generation,
            state: state_in,
            metrics: metrics.clone(),
            sweep_folder: 0,
            entries_after: String::new(),
            is_being_written: Arc::new(move |digest| held(&writing).contains(&digest)),
            backlog: VecDeque::new(),
            lost: 0,
            settings: settings.clone(),
            _lock: lock,
        };
        writer.count_quarantined();
        // Twice the slots: a caller that gave up leaves its request in the queue.
        let (queue, requests) = sync_channel(settings.queue_max_requests * 2);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || writer.run(&requests))
            .map_err(StoreError::file("start the writer for", &settings.dir))?;
        let inner = Inner {
            slots: Semaphore::new(settings.queue_max_requests),
            settings,
            queue,
            lookups,
            readings,
            evidence: tokio::sync::Mutex::new(()),
            being_written,
            state,
            metrics,
            writer: Mutex::new(Some(thread)),
        };
        Ok((Self { inner: Arc::new(inner), bundle: None }, opened))
    }

    /// Ends the writer after what was asked before, and waits for it. Later requests are answered with [`StoreError::Closed`].
    pub async fn close(&self) {
        let thread = self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        let queue = self.inner.queue.clone();
        let _ = tokio::task::spawn_blocking(move || {
            let _ = queue.send(Request::Close);
            let _ = thread.join();
        })
        .await;
    }

    /// What the disk is worth; changes wake the receiver.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<DiskState> {
        self.inner.state.clone()
    }

    /// The metrics now.
    #[must_use]
    pub fn metrics(&self) -> StoreMetrics {
        self.inner.metrics.read()
    }

    async fn ask<T>(&self, build: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Request) -> Result<T, StoreError> {
        let _slot = self.inner.slots.acquire().await.map_err(|_| StoreError::Closed)?;
        let (answer, answered) = oneshot::channel();
        let request = build(answer);
        let alone = match &self.bundle {
            Some(bundle) => bundle.add(request),
            None => Some(request),
        };
        if let Some(request) = alone {
            self.queue(request)?;
        }
        // A bundle that found no room is dropped whole: it may be asked again.
        answered.await.map_err(|_| if self.bundle.is_some() { StoreError::Busy } else { StoreError::Closed })?
    }

    fn queue(&self, request: Request) -> Result<(), StoreError> {
        self.inner.queue.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })
    }

    /// A handle whose first requests are gathered: they reach the writer at once, with [`Store::hand_over`], and later ones by themselves.
    #[must_use]
    pub fn gathering(&self) -> Self {
        Self { inner: self.inner.clone(), bundle: Some(Arc::new(Bundle::new())) }
    }

    /// Hands over what was gathered.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::Closed`]: none of it is done, and whoever asked is answered so.
    pub fn hand_over(&self) -> Result<(), StoreError> {
        match self.bundle.as_ref().and_then(|bundle| bundle.close()) {
            Some(request) => self.queue(request),
            None => Ok(()),
        }
    }

    async fn lane<T: Send + 'static>(
        &self,
        op: impl FnOnce(&mut LaneTx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ask(|answer| Request::Lane(job(op, answer))).await
    }

    pub(super) async fn step<T: Send + 'static>(
        &self,
        op: impl FnOnce(&mut Writer) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ask(|answer| {
            Request::Step(Box::new(move |writer| {
                let _ = answer.send(op(writer));
            }))
        })
        .await
    }

    // ---- ledger ----

    /// Appends records in order, all or none; answered when durable. [`StoreError::Kept`]: they wait in memory for the disk.
    pub async fn append(&self, records: Vec<NewRecord>) -> Result<Vec<Committed>, StoreError> {
        let records = records.into_iter().map(|record| Entry { record, ends: Ends::Nothing }).collect();
        self.ask(|answer| Request::Append { records, answer }).await
    }

    async fn end(&self, record: NewRecord, ends: Ends) -> Result<Committed, StoreError> {
        let records = vec![Entry { record, ends }];
        let committed = self.ask(|answer| Request::Append { records, answer }).await?;
        committed.first().copied().ok_or(StoreError::Closed)
    }

    /// Opens a passage by its first record, whose sequence names it.
    pub async fn open_passage(&self, record: NewRecord) -> Result<PassageId, StoreError> {
        self.lane(move |tx| tx.open_passage(&record)).await
    }

    /// Ends a passage. Waits for the disk like [`Store::append`].
    pub async fn end_passage(&self, passage: PassageId, record: NewRecord) -> Result<Committed, StoreError> {
        self.end(record, Ends::Passage(passage)).await
    }

    /// Grants a permit; answered when durable (I9).
    ///
    /// # Errors
    /// [`StoreError::PermitUsed`], [`StoreError::PermitOfOtherBoot`]; [`StoreError::CannotCommit`]: nothing is granted, now or later.
    pub async fn authorise(&self, authorisation: Authorisation) -> Result<Committed, StoreError> {
        self.lane(move |tx| tx.authorise(&authorisation)).await
    }

    /// Ends a permit; one that is not granted is only recorded. Waits for the disk like [`Store::append`].
    pub async fn end_permit(&self, permit: PermitId, entry: EntryUse, record: NewRecord) -> Result<Committed, StoreError> {
        self.end(record, Ends::Permit(permit, entry)).await
    }

    /// Is a permit known here, and has it ended?
    pub async fn permit_ended(&self, permit: PermitId) -> Result<Option<bool>, StoreError> {
        self.inner.readings.read(move |side| permits::permit_ended(&side.lane, permit)).await
    }

    /// Passages of this lane, other than `own`, that used an entry of a declaration, whether or not the cache has its row.
    pub async fn entries_used_here(&self, declaration: String, own: PassageId) -> Result<Vec<PassageId>, StoreError> {
        self.inner.readings.read(move |side| permits::entries(&side.lane, &declaration, Some(own))).await
    }

    /// Records to send: after `after`, or after the acknowledged one.
    pub async fn read_outbox(&self, after: Option<u64>, max_rows: usize, max_bytes: usize) -> Result<Outbox, StoreError> {
        self.inner.readings.read(move |side| ledger::outbox(&side.lane, after, max_rows, max_bytes)).await
    }

    /// The centre has every record of `ledger` up to `seq`, whose hash is `hash` (the link verified its signature).
    ///
    /// # Errors
    /// [`StoreError::Fork`] and [`StoreError::AcknowledgedAhead`]: two ledgers carry one id; the state says `restored`, and the next start begins a new ledger.
    pub async fn acknowledge(&self, ledger: LedgerId, seq: u64, hash: Digest) -> Result<(), StoreError> {
        let result = self.lane(move |tx| tx.acknowledge(ledger, seq, hash)).await;
        if matches!(result, Err(StoreError::Fork { .. } | StoreError::AcknowledgedAhead { .. })) {
            self.step(|writer| {
                tracing::error!("the centre holds another chain under this ledger's id");
                writer.state.send_modify(|state| state.restored = true);
                writer.lane(|tx| tx.mark_forked())
            })
            .await?;
        }
        result
    }

    /// The records of one passage, in order.
    pub async fn passage_records(&self, passage: PassageId) -> Result<Vec<LedgerRow>, StoreError> {
        self.inner.readings.read(move |side| ledger::passage_rows(&side.lane, passage)).await
    }

    /// The newest records of a kind, newest first.
    pub async fn newest(&self, kind: &'static str, max: usize) -> Result<Vec<LedgerRow>, StoreError> {
        self.inner.readings.read(move |side| ledger::newest(&side.lane, kind, max)).await
    }

    // ---- black box ----

    /// Begins the black box of a passage.
    pub async fn black_box_open(&self, passage: PassageId, opening: BlackBoxOpening) -> Result<(), StoreError> {
        self.lane(move |tx| tx.open_black_box(passage, &opening)).await
    }

    /// Adds to the black box of a passage; `first` is the number of the first entry, from 1. What was never given is counted as missing.
    pub async fn black_box_append(&self, passage: PassageId, first: u64, entries: Vec<BlackBoxEntry>) -> Result<(), StoreError> {
        self.lane(move |tx| tx.append_black_box(passage, first, &entries)).await
    }

    /// Reads the black box of a passage.
    pub async fn black_box(&self, passage: PassageId) -> Result<BlackBox, StoreError> {
        self.inner.readings.read(move |side| black_box::black_box(&side.lane, passage)).await
    }

    // ---- persons ----

    /// Writes an officer; failures and lockout stay.
    pub async fn put_officer(&self, officer: OfficerRow) -> Result<(), StoreError> {
        self.lane(move |tx| tx.put_officer(&officer)).await
    }

    /// The officers as the centre has them: see `lane/persons.rs`.
    pub async fn mirror_officers(&self, wanted: Vec<OfficerRow>) -> Result<Mirrored, StoreError> {
        self.lane(move |tx| tx.mirror_officers(&wanted)).await
    }

    /// Removes an officer; says whether there was one.
    pub async fn remove_officer(&self, id: String) -> Result<bool, StoreError> {
        self.lane(move |tx| tx.remove_officer(&id)).await
    }

    /// One officer with the lockout as it holds at `now`.
    pub async fn officer(&self, id: String, now_utc_ms: i64) -> Result<Option<(OfficerRow, Lockout)>, StoreError> {
        let read = id.clone();
        let found = self.inner.readings.read(move |side| persons::officer(&side.lane, &read)).await?;
        let longest = now_utc_ms.saturating_add(LOCKOUT_MAX_MS);
        match found {
            Some((officer, lockout)) if lockout.locked_until_ms.is_some_and(|until| until > longest) => {
                self.lane(move |tx| tx.cut_lockout(&id, now_utc_ms)).await?;
                Ok(Some((officer, Lockout { locked_until_ms: Some(longest), ..lockout })))
            }
            found => Ok(found),
        }
    }

    /// All officers.
    pub async fn officers(&self) -> Result<Vec<(OfficerRow, Lockout)>, StoreError> {
        self.inner.readings.read(|side| persons::officers(&side.lane)).await
    }

    /// A wrong PIN; durable before it is answered.
    pub async fn officer_failed(&self, id: String, now_utc_ms: i64) -> Result<Lockout, StoreError> {
        self.lane(move |tx| tx.officer_failed(&id, now_utc_ms)).await
    }

    /// A right PIN.
    pub async fn officer_succeeded(&self, id: String) -> Result<Lockout, StoreError> {
        self.lane(move |tx| tx.officer_succeeded(&id)).await
    }

    /// Remembers the id of an act or command; `false`: it was handled before.
    pub async fn first_act(&self, id: String) -> Result<bool, StoreError> {
        self.lane(move |tx| tx.first_act(&id)).await
    }

    // ---- evidence ----

    /// Keeps a picture; answered when file, folder and index row are durable.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] over `max_evidence_bytes`; [`StoreError::EvidenceNoRoom`] where the rest of the disk is the ledger's.
    pub async fn put_evidence(&self, bytes: Vec<u8>, utc_ms: Option<i64>) -> Result<Digest, StoreError> {
        let (size, max) = (bytes.len() as u64, self.inner.settings.max_evidence_bytes);
        if size > max {
            return Err(StoreError::TooLarge { what: "a piece of evidence", bytes: size, max });
        }
        let _one_at_a_time = self.inner.evidence.lock().await;
        let settings = self.inner.settings.clone();
        let digest = chain::sha256(&bytes);
        let _mark = BeingWritten::new(&self.inner.being_written, digest);
        let written = tokio::task::spawn_blocking(move || {
            let free_bytes = files::free_bytes(&settings.dir)?;
            let floor_bytes = settings.evidence_floor_bytes;
            if free_bytes < floor_bytes.saturating_add(bytes.len() as u64) {
                return Err(StoreError::EvidenceNoRoom { free_bytes, floor_bytes });
            }
            files::put_evidence(&settings.evidence_dir(), digest, &bytes)
        });
        written.await.map_err(|_| StoreError::Closed)??;
        let leaving = self.lane(move |tx| tx.add_evidence(digest, size, utc_ms)).await?;
        if !leaving.digests.is_empty() {
            self.step(move |writer| Ok(writer.let_leave(&leaving))).await?;
        }
        Ok(digest)
    }

    /// Reads a picture and checks it against its name.
    pub async fn read_evidence(&self, digest: Digest) -> Result<Vec<u8>, StoreError> {
        let settings = self.inner.settings.clone();
        let read = tokio::task::spawn_blocking(move || files::read_evidence(&settings.evidence_dir(), digest, settings.max_evidence_bytes));
        read.await.map_err(|_| StoreError::Closed)?
    }

    /// Evidence that the centre does not have yet, oldest first, with sizes.
    pub async fn pending_evidence(&self, max: usize) -> Result<Vec<(Digest, u64)>, StoreError> {
        self.inner.readings.read(move |side| evidence::pending(&side.lane, max)).await
    }

    /// The centre has these.
    pub async fn acknowledge_evidence(&self, digests: Vec<Digest>) -> Result<(), StoreError> {
        self.lane(move |tx| tx.acknowledge_evidence(&digests)).await
    }

    // ---- care ----

    /// Once a minute: head, sealing, budgets, sweep.
    pub async fn maintain(&self, now: Wall) -> Result<Maintained, StoreError> {
        self.step(move |writer| writer.maintain(now)).await
    }
}

fn job<T: Send + 'static>(
    op: impl FnOnce(&mut LaneTx<'_>) -> Result<T, StoreError> + Send + 'static,
    answer: oneshot::Sender<Result<T, StoreError>>,
) -> LaneJob {
    Box::new(move |tx| {
        let result = tx.map(op);
        let end = match &result {
            Some(result) => job_end(result.as_ref().err()),
            None => JobEnd::Refused,
        };
        let finish: Finish = Box::new(move |commit| {
            let result = match (result, commit) {
                (Some(Err(error)), _) if !matches!(error, StoreError::Sql { .. } | StoreError::Row { .. }) => Err(error),
                (Some(Ok(value)), Ok(())) => Ok(value),
                (_, Err(reason)) => Err(StoreError::CannotCommit { reason: reason.to_owned() }),
                (_, Ok(())) => Err(StoreError::CannotCommit { reason: "its group has fallen".to_owned() }),
            };
            let _ = answer.send(result);
        });
        (end, finish)
    })
}

fn held(set: &Mutex<HashSet<Digest>>) -> std::sync::MutexGuard<'_, HashSet<Digest>> {
    set.lock().unwrap_or_else(PoisonError::into_inner)
}

/// While it lives the sweep leaves this file alone.
struct BeingWritten<'a> {
    set: &'a Mutex<HashSet<Digest>>,
    digest: Digest,
}

impl<'a> BeingWritten<'a> {
    fn new(set: &'a Mutex<HashSet<Digest>>, digest: Digest) -> Self {
        held(set).insert(digest);
        Self { set, digest }
    }
}

impl Drop for BeingWritten<'_> {
    fn drop(&mut self) {
        held(self.set).remove(&self.digest);
    }
}
