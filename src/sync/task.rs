//! The one task of the link: joins the pure machines to the broker, the store and the lane.

use crate::sync::claims::{self, Claims};
use crate::sync::downlink::Downlink;
use crate::sync::ports::{CopyFreshness, FreshnessReport, Outbox, Reply, SyncInput, SyncReport, SyncRequest, Wires};
use crate::sync::uplink::{Uplink, UplinkLimits};
use crate::sync::{Identity, SyncError, SyncSettings, key_files};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lane_link::ack::{EventBatch, EventRecord, EvidenceItem, MAX_BATCH_RECORDS};
use lane_link::command::{RefusalLog, Reply as CommandReply};
use lane_link::hex_bytes::{Hex16, HexBytes};
use lane_link::keys::KeyRing;
use lane_link::mqtt::{self, Link, LinkEvent, Message, Will};
use lane_link::query::Query;
use lane_link::replica::{Collection, RepairRequest};
use lane_link::state::LaneState;
use lane_link::topics::{self, LaneTopic};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// Queries waiting for their answer.
pub(super) const QUERIES_MAX: usize = 32;
const TICK_MS: u64 = 250;
/// JSON around one record of a batch, generously.
const RECORD_OVERHEAD_BYTES: usize = 160;

/// The owner is gone: the link ends.
#[derive(Debug)]
pub(super) struct Gone;

pub(super) struct SyncTask {
    pub(super) settings: SyncSettings,
    pub(super) identity: Identity,
    pub(super) wires: Wires,
    pub(super) ring: KeyRing,
    pub(super) uplink: Uplink,
    pub(super) downlink: Downlink,
    pub(super) claims: Claims,
    pub(super) refusals: RefusalLog,
    pub(super) queries: BTreeMap<String, u64>,
    pub(super) challenge: Hex16,
    pub(super) up: bool,
    link: Link,
    began: Instant,
    next_token: u64,
    max_message_bytes: usize,
    health_due_ms: u64,
    drained: Option<bool>,
    freshness: Option<FreshnessReport>,
}

impl SyncTask {
    pub(super) fn new(settings: SyncSettings, identity: Identity, wires: Wires) -> Result<Self, SyncError> {
        let mut ring = KeyRing::pinned(settings.site.clone(), &settings.root_key)?;
        if let Some(kept) = key_files::read_key_list(&settings.key_list_path)? {
            ring.import(&kept)?;
        }
        let mut link = settings.link.clone();
        link.subscriptions = subscriptions(&settings);
        let death = state(&identity, &ring, false, HexBytes([0; 16]), None);
        let topic = topics::lane(&settings.site, &settings.lane, LaneTopic::State);
        link.will = Some(Will { topic, payload: json(&death) });
        let link = mqtt::begin(link)?;
        let limits = UplinkLimits {
            batches_max: settings.batches_max,
            ack_timeout_ms: settings.ack_timeout_ms,
            ack_timeout_max_ms: settings.ack_timeout_max_ms,
            evidence_timeout_ms: settings.evidence_timeout_ms,
        };
        Ok(Self {
            uplink: Uplink::new(limits),
            downlink: Downlink::new(settings.repair_timeout_ms),
            claims: Claims::default(),
            refusals: RefusalLog::default(),
            queries: BTreeMap::new(),
            challenge: HexBytes([0; 16]),
            up: false,
            link,
            began: Instant::now(),
            next_token: 0,
            max_message_bytes: 0,
            health_due_ms: 0,
            drained: None,
            freshness: None,
            settings,
            identity,
            wires,
            ring,
        })
    }

    pub(super) async fn run(mut self) {
        if let Err(Gone) = self.turn_for_ever().await {
            tracing::info!("the link to the centre ends: its owner is gone");
        }
    }

    async fn turn_for_ever(&mut self) -> Result<(), Gone> {
        self.restore_copies().await?;
        let mut tick = interval(Duration::from_millis(TICK_MS));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = self.link.events.recv() => match event {
                    Some(event) => self.link_event(event).await?,
                    None => return Err(Gone),
                },
                input = self.wires.inputs.recv() => match input {
                    Some(input) => self.input(input).await?,
                    None => return Err(Gone),
                },
                changed = self.wires.last_seq.changed() => changed.map_err(|_| Gone)?,
                _ = tick.tick() => self.tick().await?,
            }
            self.pump().await?;
        }
    }

    async fn restore_copies(&mut self) -> Result<(), Gone> {
        loop {
            if let Some(copies) = self.ask(|reply| SyncRequest::Copies { reply }).await? {
                for copy in copies {
                    self.downlink.restore(copy.collection, copy.place, copy.head_utc_ms);
                }
                return self.tell_freshness().await;
            }
            tracing::warn!("the store does not say where the replicas stand; asking again");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Monotonic milliseconds of this task.
    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// UTC milliseconds, if the clock is trusted.
    pub(super) fn utc_ms(&self) -> Option<i64> {
        (self.wires.clock)().trusted()
    }

    /// Asks the store; `None`: it failed or did not answer in time.
    pub(super) async fn ask<T>(&mut self, request: impl FnOnce(Reply<T>) -> SyncRequest) -> Result<Option<T>, Gone> {
        let (reply, answer) = oneshot::channel();
        self.wires.requests.send(request(reply)).await.map_err(|_| Gone)?;
        let answered = timeout(Duration::from_millis(self.settings.store_timeout_ms), answer).await;
        Ok(answered.ok().and_then(Result::ok))
    }

    pub(super) async fn tell(&self, report: SyncReport) -> Result<(), Gone> {
        self.wires.reports.send(report).await.map_err(|_| Gone)
    }

    /// Queues a message; its token, or `None` when there is no room now.
    pub(super) fn publish(&mut self, topic: String, payload: Vec<u8>, acknowledged: bool, retain: bool) -> Option<u64> {
        let token = self.next_token;
        let message = Message { token, topic, payload: payload.into(), acknowledged, retain };
        match self.link.sender.publish(message) {
            Ok(()) => {
                self.next_token += 1;
                Some(token)
            }
            Err(error) => {
                tracing::debug!(%error, "a message to the centre waits");
                None
            }
        }
    }

    pub(super) fn publish_lane(&mut self, topic: LaneTopic, payload: Vec<u8>) -> Option<u64> {
        let topic = topics::lane(&self.settings.site, &self.settings.lane, topic);
        self.publish(topic, payload, true, false)
    }

    async fn link_event(&mut self, event: LinkEvent) -> Result<(), Gone> {
        let now_ms = self.now_ms();
        match event {
            LinkEvent::Up { max_message_bytes } => self.link_up(max_message_bytes, now_ms).await,
            LinkEvent::Down { reason } => {
                if self.up {
                    tracing::warn!(reason, "the link to the centre is down");
                }
                self.up = false;
                self.uplink.link(false, now_ms);
                self.tell(SyncReport::LinkDown { reason }).await?;
                self.tell_freshness().await
            }
            LinkEvent::Received { topic, payload, retained } => self.received(&topic, &payload, retained).await,
            LinkEvent::Sent { token } => {
                self.uplink.message_sent(token, now_ms);
                Ok(())
            }
            LinkEvent::Refused { token, reason } => {
                let what = self.uplink.message_refused(token, now_ms);
                tracing::warn!(reason, ?what, "the broker refuses a message");
                Ok(())
            }
            LinkEvent::TooLarge { token, bytes, max_bytes } => {
                use crate::sync::uplink::Was;
                let seq = match self.uplink.message_too_large(token) {
                    Was::Batch(seq) => Some(seq),
                    Was::Picture => None,
                    Was::Unknown => return Ok(()),
                };
                tracing::warn!(seq, bytes, max_bytes, "a message is larger than the broker takes");
                self.tell(SyncReport::TooLarge { seq, bytes, max_bytes }).await
            }
        }
    }

    async fn link_up(&mut self, max_message_bytes: usize, now_ms: u64) -> Result<(), Gone> {
        tracing::info!(max_message_bytes, "the link to the centre is up");
        self.up = true;
        self.max_message_bytes = max_message_bytes;
        let mut challenge = [0_u8; 16];
        // Without randomness the challenge stays zero, which no honest command names: commands are refused, all else works.
        if getrandom::fill(&mut challenge).is_err() {
            challenge = [0; 16];
        }
        self.challenge = HexBytes(challenge);
        self.birth();
        self.uplink.link(true, now_ms);
        self.downlink.reconnected();
        self.claims.say_again();
        self.health_due_ms = now_ms;
        self.tell(SyncReport::LinkUp).await?;
        self.tell_freshness().await
    }

    /// Says who this lane is, for commands to be made for this connection.
    pub(super) fn birth(&mut self) {
        let birth = state(&self.identity, &self.ring, true, self.challenge, self.utc_ms());
        let topic = topics::lane(&self.settings.site, &self.settings.lane, LaneTopic::State);
        self.publish(topic, json(&birth), true, true);
    }

    async fn input(&mut self, input: SyncInput) -> Result<(), Gone> {
        match input {
            SyncInput::Query { id, plates } => {
                if self.up && self.queries.len() < QUERIES_MAX {
                    let query = Query { id: id.clone(), plates };
                    if self.publish_lane(LaneTopic::Query, json(&query)).is_some() {
                        self.queries.insert(id, self.now_ms() + self.settings.query_deadline_ms);
                    }
                }
                Ok(())
            }
            SyncInput::Claim { declaration, passage, held: true } => {
                if !self.claims.hold(declaration, passage) {
                    tracing::warn!("more claims than this lane may hold");
                }
                self.say_claims();
                Ok(())
            }
            SyncInput::Claim { declaration, passage, held: false } => {
                self.claims.release(&declaration);
                if let Some(utc_ms) = self.utc_ms().filter(|_| self.up) {
                    self.say_claim(&claims::claim(&self.settings.lane, &declaration, &passage, false, utc_ms));
                }
                Ok(())
            }
            SyncInput::Reply { id, outcome } => {
                self.reply(Some(id), outcome);
                Ok(())
            }
            SyncInput::CopiesChanged => self.restore_copies().await,
            SyncInput::KeyList(envelope) => self.key_list("a file", &envelope).await,
        }
    }

    pub(super) fn reply(&mut self, id: Option<String>, outcome: String) {
        let reply = CommandReply { id, outcome, utc_ms: self.utc_ms() };
        self.publish_lane(LaneTopic::Reply, json(&reply));
    }

    fn say_claims(&mut self) {
        let now_ms = self.now_ms();
        if let Some(utc_ms) = self.utc_ms().filter(|_| self.up) {
            for claim in self.claims.due(&self.settings.lane, now_ms, utc_ms) {
                self.say_claim(&claim);
            }
        }
    }

    fn say_claim(&mut self, claim: &lane_link::claim::Claim) {
        let sealed = claims::sealed(claim, &self.settings.site, &self.settings.lane_key_id, &self.identity.lane_key);
        self.publish(topics::claims(&self.settings.site), sealed, true, false);
    }

    async fn tick(&mut self) -> Result<(), Gone> {
        let now_ms = self.now_ms();
        self.uplink.tick(now_ms);
        self.queries.retain(|_, deadline_ms| now_ms < *deadline_ms);
        for record in self.refusals.due(now_ms) {
            self.tell(SyncReport::CommandRefused(record)).await?;
        }
        if !self.up {
            return Ok(());
        }
        for request in self.downlink.due(now_ms) {
            self.ask_repair(&request);
        }
        self.say_claims();
        if now_ms >= self.health_due_ms {
            self.health_due_ms = now_ms + self.settings.health_every_ms;
            let health = json(&*self.wires.health.borrow());
            let topic = topics::lane(&self.settings.site, &self.settings.lane, LaneTopic::Health);
            self.publish(topic, health, false, false);
        }
        Ok(())
    }

    pub(super) fn ask_repair(&mut self, request: &RepairRequest) {
        tracing::info!(collection = request.collection.word(), revision = request.revision, "a replica lacks changes; asking for them");
        self.publish_lane(LaneTopic::RepairRequest, json(request));
    }

    /// Sends what may be sent now.
    async fn pump(&mut self) -> Result<(), Gone> {
        loop {
            let last_seq = *self.wires.last_seq.borrow_and_update();
            let Some(after) = self.uplink.wants_records(last_seq) else { break };
            let (max_rows, max_bytes) = (self.settings.batch_max_records.min(MAX_BATCH_RECORDS), self.settings.batch_max_bytes);
            let read = self.ask(|reply| SyncRequest::ReadOutbox { after, max_rows, max_bytes, reply }).await?;
            let Some(outbox) = read else {
                tracing::warn!("the store does not give records to send");
                break;
            };
            if outbox.rows.is_empty() {
                self.uplink.nothing_after(outbox.after);
                break;
            }
            if !self.send_batch(outbox) {
                break;
            }
        }
        let last_seq = *self.wires.last_seq.borrow();
        if self.uplink.wants_picture(last_seq) {
            self.send_picture().await?;
        }
        let drained = self.up && self.uplink.drained(last_seq);
        if self.drained != Some(drained) {
            self.drained = Some(drained);
            self.tell(SyncReport::Drained(drained)).await?;
        }
        Ok(())
    }

    fn send_batch(&mut self, outbox: Outbox) -> bool {
        let mut estimate = RECORD_OVERHEAD_BYTES;
        let mut records = Vec::with_capacity(outbox.rows.len());
        for row in outbox.rows {
            estimate += row.bytes.len() * 4 / 3 + RECORD_OVERHEAD_BYTES;
            if !records.is_empty() && estimate > self.max_message_bytes {
                break;
            }
            records.push(EventRecord { seq: row.seq, hash: row.hash, bytes_b64: BASE64.encode(&row.bytes) });
        }
        let (Some(first), Some(last)) = (records.first().map(|r| r.seq), records.last().map(|r| r.seq)) else { return false };
        let batch = EventBatch { ledger: outbox.ledger, records };
        let now_ms = self.now_ms();
        match self.publish_lane(LaneTopic::Events, json(&batch)) {
            Some(token) => {
                self.uplink.batch_sent(token, first, last, now_ms);
                true
            }
            None => false,
        }
    }

    async fn send_picture(&mut self) -> Result<(), Gone> {
        let except = self.uplink.pictures_except();
        let Some(Some((digest, bytes))) = self.ask(|reply| SyncRequest::NextEvidence { except, reply }).await? else {
            return Ok(());
        };
        let item = EvidenceItem { digest, bytes_b64: BASE64.encode(&bytes) };
        if let Some(token) = self.publish_lane(LaneTopic::Evidence, json(&item)) {
            self.uplink.picture_sent(token, digest);
        }
        Ok(())
    }

    /// Tells freshness where it changed.
    pub(super) async fn tell_freshness(&mut self) -> Result<(), Gone> {
        let of = |collection| {
            let (place, head_utc_ms) = self.downlink.state(collection);
            CopyFreshness { place, head_utc_ms }
        };
        let report = FreshnessReport {
            link_up: self.up,
            declarations: of(Collection::Declarations),
            watchlist: of(Collection::Watchlist),
            officers: of(Collection::Officers),
            rules: of(Collection::Rules),
        };
        if self.freshness == Some(report) {
            return Ok(());
        }
        self.freshness = Some(report);
        self.tell(SyncReport::Freshness(report)).await
    }
}

fn subscriptions(settings: &SyncSettings) -> Vec<String> {
    let own = LaneTopic::DOWN.into_iter().map(|topic| topics::lane(&settings.site, &settings.lane, topic));
    let shared = Collection::ALL.into_iter().map(|collection| topics::replica(&settings.site, collection));
    own.chain(shared).chain([topics::keys(&settings.site), topics::claims(&settings.site)]).collect()
}

fn state(identity: &Identity, ring: &KeyRing, online: bool, challenge: Hex16, since_ms: Option<i64>) -> LaneState {
    LaneState {
        online,
        boot: identity.boot,
        ledger: identity.ledger,
        challenge,
        version: identity.version.clone(),
        key_list_version: ring.version(),
        capabilities: identity.capabilities.iter().take(32).cloned().collect(),
        since_ms,
    }
}

/// The wire types always serialise: they hold no map with other than text keys.
pub(super) fn json<T: serde::Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
