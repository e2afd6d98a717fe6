//! Files of the store: written beside, synced, renamed, their folder synced. Evidence is named by its SHA-256.
//!
//! `evidence/ab/ab12…` (64 hex digits). A file without a row in the index is one whose row was lost with a damaged ledger or whose writer died:
//! the sweep takes it into the index, where it obeys the budget. A `.part` file is what a dead writer left, and goes.

use super::error::StoreError;
use lane_core::ids::Digest;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Files looked at in one step of the sweep.
const SWEEP_MAX_FILES: usize = 2_000;

/// Writes `bytes` to `dir/name` so that after the return a power cut cannot take it.
pub fn write_synced(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    make_dir(dir)?;
    let part = dir.join(format!("{name}.part"));
    let path = dir.join(name);
    let written = (|| {
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, &path)
    })();
    if let Err(source) = written {
        // What was written of it must not eat the space that is missing.
        let _ = fs::remove_file(&part);
        return Err(StoreError::File { what: "write", path, source });
    }
    sync_dir(dir)
}

/// Makes a folder and syncs the one it is in.
pub fn make_dir(dir: &Path) -> Result<(), StoreError> {
    if dir.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(dir).map_err(StoreError::file("make the folder", dir))?;
    dir.parent().map_or(Ok(()), sync_dir)
}

/// Syncs a folder's entries.
pub fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|folder| folder.sync_all()).map_err(StoreError::file("sync the folder", dir))
}

/// Where a piece of evidence lies.
#[must_use]
pub fn evidence_path(evidence_dir: &Path, digest: Digest) -> PathBuf {
    let name = hex::encode(digest.0);
    evidence_dir.join(&name[..2]).join(name)
}

/// Writes evidence, unless the same bytes are there already.
pub fn put_evidence(evidence_dir: &Path, digest: Digest, bytes: &[u8]) -> Result<(), StoreError> {
    let path = evidence_path(evidence_dir, digest);
    if fs::metadata(&path).is_ok_and(|there| there.len() == bytes.len() as u64) {
        return path.parent().map_or(Ok(()), sync_dir);
    }
    let name = hex::encode(digest.0);
    write_synced(&evidence_dir.join(&name[..2]), &name, bytes)
}

/// Reads evidence and checks it against its name.
pub fn read_evidence(evidence_dir: &Path, digest: Digest, max_bytes: u64) -> Result<Vec<u8>, StoreError> {
    let path = evidence_path(evidence_dir, digest);
    let size = match fs::metadata(&path) {
        Ok(there) => there.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(StoreError::EvidenceUnknown(digest)),
        Err(source) => return Err(StoreError::File { what: "read evidence", path, source }),
    };
    if size > max_bytes {
        return Err(StoreError::EvidenceDamaged(digest));
    }
    let bytes = fs::read(&path).map_err(StoreError::file("read evidence", &path))?;
    if super::chain::sha256(&bytes) == digest { Ok(bytes) } else { Err(StoreError::EvidenceDamaged(digest)) }
}

/// Removes a piece of evidence; one that is gone already is as good.
pub fn remove_evidence(evidence_dir: &Path, digest: Digest) {
    let path = evidence_path(evidence_dir, digest);
    if let Err(error) = fs::remove_file(&path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "an evidence file could not be removed");
    }
}

/// One step of the sweep: the files of one of the 256 folders, with their sizes. Leftovers of dead writers are removed.
/// `is_being_written` names digests whose file may be there before its row.
pub fn sweep(evidence_dir: &Path, folder: u8, is_being_written: &dyn Fn(Digest) -> bool) -> Vec<(Digest, u64)> {
    let Ok(entries) = fs::read_dir(evidence_dir.join(hex::encode([folder]))) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten().take(SWEEP_MAX_FILES) {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let (stem, is_part) = name.strip_suffix(".part").map_or((name, false), |stem| (stem, true));
        let mut digest = [0; 32];
        if hex::decode_to_slice(stem, &mut digest).is_err() || is_being_written(Digest(digest)) {
            continue;
        }
        if is_part {
            let _ = fs::remove_file(entry.path());
        } else if let Ok(there) = entry.metadata() {
            found.push((Digest(digest), there.len()));
        }
    }
    found
}

/// Free bytes of the disk that holds `dir`, for a process without privileges.
pub fn free_bytes(dir: &Path) -> Result<u64, StoreError> {
    let stat = rustix::fs::statvfs(dir).map_err(|error| StoreError::File {
        what: "look at the disk of",
        path: dir.to_owned(),
        source: error.into(),
    })?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::chain::sha256;

    #[test]
    fn evidence_is_found_by_its_hash_and_damage_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let digest = sha256(b"picture");
        put_evidence(dir.path(), digest, b"picture").unwrap();
        assert_eq!(read_evidence(dir.path(), digest, 100).unwrap(), b"picture");
        fs::write(evidence_path(dir.path(), digest), b"pictur!").unwrap();
        assert!(matches!(read_evidence(dir.path(), digest, 100), Err(StoreError::EvidenceDamaged(_))));
        assert!(matches!(read_evidence(dir.path(), sha256(b""), 100), Err(StoreError::EvidenceUnknown(_))));
    }

    #[test]
    fn the_sweep_finds_whole_files_and_removes_leftovers_but_not_those_being_written() {
        let dir = tempfile::tempdir().unwrap();
        let (whole, busy) = (sha256(b"a"), sha256(b"busy"));
        put_evidence(dir.path(), whole, b"a").unwrap();
        let folder = evidence_path(dir.path(), whole).parent().unwrap().to_owned();
        let part = folder.join(format!("{}{}.part", &hex::encode(whole.0)[..2], "0".repeat(62)));
        fs::write(&part, b"x").unwrap();
        assert_eq!(sweep(dir.path(), whole.0[0], &|d| d == busy), [(whole, 1)]);
        assert!(!part.exists());
        assert!(sweep(dir.path(), whole.0[0], &|_| true).is_empty());
    }
}
