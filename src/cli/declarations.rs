//! `borderlane declarations find` and `list`: what the lane's cache knows, read beside a running daemon; `import`: a signed collection from a file,
//! for the day the network is gone, of any of the four collections. A running daemon takes it over; else it is written here.
//!
//! Exit codes: 0 found or imported, 1 nothing found or refused, 2 the cache or file could not be read or the arguments make no sense, 78 the
//! settings are wrong.

use crate::clock;
use crate::runtime::accounts::{self, Writer};
use crate::runtime::control::{self, Ask};
use crate::settings::Settings;
use crate::store::cache::{lookup, state};
use crate::store::verify::open_read_only;
use crate::store::{Collection, Found, FoundRow, LOOKUP_MAX_PLATES, StoreError, plate_key};
use clap::{Args, Subcommand};
use lane_core::plate::PlateText;
use lane_link::replica::MAX_BUNDLE_BYTES;
use serde_json::{Value, json};
use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};

/// Declarations as the lane's cache has them.
#[derive(Debug, Args)]
pub struct DeclarationsArgs {
    #[command(subcommand)]
    command: DeclarationsCommand,
}

#[derive(Debug, Subcommand)]
enum DeclarationsCommand {
    /// Find the declarations of a vehicle, exact and look-alike plates
    #[command(alias = "lookup")]
    Find(LookupArgs),
    /// Import a collection that the centre signed into a file (`GET /bundle/declarations`); nothing older than what is here is taken
    Import(ImportArgs),
    /// List declarations in order of their ids
    List(ListArgs),
}

#[derive(Debug, Args)]
struct LookupArgs {
    /// Plates, up to 8; separators are ignored
    #[arg(required = true, num_args = 1..=LOOKUP_MAX_PLATES)]
    plates: Vec<String>,
    /// The store's folder
    #[arg(long, default_value = "/var/lib/borderlane")]
    dir: PathBuf,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// The store's folder
    #[arg(long, default_value = "/var/lib/borderlane")]
    dir: PathBuf,
    /// Only this gate's
    #[arg(long)]
    gate: Option<String>,
    /// Begin after this id
    #[arg(long, default_value = "")]
    after: String,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    max: u16,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ImportArgs {
    /// The bundle
    file: PathBuf,
    /// The settings
    #[arg(long, default_value = "/etc/borderlane/lane.toml")]
    config: PathBuf,
}

#[derive(Debug, thiserror::Error)]
enum DeclarationsError {
    #[error(transparent)]
    Settings(#[from] crate::settings::SettingsError),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("not imported: {0}")]
    Import(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{plate:?}: {source}")]
    Plate { plate: String, source: lane_core::plate::PlateTextError },
    #[error("output cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

/// Runs the command and returns the exit code.
pub fn run(args: &DeclarationsArgs, stdout: &mut dyn Write, stderr: &mut dyn Write) -> u8 {
    let done = match &args.command {
        DeclarationsCommand::Find(args) => run_lookup(args, stdout),
        DeclarationsCommand::Import(args) => run_import(args, stdout),
        DeclarationsCommand::List(args) => run_list(args, stdout),
    };
    match done {
        Ok(true) => 0,
        Ok(false) => 1,
        Err(error) => {
            // nothing is left to say it to if stderr is gone too
            let _told = writeln!(stderr, "borderlane declarations: {error}");
            match error {
                DeclarationsError::Import(_) => 1,
                DeclarationsError::Settings(_) => crate::settings::EXIT_BAD_SETTINGS,
                _ => 2,
            }
        }
    }
}

fn run_lookup(args: &LookupArgs, out: &mut dyn Write) -> Result<bool, DeclarationsError> {
    let mut plates = Vec::with_capacity(args.plates.len());
    for plate in &args.plates {
        let parsed = PlateText::parse(plate).map_err(|source| DeclarationsError::Plate { plate: plate.clone(), source })?;
        plates.push(parsed.to_string());
    }
    let cache = open_cache(&args.dir)?;
    let lane = open_read_only(&args.dir.join("lane.db"))?;
    let found = lookup::lookup(&cache, &lane, plate_key, &plates, None)?;
    if args.json {
        writeln!(out, "{}", found_json(&found))?;
    } else {
        for row in &found.declarations {
            writeln!(out, "{}", line(row))?;
        }
        if found.truncated {
            writeln!(out, "(more than {} candidates: the rest is left out)", found.declarations.len())?;
        }
        match found.declarations_revision {
            Some(at) => writeln!(out, "{} found at revision {}.{}", found.declarations.len(), at.epoch, at.revision)?,
            None => writeln!(out, "the cache holds no declarations yet")?,
        }
    }
    out.flush()?;
    Ok(!found.declarations.is_empty())
}

fn run_list(args: &ListArgs, out: &mut dyn Write) -> Result<bool, DeclarationsError> {
    let cache = open_cache(&args.dir)?;
    let mut after = args.after.clone();
    let mut left = usize::from(args.max);
    loop {
        let rows = lookup::list(&cache, Collection::Declarations, &after, lookup::LIST_MAX_ROWS)?;
        let Some(last) = rows.last() else { break };
        after.clone_from(&last.id);
        for row in rows {
            let value = value_of(&row);
            let is_wanted = args.gate.as_ref().is_none_or(|gate| value.get("gate").and_then(Value::as_str) == Some(gate));
            if !is_wanted || left == 0 {
                continue;
            }
            left -= 1;
            if args.json { writeln!(out, "{}", row_json(&row))? } else { writeln!(out, "{}", line(&row))? }
        }
        if left == 0 {
            break;
        }
    }
    out.flush()?;
    Ok(left < usize::from(args.max))
}

fn run_import(args: &ImportArgs, out: &mut dyn Write) -> Result<bool, DeclarationsError> {
    let settings = Settings::load(&args.config)?;
    let wrong = |source| DeclarationsError::File { path: args.file.clone(), source };
    let mut bytes = Vec::new();
    let most = MAX_BUNDLE_BYTES as u64;
    std::fs::File::open(&args.file).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).map_err(wrong)?;
    if bytes.len() as u64 > most {
        return Err(wrong(std::io::Error::other(format!("more than {most} bytes"))));
    }
    let said = import(&settings, &bytes).map_err(DeclarationsError::Import)?;
    writeln!(out, "{said}")?;
    out.flush()?;
    Ok(true)
}

fn import(settings: &Settings, bytes: &[u8]) -> Result<String, String> {
    let centre = settings.centre.as_ref().ok_or("the settings name no centre: there is no root key to believe a bundle by")?;
    let trusted = crate::runtime::trusted(settings, centre)?;
    match accounts::writer(settings)? {
        Writer::Daemon if bytes.len() as u64 > control::BUNDLE_MAX_BYTES => Err(format!(
            "a running daemon takes bundles of at most {} bytes, this one has {}: stop the daemon, import, and start it again",
            control::BUNDLE_MAX_BYTES,
            bytes.len()
        )),
        Writer::Daemon => {
            let said = control::ask(&settings.state_dir, &Ask::Import { bytes: bytes.len() as u64 }, bytes)?;
            Ok(format!("the daemon took it: {}", said.as_str().unwrap_or_default()))
        }
        Writer::Here(store, waiter) => {
            let utc_ms = clock::wall(crate::runtime::trust(settings)).trusted();
            let done = waiter.block_on(control::import_into(&store, bytes, &trusted, utc_ms));
            waiter.block_on(store.close());
            done.map(|done| control::sentence(&done))
        }
    }
}

fn open_cache(dir: &Path) -> Result<rusqlite::Connection, StoreError> {
    let cache = open_read_only(&dir.join("cache.db"))?;
    state(&cache, Collection::Declarations)?;
    Ok(cache)
}

fn value_of(row: &FoundRow) -> Value {
    serde_json::from_slice(&row.bytes).unwrap_or(Value::Null)
}

fn row_json(row: &FoundRow) -> Value {
    json!({"id": row.id, "epoch": row.revision.epoch, "revision": row.revision.revision, "exact": row.exact,
           "entries_used_here": row.entries_used_here, "row": value_of(row)})
}

fn found_json(found: &Found) -> Value {
    let pair = |at: Option<lane_core::ids::Revision>| at.map(|at| json!([at.epoch, at.revision]));
    json!({
        "declarations": found.declarations.iter().map(row_json).collect::<Vec<_>>(),
        "truncated": found.truncated,
        "revision": pair(found.declarations_revision),
    })
}

fn line(row: &FoundRow) -> String {
    let value = value_of(row);
    let text = |field: &str| value.get(field).and_then(Value::as_str).unwrap_or("-").to_owned();
    let relation = if row.exact { "exact" } else { "near " };
    format!(
        "{relation} {:<20} {:<12} {:<12} {:<12} {:<9} revision {}.{}",
        row.id,
        text("plate"),
        text("trailer_plate"),
        text("gate"),
        text("state"),
        row.revision.epoch,
        row.revision.revision
    )
}
