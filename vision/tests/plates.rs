//! `borderlane-vision plates` as its users run it: what it reads, and what it says of files that it cannot read.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use opencv::core::{CV_8UC3, Mat, Rect, Scalar, Size, Vector};
use opencv::imgcodecs::{IMREAD_COLOR, imencode_def, imread};
use opencv::prelude::*;
use opencv::videoio::{CAP_FFMPEG, VideoWriter, VideoWriterTrait, VideoWriterTraitConst};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn fixture(name: &str) -> PathBuf {
    root().join("tests/data").join(name)
}

fn run(arguments: &[&str], models: &Path, files: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_borderlane-vision"));
    command.arg("plates").args(arguments).arg("--models").arg(models).args(files).output().unwrap()
}

fn answers(output: &Output) -> Vec<serde_json::Value> {
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn rendered_plates_of_both_countries_and_layouts_are_read() {
    let expected = [
        ("vn_one_line_12C34567.jpg", "12C34567", [225, 243, 190, 63], ("VN", "white", 1)),
        ("vn_trailer_98R01285.jpg", "98R01285", [250, 211, 140, 107], ("VN", "yellow", 2)),
        ("cn_one_line_F12A86.jpg", "桂F12A86", [240, 250, 180, 62], ("CN", "blue", 1)),
    ];
    let files: Vec<PathBuf> = expected.iter().map(|(name, ..)| fixture(name)).collect();
    let output = run(&["--json"], &root().join("../models"), &files.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    assert!(output.status.success(), "{}", stderr(&output));
    let answers = answers(&output);
    assert_eq!(answers.len(), 3);
    for ((answer, (_, text, place, about)), file) in answers.iter().zip(expected).zip(&files) {
        assert_eq!(answer["file"], file.display().to_string());
        assert_eq!(answer["plates"].as_array().unwrap().len(), 1, "{answer}");
        let plate = &answer["plates"][0];
        assert_eq!(plate["text"], text);
        assert_eq!(
            (plate["country"].as_str(), plate["colour"].as_str(), plate["lines"].as_i64()),
            (Some(about.0), Some(about.1), Some(about.2))
        );
        assert!(plate["confidence"].as_f64().unwrap() > 0.3, "{plate}");
        for (got, wanted) in plate["box"].as_array().unwrap().iter().zip(place) {
            assert!((got.as_i64().unwrap() - wanted).abs() <= 20, "{plate}");
        }
        assert!(answer["ms"].as_f64().unwrap() > 0.0);
    }
}

#[test]
fn words_are_for_people() {
    let file = fixture("vn_one_line_12C34567.jpg");
    let output = run(&[], &root().join("../models"), &[&file]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("12C34567") && told.contains('%'), "{told}");
}

#[test]
fn a_picture_without_a_plate_has_an_empty_answer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plain.png");
    fs::write(&file, encoded(".png", 200, 320)).unwrap();
    let output = run(&["--json"], &root().join("../models"), &[&file]);
    assert!(output.status.success());
    assert_eq!(answers(&output)[0]["plates"].as_array().unwrap().len(), 0);
}

fn encoded(extension: &str, rows: i32, columns: i32) -> Vec<u8> {
    let picture = Mat::new_rows_cols_with_default(rows, columns, CV_8UC3, Scalar::all(120.0)).unwrap();
    let mut out = Vector::<u8>::new();
    imencode_def(extension, &picture, &mut out).unwrap();
    out.iter().collect()
}

#[test]
fn every_bad_file_is_told_by_name_and_reason_and_the_others_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let jpeg = fs::read(fixture("vn_one_line_12C34567.jpg")).unwrap();
    let mut huge = encoded(".png", 64, 64);
    huge[16..24].copy_from_slice(&[0, 0, 0x20, 0, 0, 0, 0x20, 0]);
    let mut empty_video = vec![0, 0, 0, 0x18];
    empty_video.extend(b"ftypisom\0\0\x02\0isommp41");
    let bad = [
        (make("cut.jpg", &jpeg[..jpeg.len() / 2]), "is cut short"),
        (make("cut.png", &encoded(".png", 64, 64)[..60]), "is cut short"),
        (make("huge.png", &huge), "8192 x 8192 pixels, more than"),
        (make("words.jpg", b"this is no picture"), "is not a picture"),
        (make("nothing.jpg", b""), "is empty"),
        (make("tiny.png", &encoded(".png", 2, 2)), "too small"),
        (make("empty.mp4", &empty_video), "is a video"),
        (folder.path().join("absent.jpg"), "No such file"),
        (folder.path().to_owned(), "is not a file"),
    ];
    let good = fixture("vn_one_line_12C34567.jpg");
    let mut files: Vec<&Path> = bad.iter().map(|(path, _)| path.as_path()).collect();
    files.push(&good);
    let output = run(&["--json"], &root().join("../models"), &files);
    assert_eq!(output.status.code(), Some(1));
    let answers = answers(&output);
    assert_eq!(answers.len(), bad.len() + 1);
    for ((path, reason), answer) in bad.iter().zip(&answers) {
        assert_eq!(answer["file"], path.display().to_string());
        assert!(answer["error"].as_str().unwrap_or_default().contains(reason), "{answer} should say {reason:?}");
        let line = format!("{}: ", path.display());
        assert!(stderr(&output).lines().any(|told| told.starts_with(&line) && told.contains(reason)), "{}", stderr(&output));
    }
    assert_eq!(answers[bad.len()]["plates"][0]["text"], "12C34567");
}

#[test]
fn grey_and_sixteen_bit_pictures_are_read_like_others() {
    let folder = tempfile::tempdir().unwrap();
    let colour = imread(fixture("vn_one_line_12C34567.jpg"), IMREAD_COLOR).unwrap();
    let mut grey = Mat::default();
    opencv::imgproc::cvt_color_def(&colour, &mut grey, opencv::imgproc::COLOR_BGR2GRAY).unwrap();
    let mut deep = Mat::default();
    grey.convert_to(&mut deep, opencv::core::CV_16U, 257.0, 0.0).unwrap();
    for (name, picture) in [("grey.png", &grey), ("deep.png", &deep)] {
        let mut out = Vector::<u8>::new();
        imencode_def(".png", picture, &mut out).unwrap();
        let file = folder.path().join(name);
        fs::write(&file, out.iter().collect::<Vec<u8>>()).unwrap();
        let output = run(&["--json"], &root().join("../models"), &[&file]);
        assert_eq!(answers(&output)[0]["plates"][0]["text"], "12C34567", "{name}");
    }
}

#[test]
fn a_video_gives_each_plate_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("truck.mp4");
    let frame = imread(fixture("vn_one_line_12C34567.jpg"), IMREAD_COLOR).unwrap();
    let fourcc = VideoWriter::fourcc('m', 'p', '4', 'v').unwrap();
    let size = Size::new(600, 340);
    let mut writer = VideoWriter::new_with_backend(file.to_str().unwrap(), CAP_FFMPEG, fourcc, 10.0, size, true).unwrap();
    assert!(writer.is_opened().unwrap());
    for step in 0..8 {
        let moved = Mat::roi(&frame, Rect::new(step * 5, step * 2, size.width, size.height)).unwrap().try_clone().unwrap();
        writer.write(&moved).unwrap();
    }
    writer.release().unwrap();
    let output = run(&["--json"], &root().join("../models"), &[&file]);
    assert!(output.status.success(), "{}", stderr(&output));
    let plates = answers(&output)[0]["plates"].as_array().unwrap().clone();
    assert_eq!(plates.len(), 1, "{plates:?}");
    assert_eq!(plates[0]["text"], "12C34567");
}

/// A copy of the models in which the manifest or a model was changed.
fn changed_models(change: impl Fn(&Path)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["manifest.json", "detector.onnx", "refiner.onnx", "reader.onnx"] {
        fs::copy(root().join("../models").join(name), folder.path().join(name)).unwrap();
    }
    change(folder.path());
    folder
}

fn refusal(change: impl Fn(&Path)) -> String {
    let folder = changed_models(change);
    let output = run(&["--json"], folder.path(), &[&fixture("vn_one_line_12C34567.jpg")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "nothing is read with such models");
    stderr(&output)
}

#[test]
fn a_model_with_another_hash_is_refused() {
    let told = refusal(|folder| {
        let path = folder.join("reader.onnx");
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    });
    assert!(told.contains("reader.onnx: SHA-256 is") && told.contains("the model is not used"), "{told}");
}

#[test]
fn a_model_of_another_shape_is_refused() {
    let told = refusal(|folder| {
        let path = folder.join("manifest.json");
        let manifest = fs::read_to_string(&path).unwrap();
        assert!(manifest.contains("\"slots\": 10"));
        fs::write(path, manifest.replace("\"slots\": 10", "\"slots\": 11")).unwrap();
    });
    assert!(told.contains("reader.onnx: output characters has") && told.contains("does not fit its manifest"), "{told}");
}

#[test]
fn what_is_no_network_is_refused_though_its_hash_is_right() {
    let told = refusal(|folder| {
        use sha2::{Digest, Sha256};
        let junk = b"no network at all";
        let path = folder.join("manifest.json");
        let mut manifest: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        manifest["models"][0]["sha256"] = hex::encode(Sha256::digest(junk)).into();
        manifest["models"][0]["bytes"] = junk.len().into();
        fs::write(folder.join("detector.onnx"), junk).unwrap();
        fs::write(path, manifest.to_string()).unwrap();
    });
    assert!(told.contains("detector.onnx: cannot be loaded"), "{told}");
}

#[test]
fn a_network_of_the_other_kind_is_refused() {
    let told = refusal(|folder| {
        let path = folder.join("manifest.json");
        let mut manifest: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let models = manifest["models"].as_array_mut().unwrap();
        let detector = models.iter().find(|model| model["kind"] == "detector").unwrap().clone();
        let reader = models.iter_mut().find(|model| model["kind"] == "reader").unwrap();
        for key in ["file", "sha256", "bytes", "input"] {
            reader[key] = detector[key].clone();
        }
        fs::write(path, manifest.to_string()).unwrap();
    });
    assert!(told.contains("detector.onnx: cannot be loaded: it has no output characters"), "{told}");
}
