//! Models that are missing, another's, cut or broken: nothing is read, and what is wrong is told with the file.

use super::made::fixture;
use super::{copy_models, fs};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;

type Change = Box<dyn Fn(&Path)>;

fn refusal(change: impl Fn(&Path)) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    copy_models(folder.path());
    change(folder.path());
    told(folder.path())
}

fn told(folder: &Path) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_borderlane-vision"));
    let output = command.args(["plates", "--json", "--models"]).arg(folder).arg(fixture()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let code = output.status.code().unwrap_or_else(|| panic!("ended by a signal: {told}"));
    assert!(code == 0 || output.stdout.is_empty(), "nothing is read with such models");
    (code, told)
}

/// Puts other bytes in a model's place and makes the manifest agree with them.
fn replace(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join("manifest.json");
    let mut manifest: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let models = manifest["models"].as_array_mut().unwrap();
    let entry = models.iter_mut().find(|model| model["file"] == name).unwrap();
    entry["sha256"] = hex::encode(Sha256::digest(bytes)).into();
    entry["bytes"] = bytes.len().into();
    fs::write(path, manifest.to_string()).unwrap();
    fs::write(folder.join(name), bytes).unwrap();
}

fn edit_manifest(folder: &Path, from: &str, to: &str) {
    let path = folder.join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn what_is_wrong_with_the_models_is_told_with_the_file() {
    let remove = |name: &'static str| move |folder: &Path| fs::remove_file(folder.join(name)).unwrap();
    let cases: [(&str, Change, &[&str]); 9] = [
        ("no manifest", Box::new(remove("manifest.json")), &["manifest.json", "No such file"]),
        ("no reader", Box::new(remove("reader.onnx")), &["reader.onnx", "No such file"]),
        (
            "broken manifest",
            Box::new(|folder| fs::write(folder.join("manifest.json"), "{\"models\":[").unwrap()),
            &["manifest.json: not a model manifest"],
        ),
        (
            "an unknown value",
            Box::new(|folder| edit_manifest(folder, "\"input\"", "\"inputs\"")),
            &["manifest.json: not a model manifest", "inputs"],
        ),
        (
            "another hash",
            Box::new(|folder| edit_manifest(folder, "\"sha256\": \"", "\"sha256\": \"0")),
            &["SHA-256 is", "the model is not used"],
        ),
        ("no size", Box::new(|folder| edit_manifest(folder, "\"slots\": 10", "\"slots\": 0")), &["manifest.json: of reader.onnx: slots"]),
        (
            "another shape",
            Box::new(|folder| edit_manifest(folder, "\"slots\": 10", "\"slots\": 11")),
            &["reader.onnx: output characters has"],
        ),
        (
            "a pipe",
            Box::new(|folder| {
                fs::remove_file(folder.join("refiner.onnx")).unwrap();
                assert!(Command::new("mkfifo").arg(folder.join("refiner.onnx")).status().unwrap().success());
            }),
            &["refiner.onnx", "is not a file"],
        ),
        ("an empty model", Box::new(|folder| replace(folder, "reader.onnx", b"")), &["reader.onnx: "]),
    ];
    for (name, change, words) in cases {
        let (code, told) = refusal(change);
        assert_eq!(code, 1, "{name}: {told}");
        assert!(words.iter().all(|word| told.contains(word)), "{name}: {told}");
        assert_eq!(told.lines().count(), 1, "{name}: {told}");
    }
    let (code, said) = told(&PathBuf::from("/nonexistent"));
    assert!(code == 1 && said.contains("/nonexistent/manifest.json"), "{said}");
}

#[test]
fn a_model_that_is_cut_or_changed_anywhere_is_refused_or_runs_and_never_breaks_the_program() {
    for name in ["detector.onnx", "refiner.onnx", "reader.onnx"] {
        let whole = fs::read(super::models_folder().join(name)).unwrap();
        for part in [0, 1, 10, 50, 90, 99] {
            let cut = &whole[..whole.len() * part / 100];
            let (code, told) = refusal(|folder| replace(folder, name, cut));
            assert!(code == 1 && told.contains(&format!("{name}: ")) && told.lines().count() == 1, "{part} % of {name}: {told}");
            assert!(!told.contains("a fault of the program"), "{part} % of {name}: {told}");
        }
        // the structure stands at the end of the file or between the weights: a few bytes of it are another
        for at in [3, 8, 40, 200, whole.len() - 400, whole.len() - 150, whole.len() - 20] {
            let mut changed = whole.clone();
            changed[at] ^= 0x15;
            let (code, told) = refusal(|folder| replace(folder, name, &changed));
            assert!(code <= 1 && !told.contains("a fault of the program"), "byte {at} of {name}: {told}");
        }
    }
}
