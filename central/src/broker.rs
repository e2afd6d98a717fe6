//! The centre's end of the broker: what lanes say is stored and acknowledged, what they miss is repaired, heads go out.

use crate::app::{App, Job, now_ms};
use crate::db::DbError;
use crate::repair::{REPAIRS_MAX, Repair};
use crate::{ingest, replicas};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lane_link::ack::{Ack, EventBatch, EvidenceItem, MAX_EVIDENCE_BYTES};
use lane_link::command::Reply;
use lane_link::envelope::What;
use lane_link::mqtt::{self, Link, LinkError, LinkEvent, Message};
use lane_link::query::{Answer, MAX_ANSWER_ROWS, MAX_QUERY_PLATES, Query};
use lane_link::replica::{Collection, Place, RepairRequest, ReplicaMessage};
use lane_link::topics::{self, LaneTopic, Name, Parsed};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// Repair messages on their way at once.
const REPAIR_WINDOW: usize = 8;

pub(crate) fn begin(app: Arc<App>, jobs: mpsc::Receiver<Job>) -> Result<JoinHandle<()>, LinkError> {
    let mut settings = app.config.link();
    settings.subscriptions = LaneTopic::UP.into_iter().map(|topic| topics::every_lane(&app.config.site, topic)).collect();
    let link = mqtt::begin(settings)?;
    let broker = Broker { app, link, jobs, up: false, next_token: 0, repairs: VecDeque::new(), repairing: BTreeSet::new() };
    Ok(tokio::spawn(broker.run()))
}

struct Broker {
    app: Arc<App>,
    link: Link,
    jobs: mpsc::Receiver<Job>,
    up: bool,
    next_token: u64,
    repairs: VecDeque<Repair>,
    /// Tokens of repair messages on their way.
    repairing: BTreeSet<u64>,
}

impl Broker {
    async fn run(mut self) {
        let mut heads = interval(Duration::from_millis(self.app.config.head_every_ms));
        heads.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = self.link.events.recv() => match event {
                    Some(event) => self.event(event).await,
                    None => return,
                },
                job = self.jobs.recv(), if self.up => match job {
                    Some(job) => { self.publish(job.topic, job.payload, job.retain); }
                    None => return,
                },
                _ = heads.tick() => {
                    if self.app.reload_keys() {
                        self.publish_keys();
                    }
                    self.publish_heads().await;
                }
            }
            self.pump_repairs();
        }
    }

    fn publish(&mut self, topic: String, payload: Vec<u8>, retain: bool) -> Option<u64> {
        if !self.up {
            return None;
        }
        let token = self.next_token;
        self.next_token += 1;
        let message = Message { token, topic, payload: payload.into(), acknowledged: true, retain };
        match self.link.sender.publish(message) {
            Ok(()) => Some(token),
            Err(error) => {
                tracing::warn!(%error, "a message is dropped: its lane will ask again");
                None
            }
        }
    }

    fn publish_lane(&mut self, lane: &Name, topic: LaneTopic, payload: Vec<u8>) -> Option<u64> {
        let topic = topics::lane(&self.app.config.site, lane, topic);
        self.publish(topic, payload, false)
    }

    fn publish_keys(&mut self) {
        let list = self.app.signer().list.to_bytes();
        self.publish(topics::keys(&self.app.config.site), list, true);
    }

    async fn publish_heads(&mut self) {
        for collection in Collection::ALL {
            let signer = self.app.signer();
            match self.app.db.with(move |c| replicas::head(c, &signer, collection, now_ms())).await {
                Ok(head) => {
                    let payload = serde_json::to_vec(&ReplicaMessage::Head(head)).unwrap_or_default();
                    self.publish(topics::replica(&self.app.config.site, collection), payload, false);
                }
                Err(error) => tracing::error!(%error, "no head could be made"),
            }
        }
    }

    fn pump_repairs(&mut self) {
        while self.up && self.repairing.len() < REPAIR_WINDOW {
            let Some(repair) = self.repairs.front_mut() else { return };
            let Some(message) = repair.next_message() else {
                self.repairs.pop_front();
                continue;
            };
            let Ok(lane) = Name::new(&repair.lane) else {
                self.repairs.pop_front();
                continue;
            };
            match self.publish_lane(&lane, LaneTopic::Repair, serde_json::to_vec(&message).unwrap_or_default()) {
                Some(token) => {
                    self.repairing.insert(token);
                }
                None => {
                    self.repairs.pop_front();
                }
            }
        }
    }

    async fn event(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Up { .. } => {
                tracing::info!("the broker is there");
                self.up = true;
                self.publish_keys();
                self.publish_heads().await;
            }
            LinkEvent::Down { reason } => {
                tracing::warn!(reason, "the broker is away");
                self.up = false;
                self.repairs.clear();
                self.repairing.clear();
            }
            LinkEvent::Sent { token } => {
                self.repairing.remove(&token);
            }
            LinkEvent::Refused { token, reason } => {
                tracing::warn!(reason, "the broker refuses a message");
                self.repairing.remove(&token);
            }
            LinkEvent::TooLarge { token, bytes, max_bytes } => {
                tracing::error!(bytes, max_bytes, "a message is larger than the broker takes");
                self.repairing.remove(&token);
            }
            LinkEvent::Received { topic, payload, .. } => {
                if let Some(Parsed::Lane(lane, word)) = topics::parse(&self.app.config.site, &topic)
                    && let Err(why) = self.received(&lane, word, &payload).await
                {
                    tracing::warn!(lane = lane.as_str(), topic, why, "a lane's message is dropped");
                }
            }
        }
    }

    async fn received(&mut self, lane: &Name, word: LaneTopic, payload: &[u8]) -> Result<(), String> {
        match word {
            LaneTopic::State => {
                let state = read(payload)?;
                self.app.note_lane(lane.as_str(), |info| info.state = Some(state));
                Ok(())
            }
            LaneTopic::Health => {
                let health = read(payload)?;
                self.app.note_lane(lane.as_str(), |info| info.health = Some((health, now_ms())));
                Ok(())
            }
            LaneTopic::Events => self.events(lane, read(payload)?).await,
            LaneTopic::Evidence => self.evidence(lane, read(payload)?).await,
            LaneTopic::Reply => {
                let Reply { id, outcome, .. } = read(payload)?;
                tracing::info!(lane = lane.as_str(), id, outcome, "a lane answers a command");
                self.app.note_reply(id.unwrap_or_default(), outcome);
                Ok(())
            }
            LaneTopic::Query => self.query(lane, read(payload)?).await,
            LaneTopic::RepairRequest => self.repair(lane, read(payload)?).await,
            LaneTopic::Ack | LaneTopic::Command | LaneTopic::Answer | LaneTopic::Repair => Ok(()),
        }
    }

    async fn events(&mut self, lane: &Name, batch: EventBatch) -> Result<(), String> {
        let (signer, name) = (self.app.signer(), lane.as_str().to_owned());
        let ledger = batch.ledger;
        let ingested = self.app.db.with(move |c| ingest::batch(c, &signer, &name, &batch, now_ms())).await.map_err(text)?;
        self.app.publish_changes(Collection::Declarations, ingested.changes);
        match ingested.ack {
            Some(ack) => self.acknowledge(lane, &ack),
            None => {
                tracing::error!(lane = lane.as_str(), %ledger, "FORK: a lane's ledger is not the one it was");
                Ok(())
            }
        }
    }

    fn acknowledge(&mut self, lane: &Name, ack: &Ack) -> Result<(), String> {
        let envelope = self.app.signer().for_lane(What::Ack, lane, ack).map_err(text)?;
        self.publish_lane(lane, LaneTopic::Ack, envelope.to_bytes());
        Ok(())
    }

    async fn evidence(&mut self, lane: &Name, item: EvidenceItem) -> Result<(), String> {
        let bytes = BASE64.decode(&item.bytes_b64).map_err(text)?;
        if bytes.len() > MAX_EVIDENCE_BYTES {
            return Err(format!("a picture of {} bytes", bytes.len()));
        }
        let (folder, name, digest) = (self.app.evidence_dir(), lane.as_str().to_owned(), item.digest);
        let stored = self.app.db.with(move |c| ingest::picture(c, &folder, &name, digest, &bytes)).await.map_err(text)?;
        if !stored {
            return Err(format!("a picture is not {digest}"));
        }
        self.acknowledge(lane, &Ack::Evidence { digests: vec![digest] })
    }

    async fn query(&mut self, lane: &Name, query: Query) -> Result<(), String> {
        if query.plates.len() > MAX_QUERY_PLATES || query.id.len() > 64 {
            return Err("a query over its limits".to_owned());
        }
        let (signer, gate) = (self.app.signer(), self.app.config.gate().to_owned());
        let answer = self.app.db.with(move |c| {
            let Place { epoch, revision } = replicas::place(c, &signer, Collection::Declarations)?;
            let (mut declarations, mut elsewhere) = (Vec::new(), None);
            for plate in query.plates.iter().filter_map(|p| lane_core::plate::PlateText::parse(p).ok()) {
                for row in replicas::by_plate(c, &plate.to_string(), MAX_ANSWER_ROWS as u32)? {
                    if row["gate"] != gate.as_str() {
                        elsewhere = row["gate"].as_str().map(str::to_owned);
                    } else if declarations.len() < MAX_ANSWER_ROWS {
                        declarations.push(row);
                    }
                }
            }
            let elsewhere = elsewhere.filter(|_| declarations.is_empty());
            Ok::<_, DbError>(Answer { id: query.id, declarations, elsewhere, epoch, revision })
        });
        let answer = answer.await.map_err(text)?;
        let envelope = self.app.signer().for_lane(What::Answer, lane, &answer).map_err(text)?;
        self.publish_lane(lane, LaneTopic::Answer, envelope.to_bytes());
        Ok(())
    }

    async fn repair(&mut self, lane: &Name, request: RepairRequest) -> Result<(), String> {
        let RepairRequest { collection, epoch, revision } = request;
        self.repairs.retain(|r| r.lane != lane.as_str() || r.collection != collection);
        if self.repairs.len() >= REPAIRS_MAX {
            return Err(format!("{REPAIRS_MAX} repairs are under way"));
        }
        let signer = self.app.signer();
        let name = lane.as_str().to_owned();
        let repair = self.app.db.with(move |c| {
            let have = Place { epoch, revision };
            Ok(match replicas::missed(c, &signer, collection, have)? {
                Some(changes) => Repair::changes(name, collection, changes),
                None => Repair::snapshot(name, collection, replicas::snapshot(c, &signer, collection)?),
            })
        });
        self.repairs.push_back(repair.await.map_err(text)?);
        Ok(())
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn read<T: serde::de::DeserializeOwned>(payload: &[u8]) -> Result<T, String> {
    serde_json::from_slice(payload).map_err(text)
}
