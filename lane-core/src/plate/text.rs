//! The text of a plate: 1 to 12 symbols of the closed alphabet, without separators.
//!
//! Normal form, made by [`PlateText::parse`] from whatever people and systems write:
//! * lower case becomes upper case; `Đ`/`đ` becomes `D` (it is printed on Vietnamese plates, and readers give `D`);
//! * full-width letters, digits and separators become their ASCII forms;
//! * blanks, dots, dashes, slashes, underscores and middle dots are dropped;
//! * anything else is refused with its place: a plate is never guessed from bad text.

use crate::plate::symbol::Symbol;
use alloc::string::String;
use core::fmt;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Symbols in the longest plate text. The longest known forms have nine (`80NG63134`); the rest is for foreign plates.
pub const PLATE_MAX_SYMBOLS: usize = 12;
/// Characters, separators included, that are looked at before the text is refused.
pub const PLATE_MAX_INPUT_CHARS: usize = 64;

/// Why a text is not a plate text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlateTextError {
    /// Nothing is left after the separators.
    #[error("the plate is empty")]
    Empty,
    /// More symbols, or more characters with separators, than a plate can have.
    #[error("the plate has more than {max} {of}")]
    TooLong {
        /// The limit that was passed.
        max: usize,
        /// What was counted: `symbols` or `characters`.
        of: &'static str,
    },
    /// A character that is on no plate; `at` counts characters of the input from 0.
    #[error("{character:?} at character {at} is on no plate")]
    UnknownCharacter {
        /// The character as given.
        character: char,
        /// Its place in the input, in characters from 0.
        at: usize,
    },
}

/// A plate in normal form. `Ord` is by symbols, then length. Serialised as a string, normalised when read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlateText {
    // Unused places hold the first symbol, so that derived equality is equality of texts.
    symbols: [Symbol; PLATE_MAX_SYMBOLS],
    len: u8,
}

impl PlateText {
    pub(super) const ZERO: Self = Self { symbols: [Symbol::ZERO; PLATE_MAX_SYMBOLS], len: 1 };

    /// Normalises and checks; see the module's header.
    pub fn parse(input: &str) -> Result<Self, PlateTextError> {
        let mut text = Self::blank();
        for (at, character) in input.chars().enumerate() {
            if at >= PLATE_MAX_INPUT_CHARS {
                return Err(PlateTextError::TooLong { max: PLATE_MAX_INPUT_CHARS, of: "characters" });
            }
            let folded = fold(character);
            if is_separator(folded) {
                continue;
            }
            let symbol = Symbol::from_char(folded).ok_or(PlateTextError::UnknownCharacter { character, at })?;
            text.push(symbol)?;
        }
        text.not_empty()
    }

    /// A text of symbols as a reader gives them.
    pub fn from_symbols(symbols: impl IntoIterator<Item = Symbol>) -> Result<Self, PlateTextError> {
        let mut text = Self::blank();
        for symbol in symbols {
            text.push(symbol)?;
        }
        text.not_empty()
    }

    /// The symbols, 1 to 12.
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols[..usize::from(self.len)]
    }

    /// Number of symbols, 1 to 12.
    pub fn symbol_count(&self) -> usize {
        usize::from(self.len)
    }

    /// The same length with every symbol replaced.
    pub fn map(mut self, mut replace: impl FnMut(Symbol) -> Symbol) -> Self {
        for symbol in &mut self.symbols[..usize::from(self.len)] {
            *symbol = replace(*symbol);
        }
        self
    }

    pub(super) fn blank() -> Self {
        Self { symbols: [Symbol::ZERO; PLATE_MAX_SYMBOLS], len: 0 }
    }

    pub(super) fn push(&mut self, symbol: Symbol) -> Result<(), PlateTextError> {
        let at = usize::from(self.len);
        if at >= PLATE_MAX_SYMBOLS {
            return Err(PlateTextError::TooLong { max: PLATE_MAX_SYMBOLS, of: "symbols" });
        }
        self.symbols[at] = symbol;
        self.len += 1;
        Ok(())
    }

    fn not_empty(self) -> Result<Self, PlateTextError> {
        if self.len == 0 { Err(PlateTextError::Empty) } else { Ok(self) }
    }
}

fn fold(c: char) -> char {
    match c {
        'đ' | 'Đ' | '\u{00D0}' | '\u{00F0}' => 'D', // Eth is what some keyboards and code pages give for Đ
        '\u{FF01}'..='\u{FF5E}' => {
            // Full-width forms mirror ASCII 0x21..=0x7E.
            char::from_u32(c as u32 - 0xFF01 + 0x21).unwrap_or(c).to_ascii_uppercase()
        }
        _ => c.to_ascii_uppercase(),
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '.' | '_' | '/' | ',' | '·' | '•' | '‧' | '・' | '∙' | '‐' | '‑' | '‒' | '–' | '—' | '−')
}

impl core::str::FromStr for PlateText {
    type Err = PlateTextError;
    fn from_str(input: &str) -> Result<Self, Self::Err> {
        Self::parse(input)
    }
}

impl fmt::Display for PlateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.symbols().iter().try_for_each(|symbol| write!(f, "{symbol}"))
    }
}

impl fmt::Debug for PlateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlateText({self})")
    }
}

impl Serialize for PlateText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PlateText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString};
    use proptest::prelude::*;

    #[test]
    fn what_people_write_becomes_one_normal_form() {
        for (input, expect) in [
            ("12C-123.45", "12C12345"),
            (" 29a 1234 ", "29A1234"),
            ("51-TĐ 123.45", "51TD12345"),
            ("29 mđ1 234.56", "29MD123456"),
            ("桂F·12345", "桂F12345"),
            ("桂Ｆ•ａ１２３４", "桂FA1234"),
            ("粤Z 1234 港", "粤Z1234港"),
            ("80—NG–631‑34", "80NG63134"),
        ] {
            assert_eq!(PlateText::parse(input).unwrap().to_string(), expect, "{input}");
        }
    }

    #[test]
    fn what_is_no_plate_is_refused_with_its_place() {
        assert_eq!(PlateText::parse(""), Err(PlateTextError::Empty));
        assert_eq!(PlateText::parse(" -.- "), Err(PlateTextError::Empty));
        assert_eq!(PlateText::parse("12C#345"), Err(PlateTextError::UnknownCharacter { character: '#', at: 3 }));
        assert_eq!(PlateText::parse("中A12345"), Err(PlateTextError::UnknownCharacter { character: '中', at: 0 }));
        assert!(PlateText::parse("123456789012").is_ok());
        assert_eq!(PlateText::parse("1234567890123"), Err(PlateTextError::TooLong { max: PLATE_MAX_SYMBOLS, of: "symbols" }));
        let blanks = " ".repeat(PLATE_MAX_INPUT_CHARS + 1);
        assert_eq!(PlateText::parse(&blanks), Err(PlateTextError::TooLong { max: PLATE_MAX_INPUT_CHARS, of: "characters" }));
    }

    #[test]
    fn texts_of_other_lengths_differ() {
        assert_ne!(PlateText::parse("120").unwrap(), PlateText::parse("12").unwrap());
    }

    #[test]
    fn a_text_travels_as_a_string_and_is_normalised_when_read() {
        let text: PlateText = serde_json::from_str("\"12c-123.45\"").unwrap();
        assert_eq!(serde_json::to_string(&text).unwrap(), "\"12C12345\"");
        assert!(serde_json::from_str::<PlateText>("\"12C?\"").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_has_a_stable_normal_form(input in "\\PC{0,70}") {
            if let Ok(text) = PlateText::parse(&input) {
                prop_assert!((1..=PLATE_MAX_SYMBOLS).contains(&text.symbol_count()));
                prop_assert_eq!(PlateText::parse(&format!("{text}")), Ok(text));
            }
        }
    }
}
