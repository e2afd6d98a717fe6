//! The lane loop's one queue: whatever can happen to the lane comes through it, in order of arrival.

use lane_core::input::Input;
use lane_core::officer::{ActOutcome, OfficerAct};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::sync::{mpsc, oneshot};

/// Inputs waiting for the lane loop.
pub const MAX_WAITING_INPUTS: usize = 1_024;

/// What the lane loop takes.
#[derive(Debug)]
pub enum ToLane {
    /// An input.
    Input(Input),
    /// A person's act, whose outcome is waited for.
    Act(Box<OfficerAct>, oneshot::Sender<ActOutcome>),
}

/// The giving end.
#[derive(Debug, Clone)]
pub struct Inbox {
    queue: mpsc::Sender<ToLane>,
    dropped: Arc<AtomicU64>,
}

impl Inbox {
    /// A queue and its taking end.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<ToLane>) {
        let (queue, taken) = mpsc::channel(MAX_WAITING_INPUTS);
        (Self { queue, dropped: Arc::default() }, taken)
    }

    /// Gives what must not be lost, waiting for room.
    pub async fn give(&self, input: Input) {
        let _ = self.queue.send(ToLane::Input(input)).await;
    }

    /// Gives what may be lost when the lane is behind (one of many frames or readings); it is counted.
    pub fn offer(&self, input: Input) {
        if self.queue.try_send(ToLane::Input(input)).is_err() {
            self.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Gives an act and waits for its outcome; `None`: the lane is gone.
    pub async fn act(&self, act: OfficerAct) -> Option<ActOutcome> {
        let (answer, outcome) = oneshot::channel();
        self.queue.send(ToLane::Act(Box::new(act), answer)).await.ok()?;
        outcome.await.ok()
    }

    /// Inputs that found no room.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }
}
