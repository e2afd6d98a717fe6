//! One plate followed from frame to frame: a sighting belongs to the track whose last place it overlaps most.
//!
//! ```text
//!   may belong     the boxes overlap, or the middles are less than 1.5 widths apart; as large within a factor of two; and what is
//!                  surely read on both is much the same text (half of the symbols in their order)
//!   who gets it    the nearest pair first; two plates of a frame never share a track
//! ```
//! Without the text the next vehicle's plate, come to the same place, would go on as the first one's. A track that is not seen for
//! [`MAX_ABSENT_MS`] ends; its number is never used again. Time is an argument. Whether a new track is an old plate is the lane's to say.

use crate::geometry::{Quad, bounds, overlap};

/// A track not seen for this long is over.
pub const MAX_ABSENT_MS: u64 = 3_000;
/// Tracks at the same time.
const MAX_TRACKS: usize = 16;
/// A sighting may have moved by this many plate widths since the last one.
const MAX_STEP_WIDTHS: f32 = 1.5;
/// A sighting may have grown or shrunk by this since the last one.
const MAX_GROWTH: f32 = 2.0;

#[derive(Debug, Clone)]
struct Track {
    number: u64,
    quad: Quad,
    /// As last surely read.
    text: Option<String>,
    seen_ms: u64,
}

/// The tracks of one camera.
#[derive(Debug, Default)]
pub struct Tracks {
    live: Vec<Track>,
    last_number: u64,
}

impl Tracks {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// [`Self::follow_read`] of plates that were not read.
    pub fn follow(&mut self, quads: &[Quad], now_ms: u64) -> Vec<u64> {
        let unread: Vec<_> = quads.iter().map(|quad| (*quad, None)).collect();
        self.follow_read(&unread, now_ms)
    }

    /// The track numbers of the plates of one frame, in their order; two plates of a frame never share one. With each its text where it was
    /// surely read.
    pub fn follow_read(&mut self, plates: &[(Quad, Option<&str>)], now_ms: u64) -> Vec<u64> {
        self.live.retain(|track| now_ms.saturating_sub(track.seen_ms) <= MAX_ABSENT_MS);
        let mut pairs: Vec<(f32, usize, usize)> = Vec::new();
        for (at, (quad, text)) in plates.iter().enumerate() {
            for (index, track) in self.live.iter().enumerate() {
                let near = nearness(&track.quad, quad);
                if near > 0.0 && is_one_plate(track.text.as_deref(), *text) {
                    pairs.push((near, at, index));
                }
            }
        }
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut owners: Vec<Option<usize>> = vec![None; plates.len()];
        let mut taken = vec![false; self.live.len()];
        for (_, at, index) in pairs {
            if owners[at].is_none() && !taken[index] {
                owners[at] = Some(index);
                taken[index] = true;
            }
        }
        let numbers = plates.iter().zip(owners).map(|((quad, text), owner)| self.place(owner, quad, *text, now_ms)).collect();
        if self.live.len() > MAX_TRACKS {
            self.live.sort_by_key(|track| std::cmp::Reverse(track.seen_ms));
            self.live.truncate(MAX_TRACKS);
        }
        numbers
    }

    fn place(&mut self, owner: Option<usize>, quad: &Quad, text: Option<&str>, now_ms: u64) -> u64 {
        if let Some(track) = owner.and_then(|index| self.live.get_mut(index)) {
            track.quad = *quad;
            track.seen_ms = now_ms;
            if let Some(text) = text {
                track.text = Some(text.to_owned());
            }
            return track.number;
        }
        self.last_number += 1;
        self.live.push(Track { number: self.last_number, quad: *quad, text: text.map(str::to_owned), seen_ms: now_ms });
        self.last_number
    }
}

/// May two surely read texts be one plate's? Where one was not read, nothing is against it.
fn is_one_plate(a: Option<&str>, b: Option<&str>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return true };
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // Longest common subsequence, row by row.
    let mut row = vec![0_usize; b.len() + 1];
    for x in &a {
        let mut diagonal = 0;
        for (at, y) in b.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if x == y { diagonal + 1 } else { above.max(row[at]) };
            diagonal = above;
        }
    }
    row[b.len()] * 2 >= a.len().max(b.len())
}

/// Above 1 where the boxes overlap, falling to 0 where the centres are [`MAX_STEP_WIDTHS`] apart or the sizes [`MAX_GROWTH`].
fn nearness(a: &Quad, b: &Quad) -> f32 {
    let ((a_low, a_high), (b_low, b_high)) = (bounds(a), bounds(b));
    let (a_width, b_width) = ((a_high[0] - a_low[0]).max(1.0), (b_high[0] - b_low[0]).max(1.0));
    if a_width.max(b_width) > MAX_GROWTH * a_width.min(b_width) {
        return 0.0;
    }
    let shared = overlap(a, b);
    if shared > 0.0 {
        return 1.0 + shared;
    }
    let distance = ((a_low[0] + a_high[0] - b_low[0] - b_high[0]) / 2.0).hypot((a_low[1] + a_high[1] - b_low[1] - b_high[1]) / 2.0);
    1.0 - distance / (MAX_STEP_WIDTHS * a_width.max(b_width))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plate(x: f32, y: f32) -> Quad {
        sized(x, y, 100.0)
    }

    fn sized(x: f32, y: f32, width: f32) -> Quad {
        [[x, y], [x + width, y], [x + width, y + width * 0.3], [x, y + width * 0.3]]
    }

    #[test]
    fn a_plate_that_moves_keeps_its_number_and_another_gets_its_own() {
        let mut tracks = Tracks::new();
        assert_eq!(tracks.follow(&[plate(0.0, 0.0)], 0), [1]);
        assert_eq!(tracks.follow(&[plate(20.0, 5.0), plate(400.0, 300.0)], 100), [1, 2]);
        assert_eq!(tracks.follow(&[plate(420.0, 300.0), plate(90.0, 50.0)], 200), [2, 1]);
    }

    #[test]
    fn a_plate_that_was_away_is_a_new_one() {
        let mut tracks = Tracks::new();
        assert_eq!(tracks.follow(&[plate(0.0, 0.0)], 0), [1]);
        assert_eq!(tracks.follow(&[plate(0.0, 0.0)], MAX_ABSENT_MS), [1]);
        assert_eq!(tracks.follow(&[plate(0.0, 0.0)], 2 * MAX_ABSENT_MS + 1), [2]);
    }

    #[test]
    fn two_plates_of_a_frame_never_share_a_track() {
        let mut tracks = Tracks::new();
        tracks.follow(&[plate(0.0, 0.0)], 0);
        let numbers = tracks.follow(&[plate(2.0, 0.0), plate(4.0, 0.0)], 50);
        assert_ne!(numbers[0], numbers[1]);
    }

    #[test]
    fn the_nearest_pair_goes_first_whatever_the_order_of_sightings() {
        let mut tracks = Tracks::new();
        assert_eq!(tracks.follow(&[plate(0.0, 0.0), plate(150.0, 0.0)], 0), [1, 2]);
        // Both moved by 60: the first now lies nearer to where the second was than to where it was itself.
        assert_eq!(tracks.follow(&[plate(60.0, 0.0), plate(210.0, 0.0)], 100), [1, 2]);
        assert_eq!(tracks.follow(&[plate(215.0, 0.0), plate(70.0, 0.0)], 200), [2, 1]);
    }

    #[test]
    fn the_next_vehicles_plate_in_the_same_place_is_another() {
        let mut tracks = Tracks::new();
        assert_eq!(tracks.follow_read(&[(plate(0.0, 0.0), Some("12C34567"))], 0), [1]);
        assert_eq!(tracks.follow_read(&[(plate(0.0, 0.0), None)], 100), [1], "not read: nothing is against it");
        assert_eq!(tracks.follow_read(&[(plate(0.0, 0.0), Some("12G345G7"))], 200), [1], "misread is still itself");
        assert_eq!(tracks.follow_read(&[(plate(0.0, 0.0), Some("29H98801"))], 300), [2]);
        assert_eq!(tracks.follow_read(&[(plate(0.0, 0.0), Some("12C34567"))], 400), [1], "and back");
    }

    #[test]
    fn a_plate_of_quite_another_size_is_another() {
        let mut tracks = Tracks::new();
        assert_eq!(tracks.follow(&[sized(0.0, 0.0, 200.0)], 0), [1]);
        assert_eq!(tracks.follow(&[sized(60.0, 20.0, 60.0)], 100), [2], "the one behind, seen over the first");
        assert_eq!(tracks.follow(&[sized(0.0, 0.0, 220.0), sized(62.0, 20.0, 66.0)], 200), [1, 2]);
    }

    #[test]
    fn tracks_are_bounded() {
        let mut tracks = Tracks::new();
        for n in 0..100 {
            tracks.follow(&[plate(n as f32 * 500.0, 0.0)], 1);
        }
        assert!(tracks.live.len() <= MAX_TRACKS + 1);
    }
}
