//! `ready_1m`: from the start of the daemon's process until it tells the service manager that it is ready, on a store with a million declarations.
//! Peer: the same two files opened by bare SQLite, one row read from each.

use crate::cached;
use crate::figure::{Aim, Fail, Figure, quantile};
use rusqlite::Connection;
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const STARTS: usize = 7;
const LONGEST: Duration = Duration::from_secs(60);

pub fn measure(dir: &Path, bin: &Path, rows: usize) -> Result<Vec<Figure>, Fail> {
    let state_dir = cached::with_rows(dir, rows)?;
    let config = dir.join("ready.toml");
    std::fs::write(&config, settings(&state_dir)?)?;
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        peer.push(bare_open(&state_dir)?);
        ours.push(start(dir, bin, &config)?);
    }
    Ok(vec![Figure::new("ready_1m", (quantile(&mut ours, 0.5), "s"), quantile(&mut peer, 0.5), Aim::ValueAtMost(2.0))])
}

/// A lane whose I/O module does not answer: it is ready all the same, and holds.
fn settings(state_dir: &Path) -> Result<String, Fail> {
    let nobody = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    Ok(format!(
        r#"[lane]
site = "huu-nghi"
name = "lane-1"
direction = "outbound"
state_dir = "{}"
clock_vouched = true
[barrier]
profiles = "{}"
[[barrier.module]]
name = "io-1"
address = "{nobody}"
profile = "generic"
[vision]
program = "/nonexistent"
models = "/nonexistent"
[web]
listen = "127.0.0.1:0"
[rules]
calibrated_until = "2099-01-01T00:00:00Z"
"#,
        state_dir.display(),
        crate::root()?.join("config/profiles/barrier").display(),
    ))
}

/// Seconds for both files.
fn bare_open(dir: &Path) -> Result<f64, Fail> {
    let begun = Instant::now();
    let cache = Connection::open(dir.join("cache.db"))?;
    let _: i64 = cache.query_row("SELECT count(*) FROM collection", [], |row| row.get(0))?;
    let lane = Connection::open(dir.join("lane.db"))?;
    let _: Option<i64> = lane.query_row("SELECT max(seq) FROM ledger", [], |row| row.get(0))?;
    Ok(begun.elapsed().as_secs_f64())
}

/// Seconds until ready. The daemon is stopped in order afterwards.
fn start(dir: &Path, bin: &Path, config: &Path) -> Result<f64, Fail> {
    let path = dir.join("notify.sock");
    let _ = std::fs::remove_file(&path);
    let socket = UnixDatagram::bind(&path)?;
    socket.set_read_timeout(Some(LONGEST))?;
    let log = std::fs::File::create(dir.join("ready.log"))?;
    let begun = Instant::now();
    let mut daemon = Command::new(bin.join("borderlane"))
        .arg("run")
        .arg("--config")
        .arg(config)
        .env("NOTIFY_SOCKET", &path)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()?;
    let ready = wait_for_ready(&socket).map(|()| begun.elapsed().as_secs_f64());
    stop(&mut daemon)?;
    ready.map_err(|error| format!("the daemon was not ready ({error}); see {}", dir.join("ready.log").display()).into())
}

fn wait_for_ready(socket: &UnixDatagram) -> Result<(), Fail> {
    let mut message = [0_u8; 4_096];
    loop {
        let length = socket.recv(&mut message)?;
        if message[..length].split(|byte| *byte == b'\n').any(|line| line == b"READY=1") {
            return Ok(());
        }
    }
}

fn stop(daemon: &mut Child) -> Result<(), Fail> {
    if let Some(pid) = i32::try_from(daemon.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // One that has ended by itself cannot be told; waiting says how it ended.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
    let begun = Instant::now();
    while daemon.try_wait()?.is_none() {
        if begun.elapsed() > LONGEST {
            daemon.kill()?;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
