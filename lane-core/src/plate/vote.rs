//! Voting over frames: the reads of one track become one fused read.
//!
//! Terms: a *track* is one plate in view of one camera; its *reads* are kept, the weakest going first when there are
//! too many. A *hypothesis* is "the plate has n symbols"; each read is evidence for the hypothesis of its own length.
//!
//! ```text
//!   worth of read r         w_r = 1 to 1000 permille, by sharpness and size (worth)
//!   view                    frames in which the plate is as large (within 10 %) and in the same place (within 20 % of its width)
//!   votes                   u_r = w_r, but those of one view together at most view_cap · the best w of the view
//!   weight                  v_r = u_r / max w over the reads of the same length: the best frame counts as one
//!   share of a length       P(n) = Σ u_r · c_r over reads of n slots / Σ u_r · c_r over all reads,   c_r = √P_r(best text)
//!   one slot, one symbol    s_i(x) = Σ v_r · max(ln p_r,i(x), symbol_floor) · min(1, evidence_cap / Σ v_r)
//!   renormalised            ln p_i(x) = s_i(x) − ln Σ_x e^s_i(x)          over the whole alphabet
//!   a text                  ln P(text) = ln P(n) + Σ_i ln p_i(text_i)     so that all texts together have mass 1
//! ```
//!
//! Frames of one standing vehicle repeat each other's errors: they are not independent, and a plain product would make
//! any hundred frames certain. Hence `view_cap`: a hundred frames of one view are worth one and a quarter, and do not outvote the one frame in
//! which the plate was seen otherwise (measured: of 700 rendered vehicles that stood for seven frames and were seen elsewhere for one, 76.7 %
//! are read rightly so, 72.3 % where frames are counted). Hence `evidence_cap`: however many views, they never count for more than that many
//! independent ones. Hence also `symbol_floor`: no single frame may rule a symbol out. With the defaults one
//! frame alone can reach about 0.93 for a text of eight symbols, two can reach certainty.
//!
//! A read's own distribution is calibrated, also that of a dull or distant frame (card): a lone frame is therefore taken at its word, and worth
//! only says how much of the say a frame has *beside better ones*. That is why weights are relative to the best frame.
//!
//! Texts of different lengths compete through the shares of their lengths: a symbol lost in most of the far frames costs little once
//! close ones have come, and a frame that is unsure of its own text has less to say on its length.
//!
//! The fused read knows no grammar: it is what `matching` weighs declared plates by. Where a *text* is to be named (screen, ledger, look-up),
//! [`FusedRead::likely_texts`] adds what the grammars say, as evidence.

use crate::plate::confusable::confusable_key;
use crate::plate::grammar;
use crate::plate::milli_nats::{MilliNats, ONE, div_round, exp, ln, log_sum_exp};
use crate::plate::read::{Alternative, Read, Slot, best_first};
use crate::plate::symbol::{SYMBOL_COUNT, Symbol};
use crate::plate::text::{PLATE_MAX_SYMBOLS, PlateText};
use crate::plate::worth::{Sight, WorthRules};
use crate::time::Mono;
use alloc::vec::Vec;
use core::cmp::Reverse;
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
    /// Frames of one view count for at most this many of its best, in thousandths; 1,000 to 10,000.
    pub view_cap_permille: u32,
    /// No frame makes a symbol less likely than this, milli-nats; −20,000 to −1,000.
    pub symbol_floor: MilliNats,
    /// What a frame is worth beside others.
    pub worth: WorthRules,
}

impl Default for VoteRules {
    /// One and a half independent frames, one and a quarter of a view (fitted, see `worth`); e^-9 (one in 8,000) a symbol.
    fn default() -> Self {
        Self { evidence_cap_permille: 1500, view_cap_permille: 1250, symbol_floor: MilliNats(-9000), worth: WorthRules::default() }
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
        // By the built-in curve: what is kept must not depend on when rules changed.
        let strength = |kept: &Kept| (kept.read.worth_permille(&WorthRules::default()), kept.acquired_at);
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

    /// Times of the first and of the last frame; `None` without reads.
    pub fn span(&self) -> Option<(Mono, Mono)> {
        let times = self.reads.iter().map(|kept| kept.acquired_at);
        Some((times.clone().min()?, times.max()?))
    }

    /// Worth of all reads together and the plate's greatest width in pixels (1 where none was measured).
    pub fn presence(&self, rules: &WorthRules) -> (u32, u16) {
        let worth = self.reads.iter().map(|kept| u32::from(kept.read.worth_permille(rules))).sum();
        let width_px = self.reads.iter().filter_map(|kept| kept.read.sight()).map(|sight| sight.width_px).max();
        (worth, width_px.unwrap_or(1).max(1))
    }

    /// Takes the other's reads too: one plate that was lost for some frames and found again.
    pub fn join(&mut self, other: &Self) {
        for kept in &other.reads {
            self.push(kept.acquired_at, kept.read.clone());
        }
    }

    /// All reads as one; `None` without reads.
    pub fn fuse(&self, rules: &VoteRules) -> Option<FusedRead> {
        let (first_acquired_at, last_acquired_at) = self.span()?;
        let weighed = self.weighed(rules);
        let total: i64 = weighed.iter().map(|read| read.length_weight).sum();
        let mut hypotheses: Vec<Hypothesis> = (1..=PLATE_MAX_SYMBOLS)
            .filter_map(|symbols| {
                let reads: Vec<&Weighed> = weighed.iter().filter(|read| read.read.slots().len() == symbols).collect();
                let of_length: i64 = reads.iter().map(|read| read.length_weight).sum();
                // Both are positive: every weight is at least 1.
                let share = ln(of_length as u128 * u128::from(ONE) / total as u128);
                (!reads.is_empty()).then(|| Hypothesis::of_reads(rules, share, &reads))
            })
            .collect();
        hypotheses.sort_by_key(|hypothesis| Reverse(hypothesis.best_log_prob()));
        let best = hypotheses.first()?.best();
        let worth = |read: &&Weighed| read.worth_permille;
        let agreeing: Vec<&Weighed> = weighed.iter().filter(|read| read.read.reads_as(&best)).collect();
        Some(FusedRead {
            best_log_prob: hypotheses.first()?.best_log_prob(),
            best,
            agreement_permille: (agreeing.iter().map(worth).sum::<i64>() * 1000 / weighed.iter().map(|read| worth(&read)).sum::<i64>())
                as u16,
            support: agreeing.len() as u16,
            reads: self.reads.len() as u16,
            first_acquired_at,
            last_acquired_at,
            hypotheses,
        })
    }
}

/// A read with its weights.
struct Weighed<'a> {
    read: &'a Read,
    /// 1 to 1000.
    worth_permille: i64,
    /// Worth in millionths, less what the other frames of its view have said already; at least 1.
    votes: i64,
    /// In the vote on the length; at least 1.
    length_weight: i64,
}

impl Track {
    /// Oldest first, so that a view begins with its first frame whatever the order in which reads came.
    fn weighed(&self, rules: &VoteRules) -> Vec<Weighed<'_>> {
        let mut kept: Vec<&Kept> = self.reads.iter().collect();
        kept.sort_by_key(|kept| (kept.acquired_at, Reverse(kept.read.worth_permille(&rules.worth))));
        let mut views: Vec<View> = Vec::new();
        let mut in_view = Vec::with_capacity(kept.len());
        for read in kept.iter().map(|kept| &kept.read) {
            let worth = i64::from(read.worth_permille(&rules.worth));
            let known = read.sight().and_then(|sight| views.iter().position(|view| view.first.is_some_and(|first| first.is_like(sight))));
            let at = known.unwrap_or_else(|| {
                views.push(View { first: read.sight().copied(), best: 0, sum: 0 });
                views.len() - 1
            });
            views[at].best = views[at].best.max(worth);
            views[at].sum += worth;
            in_view.push((read, worth, at));
        }
        let weigh = |(read, worth_permille, at): (_, i64, usize)| {
            let most = views[at].best * i64::from(rules.view_cap_permille);
            let votes = (worth_permille * most.min(views[at].sum * 1000) / views[at].sum).max(1);
            Weighed { read, worth_permille, votes, length_weight: (votes * sure_permille(read) / 1000).max(1) }
        };
        in_view.into_iter().map(weigh).collect()
    }
}

/// Frames that show a plate in one place and size. Frames of which nothing was measured are views of their own.
struct View {
    first: Option<Sight>,
    best: i64,
    sum: i64,
}

/// √P of the read's best text.
fn sure_permille(read: &Read) -> i64 {
    i64::from(MilliNats(read.best_log_prob().0 / 2).to_ppm() / 1000)
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
    fn of_reads(rules: &VoteRules, share: MilliNats, reads: &[&Weighed]) -> Self {
        let slot_count = reads.first().map_or(0, |read| read.read.slots().len());
        let best_worth = reads.iter().map(|read| read.worth_permille).max().unwrap_or(1);
        // In millionths of the best frame.
        let weights: Vec<i64> = reads.iter().map(|read| (read.votes * 1000 / best_worth).max(1)).collect();
        let slots = (0..slot_count).map(|at| {
            let slots = weights.iter().zip(reads).map(|(&weight, read)| (weight, &read.read.slots()[at]));
            FusedSlot::of_slots(rules, slots, weights.iter().sum())
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
        // 32 reads of a millionth times 20,000 milli-nats times ten million: fits.
        let cap = i64::from(rules.evidence_cap_permille) * 1000;
        let mut all: Vec<Alternative> = Symbol::all()
            .map(|symbol| {
                let sum: i64 =
                    slots.clone().map(|(quality, slot)| quality * i64::from(slot.log_prob(symbol).max(rules.symbol_floor).0)).sum();
                let capped = if weight > cap { div_round(sum * cap, weight) } else { sum };
                Alternative { symbol, log_prob: MilliNats(div_round(capped, 1_000_000) as i32) }
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

    /// The likeliest texts when the grammars are heard as well, best first, at most `limit`; probabilities are shares among the texts looked at
    /// ([`BEST_TEXTS_MAX`]). A text that fits no form stays, it only has to be read that much surer ([`grammar::evidence`]). Never empty.
    pub fn likely_texts(&self, limit: usize) -> Vec<ScoredText> {
        // What is e^-8 of the best text is not worth naming, and no grammar makes up for it.
        let mut texts = self.best_texts_above(BEST_TEXTS_MAX, self.best_log_prob.plus(MilliNats(-8_000)));
        for scored in &mut texts {
            scored.log_prob = scored.log_prob.plus(grammar::evidence(&scored.text));
        }
        texts.sort_unstable_by(most_probable_first);
        let whole = log_sum_exp(texts.iter().map(|scored| scored.log_prob));
        texts.truncate(limit.max(1));
        for scored in &mut texts {
            scored.log_prob = MilliNats((scored.log_prob.0 - whole.0).min(0));
        }
        texts
    }

    /// The text to name: the first of [`Self::likely_texts`].
    pub fn likeliest(&self) -> ScoredText {
        self.likely_texts(1).first().copied().unwrap_or(ScoredText { text: self.best, log_prob: self.best_log_prob })
    }

    /// The plates to look up, likeliest first (grammars heard): texts of different confusable keys, at most `limit`.
    ///
    /// The cache finds all declared plates of a key, so one text a key is enough; texts below one in ten thousand are
    /// not worth a look-up (they cannot win against "not in the list").
    pub fn lookup_texts(&self, limit: usize) -> Vec<PlateText> {
        let worth = MilliNats::from_ppm(100);
        let mut scored = self.best_texts_above(BEST_TEXTS_MAX, worth);
        // What may be looked up is decided by the read alone; the grammars only say in which order.
        scored.retain(|one| one.log_prob >= worth || one.text == self.best);
        scored.sort_by_key(|one| Reverse(one.log_prob.plus(grammar::evidence(&one.text))));
        let mut keys: Vec<PlateText> = Vec::new();
        let mut texts = Vec::new();
        for scored in scored {
            let key = confusable_key(&scored.text);
            if texts.len() < limit && !keys.contains(&key) {
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
