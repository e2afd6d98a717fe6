//! `borderlane replay PASSAGE`: runs a passage again from its black box and compares the effects.
//!
//! The black box holds a snapshot of the lane and every input after it; the same core gives the same effects, byte for byte. Another core's version is
//! said, and its differences are reported. How a lane is run again is given by the caller ([`Rerun`]): this room knows no lane.
//!
//! Exit codes: 0 the same, 1 different, 2 it could not be run, 3 the same as far as the black box goes, which lacks what followed (the disk took
//! nothing, or the box was full).

use crate::store::lane::{black_box, ledger};
use crate::store::verify::open_read_only;
use crate::store::{BlackBox, BlackBoxWhat, StoreError};
use clap::Args;
use lane_core::ids::PassageId;
use lane_link::ids::{parse_passage, passage_text};
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

/// Runs the inputs of a black box over its snapshot and gives the bytes of each effect in order, or why it cannot.
pub type Rerun = fn(&BlackBox) -> Result<Vec<Vec<u8>>, String>;

/// Differences that are listed; the rest is counted.
const DIFFERENCES_MAX: usize = 20;

/// What a run showed; its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Same = 0,
    Different = 1,
    Incomplete = 3,
}

/// Run a passage again from its black box and compare
///
/// Exit code 0: the same; 1: different; 2: it could not be run; 3: the same as far as the black box goes, which lacks what followed.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The passage: its id, or the sequence of its first record in the ledger of the file
    passage: String,
    /// The lane.db that holds it
    #[arg(long, default_value = "/var/lib/borderlane/lane.db")]
    db: PathBuf,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
}

#[derive(Debug, thiserror::Error)]
enum ReplayError {
    #[error("{0:?} is neither a passage id nor a sequence")]
    Passage(String),
    #[error("{}: {problem}", passage_text(*passage))]
    Read { passage: PassageId, problem: Box<StoreError> },
    #[error(transparent)]
    Open(#[from] StoreError),
    #[error("the core cannot run it: {0}")]
    Core(String),
    #[error("output cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

/// Runs the command and returns the exit code. `core_version` is this program's.
pub fn run(args: &ReplayArgs, core_version: &str, rerun: Rerun, stdout: &mut dyn Write, stderr: &mut dyn Write) -> u8 {
    match replay(args, core_version, rerun, stdout) {
        Ok(found) => found as u8,
        Err(error) => {
            // nothing is left to say it to if stderr is gone too
            let _told = writeln!(stderr, "borderlane replay: {error}");
            2
        }
    }
}

fn replay(args: &ReplayArgs, core_version: &str, rerun: Rerun, out: &mut dyn Write) -> Result<Found, ReplayError> {
    let conn = open_read_only(&args.db)?;
    let passage = match (parse_passage(&args.passage), args.passage.parse()) {
        (Ok(passage), _) => passage,
        (Err(_), Ok(seq)) => {
            let meta = ledger::meta(&conn)?.ok_or_else(|| ReplayError::Passage(args.passage.clone()))?;
            PassageId { ledger: meta.ledger, seq }
        }
        _ => return Err(ReplayError::Passage(args.passage.clone())),
    };
    let found = black_box::black_box(&conn, passage).map_err(|problem| ReplayError::Read { passage, problem: problem.into() })?;
    let again = rerun(&found).map_err(ReplayError::Core)?;
    let recorded: Vec<&[u8]> =
        found.entries.iter().filter(|entry| entry.what == BlackBoxWhat::Effect).map(|entry| entry.bytes.as_slice()).collect();
    let differences = compare(&recorded, &again, found.entries_dropped > 0);
    let inputs = found.entries.len() - recorded.len();
    let missing = found.entries_dropped;
    let missing_after_ms = found.entries.last().map(|entry| entry.at.0).filter(|_| missing > 0);
    let result = match (differences.is_empty(), missing) {
        (false, _) => Found::Different,
        (true, 0) => Found::Same,
        (true, _) => Found::Incomplete,
    };
    if args.json {
        let listed: Vec<_> = differences
            .iter()
            .take(DIFFERENCES_MAX)
            .map(|at| json!({"effect": at, "recorded": text(recorded.get(*at).copied()), "now": text(again.get(*at).map(Vec::as_slice))}))
            .collect();
        writeln!(
            out,
            "{}",
            json!({"passage": passage_text(passage), "same": differences.is_empty(), "inputs": inputs, "effects": recorded.len(),
                   "incomplete": missing > 0, "entries_lost": missing, "lost_after_ms": missing_after_ms, "recorded_by": found.opening.core_version, "run_by": core_version,
                   "differences": differences.len(), "listed": listed})
        )?;
    } else {
        writeln!(out, "passage {}: {inputs} inputs, {} effects", passage_text(passage), recorded.len())?;
        if found.opening.core_version != core_version {
            writeln!(out, "recorded by core {}, run by core {core_version}", found.opening.core_version)?;
        }
        if missing > 0 {
            let after = missing_after_ms.map_or_else(|| "the beginning".to_owned(), |ms| format!("{ms} ms since boot"));
            writeln!(out, "incomplete: {missing} inputs and effects lost after {after}")?;
        }
        for at in differences.iter().take(DIFFERENCES_MAX) {
            writeln!(out, "effect {at}")?;
            writeln!(out, "  recorded {}", text(recorded.get(*at).copied()).unwrap_or_else(|| "nothing".into()))?;
            writeln!(out, "  now      {}", text(again.get(*at).map(Vec::as_slice)).unwrap_or_else(|| "nothing".into()))?;
        }
        let verdict = match result {
            Found::Same => "the same",
            Found::Different => "DIFFERENT",
            Found::Incomplete => "the same as far as it goes",
        };
        writeln!(out, "{verdict} ({} differences)", differences.len())?;
    }
    out.flush()?;
    Ok(result)
}

/// Places where the two differ. A black box that was full may lack effects at its end.
fn compare(recorded: &[&[u8]], again: &[Vec<u8>], may_be_longer: bool) -> Vec<usize> {
    let length = if may_be_longer { recorded.len() } else { recorded.len().max(again.len()) };
    (0..length).filter(|at| recorded.get(*at).copied() != again.get(*at).map(Vec::as_slice)).collect()
}

fn text(bytes: Option<&[u8]>) -> Option<String> {
    bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}
