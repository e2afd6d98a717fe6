//! `borderlane camera view front|rear`: how a camera of the running lane looks, and its commissioning view.
//!
//! `--save FILE` keeps the newest frame as a JPEG file, to be looked at; `--accept` makes the newest frame the commissioning view, or, with
//! `--picture`, exactly the one that was saved; `--undo` takes the view before this one back. The daemon is asked at its control socket
//! (`runtime::control`), and each change is a record of the ledger.
//!
//! Exit codes: 0 done, 1 the daemon could not be asked or refused, 2 the settings could not be read.

use crate::runtime::control::{self, Ask, CameraNow};
use crate::settings::Settings;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::{Args, Subcommand, ValueEnum};
use lane_link::view_api::{AcceptedView, ViewAct};
use lane_link::words;
use std::io::Write;
use std::path::{Path, PathBuf};

/// How the lane's cameras look, and their commissioning views
#[derive(Debug, Args)]
pub struct CameraArgs {
    /// The settings
    #[arg(long, global = true, default_value = "/etc/borderlane/lane.toml")]
    config: PathBuf,
    #[command(subcommand)]
    command: CameraCommand,
}

#[derive(Debug, Subcommand)]
enum CameraCommand {
    /// Show a camera's condition and commissioning view; accept another
    View(ViewArgs),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Which {
    Front,
    Rear,
}

#[derive(Debug, Args)]
struct ViewArgs {
    /// The camera
    camera: Which,
    /// Keep the newest frame as this JPEG file
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// From now on the camera is compared with its newest frame
    #[arg(long, conflicts_with = "undo")]
    accept: bool,
    /// With --accept: the frame that was saved minutes ago, by the digest that was printed
    #[arg(long, value_name = "SHA-256", requires = "accept")]
    picture: Option<String>,
    /// The view before this one counts again
    #[arg(long)]
    undo: bool,
}

/// Runs the command and returns the exit code.
pub fn run(args: &CameraArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let settings = match Settings::load(&args.config) {
        Ok(settings) => settings,
        Err(error) => {
            let _told = writeln!(err, "borderlane camera: {error}");
            return 2;
        }
    };
    let CameraCommand::View(view) = &args.command;
    match look(&settings.state_dir, view, out) {
        Ok(()) => 0,
        Err(why) => {
            let _told = writeln!(err, "borderlane camera: {why}");
            1
        }
    }
}

fn look(state_dir: &Path, args: &ViewArgs, out: &mut dyn Write) -> Result<(), String> {
    let camera = match args.camera {
        Which::Front => words::Camera::Front,
        Which::Rear => words::Camera::Rear,
    };
    let mut say = |line: String| writeln!(out, "{line}").map_err(|error| error.to_string());
    let told = control::ask(state_dir, &Ask::Camera { camera }, &[])?;
    let now: CameraNow = serde_json::from_value(told).map_err(|error| error.to_string())?;
    let word = crate::runtime::health::word(now.state);
    say(format!("state            {word}{}", now.sight.since_ms.map_or(String::new(), |ms| format!(" for {} s", ms / 1000))))?;
    if let Some(measured) = now.sight.measured {
        say(format!("measured         {}", serde_json::to_string(&measured).map_err(|error| error.to_string())?))?;
    }
    say(format!("commissioned     {}", described(now.sight.accepted.as_ref())))?;
    if let Some(path) = &args.save {
        let jpeg = now.jpeg.as_deref().ok_or("the camera sends no picture now")?;
        let bytes = BASE64.decode(jpeg).map_err(|error| error.to_string())?;
        std::fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
        say(format!("saved            {} as {}", now.picture.as_deref().unwrap_or(""), path.display()))?;
    }
    let act = if args.accept {
        let picture = args.picture.clone().or(now.picture).ok_or("the camera sends no picture now")?;
        ViewAct::Accept { picture }
    } else if args.undo {
        ViewAct::TakeBack
    } else {
        return Ok(());
    };
    let accepted = control::ask(state_dir, &Ask::CameraView { camera, act }, &[])?;
    let accepted: Option<AcceptedView> = serde_json::from_value(accepted).map_err(|error| error.to_string())?;
    say(format!("from now on      {}", described(accepted.as_ref())))
}

fn described(view: Option<&AcceptedView>) -> String {
    let Some(view) = view else { return "no commissioning view: a camera that is moved is not noticed".into() };
    let at = jiff::Timestamp::from_millisecond(view.utc_ms).map_or_else(|_| "unknown time".into(), |t| t.to_string());
    let by = view.by.as_deref().unwrap_or("the control socket");
    format!("{} accepted {at} by {by}", view.picture)
}
