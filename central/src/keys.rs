//! The centre's keys on disk.
//!
//! ```text
//! keys_dir/root.key              the site's root; may be kept elsewhere, and is needed only to sign a new list
//! keys_dir/{purpose}-{n}.key     data, command, rules; the highest n that the list names signs
//! keys_dir/key-list.json         the signed list, as lanes get it
//! ```
//! Private keys are one line of 64 hexadecimal digits, mode 0400, never overwritten.

use ed25519_dalek::SigningKey;
use lane_link::envelope::{Domain, Envelope, EnvelopeError, What};
use lane_link::hex_bytes::{Hex32, HexBytes};
use lane_link::keys::{KeyEntry, KeyList, KeyListError, KeyPurpose, KeyRing, ROOT_KEY_ID};
use lane_link::replica::Collection;
use lane_link::topics::Name;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A key is good for this long.
pub const KEY_LIFE_MS: i64 = 400 * 24 * 3_600 * 1_000;
const CENTRE_PURPOSES: [KeyPurpose; 3] = [KeyPurpose::Data, KeyPurpose::Command, KeyPurpose::Rules];

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not what it should be, or open to others.
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
    /// The list.
    #[error("{0}")]
    List(#[from] KeyListError),
    /// Signing.
    #[error("{0}")]
    Envelope(#[from] EnvelopeError),
    /// The root's private key is not here.
    #[error("a new key list needs root.key in {}", .0.display())]
    NoRoot(PathBuf),
    /// No key of a purpose is listed and here.
    #[error("no {0} key is both listed and in the folder")]
    NoKey(&'static str),
}

const fn word(purpose: KeyPurpose) -> &'static str {
    match purpose {
        KeyPurpose::Data => "data",
        KeyPurpose::Command => "command",
        KeyPurpose::Rules => "rules",
        KeyPurpose::Lane => "lane",
    }
}

fn public(key: &SigningKey) -> Hex32 {
    HexBytes(key.verifying_key().to_bytes())
}

/// The folder.
#[derive(Debug, Clone)]
pub struct KeyFolder {
    dir: PathBuf,
    site: Name,
}

/// What the centre signs with.
#[derive(Debug, Clone)]
pub struct Signer {
    site: Name,
    keys: BTreeMap<KeyPurpose, (String, SigningKey)>,
    /// The signed list, as lanes get it.
    pub list: Envelope,
    /// The list, believed.
    pub ring: KeyRing,
    /// The root's public key, to be pinned by lanes.
    pub root: Hex32,
}

impl KeyFolder {
    /// A folder, for a site.
    #[must_use]
    pub fn new(dir: &Path, site: &Name) -> Self {
        Self { dir: dir.to_owned(), site: site.clone() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn make(&self, name: &str) -> Result<SigningKey, KeysError> {
        let path = self.path(name);
        let file = |source| KeysError::File { path: path.clone(), source };
        let mut seed = [0_u8; 32];
        getrandom::fill(&mut seed).map_err(KeysError::Random)?;
        let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o400).open(&path).map_err(file)?;
        out.write_all(format!("{}\n", HexBytes(seed)).as_bytes()).and_then(|()| out.sync_all()).map_err(file)?;
        Ok(SigningKey::from_bytes(&seed))
    }

    fn load(&self, name: &str) -> Result<Option<SigningKey>, KeysError> {
        let path = self.path(name);
        let file = |source| KeysError::File { path: path.clone(), source };
        let bad = |why: &str| KeysError::Malformed { path: path.clone(), why: why.to_owned() };
        let mode = match std::fs::metadata(&path) {
            Ok(metadata) => metadata.permissions().mode() & 0o077,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(file(error)),
        };
        if mode != 0 {
            return Err(bad("may be read by others: chmod 0400"));
        }
        let text = std::fs::read_to_string(&path).map_err(file)?;
        let seed: Hex32 = text.trim().parse().map_err(|_| bad("a private key is one line of 64 hexadecimal digits"))?;
        Ok(Some(SigningKey::from_bytes(&seed.0)))
    }

    fn read_list(&self) -> Result<Option<Envelope>, KeysError> {
        let path = self.path("key-list.json");
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(Envelope::parse(&bytes)?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(KeysError::File { path, source }),
        }
    }

    fn believed(&self) -> Result<Option<(Hex32, KeyList)>, KeysError> {
        let Some(envelope) = self.read_list()? else { return Ok(None) };
        let root = self.root()?;
        let mut ring = KeyRing::pinned(self.site.clone(), &root)?;
        ring.import(&envelope)?;
        Ok(ring.list().map(|list| (root, list.clone())))
    }

    /// The root's public key: of `root.key`, or kept in `root.pub` when that is away.
    fn root(&self) -> Result<Hex32, KeysError> {
        let path = self.path("root.pub");
        if let Ok(text) = std::fs::read_to_string(&path) {
            return text.trim().parse().map_err(|_| KeysError::Malformed { path, why: "64 hexadecimal digits".into() });
        }
        let root = self.load("root.key")?.ok_or_else(|| KeysError::NoRoot(self.dir.clone()))?;
        Ok(public(&root))
    }

    /// Makes root, data, command and rules keys and the first list, where there is none; the root's public key.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn init(&self, now_ms: i64) -> Result<Hex32, KeysError> {
        std::fs::create_dir_all(&self.dir).map_err(|source| KeysError::File { path: self.dir.clone(), source })?;
        if let Some((root, _)) = self.believed()? {
            return Ok(root);
        }
        let root = match self.load("root.key")? {
            Some(root) => root,
            None => self.make("root.key")?,
        };
        self.write("root.pub", format!("{}\n", public(&root)).as_bytes())?;
        let mut keys = Vec::new();
        for purpose in CENTRE_PURPOSES {
            let id = format!("{}-1", word(purpose));
            let name = format!("{id}.key");
            let key = match self.load(&name)? {
                Some(key) => key,
                None => self.make(&name)?,
            };
            keys.push(entry(id, &key, purpose, "centre", now_ms));
        }
        let epochs = Collection::ALL.into_iter().map(|c| (c, 1)).collect();
        let list = KeyList { site: self.site.clone(), version: 1, issued_ms: now_ms, keys, epochs };
        self.sign(&root, &list)?;
        Ok(public(&root))
    }

    /// Changes the list under the root: its version rises by one.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn change(&self, now_ms: i64, change: impl FnOnce(&mut KeyList) -> Result<(), KeysError>) -> Result<u64, KeysError> {
        let Some((_, mut list)) = self.believed()? else { return Err(KeysError::NoRoot(self.dir.clone())) };
        let root = self.load("root.key")?.ok_or_else(|| KeysError::NoRoot(self.dir.clone()))?;
        list.version += 1;
        list.issued_ms = now_ms;
        change(&mut list)?;
        self.sign(&root, &list)?;
        Ok(list.version)
    }

    /// Lists a lane's public key (replacing the one the lane had).
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn add_lane(&self, lane: &Name, key: Hex32, now_ms: i64) -> Result<u64, KeysError> {
        self.change(now_ms, |list| {
            list.keys.retain(|k| k.purpose != KeyPurpose::Lane || k.holder != lane.as_str());
            list.keys.push(KeyEntry {
                key_id: lane.as_str().to_owned(),
                public_key: key,
                purpose: KeyPurpose::Lane,
                holder: lane.as_str().to_owned(),
                not_before_ms: now_ms - 60_000,
                not_after_ms: now_ms + KEY_LIFE_MS,
            });
            Ok(())
        })
    }

    /// Makes the next key of a purpose and lists it beside the old ones.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn rotate(&self, purpose: KeyPurpose, now_ms: i64) -> Result<u64, KeysError> {
        self.change(now_ms, |list| {
            let used = list.keys.iter().filter(|k| k.purpose == purpose).filter_map(|k| number(&k.key_id)).max().unwrap_or(0);
            let id = format!("{}-{}", word(purpose), used + 1);
            let key = self.make(&format!("{id}.key"))?;
            list.keys.push(entry(id, &key, purpose, "centre", now_ms));
            Ok(())
        })
    }

    /// Leaves a key out of the list.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn retire(&self, key_id: &str, now_ms: i64) -> Result<u64, KeysError> {
        self.change(now_ms, |list| {
            let before = list.keys.len();
            list.keys.retain(|k| k.key_id != key_id);
            if list.keys.len() == before {
                return Err(KeysError::Malformed { path: self.path("key-list.json"), why: format!("no key {key_id:?}") });
            }
            Ok(())
        })
    }

    fn sign(&self, root: &SigningKey, list: &KeyList) -> Result<(), KeysError> {
        let domain = Domain::site(What::KeyList, &self.site);
        let envelope = Envelope::seal(list, &domain, ROOT_KEY_ID, root)?;
        // What lanes would refuse is not written.
        KeyRing::pinned(self.site.clone(), &public(root))?.import(&envelope)?;
        self.write("key-list.json", &envelope.to_bytes())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), KeysError> {
        let (path, beside) = (self.path(name), self.path(&format!("{name}.new")));
        std::fs::write(&beside, bytes)
            .and_then(|()| std::fs::File::open(&beside)?.sync_all())
            .and_then(|()| std::fs::rename(&beside, &path))
            .map_err(|source| KeysError::File { path, source })
    }

    /// What the centre signs with.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn signer(&self) -> Result<Signer, KeysError> {
        let list = self.read_list()?.ok_or_else(|| KeysError::NoRoot(self.dir.clone()))?;
        let root = self.root()?;
        let mut ring = KeyRing::pinned(self.site.clone(), &root)?;
        ring.import(&list)?;
        let mut keys = BTreeMap::new();
        for purpose in CENTRE_PURPOSES {
            let mut listed: Vec<_> = ring.list().iter().flat_map(|l| &l.keys).filter(|k| k.purpose == purpose).collect();
            listed.sort_by_key(|k| core::cmp::Reverse(number(&k.key_id)));
            for entry in listed {
                if let Some(key) = self.load(&format!("{}.key", entry.key_id))?.filter(|key| public(key) == entry.public_key) {
                    keys.entry(purpose).or_insert((entry.key_id.clone(), key));
                }
            }
            if !keys.contains_key(&purpose) {
                return Err(KeysError::NoKey(word(purpose)));
            }
        }
        Ok(Signer { site: self.site.clone(), keys, list, ring, root })
    }
}

fn number(key_id: &str) -> Option<u32> {
    key_id.rsplit_once('-')?.1.parse().ok()
}

fn entry(key_id: String, key: &SigningKey, purpose: KeyPurpose, holder: &str, now_ms: i64) -> KeyEntry {
    KeyEntry {
        key_id,
        public_key: public(key),
        purpose,
        holder: holder.to_owned(),
        not_before_ms: now_ms - 60_000,
        not_after_ms: now_ms + KEY_LIFE_MS,
    }
}

impl Signer {
    /// The site.
    #[must_use]
    pub const fn site(&self) -> &Name {
        &self.site
    }

    /// The epoch the root gives.
    #[must_use]
    pub fn epoch(&self, collection: Collection) -> u32 {
        self.ring.epoch(collection).unwrap_or(1)
    }

    /// Signs for every lane of the site.
    ///
    /// # Errors
    /// [`EnvelopeError`] when it cannot be written as JSON.
    pub fn for_site<T: Serialize>(&self, what: What, value: &T) -> Result<Envelope, EnvelopeError> {
        self.seal(&Domain::site(what, &self.site), value)
    }

    /// Signs for one lane.
    ///
    /// # Errors
    /// [`EnvelopeError`] when it cannot be written as JSON.
    pub fn for_lane<T: Serialize>(&self, what: What, lane: &Name, value: &T) -> Result<Envelope, EnvelopeError> {
        self.seal(&Domain::lane(what, &self.site, lane), value)
    }

    fn seal<T: Serialize>(&self, domain: &Domain, value: &T) -> Result<Envelope, EnvelopeError> {
        let held = domain.what().purpose().and_then(|purpose| self.keys.get(&purpose));
        let Some((id, key)) = held else {
            return Err(EnvelopeError::Payload("the centre holds no key for this".into()));
        };
        Envelope::seal(value, domain, id, key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_rotate_by_overlap_and_are_closed_to_others() {
        let dir = tempfile::tempdir().unwrap();
        let folder = KeyFolder::new(dir.path(), &Name::new("site").unwrap());
        let root = folder.init(1_000).unwrap();
        assert_eq!(folder.init(2_000).unwrap(), root);
        let mode = std::fs::metadata(dir.path().join("data-1.key")).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o400);
        assert_eq!(folder.rotate(KeyPurpose::Data, 3_000).unwrap(), 2);
        let signer = folder.signer().unwrap();
        assert_eq!(signer.keys[&KeyPurpose::Data].0, "data-2");
        assert_eq!(signer.ring.list().unwrap().keys.iter().filter(|k| k.purpose == KeyPurpose::Data).count(), 2);
        assert_eq!(folder.retire("data-1", 4_000).unwrap(), 3);
        assert!(folder.retire("data-1", 5_000).is_err());
        std::fs::remove_file(dir.path().join("root.key")).unwrap();
        assert!(folder.signer().is_ok(), "the root may be away");
        assert!(matches!(folder.rotate(KeyPurpose::Data, 6_000), Err(KeysError::NoRoot(_))));
    }
}
