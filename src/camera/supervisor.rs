//! Starts, watches, kills and restarts one worker.

use super::{CameraCounters, CameraReport, CameraSettings, MAX_QUEUED_ORDERS, MAX_QUEUED_REPORTS, WorkerError};
use crate::clock;
use lane_core::time::Mono;
use lane_link::camera::{Decoder, FromWorker, Order, Report, WIRE_VERSION};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

/// Bytes taken from the worker at a time.
const READ_CHUNK_BYTES: usize = 64 * 1024;
/// A worker that does not take an order within this is as good as stopped.
const ORDER_TIMEOUT_MS: u64 = 1_000;

/// The runtime's handle of one camera.
#[derive(Debug, Clone)]
pub struct Supervisor {
    presence: watch::Sender<bool>,
    view: watch::Sender<Option<PathBuf>>,
    pictures: mpsc::Sender<Order>,
    /// What was counted.
    pub counters: Arc<CameraCounters>,
}

impl Supervisor {
    /// Lets the detector run, or rest. Kept over restarts of the worker.
    pub fn presence(&self, on: bool) {
        self.presence.send_replace(on);
    }

    /// Asks for the newest frame as evidence; false when too many are asked for already.
    #[must_use]
    pub fn snapshot(&self) -> bool {
        self.pictures.try_send(Order::Snapshot).is_ok()
    }

    /// Asks for the newest frame for somebody who looks; false when too many are asked for already.
    #[must_use]
    pub fn look(&self) -> bool {
        self.pictures.try_send(Order::Look).is_ok()
    }

    /// Compares with this view from now on. Kept over restarts of the worker.
    pub fn view(&self, path: Option<PathBuf>) {
        self.view.send_replace(path);
    }
}

/// Runs the worker for ever on the current runtime. Dropping the receiver ends it.
#[must_use]
pub fn spawn(settings: CameraSettings) -> (Supervisor, mpsc::Receiver<CameraReport>) {
    let (reports_in, reports) = mpsc::channel(MAX_QUEUED_REPORTS);
    let (presence, presence_seen) = watch::channel(false);
    let (view, view_seen) = watch::channel(settings.view.clone());
    let (pictures, pictures_asked) = mpsc::channel(MAX_QUEUED_ORDERS);
    let counters = Arc::new(CameraCounters::default());
    let keeper = Keeper {
        settings,
        reports: reports_in,
        presence: presence_seen,
        view: view_seen,
        pictures: pictures_asked,
        counters: counters.clone(),
    };
    tokio::spawn(keeper.run());
    (Supervisor { presence, view, pictures, counters }, reports)
}

struct Keeper {
    settings: CameraSettings,
    reports: mpsc::Sender<CameraReport>,
    presence: watch::Receiver<bool>,
    view: watch::Receiver<Option<PathBuf>>,
    pictures: mpsc::Receiver<Order>,
    counters: Arc<CameraCounters>,
}

impl Keeper {
    async fn run(mut self) {
        let mut backoff_ms = self.settings.backoff_min_ms;
        while !self.reports.is_closed() {
            let started = Instant::now();
            let error = self.one_life().await;
            let why = error.to_string();
            tracing::warn!(camera = self.settings.name, why, backoff_ms, "the camera worker is down");
            // A state must not be lost: wait for room, but not for a runtime that is gone.
            if self.reports.send(CameraReport::Down { why }).await.is_err() {
                return;
            }
            // A worker that lived for a while starts again at once; one that dies at birth does not burn the machine.
            let lived = started.elapsed() > Duration::from_millis(self.settings.backoff_max_ms);
            backoff_ms = if lived { self.settings.backoff_min_ms } else { (backoff_ms * 2).min(self.settings.backoff_max_ms) };
            tokio::time::sleep(Duration::from_millis(jittered(backoff_ms))).await;
        }
    }

    async fn one_life(&mut self) -> WorkerError {
        let mut child = match self.start() {
            Ok(child) => child,
            Err(error) => return error,
        };
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return WorkerError::Ended("no pipes".into());
        };
        let error = self.attend(stdin, stdout).await;
        if matches!(error, WorkerError::NoBeat(_) | WorkerError::NoHello(_)) {
            self.counters.kills.fetch_add(1, Relaxed);
        }
        // SIGKILL also ends a stopped process; `wait` reaps it.
        let _ = child.start_kill();
        match timeout(Duration::from_secs(5), child.wait()).await {
            Ok(Ok(status)) if matches!(error, WorkerError::Ended(_)) => WorkerError::Ended(status.to_string()),
            _ => error,
        }
    }

    fn start(&mut self) -> Result<Child, WorkerError> {
        self.counters.starts.fetch_add(1, Relaxed);
        let view = self.view.borrow_and_update().clone();
        let s = &self.settings;
        Command::new(&s.program)
            .args(["worker", "--camera", s.name, "--source", &s.source, "--models"])
            .arg(&s.models)
            .args(s.credentials_file.iter().flat_map(|file| [OsStr::new("--credentials"), file.as_os_str()]))
            .args(view.iter().flat_map(|file| [OsStr::new("--view"), file.as_os_str()]))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| WorkerError::Start { program: s.program.display().to_string(), source })
    }

    /// Talks with a worker until something is wrong with it.
    async fn attend(&mut self, mut stdin: ChildStdin, mut stdout: ChildStdout) -> WorkerError {
        let mut decoder = Decoder::new();
        let mut chunk = vec![0_u8; READ_CHUNK_BYTES];
        let mut said_hello = false;
        let mut quiet_until = Instant::now() + Duration::from_millis(self.settings.hello_timeout_ms);
        self.presence.mark_changed();
        loop {
            tokio::select! {
                read = stdout.read(&mut chunk) => {
                    let taken = match read {
                        Ok(0) => return WorkerError::Ended("closed".into()),
                        Ok(taken) => taken,
                        Err(source) => return WorkerError::Read(source),
                    };
                    decoder.push(&chunk[..taken]);
                    match self.take_messages(&mut decoder) {
                        Ok(Heard { beat: true, hello }) => {
                            said_hello |= hello;
                            quiet_until = Instant::now() + Duration::from_millis(self.settings.beat_timeout_ms);
                        }
                        Ok(Heard { beat: false, .. }) => {}
                        Err(error) => return error,
                    }
                }
                () = tokio::time::sleep_until(quiet_until) => {
                    return if said_hello { WorkerError::NoBeat(self.settings.beat_timeout_ms) }
                        else { WorkerError::NoHello(self.settings.hello_timeout_ms) };
                }
                changed = self.presence.changed() => {
                    if changed.is_err() { return WorkerError::Ended("the lane is gone".into()); }
                    let on = *self.presence.borrow_and_update();
                    if let Err(error) = order(&mut stdin, &Order::Presence { on }).await { return error; }
                }
                changed = self.view.changed() => {
                    if changed.is_err() { return WorkerError::Ended("the lane is gone".into()); }
                    let path = self.view.borrow_and_update().as_ref().map(|path| path.display().to_string());
                    if let Err(error) = order(&mut stdin, &Order::View { path }).await { return error; }
                }
                Some(asked) = self.pictures.recv() => {
                    if let Err(error) = order(&mut stdin, &asked).await { return error; }
                }
            }
        }
    }

    fn take_messages(&self, decoder: &mut Decoder) -> Result<Heard, WorkerError> {
        let mut heard = Heard::default();
        loop {
            match decoder.next_from_worker() {
                Ok(None) => return Ok(heard),
                Ok(Some(message)) => self.take_message(message, &mut heard)?,
                Err(error) if error.is_final() => return Err(WorkerError::Framing(error)),
                Err(error) => {
                    self.counters.bad_messages.fetch_add(1, Relaxed);
                    tracing::warn!(camera = self.settings.name, %error, "a message of the camera worker was spoilt");
                }
            }
        }
    }

    fn take_message(&self, message: FromWorker, heard: &mut Heard) -> Result<(), WorkerError> {
        let acquired = |age_ms: u64| Mono(clock::mono().0.saturating_sub(age_ms));
        match message {
            FromWorker::Report(Report::Hello { wire, .. }) if wire != WIRE_VERSION => return Err(WorkerError::Version(wire)),
            FromWorker::Report(Report::Hello { version, models, .. }) => {
                heard.beat = true;
                heard.hello = true;
                self.report(CameraReport::Up { version, models });
            }
            FromWorker::Report(Report::Beat { .. }) => heard.beat = true,
            FromWorker::Report(Report::Read(read)) => {
                self.report(CameraReport::Read { acquired_at: acquired(read.captured_age_ms), read });
            }
            FromWorker::Report(Report::State { condition, measured, has_view }) => {
                self.report(CameraReport::Condition { condition, measured, has_view });
            }
            FromWorker::Report(Report::Problem { what }) => {
                tracing::warn!(camera = self.settings.name, what, "the camera worker reports a problem");
            }
            FromWorker::Evidence { header, jpeg, crop } => {
                self.report(CameraReport::Evidence { acquired_at: acquired(header.captured_age_ms), header, jpeg, crop });
            }
        }
        Ok(())
    }

    /// Reads and pictures may be dropped when the lane is behind; they are counted.
    fn report(&self, report: CameraReport) {
        if self.reports.try_send(report).is_err() {
            self.counters.dropped_reports.fetch_add(1, Relaxed);
        }
    }
}

#[derive(Debug, Default)]
struct Heard {
    beat: bool,
    hello: bool,
}

async fn order(stdin: &mut ChildStdin, order: &Order) -> Result<(), WorkerError> {
    let bytes = order.encode().map_err(WorkerError::Framing)?;
    match timeout(Duration::from_millis(ORDER_TIMEOUT_MS), stdin.write_all(&bytes)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(WorkerError::Ended(error.to_string())),
        Err(_) => Err(WorkerError::NoBeat(ORDER_TIMEOUT_MS)),
    }
}

/// Up to a quarter more, so that two cameras do not start in step.
fn jittered(ms: u64) -> u64 {
    let mut byte = [0_u8; 1];
    let _ = getrandom::fill(&mut byte);
    ms + ms * u64::from(byte[0]) / 1024
}
