//! The verdict: a pure function of what is known about one vehicle. Every check is evaluated, so that the officer sees everything at once.

use super::{ALL_CHECKS, Check, CheckKind, CheckResult, Facts, Outcome, Verdict, paper, weighed};
use crate::declaration::{Confirmation, Declaration, LookupAnswer, WatchAction, WatchSeen};
use crate::ids::DeclarationId;
use crate::input::Freshness;
use crate::plate::PlateText;
use crate::rules::{CheckRule, MovementRules, Rules};
use crate::time::Wall;
use crate::weight::{Weighing, WeightUnknown};
use alloc::string::ToString;
use alloc::vec::Vec;

/// What is known of one plate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlateFact<'a> {
    /// The lane has no such camera.
    NoCamera,
    /// Not read.
    NotRead,
    /// Read.
    Read {
        /// Best text.
        text: &'a PlateText,
        /// Posterior of the matched (or best) candidate, parts per million.
        posterior_ppm: u32,
        /// Margin over the runner-up, parts per million.
        margin_ppm: u32,
        /// The declared plate that it is, where posterior and margin suffice.
        matched: Option<&'a PlateText>,
    },
    /// An officer named it.
    ByOfficer(&'a PlateText),
}

impl<'a> PlateFact<'a> {
    /// The text to show: as named or read.
    #[must_use]
    pub fn text(&self) -> Option<&'a PlateText> {
        match self {
            Self::Read { text, .. } | Self::ByOfficer(text) => Some(text),
            Self::NoCamera | Self::NotRead => None,
        }
    }

    /// The plate the lane is sure of: the declared one it matched, or the officer's.
    #[must_use]
    pub fn sure(&self) -> Option<&'a PlateText> {
        match self {
            Self::Read { matched, .. } => *matched,
            Self::ByOfficer(text) => Some(text),
            Self::NoCamera | Self::NotRead => None,
        }
    }
}

/// Everything a verdict rests on.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The front plate: tractor or rigid truck.
    pub front: PlateFact<'a>,
    /// The rear plate: trailer, or the same vehicle.
    pub rear: PlateFact<'a>,
    /// The cache's answer; `None`: not answered yet.
    pub answer: Option<&'a LookupAnswer>,
    /// The declaration chosen, or all of one consignment for this vehicle.
    pub chosen: &'a [Declaration],
    /// Active declarations for this plate that compete, where none could be chosen.
    pub competing: u16,
    /// The weighing, or why there is none.
    pub gross: Result<&'a Weighing, WeightUnknown>,
    /// Axles as an officer counted them.
    pub officer_axles: Option<u8>,
    /// Confirmations given at this lane since the declaration's revision.
    pub confirmed_at_lane: &'a [(DeclarationId, Confirmation)],
    /// The wall clock.
    pub wall: Wall,
    /// Age of the knowledge.
    pub freshness: &'a Freshness,
}

impl Case<'_> {
    /// Age of the replicas in seconds: trusted wall clock minus the newest head's time; `None`: unknown. A head from the future is age 0.
    #[must_use]
    pub fn knowledge_age_s(&self) -> Option<u32> {
        let now = self.wall.trusted()?;
        let head = self.freshness.head_utc_ms?;
        Some(u32::try_from(now.saturating_sub(head).max(0) / 1000).unwrap_or(u32::MAX))
    }
}

/// Judge a vehicle.
#[must_use]
pub fn judge(case: &Case<'_>, rules: &Rules) -> Verdict {
    let movement = movement_rules(case, rules);
    let mut checks = Vec::with_capacity(ALL_CHECKS.len());
    for kind in ALL_CHECKS {
        let rule = rule_for(movement, kind);
        if rule.applies {
            let (result, facts) = evaluate(kind, case, rules, movement);
            checks.push(conclude(kind, result, facts, rule, case));
        }
    }
    let worst = checks.iter().map(|check| check.leads_to).max().unwrap_or(Outcome::Hold);
    // Whatever the rules leave out or waive: nobody passes on no declaration.
    let outcome = if case.chosen.is_empty() { worst.max(Outcome::Hold) } else { worst };
    Verdict {
        outcome,
        checks,
        declarations: case.chosen.iter().map(|d| (d.id.clone(), d.revision)).collect(),
        rules: rules.revision,
        watchlist: case.answer.and_then(|answer| answer.watchlist),
    }
}

fn conclude(kind: CheckKind, result: CheckResult, facts: Facts, rule: CheckRule, case: &Case<'_>) -> Check {
    let (result, leads_to) = match result {
        CheckResult::Passed | CheckResult::Waived => (CheckResult::Passed, Outcome::Pass),
        CheckResult::Failed => (CheckResult::Failed, failed_leads_to(&facts, rule)),
        CheckResult::Unknown if waived(rule, case) => (CheckResult::Waived, Outcome::Pass),
        CheckResult::Unknown => (CheckResult::Unknown, rule.on_unknown.max(Outcome::Hold)),
    };
    Check { kind, result, leads_to, facts }
}

/// An agency that asks to hold is heard as hold even where a refusal would turn the vehicle back.
fn failed_leads_to(facts: &Facts, rule: CheckRule) -> Outcome {
    match facts {
        Facts::Agencies { refused, .. } if refused.is_empty() => Outcome::Hold,
        _ => rule.on_failed.max(Outcome::Hold),
    }
}

fn waived(rule: CheckRule, case: &Case<'_>) -> bool {
    match (rule.waive_offline_up_to_s, case.knowledge_age_s()) {
        (Some(limit_s), Some(age_s)) => !case.freshness.link_up && age_s <= limit_s,
        _ => false,
    }
}

/// The most specific row: direction and trade, then trade, then direction, then neither. Without a chosen declaration: the lane's direction.
fn movement_rules<'r>(case: &Case<'_>, rules: &'r Rules) -> Option<&'r MovementRules> {
    let trade = case.chosen.first().map(|d| d.trade);
    let direction = case.chosen.first().map_or(rules.direction, |d| d.direction);
    rules
        .movements
        .iter()
        .filter(|row| row.direction.is_none_or(|d| d == direction) && row.trade.is_none_or(|t| Some(t) == trade))
        .max_by_key(|row| (row.trade.is_some(), row.direction.is_some()))
}

/// A check without a row applies, holds, and is never waived.
fn rule_for(movement: Option<&MovementRules>, kind: CheckKind) -> CheckRule {
    movement.and_then(|m| m.checks.iter().find(|(k, _)| *k == kind)).map_or(
        CheckRule { applies: true, on_failed: Outcome::Hold, on_unknown: Outcome::Hold, waive_offline_up_to_s: None },
        |(_, rule)| *rule,
    )
}

fn evaluate(kind: CheckKind, case: &Case<'_>, rules: &Rules, movement: Option<&MovementRules>) -> (CheckResult, Facts) {
    match kind {
        CheckKind::PlateRead => plate_read(case),
        CheckKind::DeclarationFound => declaration_found(case),
        CheckKind::GateAndDirection => paper::gate_and_direction(case, rules),
        CheckKind::ActiveInWindow => paper::active_in_window(case),
        CheckKind::EntriesLeft => paper::entries_left(case),
        CheckKind::Confirmations => paper::confirmations(case, movement),
        CheckKind::Channel => paper::channel(case),
        CheckKind::TractorAndTrailer => tractor_and_trailer(case),
        CheckKind::CargoWeight => weighed::cargo(case, rules),
        CheckKind::LegalGross => weighed::legal_gross(case, rules),
        CheckKind::Calibration => weighed::calibration(case, rules),
        CheckKind::Watchlist => watchlist(case),
        CheckKind::NotClaimed => not_claimed(case),
        CheckKind::KnowledgeFresh => knowledge_fresh(case, rules),
        CheckKind::LaneServes => paper::lane_serves(case, rules),
    }
}

fn plate_read(case: &Case<'_>) -> (CheckResult, Facts) {
    match case.front {
        PlateFact::NoCamera | PlateFact::NotRead => (CheckResult::Unknown, Facts::None),
        PlateFact::Read { text, posterior_ppm, margin_ppm, matched } => {
            let facts = Facts::Plate { text: text.to_string(), posterior_ppm, margin_ppm, by_officer: false };
            (if matched.is_some() { CheckResult::Passed } else { CheckResult::Unknown }, facts)
        }
        PlateFact::ByOfficer(text) => {
            let facts = Facts::Plate { text: text.to_string(), posterior_ppm: 1_000_000, margin_ppm: 1_000_000, by_officer: true };
            (CheckResult::Passed, facts)
        }
    }
}

fn declaration_found(case: &Case<'_>) -> (CheckResult, Facts) {
    let Some(answer) = case.answer else { return (CheckResult::Unknown, Facts::None) };
    let chosen: Vec<DeclarationId> = case.chosen.iter().map(|d| d.id.clone()).collect();
    let facts = Facts::Declarations { candidates: case.competing.max(u16::try_from(chosen.len()).unwrap_or(u16::MAX)), chosen };
    if !case.chosen.is_empty() {
        return (CheckResult::Passed, facts);
    }
    if let Some(gate) = &answer.elsewhere {
        return (CheckResult::Failed, Facts::Elsewhere { gate: gate.clone() });
    }
    // Only a plate that is surely known can be surely undeclared.
    let surely_undeclared = case.competing == 0 && !answer.truncated && case.front.sure().is_some() && case.knowledge_age_s().is_some();
    (if surely_undeclared { CheckResult::Failed } else { CheckResult::Unknown }, facts)
}

fn tractor_and_trailer(case: &Case<'_>) -> (CheckResult, Facts) {
    let Some(first) = case.chosen.first() else { return (CheckResult::Unknown, Facts::None) };
    let facts = Facts::Plates {
        read: [case.front.text().map(ToString::to_string), case.rear.text().map(ToString::to_string)],
        declared: [Some(first.plate.to_string()), first.trailer_plate.as_ref().map(ToString::to_string)],
    };
    let one_vehicle = case.chosen.iter().all(|d| d.plate == first.plate && d.trailer_plate == first.trailer_plate);
    let front = case.front.sure().map(|plate| *plate == first.plate);
    let behind = first.trailer_plate.as_ref().unwrap_or(&first.plate);
    let rear = case.rear.sure().map(|plate| plate == behind);
    let result = match (one_vehicle, front, rear) {
        (false, _, _) | (_, Some(false), _) | (_, _, Some(false)) => CheckResult::Failed,
        (true, Some(true), Some(true)) => CheckResult::Passed,
        _ => CheckResult::Unknown,
    };
    (result, facts)
}

fn watchlist(case: &Case<'_>) -> (CheckResult, Facts) {
    let Some(answer) = case.answer else { return (CheckResult::Unknown, Facts::None) };
    if answer.watchlist.is_none() {
        return (CheckResult::Unknown, Facts::None);
    }
    let mut holding = answer.watch.iter().filter(|hit| hit.action == WatchAction::Hold).peekable();
    if holding.peek().is_none() {
        return (CheckResult::Passed, Facts::None);
    }
    let lane_may_see = holding.any(|hit| hit.seen_by == WatchSeen::Lane);
    (CheckResult::Failed, Facts::Watched { lane_may_see })
}

fn not_claimed(case: &Case<'_>) -> (CheckResult, Facts) {
    let Some(answer) = case.answer else { return (CheckResult::Unknown, Facts::None) };
    let claimed = answer.claims.iter().find(|claim| case.chosen.iter().any(|d| d.id == claim.declaration));
    match claimed {
        Some(claim) => (CheckResult::Failed, Facts::Claimed { lane: claim.lane.clone() }),
        None if case.freshness.link_up => (CheckResult::Passed, Facts::None),
        None => (CheckResult::Unknown, Facts::None),
    }
}

fn knowledge_fresh(case: &Case<'_>, rules: &Rules) -> (CheckResult, Facts) {
    let limit_s = rules.timing.cache_age_max_s;
    let age_s = case.knowledge_age_s();
    let result = match age_s {
        None => CheckResult::Unknown,
        Some(age) if age <= limit_s => CheckResult::Passed,
        Some(_) => CheckResult::Failed,
    };
    (result, Facts::Age { age_s, limit_s })
}
