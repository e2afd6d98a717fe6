//! Files made for the tests: every form that a readable picture comes in, and every way that a file can be wrong.

use opencv::core::{CV_8UC3, CV_16U, Mat, Rect, Scalar, Size, Vector};
use opencv::imgcodecs::{IMREAD_COLOR, IMWRITE_TIFF_COMPRESSION, imencode, imencode_def, imread};
use opencv::imgproc;
use opencv::prelude::*;
use opencv::videoio::{CAP_FFMPEG, CAP_OPENCV_MJPEG, VideoWriter, VideoWriterTrait, VideoWriterTraitConst};
use std::path::{Path, PathBuf};

pub const TEXT: &str = "12C34567";

pub fn fixture() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/vn_one_line_12C34567.jpg")
}

pub fn photo() -> Mat {
    imread(fixture(), IMREAD_COLOR).unwrap()
}

pub fn encoded(extension: &str, picture: &impl opencv::core::ToInputArray) -> Vec<u8> {
    let mut out = Vector::<u8>::new();
    imencode_def(extension, picture, &mut out).unwrap();
    out.to_vec()
}

pub fn converted(picture: &Mat, code: i32) -> Mat {
    let mut out = Mat::default();
    imgproc::cvt_color_def(picture, &mut out, code).unwrap();
    out
}

pub fn sixteen_bit(picture: &Mat) -> Mat {
    let mut out = Mat::default();
    picture.convert_to(&mut out, CV_16U, 257.0, 0.0).unwrap();
    out
}

/// Without compression, as scanners write it.
pub fn tiff(picture: &Mat) -> Vec<u8> {
    let mut out = Vector::<u8>::new();
    imencode(".tiff", picture, &mut out, &Vector::from_slice(&[IMWRITE_TIFF_COMPRESSION, 1])).unwrap();
    out.to_vec()
}

/// The photo five times as large, in a corner of a frame of 8160 x 6120 pixels (what telephones call 50 megapixels).
pub fn fifty_megapixels() -> Mat {
    let mut large = Mat::default();
    imgproc::resize(&photo(), &mut large, Size::default(), 5.0, 5.0, imgproc::INTER_CUBIC).unwrap();
    let mut frame = Mat::new_rows_cols_with_default(6120, 8160, CV_8UC3, Scalar::all(90.0)).unwrap();
    let mut place = Mat::roi_mut(&mut frame, Rect::new(2000, 3000, large.cols(), large.rows())).unwrap();
    large.copy_to(&mut place).unwrap();
    drop(place);
    frame
}

/// A JPEG with an EXIF mark that says how to turn it (TIFF tag 0x0112), of a picture that was turned the other way.
pub fn turned(orientation: u8, back: i32) -> Vec<u8> {
    let mut picture = Mat::default();
    opencv::core::rotate(&photo(), &mut picture, back).unwrap();
    let jpeg = encoded(".jpg", &picture);
    let mut exif = b"\xff\xe1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    [&jpeg[..2], &exif, &jpeg[2..]].concat()
}

/// A PNG that is animated: its first picture is the photo, the second is plain.
pub fn animated_png() -> Vec<u8> {
    let png = encoded(".png", &photo());
    let chunk = |name: &[u8], data: &[u8]| {
        let body = [name, data].concat();
        [&(data.len() as u32).to_be_bytes()[..], &body, &crc(&body).to_be_bytes()].concat()
    };
    let size = [photo().cols() as u32, photo().rows() as u32];
    let frame =
        |number: u32| [&number.to_be_bytes()[..], &size[0].to_be_bytes(), &size[1].to_be_bytes(), &[0; 8], &[0, 1, 0, 10, 0, 0]].concat();
    let after_header = 33;
    let end = png.len() - 12;
    let actl = chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]);
    [&png[..after_header], &actl, &chunk(b"fcTL", &frame(0)), &png[after_header..end], &chunk(b"fcTL", &frame(1)), &png[end..]].concat()
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

/// Four grey JPEGs of the same tables become the four scans of one of cyan, magenta, yellow and black, stored inverted as Adobe does.
pub fn cmyk() -> Vec<u8> {
    let mut channels = Vector::<Mat>::new();
    opencv::core::split(&photo(), &mut channels).unwrap();
    let white = Mat::new_rows_cols_with_default(photo().rows(), photo().cols(), opencv::core::CV_8UC1, Scalar::all(255.0)).unwrap();
    let planes = [channels.get(2).unwrap(), channels.get(1).unwrap(), channels.get(0).unwrap(), white];
    let greys: Vec<Vec<u8>> = planes.iter().map(|plane| encoded(".jpg", plane)).collect();
    let segment = |jpeg: &[u8], wanted: u8| -> Vec<Vec<u8>> {
        let (mut at, mut found) = (2, Vec::new());
        loop {
            let length = usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
            if jpeg[at + 1] == wanted {
                found.push(jpeg[at..at + 2 + length].to_vec());
            }
            let is_scan = jpeg[at + 1] == 0xda;
            at += 2 + length;
            if is_scan {
                return if wanted == 0 { vec![jpeg[at..jpeg.len() - 2].to_vec()] } else { found };
            }
        }
    };
    let sizes = segment(&greys[0], 0xc0)[0][5..9].to_vec();
    let mut out = vec![0xff, 0xd8, 0xff, 0xee, 0, 14];
    out.extend(b"Adobe\0\x64\0\0\0\0\0");
    out.extend(segment(&greys[0], 0xdb).concat());
    out.extend([0xff, 0xc0, 0, 20, 8]);
    out.extend(sizes);
    out.push(4);
    (1..=4).for_each(|component| out.extend([component, 0x11, 0]));
    out.extend(segment(&greys[0], 0xc4).concat());
    for (grey, component) in greys.iter().zip(1..) {
        out.extend([0xff, 0xda, 0, 8, 1, component, 0, 0, 63, 0]);
        out.extend(segment(grey, 0).concat());
    }
    out.extend([0xff, 0xd9]);
    out
}

/// A video of so many frames of the photo.
pub fn video(path: &Path, frames: usize) {
    let size = Size::new(photo().cols(), photo().rows());
    let (fourcc, backend) = match path.extension().unwrap().to_str().unwrap() {
        "avi" => (VideoWriter::fourcc('M', 'J', 'P', 'G').unwrap(), CAP_OPENCV_MJPEG),
        _ => (VideoWriter::fourcc('m', 'p', '4', 'v').unwrap(), CAP_FFMPEG),
    };
    let mut writer = VideoWriter::new_with_backend(path.to_str().unwrap(), backend, fourcc, 10.0, size, true).unwrap();
    assert!(writer.is_opened().unwrap());
    for _ in 0..frames {
        writer.write(&photo()).unwrap();
    }
    writer.release().unwrap();
}
