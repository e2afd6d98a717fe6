//! Joins the link to the store and the lane: sync asks the store through here, and what it reports becomes inputs of the lane.

use super::inbox::Inbox;
use super::knowledge::other_claim;
use super::lane_loop::ClaimChange;
use super::recorder::{Job, Recorder};
use crate::clock;
use crate::store::{Applied, Change, Collection, Head, NewRecord, ReplicaRow, Store, StoreError, UpsertRow};
use crate::sync::ports::{AckRefused, ApplyRefused, CopyState, Outbox, OutboxRow, Reply, SyncInput, SyncReport, SyncRequest};
use lane_core::declaration::{Declaration, OtherClaim};
use lane_core::ids::{Digest, LedgerId, Revision};
use lane_core::input::{Freshness, Input};
use lane_core::plate::PlateText;
use lane_link::claim::Claim;
use lane_link::declaration::Declaration as WireDeclaration;
use lane_link::hex_bytes::{Hex32, HexBytes};
use lane_link::query::Answer;
use lane_link::record::{Body, RECORD_VERSION, Record as WireRecord};
use lane_link::replica::{Collection as WireCollection, Place, Row};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Claims of other lanes remembered.
const MAX_CLAIMS: usize = 1_024;
/// Questions to the centre under way.
const MAX_QUERIES: usize = 16;

const fn collection(wire: WireCollection) -> Collection {
    match wire {
        WireCollection::Declarations => Collection::Declarations,
        WireCollection::Watchlist => Collection::Watchlist,
        WireCollection::Officers => Collection::Officers,
        WireCollection::Rules => Collection::Rules,
    }
}

const fn wire_collection(store: Collection) -> WireCollection {
    match store {
        Collection::Declarations => WireCollection::Declarations,
        Collection::Watchlist => WireCollection::Watchlist,
        Collection::Officers => WireCollection::Officers,
        Collection::Rules => WireCollection::Rules,
    }
}

/// What the other lanes claim, as far as it has not expired.
#[derive(Debug, Clone, Default)]
pub struct Claims(Arc<Mutex<HashMap<(String, String), Claim>>>);

impl Claims {
    fn note(&self, claim: Claim, now_ms: i64) {
        let mut claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        claims.retain(|_, known| known.expires_ms > now_ms);
        let key = (claim.lane.as_str().to_owned(), claim.declaration.clone());
        if !claim.held {
            claims.remove(&key);
        } else if claims.len() < MAX_CLAIMS || claims.contains_key(&key) {
            claims.insert(key, claim);
        } else {
            tracing::error!(most = MAX_CLAIMS, "a claim of another lane finds no room: its vehicle may be judged here as unclaimed");
        }
    }

    /// Claims on these declarations.
    #[must_use]
    pub fn against(&self, declarations: &[Declaration]) -> Vec<OtherClaim> {
        let claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = |claim: &&Claim| declarations.iter().any(|d| d.id.as_str() == claim.declaration);
        claims.values().filter(wanted).filter_map(|c| other_claim(c.lane.as_str(), &c.declaration, &c.passage)).collect()
    }
}

/// Questions to the centre.
#[derive(Debug, Clone)]
pub struct Queries {
    inputs: mpsc::Sender<SyncInput>,
    waiting: Arc<Mutex<HashMap<String, oneshot::Sender<Answer>>>>,
    deadline: Duration,
    link_up: Arc<std::sync::atomic::AtomicBool>,
}

impl Queries {
    /// Questions through this channel, answered within three quarters of the lane's deadline or never: the lane must hear what the cache said
    /// before it gives up.
    #[must_use]
    pub fn new(inputs: mpsc::Sender<SyncInput>, deadline_ms: u32) -> Self {
        let deadline = Duration::from_millis(u64::from(deadline_ms) * 3 / 4);
        Self { inputs, waiting: Arc::default(), deadline, link_up: Arc::default() }
    }

    /// Asks; `None`: no link, no room, no answer in time.
    pub async fn ask(&self, plates: Vec<String>) -> Option<Answer> {
        if !self.link_up.load(std::sync::atomic::Ordering::Relaxed) {
            return None;
        }
        let mut random = [0_u8; 12];
        getrandom::fill(&mut random).ok()?;
        let id = hex::encode(random);
        let (answer, answered) = oneshot::channel();
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.len() >= MAX_QUERIES {
                return None;
            }
            waiting.insert(id.clone(), answer);
        }
        let asked = self.inputs.try_send(SyncInput::Query { id: id.clone(), plates }).is_ok();
        let said = if asked { tokio::time::timeout(self.deadline, answered).await.ok().and_then(Result::ok) } else { None };
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        said
    }

    fn answered(&self, answer: Answer) {
        if let Some(asker) = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&answer.id) {
            let _ = asker.send(answer);
        }
    }
}

/// The lane's claims to the link.
pub async fn claims_out(mut changes: mpsc::Receiver<ClaimChange>, inputs: Option<mpsc::Sender<SyncInput>>) {
    while let Some(change) = changes.recv().await {
        let Some(inputs) = &inputs else { continue };
        let claim = SyncInput::Claim {
            declaration: change.declaration.0,
            passage: lane_link::ids::passage_text(change.passage),
            held: change.held,
        };
        if inputs.send(claim).await.is_err() {
            return;
        }
    }
}

/// What the link reports. Returns when it ends.
pub async fn reports(
    mut reports: mpsc::Receiver<SyncReport>,
    inbox: Inbox,
    recorder: Recorder,
    claims: Claims,
    queries: Queries,
    replies: mpsc::Sender<SyncInput>,
    trust: clock::Trust,
) {
    while let Some(report) = reports.recv().await {
        match report {
            SyncReport::LinkUp => tracing::info!("the centre is reachable"),
            SyncReport::LinkDown { reason } => tracing::warn!(reason, "the centre is not reachable"),
            SyncReport::Freshness(freshness) => {
                queries.link_up.store(freshness.link_up, std::sync::atomic::Ordering::Relaxed);
                let place = |p: Place| (p.epoch > 0).then_some(Revision { epoch: p.epoch, revision: p.revision });
                inbox
                    .give(Input::Freshness(Freshness {
                        head_utc_ms: freshness.head_utc_ms(),
                        link_up: freshness.link_up,
                        declarations: place(freshness.declarations.place),
                        watchlist: place(freshness.watchlist.place),
                        officers: place(freshness.officers.place),
                    }))
                    .await;
            }
            SyncReport::Changed { collection, .. } => {
                if matches!(collection, WireCollection::Declarations | WireCollection::Watchlist) {
                    inbox.give(Input::KnowledgeChanged).await;
                }
            }
            SyncReport::Command(command) => super::commands::act(*command, inbox.clone(), replies.clone()),
            SyncReport::CommandRefused(refused) => {
                let body = Body::CommandRefused {
                    command: refused.id.unwrap_or_default(),
                    why: refused.why.word().to_owned(),
                    count: refused.count,
                };
                recorder.give(Job::Raw(raw_record(body, trust)));
            }
            SyncReport::Answer(answer) => queries.answered(*answer),
            SyncReport::Claim(claim) => {
                claims.note(claim, clock::wall(trust).utc_ms);
                inbox.give(Input::KnowledgeChanged).await;
            }
            SyncReport::KeyList { version } => tracing::info!(version, "a newer key list is in use"),
            SyncReport::Refused { topic, why } => tracing::warn!(topic, why, "something from the broker was not believed"),
            SyncReport::TooLarge { seq, bytes, max_bytes } => {
                tracing::error!(?seq, bytes, max_bytes, "a record or picture is larger than the broker takes");
            }
            SyncReport::AckRefused(why) => tracing::error!(%why, "an acknowledgement was not taken"),
            SyncReport::Drained(drained) => tracing::info!(drained, "records waiting for the centre"),
        }
    }
}

fn raw_record(body: Body, trust: clock::Trust) -> NewRecord {
    let wall = clock::wall(trust);
    let wire = WireRecord {
        v: RECORD_VERSION,
        at_ms: clock::mono().0,
        utc_ms: wall.utc_ms,
        clock_trusted: wall.trusted().is_some(),
        passage: None,
        body,
    };
    let value = serde_json::to_value(&wire).unwrap_or_default();
    let kind = value.get("kind").and_then(Value::as_str).unwrap_or("unknown").to_owned();
    NewRecord { kind, passage: None, utc_ms: wall.trusted(), bytes: value.to_string().into_bytes() }
}

/// What the link asks of the store. Each request is answered, in order; the link waits for answers with a time-out of its own.
pub async fn requests(mut requests: mpsc::Receiver<SyncRequest>, store: Store) {
    let mut staging: HashMap<Collection, Staging> = HashMap::new();
    while let Some(request) = requests.recv().await {
        serve(request, &store, &mut staging).await;
    }
}

#[derive(Debug, Default)]
struct Staging {
    parts: u32,
    rows: u64,
}

async fn serve(request: SyncRequest, store: &Store, staging: &mut HashMap<Collection, Staging>) {
    match request {
        SyncRequest::ReadOutbox { after, max_rows, max_bytes, reply } => {
            if let Ok(outbox) = store.read_outbox(after, max_rows, max_bytes).await {
                let rows = outbox.rows.into_iter().map(|r| OutboxRow { seq: r.seq, hash: HexBytes(r.hash.0), bytes: r.bytes }).collect();
                let after = after.unwrap_or(outbox.acknowledged_seq);
                let _ = reply.send(Outbox { ledger: HexBytes::from_u128(outbox.ledger.0), after, rows });
            }
        }
        SyncRequest::Acknowledge { ledger, seq, hash, reply } => {
            let done = store.acknowledge(LedgerId(ledger.to_u128()), seq, Digest(hash.0)).await;
            let _ = reply.send(done.map_err(|error| match error {
                StoreError::Fork { .. } => AckRefused::Fork(seq),
                StoreError::CannotCommit { .. } | StoreError::Closed | StoreError::Busy => AckRefused::Failed,
                _ => AckRefused::Unknown,
            }));
        }
        SyncRequest::NextEvidence { except, reply } => next_evidence(store, &except, reply).await,
        SyncRequest::EvidenceAcknowledged { digests } => {
            let digests = digests.into_iter().map(|d| Digest(d.0)).collect();
            if let Err(error) = store.acknowledge_evidence(digests).await {
                tracing::warn!(%error, "acknowledged pictures could not be noted");
            }
        }
        SyncRequest::Copies { reply } => {
            if let Ok(states) = store.collections().await {
                let copies = states.into_iter().filter_map(|s| {
                    let have = s.have?;
                    Some(CopyState {
                        collection: wire_collection(s.collection),
                        place: Place { epoch: have.epoch, revision: have.revision },
                        head_utc_ms: s.head.map(|h| h.utc_ms),
                    })
                });
                let _ = reply.send(copies.collect());
            }
        }
        SyncRequest::SeenCommand { id, reply, .. } => {
            if let Ok(first) = store.first_act(id).await {
                let _ = reply.send(!first);
            }
        }
        other => replicate(other, store, staging).await,
    }
}

async fn next_evidence(store: &Store, except: &[Hex32], reply: Reply<Option<(Hex32, Vec<u8>)>>) {
    let Ok(pending) = store.pending_evidence(except.len() + 1).await else { return };
    let next = pending.into_iter().find(|(digest, _)| !except.iter().any(|e| e.0 == digest.0));
    let found = match next {
        None => None,
        Some((digest, _)) => match store.read_evidence(digest).await {
            Ok(bytes) => Some((HexBytes(digest.0), bytes)),
            Err(error) => {
                tracing::warn!(%error, "a picture cannot be read");
                None
            }
        },
    };
    let _ = reply.send(found);
}

async fn replicate(request: SyncRequest, store: &Store, staging: &mut HashMap<Collection, Staging>) {
    match request {
        SyncRequest::ApplyChange { change, reply } => {
            let which = collection(change.collection);
            let _ = reply.send(match rows(change.collection, &change.rows) {
                Err(bad) => Err(ApplyRefused::BadRow(bad)),
                // A change that follows nothing is a whole collection: the store has no row that it would amend.
                Ok(rows) if change.follows == 0 => {
                    let rows = rows.into_iter().filter(|row| matches!(row, ReplicaRow::Upsert(_))).collect();
                    let revision = Revision { epoch: change.epoch, revision: change.revision };
                    applied(store.apply_snapshot(which, revision, rows).await)
                }
                Ok(rows) => {
                    let change = Change { epoch: change.epoch, follows: change.follows, revision: change.revision, rows };
                    applied(store.apply_replica(which, change).await)
                }
            });
        }
        SyncRequest::SnapshotBegin { collection: wire, place, reply, .. } => {
            let which = collection(wire);
            staging.insert(which, Staging::default());
            let revision = Revision { epoch: place.epoch, revision: place.revision };
            let _ = reply.send(match store.begin_snapshot(which, revision).await {
                Ok(None) => Ok(()),
                Ok(Some(already)) => applied(Ok(already)),
                Err(error) => applied(Err(error)),
            });
        }
        SyncRequest::SnapshotRows { collection: wire, rows: sent, reply } => {
            let which = collection(wire);
            let stage = staging.entry(which).or_default();
            let part = stage.parts;
            stage.parts += 1;
            stage.rows += sent.len() as u64;
            let _ = reply.send(match rows(wire, &sent) {
                Err(bad) => Err(ApplyRefused::BadRow(bad)),
                Ok(rows) => store.stage_snapshot(which, part, rows).await.map_err(refused),
            });
        }
        SyncRequest::SnapshotCommit { collection: wire, reply, .. } => {
            let which = collection(wire);
            let stage = staging.remove(&which).unwrap_or_default();
            let _ = reply.send(applied(store.end_snapshot(which, stage.parts, stage.rows).await));
        }
        SyncRequest::HeadReached { collection: wire, utc_ms } => head_reached(store, collection(wire), utc_ms).await,
        // The rest was served before.
        _ => {}
    }
}

async fn head_reached(store: &Store, which: Collection, utc_ms: i64) {
    let Ok(states) = store.collections().await else { return };
    let Some(revision) = states.into_iter().find(|s| s.collection == which).and_then(|s| s.have) else { return };
    if let Err(error) = store.head_seen(which, Head { revision, utc_ms }).await {
        tracing::warn!(%error, "a head could not be noted");
    }
}

fn refused(error: StoreError) -> ApplyRefused {
    tracing::warn!(%error, "rows of a replica were not taken");
    ApplyRefused::Failed
}

fn applied(result: Result<Applied, StoreError>) -> Result<(), ApplyRefused> {
    let at = |have: Revision| ApplyRefused::At(Place { epoch: have.epoch, revision: have.revision });
    match result {
        Ok(Applied::Done(_)) => Ok(()),
        Ok(Applied::Older { have }) => Err(at(have)),
        Ok(Applied::Gap { have }) => Err(at(have.unwrap_or(Revision { epoch: 0, revision: 0 }))),
        Err(error) => Err(refused(error)),
    }
}

/// Rows as the store keeps them; declarations are checked here, so that a bad one is refused where it comes in.
fn rows(which: WireCollection, rows: &[Row]) -> Result<Vec<ReplicaRow>, String> {
    rows.iter()
        .map(|row| match row {
            Row::Tombstone { key } => Ok(ReplicaRow::Tombstone { id: key.clone() }),
            Row::Upsert { key, body } => upsert(which, key, body).map(ReplicaRow::Upsert),
        })
        .collect()
}

fn upsert(which: WireCollection, key: &str, body: &Value) -> Result<UpsertRow, String> {
    let bytes = body.to_string().into_bytes();
    let row = UpsertRow { id: key.to_owned(), bytes, ..UpsertRow::default() };
    match which {
        WireCollection::Declarations => declaration_row(key, body, row),
        WireCollection::Watchlist => {
            let plate = body.get("plate").and_then(Value::as_str).ok_or_else(|| format!("watchlist {key}: plate is missing"))?;
            let plate = PlateText::parse(plate).map_err(|error| format!("watchlist {key}: {error}"))?;
            Ok(UpsertRow { plates: vec![plate.to_string()], ..row })
        }
        WireCollection::Officers | WireCollection::Rules => Ok(row),
    }
}

fn declaration_row(key: &str, body: &Value, row: UpsertRow) -> Result<UpsertRow, String> {
    let wire: WireDeclaration = serde_json::from_value(body.clone()).map_err(|error| format!("declaration {key}: {error}"))?;
    if wire.id != key {
        return Err(format!("declaration {key}: its row is of {}", wire.id));
    }
    let core = wire.to_core(Revision { epoch: 0, revision: 0 }).map_err(|error| error.to_string())?;
    let plates = std::iter::once(core.plate).chain(core.trailer_plate).map(|plate| plate.to_string()).collect();
    Ok(UpsertRow {
        plates,
        gate: Some(wire.gate.clone()),
        state: Some(format!("{:?}", wire.state).to_lowercase()),
        valid_from_ms: Some(wire.valid_from_ms),
        valid_until_ms: Some(wire.valid_until_ms),
        counted: wire.passages_counted.iter().filter_map(|text| lane_link::ids::parse_passage(text).ok()).collect(),
        ..row
    })
}
