//! `borderlane-vision worker` as the daemon runs it: messages over its pipes, pictures from a camera that a test plays.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod watched;

use lane_link::camera::{CameraCondition, FromWorker, Order, PlateCountry, PlateLayout, Report};
use opencv::core::MatTraitConst;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;
use watched::{PATIENCE, Worker};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn fixture() -> Vec<u8> {
    std::fs::read(root().join("tests/data/vn_one_line_12C34567.jpg")).unwrap()
}

/// What the played camera does.
const RUN: u8 = 0; // a new picture every 50 ms
const STILL: u8 = 1; // the same bytes every 50 ms
const SILENT: u8 = 2; // connected, no bytes
const HANG_UP: u8 = 3; // ends every connection
const DARK: u8 = 4; // black pictures, never the same
const GARBAGE: u8 = 5; // parts that are no pictures

struct Camera {
    url: String,
    mode: Arc<AtomicU8>,
    connections: Arc<AtomicU64>,
}

impl Camera {
    fn play(mode: u8) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/video.mjpg", listener.local_addr().unwrap());
        let camera = Self { url, mode: Arc::new(AtomicU8::new(mode)), connections: Arc::new(AtomicU64::new(0)) };
        let (mode, connections) = (Arc::clone(&camera.mode), Arc::clone(&camera.connections));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                connections.fetch_add(1, Ordering::SeqCst);
                let mode = Arc::clone(&mode);
                thread::spawn(move || serve(stream, &mode));
            }
        });
        camera
    }

    fn set(&self, mode: u8) {
        self.mode.store(mode, Ordering::SeqCst);
    }
}

fn serve(mut stream: TcpStream, mode: &AtomicU8) -> Option<()> {
    let mut request = [0; 1024];
    let _ = stream.read(&mut request).ok()?;
    assert!(request.starts_with(b"GET /video.mjpg HTTP/1.0\r\n"));
    stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=--b\r\n\r\n").ok()?;
    let plain = fixture();
    for n in 0_u32.. {
        // bytes after the picture's end change nothing in it, but make it another one
        let mut picture = plain.clone();
        match mode.load(Ordering::SeqCst) {
            RUN => picture.extend(n.to_be_bytes()),
            STILL => {}
            SILENT => {
                thread::sleep(Duration::from_millis(50));
                continue;
            }
            DARK => picture = black(n),
            GARBAGE => picture = format!("no picture {n}").into_bytes(),
            _ => return None,
        }
        write!(stream, "--b\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", picture.len()).ok()?;
        stream.write_all(&picture).ok()?;
        stream.write_all(b"\r\n").ok()?;
        thread::sleep(Duration::from_millis(50));
    }
    Some(())
}

fn black(n: u32) -> Vec<u8> {
    use opencv::core::{CV_8UC3, Mat, Scalar, Vector};
    let picture = Mat::new_rows_cols_with_default(120, 160, CV_8UC3, Scalar::all(2.0)).unwrap();
    let mut out = Vector::<u8>::new();
    opencv::imgcodecs::imencode_def(".jpg", &picture, &mut out).unwrap();
    out.iter().chain(n.to_be_bytes()).collect()
}

#[test]
fn a_plate_is_read_from_a_camera_once_presence_is_on_and_the_picture_is_sent() {
    let camera = Camera::play(RUN);
    let mut worker = Worker::start(&camera.url, &[]);
    let first = worker.messages.recv_timeout(PATIENCE).unwrap();
    let FromWorker::Report(Report::Hello { models, .. }) = first else { panic!("{first:?} is no hello") };
    assert_eq!(models.iter().map(|model| model.file.as_str()).collect::<Vec<_>>(), ["detector.onnx", "refiner.onnx", "reader.onnx"]);
    worker.wait_for_condition(CameraCondition::Ok);
    // three beats with frames, and no read while nobody is there
    for _ in 0..3 {
        worker.wait_for("beat", |message| match message {
            FromWorker::Report(Report::Beat { .. }) => Some(()),
            FromWorker::Report(Report::Read(read)) => panic!("{read:?} without presence"),
            _ => None,
        });
    }
    worker.order(&Order::Presence { on: true });
    let read = worker.wait_for("read", |message| match message {
        FromWorker::Report(Report::Read(read)) => Some(read),
        _ => None,
    });
    assert_eq!(read.best_text(), "12C34567");
    assert_eq!(read.layout, PlateLayout::OneLine);
    assert_eq!(read.country, Some(PlateCountry::Vn));
    assert!(read.detector_confidence_permille > 250 && read.frame > 0 && read.track == 1, "{read:?}");
    let sight = read.sight;
    assert!(sight.width_px > 60 && sight.height_px > 12 && sight.sharpness_permille > 60 && sight.contrast > 40, "{sight:?}");
    assert_eq!(sight.inside_permille, 1000);
    let (header, jpeg, crop) = worker.wait_for("evidence", |message| match message {
        FromWorker::Evidence { header, jpeg, crop } => Some((header, jpeg, crop)),
        _ => None,
    });
    assert_eq!((header.track, header.frame, header.quad), (Some(1), read.frame, Some(read.quad)));
    assert!(header.worth_permille > 50, "{header:?}");
    assert!(jpeg.starts_with(&fixture()), "the camera's own bytes");
    let crop = opencv::imgcodecs::imdecode(&opencv::core::Vector::from_slice(&crop.unwrap()), 1).unwrap();
    let expected = (f32::from(sight.width_px) * 1.1) as i32;
    assert!((crop.cols() - expected).abs() <= 1 && crop.rows() < crop.cols(), "{} {expected}", crop.cols());
    worker.order(&Order::Quit);
    assert_eq!(worker.ends_with(), Some(0));
}

#[test]
fn a_snapshot_and_a_ping_are_answered() {
    let camera = Camera::play(RUN);
    let mut worker = Worker::start(&camera.url, &[]);
    worker.wait_for_condition(CameraCondition::Ok);
    worker.order(&Order::Snapshot);
    worker.order(&Order::Ping { n: 42 });
    let track = worker.wait_for("evidence", |message| match message {
        FromWorker::Evidence { header, .. } => Some(header.track),
        _ => None,
    });
    assert_eq!(track, None);
    while worker.beat().0 != 42 {}
    drop(worker.stdin.take());
    assert_eq!(worker.ends_with(), Some(0), "a closed stdin is the end of the work");
}

#[test]
fn frozen_and_black_frames_are_conditions_and_pass() {
    let camera = Camera::play(STILL);
    let worker = Worker::start(&camera.url, &["--frozen-after-ms", "700"]);
    worker.wait_for_condition(CameraCondition::Frozen);
    camera.set(RUN);
    worker.wait_for_condition(CameraCondition::Ok);
    camera.set(DARK);
    // black at once is no night: tests/condition.rs has that
    worker.wait_for_condition(CameraCondition::Covered);
    camera.set(RUN);
    worker.wait_for_condition(CameraCondition::Ok);
}

#[test]
fn a_camera_that_falls_silent_is_told_and_the_beat_goes_on() {
    let camera = Camera::play(RUN);
    let worker = Worker::start(&camera.url, &["--no-frames-after-ms", "600"]);
    worker.wait_for_condition(CameraCondition::Ok);
    camera.set(SILENT);
    worker.wait_for_condition(CameraCondition::NoFrames);
    let (_, _, first) = worker.beat();
    let (_, _, second) = worker.beat();
    assert!(second.unwrap() > first.unwrap(), "the age of the last frame grows: {first:?}, {second:?}");
    // the reader of the stream gives up by itself and connects anew
    worker.wait_for_problem("connection lost");
    camera.set(RUN);
    worker.wait_for_condition(CameraCondition::Ok);
    assert!(camera.connections.load(Ordering::SeqCst) >= 2);
}

#[test]
fn a_camera_that_hangs_up_is_connected_to_again() {
    let camera = Camera::play(HANG_UP);
    let worker = Worker::start(&camera.url, &["--no-frames-after-ms", "300"]);
    worker.wait_for_problem("the camera ended the stream");
    worker.wait_for_condition(CameraCondition::NoFrames);
    camera.set(RUN);
    worker.wait_for_condition(CameraCondition::Ok);
}

#[test]
fn a_camera_that_is_not_there_is_a_problem_and_no_end() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let worker = Worker::start(&format!("http://127.0.0.1:{port}/"), &["--no-frames-after-ms", "300"]);
    worker.wait_for_problem("cannot connect");
    assert_eq!(worker.beat().2, None);
}

#[test]
fn parts_that_are_no_pictures_are_told_once_and_survived() {
    let camera = Camera::play(GARBAGE);
    let mut worker = Worker::start(&camera.url, &[]);
    worker.order(&Order::Presence { on: true });
    worker.wait_for_problem("is not a picture");
    for _ in 0..5 {
        worker.wait_for("beat", |message| match message {
            FromWorker::Report(Report::Beat { .. }) => Some(()),
            FromWorker::Report(Report::Problem { what }) => panic!("told again: {what}"),
            _ => None,
        });
    }
    camera.set(RUN);
    worker.wait_for("read", |message| matches!(message, FromWorker::Report(Report::Read(_))).then_some(()));
}

#[test]
fn orders_that_cannot_be_understood_are_told() {
    let mut worker = Worker::start(&format!("loop:{}", root().join("tests/data/vn_one_line_12C34567.jpg").display()), &[]);
    worker.stdin.as_mut().unwrap().write_all(&[0, 0, 0, 4, 1, b'{', b'}', b' ']).unwrap();
    worker.wait_for_problem("an order cannot be understood");
    worker.order(&Order::Presence { on: true });
    let text = worker.wait_for("read", |message| match message {
        FromWorker::Report(Report::Read(read)) => Some(read.best_text()),
        _ => None,
    });
    assert_eq!(text, "12C34567", "a file is as good as a camera");
}

#[test]
fn a_worker_needs_little_memory() {
    let camera = Camera::play(RUN);
    let mut worker = Worker::start(&camera.url, &[]);
    worker.order(&Order::Presence { on: true });
    for _ in 0..5 {
        worker.wait_for("read", |message| matches!(message, FromWorker::Report(Report::Read(_))).then_some(()));
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", worker.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    println!("resident: {} MiB", kib / 1024);
    assert!(kib < 250 * 1024, "{line}");
}
