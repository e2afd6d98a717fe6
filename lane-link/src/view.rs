//! What a screen is told: the whole lane, with ages. Plates and goods are text for people; colours and words are the page's business.
//!
//! **Who may see what.** A screen stands at the lane: it is told what the lane may see. A watchlist entry that is not for the lane is not named: the
//! row of the watchlist is then a [`ShownKind::Instruction`] that says only "call the supervisor". So is it when nothing was found, so that nobody
//! reads an entry from a row that is missing or has another name. The ledger's records keep the check itself ([`Check`]).

mod convert;

use crate::declaration;
use crate::declaration::mirrored;
use crate::record::{Act, Person};
use crate::words::{
    Boom, Camera, CameraState, CheckKind, CheckResult, Fault, Mode, Outcome, PermitKind, Phase, ScaleState, Severity, Sign, WeightUnknown,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

mirrored!(/// An input of the lane.
SignalName = lane_core::signal::Signal {
    ApproachLoop, PlatformFront, PlatformRear, BoomLoop, Photocell, ExitLoop, BoomUp, BoomDown, EStop, OperatorFault, ManualKey, Tamper,
});

/// A signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Signal {
    /// Its name as in the settings: `boom_loop`, `photocell`, ...
    pub name: SignalName,
    /// On, off, or unknown.
    pub on: Option<bool>,
    /// Part of this lane?
    pub present: bool,
    /// Age; absent: never seen.
    #[ts(type = "number | null")]
    pub age_ms: Option<u64>,
}

/// A text that a plate may also bear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct OtherText {
    /// The text.
    pub text: String,
    /// Its certainty, parts per million.
    pub probability_ppm: u32,
}

/// A plate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Plate {
    /// Which camera.
    pub camera: Camera,
    /// Best text.
    pub text: String,
    /// Certainty of the text, parts per million.
    pub probability_ppm: u32,
    /// Named by an officer.
    pub by_officer: bool,
    /// The next likely texts, likeliest first; at most four.
    pub others: Vec<OtherText>,
    /// Another plate in view may as well be the vehicle's.
    pub contested: bool,
    /// The picture, by digest: `/api/evidence/{digest}`.
    pub evidence: Option<String>,
    /// The plate cut out of it and pulled straight, by digest.
    pub crop: Option<String>,
    /// Corners of the plate in pixels of the picture: top left, top right, bottom right, bottom left.
    pub quad: Option<[[i32; 2]; 4]>,
    /// Age of the last frame.
    #[ts(type = "number")]
    pub age_ms: u64,
}

/// The facts of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "about")]
#[allow(missing_docs)]
pub enum Facts {
    None,
    Plate {
        text: String,
        posterior_ppm: u32,
        margin_ppm: u32,
        by_officer: bool,
    },
    Declarations {
        candidates: u16,
        chosen: Vec<String>,
    },
    Elsewhere {
        gate: String,
    },
    Window {
        #[ts(type = "number")]
        from_ms: i64,
        #[ts(type = "number")]
        until_ms: i64,
        #[ts(type = "number | null")]
        now_ms: Option<i64>,
    },
    Entries {
        used: u16,
        allowed: u16,
    },
    Agencies {
        missing: Vec<String>,
        holding: Vec<String>,
        refused: Vec<String>,
    },
    Channel {
        channel: declaration::Channel,
    },
    Plates {
        read: [Option<String>; 2],
        declared: [Option<String>; 2],
    },
    Weight {
        #[ts(type = "number | null")]
        gross_grams: Option<i64>,
        #[ts(type = "number | null")]
        tare_grams: Option<i64>,
        tare_source: Option<declaration::TareSource>,
        #[ts(type = "number | null")]
        declared_grams: Option<i64>,
        #[ts(type = "number | null")]
        min_grams: Option<i64>,
        #[ts(type = "number | null")]
        max_grams: Option<i64>,
        why_unknown: Option<WeightUnknown>,
    },
    Legal {
        #[ts(type = "number | null")]
        gross_grams: Option<i64>,
        #[ts(type = "number | null")]
        limit_grams: Option<i64>,
        axles: Option<u8>,
    },
    Claimed {
        lane: String,
    },
    Age {
        age_s: Option<u32>,
        limit_s: u32,
    },
    Watched {
        lane_may_see: bool,
    },
}

/// One check, as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Check {
    /// Which.
    pub kind: CheckKind,
    /// How it came out.
    pub result: CheckResult,
    /// Where it leads.
    pub leads_to: Outcome,
    /// Why.
    pub facts: Facts,
}

/// Stands for the watchlist where the lane may not see it, or where there is nothing to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Instruction {
    /// Passed: none stands. Failed: a supervisor is to be called. Unknown: it could not be looked up.
    Instruction,
}

/// What a check is called on a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(untagged)]
pub enum ShownKind {
    /// By its own name.
    Check(CheckKind),
    /// The watchlist, unless the lane may see its entry.
    Instruction(Instruction),
}

/// One check, as a screen at the lane may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ShownCheck {
    /// Which.
    pub kind: ShownKind,
    /// How it came out.
    pub result: CheckResult,
    /// Where it leads.
    pub leads_to: Outcome,
    /// Why.
    pub facts: Facts,
}

/// A verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Verdict {
    /// Where it leads.
    pub outcome: Outcome,
    /// Every check, in order.
    pub checks: Vec<ShownCheck>,
    /// Age.
    #[ts(type = "number")]
    pub age_ms: u64,
}

/// A declaration as an officer needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DeclarationView {
    /// Its name.
    pub id: String,
    /// Trade type.
    pub trade: declaration::TradeType,
    /// Direction.
    pub direction: declaration::Direction,
    /// Tractor.
    pub plate: String,
    /// Trailer.
    pub trailer_plate: Option<String>,
    /// Goods.
    pub goods: String,
    /// Perishable.
    pub perishable: bool,
    /// Priority.
    pub priority: bool,
    /// Cargo.
    #[ts(type = "number | null")]
    pub cargo_grams: Option<i64>,
    /// Channel.
    pub channel: declaration::Channel,
    /// In force from, UTC milliseconds.
    #[ts(type = "number")]
    pub valid_from_ms: i64,
    /// In force until (exclusive), UTC milliseconds.
    #[ts(type = "number")]
    pub valid_until_ms: i64,
    /// Next place.
    pub next_place: Option<String>,
}

/// A vehicle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Vehicle {
    /// Passage.
    pub passage: Option<String>,
    /// Here since.
    #[ts(type = "number")]
    pub here_ms: u64,
    /// Plates.
    pub plates: Vec<Plate>,
    /// Gross.
    #[ts(type = "number | null")]
    pub gross_grams: Option<i64>,
    /// Age of the gross.
    #[ts(type = "number | null")]
    pub gross_age_ms: Option<u64>,
    /// Why there is no gross.
    pub gross_unknown: Option<WeightUnknown>,
    /// Chosen declarations.
    pub declarations: Vec<DeclarationView>,
    /// Competing candidates, for the officer to choose from by what the picture shows.
    pub candidates: Vec<DeclarationView>,
    /// Verdict.
    pub verdict: Option<Verdict>,
    /// An officer is called since.
    #[ts(type = "number | null")]
    pub called_ms: Option<u64>,
    /// A person decided: login.
    pub decided_by: Option<String>,
}

/// The live permit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Permit {
    /// Kind.
    pub permit: PermitKind,
    /// Time left to begin.
    #[ts(type = "number")]
    pub left_ms: u64,
    /// The vehicle has entered.
    pub entered: bool,
}

/// A standing fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct FaultView {
    /// Which.
    pub fault: Fault,
    /// What it does.
    pub severity: Severity,
    /// Since.
    #[ts(type = "number")]
    pub age_ms: u64,
}

/// An act that waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Second {
    /// The act's id: what the second person's `second_consent` names.
    pub to: String,
    /// Who asked.
    pub by: Person,
    /// For what, with the reason.
    pub act: Act,
    /// Time left to agree.
    #[ts(type = "number")]
    pub left_ms: u64,
}

/// Everything a screen needs of the lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LaneView {
    /// Phase.
    pub phase: Phase,
    /// Mode.
    pub mode: Mode,
    /// Stamp of what a decision rests on: send it back with an act.
    pub stamp: u32,
    /// At the boom.
    pub at_boom: Option<Vehicle>,
    /// Behind.
    pub approaching: Option<Vehicle>,
    /// Boom.
    pub boom: Boom,
    /// Permit.
    pub permit: Option<Permit>,
    /// Signals.
    pub signals: Vec<Signal>,
    /// Faults, worst first.
    pub faults: Vec<FaultView>,
    /// Stop is latched.
    pub stop_latched: bool,
    /// Live platform weight.
    #[ts(type = "number | null")]
    pub platform_grams: Option<i64>,
    /// Its age.
    #[ts(type = "number | null")]
    pub platform_age_ms: Option<u64>,
    /// Front and rear camera.
    pub cameras: [CameraState; 2],
    /// Scale.
    pub scale: ScaleState,
    /// Driver's sign.
    pub sign: Sign,
    /// Age of the replicas.
    pub knowledge_age_s: Option<u32>,
    /// Centre reachable.
    pub link_up: bool,
    /// Store can commit.
    pub store_ok: bool,
    /// An act waits for a second person.
    pub waiting_second: Option<Second>,
}
