//! Replicas: four collections that the centre keeps and every lane holds a copy of. One mechanism for all four.
//!
//! ```text
//! Change  {collection, epoch, revision, follows, rows}    applies to the copy that is at exactly (epoch, follows), and to no other
//! Head    {collection, epoch, revision, utc_ms}           "at this time the collection was at this revision": every 10 s
//! Manifest{collection, epoch, revision, rows, parts[{sha256, bytes, rows}]}  and its parts: the whole collection at one revision
//! ```
//! All three are signed (parts by the digests in their manifest). A copy that is at another revision than a change follows, or behind a head,
//! asks for repair: it gets the changes it missed, or a snapshot. Nothing older than what a copy has is taken, whatever its signature. The
//! epoch rises only under the root (see [`crate::keys`]).
//!
//! Freshness: a head counts only for a copy that has reached its revision, and heads only increase.

use crate::envelope::{Domain, Envelope, EnvelopeError, What};
use crate::hex_bytes::Hex32;
use crate::keys::KeyRing;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Rows of one change or part.
pub const MAX_ROWS: usize = 1_000;
/// Bytes of one part as sent, before base64.
pub const MAX_PART_BYTES: usize = 384 * 1024;
/// Parts of one snapshot: with [`MAX_ROWS`] enough for four million rows.
pub const MAX_PARTS: usize = 4_096;
/// Bytes of one row's JSON.
pub const MAX_ROW_BYTES: usize = 16 * 1024;
/// Bytes of a row's key.
pub const MAX_ROW_KEY_BYTES: usize = 64;
/// A head from further ahead than this is refused: it would block every honest one after it.
pub const MAX_HEAD_AHEAD_MS: i64 = 5 * 60 * 1000;
/// Bytes of a bundle file.
pub const MAX_BUNDLE_BYTES: usize = 1 << 30;

/// Which collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Collection {
    /// Movements that are expected.
    Declarations,
    /// Plates to hold or to watch.
    Watchlist,
    /// Persons, roles, validity.
    Officers,
    /// What the checks lead to.
    Rules,
}

impl Collection {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Declarations, Self::Watchlist, Self::Officers, Self::Rules];

    /// Its word in topics and domains.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Declarations => "declarations",
            Self::Watchlist => "watchlist",
            Self::Officers => "officers",
            Self::Rules => "rules",
        }
    }

    /// The collection of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.word() == word)
    }
}

/// One row of a change: put in, or taken out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Row {
    /// Replaces the row of this key, or adds it.
    Upsert {
        /// Its key: the declaration's id, the watch entry's, the officer's; at most 64 bytes.
        key: String,
        /// The row as its collection defines it, e.g. `Declaration`.
        body: Value,
    },
    /// Takes the row of this key away.
    Tombstone {
        /// Its key.
        key: String,
    },
}

impl Row {
    /// Its key.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Upsert { key, .. } | Self::Tombstone { key } => key,
        }
    }
}

/// One step of a collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Which collection.
    pub collection: Collection,
    /// Its epoch.
    pub epoch: u32,
    /// The revision it leads to.
    pub revision: u64,
    /// The revision it applies to; below `revision`.
    pub follows: u64,
    /// At most [`MAX_ROWS`].
    pub rows: Vec<Row>,
}

/// Where a collection stood at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Head {
    /// Which collection.
    pub collection: Collection,
    /// Its epoch.
    pub epoch: u32,
    /// Its revision.
    pub revision: u64,
    /// When, UTC milliseconds.
    pub utc_ms: i64,
}

/// One part of a snapshot as its manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartRef {
    /// SHA-256 of its bytes.
    pub sha256: Hex32,
    /// Its bytes, at most [`MAX_PART_BYTES`].
    pub bytes: u32,
    /// Its rows, at most [`MAX_ROWS`].
    pub rows: u32,
}

/// A whole collection at one revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// Which collection.
    pub collection: Collection,
    /// Its epoch.
    pub epoch: u32,
    /// Its revision.
    pub revision: u64,
    /// All rows.
    pub rows: u64,
    /// At most [`MAX_PARTS`], in order.
    pub parts: Vec<PartRef>,
}

/// The content of a part: upserts only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// At most [`MAX_ROWS`].
    pub rows: Vec<Row>,
}

/// What is said on `replica/{collection}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplicaMessage {
    /// A signed [`Change`].
    Change(Envelope),
    /// A signed [`Head`].
    Head(Envelope),
}

/// What is said on `{lane}/repair`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RepairMessage {
    /// A missed change: the envelope as it was signed then.
    Change {
        /// Whose.
        collection: Collection,
        /// A signed [`Change`].
        envelope: Envelope,
    },
    /// A snapshot begins.
    Manifest {
        /// Whose.
        collection: Collection,
        /// A signed [`Manifest`].
        envelope: Envelope,
    },
    /// A part of the snapshot that began last, in order.
    Part {
        /// Whose.
        collection: Collection,
        /// Which, from 0.
        index: u32,
        /// Base64 of the bytes of a [`Part`].
        bytes_b64: String,
    },
}

/// What is said on `{lane}/repair_request`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RepairRequest {
    /// Which collection.
    pub collection: Collection,
    /// The epoch the lane has; 0: none.
    pub epoch: u32,
    /// The revision the lane has; 0: none.
    pub revision: u64,
}

/// A file for the day the network is gone: the same signed bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bundle {
    /// `borderlane-bundle-1`.
    pub format: String,
    /// The signed key list, where the lane may lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Envelope>,
    /// Whose snapshot.
    pub collection: Collection,
    /// A signed [`Manifest`].
    pub manifest: Envelope,
    /// Base64 of its parts, in order.
    pub parts_b64: Vec<String>,
    /// A signed [`Head`] of the same revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Envelope>,
}

/// The format word of [`Bundle`].
pub const BUNDLE_FORMAT: &str = "borderlane-bundle-1";

/// A copy's place, as the store keeps it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// Epoch; 0: nothing was ever taken.
    pub epoch: u32,
    /// Revision within it.
    pub revision: u64,
}

/// What to do with a believed change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// It is the next one.
    Apply,
    /// The copy has it already.
    Have,
    /// Changes between are missing.
    Gap,
    /// Another epoch than the root gives: refused.
    OtherEpoch,
}

/// Why something about a replica is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplicaError {
    /// Not believed.
    #[error("{0}")]
    Envelope(#[from] EnvelopeError),
    /// It speaks of another collection than its place says.
    #[error("it is about {0:?}")]
    OtherCollection(Collection),
    /// Another epoch than the root gives.
    #[error("epoch {offered}, where the key list says {wanted:?}")]
    Epoch {
        /// Its epoch.
        offered: u32,
        /// The root's.
        wanted: Option<u32>,
    },
    /// Older than what is there.
    #[error("revision {offered} of epoch {epoch} is not newer than {have}")]
    Older {
        /// Its epoch.
        epoch: u32,
        /// Its revision.
        offered: u64,
        /// What is there.
        have: u64,
    },
    /// Over a limit, or inconsistent.
    #[error("{0}")]
    Bounds(String),
    /// A part is not the one the manifest names.
    #[error("part {0} is not the one the manifest names")]
    Part(u32),
    /// A head's time does not increase, or lies too far ahead.
    #[error("head time {utc_ms}: {why}")]
    HeadTime {
        /// Its time.
        utc_ms: i64,
        /// Why.
        why: &'static str,
    },
    /// Not a bundle.
    #[error("not a bundle: {0}")]
    Bundle(String),
}

/// Believes a change and checks its bounds.
///
/// # Errors
/// [`ReplicaError`]: nothing of it may be used.
pub fn open_change(envelope: &Envelope, collection: Collection, ring: &KeyRing, now_ms: Option<i64>) -> Result<Change, ReplicaError> {
    let domain = Domain::site(What::Change(collection), ring.site());
    let change: Change = envelope.verify(&domain, ring, now_ms)?.read()?;
    same(change.collection, collection)?;
    epoch(change.epoch, collection, ring)?;
    if change.follows >= change.revision {
        return Err(ReplicaError::Bounds(format!("revision {} follows {}", change.revision, change.follows)));
    }
    check_rows(&change.rows)?;
    Ok(change)
}

/// Believes a head.
///
/// # Errors
/// [`ReplicaError`].
pub fn open_head(envelope: &Envelope, collection: Collection, ring: &KeyRing, now_ms: Option<i64>) -> Result<Head, ReplicaError> {
    let domain = Domain::site(What::Head(collection), ring.site());
    let head: Head = envelope.verify(&domain, ring, now_ms)?.read()?;
    same(head.collection, collection)?;
    epoch(head.epoch, collection, ring)?;
    if now_ms.is_some_and(|now| head.utc_ms > now.saturating_add(MAX_HEAD_AHEAD_MS)) {
        return Err(ReplicaError::HeadTime { utc_ms: head.utc_ms, why: "it lies ahead of the clock" });
    }
    Ok(head)
}

/// Believes a manifest that is not older than `have`.
///
/// # Errors
/// [`ReplicaError`].
pub fn open_manifest(
    envelope: &Envelope,
    collection: Collection,
    ring: &KeyRing,
    now_ms: Option<i64>,
    have: Place,
) -> Result<Manifest, ReplicaError> {
    let domain = Domain::site(What::Manifest(collection), ring.site());
    let manifest: Manifest = envelope.verify(&domain, ring, now_ms)?.read()?;
    same(manifest.collection, collection)?;
    epoch(manifest.epoch, collection, ring)?;
    if manifest.epoch == have.epoch && manifest.revision <= have.revision && have.revision > 0 {
        return Err(ReplicaError::Older { epoch: manifest.epoch, offered: manifest.revision, have: have.revision });
    }
    let rows: u64 = manifest.parts.iter().map(|p| u64::from(p.rows)).sum();
    let fits = manifest.parts.len() <= MAX_PARTS
        && manifest.parts.iter().all(|p| p.rows as usize <= MAX_ROWS && p.bytes as usize <= MAX_PART_BYTES);
    if !fits || rows != manifest.rows {
        return Err(ReplicaError::Bounds("the manifest's parts are too many, too large, or do not add up".into()));
    }
    Ok(manifest)
}

/// Believes a part by its manifest.
///
/// # Errors
/// [`ReplicaError::Part`], [`ReplicaError::Bounds`].
pub fn open_part(manifest: &Manifest, index: u32, bytes: &[u8]) -> Result<Vec<Row>, ReplicaError> {
    let named = manifest.parts.get(index as usize).ok_or(ReplicaError::Part(index))?;
    if bytes.len() != named.bytes as usize || sha256(bytes) != named.sha256 {
        return Err(ReplicaError::Part(index));
    }
    let part: Part = serde_json::from_slice(bytes).map_err(|e| ReplicaError::Bounds(format!("part {index}: {e}")))?;
    check_rows(&part.rows)?;
    if part.rows.len() != named.rows as usize || part.rows.iter().any(|r| matches!(r, Row::Tombstone { .. })) {
        return Err(ReplicaError::Part(index));
    }
    Ok(part.rows)
}

/// What to do with a change, for a copy that is at `have`, when the root gives `epoch`.
#[must_use]
pub fn judge_change(change: &Change, have: Place, epoch: Option<u32>) -> Judged {
    if Some(change.epoch) != epoch {
        return Judged::OtherEpoch;
    }
    if have.epoch != change.epoch {
        // The first change of an epoch may stand alone when it follows nothing.
        return if change.follows == 0 && have.epoch == 0 { Judged::Apply } else { Judged::Gap };
    }
    if change.revision <= have.revision {
        Judged::Have
    } else if change.follows == have.revision {
        Judged::Apply
    } else {
        Judged::Gap
    }
}

/// The newest head of one collection that its copy has reached, and the newest of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeadTrack {
    newest: Option<Head>,
    reached_utc_ms: Option<i64>,
}

/// What a head says of the copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadSays {
    /// The copy is complete as of the head's time.
    Complete,
    /// The copy lacks changes.
    Behind,
}

impl HeadTrack {
    /// As the store kept it: time of the newest head that the copy had reached.
    #[must_use]
    pub const fn restored(reached_utc_ms: Option<i64>) -> Self {
        Self { newest: None, reached_utc_ms }
    }

    /// Takes a believed head. Heads only increase: in time, and within an epoch in revision.
    ///
    /// # Errors
    /// [`ReplicaError::HeadTime`], [`ReplicaError::Older`].
    pub fn take(&mut self, head: Head, have: Place) -> Result<HeadSays, ReplicaError> {
        let floor = self.newest.map(|h| h.utc_ms).max(self.reached_utc_ms);
        if floor.is_some_and(|floor| head.utc_ms <= floor) {
            return Err(ReplicaError::HeadTime { utc_ms: head.utc_ms, why: "a newer one was seen" });
        }
        if head.epoch == have.epoch && head.revision < have.revision {
            return Err(ReplicaError::Older { epoch: head.epoch, offered: head.revision, have: have.revision });
        }
        self.newest = Some(head);
        Ok(self.reach(have))
    }

    /// The copy moved to `have`.
    pub fn reach(&mut self, have: Place) -> HeadSays {
        match self.newest {
            Some(head) if head.epoch == have.epoch && head.revision <= have.revision => {
                self.reached_utc_ms = self.reached_utc_ms.max(Some(head.utc_ms));
                HeadSays::Complete
            }
            Some(_) => HeadSays::Behind,
            None => HeadSays::Complete,
        }
    }

    /// Time of the newest head the copy has reached, UTC milliseconds.
    #[must_use]
    pub const fn reached_utc_ms(&self) -> Option<i64> {
        self.reached_utc_ms
    }
}

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Hex32 {
    crate::hex_bytes::HexBytes(Sha256::digest(bytes).into())
}

fn same(said: Collection, collection: Collection) -> Result<(), ReplicaError> {
    if said == collection { Ok(()) } else { Err(ReplicaError::OtherCollection(said)) }
}

fn epoch(offered: u32, collection: Collection, ring: &KeyRing) -> Result<(), ReplicaError> {
    let wanted = ring.epoch(collection);
    if Some(offered) == wanted && offered > 0 { Ok(()) } else { Err(ReplicaError::Epoch { offered, wanted }) }
}

/// Are these rows within the limits?
///
/// # Errors
/// [`ReplicaError::Bounds`].
pub fn check_rows(rows: &[Row]) -> Result<(), ReplicaError> {
    if rows.len() > MAX_ROWS {
        return Err(ReplicaError::Bounds(format!("{} rows, more than {MAX_ROWS}", rows.len())));
    }
    for row in rows {
        if !(1..=MAX_ROW_KEY_BYTES).contains(&row.key().len()) {
            return Err(ReplicaError::Bounds(format!("a row key must have 1 to {MAX_ROW_KEY_BYTES} bytes")));
        }
    }
    Ok(())
}

/// A bundle that may be believed: what a lane would have learnt over the network.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenedBundle {
    /// The snapshot.
    pub manifest: Manifest,
    /// Its rows, part by part.
    pub parts: Vec<Vec<Row>>,
    /// The head, where it is signed and of the same revision.
    pub head: Option<Head>,
}

/// Opens a bundle file: takes its key list into `ring` if it is newer, then believes the snapshot if it is newer than `have`.
///
/// # Errors
/// [`ReplicaError`]; `ring` may have taken the key list even then.
pub fn open_bundle(
    bytes: &[u8],
    ring: &mut KeyRing,
    now_ms: Option<i64>,
    have: impl Fn(Collection) -> Place,
) -> Result<OpenedBundle, ReplicaError> {
    use base64::Engine;
    if bytes.len() > MAX_BUNDLE_BYTES {
        return Err(ReplicaError::Bundle(format!("{} bytes, more than {MAX_BUNDLE_BYTES}", bytes.len())));
    }
    let bundle: Bundle = serde_json::from_slice(bytes).map_err(|e| ReplicaError::Bundle(e.to_string()))?;
    if bundle.format != BUNDLE_FORMAT {
        return Err(ReplicaError::Bundle(format!("format {:?}", bundle.format)));
    }
    if let Some(keys) = &bundle.keys {
        match ring.import(keys) {
            Ok(_) | Err(crate::keys::KeyListError::Older { .. }) => {}
            Err(error) => return Err(ReplicaError::Bundle(error.to_string())),
        }
    }
    let manifest = open_manifest(&bundle.manifest, bundle.collection, ring, now_ms, have(bundle.collection))?;
    if bundle.parts_b64.len() != manifest.parts.len() {
        return Err(ReplicaError::Bundle("parts are missing".into()));
    }
    let mut parts = Vec::with_capacity(manifest.parts.len());
    for (index, text) in (0_u32..).zip(&bundle.parts_b64) {
        let part = base64::engine::general_purpose::STANDARD.decode(text).map_err(|_| ReplicaError::Part(index))?;
        parts.push(open_part(&manifest, index, &part)?);
    }
    let head = match &bundle.head {
        None => None,
        Some(envelope) => Some(open_head(envelope, bundle.collection, ring, now_ms)?).filter(|h| h.revision <= manifest.revision),
    };
    Ok(OpenedBundle { manifest, parts, head })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(epoch: u32, follows: u64, revision: u64) -> Change {
        Change { collection: Collection::Declarations, epoch, revision, follows, rows: vec![] }
    }

    fn head(revision: u64, utc_ms: i64) -> Head {
        Head { collection: Collection::Declarations, epoch: 1, revision, utc_ms }
    }

    #[test]
    fn a_change_applies_only_where_it_belongs() {
        let have = Place { epoch: 1, revision: 5 };
        for (change, judged) in [
            (change(1, 5, 6), Judged::Apply),
            (change(1, 4, 5), Judged::Have),
            (change(1, 3, 6), Judged::Gap),
            (change(1, 6, 7), Judged::Gap),
            (change(2, 5, 6), Judged::OtherEpoch),
            (change(0, 5, 6), Judged::OtherEpoch),
        ] {
            assert_eq!(judge_change(&change, have, Some(1)), judged, "{change:?}");
        }
        assert_eq!(judge_change(&change(2, 0, 1), have, Some(2)), Judged::Gap, "a new epoch comes as a snapshot");
        assert_eq!(judge_change(&change(1, 0, 1), Place::default(), Some(1)), Judged::Apply);
    }

    #[test]
    fn heads_only_increase_and_count_only_when_reached() {
        let mut track = HeadTrack::default();
        let at = |revision| Place { epoch: 1, revision };
        assert_eq!(track.take(head(5, 1_000), at(5)), Ok(HeadSays::Complete));
        assert_eq!(track.reached_utc_ms(), Some(1_000));
        assert!(matches!(track.take(head(5, 1_000), at(5)), Err(ReplicaError::HeadTime { .. })));
        assert_eq!(track.take(head(7, 2_000), at(5)), Ok(HeadSays::Behind));
        assert_eq!(track.reached_utc_ms(), Some(1_000), "a head the copy has not reached makes nothing fresh");
        assert_eq!(track.reach(at(7)), HeadSays::Complete);
        assert_eq!(track.reached_utc_ms(), Some(2_000));
        assert!(matches!(track.take(head(6, 3_000), at(7)), Err(ReplicaError::Older { .. })));
        let mut restored = HeadTrack::restored(Some(5_000));
        assert!(matches!(restored.take(head(9, 4_000), at(7)), Err(ReplicaError::HeadTime { .. })));
    }
}
