use super::*;
use crate::plate::worth::Sight;
use alloc::{string::ToString, vec};
use proptest::prelude::*;

fn text(text: &str) -> PlateText {
    PlateText::parse(text).unwrap()
}

fn track(reads: &[(&str, u32, u16)]) -> Track {
    let mut track = Track::new();
    for (at, &(read, confidence_ppm, quality)) in reads.iter().enumerate() {
        track.push(Mono(at as u64 * 100), Read::of_text(&text(read), confidence_ppm, quality).unwrap());
    }
    track
}

fn fused(reads: &[(&str, u32, u16)]) -> FusedRead {
    track(reads).fuse(&VoteRules::default()).unwrap()
}

#[test]
fn no_reads_are_no_read() {
    assert_eq!(Track::new().fuse(&VoteRules::default()), None);
}

#[test]
fn one_frame_is_itself_but_never_certain() {
    let read = fused(&[("12C12345", 900_000, 1000)]);
    assert_eq!(read.best, text("12C12345"));
    // 0.9^8 = 0.43
    assert!((425_000..=436_000).contains(&read.best_log_prob.to_ppm()), "{}", read.best_log_prob.to_ppm());
    let sure = fused(&[("12C12345", 1_000_000, 1000)]);
    assert!((900_000..950_000).contains(&sure.best_log_prob.to_ppm()), "{}", sure.best_log_prob.to_ppm());
}

#[test]
fn frames_that_agree_become_surer_up_to_the_cap() {
    let one = fused(&[("12C12345", 900_000, 1000)]).best_log_prob;
    let two = fused(&[("12C12345", 900_000, 1000); 2]).best_log_prob;
    let twenty = fused(&[("12C12345", 900_000, 1000); 20]).best_log_prob;
    assert!(one < two && two < MilliNats(-5), "{one:?} {two:?}");
    assert_eq!(two, twenty);
}

#[test]
fn a_weak_frame_does_not_outvote_a_good_one() {
    let read = fused(&[("12C12345", 950_000, 1000), ("12G12345", 950_000, 200), ("12G12345", 950_000, 200)]);
    assert_eq!(read.best, text("12C12345"));
    assert_eq!((read.support, read.reads), (1, 3));
    assert_eq!(read.agreement_permille, 714);
}

#[test]
fn the_majority_wins_slot_by_slot() {
    // Each frame has another symbol wrong; none has the whole plate right.
    let read = fused(&[("72C12345", 950_000, 900), ("12G12345", 950_000, 900), ("12C12346", 950_000, 900)]);
    assert_eq!(read.best.to_string(), "12C12345");
    assert_eq!(read.support, 0);
}

#[test]
fn lengths_are_hypotheses_whose_evidence_adds_up() {
    let read = fused(&[("12C1234", 990_000, 900), ("12C12345", 980_000, 500), ("12C12345", 980_000, 500)]);
    assert_eq!(read.best, text("12C12345"));
    assert_eq!(read.hypotheses.len(), 2);
    assert_eq!(read.hypotheses[0].support, 2);
    // 900 of 1900 stay with the shorter one.
    let shorter = read.log_prob(&text("12C1234")).to_ppm();
    assert!((350_000..474_000).contains(&shorter), "{shorter}");
    assert_eq!(read.log_prob(&text("12C123")), MilliNats::IMPOSSIBLE);
}

#[test]
fn a_full_track_drops_its_weakest_read() {
    let mut track = track(&[("12C12345", 900_000, 500); TRACK_MAX_READS]);
    let read = |quality| Read::of_text(&text("12C12346"), 900_000, quality).unwrap();
    assert_eq!(track.push(Mono(9_000), read(499)), Pushed::TooWeak);
    assert_eq!(track.push(Mono(9_000), read(900)), Pushed::Replaced);
    assert_eq!(track.read_count(), TRACK_MAX_READS);
    let fused = track.fuse(&VoteRules::default()).unwrap();
    assert_eq!(fused.support, 31);
    assert_eq!(fused.first_acquired_at, Mono(100), "the oldest of the weakest went");
    assert_eq!(fused.last_acquired_at, Mono(9_000));
}

#[test]
fn reads_of_another_passage_are_forgotten() {
    let mut track = track(&[("12C12345", 900_000, 500); 4]);
    track.forget_before(Mono(200));
    assert_eq!(track.read_count(), 2);
    track.shift_times(&mut |at| at.0 -= 200);
    assert_eq!(track.fuse(&VoteRules::default()).unwrap().first_acquired_at, Mono(0));
}

#[test]
fn the_best_texts_are_the_best() {
    let slot = |pairs: &[(char, u32)]| {
        let named = pairs.iter().map(|&(c, ppm)| Alternative { symbol: Symbol::from_char(c).unwrap(), log_prob: MilliNats::from_ppm(ppm) });
        Slot::new(named.collect()).unwrap()
    };
    let mut track = Track::new();
    let slots = vec![slot(&[('3', 600_000), ('8', 390_000)]), slot(&[('5', 700_000), ('S', 290_000)])];
    track.push(Mono(0), Read::new(slots, 1000).unwrap());
    let fused = track.fuse(&VoteRules::default()).unwrap();
    let texts: Vec<_> = fused.best_texts(4).iter().map(|scored| scored.text.to_string()).collect();
    assert_eq!(texts, ["35", "85", "3S", "8S"]);
    // 3 and 8, 5 and S share a class: one look-up finds all four.
    assert_eq!(fused.lookup_texts(8)[0], text("35"));
    let keys: Vec<_> = fused.lookup_texts(8).iter().map(confusable_key).collect();
    assert!(keys.iter().enumerate().all(|(at, key)| !keys[..at].contains(key)));
    assert!(fused.lookup_texts(3).len() <= 3);
}

fn any_read() -> impl Strategy<Value = Read> {
    let slot = (0..SYMBOL_COUNT, 0..SYMBOL_COUNT, 300_000..1_000_000_u32).prop_map(|(a, b, ppm)| {
        let all: Vec<Symbol> = Symbol::all().collect();
        let first = Alternative { symbol: all[a], log_prob: MilliNats::from_ppm(ppm) };
        let second = Alternative { symbol: all[b], log_prob: MilliNats::from_ppm((1_000_000 - ppm) / 2) };
        Slot::new(if a == b { vec![first] } else { vec![first, second] }).unwrap()
    });
    (proptest::collection::vec(slot, 1..=12), 1..=1000_u16).prop_map(|(slots, quality)| Read::new(slots, quality).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_fused_read_is_a_distribution(reads in proptest::collection::vec(any_read(), 1..12)) {
        let mut track = Track::new();
        for read in reads {
            track.push(Mono(0), read);
        }
        let fused = track.fuse(&VoteRules::default()).unwrap();
        let shares = log_sum_exp(fused.hypotheses.iter().map(|hypothesis| hypothesis.share));
        prop_assert!(shares.0.abs() <= 4, "{shares:?}");
        for slot in fused.hypotheses.iter().flat_map(|hypothesis| &hypothesis.slots) {
            let mass = log_sum_exp(Symbol::all().map(|symbol| slot.log_prob(symbol)).collect::<Vec<_>>().into_iter());
            prop_assert!(mass.0.abs() <= 5, "{mass:?} {slot:?}");
        }
        let best = fused.best_texts(5);
        prop_assert_eq!(best[0].log_prob, fused.best_log_prob);
        prop_assert_eq!(fused.log_prob(&fused.best), fused.best_log_prob);
        prop_assert!(best.windows(2).all(|pair| pair[0].log_prob >= pair[1].log_prob));
    }

    #[test]
    fn the_order_of_frames_does_not_matter(reads in proptest::collection::vec(any_read(), 1..6)) {
        let fuse = |reads: Vec<Read>| {
            let mut track = Track::new();
            reads.into_iter().for_each(|read| { track.push(Mono(7), read); });
            track.fuse(&VoteRules::default())
        };
        let mut backwards = reads.clone();
        backwards.reverse();
        prop_assert_eq!(fuse(reads), fuse(backwards));
    }
}

/// A clear sight of a plate this wide in this place; `sharpness` 170 and more counts in full.
fn sight(x: i32, width_px: u16, sharpness_permille: u16) -> Sight {
    Sight { middle_px: [x, 100], width_px, height_px: width_px / 4, lines: 1, sharpness_permille, contrast: 120, inside_permille: 1000 }
}

fn seen(reads: &[(&str, u32, Sight)]) -> FusedRead {
    let mut track = Track::new();
    for (at, &(read, confidence_ppm, sight)) in reads.iter().enumerate() {
        let read = Read::of_text(&text(read), confidence_ppm, 1000).unwrap().with_sight(sight);
        track.push(Mono(at as u64 * 100), read);
    }
    track.fuse(&VoteRules::default()).unwrap()
}

#[test]
fn a_lone_frame_is_taken_at_its_word_however_dull() {
    let sharp = seen(&[("12C12345", 900_000, sight(0, 200, 300))]);
    let dull = seen(&[("12C12345", 900_000, sight(0, 40, 60))]);
    assert_eq!(sharp.best_log_prob, dull.best_log_prob);
}

#[test]
fn a_dull_far_frame_has_little_say_beside_a_sharp_near_one() {
    let far = ("12G12345", 990_000, sight(0, 40, 80));
    let near = ("12C12345", 900_000, sight(300, 200, 300));
    assert_eq!(seen(&[far, far, far, far, near]).best, text("12C12345"));
    let as_near = ("12G12345", 990_000, sight(0, 200, 300));
    assert_eq!(seen(&[as_near, near]).best, text("12G12345"), "the surer of two equals");
}

#[test]
fn a_symbol_lost_in_most_far_frames_does_not_outvote_the_close_ones() {
    let far = |n: i32| ("12C1234", 900_000, sight(n * 100, 40, 90));
    let near = |n: i32| ("12C12345", 950_000, sight(n * 100, 200, 250));
    let read = seen(&[far(0), far(1), far(2), far(3), far(4), far(5), far(6), near(7), near(9)]);
    assert_eq!(read.best, text("12C12345"));
    let shorter = read.log_prob(&text("12C1234")).to_ppm();
    assert!((1_000..250_000).contains(&shorter), "still possible: {shorter}");
}

#[test]
fn frames_of_one_view_repeat_each_other() {
    let here = ("12G12345", 950_000, sight(0, 200, 300));
    let there = ("12C12345", 990_000, sight(300, 150, 300));
    let elsewhere = ("12C12345", 990_000, sight(600, 170, 300));
    let twice = seen(&[here, here]).best_log_prob;
    assert!((twice.0 - seen(&[here; 20]).best_log_prob.0).abs() <= 2, "the rest says nothing new");
    assert!(twice > seen(&[here]).best_log_prob);
    assert_eq!(seen(&[here; 20]).best, text("12G12345"));
    let outvoted = [[here; 20].as_slice(), &[there, elsewhere]].concat();
    assert_eq!(seen(&outvoted).best, text("12C12345"), "two other views outvote twenty frames of one");
}

#[test]
fn grammars_are_evidence_for_the_named_text_and_nothing_else() {
    let slot = |pairs: &[(char, u32)]| {
        let named = pairs.iter().map(|&(c, ppm)| Alternative { symbol: Symbol::from_char(c).unwrap(), log_prob: MilliNats::from_ppm(ppm) });
        Slot::new(named.collect()).unwrap()
    };
    let with_fifth = |fifth: &[(char, u32)]| {
        let mut slots: Vec<Slot> = "12C34567".chars().map(|c| slot(&[(c, 995_000)])).collect();
        slots[4] = slot(fifth);
        let mut track = Track::new();
        track.push(Mono(0), Read::new(slots, 1000).unwrap());
        track.fuse(&VoteRules::default()).unwrap()
    };
    let doubtful = with_fifth(&[('B', 600_000), ('4', 390_000)]);
    assert_eq!(doubtful.best, text("12C3B567"), "what the picture shows");
    assert_eq!(doubtful.likeliest().text, text("12C34567"), "what a plate can be");
    assert_eq!(doubtful.lookup_texts(4)[0], text("12C34567"));
    let raw = doubtful.log_prob(&text("12C34567")).0 - doubtful.log_prob(&text("12C3B567")).0;
    assert!((-470..=-390).contains(&raw), "matching hears no grammar: {raw}");
    let plain = with_fifth(&[('B', 992_000), ('4', 7_000)]);
    assert_eq!(plain.likeliest().text, text("12C3B567"), "no plate of any country, told as read");
    let shares: u32 = doubtful.likely_texts(5).iter().map(|one| one.log_prob.to_ppm()).sum();
    assert!((900_000..=1_000_000).contains(&shares), "{shares}");
}
