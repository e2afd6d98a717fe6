//! What a screen is told: the whole lane, with ages. Plates and goods are text for people; colours and words are the page's business.

use crate::words::{
    Boom, Camera, CameraState, CheckKind, CheckResult, Fault, Mode, Outcome, PermitKind, Phase, ScaleState, Severity, Sign, WeightUnknown,
};
use crate::{declaration, ids};
use lane_core::verdict::{Check as CoreCheck, Facts as CoreFacts};
use lane_core::view as core;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Signal {
    /// Its name as in the settings: `boom_loop`, `photocell`, ...
    pub name: String,
    /// On, off, or unknown.
    pub on: Option<bool>,
    /// Part of this lane?
    pub present: bool,
    /// Age; absent: never seen.
    #[ts(type = "number | null")]
    pub age_ms: Option<u64>,
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
    /// The picture, by digest: `/api/evidence/{digest}`.
    pub evidence: Option<String>,
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

/// One check.
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

/// A verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Verdict {
    /// Where it leads.
    pub outcome: Outcome,
    /// Every check, in order.
    pub checks: Vec<Check>,
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
    /// Until.
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
    /// Competing candidates.
    pub candidates: Vec<String>,
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
    pub waiting_second: Option<String>,
}

impl From<&core::LaneView> for LaneView {
    fn from(v: &core::LaneView) -> Self {
        Self {
            phase: v.phase.into(),
            mode: v.mode.into(),
            stamp: v.stamp,
            at_boom: v.at_boom.as_ref().map(Vehicle::from),
            approaching: v.approaching.as_ref().map(Vehicle::from),
            boom: v.boom.into(),
            permit: v.permit.map(|p| Permit { permit: p.kind.into(), left_ms: p.left_ms, entered: p.entered }),
            signals: v.signals.iter().map(Signal::from).collect(),
            faults: v.faults.iter().map(|f| FaultView { fault: f.fault.into(), severity: f.severity.into(), age_ms: f.age_ms }).collect(),
            stop_latched: v.stop_latched,
            platform_grams: v.platform.as_ref().map(|p| p.value),
            platform_age_ms: v.platform.as_ref().map(|p| p.age_ms),
            cameras: v.cameras.map(Into::into),
            scale: v.scale.into(),
            sign: v.sign.into(),
            knowledge_age_s: v.knowledge_age_s,
            link_up: v.link_up,
            store_ok: v.store_ok,
            waiting_second: v.waiting_second.as_ref().map(|id| id.0.clone()),
        }
    }
}

impl From<&core::SignalView> for Signal {
    fn from(s: &core::SignalView) -> Self {
        Self { name: s.signal.name().to_owned(), on: s.on, present: s.present, age_ms: s.age_ms }
    }
}

impl From<&core::VehicleView> for Vehicle {
    fn from(v: &core::VehicleView) -> Self {
        let plate = |p: &core::PlateView| Plate {
            camera: p.camera.into(),
            text: p.text.to_string(),
            probability_ppm: p.probability_ppm,
            by_officer: p.by_officer,
            evidence: p.evidence.map(ids::digest_text),
            age_ms: p.age_ms,
        };
        Self {
            passage: v.passage.map(ids::passage_text),
            here_ms: v.here_ms,
            plates: v.plates.iter().map(plate).collect(),
            gross_grams: v.gross.as_ref().ok().map(|g| g.value),
            gross_age_ms: v.gross.as_ref().ok().map(|g| g.age_ms),
            gross_unknown: v.gross.as_ref().err().map(|why| (*why).into()),
            declarations: v.declarations.iter().map(DeclarationView::from).collect(),
            candidates: v.candidates.iter().map(|id| id.0.clone()).collect(),
            verdict: v.verdict.as_ref().map(|aged| Verdict {
                outcome: aged.value.outcome.into(),
                checks: aged.value.checks.iter().map(Check::from).collect(),
                age_ms: aged.age_ms,
            }),
            called_ms: v.called_ms,
            decided_by: v.decided_by.as_ref().map(|o| o.id.0.clone()),
        }
    }
}

impl From<&lane_core::declaration::Declaration> for DeclarationView {
    fn from(d: &lane_core::declaration::Declaration) -> Self {
        Self {
            id: d.id.0.clone(),
            trade: d.trade.into(),
            direction: d.direction.into(),
            plate: d.plate.to_string(),
            trailer_plate: d.trailer_plate.as_ref().map(ToString::to_string),
            goods: d.goods.clone(),
            perishable: d.perishable,
            priority: d.priority,
            cargo_grams: d.cargo_grams,
            channel: d.channel.into(),
            valid_until_ms: d.valid_until_ms,
            next_place: d.next_place.clone(),
        }
    }
}

impl From<&CoreCheck> for Check {
    fn from(c: &CoreCheck) -> Self {
        Self { kind: c.kind.into(), result: c.result.into(), leads_to: c.leads_to.into(), facts: Facts::from(&c.facts) }
    }
}

impl From<&CoreFacts> for Facts {
    fn from(facts: &CoreFacts) -> Self {
        let names = |agencies: &[lane_core::ids::Agency]| agencies.iter().map(|a| a.0.clone()).collect();
        match facts {
            CoreFacts::None => Self::None,
            CoreFacts::Plate { text, posterior_ppm, margin_ppm, by_officer } => {
                Self::Plate { text: text.clone(), posterior_ppm: *posterior_ppm, margin_ppm: *margin_ppm, by_officer: *by_officer }
            }
            CoreFacts::Declarations { candidates, chosen } => {
                Self::Declarations { candidates: *candidates, chosen: chosen.iter().map(|id| id.0.clone()).collect() }
            }
            CoreFacts::Elsewhere { gate } => Self::Elsewhere { gate: gate.0.clone() },
            CoreFacts::Window { from_ms, until_ms, now_ms } => Self::Window { from_ms: *from_ms, until_ms: *until_ms, now_ms: *now_ms },
            CoreFacts::Entries { used, allowed } => Self::Entries { used: *used, allowed: *allowed },
            CoreFacts::Agencies { missing, holding, refused } => {
                Self::Agencies { missing: names(missing), holding: names(holding), refused: names(refused) }
            }
            CoreFacts::Channel { channel } => Self::Channel { channel: (*channel).into() },
            CoreFacts::Plates { read, declared } => Self::Plates { read: read.clone(), declared: declared.clone() },
            CoreFacts::Weight { gross_grams, tare_grams, tare_source, declared_grams, min_grams, max_grams, why_unknown } => Self::Weight {
                gross_grams: *gross_grams,
                tare_grams: *tare_grams,
                tare_source: tare_source.map(Into::into),
                declared_grams: *declared_grams,
                min_grams: *min_grams,
                max_grams: *max_grams,
                why_unknown: why_unknown.map(Into::into),
            },
            CoreFacts::Legal { gross_grams, limit_grams, axles } => {
                Self::Legal { gross_grams: *gross_grams, limit_grams: *limit_grams, axles: *axles }
            }
            CoreFacts::Claimed { lane } => Self::Claimed { lane: lane.0.clone() },
            CoreFacts::Age { age_s, limit_s } => Self::Age { age_s: *age_s, limit_s: *limit_s },
            CoreFacts::Watched { lane_may_see } => Self::Watched { lane_may_see: *lane_may_see },
        }
    }
}
