//! Pictures from files and cameras: what they are, whether they are whole, how large, and only then decoded.
//!
//! JPEG, PNG and BMP are taken, found by their first bytes and never by name; everything else that OpenCV could decode is not
//! offered to it. Size and completeness are read from the file's own structure before a decoder sees it.

use crate::network::brief;
use opencv::core::{Mat, MatTraitConst, Vector, VectorToVec};
use opencv::imgcodecs;
use thiserror::Error;

/// Most pixels of a picture.
pub const MAX_PIXELS: u64 = 50_000_000;
/// Largest picture file in bytes.
pub const MAX_PICTURE_BYTES: u64 = 64 * 1024 * 1024;
/// Least side in pixels.
const MIN_SIDE_PX: u32 = 8;

/// Why bytes are no picture to look at.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PictureError {
    /// Nothing.
    #[error("is empty")]
    Empty,
    /// None of the formats.
    #[error("is not a picture: neither JPEG, PNG nor BMP")]
    NotAPicture,
    /// Ends before the picture does.
    #[error("is cut short: the {0} picture has no end")]
    Truncated(&'static str),
    /// Over [`MAX_PIXELS`].
    #[error("is {width} x {height} pixels, more than {MAX_PIXELS} pixels")]
    TooManyPixels {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// Under 8 pixels.
    #[error("is {width} x {height} pixels, too small to look at")]
    TooSmall {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// The decoder gave up.
    #[error("cannot be decoded: {0}")]
    Decode(String),
}

/// Decodes to 8-bit BGR, whatever it was (grey, 16-bit, with alpha), turned as its orientation mark says.
pub fn decode(bytes: &[u8]) -> Result<Mat, PictureError> {
    let (width, height) = inspect(bytes)?;
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(PictureError::TooManyPixels { width, height });
    }
    if width < MIN_SIDE_PX || height < MIN_SIDE_PX {
        return Err(PictureError::TooSmall { width, height });
    }
    let failed = |error: opencv::Error| PictureError::Decode(brief(&error));
    let data = Mat::from_slice(bytes).map_err(failed)?;
    let picture = imgcodecs::imdecode(&data, imgcodecs::IMREAD_COLOR).map_err(failed)?;
    if picture.empty() { Err(PictureError::Decode("the decoder found nothing in it".into())) } else { Ok(picture) }
}

/// JPEG bytes of an 8-bit BGR frame.
pub fn encode_jpeg(frame: &Mat, quality: i32) -> Result<Vec<u8>, PictureError> {
    let mut out = Vector::<u8>::new();
    let params = Vector::from_slice(&[imgcodecs::IMWRITE_JPEG_QUALITY, quality]);
    match imgcodecs::imencode(".jpg", frame, &mut out, &params) {
        Ok(true) => Ok(out.to_vec()),
        Ok(false) => Err(PictureError::Decode("the encoder refused the frame".into())),
        Err(error) => Err(PictureError::Decode(brief(&error))),
    }
}

/// Width and height as the file states them; an error where it is none of the formats or not whole.
pub fn inspect(bytes: &[u8]) -> Result<(u32, u32), PictureError> {
    match bytes {
        [] => Err(PictureError::Empty),
        [0xff, 0xd8, 0xff, ..] => inspect_jpeg(bytes),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => inspect_png(bytes),
        [b'B', b'M', ..] => inspect_bmp(bytes),
        _ => Err(PictureError::NotAPicture),
    }
}

/// Walks the segments to the frame header and the scan, then looks for the end mark (ITU T.81 annex B).
fn inspect_jpeg(bytes: &[u8]) -> Result<(u32, u32), PictureError> {
    let cut = PictureError::Truncated("JPEG");
    let mut at = 2;
    let mut size = None;
    loop {
        let (Some(&0xff), Some(&marker)) = (bytes.get(at), bytes.get(at + 1)) else { return Err(cut) };
        if marker == 0xff {
            at += 1;
            continue;
        }
        let Some(length) = bytes.get(at + 2..at + 4).map(|two| usize::from(u16::from_be_bytes([two[0], two[1]]))) else { return Err(cut) };
        let is_frame = (0xc0..=0xcf).contains(&marker) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
        if is_frame {
            let Some(frame) = bytes.get(at + 5..at + 9) else { return Err(cut) };
            size = Some((u32::from(u16::from_be_bytes([frame[2], frame[3]])), u32::from(u16::from_be_bytes([frame[0], frame[1]]))));
        }
        at += 2 + length;
        if marker == 0xda {
            break;
        }
    }
    let ended = bytes.get(at..).is_some_and(|scan| scan.windows(2).any(|two| two == [0xff, 0xd9]));
    match size {
        Some(size) if ended => Ok(size),
        Some(_) => Err(cut),
        None => Err(PictureError::Decode("a JPEG without a frame".into())),
    }
}

/// IHDR is first and IEND last (PNG 1.2, chapter 11).
fn inspect_png(bytes: &[u8]) -> Result<(u32, u32), PictureError> {
    let number = |at: usize| bytes.get(at..at + 4).map(|four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]));
    let (Some(width), Some(height)) = (number(16), number(20)) else { return Err(PictureError::Truncated("PNG")) };
    let mut at = 8;
    while let (Some(length), Some(name)) = (number(at), bytes.get(at + 4..at + 8)) {
        let end = at + 12 + length as usize;
        if end > bytes.len() {
            break;
        }
        if name == b"IEND" {
            return Ok((width, height));
        }
        at = end;
    }
    Err(PictureError::Truncated("PNG"))
}

/// Header with the file's size and the picture's (BITMAPINFOHEADER; a negative height is top-down).
fn inspect_bmp(bytes: &[u8]) -> Result<(u32, u32), PictureError> {
    let number = |at: usize| bytes.get(at..at + 4).map(|four| i32::from_le_bytes([four[0], four[1], four[2], four[3]]));
    let (Some(stated), Some(width), Some(height)) = (number(2), number(18), number(22)) else { return Err(PictureError::Truncated("BMP")) };
    if i64::from(stated) > bytes.len() as i64 {
        return Err(PictureError::Truncated("BMP"));
    }
    Ok((width.unsigned_abs(), height.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::core::{CV_8UC3, CV_16UC1, MatExprTraitConst, Scalar};

    fn encoded(extension: &str, kind: i32) -> Vec<u8> {
        let picture = Mat::new_rows_cols_with_default(40, 60, kind, Scalar::all(90.0)).unwrap();
        let mut out = Vector::<u8>::new();
        imgcodecs::imencode_def(extension, &picture, &mut out).unwrap();
        out.to_vec()
    }

    #[test]
    fn whole_pictures_are_decoded_to_eight_bit_colour() {
        let grey = Mat::zeros(40, 60, opencv::core::CV_8UC1).unwrap().to_mat().unwrap();
        let mut grey_jpeg = Vector::<u8>::new();
        imgcodecs::imencode_def(".jpg", &grey, &mut grey_jpeg).unwrap();
        for bytes in
            [encoded(".jpg", CV_8UC3), encoded(".png", CV_8UC3), encoded(".bmp", CV_8UC3), encoded(".png", CV_16UC1), grey_jpeg.to_vec()]
        {
            let picture = decode(&bytes).unwrap();
            assert_eq!((picture.cols(), picture.rows(), picture.typ()), (60, 40, CV_8UC3));
        }
    }

    #[test]
    fn a_picture_cut_anywhere_is_refused() {
        for extension in [".jpg", ".png", ".bmp"] {
            let bytes = encoded(extension, CV_8UC3);
            for length in 0..bytes.len() - 2 {
                assert!(decode(&bytes[..length]).is_err(), "{extension} cut to {length} of {}", bytes.len());
            }
        }
    }

    #[test]
    fn a_picture_that_states_too_many_pixels_is_refused_before_it_is_decoded() {
        let mut png = encoded(".png", CV_8UC3);
        png[16..24].copy_from_slice(&[0, 0, 0x40, 0, 0, 0, 0x40, 0]);
        assert_eq!(decode(&png).unwrap_err(), PictureError::TooManyPixels { width: 16384, height: 16384 });
        let mut bmp = encoded(".bmp", CV_8UC3);
        bmp[18..26].copy_from_slice(&[0xff, 0xff, 0, 0, 0, 0, 0, 0x80]);
        assert!(matches!(decode(&bmp).unwrap_err(), PictureError::TooManyPixels { height: 0x8000_0000, .. }));
    }

    #[test]
    fn what_is_no_picture_is_not_offered_to_a_decoder() {
        assert_eq!(decode(b"").unwrap_err(), PictureError::Empty);
        assert_eq!(decode(b"GIF89a and so on").unwrap_err(), PictureError::NotAPicture);
        assert_eq!(decode(b"%PDF-1.7").unwrap_err(), PictureError::NotAPicture);
    }
}
