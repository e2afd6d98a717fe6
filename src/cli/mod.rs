//! The commands a person types. Each takes its streams as arguments and returns the exit code, so that tests use the same door.

pub mod camera;
pub mod check;
pub mod declarations;
pub mod diag;
pub mod keys;
pub mod ledger;
pub mod officer;
pub mod plates;
pub mod replay;
pub mod scale;

use std::path::PathBuf;

/// Officers' accounts of this lane, whether or not its daemon runs
#[derive(Debug, clap::Args)]
pub struct OfficerCli {
    /// The settings
    #[arg(long, global = true, default_value = "/etc/borderlane/lane.toml")]
    config: PathBuf,
    #[command(flatten)]
    args: officer::OfficerArgs,
}
