//! What the screens' server takes and asks. The runtime fills the channels; this module knows nothing of who answers.
//!
//! | channel | what | who |
//! |---|---|---|
//! | `frames` | [`ViewFrame`]: the whole view, published when it changed and at least once a second | lane loop |
//! | `turns` | [`Turn`]: the lane loop's own counter, published after every completed turn, at least every 500 ms | lane loop |
//! | `stop` | [`StopButton`]: presses, straight to the barrier task | barrier task |
//! | `acts` | [`ActRequest`] | lane loop |
//! | `requests` | [`WebRequest`]: look-ups and accounts | the store's side of the runtime |

use crate::officer::Account;
use crate::officer::lockout::Lockout;
use lane_core::ids::Digest;
use lane_core::input::Camera;
use lane_core::officer::{ActOutcome, OfficerAct};
use lane_core::time::{Mono, Wall};
pub use lane_link::view_api::{LinkFacts, Versions, ViewFrame};
use lane_link::view_api::{ViewAct, ViewAnswer};
use lane_link::words::PassageEnd;
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// Acts that wait for the lane loop.
pub const ACTS_MAX: usize = 8;
/// Look-ups that wait for the store.
pub const REQUESTS_MAX: usize = 32;

/// The lane loop's pulse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Completed turns since the start.
    pub turn: u64,
    /// When the last one was completed.
    pub at: Mono,
}

/// One act that somebody waits for.
#[derive(Debug)]
pub struct ActRequest {
    act: Box<OfficerAct>,
    answer: oneshot::Sender<ActOutcome>,
}

impl ActRequest {
    pub(super) fn new(act: OfficerAct) -> (Self, oneshot::Receiver<ActOutcome>) {
        let (answer, answered) = oneshot::channel();
        (Self { act: Box::new(act), answer }, answered)
    }

    /// The act and where to say what became of it; `None`: the person was told that no answer came, so it must not be done any more.
    #[must_use]
    pub fn take(self) -> Option<(OfficerAct, oneshot::Sender<ActOutcome>)> {
        if self.answer.is_closed() { None } else { Some((*self.act, self.answer)) }
    }
}

/// The store's side could not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store could not answer: {0}")]
pub struct Unavailable(pub String);

/// An answer's way back.
pub type Answer<T> = oneshot::Sender<Result<T, Unavailable>>;

/// One passage for a list. Text and words are those of `lane-link`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PassageRow {
    /// Its id.
    pub passage: String,
    /// When it began, UTC.
    pub utc_ms: i64,
    /// Its plate.
    pub plate: Option<String>,
    /// How it ended.
    pub end: Option<PassageEnd>,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEnd {
    /// Its person logged out, or logged in anew at the same screen.
    Logout,
    /// Its account was removed, changed or had run out.
    Account,
    /// Nobody acted for the set time.
    Idle,
    /// There were too many; it was the one that was idle longest.
    Crowded,
}

impl SessionEnd {
    /// The word of the ledger.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Account => "account",
            Self::Idle => "idle",
            Self::Crowded => "crowded",
        }
    }
}

/// What a person did at the door, for the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DoorEvent {
    /// Logged in.
    LoggedIn(Account),
    /// A session ended.
    LoggedOut(Account, SessionEnd),
    /// A login was refused.
    LoginFailed {
        /// The login that was typed, in its normal form.
        login: String,
        /// The refusal's word.
        why: &'static str,
    },
}

/// What is asked of the store's side.
#[derive(Debug)]
pub enum WebRequest {
    /// Write down what happened at the door. Nobody waits for it.
    Door(DoorEvent),
    /// An account and its lockout, by login in lower case.
    Officer {
        /// The login.
        id: String,
        /// `None`: there is none.
        answer: Answer<Option<(Account, Lockout)>>,
    },
    /// Count one attempt, durably, before the PIN is looked at: [`Lockout::after_attempt`].
    LoginAttempt {
        /// The login: one that exists.
        id: String,
        /// Wall clock, for the lockout.
        utc_ms: i64,
        /// How the account stands now.
        answer: Answer<Lockout>,
    },
    /// The PIN was right: the count begins again.
    LoginSucceeded {
        /// The login.
        id: String,
        /// Done.
        answer: Answer<()>,
    },
    /// Every account with its lockout, for the list of the login pad.
    Officers {
        /// They.
        answer: Answer<Vec<(Account, Lockout)>>,
    },
    /// A picture.
    Evidence {
        /// Its SHA-256.
        digest: Digest,
        /// `None`: there is none.
        answer: Answer<Option<Vec<u8>>>,
    },
    /// A camera's newest frame: its digest and a JPEG file.
    CameraNow {
        /// Which.
        camera: Camera,
        /// `None`: there is no camera, or it sends nothing.
        answer: Answer<Option<(String, Vec<u8>)>>,
    },
    /// A camera's commissioning view.
    CameraView {
        /// Which.
        camera: Camera,
        /// `None`: there is none.
        answer: Answer<Option<(String, Vec<u8>)>>,
    },
    /// Accept a view, or take one back.
    SetCameraView {
        /// Which.
        camera: Camera,
        /// What.
        act: ViewAct,
        /// A supervisor.
        by: Account,
        /// `None`: the picture was not shown a moment ago, or there is no view to take back.
        answer: Answer<Option<ViewAnswer>>,
    },
    /// The last passages, newest first.
    Passages {
        /// At most so many.
        limit: usize,
        /// They.
        answer: Answer<Vec<PassageRow>>,
    },
    /// The metrics in Prometheus' text format.
    Metrics {
        /// They.
        answer: Answer<String>,
    },
}

/// The Stop button's wire: a count of presses, so that none is lost and none waits.
#[derive(Debug)]
pub struct StopButton(watch::Sender<u64>);

impl StopButton {
    /// The button, and what the barrier task watches: every change is a press.
    #[must_use]
    pub fn new() -> (Self, watch::Receiver<u64>) {
        let (sender, receiver) = watch::channel(0);
        (Self(sender), receiver)
    }

    /// A press. `false`: nobody is there to feel it.
    #[must_use]
    pub fn press(&self) -> bool {
        self.0.send_modify(|presses| *presses = presses.wrapping_add(1));
        !self.0.is_closed()
    }
}

/// The daemon's two clocks as functions, so that tests have their own.
#[derive(Clone)]
pub struct Clocks {
    /// Milliseconds since boot.
    pub mono: Arc<dyn Fn() -> Mono + Send + Sync>,
    /// UTC with its quality.
    pub wall: Arc<dyn Fn() -> Wall + Send + Sync>,
}

/// Every channel of the server.
pub struct WebSeams {
    /// Views; holds the first one from the start.
    pub frames: watch::Receiver<Arc<ViewFrame>>,
    /// The lane loop's pulse.
    pub turns: watch::Receiver<Turn>,
    /// Stop.
    pub stop: StopButton,
    /// Acts, at most [`ACTS_MAX`] waiting.
    pub acts: mpsc::Sender<ActRequest>,
    /// Look-ups, at most [`REQUESTS_MAX`] waiting.
    pub requests: mpsc::Sender<WebRequest>,
    /// Clocks.
    pub clocks: Clocks,
}
