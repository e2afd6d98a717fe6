//! Where a camera looks, compared with its commissioning view: shift, turn and zoom of the picture, found without features.
//!
//! Both pictures become maps of edges (96 cells across): how steep, against the brightness there, and never more than 1, so that day, evening and
//! lamp light give nearly the same map. The map is cut in 3 x 2 tiles; each is laid over the present picture at every shift within
//! [`REACH_CELLS`] and keeps the one that correlates best. What most tiles agree on is a shift, a turn and a zoom (least squares over the tiles that
//! found themselves). A vehicle, a shadow or a lamp spoils some tiles and not the rest.

use super::measure::{Grey, permille};

/// Cells across the map.
const MAP_WIDTH: usize = 96;
/// A tile is looked for so many cells to every side: an eighth of the picture's width.
const REACH_CELLS: isize = 12;
/// Tiles across and down.
const PARTS: [usize; 2] = [3, 2];
/// A tile found itself where it correlates this well.
const FOUND: f32 = 0.45;
/// So many tiles must have found themselves before anything is said of where the camera looks.
const MIN_FOUND: usize = 3;
/// What a cell of shift costs in correlation.
const FAR_COSTS: f32 = 0.004;
/// A tile with fewer edges than this in the view (mean of the map) cannot be looked for.
const MIN_EDGES: f32 = 0.03;

/// The map of edges of one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct EdgeMap {
    width: usize,
    height: usize,
    cells: Vec<f32>,
}

impl EdgeMap {
    /// Of a picture.
    #[must_use]
    pub fn of(grey: &Grey) -> Self {
        let (w, h) = grey.size();
        let (width, height) = (MAP_WIDTH, (MAP_WIDTH * h / w).max(24));
        let (fine_w, fine_h) = ((width * 2).min(w), (height * 2).min(h));
        let fine = grey.shrunk(fine_w, fine_h);
        let at = |x: usize, y: usize| fine[y.min(fine_h - 1) * fine_w + x.min(fine_w - 1)];
        let steep = |x: usize, y: usize| {
            let across = at(x + 1, y) - at(x.saturating_sub(1), y);
            let down = at(x, y + 1) - at(x, y.saturating_sub(1));
            ((across.abs() + down.abs()) / (0.35 * at(x, y) + 12.0)).min(1.0)
        };
        let cell = |x: usize, y: usize| {
            let (x, y) = (x * fine_w / width, y * fine_h / height);
            (steep(x, y) + steep(x + 1, y) + steep(x, y + 1) + steep(x + 1, y + 1)) / 4.0
        };
        let raw: Vec<f32> = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| cell(x, y)).collect();
        Self { width, height, cells: spread(&raw, width, height) }
    }

    fn at(&self, x: usize, y: usize) -> f32 {
        self.cells[y * self.width + x]
    }

    /// Mean of the map, permille: how much there is to compare.
    #[must_use]
    pub fn edges_permille(&self) -> u16 {
        permille(self.cells.iter().sum::<f32>() / self.cells.len() as f32)
    }
}

/// Lets each edge reach its neighbours a little: a tenth of a cell's move must not lose it.
fn spread(raw: &[f32], width: usize, height: usize) -> Vec<f32> {
    let at = |x: usize, y: usize| raw[y.min(height - 1) * width + x.min(width - 1)];
    let cell = |x: usize, y: usize| {
        let sides = at(x.saturating_sub(1), y) + at(x + 1, y) + at(x, y.saturating_sub(1)) + at(x, y + 1);
        0.5 * at(x, y) + 0.125 * sides
    };
    (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| cell(x, y)).collect()
}

/// How a picture lies over the commissioning view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Median correlation of the tiles where they fit best, permille.
    pub match_permille: u16,
    /// Farthest that a corner of the picture moved, permille of its width; `None`: too few tiles found themselves.
    pub shift_permille: Option<u16>,
    /// Turn about the middle, permille of a radian.
    pub turn_permille: i16,
    /// Zoom, permille: 50 is 5 % larger.
    pub zoom_permille: i16,
}

struct Found {
    at: [f32; 2],
    by: [f32; 2],
    score: f32,
}

/// Lays a picture over the view; `None` where the view has too few edges to be compared with, or the pictures' shapes differ.
#[must_use]
pub fn place(view: &EdgeMap, now: &EdgeMap) -> Option<Placement> {
    if (view.width, view.height) != (now.width, now.height) {
        return None;
    }
    let tiles: Vec<Found> = (0..PARTS[0] * PARTS[1]).filter_map(|part| find(view, now, part)).collect();
    if tiles.len() < MIN_FOUND {
        return None;
    }
    let mut scores: Vec<f32> = tiles.iter().map(|tile| tile.score).collect();
    scores.sort_by(f32::total_cmp);
    let match_permille = permille(scores[scores.len() / 2]);
    let found: Vec<&Found> = tiles.iter().filter(|tile| tile.score >= FOUND).collect();
    let Some([x, y, zoom, turn]) = agreed(&found) else {
        return Some(Placement { match_permille, shift_permille: None, turn_permille: 0, zoom_permille: 0 });
    };
    let (half_w, half_h) = (view.width as f32 / 2.0, view.height as f32 / 2.0);
    let corner = |cx: f32, cy: f32| (x + zoom * cx - turn * cy).hypot(y + turn * cx + zoom * cy);
    let farthest = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)].map(|(sx, sy)| corner(sx * half_w, sy * half_h));
    let farthest = farthest.into_iter().fold(0.0, f32::max);
    let small = |value: f32| (value * 1000.0).round().clamp(-1000.0, 1000.0) as i16;
    let shift_permille = Some(permille(farthest / view.width as f32));
    Some(Placement { match_permille, shift_permille, turn_permille: small(turn), zoom_permille: small(zoom) })
}

/// Shift, zoom and turn that the tiles agree on: least squares, once more without those that lie farther off than two cells from the rest.
fn agreed(found: &[&Found]) -> Option<[f32; 4]> {
    if found.len() < MIN_FOUND {
        return None;
    }
    let median = |pick: fn(&Found) -> f32| {
        let mut all: Vec<f32> = found.iter().map(|tile| pick(tile)).collect();
        all.sort_by(f32::total_cmp);
        all[all.len() / 2]
    };
    let middle = [median(|t| t.by[0]), median(|t| t.by[1])];
    // A turn or zoom moves tiles apart by a few cells, a tile that found something else lies anywhere.
    let near: Vec<&Found> = found.iter().copied().filter(|t| (t.by[0] - middle[0]).hypot(t.by[1] - middle[1]) <= 6.0).collect();
    if near.len() < MIN_FOUND { None } else { Some(least_squares(&near)) }
}

/// by = shift + zoom * at + turn * (at turned by a quarter), weighted by how well each tile fits.
fn least_squares(tiles: &[&Found]) -> [f32; 4] {
    let weight: f32 = tiles.iter().map(|t| t.score).sum();
    let mean = |pick: &dyn Fn(&Found) -> f32| tiles.iter().map(|t| t.score * pick(t)).sum::<f32>() / weight;
    let (mx, my) = (mean(&|t| t.at[0]), mean(&|t| t.at[1]));
    let (ux, uy) = (mean(&|t| t.by[0]), mean(&|t| t.by[1]));
    let (mut along, mut across, mut spread) = (0.0, 0.0, 1.0);
    for t in tiles {
        let (x, y, u, v) = (t.at[0] - mx, t.at[1] - my, t.by[0] - ux, t.by[1] - uy);
        along += t.score * (x * u + y * v);
        across += t.score * (x * v - y * u);
        spread += t.score * (x * x + y * y);
    }
    let (zoom, turn) = (along / spread, across / spread);
    [ux - zoom * mx + turn * my, uy - turn * mx - zoom * my, zoom, turn]
}

/// Looks for one part of the view in the present picture.
fn find(view: &EdgeMap, now: &EdgeMap, part: usize) -> Option<Found> {
    let (column, row) = (part % PARTS[0], part / PARTS[0]);
    let (width, height) = (view.width / PARTS[0], view.height / PARTS[1]);
    let (left, top) = (column * width, row * height);
    let template: Vec<f32> = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| view.at(left + x, top + y)).collect();
    let mean = template.iter().sum::<f32>() / template.len() as f32;
    if mean < MIN_EDGES {
        return None;
    }
    let mut best = (f32::MIN, 0.0_f32, 0_isize, 0_isize);
    for dy in -REACH_CELLS..=REACH_CELLS {
        for dx in -REACH_CELLS..=REACH_CELLS {
            let score = correlation(&template, (left, top, width, height), now, dx, dy);
            // along a straight edge every shift fits as well: the nearest is meant
            let worth = score - FAR_COSTS * (dx as f32).hypot(dy as f32);
            if worth > best.0 {
                best = (worth, score, dx, dy);
            }
        }
    }
    let (_, score, dx, dy) = best;
    let middle = [left as f32 + width as f32 / 2.0 - view.width as f32 / 2.0, top as f32 + height as f32 / 2.0 - view.height as f32 / 2.0];
    Some(Found { at: middle, by: [dx as f32, dy as f32], score: score.max(0.0) })
}

/// Correlation (-1 to 1) of the part with the present picture at this shift, over what of it lies within; too little within is none.
fn correlation(template: &[f32], (left, top, width, height): (usize, usize, usize, usize), now: &EdgeMap, dx: isize, dy: isize) -> f32 {
    let clip = |start: usize, length: usize, by: isize, side: usize| {
        let from = (-(start as isize + by)).max(0);
        let to = (side as isize - start as isize - by).min(length as isize);
        (from, to)
    };
    let (x_from, x_to) = clip(left, width, dx, now.width);
    let (y_from, y_to) = clip(top, height, dy, now.height);
    if (x_to - x_from) * 2 < width as isize || (y_to - y_from) * 2 < height as isize {
        return f32::MIN;
    }
    let (mut n, mut a, mut b, mut aa, mut bb, mut ab) = (0.0_f32, 0.0_f32, 0.0_f32, 0.0_f32, 0.0_f32, 0.0_f32);
    for y in y_from..y_to {
        let row = (top as isize + y + dy) as usize * now.width;
        let first = (left as isize + x_from + dx) as usize;
        let here = &now.cells[row + first..row + first + (x_to - x_from) as usize];
        let there = &template[y as usize * width + x_from as usize..y as usize * width + x_to as usize];
        for (q, p) in here.iter().zip(there) {
            n += 1.0;
            a += p;
            b += q;
            aa += p * p;
            bb += q * q;
            ab += p * q;
        }
    }
    let (va, vb) = (aa - a * a / n, bb - b * b / n);
    if va <= 1e-3 || vb <= 1e-3 { 0.0 } else { (ab - a * b / n) / (va * vb).sqrt() }
}
