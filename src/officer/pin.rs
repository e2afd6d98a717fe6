//! Six-digit PINs and how they are kept.
//!
//! ```text
//! kept = PHC string of argon2id(m = 19 MiB, t = 2, p = 1, salt = 16 random bytes, password = HMAC-SHA-256(pepper, PIN))
//! ```
//! Six digits are found in hours from a stolen database, whatever the hash: the pepper is delivered with the lane's keys and never in the database.
//! Costs are OWASP's for argon2id; about 31 ms on the appliance.

use argon2::password_hash::phc::{PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Digits of a PIN.
pub const PIN_DIGITS: usize = 6;
/// Bytes of the pepper.
pub const PEPPER_BYTES: usize = 32;
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// A kept hash that asks for more is not computed: it would be a way to stall the lane.
const MEMORY_MAX_KIB: u32 = 64 * 1024;
const PASSES_MAX: u32 = 8;
const PEPPER_FILE_MAX_BYTES: u64 = 1024;

/// What is wrong with a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// Not six digits.
    #[error("a PIN has exactly {PIN_DIGITS} digits")]
    Form,
    /// Easily guessed.
    #[error("this PIN is among the first that anyone tries: no repeated digits or groups, no counting up or down")]
    Weak,
}

/// What went wrong with hashing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// No salt could be drawn.
    #[error("no random salt could be drawn: {0}")]
    Salt(String),
    /// The hash could not be computed.
    #[error("the PIN could not be hashed: {0}")]
    Hash(String),
    /// The kept hash is no argon2id PHC string, or asks for too much work.
    #[error("the kept hash cannot be used: {0}")]
    Kept(String),
}

/// What is wrong with the pepper's file.
#[derive(Debug, thiserror::Error)]
pub enum PepperError {
    /// It could not be read.
    #[error("{path}: the pepper could not be read")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others may read it.
    #[error("{path}: the pepper may be read by others (mode {mode:03o}): chmod 0400")]
    Mode {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is no pepper.
    #[error("{path}: a pepper is one line of {} hex digits", PEPPER_BYTES * 2)]
    Form {
        /// Which file.
        path: PathBuf,
    },
}

/// A PIN as typed. Its digits are never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin([u8; PIN_DIGITS]);

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(******)")
    }
}

impl Pin {
    /// Six digits, weak or not: what somebody types to prove who they are.
    ///
    /// # Errors
    /// [`PinError::Form`].
    pub fn parse(text: &str) -> Result<Self, PinError> {
        let digits: [u8; PIN_DIGITS] = text.as_bytes().try_into().map_err(|_| PinError::Form)?;
        if digits.iter().all(u8::is_ascii_digit) { Ok(Self(digits)) } else { Err(PinError::Form) }
    }

    /// Six digits that somebody wants as a PIN.
    ///
    /// # Errors
    /// [`PinError::Form`], or [`PinError::Weak`] for one that is guessed first.
    pub fn parse_new(text: &str) -> Result<Self, PinError> {
        let pin = Self::parse(text)?;
        if pin.is_weak() { Err(PinError::Weak) } else { Ok(pin) }
    }

    fn is_weak(&self) -> bool {
        const WELL_KNOWN: [&[u8; PIN_DIGITS]; 8] = [b"147258", b"258369", b"159753", b"147369", b"102030", b"246810", b"135790", b"520131"];
        let digits = &self.0;
        let repeats = |period: usize| digits.iter().zip(&digits[period..]).all(|(a, b)| a == b);
        let counts = |step: u8| digits.windows(2).all(|pair| (pair[0] - b'0' + step) % 10 == pair[1] - b'0');
        let pairs = digits.chunks(2).all(|pair| pair[0] == pair[1]);
        let halves = digits.chunks(3).all(|half| half[0] == half[1] && half[1] == half[2]);
        let mirrored = digits.iter().eq(digits.iter().rev());
        let half_counts = mirrored && counts_all(&digits[..3]);
        repeats(1) || repeats(2) || repeats(3) || counts(1) || counts(9) || pairs || halves || half_counts || WELL_KNOWN.contains(&digits)
    }
}

fn counts_all(digits: &[u8]) -> bool {
    let up = digits.windows(2).all(|pair| pair[0].wrapping_add(1) == pair[1]);
    up || digits.windows(2).all(|pair| pair[1].wrapping_add(1) == pair[0])
}

/// The site's secret. Never printed.
#[derive(Clone)]
pub struct Pepper([u8; PEPPER_BYTES]);

impl std::fmt::Debug for Pepper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pepper(...)")
    }
}

impl Pepper {
    /// From bytes.
    #[must_use]
    pub const fn new(bytes: [u8; PEPPER_BYTES]) -> Self {
        Self(bytes)
    }

    /// One line of hex digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; PEPPER_BYTES];
        hex::decode_to_slice(text.trim_end(), &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// Reads a file that only its owner may read: one line of 64 hex digits.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, PepperError> {
        let wrong = |source| PepperError::Read { path: path.to_owned(), source };
        let file = std::fs::File::open(path).map_err(wrong)?;
        let mode = file.metadata().map_err(wrong)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(PepperError::Mode { path: path.to_owned(), mode });
        }
        let mut text = String::new();
        file.take(PEPPER_FILE_MAX_BYTES).read_to_string(&mut text).map_err(wrong)?;
        Self::parse(&text).ok_or_else(|| PepperError::Form { path: path.to_owned() })
    }

    fn mix(&self, pin: &Pin) -> Result<[u8; 32], HashError> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(|e| HashError::Hash(e.to_string()))?;
        mac.update(&pin.0);
        Ok(mac.finalize().into_bytes().into())
    }
}

fn argon2() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|e| HashError::Hash(e.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// What is kept of a PIN. Blocks for tens of milliseconds.
///
/// # Errors
/// When no salt could be drawn or the memory is not there.
pub fn hash(pin: &Pin, pepper: &Pepper) -> Result<String, HashError> {
    let mut salt = [0_u8; 16];
    getrandom::fill(&mut salt).map_err(|e| HashError::Salt(e.to_string()))?;
    let kept: PasswordHash = argon2()?.hash_password_with_salt(&pepper.mix(pin)?, &salt).map_err(|e| HashError::Hash(e.to_string()))?;
    Ok(kept.to_string())
}

/// Is it the PIN that was kept? Blocks for tens of milliseconds.
///
/// # Errors
/// When the kept text is no argon2id hash of ours, or asks for more work than is given.
pub fn verify(pin: &Pin, pepper: &Pepper, kept: &str) -> Result<bool, HashError> {
    let kept = PasswordHash::new(kept).map_err(|e| HashError::Kept(e.to_string()))?;
    let params = Params::try_from(&kept).map_err(|e| HashError::Kept(e.to_string()))?;
    if kept.algorithm.as_str() != "argon2id" || params.m_cost() > MEMORY_MAX_KIB || params.t_cost() > PASSES_MAX || params.p_cost() != 1 {
        return Err(HashError::Kept("not argon2id within its limits".into()));
    }
    Ok(argon2()?.verify_password(&pepper.mix(pin)?, &kept).is_ok())
}

/// Does the work of [`verify`] for nobody, so that an unknown login takes as long as a known one.
///
/// # Errors
/// As [`hash`].
pub fn work_for_nobody(pin: &Pin, pepper: &Pepper) -> Result<(), HashError> {
    let salt = Salt::new(&[0x5a; 16]).map_err(|e| HashError::Salt(e.to_string()))?;
    let computed: Result<PasswordHash, _> = argon2()?.hash_password_with_salt(&pepper.mix(pin)?, &salt);
    computed.map(|_| ()).map_err(|e| HashError::Hash(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pepper() -> Pepper {
        Pepper::new([7; PEPPER_BYTES])
    }

    #[test]
    fn the_kept_hash_knows_its_pin_under_its_pepper_only() {
        let pin = Pin::parse_new("481516").unwrap();
        let kept = hash(&pin, &pepper()).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert_eq!(verify(&pin, &pepper(), &kept), Ok(true));
        assert_eq!(verify(&Pin::parse("481517").unwrap(), &pepper(), &kept), Ok(false));
        assert_eq!(verify(&pin, &Pepper::new([8; PEPPER_BYTES]), &kept), Ok(false));
        assert_ne!(hash(&pin, &pepper()).unwrap(), kept, "each hash has a salt of its own");
    }

    #[test]
    fn a_kept_hash_that_asks_for_too_much_is_refused() {
        let pin = Pin::parse("481516").unwrap();
        let salt_and_hash = "c2FsdHNhbHRzYWx0c2FsdA$yqg4fTYV9cdHrk+6dW0oJPCP8oyfHIBpZnvNUnoeDaw";
        let greedy = format!("$argon2id$v=19$m=4194304,t=2,p=1${salt_and_hash}");
        let other = format!("$argon2i$v=19$m=19456,t=2,p=1${salt_and_hash}");
        for kept in [greedy.as_str(), other.as_str(), "", "481516"] {
            assert!(matches!(verify(&pin, &pepper(), kept), Err(HashError::Kept(_))), "{kept}");
        }
    }

    #[test]
    fn weak_pins_are_refused_and_only_as_new_ones() {
        for weak in [
            "000000", "111111", "123456", "654321", "012345", "890123", "987654", "121212", "123123", "112233", "111222", "123321",
            "147258", "159753",
        ] {
            assert_eq!(Pin::parse_new(weak), Err(PinError::Weak), "{weak}");
            assert!(Pin::parse(weak).is_ok());
        }
        for good in ["481516", "902713", "370284", "135796"] {
            assert!(Pin::parse_new(good).is_ok(), "{good}");
        }
        for bad in ["", "12345", "1234567", "12345a", "１２"] {
            assert_eq!(Pin::parse(bad), Err(PinError::Form), "{bad}");
        }
    }

    #[test]
    fn secrets_do_not_show() {
        assert_eq!(format!("{:?} {:?}", Pin::parse("481516").unwrap(), pepper()), "Pin(******) Pepper(...)");
    }

    #[test]
    fn a_pepper_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pepper");
        std::fs::write(&path, format!("{}\n", "ab".repeat(PEPPER_BYTES))).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Pepper::read(&path), Err(PepperError::Mode { mode: 0o644, .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
        assert_eq!(Pepper::read(&path).unwrap().0, [0xab; PEPPER_BYTES]);
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(Pepper::read(&path), Err(PepperError::Read { .. })));
        std::fs::write(&path, "salt").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
        assert!(matches!(Pepper::read(&path), Err(PepperError::Form { .. })));
    }
}
