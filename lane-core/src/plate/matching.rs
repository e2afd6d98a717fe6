//! Matching: which declared plate was read, if any.
//!
//! Candidates come from the declarations (exact and confusable neighbours); the fused read gives every text a
//! probability P(t), all texts together having mass 1. The question is decided between the candidates' plates
//! `c_1 … c_n` and `U`, "a plate that is not in the list":
//!
//! ```text
//!   evidence for c_i    e_i = P(c_i) · (1 − prior_U)
//!   evidence for U      e_U = prior_U · ( Σ P(t)                          over undeclared texts that fit a grammar
//!                                       + Σ P(t) · implausible_weight     over undeclared texts that fit none
//!                                       + what the best texts left over )
//!   posterior           p_i = e_i / (Σ e + e_U)        margin = p_best − max(next p_i, p_U)
//! ```
//!
//! Why so. `P` is the read's own distribution under no knowledge of plates, so it serves as likelihood. Every candidate
//! weighs the same and none is divided by the number of all plates: counting the 160 million plates that could exist
//! would let a declared plate win over a perfectly read undeclared neighbour, only because that one neighbour is a
//! rare thing. A gate meets exactly this: fleets with consecutive numbers, swapped digits, and people who try. So `U` is
//! the *worst* undeclared plate: each text the read leaves possible counts in full, unless no registered form has it.
//!
//! What follows, with the defaults (prior 20 %, posterior 99 %, margin 90 %): an exact read needs P of about 0.96, which one
//! frame cannot give; a near plate opens only when the text actually read can hardly be a plate at all (`12CI2345` for
//! `12C12345`); an undeclared neighbour with more than about a twenty-fifth of the candidate's probability prevents opening,
//! and so does a declared one with more than a hundredth. The margin follows from the posterior there (99 % leaves 1 % to all
//! others); it has a bound of its own for sites that lower the posterior.
//!
//! Several declarations with one plate are one candidate plate; which of them counts is the verdict's business.

use crate::plate::grammar::fits;
use crate::plate::milli_nats::{ONE, exp};
use crate::plate::text::PlateText;
use crate::plate::vote::{FusedRead, VoteRules};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Texts of the read that are looked at for undeclared plates; what they leave counts as plausible.
const UNDECLARED_MAX_TEXTS: usize = 48;
const PPM: u128 = 1_000_000;

/// When a plate counts as recognised. Parts per million unless the name says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchRules {
    /// How reads are fused.
    pub vote: VoteRules,
    /// A lane opens by itself from this posterior up. 500,001 to 1,000,000.
    pub min_posterior_ppm: u32,
    /// ... and from this margin over the runner-up, "not in the list" included. 1 to 1,000,000.
    pub min_margin_ppm: u32,
    /// Weight of "a plate that is not in the list" before anything is read. 1,000 to 900,000.
    pub not_in_list_prior_ppm: u32,
    /// From this posterior of "not in the list" the plate counts as undeclared; below, as doubtful. 500,001 to 1,000,000.
    pub min_not_in_list_ppm: u32,
    /// Undeclared texts that fit no registered form count by this share: a foreign plate is possible. 0 to 1,000,000.
    pub implausible_weight_ppm: u32,
    /// A best text less probable than this is no read. 0 to 500,000.
    pub legible_ppm: u32,
    /// Frames needed before a lane opens by itself. 1 to 32.
    pub min_reads: u16,
}

impl Default for MatchRules {
    /// One wrong opening in a hundred doubtful cases is too many, hence 99 % against the worst undeclared plate; a prior of
    /// one in five is several times what digital gates see of undeclared trucks; two frames, so that no single bad picture opens.
    fn default() -> Self {
        Self {
            vote: VoteRules::default(),
            min_posterior_ppm: 990_000,
            min_margin_ppm: 900_000,
            not_in_list_prior_ppm: 200_000,
            min_not_in_list_ppm: 900_000,
            implausible_weight_ppm: 5_000,
            legible_ppm: 20_000,
            min_reads: 2,
        }
    }
}

/// A setting outside its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{setting} is {value}; {min} to {max} are possible")]
pub struct MatchRulesError {
    /// The field's name.
    pub setting: &'static str,
    /// As given.
    pub value: i64,
    /// Lowest possible.
    pub min: i64,
    /// Highest possible.
    pub max: i64,
}

impl MatchRules {
    /// The first setting outside its bounds.
    pub fn validate(&self) -> Result<(), MatchRulesError> {
        for (setting, value, min, max) in [
            ("min_posterior_ppm", i64::from(self.min_posterior_ppm), 500_001, 1_000_000),
            ("min_margin_ppm", i64::from(self.min_margin_ppm), 1, 1_000_000),
            ("not_in_list_prior_ppm", i64::from(self.not_in_list_prior_ppm), 1_000, 900_000),
            ("min_not_in_list_ppm", i64::from(self.min_not_in_list_ppm), 500_001, 1_000_000),
            ("implausible_weight_ppm", i64::from(self.implausible_weight_ppm), 0, 1_000_000),
            ("legible_ppm", i64::from(self.legible_ppm), 0, 500_000),
            ("min_reads", i64::from(self.min_reads), 1, 32),
            ("vote.evidence_cap_permille", i64::from(self.vote.evidence_cap_permille), 500, 10_000),
            ("vote.view_cap_permille", i64::from(self.vote.view_cap_permille), 1_000, 10_000),
            ("vote.symbol_floor", i64::from(self.vote.symbol_floor.0), -20_000, -1_000),
        ]
        .into_iter()
        .chain(self.vote.worth.bounds())
        {
            if !(min..=max).contains(&value) {
                return Err(MatchRulesError { setting, value, min, max });
            }
        }
        Ok(())
    }
}

/// The caller's name of a candidate, for instance its place in the look-up's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CandidateId(pub u32);

/// A declared plate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Candidate {
    /// The caller's name of it.
    pub id: CandidateId,
    /// The plate as declared.
    pub plate: PlateText,
}

/// How the recognised plate stands to what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Closeness {
    /// It is the best text.
    Exact,
    /// It is not, but the best text can hardly be a plate.
    Near,
}

/// Why no plate was chosen, and none ruled out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Doubt {
    /// More candidates exist than were given.
    TruncatedCandidates,
    /// Fewer frames than `min_reads`.
    TooFewReads,
    /// The best posterior is below `min_posterior_ppm`.
    PosteriorLow,
    /// The runner-up is too close.
    MarginLow,
}

/// What the read says of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// This declared plate was read: a lane may open by itself.
    Auto {
        /// The plate; its declarations are the first row of [`Matching::ranked`].
        plate: PlateText,
        /// Its first declaration in the order given.
        candidate: CandidateId,
        /// At least `min_posterior_ppm`.
        posterior_ppm: u32,
        /// At least `min_margin_ppm`.
        margin_ppm: u32,
        /// Exact or near.
        closeness: Closeness,
    },
    /// An officer must look.
    Ambiguous(Doubt),
    /// A plate was read, and it is not declared.
    NotInList,
    /// No plate was read.
    NoRead,
}

/// A candidate plate with its posterior.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ranked {
    /// The plate.
    pub plate: PlateText,
    /// All candidates that carry it, in the order given.
    pub candidates: Vec<CandidateId>,
    /// Its posterior, rounded down.
    pub posterior_ppm: u32,
}

/// The outcome, with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Matching {
    /// Candidate plates, best first.
    pub ranked: Vec<Ranked>,
    /// Posterior of "not in the list"; with the candidates' it adds up to 1,000,000.
    pub not_in_list_ppm: u32,
    /// The best candidate's lead over the runner-up, "not in the list" included; 0 where it does not lead.
    pub margin_ppm: u32,
    /// The most probable text that fits a grammar; the most probable text where none of the best does.
    pub best_plausible: Option<PlateText>,
    /// The outcome.
    pub decision: Decision,
}

/// Weighs the candidates. `truncated`: the look-up had more than it gave, so that no candidate may be chosen by machine.
pub fn match_plates(rules: &MatchRules, read: Option<&FusedRead>, candidates: &[Candidate], truncated: bool) -> Matching {
    let Some(read) = read.filter(|read| read.best_log_prob.to_ppm() >= rules.legible_ppm) else {
        let ranked = grouped(candidates).into_iter().map(|(plate, candidates)| Ranked { plate, candidates, posterior_ppm: 0 });
        return Matching {
            ranked: ranked.collect(),
            not_in_list_ppm: PPM as u32,
            margin_ppm: 0,
            best_plausible: None,
            decision: Decision::NoRead,
        };
    };
    let prior = u128::from(rules.not_in_list_prior_ppm.min(PPM as u32));
    let groups = grouped(candidates);
    let evidence: Vec<u128> = groups.iter().map(|(plate, _)| u128::from(exp(read.log_prob(plate))) * (PPM - prior)).collect();
    let (undeclared, best_plausible) = undeclared(rules, read, &groups);
    let whole = (evidence.iter().sum::<u128>() + undeclared * prior).max(1);
    let mut ranked: Vec<Ranked> = groups
        .into_iter()
        .zip(evidence)
        .map(|((plate, candidates), evidence)| Ranked { plate, candidates, posterior_ppm: (evidence * PPM / whole) as u32 })
        .collect();
    // A stable sort: equals stay in the order given.
    ranked.sort_by_key(|ranked| core::cmp::Reverse(ranked.posterior_ppm));
    // What rounding down leaves over goes to "not in the list".
    let not_in_list_ppm = PPM as u32 - ranked.iter().map(|ranked| ranked.posterior_ppm).sum::<u32>();
    let runner_up = ranked.get(1).map_or(0, |second| second.posterior_ppm).max(not_in_list_ppm);
    let margin_ppm = ranked.first().map_or(0, |first| first.posterior_ppm.saturating_sub(runner_up));
    let decision = decide(rules, read, &ranked, not_in_list_ppm, margin_ppm, truncated);
    Matching { ranked, not_in_list_ppm, margin_ppm, best_plausible, decision }
}

fn decide(rules: &MatchRules, read: &FusedRead, ranked: &[Ranked], not_in_list_ppm: u32, margin_ppm: u32, truncated: bool) -> Decision {
    if truncated {
        return Decision::Ambiguous(Doubt::TruncatedCandidates);
    }
    let Some(best) = ranked.first().filter(|_| not_in_list_ppm < rules.min_not_in_list_ppm) else {
        return Decision::NotInList;
    };
    let Some(&candidate) = best.candidates.first() else { return Decision::NotInList };
    if best.posterior_ppm < rules.min_posterior_ppm {
        let doubt =
            if margin_ppm < rules.min_margin_ppm && best.posterior_ppm > not_in_list_ppm { Doubt::MarginLow } else { Doubt::PosteriorLow };
        return Decision::Ambiguous(doubt);
    }
    if margin_ppm < rules.min_margin_ppm {
        return Decision::Ambiguous(Doubt::MarginLow);
    }
    if read.reads < rules.min_reads {
        return Decision::Ambiguous(Doubt::TooFewReads);
    }
    Decision::Auto {
        plate: best.plate,
        candidate,
        posterior_ppm: best.posterior_ppm,
        margin_ppm,
        closeness: if best.plate == read.best { Closeness::Exact } else { Closeness::Near },
    }
}

/// Candidates by plate, in the order given.
fn grouped(candidates: &[Candidate]) -> Vec<(PlateText, Vec<CandidateId>)> {
    let mut groups: Vec<(PlateText, Vec<CandidateId>)> = Vec::new();
    for candidate in candidates {
        match groups.iter_mut().find(|(plate, _)| *plate == candidate.plate) {
            Some((_, ids)) => ids.push(candidate.id),
            None => groups.push((candidate.plate, alloc::vec![candidate.id])),
        }
    }
    groups
}

/// The Q40 mass that undeclared plates may take, and the best text that fits a grammar.
fn undeclared(rules: &MatchRules, read: &FusedRead, groups: &[(PlateText, Vec<CandidateId>)]) -> (u128, Option<PlateText>) {
    let mut best_plausible = None;
    let mut left = u128::from(ONE);
    let mut mass = 0_u128;
    for (plate, _) in groups {
        left = left.saturating_sub(u128::from(exp(read.log_prob(plate))));
    }
    for scored in read.best_texts(UNDECLARED_MAX_TEXTS) {
        let plausible = !fits(&scored.text).is_empty();
        if plausible && best_plausible.is_none() {
            best_plausible = Some(scored.text);
        }
        if groups.iter().any(|(plate, _)| *plate == scored.text) {
            continue;
        }
        let probability = u128::from(exp(scored.log_prob)).min(left);
        left -= probability;
        let weight = if plausible { PPM } else { u128::from(rules.implausible_weight_ppm) };
        mass += probability * weight / PPM;
    }
    (mass + left, best_plausible.or(Some(read.best)))
}

#[cfg(test)]
mod tests;
