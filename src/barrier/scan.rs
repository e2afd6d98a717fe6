//! The cycle: image in, interlock, wishes out. Runs at every new snapshot of a module, at every command, at Stop, and at least every `scan_ms`.
//!
//! Nothing here waits: snapshots and wishes are watches, reports go to a bounded queue. The store, the lane loop and the network cannot delay a
//! scan. A report that finds no room is lost and counted, and every later one with it, until the queue has room for the whole state: that is
//! sent then, as levels (every fault as it stands, the permit, the vehicle under the boom), so that nobody goes on believing what was before.

use super::module::{self, LinkState, Snapshot, Timing, Wish};
use super::{MAX_MODULES, Metrics, ModuleSettings, Settings};
use crate::planted::planted;
use lane_core::ids::{BootId, PermitId};
use lane_core::interlock::{Boom, Closing, Drive, Event, FaultSet, Interlock, Regime, Requests};
use lane_core::permit::{Permit, PermitEnd};
use lane_core::signal::{Output, Outputs, ProcessImage, Sample, Signal};
use lane_core::time::Mono;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// Commands waiting for the scan task.
pub const MAX_COMMANDS: usize = 64;
/// Reports waiting for the runtime.
pub const MAX_REPORTS: usize = 1_024;

/// Least rest between the directions of a boom that we lower.
const MIN_REST_MS: u64 = 100;

/// What the runtime asks of the barrier. Stop is not here: it has a channel of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A permit whose record is durable.
    Grant(Permit),
    /// Take it back.
    Revoke(PermitId, PermitEnd),
    /// A person's touch to lower the boom.
    Close,
    /// A person at the lane looked: reset faults and the latched Stop.
    Reset,
    /// The lane's mode.
    Regime(Regime),
    /// The lights the lane wants.
    Lights {
        /// Green.
        green: bool,
        /// Buzzer.
        buzzer: bool,
    },
}

/// What happened, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The interlock did or saw this.
    Interlock {
        /// When.
        at: Mono,
        /// What.
        event: Event,
    },
    /// Reports were lost; what follows at once, as events, is the state as it is now.
    Lost {
        /// When the state was taken.
        at: Mono,
        /// So many were lost.
        count: u64,
    },
    /// A module's link changed.
    Link {
        /// When.
        at: Mono,
        /// Which module.
        module: String,
        /// To what.
        state: LinkState,
    },
}

/// The field and the interlock as of the last scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// When it was scanned.
    pub at: Mono,
    /// Every signal with its age.
    pub image: ProcessImage,
    /// What the interlock wants of the outputs.
    pub outputs: Outputs,
    /// What is known of the boom.
    pub boom: Boom,
    /// The interlock's faults.
    pub faults: FaultSet,
    /// Ready: a complete fresh read was seen.
    pub ready: bool,
    /// Links, in the order of the settings.
    pub links: Vec<LinkState>,
    /// Stop can be made by software.
    pub software_stop: bool,
}

/// Presses Stop from anywhere, without waiting.
#[derive(Debug, Clone)]
pub struct StopButton(watch::Sender<u64>);

impl StopButton {
    /// Latches Stop: the next scan, which starts now, asks for no movement.
    pub fn press(&self) {
        self.0.send_modify(|presses| *presses = presses.wrapping_add(1));
    }
}

/// What the runtime holds.
#[derive(Debug)]
pub struct Handles {
    /// Commands; bounded by [`MAX_COMMANDS`]. Dropping it ends the barrier.
    pub commands: mpsc::Sender<Command>,
    /// Stop.
    pub stop: StopButton,
    /// Reports; bounded by [`MAX_REPORTS`].
    pub reports: mpsc::Receiver<Report>,
    /// The newest view.
    pub view: watch::Receiver<View>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The tasks; they end when `commands` is dropped.
    pub tasks: JoinSet<()>,
}

/// Why a barrier cannot be run as it is set.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// None, or too many.
    #[error("a lane has 1 to {MAX_MODULES} modules, not {0}")]
    Modules(usize),
    /// Two modules claim it.
    #[error("{0} is wired to two modules")]
    Twice(&'static str),
    /// It is required.
    #[error("{0} is required and wired to no module")]
    Missing(&'static str),
    /// No loop and no photocell.
    #[error("boom_loop or photocell is required")]
    NoPresence,
    /// A commanded closing needs it.
    #[error("closing = \"commanded\" needs {0}")]
    CommandedNeeds(&'static str),
    /// A person answers for it.
    #[error("closing = \"commanded\" needs the site's acceptance by name: [barrier.closing_accepted] with by and on")]
    NotAccepted,
    /// Writes to two modules cannot be kept from overlapping.
    #[error("open and close are wired to two modules: one module must release the one before it asserts the other")]
    Apart,
    /// Stop on another module could be missing just when the held Open is released.
    #[error("open_kind = \"maintained\" with stop_output needs open and stop on one module")]
    StopApart,
    /// A commanded boom needs a rest between directions.
    #[error("closing = \"commanded\" needs reversal_rest_ms of at least {MIN_REST_MS}")]
    NoRest,
    /// No watchdog that reads back, and not accepted.
    #[error("module {0} has no communication watchdog that can be read back: accept it by name, with device-timed pulses")]
    NoWatchdog(String),
    /// No watchdog, and the host would time the pulses or hold the contact.
    #[error("module {0} has no communication watchdog: only device-timed pulses may move the boom")]
    HostTimed(String),
}

impl Settings {
    /// Checks what the modules offer against what the lane needs.
    ///
    /// # Errors
    /// Every reason why it must not run so.
    pub fn check(&self) -> Result<(), Vec<SettingsError>> {
        let mut wrong = Vec::new();
        if self.modules.is_empty() || self.modules.len() > MAX_MODULES {
            wrong.push(SettingsError::Modules(self.modules.len()));
        }
        let signals: Vec<Signal> = self.modules.iter().flat_map(|module| module.profile.signals.iter().map(|wire| wire.signal)).collect();
        let outputs: Vec<Output> = self.modules.iter().flat_map(|module| module.profile.wires.iter().map(|wire| wire.output)).collect();
        let twice_in = |signal: &Signal| signals.iter().filter(|other| *other == signal).count() > 1;
        let twice_out = |output: &Output| outputs.iter().filter(|other| *other == output).count() > 1;
        wrong.extend(Signal::ALL.iter().filter(|signal| twice_in(signal)).map(|signal| SettingsError::Twice(signal.name())));
        wrong.extend(Output::ALL.iter().filter(|output| twice_out(output)).map(|output| SettingsError::Twice(output.name())));
        for signal in [Signal::BoomUp, Signal::BoomDown] {
            if !signals.contains(&signal) {
                wrong.push(SettingsError::Missing(signal.name()));
            }
        }
        if !signals.contains(&Signal::BoomLoop) && !signals.contains(&Signal::Photocell) {
            wrong.push(SettingsError::NoPresence);
        }
        if !outputs.contains(&Output::Open) {
            wrong.push(SettingsError::Missing(Output::Open.name()));
        }
        if self.interlock.stop_output && !outputs.contains(&Output::Stop) {
            wrong.push(SettingsError::Missing(Output::Stop.name()));
        }
        let has = |module: &ModuleSettings, output: Output| module.profile.wires.iter().any(|wire| wire.output == output);
        let stop_apart = |module: &ModuleSettings| has(module, Output::Open) && !has(module, Output::Stop);
        let maintained = self.interlock.drive == Drive::Maintained;
        if maintained && self.interlock.stop_output && outputs.contains(&Output::Stop) && self.modules.iter().any(stop_apart) {
            wrong.push(SettingsError::StopApart);
        }
        if self.interlock.closing == Closing::Commanded {
            let needs = [(signals.contains(&Signal::Photocell), "photocell"), (outputs.contains(&Output::Close), "close")];
            wrong.extend(needs.iter().filter(|(there, _)| !there).map(|(_, name)| SettingsError::CommandedNeeds(name)));
            if self.closing_accepted.is_none() {
                wrong.push(SettingsError::NotAccepted);
            }
            if self.interlock.reversal_rest_ms < MIN_REST_MS {
                wrong.push(SettingsError::NoRest);
            }
            let apart = |module: &ModuleSettings| has(module, Output::Open) && !has(module, Output::Close);
            if outputs.contains(&Output::Close) && self.modules.iter().any(apart) {
                wrong.push(SettingsError::Apart);
            }
        }
        wrong.extend(self.modules.iter().filter_map(|module| self.check_watchdog(module)));
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn check_watchdog(&self, module: &ModuleSettings) -> Option<SettingsError> {
        let moves = module.profile.wires.iter().any(|wire| matches!(wire.output, Output::Open | Output::Close));
        if module.profile.has_watchdog() || !moves {
            return None;
        }
        if !module.accept_without_watchdog {
            return Some(SettingsError::NoWatchdog(module.name.clone()));
        }
        let device_timed = self.interlock.drive == Drive::Pulse && module.profile.pulse.is_some();
        (!device_timed).then(|| SettingsError::HostTimed(module.name.clone()))
    }
}

/// Starts the barrier's tasks on the current runtime.
///
/// # Errors
/// What [`Settings::check`] says.
pub fn spawn(settings: Settings, boot: BootId, clock: fn() -> Mono) -> Result<Handles, Vec<SettingsError>> {
    settings.check()?;
    let metrics = Arc::new(Metrics::default());
    let now = clock();
    let pulsed = settings.interlock.drive == Drive::Pulse;
    let wish = Wish { outputs: Outputs::OFF, at: now, pulse_ms: settings.interlock.pulse_ms, pulsed, keep_open: true, stopped: false };
    let (wishes, _) = watch::channel(wish);
    let mut tasks = JoinSet::new();
    let mut sources = Vec::new();
    let timing = Timing {
        scan_ms: settings.scan_ms,
        call_timeout_ms: settings.call_timeout_ms,
        wish_fresh_ms: settings.interlock.fresh_ms,
        reconnect: (settings.reconnect_first_ms, settings.reconnect_most_ms),
    };
    for module in &settings.modules {
        let (publish, snapshots) = watch::channel(Snapshot::default());
        module::spawn(&mut tasks, module.clone(), timing, clock, Arc::clone(&metrics), wishes.subscribe(), publish);
        sources.push(Source::new(module.clone(), snapshots));
    }
    let fitted: Vec<Signal> = settings.modules.iter().flat_map(|module| module.profile.signals.iter().map(|wire| wire.signal)).collect();
    let image = ProcessImage::new(fitted);
    let interlock = Interlock::new(settings.interlock.clone(), boot);
    let first = View {
        at: now,
        image,
        outputs: Outputs::OFF,
        boom: interlock.boom(),
        faults: interlock.faults(),
        ready: false,
        links: vec![LinkState::Down; sources.len()],
        software_stop: settings.interlock.stop_output,
    };
    let (commands, command_queue) = mpsc::channel(MAX_COMMANDS);
    let (report_queue, reports) = mpsc::channel(MAX_REPORTS);
    let (views, view) = watch::channel(first.clone());
    let (presses, stops) = watch::channel(0);
    let scanner = Scanner {
        interlock,
        image,
        requests: Requests::default(),
        sources,
        wishes,
        views,
        reports: Reports { queue: report_queue, metrics: Arc::clone(&metrics), lost: 0, granted: None },
        metrics: Arc::clone(&metrics),
        clock,
        last: first,
    };
    let scan_ms = settings.scan_ms;
    tasks.spawn(scanner.run(command_queue, stops, scan_ms));
    Ok(Handles { commands, stop: StopButton(presses), reports, view, metrics, tasks })
}

/// One module as the scan sees it.
struct Source {
    settings: ModuleSettings,
    snapshots: watch::Receiver<Snapshot>,
    link: LinkState,
    /// Believed value and, while another one is settling, since when; by wire.
    settled: Vec<Option<(bool, Option<Mono>)>>,
}

impl Source {
    fn new(settings: ModuleSettings, snapshots: watch::Receiver<Snapshot>) -> Self {
        let settled = vec![None; settings.profile.signals.len()];
        Self { settings, snapshots, link: LinkState::Down, settled }
    }

    /// Takes the newest snapshot into the image. Says whether the link is proven, the outputs read back wrong, and Open reads back as on.
    fn take(&mut self, image: &mut ProcessImage) -> (LinkState, bool, bool) {
        let snapshot = self.snapshots.borrow_and_update();
        if let Some(acquired_at) = snapshot.acquired_at {
            for (wire, settled) in self.settings.profile.signals.iter().zip(&mut self.settled) {
                let Some(bit) = snapshot.inputs.get(usize::from(wire.point)) else { continue };
                let raw = wire.normally.flip(*bit);
                // Danger is believed at once; only its end has to last.
                let settle_ms = if raw && is_danger(wire.signal) { 0 } else { wire.settle_ms };
                let value = settle(settled, raw, acquired_at, settle_ms);
                image.put(wire.signal, Sample { value, acquired_at });
            }
        }
        let open = self.settings.profile.wires.iter().find(|wire| wire.output == Output::Open);
        let coil = open.and_then(|wire| snapshot.coils.get(usize::from(wire.point)).map(|coil| wire.normally.flip(*coil)));
        (snapshot.link, snapshot.mismatch, coil == Some(true))
    }
}

/// Signals whose being on stops or forbids a movement.
const fn is_danger(signal: Signal) -> bool {
    matches!(signal, Signal::BoomLoop | Signal::Photocell | Signal::ExitLoop | Signal::EStop | Signal::OperatorFault | Signal::ManualKey)
}

/// A change is believed when it lasted `settle_ms`; the first value at once.
fn settle(memory: &mut Option<(bool, Option<Mono>)>, raw: bool, at: Mono, settle_ms: u64) -> bool {
    let (value, changing) = match *memory {
        None => (raw, None),
        Some((value, _)) if value == raw => (value, None),
        Some((value, since)) => {
            let since = since.unwrap_or(at);
            if at.since(since) >= settle_ms { (raw, None) } else { (value, Some(since)) }
        }
    };
    *memory = Some((value, changing));
    value
}

struct Scanner {
    interlock: Interlock,
    image: ProcessImage,
    requests: Requests,
    sources: Vec<Source>,
    wishes: watch::Sender<Wish>,
    views: watch::Sender<View>,
    reports: Reports,
    metrics: Arc<Metrics>,
    clock: fn() -> Mono,
    last: View,
}

impl Scanner {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>, mut stops: watch::Receiver<u64>, scan_ms: u64) {
        let mut ticks = tokio::time::interval(Duration::from_millis(scan_ms));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                pressed = stops.changed() => {
                    if pressed.is_err() {
                        break;
                    }
                    self.requests.stop = true;
                }
                command = commands.recv() => match command {
                    Some(command) => self.take(command),
                    None => break,
                },
                () = any_changed(&mut self.sources) => {}
                _ = ticks.tick() => {}
            }
            // A Stop that came together with anything else is seen in the same scan.
            self.requests.stop |= stops.has_changed().unwrap_or(false);
            if self.requests.stop {
                stops.mark_unchanged();
            }
            self.scan();
        }
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::Grant(permit) => {
                self.requests.grant = Some(permit);
                self.reports.granted = Some(permit.id);
            }
            Command::Revoke(id, end) => self.requests.revoke = Some((id, end)),
            Command::Close => self.requests.close = true,
            Command::Reset => self.requests.reset = true,
            Command::Regime(regime) => self.requests.regime = regime,
            Command::Lights { green, buzzer } => (self.requests.green, self.requests.buzzer) = (green, buzzer),
        }
    }

    fn scan(&mut self) {
        let now = (self.clock)();
        let (mut mismatch, mut unarmed, mut open_held) = (false, false, false);
        let mut links = Vec::with_capacity(self.sources.len());
        for source in &mut self.sources {
            let (state, wrong, held) = source.take(&mut self.image);
            mismatch |= wrong;
            open_held |= held;
            unarmed |= state == LinkState::NotArmed;
            links.push(state);
            if source.link != state {
                source.link = state;
                let module = source.settings.name.clone();
                self.reports.send(Report::Link { at: now, module, state });
            }
        }
        self.requests.open_held = open_held;
        self.requests.output_mismatch = mismatch;
        self.requests.watchdog_not_armed = unarmed;
        let scan = self.interlock.scan(now, &self.image, &self.requests);
        self.requests =
            Requests { regime: self.requests.regime, green: self.requests.green, buzzer: self.requests.buzzer, ..Requests::default() };
        let ready = self.interlock.is_ready();
        self.wishes.send_modify(|wish| {
            (wish.outputs, wish.at) = (scan.outputs, now);
            wish.stopped = self.interlock.is_stopped();
            wish.keep_open &= !ready;
        });
        self.last = View {
            at: now,
            image: self.image,
            outputs: scan.outputs,
            boom: self.interlock.boom(),
            faults: self.interlock.faults(),
            ready: self.interlock.is_ready(),
            links,
            software_stop: self.last.software_stop,
        };
        // The image is there before anybody hears what was made of it.
        self.views.send_replace(self.last.clone());
        for event in scan.events {
            self.reports.send(Report::Interlock { at: now, event });
        }
        self.reports.tell_state_after_loss(now, &self.interlock);
        self.metrics.scans.fetch_add(1, Ordering::Relaxed);
    }
}

/// The way out to the runtime, and what was lost on it.
struct Reports {
    queue: mpsc::Sender<Report>,
    metrics: Arc<Metrics>,
    /// Lost since the state was told last.
    lost: u64,
    /// The permit that was handed over last.
    granted: Option<PermitId>,
}

impl Reports {
    fn send(&mut self, report: Report) {
        // Once one is missing nothing may follow it but the whole state.
        if self.lost > 0 || self.queue.try_send(report).is_err() {
            self.lost += 1;
            Metrics::count(&self.metrics.reports_lost);
        }
    }

    /// What the runtime missed, as levels: true also for whoever knows nothing of what came before.
    fn tell_state_after_loss(&mut self, now: Mono, interlock: &Interlock) {
        if self.lost == 0 {
            return;
        }
        let mut state = vec![Report::Lost { at: now, count: self.lost }];
        let live = interlock.permit().map(|(permit, _)| permit.id);
        let mut events: Vec<Event> = Vec::new();
        if let Some(ended) = self.granted.filter(|granted| live != Some(*granted)) {
            // How it ended is not known any more: whoever still believes in it lets a person look.
            events.push(Event::PermitEnded(ended, PermitEnd::Fault));
        }
        let faults = interlock.faults();
        events
            .extend(FaultSet::owned().map(|fault| if faults.has(fault) { Event::FaultRaised(fault) } else { Event::FaultCleared(fault) }));
        if interlock.vehicle_under() {
            events.push(Event::VehicleEntered { permit: live });
        }
        state.extend(events.into_iter().map(|event| Report::Interlock { at: now, event }));
        // All of it or nothing: this task is the only one that sends.
        if self.queue.capacity() >= state.len() && !planted("resync") {
            state.into_iter().for_each(|report| drop(self.queue.try_send(report)));
            self.lost = 0;
        }
    }
}

/// Returns when any module published. A module whose task ended never does; its signals go stale.
async fn any_changed(sources: &mut [Source]) {
    let waits = sources.iter_mut().map(|source| {
        Box::pin(async {
            if source.snapshots.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    });
    futures_util::future::select_all(waits).await;
}
