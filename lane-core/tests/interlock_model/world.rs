//! The environment: boom, board, vehicles, sensors, link, person.

use super::monitor::{Monitor, Observed, PROPERTIES};
use super::run::{Cars, Lie, NOW, Run, TICK_MS};
use lane_core::ids::{BootId, PermitId};
use lane_core::interlock::{Closing, Drive, Interlock, Requests};
use lane_core::permit::{Permit, PermitEnd};
use lane_core::signal::{Output, Outputs, ProcessImage, Sample, Signal};
use lane_core::time::Mono;
use stateright::{Model, Property};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Going {
    Nowhere,
    Up,
    Down,
}

/// What a vehicle covers at each of its places along the lane: boom loop, photocell, exit loop, and whether it is below the boom's line.
type Place = (bool, bool, bool, bool);
const RIGID: [Place; 6] = [
    (false, false, false, false),
    (true, false, false, false),
    (true, true, false, true),
    (false, true, true, true),
    (false, false, true, false),
    (false, false, false, false),
];
/// With a drawbar that no sensor of the line sees (place 4).
const TRAILER: [Place; 10] = [
    (false, false, false, false),
    (true, false, false, false),
    (true, true, false, true),
    (false, true, true, true),
    (false, false, true, true),
    (true, false, true, true),
    (true, true, true, true),
    (false, true, true, true),
    (false, false, true, false),
    (false, false, false, false),
];

/// What the environment does in a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nature {
    Nothing,
    Forward(u8),
    Back(u8),
    LinkFails,
    LinkHeals,
    CrankUp,
    CrankDown,
    Jams,
    Frees,
    BoardCloses,
    LieBegins,
    /// This signal is read no more.
    GrowsStale(Signal),
    ReadAgain,
    KeyTurns,
    KeyBack,
    Restart,
}

/// What persons and the lane do in a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Person {
    Nothing,
    Grant,
    /// The last permit again, as new.
    GrantAgain,
    Revoke,
    Stop,
    Reset,
    Close,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    pub interlock: Interlock,
    pub outputs: Outputs,
    /// Open was on in the tick before.
    pub was_open: bool,
    pub boom: u8,
    pub going: Going,
    pub jammed: bool,
    pub cars: [u8; 2],
    pub link: bool,
    pub lying: bool,
    pub stale: Option<Signal>,
    pub key: bool,
    /// Nothing complete was read since the start: an Open that was held stays.
    pub adopting: bool,
    pub restarted: bool,
    pub granted: u8,
    pub mishaps: u8,
    pub monitor: Monitor,
}

/// What the sensors say in one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Readings {
    pub boom_loop: bool,
    pub photocell: bool,
    pub exit: bool,
    pub up: bool,
    pub down: bool,
}

impl World {
    fn places(run: &Run) -> &'static [Place] {
        if run.cars == Cars::Trailer { &TRAILER } else { &RIGID }
    }

    fn cars_in(run: &Run) -> u8 {
        if run.cars == Cars::Two { 2 } else { 1 }
    }

    /// Is a body below the boom's line?
    pub fn body_below(&self, run: &Run) -> bool {
        self.cars.iter().any(|place| Self::places(run)[usize::from(*place)].3)
    }

    /// Is anything between the boom loop and the exit loop's end?
    pub fn occupied(&self, run: &Run) -> bool {
        let last = Self::places(run).len() as u8 - 1;
        self.cars.iter().any(|place| *place != 0 && *place != last)
    }

    fn readings(&self, run: &Run) -> Readings {
        let mut readings = Readings { up: self.boom == 2, down: self.boom == 0, ..Readings::default() };
        for place in self.cars {
            let (boom_loop, photocell, exit, _) = Self::places(run)[usize::from(place)];
            readings.boom_loop |= boom_loop;
            readings.photocell |= photocell;
            readings.exit |= exit;
        }
        if self.lying {
            match run.lie {
                Lie::None => {}
                Lie::PhotocellBlind => readings.photocell = false,
                Lie::LoopDead => readings.boom_loop = false,
                Lie::LoopStuck => readings.boom_loop = true,
                Lie::BothLimits => (readings.up, readings.down) = (true, true),
            }
        }
        readings
    }

    /// Is everything read that a movement depends on?
    pub fn sees(&self) -> bool {
        self.link && self.stale.is_none()
    }

    pub fn reads(&self, signal: Signal) -> bool {
        self.link && self.stale != Some(signal)
    }

    /// Does the interlock see the key turned?
    pub fn sees_key(&self) -> bool {
        self.key && self.reads(Signal::ManualKey)
    }

    fn signals(run: &Run) -> &'static [Signal] {
        use Signal::{BoomDown, BoomLoop, BoomUp, ExitLoop, ManualKey, Photocell};
        if run.may_turn_key {
            &[BoomLoop, Photocell, ExitLoop, BoomUp, BoomDown, ManualKey]
        } else {
            &[BoomLoop, Photocell, ExitLoop, BoomUp, BoomDown]
        }
    }

    fn image(&self, run: &Run, readings: Readings) -> ProcessImage {
        let fitted = Self::signals(run);
        let mut image = ProcessImage::new(fitted.iter().copied());
        for signal in fitted.iter().copied().filter(|_| self.link) {
            let value = match signal {
                Signal::BoomLoop => readings.boom_loop,
                Signal::Photocell => readings.photocell,
                Signal::ExitLoop => readings.exit,
                Signal::BoomUp => readings.up,
                Signal::BoomDown => readings.down,
                _ => self.key,
            };
            // A stale sample says the opposite of what is: whoever believes it is wrong.
            let (value, acquired_at) = if self.stale == Some(signal) { (!value, Mono(NOW.0 - TICK_MS)) } else { (value, NOW) };
            image.put(signal, Sample { value, acquired_at });
        }
        image
    }

    /// The board obeys its contacts (a pulse lasts one tick); the boom moves one place a tick.
    fn move_boom(&mut self, run: &Run) {
        let on = |output| self.outputs.get(output);
        if on(Output::Stop) {
            self.going = Going::Nowhere;
        } else if on(Output::Open) {
            self.going = Going::Up;
        } else if on(Output::Close) {
            self.going = Going::Down;
        } else if run.drive == Drive::Maintained && run.closing == Closing::Commanded {
            self.going = Going::Nowhere;
        } else if run.drive == Drive::Maintained && self.was_open {
            // The held contact of a self-closing board was dropped.
            self.going = Going::Down;
        }
        if !self.jammed {
            match self.going {
                Going::Up => self.boom = (self.boom + 1).min(2),
                Going::Down => self.boom = self.boom.saturating_sub(1),
                Going::Nowhere => {}
            }
        }
        if (self.going == Going::Up && self.boom == 2) || (self.going == Going::Down && self.boom == 0) {
            self.going = Going::Nowhere;
        }
    }

    fn may_advance(&self, run: &Run, car: u8) -> bool {
        let place = self.cars[usize::from(car)];
        let last = Self::places(run).len() as u8 - 1;
        // Nobody drives through a closed boom; the second follows the first, one place between them.
        let boom_lets = place != 1 || self.boom != 0;
        let front = self.cars[0];
        let room = car == 0 || front == last || place + 2 < front;
        place < last && boom_lets && room
    }

    fn may_back(&self, run: &Run, car: u8) -> bool {
        let place = self.cars[usize::from(car)];
        let last = Self::places(run).len() as u8 - 1;
        let from_exit = place == last;
        let free = car == 1 || self.cars[1] == 0 || self.cars[1] + 2 < place;
        let boom_lets = place != 3 || self.boom != 0;
        // Two vehicles only go forward or back out at the line: enough for tailgates, and it keeps the space small.
        let reach = run.may_go_wrong_way || place <= 2;
        let enters = !from_exit || self.mishaps < run.mishaps;
        place > 0 && free && boom_lets && reach && enters
    }

    fn natures(&self, run: &Run) -> Vec<Nature> {
        let mut natures = vec![Nature::Nothing];
        for car in 0..Self::cars_in(run) {
            if self.may_advance(run, car) {
                natures.push(Nature::Forward(car));
            }
            if self.may_back(run, car) {
                natures.push(Nature::Back(car));
            }
        }
        let mut may = |allowed: bool, nature| {
            if allowed {
                natures.push(nature);
            }
        };
        let more = self.mishaps < run.mishaps;
        may(more && run.may_lose_link && self.link, Nature::LinkFails);
        may(run.may_lose_link && !self.link, Nature::LinkHeals);
        may(more && run.may_crank && self.boom < 2 && self.going == Going::Nowhere, Nature::CrankUp);
        may(more && run.may_crank && self.boom > 0 && self.going == Going::Nowhere, Nature::CrankDown);
        may(more && run.may_jam && !self.jammed, Nature::Jams);
        may(run.may_jam && self.jammed, Nature::Frees);
        let idle_up = self.boom == 2 && self.going == Going::Nowhere;
        may(run.closing == Closing::SelfClosing && idle_up && !self.outputs.get(Output::Open), Nature::BoardCloses);
        may(more && run.lie != Lie::None && !self.lying, Nature::LieBegins);
        may(more && run.may_restart && !self.restarted, Nature::Restart);
        may(more && run.may_turn_key && !self.key, Nature::KeyTurns);
        may(self.key, Nature::KeyBack);
        may(self.stale.is_some(), Nature::ReadAgain);
        for signal in Self::signals(run) {
            may(more && run.may_grow_stale && self.stale.is_none(), Nature::GrowsStale(*signal));
        }
        natures
    }

    fn persons(&self, run: &Run) -> Vec<Person> {
        let mut persons = vec![Person::Nothing];
        let mut may = |allowed: bool, person| {
            if allowed {
                persons.push(person);
            }
        };
        may(self.granted < run.permits, Person::Grant);
        may(self.granted > 0 && run.may_revoke, Person::GrantAgain);
        may(self.granted > 0 && run.may_revoke, Person::Revoke);
        may(run.may_stop && self.mishaps < run.mishaps, Person::Stop);
        // A reset of nothing does nothing, and a touch on a closed boom only ends a permit: left out of the space.
        let faulty = self.interlock.faults().iter().next().is_some();
        may(faulty, Person::Reset);
        may(faulty || self.boom != 0, Person::Close);
        persons
    }

    fn permit(&self, run: &Run, counter: u8) -> Permit {
        let id = PermitId { passage: None, counter: u16::from(counter), boot: BootId(u128::from(self.restarted)) };
        Permit { id, kind: run.kind, expires: NOW.plus(TICK_MS * u64::from(run.expiry_ticks())) }
    }

    fn act(&mut self, run: &Run, nature: Nature) {
        match nature {
            Nature::Nothing => {}
            Nature::Forward(car) => self.cars[usize::from(car)] += 1,
            Nature::Back(car) => self.cars[usize::from(car)] -= 1,
            Nature::LinkFails => self.link = false,
            Nature::LinkHeals => self.link = true,
            Nature::CrankUp => self.boom += 1,
            Nature::CrankDown => self.boom -= 1,
            Nature::Jams => self.jammed = true,
            Nature::Frees => self.jammed = false,
            Nature::BoardCloses => self.going = Going::Down,
            Nature::LieBegins => self.lying = true,
            Nature::GrowsStale(signal) => self.stale = Some(signal),
            Nature::ReadAgain => self.stale = None,
            Nature::KeyTurns => self.key = true,
            Nature::KeyBack => self.key = false,
            Nature::Restart => {
                self.restarted = true;
                self.interlock = Interlock::new(run.config(), BootId(1));
                self.adopting = run.held_at_start;
                if !run.held_at_start {
                    self.outputs = Outputs::OFF;
                }
            }
        }
    }

    fn requests(&mut self, run: &Run, person: Person) -> Requests {
        let open_held = run.held_at_start && self.link && self.outputs.get(Output::Open);
        let mut requests = Requests { regime: run.regime, open_held, ..Requests::default() };
        match person {
            Person::Nothing => {}
            Person::Grant => {
                requests.grant = Some(self.permit(run, self.granted));
                self.granted += 1;
            }
            Person::GrantAgain => requests.grant = Some(self.permit(run, self.granted - 1)),
            Person::Revoke => requests.revoke = Some((self.permit(run, self.granted - 1).id, PermitEnd::Revoked)),
            Person::Stop => requests.stop = true,
            Person::Reset => requests.reset = true,
            Person::Close => requests.close = true,
        }
        requests
    }

    /// One line of a trace.
    pub fn describe(world: &Self, action: Option<&(Nature, Person)>) -> String {
        let on: Vec<_> = Output::ALL.into_iter().filter(|o| world.outputs.get(*o)).map(Output::name).collect();
        let faults: Vec<_> = world.interlock.faults().iter().collect();
        format!(
            "boom {} {:?} cars {:?} link {} stale {:?} key {} | believes {:?} outputs {on:?} faults {faults:?} | then {action:?}",
            world.boom,
            world.going,
            world.cars,
            world.link,
            world.stale,
            world.key,
            world.interlock.boom()
        )
    }
}

impl Model for Run {
    type State = World;
    type Action = (Nature, Person);

    fn init_states(&self) -> Vec<World> {
        let interlock = Interlock::new(self.config(), BootId(0));
        let start = World {
            interlock,
            outputs: Outputs::OFF,
            was_open: false,
            boom: 0,
            going: Going::Nowhere,
            jammed: false,
            cars: [0; 2],
            link: true,
            lying: false,
            stale: None,
            key: false,
            adopting: false,
            restarted: false,
            granted: 0,
            mishaps: 0,
            monitor: Monitor::default(),
        };
        if self.held_at_start {
            let mut outputs = Outputs::OFF;
            outputs.set(Output::Open, true);
            let monitor = Monitor::held(outputs);
            return vec![World { boom: 2, outputs, was_open: true, adopting: true, monitor, ..start }];
        }
        vec![World { boom: 2, ..start.clone() }, start]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Self::Action>) {
        if world.monitor.is_broken() {
            return;
        }
        let persons = world.persons(self);
        for nature in world.natures(self) {
            // One thing a tick, except that persons act while vehicles move.
            let together = matches!(nature, Nature::Nothing | Nature::Forward(_) | Nature::Back(_));
            let many = if together { persons.len() } else { 1 };
            actions.extend(persons[..many].iter().map(|person| (nature, *person)));
        }
    }

    fn next_state(&self, last: &World, (nature, person): Self::Action) -> Option<World> {
        let mut world = last.clone();
        world.act(self, nature);
        let mishap =
            matches!(nature, Nature::LinkFails | Nature::CrankUp | Nature::CrankDown | Nature::Jams | Nature::LieBegins | Nature::Restart)
                || matches!(nature, Nature::GrowsStale(_) | Nature::KeyTurns)
                || matches!(nature, Nature::Back(car) if last.cars[usize::from(car)] as usize + 1 == World::places(self).len());
        world.mishaps += u8::from(mishap) + u8::from(person == Person::Stop);
        world.move_boom(self);
        let readings = world.readings(self);
        let image = world.image(self, readings);
        let requests = world.requests(self, person);
        let scan = world.interlock.scan(NOW, &image, &requests);
        // What is held when the daemon starts stays held until it has read everything once, or the key tells it otherwise.
        world.adopting &= !world.interlock.is_ready() && !world.sees_key();
        let mut outputs = scan.outputs;
        if world.adopting {
            outputs.set(Output::Open, world.outputs.get(Output::Open));
        }
        let wired = if world.link { outputs } else { world.outputs };
        let observed = Observed { run: self, last, readings, nature, person, outputs, events: &scan.events };
        let mut monitor = last.monitor.clone();
        monitor.watch(&observed, &world);
        world.monitor = monitor;
        world.was_open = world.outputs.get(Output::Open);
        world.outputs = wired;
        world.interlock.shift_times(TICK_MS);
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        PROPERTIES.to_vec()
    }
}
