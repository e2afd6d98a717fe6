//! What the store is asked and what it answers. Bytes of records, rows, snapshots and inputs are opaque to it.

use super::chain::SignedHead;
use lane_core::ids::{BootId, DeclarationId, Digest, LedgerId, PassageId, PermitId, Revision};
use lane_core::time::{Mono, Wall};
use serde::{Deserialize, Serialize};

/// Facts of this start, given to [`super::Store::open`].
#[derive(Debug, Clone, Copy)]
pub struct Boot {
    /// This start's random id; permits carry it.
    pub id: BootId,
    /// Monotonic now.
    pub at: Mono,
    /// Wall now, with its quality.
    pub wall: Wall,
}

/// Why a ledger was begun although there was one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// There was none.
    First,
    /// The file could not be read, or its tail does not verify.
    Damaged,
    /// The file ends before records that this machine had committed: an older copy was put back.
    OlderCopy,
    /// The file is gone; the mark beside it names what it held.
    Lost,
    /// The centre holds other or more records under the same id.
    Fork,
}

impl Why {
    /// The word that the record carries.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Damaged => "damaged",
            Self::OlderCopy => "older_copy",
            Self::Lost => "lost",
            Self::Fork => "fork",
        }
    }
}

/// What opening found.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The ledger in use.
    pub ledger: LedgerId,
    /// Its last sequence.
    pub last_seq: u64,
    /// A new ledger was begun although there was one before: the lane goes attended and says so.
    pub restored: Option<Why>,
    /// Passages that were open when the last run ended, oldest first; to be ended `power lost`.
    pub open_passages: Vec<PassageId>,
    /// Permits of earlier starts that were not known spent: they are spent now.
    pub permits_ended: Vec<PermitId>,
    /// The cache was missing, damaged or of another format, and is empty.
    pub cache_begun_anew: bool,
}

/// A record to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// Its kind's word, for listings only: the truth is in `bytes`.
    pub kind: String,
    /// The passage it belongs to.
    pub passage: Option<PassageId>,
    /// UTC milliseconds where the clock is trusted.
    pub utc_ms: Option<i64>,
    /// The record: stored, hashed and sent as they are.
    pub bytes: Vec<u8>,
}

/// Where a record came to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Its sequence.
    pub seq: u64,
    /// Its hash.
    pub hash: Digest,
}

/// How a permit ended, as far as entries are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryUse {
    /// A vehicle entered under it, or may have: the entry stays used.
    Used,
    /// Nobody entered: the entry is free again.
    Free,
}

/// One record as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    /// Its sequence.
    pub seq: u64,
    /// Its hash.
    pub hash: Digest,
    /// Its kind's word.
    pub kind: String,
    /// UTC milliseconds, where known.
    pub utc_ms: Option<i64>,
    /// The stored bytes.
    pub bytes: Vec<u8>,
}

/// Records that wait for the centre's acknowledgement, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbox {
    /// The ledger they belong to.
    pub ledger: LedgerId,
    /// The hash that the first of them follows.
    pub previous: Digest,
    /// The records.
    pub rows: Vec<LedgerRow>,
    /// Heads signed over records up to the last of them.
    pub heads: Vec<SignedHead>,
    /// The last sequence the centre has acknowledged.
    pub acknowledged_seq: u64,
    /// The last sequence of the ledger.
    pub last_seq: u64,
}

/// An entry of a black box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlackBoxEntry {
    /// An input, or an effect it led to.
    pub what: BlackBoxWhat,
    /// Monotonic milliseconds.
    pub at: Mono,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Kinds of black box entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlackBoxWhat {
    /// An input of the lane.
    Input,
    /// An effect of the lane.
    Effect,
}

/// What a black box opens with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlackBoxOpening {
    /// The core's version.
    pub core_version: String,
    /// Digest of the rules in force.
    pub rules: Digest,
    /// UTC milliseconds where the clock is trusted.
    pub utc_ms: Option<i64>,
    /// Snapshot of the lane.
    pub snapshot: Vec<u8>,
}

/// One passage's black box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlackBox {
    /// Whose.
    pub passage: PassageId,
    /// Its opening.
    pub opening: BlackBoxOpening,
    /// What followed, in order.
    pub entries: Vec<BlackBoxEntry>,
    /// Entries that are missing after the last one: they did not fit, or the disk did not take them.
    pub entries_dropped: u64,
}

/// An officer as the store keeps one. Times in UTC milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfficerRow {
    /// The login.
    pub id: String,
    /// The agency.
    pub agency: String,
    /// The role's word.
    pub role: String,
    /// Sites the officer may work at.
    pub sites: Vec<String>,
    /// Valid from.
    pub valid_from_ms: i64,
    /// Valid until, exclusive.
    pub valid_until_ms: i64,
    /// The PIN's hash in PHC form (argon2id over an HMAC with the site's pepper); empty: none was given yet, and nobody can log in.
    pub pin_hash: String,
    /// The centre sent this officer, and takes it back.
    pub from_centre: bool,
}

/// What a mirror of the centre's officers did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mirrored {
    /// New or changed.
    pub written: usize,
    /// Logins that the centre no longer has.
    pub removed: Vec<String>,
}

/// The four collections of the replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Collection {
    /// Declarations.
    Declarations,
    /// Watchlist.
    Watchlist,
    /// Officers.
    Officers,
    /// Rules.
    Rules,
}

impl Collection {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Declarations, Self::Watchlist, Self::Officers, Self::Rules];

    pub(crate) const fn number(self) -> i64 {
        match self {
            Self::Declarations => 0,
            Self::Watchlist => 1,
            Self::Officers => 2,
            Self::Rules => 3,
        }
    }
}

/// A row of a replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplicaRow {
    /// New or replaced.
    Upsert(UpsertRow),
    /// Deleted.
    Tombstone {
        /// Which.
        id: String,
    },
    /// There, and not understood: nothing may be decided by it, and what it replaces is no longer so.
    Quarantined {
        /// Which.
        id: String,
        /// The plates that could be read; those of the row it replaces are added.
        plates: Vec<String>,
        /// The row's JSON, where it is within the limits; for a person to look at.
        bytes: Vec<u8>,
    },
}

/// A row that is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UpsertRow {
    /// The centre's name of it; 1 to 64 bytes.
    pub id: String,
    /// Plates in normal form by which it is found: tractor first, then trailer.
    pub plates: Vec<String>,
    /// Gate, for declarations.
    pub gate: Option<String>,
    /// The state's word, for declarations.
    pub state: Option<String>,
    /// In force from, UTC milliseconds.
    pub valid_from_ms: Option<i64>,
    /// In force until (exclusive), UTC milliseconds.
    pub valid_until_ms: Option<i64>,
    /// Passages whose entry this row's count already contains.
    pub counted: Vec<PassageId>,
    /// The row's JSON.
    pub bytes: Vec<u8>,
}

/// A change of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The epoch it belongs to.
    pub epoch: u32,
    /// The revision it follows.
    pub follows: u64,
    /// The revision it makes.
    pub revision: u64,
    /// Its rows.
    pub rows: Vec<ReplicaRow>,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// Done; the collection is at this revision.
    Done(Revision),
    /// It was there already, or something newer is: nothing was done.
    Older {
        /// What the cache has.
        have: Revision,
    },
    /// It follows a revision that the cache does not have: changes are missing, ask for repair.
    Gap {
        /// What the cache has; `None`: nothing at all.
        have: Option<Revision>,
    },
}

/// How far one collection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CollectionState {
    /// Which.
    pub collection: Collection,
    /// What the cache holds; `None`: no snapshot yet.
    pub have: Option<Revision>,
    /// The newest signed head ever seen.
    pub head: Option<Head>,
}

/// A signed head of a collection, verified by the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Head {
    /// Epoch and revision.
    pub revision: Revision,
    /// The head's time, UTC milliseconds.
    pub utc_ms: i64,
}

/// What a look-up found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Declarations: exact ones first, then near ones; at most [`super::LOOKUP_MAX_CANDIDATES`].
    pub declarations: Vec<FoundRow>,
    /// There were more.
    pub truncated: bool,
    /// Watchlist entries of these plates, exact or near.
    pub watch: Vec<FoundRow>,
    /// The revision of the declarations it was answered from.
    pub declarations_revision: Option<Revision>,
    /// The revision of the watchlist it was answered from.
    pub watchlist_revision: Option<Revision>,
}

/// One row found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRow {
    /// Its id.
    pub id: String,
    /// The revision that brought it.
    pub revision: Revision,
    /// One of its plates is one of those asked for; else one only looks like it.
    pub exact: bool,
    /// It could not be understood when it came: nothing may be decided by it.
    pub quarantined: bool,
    /// Entries used here that the row's own count does not contain yet, other than by the asking passage.
    pub entries_used_here: u16,
    /// The row's JSON.
    pub bytes: Vec<u8>,
}

/// What the disk is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskState {
    /// The last transaction was taken.
    pub can_commit: bool,
    /// Less than `nearly_full_bytes` are free.
    pub nearly_full: bool,
    /// The ledger was begun anew at this start, or the centre showed a fork since.
    pub restored: bool,
}

/// The declarations a permit was judged on, and the permit: what [`super::Store::authorise`] makes durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorisation {
    /// The permit.
    pub permit: PermitId,
    /// Declarations of which it uses one entry each.
    pub declarations: Vec<DeclarationId>,
    /// The record that grants it.
    pub record: NewRecord,
}
