//! Keys on disk: the lane's own signing key (made here, mode 0400, in no backup) and the newest signed key list.
//!
//! A private key's file is one line of 64 hexadecimal digits (the Ed25519 seed, RFC 8032). A key list's file is the signed envelope itself,
//! replaced by rename, and checked anew at every start.

use ed25519_dalek::SigningKey;
use lane_link::envelope::{Envelope, MAX_ENVELOPE_BYTES};
use lane_link::hex_bytes::{Hex32, HexBytes};
use lane_link::keys::{Imported, KeyListError, KeyRing};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Reading.
    #[error("reading {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Writing.
    #[error("writing {}: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A private key that others may read.
    #[error("{} may be read by others (mode {mode:o}): chmod 0400", path.display())]
    TooOpen {
        /// Which.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Not what it should be.
    #[error("{}: {why}", path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// No randomness.
    #[error("no randomness: {0}")]
    Random(getrandom::Error),
}

/// The public half, as key lists name it.
#[must_use]
pub fn public_key(key: &SigningKey) -> Hex32 {
    HexBytes(key.verifying_key().to_bytes())
}

/// Makes a new private key in a new file of mode 0400. An existing file is never touched.
///
/// # Errors
/// [`KeyFileError::Random`], [`KeyFileError::Write`].
pub fn make_private(path: &Path) -> Result<SigningKey, KeyFileError> {
    let mut seed = [0_u8; 32];
    getrandom::fill(&mut seed).map_err(KeyFileError::Random)?;
    let write = |source| KeyFileError::Write { path: path.to_owned(), source };
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o400).open(path).map_err(write)?;
    file.write_all(format!("{}\n", HexBytes(seed)).as_bytes()).map_err(write)?;
    file.sync_all().map_err(write)?;
    Ok(SigningKey::from_bytes(&seed))
}

/// Loads a private key that nobody else may read.
///
/// # Errors
/// [`KeyFileError::Read`], [`KeyFileError::TooOpen`], [`KeyFileError::Malformed`].
pub fn load_private(path: &Path) -> Result<SigningKey, KeyFileError> {
    let read = |source| KeyFileError::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(read)?;
    let mode = file.metadata().map_err(read)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::TooOpen { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    file.take(256).read_to_string(&mut text).map_err(read)?;
    let seed: Hex32 = text
        .trim()
        .parse()
        .map_err(|_| KeyFileError::Malformed { path: path.to_owned(), why: "a private key is one line of 64 hexadecimal digits".into() })?;
    Ok(SigningKey::from_bytes(&seed.0))
}

/// Reads a signed key list without believing it; `None` when there is no such file.
///
/// # Errors
/// [`KeyFileError::Read`], [`KeyFileError::Malformed`].
pub fn read_key_list(path: &Path) -> Result<Option<Envelope>, KeyFileError> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(KeyFileError::Read { path: path.to_owned(), source }),
    };
    let mut bytes = Vec::new();
    file.take(MAX_ENVELOPE_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| KeyFileError::Read { path: path.to_owned(), source })?;
    Envelope::parse(&bytes).map(Some).map_err(|why| KeyFileError::Malformed { path: path.to_owned(), why: why.to_string() })
}

/// Keeps a signed key list: written beside, synced, renamed.
///
/// # Errors
/// [`KeyFileError::Write`].
pub fn keep_key_list(path: &Path, envelope: &Envelope) -> Result<(), KeyFileError> {
    let write = |source| KeyFileError::Write { path: path.to_owned(), source };
    let beside = path.with_extension("new");
    let mut file = std::fs::File::create(&beside).map_err(write)?;
    file.write_all(&envelope.to_bytes()).map_err(write)?;
    file.sync_all().map_err(write)?;
    std::fs::rename(&beside, path).map_err(write)?;
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => std::fs::File::open(folder).and_then(|f| f.sync_all()).map_err(write),
        _ => Ok(()),
    }
}

/// Why a key list from a file was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file.
    #[error("{0}")]
    File(#[from] KeyFileError),
    /// The list.
    #[error("{0}")]
    List(#[from] KeyListError),
}

/// Imports a signed key list from `from`, against the list kept at `kept`, and keeps it there if it is newer.
///
/// # Errors
/// [`ImportError`]; what was kept stays.
pub fn import_key_list(ring: &mut KeyRing, kept: &Path, from: &Path) -> Result<Imported, ImportError> {
    if let Some(envelope) = read_key_list(kept)? {
        ring.import(&envelope)?;
    }
    let Some(envelope) = read_key_list(from)? else {
        return Err(KeyFileError::Malformed { path: from.to_owned(), why: "there is no such file".into() }.into());
    };
    let imported = ring.import(&envelope)?;
    if imported != Imported::Unchanged {
        keep_key_list(kept, &envelope)?;
    }
    Ok(imported)
}
