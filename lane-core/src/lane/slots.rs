//! Two vehicle slots, and how vehicles come and go.
//!
//! ```text
//!   arrives      nobody at the boom, and a sensor before or under the boom is on, or the platform is loaded ─▶ at_boom
//!                somebody at the boom, and the approach loop comes on after `joined_gap_ms` of quiet that no other
//!                sensor bridges (tractor and trailer are one vehicle: high beds drop out of loops)         ─▶ approaching
//!   goes away    every sensor quiet for `leave_hold_ms`, and its front not under a permit on the boom line:
//!                last sensed on the approach: turned back (or refused, diverted, misrouted); elsewhere: abandoned, but
//!                one that moved up behind a vehicle that passed, and was never sensed after: it drove through with it, so close
//!                that the boom line saw one vehicle. Tailgated, and alarmed
//!   passes       the interlock saw its end leave ─▶ at_boom is free, approaching moves up
//! ```
//! A gap longer than `joined_gap_ms`, or presence unknown for as long, *breaks* presence: the vehicle may be another one. It stays in its slot,
//! but a verdict alone no longer opens for it.

use super::Lane;
use super::timers::Timer;
use super::vehicle::{Ban, Place, Vehicle};
use crate::effect::Effect;
use crate::ids::{PassageId, VisitToken};
use crate::input::{Camera, ScaleState};
use crate::officer::Mode;
use crate::record::{PassageEnd, What};
use crate::signal::{ProcessImage, Signal, Tri};
use crate::time::Mono;
use crate::verdict::{CheckKind, Outcome};
use alloc::boxed::Box;
use serde::{Deserialize, Serialize};

/// The field as the barrier's scan saw it, and what is remembered of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Field {
    pub(super) image: ProcessImage,
    /// The approach loop is quiet since; `None`: it is on or unknown.
    approach_quiet_since: Option<Mono>,
    /// The platform's far end is quiet since.
    rear_quiet_since: Option<Mono>,
    /// The last image came at.
    last_at: Option<Mono>,
    /// What stands on the boom line belongs to a vehicle that is already counted out.
    pub(super) line_counted: bool,
    /// The boom line is quiet since.
    pub(super) line_quiet_since: Option<Mono>,
}

impl Field {
    pub(super) const fn new(image: ProcessImage) -> Self {
        Self { image, approach_quiet_since: None, rear_quiet_since: None, last_at: None, line_counted: false, line_quiet_since: None }
    }

    pub(super) fn shift_times(&mut self, f: &mut dyn FnMut(&mut Mono)) {
        self.image.shift_times(f);
        for time in [&mut self.approach_quiet_since, &mut self.rear_quiet_since, &mut self.last_at].into_iter().flatten() {
            f(time);
        }
        self.line_quiet_since.iter_mut().for_each(f);
    }

    /// Quiet loops are asked for no more than `gap_ms`.
    pub(super) fn hold_times(&mut self, now: Mono, gap_ms: u64) {
        for since in [&mut self.approach_quiet_since, &mut self.rear_quiet_since, &mut self.line_quiet_since].into_iter().flatten() {
            now.hold(since, gap_ms);
        }
    }
}

impl Lane {
    /// The value of a fitted signal; `None`: the lane has none.
    pub(super) fn signal(&self, signal: Signal) -> Option<Tri> {
        self.field.image.is_fitted(signal).then(|| self.field.image.value(signal, self.now, self.ms(|t| t.fresh_ms)))
    }

    pub(super) fn is_on(&self, signal: Signal) -> bool {
        self.signal(signal) == Some(Tri::On)
    }

    fn any(&self, signals: &[Signal]) -> Tri {
        signals.iter().filter_map(|signal| self.signal(*signal)).fold(Tri::Off, Tri::or)
    }

    /// Something is on the boom line.
    pub(super) fn line(&self) -> Tri {
        self.any(&[Signal::BoomLoop, Signal::Photocell])
    }

    /// Something is before the boom: on the approach or on the platform.
    fn before_line(&self) -> Tri {
        self.any(&[Signal::ApproachLoop, Signal::PlatformRear, Signal::PlatformFront]).or(self.loaded())
    }

    /// The platform carries something. A silent scale says nothing; where a vehicle may stand between the sensors that is *unknown*.
    fn loaded(&self) -> Tri {
        if self.scale == ScaleState::Absent {
            return Tri::Off;
        }
        match self.platform.loaded(self.now) {
            Some(true) => Tri::On,
            Some(false) => Tri::Off,
            None => {
                let ends = self.field.image.is_fitted(Signal::PlatformRear);
                let hidden = self.at_boom.as_ref().is_some_and(|v| !ends || v.place == Place::Platform);
                if hidden { Tri::Unknown } else { Tri::Off }
            }
        }
    }

    /// A new image. A pause longer than a vehicle may be unseen breaks presence, whatever the image shows.
    pub(super) fn take_signals(&mut self, image: ProcessImage) {
        let paused = self.field.last_at.is_some_and(|at| self.now.since(at) >= self.ms(|t| t.joined_gap_ms));
        self.field.last_at = Some(self.now);
        self.field.image = image;
        if paused {
            for vehicle in [&mut self.at_boom, &mut self.approaching].into_iter().flatten() {
                vehicle.needs_person = true;
                vehicle.dirty = true;
            }
        }
    }

    /// Presence, arrivals and departures after one input.
    pub(super) fn sense(&mut self) {
        if !self.become_ready() {
            return;
        }
        self.sense_line();
        // Before the first vehicle's own progress is noted: what it just reached is not a second one.
        self.sense_approach();
        self.sense_at_boom();
        self.sense_platform();
    }

    /// Boot ends when every fitted signal is fresh, the limits are fitted and the store has reported.
    fn become_ready(&mut self) -> bool {
        if !self.ready {
            let fresh = Signal::ALL.into_iter().all(|signal| self.signal(signal) != Some(Tri::Unknown));
            let required = [Signal::BoomUp, Signal::BoomDown].into_iter().all(|signal| self.field.image.is_fitted(signal))
                && (self.field.image.is_fitted(Signal::BoomLoop) || self.field.image.is_fitted(Signal::Photocell));
            self.ready = fresh && required && self.store.is_some();
        }
        self.ready
    }

    fn sense_line(&mut self) {
        match self.line() {
            Tri::Off => {
                self.field.line_counted = false;
                self.field.line_quiet_since.get_or_insert(self.now);
            }
            Tri::On | Tri::Unknown => self.field.line_quiet_since = None,
        }
    }

    fn sense_at_boom(&mut self) {
        let line = if self.field.line_counted { Tri::Off } else { self.line() };
        // What has been on the boom line may stand beyond it until the interlock saw its end.
        let beyond = self.at_boom.as_ref().is_some_and(|v| v.reached_boom) && !self.passes_unchecked();
        let exit = if beyond { self.any(&[Signal::ExitLoop]) } else { Tri::Off };
        let presence = line.or(self.before_line()).or(exit);
        if self.at_boom.is_none() {
            if presence == Tri::On {
                let place = if line == Tri::On {
                    Place::Boom
                } else if self.is_on(Signal::ApproachLoop) || self.is_on(Signal::PlatformRear) {
                    Place::Approach
                } else {
                    Place::Platform
                };
                self.arrive(place, true);
            }
            return;
        }
        self.sense_place(line);
        let breaks_after = self.ms(|t| t.joined_gap_ms);
        let leaves_after = self.ms(|t| t.leave_hold_ms);
        let now = self.now;
        let Some(vehicle) = &mut self.at_boom else { return };
        vehicle.moved_up_unseen &= presence != Tri::On;
        if vehicle.sense(presence, now, breaks_after) {
            vehicle.dirty = true;
        }
        match vehicle.quiet_since {
            None => self.timers.stop(Timer::Leave),
            Some(since) if now.since(since) < leaves_after => self.timers.set(Timer::Leave, since.plus(leaves_after)),
            Some(_) => self.quiet_departure(),
        }
    }

    /// Where the vehicle at the boom was sensed last. Over the platform's far end it comes on (loop, then end) or backs off (end, then loop).
    fn sense_place(&mut self, line: Tri) {
        let approach = self.is_on(Signal::ApproachLoop) && self.approaching.is_none();
        let rear = self.is_on(Signal::PlatformRear) && self.approaching.is_none();
        let front = self.is_on(Signal::PlatformFront);
        let loaded = self.platform.loaded(self.now) == Some(true);
        let unchecked = self.passes_unchecked();
        let gone = self.field.line_quiet_since.is_some_and(|since| self.now.since(since) >= self.ms(|t| t.joined_gap_ms));
        let Some(vehicle) = &mut self.at_boom else { return };
        vehicle.reached_platform |= rear;
        if line == Tri::On {
            vehicle.place = Place::Boom;
            vehicle.reached_boom = true;
        } else if rear || front {
            vehicle.place = Place::Platform;
        } else if approach {
            vehicle.place = Place::Approach;
        } else if loaded {
            vehicle.place = Place::Platform;
        }
        // While the boom stands open by a person's word, the boom line itself counts.
        if unchecked && vehicle.reached_boom && gone {
            self.depart(PassageEnd::PassedUnchecked);
        }
    }

    /// The boom stands open by a person's word: vehicles are counted, not judged.
    pub(super) fn passes_unchecked(&self) -> bool {
        matches!(self.mode.now, Mode::HeldOpen | Mode::Manual)
    }

    /// Tells a second vehicle from the first one's trailer, and from the first one backing out.
    fn sense_approach(&mut self) {
        let gap = self.ms(|t| t.joined_gap_ms);
        let now = self.now;
        let rear = self.signal(Signal::PlatformRear).unwrap_or(Tri::Off);
        let approach = self.signal(Signal::ApproachLoop).unwrap_or(Tri::Off);
        let rear_rose = rose(&mut self.field.rear_quiet_since, rear, now, gap);
        let approach_rose = rose(&mut self.field.approach_quiet_since, approach, now, gap);
        if self.at_boom.is_some() && self.approaching.is_none() && !self.backing_out() {
            let reached = self.at_boom.as_ref().is_some_and(|v| v.reached_platform);
            if approach_rose && rear != Tri::On {
                self.arrive(Place::Approach, false);
            } else if rear_rose && approach == Tri::On && reached {
                self.arrive(Place::Platform, false);
            }
        }
        if self.field.image.is_fitted(Signal::ApproachLoop) {
            self.sense_approaching(approach);
        }
    }

    /// The first vehicle is refused or turned, and nothing but it can be meant by the approach loop.
    fn backing_out(&self) -> bool {
        let turned = |v: &Vehicle| v.outcome() == Some(Outcome::Refuse) || v.decision.as_ref().is_some_and(|d| d.ban != Ban::Hold);
        self.at_boom.as_ref().is_some_and(|v| turned(v) && !v.reached_boom)
    }

    fn sense_approaching(&mut self, approach: Tri) {
        let leaves_after = self.ms(|t| t.leave_hold_ms);
        let on_platform = self.signal(Signal::PlatformRear).map_or(approach != Tri::On, |rear| rear != Tri::Off);
        let now = self.now;
        let breaks_after = self.ms(|t| t.joined_gap_ms);
        // While the first one passes, the second may follow close behind: it is judged when it moves up.
        let follows = self.permit.as_ref().is_some_and(super::permits::LivePermit::entered);
        let Some(vehicle) = &mut self.approaching else { return };
        if on_platform {
            vehicle.place = Place::Platform;
        }
        // On the platform, between the sensors, it is not sensed: it stays until it moves up.
        if (vehicle.place == Place::Platform || follows) && approach != Tri::On {
            vehicle.quiet_since = None;
            return;
        }
        vehicle.sense(approach, now, breaks_after);
        match vehicle.quiet_since {
            None => self.timers.stop(Timer::ApproachLeave),
            Some(since) if now.since(since) < leaves_after => self.timers.set(Timer::ApproachLeave, since.plus(leaves_after)),
            Some(_) => {
                if let Some(vehicle) = self.approaching.take() {
                    self.end_passage(vehicle, PassageEnd::TurnedBack, false);
                }
            }
        }
    }

    /// A vehicle is sensed for the first time.
    pub(super) fn arrive(&mut self, place: Place, at_boom: bool) {
        let Some(visit) = self.free_visit() else { return };
        let mut vehicle = Box::new(Vehicle::new(visit, place, self.now));
        vehicle.reached_boom = place == Place::Boom;
        let record = self.record(None, What::PassageOpened { at_boom });
        self.emit(Effect::OpenPassage { visit, record });
        if at_boom {
            self.at_boom = Some(vehicle);
            self.serve();
        } else {
            self.approaching = Some(vehicle);
        }
        self.emit(Effect::Snapshot(Camera::Front));
    }

    /// The vehicle at the boom is served from now on: its deadlines run.
    fn serve(&mut self) {
        let now = self.now;
        if let Some(vehicle) = &mut self.at_boom {
            vehicle.served_since = now;
            vehicle.dirty = true;
        }
        self.timers.set(Timer::Identify, now.plus(self.ms(|t| t.identify_deadline_ms)));
        self.timers.stop(Timer::Call);
        self.timers.stop(Timer::Unanswered);
        self.timers.stop(Timer::Query);
        self.ask();
    }

    /// The lowest token that is free. All taken: the store has been silent for four vehicles, and the fifth waits to be seen.
    fn free_visit(&self) -> Option<VisitToken> {
        let taken = |token: VisitToken| {
            [&self.at_boom, &self.approaching].into_iter().flatten().any(|v| v.visit == token && v.passage.is_none())
                || self.leaving.iter().any(|leaving| leaving.visit == token)
        };
        (0..4).map(VisitToken).find(|token| !taken(*token))
    }

    /// The store named a passage.
    pub(super) fn take_passage(&mut self, visit: VisitToken, passage: PassageId) {
        if let Some(at) = self.leaving.iter().position(|leaving| leaving.visit == visit) {
            let gone = self.leaving.swap_remove(at);
            self.say(Some(passage), What::PassageEnded { end: gone.end, stages_ms: gone.stages_ms });
            return;
        }
        for vehicle in [&mut self.at_boom, &mut self.approaching].into_iter().flatten() {
            if vehicle.visit == visit && vehicle.passage.is_none() {
                vehicle.passage = Some(passage);
                vehicle.dirty = true;
                break;
            }
        }
        self.ask();
    }

    /// All sensors have been quiet for long enough.
    fn quiet_departure(&mut self) {
        self.timers.stop(Timer::Leave);
        let entered = self.permit.as_ref().is_some_and(super::permits::LivePermit::entered);
        // Its end was not seen: in doubt the boom stays up, and the interlock calls (I4).
        if entered {
            return;
        }
        let Some(vehicle) = &self.at_boom else { return };
        let end = match vehicle.place {
            _ if vehicle.wrong_way => PassageEnd::WrongWay,
            Place::Boom if self.passes_unchecked() => PassageEnd::PassedUnchecked,
            Place::Approach => turned_back_as(vehicle),
            Place::Platform if !self.field.image.is_fitted(Signal::ApproachLoop) => turned_back_as(vehicle),
            Place::Platform if vehicle.moved_up_unseen => PassageEnd::Tailgated,
            Place::Platform | Place::Boom => PassageEnd::Abandoned,
        };
        if end == PassageEnd::Tailgated {
            self.fault_to_be_seen(crate::fault::Fault::Tailgate);
        }
        self.depart(end);
    }

    /// The vehicle at the boom is gone; the next one moves up.
    pub(super) fn depart(&mut self, end: PassageEnd) {
        let Some(vehicle) = self.at_boom.take() else { return };
        let passed = matches!(end, PassageEnd::Passed | PassageEnd::PassedUnchecked | PassageEnd::Tailgated);
        self.drop_permit_of(&vehicle, passed);
        self.end_passage(vehicle, end, passed);
        self.second = None;
        for timer in [Timer::Identify, Timer::Call, Timer::Unanswered, Timer::Rejudge, Timer::Leave, Timer::Query, Timer::Second] {
            self.timers.stop(timer);
        }
        self.set_fault(crate::fault::Fault::CallUnanswered, false);
        if let Some(mut next) = self.approaching.take() {
            // What was taken of the first one may still arrive. In front the next one was seen since the first went under the boom.
            next.reads_from[Camera::Rear as usize] = self.now;
            if !passed {
                next.reads_from[Camera::Front as usize] = self.now;
            }
            // Where a permit for several lives, or the boom is held open, whoever follows closely may.
            next.moved_up_unseen = passed && self.permit.is_none() && !self.passes_unchecked();
            self.timers.stop(Timer::ApproachLeave);
            self.at_boom = Some(next);
            self.serve();
        }
    }

    /// Writes a passage's end, now or when the store has named it.
    pub(super) fn end_passage(&mut self, vehicle: Box<Vehicle>, end: PassageEnd, through: bool) {
        self.ended = self.ended.saturating_add(1);
        let stages_ms = vehicle.stages_ms(self.now, through);
        let Some(passage) = vehicle.passage else {
            if self.leaving.len() < super::MAX_LEAVING {
                self.leaving.push(super::Leaving { visit: vehicle.visit, end, stages_ms });
            }
            return;
        };
        if let Some(declaration) = vehicle.claimed {
            self.emit(Effect::Claim { passage, declaration, held: false });
        }
        self.say(Some(passage), What::PassageEnded { end, stages_ms });
    }

    /// A vehicle went through that stood in no slot: it is counted all the same.
    pub(super) fn count_unseen(&mut self, end: PassageEnd) {
        let Some(visit) = self.free_visit() else { return };
        let record = self.record(None, What::PassageOpened { at_boom: true });
        self.emit(Effect::OpenPassage { visit, record });
        let vehicle = Box::new(Vehicle::new(visit, Place::Boom, self.now));
        self.end_passage(vehicle, end, true);
    }
}

/// Did the signal come on after being quiet for `gap_ms`?
fn rose(quiet_since: &mut Option<Mono>, value: Tri, now: Mono, gap_ms: u64) -> bool {
    match value {
        Tri::Off => {
            quiet_since.get_or_insert(now);
            false
        }
        Tri::On => quiet_since.take().is_some_and(|since| now.since(since) >= gap_ms),
        Tri::Unknown => {
            *quiet_since = None;
            false
        }
    }
}

/// A vehicle went back the way it came: by itself, or because it was told to.
fn turned_back_as(vehicle: &Vehicle) -> PassageEnd {
    match (&vehicle.decision, vehicle.outcome()) {
        (Some(decision), _) if decision.ban == Ban::Refuse => PassageEnd::Refused,
        (Some(decision), _) if decision.ban == Ban::Divert => PassageEnd::Diverted,
        (_, Some(Outcome::Refuse | Outcome::Hold)) if misrouted(vehicle) => PassageEnd::Misrouted,
        (_, Some(Outcome::Refuse)) => PassageEnd::Refused,
        (_, Some(Outcome::Divert)) => PassageEnd::Diverted,
        _ => PassageEnd::TurnedBack,
    }
}

fn misrouted(vehicle: &Vehicle) -> bool {
    let wrong_gate = |check: &crate::verdict::Check| {
        check.kind == CheckKind::GateAndDirection && matches!(check.facts, crate::verdict::Facts::Elsewhere { .. })
    };
    vehicle.verdict.as_ref().is_some_and(|verdict| verdict.checks.iter().any(wrong_gate))
}

impl Vehicle {
    /// Takes presence; true when it broke just now.
    pub(super) fn sense(&mut self, presence: Tri, now: Mono, breaks_after_ms: u64) -> bool {
        match presence {
            Tri::On => self.quiet_since = None,
            Tri::Off => {
                self.quiet_since.get_or_insert(now);
            }
            // Quiet must be quiet throughout.
            Tri::Unknown => self.quiet_since = None,
        }
        let unsure_since = *self.unsure_since.get_or_insert(now);
        let broke = now.since(unsure_since) >= breaks_after_ms && !self.needs_person;
        self.needs_person |= broke;
        if presence == Tri::On {
            self.unsure_since = None;
        }
        broke
    }
}
