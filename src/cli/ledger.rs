//! `borderlane ledger verify PATH`: chain, signatures and gaps of a `lane.db`, a sealed segment, or a store's folder with all of both.
//!
//! Opens read-only, also beside a running daemon. Names the first bad record. With `--key` only signatures of that key count (repeat it for keys that
//! followed one another); without one, a file whose heads were all signed by an unknown key still verifies, and the keys are listed.
//!
//! Exit codes: 0 everything good, 1 something bad, 2 it could not be verified at all.

use crate::store::verify::{FileReport, verify_path};
use clap::{Args, Subcommand};
use lane_link::ids::ledger_text;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

/// The ledger.
#[derive(Debug, Args)]
pub struct LedgerArgs {
    #[command(subcommand)]
    command: LedgerCommand,
}

#[derive(Debug, Subcommand)]
enum LedgerCommand {
    /// Check chain, signatures and gaps; name the first bad record
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// A lane.db, a .segment file, or a store's folder
    path: PathBuf,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
    /// A lane's public key, 64 hex digits; only its signatures count
    #[arg(long, value_parser = parse_key)]
    key: Vec<[u8; 32]>,
}

fn parse_key(text: &str) -> Result<[u8; 32], String> {
    let mut key = [0; 32];
    hex::decode_to_slice(text, &mut key).map(|()| key).map_err(|_| "a public key has 64 hex digits".to_owned())
}

/// Runs the command and returns the exit code.
pub fn run(args: &LedgerArgs, stdout: &mut dyn Write, stderr: &mut dyn Write) -> u8 {
    let LedgerCommand::Verify(args) = &args.command;
    let reports = match verify_path(&args.path, &args.key) {
        Ok(reports) => reports,
        Err(error) => {
            // nothing is left to say it to if stderr is gone too
            let _told = writeln!(stderr, "borderlane ledger: {error}");
            return 2;
        }
    };
    let is_good = reports.iter().all(|file| file.report.bad.is_none());
    let written = if args.json { print_json(&reports, is_good, stdout) } else { print_lines(&reports, stdout) };
    match written {
        Ok(()) if is_good => 0,
        Ok(()) => 1,
        Err(error) => {
            let _told = writeln!(stderr, "borderlane ledger: output cannot be written: {error}");
            2
        }
    }
}

fn print_json(reports: &[FileReport], is_good: bool, out: &mut dyn Write) -> std::io::Result<()> {
    let files: Vec<_> = reports
        .iter()
        .map(|FileReport { path, report }| {
            json!({
                "path": path.display().to_string(),
                "ledger": report.ledger.map(ledger_text),
                "records": report.records(), "first_seq": report.first_seq, "last_seq": report.last_seq,
                "last_hash": hex::encode(report.last_hash.0),
                "signatures": report.signatures, "signed_upto": report.signed_upto,
                "keys": report.keys.iter().map(hex::encode).collect::<Vec<_>>(),
                "bad": report.bad.as_ref().map(|bad| json!({"seq": bad.seq, "what": bad.what})),
            })
        })
        .collect();
    writeln!(out, "{}", json!({"good": is_good, "files": files}))?;
    out.flush()
}

fn print_lines(reports: &[FileReport], out: &mut dyn Write) -> std::io::Result<()> {
    for FileReport { path, report } in reports {
        let path = path.display();
        if let Some(bad) = &report.bad {
            writeln!(out, "BAD   {path}: record {}: {}", bad.seq, bad.what)?;
            continue;
        }
        let ledger = report.ledger.map(ledger_text).unwrap_or_default();
        writeln!(
            out,
            "good  {path}: ledger {ledger}, records {} to {}, signed up to {} by {} signatures",
            report.first_seq, report.last_seq, report.signed_upto, report.signatures
        )?;
        for key in &report.keys {
            writeln!(out, "      signed by {}", hex::encode(key))?;
        }
    }
    out.flush()
}
