//! Settings of the simulated lane: one TOML file, or the defaults.
//!
//! Every key is optional. Listeners default to a free port of the loopback interface (`127.0.0.1:0`); the addresses taken are printed at the start.
//!
//! ```toml
//! seed = 1                    # randomness of noise
//! speed = 1.0                 # simulated seconds per real second, 0.1 to 50
//! paused = false              # start standing still; POST /step moves time
//! scenario = "truck.toml"     # run at the start; relative to this file
//! photos = "photos"           # folder of pictures that vehicles may name; relative to this file
//! font = "/path/to/face.ttf"  # face of the plates; default: OSP-DIN where installed, else own strokes
//! [control]  listen = "127.0.0.1:0"
//! [lane]     stop_line_m = 23.0 ...           # see world::geometry
//! [boom]     open_kind = "pulse"  closing = "self"  travel_ms = 2000 ...
//! [platform] division_kg = 20  capacity_kg = 80000  noise_kg = 3.0
//! [[module]] kind = "moxa-e1214"  listen = "127.0.0.1:0"  watchdog_ms = 0 ...
//! [inputs]   boom_loop = { module = 0, index = 0, normally = "open" } ...
//! [outputs]  open = { module = 0, index = 0 } ...
//! [scale]    protocol = "yaohua"  listen = "127.0.0.1:0"  rate_hz = 8.0
//! [[camera]] name = "front"  looks_at = "front"  listen = "127.0.0.1:0"  source = "rendered"
//! ```
//!
//! # Default wiring
//! Two modules of kind `moxa-e1214`, their watchdogs not armed (`watchdog_ms = 0`: long steps would let them expire). `[inputs]` and `[outputs]`, when given, replace the whole table.
//!
//! | index | module 0, input | module 1, input | module 0, output |
//! |---|---|---|---|
//! | 0 | `boom_loop`, open | `platform_front`, open | `open` |
//! | 1 | `photocell`, **closed** (beam whole = 1) | `platform_rear`, open | `close` |
//! | 2 | `boom_up`, open | `e_stop`, **closed** (not pressed = 1) | `stop`: off = run, on = stop |
//! | 3 | `boom_down`, open | `manual_key`, open | `light_red` |
//! | 4 | `approach_loop`, open | `operator_fault`, open | `light_green` |
//! | 5 | `exit_loop`, open | `tamper`, open | `buzzer` |
//!
//! The stop terminal runs through the relay's normally closed contact: a relay that is off, or a module without power, lets the boom's board run.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::indicator::Protocol;
use crate::modbus::device::{ModuleBuild, ModuleKind};
use crate::signal::{Output, Signal};
use crate::strict::{self, Problem, Problems};
use crate::world::geometry::{BoomBuild, Geometry};
use crate::world::platform::PlatformBuild;

/// Longest settings or scenario file, bytes.
pub const MAX_FILE_BYTES: u64 = 1 << 20;
/// Most modules and cameras of a lane.
pub const MAX_MODULES: usize = 4;
pub const MAX_CAMERAS: usize = 4;

/// The contact's rest position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normally {
    /// Active = 1.
    #[default]
    Open,
    /// Active = 0.
    Closed,
}

/// Where a signal arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputWire {
    pub module: usize,
    pub index: usize,
    #[serde(default)]
    pub normally: Normally,
}

/// Which relay drives an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputWire {
    pub module: usize,
    pub index: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Control {
    /// Loopback only: whoever reaches it plays the lane.
    pub listen: SocketAddr,
}

impl Default for Control {
    fn default() -> Self {
        Control { listen: any_port() }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScaleLine {
    pub protocol: Protocol,
    pub listen: SocketAddr,
    /// Frames a second, 0.5 to 50.
    pub rate_hz: f64,
}

impl Default for ScaleLine {
    fn default() -> Self {
        ScaleLine { protocol: Protocol::Yaohua, listen: any_port(), rate_hz: 8.0 }
    }
}

/// Which end of a vehicle a camera looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LooksAt {
    Front,
    Rear,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CameraSource {
    /// The lane as drawn by the simulator.
    #[default]
    Rendered,
    /// The pictures of `folder`, in the order of their names, each for `folder_hold_ms`.
    Folder,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Camera {
    /// Names its knobs; letters, digits and `_`.
    pub name: String,
    pub looks_at: LooksAt,
    #[serde(default = "any_port")]
    pub listen: SocketAddr,
    #[serde(default)]
    pub source: CameraSource,
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// Time each picture of the folder is shown, ms.
    #[serde(default = "folder_hold_ms")]
    pub folder_hold_ms: u64,
    /// Frames a second, 1 to 30.
    #[serde(default = "fps")]
    pub fps: u32,
    /// Width and height, pixels.
    #[serde(default = "size")]
    pub size: [u32; 2],
}

/// The whole lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub seed: u64,
    pub speed: f64,
    pub paused: bool,
    pub scenario: Option<PathBuf>,
    pub photos: Option<PathBuf>,
    pub font: Option<PathBuf>,
    pub control: Control,
    pub lane: Geometry,
    pub boom: BoomBuild,
    pub platform: PlatformBuild,
    #[serde(rename = "module")]
    pub modules: Vec<ModuleBuild>,
    pub inputs: BTreeMap<Signal, InputWire>,
    pub outputs: BTreeMap<Output, OutputWire>,
    pub scale: ScaleLine,
    #[serde(rename = "camera")]
    pub cameras: Vec<Camera>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            seed: 1,
            speed: 1.0,
            paused: false,
            scenario: None,
            photos: None,
            font: None,
            control: Control::default(),
            lane: Geometry::default(),
            boom: BoomBuild::default(),
            platform: PlatformBuild::default(),
            modules: vec![ModuleBuild::new(ModuleKind::MoxaE1214), ModuleBuild::new(ModuleKind::MoxaE1214)],
            inputs: default_inputs(),
            outputs: default_outputs(),
            scale: ScaleLine::default(),
            cameras: vec![Camera::rendered("front", LooksAt::Front), Camera::rendered("rear", LooksAt::Rear)],
        }
    }
}

impl Camera {
    /// A drawn camera with the defaults.
    pub fn rendered(name: &str, looks_at: LooksAt) -> Camera {
        Camera {
            name: name.to_owned(),
            looks_at,
            listen: any_port(),
            source: CameraSource::Rendered,
            folder: None,
            folder_hold_ms: folder_hold_ms(),
            fps: fps(),
            size: size(),
        }
    }
}

/// A free port of the loopback interface.
pub fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn folder_hold_ms() -> u64 {
    2_000
}

fn fps() -> u32 {
    10
}

fn size() -> [u32; 2] {
    [1280, 720]
}

fn default_inputs() -> BTreeMap<Signal, InputWire> {
    use Normally::{Closed, Open};
    let wire = |module, index, normally| InputWire { module, index, normally };
    BTreeMap::from([
        (Signal::BoomLoop, wire(0, 0, Open)),
        (Signal::Photocell, wire(0, 1, Closed)),
        (Signal::BoomUp, wire(0, 2, Open)),
        (Signal::BoomDown, wire(0, 3, Open)),
        (Signal::ApproachLoop, wire(0, 4, Open)),
        (Signal::ExitLoop, wire(0, 5, Open)),
        (Signal::PlatformFront, wire(1, 0, Open)),
        (Signal::PlatformRear, wire(1, 1, Open)),
        (Signal::EStop, wire(1, 2, Closed)),
        (Signal::ManualKey, wire(1, 3, Open)),
        (Signal::OperatorFault, wire(1, 4, Open)),
        (Signal::Tamper, wire(1, 5, Open)),
    ])
}

fn default_outputs() -> BTreeMap<Output, OutputWire> {
    Output::ALL.into_iter().enumerate().map(|(index, output)| (output, OutputWire { module: 0, index })).collect()
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{} cannot be read", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} is longer than {MAX_FILE_BYTES} bytes", path.display())]
    TooLong { path: PathBuf },
    #[error("{}:\n{problems}", path.display())]
    Problems { path: PathBuf, problems: Problems },
}

/// Reads a small text file, bounded.
pub fn read_text(path: &Path) -> Result<String, ConfigError> {
    let read = |source| ConfigError::Read { path: path.to_owned(), source };
    let length = std::fs::metadata(path).map_err(read)?.len();
    if length > MAX_FILE_BYTES {
        return Err(ConfigError::TooLong { path: path.to_owned() });
    }
    std::fs::read_to_string(path).map_err(read)
}

impl Config {
    /// Reads and checks a file; its relative paths are taken from its folder.
    pub fn load(path: &Path) -> Result<Config, ConfigError> {
        let text = read_text(path)?;
        let mut config = Config::parse(&text).map_err(|problems| ConfigError::Problems { path: path.to_owned(), problems })?;
        let base = path.parent().unwrap_or(Path::new("."));
        let folders = config.cameras.iter_mut().map(|camera| &mut camera.folder);
        for relative in [&mut config.scenario, &mut config.photos, &mut config.font].into_iter().chain(folders).flatten() {
            *relative = base.join(&*relative);
        }
        Ok(config)
    }

    /// Reads and checks a text.
    pub fn parse(text: &str) -> Result<Config, Problems> {
        let config: Config = strict::parse(text)?;
        let problems = config.problems();
        if problems.is_empty() { Ok(config) } else { Err(Problems(problems)) }
    }

    /// Names of the cameras, in order.
    pub fn camera_names(&self) -> Vec<String> {
        self.cameras.iter().map(|camera| camera.name.clone()).collect()
    }

    /// Everything that is wrong beyond the types.
    pub fn problems(&self) -> Vec<Problem> {
        let mut told: Vec<String> = self.lane.problems();
        let mut check = |good: bool, message: String| {
            if !good {
                told.push(message);
            }
        };
        check((0.1..=50.0).contains(&self.speed), "`speed` must be 0.1 to 50".to_owned());
        check(self.control.listen.ip().is_loopback(), "control: `listen` must be a loopback address".to_owned());
        check((100..=60_000).contains(&self.boom.travel_ms), "boom: `travel_ms` must be 100 to 60000".to_owned());
        check((0.0..=90.0).contains(&self.boom.start_deg), "boom: `start_deg` must be 0 to 90".to_owned());
        check((1..=1_000).contains(&self.platform.division_kg), "platform: `division_kg` must be 1 to 1000".to_owned());
        check((1_000..=500_000).contains(&self.platform.capacity_kg), "platform: `capacity_kg` must be 1000 to 500000".to_owned());
        check((0.0..=1_000.0).contains(&self.platform.noise_kg), "platform: `noise_kg` must be 0 to 1000".to_owned());
        check((0.5..=50.0).contains(&self.scale.rate_hz), "scale: `rate_hz` must be 0.5 to 50".to_owned());
        check(self.modules.len() <= MAX_MODULES, format!("at most {MAX_MODULES} modules"));
        check(self.cameras.len() <= MAX_CAMERAS, format!("at most {MAX_CAMERAS} cameras"));
        let mut taken = Vec::new();
        for (signal, wire) in &self.inputs {
            let known = self.modules.get(wire.module).is_some_and(|module| wire.index < module.kind.inputs());
            check(known, format!("inputs: `{}` names input {} of module {}, which does not exist", signal.name(), wire.index, wire.module));
            check(
                !taken.contains(&(wire.module, wire.index)),
                format!("inputs: `{}` shares its terminal with another signal", signal.name()),
            );
            taken.push((wire.module, wire.index));
        }
        taken.clear();
        for (output, wire) in &self.outputs {
            let known = self.modules.get(wire.module).is_some_and(|module| wire.index < module.kind.relays());
            check(
                known,
                format!("outputs: `{}` names relay {} of module {}, which does not exist", output.name(), wire.index, wire.module),
            );
            check(
                !taken.contains(&(wire.module, wire.index)),
                format!("outputs: `{}` shares its relay with another output", output.name()),
            );
            taken.push((wire.module, wire.index));
        }
        for camera in &self.cameras {
            let name = &camera.name;
            let plain = !name.is_empty() && name.len() <= 16 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            check(plain, format!("camera: `name` {name:?} must be 1 to 16 letters, digits or `_`"));
            check(self.cameras.iter().filter(|other| other.name == *name).count() == 1, format!("camera: two are named `{name}`"));
            check((1..=30).contains(&camera.fps), format!("camera {name}: `fps` must be 1 to 30"));
            let [width, height] = camera.size;
            check(
                (160..=1_920).contains(&width) && (120..=1_200).contains(&height),
                format!("camera {name}: `size` must be 160x120 to 1920x1200"),
            );
            check((50..=3_600_000).contains(&camera.folder_hold_ms), format!("camera {name}: `folder_hold_ms` must be 50 to 3600000"));
            check(
                (camera.source == CameraSource::Folder) == camera.folder.is_some(),
                format!("camera {name}: `folder` goes with `source = \"folder\"`"),
            );
        }
        told.into_iter().map(Problem::new).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_text_is_the_default_lane() {
        assert_eq!(Config::parse("").unwrap(), Config::default());
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let text = "speed = 1.0\nsped = 2\n[boom]\ntravel = 3\n[[module]]\nkind = \"nonsense\"\n";
        let problems = Config::parse(text).unwrap_err();
        let lines: Vec<_> = problems.0.iter().filter_map(|problem| problem.line).collect();
        assert!(lines.contains(&2) && lines.contains(&4) && lines.contains(&6), "{problems}");

        let text = "speed = 99.0\n[control]\nlisten = \"0.0.0.0:80\"\n[inputs]\nboom_loop = { module = 7, index = 0 }\n";
        assert_eq!(Config::parse(text).unwrap_err().0.len(), 3);
    }

    #[test]
    fn two_signals_on_one_terminal_are_refused() {
        let text = "[inputs]\nboom_loop = { module = 0, index = 0 }\nphotocell = { module = 0, index = 0 }\n";
        let problems = Config::parse(text).unwrap_err();
        assert!(problems.to_string().contains("shares its terminal"), "{problems}");
    }
}
