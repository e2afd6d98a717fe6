//! A worker process as the daemon runs it, its messages one by one.

#![allow(dead_code, reason = "every test file uses its part")]

use lane_link::camera::{CameraCondition, Decoder, FromWorker, Order, Report};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Far longer than anything takes: a test ends by an event, not by the clock.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub struct Worker {
    pub child: Child,
    pub stdin: Option<ChildStdin>,
    pub messages: Receiver<FromWorker>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Worker {
    pub fn start(source: &str, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_borderlane-vision"))
            .args(["worker", "--camera", "front", "--source", source, "--models"])
            .arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models"))
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (send, messages) = sync_channel(10_000);
        let mut stdout = child.stdout.take().unwrap();
        thread::spawn(move || {
            let mut decoder = Decoder::new();
            let mut chunk = vec![0; 65_536];
            while let Ok(length @ 1..) = stdout.read(&mut chunk) {
                decoder.push(&chunk[..length]);
                while let Some(message) = decoder.next_from_worker().unwrap() {
                    if send.send(message).is_err() {
                        return;
                    }
                }
            }
        });
        let stdin = child.stdin.take();
        Self { child, stdin, messages }
    }

    pub fn order(&mut self, order: &Order) {
        self.stdin.as_mut().unwrap().write_all(&order.encode().unwrap()).unwrap();
    }

    /// The first message that `pick` takes; what comes before it is passed over.
    pub fn wait_for<T>(&self, what: &str, mut pick: impl FnMut(FromWorker) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let message = self.messages.recv_timeout(left).unwrap_or_else(|error| panic!("no {what}: {error}"));
            if let Some(found) = pick(message) {
                return found;
            }
        }
    }

    pub fn wait_for_condition(&self, wanted: CameraCondition) {
        self.wait_for(&format!("{wanted:?}"), |message| match message {
            FromWorker::Report(Report::State { condition, .. }) if condition == wanted => Some(()),
            _ => None,
        });
    }

    pub fn wait_for_problem(&self, wanted: &str) -> String {
        self.wait_for(wanted, |message| match message {
            FromWorker::Report(Report::Problem { what }) if what.contains(wanted) => Some(what),
            _ => None,
        })
    }

    /// (n, frames, age) of the next beat.
    pub fn beat(&self) -> (u64, u64, Option<u64>) {
        self.wait_for("beat", |message| match message {
            FromWorker::Report(Report::Beat { n, frames, last_frame_age_ms }) => Some((n, frames, last_frame_age_ms)),
            _ => None,
        })
    }

    pub fn ends_with(&mut self) -> Option<i32> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the worker does not end");
    }
}
