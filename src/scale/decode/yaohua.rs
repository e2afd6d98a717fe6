//! Yaohua XK3190 and Keli XK3118/D2008, continuous output (tF=0), 12 bytes.
//!
//! | byte | 1 | 2 | 3–8 | 9 | 10–11 | 12 |
//! |---|---|---|---|---|---|---|
//! | value | `02` | `+` or `-` | six digits, high first | decimals `0`–`4` | XOR of bytes 2–9 | `03` |
//!
//! The check's nibbles are spelled `0`–`9` and then `A`–`F` (0x37 + nibble, most manuals) or `:`–`?` (0x30 + nibble, A22).
//! The weight is whatever is displayed: nothing says gross or net, motion, zero or overload, so none is claimed.
//! XOR does not see digits that changed places.
//!
//! Resynchronisation: STX cannot occur inside a frame, so it always begins a new one.

use super::{DropReason, ETX, STX, Sink};
use crate::scale::{
    decode::Digits,
    reading::{Raw, Reading, Unit, Weight},
};

const FRAME_BYTES: usize = 12;
const MAX_DECIMALS: u8 = 4;

pub(super) struct Framer {
    digits: Digits,
    unit: Unit,
    frame: [u8; FRAME_BYTES],
    len: usize,
}

impl Framer {
    pub(super) fn new(digits: Digits, unit: Unit) -> Framer {
        Framer { digits, unit, frame: [0; FRAME_BYTES], len: 0 }
    }

    pub(super) fn pending_bytes(&self) -> usize {
        self.len
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    pub(super) fn push(&mut self, byte: u8, sink: &mut Sink<'_>) {
        if byte == STX {
            sink.drop(self.len, DropReason::Incomplete);
            self.len = 0;
        } else if self.len == 0 {
            sink.drop(1, DropReason::Noise);
            return;
        }
        self.frame[self.len] = byte;
        self.len += 1;
        if byte == ETX && self.len < FRAME_BYTES {
            sink.drop(self.len, DropReason::WrongLength);
            self.len = 0;
        } else if self.len == FRAME_BYTES {
            if byte == ETX {
                match self.parse() {
                    Ok(reading) => sink.good(FRAME_BYTES, &[reading]),
                    Err(reason) => sink.bad(&self.frame, reason),
                }
            } else {
                sink.drop(FRAME_BYTES, DropReason::NoEnd);
            }
            self.len = 0;
        }
    }

    fn parse(&self) -> Result<Reading, DropReason> {
        let check = self.frame[1..9].iter().fold(0, |xor, byte| xor ^ byte);
        if nibble(self.frame[9]) != Some(check >> 4) || nibble(self.frame[10]) != Some(check & 0x0F) {
            return Err(DropReason::BadCheck);
        }
        self.weight().map(|weight| Reading::number(weight, Raw::new(&self.frame))).ok_or(DropReason::Malformed)
    }

    fn weight(&self) -> Option<Weight> {
        let sign = match self.frame[1] {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        if !self.frame[2..9].iter().all(u8::is_ascii_digit) {
            return None;
        }
        let seven = self.frame[2..9].iter().fold(0_i64, |value, byte| value * 10 + i64::from(byte - b'0'));
        match self.digits {
            Digits::Seven => Weight::new(sign * seven, 0, self.unit),
            Digits::SixAndPoint => {
                let decimals = self.frame[8] - b'0';
                let decimals = (decimals <= MAX_DECIMALS).then(|| i8::try_from(decimals).ok()).flatten()?;
                Weight::new(sign * (seven / 10), decimals, self.unit)
            }
        }
    }
}

/// One character of the check in either spelling.
fn nibble(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'?' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}
