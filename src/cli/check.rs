//! `borderlane check`: the doctor. One line a part: good, or what is broken and the next step. Exit code 0 when everything is good, 1 when a part
//! is broken, 78 when the settings are wrong.

use crate::settings::{EXIT_BAD_SETTINGS, Settings};
use crate::store::files::free_bytes;
use crate::sync::key_files;
use std::io::Write;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

/// Longest wait for one device.
const CONNECT_TIMEOUT_MS: u64 = 1_500;
/// Less free disk than this is told.
const NEARLY_FULL_BYTES: u64 = 1 << 30;

struct Doctor<'o> {
    out: &'o mut dyn Write,
    broken: bool,
}

impl Doctor<'_> {
    fn say(&mut self, part: &str, found: Result<String, String>) {
        let (word, text) = match &found {
            Ok(text) => ("good  ", text),
            Err(text) => ("BROKEN", text),
        };
        self.broken |= found.is_err();
        // A closed output ends nothing: the exit code still says it.
        let _told = writeln!(self.out, "{word}  {part}: {text}");
    }
}

/// Checks and returns the exit code.
pub fn run(config: &Path, out: &mut dyn Write) -> u8 {
    let mut doctor = Doctor { out, broken: false };
    let settings = match Settings::load(config) {
        Ok(settings) => settings,
        Err(error) => {
            doctor.say("settings", Err(error.to_string()));
            return EXIT_BAD_SETTINGS;
        }
    };
    doctor.say("settings", Ok(config.display().to_string()));
    doctor.say("state folder", state_dir(&settings.state_dir));
    doctor.say("disk", disk(&settings.state_dir));
    doctor.say("lane key", lane_key(&settings.state_dir));
    doctor.say("clock", clock(&settings));
    if let Some(accepted) = &settings.barrier.closing_accepted {
        doctor.say("closing", Ok(format!("accepted by {} on {}", accepted.by, accepted.on)));
    }
    for module in &settings.barrier.modules {
        let next = format!("check power, cable and address of I/O module {}", module.name);
        doctor.say(&format!("I/O module {}", module.name), reach(&module.address, &next));
    }
    if let Some(scale) = &settings.scale {
        doctor.say("scale", scale_line(&scale.endpoint));
    }
    for (name, camera) in [("front camera", &settings.vision.front), ("rear camera", &settings.vision.rear)] {
        if let Some(camera) = camera {
            doctor.say(name, camera_source(&camera.source));
            if let Some(file) = &camera.credentials_file {
                doctor.say(
                    &format!("{name}'s credentials"),
                    exists(file, "write NAME:PASSWORD into it, readable by the daemon's user alone"),
                );
            }
        }
    }
    doctor.say("vision worker", exists(&settings.vision.program, "install borderlane-vision, or set vision.program"));
    doctor.say("models", exists(&settings.vision.models.join("manifest.json"), "install the models, or set vision.models"));
    if let Some(centre) = &settings.centre {
        doctor.say("centre's broker", reach(&format!("{}:{}", centre.host, centre.port), "the lane works without it; check the uplink"));
    }
    doctor.say("PIN pepper", pepper(&settings.web.pepper_file));
    u8::from(doctor.broken)
}

fn state_dir(path: &Path) -> Result<String, String> {
    let probe = path.join(".check");
    std::fs::write(&probe, b"check")
        .and_then(|()| std::fs::remove_file(&probe))
        .map(|()| path.display().to_string())
        .map_err(|error| format!("{}: {error}; make it, owned by the daemon's user", path.display()))
}

fn disk(path: &Path) -> Result<String, String> {
    let free = free_bytes(path).map_err(|error| error.to_string())?;
    let text = format!("{} MiB free", free >> 20);
    if free < NEARLY_FULL_BYTES { Err(format!("{text}: nearly full; make room on {}", path.display())) } else { Ok(text) }
}

fn lane_key(state_dir: &Path) -> Result<String, String> {
    let path = state_dir.join("keys/lane.key");
    if !path.exists() {
        return Ok("none yet: the first start makes it".into());
    }
    key_files::load_private(&path).map(|key| format!("public {}", key_files::public_key(&key))).map_err(|error| error.to_string())
}

fn clock(settings: &Settings) -> Result<String, String> {
    if settings.clock_vouched {
        return Ok("vouched for by the settings".into());
    }
    match crate::clock::wall(crate::clock::Trust::Kernel).trusted() {
        Some(_) => Ok("synchronised".into()),
        None => Err("not synchronised: windows and expiries are unknown; start systemd-timesyncd or name a time server".into()),
    }
}

fn reach(address: &str, next: &str) -> Result<String, String> {
    let wrong = |error: String| format!("{address}: {error}; {next}");
    let mut addresses = address.to_socket_addrs().map_err(|error| wrong(error.to_string()))?;
    let first = addresses.next().ok_or_else(|| wrong("no address".into()))?;
    TcpStream::connect_timeout(&first, Duration::from_millis(CONNECT_TIMEOUT_MS)).map_err(|error| wrong(error.to_string()))?;
    Ok(address.to_owned())
}

fn scale_line(endpoint: &crate::scale::endpoint::Endpoint) -> Result<String, String> {
    use crate::scale::endpoint::Endpoint;
    match endpoint {
        Endpoint::Tcp { host, port } => reach(&format!("{host}:{port}"), "check the serial-to-IP box and its one allowed connection"),
        Endpoint::Serial { device, .. } => exists(Path::new(device), "check the cable and that the daemon's user is in group dialout"),
    }
}

fn camera_source(source: &str) -> Result<String, String> {
    let networked = [("http://", 80), ("rtsp://", 554)];
    for (scheme, port) in networked {
        if let Some(rest) = source.strip_prefix(scheme) {
            let host = rest.split('/').next().unwrap_or(rest);
            let address = if host.contains(':') { host.to_owned() } else { format!("{host}:{port}") };
            return reach(&address, "check power and address of the camera");
        }
    }
    let path = ["loop:", "file:", "v4l2:"].iter().find_map(|kind| source.strip_prefix(kind)).unwrap_or(source);
    exists(Path::new(path), "check the file or the device")
}

fn exists(path: &Path, next: &str) -> Result<String, String> {
    if path.exists() { Ok(path.display().to_string()) } else { Err(format!("{} is not there; {next}", path.display())) }
}

fn pepper(path: &Path) -> Result<String, String> {
    crate::officer::pin::Pepper::read(path).map(|_| path.display().to_string()).map_err(|error| error.to_string())
}
