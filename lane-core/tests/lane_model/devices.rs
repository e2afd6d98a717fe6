//! The devices of the world: boom, sensors, scale, store, cache; and what the lane's effects do to them.

use super::facts::{FITTED, declaration, plate};
use super::world::{BASE_MS, World};
use lane_core::declaration::LookupAnswer;
use lane_core::effect::{Effect, Sign};
use lane_core::ids::{Digest, LedgerId, PassageId, Revision};
use lane_core::input::{Camera, CameraState, Freshness, Input, ScaleState, StoreState};
use lane_core::interlock::{Event, Requests};
use lane_core::permit::PermitEnd;
use lane_core::plate::PlateText;
use lane_core::signal::{Output, ProcessImage, Sample as SignalSample, Signal};
use lane_core::time::{Mono, Wall, WallQuality};
use lane_core::view::VehicleView;
use lane_core::weight::{Reading, Sample, Shown, Stable};

/// A vehicle with its cargo, as declared.
const VEHICLE_GRAMS: i64 = 35_000_000;
/// The board lowers the boom after so many quiet ticks.
const CLOSES_AFTER: u8 = 5;

impl World {
    pub fn introduce(&mut self) {
        self.input(Input::Wall(Wall { utc_ms: 1_000_000, quality: WallQuality::Trusted }));
        self.tell_store();
        self.input(Input::Freshness(Freshness { head_utc_ms: Some(1_000_000), link_up: true, ..Freshness::NONE }));
        self.input(Input::ScaleState(ScaleState::Streaming));
        self.input(Input::CameraState(Camera::Front, CameraState::Ok));
        self.input(Input::CameraState(Camera::Rear, CameraState::Absent));
    }

    pub fn tell_store(&mut self) {
        self.input(Input::Store(StoreState { can_commit: self.store_ok, nearly_full: false, restored: false }));
    }

    /// The indicator is gone for a moment, and takes what stands there for its zero.
    pub fn restart_indicator(&mut self) {
        self.left.indicator -= 1;
        self.zeroed_under = self.on_platform();
        self.zero = false;
        // What was weighed before stays weighed.
        let view = self.lane.view(Mono(BASE_MS));
        let weighed = |vehicle: Option<VehicleView>| vehicle.is_some_and(|vehicle| vehicle.gross.is_ok());
        let (first, second) = (weighed(view.at_boom), weighed(view.approaching));
        let at_boom = self.first();
        for (at, car) in self.cars.iter_mut().enumerate() {
            car.weighable &= if Some(at) == at_boom { first } else { second };
        }
        self.input(Input::ScaleState(ScaleState::NotOpen));
        self.input(Input::ScaleState(ScaleState::Streaming));
    }

    fn on_platform(&self) -> u8 {
        self.cars.iter().map(|car| u8::from((2..=4).contains(&car.place))).sum()
    }

    /// One sample, and what it could be worth.
    pub fn weigh(&mut self) {
        let load = self.on_platform();
        self.zero |= load == 0 && self.zeroed_under == 0;
        if load == 1
            && self.zero
            && !self.moved
            && let Some(car) = self.cars.iter_mut().find(|car| car.place == 3)
        {
            car.weighable = true;
            self.zero = false;
        }
        let grams = (i64::from(load) - i64::from(self.zeroed_under)) * VEHICLE_GRAMS;
        let stable = if self.moved { Stable::No } else { Stable::Yes };
        let reading = Reading::Value { grams, stable, shown: Shown::Gross };
        self.input(Input::Weight(Sample { acquired_at: Mono(BASE_MS), reading, raw: Digest([0; 32]) }));
    }

    pub fn move_boom(&mut self) {
        let under = self.cars.iter().any(|car| (4..=5).contains(&car.place));
        if self.rising {
            self.boom = (self.boom + 1).min(2);
            self.rising = self.boom < 2;
            self.quiet = 0;
        } else if under || self.boom == 0 {
            self.quiet = 0;
        } else {
            self.quiet = (self.quiet + 1).min(CLOSES_AFTER);
            if self.boom == 1 || self.quiet >= CLOSES_AFTER {
                self.boom -= 1;
            }
        }
    }

    pub fn scan(&mut self, stop: bool) {
        let on = |places: core::ops::RangeInclusive<u8>| self.cars.iter().any(|car| places.contains(&car.place));
        let values = [
            (Signal::ApproachLoop, on(1..=2)),
            (Signal::PlatformRear, on(2..=2)),
            (Signal::PlatformFront, on(4..=4)),
            (Signal::BoomLoop, on(4..=5)),
            (Signal::Photocell, on(5..=5)),
            (Signal::ExitLoop, on(5..=6)),
            (Signal::BoomUp, self.boom == 2),
            (Signal::BoomDown, self.boom == 0),
        ];
        let mut image = ProcessImage::new(FITTED);
        for (signal, value) in values {
            image.put(signal, SignalSample { value, acquired_at: Mono(BASE_MS) });
        }
        let requests = Requests { stop, reset: self.reset, grant: self.grant.take(), revoke: self.revoke.take(), ..Requests::default() };
        self.reset = false;
        let scan = self.interlock.scan(Mono(BASE_MS), &image, &requests);
        self.rising |= scan.outputs.get(Output::Open);
        self.input(Input::Signals(Box::new(image)));
        for event in scan.events {
            if let Event::VehicleEntered { permit: Some(id) } = event
                && let Some(granted) = self.granted.as_mut().filter(|granted| granted.id == id)
            {
                granted.entered = true;
            }
            self.input(Input::Interlock(event));
            if let Event::PermitEnded(id, _) | Event::PermitRefused(id, _) = event {
                self.granted = self.granted.filter(|granted| granted.id != id);
            }
        }
    }

    pub fn make_durable(&mut self) {
        if let Some(id) = self.writing.take() {
            self.durable = Some(id);
            self.input(Input::PermitDurable(id));
        }
    }

    pub fn input(&mut self, input: Input) {
        self.lane.handle(Mono(BASE_MS), input);
        // The first in the lane is served; who stands behind it waits for its turn.
        if self.served != self.lane.passage() {
            self.served = self.lane.passage();
            self.forget_waiting();
        }
        while let Some(effect) = self.lane.poll_effect() {
            self.follow(effect);
        }
    }

    fn follow(&mut self, effect: Effect) {
        match effect {
            Effect::OpenPassage { visit, .. } => {
                self.passages += 1;
                let passage = PassageId { ledger: LedgerId(1), seq: self.passages };
                self.input(Input::PassageOpened { visit, passage });
            }
            Effect::Authorise { permit, record } => {
                self.judged = true;
                self.authorised(permit, &record);
                self.writing = Some(permit);
                if self.store_ok && !self.left.late_durable {
                    self.make_durable();
                }
            }
            Effect::Grant(permit) => self.granted(permit),
            Effect::Revoke(id, end) => {
                self.revoke = Some((id, end));
                // Until it is heard, a grant that waits in the same channel is void.
                self.grant = self.grant.filter(|grant| grant.id != id);
                self.granted = self.granted.filter(|granted| granted.id != id);
                self.said.revoked |= end == PermitEnd::Revoked;
            }
            Effect::ResetInterlock => {
                self.reset = true;
                self.unseen_fault = false;
            }
            Effect::Lookup { passage, question, plates, .. } => {
                let answer = Box::new(self.look_up(&plates));
                self.input(Input::Lookup { passage, question, answer });
            }
            Effect::Sign(Sign::WaitOfficer | Sign::TurnBack | Sign::Divert) => self.judged = true,
            Effect::Record(record) => self.recorded(&record),
            _ => {}
        }
    }

    fn look_up(&self, plates: &[PlateText]) -> LookupAnswer {
        let candidates = if plates.contains(&plate(0)) { vec![declaration(self.confirmed)] } else { Vec::new() };
        let revision = Some(Revision { epoch: 1, revision: 1 });
        LookupAnswer {
            candidates,
            truncated: false,
            watch: Vec::new(),
            claims: Vec::new(),
            elsewhere: None,
            declarations: revision,
            watchlist: revision,
        }
    }
}
