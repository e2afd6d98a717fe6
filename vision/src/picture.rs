//! Pictures from files and cameras: whole and not too large ([`crate::format`]), and only then decoded.

use crate::format::{FormatError, inspect};
use crate::network::brief;
use opencv::core::{Mat, MatTraitConst, Vector, VectorToVec};
use opencv::imgcodecs;
use thiserror::Error;

/// Most pixels of a picture: what telephones and area cameras call 64 megapixels. Decoded three bytes each, twice that where it has to be turned.
pub const MAX_PIXELS: u64 = 65_000_000;
/// Largest picture file in bytes: a bitmap of 65 megapixels.
pub const MAX_PICTURE_BYTES: u64 = 200 * 1024 * 1024;
/// Least side in pixels.
const MIN_SIDE_PX: u32 = 8;

/// Why bytes are no picture to look at.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PictureError {
    /// No whole picture of a format that is taken.
    #[error(transparent)]
    Format(#[from] FormatError),
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

/// Decodes to 8-bit BGR, whatever it was (grey, 16-bit, with alpha, CMYK), turned as its orientation mark says.
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
        for bytes in [
            encoded(".jpg", CV_8UC3),
            encoded(".png", CV_8UC3),
            encoded(".bmp", CV_8UC3),
            encoded(".webp", CV_8UC3),
            encoded(".tiff", CV_16UC1),
            encoded(".png", CV_16UC1),
            grey_jpeg.to_vec(),
        ] {
            let picture = decode(&bytes).unwrap();
            assert_eq!((picture.cols(), picture.rows(), picture.typ()), (60, 40, CV_8UC3));
        }
    }

    #[test]
    fn a_picture_cut_anywhere_is_refused() {
        for extension in [".jpg", ".png", ".bmp", ".tiff", ".webp"] {
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
        assert_eq!(decode(b"").unwrap_err(), FormatError::Empty.into());
        assert_eq!(decode(b"GIF89a and so on").unwrap_err(), FormatError::NotTaken("a GIF").into());
    }
}
