//! What the lane wants written, in the order it wants it. The lane loop hands jobs over without waiting; each is put into the store's queue in
//! order, and its answer, when it comes, is an input of the lane. The jobs of one turn are handed over together and written down before the first
//! of them is queued, so that the store sees them at once: they share one commit, and a permit does not wait for the verdict's.

use super::inbox::Inbox;
use super::journal;
use crate::store::{Authorisation, BlackBoxEntry, BlackBoxOpening, EntryUse, NewRecord, Store, StoreError};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use lane_core::ids::{DeclarationId, PassageId, PermitId, VisitToken};
use lane_core::input::Input;
use lane_core::permit::PermitEnd;
use lane_core::record::{Record, What};
use lane_link::record::Record as WireRecord;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::mpsc;

/// Turns with jobs waiting for the recorder. A lane that has so many unwritten records has a dead disk, and the store says so.
pub const MAX_TURNS: usize = 2_048;
/// Jobs in the store's hands at once; the others wait in the queue, which has an end.
const MAX_UNDER_WAY: usize = 512;
/// A passage that could not be opened is tried again after this: until it has a name, its vehicle cannot be served.
const REOPEN_MS: u64 = 1_000;

/// One job.
#[derive(Debug)]
pub enum Job {
    /// Open a passage; answered with [`Input::PassageOpened`].
    OpenPassage(VisitToken, Box<Record>),
    /// Append.
    Append(Box<Record>),
    /// Make durable; answered with [`Input::PermitDurable`].
    Authorise(PermitId, Box<Record>),
    /// A record made elsewhere than in the lane.
    Raw(NewRecord),
    /// Begin a black box.
    OpenBox(PassageId, BlackBoxOpening),
    /// Add to one.
    AppendBox(PassageId, Vec<BlackBoxEntry>),
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
                let written: Vec<_> = jobs.into_iter().map(|job| perform(job, store.clone(), inbox.clone(), counters.clone())).collect();
                for mut job in written {
                    // The first poll puts the job into the store's queue: so the order of the jobs is the order of the ledger.
                    if std::future::poll_fn(|context| Poll::Ready(job.as_mut().poll(context).is_pending())).await {
                        under_way.push(job);
                    }
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
            Box::pin(async move { append(&store, &record, new, &counters).await })
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
            if let Err(error) = store.black_box_open(passage, opening).await {
                counters.box_lost.fetch_add(1, Relaxed);
                tracing::warn!(%error, "a black box could not be opened");
            }
        }),
        Job::AppendBox(passage, entries) => Box::pin(async move {
            let count = entries.len() as u64;
            if let Err(error) = store.black_box_append(passage, entries).await {
                counters.box_lost.fetch_add(count, Relaxed);
                tracing::warn!(%error, "black box entries were lost");
            }
        }),
    }
}

/// Opens a passage, however long the disk takes; `None`: the store is closed, or will never take it.
async fn open_passage(store: &Store, record: NewRecord) -> Option<PassageId> {
    let mut told = false;
    loop {
        match store.open_passage(record.clone()).await {
            Ok(passage) => return Some(passage),
            Err(error @ (StoreError::CannotCommit { .. } | StoreError::Busy)) => {
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

async fn append(store: &Store, record: &Record, new: NewRecord, counters: &RecorderCounters) {
    let result = match (&record.what, record.passage) {
        (What::PassageEnded { .. }, Some(passage)) => store.end_passage(passage, new).await.map(drop),
        (What::PermitEnded { permit, end }, _) => store.end_permit(*permit, entry_use(*end), new).await.map(drop),
        _ => store.append(vec![new]).await.map(drop),
    };
    match result {
        Ok(()) => drop(counters.written.fetch_add(1, Relaxed)),
        Err(error) => failed(&error, counters, "a record could not be written"),
    }
    journal::tell(record);
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
    let wire = WireRecord::from(record);
    let value = serde_json::to_value(&wire).unwrap_or_default();
    let kind = value.get("kind").and_then(|kind| kind.as_str()).unwrap_or("unknown").to_owned();
    NewRecord { kind, passage: record.passage, utc_ms: record.wall.trusted(), bytes: value.to_string().into_bytes() }
}
