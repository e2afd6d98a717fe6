//! Fixed-length bytes that travel as lower-case hexadecimal text: ledger ids, challenges, digests, public keys.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// `N` bytes; in JSON `2 * N` lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HexBytes<const N: usize>(pub [u8; N]);

/// Ledger ids, boot ids and challenges: 128 bits.
pub type Hex16 = HexBytes<16>;
/// SHA-256 digests and Ed25519 public keys: 256 bits.
pub type Hex32 = HexBytes<32>;

/// Not `N` bytes of hexadecimal text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {want_digits} hexadecimal digits")]
pub struct NotHex {
    want_digits: usize,
}

impl HexBytes<16> {
    /// From an id of the core.
    #[must_use]
    pub const fn from_u128(value: u128) -> Self {
        Self(value.to_be_bytes())
    }

    /// To an id of the core.
    #[must_use]
    pub const fn to_u128(self) -> u128 {
        u128::from_be_bytes(self.0)
    }
}

impl<const N: usize> fmt::Display for HexBytes<N> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            write!(out, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl<const N: usize> fmt::Debug for HexBytes<N> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl<const N: usize> FromStr for HexBytes<N> {
    type Err = NotHex;

    /// # Errors
    /// [`NotHex`] when `text` is not exactly `2 * N` hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, NotHex> {
        let mut bytes = [0_u8; N];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NotHex { want_digits: 2 * N })?;
        Ok(Self(bytes))
    }
}

impl<const N: usize> Serialize for HexBytes<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for HexBytes<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl<const N: usize> JsonSchema for HexBytes<N> {
    fn schema_name() -> Cow<'static, str> {
        format!("Hex{N}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": format!("^[0-9a-f]{{{}}}$", 2 * N)})
    }
}
