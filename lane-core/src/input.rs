//! Everything that can happen to a lane: a closed enum. Look-ups are effects and their answers inputs, so that a run is a function of its inputs.

use crate::declaration::LookupAnswer;
use crate::fault::Fault;
use crate::ids::{BootId, Digest, LedgerId, PassageId, PermitId, Revision, VisitToken};
use crate::interlock::Event as InterlockEvent;
use crate::officer::{Mode, Officer, OfficerAct};
use crate::plate::{Read, TrackNumber};
use crate::rules::Rules;
use crate::signal::ProcessImage;
use crate::time::{Mono, Wall};
use crate::weight::Sample;
use alloc::boxed::Box;
use serde::{Deserialize, Serialize};

/// Which camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Camera {
    /// Looks at the stop line.
    Front,
    /// Looks at the tail.
    Rear,
}

/// What a camera is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CameraState {
    /// Not part of this lane.
    Absent,
    /// Frames come.
    Ok,
    /// Frames come, but too dark.
    Dark,
    /// The same frame again and again.
    Frozen,
    /// No frames.
    NoFrames,
    /// The worker is down or starting.
    Down,
    /// Something is before the lens.
    Covered,
    /// It looks elsewhere than when it was accepted.
    Moved,
    /// A large part of the picture is washed out.
    Glare,
    /// Out of focus.
    Blurred,
    /// Dirt on the glass, or fog.
    Dirty,
    /// Plates are not wholly in the picture.
    OutOfFrame,
}

impl CameraState {
    /// Do its frames show what is there now? What is read from others is nobody's.
    #[must_use]
    pub const fn is_live(self) -> bool {
        !matches!(self, Self::Frozen | Self::NoFrames)
    }

    /// Sees something else than it was put up for: what it reads may be right, but a person has to agree.
    #[must_use]
    pub const fn is_untrusted(self) -> bool {
        matches!(self, Self::Covered | Self::Moved)
    }

    /// Sees badly: its reads say so themselves, by their certainty.
    #[must_use]
    pub const fn sees_badly(self) -> bool {
        matches!(self, Self::Dark | Self::Glare | Self::Blurred | Self::Dirty | Self::OutOfFrame)
    }
}

/// A picture that was written and synced, with what it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Picture {
    /// The track it was taken of; `None`: of no plate in particular.
    pub track: Option<TrackNumber>,
    /// SHA-256 of the frame.
    pub frame: Digest,
    /// SHA-256 of the plate cut out of it and pulled straight, where there is one.
    pub crop: Option<Digest>,
    /// Corners of the plate in pixels of the frame: top left, top right, bottom right, bottom left.
    pub quad: Option<[[i32; 2]; 4]>,
    /// What the frame is worth beside others of the plate, 0 to 1000.
    pub worth_permille: u16,
}

/// What the scale's line is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ScaleState {
    /// Not part of this lane.
    Absent,
    /// Frames come.
    Streaming,
    /// The port is not open.
    NotOpen,
    /// No bytes.
    NoBytes,
    /// Bytes, but no frames: the baud rate.
    BytesButNoFrames,
    /// Frames that are not understood: the protocol.
    FramesNotUnderstood,
}

/// What the store is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StoreState {
    /// It can commit.
    pub can_commit: bool,
    /// The disk is nearly full.
    pub nearly_full: bool,
    /// The ledger was restored or found damaged at start.
    pub restored: bool,
}

/// How fresh the replicas are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Freshness {
    /// The newest signed head's time, UTC milliseconds; `None`: none was ever seen.
    pub head_utc_ms: Option<i64>,
    /// Is the centre reachable now?
    pub link_up: bool,
    /// The declarations collection as cached.
    pub declarations: Option<Revision>,
    /// The watchlist as cached.
    pub watchlist: Option<Revision>,
    /// The officers collection as cached.
    pub officers: Option<Revision>,
}

impl Freshness {
    /// Nothing was ever heard.
    pub const NONE: Self = Self { head_utc_ms: None, link_up: false, declarations: None, watchlist: None, officers: None };
}

/// Facts of one start.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Started {
    /// This start.
    pub boot: BootId,
    /// The ledger in use.
    pub ledger: LedgerId,
    /// The mode the ledger recorded last; a new ledger: `Automatic`.
    pub mode: Mode,
    /// Who set it; whoever entered `Maintenance` must leave it.
    pub mode_by: Option<Officer>,
    /// A passage that was open when the power went, to be ended `power lost`.
    pub open_passage: Option<PassageId>,
    /// Digest of the program.
    pub program: Digest,
    /// Digest of the settings.
    pub settings: Digest,
    /// Digest of the models' manifest.
    pub models: Digest,
}

/// One input.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Input {
    /// Time has come for [`crate::lane::Lane::poll_timeout`].
    Tick,
    /// The wall clock, at start, at every minute and at every step.
    Wall(Wall),
    /// The field as the barrier's scan saw it: on every change and at least every `fresh_ms / 2`.
    Signals(Box<ProcessImage>),
    /// What the interlock did or saw.
    Interlock(InterlockEvent),
    /// A plate read of one frame.
    PlateRead {
        /// Which camera.
        camera: Camera,
        /// The camera's number of the plate it follows; never used for another plate within a start of the daemon.
        track: TrackNumber,
        /// When the frame was taken.
        acquired_at: Mono,
        /// Per-character distributions.
        read: Box<Read>,
    },
    /// A picture was written and synced.
    Evidence {
        /// Which camera.
        camera: Camera,
        /// When the frame was taken.
        acquired_at: Mono,
        /// The picture.
        picture: Picture,
    },
    /// A camera's state changed.
    CameraState(Camera, CameraState),
    /// One reading of the indicator, with the digest of its raw bytes.
    Weight(Sample),
    /// The scale line's state changed, or the indicator restarted.
    ScaleState(ScaleState),
    /// The store numbered a passage.
    PassageOpened {
        /// The token of [`crate::effect::Effect::OpenPassage`].
        visit: VisitToken,
        /// Its name.
        passage: PassageId,
    },
    /// The record that authorises this permit is durable (I9).
    PermitDurable(PermitId),
    /// The store's state changed.
    Store(StoreState),
    /// The cache answered a look-up.
    Lookup {
        /// Whose.
        passage: PassageId,
        /// Which question of that passage: answers to an older question are dropped.
        question: u16,
        /// The answer.
        answer: Box<LookupAnswer>,
    },
    /// The replicas' state changed.
    Freshness(Freshness),
    /// Rows changed that may concern a vehicle in the lane: look again.
    KnowledgeChanged,
    /// New rules.
    Rules(Box<Rules>),
    /// A person acts.
    Act(Box<OfficerAct>),
    /// A fault that another owner raises or clears: devices, clock, disk.
    Fault {
        /// Which.
        fault: Fault,
        /// Raised or cleared.
        raised: bool,
    },
}
