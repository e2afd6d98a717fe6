//! The closed alphabet of plates: `0`–`9`, `A`–`Z`, the 31 Chinese province characters and the seven Chinese
//! suffix or prefix characters. A reader's output, a declared plate and a typed plate use the same symbols, so
//! that a distribution over symbols has a known size.
//!
//! Order (and `Ord`): digits, letters, provinces, suffixes. Source of the Chinese characters: GA 36-2018.

use core::fmt;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Number of symbols a slot can hold.
pub const SYMBOL_COUNT: usize = 74;
const FIRST_LETTER: u8 = 10;
const FIRST_PROVINCE: u8 = 36;
const FIRST_SUFFIX: u8 = 67;

const CHARS: [char; SYMBOL_COUNT] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', // digits
    'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', // letters
    'N', 'O', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', //
    '京', '津', '沪', '渝', '冀', '豫', '云', '辽', '黑', '湘', '皖', // provinces
    '鲁', '新', '苏', '浙', '赣', '鄂', '桂', '甘', '晋', '蒙', '陕', //
    '吉', '闽', '贵', '粤', '青', '藏', '川', '宁', '琼', //
    '挂', '学', '警', '港', '澳', '领', '使', // suffixes, and 使 which leads
];

/// One character of a plate. Serialised as a string of that one character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(u8);

impl Symbol {
    /// The digit `0`, first of the alphabet.
    pub const ZERO: Self = Self(0);

    /// The symbol of an upper-case ASCII letter, an ASCII digit or one of the Chinese characters; else `None`.
    /// Lower case, full width and Đ are the business of [`crate::plate::text::PlateText::parse`].
    pub fn from_char(c: char) -> Option<Self> {
        match c {
            '0'..='9' => Some(Self(c as u8 - b'0')),
            'A'..='Z' => Some(Self(c as u8 - b'A' + FIRST_LETTER)),
            _ => {
                let chinese = &CHARS[usize::from(FIRST_PROVINCE)..];
                let at = chinese.iter().position(|&known| known == c)?;
                u8::try_from(at).ok().map(|at| Self(at + FIRST_PROVINCE))
            }
        }
    }

    /// Every symbol, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..SYMBOL_COUNT as u8).map(Self)
    }

    /// Place in the alphabet, `0..SYMBOL_COUNT`.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// As printed on a plate.
    pub fn as_char(self) -> char {
        CHARS[self.index()]
    }

    /// The value of a digit.
    pub fn digit(self) -> Option<u8> {
        (self.0 < FIRST_LETTER).then_some(self.0)
    }

    /// True for `0`–`9`.
    pub fn is_digit(self) -> bool {
        self.digit().is_some()
    }

    /// The upper-case ASCII letter.
    pub fn letter(self) -> Option<char> {
        (FIRST_LETTER..FIRST_PROVINCE).contains(&self.0).then(|| self.as_char())
    }

    /// True for `A`–`Z`.
    pub fn is_letter(self) -> bool {
        self.letter().is_some()
    }

    /// True for a Chinese province character.
    pub fn is_province(self) -> bool {
        (FIRST_PROVINCE..FIRST_SUFFIX).contains(&self.0)
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_char())
    }
}

impl Serialize for Symbol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_char(self.as_char())
    }
}

impl<'de> Deserialize<'de> for Symbol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let c = char::deserialize(deserializer)?;
        Self::from_char(c).ok_or_else(|| de::Error::custom(format_args!("{c:?} is on no plate")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::String, vec::Vec};

    #[test]
    fn every_symbol_is_found_by_its_character_and_none_twice() {
        for symbol in Symbol::all() {
            assert_eq!(Symbol::from_char(symbol.as_char()), Some(symbol));
        }
        assert_eq!(Symbol::all().count(), SYMBOL_COUNT);
        assert_eq!(Symbol::all().filter(|s| s.is_province()).count(), 31);
        assert_eq!(Symbol::all().filter(|s| s.is_letter()).count(), 26);
        assert_eq!(Symbol::all().filter(|s| s.is_digit()).count(), 10);
    }

    #[test]
    fn what_is_on_no_plate_is_no_symbol() {
        for c in ['a', '-', 'Đ', 'Ａ', '中', ' ', '\u{0}'] {
            assert_eq!(Symbol::from_char(c), None, "{c:?}");
        }
    }

    #[test]
    fn a_symbol_travels_as_its_character() {
        let all: Vec<Symbol> = Symbol::all().collect();
        let json = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Symbol>>(&json).unwrap(), all);
        let error: String = alloc::format!("{}", serde_json::from_str::<Symbol>("\"中\"").unwrap_err());
        assert!(error.contains("on no plate"), "{error}");
    }
}
