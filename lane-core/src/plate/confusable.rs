//! The confusable key: an index for near candidates.
//!
//! Symbols that cameras and readers take for one another share a class; a key replaces each symbol by the first
//! of its class. Two plates with one key are neighbours that a dirty, slanted or dark picture can swap. The cache
//! indexes declared plates by key and returns all of a key; `matching` then weighs them with the read's own
//! distributions, so that a wide class costs a few candidates and a narrow one costs a missed competitor.
//!
//! | class | members | why |
//! |---|---|---|
//! | `0` | 0 O D Q | round, closed; a bolt or dirt makes the tail of Q and the corners of D |
//! | `1` | 1 I L | one stroke |
//! | `2` | 2 Z | |
//! | `3` | 3 8 B | two bowls; the left side closes or opens with dirt and glare |
//! | `4` | 4 A | the open-legged 4 of Vietnamese plates |
//! | `5` | 5 S | |
//! | `6` | 6 C G | |
//! | `7` | 7 T | the straight 7 of Vietnamese plates |
//! | `E` | E F | the foot is covered by the frame |
//! | `K` | K X | |
//! | `M` | M N | narrow faces |
//! | `P` | P R | |
//! | `U` | U V | |
//!
//! Every other symbol, Chinese characters included, stands alone. Length is kept: a lost symbol is another length
//! hypothesis of the read, not a confusion. The key says nothing of likelihood and is never shown to a person.
//! Changing a class changes stored keys: the cache must then be rebuilt ([`CONFUSABLE_VERSION`]).

use crate::plate::{symbol::Symbol, text::PlateText};

/// Raised with every change of the classes; stored beside an index of keys.
pub const CONFUSABLE_VERSION: u32 = 1;

/// The key of a plate: same length, each symbol replaced by the first of its class. Idempotent.
pub fn confusable_key(text: &PlateText) -> PlateText {
    text.map(|symbol| Symbol::from_char(representative(symbol.as_char())).unwrap_or(symbol))
}

/// The other symbols of a symbol's class.
pub(super) fn class_mates(symbol: Symbol) -> impl Iterator<Item = Symbol> {
    let class = representative(symbol.as_char());
    Symbol::all().filter(move |&other| other != symbol && representative(other.as_char()) == class)
}

fn representative(c: char) -> char {
    match c {
        'O' | 'D' | 'Q' => '0',
        'I' | 'L' => '1',
        'Z' => '2',
        '8' | 'B' => '3',
        'A' => '4',
        'S' => '5',
        'C' | 'G' => '6',
        'T' => '7',
        'F' => 'E',
        'X' => 'K',
        'N' => 'M',
        'R' => 'P',
        'V' => 'U',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::ToString, vec::Vec};
    use proptest::prelude::*;

    fn key(text: &str) -> PlateText {
        confusable_key(&PlateText::parse(text).unwrap())
    }

    #[test]
    fn neighbours_share_a_key() {
        for (one, other) in [
            ("12C12345", "12G12345"),
            ("29D00001", "29O0D0QL"),
            ("51B12388", "518I23B3"),
            ("桂FZ5678", "桂F25678"),
            ("30T77714", "3077771A"),
        ] {
            assert_eq!(key(one), key(other), "{one} {other}");
        }
    }

    #[test]
    fn others_do_not() {
        for (one, other) in [("12C12345", "12C12346"), ("12C12345", "12C1234"), ("桂F12345", "贵F12345"), ("12C12345", "12H12345")] {
            assert_ne!(key(one), key(other), "{one} {other}");
        }
        assert_eq!(key("12C12345").to_string(), "12612345");
    }

    fn any_text() -> impl Strategy<Value = PlateText> {
        let all: Vec<Symbol> = Symbol::all().collect();
        proptest::collection::vec(proptest::sample::select(all), 1..=12).prop_map(|symbols| PlateText::from_symbols(symbols).unwrap())
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key_and_keeps_the_length(text in any_text()) {
            let key = confusable_key(&text);
            prop_assert_eq!(confusable_key(&key), key);
            prop_assert_eq!(key.symbol_count(), text.symbol_count());
        }

        #[test]
        fn a_key_depends_on_each_symbol_alone(text in any_text()) {
            let whole = confusable_key(&text);
            for (at, symbol) in text.symbols().iter().enumerate() {
                let alone = confusable_key(&PlateText::from_symbols([*symbol]).unwrap());
                prop_assert_eq!(alone.symbols()[0], whole.symbols()[at]);
            }
        }
    }
}
