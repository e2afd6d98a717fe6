//! `[rules]`: the local default of the rules collection, in force until the centre sends a signed one.

use super::reader::Section;
use lane_core::declaration::{Direction, TradeType};
use lane_core::rules::{CheckRule, LegalGross, MovementRules, Rules, Timing};
use lane_core::verdict::{ALL_CHECKS, CheckKind, Outcome};

const TRADES: [(&str, TradeType); 7] = [
    ("export", TradeType::Export),
    ("import", TradeType::Import),
    ("transit", TradeType::Transit),
    ("temporary", TradeType::Temporary),
    ("transshipment", TradeType::Transshipment),
    ("border_residents", TradeType::BorderResidents),
    ("empty_return", TradeType::EmptyReturn),
];
pub(super) const DIRECTIONS: [(&str, Direction); 2] = [("outbound", Direction::Outbound), ("inbound", Direction::Inbound)];
const OUTCOMES: [(&str, Outcome); 3] = [("hold", Outcome::Hold), ("divert", Outcome::Divert), ("refuse", Outcome::Refuse)];
/// A day a hundred years ahead, in seconds: no age is longer.
const MAX_AGE_S: i64 = 365 * 24 * 3600;
const MAX_GRAMS: i64 = 1_000_000_000;

/// Reads `[rules]` over the built-in default.
pub(super) fn read(section: &Section<'_, '_>, mut rules: Rules) -> Rules {
    rules.cargo_tolerance_permille = section.number("cargo_tolerance_permille", rules.cargo_tolerance_permille, 0..=1000);
    rules.cargo_tolerance_grams = section.number("cargo_tolerance_grams", rules.cargo_tolerance_grams, 0..=MAX_GRAMS);
    rules.tare_tolerance_grams = section.number("tare_tolerance_grams", rules.tare_tolerance_grams, 0..=MAX_GRAMS);
    rules.override_needs_second = section.flag("override_needs_second", rules.override_needs_second);
    if let Some(until) = section.optional_text("calibrated_until", 10..=40) {
        match until.parse::<jiff::Timestamp>() {
            Ok(time) => rules.calibrated_until_ms = Some(time.as_millisecond()),
            Err(error) => section.wrong("calibrated_until", format!("must be a time like 2027-06-30T00:00:00Z: {error}")),
        }
    }
    let may_override = section.texts("may_override", 16, 32);
    if !may_override.is_empty() {
        rules.may_override = may_override.iter().map(|agency| agency.as_str().into()).collect();
    }
    rules.timing = timing(&section.section("timing"), rules.timing);
    let gross = section.sections("legal_gross", 32);
    rules.legal_gross = gross.into_iter().map(legal_gross).collect();
    let movements = section.sections("movement", 32);
    if !movements.is_empty() {
        rules.movements = movements.into_iter().map(|row| movement(row, &rules)).collect();
    }
    rules
}

fn timing(section: &Section<'_, '_>, d: Timing) -> Timing {
    Timing {
        identify_deadline_ms: section.number("identify_deadline_ms", d.identify_deadline_ms, 1_000..=120_000),
        permit_ms: section.number("permit_ms", d.permit_ms, 2_000..=300_000),
        fresh_ms: section.number("fresh_ms", d.fresh_ms, 100..=2_000),
        leave_hold_ms: section.number("leave_hold_ms", d.leave_hold_ms, 200..=30_000),
        call_officer_ms: section.number("call_officer_ms", d.call_officer_ms, 1_000..=600_000),
        call_unanswered_ms: section.number("call_unanswered_ms", d.call_unanswered_ms, 5_000..=3_600_000),
        query_deadline_ms: section.number("query_deadline_ms", d.query_deadline_ms, 200..=30_000),
        cache_age_max_s: section.number("cache_age_max_s", d.cache_age_max_s, 60..=MAX_AGE_S),
        emergency_limit_s: section.number("emergency_limit_s", d.emergency_limit_s, 30..=7_200),
        watch_record_ms: section.number("watch_record_ms", d.watch_record_ms, 1_000..=600_000),
    }
}

fn legal_gross(row: Section<'_, '_>) -> LegalGross {
    let read = LegalGross {
        combination: row.flag("combination", false),
        axles: row.number("axles", 2, 2..=20),
        limit_grams: row.number("limit_grams", 1, 1..=MAX_GRAMS),
    };
    for key in ["combination", "axles", "limit_grams"] {
        if !row.has(key) {
            row.wrong(key, "is missing");
        }
    }
    row.close();
    read
}

fn movement(row: Section<'_, '_>, defaults: &Rules) -> MovementRules {
    let any = |words: &[(&str, TradeType)]| words.to_vec();
    let direction = row.has("direction").then(|| row.word("direction", None, &DIRECTIONS)).flatten();
    let trade = row.has("trade").then(|| row.word("trade", None, &any(&TRADES))).flatten();
    row.allow(&["direction", "trade"]);
    let required_agencies = row.texts("required_agencies", 16, 32).iter().map(|agency| agency.as_str().into()).collect();
    // A row begins as the built-in default, so that a site that changes one check does not lose the others.
    let mut checks = defaults.movements.first().map(|m| m.checks.clone()).unwrap_or_default();
    let table = row.section("check");
    for kind in ALL_CHECKS {
        let name = check_name(kind);
        let check = table.section(name);
        if check.present() {
            let rule = CheckRule {
                applies: check.flag("applies", true),
                on_failed: check.word("on_failed", Some(Outcome::Hold), &OUTCOMES).unwrap_or(Outcome::Hold),
                on_unknown: check.word("on_unknown", Some(Outcome::Hold), &OUTCOMES).unwrap_or(Outcome::Hold),
                waive_offline_up_to_s: check
                    .has("waive_offline_up_to_s")
                    .then(|| check.number("waive_offline_up_to_s", 0_u32, 0..=MAX_AGE_S)),
            };
            check.allow(&["waive_offline_up_to_s"]);
            checks.retain(|(k, _)| *k != kind);
            checks.push((kind, rule));
        }
        check.close();
    }
    table.close();
    row.close();
    MovementRules { direction, trade, required_agencies, checks }
}

/// Reads `trades` of `[lane]`.
pub(super) fn trades(section: &Section<'_, '_>) -> Vec<TradeType> {
    let words = section.texts("trades", TRADES.len(), 32);
    words
        .iter()
        .filter_map(|word| {
            let found = TRADES.iter().find(|(name, _)| name == word).map(|(_, trade)| *trade);
            if found.is_none() {
                let known = TRADES.map(|(name, _)| name).join(", ");
                section.wrong("trades", format!("\"{word}\" is no trade type; known are {known}"));
            }
            found
        })
        .collect()
}

/// A check's name in settings: the wire's.
fn check_name(kind: CheckKind) -> &'static str {
    match kind {
        CheckKind::PlateRead => "plate_read",
        CheckKind::DeclarationFound => "declaration_found",
        CheckKind::GateAndDirection => "gate_and_direction",
        CheckKind::ActiveInWindow => "active_in_window",
        CheckKind::EntriesLeft => "entries_left",
        CheckKind::Confirmations => "confirmations",
        CheckKind::Channel => "channel",
        CheckKind::TractorAndTrailer => "tractor_and_trailer",
        CheckKind::CargoWeight => "cargo_weight",
        CheckKind::LegalGross => "legal_gross",
        CheckKind::Calibration => "calibration",
        CheckKind::Watchlist => "watchlist",
        CheckKind::NotClaimed => "not_claimed",
        CheckKind::KnowledgeFresh => "knowledge_fresh",
        CheckKind::LaneServes => "lane_serves",
    }
}
