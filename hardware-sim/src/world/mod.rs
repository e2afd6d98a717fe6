//! The lane as physics: vehicles, boom, weighbridge and detectors. Pure: time and seed are arguments, no clock is read and nothing is sent.
//!
//! [`World::step`] advances everything by one tick from the relays ([`Drive`]) as they stand, in a fixed order: schedule, drivers, boom,
//! weighbridge, detectors. The same seed, schedule and drive give the same world, tick by tick.
//!
//! Terms: *schedule* = vehicles, orders and knob changes with their times; *events* = what an onlooker would note (a strike, a passage), kept in
//! a bounded ring for tests and the page.

pub mod boom;
pub mod geometry;
pub mod platform;
pub mod vehicle;

use std::collections::VecDeque;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::knobs::Knobs;
use crate::signal::{Drive, Output, Signal, Signals};
use boom::{BoardInputs, Boom};
use geometry::{BoomBuild, Geometry};
use platform::{Display, Load, Platform, PlatformBuild};
use vehicle::{Behaviour, Order, Sight, Vehicle, VehicleSpec};

/// Longest step; a caller splits longer times.
pub const MAX_STEP_MS: u64 = 20;
/// Most vehicles in the lane at once.
pub const MAX_VEHICLES: usize = 20;
/// Most entries of the schedule.
pub const MAX_SCHEDULE_ENTRIES: usize = 1_000;
/// Events kept.
pub const MAX_EVENTS: usize = 2_000;
/// Above this angle a driver dares to pass, and the arm clears every vehicle.
const PASSABLE_DEG: f64 = 80.0;
/// The arm rests on a vehicle's roof at this angle.
const ROOF_DEG: f64 = 55.0;

/// Something to happen at a time.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Spawn(VehicleSpec),
    /// To the vehicle of this id.
    Order(u64, Order),
    KnobOn(String, Option<f64>),
    KnobOff(String),
}

/// What an onlooker notes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    pub at_ms: u64,
    #[serde(flatten)]
    pub what: EventKind,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    VehicleEntered {
        vehicle: u64,
    },
    /// The vehicle left over the lane's end.
    VehiclePassed {
        vehicle: u64,
    },
    /// The vehicle left over the lane's start.
    VehicleLeftBackwards {
        vehicle: u64,
    },
    /// The arm came down on the vehicle.
    BoomStruck {
        vehicle: u64,
    },
    BoomReversed,
    BoomUp,
    BoomDown,
    KnobRefused {
        knob: String,
        why: String,
    },
}

#[derive(Debug, thiserror::Error, PartialEq)]
pub enum WorldError {
    #[error("the lane holds {MAX_VEHICLES} vehicles already")]
    Full,
    #[error("no vehicle with id {0}")]
    NoVehicle(u64),
    #[error("the schedule holds {MAX_SCHEDULE_ENTRIES} entries already")]
    ScheduleFull,
}

pub struct World {
    geometry: Geometry,
    boom_build: BoomBuild,
    platform_build: PlatformBuild,
    seed: u64,
    now_ms: u64,
    rng: ChaCha8Rng,
    vehicles: Vec<Vehicle>,
    next_vehicle: u64,
    boom: Boom,
    platform: Platform,
    pub knobs: Knobs,
    schedule: Vec<(u64, u64, Act)>,
    scheduled: u64,
    signals: Signals,
    events: VecDeque<Event>,
    was_up: bool,
    was_down: bool,
}

impl World {
    pub fn new(geometry: Geometry, boom_build: BoomBuild, platform_build: PlatformBuild, knobs: Knobs, seed: u64) -> World {
        let boom = Boom::new(boom_build.clone());
        let mut world = World {
            was_up: boom.at_up_limit(),
            was_down: boom.at_down_limit(),
            boom,
            platform: Platform::new(platform_build.clone()),
            geometry,
            boom_build,
            platform_build,
            seed,
            now_ms: 0,
            rng: ChaCha8Rng::seed_from_u64(seed),
            vehicles: Vec::new(),
            next_vehicle: 1,
            knobs,
            schedule: Vec::new(),
            scheduled: 0,
            signals: Signals::default(),
            events: VecDeque::new(),
        };
        world.signals = world.sense();
        world
    }

    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    pub fn boom(&self) -> &Boom {
        &self.boom
    }

    pub fn vehicles(&self) -> &[Vehicle] {
        &self.vehicles
    }

    /// What the indicator displays.
    pub fn display(&self) -> Display {
        self.platform.display()
    }

    /// The display's step, kg.
    pub fn division_kg(&self) -> i64 {
        self.platform.build().division_kg
    }

    /// The detectors, faults included.
    pub fn signals(&self) -> Signals {
        self.signals
    }

    /// Events noted since the start or the last reset, oldest first; the ring forgets the oldest.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.iter()
    }

    /// Entries of the schedule still to come.
    pub fn scheduled(&self) -> usize {
        self.schedule.len()
    }

    /// Empties the lane: vehicles, schedule, knobs, events; boom, weighbridge and randomness as at the start. Time and ids go on.
    pub fn reset(&mut self, seed: Option<u64>) {
        self.vehicles.clear();
        self.schedule.clear();
        self.events.clear();
        self.knobs.clear();
        self.seed = seed.unwrap_or(self.seed);
        self.rng = ChaCha8Rng::seed_from_u64(self.seed);
        self.boom = Boom::new(self.boom_build.clone());
        self.platform = Platform::new(self.platform_build.clone());
        self.was_up = self.boom.at_up_limit();
        self.was_down = self.boom.at_down_limit();
        self.signals = self.sense();
    }

    /// Adds an act `in_ms` from now.
    pub fn schedule(&mut self, in_ms: u64, act: Act) -> Result<(), WorldError> {
        if self.schedule.len() >= MAX_SCHEDULE_ENTRIES {
            return Err(WorldError::ScheduleFull);
        }
        self.scheduled += 1;
        self.schedule.push((self.now_ms + in_ms, self.scheduled, act));
        self.schedule.sort_by_key(|(at_ms, order, _)| (*at_ms, *order));
        Ok(())
    }

    /// The id that the next vehicle will get.
    pub fn next_vehicle(&self) -> u64 {
        self.next_vehicle
    }

    /// Puts a vehicle at the lane's start (or, going the wrong way, at its end), behind whatever waits there.
    pub fn spawn(&mut self, spec: VehicleSpec) -> Result<u64, WorldError> {
        if self.vehicles.len() >= MAX_VEHICLES {
            return Err(WorldError::Full);
        }
        let id = self.next_vehicle;
        self.next_vehicle += 1;
        let vehicle = if spec.behaviour == Behaviour::WrongWay {
            let farthest = self.vehicles.iter().map(|other| other.extent_m().1).fold(self.geometry.end_m - 4.0, f64::max);
            Vehicle::new(id, spec, farthest + 2.0, -1.0)
        } else {
            let last = self.vehicles.iter().map(|other| other.extent_m().0).fold(1.0, f64::min);
            Vehicle::new(id, spec, last - 3.0, 1.0)
        };
        self.vehicles.push(vehicle);
        self.note(EventKind::VehicleEntered { vehicle: id });
        Ok(id)
    }

    pub fn order(&mut self, vehicle: u64, order: Order) -> Result<(), WorldError> {
        let found = self.vehicles.iter_mut().find(|other| other.id == vehicle);
        found.map(|found| found.give(order)).ok_or(WorldError::NoVehicle(vehicle))
    }

    /// Takes a vehicle out of the world, as if lifted away.
    pub fn remove(&mut self, vehicle: u64) -> Result<(), WorldError> {
        let before = self.vehicles.len();
        self.vehicles.retain(|other| other.id != vehicle);
        if self.vehicles.len() == before { Err(WorldError::NoVehicle(vehicle)) } else { Ok(()) }
    }

    /// Advances by `dt_ms` (at most [`MAX_STEP_MS`]) with the relays as they stand.
    pub fn step(&mut self, dt_ms: u64, drive: &Drive) {
        let dt_ms = dt_ms.min(MAX_STEP_MS);
        self.now_ms += dt_ms;
        self.run_schedule();
        self.drive_vehicles(dt_ms, drive);
        self.move_boom(dt_ms, drive);
        self.weigh(dt_ms);
        self.signals = self.sense();
    }

    fn run_schedule(&mut self) {
        while self.schedule.first().is_some_and(|(at_ms, _, _)| *at_ms <= self.now_ms) {
            let (_, _, act) = self.schedule.remove(0);
            let refused = match act {
                Act::Spawn(spec) => self.spawn(spec).err().map(|error| ("spawn".to_owned(), error.to_string())),
                Act::Order(vehicle, order) => self.order(vehicle, order).err().map(|error| ("order".to_owned(), error.to_string())),
                Act::KnobOn(name, value) => self.knobs.turn_on(&name, value).err().map(|error| (name, error.to_string())),
                Act::KnobOff(name) => self.knobs.turn_off(&name).err().map(|error| (name, error.to_string())),
            };
            if let Some((knob, why)) = refused {
                self.note(EventKind::KnobRefused { knob, why });
            }
        }
    }

    fn drive_vehicles(&mut self, dt_ms: u64, drive: &Drive) {
        let boom_passable = self.boom.angle_deg() >= PASSABLE_DEG;
        let light_forbids = drive.get(Output::LightRed) && !drive.get(Output::LightGreen);
        for index in 0..self.vehicles.len() {
            let obstacle_m = self.obstacle_ahead(index);
            let sight =
                Sight { stop_line_m: self.geometry.stop_line_m, boom_m: self.geometry.boom_m, boom_passable, light_forbids, obstacle_m };
            self.vehicles[index].drive(dt_ms, &sight);
        }
        let mut gone = Vec::new();
        let end_m = self.geometry.end_m;
        self.vehicles.retain(|vehicle| {
            let (low, high) = vehicle.extent_m();
            let forwards = vehicle.direction() > 0.0 && low > end_m;
            let backwards = vehicle.direction() < 0.0 && high < -4.0;
            if forwards {
                gone.push(EventKind::VehiclePassed { vehicle: vehicle.id });
            } else if backwards {
                gone.push(EventKind::VehicleLeftBackwards { vehicle: vehicle.id });
            }
            !(forwards || backwards)
        });
        for event in gone {
            self.note(event);
        }
    }

    fn obstacle_ahead(&self, index: usize) -> Option<f64> {
        let me = &self.vehicles[index];
        let direction = me.direction();
        let leading_m = me.leading_m();
        let others = self.vehicles.iter().enumerate().filter(|(other, _)| *other != index);
        let bumpers = others.map(|(_, other)| {
            let (low, high) = other.extent_m();
            if direction > 0.0 { low } else { high }
        });
        bumpers
            .filter(|bumper| (bumper - leading_m) * direction > -0.5)
            .min_by(|a, b| ((a - leading_m) * direction).total_cmp(&((b - leading_m) * direction)))
    }

    fn under_boom(&self) -> Option<usize> {
        self.vehicles.iter().position(|vehicle| vehicle.breaks_beam(self.geometry.boom_m))
    }

    fn move_boom(&mut self, dt_ms: u64, drive: &Drive) {
        let under = self.under_boom();
        let knobs = &self.knobs;
        let inputs = BoardInputs {
            open: drive.get(Output::Open) || knobs.on("boom_radio_open"),
            close: drive.get(Output::Close) || knobs.on("boom_radio_close"),
            stop: drive.get(Output::Stop),
            e_stop: knobs.on("e_stop"),
            fire: knobs.on("fire_input"),
            power_cut: knobs.on("boom_power_cut"),
            presence: self.signals.get(Signal::BoomLoop) || self.signals.get(Signal::Photocell),
            stuck: knobs.on("boom_stuck"),
            slow_factor: knobs.value("boom_slow"),
            crank_deg: knobs.value("boom_crank"),
            no_auto_close: knobs.on("boom_no_auto_close"),
            no_reverse: knobs.on("boom_no_reverse"),
            blocked_below_deg: under.map(|_| ROOF_DEG),
        };
        let happened = self.boom.step(dt_ms, &inputs);
        if happened.reversed {
            self.note(EventKind::BoomReversed);
        }
        if let (true, Some(index)) = (happened.struck, under) {
            self.vehicles[index].struck = true;
            let vehicle = self.vehicles[index].id;
            self.note(EventKind::BoomStruck { vehicle });
        }
        let (up, down) = (self.boom.at_up_limit(), self.boom.at_down_limit());
        if up && !self.was_up {
            self.note(EventKind::BoomUp);
        }
        if down && !self.was_down {
            self.note(EventKind::BoomDown);
        }
        self.was_up = up;
        self.was_down = down;
    }

    fn weigh(&mut self, dt_ms: u64) {
        let platform_m = self.geometry.platform_m;
        let mut load = Load {
            unstable_kg: self.knobs.value("scale_unstable").unwrap_or(0.0),
            offset_kg: self.knobs.value("scale_offset").unwrap_or(0.0),
            overload: self.knobs.on("scale_overload"),
            ..Load::default()
        };
        for vehicle in &self.vehicles {
            let kg = vehicle.load_kg(platform_m);
            load.kg += kg;
            if kg > 0.0 {
                load.rolling_m_s = load.rolling_m_s.max(vehicle.speed_m_s);
            }
        }
        self.platform.step(dt_ms, &load, &mut self.rng);
    }

    /// The detectors as they are wired, after their own faults.
    fn sense(&self) -> Signals {
        let g = &self.geometry;
        let beam = |at_m: f64| self.vehicles.iter().any(|vehicle| vehicle.breaks_beam(at_m));
        let coil = |loop_m: [f64; 2]| self.vehicles.iter().any(|vehicle| vehicle.over_loop(loop_m));
        let mut signals = Signals::default();
        for signal in Signal::ALL {
            let truth = match signal {
                Signal::ApproachLoop => coil(g.approach_loop_m),
                Signal::PlatformRear => beam(g.platform_m[0]),
                Signal::PlatformFront => beam(g.platform_m[1]),
                Signal::BoomLoop => coil(g.boom_loop_m),
                Signal::Photocell => beam(g.boom_m),
                Signal::ExitLoop => coil(g.exit_loop_m),
                Signal::BoomUp => self.boom.at_up_limit(),
                Signal::BoomDown => self.boom.at_down_limit(),
                Signal::EStop => self.knobs.on("e_stop"),
                Signal::OperatorFault => self.knobs.on("operator_fault") || self.knobs.on("boom_power_cut"),
                Signal::ManualKey => self.knobs.on("manual_key"),
                Signal::Tamper => self.knobs.on("tamper"),
            };
            signals.set(signal, self.reported(signal, truth));
        }
        signals
    }

    fn reported(&self, signal: Signal, truth: bool) -> bool {
        if self.knobs.active().is_empty() {
            return truth;
        }
        let name = signal.name();
        if self.knobs.on(&format!("{name}_stuck_on")) {
            return true;
        }
        if self.knobs.on(&format!("{name}_stuck_off")) {
            return false;
        }
        match self.knobs.value(&format!("{name}_bounce")) {
            Some(half_ms) => (self.now_ms / (half_ms as u64).max(1)).is_multiple_of(2),
            None => truth,
        }
    }

    fn note(&mut self, what: EventKind) {
        if self.events.len() >= MAX_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(Event { at_ms: self.now_ms, what });
    }
}

#[cfg(test)]
mod tests;
