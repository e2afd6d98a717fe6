//! Finds plates: the network's heat map and corners become quadrilaterals.
//!
//! The network takes any input whose sides are multiples of [`STEP_PX`]; the frame is shrunk to about the area that the manifest gives, in its
//! own proportions, at the top left. The output has nine values a cell of [`CELL_PX`] pixels: the logit of "a plate's centre is here", then the
//! offsets (x, y) of the four corners from the cell's centre in units of [`UNIT_PX`], top left first, clockwise. A plate is a local
//! maximum of the heat; of two that overlap the warmer stays. Corners are rough: the refiner makes them good.

use crate::geometry::{Quad, is_plausible, overlap};
use crate::manifest::VerifiedModel;
use crate::network::{Network, NetworkError, brief};
use opencv::core::{Mat, MatTraitConst, Rect, Scalar, Size};
use opencv::imgproc;

/// Side of an output cell in pixels of the input.
const CELL_PX: usize = 8;
/// Unit of the corner offsets in pixels of the input.
const UNIT_PX: f32 = 64.0;
const CHANNELS: usize = 9;
/// The input's sides are multiples of this.
const STEP_PX: f64 = 32.0;
/// Least and most steps of a side.
const STEPS: (f64, f64) = (6.0, 24.0);
/// Least heat of a plate; the refiner says what is none.
pub const MIN_CONFIDENCE: f32 = 0.12;
/// Most plates of one frame.
pub const MAX_PLATES: usize = 4;
/// What is less warm than this, or has less than [`MIN_SHARE`] of the warmest one's heat, is only looked at where nothing is warmer: on frames with
/// a near and a far plate a share of 0.4 reads a tenth more of the far ones than 0.5, and no less warm plate is worth its look.
const WARM: f32 = 0.25;
const MIN_SHARE: f32 = 0.4;
/// Two plates that share more of their bounding boxes than this are one.
const MAX_OVERLAP: f32 = 0.3;

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
    area_px: f64,
}

impl Detector {
    /// Loads and checks the network.
    pub fn load(model: &VerifiedModel) -> Result<Self, NetworkError> {
        let [width, height] = model.entry.input.map(usize::from);
        let network = Network::load(model, &[("plates", CHANNELS * (width / CELL_PX) * (height / CELL_PX))])?;
        Ok(Self { network, area_px: (width * height) as f64 })
    }

    /// Plates of an 8-bit BGR frame, warmest first, at most [`MAX_PLATES`].
    pub fn find(&mut self, frame: &Mat) -> Result<Vec<Detection>, NetworkError> {
        let size = input_size(f64::from(frame.cols()), f64::from(frame.rows()), self.area_px);
        let (input, scale) =
            letterbox(frame, size).map_err(|error| NetworkError::Run { model: "detector input".into(), reason: brief(&error) })?;
        let (columns, rows) = (size.width as usize / CELL_PX, size.height as usize / CELL_PX);
        let output = self.network.run_sized(&input, size, &[CHANNELS * columns * rows])?;
        let mut found = decode(&output[0], columns, rows);
        for detection in &mut found {
            detection.quad = detection.quad.map(|corner| corner.map(|value| value / scale));
        }
        let mut found = thin_out(found);
        found.truncate(worth_looking(&found));
        Ok(found)
    }
}

/// How many of these, warmest first, the refiner is to look at.
fn worth_looking(found: &[Detection]) -> usize {
    let warm = found.first().map_or(0.0, |first| (MIN_SHARE * first.confidence).max(WARM));
    found.iter().take_while(|one| one.confidence >= warm).count().max(1)
}

/// Multiples of [`STEP_PX`] with about `area_px` pixels and the frame's proportions.
fn input_size(width: f64, height: f64, area_px: f64) -> Size {
    let steps = |length: f64| (length / STEP_PX).round_ties_even().clamp(STEPS.0, STEPS.1) * STEP_PX;
    let across = steps((area_px * width / height).sqrt());
    Size::new(across as i32, steps(area_px / across) as i32)
}

/// The frame at the largest scale that fits `size`, top left, the rest grey; and that scale.
fn letterbox(frame: &Mat, size: Size) -> opencv::Result<(Mat, f32)> {
    let scale = (f64::from(size.width) / f64::from(frame.cols())).min(f64::from(size.height) / f64::from(frame.rows()));
    let inner = Size::new(
        ((f64::from(frame.cols()) * scale).round_ties_even() as i32).clamp(1, size.width),
        ((f64::from(frame.rows()) * scale).round_ties_even() as i32).clamp(1, size.height),
    );
    let resized = shrunk(frame, inner, scale)?;
    let mut input = Mat::new_rows_cols_with_default(size.height, size.width, opencv::core::CV_8UC3, Scalar::all(114.0))?;
    let mut place = Mat::roi_mut(&mut input, Rect::new(0, 0, inner.width, inner.height))?;
    resized.copy_to(&mut place)?;
    drop(place);
    Ok((input, scale as f32))
}

/// The frame at the size `inner`. Halved as often as may be (every pixel counts, and fast), the rest between neighbours: in one step over areas
/// the same takes six times as long, and finds no more plates.
fn shrunk(frame: &Mat, inner: Size, scale: f64) -> opencv::Result<Mat> {
    let mut scale = scale;
    let mut halved = Mat::default();
    while scale <= 0.5 {
        let from = if halved.empty() { frame } else { &halved };
        let even = Mat::roi(from, Rect::new(0, 0, from.cols() / 2 * 2, from.rows() / 2 * 2))?;
        let mut half = Mat::default();
        imgproc::resize(&even, &mut half, Size::new(even.cols() / 2, even.rows() / 2), 0.0, 0.0, imgproc::INTER_AREA)?;
        drop(even);
        halved = half;
        scale *= 2.0;
    }
    let mut resized = Mat::default();
    imgproc::resize(if halved.empty() { frame } else { &halved }, &mut resized, inner, 0.0, 0.0, imgproc::INTER_LINEAR)?;
    Ok(resized)
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

/// The warmest of those that overlap, at most [`MAX_PLATES`].
pub fn thin_out(mut found: Vec<Detection>) -> Vec<Detection> {
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
    fn a_far_plate_beside_a_clear_one_is_looked_at_and_a_shadow_is_not() {
        let worth = |heats: &[f32]| {
            worth_looking(&heats.iter().map(|&confidence| Detection { quad: [[0.0; 2]; 4], confidence }).collect::<Vec<_>>())
        };
        assert_eq!(worth(&[0.9, 0.4, 0.3]), 2);
        assert_eq!(worth(&[0.5, 0.26, 0.24]), 2);
        assert_eq!(worth(&[0.2, 0.19]), 1, "where nothing is warm, the warmest");
    }

    #[test]
    fn a_frame_is_shrunk_evenly_at_every_scale() {
        // where the dark half ends must not move, whatever the number of halvings
        for (columns, rows) in [(400, 640), (641, 397), (1280, 720), (1921, 1081), (8160, 6120)] {
            let mut frame = Mat::new_rows_cols_with_default(rows, columns, opencv::core::CV_8UC3, Scalar::all(0.0)).unwrap();
            imgproc::rectangle(&mut frame, Rect::new(columns / 2, 0, columns, rows), Scalar::all(200.0), -1, imgproc::LINE_8, 0).unwrap();
            let size = input_size(f64::from(columns), f64::from(rows), 384.0 * 384.0);
            let (input, scale) = letterbox(&frame, size).unwrap();
            let edge = (columns as f32 / 2.0 * scale) as i32;
            let at = |x: i32| input.at_2d::<opencv::core::Vec3b>(20, x).unwrap()[0];
            assert!(at(edge - 3) < 20 && at(edge + 3) > 180, "{columns} x {rows}: {} {}", at(edge - 3), at(edge + 3));
        }
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
