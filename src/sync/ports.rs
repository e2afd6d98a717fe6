//! What the link asks of the store, tells the lane, and is told. Every channel is bounded; every request carries its answer's way back.

use lane_core::time::Wall;
use lane_link::claim::Claim;
use lane_link::command::{Command, RefusalRecord};
use lane_link::health::Health;
use lane_link::hex_bytes::{Hex16, Hex32};
use lane_link::query::Answer;
use lane_link::replica::{Change, Collection, Place, Row};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// Requests that may wait.
pub const REQUESTS_MAX: usize = 16;
/// Reports that may wait.
pub const REPORTS_MAX: usize = 256;
/// Inputs that may wait.
pub const INPUTS_MAX: usize = 64;

/// The way back of an answer. Dropping it is the answer "failed".
pub type Reply<T> = oneshot::Sender<T>;

/// A stored record that the centre has not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its sequence.
    pub seq: u64,
    /// Its hash.
    pub hash: Hex32,
    /// The stored bytes.
    pub bytes: Vec<u8>,
}

/// Records in order, from one ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbox {
    /// Which ledger.
    pub ledger: Hex16,
    /// They follow this sequence.
    pub after: u64,
    /// Without a gap.
    pub rows: Vec<OutboxRow>,
}

/// Why an acknowledgement was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AckRefused {
    /// The centre holds another record under this sequence.
    #[error("the centre holds another record under sequence {0}: a fork")]
    Fork(u64),
    /// Another ledger, or a sequence that was never written.
    #[error("the acknowledgement names nothing of this ledger")]
    Unknown,
    /// The store cannot commit.
    #[error("the store cannot commit")]
    Failed,
}

/// Why rows were not applied. The copy is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyRefused {
    /// The copy is at another revision.
    #[error("the copy is at revision {} of epoch {}", .0.revision, .0.epoch)]
    At(Place),
    /// The store cannot commit.
    #[error("the store cannot commit")]
    Failed,
}

/// Where a copy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyState {
    /// Which collection.
    pub collection: Collection,
    /// Its place.
    pub place: Place,
    /// Time of the newest head it had reached, UTC milliseconds.
    pub head_utc_ms: Option<i64>,
}

/// What the link asks of the store.
#[derive(Debug)]
pub enum SyncRequest {
    /// Records after `after` (`None`: after the acknowledged one), at most so many and (but for the first) so many bytes.
    ReadOutbox {
        /// Where to begin.
        after: Option<u64>,
        /// Rows.
        max_rows: usize,
        /// Stored bytes.
        max_bytes: usize,
        /// The rows.
        reply: Reply<Outbox>,
    },
    /// The centre has everything up to here.
    Acknowledge {
        /// Which ledger.
        ledger: Hex16,
        /// Up to this sequence.
        seq: u64,
        /// The hash of that record at the centre.
        hash: Hex32,
        /// Done durably, or why not.
        reply: Reply<Result<(), AckRefused>>,
    },
    /// A picture that the centre has not acknowledged, oldest first, but none of these.
    NextEvidence {
        /// On their way, or refused.
        except: Vec<Hex32>,
        /// Digest and bytes.
        reply: Reply<Option<(Hex32, Vec<u8>)>>,
    },
    /// The centre has these pictures.
    EvidenceAcknowledged {
        /// Which.
        digests: Vec<Hex32>,
    },
    /// Where all copies stand: asked once, at the beginning.
    Copies {
        /// Collections without an entry were never filled.
        reply: Reply<Vec<CopyState>>,
    },
    /// Apply a believed change in one transaction; its `follows` is the copy's revision.
    ApplyChange {
        /// The change.
        change: Change,
        /// Done, or why not.
        reply: Reply<Result<(), ApplyRefused>>,
    },
    /// A snapshot begins: stage what follows, forgetting what was staged of this collection.
    SnapshotBegin {
        /// Which collection.
        collection: Collection,
        /// Where it leads.
        place: Place,
        /// Rows to come.
        rows: u64,
        /// Done, or why not.
        reply: Reply<Result<(), ApplyRefused>>,
    },
    /// More rows of it.
    SnapshotRows {
        /// Which collection.
        collection: Collection,
        /// Upserts.
        rows: Vec<Row>,
        /// Done, or why not.
        reply: Reply<Result<(), ApplyRefused>>,
    },
    /// All rows are staged: swap.
    SnapshotCommit {
        /// Which collection.
        collection: Collection,
        /// Where it leads: the place of [`SyncRequest::SnapshotBegin`].
        place: Place,
        /// Done, or why not.
        reply: Reply<Result<(), ApplyRefused>>,
    },
    /// The copy had reached the collection's head at this time. Only increases.
    HeadReached {
        /// Which collection.
        collection: Collection,
        /// UTC milliseconds.
        utc_ms: i64,
    },
    /// Was this command's id seen? If not, it is durably remembered, at least until it expires, before the answer.
    SeenCommand {
        /// The id.
        id: String,
        /// UTC milliseconds.
        expires_ms: i64,
        /// `true`: it was seen.
        reply: Reply<bool>,
    },
}

/// How fresh one copy is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CopyFreshness {
    /// Its place.
    pub place: Place,
    /// Time of the newest head it has reached, UTC milliseconds.
    pub head_utc_ms: Option<i64>,
}

/// How fresh the lane's knowledge is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FreshnessReport {
    /// Connected and subscribed.
    pub link_up: bool,
    /// Declarations.
    pub declarations: CopyFreshness,
    /// Watchlist.
    pub watchlist: CopyFreshness,
    /// Officers.
    pub officers: CopyFreshness,
    /// Rules.
    pub rules: CopyFreshness,
}

impl FreshnessReport {
    /// What a verdict's freshness is measured from: the older of declarations and watchlist.
    #[must_use]
    pub fn head_utc_ms(&self) -> Option<i64> {
        Some(self.declarations.head_utc_ms?.min(self.watchlist.head_utc_ms?))
    }
}

/// What the link tells.
#[derive(Debug, Clone, PartialEq)]
pub enum SyncReport {
    /// Connected and subscribed.
    LinkUp,
    /// Not connected.
    LinkDown {
        /// Why.
        reason: String,
    },
    /// Freshness changed.
    Freshness(FreshnessReport),
    /// Rows of a collection changed.
    Changed {
        /// Which.
        collection: Collection,
        /// Where it is now.
        place: Place,
    },
    /// A command passed the gate, its id durably remembered: judge it like a person's touch, and answer by [`SyncInput::Reply`].
    Command(Box<Command>),
    /// A command did nothing: write this record.
    CommandRefused(RefusalRecord),
    /// An answer came in time.
    Answer(Box<Answer>),
    /// Another lane's claim.
    Claim(Claim),
    /// A newer key list is in use.
    KeyList {
        /// Its version.
        version: u64,
    },
    /// Something that came down was not believed or not understood.
    Refused {
        /// On which topic.
        topic: String,
        /// Why.
        why: String,
    },
    /// A record (`seq`) or picture is larger than the broker takes. Records after it wait: none is skipped.
    TooLarge {
        /// The first record of the batch; `None`: a picture.
        seq: Option<u64>,
        /// Topic and payload.
        bytes: usize,
        /// The most there may be.
        max_bytes: usize,
    },
    /// The store did not take an acknowledgement: a fork is an alarm.
    AckRefused(AckRefused),
    /// Everything is acknowledged, or no longer.
    Drained(bool),
}

/// What the link is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncInput {
    /// Ask the centre about plates; an answer comes as [`SyncReport::Answer`] within the deadline, or never.
    Query {
        /// Unique for this boot, at most 64 bytes.
        id: String,
        /// Best first, at most 8.
        plates: Vec<String>,
    },
    /// This declaration is in the lane, or has left. Renewed here until then.
    Claim {
        /// The declaration.
        declaration: String,
        /// The passage, as text.
        passage: String,
        /// In the lane.
        held: bool,
    },
    /// What became of a command.
    Reply {
        /// Its id.
        id: String,
        /// The outcome's word.
        outcome: String,
    },
    /// Somebody else filled the copies (a bundle from a file): ask the store anew where they stand.
    CopiesChanged,
    /// A signed key list from a file.
    KeyList(Box<lane_link::envelope::Envelope>),
}

/// What the gate must know of the lane.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LaneFacts {
    /// The passage at the boom, as text.
    pub passage: Option<String>,
}

/// The wall clock with its quality.
pub type Clock = Arc<dyn Fn() -> Wall + Send + Sync>;

/// Everything that joins the link to the rest.
pub struct Wires {
    /// To the store.
    pub requests: mpsc::Sender<SyncRequest>,
    /// To the lane.
    pub reports: mpsc::Sender<SyncReport>,
    /// From the lane.
    pub inputs: mpsc::Receiver<SyncInput>,
    /// The last sequence of the ledger.
    pub last_seq: watch::Receiver<u64>,
    /// Health to publish.
    pub health: watch::Receiver<Health>,
    /// The lane's facts.
    pub facts: watch::Receiver<LaneFacts>,
    /// The wall clock.
    pub clock: Clock,
}
