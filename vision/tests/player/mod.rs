//! A camera over HTTP that shows what it is given, and what its worker makes of it.

use super::made::{jpeg, noise};
use super::watched::Worker;
use image::RgbImage;
use lane_link::camera::{CameraCondition, FromWorker, Measured, Report};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

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

impl Worker {
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
        self.beat().1
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
