//! `borderlane-central`: the reference central console.

use borderlane_central::app;
use borderlane_central::config::Config;
use borderlane_central::keys::KeyFolder;
use clap::{Parser, Subcommand};
use lane_link::hex_bytes::Hex32;
use lane_link::keys::KeyPurpose;
use lane_link::topics::Name;
use std::path::PathBuf;
use std::process::ExitCode;

/// Reference central console of Borderlane: declarations in, records out of the lanes, commands to them.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Run the centre
    Run {
        /// Settings, TOML
        #[arg(long)]
        config: PathBuf,
    },
    /// Make and change the site's keys
    Keys {
        #[command(subcommand)]
        what: Keys,
    },
}

#[derive(Debug, Subcommand)]
enum Keys {
    /// Make root, data, command and rules keys (mode 0400) and the first list; prints the root to pin
    Init(Folder),
    /// List a lane's public key
    Lane {
        #[command(flatten)]
        folder: Folder,
        /// The lane
        #[arg(long)]
        lane: String,
        /// Its public key, 64 hexadecimal digits (`borderlane keys make`)
        #[arg(long)]
        public: Hex32,
    },
    /// Make the next key of a purpose, listed beside the old one
    Rotate {
        #[command(flatten)]
        folder: Folder,
        /// data, command or rules
        #[arg(long)]
        purpose: String,
    },
    /// Leave a key out of the list
    Retire {
        #[command(flatten)]
        folder: Folder,
        /// Its id, e.g. data-1
        #[arg(long)]
        key_id: String,
    },
}

#[derive(Debug, clap::Args)]
struct Folder {
    /// The key folder
    #[arg(long)]
    dir: PathBuf,
    /// The site
    #[arg(long)]
    site: String,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter()).init();
    let done = match Cli::parse().what {
        What::Run { config } => run(&config),
        What::Keys { what } => keys(what),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            tracing::error!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn filter() -> tracing_subscriber::EnvFilter {
    tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,rumqttc=warn"))
}

fn run(config: &std::path::Path) -> Result<(), String> {
    let config = Config::load(config).map_err(|e| e.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let mut running = app::run(config).await.map_err(|e| e.to_string())?;
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(|e| e.to_string())?;
        tokio::select! {
            () = running.ended() => Err("a part of the centre ended".to_owned()),
            _ = terminate.recv() => Ok(()),
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    })
}

fn keys(what: Keys) -> Result<(), String> {
    let open = |folder: &Folder| Name::new(&folder.site).map(|site| KeyFolder::new(&folder.dir, &site)).map_err(|e| e.to_string());
    let now = app::now_ms();
    let line = match what {
        Keys::Init(folder) => open(&folder)?.init(now).map(|root| root.to_string()),
        Keys::Lane { folder, lane, public } => {
            let lane = Name::new(&lane).map_err(|e| e.to_string())?;
            open(&folder)?.add_lane(&lane, public, now).map(|version| format!("key list {version}"))
        }
        Keys::Rotate { folder, purpose } => {
            let purpose = match purpose.as_str() {
                "data" => KeyPurpose::Data,
                "command" => KeyPurpose::Command,
                "rules" => KeyPurpose::Rules,
                other => return Err(format!("no purpose {other:?}: data, command or rules")),
            };
            open(&folder)?.rotate(purpose, now).map(|version| format!("key list {version}"))
        }
        Keys::Retire { folder, key_id } => open(&folder)?.retire(&key_id, now).map(|version| format!("key list {version}")),
    };
    let line = line.map_err(|e| e.to_string())?;
    use std::io::Write;
    writeln!(std::io::stdout(), "{line}").map_err(|e| e.to_string())
}
