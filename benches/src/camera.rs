//! `vision_cpu`, `frame_to_read_p95`: one 1080p25 H.264 camera with a truck in view, watched by the worker under the daemon's own supervisor.
//!
//! ```text
//! camera.py: picture with its time ─x264─▶ RTSP ─▶ borderlane-vision worker ─▶ borderlane::camera ─▶ here
//! ```
//!
//! *CPU*: the worker's user and system time from `/proc` over the time watched, presence on, as a share of one core.
//! *Frame to read*: every picture bears the time when it was given to the encoder. That time is seen in the pictures that the worker sends as
//! evidence; their delay up to the moment that the worker calls their capture, and the delay of each read from that moment until the lane's input
//! could be made of it, are added (every one with every other). The camera's own exposure and encoder are not in it, x264's at this machine is.

use crate::figure::{Aim, Fail, Figure, quantile};
use crate::{approach, python};
use borderlane::camera::{CameraReport, CameraSettings, spawn};
use borderlane::clock;
use borderlane::runtime::devices::core_read;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::time::{Instant, interval, sleep_until, timeout};

const CPU_AIM: f64 = 0.60;
const DELAY_AIM_MS: f64 = 120.0;
/// Of `/proc`: USER_HZ, the same on every machine that Debian runs on here.
const TICKS_PER_SECOND: f64 = 100.0;
/// Until the first read.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the beginning costs is not measured.
const WARM_UP: Duration = Duration::from_secs(4);
const PICTURE_EVERY: Duration = Duration::from_secs(1);
/// The vehicle of approach.py that is shown: at dusk, with its lamps on.
const VEHICLE: &str = "42";
const NEEDS: &str = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer, Gst; Gst.init(None); \
                     import sys; sys.exit(Gst.ElementFactory.find('x264enc') is None)";

pub fn measure(dir: &Path, bin: &Path, watch_s: u64) -> Result<Vec<Figure>, Fail> {
    let found = Command::new("/usr/bin/python3").args(["-c", NEEDS]).stderr(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        eprintln!("bench: camera skipped: no GStreamer RTSP server (gir1.2-gst-rtsp-server-1.0, python3-gi, gstreamer1.0-plugins-ugly)");
        return Ok(Vec::new());
    }
    let (root, python) = (crate::root()?, python::that_draws(dir)?);
    let video = dir.join("camera.i420");
    let drawn = Command::new(&python)
        .arg(root.join("models/training/approach.py"))
        .args(["--first", VEHICLE, "--standing"])
        .arg(&video)
        .arg("--backgrounds")
        .arg(approach::data(&root).join("neg/images"))
        .output()?;
    if !drawn.status.success() {
        return Err(format!("approach.py ended with {}: {}", drawn.status, String::from_utf8_lossy(&drawn.stderr)).into());
    }
    let shown: approach::Truth = serde_json::from_slice(&drawn.stdout)?;
    let server = Server::start(&root, &video)?;
    let settings = CameraSettings::new("front", bin.join("borderlane-vision"), server.url(), root.join("models"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let pictures = dir.join("camera-pictures");
    let _ = std::fs::remove_dir_all(&pictures);
    std::fs::create_dir_all(&pictures)?;
    let watched = runtime.block_on(watch(settings, Duration::from_secs(watch_s), &pictures))?;
    drop(runtime);
    drop(server);
    let stamps = stamps(&python, &root, &watched.pictures)?;
    let right = watched.reads.iter().filter(|(_, text)| *text == shown.text).count();
    eprintln!("bench: {} reads in {watch_s} s, {right} of them right; {} pictures with a time", watched.reads.len(), stamps.len());
    figures(&watched, &stamps)
}

fn figures(watched: &Watched, stamps: &[(u64, u32)]) -> Result<Vec<Figure>, Fail> {
    if stamps.is_empty() || watched.reads.is_empty() {
        return Err("no reads, or no picture whose time could be read".into());
    }
    let mut arrivals: Vec<f64> = stamps.iter().map(|(acquired, stamp)| f64::from((*acquired as u32).wrapping_sub(*stamp))).collect();
    let mut reads: Vec<f64> = watched.reads.iter().map(|(ms, _)| *ms).collect();
    let mut whole: Vec<f64> = reads.iter().flat_map(|read| arrivals.iter().map(move |arrival| read + arrival)).collect();
    let told = |name: &str, values: &mut [f64], share| Figure::new(name, (quantile(values, share), "ms"), f64::NAN, Aim::Told);
    Ok(vec![
        Figure::new("vision_cpu", (watched.cpu_share, "core"), CPU_AIM, Aim::ValueAtMost(CPU_AIM)),
        Figure::new("frame_to_read_p95", (quantile(&mut whole, 0.95), "ms"), DELAY_AIM_MS, Aim::ValueAtMost(DELAY_AIM_MS)),
        told("frame_to_read_p50", &mut whole, 0.5),
        told("frame_to_read/frame to worker, p50", &mut arrivals, 0.5),
        told("frame_to_read/worker to lane, p50", &mut reads, 0.5),
    ])
}

#[derive(Default)]
struct Watched {
    cpu_share: f64,
    /// Milliseconds from what the worker calls the capture to the lane's input, and the text.
    reads: Vec<(f64, String)>,
    /// What the worker calls their capture, in milliseconds of the lane's clock.
    pictures: Vec<(u64, PathBuf)>,
}

async fn watch(settings: CameraSettings, long: Duration, folder: &Path) -> Result<Watched, Fail> {
    let (supervisor, mut reports) = spawn(settings);
    supervisor.presence(true);
    let first = timeout(PATIENCE, async {
        while let Some(report) = reports.recv().await {
            match report {
                CameraReport::Read { .. } => return Ok(()),
                CameraReport::Down { why } => return Err(format!("the camera worker is down: {why}")),
                _ => {}
            }
        }
        Err("the supervisor ended".into())
    });
    first.await.map_err(|_| "nothing was read of the camera")??;
    let pid = worker_pid()?;
    let warm = Instant::now() + WARM_UP;
    while timeout(warm - Instant::now(), reports.recv()).await.is_ok() {}
    let (mut watched, mut ask) = (Watched::default(), interval(PICTURE_EVERY));
    let (begun, ticks) = (Instant::now(), cpu_ticks(pid)?);
    loop {
        tokio::select! {
            () = sleep_until(begun + long) => break,
            _ = ask.tick() => { let _ = supervisor.snapshot(); }
            report = reports.recv() => match report {
                Some(CameraReport::Read { acquired_at, read }) => {
                    core_read(&read).ok_or("a read that the core does not take")?;
                    watched.reads.push((clock::mono().since(acquired_at) as f64, read.best_text()));
                }
                Some(CameraReport::Evidence { acquired_at, jpeg, .. }) => {
                    let file = folder.join(format!("{}.jpg", watched.pictures.len()));
                    std::fs::write(&file, jpeg)?;
                    watched.pictures.push((acquired_at.0, file));
                }
                Some(CameraReport::Down { why }) => return Err(format!("the camera worker went down: {why}").into()),
                Some(_) => {}
                None => return Err("the supervisor ended".into()),
            }
        }
    }
    watched.cpu_share = (cpu_ticks(pid)? - ticks) as f64 / TICKS_PER_SECOND / begun.elapsed().as_secs_f64();
    Ok(watched)
}

/// The worker is this process's only child of that name (the kernel cuts names to 15 bytes).
fn worker_pid() -> Result<u32, Fail> {
    let own = std::process::id().to_string();
    let is_worker = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        (name == "borderlane-visi" && rest.split_whitespace().nth(1) == Some(&own)).then_some(pid)
    };
    let pids = std::fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.into_iter().find_map(is_worker).ok_or_else(|| "the camera worker cannot be found".into())
}

/// User and system time of a process in clock ticks (proc(5), fields 14 and 15).
fn cpu_ticks(pid: u32) -> Result<u64, Fail> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit_once(')').ok_or("no such line")?.1.split_whitespace().collect();
    Ok(fields[11].parse::<u64>()? + fields[12].parse::<u64>()?)
}

/// The times in the pictures that bear one, beside what the worker calls their capture.
fn stamps(python: &Path, root: &Path, pictures: &[(u64, PathBuf)]) -> Result<Vec<(u64, u32)>, Fail> {
    let told = Command::new(python).arg(root.join("benches/stamps.py")).args(pictures.iter().map(|(_, file)| file)).output()?;
    let lines = String::from_utf8(told.stdout)?;
    Ok(pictures.iter().zip(lines.lines()).filter_map(|((acquired, _), line)| Some((*acquired, line.parse().ok()?))).collect())
}

struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(root: &Path, video: &Path) -> Result<Self, Fail> {
        let mut child = Command::new("/usr/bin/python3")
            .arg(root.join("benches/camera.py"))
            .arg(video)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut port = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut port)?;
        match port.trim().parse() {
            Ok(port) => Ok(Self { child, port }),
            Err(_) => Err(format!("the camera did not start: {}", child.wait()?).into()),
        }
    }

    fn url(&self) -> String {
        format!("rtsp://127.0.0.1:{}/video", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
