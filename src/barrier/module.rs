//! One module's task: it alone owns the connection.
//!
//! ```text
//!   Down ──connect──▶ Arming ──armed, or accepted without──▶ Up ──▶ every cycle: write what differs, read back, read inputs, publish
//!    ▲                   │ refused: outputs stay dead, inputs are read        │
//!    └── wait (doubling, bounded) ◀── any error, time-out ────────────────────┘
//! ```
//! After a connect nothing is assumed: the watchdog is armed and read back, and the coils are read before any is energised. `Open` and `Close` are
//! energised only when the watchdog reads armed (or the site accepts device-timed pulses without one), and only for a wish younger than
//! `wish_fresh_ms`: what the interlock wanted before a stall is never done after it. Releases are repeated in every cycle until read back.
//!
//! A wish that comes during a cycle waits for the one call under way and for no other. Stop and the end of a Down do not even wait for that one
//! where the module does not answer: see [`super::urgent`]. A task that panicked is started anew, owing the end of whatever may be moving.

use super::link::{BitFunction, Link, LinkError};
use super::profile::{OutputWire, Place, Profile, Pulse, PulseKind};
use super::urgent::{Told, has_waited, patience_ms};
use super::{Metrics, ModuleSettings};
use crate::planted::planted;
use lane_core::signal::{Output, Outputs};
use lane_core::time::Mono;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{error, info, warn};

/// Cycles for which a read-back may differ from what was written before it counts.
const MISMATCH_CYCLES: u8 = 3;

/// What the interlock wants, and when it wanted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Every output.
    pub outputs: Outputs,
    /// When it was decided.
    pub at: Mono,
    /// Length of a pulse, ms.
    pub pulse_ms: u64,
    /// Open and Close are pulses.
    pub pulsed: bool,
    /// Nothing complete was read since the start of the daemon: an Open that is found held stays held.
    pub keep_open: bool,
    /// Stop is latched.
    pub stopped: bool,
}

/// The connection's state as shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinkState {
    /// Not connected.
    #[default]
    Down,
    /// Connected; its watchdog is not armed: outputs stay dead.
    NotArmed,
    /// Connected and armed (or accepted without).
    Up,
}

/// What a module said last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The connection.
    pub link: LinkState,
    /// Input bits, empty before the first read.
    pub inputs: Vec<bool>,
    /// When their request was sent.
    pub acquired_at: Option<Mono>,
    /// Coils as read back, empty before the first read.
    pub coils: Vec<bool>,
    /// Coils differ from what was written for [`MISMATCH_CYCLES`].
    pub mismatch: bool,
}

/// One module's task and what it remembers of its connection.
pub(super) struct Module {
    settings: ModuleSettings,
    link: Link,
    clock: fn() -> Mono,
    metrics: Arc<Metrics>,
    wishes: watch::Receiver<Wish>,
    publish: watch::Sender<Snapshot>,
    snapshot: Snapshot,
    told: Told,
    /// The pulse length that the module knows on this connection.
    known_pulse_ms: Option<u64>,
    mismatched_cycles: u8,
    until_check: u32,
    /// Connections abandoned in a row, because what is behind found no answer.
    in_vain: u32,
    timing: Timing,
}

/// A part of a connection's life that what is urgent may cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Connect,
    /// What is behind, before anything else.
    CatchUp,
    Arm,
    Write,
    ReadInputs,
    ReadBack,
}

/// Cycles between two looks at the watchdog.
const CHECK_EVERY_CYCLES: u32 = 20;

/// Timing of a module's task.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    pub scan_ms: u64,
    pub call_timeout_ms: u64,
    pub wish_fresh_ms: u64,
    /// First and longest wait before a reconnect.
    pub reconnect: (u64, u64),
}

/// Starts a module's task, and starts it again when it panicked.
pub(super) fn spawn(
    tasks: &mut JoinSet<()>,
    settings: ModuleSettings,
    timing: Timing,
    clock: fn() -> Mono,
    metrics: Arc<Metrics>,
    wishes: watch::Receiver<Wish>,
    publish: watch::Sender<Snapshot>,
) {
    tasks.spawn(async move {
        let mut owed = Outputs::OFF;
        let mut wait_ms = timing.scan_ms;
        loop {
            let mut module = Module::new(settings.clone(), timing, clock, Arc::clone(&metrics), wishes.clone(), publish.clone());
            module.told.owed = owed;
            // A JoinSet of its own: dropped with this task, it takes the module's with it.
            let mut running = JoinSet::new();
            running.spawn(module.run());
            match running.join_next().await {
                Some(Err(failed)) if failed.is_panic() && !planted("restart") => {
                    error!(module = %settings.name, %failed, "a module's task failed: it is started anew");
                    Metrics::count(&metrics.restarts);
                    publish.send_modify(|snapshot| (snapshot.link, snapshot.coils) = (LinkState::Down, Vec::new()));
                    // Nobody knows what it had asserted.
                    owed.set(Output::Open, true);
                    owed.set(Output::Close, !planted("owed"));
                    sleep(Duration::from_millis(wait_ms)).await;
                    wait_ms = (wait_ms * 2).min(timing.reconnect.1);
                }
                _ => return,
            }
        }
    });
}

impl Module {
    fn new(
        settings: ModuleSettings,
        timing: Timing,
        clock: fn() -> Mono,
        metrics: Arc<Metrics>,
        wishes: watch::Receiver<Wish>,
        publish: watch::Sender<Snapshot>,
    ) -> Self {
        let link = Link::new(settings.address.clone(), settings.profile.unit, timing.call_timeout_ms);
        let mut told = Told::default();
        settings.profile.wires.iter().for_each(|wire| told.wired.set(wire.output, true));
        Self {
            settings,
            link,
            clock,
            metrics,
            wishes,
            publish,
            snapshot: Snapshot::default(),
            told,
            known_pulse_ms: None,
            mismatched_cycles: 0,
            until_check: 0,
            in_vain: 0,
            timing,
        }
    }

    /// Runs until the scan task is gone. The connection is closed then, and the module's watchdog does the rest.
    async fn run(mut self) {
        let (first_ms, most_ms) = self.timing.reconnect;
        let mut wait_ms = first_ms;
        let mut told = false;
        while !self.publish.is_closed() {
            let begun = Instant::now();
            match self.serve().await {
                Ok(()) => break,
                Err(error) => {
                    if self.snapshot.link != LinkState::Down || !told {
                        warn!(module = %self.settings.name, %error, cause = ?std::error::Error::source(&error), "link lost");
                        told = true;
                    }
                    if self.snapshot.link != LinkState::Down {
                        wait_ms = first_ms;
                    }
                }
            }
            self.link.close().await;
            self.told.lose_connection();
            self.snapshot.link = LinkState::Down;
            self.snapshot.coils.clear();
            self.publish.send_replace(self.snapshot.clone());
            if self.is_behind() && !planted("back_off") {
                self.in_vain = self.in_vain.saturating_add(1);
                sleep_until(begun + Duration::from_millis(self.timing.scan_ms)).await;
                continue;
            }
            tokio::select! {
                () = sleep(Duration::from_millis(wait_ms)) => wait_ms = (wait_ms * 2).min(most_ms),
                () = has_waited(self.wishes.clone(), self.told, Duration::ZERO), if !planted("back_off") => {}
            }
        }
        self.link.close().await;
    }

    fn is_behind(&self) -> bool {
        self.told.is_behind(&self.wishes.borrow())
    }

    /// One connection's life. Ends in order only when nobody listens any more.
    async fn serve(&mut self) -> Result<(), LinkError> {
        self.attend(Step::Connect).await?;
        self.known_pulse_ms = None;
        self.mismatched_cycles = 0;
        self.until_check = CHECK_EVERY_CYCLES;
        self.attend(Step::CatchUp).await?;
        self.attend(Step::Arm).await?;
        self.attend(Step::ReadBack).await?;
        self.adopt_held_open();
        let mut ticks = tokio::time::interval(Duration::from_millis(self.timing.scan_ms));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                changed = self.wishes.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    if !self.wants_write() {
                        continue;
                    }
                    self.attend(Step::Write).await?;
                }
                _ = ticks.tick() => {
                    self.attend(Step::Write).await?;
                    self.attend(Step::ReadInputs).await?;
                    // What came meanwhile does not wait for the reading back.
                    if self.wants_write() {
                        self.attend(Step::Write).await?;
                    }
                }
            }
            self.attend(Step::ReadBack).await?;
            if !self.is_behind() {
                self.in_vain = 0;
            }
            if self.publish.send(self.snapshot.clone()).is_err() {
                return Ok(());
            }
        }
    }

    /// A step, abandoned with its connection when what is urgent has waited for it long enough.
    async fn attend(&mut self, step: Step) -> Result<(), LinkError> {
        let mut told = self.told;
        if step == Step::Write {
            // What this step is about to energise may have to be ended in the middle of it.
            let wish = *self.wishes.borrow();
            [Output::Open, Output::Close].into_iter().filter(|output| wish.outputs.get(*output)).for_each(|o| told.owed.set(o, true));
        }
        let patience = Duration::from_millis(patience_ms(self.timing.scan_ms, self.timing.call_timeout_ms, self.in_vain));
        let waited = has_waited(self.wishes.clone(), told, patience);
        tokio::select! {
            biased;
            done = self.take(step) => done,
            () = waited, if !planted("abandon") => {
                Metrics::count(&self.metrics.abandoned);
                Err(LinkError::Abandoned { waited_ms: u64::try_from(patience.as_millis()).unwrap_or(u64::MAX) })
            }
        }
    }

    async fn take(&mut self, step: Step) -> Result<(), LinkError> {
        match step {
            Step::Connect => self.link.connect(&self.metrics).await,
            Step::CatchUp => self.catch_up().await,
            Step::Arm => self.arm().await,
            Step::Write => self.write_wishes().await,
            Step::ReadInputs => self.read_inputs().await,
            Step::ReadBack => self.read_back().await,
        }
    }

    /// Stop, and the ends of movements, on a connection of which nothing else is known: none of them can move the boom.
    async fn catch_up(&mut self) -> Result<(), LinkError> {
        let wish = *self.wishes.borrow();
        let told = self.told;
        for wire in self.wires_in_order(&wish).into_iter().filter(|_| !planted("catch_up")) {
            let behind = if wire.output == Output::Stop { told.lacks_stop(&wish) } else { told.must_end(wire.output, &wish) };
            if behind {
                self.write_wire(&wire, &wish).await?;
            }
        }
        Ok(())
    }

    /// A maintained Open that outlived the last connection is still held: it is released because the interlock says so, never by forgetting it.
    fn adopt_held_open(&mut self) {
        let pulsed = self.wishes.borrow().pulsed;
        let open = self.settings.profile.wires.iter().find(|wire| wire.output == Output::Open).filter(|_| !pulsed);
        let coil = open.and_then(|wire| self.snapshot.coils.get(usize::from(wire.point)).map(|coil| wire.normally.flip(*coil)));
        self.told.asserted.set(Output::Open, coil == Some(true) && !planted("held_open"));
    }

    async fn arm(&mut self) -> Result<(), LinkError> {
        for (register, value) in self.settings.profile.watchdog.arm.clone() {
            answered(self.link.write_register(register, value, &self.metrics).await)?;
        }
        self.check_armed().await?;
        self.tell_pulse_length().await
    }

    /// A pulse's length is told before it is needed: between a permit and the contact lies one write.
    async fn tell_pulse_length(&mut self) -> Result<(), LinkError> {
        let pulse_ms = self.wishes.borrow().pulse_ms;
        let Some(width) = self.settings.profile.pulse.and_then(|pulse| pulse.width_address) else { return Ok(()) };
        let mut known = true;
        for wire in self.settings.profile.wires.clone() {
            if matches!(wire.output, Output::Open | Output::Close) {
                known &= answered(self.write_width(width, wire.point, pulse_ms).await)?.is_some();
            }
        }
        self.known_pulse_ms = known.then_some(pulse_ms);
        Ok(())
    }

    async fn write_width(&mut self, first: u16, point: u16, pulse_ms: u64) -> Result<(), LinkError> {
        let width_ms = u16::try_from(pulse_ms).unwrap_or(u16::MAX);
        self.link.write_register(first.wrapping_add(point), width_ms, &self.metrics).await
    }

    /// Reads the watchdog back. An exception is an answer: not armed.
    async fn check_armed(&mut self) -> Result<(), LinkError> {
        let mut armed = self.settings.profile.has_watchdog() || self.settings.accept_without_watchdog;
        for (place, value) in self.settings.profile.watchdog.armed.clone() {
            let got = match place {
                Place::Register(address) => answered(self.link.read_registers(address, 1, &self.metrics).await)?.map(|words| words[0]),
                Place::Input(address) => {
                    let bits = self.link.read_bits(BitFunction::DiscreteInputs, address, 1, &self.metrics).await;
                    answered(bits)?.map(|bits| u16::from(bits[0]))
                }
            };
            armed &= got == Some(value);
        }
        let state = if armed { LinkState::Up } else { LinkState::NotArmed };
        if self.snapshot.link != state {
            info!(module = %self.settings.name, ?state, "link state");
            self.snapshot.link = state;
        }
        Ok(())
    }

    async fn read_inputs(&mut self) -> Result<(), LinkError> {
        if self.until_check == 0 {
            self.check_armed().await?;
            self.until_check = CHECK_EVERY_CYCLES;
        }
        self.until_check -= 1;
        let Profile { input_function, input_address, input_count, .. } = self.settings.profile;
        if input_count == 0 {
            return Ok(());
        }
        let asked_at = (self.clock)();
        if let Some(bits) = answered(self.link.read_bits(input_function, input_address, input_count, &self.metrics).await)? {
            Metrics::count(&self.metrics.reads);
            self.snapshot.inputs = bits;
            self.snapshot.acquired_at = Some(asked_at);
        }
        Ok(())
    }

    fn wish(&self) -> Wish {
        let mut wish = *self.wishes.borrow();
        if wish.keep_open && !wish.pulsed && self.told.asserted.get(Output::Open) {
            wish.outputs.set(Output::Open, true);
        }
        let stale = (self.clock)().since(wish.at) > self.timing.wish_fresh_ms;
        if stale || self.snapshot.link != LinkState::Up {
            // Nothing begins on an old wish or an unproven module. A held Open is left as it is: dropping it lowers a self-closing boom.
            let held = !wish.pulsed && self.told.asserted.get(Output::Open);
            wish.outputs.set(Output::Open, wish.outputs.get(Output::Open) && held);
            wish.outputs.set(Output::Close, false);
        }
        wish
    }

    fn wants_write(&self) -> bool {
        let wish = self.wish();
        self.settings.profile.wires.iter().any(|wire| self.begins(wire, &wish))
    }

    /// The module was last told otherwise, or nobody knows that its movement has ended.
    fn begins(&self, wire: &OutputWire, wish: &Wish) -> bool {
        let wanted = wish.outputs.get(wire.output);
        wanted != self.told.asserted.get(wire.output) || (!wanted && self.told.owed.get(wire.output))
    }

    /// Stop first (a released Open would let the boom down before it), then releases, so that Open and Close never overlap on the wire (I8), then
    /// the movement that somebody waits for, then lights.
    fn wires_in_order(&self, wish: &Wish) -> Vec<OutputWire> {
        let mut wires = self.settings.profile.wires.clone();
        wires.sort_by_key(|wire| match (wire.output, wish.outputs.get(wire.output)) {
            (Output::Stop, true) => 0,
            (Output::Open | Output::Close | Output::Stop, false) => 1,
            (Output::Open | Output::Close, true) => 2,
            (Output::LightRed | Output::LightGreen | Output::Buzzer, _) => 3,
        });
        wires
    }

    /// Writes what differs.
    async fn write_wishes(&mut self) -> Result<(), LinkError> {
        let wish = self.wish();
        let mut stuck = false;
        for wire in &self.wires_in_order(&wish) {
            let wanted = wish.outputs.get(wire.output);
            let bit = wire.normally.flip(wanted);
            let moves = matches!(wire.output, Output::Open | Output::Close);
            let pulses = moves && wish.pulsed && self.settings.profile.pulse.is_some();
            let known = self.snapshot.coils.get(usize::from(wire.point)).copied();
            // A pulse is started once; everything else is repeated until it reads back so.
            let differs = self.begins(wire, &wish) || (known.is_some_and(|coil| coil != bit) && !(wanted && pulses));
            // While a release was refused nothing is energised against it.
            if !differs || (wanted && moves && stuck) {
                continue;
            }
            let done = self.write_wire(wire, &wish).await?;
            stuck |= moves && !wanted && !done && !planted("refused_release");
        }
        Ok(())
    }

    /// Writes one output as wished and notes what the module was told. Says whether it was taken.
    async fn write_wire(&mut self, wire: &OutputWire, wish: &Wish) -> Result<bool, LinkError> {
        let wanted = wish.outputs.get(wire.output);
        let moves = matches!(wire.output, Output::Open | Output::Close);
        let done = match self.settings.profile.pulse.filter(|_| moves && wish.pulsed) {
            Some(pulse) => self.write_pulse(pulse, wire.point, wanted, wish.pulse_ms).await,
            None => {
                let address = self.settings.profile.output_address.wrapping_add(wire.point);
                self.link.write_coil(address, wire.normally.flip(wanted), &self.metrics).await
            }
        };
        let done = answered(done)?.is_some();
        self.told.refused.set(wire.output, !done);
        // A release that was refused stands as asked for: it is repeated, and what reads back otherwise is a mismatch.
        if done || !wanted {
            self.told.asserted.set(wire.output, wanted);
            self.told.owed.set(wire.output, false);
        }
        Ok(done)
    }

    async fn write_pulse(&mut self, pulse: Pulse, point: u16, on: bool, pulse_ms: u64) -> Result<(), LinkError> {
        if let Some(width) = pulse.width_address.filter(|_| on && self.known_pulse_ms != Some(pulse_ms)) {
            self.write_width(width, point, pulse_ms).await?;
        }
        match (pulse.kind, on) {
            (PulseKind::Coil, on) => self.link.write_coil(pulse.address.wrapping_add(point), on, &self.metrics).await,
            (PulseKind::Flash, true) => {
                let tenths = u16::try_from(pulse_ms.div_ceil(100)).unwrap_or(u16::MAX).max(1);
                self.link.flash_coil(pulse.address.wrapping_add(point), tenths, &self.metrics).await
            }
            (PulseKind::Flash, false) => {
                self.link.write_coil(self.settings.profile.output_address.wrapping_add(point), false, &self.metrics).await
            }
        }
    }

    /// Reads every coil back and compares it with what was asserted.
    async fn read_back(&mut self) -> Result<(), LinkError> {
        let Profile { output_address, output_count, .. } = self.settings.profile;
        if output_count == 0 {
            return Ok(());
        }
        let Some(coils) = answered(self.link.read_bits(BitFunction::Coils, output_address, output_count, &self.metrics).await)? else {
            return Ok(());
        };
        let pulsed = self.wishes.borrow().pulsed && self.settings.profile.pulse.is_some();
        let wrong = self.settings.profile.wires.iter().any(|wire| {
            let asserted = self.told.asserted.get(wire.output);
            let moves = matches!(wire.output, Output::Open | Output::Close);
            // A running pulse ends when the device says so.
            !(pulsed && moves && asserted) && coils.get(usize::from(wire.point)).is_some_and(|coil| *coil != wire.normally.flip(asserted))
        });
        self.mismatched_cycles = if wrong { self.mismatched_cycles.saturating_add(1) } else { 0 };
        let mismatch = self.mismatched_cycles >= MISMATCH_CYCLES;
        if mismatch && !self.snapshot.mismatch {
            Metrics::count(&self.metrics.mismatches);
            warn!(module = %self.settings.name, "an output reads back otherwise than written");
        }
        self.snapshot.mismatch = mismatch;
        self.snapshot.coils = coils;
        Ok(())
    }
}

/// An exception is an answer (none), anything else that is wrong ends the connection.
fn answered<T>(result: Result<T, LinkError>) -> Result<Option<T>, LinkError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(LinkError::Exception { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
