//! `borderlane-vision worker`: one camera, watched for the daemon; messages of [`lane_link::camera`] over stdin and stdout.
//!
//! ```text
//! source thread ──newest frame──▶ Mailbox ─┐
//!                                          ├─▶ loop (this module): orders, condition, detection, beats ──▶ stdout
//! stdin thread ──orders (bounded)──────────┘
//! ```
//!
//! Terms: a frame is *new* once. What the camera is worth is judged by [`crate::condition`] from a small grey picture now and then; a change is told
//! and followed by the picture that shows it. The detector runs only while presence is on, at most `max_detections_per_second` times.
//!
//! The loop never waits longer than [`MAX_WAIT_MS`], and the beat comes from it: when a decoder hangs, the beat stops and the daemon acts.

use crate::condition::Watch;
use crate::condition::grey::small_grey;
use crate::condition::limits::Limits;
use crate::condition::measure::Grey;
use crate::eyes::{Eyes, EyesError, Sighting};
use crate::geometry::{cut, with_margin};
use crate::network::brief;
use crate::picture;
use crate::source::{Frame, Mailbox, Pixels, SourceSpec, feed};
use crate::track::Tracks;
use lane_link::camera::{
    BEAT_INTERVAL_MS, CameraCondition, CameraLinkError, Decoder, EvidenceHeader, MAX_PROBLEM_CHARS, MAX_SLOTS, Order, PlateRead, Purpose,
    Report, WIRE_VERSION, encode_evidence,
};
use opencv::core::{Mat, MatTraitConst, Size};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};
use thiserror::Error;

/// Longest wait of the loop.
const MAX_WAIT_MS: u64 = 20;
/// Orders that may wait.
const MAX_ORDERS: usize = 64;
/// Pictures sent of one track.
const MAX_EVIDENCE_PER_TRACK: u32 = 3;
/// A sight must be this much better than the last one that was sent.
const BETTER_BY: f32 = 1.25;
/// How often a live frame is made a picture while nothing is present.
const QUIET_INTERVAL_MS: u64 = 500;
const EVIDENCE_JPEG_QUALITY: i32 = 90;
/// A plate of this width is as good as any for a person.
const EVIDENCE_FULL_WIDTH_PX: f32 = 200.0;
/// The plate cut out of a frame: its surroundings, and the least and greatest side.
const CROP_MARGIN: [f32; 2] = [1.1, 1.2];
const CROP_MIN_PX: i32 = 16;
const CROP_MAX_PX: i32 = 640;
/// A text read with this confidence tells one plate from another.
const SURE: f32 = 0.5;

/// Settings of a worker.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// Detections a second at most, 1 to 30.
    pub max_detections_per_second: u32,
    /// No frame for this long is a condition of its own.
    pub no_frames_after_ms: u64,
    /// The same bytes for this long is a condition of its own.
    pub frozen_after_ms: u64,
    /// Mean brightness (0 to 255) below which a frame is dark.
    pub dark_below: u8,
    /// The unit of patience with which a condition is said.
    pub condition_after_ms: u64,
    /// The commissioning view, a JPEG file.
    pub view: Option<PathBuf>,
}

/// Why a worker ends other than by order.
#[derive(Debug, Error)]
pub enum WorkerError {
    /// No models.
    #[error(transparent)]
    Eyes(#[from] EyesError),
    /// The daemon does not read any more.
    #[error("cannot write to the daemon: {0}")]
    Write(#[from] std::io::Error),
    /// A message that cannot be written.
    #[error("cannot tell the daemon: {0}")]
    Encode(#[from] CameraLinkError),
    /// A thread that cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] std::io::Error),
}

/// Works until the daemon says quit or closes stdin.
pub fn work(mut eyes: Eyes, source: SourceSpec, settings: WorkerSettings, out: impl Write) -> Result<(), WorkerError> {
    let (send, orders) = sync_channel(MAX_ORDERS);
    let mailbox = Arc::new(Mailbox::default());
    let is_file = matches!(source, SourceSpec::File { .. });
    let to_feed = Arc::clone(&mailbox);
    thread::Builder::new().name("orders".into()).spawn(move || read_orders(std::io::stdin(), &send)).map_err(WorkerError::Thread)?;
    thread::Builder::new().name("source".into()).spawn(move || feed(&source, &to_feed)).map_err(WorkerError::Thread)?;
    let mut worker = Worker::new(settings, is_file, out);
    worker.send(&Report::Hello { wire: WIRE_VERSION, version: env!("CARGO_PKG_VERSION").into(), models: eyes.digests() })?;
    if let Some(path) = worker.settings.view.take() {
        worker.compare_with(Some(&path))?;
    }
    while worker.turn(&mut eyes, &mailbox, &orders)? {}
    Ok(())
}

/// What the stdin thread hands over; an order that cannot be understood is told, a stream that cannot be followed ends the work.
type Heard = Result<Order, CameraLinkError>;

fn read_orders(mut input: impl Read, send: &SyncSender<Heard>) {
    let mut decoder = Decoder::new();
    let mut chunk = [0; 4096];
    loop {
        loop {
            match decoder.next_order() {
                Ok(Some(order)) => {
                    if send.send(Ok(order)).is_err() {
                        return;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    let is_final = error.is_final();
                    if send.send(Err(error)).is_err() || is_final {
                        return;
                    }
                }
            }
        }
        match input.read(&mut chunk) {
            Ok(0) => return,
            Ok(length) => decoder.push(&chunk[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

struct Worker<W> {
    settings: WorkerSettings,
    out: W,
    began: Instant,
    presence: bool,
    ping: u64,
    next_beat: Instant,
    next_detection: Instant,
    next_look: Instant,
    newest: Option<Frame>,
    wanted: Vec<Purpose>,
    looked_at: u64,
    same: Option<(u64, Instant)>,
    watch: Watch,
    condition: Option<CameraCondition>,
    frame_trouble: Option<String>,
    told: Option<String>,
    tracks: Tracks,
    sent: BTreeMap<u64, (u32, f32)>,
}

impl<W: Write> Worker<W> {
    fn new(settings: WorkerSettings, is_file: bool, out: W) -> Self {
        let now = Instant::now();
        let limits = Limits {
            after_ms: settings.condition_after_ms,
            no_frames_after_ms: settings.no_frames_after_ms,
            frozen_after_ms: (!is_file).then_some(settings.frozen_after_ms),
            dark_below: settings.dark_below,
        };
        Self {
            watch: Watch::new(limits),
            settings,
            out,
            began: now,
            presence: false,
            ping: 0,
            next_beat: now,
            next_detection: now,
            next_look: now,
            newest: None,
            wanted: Vec::new(),
            looked_at: 0,
            same: None,
            condition: None,
            frame_trouble: None,
            told: None,
            tracks: Tracks::new(),
            sent: BTreeMap::new(),
        }
    }

    /// One turn of the loop; false where the work is over.
    fn turn(&mut self, eyes: &mut Eyes, mailbox: &Mailbox, orders: &Receiver<Heard>) -> Result<bool, WorkerError> {
        loop {
            match orders.try_recv() {
                Ok(Ok(Order::Presence { on })) => {
                    self.presence = on;
                    self.watch.presence(on, self.now_ms());
                    mailbox.want_every(if on { self.detection_interval().as_millis() as u64 } else { QUIET_INTERVAL_MS });
                }
                Ok(Ok(Order::Snapshot)) => self.want(Purpose::Vehicle),
                Ok(Ok(Order::Look)) => self.want(Purpose::Look),
                Ok(Ok(Order::View { path })) => self.compare_with(path.as_deref().map(Path::new))?,
                Ok(Ok(Order::Ping { n })) => self.ping = n,
                Ok(Err(error)) => self.send(&Report::Problem { what: format!("an order cannot be understood: {error}") })?,
                Ok(Ok(Order::Quit)) | Err(TryRecvError::Disconnected) => return Ok(false),
                Err(TryRecvError::Empty) => break,
            }
        }
        if let Some(frame) = mailbox.take(Duration::from_millis(MAX_WAIT_MS)) {
            self.admit(&frame);
            self.newest = Some(frame);
        }
        let now = Instant::now();
        if let Some(frame) = self.newest.clone() {
            for purpose in std::mem::take(&mut self.wanted) {
                self.send_evidence(None, &frame, purpose)?;
            }
        }
        if self.presence && now >= self.next_detection && self.newest.as_ref().is_some_and(|frame| frame.number != self.looked_at) {
            self.next_detection = now + self.detection_interval();
            self.detect(eyes)?;
        }
        let (frames, last_at) = mailbox.counts();
        self.judge(last_at)?;
        self.tell(self.frame_trouble.clone().or_else(|| mailbox.trouble()))?;
        let now = Instant::now();
        if now >= self.next_beat {
            self.next_beat = now + Duration::from_millis(BEAT_INTERVAL_MS);
            self.send(&Report::Beat { n: self.ping, frames, last_frame_age_ms: last_at.map(age_ms) })?;
        }
        Ok(true)
    }

    fn detection_interval(&self) -> Duration {
        Duration::from_secs(1) / self.settings.max_detections_per_second.clamp(1, 30)
    }

    /// Looks at a new frame as far as the camera's condition needs it.
    fn admit(&mut self, frame: &Frame) {
        let mut hasher = DefaultHasher::new();
        match &frame.pixels {
            Pixels::Encoded(bytes) | Pixels::Bgr { bytes, .. } => hasher.write(bytes),
        }
        let hash = hasher.finish();
        if self.same.is_none_or(|(last, _)| last != hash) {
            self.same = Some((hash, frame.at));
        }
        if frame.at < self.next_look {
            return;
        }
        self.next_look = frame.at + Duration::from_millis(self.watch.interval_ms());
        match with_frame(frame, |mat| small_grey(mat).map_err(|error| brief(&error))).and_then(|inner| inner) {
            Ok(Some(grey)) => {
                self.watch.look(frame.at.duration_since(self.began).as_millis() as u64, &grey);
                self.frame_trouble = None;
            }
            Ok(None) => self.frame_trouble = Some("the camera's frames are too small to judge its condition".into()),
            Err(trouble) => self.frame_trouble = Some(trouble),
        }
    }

    fn now_ms(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    /// Each purpose once: who asks twice gets one picture.
    fn want(&mut self, purpose: Purpose) {
        if !self.wanted.contains(&purpose) {
            self.wanted.push(purpose);
        }
    }

    /// Takes a commissioning view, or none; one that cannot be used is told, and then there is none.
    fn compare_with(&mut self, path: Option<&Path>) -> Result<(), WorkerError> {
        let grey = path.map(view_of).transpose();
        self.watch.set_view(grey.as_ref().ok().and_then(Option::as_ref));
        // Told anew with the next judgement: whoever asked sees whether there is a view now.
        self.condition = None;
        match grey {
            Ok(_) => Ok(()),
            Err(what) => self.send(&Report::Problem { what: what.chars().take(MAX_PROBLEM_CHARS).collect() }),
        }
    }

    /// Decides the camera's condition and tells it, with the picture that shows it, when it changed.
    fn judge(&mut self, last_at: Option<Instant>) -> Result<(), WorkerError> {
        let silent_ms = age_ms(last_at.unwrap_or(self.began));
        if last_at.is_none() && silent_ms < self.settings.no_frames_after_ms {
            return Ok(());
        }
        let condition = self.watch.condition(silent_ms, self.same.map_or(0, |(_, since)| age_ms(since)));
        if self.condition != Some(condition) {
            self.condition = Some(condition);
            self.send(&Report::State { condition, measured: self.watch.measured(), has_view: self.watch.has_view() })?;
            self.want(Purpose::Condition);
        }
        Ok(())
    }

    /// Tells a trouble when it is another than the last one told; silence lets the same one be told again.
    fn tell(&mut self, trouble: Option<String>) -> Result<(), WorkerError> {
        let trouble = trouble.map(|text| text.chars().take(MAX_PROBLEM_CHARS).collect::<String>());
        if trouble == self.told {
            return Ok(());
        }
        if let Some(what) = trouble.clone() {
            self.send(&Report::Problem { what })?;
        }
        self.told = trouble;
        Ok(())
    }

    /// Looks at the newest frame and sends what it shows.
    fn detect(&mut self, eyes: &mut Eyes) -> Result<(), WorkerError> {
        let Some(frame) = self.newest.clone() else { return Ok(()) };
        self.looked_at = frame.number;
        let looked = with_frame(&frame, |mat| {
            let size = (mat.cols() as f32, mat.rows() as f32);
            eyes.look(mat).map(|sightings| (sightings, size)).map_err(|error| error.to_string())
        });
        let looked = looked.and_then(|inner| inner);
        self.frame_trouble = looked.as_ref().err().cloned();
        let Ok((sightings, size)) = looked else { return Ok(()) };
        let plates: Vec<_> = sightings.iter().map(|sighting| (sighting.quad, surely_read(sighting))).collect();
        let quads: Vec<_> = sightings.iter().map(|sighting| sighting.quad).collect();
        self.watch.plates(&quads, size);
        let now_ms = frame.at.duration_since(self.began).as_millis() as u64;
        let numbers = self.tracks.follow_read(&plates, now_ms);
        for (track, sighting) in numbers.into_iter().zip(&sightings) {
            self.send(&Report::Read(plate_read(track, &frame, sighting)))?;
            let worth = evidence_worth(sighting);
            let (count, best) = self.sent.get(&track).copied().unwrap_or((0, 0.0));
            if count == 0 || (count < MAX_EVIDENCE_PER_TRACK && worth > best * BETTER_BY) {
                self.send_evidence(Some((track, sighting)), &frame, Purpose::Vehicle)?;
                self.sent.insert(track, (count + 1, worth));
            }
            while self.sent.len() > 64 {
                self.sent.pop_first();
            }
        }
        Ok(())
    }

    fn send(&mut self, report: &Report) -> Result<(), WorkerError> {
        self.out.write_all(&report.encode()?)?;
        self.out.flush()?;
        Ok(())
    }

    fn send_evidence(&mut self, of: Option<(u64, &Sighting)>, frame: &Frame, purpose: Purpose) -> Result<(), WorkerError> {
        let jpeg = match &frame.pixels {
            // a camera's own bytes, unchanged, where they are a JPEG
            Pixels::Encoded(bytes) if bytes.starts_with(&[0xff, 0xd8]) => Ok(bytes.clone()),
            _ => with_frame(frame, |mat| picture::encode_jpeg(mat, EVIDENCE_JPEG_QUALITY).map_err(|error| error.to_string()))
                .and_then(|made| made),
        };
        // Without the plate apart the frame is still evidence.
        let crop =
            of.and_then(|(_, sighting)| with_frame(frame, |mat| cut_out(mat, sighting)).and_then(|made| made).ok()).unwrap_or_default();
        let header = EvidenceHeader {
            track: of.map(|(track, _)| track),
            frame: frame.number,
            captured_age_ms: age_ms(frame.at),
            quad: of.map(|(_, sighting)| corners(sighting)),
            worth_permille: of.map_or(0, |(_, sighting)| permille(evidence_worth(sighting))),
            crop_bytes: 0,
            purpose,
        };
        match jpeg
            .map_err(|error| format!("no evidence: {error}"))
            .and_then(|jpeg| encode_evidence(&header, &jpeg, &crop).map_err(|error| format!("no evidence: {error}")))
        {
            Ok(message) => {
                self.out.write_all(&message)?;
                self.out.flush()?;
                Ok(())
            }
            // that a frame cannot be decoded is told already; here only the picture of a vehicle is missed
            Err(what) if purpose == Purpose::Vehicle => self.tell(Some(what)),
            Err(_) => Ok(()),
        }
    }
}

fn age_ms(at: Instant) -> u64 {
    at.elapsed().as_millis() as u64
}

fn with_frame<T>(frame: &Frame, look: impl FnOnce(&Mat) -> T) -> Result<T, String> {
    match &frame.pixels {
        Pixels::Encoded(bytes) => picture::decode(bytes).map(|mat| look(&mat)).map_err(|error| format!("a frame of the camera {error}")),
        Pixels::Bgr { width, height, bytes } => {
            let rows = Mat::from_slice(bytes).and_then(|flat| flat.reshape(3, *height)?.try_clone());
            rows.map_err(|error| brief(&error))
                .and_then(|mat| if mat.cols() == *width { Ok(look(&mat)) } else { Err("a frame of another size than stated".into()) })
        }
    }
}

/// A commissioning view as the watch takes it.
fn view_of(path: &Path) -> Result<Grey, String> {
    let failed = |why: String| format!("the commissioning view {}: {why}", path.display());
    let size = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if size > picture::MAX_PICTURE_BYTES {
        return Err(failed(format!("{size} bytes, more than {}", picture::MAX_PICTURE_BYTES)));
    }
    let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    let mat = picture::decode(&bytes).map_err(|error| failed(error.to_string()))?;
    small_grey(&mat).map_err(|error| failed(brief(&error)))?.ok_or_else(|| failed("too small".into()))
}

fn permille(share: f32) -> u16 {
    (share * 1000.0).round().clamp(0.0, 1000.0) as u16
}

/// Corners in whole pixels.
fn corners(sighting: &Sighting) -> [[i32; 2]; 4] {
    sighting.quad.map(|corner| corner.map(|value| value.round() as i32))
}

/// The text, where it is sure enough to tell one plate from another.
pub fn surely_read(sighting: &Sighting) -> Option<&str> {
    (sighting.reading.confidence >= SURE).then_some(sighting.reading.text.as_str())
}

/// What a frame is worth as evidence: sharp, surely read, and large enough for a person.
fn evidence_worth(sighting: &Sighting) -> f32 {
    sighting.quality * sighting.reading.confidence * (f32::from(sighting.sight.width_px) / EVIDENCE_FULL_WIDTH_PX).min(1.0)
}

/// The plate pulled straight, with a margin, at its own size: a JPEG file.
fn cut_out(frame: &Mat, sighting: &Sighting) -> Result<Vec<u8>, String> {
    let side = |pixels: u16, margin: f32| (f32::from(pixels) * margin) as i32;
    let size = Size::new(
        side(sighting.sight.width_px, CROP_MARGIN[0]).clamp(CROP_MIN_PX, CROP_MAX_PX),
        side(sighting.sight.height_px, CROP_MARGIN[1]).clamp(CROP_MIN_PX, CROP_MAX_PX),
    );
    let plate = with_margin(&sighting.quad, CROP_MARGIN).and_then(|outer| cut(frame, &outer, size)).map_err(|error| brief(&error))?;
    picture::encode_jpeg(&plate, EVIDENCE_JPEG_QUALITY).map_err(|error| error.to_string())
}

/// What the daemon is told of a sighting.
pub fn plate_read(track: u64, frame: &Frame, sighting: &Sighting) -> PlateRead {
    let mut slots = sighting.reading.slots.clone();
    slots.truncate(MAX_SLOTS);
    PlateRead {
        track,
        frame: frame.number,
        captured_age_ms: age_ms(frame.at),
        quad: corners(sighting),
        layout: sighting.reading.layout,
        country: sighting.reading.country,
        colour: sighting.reading.colour,
        slots,
        detector_confidence_permille: permille(sighting.detector_confidence),
        sight: sighting.sight,
    }
}
