//! What is measured of a plate in one frame, as plain numbers ([`PlateSight`]); what they are worth is `lane_core::plate::worth`'s to say.
//!
//! Size, lean, taper and the share inside the frame follow from the four corners; the rest is measured on the reader's own picture, grey:
//!
//! ```text
//!   soft        the picture smoothed by a Gaussian of one pixel, so that a sensor's noise is no sharpness
//!   contrast    95th less 5th percentile of soft
//!   sharpness   95th percentile of |soft(x+1) − soft(x−1)| / 2 over contrast, likewise downwards; the lesser of both: a plate smeared
//!               along one direction cannot be read however steep the other's edges are
//!   glare, dark share of 250 and above, of 8 and below
//! ```
//! A small plate is pulled up to the reader's size and is dull there, as it is for the reader. `models/training/confusions.py` measures the same way.

use crate::geometry::{Point, Quad};
use lane_link::camera::PlateSight;
use opencv::core::{BORDER_DEFAULT, Mat, MatTraitConst, MatTraitConstManual, Size};
use opencv::imgproc;

/// Grid over the plate on which its share inside the frame is counted.
const GRID: [usize; 2] = [17, 9];
const GLARE: u8 = 250;
const BLACK: u8 = 8;

/// Measures the plate with these corners in a frame of `frame` pixels; `straight` is what the reader was given of it (8-bit BGR).
pub fn measure(frame: Size, quad: &Quad, straight: &Mat) -> opencv::Result<PlateSight> {
    let mut grey = Mat::default();
    imgproc::cvt_color_def(straight, &mut grey, imgproc::COLOR_BGR2GRAY)?;
    let mut soft = Mat::default();
    imgproc::gaussian_blur(&grey, &mut soft, Size::new(0, 0), 1.0, 1.0, BORDER_DEFAULT)?;
    let (grey_bytes, soft_bytes, width) = (grey.data_bytes()?, soft.data_bytes()?, straight.cols() as usize);
    let levels = counted(soft_bytes.iter().copied());
    let contrast = percentile(&levels, 95).saturating_sub(percentile(&levels, 5)).max(1);
    let steep = |step: usize| {
        let pairs = soft_bytes.iter().zip(&soft_bytes[2 * step..]).enumerate();
        let differences = pairs.filter(|(at, _)| step > 1 || at % width + 2 < width).map(|(_, (a, b))| a.abs_diff(*b));
        u32::from(percentile(&counted(differences), 95)) * 500 / u32::from(contrast)
    };
    let share = |is: fn(u8) -> bool| (grey_bytes.iter().filter(|&&byte| is(byte)).count() * 1000 / grey_bytes.len().max(1)) as u16;
    Ok(PlateSight {
        sharpness_permille: steep(1).min(steep(width)).min(1000) as u16,
        contrast: u16::from(contrast),
        glare_permille: share(|byte| byte >= GLARE),
        dark_permille: share(|byte| byte <= BLACK),
        ..of_corners(frame, quad)
    })
}

/// What the corners say; the rest is 0.
fn of_corners(frame: Size, quad: &Quad) -> PlateSight {
    let edge = |a: usize, b: usize| (quad[a][0] - quad[b][0]).hypot(quad[a][1] - quad[b][1]);
    let (left, right) = (edge(0, 3), edge(1, 2));
    let axis = |signs: [f32; 4]| [0, 1].map(|k| (0..4).map(|corner| signs[corner] * quad[corner][k]).sum::<f32>() / 2.0);
    let (across, down) = (axis([-1.0, 1.0, 1.0, -1.0]), axis([-1.0, -1.0, 1.0, 1.0]));
    let length = |v: Point| v[0].hypot(v[1]).max(1e-6);
    let lean = (across[0] * down[0] + across[1] * down[1]).abs() / (length(across) * length(down));
    PlateSight {
        width_px: pixels((edge(0, 1) + edge(3, 2)) / 2.0),
        height_px: pixels((left + right) / 2.0),
        sharpness_permille: 0,
        contrast: 0,
        lean_permille: permille(lean),
        taper_permille: permille(1.0 - left.min(right) / left.max(right).max(1e-6)),
        inside_permille: permille(inside(frame, quad)),
        glare_permille: 0,
        dark_permille: 0,
    }
}

fn inside(frame: Size, quad: &Quad) -> f32 {
    let along = |a: Point, b: Point, t: f32| [0, 1].map(|k| a[k] + (b[k] - a[k]) * t);
    let places = (0..GRID[0] * GRID[1]).map(|n| {
        let (x, y) = ((n % GRID[0]) as f32 / (GRID[0] - 1) as f32, (n / GRID[0]) as f32 / (GRID[1] - 1) as f32);
        along(along(quad[0], quad[1], x), along(quad[3], quad[2], x), y)
    });
    let within = |[x, y]: &Point| *x >= 0.0 && *y >= 0.0 && *x <= (frame.width - 1) as f32 && *y <= (frame.height - 1) as f32;
    places.filter(within).count() as f32 / (GRID[0] * GRID[1]) as f32
}

fn pixels(value: f32) -> u16 {
    value.round().clamp(0.0, f32::from(u16::MAX)) as u16
}

fn permille(share: f32) -> u16 {
    (share * 1000.0).round().clamp(0.0, 1000.0) as u16
}

fn counted(values: impl Iterator<Item = u8>) -> [u32; 256] {
    let mut counts = [0; 256];
    values.for_each(|value| counts[usize::from(value)] += 1);
    counts
}

/// The least value that `percent` of the values do not exceed.
fn percentile(counts: &[u32; 256], percent: u64) -> u8 {
    let total: u64 = counts.iter().map(|&count| u64::from(count)).sum();
    let mut seen = 0;
    for (value, &count) in counts.iter().enumerate() {
        seen += u64::from(count);
        if seen * 100 >= total * percent {
            return value as u8;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::unit;
    use opencv::core::{CV_8UC3, MatTraitManual, Rect, Scalar};

    /// Upright strokes, blurred by `across` and `down` pixels, with noise of `noise` levels.
    fn strokes(across: f64, down: f64, noise: f64) -> Mat {
        let mut picture = Mat::new_rows_cols_with_default(64, 192, CV_8UC3, Scalar::all(200.0)).unwrap();
        for x in (12..180).step_by(16) {
            imgproc::rectangle(&mut picture, Rect::new(x, 14, 5, 36), Scalar::all(40.0), -1, 8, 0).unwrap();
            imgproc::rectangle(&mut picture, Rect::new(x, 30, 11, 5), Scalar::all(40.0), -1, 8, 0).unwrap();
            imgproc::rectangle(&mut picture, Rect::new(x, 14, 11, 5), Scalar::all(40.0), -1, 8, 0).unwrap();
        }
        let mut blurred = picture.clone();
        if across + down > 0.0 {
            imgproc::gaussian_blur(&picture, &mut blurred, Size::new(0, 0), across.max(0.01), down.max(0.01), BORDER_DEFAULT).unwrap();
        }
        if noise > 0.0 {
            let mut state = 7_u32;
            for byte in blurred.data_bytes_mut().unwrap() {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let off = (f64::from(state >> 16) / 65_535.0 - 0.5) * 2.0 * noise;
                *byte = (f64::from(*byte) + off).clamp(0.0, 255.0) as u8;
            }
        }
        blurred
    }

    fn sharpness(picture: &Mat) -> u16 {
        measure(Size::new(640, 480), &unit(100.0, 30.0), picture).unwrap().sharpness_permille
    }

    #[test]
    fn blur_in_any_direction_lowers_the_sharpness() {
        let clear = sharpness(&strokes(0.0, 0.0, 0.0));
        assert!(clear > 200, "{clear}");
        let mut last = clear;
        for blur in [1.5, 3.0, 6.0] {
            let blurred = sharpness(&strokes(blur, blur, 0.0));
            assert!(blurred < last, "{blur}: {blurred} {last}");
            last = blurred;
        }
        for (across, down) in [(4.0, 0.0), (0.0, 4.0)] {
            let smeared = sharpness(&strokes(across, down, 0.0));
            assert!(smeared < clear * 2 / 3, "{across} {down}: {smeared} {clear}");
        }
    }

    #[test]
    fn noise_is_no_sharpness_and_darkness_no_dullness() {
        let dull = sharpness(&strokes(5.0, 5.0, 0.0));
        let noisy = sharpness(&strokes(5.0, 5.0, 15.0));
        assert!(noisy < dull + 40 && noisy < sharpness(&strokes(0.0, 0.0, 0.0)) / 2, "{dull} {noisy}");
        let mut dark = Mat::default();
        strokes(0.0, 0.0, 0.0).convert_to(&mut dark, -1, 0.3, 0.0).unwrap();
        let (clear, dark) = (sharpness(&strokes(0.0, 0.0, 0.0)), sharpness(&dark));
        assert!(clear.abs_diff(dark) < 30, "{clear} {dark}");
    }

    #[test]
    fn contrast_glare_and_black_are_what_the_picture_has() {
        let frame = Size::new(640, 480);
        let of = |picture: &Mat| measure(frame, &unit(100.0, 30.0), picture).unwrap();
        let plain = of(&strokes(0.0, 0.0, 0.0));
        assert!((140..=161).contains(&plain.contrast), "{}", plain.contrast);
        assert_eq!((plain.glare_permille, plain.dark_permille), (0, 0));
        let mut half = strokes(0.0, 0.0, 0.0);
        imgproc::rectangle(&mut half, Rect::new(0, 0, 96, 64), Scalar::all(255.0), -1, 8, 0).unwrap();
        imgproc::rectangle(&mut half, Rect::new(144, 0, 48, 64), Scalar::all(3.0), -1, 8, 0).unwrap();
        let half = of(&half);
        assert_eq!((half.glare_permille, half.dark_permille), (500, 250));
        let flat = of(&Mat::new_rows_cols_with_default(64, 192, CV_8UC3, Scalar::all(90.0)).unwrap());
        assert_eq!((flat.contrast, flat.sharpness_permille), (1, 0));
    }

    #[test]
    fn corners_tell_size_lean_taper_and_what_the_frame_cuts_off() {
        let frame = Size::new(640, 480);
        let upright = of_corners(frame, &unit(100.0, 30.0).map(|[x, y]| [x + 50.0, y + 50.0]));
        assert_eq!((upright.width_px, upright.height_px, upright.lean_permille, upright.taper_permille), (100, 30, 0, 0));
        assert_eq!(upright.inside_permille, 1000);
        let leaning = of_corners(frame, &[[50.0, 50.0], [150.0, 50.0], [180.0, 80.0], [80.0, 80.0]]);
        assert_eq!((leaning.lean_permille, leaning.height_px), (707, 42));
        let turned = of_corners(frame, &[[50.0, 50.0], [150.0, 60.0], [150.0, 80.0], [50.0, 90.0]]);
        assert_eq!(turned.taper_permille, 500);
        let cut = of_corners(frame, &unit(100.0, 30.0).map(|[x, y]| [x + 590.0, y + 50.0]));
        assert!((450..550).contains(&cut.inside_permille), "{}", cut.inside_permille);
    }
}
