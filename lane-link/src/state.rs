//! A lane's birth and death: retained, and left with the broker as the will.

use crate::hex_bytes::Hex16;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What `{lane}/state` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LaneState {
    /// Connected. The will says `false`.
    pub online: bool,
    /// This start of the daemon.
    pub boot: Hex16,
    /// The ledger in use.
    pub ledger: Hex16,
    /// Fresh for each connection: a command must carry it.
    pub challenge: Hex16,
    /// Version of the daemon.
    pub version: String,
    /// Version of the key list in use.
    pub key_list_version: u64,
    /// What this lane can do: `rear_camera`, `scale`, `software_stop`, ...; at most 32 words.
    pub capabilities: Vec<String>,
    /// Since when, UTC milliseconds; absent where the clock is not trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<i64>,
}
