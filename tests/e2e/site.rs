//! A site's files: settings of every part, keys, an officer, declarations.

use super::parts::{free_port, program, root, run};
use lane_link::declaration::Declaration;
use lane_link::hex_bytes::HexBytes;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub const SITE: &str = "huu-nghi";
pub const LANE: &str = "lane-1";
pub const OFFICER: &str = "lan.nguyen";
pub const PIN: &str = "481516";
/// What the trucks of these tests weigh: 10 t tare, 8 t cargo.
pub const TARE_KG: i64 = 10_000;
pub const CARGO_KG: i64 = 8_000;
pub const GROSS_KG: i64 = TARE_KG + CARGO_KG;

/// What a scenario needs differently.
#[derive(Clone)]
pub struct Wishes {
    /// Cameras in the simulator and in the settings.
    pub cameras: bool,
    /// A folder of pictures that trucks may show to the cameras.
    pub photos: Option<PathBuf>,
    /// Lines into the simulator's settings: `[boom]`.
    pub boom: &'static str,
    /// Lines into the daemon's `[barrier]`.
    pub barrier: &'static str,
    /// Lines into the daemon's `[rules.timing]`.
    pub timing: &'static str,
    /// Where the daemon keeps its state, instead of the scenario's folder.
    pub state: Option<PathBuf>,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            cameras: false,
            photos: None,
            boom: "",
            barrier: "travel_limit_ms = 6000\n",
            timing: "identify_deadline_ms = 10000\n",
            state: None,
        }
    }
}

/// Where everything is.
pub struct Site {
    pub dir: PathBuf,
    pub state: PathBuf,
    pub broker_port: u16,
    pub centre_port: u16,
    pub screen_port: u16,
    root_key: String,
}

impl Site {
    /// Ports, keys and the settings of broker, centre and simulator.
    pub fn prepare(dir: &Path, wishes: &Wishes) -> Self {
        let state = wishes.state.clone().unwrap_or_else(|| dir.join("state"));
        std::fs::create_dir_all(state.join("keys")).unwrap();
        let keys = dir.join("central/keys");
        std::fs::create_dir_all(&keys).unwrap();
        let central = program("borderlane-central");
        let root_key = run(Command::new(&central).args(["keys", "init", "--site", SITE, "--dir"]).arg(&keys));
        let lane_key = run(Command::new(program("borderlane")).args(["keys", "make"]).arg(state.join("keys/lane.key")));
        run(Command::new(&central).args(["keys", "lane", "--site", SITE, "--lane", LANE, "--public", &lane_key, "--dir"]).arg(&keys));
        let site =
            Self { dir: dir.to_owned(), state, broker_port: free_port(), centre_port: free_port(), screen_port: free_port(), root_key };
        let (broker, centre) = (site.broker_port, site.centre_port);
        site.write(
            "mosquitto.conf",
            &format!("listener {broker} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_packet_size 2097152\nuser root\n"),
        );
        site.write(
            "central.toml",
            &format!(
                "site = \"{SITE}\"\ndata_dir = \"{0}/central\"\nkeys_dir = \"{0}/central/keys\"\nlisten = \"127.0.0.1:{centre}\"\n\
                 head_every_ms = 1000\n[broker]\nhost = \"127.0.0.1\"\nport = {broker}\n",
                dir.display()
            ),
        );
        site.write("sim.toml", &sim_settings(wishes));
        site
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The daemon's settings, once the simulator has said where it listens; and an officer. Ages are generous: a busy machine is no dead module.
    pub fn settle(&self, addresses: &Value, wishes: &Wishes) -> PathBuf {
        let text = |pointer: &str| addresses.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let profiles = root().join("config/profiles");
        let profiles = profiles.display();
        let mut vision = String::new();
        if wishes.cameras {
            vision = format!(
                "[vision]\nprogram = \"{}\"\nmodels = \"{}\"\nfront = \"http://{}/stream\"\nrear = \"http://{}/stream\"\n",
                program("borderlane-vision").display(),
                root().join("models").display(),
                text("/cameras/front"),
                text("/cameras/rear")
            );
        }
        let config = self.write(
            "lane.toml",
            &format!(
                "[lane]\nsite = \"{SITE}\"\nname = \"{LANE}\"\ndirection = \"outbound\"\nstate_dir = \"{}\"\nclock_vouched = true\n\
                 [barrier]\nprofiles = \"{profiles}/barrier\"\nstop_output = true\ncall_timeout_ms = 2000\nfresh_ms = 2000\nunclear_after_ms = 4000\n{}\
                 [[barrier.module]]\nname = \"io-1\"\naddress = \"{}\"\nprofile = \"generic\"\n\
                 [scale]\nprofiles = \"{profiles}/scale\"\nprofile = \"toledo-continuous\"\nendpoint = \"tcp://{}\"\n\
                 {vision}[centre]\nhost = \"127.0.0.1\"\nport = {}\nroot_key = \"{}\"\n[web]\nlisten = \"127.0.0.1:{}\"\n\
                 [rules]\ncalibrated_until = \"2099-01-01T00:00:00Z\"\n[rules.timing]\nfresh_ms = 2000\n{}\
                 [[rules.legal_gross]]\ncombination = false\naxles = 2\nlimit_grams = 24000000\n\
                 [[rules.legal_gross]]\ncombination = true\naxles = 4\nlimit_grams = 40000000\n",
                self.state.display(),
                wishes.barrier,
                text("/modules/0"),
                text("/scale"),
                self.broker_port,
                self.root_key,
                self.screen_port,
                wishes.timing,
            ),
        );
        self.add_officer(&config);
        config
    }

    fn add_officer(&self, config: &Path) {
        let mut command = Command::new(program("borderlane"));
        command.args(["officer", "--config"]).arg(config).args(["add", OFFICER, "--agency", "customs", "--role", "supervisor"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("{PIN}\n").as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "officer add: {}", String::from_utf8_lossy(&done.stderr));
    }
}

/// One module with every signal, wired as the profile `generic` says; its communication watchdog is armed by the daemon.
fn sim_settings(wishes: &Wishes) -> String {
    let signals = [
        ("approach_loop", false),
        ("platform_front", false),
        ("platform_rear", false),
        ("boom_loop", false),
        ("photocell", true),
        ("exit_loop", false),
        ("boom_up", false),
        ("boom_down", false),
        ("e_stop", true),
        ("operator_fault", false),
        ("manual_key", false),
        ("tamper", true),
    ];
    let mut text = String::from("seed = 1\n");
    text.push_str(if wishes.cameras { "" } else { "camera = []\n" });
    if let Some(photos) = &wishes.photos {
        text.push_str(&format!("photos = \"{}\"\n", photos.display()));
    }
    text.push_str("[[module]]\nkind = \"generic\"\n[inputs]\n");
    for (index, (name, closed)) in signals.into_iter().enumerate() {
        let normally = if closed { "closed" } else { "open" };
        text.push_str(&format!("{name} = {{ module = 0, index = {index}, normally = \"{normally}\" }}\n"));
    }
    text.push_str("[boom]\ntravel_ms = 1000\nclose_after_passage_ms = 1000\n");
    text.push_str(wishes.boom);
    text.push_str("[scale]\nprotocol = \"toledo\"\nrate_hz = 10.0\n");
    if wishes.cameras {
        for name in ["front", "rear"] {
            text.push_str(&format!("[[camera]]\nname = \"{name}\"\nlooks_at = \"{name}\"\nfps = 5\n"));
        }
    }
    text
}

/// A declaration that clears a truck of these tests; `change` makes it another one, before the agencies confirm what it says then.
pub fn declaration(id: &str, plate: &str, change: Value) -> Value {
    let mut row = json!({
        "id": id, "gate": SITE, "direction": "outbound", "trade": "export", "plate": plate, "goods": "vải thiều", "perishable": true,
        "cargo_grams": CARGO_KG * 1000, "axles": 3, "channel": "green", "valid_from_ms": 0, "valid_until_ms": 4_102_444_800_000_i64,
        "entries_allowed": 1, "state": "active", "tare": { "grams": TARE_KG * 1000, "source": "registered" },
        "confirmations": [{ "agency": "customs", "required": true, "result": "pass" }, { "agency": "plant", "required": true, "result": "pass" }],
    });
    for (key, value) in change.as_object().cloned().unwrap_or_default() {
        row[key] = value;
    }
    let mut row: Declaration = serde_json::from_value(row).unwrap();
    let digest = HexBytes(row.tied_digest()).to_string();
    for confirmation in &mut row.confirmations {
        confirmation.digest = Some(digest.clone());
    }
    serde_json::to_value(row).unwrap()
}

/// The plant quarantine has said nothing yet.
pub fn unconfirmed() -> Value {
    json!({ "confirmations": [
        { "agency": "customs", "required": true, "result": "pass" }, { "agency": "plant", "required": true, "result": "absent" }] })
}
