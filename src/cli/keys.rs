//! `borderlane keys`: the lane's own key, and the site's signed key list.
//!
//! ```text
//! borderlane keys make FILE                    a new private key, mode 0400; prints the public key for the centre's list
//! borderlane keys show FILE                    the public key of a private key
//! borderlane keys import LIST --site S --root R --kept FILE    believes a signed key list under root R and keeps it
//! ```
//! Exit codes: 0 done, 1 refused (the reason is printed), 2 usage (clap).

use crate::sync::key_files::{import_key_list, load_private, make_private, public_key};
use clap::{Args, Subcommand};
use lane_link::hex_bytes::Hex32;
use lane_link::keys::{Imported, KeyRing};
use lane_link::topics::Name;
use std::io::Write;
use std::path::PathBuf;

/// The lane's key, and the site's signed key list
#[derive(Debug, Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make the lane's private key (mode 0400) and print its public key
    Make {
        /// The new file; an existing one is never touched
        file: PathBuf,
    },
    /// Print the public key of a private key
    Show {
        /// The private key's file
        file: PathBuf,
    },
    /// Import a key list signed by the site's root
    Import {
        /// The signed list
        list: PathBuf,
        /// The site's name
        #[arg(long)]
        site: String,
        /// The pinned root: 64 hexadecimal digits
        #[arg(long)]
        root: Hex32,
        /// Where the daemon keeps the list in use
        #[arg(long)]
        kept: PathBuf,
    },
}

/// Runs the command; the exit code.
pub fn run(args: &KeysArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let done = match &args.what {
        What::Make { file } => make_private(file).map(|key| public_key(&key).to_string()).map_err(|e| e.to_string()),
        What::Show { file } => load_private(file).map(|key| public_key(&key).to_string()).map_err(|e| e.to_string()),
        What::Import { list, site, root, kept } => import(list, site, root, kept),
    };
    let written = match &done {
        Ok(line) => writeln!(out, "{line}"),
        Err(why) => writeln!(err, "borderlane keys: {why}"),
    };
    u8::from(done.is_err() || written.is_err())
}

fn import(list: &std::path::Path, site: &str, root: &Hex32, kept: &std::path::Path) -> Result<String, String> {
    let site = Name::new(site).map_err(|e| e.to_string())?;
    let mut ring = KeyRing::pinned(site, root).map_err(|e| e.to_string())?;
    match import_key_list(&mut ring, kept, list).map_err(|e| e.to_string())? {
        Imported::New(version) => Ok(format!("key list {version} is in use")),
        Imported::Unchanged => Ok(format!("key list {} was in use already", ring.version())),
    }
}
