//! Rules: a signed, dated collection with a local default, that says per direction and trade type which checks apply and what each leads to.

use crate::declaration::{Direction, TradeType};
use crate::ids::{Agency, Gate, LaneName, Revision};
use crate::plate::MatchRules;
use crate::verdict::{CheckKind, Outcome};
use crate::weight::WeightRules;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Candidates a look-up may return.
pub const MAX_CANDIDATES: usize = 32;

/// What to do with a check that did not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CheckRule {
    /// Does the check apply?
    pub applies: bool,
    /// Where a failed one leads: hold, refuse or divert.
    pub on_failed: Outcome,
    /// Where an unknown one leads: hold, refuse or divert. Never pass (I14).
    pub on_unknown: Outcome,
    /// Offline, an unknown one is *waived* while the knowledge is younger than this; `None`: never.
    pub waive_offline_up_to_s: Option<u32>,
}

/// The rules of one kind of movement.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MovementRules {
    /// Which way; `None` matches both.
    pub direction: Option<Direction>,
    /// Which trade type; `None` matches all.
    pub trade: Option<TradeType>,
    /// Agencies that must have confirmed even where the declaration does not say so.
    pub required_agencies: Vec<Agency>,
    /// One row a check; a check without a row applies and holds.
    pub checks: Vec<(CheckKind, CheckRule)>,
}

/// One row of the legal table: gross limit for an axle count. The table is dated configuration, never code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LegalGross {
    /// Tractor and trailer (`true`) or rigid (`false`).
    pub combination: bool,
    /// This many axles or more, up to the next row.
    pub axles: u8,
    /// Grams.
    pub limit_grams: i64,
}

/// Deadlines and limits of the lane. Milliseconds unless the name says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Timing {
    /// Identification stops waiting for plates and weight after this.
    pub identify_deadline_ms: u32,
    /// A permit's Up must begin, and the vehicle must reach the boom loop, within this.
    pub permit_ms: u32,
    /// A required input older than this is stale.
    pub fresh_ms: u32,
    /// Gaps in presence shorter than this belong to one vehicle; the interlock has its own for the boom line.
    pub joined_gap_ms: u32,
    /// Presence must be quiet this long before a vehicle counts as gone.
    pub leave_hold_ms: u32,
    /// A held vehicle without progress calls an officer after this (L1).
    pub call_officer_ms: u32,
    /// An unanswered call is a fault after this.
    pub call_unanswered_ms: u32,
    /// The centre is asked about an unknown plate; the answer counts within this.
    pub query_deadline_ms: u32,
    /// Replicas older than this are stale knowledge, seconds.
    pub cache_age_max_s: u32,
    /// An emergency permit ends after this, seconds.
    pub emergency_limit_s: u32,
    /// Minute watch records.
    pub watch_record_ms: u32,
}

/// The rules a lane judges by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rules {
    /// Where they came from; `None` is the local default.
    pub revision: Option<Revision>,
    /// This gate.
    pub gate: Gate,
    /// This lane.
    pub lane: LaneName,
    /// The direction this lane serves.
    pub direction: Direction,
    /// Trade types this lane serves; empty: all.
    pub trades: Vec<TradeType>,
    /// Per kind of movement; the most specific row wins (direction and trade, then trade, then direction, then neither).
    pub movements: Vec<MovementRules>,
    /// Cargo may differ by this share of the declared, in permille, ...
    pub cargo_tolerance_permille: u32,
    /// ... or by this many grams, whichever is larger.
    pub cargo_tolerance_grams: i64,
    /// An empty vehicle may differ from its tare by this many grams.
    pub tare_tolerance_grams: i64,
    /// Legal gross per axle count.
    pub legal_gross: Vec<LegalGross>,
    /// Matching of reads to declarations.
    pub matching: MatchRules,
    /// Weighing.
    pub weight: WeightRules,
    /// Deadlines.
    pub timing: Timing,
    /// The scale's calibration holds until, UTC milliseconds; `None`: unknown.
    pub calibrated_until_ms: Option<i64>,
    /// An override needs a second person.
    pub override_needs_second: bool,
    /// Agencies whose officers may override.
    pub may_override: Vec<Agency>,
}

/// Knowledge older than this is stale under the local default: three days, the validity of a declaration (field notes D.3).
const DEFAULT_CACHE_AGE_MAX_S: u32 = 72 * 3600;

impl Timing {
    /// The built-in deadlines.
    pub const DEFAULT: Self = Self {
        identify_deadline_ms: 8_000,
        permit_ms: 30_000,
        fresh_ms: 300,
        joined_gap_ms: 1_500,
        leave_hold_ms: 3_000,
        call_officer_ms: 15_000,
        call_unanswered_ms: 120_000,
        query_deadline_ms: 2_000,
        cache_age_max_s: DEFAULT_CACHE_AGE_MAX_S,
        emergency_limit_s: 600,
        watch_record_ms: 60_000,
    };
}

impl Rules {
    /// The local default, for a lane that never heard from its centre: everything applies, everything unknown holds; channels divert, a
    /// refusal refuses, another gate's vehicle is turned back. Claims of other lanes, which only the network can tell, are waived offline
    /// while the knowledge is younger than `cache_age_max_s`.
    #[must_use]
    pub fn local_default(gate: Gate, lane: LaneName, direction: Direction) -> Self {
        let row = |on_failed, waive| CheckRule { applies: true, on_failed, on_unknown: Outcome::Hold, waive_offline_up_to_s: waive };
        let checks = alloc::vec![
            (CheckKind::GateAndDirection, row(Outcome::Refuse, None)),
            (CheckKind::Confirmations, row(Outcome::Refuse, None)),
            (CheckKind::Channel, row(Outcome::Divert, None)),
            (CheckKind::LegalGross, row(Outcome::Divert, None)),
            (CheckKind::NotClaimed, row(Outcome::Hold, Some(DEFAULT_CACHE_AGE_MAX_S))),
        ];
        Self {
            revision: None,
            gate,
            lane,
            direction,
            trades: Vec::new(),
            movements: alloc::vec![MovementRules { direction: None, trade: None, required_agencies: Vec::new(), checks }],
            cargo_tolerance_permille: 30,
            cargo_tolerance_grams: 300_000,
            tare_tolerance_grams: 500_000,
            legal_gross: Vec::new(),
            matching: MatchRules::default(),
            weight: WeightRules::default(),
            timing: Timing::DEFAULT,
            calibrated_until_ms: None,
            override_needs_second: false,
            may_override: alloc::vec!["customs".into(), "border_guard".into(), "gate_board".into()],
        }
    }
}
