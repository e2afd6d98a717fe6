//! A real broker that can be frozen and killed, a lane's end of the link over a store in memory, and a centre in this process.
#![allow(dead_code)]

use borderlane::sync::ports::{
    AckRefused, ApplyRefused, CopyState, INPUTS_MAX, LaneFacts, Outbox, OutboxRow, REPORTS_MAX, REQUESTS_MAX, SyncInput, SyncReport,
    SyncRequest, Wires,
};
use borderlane::sync::{self, Identity, SyncSettings};
use borderlane_central::config::{Broker as BrokerConfig, Config};
use borderlane_central::keys::KeyFolder;
use borderlane_central::{Running, run};
use ed25519_dalek::SigningKey;
use lane_core::time::{Wall, WallQuality};
use lane_link::chain::{NO_PREVIOUS, record_hash};
use lane_link::health::Health;
use lane_link::hex_bytes::{Hex16, Hex32, HexBytes};
use lane_link::mqtt::{self, Link, LinkEvent, LinkSettings, Message};
use lane_link::replica::{Collection, Place, Row};
use lane_link::topics::Name;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Nothing here takes this long unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Broker {
    pub port: u16,
    dir: TempDir,
    extra: String,
    child: Option<Child>,
}

impl Broker {
    pub fn start(extra: &str) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut broker = Self { port, dir: tempfile::tempdir().unwrap(), extra: extra.to_owned(), child: None };
        broker.again();
        broker
    }

    /// Starts it (again) on the same port.
    pub fn again(&mut self) {
        let config = self.dir.path().join("mosquitto.conf");
        let text = format!("listener {} 127.0.0.1\nallow_anonymous true\npersistence false\nuser root\n{}\n", self.port, self.extra);
        std::fs::write(&config, text).unwrap();
        let program = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto"];
        let program = program.into_iter().find(|p| std::path::Path::new(p).exists()).expect("mosquitto is not installed: make setup");
        let child = Command::new(program).arg("-c").arg(&config).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.child = Some(child);
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("the broker does not listen");
    }

    fn signal(&self, signal: Signal) {
        let id = self.child.as_ref().unwrap().id();
        kill_process(Pid::from_raw(id.cast_signed()).unwrap(), signal).unwrap();
    }

    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn site() -> Name {
    name("huu-nghi")
}

pub fn link_settings(port: u16, client_id: &str) -> LinkSettings {
    LinkSettings { backoff_min_ms: 50, backoff_max_ms: 500, ..LinkSettings::plain("127.0.0.1", port, client_id) }
}

/// A bare client: to listen in, and to say what it should not.
pub struct Stranger {
    pub link: Link,
    next: u64,
}

impl Stranger {
    pub async fn join(port: u16, id: &str, subscriptions: &[&str]) -> Self {
        let mut settings = link_settings(port, id);
        settings.subscriptions = subscriptions.iter().map(|s| (*s).to_owned()).collect();
        let mut stranger = Self { link: mqtt::begin(settings).unwrap(), next: 0 };
        stranger.until("connected", |event| matches!(event, LinkEvent::Up { .. }).then_some(())).await;
        stranger
    }

    pub async fn until<T>(&mut self, what: &str, mut found: impl FnMut(LinkEvent) -> Option<T>) -> T {
        let wait = async {
            loop {
                let event = self.link.events.recv().await.expect("the link runs");
                if let Some(found) = found(event) {
                    return found;
                }
            }
        };
        timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never seen: {what}"))
    }

    /// The next payload on a topic that ends so.
    pub async fn hear(&mut self, ends: &str) -> Vec<u8> {
        self.until(ends, |event| match event {
            LinkEvent::Received { topic, payload, .. } if topic.ends_with(ends) => Some(payload.to_vec()),
            _ => None,
        })
        .await
    }

    pub async fn say(&mut self, topic: &str, payload: Vec<u8>, retain: bool) {
        self.next += 1;
        let token = self.next;
        let message = Message { token, topic: topic.to_owned(), payload: payload.into(), acknowledged: true, retain };
        self.link.sender.publish(message).unwrap();
        self.until("sent", |event| matches!(event, LinkEvent::Sent { token: t } if t == token).then_some(())).await;
    }
}

/// What a store would keep, in memory.
#[derive(Default)]
pub struct Kept {
    pub ledger: Vec<(Hex32, Vec<u8>)>,
    pub acknowledged: u64,
    pub copies: HashMap<Collection, (Place, Option<i64>)>,
    pub rows: HashMap<Collection, BTreeMap<String, serde_json::Value>>,
    pub staged: HashMap<Collection, BTreeMap<String, serde_json::Value>>,
    pub snapshots: HashMap<Collection, usize>,
    pub seen: HashSet<String>,
    pub pictures: Vec<(Hex32, Vec<u8>)>,
    pub pictures_acknowledged: HashSet<Hex32>,
    /// When a picture was asked for, this many records were not acknowledged.
    pub waiting_at_picture: Vec<u64>,
}

pub const LEDGER: Hex16 = HexBytes([0xab; 16]);

impl Kept {
    pub fn append(&mut self, bytes: Vec<u8>) -> u64 {
        let previous = self.ledger.last().map_or(NO_PREVIOUS, |(hash, _)| *hash);
        let seq = self.ledger.len() as u64 + 1;
        self.ledger.push((record_hash(LEDGER, seq, previous, &bytes), bytes));
        seq
    }

    fn answer(&mut self, request: SyncRequest) {
        match request {
            SyncRequest::ReadOutbox { after, max_rows, max_bytes, reply } => {
                let after = after.unwrap_or(self.acknowledged);
                let mut bytes = 0;
                let rows = self.ledger.iter().enumerate().skip(after as usize).take(max_rows).take_while(|(_, (_, b))| {
                    bytes += b.len();
                    bytes == b.len() || bytes <= max_bytes
                });
                let rows = rows.map(|(i, (hash, b))| OutboxRow { seq: i as u64 + 1, hash: *hash, bytes: b.clone() }).collect();
                let _ = reply.send(Outbox { ledger: LEDGER, after, rows });
            }
            SyncRequest::Acknowledge { seq, hash, reply, .. } => {
                let done = match self.ledger.get(seq as usize - 1) {
                    None => Err(AckRefused::Unknown),
                    Some((ours, _)) if *ours != hash => Err(AckRefused::Fork(seq)),
                    Some(_) => {
                        self.acknowledged = self.acknowledged.max(seq);
                        Ok(())
                    }
                };
                let _ = reply.send(done);
            }
            SyncRequest::NextEvidence { except, reply } => {
                let next = self.pictures.iter().find(|(d, _)| !except.contains(d) && !self.pictures_acknowledged.contains(d)).cloned();
                if next.is_some() {
                    self.waiting_at_picture.push(self.ledger.len() as u64 - self.acknowledged);
                }
                let _ = reply.send(next);
            }
            SyncRequest::EvidenceAcknowledged { digests } => self.pictures_acknowledged.extend(digests),
            SyncRequest::Copies { reply } => {
                let copies = self.copies.iter().map(|(c, (place, head))| CopyState { collection: *c, place: *place, head_utc_ms: *head });
                let _ = reply.send(copies.collect());
            }
            SyncRequest::ApplyChange { change, reply } => {
                let copy = self.copies.entry(change.collection).or_default();
                let fits = copy.0.revision == change.follows && (copy.0.epoch == change.epoch || copy.0 == Place::default());
                if !fits {
                    let _ = reply.send(Err(ApplyRefused::At(copy.0)));
                    return;
                }
                copy.0 = Place { epoch: change.epoch, revision: change.revision };
                put(self.rows.entry(change.collection).or_default(), change.rows);
                let _ = reply.send(Ok(()));
            }
            SyncRequest::SnapshotBegin { collection, reply, .. } => {
                self.staged.insert(collection, BTreeMap::new());
                let _ = reply.send(Ok(()));
            }
            SyncRequest::SnapshotRows { collection, rows, reply } => {
                put(self.staged.entry(collection).or_default(), rows);
                let _ = reply.send(Ok(()));
            }
            SyncRequest::SnapshotCommit { collection, place, reply } => {
                self.rows.insert(collection, self.staged.remove(&collection).unwrap_or_default());
                self.copies.entry(collection).or_default().0 = place;
                *self.snapshots.entry(collection).or_default() += 1;
                let _ = reply.send(Ok(()));
            }
            SyncRequest::HeadReached { collection, utc_ms } => {
                let head = &mut self.copies.entry(collection).or_default().1;
                assert!(head.is_none_or(|before| before <= utc_ms), "heads only increase");
                *head = Some(utc_ms);
            }
            SyncRequest::SeenCommand { id, reply, .. } => {
                let _ = reply.send(!self.seen.insert(id));
            }
        }
    }
}

fn put(rows: &mut BTreeMap<String, serde_json::Value>, changed: Vec<Row>) {
    for row in changed {
        match row {
            Row::Upsert { key, body } => rows.insert(key, body),
            Row::Tombstone { key } => rows.remove(&key),
        };
    }
}

pub fn now_ms() -> i64 {
    borderlane_central::app::now_ms()
}

/// A lane's end of the link.
pub struct Lane {
    pub kept: Arc<Mutex<Kept>>,
    pub reports: mpsc::Receiver<SyncReport>,
    pub inputs: mpsc::Sender<SyncInput>,
    pub last_seq: watch::Sender<u64>,
    pub facts: watch::Sender<LaneFacts>,
    pub health: watch::Sender<Health>,
    tasks: Vec<JoinHandle<()>>,
    pub dir: TempDir,
}

impl Drop for Lane {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

pub struct Keys {
    pub root: Hex32,
    pub lane: SigningKey,
}

impl Lane {
    pub fn begin(lane: &str, port: u16, keys: &Keys, kept: Arc<Mutex<Kept>>, tune: impl FnOnce(&mut SyncSettings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let link = link_settings(port, &format!("borderlane-{lane}"));
        let mut settings = SyncSettings::new(site(), name(lane), link, keys.root, dir.path().join("key-list.json"));
        settings.ack_timeout_ms = 1_000;
        settings.repair_timeout_ms = 2_000;
        tune(&mut settings);
        let (requests, mut asked) = mpsc::channel(REQUESTS_MAX);
        let (reports_out, reports) = mpsc::channel(REPORTS_MAX);
        let (inputs, inputs_in) = mpsc::channel(INPUTS_MAX);
        let (last_seq, last_seq_in) = watch::channel(kept.lock().unwrap().ledger.len() as u64);
        let (health, health_in) = watch::channel(Health { phase: "idle".into(), mode: "automatic".into(), ..Health::default() });
        let (facts, facts_in) = watch::channel(LaneFacts::default());
        let store = Arc::clone(&kept);
        let store = tokio::spawn(async move {
            while let Some(request) = asked.recv().await {
                store.lock().unwrap().answer(request);
            }
        });
        let wires = Wires {
            requests,
            reports: reports_out,
            inputs: inputs_in,
            last_seq: last_seq_in,
            health: health_in,
            facts: facts_in,
            clock: Arc::new(|| Wall { utc_ms: now_ms(), quality: WallQuality::Trusted }),
        };
        let identity = Identity {
            boot: HexBytes([1; 16]),
            ledger: LEDGER,
            version: "test".into(),
            capabilities: vec!["scale".into()],
            lane_key: keys.lane.clone(),
        };
        let task = sync::begin(settings, identity, wires).unwrap();
        Self { kept, reports, inputs, last_seq, facts, health, tasks: vec![task, store], dir }
    }

    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    pub fn append(&self, bytes: Vec<u8>) {
        let seq = self.kept().append(bytes);
        self.last_seq.send_replace(seq);
    }

    pub async fn until<T>(&mut self, what: &str, mut found: impl FnMut(SyncReport) -> Option<T>) -> T {
        let mut seen = Vec::new();
        let wait = async {
            loop {
                let report = self.reports.recv().await.expect("the link runs");
                seen.push(format!("{report:?}"));
                if let Some(found) = found(report) {
                    return found;
                }
            }
        };
        let found = timeout(PATIENCE, wait).await;
        found.unwrap_or_else(|_| panic!("never reported: {what}; but {seen:#?}"))
    }

    /// Reads reports while waiting for something that is not reported.
    pub async fn wait(&mut self, what: &str, mut done: impl FnMut(&Kept) -> bool) {
        for _ in 0..1_200 {
            while self.reports.try_recv().is_ok() {}
            if done(&self.kept()) {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("never happened: {what}");
    }
}

/// A centre in this process, and the keys of its lanes.
pub struct Centre {
    pub running: Running,
    pub config: Config,
    pub folder: KeyFolder,
    pub dir: TempDir,
}

impl Centre {
    /// Makes keys, lists lanes `lane-1` and `lane-2`, starts.
    pub async fn start(port: u16) -> (Self, Keys, Keys) {
        let dir = tempfile::tempdir().unwrap();
        let folder = KeyFolder::new(&dir.path().join("keys"), &site());
        let root = folder.init(now_ms()).unwrap();
        let keys = |seed: u8| Keys { root, lane: SigningKey::from_bytes(&[seed; 32]) };
        let (one, two) = (keys(41), keys(42));
        for (lane, keys) in [("lane-1", &one), ("lane-2", &two)] {
            folder.add_lane(&name(lane), HexBytes(keys.lane.verifying_key().to_bytes()), now_ms()).unwrap();
        }
        for file in ["officers.toml", "rules.toml"] {
            std::fs::write(dir.path().join(file), "").unwrap();
        }
        let config = Config {
            site: site(),
            gate: None,
            data_dir: dir.path().join("data"),
            keys_dir: dir.path().join("keys"),
            listen: "127.0.0.1:0".parse().unwrap(),
            declarations_file: None,
            officers_file: Some(dir.path().join("officers.toml")),
            rules_file: Some(dir.path().join("rules.toml")),
            broker: BrokerConfig {
                host: "127.0.0.1".into(),
                port,
                client_id: None,
                keep_alive_s: 5,
                max_packet_bytes: 1 << 20,
                user: None,
                password: None,
                ca_pem: None,
                cert_pem: None,
                key_pem: None,
            },
            head_every_ms: 500,
        };
        let running = run(config.clone()).await.unwrap();
        (Self { running, config, folder, dir }, one, two)
    }

    pub async fn get(&self, path: &str) -> serde_json::Value {
        let url = format!("http://{}{path}", self.running.address);
        tokio::task::spawn_blocking(move || ureq::get(&url).call().unwrap().body_mut().read_json().unwrap()).await.unwrap()
    }

    pub async fn post(&self, path: &str, body: serde_json::Value) -> serde_json::Value {
        let url = format!("http://{}{path}", self.running.address);
        let done = tokio::task::spawn_blocking(move || {
            ureq::post(&url).config().http_status_as_error(false).build().send_json(body).unwrap().body_mut().read_json().unwrap()
        });
        done.await.unwrap()
    }

    /// Sequences stored of a lane's ledger, all of them.
    pub async fn sequences(&self, lane: &str) -> Vec<u64> {
        let mut all = Vec::new();
        let mut after = 0;
        loop {
            let page = self.get(&format!("/api/records?lane={lane}&after={after}")).await;
            let page = page.as_array().unwrap();
            let Some(last) = page.last() else { return all };
            after = last["id"].as_u64().unwrap();
            all.extend(page.iter().map(|r| r["seq"].as_u64().unwrap()));
        }
    }

    pub async fn stored(&self, lane: &str) -> u64 {
        let lanes = self.get("/api/lanes").await;
        let lane = lanes["lanes"].as_array().unwrap().iter().find(|l| l["lane"] == lane).cloned();
        lane.map_or(0, |l| l["records"].as_u64().unwrap())
    }
}

pub fn declaration(id: &str, plate: &str) -> serde_json::Value {
    serde_json::json!({
        "id": id, "gate": "huu-nghi", "direction": "outbound", "trade": "export", "plate": plate, "channel": "green",
        "valid_from_ms": 0, "valid_until_ms": 4_000_000_000_000_i64, "state": "active"
    })
}
