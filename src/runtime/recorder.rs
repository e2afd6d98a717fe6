//! What the lane wants written, in the order it wants it. The lane loop hands jobs over without waiting; each is put into the store's queue in
//! order, and its answer, when it comes, is an input of the lane. The jobs of one turn reach the store as one request: they share one commit, and a
//! permit does not wait for the verdict's.

use super::inbox::Inbox;
use super::journal;
use crate::planted::planted;
use crate::store::{Authorisation, BlackBoxEntry, BlackBoxOpening, EntryUse, NewRecord, Store, StoreError};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use lane_core::ids::{DeclarationId, PassageId, PermitId, VisitToken};
use lane_core::input::Input;
use lane_core::officer::ActOutcome;
use lane_core::permit::PermitEnd;
use lane_core::record::{Record, What};
use lane_link::record::Record as WireRecord;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Turns with jobs waiting for the recorder. A lane that has so many unwritten records has a dead disk, and the store says so.
pub const MAX_TURNS: usize = 2_048;
/// Jobs in the store's hands at once; the others wait in the queue, which has an end.
const MAX_UNDER_WAY: usize = 512;
/// A passage that could not be opened is tried again after this: until it has a name, its vehicle cannot be served.
const REOPEN_MS: u64 = 1_000;
/// The end of a black box waits so often for its opening.
const MAX_WAITS_FOR_BOX: u32 = 5;

/// One job.
#[derive(Debug)]
pub enum Job {
    /// Open a passage; answered with [`Input::PassageOpened`].
    OpenPassage(VisitToken, Box<Record>),
    /// Append.
    Append(Box<Record>),
    /// Append a change of mode; whoever asked for it hears of it when it is durable, or that it is not.
    AppendMode(Box<Record>, Vec<Waiting>),
    /// Make durable; answered with [`Input::PermitDurable`].
    Authorise(PermitId, Box<Record>),
    /// A record made elsewhere than in the lane.
    Raw(NewRecord),
    /// Begin a black box.
    OpenBox(PassageId, BlackBoxOpening),
    /// Add to one.
    AppendBox(PassageId, BoxPart),
}

/// Some entries of a black box.
#[derive(Debug)]
pub struct BoxPart {
    /// The number of the first, from 1: what the disk did not take shows as a hole in the numbers.
    pub first: u64,
    /// The entries.
    pub entries: Vec<BlackBoxEntry>,
    /// Nothing follows: this part is given until it is taken, so that the box knows of every hole before it.
    pub is_last: bool,
}

/// Whoever waits for an act's outcome, and the outcome.
#[derive(Debug)]
pub struct Waiting {
    /// Where it goes.
    pub answer: oneshot::Sender<ActOutcome>,
    /// What it is once the record stands.
    pub outcome: ActOutcome,
}

/// What is counted.
#[derive(Debug, Default)]
pub struct RecorderCounters {
    /// Records written.
    pub written: AtomicU64,
    /// Records that the store keeps in memory until the disk is back.
    pub kept: AtomicU64,
    /// Records that could not be written or kept.
    pub lost: AtomicU64,
    /// Jobs refused because too many waited.
    pub refused: AtomicU64,
    /// Black box entries lost.
    pub box_lost: AtomicU64,
}

/// The lane loop's end.
#[derive(Debug, Clone)]
pub struct Recorder {
    turns: mpsc::Sender<Vec<Job>>,
    /// What is counted.
    pub counters: Arc<RecorderCounters>,
}

impl Recorder {
    /// Hands one job over; never waits.
    pub fn give(&self, job: Job) {
        self.give_all(vec![job]);
    }

    /// Hands the jobs of a turn over; never waits.
    pub fn give_all(&self, jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        let count = jobs.len() as u64;
        if let Err(error) = self.turns.try_send(jobs) {
            self.counters.refused.fetch_add(count, Relaxed);
            tracing::error!(%error, count, "records found no room: the store does not keep up");
        }
    }
}

/// Starts the recorder.
#[must_use]
pub fn spawn(store: Store, inbox: Inbox) -> (Recorder, tokio::task::JoinHandle<()>) {
    let (turns, queue) = mpsc::channel(MAX_TURNS);
    let counters = Arc::new(RecorderCounters::default());
    let task = tokio::spawn(run(queue, store, inbox, counters.clone()));
    (Recorder { turns, counters }, task)
}

async fn run(mut turns: mpsc::Receiver<Vec<Job>>, store: Store, inbox: Inbox, counters: Arc<RecorderCounters>) {
    let mut under_way: FuturesUnordered<BoxFuture<'static, ()>> = FuturesUnordered::new();
    loop {
        tokio::select! {
            biased;
            turn = turns.recv(), if under_way.len() < MAX_UNDER_WAY => {
                let Some(jobs) = turn else { break };
                let together = store.gathering();
                for job in jobs {
                    let mut job = perform(job, together.clone(), inbox.clone(), counters.clone());
                    // The first poll asks the store: so the order of the jobs is the order of the ledger.
                    if std::future::poll_fn(|context| Poll::Ready(job.as_mut().poll(context).is_pending())).await {
                        under_way.push(job);
                    }
                }
                if let Err(error) = together.hand_over() {
                    tracing::error!(%error, "the store takes nothing");
                }
            }
            Some(()) = under_way.next(), if !under_way.is_empty() => {}
        }
    }
    while under_way.next().await.is_some() {}
}

/// A job as a future; what it writes is made here, before anything is queued.
fn perform(job: Job, store: Store, inbox: Inbox, counters: Arc<RecorderCounters>) -> BoxFuture<'static, ()> {
    match job {
        Job::OpenPassage(visit, record) => {
            let record = new_record(&record);
            Box::pin(async move {
                if let Some(passage) = open_passage(&store, record).await {
                    counters.written.fetch_add(1, Relaxed);
                    inbox.give(Input::PassageOpened { visit, passage }).await;
                    journal::tell_opened(passage);
                } else {
                    counters.lost.fetch_add(1, Relaxed);
                }
            })
        }
        Job::Append(record) => {
            let new = new_record(&record);
            Box::pin(async move {
                append(&store, &record, new, &counters).await;
            })
        }
        Job::AppendMode(record, waiting) => {
            let new = new_record(&record);
            Box::pin(async move {
                let is_durable = append(&store, &record, new, &counters).await || planted("mode_durable");
                for Waiting { answer, outcome } in waiting {
                    let outcome = if is_durable || outcome != ActOutcome::Accepted { outcome } else { ActOutcome::NotDurable };
                    // Whoever stopped waiting was told that no answer came.
                    let _ = answer.send(outcome);
                }
            })
        }
        Job::Authorise(permit, record) => {
            let authorisation = authorisation(permit, &record);
            Box::pin(async move {
                match store.authorise(authorisation).await {
                    Ok(_) => {
                        counters.written.fetch_add(1, Relaxed);
                        inbox.give(Input::PermitDurable(permit)).await;
                        journal::tell(&record);
                    }
                    Err(_) if planted("durable") => inbox.give(Input::PermitDurable(permit)).await,
                    // Nothing is granted: the lane sees the store's state change, or its permit's time run out.
                    Err(error) => failed(&error, &counters, "a permit could not be authorised"),
                }
            })
        }
        Job::Raw(record) => Box::pin(async move {
            match store.append(vec![record]).await {
                Ok(_) => drop(counters.written.fetch_add(1, Relaxed)),
                Err(error) => failed(&error, &counters, "a record could not be written"),
            }
        }),
        Job::OpenBox(passage, opening) => Box::pin(async move {
            let opened = until_taken(|| store.black_box_open(passage, opening.clone()), false).await;
            if let Err(error) = opened {
                counters.box_lost.fetch_add(1, Relaxed);
                tracing::warn!(%error, "a black box could not be opened");
            }
        }),
        Job::AppendBox(passage, part) => Box::pin(async move { append_box(&store, passage, part, &counters).await }),
    }
}

/// A part in the middle that is not taken is a hole, which the next part's number shows. The last part has no next one.
async fn append_box(store: &Store, passage: PassageId, part: BoxPart, counters: &RecorderCounters) {
    let BoxPart { first, entries, is_last } = part;
    let count = entries.len() as u64;
    let taken = if is_last && !planted("last_part") {
        until_taken(|| store.black_box_append(passage, first, entries.clone()), true).await
    } else {
        store.black_box_append(passage, first, entries).await
    };
    if let Err(error) = taken {
        counters.box_lost.fetch_add(count, Relaxed);
        tracing::warn!(%error, count, "entries of a black box were not taken: the box will say so");
    }
}

/// Asks until the disk takes it. A box that is not there may be one whose opening is still being tried.
async fn until_taken<F: Future<Output = Result<(), StoreError>>>(ask: impl Fn() -> F, wait_for_box: bool) -> Result<(), StoreError> {
    let mut waits_for_box = if wait_for_box { MAX_WAITS_FOR_BOX } else { 0 };
    loop {
        match ask().await {
            Err(StoreError::CannotCommit { .. } | StoreError::Busy) => {}
            Err(StoreError::BlackBoxUnknown) if waits_for_box > 0 => waits_for_box -= 1,
            other => return other,
        }
        tokio::time::sleep(Duration::from_millis(REOPEN_MS)).await;
    }
}

/// Opens a passage, however long the disk takes; `None`: the store is closed, or will never take it.
async fn open_passage(store: &Store, record: NewRecord) -> Option<PassageId> {
    let mut told = false;
    loop {
        match store.open_passage(record.clone()).await {
            Ok(passage) => return Some(passage),
            Err(error @ (StoreError::CannotCommit { .. } | StoreError::Busy)) if !planted("second_try") => {
                if !std::mem::replace(&mut told, true) {
                    tracing::error!(%error, "a passage could not be opened: it is tried again");
                }
                tokio::time::sleep(Duration::from_millis(REOPEN_MS)).await;
            }
            Err(error) => {
                tracing::error!(%error, "a passage could not be opened");
                return None;
            }
        }
    }
}

/// Says whether the record is durable.
async fn append(store: &Store, record: &Record, new: NewRecord, counters: &RecorderCounters) -> bool {
    let result = match (&record.what, record.passage) {
        (What::PassageEnded { .. }, Some(passage)) => store.end_passage(passage, new).await.map(drop),
        (What::PermitEnded { permit, end }, _) => store.end_permit(*permit, entry_use(*end), new).await.map(drop),
        _ => store.append(vec![new]).await.map(drop),
    };
    match &result {
        Ok(()) => drop(counters.written.fetch_add(1, Relaxed)),
        Err(error) => failed(error, counters, "a record could not be written"),
    }
    journal::tell(record);
    result.is_ok()
}

fn failed(error: &StoreError, counters: &RecorderCounters, what: &'static str) {
    if matches!(error, StoreError::Kept { .. }) {
        counters.kept.fetch_add(1, Relaxed);
    } else {
        counters.lost.fetch_add(1, Relaxed);
        tracing::error!(%error, what);
    }
}

/// An entry is used where the vehicle entered, or may have.
fn entry_use(end: PermitEnd) -> EntryUse {
    match end {
        PermitEnd::Expired | PermitEnd::Revoked | PermitEnd::BackedOut => EntryUse::Free,
        PermitEnd::VehicleClear | PermitEnd::EndedByPerson | PermitEnd::Fault | PermitEnd::Stop | PermitEnd::Restart => EntryUse::Used,
    }
}

fn authorisation(permit: PermitId, record: &Record) -> Authorisation {
    let declarations: Vec<DeclarationId> = match &record.what {
        What::PermitGranted { declarations, .. } => declarations.iter().map(|(id, _)| id.clone()).collect(),
        _ => Vec::new(),
    };
    Authorisation { permit, declarations, record: new_record(record) }
}

/// A record as the store takes it.
#[must_use]
pub fn new_record(record: &Record) -> NewRecord {
    NewRecord { passage: record.passage, ..from_wire(&WireRecord::from(record)) }
}

/// A record that no lane wrote, as the store takes it.
#[must_use]
pub fn from_wire(wire: &WireRecord) -> NewRecord {
    let value = serde_json::to_value(wire).unwrap_or_default();
    let kind = value.get("kind").and_then(|kind| kind.as_str()).unwrap_or("unknown").to_owned();
    let utc_ms = wire.clock_trusted.then_some(wire.utc_ms);
    NewRecord { kind, passage: None, utc_ms, bytes: value.to_string().into_bytes() }
}
