//! The ledger's chain, as lane and centre both compute it.
//!
//! ```text
//! hash = SHA-256( "borderlane/ledger/record/v1" 00 ‖ ledger id (16, big-endian) ‖ sequence (8, big-endian) ‖ previous hash (32) ‖ bytes )
//! ```
//! The first record of a ledger (sequence 1) follows the zero hash. The bytes hashed are the bytes stored and the bytes sent.

use crate::hex_bytes::{Hex16, Hex32, HexBytes};
use sha2::{Digest, Sha256};

const RECORD_DOMAIN: &[u8] = b"borderlane/ledger/record/v1\0";

/// What the first record of a ledger follows.
pub const NO_PREVIOUS: Hex32 = HexBytes([0; 32]);

/// The hash of one record.
#[must_use]
pub fn record_hash(ledger: Hex16, seq: u64, previous: Hex32, bytes: &[u8]) -> Hex32 {
    let mut hasher = Sha256::new();
    hasher.update(RECORD_DOMAIN);
    hasher.update(ledger.0);
    hasher.update(seq.to_be_bytes());
    hasher.update(previous.0);
    hasher.update(bytes);
    HexBytes(hasher.finalize().into())
}
