//! The line to an indicator: one task owns it, reads, decodes, reconnects.
//!
//! ```text
//!                 opened                   a good frame
//!   NotOpen ───────────────▶ NoBytes ───────────────────────▶ Streaming
//!      ▲                        ▲  │ after stale_after_ms         │ no good frame for stale_after_ms:
//!      │ lost, refused          │  ▼ without a good frame         ▼ NoWeight, and by what came meanwhile:
//!      └──────────────── any    NoBytes · BytesButNoFrames (baud?) · FramesNotUnderstood (protocol?)
//! ```
//!
//! - Events, in order, on a bounded channel: readings with the monotonic time at which their last byte was read, changes of
//!   state, and `NoWeight` once when no good frame came for `stale_after_ms` (also while the line is lost). A frame with a
//!   problem (overload, ...) is a frame.
//! - A slow receiver loses the oldest readings, never the newest and no change; the loss is counted.
//! - A line silent for `read_timeout_ms` is opened anew: a half-open TCP connection looks like that. TCP keep-alive is on.
//! - Waiting before the next try doubles from `backoff_first_ms` to `backoff_max_ms`, each wait a random half to whole of that;
//!   a good frame resets it.
//! - Half a frame of a lost connection is never joined to the next one, and a serial port's old input is discarded on opening.
//! - The task ends when the receiver of its events is dropped.

mod open;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, future::Future, io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    decode::{Decoder, DecoderSettings, DecoderSettingsError, Event, Tally},
    endpoint::Endpoint,
    reading::Reading,
};

/// Events that wait in the channel, and as many again with the task.
pub const MAX_WAITING_EVENTS: usize = 64;
const READ_BUFFER_BYTES: usize = 1024;

/// Times of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineSettings {
    /// Without a good frame for this long there is no weight. 200..=10000, default 2000.
    pub stale_after_ms: u64,
    /// A line silent for this long is opened anew. Above `stale_after_ms`, to 120000, default 10000.
    pub read_timeout_ms: u64,
    /// For one attempt to open. 100..=30000, default 3000.
    pub connect_timeout_ms: u64,
    /// The first wait before opening again. 10..=`backoff_max_ms`, default 250.
    pub backoff_first_ms: u64,
    /// The longest wait. To 60000, default 5000.
    pub backoff_max_ms: u64,
}

impl Default for LineSettings {
    fn default() -> LineSettings {
        LineSettings {
            stale_after_ms: 2000,
            read_timeout_ms: 10_000,
            connect_timeout_ms: 3000,
            backoff_first_ms: 250,
            backoff_max_ms: 5000,
        }
    }
}

/// A time outside its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {given} is outside {least}..={most}")]
pub struct LineSettingsError {
    pub key: &'static str,
    pub given: u64,
    pub least: u64,
    pub most: u64,
}

impl LineSettings {
    /// # Errors
    /// The first value outside its range.
    pub fn check(&self) -> Result<(), LineSettingsError> {
        let ranges = [
            ("stale_after_ms", self.stale_after_ms, 200, 10_000),
            ("read_timeout_ms", self.read_timeout_ms, self.stale_after_ms.saturating_add(1), 120_000),
            ("connect_timeout_ms", self.connect_timeout_ms, 100, 30_000),
            ("backoff_max_ms", self.backoff_max_ms, 10, 60_000),
            ("backoff_first_ms", self.backoff_first_ms, 10, self.backoff_max_ms),
        ];
        match ranges.into_iter().find(|(_, given, least, most)| given < least || given > most) {
            Some((key, given, least, most)) => Err(LineSettingsError { key, given, least, most }),
            None => Ok(()),
        }
    }

    fn stale_after(&self) -> Duration {
        Duration::from_millis(self.stale_after_ms)
    }
}

/// What the officer sees when asking why there is no weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineState {
    /// Port or connection is not open.
    NotOpen,
    /// Open, and nothing arrives: cable, indicator off, output off.
    NoBytes,
    /// Bytes arrive, and no frame is among them: baud rate or mode, protocol.
    BytesButNoFrames,
    /// Frames arrive and all are bad: protocol, checksum setting, noise.
    FramesNotUnderstood,
    /// Good frames arrive.
    Streaming,
}

impl LineState {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            LineState::NotOpen => "not_open",
            LineState::NoBytes => "no_bytes",
            LineState::BytesButNoFrames => "bytes_but_no_frames",
            LineState::FramesNotUnderstood => "frames_not_understood",
            LineState::Streaming => "streaming",
        }
    }
}

/// What the lane loop learns, each with the monotonic time at which it was so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEvent {
    Reading {
        reading: Reading,
        at: Instant,
    },
    /// No good frame for `stale_after_ms`: whatever was read before is not a weight of now.
    NoWeight {
        at: Instant,
    },
    State {
        state: LineState,
        at: Instant,
    },
}

/// For health pages and the doctor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineHealth {
    pub state: LineState,
    pub tally: Tally,
    /// Times the line was opened.
    pub opened_count: u64,
    /// Readings that a slow receiver lost.
    pub readings_dropped: u64,
    /// Why the line was last lost or not opened; `None` while frames arrive.
    pub last_error: Option<String>,
}

/// Why a line was lost or not opened.
#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error("cannot open: {0}")]
    Open(#[source] io::Error),
    #[error("no answer to opening within {0} ms")]
    OpenTimeout(u64),
    #[error("closed by the other side")]
    Closed,
    #[error("silent for {0} ms")]
    Silent(u64),
    #[error("reading failed: {0}")]
    Read(#[source] io::Error),
}

/// Settings that no line can be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpawnError {
    #[error("scale line: {0}")]
    Line(#[source] LineSettingsError),
    #[error("scale: {0}")]
    Decoder(#[source] DecoderSettingsError),
}

/// A running line.
pub struct Line {
    /// Dropping it ends the task.
    pub events: mpsc::Receiver<LineEvent>,
    pub health: watch::Receiver<LineHealth>,
    /// For supervision: it ends only after `events` was dropped, or by a fault of ours.
    pub task: JoinHandle<()>,
}

/// Starts the task that owns the line. `random` gives uniform 64-bit values for the jitter of reconnects.
///
/// # Errors
/// Settings out of range, or not fitting the protocol. A device that is absent is no error: it is tried for ever.
pub fn spawn(
    endpoint: Endpoint,
    settings: LineSettings,
    decoder: DecoderSettings,
    random: impl FnMut() -> u64 + Send + 'static,
) -> Result<Line, SpawnError> {
    settings.check().map_err(SpawnError::Line)?;
    let decoder = Decoder::new(decoder).map_err(SpawnError::Decoder)?;
    Ok(spawn_with(open::Opener::new(endpoint), settings, decoder, random))
}

fn spawn_with<O: Open>(opener: O, settings: LineSettings, decoder: Decoder, random: impl FnMut() -> u64 + Send + 'static) -> Line {
    let (sender, events) = mpsc::channel(MAX_WAITING_EVENTS);
    let first = LineHealth { state: LineState::NotOpen, tally: *decoder.tally(), opened_count: 0, readings_dropped: 0, last_error: None };
    let (health_sender, health) = watch::channel(first);
    let desk = Desk::new(settings, decoder, sender, health_sender);
    let task = tokio::spawn(async move {
        // the end is the receiver's wish: nothing to report
        let _ended = desk.run(opener, random).await;
    });
    Line { events, health, task }
}

/// Opens the line; a seam, so that time can be simulated without devices.
trait Open: Send + 'static {
    type Io: AsyncRead + Unpin + Send;
    fn open(&mut self) -> impl Future<Output = io::Result<Self::Io>> + Send;
}

/// The wait before attempt number `failures` (from 0): half to whole of `first · 2^failures`, at most `max`.
fn backoff(settings: &LineSettings, failures: u32, random: u64) -> Duration {
    let whole_ms = settings.backoff_first_ms.saturating_mul(1 << failures.min(20)).min(settings.backoff_max_ms);
    let half_ms = whole_ms / 2;
    Duration::from_millis(half_ms + random % (whole_ms - half_ms + 1))
}

/// What came since the last good frame, or since the last look.
#[derive(Default)]
struct Window {
    bytes: usize,
    bad_frames: u64,
}

/// Everything of the task but the line itself.
struct Desk {
    settings: LineSettings,
    decoder: Decoder,
    events: mpsc::Sender<LineEvent>,
    health: watch::Sender<LineHealth>,
    outbox: VecDeque<LineEvent>,
    state: LineState,
    is_open: bool,
    /// A good frame came, and `NoWeight` was not said since.
    weight_known: bool,
    window: Window,
    window_ends: Instant,
    good_since_open: bool,
}

impl Desk {
    fn new(settings: LineSettings, decoder: Decoder, events: mpsc::Sender<LineEvent>, health: watch::Sender<LineHealth>) -> Desk {
        Desk {
            settings,
            decoder,
            events,
            health,
            outbox: VecDeque::with_capacity(MAX_WAITING_EVENTS),
            state: LineState::NotOpen,
            is_open: false,
            weight_known: false,
            window: Window::default(),
            window_ends: Instant::now() + settings.stale_after(),
            good_since_open: false,
        }
    }

    /// `None` when the receiver of events is gone.
    async fn run<O: Open>(mut self, mut opener: O, mut random: impl FnMut() -> u64 + Send) -> Option<()> {
        let mut failures = 0_u32;
        loop {
            let limit = Duration::from_millis(self.settings.connect_timeout_ms);
            let lost = match self.serve(timeout(limit, opener.open())).await? {
                Ok(Ok(mut io)) => {
                    self.opened();
                    let lost = self.read_until_lost(&mut io).await?;
                    failures = if self.good_since_open { 0 } else { failures.saturating_add(1) };
                    lost
                }
                Ok(Err(error)) => LineError::Open(error),
                Err(_elapsed) => LineError::OpenTimeout(self.settings.connect_timeout_ms),
            };
            if matches!(lost, LineError::Open(_) | LineError::OpenTimeout(_)) {
                failures = failures.saturating_add(1);
            }
            self.lost(&lost);
            let wait = backoff(&self.settings, failures.saturating_sub(1), random());
            self.serve(sleep(wait)).await?;
        }
    }

    async fn read_until_lost<T: AsyncRead + Unpin>(&mut self, io: &mut T) -> Option<LineError> {
        let mut buffer = [0; READ_BUFFER_BYTES];
        let limit = Duration::from_millis(self.settings.read_timeout_ms);
        loop {
            match self.serve(timeout(limit, io.read(&mut buffer))).await? {
                Ok(Ok(0)) => return Some(LineError::Closed),
                Ok(Ok(len)) => self.take(&buffer[..len], Instant::now()),
                Ok(Err(error)) => return Some(LineError::Read(error)),
                Err(_elapsed) => return Some(LineError::Silent(self.settings.read_timeout_ms)),
            }
        }
    }

    /// Waits for `wanted`; meanwhile hands out events and keeps the deadlines. `None` when the receiver is gone.
    async fn serve<T>(&mut self, wanted: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(wanted);
        loop {
            tokio::select! {
                biased;
                () = self.events.closed() => return None,
                permit = self.events.reserve(), if !self.outbox.is_empty() => {
                    let permit = permit.ok()?;
                    if let Some(event) = self.outbox.pop_front() {
                        permit.send(event);
                    }
                    continue;
                }
                () = sleep_until(self.window_ends) => {}
                output = &mut wanted => return Some(output),
            }
            self.window_ended();
        }
    }

    fn opened(&mut self) {
        self.is_open = true;
        self.good_since_open = false;
        self.decoder.reset();
        self.window = Window::default();
        if !self.weight_known {
            self.window_ends = Instant::now() + self.settings.stale_after();
        }
        self.health.send_modify(|health| health.opened_count += 1);
        if self.state == LineState::NotOpen {
            self.change_state(LineState::NoBytes, Instant::now());
        }
    }

    fn lost(&mut self, error: &LineError) {
        self.is_open = false;
        let said = error.to_string();
        let is_new = self.health.borrow().last_error.as_ref() != Some(&said);
        if is_new {
            tracing::warn!(error = %said, "the scale line is lost, it will be opened again");
            self.health.send_modify(|health| health.last_error = Some(said));
        }
        // a silent line is opened anew only to be sure: for the officer it is still "no bytes"
        if !matches!(error, LineError::Silent(_)) {
            self.change_state(LineState::NotOpen, Instant::now());
        }
    }

    fn take(&mut self, bytes: &[u8], at: Instant) {
        self.window.bytes += bytes.len();
        let (mut readings, mut bad_frames) = (Vec::new(), 0);
        self.decoder.feed(bytes, &mut |event| match event {
            Event::Reading(reading) => readings.push(reading),
            Event::Bad { .. } => bad_frames += 1,
        });
        self.window.bad_frames += bad_frames;
        if !readings.is_empty() {
            self.good_since_open = true;
            self.weight_known = true;
            self.window = Window::default();
            self.window_ends = at + self.settings.stale_after();
            self.change_state(LineState::Streaming, at);
        }
        for reading in readings {
            self.post(LineEvent::Reading { reading, at });
        }
        let tally = *self.decoder.tally();
        self.health.send_modify(|health| health.tally = tally);
    }

    fn window_ended(&mut self) {
        let at = Instant::now();
        if self.weight_known {
            self.weight_known = false;
            self.post(LineEvent::NoWeight { at });
        }
        if self.is_open {
            let window = std::mem::take(&mut self.window);
            self.change_state(
                match window {
                    Window { bytes: 0, .. } => LineState::NoBytes,
                    Window { bad_frames: 0, .. } => LineState::BytesButNoFrames,
                    Window { .. } => LineState::FramesNotUnderstood,
                },
                at,
            );
        }
        self.window_ends = at + self.settings.stale_after();
    }

    fn change_state(&mut self, state: LineState, at: Instant) {
        if state == self.state {
            return;
        }
        if state == LineState::Streaming {
            tracing::info!(before = self.state.word(), "the scale streams");
        } else {
            tracing::warn!(before = self.state.word(), state = state.word(), "the scale line changed state");
        }
        self.state = state;
        self.health.send_modify(|health| {
            health.state = state;
            if state == LineState::Streaming {
                health.last_error = None;
            }
        });
        self.post(LineEvent::State { state, at });
    }

    /// Queues an event; when the receiver is slow the oldest reading gives way.
    fn post(&mut self, event: LineEvent) {
        if self.outbox.len() == MAX_WAITING_EVENTS {
            let oldest_reading = self.outbox.iter().position(|event| matches!(event, LineEvent::Reading { .. }));
            self.outbox.remove(oldest_reading.unwrap_or(0));
            if oldest_reading.is_some() {
                self.health.send_modify(|health| health.readings_dropped += 1);
            }
        }
        self.outbox.push_back(event);
    }
}
