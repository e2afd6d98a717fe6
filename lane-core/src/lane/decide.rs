//! Deciding: the vehicle at the boom is judged whenever a fact of it changed, and once a second while facts age.
//!
//! Before it is *settled* a verdict is provisional: a passing one opens, any other waits for what may still come. Settled is a vehicle whose
//! plates, answer and weight are all there, or whose deadline has passed. A settled vehicle that does not pass is *held*; it is judged again
//! at every change, and it calls a person: at once where only a person can help, after `call_officer_ms` in every case (L1).

use super::Lane;
use super::identify::{Matched, choose, declared_plates, match_plate};
use super::timers::Timer;
use super::vehicle::{Judged, Vehicle, judged};
use crate::fault::{Fault, Severity};
use crate::input::{Camera, ScaleState};
use crate::officer::Mode;
use crate::record::What;
use crate::signal::{Signal, Tri};
use crate::verdict::{Case, CheckKind, Facts, Outcome, PlateFact, Verdict, judge};

/// Facts that age are judged again after this.
const REJUDGE_MS: u64 = 1_000;

impl Lane {
    /// Levels and conclusions after one input.
    pub(super) fn settle(&mut self) {
        self.key_switch();
        if self.ready {
            self.levels();
            self.judge_if_due();
            self.permit_turn();
            self.call_if_due();
        }
        self.show();
    }

    /// Something that verdicts rest on changed.
    pub(super) fn facts_changed(&mut self) {
        if let Some(vehicle) = &mut self.at_boom {
            vehicle.dirty = true;
        }
    }

    pub(super) fn identify_deadline(&mut self) {
        if cfg!(planted = "lane_l1") {
            return;
        }
        if let Some(vehicle) = &mut self.at_boom {
            vehicle.settled = true;
            vehicle.dirty = true;
        }
    }

    fn judge_if_due(&mut self) {
        let Some(vehicle) = self.at_boom.as_mut().filter(|v| v.dirty && !v.wrong_way) else { return };
        vehicle.dirty = false;
        let Some(vehicle) = &self.at_boom else { return };
        let (verdict, chosen, competing, all_known) = self.judge(vehicle);
        let now = self.now;
        let Some(vehicle) = &mut self.at_boom else { return };
        vehicle.settled |= all_known || verdict.outcome == Outcome::Pass;
        vehicle.chosen = chosen;
        vehicle.competing = competing;
        vehicle.verdict = Some(verdict);
        vehicle.judged_at = now;
        if vehicle.settled {
            vehicle.verdict_at.get_or_insert(now);
        }
        self.timers.set(Timer::Rejudge, now.plus(REJUDGE_MS));
        self.claim();
        self.record_verdict();
    }

    /// The verdict, the declarations it chose, those that compete, and whether everything that may come has come.
    fn judge(
        &self,
        vehicle: &Vehicle,
    ) -> (Verdict, alloc::vec::Vec<crate::declaration::Declaration>, alloc::vec::Vec<crate::ids::DeclarationId>, bool) {
        let answer = vehicle.answer.as_ref();
        let truncated = answer.is_some_and(|answer| answer.truncated);
        let matched = |camera| {
            let plate = if camera == Camera::Front { &vehicle.front } else { &vehicle.rear };
            match_plate(plate, camera, &declared_plates(answer, camera), truncated, &self.rules)
        };
        let (front, rear) = (matched(Camera::Front), matched(Camera::Rear));
        let wall = self.wall_now();
        let chosen = choose(vehicle, front, rear, &self.rules, wall);
        let case = Case {
            front: self.plate_fact(Camera::Front, front.as_ref()),
            rear: self.plate_fact(Camera::Rear, rear.as_ref()),
            answer,
            chosen: &chosen.declarations,
            competing: u16::try_from(chosen.competing.len()).unwrap_or(u16::MAX),
            gross: self.gross(vehicle),
            officer_axles: vehicle.axles,
            confirmed_at_lane: &vehicle.confirmed,
            wall,
            freshness: &self.freshness,
        };
        let verdict = judge(&case, &self.rules);
        let sure = |camera, matched: Option<&Matched>| !self.has_camera(camera) || matched.and_then(Matched::sure).is_some();
        let all_known = answer.is_some()
            && !vehicle.waiting
            && sure(Camera::Front, front.as_ref())
            && sure(Camera::Rear, rear.as_ref())
            && (vehicle.weighing.is_some() || self.scale == ScaleState::Absent);
        let competing = chosen.competing.into_iter().map(|declaration| declaration.id).collect();
        (verdict, chosen.declarations, competing, all_known)
    }

    fn plate_fact<'a>(&self, camera: Camera, matched: Option<&'a Matched>) -> PlateFact<'a> {
        match matched {
            Some(Matched { text, by_officer: true, .. }) => PlateFact::ByOfficer(text),
            Some(Matched { text, posterior_ppm, margin_ppm, plate, .. }) => {
                PlateFact::Read { text, posterior_ppm: *posterior_ppm, margin_ppm: *margin_ppm, matched: plate.as_ref() }
            }
            None if self.has_camera(camera) => PlateFact::NotRead,
            None => PlateFact::NoCamera,
        }
    }

    /// Writes what the verdict rests on, and the verdict, when it means something else than the one written last.
    pub(super) fn record_verdict(&mut self) {
        if !self.at_boom.as_ref().is_some_and(|v| v.settled && v.passage.is_some()) {
            return;
        }
        self.record_plates();
        self.record_weight();
        let Some(vehicle) = &mut self.at_boom else { return };
        let Some(verdict) = &vehicle.verdict else { return };
        let meaning = (judged(verdict), verdict.declarations.clone());
        if vehicle.verdict_recorded.as_ref() == Some(&meaning) {
            return;
        }
        vehicle.verdict_recorded = Some(meaning);
        let (passage, what) = (vehicle.passage, What::Verdict(alloc::boxed::Box::new(verdict.clone())));
        self.say(passage, what);
    }

    /// Is each opening agreed to by a person?
    pub(super) fn attended(&self) -> bool {
        self.mode.now == Mode::Attended || (self.faults.worst() >= Some(Severity::Attend) && !cfg!(planted = "lane_i5"))
    }

    fn call_if_due(&mut self) {
        let now = self.now;
        let call_after = self.ms(|t| t.call_officer_ms);
        if self.permit.is_some() || self.goes_on_without_us() {
            self.timers.stop(Timer::Call);
            return;
        }
        let at_once = self.only_a_person_helps();
        let Some(vehicle) = &self.at_boom else { return };
        if vehicle.called_at.is_some() {
            return;
        }
        if at_once && vehicle.attended_at.is_none() {
            self.call();
        } else if !self.timers.is_set(Timer::Call) {
            let from = vehicle.attended_at.unwrap_or(vehicle.served_since);
            self.timers.set(Timer::Call, from.plus(call_after).max(now.plus(1)));
        }
    }

    /// Vehicles pass unchecked, and the boom does not stand in their way.
    fn goes_on_without_us(&self) -> bool {
        self.passes_unchecked() && self.signal(Signal::BoomDown) != Some(Tri::On)
    }

    /// A settled vehicle that nothing but a person can bring on: not the one that waits for a confirmation, nor the one that was told to go.
    fn only_a_person_helps(&self) -> bool {
        let Some(vehicle) = self.at_boom.as_ref().filter(|v| v.settled && v.decision.is_none()) else { return false };
        if vehicle.passage.is_none() || self.passes_unchecked() || self.faults.worst() >= Some(Severity::Hold) {
            return true;
        }
        match vehicle.outcome() {
            Some(Outcome::Pass) => self.attended() || vehicle.needs_person,
            Some(Outcome::Hold) => !vehicle.waits_for_confirmation(),
            Some(Outcome::Divert | Outcome::Refuse) => false,
            None => true,
        }
    }

    pub(super) fn call_due(&mut self) {
        if !cfg!(planted = "lane_l1") && self.permit.is_none() && !self.goes_on_without_us() {
            self.call();
        }
    }

    fn call(&mut self) {
        let now = self.now;
        let unanswered_after = self.ms(|t| t.call_unanswered_ms);
        let Some(vehicle) = self.at_boom.as_mut().filter(|v| v.called_at.is_none()) else { return };
        vehicle.called_at = Some(now);
        self.timers.stop(Timer::Call);
        self.timers.set(Timer::Unanswered, now.plus(unanswered_after));
    }

    pub(super) fn call_unanswered(&mut self) {
        self.set_fault(Fault::CallUnanswered, true);
    }

    /// A person acted: the call is answered, and rises again if nothing comes of it.
    pub(super) fn answer_call(&mut self) {
        let now = self.now;
        let Some(vehicle) = &mut self.at_boom else { return };
        vehicle.attended_at = Some(now);
        vehicle.called_at = None;
        self.timers.stop(Timer::Call);
        self.timers.stop(Timer::Unanswered);
        self.set_fault(Fault::CallUnanswered, false);
    }
}

impl Vehicle {
    /// Everything passes but confirmations that may still come.
    pub(super) fn waits_for_confirmation(&self) -> bool {
        let Some(verdict) = &self.verdict else { return false };
        let mut open = verdict.checks.iter().filter(|check| check.leads_to != Outcome::Pass).peekable();
        open.peek().is_some()
            && open.all(|check| {
                check.kind == CheckKind::Confirmations
                    && matches!(&check.facts, Facts::Agencies { holding, refused, .. } if holding.is_empty() && refused.is_empty())
            })
    }
}

/// Does the verdict lead to something worse, in any check, than what it meant then?
pub(super) fn worse(now: &Verdict, then: &Judged) -> bool {
    now.checks.iter().any(|check| {
        let before = then.iter().find(|(kind, _, _)| *kind == check.kind).map_or(Outcome::Pass, |(_, _, leads_to)| *leads_to);
        check.leads_to > before
    })
}
