//! The weighbridge's indicator: continuous frames of four families ([`encode`], pure) and the line they go out on ([`server`]).
//!
//! | protocol | bytes | frame | moving | overload |
//! |---|---|---|---|---|
//! | `yaohua` | 12 | STX, `+`/`-`, six digits, decimals `0`, XOR of bytes 2 to 9 as two hex characters, ETX | not told | no frames while overloaded |
//! | `toledo` | 18 | STX, SWA, SWB, SWC, six weight, six tare, CR, check (7-bit sum of all 18 is 0) | SWB bit 3 | SWB bit 2 |
//! | `and` | 18 | `ST,GS,+0043260kg` CR LF | `US` | `OL`, data blank |
//! | `vishay-leo` | 9 | status, `+`/`-`, six digits, CR | status bit 4 clear | status bits 0 and 3 |
//!
//! Toledo: SWA tells the decimal place and the step; steps of 10 kg and more send the weight without its last zero (`001` = x 10).
//! SWB bit 4 = kg, bit 5 always 1. LEO: status bit 6 always 1, bit 2 at zero.

pub mod server;

use serde::{Deserialize, Serialize};

use crate::world::platform::Display;

const STX: u8 = 0x02;
const ETX: u8 = 0x03;
const CR: u8 = 0x0D;
const LF: u8 = 0x0A;
/// What a serial-to-network box puts before a frame: its name and number.
const DTU_PREFIX: &[u8] = b"weigh01T63866046557773";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    Yaohua,
    Toledo,
    And,
    VishayLeo,
}

/// What is wrong with the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineFaults {
    pub bad_checksum: bool,
    pub swapped_digits: bool,
    pub garbage: bool,
    pub dtu_prefix: bool,
}

/// The bytes of one frame. Empty: this family sends nothing for such a display.
pub fn encode(protocol: Protocol, display: &Display, division_kg: i64) -> Vec<u8> {
    match protocol {
        Protocol::Yaohua => yaohua(display),
        Protocol::Toledo => toledo(display, division_kg),
        Protocol::And => and(display),
        Protocol::VishayLeo => vishay_leo(display),
    }
}

/// A frame as the faulty line delivers it. `count` varies the noise.
pub fn spoil(protocol: Protocol, mut frame: Vec<u8>, faults: &LineFaults, count: u64) -> Vec<u8> {
    if frame.is_empty() {
        return frame;
    }
    if faults.bad_checksum {
        // Families without a check get a damaged character instead.
        let place = match protocol {
            Protocol::Yaohua => 10,
            Protocol::Toledo => 17,
            Protocol::And => 8,
            Protocol::VishayLeo => 4,
        };
        let checked = matches!(protocol, Protocol::Yaohua | Protocol::Toledo);
        frame[place] = match (checked, frame[place]) {
            (true, byte) => byte ^ 0x01,
            (false, _) => b'#',
        };
    }
    if faults.swapped_digits {
        let place = match protocol {
            Protocol::Yaohua => 3,
            Protocol::Toledo => 6,
            Protocol::And => 9,
            Protocol::VishayLeo => 3,
        };
        frame.swap(place, place + 1);
    }
    let mut bytes = Vec::with_capacity(frame.len() + 64);
    if faults.dtu_prefix {
        bytes.extend(DTU_PREFIX);
    }
    if faults.garbage {
        bytes.extend((0..count % 23).map(|place| (place.wrapping_mul(count.wrapping_mul(37)) >> 3) as u8));
    }
    bytes.extend(frame);
    bytes
}

fn yaohua(display: &Display) -> Vec<u8> {
    if display.overload {
        return Vec::new();
    }
    let mut frame = vec![STX, sign(display.kg)];
    frame.extend(digits(display.kg, b'0'));
    frame.push(b'0');
    let check = frame[1..].iter().fold(0u8, |sum, byte| sum ^ byte);
    let hex = |nibble: u8| if nibble <= 9 { nibble + 0x30 } else { nibble + 0x37 };
    frame.extend([hex(check >> 4), hex(check & 0x0F), ETX]);
    frame
}

fn toledo(display: &Display, division_kg: i64) -> Vec<u8> {
    let mut step = division_kg.max(1);
    let mut place = 0b010;
    let mut value = display.kg;
    if step % 10 == 0 {
        step /= 10;
        value /= 10;
        place = 0b001;
    }
    if step % 10 == 0 {
        step /= 10;
        value /= 10;
        place = 0b000;
    }
    let step_bits = match step {
        2 => 0b10,
        5 => 0b11,
        _ => 0b01,
    };
    let swa = 0x20 | step_bits << 3 | place;
    let mut swb = 0x20 | 0x10;
    swb |= u8::from(display.kg < 0) << 1;
    swb |= u8::from(display.overload) << 2;
    swb |= u8::from(display.motion) << 3;
    let mut frame = vec![STX, swa, swb, 0x20];
    frame.extend(digits(value, b' '));
    frame.extend(*b"     0");
    frame.push(CR);
    let sum = frame.iter().fold(0u8, |sum, byte| sum.wrapping_add(byte & 0x7F));
    frame.push(sum.wrapping_neg() & 0x7F);
    frame
}

fn and(display: &Display) -> Vec<u8> {
    let mut frame = Vec::with_capacity(18);
    frame.extend(if display.overload {
        *b"OL"
    } else if display.motion {
        *b"US"
    } else {
        *b"ST"
    });
    frame.extend(*b",GS,");
    frame.push(sign(display.kg));
    if display.overload {
        frame.extend([b' '; 7]);
    } else {
        frame.push(b'0');
        frame.extend(digits(display.kg, b'0'));
    }
    frame.extend(*b"kg");
    frame.extend([CR, LF]);
    frame
}

fn vishay_leo(display: &Display) -> Vec<u8> {
    let mut status = 0x40;
    status |= u8::from(display.overload) | u8::from(display.overload) << 3;
    status |= u8::from(!display.motion && !display.overload) << 4;
    let mut frame = vec![status, sign(display.kg)];
    frame.extend(digits(display.kg, b'0'));
    frame.push(CR);
    frame
}

fn sign(kg: i64) -> u8 {
    if kg < 0 { b'-' } else { b'+' }
}

/// Six digits, leading zeros as `lead`; more than six show the last six, as a display of six does.
fn digits(value: i64, lead: u8) -> [u8; 6] {
    let mut rest = value.unsigned_abs() % 1_000_000;
    let mut out = [lead; 6];
    for place in (0..6).rev() {
        if rest > 0 || place == 5 {
            out[place] = b'0' + (rest % 10) as u8;
        }
        rest /= 10;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02X}")).collect()
    }

    fn still(kg: i64) -> Display {
        Display { kg, ..Display::default() }
    }

    /// Frames captured at sites and printed in manuals (see the data folder's table of frames).
    #[test]
    fn frames_are_byte_for_byte_those_of_the_field() {
        let moving = Display { motion: true, ..still(43_240) };
        for (protocol, display, division_kg, expected) in [
            (Protocol::Yaohua, still(1_560), 10, "022B30303135363030313903"),
            (Protocol::Yaohua, still(0), 10, "022B30303030303030314203"),
            (Protocol::Yaohua, still(43_260), 20, "022B30343332363030313803"),
            (Protocol::Toledo, still(43_260), 20, "023130202020343332362020202020300D11"),
            (Protocol::Toledo, Display { motion: true, ..still(43_240) }, 1, "022A38202034333234302020202020300D02"),
            (Protocol::Toledo, still(-20), 1, "022A32202020202032302020202020300D43"),
            (Protocol::And, still(43_260), 20, "53542C47532C2B303034333236306B670D0A"),
            (Protocol::And, moving, 20, "55532C47532C2B303034333234306B670D0A"),
            (Protocol::VishayLeo, still(31_790), 10, "502B3033313739300D"),
            (Protocol::VishayLeo, Display { motion: true, ..still(31_790) }, 10, "402B3033313739300D"),
        ] {
            // The golden toledo frames of step 1 were made with bits 01 for the step.
            assert_eq!(hex(&encode(protocol, &display, division_kg)), expected, "{protocol:?} {display:?}");
        }
    }

    #[test]
    fn the_toledo_check_makes_the_seven_bit_sum_zero() {
        for kg in [-40, 0, 20, 79_980] {
            for division_kg in [1, 2, 5, 10, 20, 50, 100] {
                let frame = encode(Protocol::Toledo, &still(kg), division_kg);
                assert_eq!(frame.len(), 18);
                assert_eq!(frame.iter().fold(0u8, |sum, byte| sum.wrapping_add(byte & 0x7F)) & 0x7F, 0);
            }
        }
    }

    #[test]
    fn overload_is_never_a_number() {
        let display = Display { overload: true, ..still(90_000) };
        assert!(encode(Protocol::Yaohua, &display, 20).is_empty());
        assert_eq!(encode(Protocol::Toledo, &display, 20)[2] & 0x04, 0x04);
        assert_eq!(&encode(Protocol::And, &display, 20)[..2], b"OL");
        assert_eq!(encode(Protocol::VishayLeo, &display, 20)[0] & 0x19, 0x09);
    }

    #[test]
    fn each_line_fault_changes_the_bytes() {
        for protocol in [Protocol::Yaohua, Protocol::Toledo, Protocol::And, Protocol::VishayLeo] {
            let good = encode(protocol, &still(43_260), 1);
            for faults in [
                LineFaults { bad_checksum: true, ..LineFaults::default() },
                LineFaults { swapped_digits: true, ..LineFaults::default() },
                LineFaults { garbage: true, ..LineFaults::default() },
                LineFaults { dtu_prefix: true, ..LineFaults::default() },
            ] {
                assert_ne!(spoil(protocol, good.clone(), &faults, 5), good, "{protocol:?} {faults:?}");
            }
            assert_eq!(spoil(protocol, good.clone(), &LineFaults::default(), 5), good);
        }
    }
}
