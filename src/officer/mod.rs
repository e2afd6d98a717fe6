//! Persons at the lane, as far as no disk and no socket is needed: what an account must look like, PINs, and the lockout's arithmetic.
//!
//! An account is known by its login and proven by a six-digit PIN ([`pin`]). A wrong PIN is counted ([`lockout`]); the count is kept by the store, so
//! that it survives a restart. Passwords, names and photographs of persons are not kept at a lane.

pub mod lockout;
pub mod pin;

use lane_core::officer::Role;

/// Bytes of a login, and of an agency's short name.
pub const ID_MAX_BYTES: usize = 32;
/// Sites one account may name.
pub const SITES_MAX: usize = 32;

/// An officer's account. Times in UTC milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The login: 1 to [`ID_MAX_BYTES`] of `[a-z0-9._-]`.
    pub id: String,
    /// The agency's short name: `customs`, `border_guard`, ...
    pub agency: String,
    /// What the person is trusted with.
    pub role: Role,
    /// Sites the person may work at, 1 to [`SITES_MAX`].
    pub sites: Vec<String>,
    /// Valid from.
    pub valid_from_ms: i64,
    /// Valid until, exclusive.
    pub valid_until_ms: i64,
    /// The PIN's hash in PHC form: [`pin::hash`].
    pub pin_hash: String,
}

/// What is wrong with an account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// The login.
    #[error("a login has 1 to {ID_MAX_BYTES} characters of a-z, 0-9, dot, underscore and dash")]
    Id,
    /// The agency.
    #[error("an agency's short name has 1 to {ID_MAX_BYTES} characters of a-z, 0-9 and underscore")]
    Agency,
    /// The role.
    #[error("a role is officer, supervisor or technician")]
    Role,
    /// The sites.
    #[error("an account names 1 to {SITES_MAX} sites")]
    Sites,
    /// The window.
    #[error("an account must begin before it ends")]
    Window,
}

/// A login in the one form it is compared in: lower case.
///
/// # Errors
/// When it has other characters or a wrong length.
pub fn parse_id(text: &str) -> Result<String, AccountError> {
    let id = text.to_ascii_lowercase();
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-');
    if id.is_empty() || id.len() > ID_MAX_BYTES || !id.bytes().all(good) {
        return Err(AccountError::Id);
    }
    Ok(id)
}

/// The word of a role.
#[must_use]
pub const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Officer => "officer",
        Role::Supervisor => "supervisor",
        Role::Technician => "technician",
    }
}

/// Reads [`role_word`].
///
/// # Errors
/// When it is no role.
pub fn parse_role(word: &str) -> Result<Role, AccountError> {
    [Role::Officer, Role::Supervisor, Role::Technician].into_iter().find(|role| role_word(*role) == word).ok_or(AccountError::Role)
}

impl Account {
    /// Is it one that may be written?
    ///
    /// # Errors
    /// Names the first field that is wrong.
    pub fn check(&self) -> Result<(), AccountError> {
        if parse_id(&self.id)? != self.id {
            return Err(AccountError::Id);
        }
        let agency = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if self.agency.is_empty() || self.agency.len() > ID_MAX_BYTES || !self.agency.bytes().all(agency) {
            return Err(AccountError::Agency);
        }
        if self.sites.is_empty() || self.sites.len() > SITES_MAX {
            return Err(AccountError::Sites);
        }
        if self.valid_from_ms >= self.valid_until_ms { Err(AccountError::Window) } else { Ok(()) }
    }

    /// May this person work at `site` now? `utc_ms` is the trusted wall clock. Without one the window cannot be judged and the account counts as
    /// valid: the persons at the lane are what remains when its clock is wrong, and who has left is removed by the officers' replica.
    #[must_use]
    pub fn may_work(&self, site: &str, utc_ms: Option<i64>) -> bool {
        let in_window = utc_ms.is_none_or(|now| self.valid_from_ms <= now && now < self.valid_until_ms);
        in_window && self.sites.iter().any(|named| named == site)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        Account {
            id: "lan.nguyen".into(),
            agency: "customs".into(),
            role: Role::Officer,
            sites: vec!["huu-nghi".into()],
            valid_from_ms: 100,
            valid_until_ms: 200,
            pin_hash: String::new(),
        }
    }

    #[test]
    fn a_login_is_lower_case_and_short() {
        assert_eq!(parse_id("Lan.Nguyen"), Ok("lan.nguyen".into()));
        for bad in ["", "lan nguyen", "lân", "a/b", &"x".repeat(33)] {
            assert_eq!(parse_id(bad), Err(AccountError::Id), "{bad}");
        }
    }

    #[test]
    fn an_account_works_at_its_sites_in_its_window() {
        let account = account();
        assert_eq!(account.check(), Ok(()));
        assert!(account.may_work("huu-nghi", Some(100)) && account.may_work("huu-nghi", None));
        assert!(!account.may_work("huu-nghi", Some(99)) && !account.may_work("huu-nghi", Some(200)));
        assert!(!account.may_work("tan-thanh", Some(150)));
    }

    #[test]
    fn a_bad_account_names_its_field() {
        assert_eq!(Account { id: "Lan".into(), ..account() }.check(), Err(AccountError::Id));
        assert_eq!(Account { agency: "Hải quan".into(), ..account() }.check(), Err(AccountError::Agency));
        assert_eq!(Account { sites: Vec::new(), ..account() }.check(), Err(AccountError::Sites));
        assert_eq!(Account { valid_until_ms: 100, ..account() }.check(), Err(AccountError::Window));
        assert_eq!(parse_role("boss"), Err(AccountError::Role));
    }
}
