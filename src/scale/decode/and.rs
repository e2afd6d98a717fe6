//! A&D standard output and its dialects: `HH,hh,±nnnnnnnuu` CR LF.
//!
//! | part | values |
//! |---|---|
//! | HH | `ST` stable · `US` moving · `OL` out of range (with `-`: under) · `LO` under · `HD` display held |
//! | hh | `GS` gross · `NT` net · `TR`, `PT` tare; or `G `, `N `, `T ` |
//! | data | sign and digits with an optional point; blanks when there is no weight |
//! | uu | two or three characters; kg and t are ours |
//!
//! Dialects that occur in the field and are taken: no unit at all (the lane's unit counts; then the number must be at least eight
//! characters wide, so that a frame cut short is not taken for one), `Kg`, a point with nothing after it, blanks around sign
//! and unit, no comma after hh, the unit as a field of its own, a bus address or a box's name before HH, tonnes as ` t`, a decimal
//! comma, CR or LF alone. Bit 7 is ignored: a 7E1 line read as 8N1 leaves its parity there.
//!
//! A held number is not a weight of now, so `HD` gives none. The last HH in a line counts: what is before it was cut.

use super::{CR, DropReason, LF, Sink, decimal};
use crate::scale::reading::{Kind, MAX_RAW_BYTES, Problem, Raw, Reading, Stable, Unit, Weight};

/// A frame and the longest prefix seen, with room.
const MAX_LINE_BYTES: usize = 96;
const MIN_WIDTH_WITHOUT_UNIT: usize = 8;

pub(super) struct Framer {
    unit: Unit,
    line: Vec<u8>,
    /// The last byte was the CR of a good frame: an LF now belongs to it.
    after_good_cr: bool,
}

impl Framer {
    pub(super) fn new(unit: Unit) -> Framer {
        Framer { unit, line: Vec::with_capacity(MAX_LINE_BYTES), after_good_cr: false }
    }

    pub(super) fn pending_bytes(&self) -> usize {
        self.line.len()
    }

    pub(super) fn clear(&mut self) {
        self.line.clear();
        self.after_good_cr = false;
    }

    pub(super) fn push(&mut self, byte: u8, sink: &mut Sink<'_>) {
        let after_good_cr = std::mem::take(&mut self.after_good_cr);
        match byte & 0x7F {
            LF if after_good_cr => sink.tally.good_bytes += 1,
            CR | LF => {
                self.finish(byte & 0x7F == CR, sink);
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

    /// The line is complete; its end is one byte more.
    fn finish(&mut self, by_cr: bool, sink: &mut Sink<'_>) {
        let text: Vec<u8> = self.line.iter().map(|byte| byte & 0x7F).collect();
        let Some(start) = frame_start(&text) else {
            sink.drop(text.len() + 1, DropReason::Noise);
            return;
        };
        sink.drop(start, DropReason::Noise);
        let raw = &self.line[start..];
        match parse(&text[start..], self.unit, Raw::new(raw)) {
            Some(reading) if raw.len() <= MAX_RAW_BYTES => {
                sink.good(raw.len() + 1, &[reading]);
                self.after_good_cr = by_cr;
            }
            _ => {
                sink.bad(raw, DropReason::Malformed);
                sink.drop(1, DropReason::Malformed);
            }
        }
    }
}

/// Where the last `HH,` of the line begins.
fn frame_start(text: &[u8]) -> Option<usize> {
    text.windows(3).rposition(|window| matches!(window, b"ST," | b"US," | b"OL," | b"LO," | b"HD,"))
}

fn parse(text: &[u8], default_unit: Unit, raw: Raw) -> Option<Reading> {
    let header = text.get(..2)?;
    let kind = Some(match text.get(3..5)? {
        b"GS" | b"G " => Kind::Gross,
        b"NT" | b"N " => Kind::Net,
        b"TR" | b"PT" | b"T " => Kind::Tare,
        _ => return None,
    });
    let data = &text[5..];
    let data = data.strip_prefix(b",").unwrap_or(data);
    let refused = |problem| Some(Reading { kind, ..Reading::without_number(problem, raw) });
    let stable = match header {
        b"ST" => Stable::Yes,
        b"US" => Stable::No,
        b"OL" if data.contains(&b'-') => return refused(Problem::Underload),
        b"OL" => return refused(Problem::Overload),
        b"LO" => return refused(Problem::Underload),
        _ => return refused(Problem::Held),
    };
    let (number, unit_text) = split_at_unit(data);
    let (negative, magnitude) = split_sign(number);
    let width = if magnitude.is_empty() { number.len() } else { number.trim_ascii_end().len() };
    let unit = match unit_text.trim_ascii().to_ascii_lowercase().as_slice() {
        b"kg" => Some(Unit::Kg),
        b"t" => Some(Unit::T),
        b"" if width >= MIN_WIDTH_WITHOUT_UNIT => Some(default_unit),
        other if (1..=3).contains(&other.len()) && other.iter().all(u8::is_ascii_alphabetic) => None,
        _ => return None,
    };
    if magnitude.is_empty() {
        return refused(Problem::NoWeight);
    }
    let (digits, decimals) = decimal(&with_point(magnitude))?;
    let Some(unit) = unit else {
        return Some(Reading { kind, stable, ..Reading::without_number(Problem::Unit, raw) });
    };
    let weight = Weight::new(if negative { -digits } else { digits }, decimals, unit)?;
    Some(Reading { kind, stable, ..Reading::number(weight, raw) })
}

/// The number ends before the first letter, or before a comma that no digit follows.
fn split_at_unit(data: &[u8]) -> (&[u8], &[u8]) {
    for (at, &byte) in data.iter().enumerate() {
        if byte.is_ascii_alphabetic() {
            return data.split_at(at);
        }
        if byte == b',' && !data.get(at + 1).is_some_and(u8::is_ascii_digit) {
            return (&data[..at], &data[at + 1..]);
        }
    }
    (data, b"")
}

/// (negative, the rest without sign and blanks around).
fn split_sign(number: &[u8]) -> (bool, &[u8]) {
    let number = number.trim_ascii();
    match number.first() {
        Some(b'-') => (true, number[1..].trim_ascii_start()),
        Some(b'+') => (false, number[1..].trim_ascii_start()),
        _ => (false, number),
    }
}

fn with_point(magnitude: &[u8]) -> Vec<u8> {
    magnitude.iter().map(|&byte| if byte == b',' { b'.' } else { byte }).collect()
}
