//! The platform: whose weight it is. Steadiness, zero and wholly-on are [`crate::weight`]'s; here a weighing is bound to a vehicle (I10, I17).
//!
//! A vehicle is *on the platform* from its first sight until its front is under a permit on the boom line; the approaching one once it reached the
//! platform's far end. Two of them are several, and several are never weighed.

use super::Lane;
use super::permits::LivePermit;
use super::vehicle::{Place, Vehicle};
use crate::input::{Camera, ScaleState};
use crate::record::What;
use crate::rules::Rules;
use crate::signal::{Signal, Tri};
use crate::time::Mono;
use crate::weight::{PlatformEnd, Sample, Vehicles, Weight, WeightUnknown};
use serde::{Deserialize, Serialize};

/// The scale with the lane's view of its platform.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Platform {
    weight: Weight,
    min_vehicle_grams: i64,
    told: Option<(PlatformEnd, PlatformEnd, Vehicles)>,
}

impl Platform {
    pub(super) fn new(rules: &Rules, _now: Mono) -> Self {
        Self { weight: Weight::new(rules.weight), min_vehicle_grams: rules.weight.min_vehicle_grams, told: None }
    }

    pub(super) fn set_rules(&mut self, rules: &Rules) {
        self.weight.set_rules(rules.weight);
        self.min_vehicle_grams = rules.weight.min_vehicle_grams;
    }

    /// Does the platform carry a vehicle? `None`: nobody knows.
    pub(super) fn loaded(&self, now: Mono) -> Option<bool> {
        match self.weight.live(now) {
            Ok((grams, _)) => Some(grams >= self.min_vehicle_grams),
            Err(WeightUnknown::Overload) => Some(true),
            Err(WeightUnknown::Underload) => Some(false),
            Err(_) => None,
        }
    }

    /// The live number with its time, for screens.
    pub(super) fn live(&self, now: Mono) -> Option<(i64, Mono)> {
        self.weight.live(now).ok()
    }

    /// Why there is no weighing, if there is none.
    pub(super) fn why(&self, now: Mono) -> Option<WeightUnknown> {
        self.weight.weighing(now).err()
    }

    pub(super) fn shift_times(&mut self, f: &mut dyn FnMut(&mut Mono)) {
        self.weight.shift_times(f);
    }

    pub(super) fn hold_times(&mut self, now: Mono, unweighed: Option<Mono>) -> bool {
        self.weight.hold_times(now, unweighed)
    }
}

impl Lane {
    pub(super) fn take_sample(&mut self, sample: Sample) {
        self.platform.weight.on_sample(self.now, sample);
    }

    pub(super) fn take_scale_state(&mut self, state: ScaleState) {
        if self.scale == state {
            return;
        }
        self.scale = state;
        // Nobody knows what the indicator did meanwhile: it may have zeroed itself under a truck.
        if state != ScaleState::Streaming {
            self.platform.weight.on_restart();
        }
        self.facts_changed();
    }

    /// Tells the scale who is on its platform, and binds a weighing to its vehicle.
    pub(super) fn sense_platform(&mut self) {
        if self.scale == ScaleState::Absent {
            return;
        }
        let told = (self.platform_end(Signal::PlatformFront), self.platform_end(Signal::PlatformRear), self.vehicles_on_platform());
        if self.platform.told != Some(told) {
            self.platform.told = Some(told);
            self.platform.weight.on_platform(self.now, told.0, told.1, told.2);
        }
        self.bind_weighing();
    }

    fn platform_end(&self, signal: Signal) -> PlatformEnd {
        match self.signal(signal) {
            None => PlatformEnd::Absent,
            Some(Tri::On) => PlatformEnd::Active,
            Some(Tri::Off) => PlatformEnd::Quiet,
            Some(Tri::Unknown) => PlatformEnd::Unknown,
        }
    }

    fn first_is_through(&self) -> bool {
        self.permit.as_ref().is_some_and(LivePermit::entered)
    }

    fn vehicles_on_platform(&self) -> Vehicles {
        let first = self.at_boom.is_some() && !self.first_is_through();
        let second = self.approaching.as_ref().is_some_and(|v| v.place == Place::Platform);
        match (first, second) {
            (false, false) => Vehicles::None,
            (true, true) => Vehicles::Several,
            _ => Vehicles::One,
        }
    }

    fn bind_weighing(&mut self) {
        let now = self.now;
        let through = self.first_is_through();
        let vehicle = if through { &mut self.approaching } else { &mut self.at_boom };
        let Some(vehicle) = vehicle.as_mut().filter(|v| v.weighing.is_none()) else { return };
        let belongs = |weighing: &crate::weight::Weighing| weighing.steady_since >= vehicle.since;
        if self.platform.weight.weighing(now).is_ok_and(|weighing| belongs(&weighing))
            && let Ok(weighing) = self.platform.weight.take(now)
        {
            vehicle.weighing = Some(weighing);
            vehicle.weight_recorded = false;
            vehicle.dirty = true;
        }
    }

    /// The vehicle's gross, or why there is none.
    pub(super) fn gross<'v>(&self, vehicle: &'v Vehicle) -> Result<&'v crate::weight::Weighing, WeightUnknown> {
        vehicle.weighing.as_ref().ok_or_else(|| self.platform.why(self.now).unwrap_or(WeightUnknown::Settling))
    }

    /// Writes the weighing, or at the deadline its absence, once.
    pub(super) fn record_weight(&mut self) {
        let has_scale = self.scale != ScaleState::Absent;
        let why = self.platform.why(self.now).unwrap_or(WeightUnknown::Settling);
        let Some(vehicle) = self.at_boom.as_mut().filter(|v| v.passage.is_some() && !v.weight_recorded) else { return };
        let what = match vehicle.weighing {
            Some(weighing) => What::Weighed(weighing),
            None if vehicle.settled && has_scale => What::NotWeighed(why),
            None => return,
        };
        vehicle.weight_recorded = true;
        let passage = vehicle.passage;
        self.say(passage, what);
    }

    /// Which camera the lane has.
    pub(super) fn has_camera(&self, camera: Camera) -> bool {
        self.cameras[camera as usize] != crate::input::CameraState::Absent
    }
}
