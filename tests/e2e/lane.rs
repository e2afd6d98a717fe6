//! One lane with everything around it, and the hands to play it: trucks, faults, a person at the screen, the centre.

use super::parts::{Answer, Part, get, get_json, post, post_ok, program, run};
use super::screen::Screen;
use super::site::{GROSS_KG, LANE, OFFICER, PIN, Site, Wishes};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// Nothing that happens by itself takes this long, on a busy machine either.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Coils and pulses of the profile `generic`.
const OPEN_PULSE: u64 = 0x0100;
const STOP_COIL: u64 = 2;
const PULSE_ON: u64 = 0xFF00;

pub struct Lane {
    pub site: Site,
    pub screen: Screen,
    broker: Option<Part>,
    centre: Part,
    sim: Part,
    daemon: Option<Part>,
    config: PathBuf,
    control: String,
    cookie: String,
    acts: std::cell::Cell<u32>,
    _dir: tempfile::TempDir,
}

impl Lane {
    /// A lane that is idle, linked, and knows these declarations.
    pub fn start(wishes: Wishes, declarations: &[Value]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let site = Site::prepare(dir.path(), &wishes);
        let broker = Part::start(Command::new(mosquitto()).arg("-c").arg(site.dir.join("mosquitto.conf")), &site.dir.join("mosquitto.log"));
        let centre = Part::start(
            Command::new(program("borderlane-central")).args(["run", "--config"]).arg(site.dir.join("central.toml")),
            &site.dir.join("central.log"),
        );
        let mut sim = Command::new(program("hardware-sim"));
        let (sim, addresses) = Part::start_saying(sim.arg("--config").arg(site.dir.join("sim.toml")), &site.dir.join("sim.log"));
        let addresses: Value = serde_json::from_str(&addresses).unwrap_or_else(|_| panic!("the simulator: {}", sim.tail(20)));
        let config = site.settle(&addresses, &wishes);
        let control = format!("http://{}", addresses["control"].as_str().unwrap());
        let screen = Screen::watch(site.screen_port);
        let mut lane = Self {
            site,
            screen,
            broker: Some(broker),
            centre,
            sim,
            daemon: None,
            config,
            control,
            cookie: String::new(),
            acts: std::cell::Cell::new(0),
            _dir: dir,
        };
        lane.until("the centre answers", |lane| get(&lane.centre_url("/api/lanes")).ok());
        // The watchlist stays empty: its signed head says so, and that is knowledge.
        post_ok(&lane.centre_url("/declarations"), &json!(declarations));
        lane.start_daemon();
        lane.until("the lane is idle, linked and knows the declarations", |lane| {
            let now = lane.screen.now();
            (now["view"]["phase"] == "idle" && now["view"]["link_up"] == true && !now["view"]["knowledge_age_s"].is_null()).then_some(())
        });
        lane.until_signal_of_health();
        lane.login();
        lane
    }

    /// Idle and linked is not yet a platform whose zero was seen and a boom that may move.
    fn until_signal_of_health(&self) {
        self.until("the scale streams, the interlock is ready and the zero has had time to be seen", |lane| {
            let now = lane.screen.now();
            let seen = now["view"]["scale"] == "streaming" && now["view"]["platform_grams"].is_number();
            (seen && lane.said(|r| r["kind"] == "interlock" && r["event"]["did"] == "ready")).then_some(())
        });
        std::thread::sleep(Duration::from_millis(1_500));
    }

    pub fn start_daemon(&mut self) {
        let mut command = Command::new(program("borderlane"));
        command.args(["run", "--config"]).arg(&self.config);
        self.daemon = Some(Part::start(&mut command, &self.site.dir.join("lane.log")));
        self.until("the daemon's screens answer", |lane| get(&lane.screen_url("/api/session")).ok());
    }

    /// A command of `borderlane` over this lane's settings: exit code, and everything it said.
    pub fn command(&self, words: &[&str], input: &str) -> (i32, String) {
        use std::io::Write as _;
        use std::process::Stdio;
        let mut command = Command::new(program("borderlane"));
        command.args(words).arg("--config").arg(&self.config);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        let said = [done.stdout, done.stderr].concat();
        (done.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
    }

    /// As if the power went: no word, no last record.
    pub fn kill_daemon(&mut self) {
        self.daemon.take().unwrap().kill();
    }

    pub fn cut_broker(&mut self) {
        self.broker = None;
    }

    pub fn mend_broker(&mut self) {
        let conf = self.site.dir.join("mosquitto.conf");
        self.broker = Some(Part::start(Command::new(mosquitto()).arg("-c").arg(conf), &self.site.dir.join("mosquitto.log")));
    }

    pub fn centre_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.site.centre_port)
    }

    pub fn screen_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.site.screen_port)
    }

    // ---- waiting

    /// Polls until something is there. What it waited for, and everything known, is told when it never comes.
    #[track_caller]
    pub fn until<T>(&self, what: &str, found: impl Fn(&Self) -> Option<T>) -> T {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            if let Some(found) = found(self) {
                return found;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("never seen: {what}\n{}", self.told());
    }

    /// Waits until the screen shows it.
    #[track_caller]
    pub fn until_shown(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        self.until(what, |lane| Some(lane.view()).filter(|view| is(view)))
    }

    /// Waits for a record.
    #[track_caller]
    pub fn until_said(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        self.until(what, |lane| lane.records().into_iter().find(|record| is(record)))
    }

    /// Waits until something moved or stands in the simulated world.
    #[track_caller]
    pub fn until_world(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        self.until(what, |lane| Some(lane.world()).filter(|world| is(world)))
    }

    /// What is asserted must be true; everything known is told when it is not.
    #[track_caller]
    pub fn check(&self, is: bool, what: &str) {
        assert!(is, "not so: {what}\n{}", self.told());
    }

    /// Everything known, for a failure.
    fn told(&self) -> String {
        let records: Vec<String> = self.records().iter().enumerate().map(|(i, r)| format!("{:>4} {}", i + 1, brief(r))).collect();
        let log = std::fs::read_to_string(self.site.dir.join("lane.log")).unwrap_or_default();
        let log: Vec<&str> = log.lines().collect();
        let events = get(&format!("{}/events", self.control)).map(|a| a.body.to_string()).unwrap_or_default();
        format!(
            "-- view\n{}\n-- ledger\n{}\n-- opens {} stops {:?}\n-- world {}\n-- events {events}\n-- log\n{}\n-- centre\n{}\n-- broker cut: {}, simulator: {}",
            serde_json::to_string_pretty(&self.view()).unwrap_or_default(),
            records.join("\n"),
            self.opens(),
            self.stop_writes(),
            self.world(),
            log[log.len().saturating_sub(80)..].join("\n"),
            self.centre.tail(10),
            self.broker.is_none(),
            self.sim.tail(5),
        )
    }

    // ---- what is seen

    /// The newest frame of the stream: the view and what is around it.
    pub fn frame(&self) -> Value {
        self.screen.now()
    }

    /// What the screen shows now.
    pub fn view(&self) -> Value {
        self.screen.now()["view"].clone()
    }

    /// The ledger, oldest first, read beside the daemon.
    pub fn records(&self) -> Vec<Value> {
        let read = || -> rusqlite::Result<Vec<Vec<u8>>> {
            let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
            let db = rusqlite::Connection::open_with_flags(self.site.state.join("lane.db"), flags)?;
            let mut rows = db.prepare("SELECT bytes FROM ledger ORDER BY seq")?;
            rows.query_map([], |row| row.get(0))?.collect()
        };
        read().unwrap_or_default().iter().map(|bytes| serde_json::from_slice(bytes).unwrap()).collect()
    }

    pub fn said(&self, is: impl Fn(&Value) -> bool) -> bool {
        self.records().iter().any(is)
    }

    pub fn count(&self, is: impl Fn(&Value) -> bool) -> usize {
        self.records().iter().filter(|record| is(record)).count()
    }

    /// What the module was written.
    pub fn writes(&self) -> Vec<Value> {
        get_json(&format!("{}/modbus-writes", self.control)).as_array().cloned().unwrap_or_default()
    }

    /// Pulses of the open relay that reached the device.
    pub fn opens(&self) -> usize {
        let open = |w: &&Value| w["function"] == 5 && w["address"] == OPEN_PULSE && w["values"][0] == PULSE_ON && w["refused"].is_null();
        self.writes().iter().filter(open).count()
    }

    /// What was written to the stop relay, in order.
    pub fn stop_writes(&self) -> Vec<u64> {
        let stop = |w: &&Value| w["function"] == 5 && w["address"] == STOP_COIL && w["refused"].is_null();
        self.writes().iter().filter(stop).filter_map(|w| w["values"][0].as_u64()).collect()
    }

    pub fn world(&self) -> Value {
        get_json(&format!("{}/state", self.control))
    }

    pub fn happened(&self, event: &str) -> usize {
        let events = get_json(&format!("{}/events", self.control));
        events.as_array().map_or(0, |all| all.iter().filter(|e| e["event"] == event).count())
    }

    // ---- what is done in the world

    /// A truck of 8 m and 18 t comes; `change` makes it another one.
    pub fn truck(&self, plate: &str, change: Value) -> u64 {
        let mut spec = json!({ "plate": plate, "length_m": 8.0, "gross_kg": GROSS_KG as f64, "speed_m_s": 5.0, "reaction_ms": 300 });
        for (key, value) in change.as_object().cloned().unwrap_or_default() {
            spec[key] = value;
        }
        post_ok(&format!("{}/vehicle", self.control), &spec)["id"].as_u64().unwrap()
    }

    pub fn order(&self, vehicle: u64, order: &str) {
        post_ok(&format!("{}/vehicle/{vehicle}/behaviour", self.control), &json!({ "order": order }));
    }

    pub fn knob(&self, name: &str, on: bool) {
        post_ok(&format!("{}/fault/{name}", self.control), &json!({ "on": on }));
    }

    pub fn knob_at(&self, name: &str, value: f64) {
        post_ok(&format!("{}/fault/{name}", self.control), &json!({ "on": true, "value": value }));
    }

    // ---- what a person does

    pub fn login(&mut self) {
        let answer = post(&self.screen_url("/api/login"), None, &json!({ "id": OFFICER, "pin": PIN }));
        assert_eq!(answer.status, 200, "login: {}\n{}", answer.body, self.told());
        self.cookie = answer.cookie.expect("a login sets a cookie");
    }

    /// An act on what was seen then.
    pub fn act_on(&self, view: &Value, act: &Value) -> String {
        self.acts.set(self.acts.get() + 1);
        let body = json!({
            "id": format!("e2e-{:08}", self.acts.get()), "passage": view["at_boom"]["passage"], "view_stamp": view["stamp"], "act": act });
        let Answer { status, body, .. } = post(&self.screen_url("/api/act"), Some(&self.cookie), &body);
        assert_eq!(status, 200, "{act}: {body}\n{}", self.told());
        body["outcome"].as_str().unwrap_or_default().to_owned()
    }

    /// An act on what is shown now. The person looks again when what was decided on changed meanwhile.
    #[track_caller]
    pub fn act(&self, act: &Value) {
        let mut outcome = String::new();
        for _ in 0..20 {
            let view = self.view();
            outcome = self.act_on(&view, act);
            if outcome == "accepted" {
                return;
            }
            if outcome != "passage_changed" && outcome != "busy" {
                break;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        panic!("{act}: {outcome}\n{}", self.told());
    }

    /// Both plates of the vehicle at the boom, as a person reads them from the pictures.
    #[track_caller]
    pub fn name_plates(&self, front: &str, rear: &str) {
        // A view may be a moment old: what has ended stands there no more.
        self.until_shown("a vehicle at the boom with a passage", |view| {
            let passage = &view["at_boom"]["passage"];
            passage.is_string() && !self.said(|r| r["kind"] == "passage_ended" && r["passage"] == *passage)
        });
        self.act(&json!({ "do": "correct_plate", "camera": "front", "plate": front }));
        self.act(&json!({ "do": "correct_plate", "camera": "rear", "plate": rear }));
    }

    pub fn press_stop(&self) {
        // Without a login, from any state.
        let answer = post(&self.screen_url("/api/stop"), None, &json!({}));
        assert_eq!((answer.status, &answer.body["stopped"]), (200, &json!(true)));
    }

    /// Waits until the lane is empty, its boom down.
    #[track_caller]
    pub fn until_idle(&self) -> Value {
        self.until_shown("an idle lane with the boom down", |v| v["phase"] == "idle" && v["boom"] == "down" && v["at_boom"].is_null())
    }

    /// Waits for the end of a passage.
    #[track_caller]
    pub fn until_ended(&self, end: &str) -> Value {
        self.until_said(&format!("a passage that ended {end}"), |r| r["kind"] == "passage_ended" && r["end"] == end)
    }

    // ---- the end

    /// Every record is at the centre, byte for byte; the daemon ends when told; its ledger verifies, its passages replay; nothing was struck.
    #[track_caller]
    pub fn finish(mut self) {
        self.end();
        self.replay(&[0]);
    }

    /// The same for a lane whose black box could not be written for a while: a run may end where something is missing, and says so.
    #[track_caller]
    pub fn finish_with_a_hole(mut self) {
        self.end();
        self.replay(&[0, 3]);
    }

    #[track_caller]
    fn end(&mut self) {
        let wanted = self.until("every record is at the centre", |lane| {
            let ours = lane.records();
            let at_centre = lane.at_centre();
            (ours == at_centre).then_some(ours.len())
        });
        assert!(wanted > 0);
        self.check(self.happened("boom_struck") == 0, "no vehicle was struck");
        self.check_starts();
        let mut daemon = self.daemon.take().unwrap();
        daemon.signal(Signal::TERM);
        let status = self.until_mut("the daemon ends when told", || daemon.has_ended());
        self.check(status.code() == Some(0), &format!("the daemon ended well: {status}"));
        let db = self.site.state.join("lane.db");
        let report = run(Command::new(program("borderlane")).args(["ledger", "verify", "--json"]).arg(db));
        let report: Value = serde_json::from_str(&report).unwrap();
        self.check(report["good"] == true, &format!("the ledger verifies: {report}"));
    }

    /// A start carries its time, and until the field was read no camera and no clock is called broken that only had not reported yet. (A scale
    /// without a frame and a centre without a link are what they are called, for as long as it takes.)
    #[track_caller]
    fn check_starts(&self) {
        let records = self.records();
        for (at, start) in records.iter().enumerate().filter(|(_, r)| r["kind"] == "started") {
            let dated = start["clock_trusted"] == true && start["utc_ms"].as_i64().is_some_and(|ms| ms > 0);
            self.check(dated, &format!("a start carries its time: {start}"));
            let until_ready = records[at..].iter().take_while(|r| !did(r, "ready"));
            let faults: Vec<&Value> = until_ready.filter(|r| r["kind"] == "fault").collect();
            let flaps = faults.iter().any(|f| f["raised"] == false && f["fault"] != "scale_silent" && f["fault"] != "centre_link_lost");
            self.check(!flaps, &format!("no fault comes and goes before the first full read: {faults:?}"));
        }
    }

    /// Every passage that ended runs again from its black box with the same effects.
    #[track_caller]
    fn replay(&self, codes: &[i32]) {
        let ended = |r: &&Value| r["kind"] == "passage_ended" && r["end"] != "power_lost";
        for record in self.records().iter().filter(ended) {
            let passage = record["passage"].as_str().unwrap();
            let done =
                Command::new(program("borderlane")).args(["replay", "--db"]).arg(self.site.state.join("lane.db")).arg(passage).output();
            let done = done.unwrap();
            let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
            let code = done.status.code().unwrap_or(-1);
            self.check(codes.contains(&code), &format!("passage {passage} replays the same: {said}"));
            self.check(code != 3 || said.contains("incomplete: "), &format!("it says what is missing: {said}"));
        }
    }

    /// The records of this lane as the centre keeps them.
    pub fn at_centre(&self) -> Vec<Value> {
        let rows = get_json(&self.centre_url(&format!("/api/records?lane={LANE}&after=0")));
        rows.as_array().map(|rows| rows.iter().map(|row| row["record"].clone()).collect()).unwrap_or_default()
    }

    fn until_mut<T>(&self, what: &str, mut found: impl FnMut() -> Option<T>) -> T {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            if let Some(found) = found() {
                return found;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("never seen: {what}\n{}", self.told());
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // The daemon first: it would only complain about the others.
        self.daemon = None;
    }
}

fn mosquitto() -> &'static str {
    let programs = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto"];
    programs.into_iter().find(|p| std::path::Path::new(p).exists()).expect("mosquitto is not installed: make setup")
}

/// One line of a record.
fn brief(record: &Value) -> String {
    let mut text = record.to_string();
    if record["kind"] == "verdict" {
        let open = |c: &&Value| c["leads_to"] != "pass";
        let checks: Vec<String> = record["checks"].as_array().into_iter().flatten().filter(open).map(Value::to_string).collect();
        text = format!("verdict {} {}", record["outcome"], checks.join(" "));
    }
    let cut = text.char_indices().nth(600).map_or(text.len(), |(at, _)| at);
    text[..cut].to_owned()
}

// ---- words of records, for short scenarios

pub fn is_fault(record: &Value, fault: &str, raised: bool) -> bool {
    record["kind"] == "fault" && record["fault"] == fault && record["raised"] == raised
}

pub fn did(record: &Value, what: &str) -> bool {
    record["kind"] == "interlock" && record["event"]["did"] == what
}

pub fn moved(record: &Value, movement: &str) -> bool {
    did(record, "movement_started") && record["event"]["movement"] == movement
}

pub fn has_fault(view: &Value, fault: &str) -> bool {
    view["faults"].as_array().is_some_and(|all| all.iter().any(|f| f["fault"] == fault))
}

/// A check of the verdict at the boom.
pub fn check_of<'v>(view: &'v Value, kind: &str) -> &'v Value {
    let checks = view["at_boom"]["verdict"]["checks"].as_array();
    checks.and_then(|all| all.iter().find(|c| c["kind"] == kind)).unwrap_or(&Value::Null)
}
