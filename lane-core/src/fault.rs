//! Faults are levels, re-evaluated each turn, raised and cleared by one owner; a *blocking* one is left only by a person at the lane (I5).

use serde::{Deserialize, Serialize};

/// Everything that can be wrong with a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Fault {
    /// The boom was not down when the daemon started (I6).
    BoomOpenAtStart,
    /// The link to an I/O module is gone while the boom moved, a permit lived or the position was unknown (I5).
    BarrierLinkLost,
    /// The link to an I/O module is gone with the boom down and nobody under it: clears by itself after fresh reads.
    BarrierLinkHold,
    /// A movement took longer than `travel_limit_ms` (I8).
    TravelTimeout,
    /// The boom left a limit without our command (I15).
    UncommandedMovement,
    /// Both limits at once, or none for too long while nothing moves (I16).
    LimitsContradict,
    /// A presence sensor is on without an edge for `presence_stuck_s` (I16).
    PresenceStuck,
    /// Two presence sensors saw a passage that the third did not (I16).
    PresenceDisagrees,
    /// The photocell did not block while a vehicle passed (I16).
    PhotocellBlind,
    /// A written output reads back otherwise.
    OutputMismatch,
    /// The module's communication watchdog is not armed.
    WatchdogNotArmed,
    /// The boom's own controller reports a fault.
    OperatorFault,
    /// The hard-wired emergency stop is pressed (only read by us).
    EmergencyStop,
    /// Stop was pressed on a screen and waits for a person's reset (I7).
    StopLatched,
    /// The cabinet is open.
    Tamper,
    /// A vehicle came through the exit.
    WrongWay,
    /// A second vehicle used a permit for one (I4).
    Tailgate,
    /// A passage's end was not seen: the boom stays up and calls (I4).
    PassageUnclear,
    /// The boom stays up longer than `open_limit_s` with nobody there.
    OpenTooLong,
    /// The store cannot commit (I9).
    StoreFailed,
    /// The disk is nearly full.
    DiskNearlyFull,
    /// The ledger was found damaged or restored: the lane is attended until a person agrees.
    LedgerRestored,
    /// No frame from the indicator for `stale_after_ms`.
    ScaleSilent,
    /// The indicator reports an error.
    ScaleProblem,
    /// A camera sends no frames, or always the same one.
    CameraFrozen,
    /// A camera worker is down.
    CameraDown,
    /// A camera is covered or was moved: what it reads opens nothing by itself.
    CameraUntrusted,
    /// A camera sees badly: dark, glare, out of focus, dirty, or plates out of its frame.
    CameraPoor,
    /// The wall clock cannot be believed.
    ClockUntrusted,
    /// The replicas are older than `cache_age_max`.
    KnowledgeStale,
    /// No link to the centre.
    CentreLinkLost,
    /// Nobody at the lane answered a call in time.
    CallUnanswered,
    /// The facts turned against a vehicle after its front was on the boom loop: it is through or passing, and must be followed up.
    WithdrawnUnderway,
    /// The lane loop met an impossible state and went to a safe one.
    Internal,
}

/// What a fault does to the lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// Shown; takes a conclusion away.
    Notice,
    /// The lane is attended while it lasts; clears by itself.
    Attend,
    /// Nothing moves on a verdict while it lasts; clears by itself.
    Hold,
    /// Nothing moves on a verdict until a person at the lane resets it.
    Block,
}

impl Fault {
    /// What this fault does to the lane.
    #[must_use]
    pub const fn severity(self) -> Severity {
        use Fault as F;
        match self {
            F::BoomOpenAtStart
            | F::BarrierLinkLost
            | F::TravelTimeout
            | F::UncommandedMovement
            | F::LimitsContradict
            | F::OutputMismatch
            | F::StopLatched
            | F::EmergencyStop
            | F::WrongWay
            | F::PassageUnclear
            | F::Internal => Severity::Block,
            F::BarrierLinkHold | F::WatchdogNotArmed | F::OperatorFault | F::StoreFailed => Severity::Hold,
            F::PresenceStuck
            | F::PresenceDisagrees
            | F::PhotocellBlind
            | F::Tailgate
            | F::LedgerRestored
            | F::WithdrawnUnderway
            | F::CameraFrozen
            | F::CameraUntrusted
            | F::Tamper => Severity::Attend,
            F::OpenTooLong
            | F::DiskNearlyFull
            | F::ScaleSilent
            | F::ScaleProblem
            | F::CameraDown
            | F::CameraPoor
            | F::ClockUntrusted
            | F::KnowledgeStale
            | F::CentreLinkLost
            | F::CallUnanswered => Severity::Notice,
        }
    }
}
