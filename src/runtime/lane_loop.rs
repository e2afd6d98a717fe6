//! The lane loop: the only place where inputs and effects meet. It takes one input, lets the lane handle it, performs the effects in order, and
//! never waits for anything but the next input: no disk, no network, no screen.
//!
//! Every completed turn is counted; the screens' beat and systemd's watchdog are fed from that count and from nothing else.

use super::black_box::BlackBox;
use super::inbox::ToLane;
use super::recorder::{Job, Recorder, Waiting};
use crate::barrier::{self, Command};
use crate::camera::Supervisor;
use crate::clock;
use crate::planted::planted;
use lane_core::effect::Effect;
use lane_core::ids::{ActId, DeclarationId, PassageId};
use lane_core::input::{Camera, Input};
use lane_core::interlock::Regime;
use lane_core::lane::Lane;
use lane_core::officer::{ActOutcome, Mode};
use lane_core::plate::PlateText;
use lane_core::record::What;
use lane_core::signal::{ProcessImage, Signal};
use lane_core::time::Mono;
use lane_core::view::LaneView;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// The lane turns at least this often, also when nothing happens.
pub const IDLE_TURN_MS: u64 = 200;
/// The field is given to the lane at least this often; changes at once.
const SIGNALS_EVERY_MS: u64 = 100;
/// The view is published at most this often.
const VIEW_EVERY_MS: u64 = 60;
/// Acts whose outcome is awaited.
const MAX_AWAITED_ACTS: usize = 32;

/// A question to the cache, and maybe to the centre.
#[derive(Debug, Clone)]
pub struct Question {
    /// For whom.
    pub passage: PassageId,
    /// Which of its questions.
    pub question: u16,
    /// Plates, best first.
    pub plates: Vec<PlateText>,
    /// Ask the centre where the cache knows none.
    pub ask_centre: bool,
}

/// A claim to be made or given up.
#[derive(Debug, Clone)]
pub struct ClaimChange {
    /// Whose.
    pub passage: PassageId,
    /// Which declaration.
    pub declaration: DeclarationId,
    /// Here, or gone.
    pub held: bool,
}

/// Where effects go. All sends are without waiting; what finds no room is logged.
pub struct Sinks {
    /// The store.
    pub recorder: Recorder,
    /// The barrier.
    pub barrier: mpsc::Sender<Command>,
    /// Cameras, front and rear.
    pub cameras: [Option<Supervisor>; 2],
    /// Look-ups.
    pub questions: mpsc::Sender<Question>,
    /// Claims.
    pub claims: super::centre::ClaimSink,
    /// The newest view.
    pub view: watch::Sender<Arc<LaneView>>,
    /// Completed turns.
    pub turns: watch::Sender<u64>,
}

/// The loop.
pub struct LaneLoop {
    lane: Lane,
    inbox: mpsc::Receiver<ToLane>,
    field: watch::Receiver<barrier::View>,
    sinks: Sinks,
    black_box: BlackBox,
    /// What this turn wants written.
    jobs: Vec<Job>,
    awaited: HashMap<ActId, oneshot::Sender<ActOutcome>>,
    /// Outcomes of this turn.
    answers: Vec<Waiting>,
    last_image: Option<(ProcessImage, Mono)>,
    last_view: Option<Mono>,
    view_due: bool,
    /// The barrier did not take a command.
    unheard: bool,
    turns: u64,
}

impl LaneLoop {
    /// A loop around a lane.
    #[must_use]
    pub fn new(lane: Lane, inbox: mpsc::Receiver<ToLane>, field: watch::Receiver<barrier::View>, sinks: Sinks) -> Self {
        Self {
            lane,
            inbox,
            field,
            sinks,
            black_box: BlackBox::default(),
            jobs: Vec::new(),
            awaited: HashMap::new(),
            answers: Vec::new(),
            last_image: None,
            last_view: None,
            view_due: true,
            unheard: false,
            turns: 0,
        }
    }

    /// Turns until `stop` is set or every giver is gone.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        self.perform_effects(clock::mono());
        let mut idle = tokio::time::interval(Duration::from_millis(IDLE_TURN_MS));
        idle.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let wait_ms = self.lane.poll_timeout().map_or(u64::MAX / 4, |due| due.since(clock::mono()));
            tokio::select! {
                biased;
                _ = stop.changed() => break,
                changed = self.field.changed() => {
                    if changed.is_err() { break; }
                    self.take_field(false);
                }
                taken = self.inbox.recv() => match taken {
                    Some(ToLane::Input(input)) => {
                        // The lane wants a scan's signals before what the interlock made of them.
                        if matches!(input, Input::Interlock(_)) {
                            self.take_field(true);
                        }
                        self.turn(input);
                    }
                    // Whoever asked was told that no answer came: it must not be done later.
                    Some(ToLane::Act(act, answer)) if answer.is_closed() && !planted("late_act") => {
                        tracing::warn!(act = act.id.as_str(), "an act came too late and is not done");
                    }
                    Some(ToLane::Act(act, answer)) => {
                        if self.awaited.len() < MAX_AWAITED_ACTS {
                            self.awaited.insert(act.id.clone(), answer);
                            self.turn(Input::Act(act));
                        } else {
                            let _ = answer.send(ActOutcome::Busy);
                        }
                    }
                    None => break,
                },
                () = tokio::time::sleep(Duration::from_millis(wait_ms)) => self.turn(Input::Tick),
                _ = idle.tick() => self.turn(Input::Tick),
            }
            self.publish(clock::mono());
            if self.unheard {
                break;
            }
        }
        tracing::info!(turns = self.turns, "the lane loop ends");
    }

    /// A scan's image goes to the lane when a value changed, at least every [`SIGNALS_EVERY_MS`], and when it is `wanted`.
    fn take_field(&mut self, wanted: bool) {
        let image = self.field.borrow_and_update().image;
        let now = clock::mono();
        let same = self.last_image.as_ref().is_some_and(|(last, at)| {
            !wanted
                && now.since(*at) < SIGNALS_EVERY_MS
                && Signal::ALL.iter().all(|signal| last.sample(*signal).map(|s| s.value) == image.sample(*signal).map(|s| s.value))
        });
        if !same {
            self.last_image = Some((image, now));
            self.turn(Input::Signals(Box::new(image)));
        }
    }

    fn turn(&mut self, input: Input) {
        let now = clock::mono();
        self.black_box.input(now, &input, &self.lane, &mut self.jobs);
        self.view_due |= !matches!(input, Input::Tick | Input::Weight(_));
        self.lane.handle(now, input);
        self.perform_effects(now);
        self.turns += 1;
        self.sinks.turns.send_replace(self.turns);
    }

    fn perform_effects(&mut self, now: Mono) {
        let mut effects = Vec::new();
        while let Some(effect) = self.lane.poll_effect() {
            if self.black_box.is_open() {
                effects.push(effect.clone());
            }
            self.perform(effect);
        }
        // A permit's record goes first and alone: a vehicle waits for it, and for the black box nobody does.
        if self.jobs.iter().any(|job| matches!(job, Job::Authorise(..))) {
            self.sinks.recorder.give_all(std::mem::take(&mut self.jobs));
        }
        for effect in &effects {
            self.black_box.effect(now, effect, &mut self.jobs);
        }
        for Waiting { answer, outcome } in self.answers.drain(..) {
            let _ = answer.send(outcome);
        }
        let writes = !self.jobs.is_empty();
        self.black_box.turn_done(writes, &mut self.jobs);
        self.sinks.recorder.give_all(std::mem::take(&mut self.jobs));
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::OpenPassage { visit, record } => self.jobs.push(Job::OpenPassage(visit, record)),
            // Nobody takes a mode for granted that a power cut would undo: whoever set it is answered by the store.
            Effect::Record(record) if matches!(record.what, What::Mode { .. }) => {
                self.jobs.push(Job::AppendMode(record, std::mem::take(&mut self.answers)));
            }
            Effect::Record(record) => self.jobs.push(Job::Append(record)),
            Effect::Authorise { permit, record } => self.jobs.push(Job::Authorise(permit, record)),
            Effect::Grant(permit) => self.ask_barrier(Command::Grant(permit)),
            Effect::Revoke(permit, end) => self.ask_barrier(Command::Revoke(permit, end)),
            Effect::Close => self.ask_barrier(Command::Close),
            Effect::ResetInterlock => self.ask_barrier(Command::Reset),
            Effect::InterlockMode(mode) => self.ask_barrier(Command::Regime(regime(mode))),
            Effect::Lights { green, buzzer } => self.ask_barrier(Command::Lights { green, buzzer }),
            Effect::Lookup { passage, question, plates, ask_centre } => {
                if self.sinks.questions.try_send(Question { passage, question, plates, ask_centre }).is_err() {
                    tracing::error!("a look-up found no room");
                }
            }
            Effect::Claim { passage, declaration, held } => {
                if self.sinks.claims.try_send(ClaimChange { passage, declaration, held }).is_err() {
                    tracing::warn!("a claim found no room");
                }
            }
            Effect::Gate { camera, on } => {
                if let Some(supervisor) = self.camera(camera) {
                    supervisor.presence(on);
                }
            }
            Effect::Snapshot(camera) => {
                if self.camera(camera).is_some_and(|supervisor| !supervisor.snapshot()) {
                    tracing::warn!("too many pictures are asked for");
                }
            }
            // The view carries the sign; the driver's page reads it there.
            Effect::Sign(_) => self.view_due = true,
            Effect::Answer { act, outcome } => {
                if let Some(answer) = self.awaited.remove(&act) {
                    self.answers.push(Waiting { answer, outcome });
                }
            }
        }
    }

    fn camera(&self, camera: Camera) -> Option<&Supervisor> {
        self.sinks.cameras[camera as usize].as_ref()
    }

    /// A command that finds no room is not sent later, and without it lane and interlock would believe different things (a permit taken back,
    /// a dead regime): the daemon ends, and starts anew from what it reads.
    fn ask_barrier(&mut self, command: Command) {
        let only_shown = matches!(command, Command::Lights { .. });
        if let Err(error) = self.sinks.barrier.try_send(command) {
            tracing::error!(%error, "the barrier takes no command");
            self.unheard |= !only_shown && !planted("unheard");
        }
    }

    fn publish(&mut self, now: Mono) {
        let due = self.last_view.is_none_or(|last| now.since(last) >= if self.view_due { VIEW_EVERY_MS } else { 500 });
        if due {
            self.last_view = Some(now);
            self.view_due = false;
            self.sinks.view.send_replace(Arc::new(self.lane.view(now)));
        }
    }
}

/// What a mode means to the interlock.
fn regime(mode: Mode) -> Regime {
    match mode {
        Mode::Automatic | Mode::Attended | Mode::Closed => Regime::Normal,
        Mode::HeldOpen => Regime::HeldOpen,
        Mode::Manual | Mode::Maintenance => Regime::Dead,
        Mode::BringUp => Regime::BringUp,
    }
}
