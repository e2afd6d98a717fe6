//! The closed vocabularies of the wire, each converted exhaustively from and to the core's.

use crate::declaration::mirrored;
use lane_core::{effect, fault, input, officer, permit, record, verdict, view, weight};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

mirrored!(/// Phase of the lane.
    Phase = view::PhaseName { Boot, Idle, Identifying, Held, Opening, Passing, Closing, Faulted });
mirrored!(/// Mode of the lane.
    Mode = officer::Mode { Automatic, Attended, Closed, HeldOpen, Manual, Maintenance, BringUp });
mirrored!(/// The driver's sign.
    Sign = effect::Sign { Closed, Come, Wait, WaitConfirmation, WaitOfficer, Go, TurnBack, Divert, Stop });
mirrored!(/// The boom.
    Boom = view::BoomView { Down, Up, Rising, Falling, Between, Unknown });
mirrored!(/// Which camera.
    Camera = input::Camera { Front, Rear });
mirrored!(/// A camera's state.
    CameraState = input::CameraState { Absent, Ok, Dark, Frozen, NoFrames, Down, Covered, Moved, Glare, Blurred, Dirty, OutOfFrame });
mirrored!(/// The scale line's state.
    ScaleState = input::ScaleState { Absent, Streaming, NotOpen, NoBytes, BytesButNoFrames, FramesNotUnderstood });
mirrored!(/// What a fault does.
    Severity = fault::Severity { Notice, Attend, Hold, Block });
mirrored!(/// Everything that can be wrong with a lane.
Fault = fault::Fault {
    BoomOpenAtStart, BarrierLinkLost, BarrierLinkHold, TravelTimeout, UncommandedMovement, LimitsContradict, PresenceStuck,
    PresenceDisagrees, PhotocellBlind, OutputMismatch, WatchdogNotArmed, OperatorFault, EmergencyStop, StopLatched, Tamper, WrongWay,
    Tailgate, PassageUnclear, OpenTooLong, StoreFailed, DiskNearlyFull, LedgerRestored, ScaleSilent, ScaleProblem, CameraFrozen,
    CameraDown, CameraUntrusted, CameraPoor, ClockUntrusted, KnowledgeStale, CentreLinkLost, CallUnanswered, WithdrawnUnderway, Internal,
});
mirrored!(/// Every check there is.
CheckKind = verdict::CheckKind {
    PlateRead, DeclarationFound, GateAndDirection, ActiveInWindow, EntriesLeft, Confirmations, Channel, TractorAndTrailer, CargoWeight,
    LegalGross, Calibration, Watchlist, NotClaimed, KnowledgeFresh, LaneServes,
});
mirrored!(/// How a check came out.
    CheckResult = verdict::CheckResult { Passed, Failed, Unknown, Waived });
mirrored!(/// Where a verdict leads.
    Outcome = verdict::Outcome { Pass, Hold, Divert, Refuse });
mirrored!(/// What a person is trusted with.
    Role = officer::Role { Officer, Supervisor, Technician });
mirrored!(/// The reason pad.
    ReasonCode = officer::ReasonCode { DocumentsChecked, ConfirmedOutside, DeviceFault, Ordered, Emergency, Other });
mirrored!(/// Where an act came from.
    Origin = officer::Origin { Lane, Centre });
mirrored!(/// What became of an act.
ActOutcome = officer::ActOutcome {
    Accepted, Repeated, PassageChanged, NoVehicle, WrongMode, NotAllowed, OnlyAtLane, ReasonMissing, NeedsSecond, Faulted, NoStore, Busy,
    BadValue, NotDurable,
});
mirrored!(/// How a permit ended.
    PermitEnd = permit::PermitEnd { VehicleClear, BackedOut, Expired, Revoked, EndedByPerson, Fault, Stop, Restart });
mirrored!(/// How a passage ended.
PassageEnd = record::PassageEnd {
    Passed, TurnedBack, Refused, Diverted, Misrouted, WrongWay, Tailgated, Abandoned, PassedUnchecked, PowerLost,
});
mirrored!(/// Why there is no weighing.
WeightUnknown = weight::WeightUnknown {
    Silent, IndicatorProblem, ZeroNotCaptured, Overload, Underload, NetShown, TareShown, GrossNotMarked, PlatformEmpty, VehiclesUnknown,
    NoVehicle, SeveralVehicles, NotWhollyOn, WhollyOnUnknown, NotZeroBefore, Moving, Settling,
});

/// Whom a permit admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum PermitKind {
    /// One vehicle.
    Passage,
    /// Several.
    Group {
        /// How many.
        count: u8,
    },
    /// Anyone until it ends.
    Emergency,
    /// Bring-up.
    Test,
}

impl From<permit::PermitKind> for PermitKind {
    fn from(kind: permit::PermitKind) -> Self {
        match kind {
            permit::PermitKind::Passage => Self::Passage,
            permit::PermitKind::Group { count } => Self::Group { count },
            permit::PermitKind::Emergency => Self::Emergency,
            permit::PermitKind::Test => Self::Test,
        }
    }
}
