//! Cameras that FFmpeg or the kernel speak for: RTSP (H.264, H.265) and V4L2.
//!
//! ```text
//! rtsp://host[:port]/path   over TCP; name and password come from a file, never from the address
//! v4l2:/dev/videoN          a device of this machine
//! ```
//!
//! Every frame has to be decoded (each builds on the one before), but only those that somebody wants are turned into pictures
//! ([`Mailbox::wants`](crate::source::Mailbox::wants)). Opening and reading RTSP have deadlines of their own; V4L2 has none in OpenCV: a device that hangs stops the
//! frames, not the loop that beats, and the daemon sees "no frames".
//!
//! **Size.** OpenCV 4.6 does not follow a stream that changes its size: the frames keep the first size, and what the new ones do not cover stands
//! still. A picture whose lower edge is the same to the bit for [`EDGE_STALE_MS`] therefore ends the connection ([`Edge`]); where a new
//! connection shows the very same edge, it is the picture (night, fog), and that edge is accepted.
//!
//! **Age.** A network or decoder that falls behind delivers old frames at full speed. The stream's own time stamps show it: the delay of a frame
//! beyond the least delay of its connection is taken from its arrival ([`Lag`]).

use crate::network::brief;
use opencv::core::{Mat, MatTraitConst, MatTraitConstManual, Vector};
use opencv::videoio::{
    CAP_FFMPEG, CAP_PROP_OPEN_TIMEOUT_MSEC, CAP_PROP_POS_MSEC, CAP_PROP_READ_TIMEOUT_MSEC, CAP_V4L2, VideoCapture, VideoCaptureTrait,
    VideoCaptureTraitConst,
};
use std::hash::{DefaultHasher, Hasher};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use thiserror::Error;

/// What FFmpeg is told through its environment: TCP, because a gate's frame with half its packets is no frame.
pub const FFMPEG_OPTIONS: (&str, &str) = ("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp");
const OPEN_TIMEOUT_MS: i32 = 5_000;
const READ_TIMEOUT_MS: i32 = 5_000;
/// Pixels of a frame at most: a 4K camera has 8.3 million.
const MAX_PIXELS: usize = 16_000_000;
/// A lower edge that is the same for this long is looked into.
const EDGE_STALE_MS: u64 = 12_000;
const EDGE_ROWS: usize = 8;
const MAX_ADDRESS_CHARS: usize = 1_000;

/// Why there is no live picture. Never holds a password.
#[derive(Debug, Error)]
pub enum LiveError {
    /// An address that cannot be one.
    #[error("{address:?} is no camera's address: {reason}")]
    Address {
        /// As given.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No connection, or no video in it.
    #[error("{place}: cannot be opened within {OPEN_TIMEOUT_MS} ms: no answer, no such stream, or not allowed in")]
    Open {
        /// Which.
        place: String,
    },
    /// OpenCV's own error.
    #[error("{place}: {reason}")]
    Failed {
        /// Which.
        place: String,
        /// Its words.
        reason: String,
    },
    /// The stream ended or fell silent.
    #[error("{place}: ended, or gave no frame for {READ_TIMEOUT_MS} ms")]
    Ended {
        /// Which.
        place: String,
    },
    /// The lower edge stands still.
    #[error(
        "{place}: the picture's lower edge has stood still for {EDGE_STALE_MS} ms: connecting anew, in case the camera changed its size"
    )]
    EdgeStale {
        /// Which.
        place: String,
    },
    /// A frame that is too large.
    #[error("{place}: a frame of {pixels} pixels, more than {MAX_PIXELS}")]
    TooLarge {
        /// Which.
        place: String,
        /// Its size.
        pixels: usize,
    },
}

/// Where live pictures come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveSpec {
    /// Host, port and path after `rtsp://`.
    Rtsp(String),
    /// A device file.
    V4l2(PathBuf),
}

/// Name and password of a camera.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Name.
    pub user: String,
    /// Password.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

impl LiveSpec {
    /// `rtsp://host[:port]/path`; names and passwords in it are refused: they would show in process lists.
    pub fn rtsp(address: &str) -> Result<Self, LiveError> {
        let wrong = |reason| LiveError::Address { address: address.chars().take(MAX_ADDRESS_CHARS).collect(), reason };
        let rest = address.strip_prefix("rtsp://").ok_or_else(|| wrong("it must begin with rtsp://"))?;
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.contains('@') {
            return Err(LiveError::Address {
                address: "rtsp://...".into(),
                reason: "a name or password in it is not supported: use a credentials file",
            });
        }
        if authority.is_empty() || authority.starts_with(':') {
            return Err(wrong("it names no host"));
        }
        if address.len() > MAX_ADDRESS_CHARS || address.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(wrong("it is too long, or contains a space or control character"));
        }
        Ok(Self::Rtsp(rest.to_owned()))
    }

    /// What it is called in messages.
    pub fn place(&self) -> String {
        match self {
            Self::Rtsp(rest) => format!("rtsp://{rest}"),
            Self::V4l2(path) => path.display().to_string(),
        }
    }
}

/// An open stream.
pub struct Live {
    capture: VideoCapture,
    place: String,
    lag: Lag,
}

impl Live {
    /// Connects; ends within its deadline for RTSP.
    pub fn open(spec: &LiveSpec, credentials: Option<&Credentials>) -> Result<Self, LiveError> {
        let place = spec.place();
        let failed = |error: opencv::Error| LiveError::Failed { place: place.clone(), reason: hide(&brief(&error), credentials) };
        let capture = match spec {
            LiveSpec::Rtsp(rest) => {
                let limits =
                    Vector::from_slice(&[CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_TIMEOUT_MS, CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT_MS]);
                VideoCapture::from_file_with_params(address(rest, credentials), CAP_FFMPEG, &limits)
            }
            LiveSpec::V4l2(path) => VideoCapture::from_file(path, CAP_V4L2),
        };
        let capture = capture.map_err(failed)?;
        if !capture.is_opened().map_err(failed)? {
            return Err(LiveError::Open { place });
        }
        Ok(Self { capture, place, lag: Lag::default() })
    }

    /// Waits for the next frame and says when it was taken, as well as it can be known.
    pub fn advance(&mut self) -> Result<Instant, LiveError> {
        let failed = |error: opencv::Error| LiveError::Failed { place: self.place.clone(), reason: brief(&error) };
        if !self.capture.grab().map_err(failed)? {
            return Err(LiveError::Ended { place: self.place.clone() });
        }
        let arrived = Instant::now();
        let stamp_ms = self.capture.get(CAP_PROP_POS_MSEC).map_err(failed)?;
        Ok(self.lag.taken_at(arrived, stamp_ms))
    }

    /// The frame of the last [`Live::advance`]: width, height, and its rows as three bytes a pixel, blue first.
    pub fn picture(&mut self) -> Result<(i32, i32, Vec<u8>), LiveError> {
        let failed = |error: opencv::Error| LiveError::Failed { place: self.place.clone(), reason: brief(&error) };
        let mut frame = Mat::default();
        if !self.capture.retrieve(&mut frame, 0).map_err(failed)? || frame.empty() {
            return Err(LiveError::Ended { place: self.place.clone() });
        }
        if frame.total() > MAX_PIXELS {
            return Err(LiveError::TooLarge { place: self.place.clone(), pixels: frame.total() });
        }
        Ok((frame.cols(), frame.rows(), frame.data_bytes().map_err(failed)?.to_vec()))
    }
}

fn address(rest: &str, credentials: Option<&Credentials>) -> String {
    match credentials {
        Some(Credentials { user, password }) => format!("rtsp://{}:{}@{rest}", escaped(user), escaped(password)),
        None => format!("rtsp://{rest}"),
    }
}

/// Percent-encoded but for the characters that need it nowhere.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn hide(text: &str, credentials: Option<&Credentials>) -> String {
    credentials.map_or_else(|| text.to_owned(), |known| text.replace(&escaped(&known.password), "***"))
}

/// Watches the lower edge of a stream's pictures, over its connections.
#[derive(Debug, Default)]
pub struct Edge {
    same: Option<(u64, Instant)>,
    accepted: Option<u64>,
}

impl Edge {
    /// A connection begins: what was seen before does not count as standing still.
    pub fn connected(&mut self) {
        self.same = None;
    }

    /// A picture of `rows` rows came. True where its edge has stood still for too long; said once of each edge.
    pub fn stands_still(&mut self, rows: i32, bytes: &[u8], now: Instant) -> bool {
        let edge_bytes = bytes.len() / usize::try_from(rows).unwrap_or(1).max(1) * EDGE_ROWS;
        let mut hasher = DefaultHasher::new();
        hasher.write(&bytes[bytes.len().saturating_sub(edge_bytes)..]);
        let hash = hasher.finish();
        match self.same {
            Some((last, since)) if last == hash => {
                let is_stale = self.accepted != Some(hash) && now.duration_since(since) >= Duration::from_millis(EDGE_STALE_MS);
                if is_stale {
                    self.accepted = Some(hash);
                }
                is_stale
            }
            _ => {
                self.same = Some((hash, now));
                false
            }
        }
    }
}

/// How far a stream has fallen behind, from its own time stamps.
///
/// Of one connection the frame with the least (arrival - stamp) is taken for undelayed; what another has more than that is its delay.
/// Stamps that stand still or jump back begin anew: they say nothing.
#[derive(Debug, Default)]
pub struct Lag {
    first: Option<Instant>,
    last_stamp_ms: f64,
    least_ms: f64,
}

impl Lag {
    /// When the frame was taken that arrived now with this stamp.
    pub fn taken_at(&mut self, arrived: Instant, stamp_ms: f64) -> Instant {
        let advances = stamp_ms.is_finite() && stamp_ms > self.last_stamp_ms;
        let Some(first) = self.first.filter(|_| advances) else {
            *self = Self { first: Some(arrived), last_stamp_ms: if stamp_ms.is_finite() { stamp_ms } else { 0.0 }, least_ms: -stamp_ms };
            return arrived;
        };
        self.last_stamp_ms = stamp_ms;
        let delay_ms = arrived.duration_since(first).as_secs_f64() * 1000.0 - stamp_ms;
        self.least_ms = self.least_ms.min(delay_ms);
        arrived.checked_sub(Duration::from_secs_f64((delay_ms - self.least_ms).max(0.0) / 1000.0)).unwrap_or(arrived)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart_and_passwords_in_them_refused_unseen() {
        assert_eq!(LiveSpec::rtsp("rtsp://cam:554/a?b=1").unwrap(), LiveSpec::Rtsp("cam:554/a?b=1".into()));
        for bad in ["rtsp://", "rtsp:///a", "rtsp://:554/a", "http://cam/", "rtsp://cam/a b"] {
            assert!(LiveSpec::rtsp(bad).is_err(), "{bad}");
        }
        let error = LiveSpec::rtsp("rtsp://guard:secret@cam/1").unwrap_err().to_string();
        assert!(error.contains("credentials file") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn credentials_are_escaped_and_never_shown() {
        let known = Credentials { user: "guard".into(), password: "p@ss:1/2".into() };
        assert_eq!(address("cam/1", Some(&known)), "rtsp://guard:p%40ss%3A1%2F2@cam/1");
        assert!(!format!("{known:?}").contains("ss"));
        assert_eq!(hide("cannot open rtsp://guard:p%40ss%3A1%2F2@cam", Some(&known)), "cannot open rtsp://guard:***@cam");
    }

    #[test]
    fn a_stream_that_falls_behind_gives_frames_of_the_past() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut lag = Lag::default();
        assert_eq!(lag.taken_at(at(500), 40.0), at(500), "the first is the measure");
        assert_eq!(lag.taken_at(at(540), 80.0), at(540));
        assert_eq!(lag.taken_at(at(1_580), 120.0), at(580), "a second late");
        assert_eq!(lag.taken_at(at(1_600), 1_140.0), at(1_600), "caught up");
    }

    #[test]
    fn an_edge_that_stands_still_is_said_once() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let picture = |top: u8, edge: u8| [vec![top; 300], vec![edge; 300]].concat();
        let mut edge = Edge::default();
        let mut see = |top, low, ms| edge.stands_still(20, &picture(top, low), at(ms));
        assert!(!see(1, 1, 0));
        assert!(!see(2, 1, EDGE_STALE_MS - 1));
        assert!(!see(3, 2, EDGE_STALE_MS), "it moved");
        assert!(see(4, 2, 2 * EDGE_STALE_MS));
        assert!(!see(4, 2, 4 * EDGE_STALE_MS), "a new connection showed the same: so it is");
    }

    #[test]
    fn stamps_that_stand_still_say_nothing() {
        let start = Instant::now();
        let mut lag = Lag::default();
        for ms in [0, 100, 900] {
            let arrived = start + Duration::from_millis(ms);
            assert_eq!(lag.taken_at(arrived, 0.0), arrived);
        }
    }
}
