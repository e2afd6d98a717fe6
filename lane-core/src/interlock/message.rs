//! What goes into a scan and what comes out of it, besides the process image.

use crate::fault::Fault;
use crate::ids::PermitId;
use crate::officer::Mode;
use crate::permit::{Permit, PermitEnd};
use crate::signal::Outputs;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What the lane's mode means to the boom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Regime {
    /// Permits raise the boom, an empty lane lowers it.
    #[default]
    Normal,
    /// A person at the lane wants the boom to stay up: never Down. The Up itself still needs a permit.
    HeldOpen,
    /// A person works at the boom or works it by hand: all outputs off.
    Dead,
    /// Guided tests: only test permits, and only with the lane proven empty.
    BringUp,
}

impl From<Mode> for Regime {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Automatic | Mode::Attended | Mode::Closed => Self::Normal,
            Mode::HeldOpen => Self::HeldOpen,
            Mode::Manual | Mode::Maintenance => Self::Dead,
            Mode::BringUp => Self::BringUp,
        }
    }
}

/// What is asked of one scan. Asking is all it is: the interlock refuses or corrects what would be unsafe.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Requests {
    /// Stop was pressed since the last scan, or still is. Latches until [`Requests::reset`] without it.
    pub stop: bool,
    /// A person at the lane looked and resets faults and the latched stop.
    pub reset: bool,
    /// A person at the lane asks for the boom to come down.
    pub close: bool,
    /// A new permit.
    pub grant: Option<Permit>,
    /// Take a permit back. [`PermitEnd::EndedByPerson`] ends it at any time, anything else only before its vehicle entered.
    pub revoke: Option<(PermitId, PermitEnd)>,
    /// The lane's mode.
    pub regime: Regime,
    /// A maintained Open reads back as on: after a start it may be what an earlier start of the daemon held.
    pub open_held: bool,
    /// An output reads back otherwise than written.
    pub output_mismatch: bool,
    /// A module's communication watchdog is not armed.
    pub watchdog_not_armed: bool,
    /// The lane would show green.
    pub green: bool,
    /// The lane would sound the buzzer.
    pub buzzer: bool,
}

/// Why a permit or a touch was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No complete fresh read since the start, the reset or the link loss.
    NotReady,
    /// Stop is latched.
    Stopped,
    /// A fault blocks or holds.
    Fault,
    /// The lane's mode does not allow it.
    Regime,
    /// It ran out before Up could start.
    Expired,
    /// It was used before.
    Used,
    /// It belongs to another start of the daemon.
    ForeignBoot,
    /// Another permit is live.
    AnotherLive,
    /// A test permit, and the lane is not proven empty.
    NotEmpty,
    /// Presence or a safety input is active or unknown.
    Presence,
}

/// What began to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Movement {
    /// Up under a permit.
    AdmittingUp,
    /// Up to save what is under the boom; it admits nobody.
    CorrectiveUp,
    /// Down by our command.
    Down,
    /// A held Open was released: the board closes.
    Release,
}

/// What a scan did or saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Event {
    /// The first complete fresh read: movements are possible from here.
    Ready,
    /// A permit lives.
    PermitAccepted(PermitId),
    /// A permit was refused and is worth nothing.
    PermitRefused(PermitId, Refusal),
    /// A permit ended; it will never raise the boom again.
    PermitEnded(PermitId, PermitEnd),
    /// A touch to close did nothing.
    CloseRefused(Refusal),
    /// The boom was told to move.
    MovementStarted {
        /// How.
        movement: Movement,
        /// Under which permit, for an admitting Up.
        permit: Option<PermitId>,
    },
    /// Down was cut because something came under the boom.
    Reversed,
    /// The upper limit was reached.
    BoomUp,
    /// The lower limit was reached.
    BoomDown,
    /// A vehicle's front is on the boom line. No permit: the lane is held open.
    VehicleEntered {
        /// The permit that admits it.
        permit: Option<PermitId>,
    },
    /// The end of what was under the boom was seen to leave.
    VehicleClear {
        /// The permit that admitted the first of it.
        permit: Option<PermitId>,
        /// How many vehicles that was.
        vehicles: u8,
    },
    /// A vehicle came under the open boom that no permit admits.
    Tailgate {
        /// The permit it followed, if that still lives.
        permit: Option<PermitId>,
    },
    /// The vehicle went back the way it came.
    BackedOut {
        /// Its permit.
        permit: Option<PermitId>,
    },
    /// A fault is there.
    FaultRaised(Fault),
    /// A fault is gone.
    FaultCleared(Fault),
}

/// What a scan leaves behind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scan {
    /// What every output shall be until the next scan.
    pub outputs: Outputs,
    /// What happened, in order; at most [`Scan::MAX_EVENTS`].
    pub events: Vec<Event>,
}

impl Scan {
    /// Bound of [`Scan::events`]: every fault once each way, and every other event once or twice.
    pub const MAX_EVENTS: usize = 96;
}
