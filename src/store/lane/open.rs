//! Starting: the ledger is opened, its end checked, and where it cannot be believed a new one is begun (I12).
//!
//! ```text
//!  file absent, no mark ───────────────▶ first ledger
//!  file absent, mark there ────────────▶ new ledger, why = lost
//!  not readable, tail does not verify ─▶ file kept aside, new ledger, why = damaged
//!  ends before the mark, or not its chain ▶ file kept aside, new ledger, why = older_copy
//!  the centre had shown a fork ────────▶ file kept aside, new ledger, why = fork
//!  newer format ───────────────────────▶ refused: the only thing that stops a start
//! ```
//! A new ledger's first record (`ledger_begun`) names the old one, its last known sequence and hash. Officers, act ids and entry uses are saved
//! from the old file as far as it can be read; the evidence index comes back with the sweep.

use super::ledger::{Meta, check_tail, hash_at, meta};
use super::mark::{self, Mark};
use super::{LaneTx, Tip, permits, persons, schema};
use crate::store::chain::{NO_PREVIOUS, ledger_text};
use crate::store::error::StoreError;
use crate::store::files;
use crate::store::settings::StoreSettings;
use crate::store::types::{Boot, NewRecord, Opened, Why};
use ed25519_dalek::SigningKey;
use lane_core::ids::{LedgerId, PermitId};
use rusqlite::{Connection, OpenFlags, params};
use std::path::{Path, PathBuf};

/// Copies of damaged ledgers that are told apart by number.
const KEPT_MAX: u32 = 100_000;

/// An opened `lane.db`.
pub struct OpenedLane {
    /// The writing connection.
    pub conn: Connection,
    /// Where the ledger stands.
    pub tip: Tip,
    /// What was found; `cache_begun_anew` is not decided here.
    pub opened: Opened,
}

/// Opens `lane.db`, or begins a new ledger where it must.
pub fn open(settings: &StoreSettings, key: &SigningKey, boot: &Boot) -> Result<OpenedLane, StoreError> {
    let path = settings.lane_file();
    let marked = mark::read(&settings.mark_file());
    let there = path.exists();
    let (conn, tip, why) = if there {
        match open_existing(&path, settings, marked) {
            Ok(Existing::Good(conn, tip)) => (conn, tip, None),
            Ok(Existing::Empty(conn)) => {
                let why = if marked.is_some() { Why::Lost } else { Why::First };
                begin(conn, key, settings, boot, why, marked, None)?
            }
            Ok(Existing::Doubtful(why, stood)) => keep_and_begin(settings, key, boot, why, newest(stood, marked))?,
            Err(error) if error.is_damage() => {
                tracing::error!(%error, "the ledger is damaged: it is kept aside and a new one begun");
                keep_and_begin(settings, key, boot, Why::Damaged, marked)?
            }
            Err(error) => return Err(error),
        }
    } else {
        let conn = schema::open(&path, settings.lane_max_pages)?;
        let why = if marked.is_some() { Why::Lost } else { Why::First };
        begin(conn, key, settings, boot, why, marked, None)?
    };
    finish(conn, tip, why, key, settings, boot)
}

enum Existing {
    Good(Connection, Tip),
    Empty(Connection),
    Doubtful(Why, Option<Mark>),
}

fn open_existing(path: &Path, settings: &StoreSettings, marked: Option<Mark>) -> Result<Existing, StoreError> {
    let conn = schema::open(path, settings.lane_max_pages)?;
    let Some(meta) = meta(&conn)? else { return Ok(Existing::Empty(conn)) };
    let tip = check_tail(&conn, &meta)?;
    let stood = Some(Mark { ledger: tip.ledger, seq: tip.seq, hash: tip.hash });
    if meta.forked {
        return Ok(Existing::Doubtful(Why::Fork, stood));
    }
    if let Some(marked) = marked
        && !is_of(&conn, &meta, &tip, &marked)?
    {
        return Ok(Existing::Doubtful(Why::OlderCopy, stood));
    }
    Ok(Existing::Good(conn, tip))
}

/// Does the ledger contain what the mark says it contained? A mark of the ledger before means that power went between the two.
fn is_of(conn: &Connection, meta: &Meta, tip: &Tip, marked: &Mark) -> Result<bool, StoreError> {
    if marked.ledger != meta.ledger {
        return Ok(meta.previous == Some(marked.ledger));
    }
    if marked.seq > tip.seq {
        return Ok(false);
    }
    Ok(marked.seq < meta.base_seq || hash_at(conn, marked.seq)? == Some(marked.hash))
}

fn newest(stood: Option<Mark>, marked: Option<Mark>) -> Option<Mark> {
    match (stood, marked) {
        (Some(stood), Some(marked)) if stood.ledger == marked.ledger && marked.seq > stood.seq => Some(marked),
        (Some(stood), _) => Some(stood),
        (None, marked) => marked,
    }
}

fn keep_and_begin(
    settings: &StoreSettings,
    key: &SigningKey,
    boot: &Boot,
    why: Why,
    old: Option<Mark>,
) -> Result<(Connection, Tip, Option<Why>), StoreError> {
    let kept = keep_aside(&settings.lane_file(), &settings.kept_dir())?;
    tracing::error!(why = why.word(), kept = %kept.display(), "a new ledger is begun; the old file is kept");
    let conn = schema::open(&settings.lane_file(), settings.lane_max_pages)?;
    begin(conn, key, settings, boot, why, old, Some(&kept))
}

/// Moves a database with its log out of the way, under a number not used yet. The log goes last, so that a crash between leaves no file that
/// lacks its log under the old name.
pub fn keep_aside(path: &Path, kept_dir: &Path) -> Result<PathBuf, StoreError> {
    files::make_dir(kept_dir)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let free = (1..KEPT_MAX).map(|n| kept_dir.join(format!("{n:05}-{name}"))).find(|target| !target.exists());
    let Some(target) = free else {
        return Err(StoreError::Setting { key: "dir", problem: format!("{} holds too many kept files", kept_dir.display()) });
    };
    for suffix in ["", "-wal", "-shm"] {
        let from = with_suffix(path, suffix);
        match std::fs::rename(&from, with_suffix(&target, suffix)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(StoreError::File { what: "keep aside", path: from, source }),
        }
    }
    files::sync_dir(kept_dir)?;
    path.parent().map_or(Ok(()), files::sync_dir)?;
    Ok(target)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Begins a ledger in an empty file: identity and first record in one transaction.
fn begin(
    mut conn: Connection,
    key: &SigningKey,
    settings: &StoreSettings,
    boot: &Boot,
    why: Why,
    old: Option<Mark>,
    kept: Option<&Path>,
) -> Result<(Connection, Tip, Option<Why>), StoreError> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(StoreError::Random)?;
    let ledger = LedgerId(u128::from_be_bytes(id));
    let tip = Tip {
        ledger,
        seq: 0,
        hash: NO_PREVIOUS,
        head_seq: 0,
        acknowledged_seq: 0,
        evidence_bytes: 0,
        utc_ms: boot.wall.trusted(),
    };
    let transaction = conn.transaction().map_err(StoreError::sql("begin a ledger"))?;
    transaction
        .execute(
            "INSERT INTO meta (one, ledger, base_seq, base_hash, acknowledged_seq, previous) VALUES (1, ?1, 0, ?2, 0, ?3)",
            params![id, NO_PREVIOUS.0, old.map(|old| old.ledger.0.to_be_bytes())],
        )
        .map_err(StoreError::sql("begin a ledger"))?;
    let mut tx = LaneTx { conn: &transaction, tip, key, settings, boot: boot.id };
    tx.append(&first_record(key, boot, why, old))?;
    tx.sign_head(1)?;
    if let Some(kept) = kept {
        save_from(kept, &mut tx);
    }
    let tip = tx.tip;
    transaction.commit().map_err(StoreError::sql("begin a ledger"))?;
    Ok((conn, tip, (why != Why::First).then_some(why)))
}

/// `ledger_begun` in the wire form of `lane_link::record`, with the lane's public key.
fn first_record(key: &SigningKey, boot: &Boot, why: Why, old: Option<Mark>) -> NewRecord {
    let body = serde_json::json!({
        "v": 1, "kind": "ledger_begun", "at_ms": boot.at.0, "utc_ms": boot.wall.utc_ms,
        "clock_trusted": boot.wall.trusted().is_some(), "why": why.word(),
        "previous": old.map(|old| ledger_text(old.ledger)), "last_seq": old.map(|old| old.seq),
        "last_hash": old.map(|old| hex::encode(old.hash.0)), "public_key": hex::encode(key.verifying_key().to_bytes()),
    });
    NewRecord { kind: "ledger_begun".into(), passage: None, utc_ms: boot.wall.trusted(), bytes: body.to_string().into_bytes() }
}

/// Saves from a kept file what a lane cannot work without. Best effort: what cannot be read is told and left.
fn save_from(kept: &Path, tx: &mut LaneTx<'_>) {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let old = match Connection::open_with_flags(kept, flags) {
        Ok(old) => old,
        Err(error) => return tracing::warn!(%error, "nothing could be saved from the kept ledger"),
    };
    match save_officers(&old, tx) {
        Ok(saved) => tracing::info!(saved, "officers were saved from the kept ledger"),
        Err(error) => tracing::warn!(%error, "officers could not be saved from the kept ledger"),
    }
    for (what, read, write) in [
        ("acts", "SELECT id, NULL, NULL FROM act ORDER BY number", "INSERT OR IGNORE INTO act (id) SELECT ?1 WHERE ?2 IS ?3"),
        (
            "entry uses",
            "SELECT declaration, passage, permit FROM entry_use",
            "INSERT OR IGNORE INTO entry_use (declaration, passage, permit) VALUES (?1, ?2, ?3)",
        ),
    ] {
        if let Err(error) = copy(&old, tx.conn, read, write) {
            tracing::warn!(what, %error, "they could not be saved from the kept ledger");
        }
    }
}

fn save_officers(old: &Connection, tx: &mut LaneTx<'_>) -> Result<usize, StoreError> {
    let officers = persons::officers(old)?;
    for (officer, lockout) in &officers {
        tx.put_officer(officer)?;
        tx.conn
            .execute(
                "UPDATE officer SET failures = ?2, locked_until_ms = ?3 WHERE id = ?1",
                params![officer.id, lockout.failures, lockout.locked_until_ms],
            )
            .map_err(StoreError::sql("save a lockout"))?;
    }
    Ok(officers.len())
}

fn copy(old: &Connection, new: &Connection, read: &str, write: &str) -> rusqlite::Result<()> {
    let mut select = old.prepare(read)?;
    let mut insert = new.prepare(write)?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (a, b, c): (String, Option<Vec<u8>>, Option<Vec<u8>>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        insert.execute(params![a, b, c])?;
    }
    Ok(())
}

/// What every start does in its first transaction: permits of earlier starts are spent; a change of the lane's key is recorded. A disk that
/// takes nothing now does not stop the start: those permits are dead by their boot id, and the writer says that it cannot commit.
fn finish(
    mut conn: Connection,
    mut tip: Tip,
    why: Option<Why>,
    key: &SigningKey,
    settings: &StoreSettings,
    boot: &Boot,
) -> Result<OpenedLane, StoreError> {
    tip.utc_ms = boot.wall.trusted();
    let (tip, permits_ended) = match first_transaction(&mut conn, &tip, key, settings, boot) {
        Ok(done) => done,
        Err(error) if error.is_damage() => return Err(error),
        Err(error) => {
            tracing::error!(%error, "the store cannot commit at start");
            (tip, Vec::new())
        }
    };
    let open_passages = permits::open_passages(&conn)?;
    let opened = Opened {
        ledger: tip.ledger,
        last_seq: tip.seq,
        restored: why,
        open_passages,
        permits_ended,
        cache_begun_anew: false,
    };
    Ok(OpenedLane { conn, tip, opened })
}

fn first_transaction(
    conn: &mut Connection,
    tip: &Tip,
    key: &SigningKey,
    settings: &StoreSettings,
    boot: &Boot,
) -> Result<(Tip, Vec<PermitId>), StoreError> {
    let what = "start";
    let public_key = key.verifying_key().to_bytes();
    let signed_by = super::ledger::newest_head(conn, tip.ledger)?.map(|head| head.public_key);
    let transaction = conn.transaction().map_err(StoreError::sql(what))?;
    let mut tx = LaneTx { conn: &transaction, tip: tip.clone(), key, settings, boot: boot.id };
    let permits_ended = tx.end_permits_of_other_boots()?;
    if signed_by.is_some_and(|old| old != public_key) {
        let body = serde_json::json!({
            "v": 1, "kind": "ledger_key", "at_ms": boot.at.0, "utc_ms": boot.wall.utc_ms,
            "clock_trusted": boot.wall.trusted().is_some(), "public_key": hex::encode(public_key),
        });
        let bytes = body.to_string().into_bytes();
        tx.append(&NewRecord { kind: "ledger_key".into(), passage: None, utc_ms: boot.wall.trusted(), bytes })?;
        tx.sign_head(1)?;
    }
    let tip = tx.tip;
    transaction.commit().map_err(StoreError::sql(what))?;
    Ok((tip, permits_ended))
}
