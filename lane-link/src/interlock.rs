//! What the interlock did or saw, on the wire.

use crate::declaration::mirrored;
use crate::ids::permit_text;
use crate::words::{Fault, PermitEnd};
use lane_core::interlock as core;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

mirrored!(/// Why a permit or a touch was refused.
    Refusal = core::Refusal { NotReady, Stopped, Fault, Regime, Expired, Used, ForeignBoot, AnotherLive, NotEmpty, Presence });
mirrored!(/// What began to move.
    Movement = core::Movement { AdmittingUp, CorrectiveUp, Down, Release });

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case", tag = "did")]
#[allow(missing_docs)]
pub enum InterlockEvent {
    Ready,
    PermitAccepted { permit: String },
    PermitRefused { permit: String, why: Refusal },
    PermitEnded { permit: String, end: PermitEnd },
    CloseRefused { why: Refusal },
    MovementStarted { movement: Movement, permit: Option<String> },
    Reversed,
    BoomUp,
    BoomDown,
    VehicleEntered { permit: Option<String> },
    VehicleClear { permit: Option<String>, vehicles: u8 },
    Tailgate { permit: Option<String> },
    BackedOut { permit: Option<String> },
    FaultRaised { fault: Fault },
    FaultCleared { fault: Fault },
}

impl From<&core::Event> for InterlockEvent {
    fn from(event: &core::Event) -> Self {
        use core::Event as E;
        match *event {
            E::Ready => Self::Ready,
            E::PermitAccepted(id) => Self::PermitAccepted { permit: permit_text(id) },
            E::PermitRefused(id, why) => Self::PermitRefused { permit: permit_text(id), why: why.into() },
            E::PermitEnded(id, end) => Self::PermitEnded { permit: permit_text(id), end: end.into() },
            E::CloseRefused(why) => Self::CloseRefused { why: why.into() },
            E::MovementStarted { movement, permit } => Self::MovementStarted { movement: movement.into(), permit: permit.map(permit_text) },
            E::Reversed => Self::Reversed,
            E::BoomUp => Self::BoomUp,
            E::BoomDown => Self::BoomDown,
            E::VehicleEntered { permit } => Self::VehicleEntered { permit: permit.map(permit_text) },
            E::VehicleClear { permit, vehicles } => Self::VehicleClear { permit: permit.map(permit_text), vehicles },
            E::Tailgate { permit } => Self::Tailgate { permit: permit.map(permit_text) },
            E::BackedOut { permit } => Self::BackedOut { permit: permit.map(permit_text) },
            E::FaultRaised(fault) => Self::FaultRaised { fault: fault.into() },
            E::FaultCleared(fault) => Self::FaultCleared { fault: fault.into() },
        }
    }
}
