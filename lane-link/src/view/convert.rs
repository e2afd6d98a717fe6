//! The core's view as the screens get it, every field by name.

use super::{
    Check, DeclarationView, Facts, FaultView, Instruction, LaneView, OtherText, Permit, Plate, Second, ShownCheck, ShownKind, Signal,
    Vehicle, Verdict,
};
use crate::ids;
use lane_core::verdict::{Check as CoreCheck, CheckKind as CoreKind, Facts as CoreFacts};
use lane_core::view as core;

impl From<&core::LaneView> for LaneView {
    fn from(v: &core::LaneView) -> Self {
        Self {
            phase: v.phase.into(),
            mode: v.mode.into(),
            stamp: v.stamp,
            at_boom: v.at_boom.as_ref().map(Vehicle::from),
            approaching: v.approaching.as_ref().map(Vehicle::from),
            boom: v.boom.into(),
            permit: v.permit.map(|p| Permit { permit: p.kind.into(), left_ms: p.left_ms, entered: p.entered }),
            signals: v.signals.iter().map(Signal::from).collect(),
            faults: v.faults.iter().map(|f| FaultView { fault: f.fault.into(), severity: f.severity.into(), age_ms: f.age_ms }).collect(),
            stop_latched: v.stop_latched,
            platform_grams: v.platform.as_ref().map(|p| p.value),
            platform_age_ms: v.platform.as_ref().map(|p| p.age_ms),
            cameras: v.cameras.map(Into::into),
            scale: v.scale.into(),
            sign: v.sign.into(),
            knowledge_age_s: v.knowledge_age_s,
            link_up: v.link_up,
            store_ok: v.store_ok,
            waiting_second: v.waiting_second.as_ref().map(Second::from),
        }
    }
}

impl From<&core::SignalView> for Signal {
    fn from(s: &core::SignalView) -> Self {
        Self { name: s.signal.into(), on: s.on, present: s.present, age_ms: s.age_ms }
    }
}

impl From<&core::VehicleView> for Vehicle {
    fn from(v: &core::VehicleView) -> Self {
        let plate = |p: &core::PlateView| Plate {
            camera: p.camera.into(),
            text: p.text.to_string(),
            probability_ppm: p.probability_ppm,
            by_officer: p.by_officer,
            others: p.others.iter().map(|(text, ppm)| OtherText { text: text.to_string(), probability_ppm: *ppm }).collect(),
            contested: p.contested,
            evidence: p.picture.map(|picture| ids::digest_text(picture.frame)),
            crop: p.picture.and_then(|picture| picture.crop).map(ids::digest_text),
            quad: p.picture.and_then(|picture| picture.quad),
            age_ms: p.age_ms,
        };
        Self {
            passage: v.passage.map(ids::passage_text),
            here_ms: v.here_ms,
            plates: v.plates.iter().map(plate).collect(),
            gross_grams: v.gross.as_ref().ok().map(|g| g.value),
            gross_age_ms: v.gross.as_ref().ok().map(|g| g.age_ms),
            gross_unknown: v.gross.as_ref().err().map(|why| (*why).into()),
            declarations: v.declarations.iter().map(DeclarationView::from).collect(),
            candidates: v.candidates.iter().map(DeclarationView::from).collect(),
            verdict: v.verdict.as_ref().map(|aged| Verdict {
                outcome: aged.value.outcome.into(),
                checks: aged.value.checks.iter().map(ShownCheck::from).collect(),
                age_ms: aged.age_ms,
            }),
            called_ms: v.called_ms,
            decided_by: v.decided_by.as_ref().map(|o| o.id.0.clone()),
        }
    }
}

impl From<&lane_core::declaration::Declaration> for DeclarationView {
    fn from(d: &lane_core::declaration::Declaration) -> Self {
        Self {
            id: d.id.0.clone(),
            trade: d.trade.into(),
            direction: d.direction.into(),
            plate: d.plate.to_string(),
            trailer_plate: d.trailer_plate.as_ref().map(ToString::to_string),
            goods: d.goods.clone(),
            perishable: d.perishable,
            priority: d.priority,
            cargo_grams: d.cargo_grams,
            channel: d.channel.into(),
            valid_from_ms: d.valid_from_ms,
            valid_until_ms: d.valid_until_ms,
            next_place: d.next_place.clone(),
        }
    }
}

impl From<&CoreCheck> for Check {
    fn from(c: &CoreCheck) -> Self {
        Self { kind: c.kind.into(), result: c.result.into(), leads_to: c.leads_to.into(), facts: Facts::from(&c.facts) }
    }
}

impl From<&CoreCheck> for ShownCheck {
    fn from(c: &CoreCheck) -> Self {
        let Check { kind, result, leads_to, facts } = Check::from(c);
        let hidden = c.kind == CoreKind::Watchlist && c.facts != (CoreFacts::Watched { lane_may_see: true });
        if hidden {
            return Self { kind: ShownKind::Instruction(Instruction::Instruction), result, leads_to, facts: Facts::None };
        }
        Self { kind: ShownKind::Check(kind), result, leads_to, facts }
    }
}

impl From<&core::SecondView> for Second {
    fn from(second: &core::SecondView) -> Self {
        let act = &second.act;
        Self { to: act.id.0.clone(), by: (&act.by).into(), act: (&act.act).into(), left_ms: second.left_ms }
    }
}

impl From<&CoreFacts> for Facts {
    fn from(facts: &CoreFacts) -> Self {
        let names = |agencies: &[lane_core::ids::Agency]| agencies.iter().map(|a| a.0.clone()).collect();
        match facts {
            CoreFacts::None => Self::None,
            CoreFacts::Plate { text, posterior_ppm, margin_ppm, by_officer } => {
                Self::Plate { text: text.clone(), posterior_ppm: *posterior_ppm, margin_ppm: *margin_ppm, by_officer: *by_officer }
            }
            CoreFacts::Declarations { candidates, chosen } => {
                Self::Declarations { candidates: *candidates, chosen: chosen.iter().map(|id| id.0.clone()).collect() }
            }
            CoreFacts::Elsewhere { gate } => Self::Elsewhere { gate: gate.0.clone() },
            CoreFacts::Window { from_ms, until_ms, now_ms } => Self::Window { from_ms: *from_ms, until_ms: *until_ms, now_ms: *now_ms },
            CoreFacts::Entries { used, allowed } => Self::Entries { used: *used, allowed: *allowed },
            CoreFacts::Agencies { missing, holding, refused } => {
                Self::Agencies { missing: names(missing), holding: names(holding), refused: names(refused) }
            }
            CoreFacts::Channel { channel } => Self::Channel { channel: (*channel).into() },
            CoreFacts::Plates { read, declared } => Self::Plates { read: read.clone(), declared: declared.clone() },
            CoreFacts::Weight { gross_grams, tare_grams, tare_source, declared_grams, min_grams, max_grams, why_unknown } => Self::Weight {
                gross_grams: *gross_grams,
                tare_grams: *tare_grams,
                tare_source: tare_source.map(Into::into),
                declared_grams: *declared_grams,
                min_grams: *min_grams,
                max_grams: *max_grams,
                why_unknown: why_unknown.map(Into::into),
            },
            CoreFacts::Legal { gross_grams, limit_grams, axles } => {
                Self::Legal { gross_grams: *gross_grams, limit_grams: *limit_grams, axles: *axles }
            }
            CoreFacts::Claimed { lane } => Self::Claimed { lane: lane.0.clone() },
            CoreFacts::Age { age_s, limit_s } => Self::Age { age_s: *age_s, limit_s: *limit_s },
            CoreFacts::Watched { lane_may_see } => Self::Watched { lane_may_see: *lane_may_see },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::SignalName;
    use lane_core::signal::Signal as CoreSignal;
    use lane_core::verdict::{CheckResult, Outcome};

    fn shown(result: CheckResult, facts: CoreFacts) -> serde_json::Value {
        let check = CoreCheck { kind: CoreKind::Watchlist, result, leads_to: Outcome::Hold, facts };
        serde_json::to_value(ShownCheck::from(&check)).unwrap()
    }

    /// Found for others, not found, not looked up: the same name and no facts. Found for the lane: named.
    #[test]
    fn a_watch_that_is_not_for_the_lane_has_no_name_and_no_facts() {
        let hidden = [
            (CheckResult::Failed, CoreFacts::Watched { lane_may_see: false }),
            (CheckResult::Passed, CoreFacts::None),
            (CheckResult::Unknown, CoreFacts::None),
        ];
        for (result, facts) in hidden {
            let shown = shown(result, facts);
            assert_eq!((&shown["kind"], &shown["facts"]["about"]), (&"instruction".into(), &"none".into()));
            assert!(!shown.to_string().contains("watch"), "{shown}");
        }
        let seen = shown(CheckResult::Failed, CoreFacts::Watched { lane_may_see: true });
        assert_eq!((&seen["kind"], &seen["facts"]["about"]), (&"watchlist".into(), &"watched".into()));
    }

    #[test]
    fn a_signal_is_called_as_in_the_settings() {
        for signal in CoreSignal::ALL {
            assert_eq!(serde_json::to_value(SignalName::from(signal)).unwrap(), signal.name());
        }
    }

    #[test]
    fn a_second_person_is_told_who_asked_for_what_and_how_long_is_left() {
        use lane_core::ids::{ActId, OfficerId};
        use lane_core::officer::{Act, Officer, OfficerAct, Origin, Reason, ReasonCode, Role};
        let act = OfficerAct {
            id: ActId("press-0001".into()),
            by: Officer { id: OfficerId("lan.nguyen".into()), agency: "customs".into(), role: Role::Officer },
            origin: Origin::Lane,
            passage: None,
            view_stamp: Some(3),
            act: Act::Open(Reason { code: ReasonCode::ConfirmedOutside, text: "fax".into() }),
        };
        let told = serde_json::to_value(Second::from(&core::SecondView { act, left_ms: 52_000 })).unwrap();
        let expected = serde_json::json!({
            "to": "press-0001",
            "by": { "id": "lan.nguyen", "agency": "customs", "role": "officer" },
            "act": { "do": "open", "reason": { "code": "confirmed_outside", "text": "fax" } },
            "left_ms": 52_000,
        });
        assert_eq!(told, expected);
    }
}
