//! Limits of the conditions, (enter, leave) in permille, and what they stand between. Made: the pictures of `tests/condition.rs`, a bare and a
//! furnished lane by day, in the evening, at night under lamps, in rain and with trucks; real: 134 photos of vehicles, for the measures that need no
//! commissioning view.
//!
//! | | limit | what must not reach it | what must |
//! |---|---|---|---|
//! | flat | 900 | made 563, thick fog 750, low sun 792, real 500 | hand, bag: 1000 |
//! | washed out | 350 | made 84, headlights 9, real 189 | low sun 549, over-exposed 880 |
//! | sharpness | below 310 | made 547, real 365 | Gauss of 4 pixels of 1280: 235 to 321, of 6: 179 to 209 |
//! | moved | 45 | light, rain and dirt on a furnished lane 0, on a bare one 17 | a shift of 6 %: 62, a turn of 6 degrees: 52 |
//! | match, where no shift is found | below 650 | the same lane in any light 860 | another place 476, a quarter of the width off 608 |
//! | spoiled | 60 | noon 34, rain and night 0 | nine spots 100, twenty 205 |
//!
//! A bare road under twenty spots of dirt is taken for moved (65): what has hardly an edge cannot be placed.

/// What a site may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The unit of all patience: how long something must be seen before it is said, milliseconds.
    pub after_ms: u64,
    /// No frame for this long is a condition of its own.
    pub no_frames_after_ms: u64,
    /// The same bytes for this long is a condition of its own; `None`: a file, which is meant to be still.
    pub frozen_after_ms: Option<u64>,
    /// Mean brightness (0 to 255) below which a picture is dark.
    pub dark_below: u8,
}

/// Share of flat tiles.
pub const COVERED: (u16, u16) = (900, 800);
/// Share of pixels white to the stop.
pub const GLARE: (u16, u16) = (350, 250);
/// Sharpness.
pub const BLURRED: (u16, u16) = (310, 350);
/// Farthest move of a corner.
pub const MOVED: (u16, u16) = (45, 30);
/// Correlation below which nothing of the view is found.
pub const LOST: u16 = 650;
/// Share of the detailed cells that lost their detail.
pub const DIRTY: (u16, u16) = (60, 40);
/// With fewer cells that are known to have detail, dirt cannot be told.
pub const MIN_KNOWN_CELLS: u32 = 20;
