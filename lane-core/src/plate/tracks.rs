//! The plates in view of one camera while one vehicle is there, and which of them is the vehicle's.
//!
//! A front camera sees the tractor's plate, now and then its trailer's, a neighbour's or that of the next vehicle; reads of different plates are
//! never fused into one text. The worker numbers what it follows; each number has a [`Track`] of its own here.
//!
//! ```text
//!   joined      two tracks of one plate: never in view at the same time, and their texts share a confusable key
//!               (the plate was lost for some frames and found again, or the worker started anew)
//!   eligible    in front: what is no trailer's form (R, 挂), unless nothing else is there; behind: a trailer's form before others
//!   standing    min(Σ worth · P(own text), evidence cap) · what the grammars say of the likeliest text · greatest width in pixels: much read,
//!               surely read, a plate's form, near. Large lettering on a cab is near and read again and again, but never surely
//!   chosen      the eligible one of the greatest standing
//!   contested   another eligible one, in view at the same time and not joined, has half its standing or more:
//!               nobody can tell by the picture whose plate is the vehicle's, so the lane must not (unknown holds)
//! ```

use crate::plate::confusable::confusable_key;
use crate::plate::grammar::{self, Class, fits};
use crate::plate::read::Read;
use crate::plate::text::PlateText;
use crate::plate::vote::{FusedRead, Track, VoteRules};
use crate::time::Mono;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Tracks that are remembered; of more the one of the least standing goes.
pub const MAX_TRACKS: usize = 6;
/// A rival of this share of the chosen one's standing contests it.
const CONTESTED_PERMILLE: u64 = 500;

/// The camera's number of a track.
pub type TrackNumber = u32;

/// Which end of the vehicle the camera looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Side {
    /// The front: a vehicle that drives itself.
    Front,
    /// The tail: a trailer, or the rigid vehicle itself.
    Tail,
}

/// What one camera saw of a vehicle's plates.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Tracks {
    tracks: Vec<(TrackNumber, Track)>,
}

/// The vehicle's plate among those in view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The tracks it was seen on, the greatest standing first.
    pub numbers: Vec<TrackNumber>,
    /// Their reads as one.
    pub fused: FusedRead,
    /// Another plate in view may as well be the vehicle's.
    pub contested: bool,
}

/// One plate: a track, or several joined.
struct Plate {
    numbers: Vec<TrackNumber>,
    track: Track,
    fused: FusedRead,
    standing: u64,
    text: PlateText,
    is_trailers: bool,
}

impl Plate {
    fn of(numbers: Vec<TrackNumber>, track: Track, rules: &VoteRules) -> Option<Self> {
        let fused = track.fuse(rules)?;
        let text = fused.likeliest().text;
        let fits = fits(&text);
        let is_trailers = !fits.is_empty() && fits.iter().all(|form| form.class() == Class::Trailer);
        let form = u64::from(grammar::evidence(&text).to_ppm());
        Some(Self { numbers, standing: standing(&track, rules) * form, track, fused, text, is_trailers })
    }

    fn in_view_with(&self, other: &Self) -> bool {
        let (a, b) = (&self.fused, &other.fused);
        a.first_acquired_at <= b.last_acquired_at && b.first_acquired_at <= a.last_acquired_at
    }

    fn joins(&self, other: &Self) -> bool {
        !self.in_view_with(other) && confusable_key(&self.text) == confusable_key(&other.text) && self.is_trailers == other.is_trailers
    }
}

fn standing(track: &Track, rules: &VoteRules) -> u64 {
    let (worth, width_px) = track.presence(&rules.worth);
    u64::from(worth.min(rules.evidence_cap_permille)) * u64::from(width_px)
}

impl Tracks {
    /// Without reads.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a read of track `number` of a frame taken at `acquired_at`.
    pub fn push(&mut self, number: TrackNumber, acquired_at: Mono, read: Read, rules: &VoteRules) {
        if let Some((_, track)) = self.tracks.iter_mut().find(|(known, _)| *known == number) {
            track.push(acquired_at, read);
            return;
        }
        if self.tracks.len() >= MAX_TRACKS
            && let Some((least, _)) = self.tracks.iter().enumerate().min_by_key(|(_, (_, track))| standing(track, rules))
        {
            self.tracks.remove(least);
        }
        let mut track = Track::new();
        track.push(acquired_at, read);
        self.tracks.push((number, track));
    }

    /// The vehicle's plate; `None` without reads.
    pub fn choose(&self, side: Side, rules: &VoteRules) -> Option<Chosen> {
        if let [(number, track)] = self.tracks.as_slice() {
            return Some(Chosen { numbers: alloc::vec![*number], fused: track.fuse(rules)?, contested: false });
        }
        let mut plates: Vec<Plate> = Vec::new();
        let parts = self.tracks.iter().filter_map(|(number, track)| Plate::of(alloc::vec![*number], track.clone(), rules));
        let mut parts: Vec<Plate> = parts.collect();
        parts.sort_by_key(|plate| core::cmp::Reverse(plate.standing));
        for part in parts {
            match plates.iter_mut().find(|plate| plate.joins(&part)) {
                Some(whole) => {
                    let mut track = whole.track.clone();
                    track.join(&part.track);
                    let numbers = whole.numbers.iter().chain(&part.numbers).copied().collect();
                    *whole = Plate::of(numbers, track, rules)?;
                }
                None => plates.push(part),
            }
        }
        let wanted = |plate: &Plate| plate.is_trailers == (side == Side::Tail);
        // In front a plate without a form, or of a form with wheels of its own, is eligible; behind, trailers come first but a rigid truck has none.
        if plates.iter().any(wanted) {
            plates.retain(wanted);
        }
        plates.sort_by_key(|plate| core::cmp::Reverse(plate.standing));
        let mut plates = plates.into_iter();
        let best = plates.next()?;
        let contested = plates.any(|rival| rival.in_view_with(&best) && rival.standing * 1000 >= best.standing * CONTESTED_PERMILLE);
        Some(Chosen { numbers: best.numbers, fused: best.fused, contested })
    }

    /// Does the track belong to what was seen?
    pub fn knows(&self, number: TrackNumber) -> bool {
        self.tracks.iter().any(|(known, _)| *known == number)
    }

    /// Shifts every time, for a model checker that keeps times relative.
    pub fn shift_times(&mut self, shift: &mut dyn FnMut(&mut Mono)) {
        self.tracks.iter_mut().for_each(|(_, track)| track.shift_times(shift));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plate::worth::Sight;
    use alloc::{string::ToString, vec};

    fn read(text: &str, width_px: u16) -> Read {
        let sight = Sight {
            middle_px: [0, 0],
            width_px,
            height_px: width_px / 4,
            lines: 1,
            sharpness_permille: 220,
            contrast: 120,
            inside_permille: 1000,
        };
        Read::of_text(&PlateText::parse(text).unwrap(), 990_000, 1000).unwrap().with_sight(sight)
    }

    /// (track, text, width, first ms, last ms), a read every 100 ms.
    fn seen(plates: &[(u32, &str, u16, u64, u64)]) -> Tracks {
        let mut tracks = Tracks::new();
        for &(number, text, width_px, first, last) in plates {
            for at in (first..=last).step_by(100) {
                tracks.push(number, Mono(at), read(text, width_px), &VoteRules::default());
            }
        }
        tracks
    }

    fn chosen(plates: &[(u32, &str, u16, u64, u64)], side: Side) -> (alloc::string::String, Vec<u32>, bool) {
        let chosen = seen(plates).choose(side, &VoteRules::default()).unwrap();
        (chosen.fused.best.to_string(), chosen.numbers, chosen.contested)
    }

    #[test]
    fn large_lettering_on_a_cab_is_no_rival_of_a_small_plate_that_is_surely_read() {
        let rules = VoteRules::default();
        let mut tracks = seen(&[(1, "12C34567", 90, 0, 900)]);
        for at in (0..=900).step_by(100) {
            // "fits no form" and "never read surely" tell it apart; size and count speak for it
            let lettering = Read::of_text(&PlateText::parse("DY907PD").unwrap(), 800_000, 1000).unwrap();
            let sight = Sight { width_px: 360, ..*read("DY907PD", 360).sight().unwrap() };
            tracks.push(2, Mono(at), lettering.with_sight(sight), &rules);
        }
        let chosen = tracks.choose(Side::Front, &rules).unwrap();
        assert_eq!((chosen.fused.best.to_string().as_str(), chosen.contested), ("12C34567", false));
    }

    #[test]
    fn reads_of_two_plates_are_never_one_text() {
        let plates = [(1, "12C34567", 160, 0, 900), (2, "12R98765", 160, 0, 900)];
        assert_eq!(chosen(&plates, Side::Front), ("12C34567".into(), vec![1], false));
        assert_eq!(chosen(&plates, Side::Tail), ("12R98765".into(), vec![2], false));
    }

    #[test]
    fn a_trailers_plate_is_no_tractors_however_large() {
        let plates = [(1, "12C34567", 60, 0, 300), (2, "12R98765", 260, 0, 900)];
        assert_eq!(chosen(&plates, Side::Front).0, "12C34567");
        assert_eq!(chosen(&plates[1..], Side::Front).0, "12R98765", "where nothing else is there it is told");
    }

    #[test]
    fn a_rigid_truck_has_its_own_plate_behind() {
        assert_eq!(chosen(&[(1, "12C34567", 160, 0, 300)], Side::Tail).0, "12C34567");
    }

    #[test]
    fn a_track_that_was_lost_and_found_again_is_one_plate() {
        let plates = [(1, "12C34567", 60, 0, 300), (4, "12G34567", 160, 2000, 2600)];
        let (text, mut numbers, contested) = chosen(&plates, Side::Front);
        numbers.sort_unstable();
        assert_eq!((text.as_str(), numbers, contested), ("12G34567", vec![1, 4], false));
        let reads = seen(&plates).choose(Side::Front, &VoteRules::default()).unwrap().fused.reads;
        assert_eq!(reads, 11);
    }

    #[test]
    fn of_two_alike_in_view_at_once_nobody_can_tell() {
        let near = [(1, "12C34567", 160, 0, 900), (2, "12C34568", 150, 0, 900)];
        assert!(chosen(&near, Side::Front).2);
        let far = [(1, "12C34567", 160, 0, 900), (2, "12C34568", 60, 0, 900)];
        assert_eq!(chosen(&far, Side::Front), ("12C34567".into(), vec![1], false));
        let later = [(1, "12C34567", 160, 0, 400), (2, "29H00001", 150, 1000, 1900)];
        assert!(!chosen(&later, Side::Front).2, "the one came when the other was gone");
    }

    #[test]
    fn tracks_are_bounded_and_the_least_goes() {
        let many: Vec<_> = (0..20).map(|n| (n, "12C34567", 40 + n as u16, u64::from(n) * 1000, u64::from(n) * 1000 + 300)).collect();
        let tracks = seen(&many);
        assert_eq!(tracks.tracks.len(), MAX_TRACKS);
        assert!(tracks.knows(19) && !tracks.knows(0));
    }
}
