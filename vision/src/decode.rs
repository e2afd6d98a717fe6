//! From the reader's distributions to texts: a beam over the places, weighed by the countries' grammars.
//!
//! ```text
//!   score(text) = ln Σ over the ways to leave places blank ( Σ places ln p(symbol or blank) ) + weight(grammar)
//! ```
//! A grammar is evidence and never a rewrite: a text that fits none stays possible, it only has to be read that much surer
//! ([`grammar::evidence`], the same that the lane uses over frames).
//! Probabilities are shares among the texts of the beam.

use lane_core::plate::{PlateText, grammar};

/// Texts that are followed at the same time.
const BEAM: usize = 40;
/// Symbols of a place that are tried.
const TRIED: usize = 6;
/// A way this much less likely than the likeliest one so far is not followed: of a clear plate that is nearly all of them.
const MAX_BEHIND: f32 = 12.0;
/// Texts that are told, likeliest first.
pub const MAX_TEXTS: usize = 5;

/// A text with the places it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// Classes of the reader: 1 and up; and the place of each.
    pub symbols: Vec<(usize, usize)>,
    /// The text.
    pub text: String,
    /// 0 to 1.
    pub probability: f32,
}

/// What the grammars say of a text, in nats ([`grammar::evidence`]); a text that is no plate's at all fits none.
fn weight(text: &str) -> f32 {
    PlateText::parse(text).map_or(grammar::NO_FORM, |plate| grammar::evidence(&plate)).0 as f32 / 1000.0
}

/// One way through the places; ways to the same text are added up.
#[derive(Clone)]
struct Way {
    symbols: Vec<(usize, usize)>,
    score: f32,
    /// Score of the best of the ways that were added up: its places are the text's.
    best: f32,
}

/// The likeliest texts for the log-probabilities of each place (class 0 is the blank), at most [`MAX_TEXTS`]; never empty.
pub fn decode(places: &[Vec<f32>], symbols: &[char]) -> Vec<Decoded> {
    let mut beam = vec![Way { symbols: Vec::new(), score: 0.0, best: 0.0 }];
    for (place, log_probs) in places.iter().enumerate() {
        let mut order: Vec<usize> = (0..log_probs.len()).collect();
        order.sort_unstable_by(|&a, &b| log_probs[b].total_cmp(&log_probs[a]));
        let mut longer = Vec::with_capacity(beam.len() * TRIED);
        let best = beam.iter().map(|way| way.score).fold(f32::MIN, f32::max) + order.first().map_or(0.0, |&class| log_probs[class]);
        for way in &beam {
            for &class in order.iter().take(TRIED).take_while(|&&class| way.score + log_probs[class] >= best - MAX_BEHIND) {
                let mut next = way.clone();
                next.score += log_probs[class];
                next.best += log_probs[class];
                if class > 0 {
                    next.symbols.push((class, place));
                }
                longer.push(next);
            }
        }
        beam = added_up(longer);
        beam.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
        beam.truncate(BEAM);
    }
    weighed(beam, symbols)
}

fn classes(way: &Way) -> impl Iterator<Item = usize> + '_ {
    way.symbols.iter().map(|(class, _)| *class)
}

/// Ways to the same text become one.
fn added_up(mut ways: Vec<Way>) -> Vec<Way> {
    ways.sort_unstable_by(|a, b| classes(a).cmp(classes(b)).then(b.best.total_cmp(&a.best)));
    let mut kept: Vec<Way> = Vec::with_capacity(ways.len());
    for way in ways {
        match kept.last_mut() {
            Some(last) if classes(last).eq(classes(&way)) => last.score = log_sum(last.score, way.score),
            _ => kept.push(way),
        }
    }
    kept
}

fn log_sum(a: f32, b: f32) -> f32 {
    a.max(b) + (-(a - b).abs()).exp().ln_1p()
}

fn weighed(beam: Vec<Way>, symbols: &[char]) -> Vec<Decoded> {
    let mut scored: Vec<(f32, Decoded)> = beam
        .into_iter()
        .map(|way| {
            let text: String = classes(&way).filter_map(|class| symbols.get(class - 1)).collect();
            (way.score + weight(&text), Decoded { symbols: way.symbols, text, probability: 0.0 })
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let total = scored.iter().map(|(score, _)| *score).reduce(log_sum).unwrap_or_default();
    scored.into_iter().take(MAX_TEXTS).map(|(score, decoded)| Decoded { probability: (score - total).exp(), ..decoded }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYMBOLS: [char; 36] = {
        let mut symbols = ['0'; 36];
        let mut at = 0;
        while at < 36 {
            symbols[at] = if at < 10 { (b'0' + at as u8) as char } else { (b'A' + at as u8 - 10) as char };
            at += 1;
        }
        symbols
    };

    /// A place where `named` have these probabilities and the rest share what is left.
    fn place(named: &[(char, f32)]) -> Vec<f32> {
        let rest = (1.0 - named.iter().map(|(_, p)| p).sum::<f32>()).max(1e-6) / 36.0;
        let mut log_probs = vec![rest.ln(); 37];
        for &(symbol, p) in named {
            let class = SYMBOLS.iter().position(|s| *s == symbol).map_or(0, |at| at + 1);
            log_probs[class] = p.ln();
        }
        log_probs
    }

    fn sure(text: &str) -> Vec<Vec<f32>> {
        text.chars().map(|symbol| place(&[(symbol, 0.999)])).collect()
    }

    #[test]
    fn a_doubt_between_a_letter_and_a_digit_is_settled_by_the_grammar() {
        let mut places = sure("12C34567");
        places[4] = place(&[('B', 0.6), ('4', 0.39)]);
        let texts = decode(&places, &SYMBOLS);
        assert_eq!(texts[0].text, "12C34567");
        assert_eq!(texts[1].text, "12C3B567");
        assert!(texts[0].probability > 0.9 && texts[1].probability > 0.02, "{texts:?}");
    }

    #[test]
    fn what_fits_no_grammar_is_told_as_it_was_read() {
        let texts = decode(&sure("QQ1O2"), &SYMBOLS);
        assert_eq!(texts[0].text, "QQ1O2");
        assert!(texts[0].probability > 0.8, "{texts:?}");
    }

    #[test]
    fn blanks_count_whichever_place_they_take_and_the_places_are_those_of_the_likeliest_way() {
        let mut places = sure("12C3456");
        places.insert(4, place(&[(' ', 0.98), ('4', 0.01)]));
        let texts = decode(&places, &SYMBOLS);
        assert_eq!(texts[0].text, "12C3456");
        assert_eq!(texts[0].symbols.iter().map(|(_, place)| *place).collect::<Vec<_>>(), [0, 1, 2, 3, 5, 6, 7]);
    }

    #[test]
    fn a_clear_plate_has_no_other_texts_and_a_doubt_of_one_in_ten_thousand_has() {
        let clear = |p| decode(&"12C34567".chars().map(|symbol| place(&[(symbol, p)])).collect::<Vec<_>>(), &SYMBOLS);
        assert_eq!(clear(0.99999).len(), 1);
        let mut places = sure("12C34567");
        places[7] = place(&[('7', 0.9998), ('1', 0.0001)]);
        let texts = decode(&places, &SYMBOLS);
        assert!(texts.iter().any(|one| one.text == "12C34561"), "{texts:?}");
    }

    #[test]
    fn texts_are_few_ordered_and_their_probabilities_no_more_than_one() {
        let places: Vec<_> = (0..10).map(|_| place(&[('1', 0.3), ('7', 0.3), ('T', 0.3)])).collect();
        let texts = decode(&places, &SYMBOLS);
        assert_eq!(texts.len(), MAX_TEXTS);
        assert!(texts.is_sorted_by(|a, b| a.probability >= b.probability));
        assert!(texts.iter().map(|one| one.probability).sum::<f32>() <= 1.0);
        assert_eq!(decode(&[], &SYMBOLS)[0].text, "");
    }
}
