//! `borderlane declarations lookup` and `list`: what the lane's cache knows, read beside a running daemon.
//!
//! Exit codes: 0 found, 1 nothing found, 2 the cache could not be read or the arguments make no sense.

use crate::store::cache::{lookup, state};
use crate::store::verify::open_read_only;
use crate::store::{Collection, Found, FoundRow, LOOKUP_MAX_PLATES, StoreError, plate_key};
use clap::{Args, Subcommand};
use lane_core::plate::PlateText;
use serde_json::{Value, json};
use std::io::Write;
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
    Lookup(LookupArgs),
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

#[derive(Debug, thiserror::Error)]
enum DeclarationsError {
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
        DeclarationsCommand::Lookup(args) => run_lookup(args, stdout),
        DeclarationsCommand::List(args) => run_list(args, stdout),
    };
    match done {
        Ok(true) => 0,
        Ok(false) => 1,
        Err(error) => {
            // nothing is left to say it to if stderr is gone too
            let _told = writeln!(stderr, "borderlane declarations: {error}");
            2
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
