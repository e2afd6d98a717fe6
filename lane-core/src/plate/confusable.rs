//! The confusable key: an index for near candidates.
//!
//! Symbols that cameras and readers take for one another share a class; a key replaces each symbol by the first
//! of its class. Two plates with one key are neighbours that a dirty, slanted or dark picture can swap. The cache
//! indexes declared plates by key and returns all of a key; `matching` then weighs them with the read's own
//! distributions, so that a wide class costs a few candidates and a narrow one costs a missed competitor.
//!
//! The classes are learnt, not guessed: `models/training/confusions.py table` runs the shipped networks over rendered plates of every kind, far and
//! blurred ones too, and joins what is most often taken for one another ([`confusions.csv`](../confusions.csv): read y where x stands, how often,
//! of how many x). They begin with what people mistype as well (0 O D Q, 1 I, 2 Z, 5 S, 8 B, 6 G), which plates seldom bear and the table hardly
//! knows. No class has more than two digits or five symbols: a class of three digits would find a fleet's whole series, and an answer that
//! is cut short ([`MAX_CANDIDATES`](crate::rules::MAX_CANDIDATES)) lets nobody through.
//!
//! Measured (16,000 rendered reads): these catch 41 % of all confusions, classes by the eye (0 O D Q, 3 8 B, 7 T, M N ...) had caught 15 %: far
//! plates are taken for their likes by size and blur (6 8, 5 6, 2 7, 0 9, V Y, H M W) more than by shape. Of fused reads with a wrong
//! best text, a look-up of six texts finds the true plate in about 75 % (62 %).
//!
//! Every other symbol stands alone. Length is kept: a lost symbol is another length
//! hypothesis of the read, not a confusion. The key says nothing of likelihood and is never shown to a person.
//! Changing a class changes stored keys: the cache keeps the key of every symbol and begins anew when one differs.

use crate::plate::{symbol::Symbol, text::PlateText};

/// The key of a plate: same length, each symbol replaced by the first of its class. Idempotent.
pub fn confusable_key(text: &PlateText) -> PlateText {
    text.map(|symbol| Symbol::from_char(representative(symbol.as_char())).unwrap_or(symbol))
}

/// The other symbols of a symbol's class.
pub(super) fn class_mates(symbol: Symbol) -> impl Iterator<Item = Symbol> {
    let class = representative(symbol.as_char());
    Symbol::all().filter(move |&other| other != symbol && representative(other.as_char()) == class)
}

/// Symbols that are taken for one another; the first stands for all.
const CLASSES: [&str; 14] = [
    "09DOQ",
    "13IT",
    "27PZ",
    "45AS",
    "68BCG",
    "EFL",
    "HMNRW",
    "JU",
    "KVXY",
    "云京津豫陕",
    "冀川藏闽黑",
    "吉晋贵青鲁",
    "新浙渝湘苏",
    "桂琼皖粤赣",
];

fn representative(c: char) -> char {
    CLASSES.iter().find(|class| class.contains(c)).and_then(|class| class.chars().next()).unwrap_or(c)
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
            ("29D00001", "29O0D0Q1"),
            ("51B12388", "51612366"),
            ("桂FZ5678", "粤F25678"),
            ("30T77714", "30177214"),
        ] {
            assert_eq!(key(one), key(other), "{one} {other}");
        }
    }

    #[test]
    fn others_do_not() {
        for (one, other) in [("12C12345", "12C12346"), ("12C12345", "12C1234"), ("桂F12345", "贵F12345"), ("12C12345", "12H12345")] {
            assert_ne!(key(one), key(other), "{one} {other}");
        }
        assert_eq!(key("12C12345").to_string(), "12612144");
    }

    #[test]
    fn classes_catch_what_was_measured_and_stay_narrow() {
        let of = |text: &str| Symbol::from_char(text.chars().next().unwrap()).unwrap();
        let (mut caught, mut all) = (0, 0);
        for row in include_str!("confusions.csv").lines().skip(1) {
            let [a, b, times, _]: [&str; 4] = row.split(',').collect::<Vec<_>>().try_into().unwrap();
            let times: u32 = times.parse().unwrap();
            all += times;
            caught += if class_mates(of(a)).any(|mate| mate == of(b)) { times } else { 0 };
        }
        assert!(caught * 100 >= all * 40, "{caught} of {all}");
        let mut seen: Vec<char> = Vec::new();
        for class in CLASSES {
            assert!(class.chars().count() <= 5 && class.chars().filter(char::is_ascii_digit).count() <= 2, "{class}");
            seen.extend(class.chars());
        }
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count, "a symbol stands in one class");
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
