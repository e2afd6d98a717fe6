//! The process is killed (SIGKILL) at random moments, 50 times over one store, while it appends, opens passages and authorises permits.
//!
//! The child is this same test binary, started again with `STORE_CRASH_DIR`; it says on its standard output what was answered to it, after it was answered.
//! Held after every kill: what was said is in the file with that hash; no gap and no fork; no permit can be granted again.
//! (A kill leaves the page cache alone: that a power cut loses nothing rests on WAL with FULL, whose pragmas another test asserts.)

mod store_support;

use borderlane::store::verify::{open_read_only, verify_database};
use borderlane::store::{Authorisation, EntryUse, Store, StoreError, chain};
use lane_core::ids::{BootId, PassageId, PermitId};
use rand::{RngExt as _, SeedableRng as _};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use store_support::*;

const KILLS: u64 = 50;

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "\n@{line}");
    let _ = out.flush();
}

fn permit(passage: PassageId, counter: u16, boot: u64) -> PermitId {
    PermitId { passage: Some(passage), counter, boot: BootId(u128::from(boot)) }
}

/// Not a test by itself: what the killed process does. Without the variable it has nothing to do.
#[test]
fn crash_child() {
    let Ok(dir) = std::env::var("STORE_CRASH_DIR") else { return };
    let boot_id: u64 = std::env::var("STORE_CRASH_RUN").unwrap().parse().unwrap();
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(child(&dir, boot_id));
}

async fn child(dir: &str, boot_id: u64) {
    let (store, opened) = Store::open(settings(Path::new(dir)), key(), &boot(u128::from(boot_id))).unwrap();
    say(&format!("OPEN {} {}", chain::ledger_text(opened.ledger), opened.restored.map_or("-", |why| why.word())));
    let granted = std::fs::read_to_string(Path::new(dir).join("granted")).unwrap_or_default();
    for line in granted.lines() {
        let mut words = line.split(' ').map(|word| word.parse::<u64>().unwrap());
        let (seq, counter, boot) = (words.next().unwrap(), words.next().unwrap() as u16, words.next().unwrap());
        let old = permit(PassageId { ledger: opened.ledger, seq }, counter, boot);
        if store.authorise(authorisation(old)).await.is_ok() {
            say(&format!("TWICE {line}"));
        }
    }
    for worker in 0..3 {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 0.. {
                let rows = vec![record(&format!("{worker} {n}")), record(&format!("{worker} {n} too"))];
                for row in store.append(rows).await.unwrap() {
                    say(&format!("REC {} {}", row.seq, hex::encode(row.hash.0)));
                }
            }
        });
    }
    loop {
        let passage = store.open_passage(record("passage_opened")).await.unwrap();
        say(&format!("PASSAGE {}", passage.seq));
        for counter in 0..2 {
            let permit = permit(passage, counter, boot_id);
            let committed = store.authorise(authorisation(permit)).await.unwrap();
            say(&format!("GRANT {} {counter} {boot_id} {} {}", passage.seq, committed.seq, hex::encode(committed.hash.0)));
            let again = store.authorise(authorisation(permit)).await;
            if !matches!(again, Err(StoreError::PermitUsed(_))) {
                say(&format!("TWICE {} {counter} {boot_id}", passage.seq));
            }
            if counter == 0 {
                store.end_permit(permit, EntryUse::Free, record_of(passage, "permit_ended")).await.unwrap();
            }
        }
        if passage.seq % 2 == 0 {
            let ended = store.end_passage(passage, record_of(passage, "passage_ended")).await.unwrap();
            say(&format!("ENDED {} {}", passage.seq, ended.seq));
        }
    }
}

fn authorisation(permit: PermitId) -> Authorisation {
    Authorisation { permit, declarations: vec!["D-1".into()], record: record("permit_granted") }
}

/// What children were told.
#[derive(Default)]
struct Told {
    ledger: String,
    records: BTreeMap<u64, String>,
    granted: Vec<String>,
    open: BTreeMap<u64, bool>,
}

impl Told {
    fn hear(&mut self, output: &str) {
        // The last line may be cut off: it was not said.
        let whole = output.rsplit_once('\n').map_or("", |(whole, _)| whole);
        for line in whole.lines().filter_map(|line| line.strip_prefix('@')) {
            let words: Vec<&str> = line.split(' ').collect();
            match words[0] {
                "OPEN" => {
                    assert_eq!(words[2], "-", "a kill must not cost the ledger");
                    assert!(self.ledger.is_empty() || self.ledger == words[1]);
                    self.ledger = words[1].into();
                }
                "REC" => self.record(words[1], words[2]),
                "PASSAGE" => {
                    self.open.insert(words[1].parse().unwrap(), true);
                }
                "GRANT" => {
                    self.record(words[4], words[5]);
                    self.granted.push(words[1..4].join(" "));
                }
                "ENDED" => {
                    self.open.insert(words[1].parse().unwrap(), false);
                }
                "TWICE" => panic!("a permit was granted twice: {line}"),
                other => panic!("{other}"),
            }
        }
    }

    fn record(&mut self, seq: &str, hash: &str) {
        let before = self.records.insert(seq.parse().unwrap(), hash.into());
        assert_eq!(before, None, "sequence {seq} was given twice");
    }
}

#[test]
fn killed_at_random_moments_nothing_that_was_answered_is_lost_and_no_permit_can_be_used_twice() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(20_261_122);
    let mut told = Told::default();
    let mut opened = 0;
    for run in 1..=KILLS {
        // Every fifth is killed around its opening, the others in their work.
        let (after_open, delay_ms) =
            if run % 5 == 0 { (false, random.random_range(5..60)) } else { (true, random.random_range(0..120)) };
        let output = run_and_kill(dir.path(), run, after_open, Duration::from_millis(delay_ms));
        opened += u64::from(output.contains("@OPEN"));
        told.hear(&output);
        std::fs::write(dir.path().join("granted"), told.granted.iter().rev().take(50).map(|g| format!("{g}\n")).collect::<String>())
            .unwrap();
        check(dir.path(), &told);
    }
    println!("{KILLS} kills: {} records and {} permits answered for", told.records.len(), told.granted.len());
    assert!(opened >= KILLS * 4 / 5 && told.records.len() > 500 && told.granted.len() > 50, "the children must have worked");
}

fn run_and_kill(dir: &Path, run: u64, after_open: bool, delay: Duration) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["crash_child", "--exact", "--nocapture", "--test-threads=1"])
        .env("STORE_CRASH_DIR", dir)
        .env("STORE_CRASH_RUN", run.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut output = Vec::new();
    let mut buffer = [0; 4096];
    while after_open && !output.windows(5).any(|window| window == b"@OPEN") {
        let read = out.read(&mut buffer).unwrap();
        assert!(read > 0, "the child ended by itself: {}", String::from_utf8_lossy(&output));
        output.extend_from_slice(&buffer[..read]);
    }
    let reader = std::thread::spawn(move || {
        let mut rest = Vec::new();
        out.read_to_end(&mut rest).unwrap();
        rest
    });
    std::thread::sleep(delay);
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "it was killed, it did not end: {status:?}");
    output.extend(reader.join().unwrap());
    String::from_utf8(output).unwrap()
}

fn check(dir: &Path, told: &Told) {
    if told.ledger.is_empty() {
        return;
    }
    let report = verify_database(&dir.join("lane.db"), &[key().verifying_key().to_bytes()]).unwrap();
    assert_eq!(report.bad, None);
    assert_eq!(report.ledger.map(chain::ledger_text), Some(told.ledger.clone()));
    // Read-only: a writing connection would take the write-ahead log in and leave the next start nothing to recover.
    let conn = open_read_only(&dir.join("lane.db")).unwrap();
    let mut select = conn.prepare("SELECT seq, lower(hex(hash)) FROM ledger").unwrap();
    let there: BTreeMap<u64, String> =
        select.query_map([], |row| Ok((row.get::<_, i64>(0)? as u64, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    for (seq, hash) in &told.records {
        assert_eq!(there.get(seq), Some(hash), "record {seq} was answered for");
    }
    let permits: i64 = conn.query_row("SELECT count(*) FROM permit", [], |row| row.get(0)).unwrap();
    assert!(permits as usize >= told.granted.len(), "a granted permit is forgotten");
    for (passage, open) in &told.open {
        let is_open: bool = conn
            .query_row("SELECT count(*) FROM open_passage WHERE hex(passage) LIKE '%' || printf('%016X', ?1)", [*passage as i64], |row| {
                row.get(0)
            })
            .unwrap();
        // An end may be stored without having been said; a passage that was said to be ended is ended.
        assert!(!(is_open && !open), "passage {passage} was ended");
    }
}
