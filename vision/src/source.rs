//! Where frames come from, and the box that holds the newest one.
//!
//! ```text
//! http://host[:port]/path   MJPEG over HTTP; reconnects for ever, ever more slowly up to RECONNECT_MAX_MS
//! rtsp://host[:port]/path   H.264 or H.265 ([`crate::live`]); reconnects likewise
//! v4l2:/dev/videoN          a device of this machine; reopened likewise
//! file:PATH                 a picture or a video, once
//! loop:PATH                 a picture or a video, again and again
//! ```
//!
//! A source runs on its own thread and puts each frame into a [`Mailbox`], which keeps only the newest: whoever looks is never behind.

use crate::format::is_heif;
use crate::live::{Credentials, Edge, Live, LiveError, LiveSpec};
use crate::mjpeg::{CameraUrl, MjpegError, MjpegStream};
use crate::network::brief;
use crate::picture::{self, MAX_PICTURE_BYTES, MAX_PIXELS, PictureError};
use opencv::core::{Mat, MatTraitConst, MatTraitConstManual, Vector};
use opencv::videoio::{
    CAP_FFMPEG, CAP_PROP_FPS, CAP_PROP_FRAME_HEIGHT, CAP_PROP_FRAME_WIDTH, CAP_PROP_OPEN_TIMEOUT_MSEC, CAP_PROP_READ_TIMEOUT_MSEC,
    VideoCapture, VideoCaptureTrait, VideoCaptureTraitConst,
};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use thiserror::Error;

const CONNECT_TIMEOUT_MS: u64 = 3_000;
const READ_TIMEOUT_MS: u64 = 5_000;
const RECONNECT_MIN_MS: u64 = 250;
/// Longest pause between two tries to connect.
pub const RECONNECT_MAX_MS: u64 = 5_000;
const VIDEO_TIMEOUT_MS: i32 = 5_000;
/// Frames a second of a still picture that is shown again and again.
const STILL_FPS: f64 = 5.0;
const MAX_CREDENTIALS_BYTES: u64 = 1_024;
/// Somebody looks at a live picture this often when nobody says otherwise.
const WANTED_EVERY_MS: u64 = 500;

/// Why a file gives no frames.
#[derive(Debug, Error)]
pub enum SourceError {
    /// None of the forms above.
    #[error("{0:?} is no source: use http://..., rtsp://..., v4l2:/dev/videoN, file:PATH or loop:PATH")]
    Spec(String),
    /// The address of a camera.
    #[error(transparent)]
    Camera(#[from] MjpegError),
    /// The address of a camera that FFmpeg or the kernel speaks for.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// A file with a camera's name and password.
    #[error("{file}: {reason}")]
    Credentials {
        /// The file.
        file: PathBuf,
        /// What is wrong with it; never its content.
        reason: String,
    },
    /// A name and a password for something that asks for none.
    #[error("{0:?} takes no credentials: only http:// and rtsp:// do")]
    CredentialsUnused(String),
    /// The file cannot be read.
    #[error("{0}")]
    Read(#[source] std::io::Error),
    /// Something else than a file.
    #[error("is {0}, not a file")]
    NotAFile(&'static str),
    /// Over its limit.
    #[error("has {bytes} bytes, more than {MAX_PICTURE_BYTES}, and is not a video")]
    TooLarge {
        /// Size.
        bytes: u64,
    },
    /// A picture that is none.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A video that FFmpeg does not open.
    #[error("is a video that cannot be opened: {0}")]
    VideoOpen(String),
    /// A video with nothing in it.
    #[error("is a video without frames")]
    VideoEmpty,
    /// A video that breaks off.
    #[error("is a video that cannot be read on: {0}")]
    VideoRead(String),
}

/// A source as given on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceSpec {
    /// A camera that sends JPEGs.
    Http(CameraUrl),
    /// A camera that sends video.
    Live {
        /// Which.
        spec: LiveSpec,
        /// Its name and password.
        credentials: Option<Credentials>,
    },
    /// A file.
    File {
        /// The file.
        path: PathBuf,
        /// Again and again?
        again: bool,
    },
}

impl SourceSpec {
    /// Reads one of the forms in the module's header; `credentials` is a file that holds `NAME:PASSWORD` and nothing else.
    pub fn parse(spec: &str, credentials: Option<&Path>) -> Result<Self, SourceError> {
        let credentials = credentials.map(read_credentials).transpose()?;
        if spec.starts_with("http://") {
            return Ok(Self::Http(CameraUrl::parse(spec)?.with_credentials(credentials)));
        }
        if spec.starts_with("rtsp://") {
            return Ok(Self::Live { spec: LiveSpec::rtsp(spec)?, credentials });
        }
        if credentials.is_some() {
            return Err(SourceError::CredentialsUnused(spec.to_owned()));
        }
        match spec.split_once(':') {
            Some((kind @ ("file" | "loop"), path)) if !path.is_empty() => Ok(Self::File { path: path.into(), again: kind == "loop" }),
            Some(("v4l2", path)) if path.starts_with('/') => Ok(Self::Live { spec: LiveSpec::V4l2(path.into()), credentials: None }),
            _ => Err(SourceError::Spec(spec.to_owned())),
        }
    }
}

fn read_credentials(file: &Path) -> Result<Credentials, SourceError> {
    let wrong = |reason: String| SourceError::Credentials { file: file.to_owned(), reason };
    let mut text = String::new();
    let opened = File::open(file).map_err(|error| wrong(error.to_string()))?;
    opened.take(MAX_CREDENTIALS_BYTES).read_to_string(&mut text).map_err(|error| wrong(error.to_string()))?;
    match text.trim_end_matches(['\r', '\n']).split_once(':') {
        Some((user, password)) if !user.is_empty() && !text.trim_end().contains('\n') => {
            Ok(Credentials { user: user.to_owned(), password: password.to_owned() })
        }
        _ => Err(wrong("it must hold NAME:PASSWORD in one line".into())),
    }
}

/// What a file is, by its first bytes.
#[derive(Debug)]
pub enum Opened {
    /// The bytes of a picture file, not yet decoded.
    Picture(Vec<u8>),
    /// A video, by its path.
    Video(PathBuf),
}

/// Opens a file as a picture or a video.
pub fn open_file(path: &Path) -> Result<Opened, SourceError> {
    let about = fs::metadata(path).map_err(SourceError::Read)?;
    if !about.is_file() {
        return Err(SourceError::NotAFile(kind_of(about.file_type())));
    }
    let mut file = File::open(path).map_err(SourceError::Read)?;
    let mut head = Vec::new();
    file.by_ref().take(16).read_to_end(&mut head).map_err(SourceError::Read)?;
    if is_video(&head) {
        // absolute, so that FFmpeg takes no name for a protocol
        return Ok(Opened::Video(fs::canonicalize(path).map_err(SourceError::Read)?));
    }
    if about.len() > MAX_PICTURE_BYTES {
        return Err(SourceError::TooLarge { bytes: about.len() });
    }
    file.take(MAX_PICTURE_BYTES).read_to_end(&mut head).map_err(SourceError::Read)?;
    Ok(Opened::Picture(head))
}

fn kind_of(kind: fs::FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// ISO base media (MP4, MOV), Matroska, AVI.
fn is_video(head: &[u8]) -> bool {
    (head.get(4..8) == Some(b"ftyp") && !is_heif(head))
        || head.starts_with(&[0x1a, 0x45, 0xdf, 0xa3])
        || (head.starts_with(b"RIFF") && head.get(8..12) == Some(b"AVI "))
}

/// A video file, frame by frame.
pub struct Video {
    capture: VideoCapture,
    frames: u64,
    fps: f64,
}

impl Video {
    /// Opens it, with deadlines: they only count when given here.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let failed = |error: opencv::Error| SourceError::VideoOpen(brief(&error));
        let deadlines = Vector::from_slice(&[CAP_PROP_OPEN_TIMEOUT_MSEC, VIDEO_TIMEOUT_MS, CAP_PROP_READ_TIMEOUT_MSEC, VIDEO_TIMEOUT_MS]);
        let capture = VideoCapture::from_file_with_params(path, CAP_FFMPEG, &deadlines).map_err(failed)?;
        if !capture.is_opened().map_err(failed)? {
            return Err(SourceError::VideoOpen("FFmpeg does not understand it".into()));
        }
        let number = |property| capture.get(property).map_err(failed);
        // as stated, before a frame is decoded
        let (width, height) = (number(CAP_PROP_FRAME_WIDTH)?.max(0.0) as u32, number(CAP_PROP_FRAME_HEIGHT)?.max(0.0) as u32);
        if u64::from(width) * u64::from(height) > MAX_PIXELS {
            return Err(PictureError::TooManyPixels { width, height }.into());
        }
        let fps = number(CAP_PROP_FPS)?;
        Ok(Self { capture, frames: 0, fps: if fps.is_finite() { fps.clamp(1.0, 60.0) } else { 25.0 } })
    }

    /// Frames a second as stated, 1 to 60.
    pub fn fps(&self) -> f64 {
        self.fps
    }

    /// The next frame; `None` at the end. A video that has none at all is an error.
    pub fn next_frame(&mut self) -> Result<Option<Mat>, SourceError> {
        let mut frame = Mat::default();
        let got = self.capture.read(&mut frame).map_err(|error| SourceError::VideoRead(brief(&error)))?;
        if !got || frame.empty() {
            return if self.frames == 0 { Err(SourceError::VideoEmpty) } else { Ok(None) };
        }
        if frame.total() as u64 > MAX_PIXELS {
            let size = |side: i32| side.unsigned_abs();
            return Err(PictureError::TooManyPixels { width: size(frame.cols()), height: size(frame.rows()) }.into());
        }
        self.frames += 1;
        Ok(Some(frame))
    }
}

/// A frame as its source had it, in bytes of its own.
#[derive(Debug, Clone)]
pub enum Pixels {
    /// A JPEG, PNG or BMP file's bytes.
    Encoded(Vec<u8>),
    /// Three bytes a pixel, blue first, row by row.
    Bgr {
        /// Pixels.
        width: i32,
        /// Pixels.
        height: i32,
        /// The rows.
        bytes: Vec<u8>,
    },
}

/// A numbered frame.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Counted from 1.
    pub number: u64,
    /// When its last byte came.
    pub at: Instant,
    /// The picture.
    pub pixels: Pixels,
}

#[derive(Debug, Default)]
struct Inside {
    newest: Option<Frame>,
    frames: u64,
    last_at: Option<Instant>,
    trouble: Option<String>,
}

/// Holds the newest frame until it is taken; an older one that nobody took is dropped.
#[derive(Debug)]
pub struct Mailbox {
    inside: Mutex<Inside>,
    arrived: Condvar,
    wanted_every_ms: AtomicU64,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self { inside: Mutex::default(), arrived: Condvar::new(), wanted_every_ms: AtomicU64::new(WANTED_EVERY_MS) }
    }
}

impl Mailbox {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        // What is inside is whole after every statement, so a panic elsewhere does not spoil it.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, pixels: Pixels, at: Instant) {
        let mut inside = self.inside();
        inside.frames += 1;
        inside.last_at = Some(at);
        inside.newest = Some(Frame { number: inside.frames, at, pixels });
        inside.trouble = None;
        drop(inside);
        self.arrived.notify_one();
    }

    /// A frame came that was not made a picture.
    fn count(&self, at: Instant) {
        let mut inside = self.inside();
        inside.frames += 1;
        inside.last_at = Some(at);
        inside.trouble = None;
    }

    /// From now on a picture is wanted this often.
    pub fn want_every(&self, ms: u64) {
        self.wanted_every_ms.store(ms, Relaxed);
    }

    /// Is a picture wanted, when the last one is this old?
    pub fn wants(&self, age: Duration) -> bool {
        age >= Duration::from_millis(self.wanted_every_ms.load(Relaxed))
    }

    fn complain(&self, trouble: String) {
        self.inside().trouble = Some(trouble);
    }

    /// Waits for a frame that was not taken yet.
    pub fn take(&self, wait: Duration) -> Option<Frame> {
        let inside = self.inside();
        let (mut inside, _) =
            self.arrived.wait_timeout_while(inside, wait, |inside| inside.newest.is_none()).unwrap_or_else(PoisonError::into_inner);
        inside.newest.take()
    }

    /// Frames so far, and when the last one came.
    pub fn counts(&self) -> (u64, Option<Instant>) {
        let inside = self.inside();
        (inside.frames, inside.last_at)
    }

    /// What keeps frames from coming, if it is known.
    pub fn trouble(&self) -> Option<String> {
        self.inside().trouble.clone()
    }
}

/// Feeds the mailbox until the source is at its end (a camera never is). Runs on a thread of its own.
pub fn feed(spec: &SourceSpec, mailbox: &Mailbox) {
    match spec {
        SourceSpec::Http(url) => again_and_again(mailbox, || feed_from_camera(url, mailbox)),
        SourceSpec::Live { spec, credentials } => {
            let mut edge = Edge::default();
            again_and_again(mailbox, || feed_from_live(spec, credentials.as_ref(), &mut edge, mailbox));
        }
        SourceSpec::File { path, again } => {
            if let Err(error) = feed_from_file(path, *again, mailbox) {
                mailbox.complain(format!("{} {error}", path.display()));
            }
        }
    }
}

/// Connects for ever: `feed` ends with what was wrong. The pause grows while nothing comes.
fn again_and_again<E: std::fmt::Display>(mailbox: &Mailbox, mut feed: impl FnMut() -> E) {
    let mut pause_ms = RECONNECT_MIN_MS;
    loop {
        let (before, _) = mailbox.counts();
        let lost = feed();
        if mailbox.counts().0 > before {
            pause_ms = RECONNECT_MIN_MS;
        }
        mailbox.complain(lost.to_string());
        thread::sleep(Duration::from_millis(pause_ms));
        pause_ms = (pause_ms * 2).min(RECONNECT_MAX_MS);
    }
}

fn feed_from_camera(url: &CameraUrl, mailbox: &Mailbox) -> MjpegError {
    let mut stream = match MjpegStream::open(url, CONNECT_TIMEOUT_MS, READ_TIMEOUT_MS) {
        Ok(stream) => stream,
        Err(error) => return error,
    };
    loop {
        match stream.next_frame() {
            Ok(jpeg) => mailbox.put(Pixels::Encoded(jpeg), Instant::now()),
            Err(error) => return error,
        }
    }
}

fn feed_from_live(spec: &LiveSpec, credentials: Option<&Credentials>, edge: &mut Edge, mailbox: &Mailbox) -> LiveError {
    let mut live = match Live::open(spec, credentials) {
        Ok(live) => live,
        Err(error) => return error,
    };
    edge.connected();
    let mut last: Option<Instant> = None;
    loop {
        let taken = match live.advance() {
            Ok(taken) => taken,
            Err(error) => return error,
        };
        if last.is_some_and(|last| !mailbox.wants(last.elapsed())) {
            mailbox.count(taken);
            continue;
        }
        last = Some(Instant::now());
        match live.picture() {
            Ok((_, height, bytes)) if edge.stands_still(height, &bytes, Instant::now()) => {
                return LiveError::EdgeStale { place: spec.place() };
            }
            Ok((width, height, bytes)) => mailbox.put(Pixels::Bgr { width, height, bytes }, taken),
            Err(error) => return error,
        }
    }
}

fn feed_still(bytes: &[u8], again: bool, mailbox: &Mailbox) {
    loop {
        mailbox.put(Pixels::Encoded(bytes.to_vec()), Instant::now());
        if !again {
            return;
        }
        thread::sleep(Duration::from_secs_f64(1.0 / STILL_FPS));
    }
}

fn feed_from_file(path: &Path, again: bool, mailbox: &Mailbox) -> Result<(), SourceError> {
    match open_file(path)? {
        Opened::Picture(bytes) => {
            // once for all: what cannot be decoded is told with the file's name
            picture::decode(&bytes)?;
            feed_still(&bytes, again, mailbox);
            Ok(())
        }
        Opened::Video(path) => loop {
            let mut video = Video::open(&path)?;
            let pause = Duration::from_secs_f64(1.0 / video.fps());
            while let Some(frame) = video.next_frame()? {
                let bytes = frame.data_bytes().map_err(|error| SourceError::VideoRead(brief(&error)))?.to_vec();
                mailbox.put(Pixels::Bgr { width: frame.cols(), height: frame.rows(), bytes }, Instant::now());
                thread::sleep(pause);
            }
            if !again {
                return Ok(());
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_apart() {
        assert_eq!(SourceSpec::parse("file:/a/b.mp4", None).unwrap(), SourceSpec::File { path: "/a/b.mp4".into(), again: false });
        assert_eq!(SourceSpec::parse("loop:b.jpg", None).unwrap(), SourceSpec::File { path: "b.jpg".into(), again: true });
        assert!(matches!(SourceSpec::parse("http://cam:8080/x", None).unwrap(), SourceSpec::Http(_)));
        let device = SourceSpec::Live { spec: LiveSpec::V4l2("/dev/video0".into()), credentials: None };
        assert_eq!(SourceSpec::parse("v4l2:/dev/video0", None).unwrap(), device);
        for bad in ["", "b.jpg", "file:", "rtsp://", "v4l2:video0", "http://"] {
            assert!(SourceSpec::parse(bad, None).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_cameras_password_comes_from_a_file_of_one_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "guard:a:b\n").unwrap();
        let spec = SourceSpec::parse("rtsp://cam/1", Some(file.path())).unwrap();
        let credentials = Some(Credentials { user: "guard".into(), password: "a:b".into() });
        assert_eq!(spec, SourceSpec::Live { spec: LiveSpec::Rtsp("cam/1".into()), credentials });
        for bad in ["", "guard", ":b", "guard:a\nmore:b\n"] {
            fs::write(file.path(), bad).unwrap();
            let error = SourceSpec::parse("rtsp://cam/1", Some(file.path())).unwrap_err().to_string();
            assert!(error.contains("NAME:PASSWORD") && error.contains(&file.path().display().to_string()), "{error}");
        }
        assert!(SourceSpec::parse("rtsp://cam/1", Some(Path::new("/nonexistent"))).is_err());
        fs::write(file.path(), "guard:a").unwrap();
        let error = SourceSpec::parse("v4l2:/dev/video0", Some(file.path())).unwrap_err().to_string();
        assert!(error.contains("takes no credentials"), "{error}");
    }

    #[test]
    fn a_picture_is_wanted_as_often_as_was_said() {
        let mailbox = Mailbox::default();
        assert!(!mailbox.wants(Duration::from_millis(WANTED_EVERY_MS - 1)));
        mailbox.want_every(100);
        assert!(mailbox.wants(Duration::from_millis(100)));
        mailbox.count(Instant::now());
        assert_eq!(mailbox.counts().0, 1, "it came, though nobody made a picture of it");
        assert!(mailbox.take(Duration::ZERO).is_none());
    }

    #[test]
    fn the_mailbox_keeps_only_the_newest_frame() {
        let mailbox = Mailbox::default();
        assert!(mailbox.take(Duration::ZERO).is_none());
        let at = Instant::now();
        for n in 0..3 {
            mailbox.put(Pixels::Encoded(vec![n]), at);
        }
        let frame = mailbox.take(Duration::ZERO).unwrap();
        assert_eq!(frame.number, 3);
        assert!(matches!(frame.pixels, Pixels::Encoded(bytes) if bytes == [2]));
        assert!(mailbox.take(Duration::ZERO).is_none(), "taken once");
        assert_eq!(mailbox.counts(), (3, Some(at)));
    }

    #[test]
    fn a_frame_ends_the_trouble_before_it() {
        let mailbox = Mailbox::default();
        mailbox.complain("cannot connect".into());
        assert_eq!(mailbox.trouble().as_deref(), Some("cannot connect"));
        mailbox.put(Pixels::Encoded(vec![]), Instant::now());
        assert_eq!(mailbox.trouble(), None);
    }
}
