//! A camera over HTTP that shows what it is given, and the worker that watches it.

use super::made::{jpeg, noise};
use image::RgbImage;
use lane_link::camera::{CameraCondition, Decoder, FromWorker, Measured, Order, Report};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Far longer than anything takes: a test ends by an event, not by the clock.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Player {
    pub url: String,
    frames: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Player {
    pub fn show(picture: &RgbImage) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/video.mjpg", listener.local_addr().unwrap());
        let frames = Arc::new(Mutex::new(variants(picture)));
        let shown = Arc::clone(&frames);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shown = Arc::clone(&shown);
                thread::spawn(move || serve(stream, &shown));
            }
        });
        Self { url, frames }
    }

    pub fn set(&self, picture: &RgbImage) {
        *self.frames.lock().unwrap() = variants(picture);
    }

    pub fn set_jpeg(&self, bytes: Vec<u8>) {
        *self.frames.lock().unwrap() = vec![bytes];
    }
}

fn variants(picture: &RgbImage) -> Vec<Vec<u8>> {
    (0..3).map(|seed| jpeg(&noise(picture, 2.5, seed), 80)).collect()
}

/// Twenty frames a second; bytes after a picture's end change nothing in it, but make it another one.
fn serve(mut stream: TcpStream, frames: &Mutex<Vec<Vec<u8>>>) -> Option<()> {
    let mut request = [0; 1024];
    let _ = stream.read(&mut request).ok()?;
    stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=--b\r\n\r\n").ok()?;
    for n in 0_u32.. {
        let mut picture = {
            let frames = frames.lock().unwrap();
            frames[n as usize % frames.len()].clone()
        };
        picture.extend(n.to_be_bytes());
        write!(stream, "--b\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", picture.len()).ok()?;
        stream.write_all(&picture).ok()?;
        stream.write_all(b"\r\n").ok()?;
        thread::sleep(Duration::from_millis(50));
    }
    Some(())
}

pub struct Worker {
    child: Child,
    stdin: Option<ChildStdin>,
    messages: Receiver<FromWorker>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Worker {
    pub fn start(source: &str, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_borderlane-vision"))
            .args(["worker", "--camera", "front", "--source", source, "--models"])
            .arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models"))
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (send, messages) = sync_channel(10_000);
        let mut stdout = child.stdout.take().unwrap();
        thread::spawn(move || {
            let mut decoder = Decoder::new();
            let mut chunk = vec![0; 65536];
            while let Ok(length @ 1..) = stdout.read(&mut chunk) {
                decoder.push(&chunk[..length]);
                while let Some(message) = decoder.next_from_worker().unwrap() {
                    if send.send(message).is_err() {
                        return;
                    }
                }
            }
        });
        let stdin = child.stdin.take();
        Self { child, stdin, messages }
    }

    pub fn order(&mut self, order: &Order) {
        self.stdin.as_mut().unwrap().write_all(&order.encode().unwrap()).unwrap();
    }

    /// The first message that `pick` takes; what comes before it is passed over.
    pub fn wait_for<T>(&self, what: &str, mut pick: impl FnMut(FromWorker) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let message = self.messages.recv_timeout(left).unwrap_or_else(|error| panic!("no {what}: {error}"));
            if let Some(found) = pick(message) {
                return found;
            }
        }
    }

    /// Waits for a condition: what it was judged by, and whether there is a view.
    pub fn until(&self, wanted: CameraCondition) -> (Measured, bool) {
        self.wait_for(&format!("{wanted:?}"), |message| match message {
            FromWorker::Report(Report::State { condition, measured, has_view }) => {
                eprintln!("{condition:?} {measured:?}");
                (condition == wanted).then_some((measured, has_view))
            }
            _ => None,
        })
    }

    /// Frames that the worker received.
    pub fn frames(&self) -> u64 {
        self.wait_for("beat", |message| match message {
            FromWorker::Report(Report::Beat { frames, .. }) => Some(frames),
            _ => None,
        })
    }

    /// No condition but `Ok` is told until so many frames have come.
    pub fn none_but_ok(&self, name: &str, frames_until: u64) {
        self.wait_for("frames", |message| match message {
            FromWorker::Report(Report::State { condition, measured, .. }) if condition != CameraCondition::Ok => {
                panic!("{name}: {condition:?}, {measured:?}")
            }
            FromWorker::Report(Report::Beat { frames, .. }) => (frames >= frames_until).then_some(()),
            _ => None,
        });
    }
}
