//! Commissioning views: how a camera looked when a person accepted it, kept in the daemon's state folder.
//!
//! ```text
//! cameras/front.json           {"current":{"picture":"<sha-256>","utc_ms":...,"by":"lan"|null},"previous":{...}|null}
//! cameras/front-<sha-256>.jpg  the pictures that the list names, and no others
//! ```
//! The list is replaced in one step, after its pictures are on the disk: a power cut leaves the old views or the new ones. A picture that does not
//! hash to its name is no view.

use lane_link::view_api::AcceptedView;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Bytes of a view.
pub const VIEW_MAX_BYTES: u64 = 4 << 20;
/// Bytes of the list.
const LIST_MAX_BYTES: u64 = 16 * 1024;

/// What went wrong with a view.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// A file.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No JPEG, or a too large one.
    #[error("a picture of {0} bytes is no view")]
    NoPicture(usize),
    /// Nothing to take back.
    #[error("there is no view before this one")]
    NoPrevious,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct List {
    current: Option<AcceptedView>,
    previous: Option<AcceptedView>,
}

/// The views of one camera.
#[derive(Debug, Clone)]
pub struct Views {
    folder: PathBuf,
    name: &'static str,
    list: List,
}

impl Views {
    /// Reads what is kept. What cannot be read or is damaged is said in the log, and counts as no view.
    #[must_use]
    pub fn open(state_dir: &Path, name: &'static str) -> Self {
        let folder = state_dir.join("cameras");
        let mut views = Self { folder, name, list: List::default() };
        match views.read_list() {
            Ok(list) => views.list = list,
            Err(error) => tracing::error!(camera = name, %error, "the commissioning views cannot be read"),
        }
        for at in [true, false] {
            let entry = if at { &views.list.current } else { &views.list.previous };
            let Some(digest) = entry.as_ref().map(|view| view.picture.clone()) else { continue };
            if let Err(error) = views.read(&digest) {
                tracing::error!(camera = name, %error, "a commissioning view is not what it was: it must be accepted anew");
                *(if at { &mut views.list.current } else { &mut views.list.previous }) = None;
            }
        }
        views
    }

    fn list_path(&self) -> PathBuf {
        self.folder.join(format!("{}.json", self.name))
    }

    fn picture_path(&self, digest: &str) -> PathBuf {
        self.folder.join(format!("{}-{digest}.jpg", self.name))
    }

    fn read_list(&self) -> Result<List, ViewError> {
        let path = self.list_path();
        let wrong = |source| ViewError::File { path: path.clone(), source };
        match bounded(&path, LIST_MAX_BYTES) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| wrong(io::Error::other(error))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(List::default()),
            Err(error) => Err(wrong(error)),
        }
    }

    /// The view that counts.
    #[must_use]
    pub const fn current(&self) -> Option<&AcceptedView> {
        self.list.current.as_ref()
    }

    /// Is there one to take back?
    #[must_use]
    pub const fn has_previous(&self) -> bool {
        self.list.previous.is_some()
    }

    /// The current view's file.
    #[must_use]
    pub fn path(&self) -> Option<PathBuf> {
        self.current().map(|view| self.picture_path(&view.picture))
    }

    /// A view's picture.
    ///
    /// # Errors
    /// [`ViewError::File`].
    pub fn read(&self, digest: &str) -> Result<Vec<u8>, ViewError> {
        let path = self.picture_path(digest);
        let wrong = |source| ViewError::File { path: path.clone(), source };
        let bytes = bounded(&path, VIEW_MAX_BYTES).map_err(wrong)?;
        if digest_of(&bytes) == digest { Ok(bytes) } else { Err(wrong(io::Error::other("it does not hash to its name"))) }
    }

    /// Takes a picture as the view; the one before is kept.
    ///
    /// # Errors
    /// [`ViewError`]; then everything is as it was.
    pub fn accept(&mut self, jpeg: &[u8], utc_ms: i64, by: Option<String>) -> Result<(), ViewError> {
        if !jpeg.starts_with(&[0xff, 0xd8, 0xff]) || jpeg.len() as u64 > VIEW_MAX_BYTES {
            return Err(ViewError::NoPicture(jpeg.len()));
        }
        let picture = digest_of(jpeg);
        fs::create_dir_all(&self.folder).map_err(|source| ViewError::File { path: self.folder.clone(), source })?;
        self.write(&self.picture_path(&picture), jpeg)?;
        let current = Some(AcceptedView { picture, utc_ms, by });
        self.replace(List { current, previous: self.list.current.clone() })
    }

    /// The view before this one counts again, and this one may be taken back in turn.
    ///
    /// # Errors
    /// [`ViewError::NoPrevious`]; [`ViewError::File`].
    pub fn take_back(&mut self) -> Result<(), ViewError> {
        if self.list.previous.is_none() {
            return Err(ViewError::NoPrevious);
        }
        self.replace(List { current: self.list.previous.clone(), previous: self.list.current.clone() })
    }

    fn replace(&mut self, list: List) -> Result<(), ViewError> {
        let path = self.list_path();
        let bytes = serde_json::to_vec(&list).map_err(|error| ViewError::File { path: path.clone(), source: io::Error::other(error) })?;
        self.write(&path, &bytes)?;
        self.list = list;
        self.sweep();
        Ok(())
    }

    /// Written beside and renamed, both on the disk before the name changes.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), ViewError> {
        let wrong = |source| ViewError::File { path: path.to_owned(), source };
        let beside = path.with_extension("new");
        let mut file = fs::File::create(&beside).map_err(wrong)?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(wrong)?;
        fs::rename(&beside, path).map_err(wrong)?;
        fs::File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(wrong)
    }

    /// Pictures that the list does not name are removed; one that stays does no harm.
    fn sweep(&self) {
        let named: Vec<PathBuf> =
            [&self.list.current, &self.list.previous].into_iter().flatten().map(|view| self.picture_path(&view.picture)).collect();
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            let ours = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(&format!("{}-", self.name)));
            if ours && !named.contains(&path) {
                let _ = fs::remove_file(&path);
            }
        }
    }
}

/// SHA-256, lower-case hex.
#[must_use]
pub fn digest_of(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn bounded(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let bytes = fs::metadata(path)?.len();
    if bytes > max_bytes {
        return Err(io::Error::other(format!("{bytes} bytes, more than {max_bytes}")));
    }
    fs::read(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jpeg(n: u8) -> Vec<u8> {
        vec![0xff, 0xd8, 0xff, n]
    }

    #[test]
    fn a_view_is_kept_the_one_before_comes_back_and_older_ones_go() {
        let dir = tempfile::tempdir().unwrap();
        let mut views = Views::open(dir.path(), "front");
        assert!(views.current().is_none() && matches!(views.take_back(), Err(ViewError::NoPrevious)));
        for n in 1..=3 {
            views.accept(&jpeg(n), i64::from(n), Some("lan".into())).unwrap();
        }
        let kept = fs::read_dir(dir.path().join("cameras")).unwrap().count();
        assert_eq!(kept, 3, "two pictures and the list");
        views.take_back().unwrap();
        let mut again = Views::open(dir.path(), "front");
        assert_eq!(again.current().unwrap().picture, digest_of(&jpeg(2)));
        assert_eq!(again.read(&digest_of(&jpeg(2))).unwrap(), jpeg(2));
        again.take_back().unwrap();
        assert_eq!(again.current().unwrap().utc_ms, 3, "taking back can be taken back");
        assert!(Views::open(dir.path(), "rear").current().is_none());
    }

    #[test]
    fn what_is_damaged_is_no_view() {
        let dir = tempfile::tempdir().unwrap();
        let mut views = Views::open(dir.path(), "rear");
        views.accept(&jpeg(1), 1, None).unwrap();
        fs::write(views.path().unwrap(), jpeg(9)).unwrap();
        assert!(Views::open(dir.path(), "rear").current().is_none());
        fs::write(dir.path().join("cameras/rear.json"), b"{").unwrap();
        assert!(Views::open(dir.path(), "rear").current().is_none());
        assert!(matches!(views.accept(b"GIF89a", 1, None), Err(ViewError::NoPicture(6))));
        assert!(matches!(views.accept(&vec![0xff; 5 << 20], 1, None), Err(ViewError::NoPicture(_))));
    }
}
