//! One row a way a check can come out: which check, what was spoilt of what is good, and the result.

use super::{Known, NOW_MS, Seen, declaration, plate, says, tractor, trailer, weighing};
use crate::declaration::{
    Channel, ConfirmationResult, DeclarationState, Direction, OtherClaim, TradeType, WatchAction, WatchHit, WatchSeen,
};
use crate::ids::{Digest, LedgerId, PassageId};
use crate::rules::LegalGross;
use crate::time::WallQuality;
use crate::verdict::CheckKind::{
    ActiveInWindow, Calibration, CargoWeight, Channel as RiskChannel, Confirmations, DeclarationFound, EntriesLeft, GateAndDirection,
    KnowledgeFresh, LaneServes, LegalGross as Legal, NotClaimed, PlateRead, TractorAndTrailer, Watchlist,
};
use crate::verdict::CheckResult::{Failed, Passed, Unknown};
use crate::verdict::{CheckKind, CheckResult};
use crate::weight::WeightUnknown;
use alloc::vec;

type Row = (CheckKind, &'static str, fn(&mut Known), CheckResult);

fn no_clock(known: &mut Known) {
    known.wall.quality = WallQuality::Untrusted;
}

fn none_chosen(known: &mut Known) {
    known.chosen.clear();
}

fn no_answer(known: &mut Known) {
    known.answer = None;
    known.chosen.clear();
}

fn elsewhere(known: &mut Known) {
    known.chosen.clear();
    if let Some(answer) = &mut known.answer {
        answer.elsewhere = Some("other gate".into());
    }
}

fn watched(known: &mut Known, action: WatchAction) {
    if let Some(answer) = &mut known.answer {
        answer.watch = vec![WatchHit { entry: "W-1".into(), action, seen_by: WatchSeen::CentreOnly }];
    }
}

fn claimed(known: &mut Known, declaration: &str) {
    let passage = PassageId { ledger: LedgerId(2), seq: 1 };
    if let Some(answer) = &mut known.answer {
        answer.claims = vec![OtherClaim { lane: "lane 2".into(), declaration: declaration.into(), passage }];
    }
}

fn customs(known: &mut Known, result: ConfirmationResult) {
    known.chosen[0].confirmations = vec![says("customs", result)];
}

fn customs_at_lane(known: &mut Known) {
    known.confirmed_at_lane = vec![("D-1".into(), says("customs", ConfirmationResult::Pass))];
}

fn empty_return(known: &mut Known, gross_grams: i64) {
    known.chosen[0].trade = TradeType::EmptyReturn;
    known.chosen[0].cargo_grams = None;
    known.gross = Ok(weighing(gross_grams));
}

pub(super) const ROWS: &[Row] = &[
    (PlateRead, "read and matched", |_| {}, Passed),
    (PlateRead, "named by an officer", |known| known.front = Seen::ByOfficer(tractor()), Passed),
    (PlateRead, "not surely matched", |known| known.front = Seen::Unsure(tractor()), Unknown),
    (PlateRead, "not read", |known| known.front = Seen::NotRead, Unknown),
    (PlateRead, "no camera", |known| known.front = Seen::NoCamera, Unknown),
    (DeclarationFound, "one", |_| {}, Passed),
    (DeclarationFound, "for another gate", elsewhere, Failed),
    (DeclarationFound, "none for a plate that is sure", none_chosen, Failed),
    (DeclarationFound, "none for a plate that is not sure", |known| (none_chosen(known), known.front = Seen::Unsure(tractor())).1, Unknown),
    (DeclarationFound, "several compete", |known| (none_chosen(known), known.competing = 2).1, Unknown),
    (DeclarationFound, "more than were listed", |known| (none_chosen(known), known.answer.as_mut().unwrap().truncated = true).1, Unknown),
    (DeclarationFound, "none, in knowledge of unknown age", |known| (none_chosen(known), no_clock(known)).1, Unknown),
    (DeclarationFound, "no answer yet", no_answer, Unknown),
    (GateAndDirection, "here", |_| {}, Passed),
    (GateAndDirection, "another gate", |known| known.chosen[0].gate = "other gate".into(), Failed),
    (GateAndDirection, "another gate, says the centre", elsewhere, Failed),
    (GateAndDirection, "the other way", |known| known.chosen[0].direction = Direction::Inbound, Failed),
    (GateAndDirection, "nothing declared", none_chosen, Unknown),
    (ActiveInWindow, "from this instant", |known| known.chosen[0].valid_from_ms = NOW_MS, Passed),
    (ActiveInWindow, "not yet", |known| known.chosen[0].valid_from_ms = NOW_MS + 1, Failed),
    (ActiveInWindow, "until this instant", |known| known.chosen[0].valid_until_ms = NOW_MS, Failed),
    (ActiveInWindow, "withdrawn", |known| known.chosen[0].state = DeclarationState::Withdrawn, Failed),
    (ActiveInWindow, "withdrawn, no clock", |known| (no_clock(known), known.chosen[0].state = DeclarationState::Withdrawn).1, Failed),
    (ActiveInWindow, "no clock", no_clock, Unknown),
    (ActiveInWindow, "nothing declared", none_chosen, Unknown),
    (EntriesLeft, "one left", |_| {}, Passed),
    (EntriesLeft, "all used", |known| known.chosen[0].entries_used = 2, Failed),
    (EntriesLeft, "used, says the centre", |known| known.chosen[0].state = DeclarationState::Used, Failed),
    (EntriesLeft, "nothing declared", none_chosen, Unknown),
    (Confirmations, "confirmed", |_| {}, Passed),
    (Confirmations, "none required", |known| known.chosen[0].confirmations.clear(), Passed),
    (Confirmations, "at the lane", |known| (customs(known, ConfirmationResult::Absent), customs_at_lane(known)).1, Passed),
    (Confirmations, "refused", |known| customs(known, ConfirmationResult::Refuse), Failed),
    (Confirmations, "held", |known| customs(known, ConfirmationResult::Hold), Failed),
    (Confirmations, "refused, and at the lane", |known| (customs(known, ConfirmationResult::Refuse), customs_at_lane(known)).1, Failed),
    (Confirmations, "nothing said", |known| customs(known, ConfirmationResult::Absent), Unknown),
    (Confirmations, "no more", |known| customs(known, ConfirmationResult::Expired), Unknown),
    (Confirmations, "of other facts", |known| known.chosen[0].confirmations[0].confirmed_digest = Some(Digest([2; 32])), Unknown),
    (Confirmations, "until this instant", |known| known.chosen[0].confirmations[0].expires_ms = Some(NOW_MS), Unknown),
    (
        Confirmations,
        "for a time, no clock",
        |known| (no_clock(known), known.chosen[0].confirmations[0].expires_ms = Some(i64::MAX)).1,
        Unknown,
    ),
    (Confirmations, "an agency of the rules", |known| known.rules.movements[0].required_agencies = vec!["quarantine".into()], Unknown),
    (Confirmations, "nothing declared", none_chosen, Unknown),
    (RiskChannel, "green", |_| {}, Passed),
    (RiskChannel, "yellow", |known| known.chosen[0].channel = Channel::Yellow, Failed),
    (RiskChannel, "red", |known| known.chosen[0].channel = Channel::Red, Failed),
    (RiskChannel, "one of two is red", |known| (known.chosen.push(declaration()), known.chosen[1].channel = Channel::Red).1, Failed),
    (RiskChannel, "undecided", |known| known.chosen[0].channel = Channel::Undecided, Unknown),
    (RiskChannel, "nothing declared", none_chosen, Unknown),
    (TractorAndTrailer, "both", |_| {}, Passed),
    (TractorAndTrailer, "rigid", |known| (known.chosen[0].trailer_plate = None, known.rear = Seen::Sure(tractor())).1, Passed),
    (TractorAndTrailer, "another trailer", |known| known.rear = Seen::ByOfficer(plate("12R99999")), Failed),
    (TractorAndTrailer, "another tractor", |known| known.front = Seen::ByOfficer(plate("29H88888")), Failed),
    (
        TractorAndTrailer,
        "declarations of two trailers",
        |known| (known.chosen.push(declaration()), known.chosen[1].trailer_plate = None).1,
        Failed,
    ),
    (TractorAndTrailer, "trailer not sure", |known| known.rear = Seen::Unsure(trailer()), Unknown),
    (TractorAndTrailer, "nobody looks at the tail", |known| known.rear = Seen::NoCamera, Unknown),
    (TractorAndTrailer, "nothing declared", none_chosen, Unknown),
    (CargoWeight, "at the upper tolerance", |known| known.gross = Ok(weighing(35_600_000)), Passed),
    (CargoWeight, "at the lower tolerance", |known| known.gross = Ok(weighing(34_400_000)), Passed),
    (CargoWeight, "too heavy", |known| known.gross = Ok(weighing(35_600_001)), Failed),
    (CargoWeight, "too light", |known| known.gross = Ok(weighing(34_399_999)), Failed),
    (CargoWeight, "empty", |known| empty_return(known, 15_500_000), Passed),
    (CargoWeight, "not empty", |known| empty_return(known, 15_500_001), Failed),
    (CargoWeight, "two declarations, one load", |known| known.chosen.push(declaration()), Failed),
    (CargoWeight, "two declarations add up", |known| (known.chosen.push(declaration()), known.gross = Ok(weighing(55_000_000))).1, Passed),
    (CargoWeight, "no tare", |known| known.chosen[0].tare = None, Unknown),
    (CargoWeight, "no cargo declared", |known| known.chosen[0].cargo_grams = None, Unknown),
    (CargoWeight, "not weighed", |known| known.gross = Err(WeightUnknown::NotZeroBefore), Unknown),
    (CargoWeight, "nothing declared", none_chosen, Unknown),
    (Legal, "at the limit", |known| known.gross = Ok(weighing(48_000_000)), Passed),
    (Legal, "over the limit", |known| known.gross = Ok(weighing(48_000_001)), Failed),
    (
        Legal,
        "fewer axles, says an officer",
        |known| {
            known.officer_axles = Some(5);
            known.rules.legal_gross.push(LegalGross { combination: true, axles: 5, limit_grams: 34_000_000 });
        },
        Failed,
    ),
    (Legal, "no row for so few axles", |known| known.officer_axles = Some(5), Unknown),
    (Legal, "no row for a rigid truck", |known| known.chosen[0].trailer_plate = None, Unknown),
    (Legal, "axles unknown", |known| known.chosen[0].axles = None, Unknown),
    (Legal, "not weighed", |known| known.gross = Err(WeightUnknown::Moving), Unknown),
    (Calibration, "holds", |_| {}, Passed),
    (Calibration, "until this instant", |known| known.rules.calibrated_until_ms = Some(NOW_MS), Failed),
    (Calibration, "nobody knows", |known| known.rules.calibrated_until_ms = None, Unknown),
    (Calibration, "no clock", no_clock, Unknown),
    (Watchlist, "nobody watches", |_| {}, Passed),
    (Watchlist, "a silent alarm", |known| watched(known, WatchAction::SilentAlarm), Passed),
    (Watchlist, "hold", |known| watched(known, WatchAction::Hold), Failed),
    (Watchlist, "no list", |known| known.answer.as_mut().unwrap().watchlist = None, Unknown),
    (Watchlist, "no answer yet", no_answer, Unknown),
    (NotClaimed, "by nobody", |_| {}, Passed),
    (NotClaimed, "another declaration", |known| claimed(known, "D-2"), Passed),
    (NotClaimed, "by another lane", |known| claimed(known, "D-1"), Failed),
    (NotClaimed, "by another lane, offline", |known| (claimed(known, "D-1"), known.freshness.link_up = false).1, Failed),
    (NotClaimed, "offline", |known| known.freshness.link_up = false, Unknown),
    (NotClaimed, "no answer yet", no_answer, Unknown),
    (KnowledgeFresh, "at the limit", |known| known.freshness.head_utc_ms = Some(NOW_MS - 72 * 3_600_000), Passed),
    (KnowledgeFresh, "a second older", |known| known.freshness.head_utc_ms = Some(NOW_MS - 72 * 3_600_000 - 1_000), Failed),
    (KnowledgeFresh, "never heard", |known| known.freshness.head_utc_ms = None, Unknown),
    (KnowledgeFresh, "no clock", no_clock, Unknown),
    (LaneServes, "every trade", |_| {}, Passed),
    (LaneServes, "sent here", |known| known.chosen[0].lane_hint = Some("lane".into()), Passed),
    (LaneServes, "sent to another lane", |known| known.chosen[0].lane_hint = Some("lane 2".into()), Failed),
    (LaneServes, "another trade", |known| known.rules.trades = vec![TradeType::Import], Failed),
    (LaneServes, "a trade nobody knows", |known| known.chosen[0].trade = TradeType::Other, Failed),
    (LaneServes, "nothing declared", none_chosen, Unknown),
];
