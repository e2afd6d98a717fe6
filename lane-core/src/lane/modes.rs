//! The lane's modes: who may change them, from where, and what a change does.
//!
//! | to | who | from where |
//! |---|---|---|
//! | Attended, Closed | officer, supervisor | lane, centre |
//! | Automatic | supervisor | lane, centre |
//! | HeldOpen | supervisor | lane |
//! | Maintenance, BringUp | technician, supervisor | lane |
//! | Manual | nobody: the key switch | |
//!
//! HeldOpen and BringUp are left at the lane; Maintenance is left at the lane by the person who entered it.

use super::Lane;
use super::permits::{Asked, Stage};
use super::timers::Timer;
use crate::effect::Effect;
use crate::ids::ActId;
use crate::officer::{ActOutcome, Mode, Officer, OfficerAct, Origin, Role};
use crate::permit::{PermitEnd, PermitKind};
use crate::record::What;
use crate::signal::{Signal, Tri};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The mode in force, who set it, and the one the key switch interrupted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct ModeState {
    pub(super) now: Mode,
    by: Option<Officer>,
    act: Option<ActId>,
    before_manual: Option<Mode>,
}

impl ModeState {
    /// The mode the ledger recorded last. The key switch says for itself whether it is turned.
    pub(super) fn restored(mode: Mode, by: Option<Officer>) -> Self {
        let now = if mode == Mode::Manual { Mode::Attended } else { mode };
        Self { now, by, act: None, before_manual: None }
    }

    /// Who asks for what the mode stands for.
    pub(super) fn asked(&self) -> Asked {
        Asked { by: self.by.clone(), act: self.act.clone() }
    }
}

impl Lane {
    /// May this person set this mode from there?
    pub(super) fn admit_mode(&self, to: Mode, act: &OfficerAct) -> ActOutcome {
        let at_lane = act.origin == Origin::Lane;
        let supervisor = act.by.role == Role::Supervisor;
        let leaving_at_lane_only = matches!(self.mode.now, Mode::HeldOpen | Mode::BringUp | Mode::Maintenance);
        let allowed = match to {
            Mode::Attended | Mode::Closed => matches!(act.by.role, Role::Officer | Role::Supervisor),
            Mode::Automatic | Mode::HeldOpen => supervisor,
            Mode::Maintenance | Mode::BringUp => matches!(act.by.role, Role::Technician | Role::Supervisor),
            Mode::Manual => return ActOutcome::BadValue,
        };
        if self.mode.now == Mode::Manual {
            return ActOutcome::WrongMode;
        }
        if (leaving_at_lane_only || matches!(to, Mode::HeldOpen | Mode::BringUp | Mode::Maintenance)) && !at_lane {
            return ActOutcome::OnlyAtLane;
        }
        if self.mode.now == Mode::Maintenance {
            // The person whose hands are in the boom, and nobody else.
            let same = self.mode.by.as_ref().is_some_and(|by| by.id == act.by.id);
            return if same { ActOutcome::Accepted } else { ActOutcome::NotAllowed };
        }
        if !allowed {
            return ActOutcome::NotAllowed;
        }
        match to {
            Mode::HeldOpen => self.admit_movement(),
            _ => ActOutcome::Accepted,
        }
    }

    pub(super) fn set_mode(&mut self, to: Mode, act: &OfficerAct) {
        self.change_mode(to, Some(act.by.clone()));
        self.mode.act = Some(act.id.clone());
        if to == Mode::HeldOpen && self.permit.is_none() {
            self.grant(PermitKind::Emergency, self.mode.asked());
        }
    }

    fn change_mode(&mut self, to: Mode, by: Option<Officer>) {
        let from = self.mode.now;
        if from == to {
            return;
        }
        self.mode.now = to;
        self.mode.by.clone_from(&by);
        self.mode.act = None;
        self.say(None, What::Mode { from, to, by });
        self.emit(Effect::InterlockMode(to));
        self.second = None;
        self.timers.stop(Timer::Second);
        // A permit belongs to the mode it was given in; one under a vehicle stays (I3).
        if self.permit.as_ref().is_some_and(|live| live.stage != Stage::Entered) {
            self.end_permit(PermitEnd::EndedByPerson, true);
        }
        // Whoever stood here while nobody judged is judged with a person watching.
        if matches!(from, Mode::Manual | Mode::HeldOpen | Mode::Maintenance | Mode::BringUp) {
            for vehicle in [&mut self.at_boom, &mut self.approaching].into_iter().flatten() {
                vehicle.needs_person = true;
            }
        }
        self.facts_changed();
    }

    /// The key switch for working by hand is a level.
    pub(super) fn key_switch(&mut self) {
        match (self.signal(Signal::ManualKey), self.mode.before_manual) {
            (Some(Tri::On), None) if self.mode.now != Mode::Maintenance => {
                self.mode.before_manual = Some(self.mode.now);
                self.change_mode(Mode::Manual, None);
            }
            (Some(Tri::Off), Some(before)) => {
                self.mode.before_manual = None;
                self.change_mode(before, None);
            }
            _ => {}
        }
    }

    /// The minute's watch record.
    pub(super) fn watch(&mut self) {
        let faults: Vec<_> = self.faults.iter().map(|standing| standing.fault).collect();
        let passages = core::mem::take(&mut self.ended);
        self.say(None, What::Watch { mode: self.mode.now, passages, cameras: self.cameras, scale: self.scale, faults });
        self.timers.set(Timer::Watch, self.now.plus(self.ms(|t| t.watch_record_ms)));
    }
}
