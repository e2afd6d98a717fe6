//! A server on an ephemeral port, the other ends of its channels, and the smallest HTTP client that shows every byte.

use crate::officer::Account;
use crate::officer::lockout::Lockout;
use crate::officer::pin::{self, PEPPER_BYTES, Pepper, Pin};
use crate::web::seams::{
    ACTS_MAX, ActRequest, Clocks, DoorEvent, LinkFacts, PassageRow, REQUESTS_MAX, StopButton, Turn, Unavailable, Versions, ViewFrame,
    WebRequest, WebSeams,
};
use crate::web::{Web, WebError, WebMetrics, WebSettings};
use lane_core::input::Camera;
use lane_core::officer::Role;
use lane_core::time::{Mono, Wall, WallQuality};
use lane_link::view::LaneView;
use lane_link::view_api::{ViewAct, ViewAnswer};
use lane_link::words::{Boom, CameraState, Mode, Phase, ScaleState, Sign};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const PIN: &str = "481516";
/// No answer of these tests takes longer.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub fn view() -> LaneView {
    LaneView {
        phase: Phase::Idle,
        mode: Mode::Automatic,
        stamp: 0,
        at_boom: None,
        approaching: None,
        boom: Boom::Down,
        permit: None,
        signals: Vec::new(),
        faults: Vec::new(),
        stop_latched: false,
        platform_grams: None,
        platform_age_ms: None,
        cameras: [CameraState::Ok, CameraState::Ok],
        scale: ScaleState::Streaming,
        sign: Sign::Come,
        knowledge_age_s: Some(3),
        link_up: true,
        store_ok: true,
        waiting_second: None,
    }
}

pub fn frame(turn: u64, view: LaneView) -> Arc<ViewFrame> {
    Arc::new(ViewFrame {
        turn,
        now_ms: 1000,
        utc_ms: 1_795_300_000_000,
        clock_trusted: true,
        lane: "L3".into(),
        site: "Hữu Nghị".into(),
        time_zone: "Asia/Ho_Chi_Minh".into(),
        link: LinkFacts::default(),
        software_stop: true,
        versions: Versions { program: "0.1.0".into() },
        view,
        cameras: Default::default(),
    })
}

/// What the store's side knows.
#[derive(Default)]
pub struct FakeStore {
    pub officers: HashMap<String, (Account, Lockout)>,
    pub pictures: HashMap<[u8; 32], Vec<u8>>,
    /// Nothing can be written.
    pub cannot_commit: bool,
    /// Nothing is answered at all.
    pub hangs: bool,
    hung: Vec<WebRequest>,
    /// What happened at the door.
    pub door: Vec<DoorEvent>,
    /// The front camera's newest frame.
    pub frame: Option<(String, Vec<u8>)>,
    /// Views that were set.
    pub views: Vec<(Camera, ViewAct, String)>,
}

impl FakeStore {
    pub fn with_lan() -> Arc<Mutex<Self>> {
        let kept = pin::hash(&Pin::parse(PIN).unwrap(), &pepper()).unwrap();
        let account = Account {
            id: "lan.nguyen".into(),
            agency: "customs".into(),
            role: Role::Officer,
            sites: vec!["huu-nghi".into()],
            valid_from_ms: 0,
            valid_until_ms: i64::MAX,
            pin_hash: kept,
        };
        let mut store = Self::default();
        store.officers.insert(account.id.clone(), (account, Lockout::default()));
        Arc::new(Mutex::new(store))
    }

    fn answer(&mut self, request: WebRequest) {
        if self.hangs {
            self.hung.push(request);
            return;
        }
        let full = || Unavailable("disk full".into());
        match request {
            WebRequest::Door(event) => self.door.push(event),
            WebRequest::Officer { id, answer } => drop(answer.send(Ok(self.officers.get(&id).cloned()))),
            WebRequest::LoginAttempt { id, utc_ms, answer } => {
                let kept = &mut self.officers.get_mut(&id).unwrap().1;
                let after = if self.cannot_commit { Err(full()) } else { Ok(kept.after_attempt(utc_ms)) };
                *kept = after.clone().unwrap_or(*kept);
                drop(answer.send(after));
            }
            WebRequest::LoginSucceeded { id, answer } => {
                let done = if self.cannot_commit { Err(full()) } else { Ok(()) };
                if done.is_ok() {
                    self.officers.get_mut(&id).unwrap().1 = Lockout::default();
                }
                drop(answer.send(done));
            }
            WebRequest::Officers { answer } => drop(answer.send(Ok(self.officers.values().cloned().collect()))),
            WebRequest::Evidence { digest, answer } => drop(answer.send(Ok(self.pictures.get(&digest.0).cloned()))),
            WebRequest::Passages { limit, answer } => {
                let row = |n| PassageRow { passage: format!("{:032x}-{n}", 1), utc_ms: n, plate: None, end: None };
                drop(answer.send(Ok((0..limit as i64 + 5).map(row).collect())));
            }
            WebRequest::CameraNow { camera, answer } => drop(answer.send(Ok(self.frame.clone().filter(|_| camera == Camera::Front)))),
            WebRequest::CameraView { answer, .. } => drop(answer.send(Ok(None))),
            WebRequest::SetCameraView { camera, act, by, answer } => {
                let known = match &act {
                    ViewAct::Accept { picture } => self.frame.as_ref().is_some_and(|(digest, _)| digest == picture),
                    ViewAct::TakeBack => true,
                };
                if known {
                    self.views.push((camera, act, by.id));
                }
                drop(answer.send(Ok(known.then_some(ViewAnswer { accepted: None }))));
            }
            WebRequest::Metrics { answer } => drop(answer.send(Ok("borderlane_up 1\n# EOF\n".into()))),
        }
    }
}

pub fn pepper() -> Pepper {
    Pepper::new([9; PEPPER_BYTES])
}

/// A running server and the runtime's ends of its channels.
pub struct Bench {
    pub address: SocketAddr,
    pub frames: watch::Sender<Arc<ViewFrame>>,
    pub turns: watch::Sender<Turn>,
    pub presses: watch::Receiver<u64>,
    pub acts: mpsc::Receiver<ActRequest>,
    pub acts_in: mpsc::Sender<ActRequest>,
    pub store: Arc<Mutex<FakeStore>>,
    pub mono_ms: Arc<AtomicU64>,
    pub clock_trusted: Arc<AtomicBool>,
    pub utc_ms: Arc<AtomicU64>,
    pub stopping: CancellationToken,
    pub metrics: WebMetrics,
    pub server: JoinHandle<Result<(), WebError>>,
}

impl Bench {
    pub async fn start(store: Arc<Mutex<FakeStore>>) -> Self {
        let mono_ms = Arc::new(AtomicU64::new(1000));
        let utc_ms = Arc::new(AtomicU64::new(1_795_300_000_000));
        let clock_trusted = Arc::new(AtomicBool::new(true));
        let clocks = {
            let (mono_ms, utc_ms, trusted) = (mono_ms.clone(), utc_ms.clone(), clock_trusted.clone());
            let wall = move || Wall {
                utc_ms: utc_ms.load(Ordering::SeqCst) as i64,
                quality: if trusted.load(Ordering::SeqCst) { WallQuality::Trusted } else { WallQuality::Untrusted },
            };
            Clocks { mono: Arc::new(move || Mono(mono_ms.load(Ordering::SeqCst))), wall: Arc::new(wall) }
        };
        let (frames, frames_out) = watch::channel(frame(1, view()));
        let (turns, turns_out) = watch::channel(Turn { turn: 1, at: Mono(1000) });
        let (stop, presses) = StopButton::new();
        let (acts_in, acts) = mpsc::channel(ACTS_MAX);
        let (requests, mut asked) = mpsc::channel(REQUESTS_MAX);
        let answering = store.clone();
        tokio::spawn(async move {
            while let Some(request) = asked.recv().await {
                answering.lock().unwrap().answer(request);
            }
        });
        let seams = WebSeams { frames: frames_out, turns: turns_out, stop, acts: acts_in.clone(), requests, clocks };
        let stopping = CancellationToken::new();
        let settings = WebSettings { listen: "127.0.0.1:0".parse().unwrap(), site: "huu-nghi".into(), idle_logout_ms: 300_000 };
        let metrics = WebMetrics::default();
        let web = Web::bind(settings, pepper(), seams, metrics.clone(), stopping.clone()).await.unwrap();
        let address = web.local_addr();
        let server = tokio::spawn(web.run());
        Self { address, frames, turns, presses, acts, acts_in, store, mono_ms, clock_trusted, utc_ms, stopping, metrics, server }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).await
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.post_as("", path, body).await
    }

    pub async fn post_as(&self, cookie: &str, path: &str, body: &str) -> Answer {
        self.send(&post_text(cookie, path, body)).await
    }

    pub async fn send(&self, request: &str) -> Answer {
        send(self.address, request).await
    }

    /// Logs in and returns the cookie.
    pub async fn login(&self) -> String {
        let answer = self.post("/api/login", &format!(r#"{{"id":"lan.nguyen","pin":"{PIN}"}}"#)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    }

    /// Opens a stream.
    pub async fn stream(&self, path: &str) -> Stream {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        socket.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await.unwrap();
        Stream { socket, text: String::new(), seen: String::new() }
    }
}

pub fn post_text(cookie: &str, path: &str, body: &str) -> String {
    let cookie = if cookie.is_empty() { String::new() } else { format!("Cookie: {cookie}\r\n") };
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{cookie}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

pub async fn send(address: SocketAddr, request: &str) -> Answer {
    let talk = async {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        socket.read_to_end(&mut bytes).await.unwrap();
        Answer::parse(&bytes)
    };
    tokio::time::timeout(PATIENCE, talk).await.unwrap()
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let pairs = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        pairs.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    /// Status and word.
    pub fn refusal(&self) -> (u16, String) {
        let body = self.json();
        assert!(["message_vi", "message_en", "message_zh"].iter().all(|key| !body[key].as_str().unwrap().is_empty()));
        (self.status, body["error"].as_str().unwrap().to_owned())
    }
}

/// An open event stream.
pub struct Stream {
    socket: TcpStream,
    text: String,
    /// Everything that came.
    pub seen: String,
}

impl Stream {
    async fn more(&mut self) -> bool {
        let mut buf = [0; 8192];
        let n = tokio::time::timeout(PATIENCE, self.socket.read(&mut buf)).await.unwrap().unwrap_or(0);
        self.text.push_str(&String::from_utf8_lossy(&buf[..n]));
        self.seen.push_str(&String::from_utf8_lossy(&buf[..n]));
        n > 0
    }

    /// The next event of this name; others are dropped. `None`: the stream ended.
    pub async fn event(&mut self, name: &str) -> Option<serde_json::Value> {
        loop {
            while let Some(end) = self.text.find("\n\n") {
                let event: String = self.text.drain(..end + 2).collect();
                let field = |key: &str| event.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
                if field("event:") == Some(name) {
                    return Some(serde_json::from_str(field("data:").unwrap()).unwrap());
                }
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// Reads to the end, which must come.
    pub async fn end(&mut self) {
        let end = async { while self.more().await {} };
        tokio::time::timeout(PATIENCE, end).await.unwrap();
    }
}
