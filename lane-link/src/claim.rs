//! Claims: "this vehicle and declaration are in my lane", lane to lane, signed by the lane's key. Renewed while the vehicle is present,
//! expiring by itself. A tie holds both.

use crate::envelope::Envelope;
use crate::topics::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A claim that is not renewed ends after this.
pub const CLAIM_EXPIRES_MS: i64 = 60_000;
/// A claim of a vehicle that is present is renewed this often.
pub const CLAIM_RENEW_MS: u64 = 20_000;

/// What is said on `claims`: the lane's name, so that its key can be found, and its signed [`Claim`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClaimMessage {
    /// Who says it.
    pub lane: Name,
    /// A signed [`Claim`].
    pub claim: Envelope,
}

/// What a lane claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    /// Whose lane: must be the holder of the key that signed.
    pub lane: Name,
    /// The declaration.
    pub declaration: String,
    /// The passage, as text.
    pub passage: String,
    /// `false`: the vehicle has left.
    pub held: bool,
    /// When, UTC milliseconds: an older word than the last is dropped.
    pub utc_ms: i64,
    /// Until when it holds, UTC milliseconds; at most [`CLAIM_EXPIRES_MS`] after `utc_ms`.
    pub expires_ms: i64,
}
