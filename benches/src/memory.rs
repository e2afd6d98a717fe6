//! `rss_daemon`, `rss_vision`: the largest resident size, over the demo, of the daemon and of a camera worker. Peer: the limit.

use crate::figure::{Aim, Fail, Figure};
use std::collections::HashMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const DAEMON_LIMIT_MB: f64 = 50.0;
const VISION_LIMIT_MB: f64 = 250.0;
const SAMPLE_EVERY: Duration = Duration::from_millis(500);
/// The demo takes so many ports in a row.
const PORTS: u16 = 10;

pub fn measure(dir: &Path, bin: &Path, demo_s: u64) -> Result<Vec<Figure>, Fail> {
    // The demo takes its programs from a target folder's `debug`; here it shall run those that are measured.
    let target = dir.join("demo-target");
    std::fs::create_dir_all(&target)?;
    let _ = std::fs::remove_file(target.join("debug"));
    std::os::unix::fs::symlink(bin, target.join("debug"))?;
    let log = dir.join("demo.log");
    let mut demo = Command::new(crate::root()?.join("scripts/demo.sh"))
        .env("CARGO_TARGET_DIR", &target)
        .env("DEMO_NO_BUILD", "1")
        .env("DEMO_SECONDS", demo_s.to_string())
        .env("DEMO_DIR", dir.join("demo"))
        .env("DEMO_PORT", free_ports()?.to_string())
        .stdout(std::fs::File::create(&log)?)
        .stderr(Stdio::null())
        .spawn()?;
    let mut largest: HashMap<String, f64> = HashMap::new();
    let status = loop {
        if let Some(status) = demo.try_wait()? {
            break status;
        }
        for (name, mb) in resident_below(demo.id()) {
            let seen = largest.entry(name).or_default();
            *seen = seen.max(mb);
        }
        std::thread::sleep(SAMPLE_EVERY);
    };
    if !status.success() {
        return Err(format!("the demo ended with {status}; see {}", log.display()).into());
    }
    let said = std::fs::read_to_string(&log)?;
    said.lines().filter(|line| line.contains("passages:")).for_each(|line| eprintln!("bench: {line}"));
    // The kernel cuts names to 15 bytes.
    let figure = |figure, process: &str, limit| {
        let mb = largest.get(process).ok_or_else(|| format!("{process} did not run in the demo; see {}", log.display()))?;
        Ok::<_, Fail>(Figure::new(figure, (*mb, "MB"), limit, Aim::ValueAtMost(limit)))
    };
    Ok(vec![figure("rss_daemon", "borderlane", DAEMON_LIMIT_MB)?, figure("rss_vision", "borderlane-visi", VISION_LIMIT_MB)?])
}

/// The first of ten ports in a row that nobody listens on.
fn free_ports() -> Result<u16, Fail> {
    let first = 21_000 + u16::try_from(std::process::id() % 1_000)? * PORTS;
    (0..100)
        .map(|nth| first + nth * PORTS)
        .find(|port| (*port..port + PORTS).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()))
        .ok_or_else(|| "no ten free ports in a row".into())
}

/// Name and resident megabytes (10^6 bytes) of every process that descends from this one.
fn resident_below(ancestor: u32) -> Vec<(String, f64)> {
    let processes: HashMap<u32, (u32, String, f64)> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid: u32| Some((pid, read_status(pid)?)))
        .collect();
    let descends = |mut pid: u32| {
        // No chain is longer than there are processes.
        (0..processes.len()).any(|_| {
            pid = processes.get(&pid).map_or(0, |(parent, ..)| *parent);
            pid == ancestor
        })
    };
    processes.iter().filter(|(pid, _)| descends(**pid)).map(|(_, (_, name, mb))| (name.clone(), *mb)).collect()
}

/// Parent, name and resident megabytes; `None`: gone, or a kernel thread.
fn read_status(pid: u32) -> Option<(u32, String, f64)> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
    let kib: f64 = field("VmRSS:")?.strip_suffix("kB")?.trim().parse().ok()?;
    Some((field("PPid:")?.parse().ok()?, field("Name:")?.to_owned(), kib * 1_024.0 / 1e6))
}
