//! What the daemon and one camera worker (`borderlane-vision worker`) say to each other over the worker's stdin and stdout.
//!
//! ```text
//! message   = length kind body
//! length    = 4 bytes, big endian: bytes of kind and body together, 1 ..= MAX_MESSAGE_BYTES
//! kind      = 1 byte: 1 order (daemon → worker), 2 report (worker → daemon), 3 evidence (worker → daemon)
//! body      = order, report: one JSON object with its `type`
//!             evidence: header length (4 bytes, big endian) header (JSON, EvidenceHeader) frame (JPEG) plate cut out (JPEG, the last
//!             `crop_bytes` of the header; 0: none)
//! ```
//!
//! The worker speaks first (`hello`, with [`WIRE_VERSION`]: a worker of another version is refused, since a read without its measures would
//! be weighed wrongly) and then sends a `beat` every [`BEAT_INTERVAL_MS`]: a worker that beats no more, or whose
//! `last_frame_age_ms` grows, is the daemon's to kill. Presence is off at the start; the detector runs only while it is on.
//!
//! Everything is bounded, and nothing here reads or writes: [`Decoder`] takes bytes and gives messages. An error of the framing
//! ([`CameraLinkError::is_final`]) ends the connection, since the next message cannot be found; any other spoils one message.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use ts_rs::TS;

/// What both sides speak; raised with every change that the other side must know of. Workers before 2 named none.
pub const WIRE_VERSION: u32 = 2;
/// Largest message, kind and body, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
/// Largest JSON part of a message in bytes.
pub const MAX_JSON_BYTES: usize = 64 * 1024;
/// Places a read may have.
pub const MAX_SLOTS: usize = 12;
/// Symbols a place may name.
pub const MAX_ALTERNATIVES: usize = 8;
/// Characters of a problem's text.
pub const MAX_PROBLEM_CHARS: usize = 400;
/// Time between beats in milliseconds.
pub const BEAT_INTERVAL_MS: u64 = 500;

const KIND_ORDER: u8 = 1;
const KIND_REPORT: u8 = 2;
const KIND_EVIDENCE: u8 = 3;
const LENGTH_BYTES: usize = 4;

/// Why bytes are no message, or a message cannot be sent.
#[derive(Debug, Error)]
pub enum CameraLinkError {
    /// A length of 0: not even a kind.
    #[error("a message of 0 bytes")]
    Empty,
    /// A length over [`MAX_MESSAGE_BYTES`].
    #[error("a message of {0} bytes, more than {MAX_MESSAGE_BYTES}")]
    TooLong(usize),
    /// A kind that the receiver does not take.
    #[error("message kind {0} is not expected here")]
    Kind(u8),
    /// JSON part over [`MAX_JSON_BYTES`].
    #[error("{0} bytes of JSON, more than {MAX_JSON_BYTES}")]
    JsonTooLong(usize),
    /// Not the JSON of the kind.
    #[error("message cannot be understood: {0}")]
    Json(#[source] serde_json::Error),
    /// Evidence whose header is longer than the message, or without a picture.
    #[error("evidence of {0} bytes is cut short")]
    EvidenceShort(usize),
    /// A field out of its range.
    #[error("{field} is {value}, out of its range")]
    OutOfRange {
        /// The field.
        field: &'static str,
        /// As given.
        value: i64,
    },
}

impl CameraLinkError {
    /// True where the framing is lost and the worker has to be restarted; else one message was spoilt.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Empty | Self::TooLong(_))
    }
}

/// Daemon → worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Order {
    /// A vehicle is, or is no longer, in the camera's zone.
    Presence {
        /// Run the detector?
        on: bool,
    },
    /// Send the newest frame as evidence, at once.
    Snapshot,
    /// Send the newest frame for somebody who looks at it now ([`Purpose::Look`]).
    Look,
    /// Compare with this commissioning view from now on.
    View {
        /// A JPEG file; `None`: with none.
        path: Option<String>,
    },
    /// To be answered by the next beat's `n`.
    Ping {
        /// Given back in the beat.
        n: u64,
    },
    /// End with exit code 0. Closing the worker's stdin does the same.
    Quit,
}

/// What a camera is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CameraCondition {
    /// Fresh, changing, light enough.
    Ok,
    /// Frames come, but too dark to read anything.
    Dark,
    /// Frames come and are the same to the bit for the set time.
    Frozen,
    /// No frame for the set time, or none yet.
    NoFrames,
    /// Something is before the lens: hardly anything of the picture has structure, or it went black at once.
    Covered,
    /// The camera looks elsewhere than in its commissioning view.
    Moved,
    /// A large part of the picture is white to the stop.
    Glare,
    /// Not even the sharp edges are sharp.
    Blurred,
    /// Parts of the picture that have structure show none any more, whatever passes.
    Dirty,
    /// Vehicles came and went, and no plate was wholly in the picture.
    OutOfFrame,
}

/// What a camera's condition was judged by. Permille unless said otherwise; `None`: could not be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Measured {
    /// Mean brightness.
    pub brightness_permille: u16,
    /// Share of pixels white to the stop.
    pub washed_out_permille: u16,
    /// Share of tiles without structure.
    pub flat_permille: Option<u16>,
    /// Slope of the sharper edges.
    pub sharpness_permille: Option<u16>,
    /// Share of the structured tiles that lost their structure.
    pub spoiled_permille: u16,
    /// How well the commissioning view fits where it fits best.
    pub match_permille: Option<u16>,
    /// How far the picture moved against the commissioning view, of its width.
    pub shift_permille: Option<u16>,
    /// Turn against the commissioning view, permille of a radian.
    pub turn_permille: Option<i16>,
    /// Zoom against the commissioning view.
    pub zoom_permille: Option<i16>,
}

/// Lines of characters on a plate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlateLayout {
    /// All in one line.
    OneLine,
    /// Two lines, read top to bottom.
    TwoLine,
}

/// Country as the picture shows it. Evidence and no more: the grammars of the declarations decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PlateCountry {
    /// China.
    Cn,
    /// Vietnam.
    Vn,
}

/// Colour of a plate's ground. In Vietnam yellow is transport business and blue the state; in China yellow is large vehicles and trailers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlateColour {
    /// White ground.
    White,
    /// Yellow ground.
    Yellow,
    /// Blue ground.
    Blue,
    /// Green, also yellow-green.
    Green,
    /// Red ground: army of Vietnam.
    Red,
    /// Black ground.
    Black,
}

/// A model as loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelDigest {
    /// File name.
    pub file: String,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
}

/// A symbol and its log-probability at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alternative {
    /// `A`–`Z`, `0`–`9`, or the Chinese province or suffix character.
    pub symbol: char,
    /// ln p × 1000, at most 0.
    pub nats_milli: i32,
}

/// What the worker measured of a plate in one frame; `vision/src/measure.rs` says how. What it is worth is `lane-core`'s to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlateSight {
    /// Mean of the upper and the lower edge in pixels of the frame.
    pub width_px: u16,
    /// Mean of the left and the right edge in pixels of the frame.
    pub height_px: u16,
    /// Steepness of the strokes' edges on the straightened plate against its contrast, the duller direction, 0 ..= 1000.
    pub sharpness_permille: u16,
    /// Between the darkest and the lightest parts of the plate, 0 ..= 255.
    pub contrast: u16,
    /// How far the plate's axes are from a right angle: |cos| of the angle between them, 0 ..= 1000.
    pub lean_permille: u16,
    /// How much shorter the shorter upright edge is than the other, 0 ..= 1000.
    pub taper_permille: u16,
    /// Share of the plate that is inside the frame, 0 ..= 1000.
    pub inside_permille: u16,
    /// Share of the plate that is burnt out, 0 ..= 1000.
    pub glare_permille: u16,
    /// Share of the plate that is black, 0 ..= 1000.
    pub dark_permille: u16,
}

/// A sight as `lane-core` weighs it.
pub fn core_sight(quad: &[[i32; 2]; 4], layout: PlateLayout, sight: &PlateSight) -> lane_core::plate::Sight {
    lane_core::plate::Sight {
        middle_px: [0, 1].map(|axis| (quad.iter().map(|corner| i64::from(corner[axis])).sum::<i64>() / 4) as i32),
        width_px: sight.width_px,
        height_px: sight.height_px,
        lines: if layout == PlateLayout::TwoLine { 2 } else { 1 },
        sharpness_permille: sight.sharpness_permille,
        contrast: sight.contrast,
        inside_permille: sight.inside_permille,
    }
}

impl PlateSight {
    fn check(&self) -> Result<(), CameraLinkError> {
        for (field, value, high) in [
            ("sharpness_permille", self.sharpness_permille, 1000),
            ("contrast", self.contrast, 255),
            ("lean_permille", self.lean_permille, 1000),
            ("taper_permille", self.taper_permille, 1000),
            ("inside_permille", self.inside_permille, 1000),
            ("glare_permille", self.glare_permille, 1000),
            ("dark_permille", self.dark_permille, 1000),
        ] {
            within(field, i64::from(value), 0, high)?;
        }
        Ok(())
    }
}

/// A plate read in one frame. Sent for every detection whose text is not empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlateRead {
    /// One plate followed from frame to frame; counted up from 1 since the worker's start.
    pub track: u64,
    /// Number of the frame since the worker's start.
    pub frame: u64,
    /// Age of the frame when this was sent, in milliseconds since its last byte came.
    pub captured_age_ms: u64,
    /// Corners in pixels of the frame: top left, top right, bottom right, bottom left of the plate.
    pub quad: [[i32; 2]; 4],
    /// Lines.
    pub layout: PlateLayout,
    /// Country, where the picture shows it clearly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<PlateCountry>,
    /// Colour of the ground, where the picture shows it clearly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<PlateColour>,
    /// The places in reading order, each with its most probable symbols, best first; what they leave of 1 belongs to others.
    pub slots: Vec<Vec<Alternative>>,
    /// The detector's certainty that this is a plate, 0 ..= 1000.
    pub detector_confidence_permille: u16,
    /// What was measured of the plate.
    pub sight: PlateSight,
}

impl PlateRead {
    /// The most probable text.
    pub fn best_text(&self) -> String {
        self.slots.iter().filter_map(|slot| slot.first().map(|best| best.symbol)).collect()
    }

    fn check(&self) -> Result<(), CameraLinkError> {
        within("slots", self.slots.len() as i64, 1, MAX_SLOTS as i64)?;
        within("detector_confidence_permille", i64::from(self.detector_confidence_permille), 0, 1000)?;
        self.sight.check()?;
        for slot in &self.slots {
            within("alternatives", slot.len() as i64, 1, MAX_ALTERNATIVES as i64)?;
            for alternative in slot {
                within("nats_milli", i64::from(alternative.nats_milli), i64::from(i32::MIN), 0)?;
            }
        }
        Ok(())
    }
}

/// What a picture was sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Evidence of a vehicle: of a track, or a snapshot that was asked for.
    #[default]
    Vehicle,
    /// The camera's condition became this; follows its [`Report::State`].
    Condition,
    /// Somebody looks at the camera ([`Order::Look`]).
    Look,
}

/// Header of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceHeader {
    /// The track it shows; `None` for a snapshot that was asked for.
    pub track: Option<u64>,
    /// Number of the frame.
    pub frame: u64,
    /// Age of the frame when this was sent, in milliseconds.
    pub captured_age_ms: u64,
    /// Corners of the plate in pixels of the frame, as in [`PlateRead::quad`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quad: Option<[[i32; 2]; 4]>,
    /// What the frame is worth beside others of the plate, 0 ..= 1000.
    #[serde(default)]
    pub worth_permille: u16,
    /// Bytes of the second picture, the plate cut out and pulled straight; set by [`encode_evidence`].
    #[serde(default)]
    pub crop_bytes: u32,
    /// What it was sent for.
    #[serde(default)]
    pub purpose: Purpose,
}

/// Worker → daemon, the JSON kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Report {
    /// First message: who speaks.
    Hello {
        /// [`WIRE_VERSION`] of the worker.
        #[serde(default)]
        wire: u32,
        /// Version of the program.
        version: String,
        /// The models, verified against the manifest.
        models: Vec<ModelDigest>,
    },
    /// Every [`BEAT_INTERVAL_MS`], from the loop that looks at the frames.
    Beat {
        /// `n` of the newest ping; 0 before the first.
        n: u64,
        /// Frames received since the start.
        frames: u64,
        /// Age of the newest frame in milliseconds; `None` before the first.
        last_frame_age_ms: Option<u64>,
    },
    /// A plate.
    Read(PlateRead),
    /// The camera's condition changed; the first one says what it is at the start.
    State {
        /// What it is now.
        condition: CameraCondition,
        /// By what it was judged.
        #[serde(default)]
        measured: Measured,
        /// Is there a commissioning view to compare with?
        #[serde(default)]
        has_view: bool,
    },
    /// Something is wrong; a sentence for the technician. Told on change, not again and again.
    Problem {
        /// The sentence, at most [`MAX_PROBLEM_CHARS`] characters.
        what: String,
    },
}

/// Worker → daemon, any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromWorker {
    /// JSON.
    Report(Report),
    /// A picture.
    Evidence {
        /// What it shows.
        header: EvidenceHeader,
        /// The frame: the bytes of a JPEG file.
        jpeg: Vec<u8>,
        /// The plate, cut out and pulled straight: the bytes of a JPEG file.
        crop: Option<Vec<u8>>,
    },
}

fn within(field: &'static str, value: i64, low: i64, high: i64) -> Result<(), CameraLinkError> {
    if (low..=high).contains(&value) { Ok(()) } else { Err(CameraLinkError::OutOfRange { field, value }) }
}

fn frame(kind: u8, parts: &[&[u8]]) -> Result<Vec<u8>, CameraLinkError> {
    let length = 1 + parts.iter().map(|part| part.len()).sum::<usize>();
    if length > MAX_MESSAGE_BYTES {
        return Err(CameraLinkError::TooLong(length));
    }
    let mut out = Vec::with_capacity(LENGTH_BYTES + length);
    out.extend_from_slice(&(length as u32).to_be_bytes());
    out.push(kind);
    for part in parts {
        out.extend_from_slice(part);
    }
    Ok(out)
}

fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>, CameraLinkError> {
    let json = serde_json::to_vec(value).map_err(CameraLinkError::Json)?;
    if json.len() > MAX_JSON_BYTES { Err(CameraLinkError::JsonTooLong(json.len())) } else { Ok(json) }
}

fn from_json<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, CameraLinkError> {
    if json.len() > MAX_JSON_BYTES {
        return Err(CameraLinkError::JsonTooLong(json.len()));
    }
    serde_json::from_slice(json).map_err(CameraLinkError::Json)
}

impl Order {
    /// The message's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, CameraLinkError> {
        frame(KIND_ORDER, &[&to_json(self)?])
    }

    fn decode(kind: u8, body: &[u8]) -> Result<Self, CameraLinkError> {
        if kind != KIND_ORDER {
            return Err(CameraLinkError::Kind(kind));
        }
        from_json(body)
    }
}

impl Report {
    /// The message's bytes. Refuses a read that the other side would refuse.
    pub fn encode(&self) -> Result<Vec<u8>, CameraLinkError> {
        self.check()?;
        frame(KIND_REPORT, &[&to_json(self)?])
    }

    fn check(&self) -> Result<(), CameraLinkError> {
        match self {
            Self::Read(read) => read.check(),
            Self::Problem { what } => within("problem characters", what.chars().count() as i64, 0, MAX_PROBLEM_CHARS as i64),
            Self::Hello { .. } | Self::Beat { .. } | Self::State { .. } => Ok(()),
        }
    }
}

/// The bytes of a picture's message; `crop` may be empty.
pub fn encode_evidence(header: &EvidenceHeader, jpeg: &[u8], crop: &[u8]) -> Result<Vec<u8>, CameraLinkError> {
    let crop_bytes = u32::try_from(crop.len()).map_err(|_| CameraLinkError::TooLong(crop.len()))?;
    let json = to_json(&EvidenceHeader { crop_bytes, ..header.clone() })?;
    frame(KIND_EVIDENCE, &[&(json.len() as u32).to_be_bytes(), &json, jpeg, crop])
}

impl FromWorker {
    fn decode(kind: u8, body: &[u8]) -> Result<Self, CameraLinkError> {
        match kind {
            KIND_REPORT => {
                let report: Report = from_json(body)?;
                report.check()?;
                Ok(Self::Report(report))
            }
            KIND_EVIDENCE => {
                let short = || CameraLinkError::EvidenceShort(body.len());
                let (length, rest) = body.split_first_chunk::<LENGTH_BYTES>().ok_or_else(short)?;
                let (json, jpeg) = rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or_else(short)?;
                let header: EvidenceHeader = from_json(json)?;
                within("worth_permille", i64::from(header.worth_permille), 0, 1000)?;
                let frame_bytes = jpeg.len().checked_sub(header.crop_bytes as usize).filter(|&bytes| bytes > 0).ok_or_else(short)?;
                let (jpeg, crop) = jpeg.split_at(frame_bytes);
                Ok(Self::Evidence { header, jpeg: jpeg.to_vec(), crop: (!crop.is_empty()).then(|| crop.to_vec()) })
            }
            other => Err(CameraLinkError::Kind(other)),
        }
    }
}

/// Finds the messages in a stream of bytes. Holds at most one message and one chunk.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
}

impl Decoder {
    /// Empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what was read. Take the messages out before adding more: the buffer grows by what is added.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The daemon's side: the next whole message of the worker, if there is one.
    pub fn next_from_worker(&mut self) -> Result<Option<FromWorker>, CameraLinkError> {
        self.next_with(FromWorker::decode)
    }

    /// The worker's side: the next whole order, if there is one.
    pub fn next_order(&mut self) -> Result<Option<Order>, CameraLinkError> {
        self.next_with(Order::decode)
    }

    fn next_with<T>(&mut self, decode: impl Fn(u8, &[u8]) -> Result<T, CameraLinkError>) -> Result<Option<T>, CameraLinkError> {
        let Some(length) = self.buffer.first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        if length == 0 {
            return Err(CameraLinkError::Empty);
        }
        if length > MAX_MESSAGE_BYTES {
            return Err(CameraLinkError::TooLong(length));
        }
        let Some(message) = self.buffer.get(LENGTH_BYTES..LENGTH_BYTES + length) else { return Ok(None) };
        let decoded = decode(message[0], &message[1..]);
        // The message goes whether it was understood or not: one that was spoilt must not block those after it.
        self.buffer.drain(..LENGTH_BYTES + length);
        decoded.map(Some)
    }
}

#[cfg(test)]
mod tests;
