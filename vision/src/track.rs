//! One plate followed from frame to frame: a sighting belongs to the track whose last place it overlaps most.
//!
//! A track that is not seen for [`MAX_ABSENT_MS`] ends; its number is never used again. Time is an argument.

use crate::geometry::{Quad, bounds, overlap};

/// A track not seen for this long is over.
pub const MAX_ABSENT_MS: u64 = 3_000;
/// Tracks at the same time.
const MAX_TRACKS: usize = 16;
/// A sighting may have moved by this many plate widths since the last one.
const MAX_STEP_WIDTHS: f32 = 1.5;

#[derive(Debug, Clone, Copy)]
struct Track {
    number: u64,
    quad: Quad,
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

    /// The track numbers of the plates of one frame, in their order; two plates of a frame never share one.
    pub fn follow(&mut self, quads: &[Quad], now_ms: u64) -> Vec<u64> {
        self.live.retain(|track| now_ms.saturating_sub(track.seen_ms) <= MAX_ABSENT_MS);
        let mut taken = vec![false; self.live.len()];
        let numbers = quads.iter().map(|quad| self.claim(quad, &mut taken, now_ms)).collect();
        if self.live.len() > MAX_TRACKS {
            self.live.sort_by_key(|track| std::cmp::Reverse(track.seen_ms));
            self.live.truncate(MAX_TRACKS);
        }
        numbers
    }

    fn claim(&mut self, quad: &Quad, taken: &mut Vec<bool>, now_ms: u64) -> u64 {
        let nearness = |index: &usize| nearness(&self.live[*index].quad, quad);
        let free = (0..self.live.len()).filter(|&index| !taken[index] && nearness(&index) > 0.0);
        if let Some(index) = free.max_by(|a, b| nearness(a).total_cmp(&nearness(b))) {
            taken[index] = true;
            self.live[index].quad = *quad;
            self.live[index].seen_ms = now_ms;
            return self.live[index].number;
        }
        self.last_number += 1;
        self.live.push(Track { number: self.last_number, quad: *quad, seen_ms: now_ms });
        taken.push(true);
        self.last_number
    }
}

/// Above 1 where the boxes overlap, falling to 0 where the centres are [`MAX_STEP_WIDTHS`] apart.
fn nearness(a: &Quad, b: &Quad) -> f32 {
    let shared = overlap(a, b);
    if shared > 0.0 {
        return 1.0 + shared;
    }
    let ((a_low, a_high), (b_low, b_high)) = (bounds(a), bounds(b));
    let distance = ((a_low[0] + a_high[0] - b_low[0] - b_high[0]) / 2.0).hypot((a_low[1] + a_high[1] - b_low[1] - b_high[1]) / 2.0);
    1.0 - distance / (MAX_STEP_WIDTHS * (a_high[0] - a_low[0]).max(b_high[0] - b_low[0]).max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plate(x: f32, y: f32) -> Quad {
        [[x, y], [x + 100.0, y], [x + 100.0, y + 30.0], [x, y + 30.0]]
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
    fn tracks_are_bounded() {
        let mut tracks = Tracks::new();
        for n in 0..100 {
            tracks.follow(&[plate(n as f32 * 500.0, 0.0)], 1);
        }
        assert!(tracks.live.len() <= MAX_TRACKS + 1);
    }
}
