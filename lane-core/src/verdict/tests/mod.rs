//! Every check, each way it can come out, and what the rules make of it. A [`Known`] is everything a verdict rests on; [`Known::good`] passes
//! every check, and a row of [`table::ROWS`] spoils one thing.

mod table;

use super::{ALL_CHECKS, Case, Check, CheckKind, CheckResult, Facts, Outcome, PlateFact, Verdict, judge};
use crate::declaration::{
    Channel, Confirmation, ConfirmationResult, Declaration, DeclarationState, Direction, LookupAnswer, Tare, TareSource, TradeType,
};
use crate::ids::{DeclarationId, Digest, Revision};
use crate::input::Freshness;
use crate::plate::PlateText;
use crate::rules::{CheckRule, LegalGross, MovementRules, Rules};
use crate::time::{Mono, Wall, WallQuality};
use crate::weight::{Steadiness, Weighing, WeightUnknown};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

const NOW_MS: i64 = 1_000_000_000;
const REVISION: Revision = Revision { epoch: 1, revision: 1 };

/// What a camera made of a plate.
#[derive(Clone, Copy)]
enum Seen {
    NoCamera,
    NotRead,
    Unsure(PlateText),
    Sure(PlateText),
    ByOfficer(PlateText),
}

impl Seen {
    fn fact(&self) -> PlateFact<'_> {
        match self {
            Self::NoCamera => PlateFact::NoCamera,
            Self::NotRead => PlateFact::NotRead,
            Self::Unsure(text) => PlateFact::Read { text, posterior_ppm: 500_000, margin_ppm: 1_000, matched: None },
            Self::Sure(text) => PlateFact::Read { text, posterior_ppm: 999_000, margin_ppm: 998_000, matched: Some(text) },
            Self::ByOfficer(text) => PlateFact::ByOfficer(text),
        }
    }
}

fn plate(text: &str) -> PlateText {
    PlateText::parse(text).unwrap()
}

fn tractor() -> PlateText {
    plate("12C12345")
}

fn trailer() -> PlateText {
    plate("12R00123")
}

struct Known {
    front: Seen,
    rear: Seen,
    answer: Option<LookupAnswer>,
    chosen: Vec<Declaration>,
    competing: u16,
    gross: Result<Weighing, WeightUnknown>,
    officer_axles: Option<u8>,
    confirmed_at_lane: Vec<(DeclarationId, Confirmation)>,
    wall: Wall,
    freshness: Freshness,
    rules: Rules,
}

fn says(agency: &str, result: ConfirmationResult) -> Confirmation {
    Confirmation {
        agency: agency.into(),
        required: true,
        result,
        at_ms: None,
        expires_ms: None,
        document: None,
        confirmed_digest: Some(Digest([1; 32])),
    }
}

fn declaration() -> Declaration {
    Declaration {
        id: "D-1".into(),
        revision: REVISION,
        gate: "gate".into(),
        direction: Direction::Outbound,
        trade: TradeType::Export,
        plate: tractor(),
        trailer_plate: Some(trailer()),
        goods: String::new(),
        perishable: false,
        priority: false,
        cargo_grams: Some(20_000_000),
        axles: Some(6),
        channel: Channel::Green,
        valid_from_ms: NOW_MS - 1_000,
        valid_until_ms: NOW_MS + 1_000,
        entries_allowed: 2,
        entries_used: 1,
        consignment: None,
        next_place: None,
        lane_hint: None,
        state: DeclarationState::Active,
        tare: Some(Tare { grams: 15_000_000, source: TareSource::Registered, at_ms: None }),
        confirmations: vec![says("customs", ConfirmationResult::Pass)],
        digest: Digest([1; 32]),
    }
}

fn weighing(gross_grams: i64) -> Weighing {
    Weighing {
        gross_grams,
        acquired_at: Mono(0),
        steady_since: Mono(0),
        steadiness: Steadiness::IndicatorFlag,
        raw: Digest([0; 32]),
        ends_confirmed: true,
    }
}

impl Known {
    fn good() -> Self {
        let mut rules = Rules::local_default("gate".into(), "lane".into(), Direction::Outbound);
        rules.legal_gross = vec![LegalGross { combination: true, axles: 6, limit_grams: 48_000_000 }];
        rules.calibrated_until_ms = Some(NOW_MS + 1);
        Self {
            front: Seen::Sure(tractor()),
            rear: Seen::Sure(trailer()),
            answer: Some(LookupAnswer {
                candidates: vec![declaration()],
                truncated: false,
                watch: Vec::new(),
                claims: Vec::new(),
                elsewhere: None,
                declarations: Some(REVISION),
                watchlist: Some(REVISION),
            }),
            chosen: vec![declaration()],
            competing: 0,
            gross: Ok(weighing(35_000_000)),
            officer_axles: None,
            confirmed_at_lane: Vec::new(),
            wall: Wall { utc_ms: NOW_MS, quality: WallQuality::Trusted },
            freshness: Freshness { head_utc_ms: Some(NOW_MS - 10_000), link_up: true, ..Freshness::NONE },
            rules,
        }
    }

    fn verdict(&self) -> Verdict {
        let case = Case {
            front: self.front.fact(),
            rear: self.rear.fact(),
            answer: self.answer.as_ref(),
            chosen: &self.chosen,
            competing: self.competing,
            gross: self.gross.as_ref().map_err(|why| *why),
            officer_axles: self.officer_axles,
            confirmed_at_lane: &self.confirmed_at_lane,
            wall: self.wall,
            freshness: &self.freshness,
        };
        judge(&case, &self.rules)
    }

    /// The one check of this kind, when it alone applies under this rule.
    fn check(&mut self, kind: CheckKind, rule: CheckRule) -> (Check, Outcome) {
        let unasked = CheckRule { applies: false, ..rule };
        self.rules.movements[0].checks = ALL_CHECKS.iter().map(|other| (*other, if *other == kind { rule } else { unasked })).collect();
        let verdict = self.verdict();
        assert_eq!(verdict.checks.len(), 1);
        (verdict.checks[0].clone(), verdict.outcome)
    }
}

const OUTCOMES: [Outcome; 3] = [Outcome::Hold, Outcome::Divert, Outcome::Refuse];

fn rule(on_failed: Outcome, on_unknown: Outcome) -> CheckRule {
    CheckRule { applies: true, on_failed, on_unknown, waive_offline_up_to_s: None }
}

/// Agencies that only ask to hold are heard as hold, whatever the rule makes of a refusal.
fn only_holding(facts: &Facts) -> bool {
    matches!(facts, Facts::Agencies { refused, holding, .. } if refused.is_empty() && !holding.is_empty())
}

#[test]
fn what_is_good_passes_every_check() {
    let verdict = Known::good().verdict();
    let kinds: Vec<CheckKind> = verdict.checks.iter().map(|check| check.kind).collect();
    assert_eq!(kinds, ALL_CHECKS, "all are evaluated, in order");
    for check in &verdict.checks {
        assert_eq!((check.result, check.leads_to), (CheckResult::Passed, Outcome::Pass), "{check:?}");
    }
    assert_eq!(verdict.outcome, Outcome::Pass);
    assert_eq!(verdict.declarations, [("D-1".into(), REVISION)]);
}

#[test]
fn every_check_comes_out_as_the_facts_say_and_leads_where_the_rule_says() {
    for (kind, what, spoil, expected) in table::ROWS {
        for on_failed in OUTCOMES {
            for on_unknown in OUTCOMES {
                let mut known = Known::good();
                spoil(&mut known);
                let (check, outcome) = known.check(*kind, rule(on_failed, on_unknown));
                let leads_to = match expected {
                    CheckResult::Passed | CheckResult::Waived => Outcome::Pass,
                    CheckResult::Failed if only_holding(&check.facts) => Outcome::Hold,
                    CheckResult::Failed => on_failed,
                    CheckResult::Unknown => on_unknown,
                };
                assert_eq!((check.kind, check.result, check.leads_to), (*kind, *expected, leads_to), "{kind:?}, {what}");
                let nobody = if known.chosen.is_empty() { Outcome::Hold } else { Outcome::Pass };
                assert_eq!(outcome, leads_to.max(nobody), "{kind:?}, {what}");
            }
        }
    }
}

#[test]
fn the_table_has_every_check_with_every_result_it_can_have() {
    for kind in ALL_CHECKS {
        for result in [CheckResult::Passed, CheckResult::Failed, CheckResult::Unknown] {
            let there = table::ROWS.iter().any(|(of, _, _, expected)| (*of, *expected) == (kind, result));
            // A plate that was not read, or not surely, says nothing against the vehicle.
            assert_eq!(there, (kind, result) != (CheckKind::PlateRead, CheckResult::Failed), "{kind:?} {result:?}");
        }
    }
}

#[test]
fn no_rule_makes_failed_or_unknown_pass() {
    for (kind, what, spoil, expected) in table::ROWS {
        let mut known = Known::good();
        spoil(&mut known);
        let (check, outcome) = known.check(*kind, rule(Outcome::Pass, Outcome::Pass));
        let least = if *expected == CheckResult::Passed { Outcome::Pass } else { Outcome::Hold };
        assert_eq!(check.leads_to, least, "{kind:?}, {what}");
        assert!(outcome >= least, "{kind:?}, {what}");
    }
}

#[test]
fn unknown_is_waived_by_a_rule_only_offline_and_only_up_to_its_age() {
    for (kind, what, spoil, expected) in table::ROWS {
        let waiving = CheckRule { waive_offline_up_to_s: Some(60), ..rule(Outcome::Refuse, Outcome::Divert) };
        let offline = |age_s: i64, wall: WallQuality, waiving: CheckRule| {
            let mut known = Known::good();
            spoil(&mut known);
            let head_utc_ms = known.freshness.head_utc_ms.map(|_| NOW_MS - age_s * 1_000);
            known.freshness = Freshness { link_up: false, head_utc_ms, ..known.freshness };
            known.wall.quality = if known.wall.trusted().is_some() { wall } else { WallQuality::Untrusted };
            known.check(*kind, waiving).0.result
        };
        // Without the link another lane's claim cannot be excluded.
        let unasked = *kind == CheckKind::NotClaimed && *expected == CheckResult::Passed;
        // Knowledge whose age is not known is never young enough.
        let mut spoilt = Known::good();
        spoil(&mut spoilt);
        let age_known = spoilt.wall.trusted().is_some() && spoilt.freshness.head_utc_ms.is_some();
        let result = offline(60, WallQuality::Trusted, waiving);
        match expected {
            CheckResult::Unknown if age_known => assert_eq!(result, CheckResult::Waived, "{kind:?}, {what}"),
            CheckResult::Unknown => assert_eq!(result, CheckResult::Unknown, "{kind:?}, {what}: of unknown age"),
            CheckResult::Passed if unasked => assert_eq!(result, CheckResult::Waived, "{kind:?}, {what}"),
            CheckResult::Failed if *kind != CheckKind::KnowledgeFresh => assert_eq!(result, CheckResult::Failed, "{kind:?}, {what}"),
            _ => {}
        }
        if *expected == CheckResult::Unknown {
            assert_eq!(offline(61, WallQuality::Trusted, waiving), CheckResult::Unknown, "{kind:?}, {what}: too old");
            assert_eq!(offline(60, WallQuality::Untrusted, waiving), CheckResult::Unknown, "{kind:?}, {what}: no clock");
            let unwaived = CheckRule { waive_offline_up_to_s: None, ..waiving };
            assert_eq!(offline(60, WallQuality::Trusted, unwaived), CheckResult::Unknown, "{kind:?}, {what}: not waived");
        }
    }
}

#[test]
fn the_worst_of_all_checks_rules() {
    let mut known = Known::good();
    known.chosen[0].channel = Channel::Red;
    known.gross = Err(WeightUnknown::Silent);
    assert_eq!(known.verdict().outcome, Outcome::Divert, "red diverts, an unknown weight holds");
    known.chosen[0].confirmations = vec![says("customs", ConfirmationResult::Refuse)];
    assert_eq!(known.verdict().outcome, Outcome::Refuse);
}

#[test]
fn the_most_specific_row_of_the_rules_is_taken() {
    let row = |direction, trade, on_failed| MovementRules {
        direction,
        trade,
        required_agencies: Vec::new(),
        checks: ALL_CHECKS.iter().map(|kind| (*kind, rule(on_failed, Outcome::Hold))).collect(),
    };
    let mut known = Known::good();
    known.chosen[0].channel = Channel::Yellow;
    known.rules.movements = vec![row(None, None, Outcome::Hold), row(None, Some(TradeType::Import), Outcome::Refuse)];
    assert_eq!(known.verdict().outcome, Outcome::Hold, "no row of this trade");
    known.rules.movements.push(row(Some(Direction::Outbound), None, Outcome::Divert));
    assert_eq!(known.verdict().outcome, Outcome::Divert, "direction before neither");
    known.rules.movements.insert(0, row(None, Some(TradeType::Export), Outcome::Refuse));
    assert_eq!(known.verdict().outcome, Outcome::Refuse, "trade before direction");
    known.rules.movements.push(row(Some(Direction::Outbound), Some(TradeType::Export), Outcome::Hold));
    assert_eq!(known.verdict().outcome, Outcome::Hold, "both before either");
}

#[test]
fn nobody_passes_on_no_declaration_whatever_the_rules_leave_out() {
    let mut known = Known::good();
    let (_, with) = known.check(CheckKind::KnowledgeFresh, rule(Outcome::Refuse, Outcome::Hold));
    known.chosen.clear();
    let (_, without) = known.check(CheckKind::KnowledgeFresh, rule(Outcome::Refuse, Outcome::Hold));
    assert_eq!((with, without), (Outcome::Pass, Outcome::Hold), "the one check that applies passes");
}

#[test]
fn an_agency_that_objects_is_heard_whatever_else_it_said() {
    use ConfirmationResult::{Hold, Pass, Refuse};
    let with = |words: &[ConfirmationResult]| {
        let mut known = Known::good();
        known.chosen[0].confirmations = words.iter().map(|word| says("customs", *word)).collect();
        known.check(CheckKind::Confirmations, rule(Outcome::Refuse, Outcome::Hold)).1
    };
    assert_eq!(with(&[Pass]), Outcome::Pass);
    assert_eq!(with(&[Pass, Hold]), Outcome::Hold);
    assert_eq!(with(&[Pass, Refuse]), Outcome::Refuse);
    assert_eq!(with(&[Hold, Refuse]), Outcome::Refuse);
}

#[test]
fn a_row_that_is_left_out_applies_and_holds() {
    let mut known = Known::good();
    known.rules.movements.clear();
    known.chosen[0].channel = Channel::Red;
    let verdict = known.verdict();
    assert_eq!((verdict.checks.len(), verdict.outcome), (ALL_CHECKS.len(), Outcome::Hold));
}
