//! The rules of the house: who may depend on whom, and what the daemon must never load.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn metadata() -> serde_json::Value {
    let out = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked", "--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

/// Normal and build dependencies of a workspace package, by name.
fn depends_on(metadata: &serde_json::Value, package: &str) -> BTreeSet<String> {
    let packages = metadata["packages"].as_array().unwrap();
    let found = packages.iter().find(|p| p["name"] == package && p["source"].is_null()).unwrap();
    let normal = found["dependencies"].as_array().unwrap().iter().filter(|d| d["kind"] != "dev");
    normal.map(|d| d["name"].as_str().unwrap().to_owned()).collect()
}

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

#[test]
fn dependencies_point_one_way() {
    let metadata = metadata();
    assert_eq!(depends_on(&metadata, "lane-core"), BTreeSet::from(["serde".to_owned(), "thiserror".to_owned()]), "lane-core stands alone");
    assert!(!depends_on(&metadata, "lane-link").contains("borderlane"));
    for worker in ["borderlane-vision", "borderlane-central", "hardware-sim"] {
        assert!(!depends_on(&metadata, worker).contains("borderlane"), "{worker} never uses src");
    }
    assert!(!depends_on(&metadata, "borderlane").contains("opencv"), "the daemon links no OpenCV");
}

#[test]
fn only_one_package_links_sqlite() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let linking: Vec<_> = packages.iter().filter(|p| p["links"] == "sqlite3").map(|p| p["name"].clone()).collect();
    assert_eq!(linking.len(), 1, "{linking:?}");
}

#[test]
fn adapters_never_import_each_other() {
    const ADAPTERS: [&str; 6] = ["barrier", "scale", "camera", "store", "sync", "web"];
    for adapter in ADAPTERS {
        let dir = root().join("src").join(adapter);
        if !dir.exists() {
            continue;
        }
        let mut files = Vec::new();
        sources(&dir, &mut files);
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            for other in ADAPTERS.iter().chain(&["runtime", "cli"]).filter(|other| **other != adapter) {
                assert!(!text.contains(&format!("crate::{other}")), "{} imports crate::{other}", file.display());
            }
        }
    }
}

#[test]
fn the_core_reaches_for_nothing_outside_itself() {
    let mut files = Vec::new();
    sources(&root().join("lane-core/src"), &mut files);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        // Test modules may use std; the rule is for what ships.
        let shipped = text.split("#[cfg(test)]").next().unwrap();
        for word in ["std::", "tokio", "SystemTime", "Instant::", " f64", " f32", "f64::", "f32::"] {
            assert!(!shipped.contains(word), "{} uses {word}", file.display());
        }
    }
}

#[test]
fn the_daemon_loads_no_opencv_and_no_second_sqlite() {
    let out = Command::new("ldd").arg(env!("CARGO_BIN_EXE_borderlane")).output().unwrap();
    assert!(out.status.success());
    let libraries = String::from_utf8_lossy(&out.stdout);
    for library in ["opencv", "libsqlite3", "libgdal"] {
        assert!(!libraries.contains(library), "{libraries}");
    }
}

#[test]
fn sources_stay_small_enough_to_be_seen() {
    const MAX_LINES: usize = 600;
    let mut files = Vec::new();
    for dir in ["src", "lane-core/src", "lane-link/src", "vision/src", "central/src", "hardware-sim/src", "tests"] {
        sources(&root().join(dir), &mut files);
    }
    let long: Vec<_> =
        files.iter().map(|f| (f, std::fs::read_to_string(f).unwrap().lines().count())).filter(|(_, lines)| *lines > MAX_LINES).collect();
    assert!(long.is_empty(), "over {MAX_LINES} lines: {long:?}");
}

#[test]
fn the_unit_is_one_that_systemd_takes() {
    let unit = std::fs::read_to_string(root().join("systemd/borderlane.service")).unwrap();
    assert!(unit.contains("RestartPreventExitStatus=78") && unit.contains("Type=notify"));
    assert!(!unit.contains("network-online"));
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        println!("skipped: systemd-analyze is not installed");
        return;
    }
    // The program need not be installed to verify its unit: point it at the one just built.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("borderlane.service");
    let program = env!("CARGO_BIN_EXE_borderlane");
    std::fs::write(
        &path,
        unit.replace("/usr/bin/borderlane", program).replace("User=borderlane", "User=daemon").replace("Group=borderlane", "Group=daemon"),
    )
    .unwrap();
    let out = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    let ours: Vec<_> = said.lines().filter(|line| line.contains("borderlane")).collect();
    assert!(out.status.success() && ours.is_empty(), "{said}");
}
