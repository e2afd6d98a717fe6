//! Numbers of one picture, by which its camera is judged. Pure: a small grey picture in, permille out.
//!
//! ```text
//! brightness   mean of all pixels, of 255
//! washed out   share of pixels at 250 and above
//! flat         share of the judged tiles (8 x 6) in which nothing has an edge, however soft; a tile too dark to tell is not judged
//! cells        a finer grid (16 x 12) of which each has fine detail, has none, or is too dark or too bright to tell: dirt on the glass is out of
//!              focus and takes the detail behind it away
//! sharpness    slope of the sharper edges: the largest step between neighbours of the whole rise within 13 pixels. A step edge has 1000, one
//!              blurred by a Gauss of s pixels 400 / s: no contrast enters, no size of what is seen, and a truck has edges as a road has
//! ```
//! An edge must stand against the picture's own brightness (a day's edge in the evening is one still) and over the noise of a dark one.

/// Width to which a picture is brought, pixels; a smaller one stays as it is.
pub const LOOK_WIDTH_PX: usize = 480;
/// Tiles across and down.
const TILES: [usize; 2] = [8, 6];
/// Cells across and down.
const CELLS: [usize; 2] = [16, 12];
/// All cells.
pub const CELL_COUNT: usize = CELLS[0] * CELLS[1];
/// Detail is told of a cell whose mean brightness lies between these.
const CELL_BRIGHTNESS: std::ops::RangeInclusive<f32> = 60.0..=232.0;
/// A step over two pixels is detail from so many levels...
const DETAIL_LEVELS: i32 = 7;
/// ... and from this part of the brightness there.
const DETAIL_PART: i32 = 10;
/// A cell with a smaller share of such steps has no detail.
const DETAIL_SHARE: f32 = 0.02;
/// A tile darker than this (of 255) may have anything in it.
const TILE_TOO_DARK: f32 = 26.0;
/// A step over six pixels counts from so many levels...
const EDGE_LEVELS: f32 = 5.0;
/// ... and from this share of the brightness there.
const EDGE_SHARE: f32 = 0.07;
/// A tile with fewer edge pixels than this has no structure.
const STRUCTURE_SHARE: f32 = 0.015;
/// Levels at and above which a pixel has lost what it saw.
const WASHED_OUT: u8 = 250;
/// A rise of fewer levels tells nothing of sharpness.
const RISE_LEVELS: i32 = 32;
/// Half of the window in which a rise is looked for, pixels.
const RISE_REACH_PX: usize = 6;
/// Rises that must be found before sharpness is told.
const MIN_RISES: usize = 60;
/// Sharpness is that of the rise which this share of all rises does not reach: the sharp ones decide.
const SHARP_QUANTILE: f32 = 0.8;
/// Writing that cameras burn in at the top and bottom is sharp whatever the lens does: this share of the height is left out at either end.
const WRITING_SHARE: f32 = 0.1;

/// A grey picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grey {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Grey {
    /// Rows from the top; `None` where the count of pixels is not width times height, or a side is below 48.
    #[must_use]
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Option<Self> {
        (width >= 48 && height >= 48 && pixels.len() == width * height).then_some(Self { width, height, pixels })
    }

    /// Pixels across and down.
    #[must_use]
    pub const fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// The brightness of one pixel.
    #[must_use]
    pub fn at(&self, x: usize, y: usize) -> u8 {
        self.pixels[y * self.width + x]
    }

    /// Means of the cells of a grid of this size laid over the picture.
    #[must_use]
    pub fn shrunk(&self, width: usize, height: usize) -> Vec<f32> {
        let mut out = Vec::with_capacity(width * height);
        let span = |cell: usize, cells: usize, side: usize| {
            let from = cell * side / cells;
            from..((cell + 1) * side / cells).max(from + 1).min(side)
        };
        for row in 0..height {
            for column in 0..width {
                let (ys, xs) = (span(row, height, self.height), span(column, width, self.width));
                let count = (ys.len() * xs.len()) as f32;
                let sum: u32 =
                    ys.flat_map(|y| &self.pixels[y * self.width + xs.start..y * self.width + xs.end]).map(|p| u32::from(*p)).sum();
                out.push(sum as f32 / count);
            }
        }
        out
    }

    /// Mean over squares of five pixels; the picture's rim is continued outwards.
    fn smooth(&self) -> Vec<f32> {
        let pass = |input: &dyn Fn(usize, usize) -> f32, along_x: bool| {
            let mut out = vec![0.0; self.width * self.height];
            for y in 0..self.height {
                for x in 0..self.width {
                    let sum: f32 = (-2_isize..=2)
                        .map(|by| {
                            let (dx, dy) = if along_x { (by, 0) } else { (0, by) };
                            input(x.saturating_add_signed(dx).min(self.width - 1), y.saturating_add_signed(dy).min(self.height - 1))
                        })
                        .sum();
                    out[y * self.width + x] = sum / 5.0;
                }
            }
            out
        };
        let rows = pass(&|x, y| f32::from(self.at(x, y)), true);
        pass(&|x, y| rows[y * self.width + x], false)
    }
}

/// One cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// Too dark or too bright to tell.
    Unknown,
    /// Nothing in it has detail.
    Plain,
    /// Something has.
    Detailed,
    /// Enough has that its loss means something.
    Rich,
}

/// What one picture shows of its camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Mean of 255, permille.
    pub brightness_permille: u16,
    /// Share of pixels that are white to the stop.
    pub washed_out_permille: u16,
    /// Share of flat tiles among the judged ones; `None`: none could be judged.
    pub flat_permille: Option<u16>,
    /// Slope of the sharper edges; `None`: too few rises to tell.
    pub sharpness_permille: Option<u16>,
    /// The cells, row by row.
    pub cells: [Cell; CELL_COUNT],
}

impl Look {
    /// Measures a picture.
    #[must_use]
    pub fn at(grey: &Grey) -> Self {
        let count = grey.pixels.len() as f32;
        let sum: u64 = grey.pixels.iter().map(|p| u64::from(*p)).sum();
        let washed_out = grey.pixels.iter().filter(|p| **p >= WASHED_OUT).count();
        let (flat, judged) = flat_tiles(grey);
        Self {
            brightness_permille: permille(sum as f32 / count / 255.0),
            washed_out_permille: permille(washed_out as f32 / count),
            flat_permille: (judged > 0).then(|| permille(flat as f32 / judged as f32)),
            sharpness_permille: sharpness(grey),
            cells: cells(grey),
        }
    }
}

/// A share as permille.
#[must_use]
pub fn permille(share: f32) -> u16 {
    (share * 1000.0).round().clamp(0.0, 1000.0) as u16
}

/// How many tiles are flat, of how many that can be judged.
fn flat_tiles(grey: &Grey) -> (usize, usize) {
    let (width, height) = grey.size();
    let smooth = grey.smooth();
    let at = |x: usize, y: usize| smooth[y * width + x];
    // edges, pixels, sum of brightness
    let mut tiles = [(0_u32, 0_u32, 0_f32); TILES[0] * TILES[1]];
    for y in 3..height - 3 {
        for x in 3..width - 3 {
            let here = at(x, y);
            let step = (at(x + 3, y) - at(x - 3, y)).abs().max((at(x, y + 3) - at(x, y - 3)).abs());
            let tile = &mut tiles[(y * TILES[1] / height) * TILES[0] + x * TILES[0] / width];
            tile.0 += u32::from(step >= EDGE_LEVELS.max(EDGE_SHARE * here));
            tile.1 += 1;
            tile.2 += here;
        }
    }
    let share = |part: f32, pixels: u32| part / pixels.max(1) as f32;
    let structured = tiles.iter().filter(|(edges, pixels, _)| share(*edges as f32, *pixels) >= STRUCTURE_SHARE).count();
    let dark =
        |(edges, pixels, sum): &&(u32, u32, f32)| share(*edges as f32, *pixels) < STRUCTURE_SHARE && share(*sum, *pixels) < TILE_TOO_DARK;
    let judged = tiles.len() - tiles.iter().filter(dark).count();
    (judged - structured, judged)
}

fn cells(grey: &Grey) -> [Cell; CELL_COUNT] {
    let (width, height) = grey.size();
    let mut cells = [(0_u32, 0_u32, 0_u32); CELL_COUNT];
    for y in 0..height - 2 {
        for x in 0..width - 2 {
            let here = i32::from(grey.at(x, y));
            let step = (i32::from(grey.at(x + 2, y)) - here).abs().max((i32::from(grey.at(x, y + 2)) - here).abs());
            let cell = &mut cells[(y * CELLS[1] / height) * CELLS[0] + x * CELLS[0] / width];
            cell.0 += u32::from(step >= DETAIL_LEVELS.max(here / DETAIL_PART));
            cell.1 += 1;
            cell.2 += here.unsigned_abs();
        }
    }
    cells.map(|(steps, pixels, sum)| {
        let pixels = pixels.max(1) as f32;
        match steps as f32 / pixels {
            _ if !CELL_BRIGHTNESS.contains(&(sum as f32 / pixels)) => Cell::Unknown,
            share if share >= 2.5 * DETAIL_SHARE => Cell::Rich,
            share if share >= DETAIL_SHARE => Cell::Detailed,
            _ => Cell::Plain,
        }
    })
}

fn sharpness(grey: &Grey) -> Option<u16> {
    let (width, height) = grey.size();
    let margin = ((height as f32 * WRITING_SHARE) as usize).max(RISE_REACH_PX);
    let mut slopes: Vec<u16> = Vec::new();
    // every second row and, of the columns, every second one: edges are longer than that
    for y in (margin..height - margin).step_by(2) {
        slopes_along(|i| i32::from(grey.at(i, y)), 0, width, &mut slopes);
    }
    for x in (0..width).step_by(2) {
        slopes_along(|i| i32::from(grey.at(x, i)), margin, height - margin, &mut slopes);
    }
    if slopes.len() < MIN_RISES {
        return None;
    }
    let place = ((slopes.len() - 1) as f32 * SHARP_QUANTILE) as usize;
    let (_, slope, _) = slopes.select_nth_unstable(place);
    Some(*slope)
}

/// The slopes at the steepest places of one line.
fn slopes_along(at: impl Fn(usize) -> i32, from: usize, to: usize, slopes: &mut Vec<u16>) {
    let step = |i: usize| (at(i + 1) - at(i)).abs();
    for i in from + RISE_REACH_PX..to.saturating_sub(RISE_REACH_PX + 1) {
        let here = step(i);
        // one value a rise: where it is steepest
        if here * 16 < RISE_LEVELS || here < step(i - 1) || here <= step(i + 1) {
            continue;
        }
        let rising = at(i + 1) > at(i);
        let before = (i - RISE_REACH_PX..=i).map(&at);
        let after = (i + 1..=i + 1 + RISE_REACH_PX).map(&at);
        let rise = if rising {
            after.max().unwrap_or(0) - before.min().unwrap_or(0)
        } else {
            before.max().unwrap_or(0) - after.min().unwrap_or(0)
        };
        if rise >= RISE_LEVELS {
            slopes.push(permille(here as f32 / rise as f32));
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::condition) fn picture(width: usize, height: usize, at: impl Fn(usize, usize) -> f32) -> Grey {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| at(x, y).round().clamp(0.0, 255.0) as u8);
        Grey::new(width, height, pixels.collect()).unwrap()
    }

    /// Bars of 40 pixels every 120, both ways, with edges of a Gauss's width.
    fn edges(sigma: f32, low: f32, high: f32) -> Grey {
        let side = |i: usize| {
            let phase = (i % 120) as f32 - 39.5;
            let smooth = |d: f32| 1.0 / (1.0 + (-1.7 * d / sigma.max(0.01)).exp());
            smooth(phase) * (1.0 - smooth(phase - 40.0))
        };
        picture(480, 270, |x, y| low + (high - low) * side(x) * side(y))
    }

    #[test]
    fn sharpness_is_the_slope_whatever_the_contrast() {
        let sharp = |sigma, low, high| i32::from(Look::at(&edges(sigma, low, high)).sharpness_permille.unwrap());
        let by_width: Vec<i32> = [0.3, 1.0, 2.0, 4.0].map(|sigma| sharp(sigma, 40.0, 200.0)).to_vec();
        assert!(by_width.is_sorted_by(|a, b| a > b), "{by_width:?}");
        assert!(by_width[0] > 700 && by_width[3] < 150, "{by_width:?}");
        assert!((sharp(2.0, 40.0, 200.0) - sharp(2.0, 20.0, 90.0)).abs() < 40);
    }

    #[test]
    fn a_plain_picture_is_flat_and_tells_no_sharpness() {
        let look = Look::at(&picture(480, 270, |x, _| 90.0 + x as f32 / 48.0));
        assert_eq!((look.flat_permille, look.sharpness_permille), (Some(1000), None));
        let black = Look::at(&picture(480, 270, |_, _| 3.0));
        assert_eq!((black.flat_permille, black.brightness_permille), (None, 12));
        let white = Look::at(&picture(480, 270, |x, _| if x < 240 { 255.0 } else { 100.0 }));
        assert_eq!(white.washed_out_permille, 500);
    }

    #[test]
    fn what_is_no_picture_is_none() {
        assert_eq!(Grey::new(48, 48, vec![0; 48 * 47]), None);
        assert_eq!(Grey::new(47, 48, vec![0; 48 * 47]), None);
    }
}
