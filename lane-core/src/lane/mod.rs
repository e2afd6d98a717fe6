//! The lane: decides whether a vehicle may pass, and asks the interlock for a movement with a permit.
//!
//! # Terms
//! * *at the boom*: the first vehicle of the lane, from the moment it is first sensed; *approaching*: the one behind it, if it was told apart.
//! * *presence*: any fitted sensor before and under the boom, or a loaded platform. Unknown is neither here nor gone.
//! * *passage*: one vehicle's stay, named by the store; *visit*: the same before the store has named it.
//! * *settled*: nothing more is waited for; the verdict stands on what is known.
//! * *needs a person*: a passing verdict alone does not open again for this vehicle (its presence broke, its permit was not used, Stop, a fault).
//!
//! # Phases
//! The phase is never stored apart from what it follows from: it is derived each turn ([`phase`]) and remembered only to show the change.
//!
//! ```text
//!            all required inputs fresh                    vehicle sensed
//!   ┌──────┐ ──────────────────────────▶ ┌──────┐ ─────────────────────────▶ ┌─────────────┐
//!   │ Boot │                             │ Idle │ ◀───────────────────────── │ Identifying │
//!   └──────┘                             └──────┘        it goes away        └──────┬──────┘
//!                                           ▲ ▲                        passes │     │ settled or deadline, not passing
//!                                 boom down │ │ it goes away                  │     ▼
//!                                  ┌────────┴┐└───────────────────────────────┼── ┌──────┐
//!                                  │ Closing │                                │   │ Held │ every change is judged again
//!                                  └────────┬┘        permit durable, granted ▼   └──┬───┘
//!                                           │  clear  ┌─────────┐  front on  ┌───────┴─┐  passes, or a person
//!                                           └──────── │ Passing │ ◀───────── │ Opening │ ◀────────┘
//!                                                     └─────────┘ boom loop  └─────────┘ ──▶ Held: revoked, expired, stopped
//!   from anywhere: a blocking fault ─▶ Faulted ─▶ (a person at the lane resets) ─▶ whatever follows from the facts
//! ```
//!
//! # Modes ([`crate::officer::Mode`])
//! `Automatic` opens on a passing verdict. `Attended` waits for [`crate::officer::Act::Agree`]; a fault of severity `Attend` has the same effect.
//! `Closed` judges and opens nothing. `HeldOpen` counts vehicles as passed unchecked; its Up needs an emergency permit, so it is authorised by a
//! durable record like any other. `Manual` follows the key switch. `Maintenance` is left by the person who entered it. `BringUp` allows test permits.
//!
//! # One turn
//! [`Lane::handle`] takes one input: it is noted, presence is sensed, due timers fire, changed facts are judged, levels (faults, calls, sign,
//! lights, cameras' gates) are re-evaluated. Then the caller drains [`Lane::poll_effect`] and sleeps until [`Lane::poll_timeout`].
//!
//! # What is held here
//! * I9: [`permits`]: `Grant` only as the answer to `PermitDurable`, and only if everything still allows it then.
//! * I3: one live permit, bound to a vehicle and to what it was judged on; a worse judgement revokes it until the front is on the boom loop.
//! * I5: [`faults`]: a blocking fault leaves by its owner, after a person's reset at the lane.
//! * I10, I17: [`identify`], [`weigh`]: reads and weighings are bound by camera, zone and time when they arrive, or belong to nobody.
//! * I13: [`acts`]: passage and view are compared before anything is done; the record says what the lane would have done.
//! * I14: [`decide`]: only a verdict `Pass`, judged on the present facts, opens by itself.
//! * L1: [`decide`]: every vehicle is settled by `identify_deadline_ms`, and a held one calls a person by `call_officer_ms`.
//! * L2: the interlock's; here: no permit is left live for a vehicle that is gone.
//!
//! `Lane` holds no hashes and no queue besides the effects not yet drained, so that the real function can be model-checked;
//! [`Lane::shift_times`] makes its times relative, [`Lane::forget_measures`] leaves only what it decides by.

mod acts;
mod decide;
mod faults;
mod field;
mod identify;
mod model;
mod modes;
mod permits;
mod phase;
mod slots;
mod stamp;
mod timers;
mod vehicle;
mod view;
mod weigh;

use crate::effect::{Effect, Sign};
use crate::ids::PassageId;
use crate::input::{CameraState, Freshness, Input, ScaleState, Started, StoreState};
use crate::officer::Mode;
use crate::record::{PassageEnd, Record, What};
use crate::rules::Rules;
use crate::signal::ProcessImage;
use crate::time::{Mono, Wall};
use crate::view::PhaseName;
use acts::{ActMemory, PendingSecond};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use faults::FaultTable;
use modes::ModeState;
use permits::LivePermit;
use serde::{Deserialize, Serialize};
use slots::Field;
use timers::Timers;
use vehicle::Vehicle;
use weigh::Platform;

/// Vehicles that are gone while the store has not named their passage yet.
const MAX_LEAVING: usize = 4;

/// The lane. See the module's header.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lane {
    now: Mono,
    rules: Box<Rules>,
    started: Started,
    wall: (Wall, Mono),
    phase: PhaseName,
    /// Every required input has reported since the start (never goes back).
    ready: bool,
    /// Since when what has not reported yet is given time to: while it boots, at most [`BOOT_GRACE_MS`].
    booting_since: Option<Mono>,
    mode: ModeState,
    field: Field,
    platform: Platform,
    at_boom: Option<Box<Vehicle>>,
    approaching: Option<Box<Vehicle>>,
    leaving: Vec<Leaving>,
    permit: Option<LivePermit>,
    /// Permits of this boot that belong to no passage.
    loose_permits: u16,
    cameras: [CameraState; 2],
    scale: ScaleState,
    store: Option<StoreState>,
    freshness: Freshness,
    faults: FaultTable,
    memory: ActMemory,
    second: Option<PendingSecond>,
    timers: Timers,
    /// Passages ended since the last watch record.
    ended: u32,
    shown: Shown,
    effects: VecDeque<Effect>,
}

/// What was last said, so that only changes are said.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Shown {
    sign: Sign,
    green: bool,
    buzzer: bool,
    gates: [bool; 2],
}

/// A vehicle that is gone before the store named its passage.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Leaving {
    visit: crate::ids::VisitToken,
    end: PassageEnd,
    stages_ms: [Option<u32>; 3],
}

impl Lane {
    /// A lane after a start: in Boot, nothing moves. `fitted` says which signals this lane has. A passage that was open when the power went is
    /// ended here; a vehicle that still stands there becomes a new passage.
    #[must_use]
    pub fn new(rules: Rules, started: Started, fitted: ProcessImage, now: Mono) -> Self {
        let platform = Platform::new(&rules, now);
        let mode = ModeState::restored(started.mode, started.mode_by.clone());
        let mut lane = Self {
            now,
            rules: Box::new(rules),
            started: started.clone(),
            wall: (Wall::UNKNOWN, now),
            phase: PhaseName::Boot,
            ready: false,
            booting_since: Some(now),
            mode,
            field: Field::new(fitted),
            platform,
            at_boom: None,
            approaching: None,
            leaving: Vec::new(),
            permit: None,
            loose_permits: 0,
            cameras: [CameraState::Down; 2],
            scale: ScaleState::NotOpen,
            store: None,
            freshness: Freshness::NONE,
            faults: FaultTable::default(),
            memory: ActMemory::default(),
            second: None,
            timers: Timers::default(),
            ended: 0,
            shown: Shown { sign: Sign::Stop, green: false, buzzer: false, gates: [false; 2] },
            effects: VecDeque::new(),
        };
        lane.say(None, What::Started(started.clone()));
        if let Some(passage) = started.open_passage {
            lane.say(Some(passage), What::PassageEnded { end: PassageEnd::PowerLost, stages_ms: [None; 3] });
        }
        lane.effects.push_back(Effect::InterlockMode(lane.mode.now));
        lane.effects.push_back(Effect::Sign(Sign::Stop));
        lane.timers.set(timers::Timer::Watch, now.plus(u64::from(lane.rules.timing.watch_record_ms)));
        lane
    }

    /// The wall clock at the start, before the first input: what was said until now was said at that time.
    pub fn start_at(&mut self, wall: Wall) {
        self.wall = (wall, self.now);
        for effect in &mut self.effects {
            if let Effect::Record(record) = effect {
                record.wall = wall;
            }
        }
    }

    /// Takes one input. Time never runs backwards: an earlier `now` counts as the latest seen.
    pub fn handle(&mut self, now: Mono, input: Input) {
        self.now = self.now.max(now);
        self.take(input);
        self.sense();
        self.fire_timers();
        self.settle();
    }

    /// The next effect, in order; drain after each [`Lane::handle`].
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When to call [`Lane::handle`] with [`Input::Tick`], if nothing else happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.timers.next()
    }

    /// The rules in force.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The mode in force.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode.now
    }

    /// The phase after the last input.
    #[must_use]
    pub const fn phase(&self) -> PhaseName {
        self.phase
    }

    /// The passage of the vehicle at the boom, once the store has named it.
    #[must_use]
    pub fn passage(&self) -> Option<PassageId> {
        self.at_boom.as_ref().and_then(|vehicle| vehicle.passage)
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Tick => {}
            Input::Wall(wall) => self.take_wall(wall),
            Input::Signals(image) => self.take_signals(*image),
            Input::Interlock(event) => self.take_interlock(event),
            Input::PlateRead { camera, track, acquired_at, read } => self.take_read(camera, track, acquired_at, &read),
            Input::Evidence { camera, acquired_at, picture } => self.take_evidence(camera, acquired_at, picture),
            Input::CameraState(camera, state) => self.cameras[camera as usize] = state,
            Input::Weight(sample) => self.take_sample(sample),
            Input::ScaleState(state) => self.take_scale_state(state),
            Input::PassageOpened { visit, passage } => self.take_passage(visit, passage),
            Input::PermitDurable(permit) => self.take_durable(permit),
            Input::Store(state) => self.take_store(state),
            Input::Lookup { passage, question, answer } => self.take_answer(passage, question, *answer),
            Input::Freshness(freshness) => self.take_freshness(freshness),
            Input::KnowledgeChanged => self.knowledge_changed(),
            Input::Rules(rules) => self.take_rules(*rules),
            Input::Act(act) => self.take_act(&act),
            Input::Fault { fault, raised } => self.set_fault(fault, raised),
        }
    }

    fn take_wall(&mut self, wall: Wall) {
        let expected = self.wall_now();
        self.wall = (wall, self.now);
        if let (Some(was), Some(is)) = (expected.trusted(), wall.trusted()) {
            let by_ms = is.saturating_sub(was);
            if by_ms.unsigned_abs() > CLOCK_STEP_MS {
                self.say(None, What::ClockStepped { by_ms });
            }
        }
        self.facts_changed();
    }

    fn take_freshness(&mut self, freshness: Freshness) {
        if self.freshness != freshness {
            self.freshness = freshness;
            self.facts_changed();
        }
    }

    fn take_rules(&mut self, rules: Rules) {
        self.platform.set_rules(&rules);
        *self.rules = rules;
        self.facts_changed();
    }

    fn take_store(&mut self, state: StoreState) {
        let restored = state.restored && !self.store.is_some_and(|was| was.restored);
        self.store = Some(state);
        if restored {
            self.set_fault(crate::fault::Fault::LedgerRestored, true);
        }
    }

    /// The wall clock now.
    fn wall_now(&self) -> Wall {
        let (wall, at) = self.wall;
        let passed = i64::try_from(self.now.since(at)).unwrap_or(i64::MAX);
        Wall { utc_ms: wall.utc_ms.saturating_add(passed), quality: wall.quality }
    }

    fn record(&self, passage: Option<PassageId>, what: What) -> Box<Record> {
        Box::new(Record { at: self.now, wall: self.wall_now(), passage, what })
    }

    fn say(&mut self, passage: Option<PassageId>, what: What) {
        let record = self.record(passage, what);
        self.effects.push_back(Effect::Record(record));
    }

    fn emit(&mut self, effect: Effect) {
        self.effects.push_back(effect);
    }

    fn ms(&self, pick: impl Fn(&crate::rules::Timing) -> u32) -> u64 {
        u64::from(pick(&self.rules.timing))
    }
}

/// What has not reported this long after the start is a fault, also where the field was never read.
const BOOT_GRACE_MS: u64 = 5_000;
/// The wall clock may differ from the expected by this much before it counts as stepped.
const CLOCK_STEP_MS: u64 = 2_000;
