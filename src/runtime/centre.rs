//! Joins the link to the store and the lane: sync asks the store through here, and what it reports becomes inputs of the lane.

use super::inbox::Inbox;
use super::knowledge::other_claim;
use super::lane_loop::ClaimChange;
use super::recorder::{Job, Recorder};
use super::replicas::{self, Staging, wire_collection};
use crate::clock;
use crate::store::{Collection, NewRecord, Store, StoreError};
use crate::sync::ports::{AckRefused, CopyState, FreshnessReport, Outbox, OutboxRow, Reply, SyncInput, SyncReport, SyncRequest};
use lane_core::declaration::{Declaration, OtherClaim};
use lane_core::ids::{Digest, LedgerId, Revision};
use lane_core::input::{Freshness, Input};
use lane_link::claim::Claim;
use lane_link::hex_bytes::{Hex32, HexBytes};
use lane_link::query::Answer;
use lane_link::record::{Body, RECORD_VERSION, Record as WireRecord};
use lane_link::replica::{Collection as WireCollection, Place};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};

/// The age of the knowledge is looked at this often.
const FRESHNESS_EVERY_MS: u64 = 1_000;
/// Claims of other lanes remembered.
const MAX_CLAIMS: usize = 1_024;
/// Questions to the centre under way.
const MAX_QUERIES: usize = 16;

/// What the other lanes claim, as far as it has not expired.
#[derive(Debug, Clone, Default)]
pub struct Claims(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    claims: HashMap<(String, String), Claim>,
    /// The last claim that found no room. Until it expires nobody knows what is claimed: every declaration counts as claimed.
    no_room: Option<Claim>,
}

impl Claims {
    fn note(&self, claim: Claim, now_ms: i64) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.claims.retain(|_, known| known.expires_ms > now_ms);
        heard.no_room.take_if(|lost| lost.expires_ms <= now_ms);
        let key = (claim.lane.as_str().to_owned(), claim.declaration.clone());
        if !claim.held {
            heard.claims.remove(&key);
        } else if heard.claims.len() < MAX_CLAIMS || heard.claims.contains_key(&key) {
            heard.claims.insert(key, claim);
        } else {
            if heard.no_room.is_none() {
                tracing::error!(
                    most = MAX_CLAIMS,
                    "a claim of another lane finds no room: until it expires every declaration counts as claimed"
                );
            }
            heard.no_room = Some(claim);
        }
    }

    /// Claims on these declarations.
    #[must_use]
    pub fn against(&self, declarations: &[Declaration]) -> Vec<OtherClaim> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lost) = &heard.no_room {
            return declarations.iter().filter_map(|d| other_claim(lost.lane.as_str(), d.id.as_str(), &lost.passage)).collect();
        }
        let wanted = |claim: &&Claim| declarations.iter().any(|d| d.id.as_str() == claim.declaration);
        heard.claims.values().filter(wanted).filter_map(|c| other_claim(c.lane.as_str(), &c.declaration, &c.passage)).collect()
    }
}

/// Where the lane loop puts its own claims. What finds no room is counted: the other lanes do not hear of it, and health says so.
#[derive(Debug, Clone)]
pub struct ClaimSink {
    queue: mpsc::Sender<ClaimChange>,
    lost: Arc<AtomicU64>,
}

impl ClaimSink {
    /// A sink and its taking end.
    #[must_use]
    pub fn new(most: usize) -> (Self, mpsc::Receiver<ClaimChange>) {
        let (queue, taken) = mpsc::channel(most);
        (Self { queue, lost: Arc::default() }, taken)
    }

    /// Gives a claim without waiting.
    ///
    /// # Errors
    /// There is no room.
    pub fn try_send(&self, change: ClaimChange) -> Result<(), mpsc::error::TrySendError<ClaimChange>> {
        self.queue.try_send(change).inspect_err(|_| {
            self.lost.fetch_add(1, Relaxed);
        })
    }

    /// The count of those that found none.
    #[must_use]
    pub fn lost(&self) -> Arc<AtomicU64> {
        self.lost.clone()
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

/// What the link's reports become.
pub struct Reporting {
    /// Inputs of the lane.
    pub inbox: Inbox,
    /// Records.
    pub recorder: Recorder,
    /// Claims of other lanes.
    pub claims: Claims,
    /// Questions under way.
    pub queries: Queries,
    /// Replies to commands.
    pub replies: mpsc::Sender<SyncInput>,
    /// Wakes who mirrors officers and rules.
    pub standing: Arc<Notify>,
    /// May the wall clock be believed?
    pub trust: clock::Trust,
    /// A head further ahead than this has no age.
    pub head_ahead_max_s: u32,
}

/// Handles what the link reports. Returns when it ends.
pub async fn reports(mut reports: mpsc::Receiver<SyncReport>, to: Reporting) {
    let mut every = tokio::time::interval(Duration::from_millis(FRESHNESS_EVERY_MS));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut said: Option<FreshnessReport> = None;
    let mut given = None;
    loop {
        tokio::select! {
            report = reports.recv() => match report {
                Some(SyncReport::Freshness(report)) => {
                    to.queries.link_up.store(report.link_up, Relaxed);
                    said = Some(report);
                }
                Some(report) => to.take(report).await,
                None => return,
            },
            _ = every.tick() => {}
        }
        // The wall clock moves also when nothing is reported: a head that lies ahead of it has no age from then on.
        let freshness = said.map(|report| freshness(&report, clock::wall(to.trust).trusted(), to.head_ahead_max_s));
        if freshness != given {
            given = freshness;
            if let Some(freshness) = freshness {
                to.inbox.give(Input::Freshness(freshness)).await;
            }
        }
    }
}

/// The link's word as the lane judges it. A head more than `ahead_max_s` ahead of the trusted clock is no head: either clock or centre is wrong,
/// and an age of 0 would make old knowledge young.
#[must_use]
pub fn freshness(report: &FreshnessReport, utc_ms: Option<i64>, ahead_max_s: u32) -> Freshness {
    let place = |p: Place| (p.epoch > 0).then_some(Revision { epoch: p.epoch, revision: p.revision });
    let latest_ms = utc_ms.map_or(i64::MAX, |now| now.saturating_add(i64::from(ahead_max_s) * 1_000));
    Freshness {
        head_utc_ms: report.head_utc_ms().filter(|head| *head <= latest_ms),
        link_up: report.link_up,
        declarations: place(report.declarations.place),
        watchlist: place(report.watchlist.place),
        officers: place(report.officers.place),
    }
}

impl Reporting {
    async fn take(&self, report: SyncReport) {
        match report {
            SyncReport::LinkUp => tracing::info!("the centre is reachable"),
            SyncReport::LinkDown { reason } => tracing::warn!(reason, "the centre is not reachable"),
            // Judged with the clock by the caller.
            SyncReport::Freshness(_) => {}
            SyncReport::Changed { collection: WireCollection::Declarations | WireCollection::Watchlist, .. } => {
                self.inbox.give(Input::KnowledgeChanged).await;
            }
            SyncReport::Changed { collection: WireCollection::Officers | WireCollection::Rules, .. } => self.standing.notify_one(),
            SyncReport::Command(command) => super::commands::act(*command, self.inbox.clone(), self.replies.clone()),
            SyncReport::CommandRefused(refused) => {
                let body = Body::CommandRefused {
                    command: refused.id.unwrap_or_default(),
                    why: refused.why.word().to_owned(),
                    count: refused.count,
                };
                self.recorder.give(Job::Raw(raw_record(body, self.trust)));
            }
            SyncReport::Answer(answer) => self.queries.answered(*answer),
            SyncReport::Claim(claim) => {
                self.claims.note(claim, clock::wall(self.trust).utc_ms);
                self.inbox.give(Input::KnowledgeChanged).await;
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

/// A record made elsewhere than in the lane, as of now.
pub(super) fn raw_record(body: Body, trust: clock::Trust) -> NewRecord {
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
        other => replicas::replicate(other, store, staging).await,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::ports::CopyFreshness;
    use lane_link::topics::Name;

    #[test]
    fn a_head_from_the_future_has_no_age() {
        let copy = CopyFreshness { place: Place { epoch: 1, revision: 0 }, head_utc_ms: Some(1_000_000) };
        let report =
            FreshnessReport { link_up: true, declarations: copy, watchlist: copy, officers: CopyFreshness::default(), rules: copy };
        let head = |utc_ms| freshness(&report, utc_ms, 300).head_utc_ms;
        assert_eq!(head(Some(1_000_000)), Some(1_000_000));
        assert_eq!(head(Some(700_000)), Some(1_000_000), "clocks differ a little");
        assert_eq!(head(Some(699_999)), None, "a clock that was set back makes nothing young");
        assert_eq!(head(None), Some(1_000_000), "without a trusted clock the lane knows no age anyway");
        let known = freshness(&report, None, 300);
        assert_eq!(known.watchlist, Some(Revision { epoch: 1, revision: 0 }), "an empty collection at revision 0 is known");
        assert_eq!(known.officers, None);
    }

    fn claim(number: usize, held: bool) -> Claim {
        Claim {
            lane: Name::new("lane-2").unwrap(),
            declaration: format!("D-{number}"),
            passage: "000000000000000000000000000000ab-7".into(),
            held,
            utc_ms: 0,
            expires_ms: 1_000,
        }
    }

    #[test]
    fn a_claim_without_room_holds_every_declaration_until_it_expires() {
        let claims = Claims::default();
        let wire: lane_link::declaration::Declaration = serde_json::from_value(serde_json::json!({
            "id": "unclaimed", "gate": "g", "direction": "outbound", "trade": "export", "plate": "12C12345", "channel": "green",
            "valid_from_ms": 0, "valid_until_ms": 10, "state": "active" }))
        .unwrap();
        let mine = [wire.to_core(Revision { epoch: 1, revision: 1 }).unwrap()];
        for number in 0..MAX_CLAIMS {
            claims.note(claim(number, true), 0);
        }
        assert_eq!(claims.against(&mine), []);
        claims.note(claim(MAX_CLAIMS, true), 1);
        assert_eq!(claims.against(&mine).len(), 1, "nobody knows whether it is claimed");
        claims.note(claim(0, false), 1_001);
        assert_eq!(claims.against(&mine), [], "they have expired");
    }
}
