//! Persons at the lane, and what they may do.

use crate::ids::{ActId, Agency, DeclarationId, OfficerId, PassageId};
use crate::input::Camera;
use crate::plate::PlateText;
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// What a person is trusted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Works a lane.
    Officer,
    /// Gives second consent, changes modes, manages officers.
    Supervisor,
    /// Brings devices up, maintains the boom.
    Technician,
}

/// An identified person. Login, PIN and validity were checked before it reaches the core.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Officer {
    /// The login.
    pub id: OfficerId,
    /// The agency the person acts for.
    pub agency: Agency,
    /// What the person is trusted with.
    pub role: Role,
}

/// Why a person decided otherwise than the lane, or at all. Six big buttons and a free text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reason {
    /// Which button.
    pub code: ReasonCode,
    /// Optional words, at most 500 bytes.
    pub text: String,
}

/// The buttons of the reason pad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ReasonCode {
    /// Papers were checked by hand.
    DocumentsChecked,
    /// The agency confirmed by telephone or on paper.
    ConfirmedOutside,
    /// A camera, scale or sensor is wrong.
    DeviceFault,
    /// A superior ordered it.
    Ordered,
    /// Rescue, fire, ambulance.
    Emergency,
    /// Something else: the text says what.
    Other,
}

/// What a person does, at the touchscreen or by a signed command of the centre.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Act {
    /// Raise the boom for the vehicle at it, whatever the verdict (an override unless the verdict passes).
    Open(Reason),
    /// In mode Attended: agree with a passing verdict.
    Agree,
    /// Refuse the vehicle: it must turn back.
    Refuse(Reason),
    /// Send the vehicle elsewhere (yard, inspection).
    Divert(Reason),
    /// Name the plate that this camera's pictures show.
    CorrectPlate(Camera, PlateText),
    /// Choose one of competing declarations.
    ChooseDeclaration(DeclarationId),
    /// Confirm as one's own agency: a confirmation, not an override.
    Confirm,
    /// Give the axle count that no sensor knows.
    SetAxles(u8),
    /// Hold a vehicle against a passing verdict.
    Hold(Reason),
    /// End a hold, refusal or diversion made by a person.
    Release,
    /// Change the lane's mode.
    SetMode(Mode, Reason),
    /// Reset faults and the latched stop: the person looked.
    ResetFaults,
    /// Lower a boom that stands open and empty (after a start, an override, or doubt).
    CloseBoom,
    /// Admit several vehicles: count 2 to 20.
    OpenGroup(u8, Reason),
    /// Rescue and fire: up now, for anyone, every vehicle recorded.
    OpenEmergency(Reason),
    /// Agree as the second person to an act that needs two.
    SecondConsent(ActId),
}

/// Where an act came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Origin {
    /// The touchscreen at this lane.
    Lane,
    /// A signed command of the centre.
    Centre,
}

/// An act with who, when and on what it was decided.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OfficerAct {
    /// Its name: repeating it repeats nothing.
    pub id: ActId,
    /// The person.
    pub by: Officer,
    /// Where from.
    pub origin: Origin,
    /// The passage it was decided on; must be the one at the boom, else `passage_changed`.
    pub passage: Option<PassageId>,
    /// [`crate::view::LaneView::stamp`] of the view it was decided on; must be current for a decision about a vehicle (Open, Agree, Refuse,
    /// Divert, Hold, Confirm). Acts that only add facts (a plate, a choice, axles) and Release need the passage alone.
    pub view_stamp: Option<u32>,
    /// What.
    pub act: Act,
}

/// Why an act did nothing, or that it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ActOutcome {
    /// Done, or begun: the field confirms the rest.
    Accepted,
    /// This id was already handled.
    Repeated,
    /// Another vehicle, or the facts changed since the person looked.
    PassageChanged,
    /// There is no vehicle to act on.
    NoVehicle,
    /// The mode forbids it.
    WrongMode,
    /// The role or agency forbids it.
    NotAllowed,
    /// It must be done by a person at the lane.
    OnlyAtLane,
    /// A reason is missing or too long.
    ReasonMissing,
    /// A second person must agree first; waiting for [`Act::SecondConsent`].
    NeedsSecond,
    /// A fault or the latched stop forbids it.
    Faulted,
    /// The store cannot commit: use the boom's own button.
    NoStore,
    /// A movement is under way already.
    Busy,
    /// The value is out of range or names nothing known.
    BadValue,
    /// Done, but its record is not durable: a power cut would undo it. Said by the runtime, never by the lane.
    NotDurable,
}

/// The lane's modes. Changing them is a person's act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// Passing verdicts open by themselves.
    Automatic,
    /// Each opening is agreed to by a person.
    Attended,
    /// Nobody passes.
    Closed,
    /// The boom stands up; every vehicle is counted as `passed_unchecked`. Entered and left at the lane.
    HeldOpen,
    /// The boom is worked by hand (`manual_key`): all outputs off.
    Manual,
    /// A person works at the boom: all outputs dead, remote commands refused, left by the same person.
    Maintenance,
    /// A technician's guided tests.
    BringUp,
}
