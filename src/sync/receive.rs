//! What comes down: acknowledgements, replicas, keys, answers, claims and commands. Every refusal is told with its topic; none changes anything.

use crate::sync::downlink::Step;
use crate::sync::key_files;
use crate::sync::ports::{AckRefused, ApplyRefused, SyncReport, SyncRequest};
use crate::sync::task::{Gone, SyncTask};
use lane_link::ack::Ack;
use lane_link::command::{CommandGate, Refusal, Refused};
use lane_link::envelope::{Domain, Envelope, What};
use lane_link::keys::Imported;
use lane_link::query::Answer;
use lane_link::replica::{Collection, Place};
use lane_link::topics::{self, LaneTopic, Parsed};

impl SyncTask {
    pub(super) async fn received(&mut self, topic: &str, payload: &[u8], retained: bool) -> Result<(), Gone> {
        match topics::parse(&self.settings.site, topic) {
            Some(Parsed::Lane(lane, word)) if lane == self.settings.lane => match word {
                LaneTopic::Ack => self.acknowledgement(topic, payload).await,
                LaneTopic::Command => self.command(payload, retained).await,
                LaneTopic::Answer => self.answer(topic, payload).await,
                LaneTopic::Repair => {
                    let (utc_ms, now_ms) = (self.utc_ms(), self.now_ms());
                    match self.downlink.repair(payload, &self.ring, utc_ms, now_ms) {
                        Ok(step) => self.follow(step).await,
                        Err(error) => self.refuse(topic, error.to_string()).await,
                    }
                }
                _ => Ok(()),
            },
            Some(Parsed::Replica(collection)) => {
                let (utc_ms, now_ms) = (self.utc_ms(), self.now_ms());
                match self.downlink.replica(collection, payload, &self.ring, utc_ms, now_ms) {
                    Ok(step) => self.follow(step).await,
                    Err(error) => self.refuse(topic, error.to_string()).await,
                }
            }
            Some(Parsed::Keys) => match Envelope::parse(payload) {
                Ok(envelope) => self.key_list(topic, &envelope).await,
                Err(error) => self.refuse(topic, error.to_string()).await,
            },
            Some(Parsed::Claims) => {
                let utc_ms = self.utc_ms();
                match self.claims.hear(payload, &self.ring, utc_ms) {
                    Ok(Some(claim)) if claim.lane != self.settings.lane => self.tell(SyncReport::Claim(claim)).await,
                    Ok(_) => Ok(()),
                    Err(error) => self.refuse(topic, error.to_string()).await,
                }
            }
            Some(Parsed::Lane(..)) | None => self.refuse(topic, "nothing is expected on this topic".to_owned()).await,
        }
    }

    async fn refuse(&mut self, topic: &str, why: String) -> Result<(), Gone> {
        tracing::debug!(topic, why, "refused what came down");
        self.tell(SyncReport::Refused { topic: topic.to_owned(), why }).await
    }

    pub(super) async fn key_list(&mut self, from: &str, envelope: &Envelope) -> Result<(), Gone> {
        match self.ring.import(envelope) {
            Ok(Imported::Unchanged) => Ok(()),
            Ok(Imported::New(version)) => {
                tracing::info!(version, "a newer key list is in use");
                if let Err(error) = key_files::keep_key_list(&self.settings.key_list_path, envelope) {
                    tracing::warn!(%error, "the key list is in use, but could not be kept");
                }
                if self.up {
                    self.birth();
                }
                self.tell(SyncReport::KeyList { version }).await
            }
            Err(error) => self.refuse(from, error.to_string()).await,
        }
    }

    async fn acknowledgement(&mut self, topic: &str, payload: &[u8]) -> Result<(), Gone> {
        let domain = Domain::lane(What::Ack, &self.settings.site, &self.settings.lane);
        let ack: Ack = match Envelope::open(payload, &domain, &self.ring, self.utc_ms()) {
            Ok(ack) => ack,
            Err(error) => return self.refuse(topic, error.to_string()).await,
        };
        match ack {
            Ack::Evidence { digests } => {
                self.uplink.pictures_acknowledged(&digests);
                self.wires.requests.send(SyncRequest::EvidenceAcknowledged { digests }).await.map_err(|_| Gone)
            }
            Ack::Records { ledger, seq, hash, resend } => {
                if ledger != self.identity.ledger {
                    return self.refuse(topic, format!("the acknowledgement is for ledger {ledger}")).await;
                }
                // A centre that has nothing yet acknowledges nothing: there is no record to compare.
                if seq > 0 {
                    let taken = self.ask(|reply| SyncRequest::Acknowledge { ledger, seq, hash, reply }).await?;
                    match taken.unwrap_or(Err(AckRefused::Failed)) {
                        Ok(()) => {}
                        Err(error) => return self.tell(SyncReport::AckRefused(error)).await,
                    }
                }
                let now_ms = self.now_ms();
                self.uplink.acknowledged(seq, resend, now_ms);
                Ok(())
            }
        }
    }

    async fn answer(&mut self, topic: &str, payload: &[u8]) -> Result<(), Gone> {
        let domain = Domain::lane(What::Answer, &self.settings.site, &self.settings.lane);
        let answer: Answer = match Envelope::open(payload, &domain, &self.ring, self.utc_ms()) {
            Ok(answer) => answer,
            Err(error) => return self.refuse(topic, error.to_string()).await,
        };
        let now_ms = self.now_ms();
        match self.queries.remove(&answer.id) {
            Some(deadline_ms) if now_ms < deadline_ms => self.tell(SyncReport::Answer(Box::new(answer))).await,
            _ => self.refuse(topic, "an answer that nobody waits for".to_owned()).await,
        }
    }

    /// I11: everything that is wrong with a command ends in a record and nothing else.
    async fn command(&mut self, payload: &[u8], retained: bool) -> Result<(), Gone> {
        let facts = self.wires.facts.borrow().clone();
        let gate = CommandGate {
            ring: &self.ring,
            lane: &self.settings.lane,
            challenge: self.challenge,
            passage: facts.passage.as_deref(),
            now_ms: self.utc_ms(),
            open_needs_two_keys: self.settings.open_needs_two_keys,
        };
        let accepted = match gate.judge(payload, retained) {
            Ok(accepted) => accepted,
            Err(refused) => return self.command_refused(refused).await,
        };
        let (id, expires_ms) = (accepted.command.id.clone(), accepted.command.expires_ms);
        let remembered = id.clone();
        let seen = self.ask(|reply| SyncRequest::SeenCommand { id, expires_ms, reply }).await?;
        match seen {
            Some(false) => self.tell(SyncReport::Command(Box::new(accepted.command))).await,
            Some(true) => self.command_refused(Refused { why: Refusal::Replayed, id: Some(remembered) }).await,
            None => self.command_refused(Refused { why: Refusal::StoreFailed, id: Some(remembered) }).await,
        }
    }

    async fn command_refused(&mut self, refused: Refused) -> Result<(), Gone> {
        let now_ms = self.now_ms();
        let Some(record) = self.refusals.note(refused, now_ms) else { return Ok(()) };
        tracing::warn!(why = record.why.word(), id = record.id, "a remote command did nothing");
        if record.id.is_some() {
            self.reply(record.id.clone(), record.why.word().to_owned());
        }
        self.tell(SyncReport::CommandRefused(record)).await
    }

    async fn follow(&mut self, step: Step) -> Result<(), Gone> {
        match step {
            Step::Nothing => Ok(()),
            Step::Ask(request) => {
                self.ask_repair(&request);
                Ok(())
            }
            Step::Fresh { collection, utc_ms } => {
                self.wires.requests.send(SyncRequest::HeadReached { collection, utc_ms }).await.map_err(|_| Gone)?;
                self.tell_freshness().await
            }
            Step::Apply(change) => {
                let collection = change.collection;
                let place = Place { epoch: change.epoch, revision: change.revision };
                let done = self.ask(|reply| SyncRequest::ApplyChange { change, reply }).await?;
                self.applied(collection, place, done).await
            }
            Step::Begin { collection, place, rows } => {
                let done = self.ask(|reply| SyncRequest::SnapshotBegin { collection, place, rows, reply }).await?;
                if !matches!(done, Some(Ok(()))) {
                    return self.applied(collection, place, done).await;
                }
                if self.downlink.empty_snapshot(collection) {
                    let done = self.ask(|reply| SyncRequest::SnapshotCommit { collection, place, reply }).await?;
                    return self.applied(collection, place, done).await;
                }
                Ok(())
            }
            Step::Stage { collection, rows, commit } => {
                let done = self.ask(|reply| SyncRequest::SnapshotRows { collection, rows, reply }).await?;
                match (done, commit) {
                    (Some(Ok(())), None) => Ok(()),
                    (Some(Ok(())), Some(place)) => {
                        let done = self.ask(|reply| SyncRequest::SnapshotCommit { collection, place, reply }).await?;
                        self.applied(collection, place, done).await
                    }
                    (failed, _) => self.applied(collection, Place::default(), failed).await,
                }
            }
        }
    }

    async fn applied(&mut self, collection: Collection, place: Place, done: Option<Result<(), ApplyRefused>>) -> Result<(), Gone> {
        match done.unwrap_or(Err(ApplyRefused::Failed)) {
            Ok(()) => {
                let step = self.downlink.applied(collection, place);
                self.tell(SyncReport::Changed { collection, place }).await?;
                if let Step::Fresh { collection, utc_ms } = step {
                    self.wires.requests.send(SyncRequest::HeadReached { collection, utc_ms }).await.map_err(|_| Gone)?;
                }
                self.tell_freshness().await
            }
            Err(error) => {
                let at = if let ApplyRefused::At(place) = &error { Some(*place) } else { None };
                self.downlink.failed(collection, at);
                tracing::warn!(collection = collection.word(), %error, "a replica was not applied");
                self.refuse(collection.word(), error.to_string()).await
            }
        }
    }
}
