//! A camera's HTTP server: `GET /stream` (or any other path) is the MJPEG stream, `GET /snapshot.jpg` one frame.
//!
//! Stream: `multipart/x-mixed-replace`, each part with `Content-Type` and `Content-Length`, as network cameras send it. Frames are drawn only
//! while a client is there.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::Studio;
use crate::config::Camera;
use crate::shell::Shared;

const MAX_CLIENTS: usize = 6;
const MAX_REQUEST_BYTES: usize = 8 * 1024;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a stalled or silent camera looks whether it may go on.
const STALL_POLL: Duration = Duration::from_millis(50);
const BOUNDARY: &str = "laneframe";

/// Starts a camera.
pub async fn serve(shared: Shared, camera: Camera, studio: Studio) -> std::io::Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind(camera.listen).await?;
    let address = listener.local_addr()?;
    let eye = Arc::new(Eye { shared, camera, studio: Mutex::new(studio) });
    let clients = Arc::new(AtomicUsize::new(0));
    let task = tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            if clients.load(Ordering::SeqCst) >= MAX_CLIENTS {
                continue;
            }
            clients.fetch_add(1, Ordering::SeqCst);
            let (eye, clients) = (eye.clone(), clients.clone());
            tokio::spawn(async move {
                if let Err(error) = answer(eye, stream).await {
                    tracing::debug!(%error, "camera client gone");
                }
                clients.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    Ok((address, task))
}

struct Eye {
    shared: Shared,
    camera: Camera,
    studio: Mutex<Studio>,
}

impl Eye {
    fn knob(&self, name: &str) -> bool {
        self.shared.sim().world.knobs.camera(&self.camera.name, name).is_some()
    }

    async fn frame(self: &Arc<Eye>) -> std::io::Result<Arc<Vec<u8>>> {
        let eye = self.clone();
        let drawn = tokio::task::spawn_blocking(move || {
            let mut studio = eye.studio.lock().unwrap_or_else(PoisonError::into_inner);
            let view = studio.view(&eye.shared.sim());
            studio.frame(&view)
        });
        drawn.await.map_err(std::io::Error::other)
    }
}

async fn answer(eye: Arc<Eye>, mut stream: TcpStream) -> std::io::Result<()> {
    let mut request = Vec::new();
    let read = async {
        let mut chunk = [0u8; 1024];
        while !request.windows(4).any(|window| window == b"\r\n\r\n") && request.len() < MAX_REQUEST_BYTES {
            match stream.read(&mut chunk).await? {
                0 => return Ok(()),
                count => request.extend(&chunk[..count]),
            }
        }
        std::io::Result::Ok(())
    };
    tokio::time::timeout(REQUEST_TIMEOUT, read).await.map_err(|_| std::io::ErrorKind::TimedOut)??;
    while eye.knob("no_answer") {
        if gone(&stream) {
            return Ok(());
        }
        tokio::time::sleep(STALL_POLL).await;
    }
    if !request.starts_with(b"GET ") {
        return write(&mut stream, b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    }
    if request.starts_with(b"GET /snapshot.jpg") {
        let jpeg = eye.frame().await?;
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
            jpeg.len()
        );
        write(&mut stream, head.as_bytes()).await?;
        return write(&mut stream, &jpeg).await;
    }
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary={BOUNDARY}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    );
    write(&mut stream, head.as_bytes()).await?;
    stream_frames(eye, stream).await
}

async fn stream_frames(eye: Arc<Eye>, mut stream: TcpStream) -> std::io::Result<()> {
    let mut pace = tokio::time::interval(Duration::from_secs_f64(1.0 / f64::from(eye.camera.fps)));
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut last: Option<Arc<Vec<u8>>> = None;
    loop {
        pace.tick().await;
        if gone(&stream) {
            return Ok(());
        }
        if eye.knob("no_answer") {
            continue;
        }
        let jpeg = match (&last, eye.knob("frozen")) {
            (Some(frozen), true) => frozen.clone(),
            _ => eye.frame().await?,
        };
        last = Some(jpeg.clone());
        let mut bytes = jpeg.as_ref().clone();
        if eye.knob("garbage") {
            bytes.iter_mut().skip(2).step_by(7).for_each(|byte| *byte ^= 0x5A);
        }
        let head = format!("--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", bytes.len());
        write(&mut stream, head.as_bytes()).await?;
        let half = bytes.len() / 2;
        write(&mut stream, &bytes[..half]).await?;
        if eye.knob("drop") {
            return Ok(());
        }
        while eye.knob("stall") {
            if gone(&stream) {
                return Ok(());
            }
            tokio::time::sleep(STALL_POLL).await;
        }
        write(&mut stream, &bytes[half..]).await?;
        write(&mut stream, b"\r\n").await?;
    }
}

/// Whether the client has closed; what it sends is thrown away.
fn gone(stream: &TcpStream) -> bool {
    let mut swallow = [0u8; 256];
    matches!(stream.try_read(&mut swallow), Ok(0))
}

async fn write(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    tokio::time::timeout(WRITE_TIMEOUT, stream.write_all(bytes)).await.map_err(|_| std::io::ErrorKind::TimedOut)?
}
