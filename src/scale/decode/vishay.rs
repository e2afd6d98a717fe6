//! Vishay VT-200/220/300/400, LEO continuous: `status sign w6` CR, 9 bytes; with two platforms the record twice before the CR.
//!
//! | status bit | 0 | 1 | 2 | 3 | 4 | 5 | 6 |
//! |---|---|---|---|---|---|---|---|
//! | means | display is no weight | net | auto-zero | out of range | standstill | under minimum | always 1 |
//!
//! So `P` is stable gross, `@` moving, `A` no weight. `w6` is six characters, digits with an optional point; the unit is a setting.
//! Under minimum is kept beside the number and is no problem by itself: an empty platform is always under the minimum load.
//! Bit 7 is ignored: these lines are often 7E1.
//!
//! Resynchronisation: the record is what stands right before the CR. A line with one more record than the setting says is bad,
//! for then it is not known which platform is meant.

use super::{CR, DropReason, LF, Sink, decimal};
use crate::scale::reading::{Kind, Problem, Raw, Reading, Stable, Unit, Weight};

const RECORD_BYTES: usize = 8;
/// Two records and the longest prefix seen, with room.
const MAX_LINE_BYTES: usize = 64;

const NO_WEIGHT: u8 = 1;
const NET: u8 = 1 << 1;
const AUTO_ZERO: u8 = 1 << 2;
const OUT_OF_RANGE: u8 = 1 << 3;
const STANDSTILL: u8 = 1 << 4;
const UNDER_MINIMUM: u8 = 1 << 5;
const ALWAYS_ONE: u8 = 1 << 6;

pub(super) struct Framer {
    platforms: usize,
    unit: Unit,
    line: Vec<u8>,
    /// The last byte was the CR of a good frame: an LF now belongs to it.
    after_good: bool,
}

impl Framer {
    pub(super) fn new(platforms: usize, unit: Unit) -> Framer {
        Framer { platforms, unit, line: Vec::with_capacity(MAX_LINE_BYTES), after_good: false }
    }

    pub(super) fn pending_bytes(&self) -> usize {
        self.line.len()
    }

    pub(super) fn clear(&mut self) {
        self.line.clear();
        self.after_good = false;
    }

    pub(super) fn push(&mut self, byte: u8, sink: &mut Sink<'_>) {
        let after_good = std::mem::take(&mut self.after_good);
        match byte & 0x7F {
            LF if after_good => sink.tally.good_bytes += 1,
            LF => {
                sink.drop(self.line.len() + 1, DropReason::Noise);
                self.line.clear();
            }
            CR => {
                self.finish(sink);
                self.line.clear();
            }
            _ => {
                if self.line.len() == MAX_LINE_BYTES {
                    self.line.remove(0);
                    sink.drop(1, DropReason::TooLong);
                }
                self.line.push(byte);
            }
        }
    }

    fn finish(&mut self, sink: &mut Sink<'_>) {
        let frame_bytes = RECORD_BYTES * self.platforms;
        let Some(start) = self.line.len().checked_sub(frame_bytes) else {
            let reason = if self.line.is_empty() { DropReason::Noise } else { DropReason::WrongLength };
            sink.drop(self.line.len() + 1, reason);
            return;
        };
        let text: Vec<u8> = self.line.iter().map(|byte| byte & 0x7F).collect();
        let raw = Raw::new(&self.line[start..]);
        let readings: Option<Vec<Reading>> = text[start..]
            .chunks_exact(RECORD_BYTES)
            .zip(1..)
            .map(|(record, platform)| parse(record, self.unit, raw).map(|reading| Reading { platform, ..reading }))
            .collect();
        let one_too_many = start >= RECORD_BYTES && looks_like_record(&text[start - RECORD_BYTES..start]);
        match readings {
            Some(readings) if !one_too_many => {
                sink.drop(start, DropReason::Noise);
                sink.good(frame_bytes + 1, &readings);
                self.after_good = true;
            }
            None if start > 0 && !looks_like_record(&text[start..]) => sink.drop(text.len() + 1, DropReason::Noise),
            _ => {
                sink.bad(&self.line[start..], DropReason::Malformed);
                sink.drop(start + 1, DropReason::Malformed);
            }
        }
    }
}

/// Status and sign are in their places.
fn looks_like_record(text: &[u8]) -> bool {
    matches!(text, [status, b'+' | b'-', ..] if status & ALWAYS_ONE != 0)
}

fn parse(record: &[u8], unit: Unit, raw: Raw) -> Option<Reading> {
    let (&status, rest) = record.split_first()?;
    let (&sign, field) = rest.split_first()?;
    let negative = match sign {
        b'+' => false,
        b'-' => true,
        _ => return None,
    };
    if status & ALWAYS_ONE == 0 {
        return None;
    }
    if status & NO_WEIGHT != 0 {
        return Some(Reading::without_number(Problem::NoWeight, raw));
    }
    let kind = Some(if status & NET != 0 { Kind::Net } else { Kind::Gross });
    if status & OUT_OF_RANGE != 0 {
        let problem = if negative { Problem::Underload } else { Problem::Overload };
        return Some(Reading { kind, ..Reading::without_number(problem, raw) });
    }
    let (digits, decimals) = decimal(field)?;
    let weight = Weight::new(if negative { -digits } else { digits }, decimals, unit)?;
    Some(Reading {
        kind,
        stable: if status & STANDSTILL != 0 { Stable::Yes } else { Stable::No },
        zero: Some(status & AUTO_ZERO != 0),
        under_minimum: status & UNDER_MINIMUM != 0,
        ..Reading::number(weight, raw)
    })
}
