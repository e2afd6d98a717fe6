//! Acts of persons: admitted by rules, then done. Every act is answered and recorded, whatever became of it; the same id does nothing twice.
//!
//! An act on a vehicle must name the passage at the boom, and a decision about it also the view it was decided on; else `passage_changed` (I13).
//! What only adds facts (a plate, a choice, an axle count) changes the view itself and needs the passage alone.
//!
//! | act | who | needs |
//! |---|---|---|
//! | Agree | officer, supervisor | a passing verdict, the view |
//! | Open | officer, supervisor; against the verdict: of an agency that may override, and a second person where the rules ask | the view, a reason |
//! | Open (bring-up) | technician, supervisor, at the lane | the lane proven empty |
//! | OpenGroup, OpenEmergency | officer, supervisor of an agency that may override, at the lane | a reason |
//! | Refuse, Divert, Hold, Release | officer, supervisor; Release: the same agency, or a supervisor | the view (Release: the passage) |
//! | CorrectPlate, ChooseDeclaration, SetAxles | officer, supervisor | the passage, nothing under way |
//! | Confirm | officer, supervisor of an agency that is missing | the view |
//! | ResetFaults, CloseBoom | anybody with a login, at the lane | |
//! | SecondConsent | another person, supervisor | the first act still stands |

use super::Lane;
use super::permits::Asked;
use super::timers::Timer;
use super::vehicle::{Ban, Decision, Vehicle};
use crate::declaration::{Confirmation, ConfirmationResult};
use crate::effect::Effect;
use crate::fault::Severity;
use crate::ids::{ActId, Agency};
use crate::input::Camera;
use crate::officer::{Act, ActOutcome, Mode, OfficerAct, Origin, Reason, ReasonCode, Role};
use crate::permit::{PermitEnd, PermitKind};
use crate::plate::PlateText;
use crate::record::{PassageEnd, What};
use crate::time::Mono;
use crate::verdict::{CheckKind, Facts, Outcome};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use serde::{Deserialize, Serialize};

/// Act ids remembered, so that a repeated press or a repeated command does nothing.
const MAX_REMEMBERED_ACTS: usize = 64;
/// A second person must agree within this.
pub(super) const SECOND_WITHIN_MS: u64 = 60_000;
/// Words of a reason, bytes.
const MAX_REASON_BYTES: usize = 500;

/// The last acts' names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub(super) struct ActMemory {
    ids: VecDeque<ActId>,
}

impl ActMemory {
    fn knows(&self, id: &ActId) -> bool {
        self.ids.contains(id)
    }

    fn remember(&mut self, id: ActId) {
        if self.ids.len() >= MAX_REMEMBERED_ACTS {
            self.ids.pop_front();
        }
        self.ids.push_back(id);
    }
}

/// An act that waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct PendingSecond {
    pub(super) act: Box<OfficerAct>,
    pub(super) at: Mono,
}

impl Lane {
    pub(super) fn take_act(&mut self, act: &OfficerAct) {
        if self.memory.knows(&act.id) {
            return self.emit(Effect::Answer { act: act.id.clone(), outcome: ActOutcome::Repeated });
        }
        self.memory.remember(act.id.clone());
        let outcome = self.admit(act, false);
        self.record_act(act, outcome);
        self.emit(Effect::Answer { act: act.id.clone(), outcome });
        match outcome {
            ActOutcome::Accepted => self.perform(act),
            ActOutcome::NeedsSecond => {
                self.second = Some(PendingSecond { act: Box::new(act.clone()), at: self.now });
                self.timers.set(Timer::Second, self.now.plus(SECOND_WITHIN_MS));
            }
            _ => {}
        }
    }

    fn record_act(&mut self, act: &OfficerAct, outcome: ActOutcome) {
        let lane_would = self.at_boom.as_ref().map(|v| v.outcome().unwrap_or(Outcome::Hold));
        let what = What::Act {
            id: act.id.clone(),
            by: act.by.clone(),
            origin: act.origin,
            act: act.act.clone(),
            outcome,
            lane_would,
            view_stamp: act.view_stamp,
        };
        self.say(act.passage, what);
    }

    /// Would the act be done? Nothing changes here. `agreed`: a second person consents.
    fn admit(&self, act: &OfficerAct, agreed: bool) -> ActOutcome {
        if let Some(outcome) = refuse_reason(&act.act) {
            return outcome;
        }
        if self.mode.now == Mode::Maintenance && !matches!(act.act, Act::SetMode(..)) {
            return ActOutcome::WrongMode;
        }
        let officer = matches!(act.by.role, Role::Officer | Role::Supervisor);
        let anybody = matches!(act.act, Act::SetMode(..) | Act::ResetFaults | Act::CloseBoom) || self.mode.now == Mode::BringUp;
        if !officer && !anybody {
            return ActOutcome::NotAllowed;
        }
        match &act.act {
            Act::Open(_) if self.mode.now == Mode::BringUp => self.admit_test(act),
            Act::Open(_) => self.admit_open(act, agreed),
            Act::Agree => self.admit_agree(act),
            Act::Refuse(_) | Act::Divert(_) | Act::Hold(_) => self.with_view(act, |_| ActOutcome::Accepted),
            Act::Release => self.with_passage(act, |vehicle| match &vehicle.decision {
                Some(decision) if act.by.role == Role::Supervisor || decision.by.agency == act.by.agency => ActOutcome::Accepted,
                Some(_) => ActOutcome::NotAllowed,
                None => ActOutcome::BadValue,
            }),
            Act::CorrectPlate(..) => self.with_passage(act, |_| self.admit_fact()),
            Act::ChooseDeclaration(id) => self.with_passage(act, |vehicle| {
                let known = vehicle.answer.as_ref().is_some_and(|answer| answer.candidates.iter().any(|d| d.id == *id));
                if known { self.admit_fact() } else { ActOutcome::BadValue }
            }),
            Act::SetAxles(axles) => {
                let in_range = (2..=12).contains(axles);
                self.with_passage(act, |_| if in_range { self.admit_fact() } else { ActOutcome::BadValue })
            }
            Act::Confirm => self.with_view(act, |vehicle| match missing_agency(vehicle, &act.by.agency) {
                true => ActOutcome::Accepted,
                false => ActOutcome::NotAllowed,
            }),
            Act::SetMode(to, _) => self.admit_mode(*to, act),
            Act::ResetFaults | Act::CloseBoom => at_lane(act),
            Act::OpenGroup(count, _) if !(2..=20).contains(count) => ActOutcome::BadValue,
            Act::OpenGroup(..) => self.admit_many(act, matches!(self.mode.now, Mode::Automatic | Mode::Attended)),
            Act::OpenEmergency(_) => self.admit_many(act, !matches!(self.mode.now, Mode::Manual)),
            Act::SecondConsent(first) => self.admit_second(act, first),
        }
    }

    fn with_passage(&self, act: &OfficerAct, then: impl FnOnce(&Vehicle) -> ActOutcome) -> ActOutcome {
        match &self.at_boom {
            None => ActOutcome::NoVehicle,
            Some(vehicle) if vehicle.passage.is_none() || vehicle.passage != act.passage => ActOutcome::PassageChanged,
            Some(vehicle) => then(vehicle),
        }
    }

    fn with_view(&self, act: &OfficerAct, then: impl FnOnce(&Vehicle) -> ActOutcome) -> ActOutcome {
        if cfg!(planted = "lane_i13") {
            return self.at_boom.as_ref().map_or(ActOutcome::NoVehicle, |vehicle| then(vehicle));
        }
        self.with_passage(act, |vehicle| if act.view_stamp == Some(self.stamp()) { then(vehicle) } else { ActOutcome::PassageChanged })
    }

    /// Facts may be added while nothing was decided on the old ones.
    fn admit_fact(&self) -> ActOutcome {
        if self.permit.is_some() { ActOutcome::Busy } else { ActOutcome::Accepted }
    }

    /// May anything be opened at all?
    pub(super) fn admit_movement(&self) -> ActOutcome {
        if !self.ready {
            ActOutcome::Faulted
        } else if !self.store_can_commit() {
            ActOutcome::NoStore
        } else if self.faults.worst() >= Some(Severity::Hold) {
            ActOutcome::Faulted
        } else if self.permit.is_some() {
            ActOutcome::Busy
        } else {
            ActOutcome::Accepted
        }
    }

    fn admit_open(&self, act: &OfficerAct, agreed: bool) -> ActOutcome {
        if !matches!(self.mode.now, Mode::Automatic | Mode::Attended) {
            return ActOutcome::WrongMode;
        }
        self.with_view(act, |vehicle| {
            let overrides = vehicle.outcome() != Some(Outcome::Pass) || vehicle.decision.is_some();
            if overrides && !self.rules.may_override.contains(&act.by.agency) {
                return ActOutcome::NotAllowed;
            }
            match self.admit_movement() {
                ActOutcome::Accepted if overrides && self.rules.override_needs_second && !agreed => ActOutcome::NeedsSecond,
                outcome => outcome,
            }
        })
    }

    fn admit_agree(&self, act: &OfficerAct) -> ActOutcome {
        if !matches!(self.mode.now, Mode::Automatic | Mode::Attended) {
            return ActOutcome::WrongMode;
        }
        self.with_view(act, |vehicle| {
            if vehicle.outcome() == Some(Outcome::Pass) && vehicle.decision.is_none() {
                self.admit_movement()
            } else {
                ActOutcome::BadValue
            }
        })
    }

    /// A test movement: the lane proven empty, by a person who stands there.
    fn admit_test(&self, act: &OfficerAct) -> ActOutcome {
        if !matches!(act.by.role, Role::Technician | Role::Supervisor) {
            return ActOutcome::NotAllowed;
        }
        match (at_lane(act), self.proven_empty()) {
            (ActOutcome::Accepted, true) => self.admit_movement(),
            (ActOutcome::Accepted, false) => ActOutcome::Busy,
            (outcome, _) => outcome,
        }
    }

    /// A group or an emergency: by a named person who stands there.
    fn admit_many(&self, act: &OfficerAct, mode_allows: bool) -> ActOutcome {
        if !mode_allows {
            return ActOutcome::WrongMode;
        }
        if !self.rules.may_override.contains(&act.by.agency) {
            return ActOutcome::NotAllowed;
        }
        match at_lane(act) {
            ActOutcome::Accepted => self.admit_movement(),
            outcome => outcome,
        }
    }

    fn admit_second(&self, act: &OfficerAct, first: &ActId) -> ActOutcome {
        let Some(pending) = self.second.as_ref().filter(|pending| pending.act.id == *first) else { return ActOutcome::BadValue };
        if act.by.role != Role::Supervisor || act.by.id == pending.act.by.id {
            return ActOutcome::NotAllowed;
        }
        self.admit(&pending.act, true)
    }

    /// Does an admitted act.
    fn perform(&mut self, act: &OfficerAct) {
        let asked = Asked { by: Some(act.by.clone()), act: Some(act.id.clone()) };
        match &act.act {
            Act::Open(_) if self.mode.now == Mode::BringUp => self.grant(PermitKind::Test, asked),
            Act::Open(_) | Act::Agree => {
                if let Some(vehicle) = &mut self.at_boom {
                    vehicle.decision = None;
                }
                self.grant(PermitKind::Passage, asked);
            }
            Act::OpenGroup(count, _) => self.grant(PermitKind::Group { count: *count }, asked),
            Act::OpenEmergency(_) => self.grant(PermitKind::Emergency, asked),
            Act::Refuse(_) => self.decide(Some(Ban::Refuse), act),
            Act::Divert(_) => self.decide(Some(Ban::Divert), act),
            Act::Hold(_) => self.decide(Some(Ban::Hold), act),
            Act::Release => self.decide(None, act),
            Act::CorrectPlate(camera, plate) => self.correct_plate(*camera, *plate),
            Act::ChooseDeclaration(id) => {
                if let Some(vehicle) = &mut self.at_boom {
                    vehicle.choice = Some(id.clone());
                }
            }
            Act::SetAxles(axles) => {
                if let Some(vehicle) = &mut self.at_boom {
                    vehicle.axles = Some(*axles);
                }
            }
            Act::Confirm => self.confirm(&act.by.agency),
            Act::SetMode(to, _) => self.set_mode(*to, act),
            Act::ResetFaults => self.reset(),
            Act::CloseBoom => self.emit(Effect::Close),
            Act::SecondConsent(_) => self.consent(),
        }
        self.facts_changed();
        if concerns_the_vehicle(&act.act) {
            self.answer_call();
        }
    }

    fn decide(&mut self, ban: Option<Ban>, act: &OfficerAct) {
        if let Some(vehicle) = &mut self.at_boom {
            vehicle.decision = ban.map(|ban| Decision { ban, by: act.by.clone() });
        }
    }

    /// What the cameras read is kept as evidence; the person's word replaces it in every judgement.
    fn correct_plate(&mut self, camera: Camera, plate: PlateText) {
        if let Some(vehicle) = &mut self.at_boom {
            vehicle.plate_mut(camera).corrected = Some(plate);
            vehicle.choice = None;
        }
        self.ask();
    }

    /// A confirmation by an agency's own officer, of what the declaration says now.
    fn confirm(&mut self, agency: &Agency) {
        let at_ms = self.wall_now().trusted();
        let Some(vehicle) = &mut self.at_boom else { return };
        let passage = vehicle.passage;
        let mut said = alloc::vec::Vec::new();
        for declaration in &vehicle.chosen {
            let confirmation = Confirmation {
                agency: agency.clone(),
                required: true,
                result: ConfirmationResult::Pass,
                at_ms,
                expires_ms: None,
                document: None,
                confirmed_digest: Some(declaration.digest),
            };
            vehicle.confirmed.push((declaration.id.clone(), confirmation.clone()));
            said.push(What::ConfirmedAtLane { declaration: declaration.id.clone(), confirmation });
        }
        said.into_iter().for_each(|what| self.say(passage, what));
    }

    /// A person at the lane looked (I5): faults go, and a vehicle whose end nobody saw is let go.
    fn reset(&mut self) {
        let unseen = self.at_boom.as_ref().is_some_and(|v| v.quiet_since.is_some() || v.unsure_since.is_some());
        if unseen {
            let entered = self.permit.as_ref().is_some_and(super::permits::LivePermit::entered);
            if entered {
                self.end_permit(PermitEnd::EndedByPerson, true);
            }
            self.depart(PassageEnd::Abandoned);
        }
        self.reset_faults();
        self.emit(Effect::ResetInterlock);
    }

    fn consent(&mut self) {
        self.timers.stop(Timer::Second);
        if let Some(pending) = self.second.take() {
            self.emit(Effect::Answer { act: pending.act.id.clone(), outcome: ActOutcome::Accepted });
            self.perform(&pending.act);
        }
    }

    pub(super) fn second_ran_out(&mut self) {
        self.second = None;
    }
}

/// Acts that answer a vehicle's call.
fn concerns_the_vehicle(act: &Act) -> bool {
    !matches!(act, Act::SetMode(..) | Act::ResetFaults | Act::CloseBoom | Act::SecondConsent(_))
}

fn at_lane(act: &OfficerAct) -> ActOutcome {
    if act.origin == Origin::Lane { ActOutcome::Accepted } else { ActOutcome::OnlyAtLane }
}

/// A reason too long, or "other" without words.
fn refuse_reason(act: &Act) -> Option<ActOutcome> {
    let reason: &Reason = match act {
        Act::Open(reason) | Act::Refuse(reason) | Act::Divert(reason) | Act::Hold(reason) => reason,
        Act::SetMode(_, reason) | Act::OpenGroup(_, reason) | Act::OpenEmergency(reason) => reason,
        _ => return None,
    };
    let missing = reason.code == ReasonCode::Other && reason.text.trim().is_empty();
    (missing || reason.text.len() > MAX_REASON_BYTES).then_some(ActOutcome::ReasonMissing)
}

/// Is this agency among those that have not confirmed?
fn missing_agency(vehicle: &Vehicle, agency: &Agency) -> bool {
    let checks = vehicle.verdict.as_ref().map_or(&[][..], |verdict| &verdict.checks[..]);
    checks.iter().any(|check| {
        check.kind == CheckKind::Confirmations && matches!(&check.facts, Facts::Agencies { missing, .. } if missing.contains(agency))
    })
}
