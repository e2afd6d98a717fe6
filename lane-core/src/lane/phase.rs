//! The phase and everything shown by it: derived from the facts each turn, said when it changes.

use super::Lane;
use super::permits::Stage;
use super::vehicle::{Ban, Vehicle};
use crate::effect::{Effect, Sign};
use crate::fault::{Fault, Severity};
use crate::input::Camera;
use crate::officer::Mode;
use crate::permit::PermitKind;
use crate::signal::{Signal, Tri};
use crate::verdict::{CheckKind, Outcome, Verdict};
use crate::view::PhaseName;

impl Lane {
    /// The phase that follows from the facts. First match.
    fn derive_phase(&self) -> PhaseName {
        let stage = self.permit.as_ref().map(|live| live.stage);
        if !self.ready {
            PhaseName::Boot
        } else if self.faults.worst() == Some(Severity::Block) {
            PhaseName::Faulted
        } else if stage == Some(Stage::Entered) {
            PhaseName::Passing
        } else if stage == Some(Stage::Granted) {
            PhaseName::Opening
        } else if self.signal(Signal::BoomDown) == Some(Tri::Off) && !self.boom_stands_open_by_will() {
            PhaseName::Closing
        } else if let Some(vehicle) = &self.at_boom {
            if vehicle.settled { PhaseName::Held } else { PhaseName::Identifying }
        } else {
            PhaseName::Idle
        }
    }

    fn boom_stands_open_by_will(&self) -> bool {
        matches!(self.mode.now, Mode::HeldOpen | Mode::Manual | Mode::Maintenance | Mode::BringUp)
    }

    /// Says what changed: phase, sign, lights, cameras' gates.
    pub(super) fn show(&mut self) {
        self.phase = self.derive_phase();
        let sign = self.derive_sign();
        if sign != self.shown.sign {
            self.shown.sign = sign;
            self.emit(Effect::Sign(sign));
        }
        let green = sign == Sign::Go;
        let buzzer = self.faults.has(Fault::WrongWay) || self.faults.has(Fault::Tailgate);
        if (green, buzzer) != (self.shown.green, self.shown.buzzer) {
            (self.shown.green, self.shown.buzzer) = (green, buzzer);
            self.emit(Effect::Lights { green, buzzer });
        }
        let on = self.at_boom.is_some() || self.approaching.is_some();
        for camera in [Camera::Front, Camera::Rear] {
            if self.shown.gates[camera as usize] != on {
                self.shown.gates[camera as usize] = on;
                self.emit(Effect::Gate { camera, on });
            }
        }
    }

    fn derive_sign(&self) -> Sign {
        if !self.ready || self.faults.worst() == Some(Severity::Block) {
            return Sign::Stop;
        }
        let up = self.is_on(Signal::BoomUp);
        match self.mode.now {
            Mode::Closed | Mode::Maintenance | Mode::BringUp | Mode::Manual => return Sign::Closed,
            Mode::HeldOpen if up => return Sign::Go,
            Mode::HeldOpen => {
                let called = self.at_boom.as_ref().is_some_and(|v| v.called_at.is_some());
                return if called { Sign::WaitOfficer } else { Sign::Wait };
            }
            Mode::Automatic | Mode::Attended => {}
        }
        if let Some(live) = &self.permit {
            // Once its one vehicle is under the boom, the sign speaks to whoever is behind it.
            let used_up = live.stage == Stage::Entered && live.permit.kind == PermitKind::Passage;
            return if up && live.stage != Stage::Writing && !used_up { Sign::Go } else { Sign::Wait };
        }
        match &self.at_boom {
            None => Sign::Come,
            Some(vehicle) => sign_for(vehicle),
        }
    }
}

fn sign_for(vehicle: &Vehicle) -> Sign {
    match vehicle.decision.as_ref().map(|decision| decision.ban) {
        Some(Ban::Refuse) => return Sign::TurnBack,
        Some(Ban::Divert) => return Sign::Divert,
        Some(Ban::Hold) => return Sign::WaitOfficer,
        None => {}
    }
    if !vehicle.settled {
        return Sign::Wait;
    }
    match vehicle.verdict.as_ref().map(told_to_the_driver) {
        Some(Outcome::Refuse) => Sign::TurnBack,
        Some(Outcome::Divert) => Sign::Divert,
        _ if vehicle.called_at.is_some() => Sign::WaitOfficer,
        _ if vehicle.waits_for_confirmation() => Sign::WaitConfirmation,
        _ => Sign::Wait,
    }
}

/// The outcome without the watchlist: what it leads to is never shown on the sign.
fn told_to_the_driver(verdict: &Verdict) -> Outcome {
    let shown = verdict.checks.iter().filter(|check| check.kind != CheckKind::Watchlist);
    shown.map(|check| check.leads_to).max().unwrap_or(Outcome::Hold)
}
