//! What one frame of an indicator said.
//!
//! Invariant: a reading with a [`Problem`] has no weight; one without has. There is no "zero because we do not know".

use std::fmt;

/// The largest magnitude of displayed digits: nine digits, more than any frame of a supported family carries.
pub const MAX_DIGITS: u32 = 9;
/// Bytes of a frame that a reading keeps, as received.
pub const MAX_RAW_BYTES: usize = 32;

/// A unit that a weight may be displayed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// kilogram
    #[default]
    Kg,
    /// tonne, 1000 kg
    T,
}

impl Unit {
    fn exponent_kg(self) -> i8 {
        match self {
            Unit::Kg => 0,
            Unit::T => 3,
        }
    }
}

/// An exact displayed weight: `digits · 10^exponent` kilograms. No floats, so what was displayed is what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Weight {
    digits: i64,
    exponent_kg: i8,
}

impl Weight {
    /// `digits · 10^-decimals` in `unit`; negative `decimals` are dummy zeros (×10, ×100).
    ///
    /// `None` if `digits` has more than [`MAX_DIGITS`] digits or `decimals` is outside `-2..=9`.
    #[must_use]
    pub fn new(digits: i64, decimals: i8, unit: Unit) -> Option<Weight> {
        let in_range = digits.unsigned_abs() < 10_u64.pow(MAX_DIGITS) && (-2..=9).contains(&decimals);
        in_range.then(|| Weight { digits, exponent_kg: unit.exponent_kg() - decimals })
    }

    /// Whole grams. Exact, but for digits finer than a gram: those round to the nearest, halves away from zero.
    #[must_use]
    pub fn grams(self) -> i64 {
        let exponent = i32::from(self.exponent_kg) + 3;
        let power = 10_i64.pow(exponent.unsigned_abs());
        if exponent >= 0 {
            // at most 9 digits and 10^8: below 10^17
            self.digits * power
        } else {
            (self.digits.abs() + power / 2) / power * self.digits.signum()
        }
    }
}

/// Kilograms as an exact decimal without trailing zeros: `43260`, `0.32`, `-113.0254`. Valid as a JSON number.
impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = self.digits.unsigned_abs();
        let mut exponent = self.exponent_kg;
        while exponent < 0 && digits.is_multiple_of(10) {
            digits /= 10;
            exponent += 1;
        }
        if self.digits < 0 {
            f.write_str("-")?;
        }
        let power = 10_u64.pow(u32::from(exponent.unsigned_abs()));
        if exponent >= 0 {
            write!(f, "{}", digits * power)
        } else {
            let places = usize::from(exponent.unsigned_abs());
            write!(f, "{}.{:0places$}", digits / power, digits % power)
        }
    }
}

/// What the indicator itself says about motion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stable {
    Yes,
    No,
    /// The family has no such flag, or the frame is not a weight.
    Unknown,
}

/// Which weight is displayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Gross,
    Net,
    Tare,
}

impl Kind {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Kind::Gross => "gross",
            Kind::Net => "net",
            Kind::Tare => "tare",
        }
    }
}

/// Why a well-formed frame gives no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Problem {
    Overload,
    Underload,
    /// Over or under; the frame does not say which.
    OutOfRange,
    /// The display shows something that is not a weight, or blanks.
    NoWeight,
    /// The power-up zero has not been captured yet: any number would be from before the power came back.
    ZeroNotCaptured,
    /// The display is held: the number is not of now.
    Held,
    /// A service display with one more digit, whose place is not agreed between makers.
    ExpandedDisplay,
    /// The unit is neither kg nor t.
    Unit,
}

impl Problem {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Problem::Overload => "overload",
            Problem::Underload => "underload",
            Problem::OutOfRange => "out_of_range",
            Problem::NoWeight => "no_weight",
            Problem::ZeroNotCaptured => "zero_not_captured",
            Problem::Held => "held",
            Problem::ExpandedDisplay => "expanded_display",
            Problem::Unit => "unit",
        }
    }
}

/// The bytes of a frame as received, at most [`MAX_RAW_BYTES`], kept with the weighing as evidence.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Raw {
    len: u8,
    bytes: [u8; MAX_RAW_BYTES],
}

impl Raw {
    /// Keeps the first [`MAX_RAW_BYTES`] of `frame`.
    #[must_use]
    pub fn new(frame: &[u8]) -> Raw {
        let mut bytes = [0; MAX_RAW_BYTES];
        let len = frame.len().min(MAX_RAW_BYTES);
        bytes[..len].copy_from_slice(&frame[..len]);
        Raw { len: u8::try_from(len).unwrap_or(0), bytes }
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.as_bytes().escape_ascii())
    }
}

/// One display of one indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Present exactly when `problem` is absent.
    pub weight: Option<Weight>,
    pub stable: Stable,
    /// `None` where the family does not say which weight is displayed.
    pub kind: Option<Kind>,
    /// The indicator's own zero flag; `None` where the family has none.
    pub zero: Option<bool>,
    /// Below the scale's verified minimum load: a true number, but no trade weighing. An empty platform is always so.
    pub under_minimum: bool,
    pub problem: Option<Problem>,
    /// 1 but for records that carry a second platform.
    pub platform: u8,
    pub raw: Raw,
}

impl Reading {
    /// A number, with nothing else said.
    #[must_use]
    pub fn number(weight: Weight, raw: Raw) -> Reading {
        Reading {
            weight: Some(weight),
            stable: Stable::Unknown,
            kind: None,
            zero: None,
            under_minimum: false,
            problem: None,
            platform: 1,
            raw,
        }
    }

    /// No number, and why.
    #[must_use]
    pub fn without_number(problem: Problem, raw: Raw) -> Reading {
        Reading {
            weight: None,
            stable: Stable::Unknown,
            kind: None,
            zero: None,
            under_minimum: false,
            problem: Some(problem),
            platform: 1,
            raw,
        }
    }

    /// The weight in whole grams (see [`Weight::grams`]); `None` exactly when there is a problem.
    #[must_use]
    pub fn grams(&self) -> Option<i64> {
        self.weight.map(Weight::grams)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_printed_as_it_was_displayed_and_converted_to_whole_grams() {
        let cases: &[(i64, i8, Unit, &str, i64)] = &[
            (43_260, 0, Unit::Kg, "43260", 43_260_000),
            (43_260, 3, Unit::T, "43260", 43_260_000),
            (4_326, 2, Unit::T, "43260", 43_260_000),
            (32, 2, Unit::Kg, "0.32", 320),
            (-1_130_254, 4, Unit::Kg, "-113.0254", -113_025),
            (-1_130_255, 4, Unit::Kg, "-113.0255", -113_026),
            (450, 1, Unit::Kg, "45", 45_000),
            (4_326, -1, Unit::Kg, "43260", 43_260_000),
            (156, -2, Unit::Kg, "15600", 15_600_000),
            (0, 4, Unit::Kg, "0", 0),
            (-5, 3, Unit::Kg, "-0.005", -5),
            (999_999_999, -2, Unit::T, "99999999900000", 99_999_999_900_000_000),
            (1, 9, Unit::Kg, "0.000000001", 0),
        ];
        for &(digits, decimals, unit, text, grams) in cases {
            let weight = Weight::new(digits, decimals, unit).unwrap();
            assert_eq!((weight.to_string().as_str(), weight.grams()), (text, grams), "{digits} e-{decimals} {unit:?}");
        }
        assert_eq!(Weight::new(1_000_000_000, 0, Unit::Kg), None);
        assert_eq!(Weight::new(1, 10, Unit::Kg), None);
    }
}
