//! What the interlock did or saw. It owns its faults and the ends of permits; here they become ends of passages.

use super::Lane;
use super::permits::{LivePermit, Stage};
use super::vehicle::Place;
use crate::effect::Effect;
use crate::fault::Fault;
use crate::ids::PermitId;
use crate::input::Camera;
use crate::interlock::{Event, Movement};
use crate::officer::Mode;
use crate::permit::{PermitEnd, PermitKind};
use crate::record::{PassageEnd, What};
use crate::signal::Tri;

impl Lane {
    pub(super) fn take_interlock(&mut self, event: Event) {
        let passage = self.at_boom.as_ref().and_then(|v| v.passage);
        match event {
            // Faults and ends of permits have records of their own.
            Event::FaultRaised(fault) => return self.interlock_fault(fault, true),
            Event::FaultCleared(fault) => return self.interlock_fault(fault, false),
            Event::PermitEnded(id, end) => return self.permit_ended(id, end),
            _ => self.say(passage, What::Interlock(event)),
        }
        match event {
            Event::PermitRefused(id, _) => self.permit_ended(id, PermitEnd::Fault),
            Event::MovementStarted { movement: Movement::AdmittingUp, .. } => {
                let now = self.now;
                if let Some(vehicle) = &mut self.at_boom {
                    vehicle.up_at.get_or_insert(now);
                }
            }
            Event::BoomUp => self.boom_is_up(),
            Event::VehicleEntered { permit } => self.entered(permit),
            Event::VehicleClear { permit, vehicles } => self.clear(permit, vehicles),
            Event::Tailgate { permit } => self.tailgate(permit),
            Event::BackedOut { .. } => self.backed_out(),
            Event::Ready
            | Event::PermitAccepted(_)
            | Event::CloseRefused(_)
            | Event::MovementStarted { .. }
            | Event::Reversed
            | Event::BoomDown
            | Event::FaultRaised(_)
            | Event::FaultCleared(_)
            | Event::PermitEnded(..) => {}
        }
    }

    /// Held open, the regime keeps the boom up: the permit that raised it has done its work.
    fn boom_is_up(&mut self) {
        let raised = self.permit.as_ref().is_some_and(|live| live.permit.kind == PermitKind::Emergency);
        if self.mode.now == Mode::HeldOpen && raised {
            self.end_permit(PermitEnd::EndedByPerson, true);
        }
    }

    fn entered(&mut self, permit: Option<PermitId>) {
        if let Some(live) = self.permit.as_mut().filter(|live| Some(live.permit.id) == permit && live.stage != Stage::Writing) {
            live.stage = Stage::Entered;
        }
        let now = self.now;
        if let Some(next) = &mut self.approaching {
            next.reads_from[Camera::Front as usize] = now;
        }
        if let Some(vehicle) = &mut self.at_boom {
            vehicle.reached_boom = true;
            vehicle.place = Place::Boom;
        }
    }

    /// The end of `vehicles` vehicles was seen to leave.
    fn clear(&mut self, permit: Option<PermitId>, vehicles: u8) {
        if self.passes_unchecked() {
            // The boom line itself counts; see `sense_place`.
            return;
        }
        self.field.line_counted = self.line() != Tri::Off;
        let many = self.permit.as_ref().is_some_and(|live| live.permit.kind != PermitKind::Passage);
        for nth in 0..vehicles.max(1) {
            let tailgating = self.at_boom.as_ref().is_some_and(|v| v.tailgating) || (nth > 0 && !many);
            let end = match (tailgating, permit) {
                (true, _) => PassageEnd::Tailgated,
                (false, Some(_)) => PassageEnd::Passed,
                (false, None) => PassageEnd::PassedUnchecked,
            };
            if self.at_boom.is_some() {
                self.depart(end);
            } else {
                self.count_unseen(end);
            }
        }
    }

    /// A vehicle came under the open boom that no permit admits: the one behind, or the one at the boom if the permit's is already gone.
    fn tailgate(&mut self, permit: Option<PermitId>) {
        let followed = permit.is_some() && self.permit.as_ref().is_some_and(LivePermit::entered);
        let slot = if followed { &mut self.approaching } else { &mut self.at_boom };
        if let Some(vehicle) = slot {
            vehicle.tailgating = true;
        }
        self.emit(Effect::Snapshot(Camera::Rear));
        self.emit(Effect::Snapshot(Camera::Front));
    }

    /// It went back from the boom line; whether it leaves the lane is seen by its presence.
    fn backed_out(&mut self) {
        if let Some(vehicle) = &mut self.at_boom {
            vehicle.place = Place::Platform;
            vehicle.needs_person = true;
            vehicle.dirty = true;
        }
        if self.permit.as_ref().is_some_and(|live| live.permit.kind == PermitKind::Passage) {
            self.end_permit(PermitEnd::BackedOut, false);
        }
    }

    fn interlock_fault(&mut self, fault: Fault, raised: bool) {
        self.owner_says(fault, raised);
        if raised && fault == Fault::WrongWay {
            self.wrong_way();
        }
        if raised && fault == Fault::StopLatched && self.permit.as_ref().is_some_and(|live| live.stage == Stage::Writing) {
            self.end_permit(PermitEnd::Stop, false);
        }
    }

    /// It came through the exit: no permit, red, alarm, nothing moves. A vehicle that was only ever sensed on the boom line is the same one.
    fn wrong_way(&mut self) {
        if self.at_boom.is_none() {
            self.arrive(Place::Boom, true);
        }
        if let Some(vehicle) = self.at_boom.as_mut().filter(|v| v.place == Place::Boom && !v.reached_platform && v.weighing.is_none()) {
            vehicle.wrong_way = true;
        }
        self.emit(Effect::Snapshot(Camera::Rear));
    }
}
