//! What a camera is worth: one named condition, the worst that stands, with the numbers it was judged by. Time is an argument, pictures are small
//! and grey; nothing here reads or decodes.
//!
//! | worst first | stands when | judged |
//! |---|---|---|
//! | no frames | none for `no_frames_after_ms` | always |
//! | frozen | the same bytes for `frozen_after_ms` | always |
//! | covered | nine tiles of ten without structure; or black, and bright a moment ago | with a vehicle present ten times slower: a flank may fill the view |
//! | moved | a corner of the picture lies elsewhere than in the commissioning view, or nothing of the view is found | nothing present; not dark, glaring or blurred |
//! | dark | mean brightness below `dark_below` | always |
//! | glare | over a third of the picture is white to the stop | always |
//! | blurred | the sharper edges are soft | enough edges, and none of the above |
//! | dirty | cells that have detail show none, whatever passes | enough light; not moved, covered or blurred |
//! | out of frame | [`STRIKES`] vehicles in a row without one plate wholly in the picture | by visits |
//!
//! Each has its own hysteresis: it enters after a multiple of `after_ms` without interruption, above one limit, and leaves after `after_ms` below a
//! lower one. The limits stand beside what the made video of `tests/condition.rs` measures ([`limits`]).

pub mod grey;
pub mod limits;
pub mod measure;
pub mod view;

use lane_link::camera::{CameraCondition, Measured};
use limits::Limits;
use measure::{CELL_COUNT, Cell, Grey, Look, permille};
use view::{EdgeMap, Placement, place};

/// So many vehicles in a row without a whole plate are the camera's fault and not theirs.
pub const STRIKES: u32 = 3;
/// A visit with fewer looks of the detector says nothing.
const VISIT_MIN_LOOKS: u32 = 6;
/// A corner this near to the rim is cut off, share of the picture.
const RIM_SHARE: f32 = 0.004;
/// A picture that was this many times brighter than the limit of dark, and within [`ABRUPT_MS`] is dark, has been covered.
const ABRUPT_TIMES: u32 = 3;
/// Longest time in which night does not fall.
const ABRUPT_MS: u64 = 3_000;
/// Looks that show detail in a cell until it is known to have some, where there is no commissioning view.
const LEARNT_LOOKS: u16 = 20;

/// A state that needs time to enter and to leave.
#[derive(Debug, Clone, Copy, Default)]
struct Level {
    on: bool,
    turning_since: Option<u64>,
}

impl Level {
    /// `says`: it stands, it does not, or (`None`) nobody can tell: then it stays as it is.
    fn step(&mut self, now_ms: u64, says: Option<bool>, enter_ms: u64, leave_ms: u64) {
        match says {
            Some(stands) if stands != self.on => {
                let since = *self.turning_since.get_or_insert(now_ms);
                if now_ms.saturating_sub(since) >= if stands { enter_ms } else { leave_ms } {
                    *self = Self { on: stands, turning_since: None };
                }
            }
            _ => self.turning_since = None,
        }
    }

    /// Over `enter` while off, over `leave` while on.
    const fn over(&self, value: u16, enter: u16, leave: u16) -> bool {
        value >= if self.on { leave } else { enter }
    }

    const fn under(&self, value: u16, enter: u16, leave: u16) -> bool {
        value < if self.on { leave } else { enter }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Levels {
    covered: Level,
    moved: Level,
    dark: Level,
    glare: Level,
    blurred: Level,
    dirty: Level,
}

/// One vehicle before the camera.
#[derive(Debug, Clone, Copy, Default)]
struct Visit {
    looks: u32,
    plate_whole: bool,
}

struct View {
    edges: EdgeMap,
    look: Look,
}

/// Judges one camera.
pub struct Watch {
    limits: Limits,
    view: Option<View>,
    levels: Levels,
    measured: Measured,
    present: bool,
    /// Since when nothing is present.
    quiet_since_ms: u64,
    visit: Visit,
    strikes: u32,
    bright_at_ms: Option<u64>,
    went_black: bool,
    last_look_ms: Option<u64>,
    /// Looks in which each cell had detail, and for how long it has shown none since, with nothing present.
    learnt: [u16; CELL_COUNT],
    plain_ms: [u64; CELL_COUNT],
}

impl Watch {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            view: None,
            levels: Levels::default(),
            measured: Measured::default(),
            present: false,
            quiet_since_ms: 0,
            visit: Visit::default(),
            strikes: 0,
            bright_at_ms: None,
            went_black: false,
            last_look_ms: None,
            learnt: [0; CELL_COUNT],
            plain_ms: [0; CELL_COUNT],
        }
    }

    /// Compares with this picture from now on, or with none. What rested on the old one is judged anew.
    pub fn set_view(&mut self, picture: Option<&Grey>) {
        self.view = picture.map(|grey| View { edges: EdgeMap::of(grey), look: Look::at(grey) });
        self.levels.moved = Level::default();
        self.levels.dirty = Level::default();
        self.plain_ms = [0; CELL_COUNT];
        self.learnt = [0; CELL_COUNT];
        self.measured = Measured {
            spoiled_permille: 0,
            match_permille: None,
            shift_permille: None,
            turn_permille: None,
            zoom_permille: None,
            ..self.measured
        };
    }

    /// Is there a view to compare with?
    #[must_use]
    pub const fn has_view(&self) -> bool {
        self.view.is_some()
    }

    /// What the last pictures measured.
    #[must_use]
    pub const fn measured(&self) -> Measured {
        self.measured
    }

    /// Between pictures that [`Watch::look`] needs.
    #[must_use]
    pub fn interval_ms(&self) -> u64 {
        (self.limits.after_ms / 4).clamp(50, 1_000)
    }

    /// A vehicle is, or is no longer, in the camera's zone.
    pub fn presence(&mut self, on: bool, now_ms: u64) {
        if on == self.present {
            return;
        }
        self.present = on;
        if on {
            self.visit = Visit::default();
            return;
        }
        self.quiet_since_ms = now_ms;
        // What could not see at all says nothing of where plates are.
        if self.visit.looks >= VISIT_MIN_LOOKS && !self.visit.plate_whole && !self.sees_badly() {
            self.strikes = (self.strikes + 1).min(STRIKES);
        }
    }

    fn sees_badly(&self) -> bool {
        let l = &self.levels;
        [l.covered, l.dark, l.glare, l.blurred].iter().any(|level| level.on)
    }

    /// The detector looked at a picture of this size and found these corners.
    pub fn plates(&mut self, quads: &[[[f32; 2]; 4]], (width, height): (f32, f32)) {
        self.visit.looks += 1;
        let (x, y) = (width * RIM_SHARE, height * RIM_SHARE);
        let within = |corner: &[f32; 2]| (x..=width - x).contains(&corner[0]) && (y..=height - y).contains(&corner[1]);
        if quads.iter().any(|quad| quad.iter().all(within)) {
            self.visit.plate_whole = true;
            self.strikes = 0;
        }
    }

    /// Looks at a picture; call it every [`Watch::interval_ms`].
    pub fn look(&mut self, now_ms: u64, grey: &Grey) {
        let look = Look::at(grey);
        let since_last_ms = self.last_look_ms.map_or(0, |last| now_ms.saturating_sub(last)).min(4 * self.interval_ms());
        self.last_look_ms = Some(now_ms);
        let brightness_permille = look.brightness_permille;
        self.measured = Measured {
            brightness_permille,
            washed_out_permille: look.washed_out_permille,
            flat_permille: look.flat_permille,
            sharpness_permille: look.sharpness_permille,
            ..self.measured
        };
        let dark = self.judge_light(now_ms, &look);
        let covered = self.judge_cover(now_ms, &look, dark);
        let (after_ms, l) = (self.limits.after_ms, &mut self.levels);
        let glare = l.glare.over(look.washed_out_permille, limits::GLARE.0, limits::GLARE.1);
        l.glare.step(now_ms, Some(glare), after_ms, after_ms);
        let sees = !dark && !covered && !glare;
        let soft = look.sharpness_permille.filter(|_| sees).map(|s| l.blurred.under(s, limits::BLURRED.0, limits::BLURRED.1));
        l.blurred.step(now_ms, soft, 4 * after_ms, after_ms);
        let sharp = sees && soft != Some(true);
        self.judge_place(now_ms, grey, sharp);
        self.judge_cells(now_ms, &look, since_last_ms, sharp);
    }

    /// Dark? Black at once is remembered: that is no night.
    fn judge_light(&mut self, now_ms: u64, look: &Look) -> bool {
        let below = permille(f32::from(self.limits.dark_below) / 255.0);
        let level = &mut self.levels.dark;
        let dark = level.under(look.brightness_permille, below, below + below / 4);
        level.step(now_ms, Some(dark), self.limits.after_ms, self.limits.after_ms);
        if u32::from(look.brightness_permille) >= ABRUPT_TIMES * u32::from(below) {
            self.bright_at_ms = Some(now_ms);
        }
        let just_bright = self.bright_at_ms.is_some_and(|at| now_ms.saturating_sub(at) <= ABRUPT_MS.max(2 * self.interval_ms()));
        self.went_black = dark && (self.went_black || just_bright);
        dark
    }

    fn judge_cover(&mut self, now_ms: u64, look: &Look, dark: bool) -> bool {
        let level = &mut self.levels.covered;
        let flat = look.flat_permille.filter(|_| !dark).map(|flat| level.over(flat, limits::COVERED.0, limits::COVERED.1));
        // A black picture that was bright a moment ago is covered; another dark one is dark, and no longer covered.
        let covered = if dark { self.went_black } else { flat == Some(true) };
        let patience = if self.present && !dark { 10 } else { 1 };
        level.step(now_ms, Some(covered), patience * self.limits.after_ms, self.limits.after_ms);
        covered
    }

    /// Compares with the commissioning view while nothing is there that would hide it.
    fn judge_place(&mut self, now_ms: u64, grey: &Grey, sharp: bool) {
        let after_ms = self.limits.after_ms;
        let quiet = !self.present && now_ms.saturating_sub(self.quiet_since_ms) >= after_ms.min(3_000);
        let placed = self.view.as_ref().filter(|_| quiet && sharp).and_then(|view| place(&view.edges, &EdgeMap::of(grey)));
        let Some(placed) = placed else {
            return self.levels.moved.step(now_ms, None, 0, 0);
        };
        let Placement { match_permille, shift_permille, turn_permille, zoom_permille } = placed;
        let told = shift_permille.is_some();
        self.measured = Measured {
            match_permille: Some(match_permille),
            shift_permille,
            turn_permille: told.then_some(turn_permille),
            zoom_permille: told.then_some(zoom_permille),
            ..self.measured
        };
        let level = &mut self.levels.moved;
        let (says, enter) = match shift_permille {
            Some(shift) => (Some(level.over(shift, limits::MOVED.0, limits::MOVED.1)), 2),
            // Not found at all: far off, or another light. The first only where hardly anything fits.
            None => ((match_permille < limits::LOST).then_some(true), 6),
        };
        level.step(now_ms, says, enter * after_ms, after_ms);
    }

    /// Cells that lost their detail for good.
    fn judge_cells(&mut self, now_ms: u64, look: &Look, since_last_ms: u64, sharp: bool) {
        let after_ms = self.limits.after_ms;
        let mut known = 0_u32;
        let mut spoiled = 0_u32;
        for (at, cell) in look.cells.iter().enumerate() {
            let is_known = self.view.as_ref().map_or(self.learnt[at] >= LEARNT_LOOKS, |view| view.look.cells[at] == Cell::Rich);
            match cell {
                Cell::Detailed | Cell::Rich => {
                    self.learnt[at] = self.learnt[at].saturating_add(u16::from(*cell == Cell::Rich));
                    self.plain_ms[at] = 0;
                }
                Cell::Plain if sharp && !self.present => self.plain_ms[at] += since_last_ms,
                Cell::Plain | Cell::Unknown => {}
            }
            known += u32::from(is_known);
            spoiled += u32::from(is_known && self.plain_ms[at] >= 24 * after_ms);
        }
        let share = if known == 0 { 0 } else { permille(spoiled as f32 / known as f32) };
        self.measured.spoiled_permille = share;
        let level = &mut self.levels.dirty;
        let dirty = (known >= limits::MIN_KNOWN_CELLS && sharp && !self.levels.moved.on)
            .then(|| level.over(share, limits::DIRTY.0, limits::DIRTY.1));
        level.step(now_ms, dirty, 0, after_ms);
    }

    /// The condition, from the age of the newest frame and for how long the frames' bytes have been the same.
    #[must_use]
    pub fn condition(&self, silent_ms: u64, same_ms: u64) -> CameraCondition {
        let l = &self.levels;
        let frozen = self.limits.frozen_after_ms.is_some_and(|limit| same_ms >= limit);
        let standing = [
            (silent_ms >= self.limits.no_frames_after_ms, CameraCondition::NoFrames),
            (frozen, CameraCondition::Frozen),
            (l.covered.on, CameraCondition::Covered),
            (l.moved.on, CameraCondition::Moved),
            (l.dark.on, CameraCondition::Dark),
            (l.glare.on, CameraCondition::Glare),
            (l.blurred.on, CameraCondition::Blurred),
            (l.dirty.on, CameraCondition::Dirty),
            (self.strikes >= STRIKES, CameraCondition::OutOfFrame),
        ];
        standing.into_iter().find(|(stands, _)| *stands).map_or(CameraCondition::Ok, |(_, condition)| condition)
    }
}
