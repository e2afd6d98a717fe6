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

/// The near plate clear, a trailer's far away in the shade: a fifth of its size, a tenth or so of its contrast.
fn near_and_far(shrink: f64, contrast: f64) -> Mat {
    let read = |name: &str| imread(fixture(name), IMREAD_COLOR).unwrap();
    let mut frame = Mat::new_rows_cols_with_default(540, 1180, CV_8UC3, Scalar::all(60.0)).unwrap();
    let mut lay = |picture: &Mat, x: i32, y: i32| {
        let mut place = Mat::roi_mut(&mut frame, Rect::new(x, y, picture.cols(), picture.rows())).unwrap();
        picture.copy_to(&mut place).unwrap();
    };
    lay(&read("vn_one_line_12C34567.jpg"), 20, 90);
    let trailer = read("vn_trailer_98R01285.jpg");
    let (mut small, mut dim) = (Mat::default(), Mat::default());
    let rear = Mat::roi(&trailer, Rect::new(230, 190, 180, 150)).unwrap();
    opencv::imgproc::resize(&rear, &mut small, Size::default(), shrink, shrink, opencv::imgproc::INTER_AREA).unwrap();
    small.convert_to(&mut dim, opencv::core::CV_8U, contrast, 70.0).unwrap();
    lay(&dim, 820, 320);
    frame
}

#[test]
fn a_far_plate_in_the_shade_is_read_beside_a_clear_one() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [(0.22, 0.1), (0.22, 0.12), (0.22, 0.15), (0.22, 0.2), (0.25, 0.08), (0.3, 0.08)];
    let files = cases.map(|(shrink, contrast)| {
        let file = folder.path().join(format!("{shrink}-{contrast}.png"));
        let mut out = Vector::<u8>::new();
        imencode_def(".png", &near_and_far(shrink, contrast), &mut out).unwrap();
        fs::write(&file, out.to_vec()).unwrap();
        file
    });
    let output = run(&["--json"], &root().join("../models"), &files.each_ref().map(PathBuf::as_path));
    let answers = answers(&output);
    let reads =
        |text: &str| answers.iter().filter(|answer| answer["plates"].as_array().unwrap().iter().any(|plate| plate["text"] == text)).count();
    assert_eq!(reads("12C34567"), cases.len());
    // none of the six where half of the warmest one's heat is asked for
    assert!(reads("98R01285") >= 4, "{answers:?}");
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
