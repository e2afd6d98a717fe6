//! Verification of a ledger by anyone who has the file: read-only, without the store.
//!
//! Checked, in order, until the first thing that is wrong: every record's hash follows from the one before; sequences have no gap; the first follows the
//! base; every head is signed and names a record that is there; nothing that was numbered or acknowledged is missing at the end; SQLite's own
//! `quick_check`. A segment: its records, its heads, its seal. A folder: its segments and its `lane.db`, each following the one before.
//!
//! Heads carry the key they were signed with. Without a key given, that only shows that nobody without *that* key changed anything since.

use super::chain::{self, Seal, SignedHead, ledger_text, parse_ledger};
use super::codec::{from_sql, to_sql};
use super::error::StoreError;
use super::lane::ledger::{Meta, head_of, meta, row_of};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use lane_core::ids::{Digest, LedgerId};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

/// One line of a segment.
const LINE_MAX_BYTES: u64 = 4 << 20;

/// What verification found in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The ledger.
    pub ledger: Option<LedgerId>,
    /// First record of the file; 0 where there is none.
    pub first_seq: u64,
    /// Last good record.
    pub last_seq: u64,
    /// The hash that the first record follows.
    pub previous: Digest,
    /// The hash of the last good record.
    pub last_hash: Digest,
    /// Good signatures: heads, or a seal.
    pub signatures: u64,
    /// The last sequence under a good signature.
    pub signed_upto: u64,
    /// Public keys that signed.
    pub keys: BTreeSet<[u8; 32]>,
    /// What is wrong first.
    pub bad: Option<Bad>,
}

/// The first thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    /// At which sequence.
    pub seq: u64,
    /// What.
    pub what: String,
}

impl Report {
    fn new() -> Self {
        Self {
            ledger: None,
            first_seq: 0,
            last_seq: 0,
            previous: chain::NO_PREVIOUS,
            last_hash: chain::NO_PREVIOUS,
            signatures: 0,
            signed_upto: 0,
            keys: BTreeSet::new(),
            bad: None,
        }
    }

    /// Records of the file that are good.
    #[must_use]
    pub fn records(&self) -> u64 {
        if self.first_seq == 0 { 0 } else { self.last_seq + 1 - self.first_seq }
    }

    fn fail(&mut self, seq: u64, what: impl Into<String>) {
        if self.bad.is_none() {
            self.bad = Some(Bad { seq, what: what.into() });
        }
    }

    fn follow(&mut self, ledger: LedgerId, seq: u64, hash: Digest, bytes: &[u8]) -> bool {
        let expected = self.last_seq + 1;
        if seq != expected {
            let missing = if seq == expected + 1 { format!("record {expected} is") } else { format!("records {expected} to {} are", seq - 1) };
            self.fail(expected, format!("{missing} missing"));
        } else if hash != chain::record_hash(ledger, seq, self.last_hash, bytes) {
            self.fail(seq, "the record was changed: its hash does not follow");
        } else {
            if self.first_seq == 0 {
                self.first_seq = seq;
            }
            (self.last_seq, self.last_hash) = (seq, hash);
        }
        self.bad.is_none()
    }

    fn head(&mut self, head: &SignedHead, expected: Option<Digest>, allowed: &[[u8; 32]]) {
        if !allowed.is_empty() && !allowed.contains(&head.public_key) {
            self.fail(head.seq, "the head is signed by another key");
        } else if !chain::verify_head(head) {
            self.fail(head.seq, "the head's signature is bad");
        } else if expected != Some(head.hash) {
            self.fail(head.seq, "the signed head names another record");
        } else {
            self.signatures += 1;
            self.signed_upto = self.signed_upto.max(head.seq);
            self.keys.insert(head.public_key);
        }
    }
}

/// Verifies a database or a segment. `allowed`: public keys that may have signed; empty: any.
///
/// # Errors
/// When the file cannot be opened at all; everything else is in the report.
pub fn verify_file(path: &Path, allowed: &[[u8; 32]]) -> Result<Report, StoreError> {
    let mut start = [0; 15];
    let read = std::fs::File::open(path)
        .and_then(|mut file| file.read(&mut start))
        .map_err(StoreError::file("open", path))?;
    if start[..read].starts_with(b"{") { verify_segment(path, allowed) } else { verify_database(path, allowed) }
}

/// Verifies a `lane.db`.
pub fn verify_database(path: &Path, allowed: &[[u8; 32]]) -> Result<Report, StoreError> {
    let mut report = Report::new();
    if let Err(error) = open_read_only(path).and_then(|conn| database(&conn, allowed, &mut report)) {
        if matches!(error, StoreError::File { .. }) {
            return Err(error);
        }
        let at = report.last_seq + 1;
        report.fail(at, error.to_string());
    }
    Ok(report)
}

/// Read-only, also where the folder itself cannot be written (a medium of evidence) and there is no log to replay.
pub fn open_read_only(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    std::fs::File::open(path).map_err(StoreError::file("open", path))?;
    let text: String = path
        .to_string_lossy()
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() || b"/._-".contains(&b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    let usable = |query: &str| {
        let conn = Connection::open_with_flags(format!("file:{text}?{query}"), flags)?;
        conn.execute_batch("PRAGMA busy_timeout=5000; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA query_only=ON;")?;
        conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
        Ok(conn)
    };
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    match usable("mode=ro") {
        Err(_) if std::fs::metadata(wal).map_or(true, |wal| wal.len() == 0) => usable("mode=ro&immutable=1"),
        other => other,
    }
    .map_err(StoreError::sql("open the ledger"))
}

fn database(conn: &Connection, allowed: &[[u8; 32]], report: &mut Report) -> Result<(), StoreError> {
    let snapshot = conn.unchecked_transaction().map_err(StoreError::sql("verify"))?;
    let Some(meta) = meta(&snapshot)? else {
        report.fail(1, "the file holds no ledger");
        return Ok(());
    };
    report.ledger = Some(meta.ledger);
    (report.previous, report.last_hash, report.last_seq) = (meta.base_hash, meta.base_hash, meta.base_seq);
    records(&snapshot, &meta, allowed, report)?;
    if report.bad.is_none() {
        ends(&snapshot, &meta, report)?;
    }
    if report.bad.is_none() {
        let check: String = snapshot
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(StoreError::sql("check the file"))?;
        if check != "ok" {
            report.fail(report.last_seq, format!("the file is damaged: {check}"));
        }
    }
    Ok(())
}

/// Records and heads side by side, so that what is named is the first bad record.
fn records(conn: &Connection, meta: &Meta, allowed: &[[u8; 32]], report: &mut Report) -> Result<(), StoreError> {
    let what = "verify";
    let mut select = conn
        .prepare("SELECT seq, hash, kind, utc_ms, bytes FROM ledger ORDER BY seq")
        .map_err(StoreError::sql(what))?;
    let mut heads = conn
        .prepare("SELECT seq, hash, utc_ms, public_key, signature FROM head WHERE seq = ?1")
        .map_err(StoreError::sql(what))?;
    let mut rows = select.query([]).map_err(StoreError::sql(what))?;
    while let Some(row) = rows.next().map_err(StoreError::sql(what))? {
        let row = row_of(row)?;
        if !report.follow(meta.ledger, row.seq, row.hash, &row.bytes) {
            return Ok(());
        }
        let head = heads
            .query_row([to_sql(row.seq)], |row| Ok(head_of(row, meta.ledger)))
            .optional()
            .map_err(StoreError::sql(what))?;
        if let Some(head) = head.transpose()? {
            report.head(&head, Some(row.hash), allowed);
            if report.bad.is_some() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Nothing that was once numbered, signed or acknowledged may be missing at the end.
fn ends(conn: &Connection, meta: &Meta, report: &mut Report) -> Result<(), StoreError> {
    let what = "verify the end";
    let read = |sql: &str| {
        let found: Option<i64> =
            conn.query_row(sql, [], |row| row.get(0)).optional().map(Option::flatten).map_err(StoreError::sql(what))?;
        found.map_or(Ok(0), |seq| from_sql(seq, what))
    };
    let given = read("SELECT seq FROM sqlite_sequence WHERE name = 'ledger'")?;
    let signed = read("SELECT max(seq) FROM head")?;
    let reached = given.max(signed).max(meta.acknowledged_seq);
    if reached > report.last_seq {
        report.fail(report.last_seq + 1, format!("records {} to {reached} are missing at the end", report.last_seq + 1));
    }
    Ok(())
}

/// Verifies a sealed segment.
pub fn verify_segment(path: &Path, allowed: &[[u8; 32]]) -> Result<Report, StoreError> {
    let file = std::fs::File::open(path).map_err(StoreError::file("open", path))?;
    let mut reader = BufReader::new(file);
    let mut report = Report::new();
    let mut content = sha2::Sha256::default();
    let mut is_sealed = false;
    let mut hashes = std::collections::BTreeMap::new();
    let mut announced = 0;
    loop {
        let mut line = Vec::new();
        let read = reader
            .by_ref()
            .take(LINE_MAX_BYTES)
            .read_until(b'\n', &mut line)
            .map_err(StoreError::file("read", path))?;
        if read == 0 {
            break;
        }
        let at = report.last_seq + 1;
        let Some(value) = (line.last() == Some(&b'\n')).then(|| serde_json::from_slice::<Value>(&line).ok()).flatten() else {
            report.fail(at, "a line is cut off or is no JSON");
            break;
        };
        if is_sealed {
            report.fail(at, "something follows the seal");
        } else if let Some(seal) = value.get("seal") {
            is_sealed = true;
            sealed(seal, &content, announced, allowed, &mut report);
        } else if let Some(head) = value.get("head") {
            match head_from(head, report.ledger) {
                Some(head) => report.head(&head, hashes.get(&head.seq).copied(), allowed),
                None => report.fail(at, "a head is malformed"),
            }
        } else if value.get("format").is_some() {
            announced = opening(&value, &mut report);
        } else if let (Some(ledger), Some((seq, hash, bytes))) = (report.ledger, record_from(&value)) {
            report.follow(ledger, seq, hash, &bytes);
            hashes.insert(seq, hash);
        } else {
            report.fail(at, "a record is malformed");
        }
        if report.bad.is_some() {
            break;
        }
        sha2::Digest::update(&mut content, &line);
    }
    if !is_sealed {
        report.fail(report.last_seq + 1, "the seal is missing");
    }
    Ok(report)
}

fn opening(value: &Value, report: &mut Report) -> u64 {
    let ledger = value.get("ledger").and_then(Value::as_str).and_then(parse_ledger);
    let first = value.get("first_seq").and_then(Value::as_u64).filter(|first| *first > 0);
    let last = value.get("last_seq").and_then(Value::as_u64);
    let format = value.get("format").and_then(Value::as_str);
    match (format, ledger, first, last, bytes_of::<32>(value, "previous")) {
        (Some("borderlane-segment-v1"), Some(ledger), Some(first), Some(last), Some(previous)) if report.ledger.is_none() => {
            report.ledger = Some(ledger);
            (report.previous, report.last_hash, report.last_seq) = (Digest(previous), Digest(previous), first - 1);
            last
        }
        _ => {
            report.fail(0, "the first line is malformed");
            0
        }
    }
}

fn sealed(value: &Value, content: &sha2::Sha256, announced: u64, allowed: &[[u8; 32]], report: &mut Report) {
    let parts = (bytes_of::<32>(value, "public_key"), bytes_of::<64>(value, "signature"), report.ledger);
    let (Some(public_key), Some(signature), Some(ledger)) = parts else {
        return report.fail(report.last_seq, "the seal is malformed");
    };
    let content = Digest(sha2::Digest::finalize(content.clone()).into());
    let seal = Seal { ledger, first_seq: report.first_seq, last_seq: report.last_seq, last_hash: report.last_hash, content };
    if announced != report.last_seq {
        report.fail(report.last_seq + 1, format!("records to {announced} are missing"));
    } else if !allowed.is_empty() && !allowed.contains(&public_key) {
        report.fail(report.last_seq, "the seal is signed by another key");
    } else if !chain::verify_seal(&public_key, &seal, &signature) {
        report.fail(report.last_seq, "the seal's signature is bad");
    } else {
        report.signatures += 1;
        report.signed_upto = report.last_seq;
        report.keys.insert(public_key);
    }
}

fn head_from(value: &Value, ledger: Option<LedgerId>) -> Option<SignedHead> {
    Some(SignedHead {
        ledger: ledger?,
        seq: value.get("seq")?.as_u64()?,
        hash: Digest(bytes_of(value, "hash")?),
        utc_ms: value.get("utc_ms").and_then(Value::as_i64),
        public_key: bytes_of(value, "public_key")?,
        signature: bytes_of(value, "signature")?,
    })
}

fn record_from(value: &Value) -> Option<(u64, Digest, Vec<u8>)> {
    let bytes = BASE64.decode(value.get("bytes")?.as_str()?).ok()?;
    Some((value.get("seq")?.as_u64()?, Digest(bytes_of(value, "hash")?), bytes))
}

fn bytes_of<const N: usize>(value: &Value, field: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(value.get(field)?.as_str()?, &mut bytes).ok()?;
    Some(bytes)
}

/// One file of a verified path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReport {
    /// Its path as given or found.
    pub path: std::path::PathBuf,
    /// What was found.
    pub report: Report,
}

/// Verifies a file, or a store's folder: segments in order, then `lane.db`, each following the one before.
pub fn verify_path(path: &Path, allowed: &[[u8; 32]]) -> Result<Vec<FileReport>, StoreError> {
    if !path.is_dir() {
        return Ok(vec![FileReport { path: path.to_owned(), report: verify_file(path, allowed)? }]);
    }
    let database = path.join("lane.db");
    let last = FileReport { report: verify_database(&database, allowed)?, path: database };
    let mut reports = Vec::new();
    let prefix = last.report.ledger.map(ledger_text).unwrap_or_default();
    let mut segments: Vec<_> = match std::fs::read_dir(path.join("segments")) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(_) => Vec::new(),
    };
    let is_ours = |segment: &std::path::PathBuf| {
        let name = segment.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with(&prefix) && name.ends_with(".segment")
    };
    segments.retain(is_ours);
    segments.sort();
    for segment in segments {
        reports.push(FileReport { report: verify_segment(&segment, allowed)?, path: segment });
    }
    reports.push(last);
    for at in 1..reports.len() {
        let (before, after) = (&reports[at - 1].report, &reports[at].report);
        let (end, follows) = (before.last_hash, after.previous);
        let last_seq = before.last_seq;
        if end != follows && reports[at - 1].report.bad.is_none() {
            reports[at].report.fail(last_seq + 1, "it does not follow the segment before");
        }
    }
    let no_segment_before = reports.len() == 1 && reports[0].report.previous != chain::NO_PREVIOUS;
    if no_segment_before {
        reports[0].report.fail(1, "the segments before it are missing");
    }
    Ok(reports)
}
