//! Keys: a lane pins one offline root per site; the root signs a versioned list of all others.
//!
//! ```text
//! root ──signs──▶ KeyList {site, version, keys[{key_id, public_key, purpose, holder, not_before_ms, not_after_ms}], epochs}
//! ```
//! * A list with a lower version is refused, and so is another list with the same version.
//! * Rotation is overlap: the new key is listed beside the old one, then the old one is left out (or runs out).
//! * A key serves one purpose. A lane key's `holder` is its lane, and it signs for that lane only.
//! * Epochs rise only under the root: a replica's epoch is the one the list names.
//! * While the clock is not trusted, validity cannot be judged: commands are refused, and other things are taken without it (the knowledge
//!   they bring is of unknown age then, which holds every vehicle anyway).

use crate::envelope::{Domain, Envelope, EnvelopeError, What};
use crate::hex_bytes::Hex32;
use crate::replica::Collection;
use crate::topics::Name;
use ed25519_dalek::VerifyingKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Keys a list may hold.
pub const MAX_KEYS: usize = 1024;
/// The root's key id in envelopes.
pub const ROOT_KEY_ID: &str = "root";

/// What a key may sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyPurpose {
    /// Declarations, watchlist, acknowledgements, answers.
    Data,
    /// Remote acts.
    Command,
    /// Rules and officers.
    Rules,
    /// A lane's claims and ledger heads.
    Lane,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyEntry {
    /// Its name, unique in the list; at most 64 bytes.
    pub key_id: String,
    /// Ed25519 public key.
    pub public_key: Hex32,
    /// What it may sign.
    pub purpose: KeyPurpose,
    /// Who holds it: a person, an office, or the lane.
    pub holder: String,
    /// Good from, UTC milliseconds.
    pub not_before_ms: i64,
    /// Good until (exclusive), UTC milliseconds.
    pub not_after_ms: i64,
}

/// All keys of a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyList {
    /// Which site.
    pub site: Name,
    /// Only increases.
    pub version: u64,
    /// When it was signed, UTC milliseconds.
    pub issued_ms: i64,
    /// The keys, at most [`MAX_KEYS`].
    pub keys: Vec<KeyEntry>,
    /// The epoch of each collection.
    pub epochs: BTreeMap<Collection, u32>,
}

/// Why a key may not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// Not in the list.
    Unknown,
    /// Listed for something else.
    WrongPurpose,
    /// Another lane's.
    WrongLane,
    /// Not yet good.
    NotYet,
    /// No longer good.
    Expired,
    /// The clock is not trusted, and this may not be taken without it.
    ClockUnknown,
}

impl fmt::Display for KeyUse {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Unknown => "it is not in the key list",
            Self::WrongPurpose => "it is listed for another purpose",
            Self::WrongLane => "it belongs to another lane",
            Self::NotYet => "it is not valid yet",
            Self::Expired => "it has expired",
            Self::ClockUnknown => "the clock is not trusted",
        })
    }
}

/// Why a key list is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyListError {
    /// Not signed by the pinned root, or not understood.
    #[error("key list: {0}")]
    Envelope(#[from] EnvelopeError),
    /// For another site.
    #[error("the key list is for site {0}")]
    OtherSite(Name),
    /// Older than the one in use.
    #[error("the key list has version {offered}, and {have} is in use")]
    Older {
        /// Its version.
        offered: u64,
        /// The version in use.
        have: u64,
    },
    /// The same version with other contents: somebody signed two.
    #[error("another key list with version {0} is in use")]
    Forked(u64),
    /// Its contents contradict themselves.
    #[error("the key list is inconsistent: {0}")]
    Inconsistent(String),
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// This version is in use now.
    New(u64),
    /// It was in use already.
    Unchanged,
}

/// A site's pinned root and the newest list it signed.
#[derive(Debug, Clone)]
pub struct KeyRing {
    site: Name,
    root: VerifyingKey,
    list: Option<KeyList>,
}

impl KeyRing {
    /// Pins a root. Without a list nothing but a list is believed.
    ///
    /// # Errors
    /// [`KeyListError::Inconsistent`] when `root` is no (or a weak) public key.
    pub fn pinned(site: Name, root: &Hex32) -> Result<Self, KeyListError> {
        Ok(Self { site, root: public_key(root).map_err(KeyListError::Inconsistent)?, list: None })
    }

    /// The site.
    #[must_use]
    pub const fn site(&self) -> &Name {
        &self.site
    }

    /// The list in use.
    #[must_use]
    pub const fn list(&self) -> Option<&KeyList> {
        self.list.as_ref()
    }

    /// Version of the list in use; 0 without one.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.list.as_ref().map_or(0, |l| l.version)
    }

    /// The epoch the root gives a collection; `None`: the list does not name it, and nothing of it is believed.
    #[must_use]
    pub fn epoch(&self, collection: Collection) -> Option<u32> {
        self.list.as_ref()?.epochs.get(&collection).copied()
    }

    /// Takes a signed list into use. What was in use stays when it is refused.
    ///
    /// # Errors
    /// Any of [`KeyListError`].
    pub fn import(&mut self, envelope: &Envelope) -> Result<Imported, KeyListError> {
        let domain = Domain::site(What::KeyList, &self.site);
        let list: KeyList = envelope.verify(&domain, self, None)?.read()?;
        if list.site != self.site {
            return Err(KeyListError::OtherSite(list.site));
        }
        check(&list).map_err(KeyListError::Inconsistent)?;
        if let Some(have) = &self.list {
            if list.version < have.version {
                return Err(KeyListError::Older { offered: list.version, have: have.version });
            }
            if list.version == have.version {
                return if *have == list { Ok(Imported::Unchanged) } else { Err(KeyListError::Forked(list.version)) };
            }
            for (collection, epoch) in &have.epochs {
                if list.epochs.get(collection).is_none_or(|new| new < epoch) {
                    return Err(KeyListError::Inconsistent(format!("the epoch of {} falls", collection.word())));
                }
            }
        }
        let version = list.version;
        self.list = Some(list);
        Ok(Imported::New(version))
    }

    /// The key `key_id`, if it may sign for `domain` at `now_ms`.
    ///
    /// # Errors
    /// [`KeyUse`].
    pub fn key_for(&self, key_id: &str, domain: &Domain, now_ms: Option<i64>) -> Result<VerifyingKey, KeyUse> {
        let Some(purpose) = domain.what().purpose() else {
            return if key_id == ROOT_KEY_ID { Ok(self.root) } else { Err(KeyUse::Unknown) };
        };
        let entry = self.list.iter().flat_map(|l| &l.keys).find(|k| k.key_id == key_id).ok_or(KeyUse::Unknown)?;
        if entry.purpose != purpose {
            return Err(KeyUse::WrongPurpose);
        }
        if purpose == KeyPurpose::Lane && domain.lane_name().is_none_or(|lane| lane.as_str() != entry.holder) {
            return Err(KeyUse::WrongLane);
        }
        match now_ms {
            None if purpose == KeyPurpose::Command => return Err(KeyUse::ClockUnknown),
            Some(now) if now < entry.not_before_ms => return Err(KeyUse::NotYet),
            Some(now) if now >= entry.not_after_ms => return Err(KeyUse::Expired),
            _ => {}
        }
        public_key(&entry.public_key).map_err(|_| KeyUse::Unknown)
    }
}

fn check(list: &KeyList) -> Result<(), String> {
    if list.keys.len() > MAX_KEYS {
        return Err(format!("{} keys, more than {MAX_KEYS}", list.keys.len()));
    }
    for (at, key) in list.keys.iter().enumerate() {
        public_key(&key.public_key).map_err(|why| format!("key {:?}: {why}", key.key_id))?;
        if key.key_id == ROOT_KEY_ID || list.keys[..at].iter().any(|k| k.key_id == key.key_id) {
            return Err(format!("key id {:?} is taken", key.key_id));
        }
        if list.keys[..at].iter().any(|k| k.public_key == key.public_key) {
            return Err(format!("key {:?} is listed twice", key.key_id));
        }
    }
    Ok(())
}

fn public_key(bytes: &Hex32) -> Result<VerifyingKey, String> {
    let key = VerifyingKey::from_bytes(&bytes.0).map_err(|_| "no Ed25519 public key".to_owned())?;
    if key.is_weak() { Err("a weak public key".into()) } else { Ok(key) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::SigningKey;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn entry(id: &str, seed: u8, purpose: KeyPurpose, holder: &str) -> KeyEntry {
        let public_key = HexOf(&key(seed)).into();
        KeyEntry { key_id: id.into(), public_key, purpose, holder: holder.into(), not_before_ms: 1_000, not_after_ms: 2_000 }
    }

    struct HexOf<'a>(&'a SigningKey);
    impl From<HexOf<'_>> for Hex32 {
        fn from(key: HexOf<'_>) -> Self {
            crate::hex_bytes::HexBytes(key.0.verifying_key().to_bytes())
        }
    }

    fn site() -> Name {
        Name::new("huu-nghi").unwrap()
    }

    fn list(version: u64, keys: Vec<KeyEntry>) -> KeyList {
        KeyList { site: site(), version, issued_ms: 0, keys, epochs: BTreeMap::from([(Collection::Declarations, 2)]) }
    }

    fn signed(list: &KeyList, root: u8) -> Envelope {
        Envelope::seal(list, &Domain::site(What::KeyList, &site()), ROOT_KEY_ID, &key(root)).unwrap()
    }

    fn ring() -> KeyRing {
        let mut ring = KeyRing::pinned(site(), &HexOf(&key(1)).into()).unwrap();
        let keys = vec![
            entry("data-1", 2, KeyPurpose::Data, "centre"),
            entry("cmd-1", 3, KeyPurpose::Command, "shift leader"),
            entry("lane-1", 4, KeyPurpose::Lane, "lane-1"),
        ];
        ring.import(&signed(&list(5, keys), 1)).unwrap();
        ring
    }

    #[test]
    fn only_the_pinned_root_and_never_an_older_list_changes_the_keys() {
        let mut ring = ring();
        let newer = list(6, vec![]);
        assert!(matches!(ring.import(&signed(&newer, 9)), Err(KeyListError::Envelope(EnvelopeError::Signature { .. }))));
        assert_eq!(ring.import(&signed(&list(4, vec![]), 1)), Err(KeyListError::Older { offered: 4, have: 5 }));
        assert_eq!(ring.import(&signed(&list(5, vec![]), 1)), Err(KeyListError::Forked(5)));
        assert_eq!(ring.version(), 5);
        let mut falls = list(7, vec![]);
        falls.epochs.insert(Collection::Declarations, 1);
        assert!(matches!(ring.import(&signed(&falls, 1)), Err(KeyListError::Inconsistent(_))));
        assert_eq!(ring.import(&signed(&newer, 1)), Ok(Imported::New(6)));
        assert_eq!(ring.import(&signed(&newer, 1)), Ok(Imported::Unchanged));
    }

    #[test]
    fn two_holders_may_not_share_a_key() {
        let mut ring = ring();
        let shared = list(6, vec![entry("lane-1", 4, KeyPurpose::Lane, "lane-1"), entry("lane-2", 4, KeyPurpose::Lane, "lane-2")]);
        assert!(matches!(ring.import(&signed(&shared, 1)), Err(KeyListError::Inconsistent(_))));
    }

    #[test]
    fn a_key_serves_its_purpose_its_lane_and_its_time_only() {
        let ring = ring();
        let lane = Name::new("lane-1").unwrap();
        let change = Domain::site(What::Change(Collection::Declarations), &site());
        let command = Domain::lane(What::Command, &site(), &lane);
        let claim = |lane: &str| Domain::lane(What::Claim, &site(), &Name::new(lane).unwrap());
        assert!(ring.key_for("data-1", &change, Some(1_500)).is_ok());
        assert_eq!(ring.key_for("data-1", &change, Some(999)), Err(KeyUse::NotYet));
        assert_eq!(ring.key_for("data-1", &change, Some(2_000)), Err(KeyUse::Expired));
        assert_eq!(ring.key_for("cmd-1", &change, Some(1_500)), Err(KeyUse::WrongPurpose));
        assert_eq!(ring.key_for("data-1", &command, Some(1_500)), Err(KeyUse::WrongPurpose));
        assert_eq!(ring.key_for("cmd-1", &command, None), Err(KeyUse::ClockUnknown));
        assert!(ring.key_for("data-1", &change, None).is_ok());
        assert!(ring.key_for("lane-1", &claim("lane-1"), Some(1_500)).is_ok());
        assert_eq!(ring.key_for("lane-1", &claim("lane-2"), Some(1_500)), Err(KeyUse::WrongLane));
        assert_eq!(ring.key_for("root", &change, Some(1_500)), Err(KeyUse::Unknown));
    }

    #[test]
    fn a_signature_cannot_be_moved_to_another_domain_or_payload() {
        let ring = ring();
        let change = Domain::site(What::Change(Collection::Declarations), &site());
        let envelope = Envelope::sign(b"{}", &change, "data-1", &key(2));
        assert_eq!(envelope.verify(&change, &ring, Some(1_500)).unwrap().payload, b"{}");
        let watch = Domain::site(What::Change(Collection::Watchlist), &site());
        assert!(matches!(envelope.verify(&watch, &ring, Some(1_500)), Err(EnvelopeError::Signature { .. })));
        let mut other = envelope.clone();
        other.payload_b64 = "e30K".into();
        assert!(matches!(other.verify(&change, &ring, Some(1_500)), Err(EnvelopeError::Signature { .. })));
        let twice = envelope.also_sign(&change, "data-1", &key(2)).unwrap();
        assert!(matches!(twice.verify(&change, &ring, Some(1_500)), Err(EnvelopeError::Malformed(_))));
    }
}
