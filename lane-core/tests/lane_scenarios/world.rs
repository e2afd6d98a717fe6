//! The world around the lane: the real interlock, a self-closing boom, a store that numbers and commits, a cache that answers.
//!
//! Time goes in steps of 50 ms. In a step the boom moves, the sensors are read, the interlock scans, its events and the image go to the lane,
//! and the lane's effects are carried out until none is left.

use super::transcript::{effect_line, event_line};
use lane_core::declaration::{Declaration, LookupAnswer, OtherClaim, WatchHit};
use lane_core::effect::Effect;
use lane_core::ids::{BootId, Digest, Gate, LedgerId, PassageId, PermitId, Revision};
use lane_core::input::{Camera, CameraState, Freshness, Input, ScaleState, Started, StoreState};
use lane_core::interlock::{Config, Interlock, Regime, Requests};
use lane_core::lane::Lane;
use lane_core::officer::Mode;
use lane_core::plate::PlateText;
use lane_core::plate::confusable::confusable_key;
use lane_core::rules::Rules;
use lane_core::signal::{Output, Outputs, ProcessImage, Sample as SignalSample, Signal};
use lane_core::time::{Mono, Wall, WallQuality};
use lane_core::weight::{Reading, Sample, Shown, Stable};
use std::collections::BTreeSet;

pub const STEP_MS: u64 = 50;
/// 2026-11-02T08:00:00Z.
pub const START_UTC_MS: i64 = 1_793_606_400_000;
const TRAVEL_MS: u64 = 1_000;
/// The board lowers an open boom with nothing under it after this.
const AUTO_CLOSE_MS: u64 = 2_000;
const FITTED: [Signal; 11] = [
    Signal::ApproachLoop,
    Signal::PlatformFront,
    Signal::PlatformRear,
    Signal::BoomLoop,
    Signal::Photocell,
    Signal::ExitLoop,
    Signal::BoomUp,
    Signal::BoomDown,
    Signal::EStop,
    Signal::ManualKey,
    Signal::Tamper,
];

/// A self-closing boom on a pulse board: its own loops keep it up.
pub struct Boom {
    /// 0 down, `TRAVEL_MS` up.
    pub at_ms: u64,
    rising: bool,
    quiet_ms: u64,
    used: bool,
}

pub struct World {
    pub now: u64,
    pub lane: Lane,
    interlock: Interlock,
    rules: Rules,
    pub boom: Boom,
    pub on: BTreeSet<Signal>,
    pub grams: i64,
    pub stable: bool,
    pub scale: ScaleState,
    pub barrier_silent: bool,
    pub stop: bool,
    requests: Requests,
    permits_to_grant: Vec<lane_core::permit::Permit>,
    regime: Regime,
    pub store: StoreState,
    pub store_answers: bool,
    pub cache_answers: bool,
    pub table: Vec<Declaration>,
    pub revision: u64,
    pub watch: Vec<WatchHit>,
    pub claims: Vec<OtherClaim>,
    pub elsewhere: Option<(PlateText, Gate)>,
    pub freshness: Freshness,
    pub wall: Wall,
    /// The clock and the heads stand still at these offsets from the world's time.
    pub head_age_ms: i64,
    next_seq: u64,
    boot: u128,
    unanswered: Vec<Input>,
    pub open_passage: Option<PassageId>,
    mode: Mode,
    pub log: Vec<String>,
    pub line_at: u64,
    phase: String,
}

impl World {
    pub fn new(rules: Rules) -> Self {
        let started = started(1, None, Mode::Automatic);
        let lane = Lane::new(rules.clone(), started, ProcessImage::new(FITTED), Mono(0));
        let mut world = Self {
            now: 0,
            lane,
            interlock: Interlock::new(Config::default(), BootId(1)),
            rules,
            boom: Boom { at_ms: 0, rising: false, quiet_ms: 0, used: false },
            on: BTreeSet::new(),
            grams: 0,
            stable: true,
            scale: ScaleState::Streaming,
            barrier_silent: false,
            stop: false,
            requests: Requests::default(),
            permits_to_grant: Vec::new(),
            regime: Regime::Normal,
            store: StoreState { can_commit: true, nearly_full: false, restored: false },
            store_answers: true,
            cache_answers: true,
            table: Vec::new(),
            revision: 0,
            watch: Vec::new(),
            claims: Vec::new(),
            elsewhere: None,
            freshness: Freshness { head_utc_ms: Some(START_UTC_MS), link_up: true, ..Freshness::NONE },
            wall: Wall { utc_ms: START_UTC_MS, quality: WallQuality::Trusted },
            head_age_ms: 0,
            next_seq: 1,
            boot: 1,
            unanswered: Vec::new(),
            open_passage: None,
            mode: Mode::Automatic,
            log: Vec::new(),
            line_at: 0,
            phase: String::new(),
        };
        world.introduce();
        world
    }

    /// What the runtime tells a lane after a start.
    fn introduce(&mut self) {
        self.carry_out();
        self.tell_wall();
        self.input(Input::Store(self.store));
        self.input(Input::Freshness(self.freshness));
        self.input(Input::ScaleState(self.scale));
        self.input(Input::CameraState(Camera::Front, CameraState::Ok));
        self.input(Input::CameraState(Camera::Rear, CameraState::Ok));
    }

    pub fn tell_wall(&mut self) {
        let wall = Wall { utc_ms: START_UTC_MS + i64::try_from(self.now).unwrap(), ..self.wall };
        self.input(Input::Wall(wall));
    }

    pub fn tell_freshness(&mut self) {
        let head = START_UTC_MS + i64::try_from(self.now).unwrap() - self.head_age_ms;
        self.freshness.head_utc_ms = Some(head);
        self.input(Input::Freshness(self.freshness));
    }

    /// The power goes and comes back: a new daemon, a new boot.
    pub fn restart(&mut self) {
        self.boot += 1;
        self.log.push(format!("+{} restart", self.now - self.line_at));
        let started = started(self.boot, self.open_passage.take(), self.mode);
        self.lane = Lane::new(self.rules.clone(), started, ProcessImage::new(FITTED), Mono(self.now));
        self.interlock = Interlock::new(Config::default(), BootId(self.boot));
        self.requests = Requests::default();
        self.permits_to_grant.clear();
        self.unanswered.clear();
        self.introduce();
    }

    /// One input, and everything that follows from it.
    pub fn input(&mut self, input: Input) {
        self.lane.handle(Mono(self.now), input);
        self.carry_out();
        let phase = format!("{:?}", self.lane.phase());
        if phase != self.phase {
            self.log.push(format!("+{} phase {phase}", self.now - self.line_at));
            self.phase = phase;
        }
    }

    pub fn advance(&mut self, ms: u64) {
        for _ in 0..ms.div_ceil(STEP_MS) {
            self.step();
        }
    }

    fn step(&mut self) {
        self.now += STEP_MS;
        self.scan();
        if self.scale == ScaleState::Streaming && self.now.is_multiple_of(100) {
            let stable = if self.stable { Stable::Yes } else { Stable::No };
            let reading = Reading::Value { grams: self.grams, stable, shown: Shown::Gross };
            self.input(Input::Weight(Sample { acquired_at: Mono(self.now), reading, raw: Digest([7; 32]) }));
        }
        if self.freshness.link_up && self.now.is_multiple_of(10_000) {
            self.tell_freshness();
        }
        while self.lane.poll_timeout().is_some_and(|at| at.0 <= self.now) {
            self.input(Input::Tick);
        }
    }

    fn scan(&mut self) {
        let image = self.image();
        self.requests.stop = self.stop;
        self.requests.regime = self.regime;
        if self.requests.grant.is_none() && !self.permits_to_grant.is_empty() {
            self.requests.grant = Some(self.permits_to_grant.remove(0));
        }
        let scan = self.interlock.scan(Mono(self.now), &image, &self.requests);
        self.requests = Requests { regime: self.regime, green: self.requests.green, buzzer: self.requests.buzzer, ..Requests::default() };
        self.stop = false;
        self.boom.step(scan.outputs, self.on.contains(&Signal::BoomLoop) || self.on.contains(&Signal::Photocell));
        if !self.barrier_silent {
            self.input(Input::Signals(Box::new(image)));
        }
        for event in scan.events {
            if let Some(line) = event_line(&event) {
                self.log.push(format!("+{} interlock {line}", self.now - self.line_at));
            }
            self.input(Input::Interlock(event));
        }
    }

    /// A silent barrier's samples stay as old as they are.
    fn image(&self) -> ProcessImage {
        let mut image = ProcessImage::new(FITTED);
        for signal in FITTED {
            let value = match signal {
                Signal::BoomUp => self.boom.at_ms == TRAVEL_MS,
                Signal::BoomDown => self.boom.at_ms == 0,
                _ => self.on.contains(&signal),
            };
            if !self.barrier_silent {
                image.put(signal, SignalSample { value, acquired_at: Mono(self.now) });
            }
        }
        image
    }

    fn carry_out(&mut self) {
        while let Some(effect) = self.lane.poll_effect() {
            if let Some(line) = effect_line(&effect) {
                self.log.push(format!("+{} {line}", self.now - self.line_at));
            }
            self.follow(effect);
        }
    }

    fn follow(&mut self, effect: Effect) {
        match effect {
            Effect::OpenPassage { visit, .. } => {
                let passage = PassageId { ledger: LedgerId(1), seq: self.next_seq };
                self.next_seq += 1;
                self.open_passage = Some(passage);
                self.answer(Input::PassageOpened { visit, passage });
            }
            Effect::Authorise { permit, .. } => self.durable(permit),
            Effect::Grant(permit) => self.permits_to_grant.push(permit),
            Effect::Revoke(id, end) => self.requests.revoke = Some((id, end)),
            Effect::Close => self.requests.close = true,
            Effect::ResetInterlock => self.requests.reset = true,
            Effect::InterlockMode(mode) => {
                self.mode = mode;
                self.regime = match mode {
                    Mode::HeldOpen => Regime::HeldOpen,
                    Mode::Manual | Mode::Maintenance => Regime::Dead,
                    Mode::BringUp => Regime::BringUp,
                    Mode::Automatic | Mode::Attended | Mode::Closed => Regime::Normal,
                };
            }
            Effect::Lights { green, buzzer } => {
                self.requests.green = green;
                self.requests.buzzer = buzzer;
            }
            Effect::Lookup { passage, question, plates, ask_centre } => {
                if self.cache_answers {
                    let answer = Box::new(self.look_up(&plates, ask_centre));
                    self.input(Input::Lookup { passage, question, answer });
                }
            }
            _ => {}
        }
    }

    fn durable(&mut self, permit: PermitId) {
        self.answer(Input::PermitDurable(permit));
    }

    fn answer(&mut self, input: Input) {
        if self.store_answers && self.store.can_commit {
            self.input(input);
        } else {
            self.unanswered.push(input);
        }
    }

    /// The store catches up.
    pub fn store_catches_up(&mut self) {
        for input in core::mem::take(&mut self.unanswered) {
            self.input(input);
        }
    }

    fn look_up(&self, plates: &[PlateText], ask_centre: bool) -> LookupAnswer {
        let near = |declared: &PlateText| plates.iter().any(|plate| confusable_key(plate) == confusable_key(declared));
        let candidates: Vec<Declaration> =
            self.table.iter().filter(|d| near(&d.plate) || d.trailer_plate.as_ref().is_some_and(near)).cloned().collect();
        let known = Some(Revision { epoch: 1, revision: self.revision });
        let claims = self.claims.iter().filter(|claim| candidates.iter().any(|d| d.id == claim.declaration)).cloned().collect();
        let elsewhere = self.elsewhere.as_ref().filter(|(plate, _)| ask_centre && plates.contains(plate)).map(|(_, gate)| gate.clone());
        LookupAnswer { candidates, truncated: false, watch: self.watch.clone(), claims, elsewhere, declarations: known, watchlist: known }
    }
}

impl Boom {
    fn step(&mut self, outputs: Outputs, under: bool) {
        self.rising |= outputs.get(Output::Open);
        if self.rising {
            self.at_ms = (self.at_ms + STEP_MS).min(TRAVEL_MS);
            self.rising = self.at_ms < TRAVEL_MS;
            self.quiet_ms = 0;
            return;
        }
        if under {
            self.used = true;
            self.quiet_ms = 0;
            return;
        }
        // Open, it waits for a vehicle to come through; a board without a vehicle waits for longer.
        self.quiet_ms += STEP_MS;
        let waits_ms = if self.at_ms == TRAVEL_MS { if self.used { AUTO_CLOSE_MS } else { 10 * AUTO_CLOSE_MS } } else { 0 };
        if self.at_ms > 0 && self.quiet_ms > waits_ms {
            self.at_ms = self.at_ms.saturating_sub(STEP_MS);
            self.used &= self.at_ms > 0;
        }
    }
}

fn started(boot: u128, open_passage: Option<PassageId>, mode: Mode) -> Started {
    let digest = |byte| Digest([byte; 32]);
    Started {
        boot: BootId(boot),
        ledger: LedgerId(1),
        mode,
        mode_by: None,
        open_passage,
        program: digest(1),
        settings: digest(2),
        models: digest(3),
    }
}
