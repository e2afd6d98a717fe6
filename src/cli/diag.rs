//! `borderlane diag`: a support bundle, a folder of text files that tells a technician elsewhere how this lane stands. It works with the daemon running
//! or not, and with wrong settings.
//!
//! ```text
//! borderlane-diag-{lane}-{time}/   mode 0700
//!   versions.json     programs, formats, operating system
//!   settings.toml     the settings, without passwords (also those within addresses)
//!   check.txt         what `borderlane check` says
//!   health.json       the running daemon's health, or why there is none
//!   store.json        ledger: place, kinds, newest records by kind and time, newest head; tables; accounts without what is kept of PINs
//!   collections.json  the four copies: revision, head, rows, rows not understood
//!   log.txt           the journal's last lines
//! ```
//! Never inside: private keys, the pepper, what is kept of PINs, passwords, pictures, declarations, records' contents. Every file also goes through
//! [`Secrets::scrub`], which takes out the secrets of this lane wherever they stand.
//!
//! Exit codes: 0 written, 1 not written.

use crate::cli::check;
use crate::runtime::control::{self, Ask};
use crate::settings::Settings;
use crate::store::cache::{quarantined, state};
use crate::store::lane::ledger::{meta, newest_head};
use crate::store::lane::{persons, schema};
use crate::store::verify::open_read_only;
use crate::store::{Collection, StoreError};
use clap::Args;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::io::{Read as _, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Newest records listed.
const RECORDS_MAX: u32 = 200;
/// Lines of the journal.
const LOG_MAX_LINES: &str = "2000";
/// Bytes read of any one file.
const FILE_MAX_BYTES: u64 = 4 << 20;
/// A shorter secret is not looked for: it would be found everywhere.
const SECRET_MIN_BYTES: usize = 6;

/// A support bundle without secrets: versions, settings, checks, health, counts, log
#[derive(Debug, Args)]
pub struct DiagArgs {
    /// The settings
    #[arg(long, default_value = "/etc/borderlane/lane.toml")]
    config: PathBuf,
    /// Where the bundle's folder is made
    #[arg(long, default_value = ".")]
    out: PathBuf,
}

/// The secrets of this lane as texts, to be taken out of everything.
#[derive(Debug, Default)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// The secrets that the settings lead to: private keys, pepper, passwords.
    #[must_use]
    pub fn of(settings: Option<&Settings>) -> Self {
        let Some(settings) = settings else { return Self::default() };
        let mut files = vec![settings.web.pepper_file.clone(), settings.state_dir.join("keys/lane.key")];
        if let Some(centre) = &settings.centre {
            files.extend(centre.login.as_ref().map(|(_, file)| file.clone()));
            files.extend(centre.tls.as_ref().map(|[_, _, key]| key.clone()));
        }
        let mut words = Vec::new();
        for text in files.iter().filter_map(|path| read(path).ok()) {
            words.extend(text.lines().map(str::trim).filter(|line| line.len() >= SECRET_MIN_BYTES).map(str::to_owned));
        }
        Self(words)
    }

    /// The text without them, without what is kept of PINs, and without passwords in addresses.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        let mut text = self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "(removed)"));
        while let Some(at) = text.find("$argon2") {
            let end = text[at..].find(|c: char| c.is_whitespace() || c == '"' || c == '\'').map_or(text.len(), |length| at + length);
            text.replace_range(at..end, "(removed)");
        }
        let lines: Vec<String> = text.lines().map(without_login).collect();
        lines.join("\n") + "\n"
    }
}

/// A line with every `://user:password@` as `://(removed)@`.
fn without_login(line: &str) -> String {
    let mut done = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        done.push_str(before);
        let authority = after.find(['/', '"', '\'', ' ', '?']).unwrap_or(after.len());
        rest = match after[..authority].rfind('@') {
            Some(sign) => {
                done.push_str("(removed)");
                &after[sign..]
            }
            None => after,
        };
    }
    done + rest
}

/// The settings' text without the value of any key that is called a secret; files are named, not opened.
fn without_secrets(text: &str) -> String {
    let line = |line: &str| {
        let key = line.split('=').next().unwrap_or_default().trim().trim_start_matches('#').trim().to_lowercase();
        let secret = ["password", "secret", "token", "pin", "pepper", "private"].iter().any(|word| key.contains(word));
        if line.contains('=') && secret && !key.ends_with("_file") { format!("{key} = \"(removed)\"") } else { line.to_owned() }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(FILE_MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// Runs the command and returns the exit code.
pub fn run(args: &DiagArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let settings = Settings::load(&args.config);
    let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let lane = settings.as_ref().map_or("unknown", |settings| settings.lane.as_str());
    let lane: String = lane.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    let folder = args.out.join(format!("borderlane-diag-{lane}-{now}"));
    let said = match write(&folder, args, settings.as_ref().ok()) {
        Ok(()) => writeln!(out, "{}\nIt holds no secret, but names persons and devices: send it to whom you trust.", folder.display()),
        Err(error) => {
            let _told = writeln!(err, "borderlane diag: {}: {error}", folder.display());
            return 1;
        }
    };
    u8::from(said.is_err())
}

fn write(folder: &Path, args: &DiagArgs, settings: Option<&Settings>) -> std::io::Result<()> {
    std::fs::DirBuilder::new().mode(0o700).create(folder)?;
    let secrets = Secrets::of(settings);
    let file = |name: &str, text: &str| std::fs::write(folder.join(name), secrets.scrub(text));
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
    file("versions.json", &pretty(&versions()))?;
    file("settings.toml", &read(&args.config).map_or_else(|error| format!("# {error}"), |text| without_secrets(&text)))?;
    let mut checked = Vec::new();
    check::run(&args.config, &mut checked);
    file("check.txt", &String::from_utf8_lossy(&checked))?;
    let Some(settings) = settings else { return Ok(()) };
    let health = control::ask(&settings.state_dir, &Ask::Health, &[]).unwrap_or_else(|error| json!({ "no_answer": error }));
    file("health.json", &pretty(&health))?;
    file("store.json", &pretty(&or_error(store(&settings.state_dir))))?;
    file("collections.json", &pretty(&or_error(collections(&settings.state_dir))))?;
    file("log.txt", &log())
}

fn or_error(value: Result<Value, StoreError>) -> Value {
    value.unwrap_or_else(|error| json!({ "error": error.to_string() }))
}

fn versions() -> Value {
    let system = read(Path::new("/etc/os-release")).unwrap_or_default();
    let system = system.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or("unknown").trim_matches('"').to_owned();
    let kernel = read(Path::new("/proc/sys/kernel/osrelease")).unwrap_or_default();
    json!({
        "borderlane": env!("CARGO_PKG_VERSION"), "core": crate::runtime::black_box::CORE_VERSION,
        "record_format": lane_link::record::RECORD_VERSION, "lane_db_format": schema::LANE_FORMAT,
        "system": system, "kernel": kernel.trim(), "machine": std::env::consts::ARCH,
    })
}

fn store(dir: &Path) -> Result<Value, StoreError> {
    let path = dir.join("lane.db");
    let conn = open_read_only(&path)?;
    let place = meta(&conn)?;
    let head = place.map(|place| newest_head(&conn, place.ledger)).transpose()?.flatten();
    let officers = persons::officers(&conn)?.into_iter().map(|(row, lockout)| {
        json!({ "id": row.id, "agency": row.agency, "role": row.role, "sites": row.sites, "valid_from_ms": row.valid_from_ms,
                "valid_until_ms": row.valid_until_ms, "from_centre": row.from_centre, "has_pin": !row.pin_hash.is_empty(),
                "failures": lockout.failures, "locked_until_ms": lockout.locked_until_ms })
    });
    let sql = format!(
        "SELECT json_object('seq', seq, 'kind', kind, 'utc_ms', utc_ms, 'bytes', length(bytes)) FROM ledger ORDER BY seq DESC LIMIT {RECORDS_MAX}"
    );
    let tables =
        ["ledger", "head", "segment", "open_passage", "permit", "entry_use", "black_box", "black_box_entry", "officer", "act", "evidence"];
    let counts = tables
        .iter()
        .map(|table| Ok(((*table).to_owned(), count(&conn, table)?)))
        .collect::<Result<serde_json::Map<_, _>, StoreError>>()?;
    Ok(json!({
        "format": schema::format_of(&conn)?,
        "file_bytes": std::fs::metadata(&path).map_or(0, |file| file.len()),
        "ledger": place.map(|p| json!({ "id": lane_link::ids::ledger_text(p.ledger), "base_seq": p.base_seq,
            "acknowledged_seq": p.acknowledged_seq, "follows": p.previous.map(lane_link::ids::ledger_text), "forked": p.forked })),
        "newest_head": head.map(|h| json!({ "seq": h.seq, "hash": hex::encode(h.hash.0), "utc_ms": h.utc_ms, "public_key": hex::encode(h.public_key) })),
        "rows": counts,
        "kinds": objects(&conn, "SELECT json_object('kind', kind, 'count', count(*)) FROM ledger GROUP BY kind ORDER BY kind")?,
        "newest_records": objects(&conn, &sql)?,
        "officers": officers.collect::<Vec<_>>(),
    }))
}

fn count(conn: &Connection, table: &str) -> Result<Value, StoreError> {
    let rows: i64 =
        conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).map_err(StoreError::sql("count rows"))?;
    Ok(Value::from(rows))
}

fn objects(conn: &Connection, sql: &str) -> Result<Vec<Value>, StoreError> {
    let what = "list for a support bundle";
    let mut select = conn.prepare(sql).map_err(StoreError::sql(what))?;
    let rows = select.query_map([], |row| row.get::<_, String>(0)).map_err(StoreError::sql(what))?;
    rows.map(|row| Ok(serde_json::from_str(&row.map_err(StoreError::sql(what))?).unwrap_or_default())).collect()
}

fn collections(dir: &Path) -> Result<Value, StoreError> {
    let conn = open_read_only(&dir.join("cache.db"))?;
    let mut all = Vec::new();
    for which in Collection::ALL {
        let state = state(&conn, which)?;
        all.push(json!({
            "collection": format!("{which:?}").to_lowercase(),
            "have": state.have.map(|r| [u64::from(r.epoch), r.revision]),
            "head_utc_ms": state.head.map(|head| head.utc_ms),
            "not_understood": quarantined(&conn, which)?,
        }));
    }
    Ok(Value::Array(all))
}

fn log() -> String {
    let mut command = Command::new("journalctl");
    command.args(["-u", "borderlane", "-n", LOG_MAX_LINES, "--no-pager", "-o", "short-iso"]).stdin(Stdio::null());
    match command.output() {
        Ok(done) => String::from_utf8_lossy(if done.status.success() { &done.stdout } else { &done.stderr }).into_owned(),
        Err(error) => format!("journalctl: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_do_not_survive_in_settings_or_addresses() {
        let text = "password = \"hunter22\"\n# api_token = \"abc\"\npassword_file = \"/etc/x\"\nfront = \"http://admin:geheim@10.0.0.5/mjpeg?a=b@c\"";
        let clean = Secrets::default().scrub(&without_secrets(text));
        for secret in ["hunter22", "abc", "admin", "geheim"] {
            assert!(!clean.contains(secret), "{secret} in {clean}");
        }
        assert!(clean.contains("password_file = \"/etc/x\"") && clean.contains("http://(removed)@10.0.0.5/mjpeg?a=b@c"), "{clean}");
    }

    #[test]
    fn what_is_a_secret_of_this_lane_is_taken_out_wherever_it_stands() {
        let secrets = Secrets(vec!["00ff00ff".into()]);
        let clean = secrets.scrub("key 00ff00ff, hash \"$argon2id$v=19$m=1$abc\" and $argon2i$x\nplain");
        assert_eq!(clean, "key (removed), hash \"(removed)\" and (removed)\nplain\n");
    }
}
