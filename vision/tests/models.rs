//! The models as shipped, on the runtime that the worker uses: they must give what PyTorch gave when they were exported.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use borderlane_vision::manifest::Models;
use borderlane_vision::network::Network;
use opencv::core::{Mat, MatTraitConst};
use std::path::PathBuf;

fn models() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models")
}

/// The picture of `probe` in models/training/export.py.
fn probe(width: u32, height: u32) -> Mat {
    let mut bytes = Vec::new();
    for y in 0..height {
        for x in 0..width {
            bytes.extend((0..3).map(|c| ((x * x * 3 + y * 7 + c * 50 + (x * y) % 97) % 256) as u8));
        }
    }
    Mat::from_slice(&bytes).unwrap().reshape(3, height as i32).unwrap().try_clone().unwrap()
}

fn largest_difference(model: &str, outputs: &[(&str, usize)]) -> f64 {
    let models_found = Models::load(&models()).unwrap();
    let verified = match model {
        "detector.onnx" => &models_found.detector,
        "refiner.onnx" => &models_found.refiner,
        _ => &models_found.reader,
    };
    let expected: serde_json::Value = serde_json::from_slice(&std::fs::read(models().join("probe.json")).unwrap()).unwrap();
    let every = expected["every"].as_u64().unwrap() as usize;
    let mut network = Network::load(verified, outputs).unwrap();
    let size = network.size();
    let got = network.run(&probe(size.width as u32, size.height as u32)).unwrap();
    let mut largest = 0.0_f64;
    for ((name, _), values) in outputs.iter().zip(got) {
        let expected = expected["outputs"][model][name].as_array().unwrap();
        let got: Vec<f32> = values.into_iter().step_by(every).collect();
        assert_eq!(got.len(), expected.len());
        for (a, b) in got.iter().zip(expected) {
            largest = largest.max((f64::from(*a) - b.as_f64().unwrap()).abs());
        }
    }
    largest
}

#[test]
fn the_detector_computes_what_pytorch_computed() {
    let difference = largest_difference("detector.onnx", &[("plates", 9 * 48 * 48)]);
    assert!(difference < 1e-3, "off by {difference}");
}

#[test]
fn the_refiner_computes_what_pytorch_computed() {
    let difference = largest_difference("refiner.onnx", &[("corners", 9)]);
    assert!(difference < 1e-3, "off by {difference}");
}

#[test]
fn the_reader_computes_what_pytorch_computed() {
    let models = Models::load(&models()).unwrap();
    let classes = models.reader.entry.charset.chars().count() + 1;
    let difference = largest_difference(
        "reader.onnx",
        &[("characters", models.reader.entry.slots * classes), ("layout", 2), ("country", 2), ("colour", 6)],
    );
    assert!(difference < 1e-3, "off by {difference}");
}

#[test]
fn the_readers_symbols_are_those_of_plates() {
    let charset = Models::load(&models()).unwrap().reader.entry.charset;
    assert_eq!(charset.chars().count(), 74);
    assert!(charset.starts_with("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ京"));
}
