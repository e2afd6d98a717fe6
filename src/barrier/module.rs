//! One module's task: it alone owns the connection.
//!
//! ```text
//!   Down ──connect──▶ Arming ──armed, or accepted without──▶ Up ──▶ every cycle: write what differs, read back, read inputs, publish
//!    ▲                   │ refused: outputs stay dead, inputs are read        │
//!    └── wait (doubling, bounded) ◀── any error, time-out ────────────────────┘
//! ```
//! After a connect nothing is assumed: the watchdog is armed and read back, and the coils are read before any is written. `Open` and `Close` are
//! energised only when the watchdog reads armed (or the site accepts device-timed pulses without one), and only for a wish younger than
//! `wish_fresh_ms`: what the interlock wanted before a stall is never done after it. Releases are repeated in every cycle until read back.

use super::link::{BitFunction, Link, LinkError};
use super::profile::{Place, Profile, Pulse, PulseKind};
use super::{Metrics, ModuleSettings};
use lane_core::signal::{Output, Outputs};
use lane_core::time::Mono;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tracing::{info, warn};

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
    /// What was last asserted on this connection, by output.
    asserted: Outputs,
    mismatched_cycles: u8,
    scan_ms: u64,
    wish_fresh_ms: u64,
    reconnect: (u64, u64),
}

/// Timing of a module's task.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    pub scan_ms: u64,
    pub call_timeout_ms: u64,
    pub wish_fresh_ms: u64,
    /// First and longest wait before a reconnect.
    pub reconnect: (u64, u64),
}

impl Module {
    pub fn new(
        settings: ModuleSettings,
        timing: Timing,
        clock: fn() -> Mono,
        metrics: Arc<Metrics>,
        wishes: watch::Receiver<Wish>,
        publish: watch::Sender<Snapshot>,
    ) -> Self {
        let link = Link::new(settings.address.clone(), settings.profile.unit, timing.call_timeout_ms);
        Self {
            settings,
            link,
            clock,
            metrics,
            wishes,
            publish,
            snapshot: Snapshot::default(),
            asserted: Outputs::OFF,
            mismatched_cycles: 0,
            scan_ms: timing.scan_ms,
            wish_fresh_ms: timing.wish_fresh_ms,
            reconnect: timing.reconnect,
        }
    }

    /// Runs until the scan task is gone. The connection is closed then, and the module's watchdog does the rest.
    pub async fn run(mut self) {
        let mut wait_ms = self.reconnect.0;
        let mut told = false;
        while !self.publish.is_closed() {
            match self.serve().await {
                Ok(()) => break,
                Err(error) => {
                    if self.snapshot.link != LinkState::Down || !told {
                        warn!(module = %self.settings.name, %error, cause = ?std::error::Error::source(&error), "link lost");
                        told = true;
                    }
                    if self.snapshot.link != LinkState::Down {
                        wait_ms = self.reconnect.0;
                    }
                }
            }
            self.link.close().await;
            self.snapshot.link = LinkState::Down;
            self.snapshot.coils.clear();
            self.publish.send_replace(self.snapshot.clone());
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            wait_ms = (wait_ms * 2).min(self.reconnect.1);
        }
        self.link.close().await;
    }

    /// One connection's life. Ends in order only when nobody listens any more.
    async fn serve(&mut self) -> Result<(), LinkError> {
        self.link.connect(&self.metrics).await?;
        self.asserted = Outputs::OFF;
        self.mismatched_cycles = 0;
        self.arm().await?;
        self.read_back().await?;
        self.adopt_held_open();
        let mut ticks = tokio::time::interval(Duration::from_millis(self.scan_ms));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut until_check = 0_u32;
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
                    self.write_wishes().await?;
                }
                _ = ticks.tick() => {
                    if until_check == 0 {
                        self.check_armed().await?;
                        until_check = 20;
                    }
                    until_check -= 1;
                    self.write_wishes().await?;
                    self.read_inputs().await?;
                }
            }
            self.read_back().await?;
            if self.publish.send(self.snapshot.clone()).is_err() {
                return Ok(());
            }
        }
    }

    /// A maintained Open that outlived the last connection is still held: it is released because the interlock says so, never by forgetting it.
    fn adopt_held_open(&mut self) {
        let pulsed = self.wishes.borrow().pulsed;
        let open = self.settings.profile.wires.iter().find(|wire| wire.output == Output::Open).filter(|_| !pulsed);
        let coil = open.and_then(|wire| self.snapshot.coils.get(usize::from(wire.point)).map(|coil| wire.normally.flip(*coil)));
        self.asserted.set(Output::Open, coil == Some(true));
    }

    async fn arm(&mut self) -> Result<(), LinkError> {
        for (register, value) in self.settings.profile.watchdog.arm.clone() {
            answered(self.link.write_register(register, value, &self.metrics).await)?;
        }
        self.check_armed().await
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
        if wish.keep_open && !wish.pulsed && self.asserted.get(Output::Open) {
            wish.outputs.set(Output::Open, true);
        }
        let stale = (self.clock)().since(wish.at) > self.wish_fresh_ms;
        if stale || self.snapshot.link != LinkState::Up {
            // Nothing begins on an old wish or an unproven module. A held Open is left as it is: dropping it lowers a self-closing boom.
            let held = !wish.pulsed && self.asserted.get(Output::Open);
            wish.outputs.set(Output::Open, wish.outputs.get(Output::Open) && held);
            wish.outputs.set(Output::Close, false);
        }
        wish
    }

    fn wants_write(&self) -> bool {
        let wish = self.wish();
        self.settings.profile.wires.iter().any(|wire| wish.outputs.get(wire.output) != self.asserted.get(wire.output))
    }

    /// Writes what differs: Stop first (a released Open would let the boom down before it), then releases, so that Open and Close never overlap
    /// on the wire (I8), then the rest.
    async fn write_wishes(&mut self) -> Result<(), LinkError> {
        let wish = self.wish();
        let mut wires = self.settings.profile.wires.clone();
        wires.sort_by_key(|wire| match (wire.output, wish.outputs.get(wire.output)) {
            (Output::Stop, true) => 0,
            (_, false) => 1,
            (_, true) => 2,
        });
        let mut stuck = false;
        for wire in &wires {
            let wanted = wish.outputs.get(wire.output);
            let bit = wire.normally.flip(wanted);
            let moves = matches!(wire.output, Output::Open | Output::Close);
            let pulse = self.settings.profile.pulse.filter(|_| moves && wish.pulsed);
            let known = self.snapshot.coils.get(usize::from(wire.point)).copied();
            let begins = wanted != self.asserted.get(wire.output);
            // A pulse is started once; everything else is repeated until it reads back so.
            let differs = begins || (known.is_some_and(|coil| coil != bit) && !(wanted && pulse.is_some()));
            // While a release was refused nothing is energised against it.
            if !differs || (wanted && moves && stuck) {
                continue;
            }
            let done = match pulse {
                Some(pulse) => self.write_pulse(pulse, wire.point, wanted, wish.pulse_ms).await,
                None => self.link.write_coil(self.settings.profile.output_address.wrapping_add(wire.point), bit, &self.metrics).await,
            };
            let done = answered(done)?.is_some();
            stuck |= moves && !wanted && !done;
            // A release that was refused stands as asked for: it is repeated, and what reads back otherwise is a mismatch.
            if done || !wanted {
                self.asserted.set(wire.output, wanted);
            }
        }
        Ok(())
    }

    async fn write_pulse(&mut self, pulse: Pulse, point: u16, on: bool, pulse_ms: u64) -> Result<(), LinkError> {
        if let Some(width) = pulse.width_address.filter(|_| on) {
            let width_ms = u16::try_from(pulse_ms).unwrap_or(u16::MAX);
            self.link.write_register(width.wrapping_add(point), width_ms, &self.metrics).await?;
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
            let asserted = self.asserted.get(wire.output);
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
