//! Decoders of indicator families: pure, incremental, one file a family.
//!
//! ```text
//!  bytes ─▶ framer (finds frames, resynchronises) ─▶ parser (one frame) ─▶ Event::Reading | Event::Bad
//!               └── every byte that is in no good frame is dropped under a reason
//! ```
//!
//! - Bytes may be cut anywhere and preceded by anything (serial-to-IP boxes put their names before frames).
//! - A frame that is not whole gives no event; one that is whole and wrong gives [`Event::Bad`]; neither gives a number.
//! - Conservation: bytes fed = bytes in good frames + bytes dropped + bytes pending. Tests hold it for any input.
//! - A framer holds at most [`MAX_PENDING_BYTES`].
//!
//! | protocol | frame | source of the format |
//! |---|---|---|
//! | `yaohua-cont` | STX sign d6 point XOR2 ETX | XK3190-A23p p23, XK3190-A22 p13, XK3118K9-R p9 |
//! | `keli-d2008-12` | the same bytes; what the seventh digit means is a setting | the same; a site that read seven digits |
//! | `toledo-cont-17`, `-18` | STX SWA SWB SWC w6 t6 CR [CHK] | Wildcat manual 6-4, Cardinal 225 p126, KERN FTC p42 |
//! | `and-generic` | `HH,hh,±nnnnnnnuu` CR LF and its many dialects | AD-4404, AD-4410 manuals; captures |
//! | `vishay-leo`, `-2scale` | status sign w6 CR, once or twice | VT-200 p51–53, VT-300 p56 |

mod and;
mod toledo;
mod vishay;
mod yaohua;

use std::{fmt, str::FromStr};

use super::reading::{Raw, Reading, Unit};

/// The most that any framer keeps while it waits for the rest of a frame.
pub const MAX_PENDING_BYTES: usize = 4096;

pub(super) const STX: u8 = 0x02;
pub(super) const ETX: u8 = 0x03;
pub(super) const CR: u8 = 0x0D;
pub(super) const LF: u8 = 0x0A;

/// A supported protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    YaohuaCont,
    KeliD2008,
    ToledoCont17,
    ToledoCont18,
    AndGeneric,
    VishayLeo,
    VishayLeoTwoScales,
}

impl Protocol {
    pub const ALL: [Protocol; 7] = [
        Protocol::YaohuaCont,
        Protocol::KeliD2008,
        Protocol::ToledoCont17,
        Protocol::ToledoCont18,
        Protocol::AndGeneric,
        Protocol::VishayLeo,
        Protocol::VishayLeoTwoScales,
    ];

    /// The name in settings and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Protocol::YaohuaCont => "yaohua-cont",
            Protocol::KeliD2008 => "keli-d2008-12",
            Protocol::ToledoCont17 => "toledo-cont-17",
            Protocol::ToledoCont18 => "toledo-cont-18",
            Protocol::AndGeneric => "and-generic",
            Protocol::VishayLeo => "vishay-leo",
            Protocol::VishayLeoTwoScales => "vishay-leo-2scale",
        }
    }

    /// One line for a technician.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Protocol::YaohuaCont => "Yaohua XK3190 and Keli XK3118, continuous, 12 bytes with XOR check; no motion or gross/net flag",
            Protocol::KeliD2008 => "Keli D2008, 12 bytes; setting digits = six_and_point | seven, to be confirmed with a known weight",
            Protocol::ToledoCont17 => "Mettler Toledo standard continuous, 17 bytes, without checksum",
            Protocol::ToledoCont18 => "Mettler Toledo standard continuous, 18 bytes, with checksum",
            Protocol::AndGeneric => "A&D and others, lines like ST,GS,+0043260kg with their dialects",
            Protocol::VishayLeo => "Vishay VT-200/220/300/400 LEO continuous, 9 bytes; unit is a setting",
            Protocol::VishayLeoTwoScales => "Vishay LEO continuous with two platforms in one record",
        }
    }
}

/// A protocol name that is not in [`Protocol::ALL`].
#[derive(Debug, thiserror::Error)]
#[error("no scale protocol named {name:?}; known are: {known}")]
pub struct UnknownProtocol {
    name: String,
    known: String,
}

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(name: &str) -> Result<Protocol, UnknownProtocol> {
        Protocol::ALL
            .into_iter()
            .find(|protocol| protocol.name() == name)
            .ok_or_else(|| UnknownProtocol { name: name.chars().take(64).collect(), known: Protocol::ALL.map(Protocol::name).join(", ") })
    }
}

impl<'de> serde::Deserialize<'de> for Protocol {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Protocol, D::Error> {
        let name = std::string::String::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

/// How the seven digits of the 12-byte Yaohua/Keli frame are read. Same bytes, two field practices: a person must
/// confirm the choice against the display with a known weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Digits {
    /// Six digits and the number of decimals (the makers' manuals).
    SixAndPoint,
    /// Seven digits, no decimals (seen on a D2008).
    Seven,
}

/// What a frame does not say and a person has to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecoderSettings {
    pub protocol: Protocol,
    /// The displayed unit, for frames that carry none.
    pub unit: Unit,
    /// Only for `keli-d2008-12`, and there required.
    pub digits: Option<Digits>,
}

/// Settings of a decoder that do not fit its protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecoderSettingsError {
    #[error("protocol keli-d2008-12 needs digits = \"six_and_point\" or \"seven\", confirmed against the display with a known weight")]
    DigitsMissing,
    #[error("digits is a setting of protocol keli-d2008-12 only, not of {protocol}")]
    DigitsNotApplicable { protocol: &'static str },
}

/// Why bytes were dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// Outside any frame: a box's prefix, noise, the tail of a frame whose head was lost.
    Noise,
    /// A new frame began before this one ended.
    Incomplete,
    /// The end came before the frame was full: a request, a reply, another format, lost bytes.
    WrongLength,
    /// The frame is full and the end is not where it must be.
    NoEnd,
    /// The check does not agree.
    BadCheck,
    /// Whole, check right or absent, and still not of this format.
    Malformed,
    /// No line end within the longest line.
    TooLong,
    /// Pending when the line was closed.
    Reset,
}

impl DropReason {
    pub const ALL: [DropReason; 8] = [
        DropReason::Noise,
        DropReason::Incomplete,
        DropReason::WrongLength,
        DropReason::NoEnd,
        DropReason::BadCheck,
        DropReason::Malformed,
        DropReason::TooLong,
        DropReason::Reset,
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            DropReason::Noise => "noise",
            DropReason::Incomplete => "incomplete",
            DropReason::WrongLength => "wrong_length",
            DropReason::NoEnd => "no_end",
            DropReason::BadCheck => "bad_check",
            DropReason::Malformed => "malformed",
            DropReason::TooLong => "too_long",
            DropReason::Reset => "reset",
        }
    }
}

/// What a decoder found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Reading(Reading),
    /// A whole frame that must not be believed: [`DropReason::BadCheck`] or [`DropReason::Malformed`].
    Bad {
        reason: DropReason,
        raw: Raw,
    },
}

/// Where every byte went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub fed_bytes: u64,
    pub good_bytes: u64,
    pub good_frames: u64,
    pub bad_frames: u64,
    dropped_bytes: [u64; DropReason::ALL.len()],
}

impl Tally {
    /// Bytes dropped for one reason.
    #[must_use]
    pub fn dropped_bytes(&self, reason: DropReason) -> u64 {
        self.dropped_bytes[reason as usize]
    }

    /// Bytes dropped for any reason.
    #[must_use]
    pub fn dropped_bytes_total(&self) -> u64 {
        self.dropped_bytes.iter().sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} bytes: {} good frames, {} bad frames, {} bytes dropped",
            self.fed_bytes,
            self.good_frames,
            self.bad_frames,
            self.dropped_bytes_total()
        )?;
        for reason in DropReason::ALL.into_iter().filter(|&reason| self.dropped_bytes(reason) > 0) {
            write!(f, ", {} {}", reason.word(), self.dropped_bytes(reason))?;
        }
        Ok(())
    }
}

/// Where a framer puts what it found, and what it threw away.
struct Sink<'a> {
    tally: &'a mut Tally,
    out: &'a mut dyn FnMut(Event),
}

impl Sink<'_> {
    fn good(&mut self, bytes: usize, readings: &[Reading]) {
        self.tally.good_bytes += bytes as u64;
        self.tally.good_frames += 1;
        for reading in readings {
            (self.out)(Event::Reading(*reading));
        }
    }

    fn drop(&mut self, bytes: usize, reason: DropReason) {
        self.tally.dropped_bytes[reason as usize] += bytes as u64;
    }

    /// A bad frame whose bytes are all dropped.
    fn bad(&mut self, frame: &[u8], reason: DropReason) {
        self.drop(frame.len(), reason);
        self.tally.bad_frames += 1;
        (self.out)(Event::Bad { reason, raw: Raw::new(frame) });
    }
}

enum Framer {
    Yaohua(yaohua::Framer),
    Toledo(toledo::Framer),
    And(and::Framer),
    Vishay(vishay::Framer),
}

/// An incremental decoder of one protocol.
pub struct Decoder {
    framer: Framer,
    tally: Tally,
}

impl Decoder {
    /// # Errors
    /// `digits` missing where the protocol needs it, or given where it means nothing.
    pub fn new(settings: DecoderSettings) -> Result<Decoder, DecoderSettingsError> {
        let DecoderSettings { protocol, unit, digits } = settings;
        if digits.is_some() && protocol != Protocol::KeliD2008 {
            return Err(DecoderSettingsError::DigitsNotApplicable { protocol: protocol.name() });
        }
        let framer = match protocol {
            Protocol::YaohuaCont => Framer::Yaohua(yaohua::Framer::new(Digits::SixAndPoint, unit)),
            Protocol::KeliD2008 => Framer::Yaohua(yaohua::Framer::new(digits.ok_or(DecoderSettingsError::DigitsMissing)?, unit)),
            Protocol::ToledoCont17 => Framer::Toledo(toledo::Framer::new(false)),
            Protocol::ToledoCont18 => Framer::Toledo(toledo::Framer::new(true)),
            Protocol::AndGeneric => Framer::And(and::Framer::new(unit)),
            Protocol::VishayLeo => Framer::Vishay(vishay::Framer::new(1, unit)),
            Protocol::VishayLeoTwoScales => Framer::Vishay(vishay::Framer::new(2, unit)),
        };
        Ok(Decoder { framer, tally: Tally::default() })
    }

    /// Takes the next bytes, however cut, and gives what they complete to `out`, in order.
    pub fn feed(&mut self, bytes: &[u8], out: &mut dyn FnMut(Event)) {
        self.tally.fed_bytes += bytes.len() as u64;
        let mut sink = Sink { tally: &mut self.tally, out };
        for &byte in bytes {
            match &mut self.framer {
                Framer::Yaohua(framer) => framer.push(byte, &mut sink),
                Framer::Toledo(framer) => framer.push(byte, &mut sink),
                Framer::And(framer) => framer.push(byte, &mut sink),
                Framer::Vishay(framer) => framer.push(byte, &mut sink),
            }
        }
    }

    /// Forgets a half frame: what comes next is from another connection and must not be joined to it.
    pub fn reset(&mut self) {
        let pending = self.pending_bytes();
        self.tally.dropped_bytes[DropReason::Reset as usize] += pending as u64;
        match &mut self.framer {
            Framer::Yaohua(framer) => framer.clear(),
            Framer::Toledo(framer) => framer.clear(),
            Framer::And(framer) => framer.clear(),
            Framer::Vishay(framer) => framer.clear(),
        }
    }

    /// Bytes held while the rest of a frame is awaited, at most [`MAX_PENDING_BYTES`].
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        match &self.framer {
            Framer::Yaohua(framer) => framer.pending_bytes(),
            Framer::Toledo(framer) => framer.pending_bytes(),
            Framer::And(framer) => framer.pending_bytes(),
            Framer::Vishay(framer) => framer.pending_bytes(),
        }
    }

    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }
}

/// `text` as a number: leading blanks, then digits with at most one point among or after them.
/// Gives (digits, decimals); `None` for anything else. Comma decimals are the caller's to replace.
fn decimal(text: &[u8]) -> Option<(i64, i8)> {
    let text = text.trim_ascii_start();
    let (mut digits, mut count, mut decimals) = (0_i64, 0_u32, None);
    for &byte in text {
        match byte {
            b'0'..=b'9' => {
                digits = digits * 10 + i64::from(byte - b'0');
                count += 1;
                decimals = decimals.map(|places: i8| places + 1);
            }
            b'.' if decimals.is_none() && count > 0 => decimals = Some(0),
            _ => return None,
        }
        if count > super::reading::MAX_DIGITS {
            return None;
        }
    }
    (count > 0).then_some((digits, decimals.unwrap_or(0)))
}

#[cfg(test)]
mod tests;
