//! Permits: the lane's only way to an admitting Up (I3, I4, I9).
//!
//! ```text
//!             record handed to the store        durable, and still allowed        front on the boom line
//!   (verdict) ─────────────────────────▶ Writing ────────────────────▶ Granted ────────────────────▶ Entered ─▶ clear
//!                                           │ worse, forbidden, late      │ worse, expired, refused
//!                                           ▼                             ▼                  (nothing revokes it: alarm)
//!                                         ended                   Revoke, ended
//! ```
//! One lives at a time. It is bound to the vehicle at the boom by its passage, and to what it was judged on: a check that leads to worse than it
//! did then, or presence that broke, revokes it until its vehicle has entered.

use super::Lane;
use super::decide::worse;
use super::timers::Timer;
use super::vehicle::{Judged, Vehicle, judged};
use crate::effect::Effect;
use crate::fault::{Fault, Severity};
use crate::ids::{ActId, DeclarationId, PermitId, Revision};
use crate::input::Camera;
use crate::officer::{Mode, Officer};
use crate::permit::{Permit, PermitEnd, PermitKind};
use crate::record::What;
use crate::signal::{Signal, Tri};
use crate::time::Mono;
use crate::verdict::Outcome;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The interlock ends what expires; the lane does it itself when the interlock has been silent for this long after.
const EXPIRY_GRACE_MS: u64 = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum Stage {
    /// Its record is being written.
    Writing,
    /// The interlock has it.
    Granted,
    /// Its vehicle's front is on the boom line.
    Entered,
}

/// The live permit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct LivePermit {
    pub(super) permit: Permit,
    pub(super) stage: Stage,
    judged: Judged,
    /// A person who sees the vehicle decided.
    by_person: bool,
}

impl LivePermit {
    pub(super) fn entered(&self) -> bool {
        self.stage == Stage::Entered
    }

    pub(super) fn shift_times(&mut self, f: &mut dyn FnMut(&mut Mono)) {
        f(&mut self.permit.expires);
    }
}

/// Who asked for a permit.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) by: Option<Officer>,
    pub(super) act: Option<ActId>,
}

impl Lane {
    /// May the store write an authorising record?
    pub(super) fn store_can_commit(&self) -> bool {
        cfg!(planted = "i9_store") || self.store.is_some_and(|store| store.can_commit)
    }

    /// Does nothing stand against a movement of this kind?
    fn may_move(&self, kind: PermitKind) -> bool {
        let mode = match kind {
            PermitKind::Passage => matches!(self.mode.now, Mode::Automatic | Mode::Attended),
            PermitKind::Group { .. } => matches!(self.mode.now, Mode::Automatic | Mode::Attended),
            PermitKind::Emergency => !matches!(self.mode.now, Mode::Manual | Mode::Maintenance),
            PermitKind::Test => self.mode.now == Mode::BringUp,
        };
        self.ready && mode && self.store_can_commit() && (cfg!(planted = "i5") || self.faults.worst() < Some(Severity::Hold))
    }

    /// Permits after one input: what must end ends, what may open opens.
    pub(super) fn permit_turn(&mut self) {
        self.give_up_what_is_forbidden();
        self.revoke_what_is_worse();
        if self.may_open_by_itself() {
            self.grant(PermitKind::Passage, Asked::default());
        } else if self.must_rise_again() {
            let asked = self.mode.asked();
            self.grant(PermitKind::Emergency, asked);
        }
    }

    /// Held open, a board that lowered the boom by itself is asked up again, by the same person's word and under a new record.
    fn must_rise_again(&self) -> bool {
        self.mode.now == Mode::HeldOpen
            && self.permit.is_none()
            && self.is_on(Signal::BoomDown)
            && self.line() == Tri::Off
            && self.may_move(PermitKind::Emergency)
    }

    /// What is still being written when a fault, the mode or the store forbids it is not granted.
    fn give_up_what_is_forbidden(&mut self) {
        let writing = self.permit.as_ref().filter(|live| live.stage == Stage::Writing).map(|live| live.permit.kind);
        if writing.is_some_and(|kind| !self.may_move(kind)) {
            self.end_permit(self.forbidden_as(), false);
        }
    }

    /// What heals by itself lets a passing vehicle clear by itself again; a blocking fault wants a person.
    fn forbidden_as(&self) -> PermitEnd {
        if self.faults.worst() == Some(Severity::Block) { PermitEnd::Fault } else { PermitEnd::Revoked }
    }

    fn revoke_what_is_worse(&mut self) {
        let Some(live) = self.permit.as_ref().filter(|live| live.permit.kind == PermitKind::Passage) else { return };
        let Some(vehicle) = self.at_boom.as_ref().filter(|v| v.passage == live.permit.id.passage) else { return };
        let worse = vehicle.verdict.as_ref().is_some_and(|verdict| worse(verdict, &live.judged)) && !cfg!(planted = "i3");
        let entered = live.entered();
        let gap = self.ms(|t| t.joined_gap_ms);
        // A person saw it: only its going away takes that back, not a sensor's silence.
        let gone = vehicle.quiet_since.is_some_and(|since| self.now.since(since) >= gap);
        let broke = if live.by_person { gone } else { vehicle.needs_person };
        if worse && entered {
            self.set_fault(Fault::WithdrawnUnderway, true);
        } else if !entered && (worse || broke || vehicle.decision.is_some()) {
            self.end_permit(PermitEnd::Revoked, true);
        }
    }

    /// A passing verdict on the present facts of a vehicle that never went away, before a boom that is down (I14).
    fn may_open_by_itself(&self) -> bool {
        let Some(vehicle) = &self.at_boom else { return false };
        let pass = vehicle.outcome() == Some(Outcome::Pass) || (cfg!(planted = "i14") && vehicle.settled && vehicle.answer.is_some());
        pass && !vehicle.dirty
            && self.permit.is_none()
            && self.mode.now == Mode::Automatic
            && !self.attended()
            && vehicle.passage.is_some()
            && vehicle.decision.is_none()
            && !vehicle.needs_person
            && !vehicle.wrong_way
            && !vehicle.tailgating
            && vehicle.unsure_since.is_none()
            && self.is_on(Signal::BoomDown)
            && self.may_move(PermitKind::Passage)
    }

    /// Asks the store to make the authorising record durable. What it was judged on is fixed here.
    pub(super) fn grant(&mut self, kind: PermitKind, asked: Asked) {
        // A person may decide before everything is known: what was known stands in the ledger before the permit does.
        let now = self.now;
        if let Some(vehicle) = &mut self.at_boom {
            vehicle.settled = true;
            vehicle.verdict_at.get_or_insert(now);
        }
        self.record_verdict();
        let id = self.next_permit(kind);
        let expires = self.now.plus(self.lifetime_ms(kind));
        let permit = Permit { id, kind, expires };
        let (judged, lane_would, declarations) = self.judged_on();
        let by_person = asked.by.is_some();
        let what = What::PermitGranted { permit, lane_would, by: asked.by, act: asked.act, declarations };
        let record = self.record(id.passage, what);
        self.permit = Some(LivePermit { permit, stage: Stage::Writing, judged, by_person });
        if let Some(vehicle) = &mut self.at_boom {
            vehicle.needs_person = false;
            vehicle.unsure_since = None;
            vehicle.called_at = None;
        }
        self.timers.stop(Timer::Call);
        self.timers.stop(Timer::Unanswered);
        self.set_fault(Fault::CallUnanswered, false);
        self.timers.set(Timer::Permit, expires.plus(EXPIRY_GRACE_MS));
        self.emit(Effect::Snapshot(Camera::Front));
        self.emit(Effect::Snapshot(Camera::Rear));
        self.emit(Effect::Authorise { permit: id, record });
        if cfg!(planted = "i9") {
            self.emit(Effect::Grant(permit));
        }
    }

    fn judged_on(&self) -> (Judged, Outcome, Vec<(DeclarationId, Revision)>) {
        match self.at_boom.as_ref().and_then(|v| v.verdict.as_ref()) {
            Some(verdict) => (judged(verdict), verdict.outcome, verdict.declarations.clone()),
            None => (Judged::new(), Outcome::Hold, Vec::new()),
        }
    }

    fn lifetime_ms(&self, kind: PermitKind) -> u64 {
        match kind {
            PermitKind::Passage | PermitKind::Test => self.ms(|t| t.permit_ms),
            PermitKind::Group { count } => self.ms(|t| t.permit_ms) * u64::from(count),
            PermitKind::Emergency => self.ms(|t| t.emergency_limit_s) * 1_000,
        }
    }

    /// A passage's permits are counted by the passage; those without one by the boot.
    fn next_permit(&mut self, kind: PermitKind) -> PermitId {
        let boot = self.started.boot;
        if matches!(kind, PermitKind::Passage | PermitKind::Group { .. }) {
            if let Some(vehicle) = self.at_boom.as_mut().filter(|v| v.passage.is_some()) {
                let counter = vehicle.permits;
                vehicle.permits = counter.saturating_add(1);
                return PermitId { passage: vehicle.passage, counter, boot };
            }
        }
        let counter = self.loose_permits;
        self.loose_permits = counter.saturating_add(1);
        PermitId { passage: None, counter, boot }
    }

    /// The authorising record is durable: the permit is granted if everything still allows it (I9).
    pub(super) fn take_durable(&mut self, id: PermitId) {
        let Some(live) = self.permit.as_ref().filter(|live| live.permit.id == id && live.stage == Stage::Writing) else { return };
        let permit = live.permit;
        if permit.expires <= self.now {
            self.end_permit(PermitEnd::Expired, false);
        } else if !self.may_move(permit.kind) {
            self.end_permit(self.forbidden_as(), false);
        } else {
            if let Some(live) = &mut self.permit {
                live.stage = Stage::Granted;
            }
            self.emit(Effect::Grant(permit));
        }
    }

    /// Ends the live permit and writes it. `tell`: the interlock does not know yet.
    pub(super) fn end_permit(&mut self, end: PermitEnd, tell: bool) {
        let Some(live) = self.permit.take() else { return };
        self.timers.stop(Timer::Permit);
        let id = live.permit.id;
        if tell && live.stage != Stage::Writing {
            self.emit(Effect::Revoke(id, end));
        }
        // What was revoked because facts changed may clear again; anything else wants a person to look.
        if !matches!(end, PermitEnd::Revoked | PermitEnd::VehicleClear) {
            if let Some(vehicle) = self.at_boom.as_mut().filter(|v| v.passage == id.passage) {
                vehicle.needs_person = true;
            }
        }
        self.say(id.passage, What::PermitEnded { permit: id, end });
    }

    /// The interlock ended a permit: for the one that lives this is news.
    pub(super) fn permit_ended(&mut self, id: PermitId, end: PermitEnd) {
        if self.permit.as_ref().is_some_and(|live| live.permit.id == id) {
            self.end_permit(end, false);
        }
    }

    pub(super) fn permit_ran_out(&mut self) {
        match self.permit.as_ref().map(LivePermit::entered) {
            // It never ends under a vehicle.
            Some(true) => self.timers.set(Timer::Permit, self.now.plus(EXPIRY_GRACE_MS)),
            Some(false) => self.end_permit(PermitEnd::Expired, true),
            None => {}
        }
    }

    /// The vehicle at the boom is gone, and its permit with it. Group and emergency permits admit others.
    pub(super) fn drop_permit_of(&mut self, vehicle: &Vehicle, passed: bool) {
        let Some(live) = &mut self.permit else { return };
        match live.permit.kind {
            PermitKind::Passage if vehicle.passage == live.permit.id.passage => {
                self.end_permit(if passed { PermitEnd::VehicleClear } else { PermitEnd::BackedOut }, !passed);
            }
            PermitKind::Group { .. } | PermitKind::Emergency if passed && live.stage == Stage::Entered => live.stage = Stage::Granted,
            _ => {}
        }
    }

    /// Is the lane proven empty? (Test permits.)
    pub(super) fn proven_empty(&self) -> bool {
        let sensors = [Signal::ApproachLoop, Signal::PlatformRear, Signal::PlatformFront, Signal::BoomLoop, Signal::Photocell, Signal::ExitLoop];
        self.at_boom.is_none()
            && self.approaching.is_none()
            && sensors.into_iter().filter_map(|signal| self.signal(signal)).all(|value| value == Tri::Off)
            && self.platform.loaded(self.now) != Some(true)
    }
}
