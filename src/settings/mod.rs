//! What the daemon of one lane is told, once, at its start: one typed tree, defaults in one place, every mistake told at once with line and
//! key, unknown keys refused. `config/lane.toml` explains every key. Wrong settings end the program with exit code 78.

mod devices;
pub mod reader;
mod rules;
#[cfg(test)]
mod tests;

pub use devices::{BarrierSettings, ScaleSettings};

use lane_core::rules::Rules;
use reader::{Mistake, Reader, Section};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Exit code for wrong settings (`EX_CONFIG`).
pub const EXIT_BAD_SETTINGS: u8 = 78;

/// One camera.
#[derive(Debug, Clone)]
pub struct CameraSource {
    /// `http://...` (MJPEG), `rtsp://...`, `v4l2:/dev/videoN`, `file:PATH` or `loop:PATH`.
    pub source: String,
    /// File with the camera's `NAME:PASSWORD`.
    pub credentials_file: Option<PathBuf>,
}

/// How a camera's source may begin.
const CAMERA_SOURCES: [&str; 5] = ["http://", "rtsp://", "v4l2:/", "file:", "loop:"];

/// The link to the centre.
#[derive(Debug, Clone)]
pub struct CentreSettings {
    /// Broker's host.
    pub host: String,
    /// Broker's port.
    pub port: u16,
    /// The site's pinned root key, 64 hex digits.
    pub root_key: String,
    /// TLS: CA, client certificate and key; `None`: plain TCP.
    pub tls: Option<[PathBuf; 3]>,
    /// User and password file.
    pub login: Option<(String, PathBuf)>,
    /// A signed head further ahead of the trusted clock than this gives no age, seconds.
    pub head_ahead_max_s: u32,
    /// The centre's `open_once` needs the keys of two persons.
    pub open_needs_two_keys: bool,
}

/// The screens.
#[derive(Debug, Clone)]
pub struct WebSettings {
    /// Loopback only.
    pub listen: SocketAddr,
    /// The site's pepper for PINs.
    pub pepper_file: PathBuf,
    /// A session without a touch ends after this.
    pub session_idle_s: u32,
}

/// Vision.
#[derive(Debug, Clone)]
pub struct VisionSettings {
    /// The worker's program.
    pub program: PathBuf,
    /// Models and their manifest.
    pub models: PathBuf,
    /// Front camera.
    pub front: Option<CameraSource>,
    /// Rear camera.
    pub rear: Option<CameraSource>,
}

/// Everything.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The site's name: of the MQTT topics and of the keys.
    pub site: String,
    /// The gate: what declarations name.
    pub gate: String,
    /// This lane.
    pub lane: String,
    /// Ledger, cache, evidence, keys.
    pub state_dir: PathBuf,
    /// A person vouches for the wall clock (bench, demo); else the kernel's word counts.
    pub clock_vouched: bool,
    /// The barrier.
    pub barrier: BarrierSettings,
    /// The scale.
    pub scale: Option<ScaleSettings>,
    /// Cameras.
    pub vision: VisionSettings,
    /// The centre.
    pub centre: Option<CentreSettings>,
    /// The screens.
    pub web: WebSettings,
    /// The local default of the rules.
    pub rules: Rules,
    /// `tracing` filter: `info`, `borderlane=debug`, ...
    pub log: String,
    /// SHA-256 of the file's bytes.
    pub digest: [u8; 32],
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is wrong: everything that is, at once.
    #[error("{path}: {}", told(.mistakes))]
    Wrong {
        /// Which.
        path: PathBuf,
        /// What.
        mistakes: Vec<Mistake>,
    },
}

fn told(mistakes: &[Mistake]) -> String {
    let lines: Vec<String> = mistakes.iter().map(|m| format!("\n  {m}")).collect();
    format!("{} mistake{}{}", mistakes.len(), if mistakes.len() == 1 { "" } else { "s" }, lines.concat())
}

impl Settings {
    /// Reads a settings file. Relative paths in it are relative to its folder.
    ///
    /// # Errors
    /// The file cannot be read, or everything that is wrong in it.
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path).map_err(|source| SettingsError::Read { path: path.to_owned(), source })?;
        let base = path.parent().map(Path::to_owned).unwrap_or_default();
        Self::parse(&text, &base).map_err(|mistakes| SettingsError::Wrong { path: path.to_owned(), mistakes })
    }

    /// Reads settings from text.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(text: &str, base: &Path) -> Result<Self, Vec<Mistake>> {
        let reader = Reader::new(text);
        let table = reader.parse();
        let settings = read(&Section::root(&reader, &table), base, text);
        let mistakes = reader.finish();
        if mistakes.is_empty() { Ok(settings) } else { Err(mistakes) }
    }
}

fn read(root: &Section<'_, '_>, base: &Path, text: &str) -> Settings {
    use sha2::Digest as _;
    let lane = root.section("lane");
    let site = lane.text("site", None, 1..=32);
    let gate = lane.text("gate", Some(&site), 1..=32);
    let name = lane.text("name", None, 1..=32);
    let direction = lane.word("direction", None, &rules::DIRECTIONS).unwrap_or(lane_core::declaration::Direction::Outbound);
    let trades = rules::trades(&lane);
    let state_dir = base.join(lane.text("state_dir", Some("/var/lib/borderlane"), 1..=256));
    let clock_vouched = lane.flag("clock_vouched", false);
    let log = lane.text("log", Some("info"), 1..=256);
    let mut defaults = Rules::local_default(gate.as_str().into(), name.as_str().into(), direction);
    defaults.trades = trades;
    let table = root.section("rules");
    let mut rules = rules::read(&table, defaults);
    table.close();
    let barrier = root.section("barrier");
    let barrier_settings = devices::barrier(&barrier, base);
    barrier.close();
    let scale = root.section("scale");
    let scale_settings = scale.present().then(|| devices::scale(&scale, base, &mut rules.weight)).flatten();
    scale.close();
    let settings = Settings {
        site,
        gate,
        lane: name,
        clock_vouched,
        barrier: barrier_settings,
        scale: scale_settings,
        vision: vision(&root.section("vision"), base),
        centre: centre(&root.section("centre"), base),
        web: web(&root.section("web"), &state_dir),
        state_dir,
        rules,
        log,
        digest: sha2::Sha256::digest(text.as_bytes()).into(),
    };
    lane.close();
    for key in ["vision", "centre", "web"] {
        root.allow(&[key]);
    }
    root.check_known();
    settings
}

fn vision(section: &Section<'_, '_>, base: &Path) -> VisionSettings {
    let camera = |key: &str| {
        let credentials_key = format!("{key}_credentials_file");
        let credentials_file = section.optional_text(&credentials_key, 1..=256).map(|file| base.join(file));
        let Some(source) = section.optional_text(key, 1..=512) else {
            if credentials_file.is_some() {
                section.wrong(&credentials_key, format!("there is no {key} that it could belong to"));
            }
            return None;
        };
        if !CAMERA_SOURCES.iter().any(|start| source.starts_with(start)) {
            section.wrong(key, format!("a camera's source begins with one of {}", CAMERA_SOURCES.join(", ")));
        }
        if credentials_file.is_some() && !source.starts_with("http://") && !source.starts_with("rtsp://") {
            section.wrong(&credentials_key, "only http:// and rtsp:// cameras take credentials");
        }
        Some(CameraSource { source, credentials_file })
    };
    let read = VisionSettings {
        program: base.join(section.text("program", Some("/usr/bin/borderlane-vision"), 1..=256)),
        models: base.join(section.text("models", Some("/usr/share/borderlane/models"), 1..=256)),
        front: camera("front"),
        rear: camera("rear"),
    };
    section.check_known();
    read
}

fn centre(section: &Section<'_, '_>, base: &Path) -> Option<CentreSettings> {
    if !section.present() {
        return None;
    }
    let path = |key: &str| section.optional_text(key, 1..=256).map(|p| base.join(p));
    let tls = match (path("ca_file"), path("certificate_file"), path("key_file")) {
        (Some(ca), Some(certificate), Some(key)) => Some([ca, certificate, key]),
        (None, None, None) => None,
        _ => {
            section.wrong("ca_file", "ca_file, certificate_file and key_file belong together: all three or none");
            None
        }
    };
    let login = match (section.optional_text("user", 1..=64), path("password_file")) {
        (Some(user), Some(file)) => Some((user, file)),
        (None, None) => None,
        _ => {
            section.wrong("user", "user and password_file belong together");
            None
        }
    };
    let root_key = section.text("root_key", None, 64..=64);
    if !root_key.bytes().all(|b| b.is_ascii_hexdigit()) {
        section.wrong("root_key", "must be 64 hex digits: the public root key of the site");
    }
    let read = CentreSettings {
        host: section.text("host", None, 1..=253),
        port: section.number("port", 8883, 1..=65_535),
        root_key,
        tls,
        login,
        head_ahead_max_s: section.number("head_ahead_max_s", 300_u32, 1..=86_400),
        open_needs_two_keys: section.flag("open_needs_two_keys", false),
    };
    section.check_known();
    Some(read)
}

fn web(section: &Section<'_, '_>, state_dir: &Path) -> WebSettings {
    let text = section.text("listen", Some("127.0.0.1:8080"), 1..=64);
    let listen = text.parse::<SocketAddr>();
    match &listen {
        Err(_) => section.wrong("listen", "must be an address and a port like 127.0.0.1:8080"),
        Ok(address) if !address.ip().is_loopback() => section.wrong("listen", "must be a loopback address: the screen is at the lane"),
        Ok(_) => {}
    }
    let pepper = section.optional_text("pepper_file", 1..=256).map_or_else(|| state_dir.join("pepper"), PathBuf::from);
    let read = WebSettings {
        listen: listen.unwrap_or_else(|_| SocketAddr::from(([127, 0, 0, 1], 8080))),
        pepper_file: pepper,
        session_idle_s: section.number("session_idle_s", 300_u32, 30..=28_800),
    };
    section.check_known();
    read
}
