//! The checks of the scale. A missing, moving or overloaded weight is never a number (I10): it is *unknown*.
//!
//! Cargo is measured gross minus known tare, and must lie within the larger of a share and a fixed amount around what was declared. An empty
//! vehicle must weigh its tare. Legal limits come from a dated table (field source: Circular 07/2010/TT-BGTVT and its successors), never code.

use super::judge::Case;
use super::{CheckResult, Facts};
use crate::declaration::{Declaration, Tare, TradeType};
use crate::rules::Rules;

pub(super) fn cargo(case: &Case<'_>, rules: &Rules) -> (CheckResult, Facts) {
    if case.chosen.is_empty() {
        return (CheckResult::Unknown, Facts::None);
    }
    let tare = best_tare(case.chosen);
    let declared_grams = declared_cargo(case.chosen);
    let gross_grams = case.gross.ok().map(|weighing| weighing.gross_grams);
    let bounds = declared_grams.map(|declared| cargo_bounds(declared, rules));
    let facts = Facts::Weight {
        gross_grams,
        tare_grams: tare.map(|t| t.grams),
        tare_source: tare.map(|t| t.source),
        declared_grams,
        min_grams: bounds.map(|(min, _)| min),
        max_grams: bounds.map(|(_, max)| max),
        why_unknown: case.gross.err(),
    };
    let result = match (gross_grams, tare, bounds) {
        (Some(gross), Some(tare), Some((min, max))) => {
            let measured = gross.saturating_sub(tare.grams);
            if (min..=max).contains(&measured) { CheckResult::Passed } else { CheckResult::Failed }
        }
        _ => CheckResult::Unknown,
    };
    (result, facts)
}

/// The best-sourced tare known of this vehicle.
fn best_tare(chosen: &[Declaration]) -> Option<Tare> {
    chosen.iter().filter_map(|d| d.tare).filter(|t| t.grams > 0).min_by_key(|t| t.source)
}

/// Weights of several declarations of one vehicle add up; an empty return carries nothing.
fn declared_cargo(chosen: &[Declaration]) -> Option<i64> {
    chosen.iter().try_fold(0_i64, |sum, d| {
        let cargo = if d.trade == TradeType::EmptyReturn { Some(d.cargo_grams.unwrap_or(0)) } else { d.cargo_grams };
        cargo.filter(|grams| *grams >= 0).map(|grams| sum.saturating_add(grams))
    })
}

fn cargo_bounds(declared: i64, rules: &Rules) -> (i64, i64) {
    let tolerance = if declared == 0 {
        rules.tare_tolerance_grams
    } else {
        let share = declared.saturating_mul(i64::from(rules.cargo_tolerance_permille)) / 1000;
        share.max(rules.cargo_tolerance_grams)
    };
    (declared.saturating_sub(tolerance), declared.saturating_add(tolerance))
}

pub(super) fn legal_gross(case: &Case<'_>, rules: &Rules) -> (CheckResult, Facts) {
    let axles = case.officer_axles.or_else(|| case.chosen.first().and_then(|d| d.axles));
    let combination = case.chosen.iter().any(|d| d.trailer_plate.is_some());
    let limit_grams = axles.and_then(|count| {
        rules
            .legal_gross
            .iter()
            .filter(|row| row.combination == combination && row.axles <= count)
            .max_by_key(|row| row.axles)
            .map(|row| row.limit_grams)
    });
    let gross_grams = case.gross.ok().map(|weighing| weighing.gross_grams);
    let facts = Facts::Legal { gross_grams, limit_grams, axles };
    let result = match (gross_grams, limit_grams) {
        (Some(gross), Some(limit)) if gross <= limit => CheckResult::Passed,
        (Some(_), Some(_)) => CheckResult::Failed,
        _ => CheckResult::Unknown,
    };
    (result, facts)
}

pub(super) fn calibration(case: &Case<'_>, rules: &Rules) -> (CheckResult, Facts) {
    let result = match (rules.calibrated_until_ms, case.wall.trusted()) {
        (Some(until), Some(now)) if now < until => CheckResult::Passed,
        (Some(_), Some(_)) => CheckResult::Failed,
        _ => CheckResult::Unknown,
    };
    (result, Facts::None)
}
