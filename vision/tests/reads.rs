//! `borderlane-vision reads` as the benchmarks run it: frames in, the worker's reads out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lane_link::camera::PlateRead;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn picture(name: &str) -> Vec<u8> {
    fs::read(root().join("tests/data").join(name)).unwrap()
}

fn frame(vehicle: u64, at_ms: u64, picture: &[u8]) -> Vec<u8> {
    [format!("{{\"vehicle\":{vehicle},\"at_ms\":{at_ms},\"bytes\":{}}}\n", picture.len()).as_bytes(), picture].concat()
}

fn run(folders: &[&Path], stream: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_borderlane-vision"));
    command.arg("reads").arg("--models").arg(root().join("../models")).args(folders);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // one that ends early closes its input
    let _ = child.stdin.take().unwrap().write_all(stream);
    child.wait_with_output().unwrap()
}

/// Vehicle, time and text of every line.
fn reads(output: &Output) -> Vec<(u64, u64, u64, String)> {
    let line = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let read: PlateRead = serde_json::from_value(value["read"].clone()).unwrap();
        (value["vehicle"].as_u64().unwrap(), value["at_ms"].as_u64().unwrap(), read.track, read.best_text())
    };
    String::from_utf8_lossy(&output.stdout).lines().map(line).collect()
}

#[test]
fn a_vehicle_keeps_its_track_and_the_next_one_begins_anew() {
    let (one, two) = (picture("vn_one_line_12C34567.jpg"), picture("vn_trailer_98R01285.jpg"));
    let output = run(&[], &[frame(7, 0, &one), frame(7, 125, &one), frame(8, 0, &two)].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(reads(&output), [(7, 0, 1, "12C34567".into()), (7, 125, 1, "12C34567".into()), (8, 0, 1, "98R01285".into())]);
}

#[test]
fn a_frame_that_is_no_picture_is_told_and_the_next_one_read() {
    let one = picture("vn_one_line_12C34567.jpg");
    let output = run(&[], &[frame(1, 0, b"no picture"), frame(1, 125, &one)].concat());
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && complaints.contains("vehicle 1 at 0 ms: is not a picture"), "{complaints}");
    assert_eq!(reads(&output), [(1, 125, 1, "12C34567".into())]);
}

#[test]
fn what_cannot_be_followed_ends_with_its_frame_named() {
    let one = picture("vn_one_line_12C34567.jpg");
    let output = run(&[], &[frame(1, 0, &one), b"something else".to_vec()].concat());
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && complaints.contains("frame 2: not the line of a frame"), "{complaints}");
    let nowhere = run(&[Path::new("/nonexistent/folder")], b"");
    assert!(!nowhere.status.success() && String::from_utf8_lossy(&nowhere.stderr).contains("/nonexistent/folder"));
}

#[test]
fn a_folder_is_a_vehicle() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b.jpg", "a.jpg"] {
        fs::write(folder.path().join(name), picture(if name == "a.jpg" { "vn_one_line_12C34567.jpg" } else { "vn_trailer_98R01285.jpg" }))
            .unwrap();
    }
    let output = run(&[folder.path()], b"");
    let texts: Vec<(u64, u64, String)> = reads(&output).into_iter().map(|(vehicle, at_ms, _, text)| (vehicle, at_ms, text)).collect();
    assert_eq!(texts, [(0, 0, "12C34567".into()), (0, 125, "98R01285".into())]);
}
