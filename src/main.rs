//! Arguments, settings, logging, run, exit code.

use borderlane::cli::{self, camera, check, declarations, diag, keys, ledger, officer, plates, replay, scale};
use borderlane::runtime;
use borderlane::settings::{EXIT_BAD_SETTINGS, Settings};
use clap::{Args, Parser, Subcommand};
use std::io::{BufReader, stderr, stdin, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

/// Borderlane: gate control of one lane.
#[derive(Debug, Parser)]
#[command(name = "borderlane", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the lane (exit code 78: the settings are wrong)
    Run(Config),
    /// Look at settings, devices, keys, clock and disk; one line each with the next step
    Check(Config),
    Officer(cli::OfficerCli),
    Camera(camera::CameraArgs),
    Plates(plates::PlatesArgs),
    Scale(scale::ScaleArgs),
    Ledger(ledger::LedgerArgs),
    Replay(replay::ReplayArgs),
    Declarations(declarations::DeclarationsArgs),
    Keys(keys::KeysArgs),
    Diag(diag::DiagArgs),
}

#[derive(Debug, Args)]
struct Config {
    /// The settings
    #[arg(long, default_value = "/etc/borderlane/lane.toml")]
    config: PathBuf,
}

fn main() -> ExitCode {
    let (mut input, mut out, mut err) = (BufReader::new(stdin()), stdout().lock(), stderr());
    let code = match Cli::parse().command {
        Command::Run(config) => run(&config),
        Command::Check(config) => check::run(&config.config, &mut out),
        Command::Officer(args) => officer::at_the_desk(&args, &mut input, &mut out, &mut err),
        Command::Camera(args) => camera::run(&args, &mut out, &mut err),
        Command::Plates(args) => plates::run(&args, &mut err),
        Command::Scale(args) => scale::run(&args, &mut input, &mut out, &mut err),
        Command::Ledger(args) => ledger::run(&args, &mut out, &mut err),
        Command::Replay(args) => replay::run(&args, runtime::black_box::CORE_VERSION, runtime::replay::rerun, &mut out, &mut err),
        Command::Declarations(args) => declarations::run(&args, &mut out, &mut err),
        Command::Keys(args) => keys::run(&args, &mut out, &mut err),
        Command::Diag(args) => diag::run(&args, &mut out, &mut err),
    };
    ExitCode::from(code)
}

fn run(config: &Config) -> u8 {
    let settings = match Settings::load(&config.config) {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("borderlane: {error}");
            return EXIT_BAD_SETTINGS;
        }
    };
    runtime::main(settings)
}
