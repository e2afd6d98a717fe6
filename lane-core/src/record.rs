//! What the ledger keeps: contents only. Sequence, hash and signature are the store's; the wire form is `lane-link`'s.

use crate::declaration::Confirmation;
use crate::fault::Fault;
use crate::ids::{ActId, DeclarationId, Digest, PassageId, PermitId, Revision};
use crate::input::{Camera, CameraState, Picture, ScaleState, Started};
use crate::officer::{Act, ActOutcome, Mode, Officer, Origin};
use crate::permit::{Permit, PermitEnd};
use crate::plate::PlateText;
use crate::time::{Mono, Wall};
use crate::verdict::{Outcome, Verdict};
use crate::weight::{Weighing, WeightUnknown};
use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// How a passage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PassageEnd {
    /// Through, under a permit.
    Passed,
    /// Turned back by itself.
    TurnedBack,
    /// Refused.
    Refused,
    /// Sent elsewhere.
    Diverted,
    /// Declared for another gate.
    Misrouted,
    /// Came the wrong way.
    WrongWay,
    /// Followed another through on its permit.
    Tailgated,
    /// Gone without being seen to leave.
    Abandoned,
    /// Through while the lane was held open.
    PassedUnchecked,
    /// The daemon stopped under it.
    PowerLost,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Record {
    /// Monotonic time of the event.
    pub at: Mono,
    /// Wall time of the event, with its quality.
    pub wall: Wall,
    /// The passage it belongs to; a record that opens one has none yet.
    pub passage: Option<PassageId>,
    /// What happened.
    pub what: What,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum What {
    /// The daemon started.
    Started(Started),
    /// The daemon stops in order.
    Stopping,
    /// A vehicle was seen: its passage begins.
    PassageOpened {
        /// Straight at the boom, or on the approach.
        at_boom: bool,
    },
    /// A plate, fused over frames.
    PlateRead {
        /// Which camera.
        camera: Camera,
        /// The best text.
        text: PlateText,
        /// Its probability within the read, parts per million.
        probability_ppm: u32,
        /// How many frames.
        frames: u16,
        /// The best picture of it so far.
        picture: Option<Picture>,
        /// When the last frame was taken.
        acquired_at: Mono,
    },
    /// A weighing.
    Weighed(Weighing),
    /// No weighing, and why.
    NotWeighed(WeightUnknown),
    /// A picture that belongs to nobody in particular.
    Unassigned {
        /// Which camera.
        camera: Camera,
        /// The picture.
        evidence: Digest,
    },
    /// A verdict; written when it differs from the last.
    Verdict(Box<Verdict>),
    /// A permit was granted: this record authorises it.
    PermitGranted {
        /// The permit.
        permit: Permit,
        /// What the lane had decided itself.
        lane_would: Outcome,
        /// The person, where one decided.
        by: Option<Officer>,
        /// The act it came from.
        act: Option<ActId>,
        /// Declarations it was judged on.
        declarations: Vec<(DeclarationId, Revision)>,
    },
    /// A permit ended.
    PermitEnded {
        /// Which.
        permit: PermitId,
        /// How.
        end: PermitEnd,
    },
    /// The interlock reported.
    Interlock(crate::interlock::Event),
    /// A passage ended.
    PassageEnded {
        /// How.
        end: PassageEnd,
        /// Milliseconds from first sight to verdict, to Up, to clear.
        stages_ms: [Option<u32>; 3],
    },
    /// A person acted.
    Act {
        /// Its name.
        id: ActId,
        /// Who.
        by: Officer,
        /// From where.
        origin: Origin,
        /// What.
        act: Act,
        /// What became of it.
        outcome: ActOutcome,
        /// What the lane would have decided (I13).
        lane_would: Option<Outcome>,
        /// The view it was decided on.
        view_stamp: Option<u32>,
    },
    /// An agency's officer confirmed at the lane.
    ConfirmedAtLane {
        /// The declaration.
        declaration: DeclarationId,
        /// The confirmation.
        confirmation: Confirmation,
    },
    /// The mode changed.
    Mode {
        /// From.
        from: Mode,
        /// To.
        to: Mode,
        /// By whom; `None`: by the key switch or a fault.
        by: Option<Officer>,
    },
    /// A fault was raised or cleared.
    Fault {
        /// Which.
        fault: Fault,
        /// Raised or cleared.
        raised: bool,
    },
    /// The minute's watch: so that time without eyes shows.
    Watch {
        /// Mode.
        mode: Mode,
        /// Passages ended since the last watch.
        passages: u32,
        /// Cameras.
        cameras: [CameraState; 2],
        /// Scale.
        scale: ScaleState,
        /// Faults standing.
        faults: Vec<Fault>,
    },
    /// Power came back: the boom must not be believed.
    ClockStepped {
        /// By how many milliseconds.
        by_ms: i64,
    },
}
