//! Officers' accounts between the store's rows and what the screens and the desk know.

use crate::officer::pin::Pepper;
use crate::officer::{Account, parse_role, role_word};
use crate::settings::Settings;
use crate::store::{OfficerRow, Store};

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

/// Opens the store beside a daemon that is not running, and makes the pepper where there is none.
///
/// # Errors
/// A sentence for the person at the terminal.
pub fn open(settings: &Settings) -> Result<(Store, tokio::runtime::Runtime, Pepper), String> {
    let waiter = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let trust = super::trust(settings);
    let boot = super::new_boot().map_err(|error| error.to_string())?;
    let key = super::lane_key(settings).map_err(|error| error.to_string())?;
    let pepper = pepper(settings)?;
    let _inside = waiter.enter();
    let (store, _) =
        super::open_store(settings, key, boot, trust).map_err(|error| format!("{error} (is the daemon running? stop it first)"))?;
    drop(_inside);
    Ok((store, waiter, pepper))
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
