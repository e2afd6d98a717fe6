//! The world of the model: vehicles, persons, and one step of it.

use super::facts::{boom_config, lane, plate};
use super::model::{Action, Budget, Start};
use lane_core::fault::{Fault, Severity};
use lane_core::ids::{ActId, BootId, PassageId, PermitId};
use lane_core::input::{Camera, Input};
use lane_core::interlock::Interlock;
use lane_core::lane::Lane;
use lane_core::officer::{Act, Officer, OfficerAct, Origin, Reason, ReasonCode, Role};
use lane_core::permit::{Permit, PermitEnd};
use lane_core::plate::Read;
use lane_core::time::Mono;
use std::hash::{DefaultHasher, Hash, Hasher};

pub const STEP_MS: u64 = 500;
/// The model's now: further from the epoch than every limit.
pub const BASE_MS: u64 = 3_000;
/// A deadline beyond this is not waited for.
const FAR_MS: u64 = 3 * BASE_MS;

/// A vehicle: 0 away, 1 approach loop, 2 loop and platform's far end, 3 wholly on the platform, 4 boom loop, 5 boom line, 6 beyond, 7 gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Car {
    pub place: u8,
    /// It was read since it came.
    pub read: bool,
    /// It stood still, wholly and alone on the platform, zero seen before.
    pub weighable: bool,
}

/// A permit that the interlock was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Granted {
    pub id: PermitId,
    pub by_itself: bool,
    pub entered: bool,
}

/// What a person saw: the passage and the stamp as the screen gives them, and a digest of what the screen showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Looked {
    passage: Option<PassageId>,
    stamp: u32,
    shown: u64,
}

/// What the lane said of it in the last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Said {
    pub revoked: bool,
    pub weighed: bool,
    pub passed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    pub lane: Lane,
    pub interlock: Interlock,
    pub grant: Option<Permit>,
    pub revoke: Option<(PermitId, PermitEnd)>,
    pub reset: bool,
    pub boom: u8,
    pub rising: bool,
    pub quiet: u8,
    pub cars: [Car; 2],
    /// Something on the platform moved in this step.
    pub moved: bool,
    pub confirmed: bool,
    pub store_ok: bool,
    /// The permit whose record waits to become durable, and the one whose record is.
    pub writing: Option<PermitId>,
    pub durable: Option<PermitId>,
    pub asked_by_itself: bool,
    pub granted: Option<Granted>,
    pub looked: Option<Looked>,
    /// The act that was made on an old view.
    pub stale_act: Option<u8>,
    pub acts: u8,
    /// A pulsed device fault that nobody has looked at.
    pub unseen_fault: bool,
    /// The platform was empty since the last weighing and since the restarts of lane and indicator.
    pub zero: bool,
    /// Vehicles that stood there when the indicator made its zero.
    pub zeroed_under: u8,
    /// The passage whose turn it is, how long it has waited, and whether it was judged or somebody called.
    pub served: Option<PassageId>,
    pub waited: u8,
    pub judged: bool,
    pub passages: u64,
    pub boot: u128,
    pub left: Budget,
    pub said: Said,
    pub broken: Option<&'static str>,
}

impl World {
    pub fn new(budget: Budget, start: Start) -> Self {
        let mut world = Self {
            lane: lane(1, None),
            interlock: Interlock::new(boom_config(), BootId(1)),
            grant: None,
            revoke: None,
            reset: false,
            boom: 0,
            rising: false,
            quiet: 0,
            cars: [Car { place: 0, read: false, weighable: false }; 2],
            moved: false,
            confirmed: true,
            store_ok: true,
            writing: None,
            durable: None,
            asked_by_itself: false,
            granted: None,
            looked: None,
            stale_act: None,
            acts: 0,
            unseen_fault: false,
            zero: false,
            zeroed_under: 0,
            served: None,
            waited: 0,
            judged: false,
            passages: 0,
            boot: 1,
            left: Budget::START,
            said: Said::default(),
            broken: None,
        };
        world.introduce();
        world.step();
        world.step();
        world.begin(start);
        world.left = budget;
        world
    }

    fn begin(&mut self, start: Start) {
        use Action::{Forward, Read, Wait};
        let arrive = [Forward(0), Forward(0), Forward(0), Wait];
        let pass = [Read(0), Wait, Wait, Wait, Forward(0), Forward(0), Forward(0), Forward(0)];
        let actions: &[&[Action]] = match start {
            Start::Empty => &[],
            Start::Platform => &[&arrive],
            Start::FirstGone => &[&arrive, &pass],
        };
        let mut passed = false;
        for action in actions.iter().copied().flatten().chain(&[Wait; 8]).take(if start == Start::FirstGone { 20 } else { 4 }) {
            self.act(*action);
            self.step();
            passed |= self.said.passed;
            assert_eq!(self.broken, None, "{action:?}");
        }
        assert!(start != Start::FirstGone || passed, "the first vehicle passes");
    }

    pub fn describe(world: &World, action: Option<&Action>) -> String {
        let faults: Vec<_> = world.interlock.faults().iter().collect();
        format!(
            "{:?} boom {} cars {:?} confirmed {} granted {:?} faults {faults:?} zero {} waited {} broken {:?} -> {action:?}",
            world.lane.phase(),
            world.boom,
            world.cars.map(|car| car.place),
            world.confirmed,
            world.granted,
            world.zero,
            world.waited,
            world.broken
        )
    }

    pub fn possible(&self, actions: &mut Vec<Action>) {
        actions.push(Action::Wait);
        let left = &self.left;
        for (at, car) in self.cars.iter().enumerate().take(usize::from(left.cars)) {
            let ahead = if at == 0 { 8 } else { self.cars[0].place };
            // The second keeps its distance; nobody drives through a boom that is down.
            let room = ahead >= 7 || car.place + 2 <= ahead;
            let free = car.place != 4 || self.boom == 2;
            if car.place < 7 && room && free && (car.place > 0 || left.arrivals > 0) {
                actions.push(Action::Forward(at as u8));
            }
            let behind = at == 0 && self.cars[1].place >= 1;
            if left.backs > 0 && (1..=4).contains(&car.place) && !behind {
                actions.push(Action::Back(at as u8));
            }
            if car.place == 3 && !car.read {
                actions.push(Action::Read(at as u8));
            }
        }
        let optional = [
            (left.late_reads > 0 && self.cars[0].place == 7 && self.cars[1].place == 3, Action::LateRead),
            (left.flips > 0, Action::Flip),
            (left.store > 0, Action::Store),
            (self.writing.is_some() && self.store_ok && left.late_durable, Action::Durable),
            (left.acts > 0 && self.looked.is_none() && self.lane.passage().is_some(), Action::Look),
            (left.acts > 0 && self.looked.is_some(), Action::Open { looked: true }),
            (left.acts > 0 && self.lane.passage().is_some(), Action::Open { looked: false }),
            (left.stops > 0, Action::Stop),
            (left.resets > 0 && (self.unseen_fault || self.interlock.faults().at_least(Severity::Attend)), Action::Reset),
            (left.faults > 0, Action::Fault),
            (left.restarts > 0, Action::Restart),
            (left.indicator > 0, Action::Indicator),
        ];
        actions.extend(optional.into_iter().filter(|(possible, _)| *possible).map(|(_, action)| action));
    }

    pub fn act(&mut self, action: Action) {
        self.said = Said::default();
        match action {
            Action::Wait => {}
            Action::Forward(at) => self.drive(usize::from(at), true),
            Action::Back(at) => self.drive(usize::from(at), false),
            Action::Read(at) => {
                self.cars[usize::from(at)].read = true;
                self.read(usize::from(at), Mono(BASE_MS));
            }
            Action::LateRead => {
                self.left.late_reads -= 1;
                self.read(0, Mono(0));
            }
            Action::Flip => {
                self.left.flips -= 1;
                self.confirmed = !self.confirmed;
                self.input(Input::KnowledgeChanged);
            }
            Action::Store => {
                self.left.store -= 1;
                self.store_ok = !self.store_ok;
                self.tell_store();
            }
            Action::Durable => self.make_durable(),
            Action::Look => self.looked = Some(self.look()),
            Action::Open { looked } => self.open(looked),
            Action::Stop => {
                self.left.stops -= 1;
                self.scan(true);
            }
            Action::Reset => {
                self.left.resets -= 1;
                self.officer(Act::ResetFaults, None, 0);
            }
            Action::Fault => {
                self.left.faults -= 1;
                self.unseen_fault = true;
                self.input(Input::Fault { fault: Fault::OutputMismatch, raised: true });
                self.input(Input::Fault { fault: Fault::OutputMismatch, raised: false });
            }
            Action::Restart => self.restart(),
            Action::Indicator => self.restart_indicator(),
        }
    }

    fn drive(&mut self, at: usize, forward: bool) {
        let car = &mut self.cars[at];
        if forward {
            self.left.arrivals -= u8::from(car.place == 0);
            car.place += 1;
        } else {
            self.left.backs -= 1;
            car.place -= 1;
        }
        car.read &= car.place != 0;
        self.moved = (2..=4).contains(&car.place);
    }

    fn read(&mut self, car: usize, acquired_at: Mono) {
        for _ in 0..2 {
            let read = Box::new(Read::of_text(&plate(car), 1_000_000, 1_000).unwrap());
            self.input(Input::PlateRead { camera: Camera::Front, track: car as u32, acquired_at, read });
        }
    }

    /// What the screen shows of the vehicle at the boom: its passage, plates, weight, declarations and verdict.
    fn look(&self) -> Looked {
        let view = self.lane.view(Mono(BASE_MS));
        let mut shown = DefaultHasher::new();
        let passage = view.at_boom.as_ref().and_then(|vehicle| vehicle.passage);
        if let Some(vehicle) = view.at_boom {
            let plates: Vec<_> = vehicle.plates.iter().map(|plate| plate.text).collect();
            let verdict = vehicle.verdict.map(|aged| aged.value);
            let checks: Vec<_> = verdict.iter().flat_map(|v| &v.checks).map(|check| (check.kind, check.result, check.leads_to)).collect();
            let gross = vehicle.gross.map(|aged| aged.value).ok();
            (plates, vehicle.declarations, checks, verdict.map(|v| v.outcome), gross).hash(&mut shown);
        }
        Looked { passage, stamp: view.stamp, shown: shown.finish() }
    }

    fn open(&mut self, looked: bool) {
        self.left.acts -= 1;
        let current = self.look();
        let on = if looked { self.looked.take().unwrap_or(current) } else { current };
        if (on.passage, on.shown) != (current.passage, current.shown) {
            self.stale_act = Some(self.acts);
        }
        self.officer(Act::Open(Reason { code: ReasonCode::DocumentsChecked, text: String::new() }), on.passage, on.stamp);
    }

    fn officer(&mut self, act: Act, passage: Option<PassageId>, stamp: u32) {
        let id = ActId(self.acts.to_string());
        self.acts += 1;
        let by = Officer { id: "lan".into(), agency: "customs".into(), role: Role::Officer };
        self.input(Input::Act(Box::new(OfficerAct { id, by, origin: Origin::Lane, passage, view_stamp: Some(stamp), act })));
    }

    fn restart(&mut self) {
        self.left.restarts -= 1;
        self.boot += 1;
        let open = self.lane.passage();
        self.lane = lane(self.boot, open);
        self.interlock = Interlock::new(boom_config(), BootId(self.boot));
        (self.grant, self.revoke, self.reset, self.writing, self.durable, self.granted) = (None, None, false, None, None, None);
        self.looked = None;
        self.zero = false;
        self.cars.iter_mut().for_each(|car| car.weighable = false);
        self.unseen_fault = false;
        self.forget_waiting();
        self.introduce();
    }

    pub fn forget_waiting(&mut self) {
        (self.waited, self.judged) = (0, false);
    }

    /// One tick: the boom, the scan, the scale, the timers; then everything moves into the past.
    pub fn step(&mut self) {
        self.move_boom();
        self.scan(false);
        self.weigh();
        self.input(Input::Tick);
        if self.writing.is_some() && self.store_ok && !self.left.late_durable {
            self.make_durable();
        }
        self.check();
        self.moved = false;
        self.shift();
    }

    fn shift(&mut self) {
        let back = |at: &mut Mono| {
            if at.0 < FAR_MS {
                at.0 = at.0.saturating_sub(STEP_MS);
            }
        };
        self.lane.forget_measures();
        self.lane.shift_times(&mut { back });
        self.interlock.shift_times(STEP_MS);
        if let Some(permit) = &mut self.grant {
            back(&mut permit.expires);
        }
    }
}
