//! From a camera's frame to the small grey picture.

use super::measure::{Grey, LOOK_WIDTH_PX};
use opencv::core::{Mat, MatTraitConst, MatTraitConstManual, Size};
use opencv::imgproc;

/// Brings an 8-bit BGR frame to [`LOOK_WIDTH_PX`] pixels across, grey; a smaller one keeps its size. `None`: too small to judge.
///
/// # Errors
/// OpenCV's.
pub fn small_grey(frame: &Mat) -> opencv::Result<Option<Grey>> {
    let mut small = Mat::default();
    let width = frame.cols().min(LOOK_WIDTH_PX as i32);
    let height = (i64::from(frame.rows()) * i64::from(width) / i64::from(frame.cols().max(1))) as i32;
    if width < 48 || !(48..=4 * LOOK_WIDTH_PX as i32).contains(&height) {
        return Ok(None);
    }
    imgproc::resize(frame, &mut small, Size::new(width, height), 0.0, 0.0, imgproc::INTER_AREA)?;
    let mut grey = Mat::default();
    imgproc::cvt_color(&small, &mut grey, imgproc::COLOR_BGR2GRAY, 0)?;
    Ok(Grey::new(width as usize, height as usize, grey.data_bytes()?.to_vec()))
}
