//! What a frame is worth: from what the camera measured of the plate in it to the weight of its read.
//!
//! The worker measures and sends plain integers ([`Sight`]); what they are worth is decided here, once, by rules.
//!
//! ```text
//!   worth = 1000 · ramp(sharpness) · ramp(height of a line of characters) · ramp(contrast) · ramp(share inside the frame)
//!   ramp(x) = low + (1 − low) · clamp((x − from) / (full − from), 0, 1)
//! ```
//! The curve is fitted, not guessed: `models/training/confusions.py` runs the shipped networks over rendered plates seen seven times each, shrunk
//! and blurred on purpose, and over the real photos treated likewise; a search over the ramps finds the rules under which the fused read gives
//! the true text the highest likelihood, judged on plates and photos that it was not fitted on (models/README.md has the figures). Lean, taper, glare
//! and black are measured and sent too; they said nothing that sharpness and size had not said, so they carry no weight (the share of right
//! answers is the same from upright to a lean of 45 degrees).

use crate::plate::milli_nats::div_round;
use serde::{Deserialize, Serialize};

/// What the camera measured of a plate in one frame. Plain numbers without judgement; every value is possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sight {
    /// The plate's middle in pixels of the frame.
    pub middle_px: [i32; 2],
    /// Mean of the upper and the lower edge in pixels of the frame.
    pub width_px: u16,
    /// Mean of the left and the right edge in pixels of the frame.
    pub height_px: u16,
    /// Lines of characters, 1 or 2.
    pub lines: u8,
    /// Steepness of the strokes' edges on the straightened plate, the less steep direction: 0 to 1000; see `vision/src/measure.rs`.
    pub sharpness_permille: u16,
    /// Between the darkest and the lightest parts of the plate, 0 to 255.
    pub contrast: u16,
    /// Share of the plate that is inside the frame, 0 to 1000.
    pub inside_permille: u16,
}

/// From `low_permille` of 1000 at `from` and below to 1000 at `full` and above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ramp {
    /// Below `full`.
    pub from: u16,
    /// 1 to 1,000.
    pub full: u16,
    /// 1 to 1,000.
    pub low_permille: u16,
}

impl Ramp {
    fn permille(self, x: u16) -> i64 {
        let low = i64::from(self.low_permille.min(1000));
        let length = (i64::from(self.full) - i64::from(self.from)).max(1);
        let along = (i64::from(x) - i64::from(self.from)).clamp(0, length);
        low + div_round((1000 - low) * along, length)
    }
}

/// How worth follows from a sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorthRules {
    /// Over the sharpness in permille.
    pub sharpness: Ramp,
    /// Over the height of a line of characters in pixels.
    pub line_px: Ramp,
    /// Over the contrast, 0 to 255.
    pub contrast: Ramp,
    /// Over the share inside the frame in permille.
    pub inside: Ramp,
}

impl Default for WorthRules {
    /// As fitted.
    fn default() -> Self {
        Self {
            sharpness: Ramp { from: 60, full: 170, low_permille: 50 },
            line_px: Ramp { from: 7, full: 20, low_permille: 100 },
            contrast: Ramp { from: 10, full: 80, low_permille: 300 },
            inside: Ramp { from: 700, full: 1000, low_permille: 200 },
        }
    }
}

/// A setting with its value, least and greatest.
type Bound = (&'static str, i64, i64, i64);

impl WorthRules {
    /// Every setting with its value and its bounds, for [`crate::plate::MatchRules::validate`].
    pub(super) fn bounds(&self) -> impl Iterator<Item = Bound> {
        let of = |ramp: Ramp, [from, full, low]: [&'static str; 3]| {
            [
                (full, i64::from(ramp.full), 1, 1_000),
                (from, i64::from(ramp.from), 0, i64::from(ramp.full) - 1),
                (low, i64::from(ramp.low_permille), 1, 1_000),
            ]
        };
        [
            of(self.sharpness, ["vote.worth.sharpness.from", "vote.worth.sharpness.full", "vote.worth.sharpness.low_permille"]),
            of(self.line_px, ["vote.worth.line_px.from", "vote.worth.line_px.full", "vote.worth.line_px.low_permille"]),
            of(self.contrast, ["vote.worth.contrast.from", "vote.worth.contrast.full", "vote.worth.contrast.low_permille"]),
            of(self.inside, ["vote.worth.inside.from", "vote.worth.inside.full", "vote.worth.inside.low_permille"]),
        ]
        .into_iter()
        .flatten()
    }
}

impl Sight {
    /// The same view of the plate: as large within 10 % and in the same place within 20 % of its width. What the reader makes of it
    /// there it makes again, errors and all.
    pub fn is_like(&self, other: &Self) -> bool {
        let width_px = i64::from(self.width_px.max(other.width_px));
        let moved = |axis: usize| (i64::from(self.middle_px[axis]) - i64::from(other.middle_px[axis])).abs() * 5 <= width_px;
        i64::from(self.width_px.abs_diff(other.width_px)) * 10 <= width_px && moved(0) && moved(1)
    }

    /// Worth against a perfect frame, 1 to 1000.
    pub fn worth_permille(&self, rules: &WorthRules) -> u16 {
        let line_px = self.height_px / u16::from(self.lines.clamp(1, 2));
        let shares = [
            rules.sharpness.permille(self.sharpness_permille),
            rules.line_px.permille(line_px),
            rules.contrast.permille(self.contrast),
            rules.inside.permille(self.inside_permille),
        ];
        // A product of shares of 1000 is one again; rounded once, so that better is never worth less.
        let product: i64 = shares.iter().product();
        div_round(product, 1_000_000_000).clamp(1, 1000) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULES: WorthRules = WorthRules {
        sharpness: Ramp { from: 50, full: 200, low_permille: 100 },
        line_px: Ramp { from: 10, full: 20, low_permille: 400 },
        contrast: Ramp { from: 10, full: 80, low_permille: 300 },
        inside: Ramp { from: 700, full: 1000, low_permille: 200 },
    };
    const CLEAR: Sight = Sight {
        middle_px: [300, 200],
        width_px: 200,
        height_px: 40,
        lines: 2,
        sharpness_permille: 250,
        contrast: 120,
        inside_permille: 1000,
    };

    #[test]
    fn worth_follows_what_was_measured() {
        let worth = |sight: Sight| sight.worth_permille(&RULES);
        assert_eq!(worth(CLEAR), 1000);
        assert_eq!(worth(Sight { lines: 1, height_px: 15, ..CLEAR }), 700, "half way from 0.4 to 1");
        assert_eq!(worth(Sight { height_px: 30, ..CLEAR }), 700, "two lines share the height");
        assert_eq!(worth(Sight { sharpness_permille: 125, ..CLEAR }), 550);
        assert_eq!(worth(Sight { contrast: 45, ..CLEAR }), 650);
        assert_eq!(worth(Sight { inside_permille: 850, ..CLEAR }), 600, "cut at the frame's edge");
        assert_eq!(worth(Sight { sharpness_permille: 0, height_px: 0, ..CLEAR }), 40);
    }

    #[test]
    fn a_view_ends_where_the_plate_has_moved_or_grown() {
        let moved = |x, y| Sight { middle_px: [300 + x, 200 + y], ..CLEAR };
        assert!(CLEAR.is_like(&moved(40, -40)) && CLEAR.is_like(&Sight { width_px: 181, ..CLEAR }));
        assert!(!CLEAR.is_like(&moved(41, 0)) && !CLEAR.is_like(&moved(0, 41)));
        assert!(!CLEAR.is_like(&Sight { width_px: 179, ..CLEAR }));
        let far = Sight { middle_px: [i32::MIN, i32::MAX], ..CLEAR };
        assert!(!CLEAR.is_like(&far) && far.is_like(&far));
    }

    #[test]
    fn rules_out_of_bounds_are_named() {
        let broken = |change: fn(&mut WorthRules)| {
            let mut rules = crate::plate::MatchRules::default();
            change(&mut rules.vote.worth);
            rules.validate().map_err(|error| error.setting)
        };
        assert_eq!(broken(|_| {}), Ok(()));
        assert_eq!(broken(|worth| worth.line_px.from = worth.line_px.full), Err("vote.worth.line_px.from"));
        assert_eq!(broken(|worth| worth.contrast.low_permille = 0), Err("vote.worth.contrast.low_permille"));
        assert_eq!(broken(|worth| worth.sharpness.full = 1_001), Err("vote.worth.sharpness.full"));
    }

    proptest! {
        #[test]
        fn any_sight_has_a_worth_and_better_is_never_worth_less(
            numbers: [u16; 4], lines: u8, sharper in 0..500_u16, taller in 0..100_u16
        ) {
            let [height_px, sharpness_permille, contrast, inside_permille] = numbers;
            let sight = Sight { middle_px: [0, 0], width_px: 0, height_px, lines, sharpness_permille, contrast, inside_permille };
            let worth = sight.worth_permille(&WorthRules::default());
            prop_assert!((1..=1000).contains(&worth));
            let clearer = Sight {
                sharpness_permille: sharpness_permille.saturating_add(sharper),
                height_px: height_px.saturating_add(taller),
                ..sight
            };
            prop_assert!(clearer.worth_permille(&WorthRules::default()) >= worth);
        }
    }
}
