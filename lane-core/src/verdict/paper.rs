//! The checks of the papers: gate, window, entries, confirmations, channel, lane.

use super::judge::Case;
use super::{CheckResult, Facts};
use crate::declaration::{Channel, Confirmation, ConfirmationResult, Declaration, DeclarationState, TradeType};
use crate::ids::Agency;
use crate::rules::{MovementRules, Rules};
use alloc::vec::Vec;

pub(super) fn gate_and_direction(case: &Case<'_>, rules: &Rules) -> (CheckResult, Facts) {
    if let Some(wrong) = case.chosen.iter().find(|d| d.gate != rules.gate) {
        return (CheckResult::Failed, Facts::Elsewhere { gate: wrong.gate.clone() });
    }
    if let Some(gate) = case.answer.and_then(|answer| answer.elsewhere.as_ref()).filter(|_| case.chosen.is_empty()) {
        return (CheckResult::Failed, Facts::Elsewhere { gate: gate.clone() });
    }
    if case.chosen.is_empty() {
        return (CheckResult::Unknown, Facts::None);
    }
    let right_way = case.chosen.iter().all(|d| d.direction == rules.direction);
    (if right_way { CheckResult::Passed } else { CheckResult::Failed }, Facts::None)
}

pub(super) fn active_in_window(case: &Case<'_>) -> (CheckResult, Facts) {
    let Some(first) = case.chosen.first() else { return (CheckResult::Unknown, Facts::None) };
    let from_ms = case.chosen.iter().map(|d| d.valid_from_ms).max().unwrap_or(first.valid_from_ms);
    let until_ms = case.chosen.iter().map(|d| d.valid_until_ms).min().unwrap_or(first.valid_until_ms);
    let now_ms = case.wall.trusted();
    let facts = Facts::Window { from_ms, until_ms, now_ms };
    // `Used` is the entries' business; here only a withdrawal counts.
    if case.chosen.iter().any(|d| d.state == DeclarationState::Withdrawn) {
        return (CheckResult::Failed, facts);
    }
    let result = match now_ms {
        None => CheckResult::Unknown,
        Some(now) if from_ms <= now && now < until_ms => CheckResult::Passed,
        Some(_) => CheckResult::Failed,
    };
    (result, facts)
}

pub(super) fn entries_left(case: &Case<'_>) -> (CheckResult, Facts) {
    let Some(worst) = case.chosen.iter().min_by_key(|d| d.entries_allowed.saturating_sub(d.entries_used)) else {
        return (CheckResult::Unknown, Facts::None);
    };
    let facts = Facts::Entries { used: worst.entries_used, allowed: worst.entries_allowed };
    let left = worst.entries_used < worst.entries_allowed && case.chosen.iter().all(|d| d.state != DeclarationState::Used);
    (if left { CheckResult::Passed } else { CheckResult::Failed }, facts)
}

/// Every required agency has confirmed what the declaration says now. Missing is *unknown* (it may come, a rule may waive it offline);
/// holding and refused are *failed*.
pub(super) fn confirmations(case: &Case<'_>, movement: Option<&MovementRules>) -> (CheckResult, Facts) {
    if case.chosen.is_empty() {
        return (CheckResult::Unknown, Facts::None);
    }
    let (mut missing, mut holding, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for declaration in case.chosen {
        for agency in required_agencies(declaration, movement) {
            let bucket = match standing(case, declaration, agency) {
                ConfirmationResult::Pass => continue,
                ConfirmationResult::Hold => &mut holding,
                ConfirmationResult::Refuse => &mut refused,
                ConfirmationResult::Expired | ConfirmationResult::Absent => &mut missing,
            };
            if !bucket.contains(agency) {
                bucket.push(agency.clone());
            }
        }
    }
    let result = if !refused.is_empty() || !holding.is_empty() {
        CheckResult::Failed
    } else if !missing.is_empty() {
        CheckResult::Unknown
    } else {
        CheckResult::Passed
    };
    (result, Facts::Agencies { missing, holding, refused })
}

/// Agencies named by the rules or by the declaration. One that refused or holds counts even where it was not required.
fn required_agencies<'a>(declaration: &'a Declaration, movement: Option<&'a MovementRules>) -> Vec<&'a Agency> {
    let mut agencies: Vec<&Agency> = movement.map(|m| m.required_agencies.iter().collect()).unwrap_or_default();
    let objects = |c: &Confirmation| matches!(c.result, ConfirmationResult::Hold | ConfirmationResult::Refuse);
    for confirmation in declaration.confirmations.iter().filter(|c| c.required || objects(c)) {
        if !agencies.contains(&&confirmation.agency) {
            agencies.push(&confirmation.agency);
        }
    }
    agencies
}

/// What an agency's word is worth now: at the lane beats the replica; another digest, a past expiry or an untrusted clock voids a pass.
fn standing(case: &Case<'_>, declaration: &Declaration, agency: &Agency) -> ConfirmationResult {
    let at_lane = case.confirmed_at_lane.iter().rev().find(|(id, c)| *id == declaration.id && c.agency == *agency).map(|(_, c)| c);
    let embedded = declaration.confirmations.iter().find(|c| c.agency == *agency);
    // A refusal or a hold in the replica is overwritten neither by a confirmation at the lane nor by another of the same agency.
    let refuses = said(declaration, agency, ConfirmationResult::Refuse);
    let objects = refuses.or_else(|| said(declaration, agency, ConfirmationResult::Hold));
    let Some(confirmation) = objects.or(at_lane).or(embedded) else { return ConfirmationResult::Absent };
    if confirmation.result != ConfirmationResult::Pass {
        return confirmation.result;
    }
    if confirmation.confirmed_digest != Some(declaration.digest) {
        return ConfirmationResult::Absent;
    }
    match (confirmation.expires_ms, case.wall.trusted()) {
        (None, _) => ConfirmationResult::Pass,
        (Some(expires), Some(now)) if now < expires => ConfirmationResult::Pass,
        (Some(_), _) => ConfirmationResult::Expired,
    }
}

fn said<'d>(declaration: &'d Declaration, agency: &Agency, result: ConfirmationResult) -> Option<&'d Confirmation> {
    declaration.confirmations.iter().find(|c| c.agency == *agency && c.result == result)
}

/// The worst channel of all declarations rules.
pub(super) fn channel(case: &Case<'_>) -> (CheckResult, Facts) {
    let rank = |channel: Channel| match channel {
        Channel::Green => 0,
        Channel::Undecided => 1,
        Channel::Yellow => 2,
        Channel::Red => 3,
    };
    let Some(worst) = case.chosen.iter().map(|d| d.channel).max_by_key(|c| rank(*c)) else {
        return (CheckResult::Unknown, Facts::None);
    };
    let result = match worst {
        Channel::Green => CheckResult::Passed,
        Channel::Undecided => CheckResult::Unknown,
        Channel::Yellow | Channel::Red => CheckResult::Failed,
    };
    (result, Facts::Channel { channel: worst })
}

pub(super) fn lane_serves(case: &Case<'_>, rules: &Rules) -> (CheckResult, Facts) {
    if case.chosen.is_empty() {
        return (CheckResult::Unknown, Facts::None);
    }
    let serves = |d: &Declaration| rules.trades.is_empty() && d.trade != TradeType::Other || rules.trades.contains(&d.trade);
    let assigned = |d: &Declaration| d.lane_hint.as_ref().is_none_or(|lane| *lane == rules.lane);
    let passed = case.chosen.iter().all(|d| serves(d) && assigned(d));
    (if passed { CheckResult::Passed } else { CheckResult::Failed }, Facts::None)
}
