//! Between the networks: how a plate that was found is looked at closer, and how it is pulled straight.
//!
//! The same arithmetic stands in `models/training/geometry.py`: what the networks were trained on is what they are given.

use opencv::core::{BORDER_REPLICATE, DECOMP_LU, Mat, MatTraitConst, Point2f, Scalar, Size, Vector};
use opencv::imgproc;

/// A place in pixels.
pub type Point = [f32; 2];
/// Corners in pixels: top left, top right, bottom right, bottom left.
pub type Quad = [Point; 4];

/// A picture is warped at up to this many times its size before it is shrunk, so that fine strokes do not alias.
const MAX_OVERSAMPLING: i32 = 4;

/// A projective map of the plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Projection([[f64; 3]; 3]);

impl Projection {
    /// The map that takes the four points `from` to `to`.
    pub fn between(from: &Quad, to: &Quad) -> opencv::Result<Self> {
        let points = |quad: &Quad| Vector::<Point2f>::from_iter(quad.iter().map(|corner| Point2f::new(corner[0], corner[1])));
        let matrix = imgproc::get_perspective_transform(&points(from), &points(to), DECOMP_LU)?;
        let mut rows = [[0.0; 3]; 3];
        for (y, row) in rows.iter_mut().enumerate() {
            for (x, value) in row.iter_mut().enumerate() {
                *value = *matrix.at_2d::<f64>(y as i32, x as i32)?;
            }
        }
        Ok(Self(rows))
    }

    /// Where a point goes.
    pub fn apply(&self, [x, y]: Point) -> Point {
        let [x, y] = [f64::from(x), f64::from(y)];
        let row = |row: [f64; 3]| row[0] * x + row[1] * y + row[2];
        let depth = row(self.0[2]);
        [(row(self.0[0]) / depth) as f32, (row(self.0[1]) / depth) as f32]
    }

    fn mat(&self) -> opencv::Result<Mat> {
        Mat::from_slice_2d(&self.0)
    }
}

/// The corners of a picture of this size.
pub fn unit(width: f32, height: f32) -> Quad {
    [[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]]
}

/// Half the plate's width and half its height as vectors.
fn axes(q: &Quad) -> (Point, Point) {
    let axis = |signs: [f32; 4]| [0, 1].map(|k| (0..4).map(|corner| signs[corner] * q[corner][k]).sum::<f32>() / 4.0);
    (axis([-1.0, 1.0, 1.0, -1.0]), axis([-1.0, -1.0, 1.0, 1.0]))
}

/// Four noisy corners as their middle and two axes, made larger by `factor`.
pub fn surroundings(quad: &Quad, factor: f32) -> Quad {
    let (u, v) = axes(quad);
    let middle = [0, 1].map(|k| quad.iter().map(|corner| corner[k]).sum::<f32>() / 4.0);
    [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]
        .map(|[across, down]: [f32; 2]| [0, 1].map(|k| middle[k] + factor * (across * u[k] + down * v[k])))
}

/// The plate with a margin, in the plate's own perspective: `across` and `down` times as large.
pub fn with_margin(quad: &Quad, [across, down]: [f32; 2]) -> opencv::Result<Quad> {
    let out = Projection::between(&unit(1.0, 1.0), quad)?;
    let (mx, my) = ((across - 1.0) / 2.0, (down - 1.0) / 2.0);
    Ok([[-mx, -my], [1.0 + mx, -my], [1.0 + mx, 1.0 + my], [-mx, 1.0 + my]].map(|corner| out.apply(corner)))
}

/// What lies within the corners, pulled straight to `size`.
pub fn cut(frame: &Mat, quad: &Quad, size: Size) -> opencv::Result<Mat> {
    let edge = |a: Point, b: Point| (a[0] - b[0]).hypot(a[1] - b[1]);
    let width = edge(quad[0], quad[1]).max(edge(quad[3], quad[2]));
    let times = ((width / size.width as f32).round_ties_even() as i32).clamp(1, MAX_OVERSAMPLING);
    let large = Size::new(size.width * times, size.height * times);
    let matrix = Projection::between(quad, &unit(large.width as f32, large.height as f32))?.mat()?;
    let mut straight = Mat::default();
    imgproc::warp_perspective(frame, &mut straight, &matrix, large, imgproc::INTER_LINEAR, BORDER_REPLICATE, Scalar::all(0.0))?;
    if times == 1 {
        return Ok(straight);
    }
    let mut small = Mat::default();
    imgproc::resize(&straight, &mut small, size, 0.0, 0.0, imgproc::INTER_AREA)?;
    Ok(small)
}

/// Convex, not turned over, and neither a point nor a line; finite.
pub fn is_plausible(quad: &Quad) -> bool {
    let turn = |a: Point, b: Point, c: Point| (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0]);
    let (low, high) = bounds(quad);
    quad.iter().flatten().all(|value| value.is_finite())
        && high[0] - low[0] > 6.0
        && high[1] - low[1] > 2.0
        && (0..4).all(|k| turn(quad[k], quad[(k + 1) % 4], quad[(k + 2) % 4]) > 0.0)
}

/// Low and high corner of the bounding box.
pub fn bounds(quad: &Quad) -> (Point, Point) {
    let fold = |axis: usize, pick: fn(f32, f32) -> f32| quad.iter().map(|corner| corner[axis]).fold(quad[0][axis], pick);
    ([fold(0, f32::min), fold(1, f32::min)], [fold(0, f32::max), fold(1, f32::max)])
}

/// Share of the union of two bounding boxes that both cover.
pub fn overlap(a: &Quad, b: &Quad) -> f32 {
    let ((a_low, a_high), (b_low, b_high)) = (bounds(a), bounds(b));
    let side = |axis: usize| (a_high[axis].min(b_high[axis]) - a_low[axis].max(b_low[axis])).max(0.0);
    let area = |low: Point, high: Point| (high[0] - low[0]) * (high[1] - low[1]);
    let shared = side(0) * side(1);
    let union = area(a_low, a_high) + area(b_low, b_high) - shared;
    if union > 0.0 { shared / union } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLATE: Quad = [[10.0, 10.0], [50.0, 12.0], [50.0, 24.0], [10.0, 22.0]];

    fn near(a: Quad, b: Quad) -> bool {
        a.iter().flatten().zip(b.iter().flatten()).all(|(a, b)| (a - b).abs() < 0.01)
    }

    #[test]
    fn surroundings_grow_about_the_middle_along_the_plates_own_axes() {
        assert!(near(surroundings(&PLATE, 1.0), PLATE));
        assert!(near(surroundings(&PLATE, 2.0), [[-10.0, 3.0], [70.0, 7.0], [70.0, 31.0], [-10.0, 27.0]]));
    }

    #[test]
    fn a_margin_keeps_the_plates_perspective() {
        let square = unit(100.0, 50.0);
        assert!(near(with_margin(&square, [1.1, 1.2]).unwrap(), [[-5.0, -5.0], [105.0, -5.0], [105.0, 55.0], [-5.0, 55.0]]));
    }

    #[test]
    fn a_cut_holds_what_lies_within_the_corners() {
        let frame = Mat::new_rows_cols_with_default(200, 400, opencv::core::CV_8UC3, Scalar::all(80.0)).unwrap();
        let mut frame = frame;
        imgproc::rectangle_def(&mut frame, opencv::core::Rect::new(100, 50, 200, 100), Scalar::all(250.0)).unwrap();
        for (side, bright) in [(0.0, true), (40.0, false)] {
            let quad = unit(200.0 + 2.0 * side, 100.0).map(|[x, y]| [x + 100.0 - side, y + 50.0]);
            let picture = cut(&frame, &quad, Size::new(50, 25)).unwrap();
            assert_eq!(picture.size().unwrap(), Size::new(50, 25));
            let first = picture.at_2d::<opencv::core::Vec3b>(12, 0).unwrap()[0];
            assert_eq!(first > 100, bright, "the frame's left edge is {first}");
        }
    }

    #[test]
    fn crossed_turned_and_infinite_corners_are_no_plate() {
        assert!(is_plausible(&PLATE));
        let [a, b, c, d] = PLATE;
        assert!(!is_plausible(&[b, a, c, d]), "crossed");
        assert!(!is_plausible(&[a, d, c, b]), "turned over");
        assert!(!is_plausible(&[a, b, c, [f32::NAN, 22.0]]));
        assert!(!is_plausible(&[a, a, c, c]));
    }
}
