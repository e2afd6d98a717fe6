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
mod tests {
    use super::*;

    fn read() -> PlateRead {
        PlateRead {
            track: 3,
            frame: 70,
            captured_age_ms: 41,
            quad: [[10, 10], [110, 12], [109, 40], [9, 38]],
            layout: PlateLayout::TwoLine,
            country: Some(PlateCountry::Cn),
            colour: Some(PlateColour::Yellow),
            slots: vec![vec![Alternative { symbol: '桂', nats_milli: -12 }, Alternative { symbol: '赣', nats_milli: -4600 }]],
            detector_confidence_permille: 930,
            sight: PlateSight {
                width_px: 100,
                height_px: 28,
                sharpness_permille: 140,
                contrast: 120,
                lean_permille: 10,
                taper_permille: 0,
                inside_permille: 1000,
                glare_permille: 3,
                dark_permille: 0,
            },
        }
    }

    fn all_reports() -> Vec<Report> {
        vec![
            Report::Hello {
                wire: WIRE_VERSION,
                version: "0.1.0".into(),
                models: vec![ModelDigest { file: "reader.onnx".into(), sha256: "ab".repeat(32) }],
            },
            Report::Beat { n: 4, frames: 100, last_frame_age_ms: None },
            Report::Read(read()),
            Report::State { condition: CameraCondition::NoFrames, measured: Measured::default(), has_view: false },
            Report::Problem { what: "connection refused".into() },
        ]
    }

    #[test]
    fn every_message_survives_the_wire_even_byte_by_byte() {
        let mut stream = Vec::new();
        for report in all_reports() {
            stream.extend(report.encode().unwrap());
        }
        let header = EvidenceHeader {
            track: Some(3),
            frame: 70,
            captured_age_ms: 60,
            quad: Some(read().quad),
            worth_permille: 640,
            crop_bytes: 0,
            purpose: Purpose::Condition,
        };
        stream.extend(encode_evidence(&header, b"\xff\xd8picture\xff\xd9", b"\xff\xd8plate").unwrap());
        let bare = EvidenceHeader { track: None, quad: None, ..header.clone() };
        stream.extend(encode_evidence(&bare, b"\xff\xd8picture", b"").unwrap());
        let mut decoder = Decoder::new();
        let mut got = Vec::new();
        for byte in stream {
            decoder.push(&[byte]);
            while let Some(message) = decoder.next_from_worker().unwrap() {
                got.push(message);
            }
        }
        let mut expected: Vec<_> = all_reports().into_iter().map(FromWorker::Report).collect();
        let with_crop = EvidenceHeader { crop_bytes: 7, ..header };
        expected.push(FromWorker::Evidence {
            header: with_crop,
            jpeg: b"\xff\xd8picture\xff\xd9".to_vec(),
            crop: Some(b"\xff\xd8plate".to_vec()),
        });
        expected.push(FromWorker::Evidence { header: bare, jpeg: b"\xff\xd8picture".to_vec(), crop: None });
        assert_eq!(got, expected);
    }

    #[test]
    fn every_order_survives_the_wire() {
        let mut decoder = Decoder::new();
        for order in [
            Order::Presence { on: true },
            Order::Snapshot,
            Order::Look,
            Order::View { path: Some("/var/lib/a view".into()) },
            Order::Ping { n: 9 },
            Order::Quit,
        ] {
            decoder.push(&order.encode().unwrap());
            assert_eq!(decoder.next_order().unwrap(), Some(order));
        }
        assert_eq!(decoder.next_order().unwrap(), None);
    }

    #[test]
    fn the_json_on_the_wire_is_the_documented_one() {
        let bytes = Order::Presence { on: true }.encode().unwrap();
        assert_eq!(&bytes[..5], &[0, 0, 0, 30, KIND_ORDER]);
        assert_eq!(&bytes[5..], br#"{"type":"presence","on":true}"#.as_slice());
        let state =
            Report::State { condition: CameraCondition::NoFrames, measured: Measured::default(), has_view: false }.encode().unwrap();
        assert_eq!(&state[5..], br#"{"type":"state","condition":"no_frames","measured":{"brightness_permille":0,"washed_out_permille":0,"flat_permille":null,"sharpness_permille":null,"spoiled_permille":0,"match_permille":null,"shift_permille":null,"turn_permille":null,"zoom_permille":null},"has_view":false}"#
                .as_slice());
    }

    #[test]
    fn a_length_that_cannot_be_is_final() {
        for (bytes, name) in [([0, 0, 0, 0, 2], "empty"), ([0x00, 0x40, 0x00, 0x01, 2], "too long"), ([0xff; 5], "huge")] {
            let mut decoder = Decoder::new();
            decoder.push(&bytes);
            assert!(decoder.next_from_worker().unwrap_err().is_final(), "{name}");
        }
    }

    #[test]
    fn a_spoilt_message_costs_only_itself() {
        let mut decoder = Decoder::new();
        decoder.push(&frame(KIND_REPORT, &[b"{\"type\":\"beat\""]).unwrap());
        decoder.push(&frame(9, &[b"?"]).unwrap());
        decoder.push(&frame(KIND_EVIDENCE, &[&[0, 0, 1, 0], b"{}"]).unwrap());
        decoder.push(&frame(KIND_ORDER, &[br#"{"type":"quit"}"#]).unwrap());
        let good = Report::Beat { n: 1, frames: 2, last_frame_age_ms: Some(3) };
        decoder.push(&good.encode().unwrap());
        assert!(matches!(decoder.next_from_worker(), Err(CameraLinkError::Json(_))));
        assert!(matches!(decoder.next_from_worker(), Err(CameraLinkError::Kind(9))));
        assert!(matches!(decoder.next_from_worker(), Err(CameraLinkError::EvidenceShort(6))));
        assert!(matches!(decoder.next_from_worker(), Err(CameraLinkError::Kind(KIND_ORDER))));
        assert_eq!(decoder.next_from_worker().unwrap(), Some(FromWorker::Report(good)));
    }

    #[test]
    fn numbers_out_of_range_are_refused_on_both_sides() {
        let mut above = read();
        above.slots[0][0].nats_milli = 1;
        let mut many = read();
        many.slots = vec![many.slots[0].clone(); MAX_SLOTS + 1];
        let mut none = read();
        none.slots.clear();
        let mut worthless = read();
        worthless.sight.sharpness_permille = 1001;
        let mut crowded = read();
        crowded.slots[0] = vec![crowded.slots[0][0]; MAX_ALTERNATIVES + 1];
        for bad in [above, many, none, worthless, crowded] {
            let report = Report::Read(bad);
            assert!(matches!(report.encode(), Err(CameraLinkError::OutOfRange { .. })), "{report:?}");
            let mut decoder = Decoder::new();
            decoder.push(&frame(KIND_REPORT, &[&serde_json::to_vec(&report).unwrap()]).unwrap());
            assert!(matches!(decoder.next_from_worker(), Err(CameraLinkError::OutOfRange { .. })));
        }
    }

    #[test]
    fn a_picture_too_large_for_a_message_is_not_sent() {
        let header = EvidenceHeader {
            track: None,
            frame: 1,
            captured_age_ms: 0,
            quad: None,
            worth_permille: 0,
            crop_bytes: 0,
            purpose: Purpose::Condition,
        };
        let half = vec![0; MAX_MESSAGE_BYTES / 2];
        assert!(matches!(encode_evidence(&header, &half, &half), Err(CameraLinkError::TooLong(_))));
    }

    #[test]
    fn a_crop_longer_than_its_message_is_refused() {
        let message = |crop_bytes: u32| {
            let json = format!(r#"{{"track":1,"frame":1,"captured_age_ms":0,"crop_bytes":{crop_bytes}}}"#);
            let mut decoder = Decoder::new();
            decoder.push(&frame(KIND_EVIDENCE, &[&(json.len() as u32).to_be_bytes(), json.as_bytes(), b"frame"]).unwrap());
            decoder.next_from_worker()
        };
        assert!(matches!(message(4), Ok(Some(FromWorker::Evidence { crop: Some(crop), .. })) if crop == b"rame"));
        for too_long in [5, 6, u32::MAX] {
            assert!(matches!(message(too_long), Err(CameraLinkError::EvidenceShort(_))), "{too_long}: a frame must be left");
        }
    }
}
