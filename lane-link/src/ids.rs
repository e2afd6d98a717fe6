//! Ids as text: a ledger is 32 hex digits, a passage `{ledger}-{sequence}`, a digest 64 hex digits.

use lane_core::ids::{Digest, LedgerId, PassageId, PermitId};

/// What is wrong with an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not 32 hex digits.
    #[error("a ledger id has 32 hex digits")]
    Ledger,
    /// Not `{ledger}-{sequence}`.
    #[error("a passage id is a ledger id, a dash and a sequence")]
    Passage,
}

/// 64 hex digits.
#[must_use]
pub fn digest_text(digest: Digest) -> String {
    hex::encode(digest.0)
}

/// 32 hex digits.
#[must_use]
pub fn ledger_text(ledger: LedgerId) -> String {
    format!("{:032x}", ledger.0)
}

/// `{ledger}-{sequence}`.
#[must_use]
pub fn passage_text(passage: PassageId) -> String {
    format!("{}-{}", ledger_text(passage.ledger), passage.seq)
}

/// `{passage}/{counter}`, or `{boot}/{counter}` for a permit without a passage.
#[must_use]
pub fn permit_text(permit: PermitId) -> String {
    let owner = permit.passage.map_or_else(|| format!("{:032x}", permit.boot.0), passage_text);
    format!("{owner}/{}", permit.counter)
}

/// Reads [`ledger_text`].
///
/// # Errors
/// When it is not 32 hex digits.
pub fn parse_ledger(text: &str) -> Result<LedgerId, IdError> {
    if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(IdError::Ledger);
    }
    u128::from_str_radix(text, 16).map(LedgerId).map_err(|_| IdError::Ledger)
}

/// Reads [`passage_text`].
///
/// # Errors
/// When it is not a ledger id, a dash and a sequence.
pub fn parse_passage(text: &str) -> Result<PassageId, IdError> {
    let (ledger, seq) = text.split_once('-').ok_or(IdError::Passage)?;
    let ledger = parse_ledger(ledger).map_err(|_| IdError::Passage)?;
    seq.parse().map(|seq| PassageId { ledger, seq }).map_err(|_| IdError::Passage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passage_id_reads_back_and_junk_does_not() {
        let passage = PassageId { ledger: LedgerId(0xabc), seq: 17 };
        assert_eq!(parse_passage(&passage_text(passage)), Ok(passage));
        for junk in ["", "abc-1", "000000000000000000000000000000zz-1", "00000000000000000000000000000abc-", "x"] {
            assert!(parse_passage(junk).is_err(), "{junk}");
        }
    }
}
