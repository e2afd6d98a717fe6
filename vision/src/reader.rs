//! Reads a plate: the four corners are pulled straight and the network gives every place of the plate a distribution.
//!
//! The network has a fixed number of places, filled from the left in reading order (top line first), and a blank for the places
//! that the plate does not fill. [`crate::decode`] makes texts of them.

use crate::decode::decode;
use crate::geometry::{Quad, cut, with_margin};
use crate::manifest::VerifiedModel;
use crate::network::{Network, NetworkError, brief};
use lane_link::camera::{Alternative, MAX_ALTERNATIVES, PlateColour, PlateCountry, PlateLayout};
use opencv::core::Mat;

/// Alternatives less likely than this are not named: ln(0.0001) × 1000.
const MIN_NATS_MILLI: i32 = -9210;
/// Country and colour are told from this probability up.
const MIN_CLEAR: f32 = 0.9;

/// What stands on a plate.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Most probable text.
    pub text: String,
    /// Probability of exactly this text, 0 to 1.
    pub confidence: f32,
    /// The next likely texts with their probabilities.
    pub others: Vec<(String, f32)>,
    /// One or two lines.
    pub layout: PlateLayout,
    /// Where the picture shows it clearly.
    pub country: Option<PlateCountry>,
    /// Of the ground, where the picture shows it clearly.
    pub colour: Option<PlateColour>,
    /// The places in order.
    pub slots: Vec<Vec<Alternative>>,
}

/// The reader.
pub struct Reader {
    network: Network,
    symbols: Vec<char>,
    margin: [f32; 2],
    countries: Vec<PlateCountry>,
    colours: Vec<PlateColour>,
}

impl Reader {
    /// Loads and checks the network.
    pub fn load(model: &VerifiedModel) -> Result<Self, NetworkError> {
        let entry = &model.entry;
        let symbols: Vec<char> = entry.charset.chars().collect();
        let places = entry.slots * (symbols.len() + 1);
        let outputs = [("characters", places), ("layout", 2), ("country", entry.countries.len()), ("colour", entry.colours.len())];
        let network = Network::load(model, &outputs)?;
        Ok(Self { network, symbols, margin: entry.margin, countries: entry.countries.clone(), colours: entry.colours.clone() })
    }

    /// The plate with these corners in an 8-bit BGR frame, as the network is given it.
    pub fn straighten(&self, frame: &Mat, quad: &Quad) -> Result<Mat, NetworkError> {
        let straight = with_margin(quad, self.margin).and_then(|outer| cut(frame, &outer, self.network.size()));
        straight.map_err(|error| NetworkError::Run { model: "reader input".into(), reason: brief(&error) })
    }

    /// Reads what [`Self::straighten`] gave.
    pub fn read(&mut self, straight: &Mat) -> Result<Reading, NetworkError> {
        let output = self.network.run(straight)?;
        let mut reading = interpret(&output[0], &output[1], &self.symbols);
        reading.country = clear(&output[2], &self.countries);
        reading.colour = clear(&output[3], &self.colours);
        Ok(reading)
    }
}

/// The likeliest, if it is likely enough to be told.
fn clear<T: Copy>(logits: &[f32], meanings: &[T]) -> Option<T> {
    let log_probs = log_softmax(logits);
    let (at, &best) = log_probs.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    if best >= MIN_CLEAR.ln() { meanings.get(at).copied() } else { None }
}

/// Logits of places × (blank and symbols), and of one line against two, to a reading.
fn interpret(characters: &[f32], layout: &[f32], symbols: &[char]) -> Reading {
    let places: Vec<Vec<f32>> = characters.chunks_exact(symbols.len() + 1).map(log_softmax).collect();
    let texts = decode(&places, symbols);
    let slots = texts[0].symbols.iter().map(|&(_, place)| alternatives(&places[place], symbols)).collect();
    let layout = if layout[1] > layout[0] { PlateLayout::TwoLine } else { PlateLayout::OneLine };
    let mut texts = texts.into_iter().map(|one| (one.text, one.probability));
    let (text, confidence) = texts.next().unwrap_or_default();
    Reading { text, confidence, others: texts.collect(), layout, country: None, colour: None, slots }
}

/// The symbols of a place, best first: what the picture shows, without the grammars.
fn alternatives(log_probs: &[f32], symbols: &[char]) -> Vec<Alternative> {
    let mut order: Vec<usize> = (1..log_probs.len()).collect();
    order.sort_by(|&a, &b| log_probs[b].total_cmp(&log_probs[a]));
    let named = order.into_iter().map(|class| Alternative {
        symbol: symbols[class - 1],
        // rounded down, so that the named ones never add up to more than one
        nats_milli: ((log_probs[class] * 1000.0).floor() as i32).min(0),
    });
    named.take(MAX_ALTERNATIVES).enumerate().filter(|(at, one)| *at == 0 || one.nats_milli >= MIN_NATS_MILLI).map(|(_, one)| one).collect()
}

fn log_softmax(logits: &[f32]) -> Vec<f32> {
    let top = logits.iter().copied().fold(f32::MIN, f32::max);
    let log_sum = logits.iter().map(|logit| (logit - top).exp()).sum::<f32>().ln();
    logits.iter().map(|logit| logit - top - log_sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_become_distributions_and_blanks_are_left_out() {
        let symbols = ['A', 'B', '桂'];
        let characters = [0.0, 0.0, 0.0, 9.0, /* */ 9.0, 0.0, 0.0, 0.0, /* */ 0.0, 3.0, 2.0, -20.0];
        let reading = interpret(&characters, &[0.2, 1.0], &symbols);
        assert_eq!(reading.text, "桂A");
        assert_eq!(reading.layout, PlateLayout::TwoLine);
        assert_eq!(reading.slots.len(), 2);
        let second: Vec<char> = reading.slots[1].iter().map(|one| one.symbol).collect();
        assert_eq!(second, ['A', 'B'], "the third is less likely than one in ten thousand");
        assert_eq!(reading.slots[1][0].nats_milli, -350, "1000 × ln of e^3 / (1 + e^3 + e^2), rounded down");
        let next: Vec<&str> = reading.others.iter().take(2).map(|(text, _)| text.as_str()).collect();
        assert_eq!(next, ["桂B", "桂"], "the third place is B or blank");
        assert!(reading.confidence > 0.69 && reading.confidence < 0.71, "{}", reading.confidence);
    }

    #[test]
    fn what_is_not_clear_is_not_told() {
        let colours = [PlateColour::White, PlateColour::Yellow];
        assert_eq!(clear(&[0.0, 3.0], &colours), Some(PlateColour::Yellow));
        assert_eq!(clear(&[0.0, 1.0], &colours), None);
        assert_eq!(clear(&[0.0, 9.0, 0.0], &colours[..1]), None, "a place without a meaning");
    }

    #[test]
    fn named_probabilities_never_add_up_to_more_than_one() {
        let symbols: Vec<char> = ('A'..='Z').collect();
        let logits: Vec<f32> = (0..27).map(|n| ((n * 7) % 5) as f32 + if n == 0 { -9.0 } else { 0.0 }).collect();
        let slot = &interpret(&logits, &[1.0, 0.0], &symbols).slots[0];
        assert_eq!(slot.len(), MAX_ALTERNATIVES);
        let sum: f64 = slot.iter().map(|one| (f64::from(one.nats_milli) / 1000.0).exp()).sum();
        assert!(sum <= 1.0, "{sum}");
    }
}
