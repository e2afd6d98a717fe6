//! The supervisor and the real camera worker: one that is stopped is killed, one that dies is started anew, and the daemon's side goes on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use borderlane::camera::{CameraReport, CameraSettings, spawn};
use rustix::process::{Pid, Signal, kill_process};
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

/// Generous: a start of the worker on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The worker beside the daemon, and the models; or why the test is skipped.
fn worker() -> Result<(PathBuf, PathBuf), String> {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_borderlane")).with_file_name("borderlane-vision");
    let models = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models");
    for path in [&program, &models.join("manifest.json")] {
        if !path.exists() {
            return Err(format!("{} is not there: build the workspace", path.display()));
        }
    }
    Ok((program, models))
}

/// The children of this process that are workers.
fn children() -> Vec<Pid> {
    let mut found = Vec::new();
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let listed = std::fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default();
        for pid in listed.split_whitespace() {
            let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            if name.starts_with("borderlane-visi") {
                found.extend(pid.parse::<i32>().ok().and_then(Pid::from_raw));
            }
        }
    }
    found
}

async fn until(reports: &mut Receiver<CameraReport>, what: &str, wanted: impl Fn(&CameraReport) -> bool) -> CameraReport {
    let found = async {
        loop {
            let report = reports.recv().await.expect("the supervisor goes on");
            if wanted(&report) {
                return report;
            }
        }
    };
    timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"))
}

async fn hurt(signal: Signal, why: &str) {
    let (program, models) = match worker() {
        Ok(found) => found,
        Err(missing) => {
            println!("skipped: {missing}");
            return;
        }
    };
    // Nobody serves there: a worker without frames beats all the same.
    let settings = CameraSettings::new("front", program, "http://127.0.0.1:9/stream".into(), models);
    let (supervisor, mut reports) = spawn(settings);
    until(&mut reports, "the first start", |r| matches!(r, CameraReport::Up { .. })).await;
    let pids = children();
    assert_eq!(pids.len(), 1, "one worker");
    // Rust's own handler takes a first segmentation fault that is not a stack overflow for one that will come again, and steps aside.
    for _ in 0..2 {
        let _gone_at_the_first = kill_process(pids[0], signal);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let down = until(&mut reports, "the fall", |r| matches!(r, CameraReport::Down { .. })).await;
    assert!(matches!(&down, CameraReport::Down { why: said } if said.contains(why)), "{down:?}");
    until(&mut reports, "the second start", |r| matches!(r, CameraReport::Up { .. })).await;
    assert!(!children().contains(&pids[0]), "the first worker is gone");
    assert_eq!(supervisor.counters.starts.load(Relaxed), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_stopped_is_killed_and_started_anew() {
    hurt(Signal::STOP, "no beat").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_of_a_segmentation_fault_is_started_anew() {
    hurt(Signal::SEGV, "signal: 11").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_cannot_be_started_is_told_and_tried_again() {
    let nowhere = PathBuf::from("/nonexistent/borderlane-vision");
    let (supervisor, mut reports) = spawn(CameraSettings::new("rear", nowhere, "file:none".into(), "/nonexistent".into()));
    for _ in 0..2 {
        let down = until(&mut reports, "the failure", |r| matches!(r, CameraReport::Down { .. })).await;
        assert!(matches!(&down, CameraReport::Down { why } if why.contains("/nonexistent/borderlane-vision")), "{down:?}");
    }
    assert!(supervisor.counters.starts.load(Relaxed) >= 2);
}

/// A program that greets and beats like a worker, with this greeting.
fn greets(dir: &std::path::Path, hello: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let framed = |json: &str| {
        let bytes: Vec<u8> = u32::try_from(json.len() + 1).unwrap().to_be_bytes().into_iter().chain([2]).chain(json.bytes()).collect();
        bytes.iter().fold(String::new(), |text, byte| text + &format!("\\{byte:03o}"))
    };
    let beat = framed(r#"{"type":"beat","n":0,"frames":0,"last_frame_age_ms":null}"#);
    let program = dir.join("worker.sh");
    let script = format!("#!/bin/sh\nprintf '{}'\nwhile printf '{beat}'; do sleep 0.2; done\n", framed(hello));
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_of_another_version_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    for (hello, refused) in [
        (r#"{"type":"hello","version":"0.0.9","models":[]}"#.to_owned(), Some("version 0")),
        (r#"{"type":"hello","wire":99,"version":"9.0.0","models":[]}"#.to_owned(), Some("version 99")),
        (format!(r#"{{"type":"hello","wire":{},"version":"x","models":[]}}"#, lane_link::camera::WIRE_VERSION), None),
    ] {
        let program = greets(dir.path(), &hello);
        let (_supervisor, mut reports) = spawn(CameraSettings::new("front", program, "x".into(), dir.path().into()));
        let first = timeout(PATIENCE, reports.recv()).await.unwrap().unwrap();
        match (first, refused) {
            (CameraReport::Down { why }, Some(named)) => assert!(why.contains(named) && why.contains("one release"), "{why}"),
            (CameraReport::Up { version, .. }, None) => assert_eq!(version, "x"),
            (other, _) => panic!("{hello}: {other:?}"),
        }
    }
}
