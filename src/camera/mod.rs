//! Cameras: one `borderlane-vision` worker a camera, supervised. OpenCV lives there and may hang or crash there; here it is killed and
//! started anew, and the lane goes on.
//!
//! ```text
//!            hello in time                 no beat for beat_timeout_ms, framing lost, exit
//!   Starting ─────────────▶ Running ───────────────────────────────────────────────▶ Waiting (backoff, with jitter)
//!      ▲                                                                                 │
//!      └─────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! A worker that is stopped (SIGSTOP) beats no more and is killed; one that dies (SIGSEGV) ends its pipe. Either way the camera is `Down`
//! until the next hello, and what it last said is not repeated.

pub mod board;
mod supervisor;
pub mod view;

pub use supervisor::{Supervisor, spawn};

use lane_core::time::Mono;
use lane_link::camera::{CameraCondition, EvidenceHeader, Measured, ModelDigest, PlateRead};
use std::path::PathBuf;

/// Reports waiting for the runtime; a read that finds no room is dropped and counted.
pub const MAX_QUEUED_REPORTS: usize = 64;
/// Orders waiting for the worker.
pub const MAX_QUEUED_ORDERS: usize = 16;

/// One camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraSettings {
    /// `front` or `rear`: told to the worker, and named in logs.
    pub name: &'static str,
    /// The worker's program.
    pub program: PathBuf,
    /// What the worker shall look at: `http://host/path` (MJPEG), `rtsp://host/path`, `v4l2:/dev/videoN` or a file.
    pub source: String,
    /// File with the camera's `NAME:PASSWORD`.
    pub credentials_file: Option<PathBuf>,
    /// Folder of the models and their manifest.
    pub models: PathBuf,
    /// The commissioning view the first worker is started with.
    pub view: Option<PathBuf>,
    /// The worker must say hello within this.
    pub hello_timeout_ms: u64,
    /// A worker silent for this long is killed.
    pub beat_timeout_ms: u64,
    /// First wait before a new start.
    pub backoff_min_ms: u64,
    /// Longest wait before a new start.
    pub backoff_max_ms: u64,
}

impl CameraSettings {
    /// Settings with the built-in times.
    #[must_use]
    pub fn new(name: &'static str, program: PathBuf, source: String, models: PathBuf) -> Self {
        Self {
            name,
            program,
            source,
            credentials_file: None,
            models,
            view: None,
            hello_timeout_ms: 20_000,
            beat_timeout_ms: 2_500,
            backoff_min_ms: 250,
            backoff_max_ms: 10_000,
        }
    }
}

/// What a camera tells the runtime.
#[derive(Debug)]
pub enum CameraReport {
    /// The worker runs.
    Up {
        /// Its version.
        version: String,
        /// Its models.
        models: Vec<ModelDigest>,
    },
    /// A plate in one frame.
    Read {
        /// When the frame was taken.
        acquired_at: Mono,
        /// The read.
        read: PlateRead,
    },
    /// A picture.
    Evidence {
        /// When the frame was taken.
        acquired_at: Mono,
        /// What it shows.
        header: EvidenceHeader,
        /// The frame: a JPEG file.
        jpeg: Vec<u8>,
        /// The plate cut out of it: a JPEG file.
        crop: Option<Vec<u8>>,
    },
    /// The camera's condition.
    Condition {
        /// What it is now.
        condition: CameraCondition,
        /// By what it was judged.
        measured: Measured,
        /// The worker has a commissioning view to compare with.
        has_view: bool,
    },
    /// The worker is down.
    Down {
        /// Why, in a sentence.
        why: String,
    },
}

/// What was counted since the start.
#[derive(Debug, Default)]
pub struct CameraCounters {
    /// Starts of the worker.
    pub starts: std::sync::atomic::AtomicU64,
    /// Kills for silence.
    pub kills: std::sync::atomic::AtomicU64,
    /// Reports dropped because the runtime's queue was full.
    pub dropped_reports: std::sync::atomic::AtomicU64,
    /// Messages that were spoilt.
    pub bad_messages: std::sync::atomic::AtomicU64,
}

/// What went wrong with a worker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkerError {
    #[error("cannot start {program}: {source}")]
    Start { program: String, source: std::io::Error },
    #[error("no hello within {0} ms")]
    NoHello(u64),
    #[error("no beat for {0} ms: killed")]
    NoBeat(u64),
    #[error("its output ended ({0})")]
    Ended(String),
    #[error("its output cannot be read: {0}")]
    Read(#[source] std::io::Error),
    #[error("it speaks version {0} of the camera messages, this program {ours}: install both from one release", ours = lane_link::camera::WIRE_VERSION)]
    Version(u32),
    #[error("its messages are out of step: {0}")]
    Framing(#[source] lane_link::camera::CameraLinkError),
}
