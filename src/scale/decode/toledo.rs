//! Mettler Toledo standard continuous output, 17 bytes, or 18 with checksum.
//!
//! `STX SWA SWB SWC w6 t6 CR [CHK]`: six characters of weight, six of tare, neither with sign or point, blanks or zeros leading.
//! CHK makes the sum of the low seven bits of all 18 bytes zero modulo 128; it may be any value, STX and CR included.
//!
//! | word | bits |
//! |---|---|
//! | SWA | 2..0: 000 ×100 · 001 ×10 · 010 ×1 · 011 .1 · 100 .01 · 101 .001 · 110 .0001 · 111 .00001; 4..3 step; 5 = 1; 6 = 0 |
//! | SWB | 0 net · 1 negative · 2 out of range · 3 motion · 4 kg, else lb · 5 = 1 · 6 power-up zero not captured |
//! | SWC | 2..0: 000 as SWB says · 010 t · others (g, oz, ...) no unit of ours; 3 print · 4 expanded display · 5 = 1 · 6 = 0 |
//!
//! Decimals are not `SWA & 7`: 010 means none. Bit 7 of every byte is ignored: a 7E1 line read as 8N1 leaves its parity there.
//!
//! Resynchronisation: before the check's place no byte of a frame is STX, so STX begins a new frame; a frame whose check fails
//! gives back its last byte if that is STX, for then the check was lost and the next frame has begun.

use super::{CR, DropReason, STX, Sink};
use crate::scale::reading::{Kind, Problem, Raw, Reading, Stable, Unit, Weight};

const BODY_BYTES: usize = 17;
const FULL_BYTES: usize = 18;

const SWB_NET: u8 = 1;
const SWB_NEGATIVE: u8 = 1 << 1;
const SWB_OUT_OF_RANGE: u8 = 1 << 2;
const SWB_MOTION: u8 = 1 << 3;
const SWB_KG: u8 = 1 << 4;
const SWB_ZERO_NOT_CAPTURED: u8 = 1 << 6;
const SWC_EXPANDED: u8 = 1 << 4;
const ALWAYS_ONE: u8 = 1 << 5;
const ALWAYS_ZERO: u8 = 1 << 6;

pub(super) struct Framer {
    with_check: bool,
    frame: [u8; FULL_BYTES],
    len: usize,
}

impl Framer {
    pub(super) fn new(with_check: bool) -> Framer {
        Framer { with_check, frame: [0; FULL_BYTES], len: 0 }
    }

    pub(super) fn pending_bytes(&self) -> usize {
        self.len
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    pub(super) fn push(&mut self, byte: u8, sink: &mut Sink<'_>) {
        let character = byte & 0x7F;
        if character == STX && self.len < BODY_BYTES {
            sink.drop(self.len, DropReason::Incomplete);
            self.len = 0;
        } else if self.len == 0 {
            sink.drop(1, DropReason::Noise);
            return;
        }
        self.frame[self.len] = byte;
        self.len += 1;
        if self.len < BODY_BYTES && character == CR {
            sink.drop(self.len, DropReason::WrongLength);
            self.len = 0;
        } else if self.len == BODY_BYTES && character != CR {
            sink.drop(self.len, DropReason::NoEnd);
            self.len = 0;
        } else if self.len == BODY_BYTES && !self.with_check {
            self.finish(sink);
        } else if self.len == FULL_BYTES {
            self.finish_checked(byte, sink);
        }
    }

    fn finish_checked(&mut self, last: u8, sink: &mut Sink<'_>) {
        let sum = self.frame.iter().fold(0_u8, |sum, byte| sum.wrapping_add(byte & 0x7F));
        if sum & 0x7F == 0 {
            self.finish(sink);
        } else if last & 0x7F == STX {
            sink.bad(&self.frame[..BODY_BYTES], DropReason::BadCheck);
            self.frame[0] = last;
            self.len = 1;
        } else {
            sink.bad(&self.frame, DropReason::BadCheck);
            self.len = 0;
        }
    }

    fn finish(&mut self, sink: &mut Sink<'_>) {
        let frame = &self.frame[..self.len];
        match parse(frame) {
            Some(reading) => sink.good(self.len, &[reading]),
            None => sink.bad(frame, DropReason::Malformed),
        }
        self.len = 0;
    }
}

fn parse(frame: &[u8]) -> Option<Reading> {
    let mut body = [0; BODY_BYTES];
    for (stripped, byte) in body.iter_mut().zip(frame) {
        *stripped = byte & 0x7F;
    }
    let [_, swa, swb, swc, ..] = body;
    if (swa & swb & swc) & ALWAYS_ONE == 0 || (swa | swc) & ALWAYS_ZERO != 0 {
        return None;
    }
    let raw = Raw::new(frame);
    let kind = Some(if swb & SWB_NET != 0 { Kind::Net } else { Kind::Gross });
    let refused = if swb & SWB_ZERO_NOT_CAPTURED != 0 {
        Some(Problem::ZeroNotCaptured)
    } else if swb & SWB_OUT_OF_RANGE != 0 {
        Some(Problem::OutOfRange)
    } else if swc & SWC_EXPANDED != 0 {
        Some(Problem::ExpandedDisplay)
    } else {
        None
    };
    if let Some(problem) = refused {
        return Some(Reading { kind, ..Reading::without_number(problem, raw) });
    }
    let stable = if swb & SWB_MOTION != 0 { Stable::No } else { Stable::Yes };
    tare_is_plausible(&body[10..16]).then_some(())?;
    if body[4..10].iter().all(|&byte| byte == b' ') {
        return Some(Reading { kind, ..Reading::without_number(Problem::NoWeight, raw) });
    }
    let digits = digits(&body[4..10])?;
    let Some(unit) = unit(swb, swc) else {
        return Some(Reading { kind, stable, ..Reading::without_number(Problem::Unit, raw) });
    };
    let digits = if swb & SWB_NEGATIVE != 0 { -digits } else { digits };
    let weight = Weight::new(digits, decimals(swa), unit)?;
    Some(Reading { kind, stable, ..Reading::number(weight, raw) })
}

/// Six characters: blanks, then digits to the end.
fn digits(field: &[u8]) -> Option<i64> {
    let shown = field.trim_ascii_start();
    let is_number = !shown.is_empty() && shown.iter().all(u8::is_ascii_digit);
    is_number.then(|| shown.iter().fold(0, |value, byte| value * 10 + i64::from(byte - b'0')))
}

fn tare_is_plausible(field: &[u8]) -> bool {
    field.iter().all(|&byte| byte == b' ') || digits(field).is_some()
}

fn decimals(swa: u8) -> i8 {
    match swa & 0b111 {
        0b000 => -2,
        0b001 => -1,
        0b010 => 0,
        0b011 => 1,
        0b100 => 2,
        0b101 => 3,
        0b110 => 4,
        _ => 5,
    }
}

fn unit(swb: u8, swc: u8) -> Option<Unit> {
    match swc & 0b111 {
        0b000 if swb & SWB_KG != 0 => Some(Unit::Kg),
        0b010 => Some(Unit::T),
        _ => None,
    }
}
