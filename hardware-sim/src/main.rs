//! `hardware-sim`: see `--help`, and `config.rs` for the settings.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use hardware_sim::config::{self, Config};
use hardware_sim::shell;

/// Exit code for bad settings (sysexits: EX_CONFIG).
const BAD_SETTINGS: u8 = 78;

/// A simulated border lane: boom and detectors over Modbus TCP, a weighbridge over TCP, cameras as MJPEG, and a page to play it.
///
/// When everything listens, one line of JSON with all addresses is printed on standard output:
/// {"control":"127.0.0.1:…","modules":["127.0.0.1:…"],"scale":"127.0.0.1:…","cameras":{"front":"127.0.0.1:…"}}.
/// The page is at http://CONTROL/, a camera's stream at http://CAMERA/stream.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Settings (TOML). Without it: the default lane on free ports of the loopback interface.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Scenario (TOML) to run from the start; overrides the settings.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Simulated seconds per real second, 0.1 to 50; overrides the settings.
    #[arg(long)]
    speed: Option<f64>,
    /// Seed of the noise; overrides the settings.
    #[arg(long)]
    seed: Option<u64>,
    /// Start standing still; time moves by POST /step.
    #[arg(long)]
    paused: bool,
    /// Address of the control interface and page, a loopback address; overrides the settings.
    #[arg(long, value_name = "ADDRESS:PORT")]
    control: Option<std::net::SocketAddr>,
    /// Check settings and scenario, then leave.
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("HARDWARE_SIM_LOG").unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let (config, scenario) = match settle(&arguments) {
        Ok(settled) => settled,
        Err(error) => {
            eprintln!("hardware-sim: {error}");
            return ExitCode::from(BAD_SETTINGS);
        }
    };
    if arguments.check {
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime.map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(run(&config, scenario.as_deref()))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hardware-sim: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Settings and scenario text, both checked.
fn settle(arguments: &Arguments) -> Result<(Config, Option<String>), String> {
    let mut config = match &arguments.config {
        Some(path) => Config::load(path).map_err(tell)?,
        None => Config::default(),
    };
    config.speed = arguments.speed.unwrap_or(config.speed);
    config.seed = arguments.seed.unwrap_or(config.seed);
    config.paused |= arguments.paused;
    config.control.listen = arguments.control.unwrap_or(config.control.listen);
    let problems = config.problems();
    if !problems.is_empty() {
        return Err(hardware_sim::strict::Problems(problems).to_string());
    }
    let scenario = match arguments.scenario.as_ref().or(config.scenario.as_ref()) {
        Some(path) => {
            let text = config::read_text(path).map_err(tell)?;
            let knobs = hardware_sim::knobs::Knobs::new(config.modules.len(), &config.camera_names());
            hardware_sim::scenario::Scenario::parse(&text, &knobs).map_err(|problems| format!("{}:\n{problems}", path.display()))?;
            Some(text)
        }
        None => None,
    };
    Ok((config, scenario))
}

async fn run(config: &Config, scenario: Option<&str>) -> Result<(), String> {
    let lane = shell::start(config).await.map_err(tell)?;
    if let Some(text) = scenario {
        let name = lane.shared.act(|sim| sim.run_scenario(text, false)).map_err(tell)?;
        tracing::info!(name, "the scenario runs");
    }
    let addresses = serde_json::to_string(&lane.addresses).map_err(tell)?;
    let mut out = std::io::stdout();
    writeln!(out, "{addresses}").and_then(|()| out.flush()).map_err(tell)?;
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(tell)?;
    tokio::select! {
        ended = tokio::signal::ctrl_c() => ended.map_err(tell)?,
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// An error with its causes, on one line.
fn tell(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}
