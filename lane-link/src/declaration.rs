//! The wire form of a declaration: one JSON object a row of the `declarations` replica.
//!
//! Unknown fields are tolerated (a newer centre may say more); an unknown trade type becomes `other` and an unknown channel `undecided`, both
//! of which hold. Times are UTC milliseconds, weights grams, digests lower-case hex.

use lane_core::declaration as core;
use lane_core::ids::{Digest, Revision};
use lane_core::plate::{PlateText, PlateTextError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use ts_rs::TS;

/// Confirmations a declaration may carry.
pub const MAX_CONFIRMATIONS: usize = 16;

macro_rules! mirrored {
    ($(#[$doc:meta])* $name:ident = $core:path { $($(#[$attribute:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
        #[serde(rename_all = "snake_case")]
        #[allow(missing_docs)]
        pub enum $name { $($(#[$attribute])* $variant),+ }
        impl From<$core> for $name {
            fn from(value: $core) -> Self {
                use $core as From;
                match value { $(From::$variant => Self::$variant),+ }
            }
        }
        impl From<$name> for $core {
            fn from(value: $name) -> Self {
                use $core as Into;
                match value { $($name::$variant => Into::$variant),+ }
            }
        }
    };
}
pub(crate) use mirrored;

mirrored!(/// Which way.
    Direction = core::Direction { Outbound, Inbound });
mirrored!(/// Trade type.
    TradeType = core::TradeType { Export, Import, Transit, Temporary, Transshipment, BorderResidents, EmptyReturn, #[serde(other)] Other });
mirrored!(/// Customs' risk channel.
    Channel = core::Channel { Green, Yellow, Red, #[serde(other)] Undecided });
mirrored!(/// Where it stands.
    DeclarationState = core::DeclarationState { Active, Withdrawn, Used });
mirrored!(/// What an agency said; a word this version does not know counts as nothing said.
    ConfirmationResult = core::ConfirmationResult { Pass, Hold, Refuse, Expired, #[serde(other)] Absent });
mirrored!(/// Where a tare comes from.
    TareSource = core::TareSource { WeighedEmpty, Registered, Declared });

/// One agency's confirmation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Confirmation {
    /// Agency's short name, at most 32 bytes.
    pub agency: String,
    /// Must it have confirmed?
    #[serde(default)]
    pub required: bool,
    /// What it said.
    pub result: ConfirmationResult,
    /// By whom, at most 64 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "number | null")]
    pub at_ms: Option<i64>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "number | null")]
    pub expires_ms: Option<i64>,
    /// Its paper, at most 64 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// Digest of what it confirmed: must equal [`Declaration::tied_digest`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// A known tare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Tare {
    /// Grams.
    #[ts(type = "number")]
    pub grams: i64,
    /// Where from.
    pub source: TareSource,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "number | null")]
    pub at_ms: Option<i64>,
}

/// One movement of one vehicle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Declaration {
    /// The centre's opaque name, at most 64 bytes.
    pub id: String,
    /// Gate.
    pub gate: String,
    /// Which way.
    pub direction: Direction,
    /// Trade type.
    pub trade: TradeType,
    /// Tractor or rigid truck; separators are ignored.
    pub plate: String,
    /// Its country, ISO 3166 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plate_country: Option<String>,
    /// Trailer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trailer_plate: Option<String>,
    /// Driver's reference, at most 64 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// Goods in a few words, at most 200 bytes.
    #[serde(default)]
    pub goods: String,
    /// Perishable.
    #[serde(default)]
    pub perishable: bool,
    /// Priority.
    #[serde(default)]
    pub priority: bool,
    /// Declared gross weight of the cargo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "number | null")]
    pub cargo_grams: Option<i64>,
    /// Axles of the combination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub axles: Option<u8>,
    /// Risk channel.
    pub channel: Channel,
    /// In force from.
    #[ts(type = "number")]
    pub valid_from_ms: i64,
    /// In force until, exclusive.
    #[ts(type = "number")]
    pub valid_until_ms: i64,
    /// Entries allowed.
    #[serde(default = "one")]
    pub entries_allowed: u16,
    /// Entries used, as the centre counts them.
    #[serde(default)]
    pub entries_used: u16,
    /// Passages that `entries_used` already counts (ids as text), at most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passages_counted: Vec<String>,
    /// Consignment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consignment: Option<String>,
    /// Next place, at most 64 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_place: Option<String>,
    /// Lane it was told to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane_hint: Option<String>,
    /// Where it stands.
    pub state: DeclarationState,
    /// Known tare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tare: Option<Tare>,
    /// What the agencies said, at most [`MAX_CONFIRMATIONS`].
    #[serde(default)]
    pub confirmations: Vec<Confirmation>,
}

fn one() -> u16 {
    1
}

/// What is wrong with a declaration row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeclarationError {
    /// A text is too long or empty.
    #[error("declaration {id}: {field} must have 1 to {max_bytes} bytes")]
    Text {
        /// Which row, cut to 64 bytes.
        id: String,
        /// Which field.
        field: &'static str,
        /// Limit.
        max_bytes: usize,
    },
    /// A plate is not a plate.
    #[error("declaration {id}: {field}: {source}")]
    Plate {
        /// Which row.
        id: String,
        /// Which field.
        field: &'static str,
        /// Why.
        source: PlateTextError,
    },
    /// A number is out of range.
    #[error("declaration {id}: {field} is out of range")]
    Range {
        /// Which row.
        id: String,
        /// Which field.
        field: &'static str,
    },
    /// A digest is not 64 hex digits.
    #[error("declaration {id}: the digest of {agency}'s confirmation is not 64 hex digits")]
    Digest {
        /// Which row.
        id: String,
        /// Whose.
        agency: String,
    },
    /// Too many confirmations.
    #[error("declaration {id}: more than {MAX_CONFIRMATIONS} confirmations")]
    TooManyConfirmations {
        /// Which row.
        id: String,
    },
}

/// No vehicle on a road weighs more than this.
const MAX_GRAMS: i64 = 1_000_000_000;

impl Declaration {
    /// SHA-256 over the fields that confirmations are tied to: an amended one voids them. Fields in this order, each followed by a 0 byte:
    /// gate, direction, trade, plate, trailer plate, goods, cargo grams, consignment.
    #[must_use]
    pub fn tied_digest(&self) -> [u8; 32] {
        let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let plate = |text: &str| PlateText::parse(text).map_or_else(|_| text.to_owned(), |p| p.to_string());
        let fields = [
            self.gate.clone(),
            word(serde_json::json!(self.direction)),
            word(serde_json::json!(self.trade)),
            plate(&self.plate),
            self.trailer_plate.as_deref().map(plate).unwrap_or_default(),
            self.goods.clone(),
            self.cargo_grams.map(|g| g.to_string()).unwrap_or_default(),
            self.consignment.clone().unwrap_or_default(),
        ];
        let mut hash = Sha256::new();
        hash.update(b"borderlane/declaration/v1\0");
        for field in fields {
            hash.update(field.as_bytes());
            hash.update([0]);
        }
        hash.finalize().into()
    }

    /// The core's form.
    ///
    /// # Errors
    /// Names the row and the first field that is wrong.
    pub fn to_core(&self, revision: Revision) -> Result<core::Declaration, DeclarationError> {
        self.check()?;
        let plate =
            |text: &str, field| PlateText::parse(text).map_err(|source| DeclarationError::Plate { id: self.short_id(), field, source });
        Ok(core::Declaration {
            id: self.id.as_str().into(),
            revision,
            gate: self.gate.as_str().into(),
            direction: self.direction.into(),
            trade: self.trade.into(),
            plate: plate(&self.plate, "plate")?,
            trailer_plate: self.trailer_plate.as_deref().map(|text| plate(text, "trailer_plate")).transpose()?,
            goods: self.goods.clone(),
            perishable: self.perishable,
            priority: self.priority,
            cargo_grams: self.cargo_grams,
            axles: self.axles,
            channel: self.channel.into(),
            valid_from_ms: self.valid_from_ms,
            valid_until_ms: self.valid_until_ms,
            entries_allowed: self.entries_allowed,
            entries_used: self.entries_used,
            consignment: self.consignment.as_deref().map(Into::into),
            next_place: self.next_place.clone(),
            lane_hint: self.lane_hint.as_deref().map(Into::into),
            state: self.state.into(),
            tare: self.tare.as_ref().map(|t| core::Tare { grams: t.grams, source: t.source.into(), at_ms: t.at_ms }),
            confirmations: self.confirmations.iter().map(|c| self.confirmation_to_core(c)).collect::<Result<_, _>>()?,
            digest: Digest(self.tied_digest()),
        })
    }

    fn short_id(&self) -> String {
        self.id.chars().take(64).collect()
    }

    fn confirmation_to_core(&self, c: &Confirmation) -> Result<core::Confirmation, DeclarationError> {
        let confirmed_digest = c.digest.as_deref().map(parse_digest).transpose();
        Ok(core::Confirmation {
            agency: c.agency.as_str().into(),
            required: c.required,
            result: c.result.into(),
            at_ms: c.at_ms,
            expires_ms: c.expires_ms,
            document: c.document.clone(),
            confirmed_digest: confirmed_digest.map_err(|()| DeclarationError::Digest { id: self.short_id(), agency: c.agency.clone() })?,
        })
    }

    fn check(&self) -> Result<(), DeclarationError> {
        let text = |field, value: &str, min: usize, max_bytes| {
            if value.len() < min || value.len() > max_bytes {
                return Err(DeclarationError::Text { id: self.short_id(), field, max_bytes });
            }
            Ok(())
        };
        text("id", &self.id, 1, 64)?;
        text("gate", &self.gate, 1, 32)?;
        text("goods", &self.goods, 0, 200)?;
        let optional = [
            ("driver", &self.driver, 64),
            ("consignment", &self.consignment, 64),
            ("next_place", &self.next_place, 64),
            ("lane_hint", &self.lane_hint, 32),
        ];
        for (field, value, max_bytes) in optional {
            if let Some(value) = value {
                text(field, value, 1, max_bytes)?;
            }
        }
        if self.confirmations.len() > MAX_CONFIRMATIONS {
            return Err(DeclarationError::TooManyConfirmations { id: self.short_id() });
        }
        for confirmation in &self.confirmations {
            text("confirmations.agency", &confirmation.agency, 1, 32)?;
        }
        let range = |field, good: bool| if good { Ok(()) } else { Err(DeclarationError::Range { id: self.short_id(), field }) };
        range("cargo_grams", self.cargo_grams.is_none_or(|g| (0..=MAX_GRAMS).contains(&g)))?;
        range("tare.grams", self.tare.as_ref().is_none_or(|t| (1..=MAX_GRAMS).contains(&t.grams)))?;
        range("axles", self.axles.is_none_or(|a| (2..=20).contains(&a)))?;
        range("valid_until_ms", self.valid_from_ms < self.valid_until_ms)?;
        range("passages_counted", self.passages_counted.len() <= 32)
    }
}

/// 64 hex digits.
pub(crate) fn parse_digest(text: &str) -> Result<Digest, ()> {
    let mut bytes = [0_u8; 32];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| ())?;
    Ok(Digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Declaration {
        serde_json::from_value(serde_json::json!({
            "id": "D-1", "gate": "huu-nghi", "direction": "outbound", "trade": "export", "plate": "12C-123.45",
            "channel": "green", "valid_from_ms": 0, "valid_until_ms": 10, "state": "active", "newer_field": 1
        }))
        .unwrap()
    }

    fn revision() -> Revision {
        Revision { epoch: 1, revision: 7 }
    }

    #[test]
    fn a_row_with_the_least_converts_and_unknown_fields_are_tolerated() {
        let core = row().to_core(revision()).unwrap();
        assert_eq!(core.plate.to_string(), "12C12345");
        assert_eq!(core.entries_allowed, 1);
    }

    #[test]
    fn unknown_words_become_what_holds() {
        let mut value = serde_json::to_value(row()).unwrap();
        value["trade"] = "barter".into();
        value["channel"] = "violet".into();
        let row: Declaration = serde_json::from_value(value).unwrap();
        assert_eq!((row.trade, row.channel), (TradeType::Other, Channel::Undecided));
    }

    #[test]
    fn errors_name_the_row_and_the_field() {
        let mut bad = row();
        bad.plate = "??".into();
        let text = bad.to_core(revision()).unwrap_err().to_string();
        assert!(text.starts_with("declaration D-1: plate:"), "{text}");
        let mut bad = row();
        bad.cargo_grams = Some(-1);
        assert_eq!(bad.to_core(revision()).unwrap_err(), DeclarationError::Range { id: "D-1".into(), field: "cargo_grams" });
    }

    #[test]
    fn the_tied_digest_ignores_separators_and_feels_goods_and_weight() {
        let first = row();
        let mut same = row();
        same.plate = "12c 12345".into();
        same.goods = first.goods.clone();
        assert_eq!(first.tied_digest(), same.tied_digest());
        let mut amended = row();
        amended.cargo_grams = Some(1000);
        assert_ne!(first.tied_digest(), amended.tied_digest());
    }
}
