use super::*;
use crate::plate::milli_nats::MilliNats;
use crate::plate::read::{Alternative, Read, Slot};
use crate::plate::symbol::Symbol;
use crate::plate::vote::Track;
use crate::time::Mono;
use alloc::vec;
use proptest::prelude::*;

fn text(text: &str) -> PlateText {
    PlateText::parse(text).unwrap()
}

/// Two like reads that count as one; each slot is `a` with `ppm`, or, where `other` has another symbol there, that one with the rest.
fn read(a: &str, ppm: u32, other: &str, other_ppm: u32) -> FusedRead {
    let mut track = Track::new();
    let slots: Vec<Slot> = text(a)
        .symbols()
        .iter()
        .zip(text(other).symbols())
        .map(|(&a, &b)| {
            let named = |symbol: Symbol, ppm| Alternative { symbol, log_prob: MilliNats::from_ppm(ppm) };
            Slot::new(if a == b { vec![named(a, 999_990)] } else { vec![named(a, ppm), named(b, other_ppm)] }).unwrap()
        })
        .collect();
    track.push(Mono(0), Read::new(slots.clone(), 500).unwrap());
    track.push(Mono(1), Read::new(slots, 500).unwrap());
    // A low floor, so that the fused distribution is the one the test names.
    track.fuse(&VoteRules { symbol_floor: MilliNats(-20_000), evidence_cap_permille: 1000, ..VoteRules::default() }).unwrap()
}

fn sure(plate: &str) -> FusedRead {
    let mut track = Track::new();
    for at in 0..3 {
        track.push(Mono(at), Read::of_text(&text(plate), 990_000, 1000).unwrap());
    }
    track.fuse(&VoteRules::default()).unwrap()
}

fn listed(plates: &[&str]) -> Vec<Candidate> {
    plates.iter().enumerate().map(|(at, plate)| Candidate { id: CandidateId(at as u32), plate: text(plate) }).collect()
}

fn decide(read: &FusedRead, plates: &[&str]) -> Matching {
    match_plates(&MatchRules::default(), Some(read), &listed(plates), false)
}

#[test]
fn a_plate_that_is_read_well_and_declared_opens() {
    let matching = decide(&sure("12C12345"), &["12C12345"]);
    let Decision::Auto { plate, candidate, posterior_ppm, closeness, .. } = matching.decision else { panic!("{matching:?}") };
    assert_eq!((plate, candidate, closeness), (text("12C12345"), CandidateId(0), Closeness::Exact));
    assert!(posterior_ppm > 999_000, "{posterior_ppm}");
    // Its confusable neighbour, declared as well, does not disturb a sure read.
    assert!(matches!(decide(&sure("12C12345"), &["12G12345", "12C12345"]).decision, Decision::Auto { candidate: CandidateId(1), .. }));
}

#[test]
fn a_plate_that_is_read_well_and_not_declared_is_not_in_the_list() {
    for plates in [&[][..], &["12G12345"], &["12C12346", "12C12845", "29H99999"]] {
        let matching = decide(&sure("12C12345"), plates);
        assert_eq!(matching.decision, Decision::NotInList, "{matching:?}");
        assert_eq!(matching.best_plausible, Some(text("12C12345")));
    }
}

#[test]
fn an_undeclared_confusable_neighbour_prevents_opening() {
    for (ppm, other_ppm) in [(500_000, 490_000), (800_000, 190_000), (900_000, 90_000), (90_000, 900_000)] {
        let matching = decide(&read("12C12345", ppm, "12C12845", other_ppm), &["12C12345"]);
        assert!(!matches!(matching.decision, Decision::Auto { .. }), "{ppm}: {matching:?}");
    }
    // With next to nothing left for the neighbour it opens: the test above can fail.
    let matching = decide(&read("12C12345", 998_000, "12C12845", 1_000), &["12C12345"]);
    assert!(matches!(matching.decision, Decision::Auto { .. }), "{matching:?}");
}

#[test]
fn a_declared_confusable_neighbour_prevents_opening() {
    for (ppm, other_ppm) in [(500_000, 490_000), (800_000, 190_000), (950_000, 45_000)] {
        let matching = decide(&read("12C12345", ppm, "12C12845", other_ppm), &["12C12345", "12C12845"]);
        assert!(matches!(matching.decision, Decision::Ambiguous(_)), "{ppm}: {matching:?}");
        assert_eq!(matching.ranked[0].plate, text("12C12345"));
    }
    let even = decide(&read("12C12345", 500_000, "12C12845", 490_000), &["12C12345", "12C12845"]);
    assert_eq!(even.decision, Decision::Ambiguous(Doubt::MarginLow));
}

#[test]
fn a_near_plate_opens_only_where_the_text_read_is_no_plate() {
    // I is on no plate: the 1 of the declaration is meant.
    let impossible = decide(&read("12CI2345", 550_000, "12C12345", 445_000), &["12C12345"]);
    assert!(matches!(impossible.decision, Decision::Auto { closeness: Closeness::Near, .. }), "{impossible:?}");
    assert_eq!(impossible.best_plausible, Some(text("12C12345")));
    // G is a letter like C: the same figures do not open.
    let possible = decide(&read("12G12345", 550_000, "12C12345", 445_000), &["12C12345"]);
    assert!(matches!(possible.decision, Decision::Ambiguous(_)), "{possible:?}");
    // And a text that is no plate does not open for a candidate that the read hardly allows.
    let far = decide(&read("12CI2345", 990_000, "12C12345", 1_000), &["12C12345"]);
    assert!(!matches!(far.decision, Decision::Auto { .. }), "{far:?}");
}

#[test]
fn one_frame_never_opens() {
    let mut track = Track::new();
    track.push(Mono(0), Read::of_text(&text("12C12345"), 1_000_000, 1000).unwrap());
    let one = track.fuse(&VoteRules::default()).unwrap();
    assert!(matches!(decide(&one, &["12C12345"]).decision, Decision::Ambiguous(_)));
    let rules = MatchRules { min_posterior_ppm: 600_000, min_margin_ppm: 1, ..MatchRules::default() };
    let matching = match_plates(&rules, Some(&one), &listed(&["12C12345"]), false);
    assert_eq!(matching.decision, Decision::Ambiguous(Doubt::TooFewReads));
    let rules = MatchRules { min_reads: 1, ..rules };
    let matching = match_plates(&rules, Some(&one), &listed(&["12C12345"]), false);
    assert!(matches!(matching.decision, Decision::Auto { .. }));
}

#[test]
fn a_margin_too_small_is_named_even_where_the_posterior_suffices() {
    let rules = MatchRules { min_posterior_ppm: 600_000, ..MatchRules::default() };
    let matching = match_plates(&rules, Some(&read("12C12345", 800_000, "12C12845", 190_000)), &listed(&["12C12345"]), false);
    assert!(matching.ranked[0].posterior_ppm > 900_000 && matching.margin_ppm < 900_000, "{matching:?}");
    assert_eq!(matching.decision, Decision::Ambiguous(Doubt::MarginLow));
}

#[test]
fn mass_that_no_best_text_names_counts_for_a_plate_not_in_the_list() {
    // Every symbol is doubtful: far more texts are possible than are looked at.
    let mut track = Track::new();
    track.push(Mono(0), Read::of_text(&text("12C12345"), 850_000, 1000).unwrap());
    let read = track.fuse(&VoteRules::default()).unwrap();
    let rules = MatchRules { implausible_weight_ppm: 1_000_000, ..MatchRules::default() };
    let matching = match_plates(&rules, Some(&read), &listed(&["12C12345"]), false);
    let probability = u64::from(read.best_log_prob.to_ppm());
    let want = 800_000 * probability / (800 * probability + 200 * (1_000_000 - probability)) * 1000;
    let got = u64::from(matching.ranked[0].posterior_ppm);
    assert!(got.abs_diff(want) < 2000, "{got} {want}");
}

#[test]
fn what_is_not_read_is_no_read() {
    let nothing = match_plates(&MatchRules::default(), None, &listed(&["12C12345"]), false);
    assert_eq!(nothing.decision, Decision::NoRead);
    assert_eq!((nothing.not_in_list_ppm, nothing.ranked[0].posterior_ppm), (1_000_000, 0));
    let mut track = Track::new();
    track.push(Mono(0), Read::of_text(&text("12C12345"), 300_000, 300).unwrap());
    let mush = track.fuse(&VoteRules::default()).unwrap();
    assert_eq!(decide(&mush, &["12C12345"]).decision, Decision::NoRead);
}

#[test]
fn declarations_of_one_plate_are_one_candidate() {
    let matching = decide(&sure("12C12345"), &["29H99999", "12C12345", "12C12345"]);
    assert!(matches!(matching.decision, Decision::Auto { candidate: CandidateId(1), .. }));
    assert_eq!(matching.ranked[0].candidates, [CandidateId(1), CandidateId(2)]);
}

#[test]
fn a_truncated_look_up_chooses_nobody() {
    let matching = match_plates(&MatchRules::default(), Some(&sure("12C12345")), &listed(&["12C12345"]), true);
    assert_eq!(matching.decision, Decision::Ambiguous(Doubt::TruncatedCandidates));
}

#[test]
fn rules_outside_their_bounds_are_named() {
    assert_eq!(MatchRules::default().validate(), Ok(()));
    let error = MatchRules { min_posterior_ppm: 500_000, ..MatchRules::default() }.validate().unwrap_err();
    assert_eq!(alloc::format!("{error}"), "min_posterior_ppm is 500000; 500001 to 1000000 are possible");
    let mut rules = MatchRules::default();
    rules.vote.symbol_floor = MilliNats(0);
    assert_eq!(rules.validate().unwrap_err().setting, "vote.symbol_floor");
    assert!(MatchRules { not_in_list_prior_ppm: 0, ..MatchRules::default() }.validate().is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn posteriors_add_up_and_thresholds_hold(
        ppm in 200_000..999_000_u32,
        share in 0..1000_u32,
        listed_plates in proptest::sample::subsequence(vec!["12C12345", "12C12845", "12G12345", "29H00001"], 0..=4),
        min_posterior_ppm in 500_001..1_000_000_u32,
        min_margin_ppm in 1..1_000_000_u32,
        prior in 1_000..900_000_u32,
        truncated: bool,
    ) {
        let read = read("12C12345", ppm, "12C12845", (1_000_000 - ppm) / 1000 * share);
        let rules = MatchRules { min_posterior_ppm, min_margin_ppm, not_in_list_prior_ppm: prior, ..MatchRules::default() };
        let matching = match_plates(&rules, Some(&read), &listed(&listed_plates), truncated);
        let sum: u32 = matching.ranked.iter().map(|ranked| ranked.posterior_ppm).sum();
        prop_assert_eq!(sum + matching.not_in_list_ppm, 1_000_000);
        prop_assert!(matching.ranked.windows(2).all(|pair| pair[0].posterior_ppm >= pair[1].posterior_ppm));
        if let Decision::Auto { posterior_ppm, margin_ppm, plate, .. } = matching.decision {
            prop_assert!(!truncated);
            prop_assert!(posterior_ppm >= min_posterior_ppm && margin_ppm >= min_margin_ppm);
            prop_assert!(listed_plates.iter().any(|listed| text(listed) == plate));
            let runner_up = matching.ranked.get(1).map_or(0, |second| second.posterior_ppm);
            prop_assert_eq!(margin_ppm, posterior_ppm - runner_up.max(matching.not_in_list_ppm));
        }
    }

    /// One declaration more never makes a plate surer, and never lowers another's rank.
    #[test]
    fn a_further_candidate_takes_certainty_only(ppm in 500_000..990_000_u32) {
        let read = read("12C12345", ppm, "12C12845", 990_000 - ppm);
        let alone = decide(&read, &["12C12345"]);
        let both = decide(&read, &["12C12345", "12C12845"]);
        prop_assert!(both.ranked[0].posterior_ppm <= alone.ranked[0].posterior_ppm);
    }
}
