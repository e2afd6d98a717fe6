//! The ledger's proof: hashes that chain records, and signatures over heads and segments.
//!
//! ```text
//! record hash = SHA-256( "borderlane/ledger/record/v1\0" ‖ ledger id (16, big-endian) ‖ seq (8, big-endian) ‖ previous hash (32) ‖ bytes )
//! head        = Ed25519( "borderlane/ledger/head/v1\0"   ‖ ledger id (16) ‖ seq (8) ‖ hash (32) ‖ UTC ms or i64::MIN (8) )
//! seal        = Ed25519( "borderlane/ledger/seal/v1\0"   ‖ ledger id (16) ‖ first seq (8) ‖ last seq (8) ‖ last hash (32) ‖ SHA-256 of the file before the seal (32) )
//! ```
//! The first record of a ledger follows the zero hash. The bytes that are hashed are the bytes that are stored and sent. Signatures are
//! checked with `verify_strict`.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use lane_core::ids::{Digest, LedgerId};
use sha2::{Digest as _, Sha256};

const RECORD_DOMAIN: &[u8] = b"borderlane/ledger/record/v1\0";
const HEAD_DOMAIN: &[u8] = b"borderlane/ledger/head/v1\0";
const SEAL_DOMAIN: &[u8] = b"borderlane/ledger/seal/v1\0";

/// What the first record of a ledger follows.
pub const NO_PREVIOUS: Digest = Digest([0; 32]);

/// SHA-256 of some bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// The hash of one record in its chain.
#[must_use]
pub fn record_hash(ledger: LedgerId, seq: u64, previous: Digest, bytes: &[u8]) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update(RECORD_DOMAIN);
    hasher.update(ledger.0.to_be_bytes());
    hasher.update(seq.to_be_bytes());
    hasher.update(previous.0);
    hasher.update(bytes);
    Digest(hasher.finalize().into())
}

/// A signed statement of the lane: "my ledger reaches to this sequence with this hash".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHead {
    /// Which ledger.
    pub ledger: LedgerId,
    /// The last sequence it covers.
    pub seq: u64,
    /// The hash of that record.
    pub hash: Digest,
    /// UTC milliseconds when it was signed; `None` where the clock was not trusted.
    pub utc_ms: Option<i64>,
    /// The lane's Ed25519 public key.
    pub public_key: [u8; 32],
    /// The signature.
    pub signature: [u8; 64],
}

fn head_message(ledger: LedgerId, seq: u64, hash: Digest, utc_ms: Option<i64>) -> Vec<u8> {
    let mut message = HEAD_DOMAIN.to_vec();
    message.extend_from_slice(&ledger.0.to_be_bytes());
    message.extend_from_slice(&seq.to_be_bytes());
    message.extend_from_slice(&hash.0);
    message.extend_from_slice(&utc_ms.unwrap_or(i64::MIN).to_be_bytes());
    message
}

/// Signs a head.
#[must_use]
pub fn sign_head(key: &SigningKey, ledger: LedgerId, seq: u64, hash: Digest, utc_ms: Option<i64>) -> SignedHead {
    let signature = key.sign(&head_message(ledger, seq, hash, utc_ms)).to_bytes();
    SignedHead { ledger, seq, hash, utc_ms, public_key: key.verifying_key().to_bytes(), signature }
}

/// Does the head's signature hold under the key it names?
#[must_use]
pub fn verify_head(head: &SignedHead) -> bool {
    verify(&head.public_key, &head_message(head.ledger, head.seq, head.hash, head.utc_ms), &head.signature)
}

/// What a segment's seal states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// Which ledger.
    pub ledger: LedgerId,
    /// Its first record.
    pub first_seq: u64,
    /// Its last record.
    pub last_seq: u64,
    /// The hash of the last record.
    pub last_hash: Digest,
    /// SHA-256 of every byte of the file before the seal's line.
    pub content: Digest,
}

fn seal_message(seal: &Seal) -> Vec<u8> {
    let mut message = SEAL_DOMAIN.to_vec();
    message.extend_from_slice(&seal.ledger.0.to_be_bytes());
    message.extend_from_slice(&seal.first_seq.to_be_bytes());
    message.extend_from_slice(&seal.last_seq.to_be_bytes());
    message.extend_from_slice(&seal.last_hash.0);
    message.extend_from_slice(&seal.content.0);
    message
}

/// Signs a segment's seal.
#[must_use]
pub fn sign_seal(key: &SigningKey, seal: &Seal) -> [u8; 64] {
    key.sign(&seal_message(seal)).to_bytes()
}

/// Does a segment's seal hold under this key?
#[must_use]
pub fn verify_seal(public_key: &[u8; 32], seal: &Seal, signature: &[u8; 64]) -> bool {
    verify(public_key, &seal_message(seal), signature)
}

fn verify(public_key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(public_key)
        .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
}

/// A ledger id as text: 32 hex digits.
#[must_use]
pub fn ledger_text(ledger: LedgerId) -> String {
    format!("{:032x}", ledger.0)
}

/// The ledger id that a text of 32 hex digits names.
#[must_use]
pub fn parse_ledger(text: &str) -> Option<LedgerId> {
    if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(text, 16).ok().map(LedgerId)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    #[test]
    fn a_record_hash_depends_on_every_part_it_is_made_of() {
        let base = record_hash(LedgerId(1), 1, NO_PREVIOUS, b"a");
        assert_ne!(base, record_hash(LedgerId(2), 1, NO_PREVIOUS, b"a"));
        assert_ne!(base, record_hash(LedgerId(1), 2, NO_PREVIOUS, b"a"));
        assert_ne!(base, record_hash(LedgerId(1), 1, base, b"a"));
        assert_ne!(base, record_hash(LedgerId(1), 1, NO_PREVIOUS, b"b"));
    }

    #[test]
    fn a_head_holds_only_as_it_was_signed() {
        let head = sign_head(&key(), LedgerId(1), 9, sha256(b"x"), Some(5));
        assert!(verify_head(&head));
        assert!(!verify_head(&SignedHead { seq: 10, ..head.clone() }));
        assert!(!verify_head(&SignedHead { utc_ms: None, ..head.clone() }));
        let other = SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes();
        assert!(!verify_head(&SignedHead { public_key: other, ..head }));
    }

    #[test]
    fn a_seal_is_not_a_head() {
        let seal = Seal { ledger: LedgerId(1), first_seq: 1, last_seq: 2, last_hash: sha256(b"x"), content: sha256(b"y") };
        let signature = sign_seal(&key(), &seal);
        let public = key().verifying_key().to_bytes();
        assert!(verify_seal(&public, &seal, &signature));
        assert!(!verify_seal(&public, &Seal { last_seq: 3, ..seal }, &signature));
    }
}
