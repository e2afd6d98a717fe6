//! Ids to and from the bytes of their columns: big-endian, so that they sort as they count.

use crate::store::error::StoreError;
use lane_core::ids::{BootId, Digest, LedgerId, PassageId, PermitId};

/// A passage: ledger (16) ‖ seq (8).
pub fn passage_bytes(passage: PassageId) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[..16].copy_from_slice(&passage.ledger.0.to_be_bytes());
    bytes[16..].copy_from_slice(&passage.seq.to_be_bytes());
    bytes
}

/// A permit: passage or zeros (24) ‖ counter (2) ‖ boot (16).
pub fn permit_bytes(permit: PermitId) -> [u8; 42] {
    let mut bytes = [0; 42];
    if let Some(passage) = permit.passage {
        bytes[..24].copy_from_slice(&passage_bytes(passage));
    }
    bytes[24..26].copy_from_slice(&permit.counter.to_be_bytes());
    bytes[26..].copy_from_slice(&permit.boot.0.to_be_bytes());
    bytes
}

/// The passage that these 24 bytes name.
pub fn passage_of(bytes: &[u8]) -> Result<PassageId, StoreError> {
    let bytes: [u8; 24] = fixed(bytes, "a passage id")?;
    Ok(PassageId { ledger: LedgerId(be128(&bytes[..16])), seq: be64(&bytes[16..]) })
}

/// The permit that these 42 bytes name.
pub fn permit_of(bytes: &[u8]) -> Result<PermitId, StoreError> {
    let bytes: [u8; 42] = fixed(bytes, "a permit id")?;
    let passage = passage_of(&bytes[..24])?;
    Ok(PermitId {
        passage: (passage.seq != 0).then_some(passage),
        counter: u16::from_be_bytes([bytes[24], bytes[25]]),
        boot: BootId(be128(&bytes[26..])),
    })
}

/// The digest in these 32 bytes.
pub fn digest_of(bytes: &[u8]) -> Result<Digest, StoreError> {
    fixed(bytes, "a digest").map(Digest)
}

/// The ledger id in these 16 bytes.
pub fn ledger_of(bytes: &[u8]) -> Result<LedgerId, StoreError> {
    fixed::<16>(bytes, "a ledger id").map(|bytes| LedgerId(u128::from_be_bytes(bytes)))
}

/// An array of just this length.
pub fn fixed<const N: usize>(bytes: &[u8], what: &'static str) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|_| StoreError::row(what, format!("{} bytes instead of {N}", bytes.len())))
}

/// A count or sequence as SQLite keeps it.
pub fn to_sql(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A count or sequence from SQLite; a negative one is damage.
pub fn from_sql(value: i64, what: &'static str) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::row(what, format!("{value} is negative")))
}

fn be128(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |value, byte| (value << 8) | u128::from(*byte))
}

fn be64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_their_columns() {
        let passage = PassageId { ledger: LedgerId(u128::MAX - 5), seq: u64::MAX - 9 };
        assert_eq!(passage_of(&passage_bytes(passage)).unwrap(), passage);
        for passage in [None, Some(passage)] {
            let permit = PermitId { passage, counter: 513, boot: BootId(77) };
            assert_eq!(permit_of(&permit_bytes(permit)).unwrap(), permit);
        }
        assert!(passage_of(&[0; 23]).is_err());
    }
}
