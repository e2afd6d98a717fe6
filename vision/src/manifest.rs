//! `manifest.json`: which model files there are, and what they must be. A model is used only when size and SHA-256 are the manifest's.

use lane_link::camera::{PlateColour, PlateCountry};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Largest manifest in bytes.
const MAX_MANIFEST_BYTES: u64 = 64 * 1024;
/// Largest model in bytes.
const MAX_MODEL_BYTES: u64 = 16 * 1024 * 1024;

/// Why there are no models to use.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// A file that cannot be read.
    #[error("{file}: {reason}")]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        #[source]
        reason: std::io::Error,
    },
    /// A file over its limit.
    #[error("{file}: {bytes} bytes, more than {limit_bytes}")]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit_bytes: u64,
    },
    /// Not the JSON that is expected.
    #[error("{file}: not a model manifest: {reason}")]
    Json {
        /// The file.
        file: PathBuf,
        /// What is wrong, with its place.
        #[source]
        reason: serde_json::Error,
    },
    /// The manifest names no model of a kind, or more than one.
    #[error("{file}: names {count} models of kind {kind:?}; exactly one is needed")]
    Count {
        /// The manifest.
        file: PathBuf,
        /// The kind.
        kind: ModelKind,
        /// How many.
        count: usize,
    },
    /// A name that leads out of the folder.
    #[error("{file}: {name:?} is not a plain file name")]
    Name {
        /// The manifest.
        file: PathBuf,
        /// The name.
        name: String,
    },
    /// What the manifest says of a model is out of its bounds.
    #[error("{file}: of {model}: {what} is out of bounds")]
    Bounds {
        /// The manifest.
        file: PathBuf,
        /// The model.
        model: String,
        /// Which value, and its bounds.
        what: &'static str,
    },
    /// The file is another one than the manifest means.
    #[error("{file}: SHA-256 is {found}, the manifest says {expected}: the model is not used")]
    Digest {
        /// The model.
        file: PathBuf,
        /// As computed.
        found: String,
        /// As stated.
        expected: String,
    },
}

/// What a model does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// Finds plates: centre heat and corners.
    Detector,
    /// Makes a plate's corners better.
    Refiner,
    /// Reads a rectified plate.
    Reader,
}

/// A row of the manifest.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// File name in the manifest's folder.
    pub file: String,
    /// Lower-case hex.
    pub sha256: String,
    /// Size of the file.
    pub bytes: u64,
    /// What it does.
    pub kind: ModelKind,
    /// Input width and height in pixels.
    pub input: [u16; 2],
    /// Version of the model.
    pub version: String,
    /// Reader: places of a plate.
    #[serde(default)]
    pub slots: usize,
    /// Reader: symbol of class 1, 2, ...; class 0 is the blank.
    #[serde(default)]
    pub charset: String,
    /// Names of the classes that are not symbols.
    #[serde(default)]
    pub classes: Vec<String>,
    /// Refiner: how many times as large as the plate its picture is.
    #[serde(default)]
    pub surroundings: f32,
    /// Reader: how many times as large as the plate its picture is, across and down.
    #[serde(default)]
    pub margin: [f32; 2],
    /// Reader: the countries in the order of its output.
    #[serde(default)]
    pub countries: Vec<PlateCountry>,
    /// Reader: colours of the ground in the order of its output.
    #[serde(default)]
    pub colours: Vec<PlateColour>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    models: Vec<ModelEntry>,
}

/// A model whose bytes are the manifest's.
#[derive(Debug)]
pub struct VerifiedModel {
    /// The row.
    pub entry: ModelEntry,
    /// The file's bytes.
    pub bytes: Vec<u8>,
}

/// Everything that is needed to read plates.
#[derive(Debug)]
pub struct Models {
    /// Finds plates.
    pub detector: VerifiedModel,
    /// Makes their corners better.
    pub refiner: VerifiedModel,
    /// Reads them.
    pub reader: VerifiedModel,
}

impl Models {
    /// Reads `manifest.json` of `folder` and the models that it names.
    pub fn load(folder: &Path) -> Result<Self, ManifestError> {
        let file = folder.join("manifest.json");
        let json = read_bounded(&file, MAX_MANIFEST_BYTES)?;
        let manifest: Manifest = serde_json::from_slice(&json).map_err(|reason| ManifestError::Json { file: file.clone(), reason })?;
        let one = |kind| -> Result<VerifiedModel, ManifestError> {
            let mut of_kind = manifest.models.iter().filter(|entry| entry.kind == kind);
            match (of_kind.next(), of_kind.count()) {
                (Some(entry), 0) => verified(folder, &file, entry),
                (first, more) => Err(ManifestError::Count { file: file.clone(), kind, count: usize::from(first.is_some()) + more }),
            }
        };
        Ok(Self { detector: one(ModelKind::Detector)?, refiner: one(ModelKind::Refiner)?, reader: one(ModelKind::Reader)? })
    }
}

fn verified(folder: &Path, manifest: &Path, entry: &ModelEntry) -> Result<VerifiedModel, ManifestError> {
    if Path::new(&entry.file).file_name() != Some(entry.file.as_ref()) {
        return Err(ManifestError::Name { file: manifest.to_owned(), name: entry.file.clone() });
    }
    if let Some(what) = out_of_bounds(entry) {
        return Err(ManifestError::Bounds { file: manifest.to_owned(), model: entry.file.clone(), what });
    }
    let file = folder.join(&entry.file);
    let bytes = read_bounded(&file, MAX_MODEL_BYTES)?;
    let found = hex::encode(Sha256::digest(&bytes));
    if found != entry.sha256 || bytes.len() as u64 != entry.bytes {
        return Err(ManifestError::Digest { file, found, expected: entry.sha256.clone() });
    }
    Ok(VerifiedModel { entry: entry.clone(), bytes })
}

/// The first value that no network of ours could have.
fn out_of_bounds(entry: &ModelEntry) -> Option<&'static str> {
    let within = |value: f32, low: f32, high: f32| (low..=high).contains(&value);
    let reads = entry.kind == ModelKind::Reader;
    let wrong = [
        (!entry.input.iter().all(|side| (8..=2_048).contains(side)), "a side of the input (8 to 2048 pixels)"),
        (reads && !(1..=32).contains(&entry.slots), "slots (1 to 32)"),
        (reads && !(1..=1_000).contains(&entry.charset.chars().count()), "charset (1 to 1000 symbols)"),
        (reads && !entry.margin.iter().all(|&margin| within(margin, 1.0, 2.0)), "margin (1 to 2)"),
        (entry.kind == ModelKind::Refiner && !within(entry.surroundings, 1.0, 4.0), "surroundings (1 to 4)"),
    ];
    wrong.iter().find(|(is_wrong, _)| *is_wrong).map(|(_, what)| *what)
}

fn read_bounded(file: &Path, limit_bytes: u64) -> Result<Vec<u8>, ManifestError> {
    let failed = |reason| ManifestError::Read { file: file.to_owned(), reason };
    let about = fs::metadata(file).map_err(failed)?;
    if !about.is_file() {
        return Err(failed(std::io::Error::other("is not a file")));
    }
    let bytes = about.len();
    if bytes > limit_bytes {
        return Err(ManifestError::TooLarge { file: file.to_owned(), bytes, limit_bytes });
    }
    fs::read(file).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(manifest: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("manifest.json"), manifest).unwrap();
        fs::write(folder.path().join("d.onnx"), b"d").unwrap();
        fs::write(folder.path().join("f.onnx"), b"f").unwrap();
        fs::write(folder.path().join("r.onnx"), b"r").unwrap();
        folder
    }

    fn row(file: &str, content: &[u8], kind: &str) -> String {
        let sha256 = hex::encode(Sha256::digest(content));
        let more = match kind {
            "refiner" => r#","surroundings":1.6"#,
            "reader" => r#","slots":10,"charset":"AB","margin":[1.1,1.1]"#,
            _ => "",
        };
        format!(r#"{{"file":"{file}","sha256":"{sha256}","bytes":{},"kind":"{kind}","input":[8,8],"version":"1"{more}}}"#, content.len())
    }

    fn load(rows: &[String]) -> Result<Models, ManifestError> {
        Models::load(folder(&format!(r#"{{"models":[{}]}}"#, rows.join(","))).path())
    }

    #[test]
    fn models_that_are_the_manifests_are_loaded() {
        let models = load(&[row("d.onnx", b"d", "detector"), row("f.onnx", b"f", "refiner"), row("r.onnx", b"r", "reader")]).unwrap();
        assert_eq!((models.detector.bytes.as_slice(), models.reader.bytes.as_slice()), (b"d".as_slice(), b"r".as_slice()));
    }

    #[test]
    fn another_file_under_the_same_name_is_refused() {
        let error = load(&[row("d.onnx", b"x", "detector"), row("r.onnx", b"r", "reader")]).unwrap_err();
        assert!(matches!(&error, ManifestError::Digest { file, .. } if file.ends_with("d.onnx")), "{error}");
    }

    #[test]
    fn a_name_that_leaves_the_folder_is_refused() {
        let error = load(&[row("../d.onnx", b"d", "detector"), row("r.onnx", b"r", "reader")]).unwrap_err();
        assert!(matches!(error, ManifestError::Name { .. }), "{error}");
    }

    #[test]
    fn what_no_network_of_ours_could_have_is_refused() {
        let good = [row("d.onnx", b"d", "detector"), row("f.onnx", b"f", "refiner"), row("r.onnx", b"r", "reader")];
        for (old, new, what) in [
            ("[8,8]", "[0,8]", "a side of the input"),
            ("[8,8]", "[8,4096]", "a side of the input"),
            (":1.6", ":0.0", "surroundings"),
            (":10,", ":0,", "slots"),
            (r#""AB""#, r#""""#, "charset"),
            ("[1.1,1.1]", "[1.1,99]", "margin"),
        ] {
            let error = load(&good.clone().map(|row| row.replace(old, new))).unwrap_err().to_string();
            assert!(error.contains("manifest.json: of ") && error.contains(what), "{error}");
        }
    }

    #[test]
    fn one_model_of_each_kind_is_needed() {
        let error = load(&[row("d.onnx", b"d", "detector"), row("d.onnx", b"d", "detector"), row("r.onnx", b"r", "reader")]).unwrap_err();
        assert!(matches!(error, ManifestError::Count { kind: ModelKind::Detector, count: 2, .. }), "{error}");
        let error = load(&[row("d.onnx", b"d", "detector"), row("f.onnx", b"f", "refiner")]).unwrap_err();
        assert!(matches!(error, ManifestError::Count { kind: ModelKind::Reader, count: 0, .. }), "{error}");
    }

    #[test]
    fn what_is_no_manifest_is_told_with_its_file() {
        let error = Models::load(folder("{").path()).unwrap_err();
        assert!(error.to_string().contains("manifest.json: not a model manifest"), "{error}");
        let error = Models::load(Path::new("/nonexistent")).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/manifest.json"), "{error}");
    }
}
