//! What screens and health are told. Ages are computed at the asking; nothing here changes the lane.

use super::Lane;
use super::acts::SECOND_WITHIN_MS;
use super::permits::LivePermit;
use super::vehicle::{Plate, Vehicle};
use crate::declaration::Declaration;
use crate::fault::Severity;
use crate::input::Camera;
use crate::signal::{Quality, Signal, Tri};
use crate::time::Mono;
use crate::view::{Aged, BoomView, FaultView, LaneView, PermitView, PlateView, SecondView, SignalView, VehicleView};
use alloc::vec::Vec;

impl Lane {
    /// The whole state for screens, as of `now`.
    #[must_use]
    pub fn view(&self, now: Mono) -> LaneView {
        LaneView {
            phase: self.phase,
            mode: self.mode.now,
            stamp: self.stamp(),
            at_boom: self.at_boom.as_ref().map(|vehicle| self.vehicle_view(vehicle, now)),
            approaching: self.approaching.as_ref().map(|vehicle| self.vehicle_view(vehicle, now)),
            boom: self.boom_view(now),
            permit: self.permit.as_ref().map(|live| PermitView {
                kind: live.permit.kind,
                left_ms: live.permit.expires.since(now),
                entered: live.entered(),
            }),
            signals: Signal::ALL.into_iter().map(|signal| self.signal_view(signal, now)).collect(),
            faults: self
                .faults
                .iter()
                .map(|standing| FaultView { fault: standing.fault, severity: standing.fault.severity(), age_ms: now.since(standing.since) })
                .collect(),
            stop_latched: self.faults.has(crate::fault::Fault::StopLatched),
            platform: self.platform.live(now).map(|(value, at)| Aged { value, age_ms: now.since(at) }),
            cameras: self.cameras,
            scale: self.scale,
            sign: self.shown.sign,
            knowledge_age_s: self.knowledge_age_s(),
            link_up: self.freshness.link_up,
            store_ok: self.store_can_commit(),
            waiting_second: self
                .second
                .as_ref()
                .map(|pending| SecondView { act: (*pending.act).clone(), left_ms: pending.at.plus(SECOND_WITHIN_MS).since(now) }),
        }
    }

    fn signal_view(&self, signal: Signal, now: Mono) -> SignalView {
        let image = &self.field.image;
        let on = match image.value(signal, now, self.ms(|t| t.fresh_ms)) {
            Tri::On => Some(true),
            Tri::Off => Some(false),
            Tri::Unknown => None,
        };
        let present = image.quality(signal, now, 0) != Quality::Absent;
        SignalView { signal, on, present, age_ms: image.age_ms(signal, now) }
    }

    fn boom_view(&self, now: Mono) -> BoomView {
        let limit = |signal| self.field.image.value(signal, now, self.ms(|t| t.fresh_ms));
        match (limit(Signal::BoomUp), limit(Signal::BoomDown)) {
            (Tri::On, Tri::Off) => BoomView::Up,
            (Tri::Off, Tri::On) => BoomView::Down,
            (Tri::Off, Tri::Off) if self.faults.worst() == Some(Severity::Block) => BoomView::Between,
            (Tri::Off, Tri::Off) if self.permit.as_ref().is_some_and(|live| !live.entered()) => BoomView::Rising,
            (Tri::Off, Tri::Off) if self.permit.is_none() && !self.passes_unchecked() => BoomView::Falling,
            (Tri::Off, Tri::Off) => BoomView::Between,
            _ => BoomView::Unknown,
        }
    }

    fn vehicle_view(&self, vehicle: &Vehicle, now: Mono) -> VehicleView {
        let plates: Vec<PlateView> = [(Camera::Front, &vehicle.front), (Camera::Rear, &vehicle.rear)]
            .into_iter()
            .filter_map(|(camera, plate)| plate_view(camera, plate, now))
            .collect();
        VehicleView {
            passage: vehicle.passage,
            here_ms: now.since(vehicle.since),
            plates,
            gross: self.gross(vehicle).map(|weighing| Aged { value: weighing.gross_grams, age_ms: now.since(weighing.acquired_at) }),
            declarations: vehicle.chosen.clone(),
            candidates: competing(vehicle),
            verdict: vehicle.verdict.clone().map(|value| Aged { value, age_ms: now.since(vehicle.judged_at) }),
            called_ms: vehicle.called_at.map(|at| now.since(at)),
            decided_by: vehicle.decision.as_ref().map(|decision| decision.by.clone()),
        }
    }

    /// Does a permit of the vehicle at the boom live?
    #[must_use]
    pub fn permit_entered(&self) -> Option<bool> {
        self.permit.as_ref().map(LivePermit::entered)
    }
}

/// The rows behind the competing names, as the last answer brought them.
fn competing(vehicle: &Vehicle) -> Vec<Declaration> {
    let rows = vehicle.answer.iter().flat_map(|answer| &answer.candidates);
    rows.filter(|row| vehicle.competing.contains(&row.id)).cloned().collect()
}

fn plate_view(camera: Camera, plate: &Plate, now: Mono) -> Option<PlateView> {
    let read = plate.best().map_or(&[][..], |best| &best.texts[..]);
    let (text, probability_ppm, by_officer) = match (plate.corrected, read.first()) {
        (Some(text), _) => (text, 1_000_000, true),
        (None, Some(&(text, probability_ppm))) => (text, probability_ppm, false),
        (None, None) => return None,
    };
    let age_ms = plate.last_at.map_or(0, |at| now.since(at));
    let others = read.iter().copied().filter(|(other, _)| *other != text).collect();
    let contested = plate.best().is_some_and(|best| best.contested);
    Some(PlateView { camera, text, probability_ppm, by_officer, others, contested, picture: plate.picture().copied(), age_ms })
}
