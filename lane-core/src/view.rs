//! What screens and health are told: ages, not only values. Converted to wire types by `lane-link`.

use crate::declaration::Declaration;
use crate::effect::Sign;
use crate::fault::{Fault, Severity};
use crate::ids::PassageId;
use crate::input::{Camera, CameraState, Picture, ScaleState};
use crate::officer::{Mode, Officer, OfficerAct};
use crate::permit::PermitKind;
use crate::plate::PlateText;
use crate::signal::Signal;
use crate::verdict::Verdict;
use crate::weight::WeightUnknown;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The phase of the lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PhaseName {
    /// Not every required input has reported.
    Boot,
    /// Nobody is here.
    Idle,
    /// A vehicle is being identified.
    Identifying,
    /// A vehicle waits; everything is re-evaluated.
    Held,
    /// A permit lives and the boom goes up.
    Opening,
    /// The vehicle goes through.
    Passing,
    /// The boom goes down.
    Closing,
    /// A blocking fault: a person must come.
    Faulted,
}

/// A value with its age.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Aged<T> {
    /// The value.
    pub value: T,
    /// Milliseconds since it was acquired.
    pub age_ms: u64,
}

/// One signal as screens see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SignalView {
    /// Which.
    pub signal: Signal,
    /// On, off, or unknown (`None`).
    pub on: Option<bool>,
    /// Is it part of this lane?
    pub present: bool,
    /// Age; `None`: never seen.
    pub age_ms: Option<u64>,
}

/// The boom as screens see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BoomView {
    /// Down.
    Down,
    /// Up.
    Up,
    /// Between, going up.
    Rising,
    /// Between, going down.
    Falling,
    /// Between, not known.
    Between,
    /// Not known.
    Unknown,
}

/// A plate as a camera sees it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PlateView {
    /// Which camera.
    pub camera: Camera,
    /// Best text.
    pub text: PlateText,
    /// Its probability within the read, parts per million.
    pub probability_ppm: u32,
    /// Named by an officer.
    pub by_officer: bool,
    /// The next likely texts with their probabilities in parts per million, best first; at most four.
    pub others: Vec<(PlateText, u32)>,
    /// Another plate in view may as well be the vehicle's.
    pub contested: bool,
    /// The best picture of it.
    pub picture: Option<Picture>,
    /// Age of the last frame.
    pub age_ms: u64,
}

/// A vehicle as screens see it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VehicleView {
    /// Its passage; `None`: not numbered yet.
    pub passage: Option<PassageId>,
    /// Milliseconds since it was first seen.
    pub here_ms: u64,
    /// Plates.
    pub plates: Vec<PlateView>,
    /// Gross in grams with its age, or why there is none.
    pub gross: Result<Aged<i64>, WeightUnknown>,
    /// The chosen declaration(s).
    pub declarations: Vec<Declaration>,
    /// Competing candidates, for the officer to choose from.
    pub candidates: Vec<Declaration>,
    /// The verdict, and its age.
    pub verdict: Option<Aged<Verdict>>,
    /// The call for an officer stands since, milliseconds.
    pub called_ms: Option<u64>,
    /// A person refused, diverted or holds it.
    pub decided_by: Option<Officer>,
}

/// The permit as screens see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PermitView {
    /// Kind.
    pub kind: PermitKind,
    /// Milliseconds left to begin.
    pub left_ms: u64,
    /// The vehicle has entered.
    pub entered: bool,
}

/// A fault as screens see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FaultView {
    /// Which.
    pub fault: Fault,
    /// What it does.
    pub severity: Severity,
    /// Since when, milliseconds.
    pub age_ms: u64,
}

/// An act that waits for a second person: who asked for what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SecondView {
    /// The act as it was asked for.
    pub act: OfficerAct,
    /// Milliseconds left to agree.
    pub left_ms: u64,
}

/// Everything a screen needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LaneView {
    /// Phase.
    pub phase: PhaseName,
    /// Mode.
    pub mode: Mode,
    /// Changes whenever something changes that a person's decision rests on: vehicle, plates, declaration, verdict, weight.
    pub stamp: u32,
    /// The vehicle at the boom.
    pub at_boom: Option<VehicleView>,
    /// The vehicle behind it.
    pub approaching: Option<VehicleView>,
    /// Boom.
    pub boom: BoomView,
    /// Permit.
    pub permit: Option<PermitView>,
    /// Signals.
    pub signals: Vec<SignalView>,
    /// Faults, worst first.
    pub faults: Vec<FaultView>,
    /// Stop is latched.
    pub stop_latched: bool,
    /// Live weight on the platform in grams, whoever's, with its age.
    pub platform: Option<Aged<i64>>,
    /// Cameras.
    pub cameras: [CameraState; 2],
    /// Scale.
    pub scale: ScaleState,
    /// The driver's sign.
    pub sign: Sign,
    /// Age of the replicas in seconds; `None`: unknown.
    pub knowledge_age_s: Option<u32>,
    /// The centre is reachable.
    pub link_up: bool,
    /// The store can commit.
    pub store_ok: bool,
    /// An act that waits for a second person.
    pub waiting_second: Option<SecondView>,
}
