//! `borderlane officer add`, `list`, `disable` and `pin`: accounts of the persons at this lane.
//!
//! A PIN is never an argument, where anyone could read it in the list of processes: it is the first line of the input. Weak ones are refused. A
//! disabled account stays, run out and without its PIN, so that old records still name somebody. An officer whom the centre sent comes without a
//! PIN and gets one by `officer pin`; whom the centre takes back is removed with it.
//!
//! The store has one writer: where the daemon runs, it is asked at its control socket (`runtime::control`).
//!
//! Exit codes: 0 done, 1 the accounts could not be read or written, 2 the input could not be used.

use crate::officer::lockout::Lockout;
use crate::officer::pin::{self, HashError, Pepper, Pin, PinError};
use crate::officer::{Account, AccountError, parse_id, parse_role, role_word};
use crate::runtime::accounts::{self, Writer};
use crate::runtime::control::{self, Ask};
use crate::runtime::trust;
use crate::settings::Settings;
use clap::{Args, Subcommand};
use std::io::{self, BufRead, Write};

const DAY_MS: i64 = 86_400_000;
/// The longest line that is looked at for a PIN.
const LINE_MAX_BYTES: u64 = 64;

/// Accounts of the persons at this lane.
#[derive(Debug, Args)]
pub struct OfficerArgs {
    #[command(subcommand)]
    command: OfficerCommand,
}

#[derive(Debug, Subcommand)]
enum OfficerCommand {
    /// Add an account; the PIN is the first line of the input
    Add(AddArgs),
    /// List the accounts
    List,
    /// Let an account run out now
    Disable {
        /// The login
        id: String,
    },
    /// Give an account a new PIN, the first line of the input; the door opens again
    Pin {
        /// The login
        id: String,
    },
}

#[derive(Debug, Args)]
struct AddArgs {
    /// The login: a-z, 0-9, dot, underscore, dash
    id: String,
    /// The agency's short name: customs, border_guard, ...
    #[arg(long)]
    agency: String,
    /// officer, supervisor or technician
    #[arg(long, default_value = "officer")]
    role: String,
    /// Sites; this lane's site unless given
    #[arg(long = "site")]
    sites: Vec<String>,
    /// Days until the account runs out
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
    valid_days: u32,
}

/// Where accounts are kept. Errors are sentences for the person at the terminal.
pub trait Accounts {
    /// All accounts with their lockout, by login.
    ///
    /// # Errors
    /// When they cannot be read.
    fn all(&mut self) -> Result<Vec<(Account, Lockout)>, String>;
    /// Writes an account, new or not; its failures stay.
    ///
    /// # Errors
    /// When it cannot be written.
    fn put(&mut self, account: &Account) -> Result<(), String>;
    /// Forgets the wrong PINs of an account.
    ///
    /// # Errors
    /// When it cannot be written.
    fn unlock(&mut self, id: &str) -> Result<(), String>;
}

/// What the command needs besides its arguments.
pub struct OfficerDesk<'d> {
    /// Where accounts are kept.
    pub accounts: &'d mut dyn Accounts,
    /// The site's secret.
    pub pepper: &'d Pepper,
    /// This lane's site.
    pub site: &'d str,
    /// Wall clock.
    pub now_utc_ms: i64,
}

#[derive(Debug, thiserror::Error)]
enum OfficerError {
    #[error("{0}")]
    Accounts(String),
    #[error("{0}")]
    Account(#[from] AccountError),
    #[error("{0}")]
    Pin(#[from] PinError),
    #[error("{0}")]
    Hash(#[from] HashError),
    #[error("there is no account {0}")]
    Unknown(String),
    #[error("there is an account {0} already: `officer pin` gives it a new PIN")]
    Exists(String),
    #[error("no PIN came: type or pipe one line of six digits")]
    NoPin,
    #[error("input or output failed: {0}")]
    Stream(#[from] io::Error),
}

/// Runs the command and returns the exit code.
pub fn run(args: &OfficerArgs, desk: &mut OfficerDesk<'_>, stdin: &mut dyn BufRead, stdout: &mut dyn Write, stderr: &mut dyn Write) -> u8 {
    let done = match &args.command {
        OfficerCommand::Add(add) => add_one(add, desk, stdin, stdout),
        OfficerCommand::List => list(desk, stdout),
        OfficerCommand::Disable { id } => disable(id, desk, stdout),
        OfficerCommand::Pin { id } => new_pin(id, desk, stdin, stdout),
    };
    let Err(error) = done else { return 0 };
    // nothing is left to say it to if stderr is gone too
    let _told = writeln!(stderr, "borderlane officer: {error}");
    if matches!(error, OfficerError::Accounts(_) | OfficerError::Stream(_) | OfficerError::Hash(_)) { 1 } else { 2 }
}

fn add_one(args: &AddArgs, desk: &mut OfficerDesk<'_>, stdin: &mut dyn BufRead, stdout: &mut dyn Write) -> Result<(), OfficerError> {
    let id = parse_id(&args.id)?;
    if find(desk, &id)?.is_some() {
        return Err(OfficerError::Exists(id));
    }
    let sites = if args.sites.is_empty() { vec![desk.site.to_owned()] } else { args.sites.clone() };
    let mut account = Account {
        id,
        agency: args.agency.clone(),
        role: parse_role(&args.role)?,
        sites,
        valid_from_ms: desk.now_utc_ms,
        valid_until_ms: desk.now_utc_ms.saturating_add(i64::from(args.valid_days) * DAY_MS),
        pin_hash: String::new(),
    };
    account.check()?;
    account.pin_hash = pin::hash(&read_pin(stdin)?, desk.pepper)?;
    desk.accounts.put(&account).map_err(OfficerError::Accounts)?;
    writeln!(
        stdout,
        "added {} ({}, {}), valid until {}",
        account.id,
        account.agency,
        role_word(account.role),
        day(account.valid_until_ms)
    )?;
    Ok(())
}

fn list(desk: &mut OfficerDesk<'_>, stdout: &mut dyn Write) -> Result<(), OfficerError> {
    writeln!(stdout, "{:<32} {:<16} {:<10} {:<10} {:<20} sites", "login", "agency", "role", "until", "state")?;
    for (account, lockout) in desk.accounts.all().map_err(OfficerError::Accounts)? {
        let state = if account.valid_until_ms <= desk.now_utc_ms {
            "run out".to_owned()
        } else if account.pin_hash.is_empty() {
            "no PIN yet".to_owned()
        } else if account.valid_from_ms > desk.now_utc_ms {
            "not yet valid".to_owned()
        } else if let Some(shut_ms) = lockout.shut_ms(desk.now_utc_ms) {
            format!("locked for {} s", shut_ms.unsigned_abs().div_ceil(1000))
        } else {
            "valid".to_owned()
        };
        let (role, until, sites) = (role_word(account.role), day(account.valid_until_ms), account.sites.join(" "));
        writeln!(stdout, "{:<32} {:<16} {role:<10} {until:<10} {state:<20} {sites}", account.id, account.agency)?;
    }
    Ok(())
}

fn disable(id: &str, desk: &mut OfficerDesk<'_>, stdout: &mut dyn Write) -> Result<(), OfficerError> {
    let mut account = known(id, desk)?;
    account.valid_until_ms = account.valid_until_ms.min(desk.now_utc_ms);
    account.valid_from_ms = account.valid_from_ms.min(account.valid_until_ms.saturating_sub(1));
    // The centre's next word would bring the window back; a PIN comes from this lane only.
    account.pin_hash.clear();
    desk.accounts.put(&account).map_err(OfficerError::Accounts)?;
    writeln!(stdout, "{} has run out; an open session ends at its next act", account.id)?;
    Ok(())
}

fn new_pin(id: &str, desk: &mut OfficerDesk<'_>, stdin: &mut dyn BufRead, stdout: &mut dyn Write) -> Result<(), OfficerError> {
    let mut account = known(id, desk)?;
    account.pin_hash = pin::hash(&read_pin(stdin)?, desk.pepper)?;
    desk.accounts.put(&account).map_err(OfficerError::Accounts)?;
    desk.accounts.unlock(&account.id).map_err(OfficerError::Accounts)?;
    writeln!(stdout, "{} has a new PIN", account.id)?;
    Ok(())
}

fn find(desk: &mut OfficerDesk<'_>, id: &str) -> Result<Option<Account>, OfficerError> {
    let all = desk.accounts.all().map_err(OfficerError::Accounts)?;
    Ok(all.into_iter().map(|(account, _)| account).find(|account| account.id == id))
}

fn known(id: &str, desk: &mut OfficerDesk<'_>) -> Result<Account, OfficerError> {
    let id = parse_id(id)?;
    find(desk, &id)?.ok_or(OfficerError::Unknown(id))
}

fn read_pin(stdin: &mut dyn BufRead) -> Result<Pin, OfficerError> {
    let mut line = String::new();
    io::Read::take(stdin, LINE_MAX_BYTES).read_line(&mut line)?;
    match line.trim() {
        "" => Err(OfficerError::NoPin),
        digits => Ok(Pin::parse_new(digits)?),
    }
}

/// The day of a moment, UTC.
fn day(utc_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(utc_ms).map_or_else(|_| "?".to_owned(), |t| t.strftime("%Y-%m-%d").to_string())
}

/// The accounts of a lane's store: written here, or by the daemon that has it.
struct Desk<'s> {
    writer: Writer,
    settings: &'s Settings,
}

impl Accounts for Desk<'_> {
    fn all(&mut self) -> Result<Vec<(Account, Lockout)>, String> {
        let rows = match &self.writer {
            Writer::Here(store, waiter) => waiter.block_on(store.officers()).map_err(|error| error.to_string())?,
            Writer::Daemon => control::officers(&self.settings.state_dir)?,
        };
        Ok(rows.into_iter().filter_map(|(row, lockout)| Some((accounts::account(row)?, lockout))).collect())
    }

    fn put(&mut self, account: &Account) -> Result<(), String> {
        let officer = accounts::row(account);
        match &self.writer {
            Writer::Here(store, waiter) => {
                waiter.block_on(accounts::put(store, officer, trust(self.settings))).map_err(|error| error.to_string())
            }
            Writer::Daemon => control::ask(&self.settings.state_dir, &Ask::PutOfficer { officer }, &[]).map(drop),
        }
    }

    fn unlock(&mut self, id: &str) -> Result<(), String> {
        let id = id.to_owned();
        match &self.writer {
            Writer::Here(store, waiter) => {
                waiter.block_on(accounts::unlock(store, id, trust(self.settings))).map_err(|error| error.to_string())
            }
            Writer::Daemon => control::ask(&self.settings.state_dir, &Ask::Unlock { id }, &[]).map(drop),
        }
    }
}

/// `borderlane officer`, over the store that the settings name. Exit code 78 for wrong settings.
pub fn at_the_desk(cli: &super::OfficerCli, stdin: &mut dyn BufRead, stdout: &mut dyn Write, stderr: &mut dyn Write) -> u8 {
    let mut say = |text: String| {
        // Nothing is left to say it to if standard error is gone too.
        let _told = writeln!(stderr, "borderlane officer: {text}");
    };
    let settings = match Settings::load(&cli.config) {
        Ok(settings) => settings,
        Err(error) => {
            say(error.to_string());
            return crate::settings::EXIT_BAD_SETTINGS;
        }
    };
    let opened = accounts::pepper(&settings).and_then(|pepper| Ok((pepper, accounts::writer(&settings)?)));
    let (pepper, writer) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            say(error);
            return 1;
        }
    };
    let mut kept = Desk { writer, settings: &settings };
    let now_utc_ms = crate::clock::wall(crate::clock::Trust::Vouched).utc_ms;
    let mut desk = OfficerDesk { accounts: &mut kept, pepper: &pepper, site: &settings.site, now_utc_ms };
    let code = run(&cli.args, &mut desk, stdin, stdout, stderr);
    if let Writer::Here(store, waiter) = kept.writer {
        waiter.block_on(store.close());
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::officer::pin::PEPPER_BYTES;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        officer: OfficerArgs,
    }

    #[derive(Default)]
    struct Kept(Vec<(Account, Lockout)>);

    impl Accounts for Kept {
        fn all(&mut self) -> Result<Vec<(Account, Lockout)>, String> {
            Ok(self.0.clone())
        }
        fn put(&mut self, account: &Account) -> Result<(), String> {
            let lockout = self.0.iter().find(|(a, _)| a.id == account.id).map_or_else(Lockout::default, |(_, l)| *l);
            self.0.retain(|(a, _)| a.id != account.id);
            self.0.push((account.clone(), lockout));
            Ok(())
        }
        fn unlock(&mut self, id: &str) -> Result<(), String> {
            self.0.iter_mut().filter(|(a, _)| a.id == id).for_each(|(_, l)| *l = Lockout::default());
            Ok(())
        }
    }

    const NOW: i64 = 1_795_300_000_000;

    fn pepper() -> Pepper {
        Pepper::new([3; PEPPER_BYTES])
    }

    fn officer(kept: &mut Kept, words: &str, input: &str) -> (u8, String) {
        let args = Line::try_parse_from(std::iter::once("officer").chain(words.split(' '))).unwrap().officer;
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut desk = OfficerDesk { accounts: kept, pepper: &pepper(), site: "huu-nghi", now_utc_ms: NOW };
        let code = run(&args, &mut desk, &mut input.as_bytes(), &mut out, &mut err);
        out.extend(err);
        (code, String::from_utf8(out).unwrap())
    }

    #[test]
    fn an_account_is_added_listed_given_a_new_pin_and_disabled() {
        let mut kept = Kept::default();
        assert_eq!(officer(&mut kept, "add Lan.Nguyen --agency customs", "481516\n").0, 0);
        let (account, _) = kept.0[0].clone();
        assert_eq!((account.id.as_str(), account.sites.as_slice()), ("lan.nguyen", &["huu-nghi".to_owned()][..]));
        assert!(pin::verify(&Pin::parse("481516").unwrap(), &pepper(), &account.pin_hash).unwrap());

        kept.0[0].1 = Lockout { failures: 5, locked_until_ms: Some(NOW + 60_000) };
        assert!(officer(&mut kept, "list", "").1.contains("locked for 60 s"));
        assert_eq!(officer(&mut kept, "pin lan.nguyen", "902713\n").0, 0);
        assert!(pin::verify(&Pin::parse("902713").unwrap(), &pepper(), &kept.0[0].0.pin_hash).unwrap());
        assert_eq!(kept.0[0].1, Lockout::default());

        assert_eq!(officer(&mut kept, "disable lan.nguyen", "").0, 0);
        assert!(!kept.0[0].0.may_work("huu-nghi", Some(NOW)));
        assert_eq!(kept.0[0].0.pin_hash, "", "whatever window the centre sends next, there is no PIN");
        assert_eq!(kept.0[0].0.check(), Ok(()));
        let (_, listed) = officer(&mut kept, "list", "");
        assert!(listed.contains("run out") && !listed.contains("argon2"), "{listed}");
    }

    #[test]
    fn what_cannot_be_used_is_said_and_changes_nothing() {
        let mut kept = Kept::default();
        let mut says = |words: &str, input: &str, what: &str| {
            let (code, text) = officer(&mut kept, words, input);
            assert!(code == 2 && text.contains(what), "{words}: {code} {text}");
        };
        says("add lan --agency customs", "123456\n", "first that anyone tries");
        says("add lan --agency customs", "", "no PIN came");
        says("add lan --agency customs --role boss", "481516\n", "a role is");
        says("add lan/x --agency customs", "481516\n", "a login has");
        says("pin lan", "481516\n", "no account lan");
        assert!(kept.0.is_empty());
        assert_eq!(officer(&mut kept, "add lan --agency customs", "481516\n").0, 0);
        assert_eq!(officer(&mut kept, "add lan --agency customs", "902713\n").0, 2);
    }
}
