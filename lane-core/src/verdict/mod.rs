//! May this vehicle pass? A list of checks, all evaluated, each with its facts.
//!
//! Unknown never counts as passed (I14). What a failed or unknown check leads to is the rules' word; the worst outcome rules, in the order
//! refuse, divert, hold, pass.

mod judge;
mod paper;
#[cfg(test)]
mod tests;
mod weighed;

pub use judge::{Case, PlateFact, judge};

use crate::declaration::{Channel, TareSource};
use crate::ids::{Agency, DeclarationId, Gate, LaneName, Revision};
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Every check there is, in the order the officer sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CheckKind {
    /// The plate was read, or named by an officer.
    PlateRead,
    /// One declaration, or one consignment, was found.
    DeclarationFound,
    /// It is for this gate and direction.
    GateAndDirection,
    /// It is active and inside its window.
    ActiveInWindow,
    /// It has entries left.
    EntriesLeft,
    /// Every required agency has confirmed.
    Confirmations,
    /// The risk channel lets it pass.
    Channel,
    /// Tractor and trailer are as declared.
    TractorAndTrailer,
    /// The cargo weighs what was declared.
    CargoWeight,
    /// The gross is legal for the axles.
    LegalGross,
    /// The scale is in calibration.
    Calibration,
    /// Nobody watches for it.
    Watchlist,
    /// No other lane claims it.
    NotClaimed,
    /// Our knowledge is fresh.
    KnowledgeFresh,
    /// The lane is open to it.
    LaneServes,
}

/// All checks, in order.
pub const ALL_CHECKS: [CheckKind; 15] = [
    CheckKind::PlateRead,
    CheckKind::DeclarationFound,
    CheckKind::GateAndDirection,
    CheckKind::ActiveInWindow,
    CheckKind::EntriesLeft,
    CheckKind::Confirmations,
    CheckKind::Channel,
    CheckKind::TractorAndTrailer,
    CheckKind::CargoWeight,
    CheckKind::LegalGross,
    CheckKind::Calibration,
    CheckKind::Watchlist,
    CheckKind::NotClaimed,
    CheckKind::KnowledgeFresh,
    CheckKind::LaneServes,
];

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CheckResult {
    /// As it should be.
    Passed,
    /// Not as it should be.
    Failed,
    /// Cannot be told.
    Unknown,
    /// Could not be told, and the named rule lets that pass while offline.
    Waived,
}

/// Where a verdict leads. Ordered: the greatest of several rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// The vehicle may pass.
    Pass,
    /// It waits: what is missing may still come.
    Hold,
    /// It goes to the yard or to inspection.
    Divert,
    /// It turns back.
    Refuse,
}

/// The facts of a check, as the officer must see them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Facts {
    /// Nothing beyond the result.
    None,
    /// The plate, its posterior in parts per million and the margin over the runner-up.
    Plate {
        /// As read, or as an officer named it.
        text: String,
        /// Certainty.
        posterior_ppm: u32,
        /// Over the runner-up.
        margin_ppm: u32,
        /// An officer named it.
        by_officer: bool,
    },
    /// How many declarations fit, and why none was chosen.
    Declarations {
        /// How many candidates compete.
        candidates: u16,
        /// Chosen ones.
        chosen: Vec<DeclarationId>,
    },
    /// Declared for another gate or direction.
    Elsewhere {
        /// Which gate.
        gate: Gate,
    },
    /// The validity window, UTC milliseconds.
    Window {
        /// From.
        from_ms: i64,
        /// Until.
        until_ms: i64,
        /// The clock it was judged by; `None`: untrusted.
        now_ms: Option<i64>,
    },
    /// Entries used of those allowed.
    Entries {
        /// Used.
        used: u16,
        /// Allowed.
        allowed: u16,
    },
    /// Agencies that are in the way.
    Agencies {
        /// Have not confirmed.
        missing: Vec<Agency>,
        /// Asked to hold.
        holding: Vec<Agency>,
        /// Refused.
        refused: Vec<Agency>,
    },
    /// The risk channel.
    Channel {
        /// Which.
        channel: Channel,
    },
    /// Tractor and trailer plates as read and as declared.
    Plates {
        /// What the cameras read (front, rear).
        read: [Option<String>; 2],
        /// What was declared.
        declared: [Option<String>; 2],
    },
    /// Weights in grams; the bar on the officer's screen.
    Weight {
        /// Measured gross.
        gross_grams: Option<i64>,
        /// Known tare.
        tare_grams: Option<i64>,
        /// Where the tare comes from.
        tare_source: Option<TareSource>,
        /// Declared cargo.
        declared_grams: Option<i64>,
        /// Lowest cargo that passes.
        min_grams: Option<i64>,
        /// Highest cargo that passes.
        max_grams: Option<i64>,
        /// Why there is no number, as a word.
        why_unknown: Option<crate::weight::WeightUnknown>,
    },
    /// Legal gross in grams.
    Legal {
        /// Measured.
        gross_grams: Option<i64>,
        /// Limit.
        limit_grams: Option<i64>,
        /// Axles used.
        axles: Option<u8>,
    },
    /// Another lane claims it.
    Claimed {
        /// Which.
        lane: LaneName,
    },
    /// The age of the replicas, seconds; `None`: unknown.
    Age {
        /// Age.
        age_s: Option<u32>,
        /// Limit.
        limit_s: u32,
    },
    /// Watched for; who may see it decides what is shown.
    Watched {
        /// May the lane's officer see it?
        lane_may_see: bool,
    },
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Check {
    /// Which.
    pub kind: CheckKind,
    /// How it came out.
    pub result: CheckResult,
    /// Where it leads under the rules; `Pass` when passed or waived.
    pub leads_to: Outcome,
    /// Why.
    pub facts: Facts,
}

/// A verdict: names what it was judged on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Verdict {
    /// Where it leads.
    pub outcome: Outcome,
    /// Every check that applies, in order.
    pub checks: Vec<Check>,
    /// The declarations it was judged on, with their revisions.
    pub declarations: Vec<(DeclarationId, Revision)>,
    /// Revision of the rules; `None`: the local default.
    pub rules: Option<Revision>,
    /// Revision of the watchlist.
    pub watchlist: Option<Revision>,
}
