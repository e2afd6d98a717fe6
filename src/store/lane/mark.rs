//! The mark beside the ledger: where it stood after the newest commit, so that an older copy put back in its place is noticed (I12).
//!
//! `ledger.mark`, 64 bytes: ledger id (16) ‖ seq (8) ‖ hash (32) ‖ first 8 bytes of the SHA-256 of those. Written after each commit, never synced: it
//! may be behind the ledger, never ahead of it. One that does not check is no mark.

use crate::store::chain::sha256;
use crate::store::codec::{digest_of, ledger_of};
use crate::store::error::StoreError;
use lane_core::ids::{Digest, LedgerId};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Where a ledger stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Which ledger.
    pub ledger: LedgerId,
    /// Its last sequence.
    pub seq: u64,
    /// The hash of that record.
    pub hash: Digest,
}

/// Opens the mark for writing.
pub fn open(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(StoreError::file("open the ledger's mark", path))
}

/// Writes the mark in one write.
pub fn write(file: &File, mark: &Mark) -> std::io::Result<()> {
    let mut bytes = Vec::with_capacity(64);
    bytes.extend_from_slice(&mark.ledger.0.to_be_bytes());
    bytes.extend_from_slice(&mark.seq.to_be_bytes());
    bytes.extend_from_slice(&mark.hash.0);
    let check = sha256(&bytes);
    bytes.extend_from_slice(&check.0[..8]);
    file.write_all_at(&bytes, 0)
}

/// Reads the mark; `None` where there is none that checks.
#[must_use]
pub fn read(path: &Path) -> Option<Mark> {
    let bytes: [u8; 64] = std::fs::read(path).ok()?.try_into().ok()?;
    if sha256(&bytes[..56]).0[..8] != bytes[56..] {
        return None;
    }
    let seq = bytes[16..24].iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    Some(Mark { ledger: ledger_of(&bytes[..16]).ok()?, seq, hash: digest_of(&bytes[24..56]).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_back_and_a_torn_one_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mark");
        let mark = Mark { ledger: LedgerId(5), seq: 70_000, hash: sha256(b"x") };
        write(&open(&path).unwrap(), &mark).unwrap();
        assert_eq!(read(&path), Some(mark));
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[20] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(read(&path), None);
        assert_eq!(read(&dir.path().join("absent")), None);
    }
}
