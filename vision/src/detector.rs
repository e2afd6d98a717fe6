//! Finds plates: the network's heat map and corners become quadrilaterals.
//!
//! The frame is shrunk into the network's input keeping its proportions, at the top left. The output has nine values a cell of
//! [`CELL_PX`] pixels: the logit of "a plate's centre is here", then the offsets (x, y) of the four corners from the cell's centre in
//! units of [`UNIT_PX`], top left first, clockwise. A plate is a local maximum of the heat; of two that overlap the warmer stays.

use crate::manifest::VerifiedModel;
use crate::network::{Network, NetworkError, brief};
use opencv::core::{Mat, MatTraitConst, Rect, Scalar, Size};
use opencv::imgproc;

/// Side of an output cell in pixels of the input.
const CELL_PX: usize = 8;
/// Unit of the corner offsets in pixels of the input.
const UNIT_PX: f32 = 64.0;
const CHANNELS: usize = 9;
/// Least heat of a plate.
pub const MIN_CONFIDENCE: f32 = 0.25;
/// Most plates of one frame.
pub const MAX_PLATES: usize = 8;
/// Two plates that share more of their bounding boxes than this are one.
const MAX_OVERLAP: f32 = 0.3;
/// A plate found with a lesser width (pixels of the input) is looked at again, enlarged, for better corners.
const ENLARGE_BELOW_PX: f32 = 110.0;
/// Second looks at one frame.
const MAX_SECOND_LOOKS: usize = 3;

/// Corners in pixels: top left, top right, bottom right, bottom left.
pub type Quad = [[f32; 2]; 4];

/// A plate that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// Where.
    pub quad: Quad,
    /// 0 to 1.
    pub confidence: f32,
}

/// The detector.
pub struct Detector {
    network: Network,
}

impl Detector {
    /// Loads and checks the network.
    pub fn load(model: &VerifiedModel) -> Result<Self, NetworkError> {
        let [width, height] = model.entry.input.map(usize::from);
        let network = Network::load(model, &[("plates", CHANNELS * (width / CELL_PX) * (height / CELL_PX))])?;
        Ok(Self { network })
    }

    /// Plates of an 8-bit BGR frame, warmest first, at most [`MAX_PLATES`].
    pub fn find(&mut self, frame: &Mat) -> Result<Vec<Detection>, NetworkError> {
        let whole = Rect::new(0, 0, frame.cols(), frame.rows());
        let (found, scale) = self.find_in(frame, whole)?;
        let mut better = Vec::with_capacity(found.len());
        for (rank, detection) in found.into_iter().enumerate() {
            let (low, high) = bounds(&detection.quad);
            let is_small = (high[0] - low[0]) * scale < ENLARGE_BELOW_PX;
            better.push(if is_small && rank < MAX_SECOND_LOOKS { self.look_closer(frame, detection, low, high)? } else { detection });
        }
        Ok(thin_out(better))
    }

    /// Looks at the surroundings of a small plate once more, enlarged so that the plate is a third of the input.
    fn look_closer(&mut self, frame: &Mat, first: Detection, low: [f32; 2], high: [f32; 2]) -> Result<Detection, NetworkError> {
        let side = ((high[0] - low[0]) * 3.0).max(48.0);
        let left = ((low[0] + high[0] - side) / 2.0).floor().max(0.0) as i32;
        let top = ((low[1] + high[1] - side) / 2.0).floor().max(0.0) as i32;
        let region = Rect::new(left, top, (side as i32).min(frame.cols() - left), (side as i32).min(frame.rows() - top));
        if region.width < 16 || region.height < 16 {
            return Ok(first);
        }
        let (found, _) = self.find_in(frame, region)?;
        // Only the same plate, seen better, may replace the first sight of it; how sure we are stays the surer of both.
        let same = found.into_iter().find(|second| overlap(&second.quad, &first.quad) > 0.4);
        Ok(same.map_or(first, |second| Detection { quad: second.quad, confidence: second.confidence.max(first.confidence) }))
    }

    fn find_in(&mut self, frame: &Mat, region: Rect) -> Result<(Vec<Detection>, f32), NetworkError> {
        let size = self.network.size();
        let (input, scale) =
            letterbox(frame, region, size).map_err(|error| NetworkError::Run { model: "detector input".into(), reason: brief(&error) })?;
        let output = self.network.run(&input)?;
        let mut found = decode(&output[0], size.width as usize / CELL_PX, size.height as usize / CELL_PX);
        for detection in &mut found {
            for corner in &mut detection.quad {
                corner[0] = (corner[0] / scale + region.x as f32).clamp(0.0, frame.cols() as f32);
                corner[1] = (corner[1] / scale + region.y as f32).clamp(0.0, frame.rows() as f32);
            }
        }
        Ok((found, scale))
    }
}

/// The region at the largest scale that fits `size`, top left, the rest grey; and that scale.
fn letterbox(frame: &Mat, region: Rect, size: Size) -> opencv::Result<(Mat, f32)> {
    let scale = (f64::from(size.width) / f64::from(region.width)).min(f64::from(size.height) / f64::from(region.height));
    let inner = Size::new(
        ((f64::from(region.width) * scale).round() as i32).clamp(1, size.width),
        ((f64::from(region.height) * scale).round() as i32).clamp(1, size.height),
    );
    let part = Mat::roi(frame, region)?;
    let mut resized = Mat::default();
    let interpolation = if scale < 1.0 { imgproc::INTER_AREA } else { imgproc::INTER_LINEAR };
    imgproc::resize(&part, &mut resized, inner, 0.0, 0.0, interpolation)?;
    let mut input = Mat::new_rows_cols_with_default(size.height, size.width, opencv::core::CV_8UC3, Scalar::all(114.0))?;
    let mut place = Mat::roi_mut(&mut input, Rect::new(0, 0, inner.width, inner.height))?;
    resized.copy_to(&mut place)?;
    drop(place);
    Ok((input, scale as f32))
}

/// Local maxima of the heat with their corners, in pixels of the input.
fn decode(output: &[f32], columns: usize, rows: usize) -> Vec<Detection> {
    let cells = columns * rows;
    let heat = &output[..cells];
    let mut found = Vec::new();
    for y in 0..rows {
        for x in 0..columns {
            let at = y * columns + x;
            let confidence = 1.0 / (1.0 + (-heat[at]).exp());
            if confidence < MIN_CONFIDENCE || !is_peak(heat, columns, rows, x, y) {
                continue;
            }
            let centre = [(x as f32 + 0.5) * CELL_PX as f32, (y as f32 + 0.5) * CELL_PX as f32];
            let offset = |channel: usize| output[(1 + channel) * cells + at] * UNIT_PX;
            let quad = [0, 1, 2, 3].map(|corner| [centre[0] + offset(2 * corner), centre[1] + offset(2 * corner + 1)]);
            if is_plausible(&quad) {
                found.push(Detection { quad, confidence });
            }
        }
    }
    thin_out(found)
}

fn is_peak(heat: &[f32], columns: usize, rows: usize, x: usize, y: usize) -> bool {
    let here = heat[y * columns + x];
    for ny in y.saturating_sub(1)..=(y + 1).min(rows - 1) {
        for nx in x.saturating_sub(1)..=(x + 1).min(columns - 1) {
            if heat[ny * columns + nx] > here {
                return false;
            }
        }
    }
    true
}

/// Convex, not turned over, and neither a point nor a line.
fn is_plausible(quad: &Quad) -> bool {
    let turn = |a: [f32; 2], b: [f32; 2], c: [f32; 2]| (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0]);
    let (low, high) = bounds(quad);
    high[0] - low[0] > 8.0 && high[1] - low[1] > 4.0 && (0..4).all(|k| turn(quad[k], quad[(k + 1) % 4], quad[(k + 2) % 4]) > 0.0)
}

/// Low and high corner of the bounding box.
pub fn bounds(quad: &Quad) -> ([f32; 2], [f32; 2]) {
    let fold = |axis: usize, pick: fn(f32, f32) -> f32| quad.iter().map(|corner| corner[axis]).fold(quad[0][axis], pick);
    ([fold(0, f32::min), fold(1, f32::min)], [fold(0, f32::max), fold(1, f32::max)])
}

/// Share of the union of two bounding boxes that both cover.
pub fn overlap(a: &Quad, b: &Quad) -> f32 {
    let ((a_low, a_high), (b_low, b_high)) = (bounds(a), bounds(b));
    let side = |axis: usize| (a_high[axis].min(b_high[axis]) - a_low[axis].max(b_low[axis])).max(0.0);
    let area = |low: [f32; 2], high: [f32; 2]| (high[0] - low[0]) * (high[1] - low[1]);
    let shared = side(0) * side(1);
    let union = area(a_low, a_high) + area(b_low, b_high) - shared;
    if union > 0.0 { shared / union } else { 0.0 }
}

fn thin_out(mut found: Vec<Detection>) -> Vec<Detection> {
    found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let mut kept: Vec<Detection> = Vec::new();
    for detection in found {
        if kept.len() < MAX_PLATES && kept.iter().all(|other| overlap(&other.quad, &detection.quad) <= MAX_OVERLAP) {
            kept.push(detection);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A map of 6 x 4 cells, cold but for the cells given with their logit; every cell's corners span 32 x 16 pixels.
    fn map(warm: &[(usize, usize, f32)]) -> Vec<f32> {
        let cells = 24;
        let mut output = vec![-9.0; cells];
        for offset in [-0.25, -0.125, 0.25, -0.125, 0.25, 0.125, -0.25, 0.125] {
            output.extend(vec![offset; cells]);
        }
        for &(x, y, logit) in warm {
            output[y * 6 + x] = logit;
        }
        output
    }

    #[test]
    fn a_warm_cell_becomes_a_plate_with_its_corners() {
        let found = decode(&map(&[(2, 1, 3.0)]), 6, 4);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].quad, [[4.0, 4.0], [36.0, 4.0], [36.0, 20.0], [4.0, 20.0]]);
        assert!((found[0].confidence - 0.9526).abs() < 0.001);
    }

    #[test]
    fn neighbours_of_a_peak_and_cold_cells_are_no_plates() {
        assert_eq!(decode(&map(&[(2, 1, 3.0), (3, 1, 2.0), (2, 2, -2.0)]), 6, 4).len(), 1);
        assert!(decode(&map(&[]), 6, 4).is_empty());
    }

    #[test]
    fn of_two_that_overlap_the_warmer_stays() {
        let found = decode(&map(&[(1, 1, 2.0), (4, 1, 4.0)]), 6, 4);
        assert_eq!(found.len(), 2, "a seventh in common is still two plates");
        let found = thin_out(vec![found[0], Detection { confidence: 0.99, ..found[0] }]);
        assert_eq!(found.len(), 1);
        assert!(found[0].confidence > 0.98);
    }

    #[test]
    fn corners_that_cross_are_no_plate() {
        let mut output = map(&[(2, 1, 3.0)]);
        for cell in 0..24 {
            output[24 + cell] = 0.25;
            output[3 * 24 + cell] = -0.25;
        }
        assert!(decode(&output, 6, 4).is_empty());
    }
}
