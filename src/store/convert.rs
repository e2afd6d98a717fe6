//! From the words of the core and of the wire to the rows of the store, and back.

use super::error::StoreError;
use super::types::{Found, NewRecord, UpsertRow};
use lane_core::declaration::Declaration as CoreDeclaration;
use lane_core::ids::Revision;
use lane_core::plate::PlateText;
use lane_core::plate::confusable::confusable_key;
use lane_core::record::Record as CoreRecord;
use lane_link::declaration::{Declaration, DeclarationError};
use lane_link::ids::{IdError, parse_passage};
use lane_link::record::Record;
use serde::Deserialize;

/// The confusable key of a plate as text, for [`super::StoreSettings::confusable_key`]; a text that is no plate is its own key.
#[must_use]
pub fn plate_key(text: &str) -> String {
    PlateText::parse(text).map_or_else(|_| text.to_owned(), |plate| confusable_key(&plate).to_string())
}

#[derive(Deserialize)]
struct KindOf {
    kind: String,
}

impl NewRecord {
    /// The core's record as the ledger keeps it.
    ///
    /// # Errors
    /// Never in practice: every record serialises.
    pub fn of(record: &CoreRecord) -> Result<Self, StoreError> {
        let what = "write a record";
        let bytes = Record::from(record).to_bytes().map_err(|error| StoreError::row(what, error.to_string()))?;
        let KindOf { kind } = serde_json::from_slice(&bytes).map_err(|error| StoreError::row(what, error.to_string()))?;
        Ok(Self { kind, passage: record.passage, utc_ms: record.wall.trusted(), bytes })
    }
}

/// What is wrong with a replica row.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// It is no JSON of this kind.
    #[error("a declaration row is malformed: {0}")]
    Json(#[from] serde_json::Error),
    /// A field is out of range.
    #[error(transparent)]
    Declaration(#[from] DeclarationError),
    /// A counted passage is no passage.
    #[error("declaration {id}: passages_counted: {source}")]
    Counted {
        /// Which row.
        id: String,
        /// Why.
        source: IdError,
    },
}

/// A declaration's JSON as a row of the cache: checked, with its plates in normal form.
///
/// # Errors
/// Names the row and its first bad field.
pub fn declaration_row(bytes: Vec<u8>) -> Result<UpsertRow, RowError> {
    let wire: Declaration = serde_json::from_slice(&bytes)?;
    let core = wire.to_core(Revision { epoch: 0, revision: 0 })?;
    let mut counted = Vec::with_capacity(wire.passages_counted.len());
    for passage in &wire.passages_counted {
        let bad = |source| RowError::Counted { id: wire.id.clone(), source };
        counted.push(parse_passage(passage).map_err(bad)?);
    }
    let state = serde_json::to_value(wire.state)?;
    Ok(UpsertRow {
        id: wire.id,
        plates: [Some(core.plate), core.trailer_plate].into_iter().flatten().map(|plate| plate.to_string()).collect(),
        gate: Some(wire.gate),
        state: state.as_str().map(str::to_owned),
        valid_from_ms: Some(wire.valid_from_ms),
        valid_until_ms: Some(wire.valid_until_ms),
        counted,
        bytes,
    })
}

/// The declarations that a look-up found, in the core's form, with the entries used here on top of the centre's count; and how many rows
/// could not be read: where that is not 0 no candidate may be chosen by machine (`truncated` of the core's answer).
#[must_use]
pub fn candidates(found: &Found) -> (Vec<CoreDeclaration>, usize) {
    let mut declarations = Vec::with_capacity(found.declarations.len());
    let mut unreadable = 0;
    for row in &found.declarations {
        let read =
            serde_json::from_slice::<Declaration>(&row.bytes).map_err(RowError::from).and_then(|wire| Ok(wire.to_core(row.revision)?));
        match read {
            Ok(mut declaration) => {
                declaration.entries_used = declaration.entries_used.saturating_add(row.entries_used_here);
                declarations.push(declaration);
            }
            Err(error) => {
                tracing::warn!(id = row.id, %error, "a cached declaration cannot be read");
                unreadable += 1;
            }
        }
    }
    (declarations, unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::types::FoundRow;
    use lane_core::ids::{LedgerId, PassageId};

    fn json(extra: &str) -> Vec<u8> {
        format!(
            r#"{{"id":"D-1","gate":"huu-nghi","direction":"outbound","trade":"export","plate":"12C-123.45","trailer_plate":"12r 00123",
                "channel":"green","valid_from_ms":0,"valid_until_ms":10,"state":"active","entries_used":1{extra}}}"#
        )
        .into_bytes()
    }

    #[test]
    fn a_declaration_becomes_a_row_found_by_both_plates() {
        let ledger = "000000000000000000000000000000ab";
        let row = declaration_row(json(&format!(r#","passages_counted":["{ledger}-7"]"#))).unwrap();
        assert_eq!(row.plates, ["12C12345", "12R00123"]);
        assert_eq!(row.counted, [PassageId { ledger: LedgerId(0xab), seq: 7 }]);
        assert_eq!(row.state.as_deref(), Some("active"));
        assert!(declaration_row(json(r#","passages_counted":["x"]"#)).unwrap_err().to_string().contains("D-1"));
        assert!(declaration_row(b"{}".to_vec()).is_err());
    }

    #[test]
    fn entries_used_here_come_on_top_and_unreadable_rows_are_counted() {
        let row = |bytes: Vec<u8>| FoundRow {
            id: "D-1".into(),
            revision: Revision { epoch: 1, revision: 2 },
            exact: true,
            quarantined: false,
            entries_used_here: 2,
            bytes,
        };
        let found = Found { declarations: vec![row(json("")), row(b"?".to_vec())], ..Found::default() };
        let (declarations, unreadable) = candidates(&found);
        assert_eq!((declarations.len(), unreadable), (1, 1));
        assert_eq!((declarations[0].entries_used, declarations[0].revision.revision), (3, 2));
    }

    #[test]
    fn plates_that_look_alike_share_their_key() {
        assert_eq!(plate_key("12C-1234O"), plate_key("12c12340"));
        assert_eq!(plate_key("?"), "?");
    }
}
