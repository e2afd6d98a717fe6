//! What a reader says of one frame: a distribution over symbols for every place of the plate.
//!
//! A slot names its most probable symbols with their log-probabilities; the mass they leave is shared evenly by the
//! symbols not named. A read is slots plus what the frame is worth: by what the camera measured of the plate ([`Sight`]), or
//! by a plain quality where a camera reads by itself.

use crate::plate::confusable::class_mates;
use crate::plate::milli_nats::{MilliNats, ONE, exp, ln};
use crate::plate::symbol::{SYMBOL_COUNT, Symbol};
use crate::plate::text::{PLATE_MAX_SYMBOLS, PlateText};
use crate::plate::worth::{Sight, WorthRules};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Symbols a slot may name.
pub const SLOT_MAX_ALTERNATIVES: usize = 8;
/// Lower log-probabilities count as this: e^-20, two in a thousand million.
pub const SLOT_FLOOR: MilliNats = MilliNats(-20_000);
/// Rounding to milli-nats may make a sum of eight a little more than one.
const MASS_LIMIT: u64 = ONE + ONE / 50;

/// Why a reader's answer is not a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// A slot without symbols.
    #[error("a slot names no symbol")]
    EmptySlot,
    /// A slot with more symbols than [`SLOT_MAX_ALTERNATIVES`].
    #[error("a slot names {0} symbols, more than {SLOT_MAX_ALTERNATIVES}")]
    TooManyAlternatives(usize),
    /// A symbol named twice.
    #[error("a slot names {0} twice")]
    Repeated(Symbol),
    /// A log-probability above 0.
    #[error("a slot gives {symbol} a log-probability of {milli_nats} milli-nats, above 0")]
    AboveCertain {
        /// The symbol.
        symbol: Symbol,
        /// As given.
        milli_nats: i32,
    },
    /// The probabilities add up to more than one.
    #[error("the probabilities of a slot add up to more than one")]
    MassOverOne,
    /// No slots, or more than a plate has symbols.
    #[error("a read has {0} slots; 1 to {PLATE_MAX_SYMBOLS} are possible")]
    SlotCount(usize),
    /// Quality outside 1 to 1000.
    #[error("a read's quality is {0} permille; 1 to 1000 are possible")]
    Quality(u16),
}

/// A symbol and its log-probability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Alternative {
    /// The symbol.
    pub symbol: Symbol,
    /// Its log-probability in this slot, at most 0.
    pub log_prob: MilliNats,
}

/// The distribution of one place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<Alternative>", into = "Vec<Alternative>")]
pub struct Slot {
    // Best first, ties by symbol; at least one.
    named: Vec<Alternative>,
    // Of each symbol that is not named.
    other: MilliNats,
}

impl Slot {
    /// Checks and orders the named symbols. Log-probabilities below [`SLOT_FLOOR`] are raised to it.
    pub fn new(mut named: Vec<Alternative>) -> Result<Self, ReadError> {
        if named.is_empty() {
            return Err(ReadError::EmptySlot);
        }
        if named.len() > SLOT_MAX_ALTERNATIVES {
            return Err(ReadError::TooManyAlternatives(named.len()));
        }
        let mut mass = 0_u64;
        for at in 0..named.len() {
            let Alternative { symbol, log_prob } = named[at];
            if log_prob > MilliNats::CERTAIN {
                return Err(ReadError::AboveCertain { symbol, milli_nats: log_prob.0 });
            }
            if named[..at].iter().any(|earlier| earlier.symbol == symbol) {
                return Err(ReadError::Repeated(symbol));
            }
            named[at].log_prob = log_prob.max(SLOT_FLOOR);
            mass += exp(named[at].log_prob);
        }
        if mass > MASS_LIMIT {
            return Err(ReadError::MassOverOne);
        }
        Ok(Self::of_named(named))
    }

    /// A slot of one symbol with one confidence, as a camera that reads by itself gives it. Half of what the confidence
    /// leaves goes to the symbol's confusable neighbours: an error of a reader is seldom any symbol of the alphabet.
    pub fn of(symbol: Symbol, confidence_ppm: u32) -> Self {
        let confidence_ppm = confidence_ppm.min(1_000_000);
        let neighbours = class_mates(symbol).count().max(1) as u32;
        let neighbour_log_prob = MilliNats::from_ppm((1_000_000 - confidence_ppm) / 2 / neighbours).max(SLOT_FLOOR);
        let mut named: Vec<Alternative> = class_mates(symbol).map(|symbol| Alternative { symbol, log_prob: neighbour_log_prob }).collect();
        named.push(Alternative { symbol, log_prob: MilliNats::from_ppm(confidence_ppm).max(SLOT_FLOOR) });
        Self::of_named(named)
    }

    /// `named` is not empty and each symbol is in it once, at the floor or above.
    fn of_named(mut named: Vec<Alternative>) -> Self {
        named.sort_by(best_first);
        let mass: u64 = named.iter().map(|named| exp(named.log_prob)).sum();
        let others = (SYMBOL_COUNT - named.len()) as u64;
        let other = ln(u128::from(ONE.saturating_sub(mass) / others)).max(SLOT_FLOOR);
        Self { named, other }
    }

    /// The named symbols, best first; at least one.
    pub fn named(&self) -> &[Alternative] {
        &self.named
    }

    /// The best named symbol.
    pub fn best(&self) -> Symbol {
        self.named[0].symbol
    }

    /// The log-probability of any symbol.
    pub fn log_prob(&self, symbol: Symbol) -> MilliNats {
        self.named.iter().find(|named| named.symbol == symbol).map_or(self.other, |named| named.log_prob)
    }
}

impl TryFrom<Vec<Alternative>> for Slot {
    type Error = ReadError;
    fn try_from(named: Vec<Alternative>) -> Result<Self, ReadError> {
        Self::new(named)
    }
}

impl From<Slot> for Vec<Alternative> {
    fn from(slot: Slot) -> Self {
        slot.named
    }
}

/// Higher probability first; the lower symbol first among equals, so that order never depends on the input's.
pub(super) fn best_first(a: &Alternative, b: &Alternative) -> core::cmp::Ordering {
    b.log_prob.cmp(&a.log_prob).then(a.symbol.cmp(&b.symbol))
}

/// What a reader says of one frame.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Read {
    slots: Vec<Slot>,
    quality_permille: u16,
    sight: Option<Sight>,
}

#[derive(Deserialize)]
struct Unchecked {
    slots: Vec<Slot>,
    quality_permille: u16,
    #[serde(default)]
    sight: Option<Sight>,
}

impl TryFrom<Unchecked> for Read {
    type Error = ReadError;
    fn try_from(read: Unchecked) -> Result<Self, ReadError> {
        Self::new(read.slots, read.quality_permille).map(|checked| Self { sight: read.sight, ..checked })
    }
}

impl Read {
    /// 1 to 12 slots; quality 1 to 1000 permille of a perfect frame.
    pub fn new(slots: Vec<Slot>, quality_permille: u16) -> Result<Self, ReadError> {
        if slots.is_empty() || slots.len() > PLATE_MAX_SYMBOLS {
            return Err(ReadError::SlotCount(slots.len()));
        }
        if !(1..=1000).contains(&quality_permille) {
            return Err(ReadError::Quality(quality_permille));
        }
        Ok(Self { slots, quality_permille, sight: None })
    }

    /// The same read with what the camera measured of the plate: its worth follows from that.
    #[must_use]
    pub fn with_sight(self, sight: Sight) -> Self {
        Self { sight: Some(sight), ..self }
    }

    /// A text with one confidence for all its symbols, as a camera that reads by itself gives it.
    pub fn of_text(text: &PlateText, symbol_confidence_ppm: u32, quality_permille: u16) -> Result<Self, ReadError> {
        Self::new(text.symbols().iter().map(|&symbol| Slot::of(symbol, symbol_confidence_ppm)).collect(), quality_permille)
    }

    /// The places, left to right, upper line first; 1 to 12.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Worth against a perfect frame, 1 to 1000: what the sight is worth times the plain quality.
    pub fn worth_permille(&self, rules: &WorthRules) -> u16 {
        let seen = self.sight.map_or(1000, |sight| sight.worth_permille(rules));
        // Both are at most 1000.
        (u32::from(self.quality_permille) * u32::from(seen) / 1000).max(1) as u16
    }

    /// What the camera measured, where it did.
    pub fn sight(&self) -> Option<&Sight> {
        self.sight.as_ref()
    }

    /// Log-probability of the best symbol of every slot together: how sure the frame is by itself.
    pub fn best_log_prob(&self) -> MilliNats {
        self.slots.iter().fold(MilliNats::CERTAIN, |sum, slot| sum.plus(slot.named[0].log_prob))
    }

    /// Is the best symbol of every slot the text's?
    pub fn reads_as(&self, text: &PlateText) -> bool {
        self.slots.iter().map(Slot::best).eq(text.symbols().iter().copied())
    }

    /// Do half of the text's symbols or more stand in their order among the best symbols? A misread plate is much like itself, another plate
    /// is not.
    pub fn is_much_like(&self, text: &PlateText) -> bool {
        let mut left = self.slots.iter().map(Slot::best);
        let found = text.symbols().iter().filter(|&&symbol| {
            let mut ahead = left.clone();
            let is_there = ahead.any(|best| best == symbol);
            if is_there {
                left = ahead;
            }
            is_there
        });
        found.count() * 2 >= text.symbol_count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, vec};

    fn alternative(c: char, milli_nats: i32) -> Alternative {
        Alternative { symbol: Symbol::from_char(c).unwrap(), log_prob: MilliNats(milli_nats) }
    }

    #[test]
    fn a_slot_shares_what_is_left_among_the_others() {
        let slot = Slot::new(vec![alternative('3', -2303), alternative('8', -223)]).unwrap();
        assert_eq!(slot.best().as_char(), '8');
        assert_eq!(slot.log_prob(Symbol::from_char('3').unwrap()), MilliNats(-2303));
        // 10 % is left for 72 symbols.
        let other = slot.log_prob(Symbol::from_char('B').unwrap()).0;
        assert!((-6585..=-6575).contains(&other), "{other}");
        let certain = Slot::new(vec![alternative('3', 0)]).unwrap();
        assert_eq!(certain.log_prob(Symbol::from_char('8').unwrap()), SLOT_FLOOR);
        assert_eq!(Slot::of(Symbol::ZERO, 0).log_prob(Symbol::ZERO), SLOT_FLOOR);
        // 3 with 90 %: its three mates have 1.7 % each, the other 70 symbols share 5 %.
        let three = Slot::of(Symbol::from_char('3').unwrap(), 900_000);
        assert_eq!(three.log_prob(Symbol::from_char('1').unwrap()), MilliNats::from_ppm(16_666));
        let other = three.log_prob(Symbol::from_char('5').unwrap()).0;
        assert!((-7250..=-7235).contains(&other), "{other}");
    }

    #[test]
    fn bad_slots_and_reads_are_refused_by_name() {
        assert_eq!(Slot::new(vec![]), Err(ReadError::EmptySlot));
        assert_eq!(
            Slot::new(vec![alternative('1', -700), alternative('1', -900)]),
            Err(ReadError::Repeated(Symbol::from_char('1').unwrap()))
        );
        assert_eq!(
            Slot::new(vec![alternative('1', 3)]),
            Err(ReadError::AboveCertain { symbol: Symbol::from_char('1').unwrap(), milli_nats: 3 })
        );
        assert_eq!(Slot::new(vec![alternative('1', -10), alternative('2', -10)]), Err(ReadError::MassOverOne));
        let nine = ('1'..='9').map(|c| alternative(c, -5000)).collect();
        assert_eq!(Slot::new(nine), Err(ReadError::TooManyAlternatives(9)));
        let slot = Slot::of(Symbol::ZERO, 900_000);
        assert_eq!(Read::new(vec![], 1000), Err(ReadError::SlotCount(0)));
        assert_eq!(Read::new(vec![slot.clone(); 13], 1000), Err(ReadError::SlotCount(13)));
        assert_eq!(Read::new(vec![slot.clone()], 0), Err(ReadError::Quality(0)));
        assert_eq!(Read::new(vec![slot], 1001), Err(ReadError::Quality(1001)));
    }

    #[test]
    fn a_read_is_checked_again_when_it_is_restored() {
        let text = PlateText::parse("12C12345").unwrap();
        let read = Read::of_text(&text, 990_000, 800).unwrap();
        let json = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Read>(&json).unwrap(), read);
        assert!(read.reads_as(&text));
        let bad = format!("{{\"slots\":{},\"quality_permille\":9}}", "[[{\"symbol\":\"1\",\"log_prob\":7}]]");
        let error = format!("{}", serde_json::from_str::<Read>(&bad).unwrap_err());
        assert!(error.contains("above 0"), "{error}");
    }
}
