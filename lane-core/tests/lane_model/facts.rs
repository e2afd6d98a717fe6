//! What is true in the model's world: plates, rules of small multiples of a tick, the boom's limits, the one declaration.

use super::world::BASE_MS;
use lane_core::declaration::{
    Channel, Confirmation, ConfirmationResult, Declaration, DeclarationState, Direction, Tare, TareSource, TradeType,
};
use lane_core::ids::{BootId, Digest, LedgerId, PassageId, Revision};
use lane_core::input::Started;
use lane_core::interlock::Config;
use lane_core::lane::Lane;
use lane_core::officer::Mode;
use lane_core::plate::PlateText;
use lane_core::rules::{CheckRule, Rules};
use lane_core::signal::{ProcessImage, Signal};
use lane_core::time::Mono;
use lane_core::verdict::{ALL_CHECKS, CheckKind, Outcome};

pub const FITTED: [Signal; 8] = [
    Signal::ApproachLoop,
    Signal::PlatformFront,
    Signal::PlatformRear,
    Signal::BoomLoop,
    Signal::Photocell,
    Signal::ExitLoop,
    Signal::BoomUp,
    Signal::BoomDown,
];

/// The first vehicle's plate is declared, the second's is not.
pub fn plate(car: usize) -> PlateText {
    PlateText::parse(["12C12345", "29H88888"][car]).unwrap()
}

fn rules() -> Rules {
    let mut rules = Rules::local_default("g".into(), "l".into(), Direction::Outbound);
    let checked = [CheckKind::PlateRead, CheckKind::DeclarationFound, CheckKind::Confirmations, CheckKind::CargoWeight];
    rules.movements[0].checks = ALL_CHECKS
        .into_iter()
        .map(|kind| {
            let rule = CheckRule {
                applies: checked.contains(&kind),
                on_failed: Outcome::Hold,
                on_unknown: Outcome::Hold,
                waive_offline_up_to_s: None,
            };
            (kind, rule)
        })
        .collect();
    let timing = &mut rules.timing;
    timing.fresh_ms = 600;
    timing.joined_gap_ms = 1_000;
    timing.leave_hold_ms = 1_500;
    timing.identify_deadline_ms = 1_500;
    timing.call_officer_ms = 2_000;
    timing.call_unanswered_ms = 1_500;
    timing.permit_ms = 3_000;
    timing.query_deadline_ms = 500;
    timing.watch_record_ms = u32::MAX;
    rules.weight.flag_min_samples = 1;
    rules.weight.window_ms = 0;
    rules.weight.ends_quiet_ms = 0;
    rules
}

pub fn boom_config() -> Config {
    Config {
        pulse_ms: 500,
        fresh_ms: 600,
        fresh_scans: 1,
        close_clear_hold_ms: 500,
        reversal_rest_ms: 500,
        travel_limit_ms: 2_500,
        joined_gap_ms: 1_000,
        unclear_after_ms: 1_500,
        presence_stuck_ms: 0,
        open_limit_ms: 0,
        ..Config::default()
    }
}

pub fn lane(boot: u128, open_passage: Option<PassageId>) -> Lane {
    let digest = Digest([0; 32]);
    let started = Started {
        boot: BootId(boot),
        ledger: LedgerId(1),
        mode: Mode::Automatic,
        mode_by: None,
        open_passage,
        program: digest,
        settings: digest,
        models: digest,
    };
    Lane::new(rules(), started, ProcessImage::new(FITTED), Mono(BASE_MS))
}

pub fn declaration(confirmed: bool) -> Declaration {
    let result = if confirmed { ConfirmationResult::Pass } else { ConfirmationResult::Absent };
    let digest = Digest([9; 32]);
    Declaration {
        id: "D".into(),
        revision: Revision { epoch: 1, revision: 1 },
        gate: "g".into(),
        direction: Direction::Outbound,
        trade: TradeType::Export,
        plate: plate(0),
        trailer_plate: None,
        goods: String::new(),
        perishable: false,
        priority: false,
        cargo_grams: Some(20_000_000),
        axles: None,
        channel: Channel::Green,
        valid_from_ms: 0,
        valid_until_ms: i64::MAX,
        entries_allowed: 1,
        entries_used: 0,
        consignment: None,
        next_place: None,
        lane_hint: None,
        state: DeclarationState::Active,
        tare: Some(Tare { grams: 15_000_000, source: TareSource::Registered, at_ms: None }),
        confirmations: vec![Confirmation {
            agency: "customs".into(),
            required: true,
            result,
            at_ms: None,
            expires_ms: None,
            document: None,
            confirmed_digest: Some(digest),
        }],
        digest,
    }
}
