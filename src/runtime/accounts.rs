//! Officers' accounts between the store's rows and what the screens and the desk know.

use crate::clock;
use crate::officer::pin::Pepper;
use crate::officer::{Account, parse_role, role_word};
use crate::settings::Settings;
use crate::store::{OfficerRow, Store, StoreError};
use lane_link::record::Body;

/// A row as an account; a row with a role this version does not know is none.
#[must_use]
pub fn account(row: OfficerRow) -> Option<Account> {
    let role = parse_role(&row.role).ok()?;
    Some(Account {
        id: row.id,
        agency: row.agency,
        role,
        sites: row.sites,
        valid_from_ms: row.valid_from_ms,
        valid_until_ms: row.valid_until_ms,
        pin_hash: row.pin_hash,
    })
}

/// An account as a row.
#[must_use]
pub fn row(account: &Account) -> OfficerRow {
    OfficerRow {
        id: account.id.clone(),
        agency: account.agency.clone(),
        role: role_word(account.role).to_owned(),
        sites: account.sites.clone(),
        valid_from_ms: account.valid_from_ms,
        valid_until_ms: account.valid_until_ms,
        pin_hash: account.pin_hash.clone(),
        // One that the centre sent stays the centre's.
        from_centre: false,
    }
}

/// What happens to an account is in the ledger.
///
/// # Errors
/// The store's: the account may not be changed unseen.
pub async fn note(store: &Store, login: &str, what: &str, trust: clock::Trust) -> Result<(), StoreError> {
    let body = Body::Account { login: login.to_owned(), what: what.to_owned() };
    store.append(vec![super::centre::raw_record(body, trust)]).await.map(drop)
}

/// Writes an account, and that it was written; the record first, so that nothing changes unseen.
///
/// # Errors
/// The store's.
pub async fn put(store: &Store, officer: OfficerRow, trust: clock::Trust) -> Result<(), StoreError> {
    note(store, &officer.id, "written", trust).await?;
    store.put_officer(officer).await
}

/// Forgets an account's wrong PINs, and notes it.
///
/// # Errors
/// The store's.
pub async fn unlock(store: &Store, id: String, trust: clock::Trust) -> Result<(), StoreError> {
    note(store, &id, "unlocked", trust).await?;
    store.officer_succeeded(id).await.map(drop)
}

/// The store's one writer, as a command finds it.
pub enum Writer {
    /// This command: no daemon runs.
    Here(Store, tokio::runtime::Runtime),
    /// The daemon: it is asked at its control socket.
    Daemon,
}

/// Opens the store, or finds the daemon that has it.
///
/// # Errors
/// A sentence for the person at the terminal.
pub fn writer(settings: &Settings) -> Result<Writer, String> {
    let waiter = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let trust = super::trust(settings);
    let boot = super::new_boot().map_err(|error| error.to_string())?;
    let key = super::lane_key(settings).map_err(|error| error.to_string())?;
    let opened = {
        let _inside = waiter.enter();
        super::open_store(settings, key, boot, trust)
    };
    match opened {
        Ok((store, _)) => Ok(Writer::Here(store, waiter)),
        Err(super::RunError::Store(StoreError::InUse { .. })) => Ok(Writer::Daemon),
        Err(error) => Err(error.to_string()),
    }
}

/// The site's pepper. It is delivered with the keys; a lane that stands alone makes its own at its first start.
///
/// # Errors
/// A sentence that names the file.
pub fn pepper(settings: &Settings) -> Result<Pepper, String> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let path = &settings.web.pepper_file;
    if !path.exists() {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
        let wrong = |error: std::io::Error| format!("{}: {error}", path.display());
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o400).open(path).map_err(wrong)?;
        file.write_all(format!("{}\n", hex::encode(bytes)).as_bytes()).and_then(|()| file.sync_all()).map_err(wrong)?;
        tracing::warn!(path = %path.display(), "a new pepper was made: PINs made with another do not work here");
    }
    Pepper::read(path).map_err(|error| error.to_string())
}
