//! The wire form of rules: one JSON object a row of the `rules` replica.
//!
//! ```json
//! {"gate":"huu-nghi","valid_from_ms":1795300000000,
//!  "movements":[{"trade":"export","required_agencies":["quarantine"],
//!                "checks":[{"check":"channel","on_failed":"divert","on_unknown":"hold"}]}],
//!  "legal_gross":[{"combination":true,"axles":4,"limit_grams":40000000}]}
//! ```
//! A row lies over the lane's local default: what it does not name stays as the lane's settings have it. A movement's checks lie over the built-in
//! ones. What a lane *is* (its gate, direction, trades, devices, deadlines, calibration) is no matter of these rules.
//!
//! In force is the row for this gate (and lane) whose window holds now; of several the one that began last, then the later key. **Unknown fields
//! and unknown words are refused**: a rule that is half understood is not applied at all.

use crate::declaration::{Direction, TradeType};
use crate::words::{CheckKind, Outcome};
use lane_core::ids::Revision;
use lane_core::rules::{CheckRule, LegalGross as CoreLegalGross, MovementRules, Rules};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Movements, and rows of the legal table, of one row.
pub const MAX_ENTRIES: usize = 32;
/// Agencies of one list.
pub const MAX_AGENCIES: usize = 16;
/// Bytes of an agency's name, of a gate's and of a lane's.
pub const MAX_NAME_BYTES: usize = 32;
/// Lanes a row may name.
pub const MAX_LANES: usize = 64;
const MAX_GRAMS: i64 = 1_000_000_000;
const MAX_AGE_S: u32 = 365 * 24 * 3600;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesRow {
    /// For which gate.
    pub gate: String,
    /// For which lanes of it; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<String>,
    /// In force from, UTC milliseconds.
    pub valid_from_ms: i64,
    /// In force until (exclusive), UTC milliseconds; absent: until another row follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until_ms: Option<i64>,
    /// Per kind of movement; the most specific wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub movements: Option<Vec<MovementRow>>,
    /// Cargo may differ by this share of the declared, 0 to 1,000 permille.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cargo_tolerance_permille: Option<u32>,
    /// Or by this many grams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cargo_tolerance_grams: Option<i64>,
    /// An empty vehicle may differ from its tare by this many grams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tare_tolerance_grams: Option<i64>,
    /// Legal gross per axle count: replaces the lane's table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_gross: Option<Vec<LegalGross>>,
    /// An override needs a second person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub override_needs_second: Option<bool>,
    /// Agencies whose officers may override.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_override: Option<Vec<String>>,
    /// Older replicas are stale knowledge, 60 s to a year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_age_max_s: Option<u32>,
}

/// The rules of one kind of movement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MovementRow {
    /// Which way; absent: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// Which trade type; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trade: Option<TradeType>,
    /// Agencies that must have confirmed even where the declaration does not say so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_agencies: Vec<String>,
    /// Checks that differ from the built-in ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckRow>,
}

/// What to do with a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckRow {
    /// Which.
    pub check: CheckKind,
    /// Does it apply?
    #[serde(default = "yes")]
    pub applies: bool,
    /// Where a failed one leads: hold, divert or refuse.
    #[serde(default = "hold")]
    pub on_failed: Outcome,
    /// Where an unknown one leads: hold, divert or refuse.
    #[serde(default = "hold")]
    pub on_unknown: Outcome,
    /// Offline, an unknown one is waived while the knowledge is younger than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waive_offline_up_to_s: Option<u32>,
}

/// One row of the legal table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LegalGross {
    /// Tractor and trailer, or rigid.
    pub combination: bool,
    /// This many axles or more, 2 to 20.
    pub axles: u8,
    /// Grams.
    pub limit_grams: i64,
}

const fn yes() -> bool {
    true
}

const fn hold() -> Outcome {
    Outcome::Hold
}

/// What is wrong with a row: the field, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct RulesError {
    field: &'static str,
    problem: String,
}

fn wrong(field: &'static str, problem: impl Into<String>) -> RulesError {
    RulesError { field, problem: problem.into() }
}

fn within<T: PartialOrd + std::fmt::Display>(field: &'static str, value: Option<T>, low: T, high: T) -> Result<(), RulesError> {
    match value {
        Some(value) if value < low || value > high => Err(wrong(field, format!("{value} is not within {low} to {high}"))),
        _ => Ok(()),
    }
}

fn names(field: &'static str, names: &[String], max: usize) -> Result<(), RulesError> {
    if names.len() > max {
        return Err(wrong(field, format!("more than {max}")));
    }
    match names.iter().find(|name| !(1..=MAX_NAME_BYTES).contains(&name.len())) {
        Some(name) => Err(wrong(field, format!("{name:?} must have 1 to {MAX_NAME_BYTES} bytes"))),
        None => Ok(()),
    }
}

impl RulesRow {
    /// Is every value within its bounds?
    ///
    /// # Errors
    /// Names the first field that is wrong.
    pub fn check(&self) -> Result<(), RulesError> {
        names("gate", std::slice::from_ref(&self.gate), 1)?;
        names("lanes", &self.lanes, MAX_LANES)?;
        if self.valid_until_ms.is_some_and(|until| until <= self.valid_from_ms) {
            return Err(wrong("valid_until_ms", "must be after valid_from_ms"));
        }
        within("cargo_tolerance_permille", self.cargo_tolerance_permille, 0, 1_000)?;
        within("cargo_tolerance_grams", self.cargo_tolerance_grams, 0, MAX_GRAMS)?;
        within("tare_tolerance_grams", self.tare_tolerance_grams, 0, MAX_GRAMS)?;
        within("cache_age_max_s", self.cache_age_max_s, 60, MAX_AGE_S)?;
        if let Some(agencies) = &self.may_override {
            names("may_override", agencies, MAX_AGENCIES)?;
        }
        let movements = self.movements.as_deref().unwrap_or_default();
        let legal = self.legal_gross.as_deref().unwrap_or_default();
        if movements.len() > MAX_ENTRIES || legal.len() > MAX_ENTRIES {
            return Err(wrong("movements", format!("movements and legal_gross have at most {MAX_ENTRIES} rows each")));
        }
        if self.movements.as_ref().is_some_and(Vec::is_empty) {
            return Err(wrong("movements", "must have a row, or be left out"));
        }
        for row in legal {
            within("legal_gross.axles", Some(row.axles), 2, 20)?;
            within("legal_gross.limit_grams", Some(row.limit_grams), 1, MAX_GRAMS)?;
        }
        for (at, row) in movements.iter().enumerate() {
            row.check()?;
            if movements[..at].iter().any(|other| other.direction == row.direction && other.trade == row.trade) {
                return Err(wrong("movements", "two rows are for the same direction and trade"));
            }
        }
        Ok(())
    }

    /// Is it for this lane, and in force?
    #[must_use]
    pub fn holds(&self, gate: &str, lane: &str, utc_ms: i64) -> bool {
        let here = self.gate == gate && (self.lanes.is_empty() || self.lanes.iter().any(|named| named == lane));
        here && self.valid_from_ms <= utc_ms && self.valid_until_ms.is_none_or(|until| utc_ms < until)
    }

    /// The rules a lane judges by: this row over its local default.
    ///
    /// # Errors
    /// As [`RulesRow::check`].
    pub fn over(&self, local: &Rules, revision: Revision) -> Result<Rules, RulesError> {
        self.check()?;
        let mut rules = Rules { revision: Some(revision), ..local.clone() };
        let built_in = Rules::local_default(local.gate.clone(), local.lane.clone(), local.direction);
        let checks = built_in.movements.first().map(|movement| movement.checks.clone()).unwrap_or_default();
        if let Some(movements) = &self.movements {
            rules.movements = movements.iter().map(|row| row.over(&checks)).collect();
        }
        if let Some(table) = &self.legal_gross {
            let row = |row: &LegalGross| CoreLegalGross { combination: row.combination, axles: row.axles, limit_grams: row.limit_grams };
            rules.legal_gross = table.iter().map(row).collect();
        }
        if let Some(agencies) = &self.may_override {
            rules.may_override = agencies.iter().map(|agency| agency.as_str().into()).collect();
        }
        rules.cargo_tolerance_permille = self.cargo_tolerance_permille.unwrap_or(rules.cargo_tolerance_permille);
        rules.cargo_tolerance_grams = self.cargo_tolerance_grams.unwrap_or(rules.cargo_tolerance_grams);
        rules.tare_tolerance_grams = self.tare_tolerance_grams.unwrap_or(rules.tare_tolerance_grams);
        rules.override_needs_second = self.override_needs_second.unwrap_or(rules.override_needs_second);
        rules.timing.cache_age_max_s = self.cache_age_max_s.unwrap_or(rules.timing.cache_age_max_s);
        Ok(rules)
    }
}

impl MovementRow {
    fn check(&self) -> Result<(), RulesError> {
        names("required_agencies", &self.required_agencies, MAX_AGENCIES)?;
        if self.trade == Some(TradeType::Other) {
            return Err(wrong("trade", "no trade type that this lane knows"));
        }
        for (at, row) in self.checks.iter().enumerate() {
            if row.on_failed == Outcome::Pass || row.on_unknown == Outcome::Pass {
                return Err(wrong("checks", "what failed or is unknown never passes: hold, divert or refuse"));
            }
            within("waive_offline_up_to_s", row.waive_offline_up_to_s, 0, MAX_AGE_S)?;
            if self.checks[..at].iter().any(|other| other.check == row.check) {
                return Err(wrong("checks", "a check is named twice"));
            }
        }
        Ok(())
    }

    fn over(&self, built_in: &[(lane_core::verdict::CheckKind, CheckRule)]) -> MovementRules {
        let mut checks = built_in.to_vec();
        for row in &self.checks {
            let kind = row.check.into();
            let rule = CheckRule {
                applies: row.applies,
                on_failed: row.on_failed.into(),
                on_unknown: row.on_unknown.into(),
                waive_offline_up_to_s: row.waive_offline_up_to_s,
            };
            checks.retain(|(known, _)| *known != kind);
            checks.push((kind, rule));
        }
        MovementRules {
            direction: self.direction.map(Into::into),
            trade: self.trade.map(Into::into),
            required_agencies: self.required_agencies.iter().map(|agency| agency.as_str().into()).collect(),
            checks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lane_core::declaration::Direction as CoreDirection;

    fn local() -> Rules {
        Rules { cargo_tolerance_permille: 77, ..Rules::local_default("huu-nghi".into(), "lane-1".into(), CoreDirection::Outbound) }
    }

    fn row(extra: &str) -> Result<RulesRow, String> {
        let text = format!(r#"{{"gate":"huu-nghi","valid_from_ms":100,"valid_until_ms":200{extra}}}"#);
        let row: RulesRow = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        row.check().map_err(|e| e.to_string())?;
        Ok(row)
    }

    #[test]
    fn a_row_changes_what_it_names_and_nothing_else() {
        let revision = Revision { epoch: 1, revision: 9 };
        let row = row(
            r#","tare_tolerance_grams":1,"movements":[{"required_agencies":["quarantine"],"checks":[{"check":"calibration","applies":false}]}]"#,
        )
        .unwrap();
        let rules = row.over(&local(), revision).unwrap();
        assert_eq!((rules.revision, rules.cargo_tolerance_permille, rules.tare_tolerance_grams), (Some(revision), 77, 1));
        let movement = &rules.movements[0];
        assert_eq!(movement.required_agencies, ["quarantine".into()]);
        let of = |kind| movement.checks.iter().find(|(known, _)| *known == kind).map(|(_, rule)| *rule);
        assert_eq!(of(lane_core::verdict::CheckKind::Calibration).map(|rule| rule.applies), Some(false));
        assert_eq!(
            of(lane_core::verdict::CheckKind::Channel).map(|rule| rule.on_failed),
            Some(lane_core::verdict::Outcome::Divert),
            "the built-in checks that were not named stay"
        );
    }

    #[test]
    fn a_row_is_in_force_at_its_gate_and_lanes_within_its_window() {
        let all = row("").unwrap();
        assert!(all.holds("huu-nghi", "lane-1", 100) && all.holds("huu-nghi", "lane-9", 199));
        assert!(!all.holds("huu-nghi", "lane-1", 99) && !all.holds("huu-nghi", "lane-1", 200) && !all.holds("tan-thanh", "lane-1", 150));
        let one = row(r#","lanes":["lane-1"]"#).unwrap();
        assert!(one.holds("huu-nghi", "lane-1", 150) && !one.holds("huu-nghi", "lane-2", 150));
    }

    #[test]
    fn what_is_half_understood_is_refused_with_its_field() {
        for (extra, says) in [
            (r#","colour":1"#, "colour"),
            (r#","movements":[]"#, "movements"),
            (r#","movements":[{"trade":"smuggling"}]"#, "trade"),
            (r#","movements":[{"checks":[{"check":"colour"}]}]"#, "colour"),
            (r#","movements":[{"checks":[{"check":"channel","on_unknown":"pass"}]}]"#, "never passes"),
            (r#","movements":[{"checks":[{"check":"channel"},{"check":"channel"}]}]"#, "twice"),
            (r#","movements":[{},{}]"#, "same direction"),
            (r#","cargo_tolerance_permille":1001"#, "cargo_tolerance_permille"),
            (r#","legal_gross":[{"combination":true,"axles":1,"limit_grams":1}]"#, "axles"),
            (r#","may_override":[""]"#, "may_override"),
        ] {
            let error = row(extra).unwrap_err();
            assert!(error.contains(says), "{extra}: {error}");
        }
        assert!(serde_json::from_str::<RulesRow>(r#"{"gate":"g"}"#).is_err(), "undated rules are none");
    }
}
