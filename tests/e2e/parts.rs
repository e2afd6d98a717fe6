//! Processes with their logs, free ports, and HTTP with JSON.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// One request never takes this long.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

/// The repository's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A program of this workspace, beside the daemon's; built when it is not there.
pub fn program(name: &str) -> PathBuf {
    let daemon = Path::new(env!("CARGO_BIN_EXE_borderlane"));
    let path = daemon.with_file_name(name);
    if !path.exists() {
        let target = daemon.parent().and_then(Path::parent).unwrap();
        let mut build = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
        build.args(["build", "--quiet", "--package", name, "--target-dir"]).arg(target).current_dir(root());
        if daemon.parent().unwrap().ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "{name} could not be built");
    }
    path
}

/// A free port, never given twice by this process: below those that the system hands to connections, and begun elsewhere by each process.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 12_000;
    const PORTS: u32 = 20_000;
    let begin = std::process::id().wrapping_mul(97);
    for _ in 0..PORTS {
        let port = FIRST + begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % PORTS;
        let port = u16::try_from(port).unwrap();
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}

/// A process that ends with its owner. Standard error goes to a file.
pub struct Part {
    child: Child,
    log: PathBuf,
}

impl Part {
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let child = command.stdin(Stdio::null()).stderr(file).spawn();
        Self { child: child.unwrap_or_else(|error| panic!("{command:?}: {error}")), log: log.to_owned() }
    }

    /// Starts a part that says something on its first line.
    pub fn start_saying(command: &mut Command, log: &Path) -> (Self, String) {
        let mut part = Self::start(command.stdout(Stdio::piped()), log);
        let mut line = String::new();
        BufReader::new(part.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        (part, line)
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_raw(self.child.id().cast_signed()).unwrap(), signal).unwrap();
    }

    pub fn has_ended(&mut self) -> Option<std::process::ExitStatus> {
        self.child.try_wait().unwrap()
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The last lines it said.
    pub fn tail(&self, lines: usize) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs a command to its end; its output.
pub fn run(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let say = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    assert!(done.status.success(), "{command:?}: {}\n{}\n{}", done.status, say(&done.stdout), say(&done.stderr));
    say(&done.stdout)
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(REQUEST_TIMEOUT)).http_status_as_error(false).build().into()
}

/// An answer: status, body, and the cookie it set.
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub cookie: Option<String>,
}

fn answer(mut response: ureq::http::Response<ureq::Body>) -> Answer {
    let cookie =
        response.headers().get("set-cookie").and_then(|v| v.to_str().ok()).map(|v| v.split(';').next().unwrap_or_default().to_owned());
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(64 << 20).read_to_string().unwrap_or_default();
    Answer { status, body: serde_json::from_str(&body).unwrap_or(Value::String(body)), cookie }
}

pub fn get(url: &str) -> Result<Answer, ureq::Error> {
    agent().get(url).call().map(answer)
}

/// A body that must come.
pub fn get_json(url: &str) -> Value {
    let answer = get(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    assert_eq!(answer.status, 200, "{url}: {}", answer.body);
    answer.body
}

pub fn post(url: &str, cookie: Option<&str>, body: &Value) -> Answer {
    let mut request = agent().post(url);
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    answer(request.send_json(body).unwrap_or_else(|error| panic!("{url}: {error}")))
}

/// A request that must be taken.
pub fn post_ok(url: &str, body: &Value) -> Value {
    let answer = post(url, None, body);
    assert_eq!(answer.status, 200, "{url} {body}: {}", answer.body);
    answer.body
}
