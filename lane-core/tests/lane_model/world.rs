//! The world of the model, and the invariants, written on what the lane asked for and what was true when it asked.

use lane_core::declaration::{
    Channel, Confirmation, ConfirmationResult, Declaration, DeclarationState, Direction, LookupAnswer, Tare, TareSource, TradeType,
};
use lane_core::effect::{Effect, Sign};
use lane_core::fault::{Fault, Severity};
use lane_core::ids::{ActId, BootId, Digest, LedgerId, PassageId, PermitId, Revision};
use lane_core::input::{Camera, CameraState, Freshness, Input, ScaleState, Started, StoreState};
use lane_core::interlock::{Config, Event, Interlock, Requests};
use lane_core::lane::Lane;
use lane_core::officer::{Act, Mode, Officer, OfficerAct, Origin, Reason, ReasonCode, Role};
use lane_core::permit::{Permit, PermitEnd};
use lane_core::plate::{PlateText, Read};
use lane_core::record::{PassageEnd, Record, What};
use lane_core::rules::{CheckRule, Rules};
use lane_core::signal::{Output, ProcessImage, Sample as SignalSample, Signal};
use lane_core::time::{Mono, Wall, WallQuality};
use lane_core::verdict::{ALL_CHECKS, CheckKind, Outcome};
use lane_core::weight::{Reading, Sample, Shown, Stable};
use stateright::{Model, Property};

const STEP_MS: u64 = 200;
/// The model's now: further from the epoch than every limit.
const BASE_MS: u64 = 2_400;
/// Steps a vehicle may wait without a verdict or a call (L1): the identification's deadline, the call's, and one each for arrival and tick.
const WAITS_STEPS: u8 = 10;
const FITTED: [Signal; 8] = [
    Signal::ApproachLoop,
    Signal::PlatformFront,
    Signal::PlatformRear,
    Signal::BoomLoop,
    Signal::Photocell,
    Signal::ExitLoop,
    Signal::BoomUp,
    Signal::BoomDown,
];

/// What may happen in a run, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Budget {
    pub cars: u8,
    pub flips: u8,
    pub store: u8,
    pub late_durable: bool,
    pub acts: u8,
    pub stops: u8,
    pub resets: u8,
    pub faults: u8,
    pub restarts: u8,
    pub late_reads: u8,
}

impl Budget {
    pub const NONE: Self =
        Self { cars: 0, flips: 0, store: 0, late_durable: false, acts: 0, stops: 0, resets: 0, faults: 0, restarts: 0, late_reads: 0 };
}

pub struct Run {
    pub budget: Budget,
}

/// A vehicle: 0 away, 1 approach loop, 2 loop and platform's far end, 3 wholly on the platform, 4 boom loop, 5 boom line, 6 beyond, 7 gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Car {
    place: u8,
    read: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Granted {
    id: PermitId,
    by_itself: bool,
    entered: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    lane: Lane,
    interlock: Interlock,
    grant: Option<Permit>,
    revoke: Option<(PermitId, PermitEnd)>,
    reset: bool,
    boom: u8,
    rising: bool,
    quiet: u8,
    cars: [Car; 2],
    confirmed: bool,
    store_ok: bool,
    /// The permit whose record waits to become durable, and the one whose record is.
    writing: Option<PermitId>,
    durable: Option<PermitId>,
    asked_by_itself: bool,
    granted: Option<Granted>,
    looked: Option<(Option<PassageId>, u32)>,
    /// The act that was made on an old view.
    stale_act: Option<u8>,
    acts: u8,
    /// A pulsed device fault that nobody has looked at.
    unseen_fault: bool,
    /// The platform was empty since the last weighing and since the restart.
    zero: bool,
    waited: u8,
    judged: bool,
    passages: u64,
    boot: u128,
    left: Budget,
    passed: bool,
    revoked: bool,
    pub broken: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Wait,
    Forward(u8),
    Back(u8),
    Read(u8),
    /// A picture of the first vehicle, taken long ago, read only now.
    LateRead,
    Flip,
    Store,
    Durable,
    Look,
    Open { looked: bool },
    Stop,
    Reset,
    Fault,
    Restart,
}

pub const PROPERTIES: [&str; 8] = ["I3", "I5", "I9", "I10", "I13", "I14", "I17", "L1"];

impl Model for Run {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self.budget)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.broken.is_none() {
            world.possible(actions);
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        next.act(action);
        next.step();
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("I3", |_, world: &World| world.broken != Some("I3")),
            Property::always("I5", |_, world: &World| world.broken != Some("I5")),
            Property::always("I9", |_, world: &World| world.broken != Some("I9")),
            Property::always("I10", |_, world: &World| world.broken != Some("I10")),
            Property::always("I13", |_, world: &World| world.broken != Some("I13")),
            Property::always("I14", |_, world: &World| world.broken != Some("I14")),
            Property::always("I17", |_, world: &World| world.broken != Some("I17")),
            Property::always("L1", |_, world: &World| world.broken != Some("L1")),
            // The model reaches what it is about.
            Property::sometimes("a vehicle passes", |run: &Run, world: &World| world.passed || run.budget.cars > 1 || run.budget.acts > 0),
            Property::sometimes("a permit is revoked", |run: &Run, world: &World| world.revoked || run.budget.flips == 0),
        ]
    }
}

fn plate(car: usize) -> PlateText {
    PlateText::parse(["12C12345", "29H88888"][car]).unwrap()
}

fn rules() -> Rules {
    let mut rules = Rules::local_default("g".into(), "l".into(), Direction::Outbound);
    let checked = [CheckKind::PlateRead, CheckKind::DeclarationFound, CheckKind::Confirmations, CheckKind::CargoWeight];
    rules.movements[0].checks = ALL_CHECKS
        .into_iter()
        .map(|kind| {
            let rule = CheckRule { applies: checked.contains(&kind), on_failed: Outcome::Hold, on_unknown: Outcome::Hold, waive_offline_up_to_s: None };
            (kind, rule)
        })
        .collect();
    let timing = &mut rules.timing;
    timing.fresh_ms = 250;
    timing.joined_gap_ms = 400;
    timing.leave_hold_ms = 600;
    timing.identify_deadline_ms = 800;
    timing.call_officer_ms = 1_200;
    timing.call_unanswered_ms = 1_600;
    timing.permit_ms = 1_600;
    timing.query_deadline_ms = 400;
    timing.watch_record_ms = u32::MAX;
    rules.weight.flag_min_samples = 1;
    rules.weight.ends_quiet_ms = 0;
    rules
}

fn boom_config() -> Config {
    Config {
        pulse_ms: 200,
        fresh_ms: 250,
        fresh_scans: 1,
        close_clear_hold_ms: 200,
        reversal_rest_ms: 200,
        travel_limit_ms: 1_000,
        joined_gap_ms: 400,
        unclear_after_ms: 1_200,
        presence_stuck_ms: 0,
        open_limit_ms: 0,
        ..Config::default()
    }
}

fn lane(boot: u128, open_passage: Option<PassageId>) -> Lane {
    let digest = Digest([0; 32]);
    let started = Started {
        boot: BootId(boot),
        ledger: LedgerId(1),
        mode: Mode::Automatic,
        mode_by: None,
        open_passage,
        program: digest,
        settings: digest,
        models: digest,
    };
    Lane::new(rules(), started, ProcessImage::new(FITTED), Mono(BASE_MS))
}

impl World {
    fn new(budget: Budget) -> Self {
        let mut world = Self {
            lane: lane(1, None),
            interlock: Interlock::new(boom_config(), BootId(1)),
            grant: None,
            revoke: None,
            reset: false,
            boom: 0,
            rising: false,
            quiet: 0,
            cars: [Car { place: 0, read: false }; 2],
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
            waited: 0,
            judged: false,
            passages: 0,
            boot: 1,
            left: budget,
            passed: false,
            revoked: false,
            broken: None,
        };
        world.introduce();
        world.step();
        world.step();
        world
    }

    pub fn describe(world: &World, action: Option<&Action>) -> String {
        let faults: Vec<_> = world.interlock.faults().iter().collect();
        format!(
            "{:?} boom {} cars {:?} confirmed {} granted {:?} faults {faults:?} waited {} broken {:?} -> {action:?}",
            world.lane.phase(),
            world.boom,
            world.cars.map(|car| car.place),
            world.confirmed,
            world.granted,
            world.waited,
            world.broken
        )
    }

    fn introduce(&mut self) {
        self.input(Input::Wall(Wall { utc_ms: 1_000_000, quality: WallQuality::Trusted }));
        self.tell_store();
        self.input(Input::Freshness(Freshness { head_utc_ms: Some(1_000_000), link_up: true, ..Freshness::NONE }));
        self.input(Input::ScaleState(ScaleState::Streaming));
        self.input(Input::CameraState(Camera::Front, CameraState::Ok));
        self.input(Input::CameraState(Camera::Rear, CameraState::Absent));
    }

    fn tell_store(&mut self) {
        self.input(Input::Store(StoreState { can_commit: self.store_ok, nearly_full: false, restored: false }));
    }

    fn possible(&self, actions: &mut Vec<Action>) {
        actions.push(Action::Wait);
        for (at, car) in self.cars.iter().enumerate().take(usize::from(self.left.cars)) {
            let ahead = if at == 0 { 8 } else { self.cars[0].place };
            // The second keeps its distance; nobody drives through a boom that is down.
            let room = ahead >= 7 || car.place + 2 <= ahead;
            let free = car.place != 4 || self.boom == 2;
            if car.place < 7 && room && free {
                actions.push(Action::Forward(at as u8));
            }
            let behind = at == 0 && self.cars[1].place >= 1;
            if (1..=4).contains(&car.place) && !behind {
                actions.push(Action::Back(at as u8));
            }
            if car.place == 3 && !car.read {
                actions.push(Action::Read(at as u8));
            }
        }
        let left = &self.left;
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
        ];
        actions.extend(optional.into_iter().filter(|(possible, _)| *possible).map(|(_, action)| action));
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Wait | Action::Stop => {}
            Action::Forward(at) => self.cars[usize::from(at)].place += 1,
            Action::Back(at) => self.cars[usize::from(at)].place -= 1,
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
            Action::Look => self.looked = Some(self.view()),
            Action::Open { looked } => self.open(looked),
            Action::Reset => {
                self.left.resets -= 1;
                self.officer(Act::ResetFaults, (None, 0));
            }
            Action::Fault => {
                self.left.faults -= 1;
                self.unseen_fault = true;
                self.input(Input::Fault { fault: Fault::OutputMismatch, raised: true });
                self.input(Input::Fault { fault: Fault::OutputMismatch, raised: false });
            }
            Action::Restart => self.restart(),
        }
        if action == Action::Stop {
            self.left.stops -= 1;
            self.scan(true);
        }
    }

    fn view(&self) -> (Option<PassageId>, u32) {
        let view = self.lane.view(Mono(BASE_MS));
        (view.at_boom.and_then(|vehicle| vehicle.passage), view.stamp)
    }

    fn open(&mut self, looked: bool) {
        self.left.acts -= 1;
        let current = self.view();
        let on = if looked { self.looked.take().unwrap_or(current) } else { current };
        if on != current {
            self.stale_act = Some(self.acts);
        }
        self.officer(Act::Open(Reason { code: ReasonCode::DocumentsChecked, text: String::new() }), on);
    }

    fn officer(&mut self, act: Act, (passage, stamp): (Option<PassageId>, u32)) {
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
        self.unseen_fault = false;
        self.forget_waiting();
        self.introduce();
    }

    fn read(&mut self, car: usize, acquired_at: Mono) {
        for _ in 0..3 {
            let read = Box::new(Read::of_text(&plate(car), 1_000_000, 1_000).unwrap());
            self.input(Input::PlateRead { camera: Camera::Front, track: 0, acquired_at, read });
        }
    }

    /// One tick: the boom, the scan, the scale, the timers; then everything moves into the past.
    fn step(&mut self) {
        self.move_boom();
        self.scan(false);
        let kg = if self.first_on_platform().is_some() { 35_000 } else { 0 };
        self.zero |= kg == 0;
        let reading = Reading::Value { grams: kg * 1_000, stable: Stable::Yes, shown: Shown::Gross };
        self.input(Input::Weight(Sample { acquired_at: Mono(BASE_MS), reading, raw: Digest([0; 32]) }));
        self.input(Input::Tick);
        if self.writing.is_some() && self.store_ok && !self.left.late_durable {
            self.make_durable();
        }
        self.check();
        self.shift();
    }

    fn shift(&mut self) {
        let back = |at: &mut Mono| at.0 = at.0.saturating_sub(STEP_MS).min(2 * BASE_MS);
        self.lane.shift_times(&mut { back });
        self.interlock.shift_times(STEP_MS);
        if let Some(permit) = &mut self.grant {
            back(&mut permit.expires);
        }
    }

    fn first_on_platform(&self) -> Option<usize> {
        self.cars.iter().position(|car| (2..=4).contains(&car.place))
    }

    fn move_boom(&mut self) {
        let under = self.cars.iter().any(|car| (4..=5).contains(&car.place));
        if self.rising {
            self.boom = (self.boom + 1).min(2);
            self.rising = self.boom < 2;
            self.quiet = 0;
        } else if under {
            self.quiet = 0;
        } else {
            self.quiet = (self.quiet + 1).min(8);
            if self.boom == 1 || (self.boom == 2 && self.quiet >= 8) {
                self.boom -= 1;
            }
        }
    }

    fn scan(&mut self, stop: bool) {
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

    fn make_durable(&mut self) {
        if let Some(id) = self.writing.take() {
            self.durable = Some(id);
            self.input(Input::PermitDurable(id));
        }
    }

    fn input(&mut self, input: Input) {
        self.lane.handle(Mono(BASE_MS), input);
        while let Some(effect) = self.lane.poll_effect() {
            self.follow(effect);
        }
    }

    fn follow(&mut self, effect: Effect) {
        match effect {
            Effect::OpenPassage { visit, .. } => {
                self.forget_waiting();
                self.passages = self.passages % 3 + 1;
                let passage = PassageId { ledger: LedgerId(1), seq: self.passages };
                self.input(Input::PassageOpened { visit, passage });
            }
            Effect::Authorise { permit, record } => {
                self.judged = true;
                self.authorised(permit, &record);
            }
            Effect::Grant(permit) => self.granted(permit),
            Effect::Revoke(id, end) => {
                self.revoke = Some((id, end));
                // Until it is heard, a grant that waits in the same channel is void.
                self.grant = self.grant.filter(|grant| grant.id != id);
                self.granted = self.granted.filter(|granted| granted.id != id);
                self.revoked |= end == PermitEnd::Revoked;
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

    fn recorded(&mut self, record: &Record) {
        match &record.what {
            What::Verdict(_) => self.judged = true,
            What::Weighed(_) => {
                // One vehicle wholly on, and zero seen before it.
                let alone = self.cars.iter().filter(|car| (2..=4).contains(&car.place)).count() == 1;
                if !self.zero || !alone {
                    self.broken = Some("I17");
                }
                self.zero = false;
            }
            What::PassageEnded { end, .. } => {
                self.forget_waiting();
                self.passed |= *end == PassageEnd::Passed;
            }
            _ => {}
        }
    }

    fn authorised(&mut self, id: PermitId, record: &Record) {
        if let What::PermitGranted { by, act, .. } = &record.what {
            self.asked_by_itself = by.is_none();
            if let (Some(act), Some(stale)) = (act, self.stale_act)
                && act.as_str() == stale.to_string()
            {
                self.broken = Some("I13");
            }
        }
        self.writing = Some(id);
        if self.store_ok && !self.left.late_durable && !cfg!(planted = "i9") {
            self.make_durable();
        }
    }

    /// What must be true when a permit is given to the interlock.
    fn granted(&mut self, permit: Permit) {
        if self.durable != Some(permit.id) {
            self.broken = Some("I9");
        }
        if self.interlock.faults().at_least(Severity::Block) || self.unseen_fault {
            self.broken = Some("I5");
        }
        let first = self.cars.iter().position(|car| (1..=5).contains(&car.place));
        if self.asked_by_itself {
            if first != Some(0) {
                self.broken = Some("I10");
            } else if !self.confirmed {
                self.broken = Some("I14");
            }
        }
        self.granted = Some(Granted { id: permit.id, by_itself: self.asked_by_itself, entered: false });
        self.grant = Some(permit);
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

    fn forget_waiting(&mut self) {
        (self.waited, self.judged) = (0, false);
    }

    /// What must be true after every step.
    fn check(&mut self) {
        let worse = self.granted.is_some_and(|granted| granted.by_itself && !granted.entered) && !self.confirmed;
        if worse {
            self.broken = Some("I3");
        }
        let waits = self.cars.iter().any(|car| (1..=3).contains(&car.place));
        let healthy = !self.interlock.faults().at_least(Severity::Block) && !self.unseen_fault;
        if waits && healthy && !self.judged {
            self.waited += 1;
            if self.waited > WAITS_STEPS {
                self.broken = Some("L1");
            }
        } else {
            self.waited = 0;
        }
    }
}

fn declaration(confirmed: bool) -> Declaration {
    let result = if confirmed { ConfirmationResult::Pass } else { ConfirmationResult::Absent };
    let digest = Digest([9; 32]);
    Declaration {
        id: "D".into(),
        revision: Revision { epoch: 1, revision: 1 },
        gate: "g".into(),
        direction: Direction::Outbound,
        trade: TradeType::Export,
        plate: plate(0),
        trailer_plate: None,
        goods: String::new(),
        perishable: false,
        priority: false,
        cargo_grams: Some(20_000_000),
        axles: None,
        channel: Channel::Green,
        valid_from_ms: 0,
        valid_until_ms: i64::MAX,
        entries_allowed: 1,
        entries_used: 0,
        consignment: None,
        next_place: None,
        lane_hint: None,
        state: DeclarationState::Active,
        tare: Some(Tare { grams: 15_000_000, source: TareSource::Registered, at_ms: None }),
        confirmations: vec![Confirmation {
            agency: "customs".into(),
            required: true,
            result,
            at_ms: None,
            expires_ms: None,
            document: None,
            confirmed_digest: Some(digest),
        }],
        digest,
    }
}
