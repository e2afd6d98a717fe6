//! Voting over frames: the reads of one track become one fused read.
//!
//! Terms: a *track* is one vehicle in view of one camera; its *reads* are kept, the weakest going first when there are
//! too many. A *hypothesis* is "the plate has n symbols"; each read is evidence for the hypothesis of its own length.
//!
//! ```text
//!   weight of read r        w_r = quality_permille / 1000
//!   share of a length       P(n) = Σ w_r over reads of n slots / Σ w_r over all reads
//!   one slot, one symbol    s_i(x) = Σ w_r · max(ln p_r,i(x), symbol_floor) · min(1, evidence_cap / Σ w_r)
//!   renormalised            ln p_i(x) = s_i(x) − ln Σ_x e^s_i(x)          over the whole alphabet
//!   a text                  ln P(text) = ln P(n) + Σ_i ln p_i(text_i)     so that all texts together have mass 1
//! ```
//!
//! Frames of one standing vehicle repeat each other's errors: they are not independent, and a plain product would make
//! any hundred frames certain. Hence `evidence_cap`: however many frames, they never count for more than that many
//! independent perfect ones. Hence also `symbol_floor`: no single frame may rule a symbol out. With the defaults one
//! frame alone can reach about 0.93 for a text of eight symbols, two can reach certainty.
//!
//! Texts of different lengths compete through the shares of their lengths: a symbol lost in one frame of ten costs a tenth.

use crate::plate::confusable::confusable_key;
use crate::plate::milli_nats::{MilliNats, ONE, div_round, exp, ln, log_sum_exp};
use crate::plate::read::{Alternative, Read, Slot, best_first};
use crate::plate::symbol::{SYMBOL_COUNT, Symbol};
use crate::plate::text::{PLATE_MAX_SYMBOLS, PlateText};
use crate::time::Mono;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Reads a track keeps.
pub const TRACK_MAX_READS: usize = 32;
/// Symbols a fused slot names; the rest of its mass is shared evenly by the others.
pub const FUSED_MAX_ALTERNATIVES: usize = 6;
/// Texts that [`FusedRead::best_texts`] gives at most.
pub const BEST_TEXTS_MAX: usize = 64;

/// How reads are fused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoteRules {
    /// All frames together count for at most this many independent perfect ones, in thousandths; 500 to 10,000.
    pub evidence_cap_permille: u32,
    /// No frame makes a symbol less likely than this, milli-nats; −20,000 to −1,000.
    pub symbol_floor: MilliNats,
}

impl Default for VoteRules {
    /// Two independent frames; e^-9 (one in 8,000) a symbol.
    fn default() -> Self {
        Self { evidence_cap_permille: 2000, symbol_floor: MilliNats(-9000) }
    }
}

/// One kept read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Kept {
    acquired_at: Mono,
    read: Read,
}

/// What became of a pushed read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pushed {
    /// Kept beside the others.
    Kept,
    /// Kept in the place of the weakest (the oldest of the weakest).
    Replaced,
    /// Not kept: the track is full of better ones.
    TooWeak,
}

/// The reads of one vehicle by one camera.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Track {
    reads: Vec<Kept>,
}

impl Track {
    /// Without reads.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a read of a frame taken at `acquired_at`.
    pub fn push(&mut self, acquired_at: Mono, read: Read) -> Pushed {
        let kept = Kept { acquired_at, read };
        if self.reads.len() < TRACK_MAX_READS {
            self.reads.push(kept);
            return Pushed::Kept;
        }
        let strength = |kept: &Kept| (kept.read.quality_permille(), kept.acquired_at);
        match self.reads.iter_mut().min_by_key(|kept| strength(kept)) {
            Some(weakest) if strength(weakest) < strength(&kept) => {
                *weakest = kept;
                Pushed::Replaced
            }
            _ => Pushed::TooWeak,
        }
    }

    /// Reads kept, at most [`TRACK_MAX_READS`].
    pub fn read_count(&self) -> usize {
        self.reads.len()
    }

    /// Forgets reads taken before `start`: they belong to another passage (I10).
    pub fn forget_before(&mut self, start: Mono) {
        self.reads.retain(|kept| kept.acquired_at >= start);
    }

    /// Shifts every time, for a model checker that keeps times relative.
    pub fn shift_times(&mut self, shift: &mut dyn FnMut(&mut Mono)) {
        self.reads.iter_mut().for_each(|kept| shift(&mut kept.acquired_at));
    }

    /// All reads as one; `None` without reads.
    pub fn fuse(&self, rules: &VoteRules) -> Option<FusedRead> {
        let first_acquired_at = self.reads.iter().map(|kept| kept.acquired_at).min()?;
        let last_acquired_at = self.reads.iter().map(|kept| kept.acquired_at).max()?;
        let weight = |kept: &&Kept| i64::from(kept.read.quality_permille());
        let total: i64 = self.reads.iter().map(|kept| weight(&kept)).sum();
        let mut hypotheses: Vec<Hypothesis> = (1..=PLATE_MAX_SYMBOLS)
            .filter_map(|symbols| {
                let reads: Vec<&Kept> = self.reads.iter().filter(|kept| kept.read.slots().len() == symbols).collect();
                let of_length: i64 = reads.iter().map(weight).sum();
                // Both are positive: a read has a quality of at least 1.
                let share = ln(of_length as u128 * u128::from(ONE) / total as u128);
                (!reads.is_empty()).then(|| Hypothesis::of_reads(rules, share, &reads, of_length))
            })
            .collect();
        hypotheses.sort_by_key(|hypothesis| core::cmp::Reverse(hypothesis.best_log_prob()));
        let best = hypotheses.first()?.best();
        let agreeing: Vec<&Kept> = self.reads.iter().filter(|kept| kept.read.reads_as(&best)).collect();
        Some(FusedRead {
            best_log_prob: hypotheses.first()?.best_log_prob(),
            best,
            agreement_permille: (agreeing.iter().map(weight).sum::<i64>() * 1000 / total) as u16,
            support: agreeing.len() as u16,
            reads: self.reads.len() as u16,
            first_acquired_at,
            last_acquired_at,
            hypotheses,
        })
    }
}

/// "The plate has as many symbols as there are slots."
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hypothesis {
    /// Log of the length's share of the evidence.
    pub share: MilliNats,
    /// Reads of this length.
    pub support: u16,
    /// The fused distributions; their named symbols and the others have mass 1 within rounding.
    pub slots: Vec<FusedSlot>,
}

impl Hypothesis {
    fn of_reads(rules: &VoteRules, share: MilliNats, reads: &[&Kept], weight: i64) -> Self {
        let slot_count = reads.first().map_or(0, |kept| kept.read.slots().len());
        let slots = (0..slot_count).map(|at| {
            let slots = reads.iter().map(|kept| (i64::from(kept.read.quality_permille()), &kept.read.slots()[at]));
            FusedSlot::of_slots(rules, slots, weight)
        });
        Self { share, support: reads.len() as u16, slots: slots.collect() }
    }

    /// The best symbol of every slot.
    fn best(&self) -> PlateText {
        let symbols = self.slots.iter().map(|slot| slot.named[0].symbol);
        // 1 to 12 slots, as a read has: always a text.
        PlateText::from_symbols(symbols).unwrap_or(PlateText::ZERO)
    }

    fn best_log_prob(&self) -> MilliNats {
        self.slots.iter().fold(self.share, |sum, slot| sum.plus(slot.named[0].log_prob))
    }
}

/// The fused distribution of one place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FusedSlot {
    /// The most probable symbols, best first; 1 to [`FUSED_MAX_ALTERNATIVES`].
    pub named: Vec<Alternative>,
    /// Log-probability of each symbol that is not named.
    pub other: MilliNats,
}

impl FusedSlot {
    fn of_slots<'a>(rules: &VoteRules, slots: impl Iterator<Item = (i64, &'a Slot)> + Clone, weight: i64) -> Self {
        let cap = i64::from(rules.evidence_cap_permille);
        let mut all: Vec<Alternative> = Symbol::all()
            .map(|symbol| {
                let sum: i64 =
                    slots.clone().map(|(quality, slot)| quality * i64::from(slot.log_prob(symbol).max(rules.symbol_floor).0)).sum();
                let capped = if weight > cap { div_round(sum * cap, weight) } else { sum };
                Alternative { symbol, log_prob: MilliNats(div_round(capped, 1000) as i32) }
            })
            .collect();
        let whole = log_sum_exp(all.iter().map(|alternative| alternative.log_prob));
        for alternative in &mut all {
            alternative.log_prob = MilliNats((alternative.log_prob.0 - whole.0).min(0));
        }
        all.sort_by(best_first);
        let rest: u128 = all[FUSED_MAX_ALTERNATIVES..].iter().map(|rest| u128::from(exp(rest.log_prob))).sum();
        let lowest = all[FUSED_MAX_ALTERNATIVES].log_prob;
        let other = ln(rest / (SYMBOL_COUNT - FUSED_MAX_ALTERNATIVES) as u128).min(lowest);
        all.truncate(FUSED_MAX_ALTERNATIVES);
        Self { named: all, other }
    }

    /// The log-probability of any symbol.
    pub fn log_prob(&self, symbol: Symbol) -> MilliNats {
        self.named.iter().find(|named| named.symbol == symbol).map_or(self.other, |named| named.log_prob)
    }
}

/// A text and its log-probability within the read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScoredText {
    /// The text.
    pub text: PlateText,
    /// Its log-probability.
    pub log_prob: MilliNats,
}

/// All reads of a track as one distribution over texts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FusedRead {
    /// The most probable text, whatever any grammar says.
    pub best: PlateText,
    /// Its log-probability.
    pub best_log_prob: MilliNats,
    /// Reads that say the best text by themselves.
    pub support: u16,
    /// Their share of all reads' weight, 0 to 1000.
    pub agreement_permille: u16,
    /// Reads fused.
    pub reads: u16,
    /// When the first frame was taken.
    pub first_acquired_at: Mono,
    /// When the last frame was taken.
    pub last_acquired_at: Mono,
    /// One a length, the one with the best text first.
    pub hypotheses: Vec<Hypothesis>,
}

impl FusedRead {
    /// The log-probability of a text.
    pub fn log_prob(&self, text: &PlateText) -> MilliNats {
        self.hypotheses.iter().find(|hypothesis| hypothesis.slots.len() == text.symbol_count()).map_or(
            MilliNats::IMPOSSIBLE,
            |hypothesis| {
                let slots = hypothesis.slots.iter().zip(text.symbols());
                slots.fold(hypothesis.share, |sum, (slot, &symbol)| sum.plus(slot.log_prob(symbol)))
            },
        )
    }

    /// The `limit` (at most [`BEST_TEXTS_MAX`]) most probable texts made of named symbols, best first.
    ///
    /// Slots are independent, so keeping the best `limit` beginnings after every slot loses none of the best texts.
    pub fn best_texts(&self, limit: usize) -> Vec<ScoredText> {
        self.best_texts_above(limit, MilliNats::IMPOSSIBLE)
    }

    /// Those of [`Self::best_texts`] that are no less probable than `floor`, and the best text in any case. A beginning is never less probable
    /// than what it begins.
    fn best_texts_above(&self, limit: usize, floor: MilliNats) -> Vec<ScoredText> {
        let limit = limit.min(BEST_TEXTS_MAX);
        let mut best: Vec<ScoredText> = Vec::new();
        let (mut beginnings, mut longer): (Vec<ScoredText>, Vec<ScoredText>) = (Vec::new(), Vec::new());
        for hypothesis in &self.hypotheses {
            beginnings.clear();
            beginnings.push(ScoredText { text: PlateText::blank(), log_prob: hypothesis.share });
            for slot in &hypothesis.slots {
                longer.clear();
                for (nth, beginning) in beginnings.iter().enumerate() {
                    for (rank, named) in slot.named.iter().enumerate() {
                        let log_prob = beginning.log_prob.plus(named.log_prob);
                        let mut text = beginning.text;
                        if (log_prob >= floor || (nth, rank) == (0, 0)) && text.push(named.symbol).is_ok() {
                            longer.push(ScoredText { text, log_prob });
                        }
                    }
                }
                keep_best(&mut longer, limit);
                core::mem::swap(&mut beginnings, &mut longer);
            }
            best.append(&mut beginnings);
        }
        keep_best(&mut best, limit);
        best.sort_unstable_by(most_probable_first);
        best
    }

    /// The plates to look up, best first: the best texts of different confusable keys, at most `limit`.
    ///
    /// The cache finds all declared plates of a key, so one text a key is enough; texts below one in ten thousand are
    /// not worth a look-up (they cannot win against "not in the list").
    pub fn lookup_texts(&self, limit: usize) -> Vec<PlateText> {
        let worth = MilliNats::from_ppm(100);
        let mut keys: Vec<PlateText> = Vec::new();
        let mut texts = Vec::new();
        for scored in self.best_texts_above(BEST_TEXTS_MAX, worth) {
            let key = confusable_key(&scored.text);
            if texts.len() < limit && !keys.contains(&key) && (scored.log_prob >= worth || texts.is_empty()) {
                keys.push(key);
                texts.push(scored.text);
            }
        }
        texts
    }
}

fn most_probable_first(a: &ScoredText, b: &ScoredText) -> core::cmp::Ordering {
    b.log_prob.cmp(&a.log_prob).then_with(|| a.text.cmp(&b.text))
}

/// Keeps the `limit` most probable; the first of what is left is the most probable of all.
fn keep_best(texts: &mut Vec<ScoredText>, limit: usize) {
    if limit < texts.len() {
        texts.select_nth_unstable_by(limit, most_probable_first);
        texts.truncate(limit);
    }
    if let Some((first, _)) = texts.iter().enumerate().min_by(|a, b| most_probable_first(a.1, b.1)) {
        texts.swap(0, first);
    }
}

#[cfg(test)]
mod tests;
