//! Records and pictures on their way up, and the centre's word that it has them.
//!
//! The centre stores a batch only where it continues what it has, and checks the chain. Its acknowledgement is signed: the lane's cursor moves
//! on nothing else. The same key with the same hash is a duplicate (acknowledged again); with another hash it is a fork: an alarm, and no
//! acknowledgement.

use crate::hex_bytes::{Hex16, Hex32};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Records of one batch.
pub const MAX_BATCH_RECORDS: usize = 256;
/// Digests of one acknowledgement.
pub const MAX_ACK_DIGESTS: usize = 64;
/// Bytes of one picture.
pub const MAX_EVIDENCE_BYTES: usize = 700 * 1024;

/// One ledger record as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventRecord {
    /// Its sequence.
    pub seq: u64,
    /// Its hash (see [`crate::chain`]).
    pub hash: Hex32,
    /// Base64 of the stored bytes.
    pub bytes_b64: String,
}

/// Records in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventBatch {
    /// Which ledger.
    pub ledger: Hex16,
    /// 1 to [`MAX_BATCH_RECORDS`], without a gap.
    pub records: Vec<EventRecord>,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceItem {
    /// SHA-256 of its bytes.
    pub digest: Hex32,
    /// Base64 of its bytes, at most [`MAX_EVIDENCE_BYTES`] of them.
    pub bytes_b64: String,
}

/// What the centre has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ack {
    /// Records of a ledger.
    Records {
        /// Which ledger.
        ledger: Hex16,
        /// Every record up to this one is stored; 0: none.
        seq: u64,
        /// The hash of that record; zero for none.
        hash: Hex32,
        /// A batch did not continue from here: send from `seq + 1`.
        resend: bool,
    },
    /// Pictures.
    Evidence {
        /// At most [`MAX_ACK_DIGESTS`].
        digests: Vec<Hex32>,
    },
}
