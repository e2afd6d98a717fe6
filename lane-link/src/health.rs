//! A lane's health, every 10 s: what it is made of and how old its knowledge is. Nothing in it is believed for a decision.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceHealth {
    /// `barrier`, `scale`, `front_camera`, `rear_camera`, ...
    pub name: String,
    /// `ok`, or a word for what is wrong.
    pub state: String,
    /// Age of its last good reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
    /// A camera that is not `ok`: the picture that shows it, SHA-256 in hex; it comes as evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// A camera's commissioning view, likewise; absent: nobody has accepted one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,
}

/// A fault that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FaultHealth {
    /// Its word.
    pub name: String,
    /// `blocking`, `attend` or `warn`.
    pub severity: String,
    /// Since.
    pub age_ms: u64,
}

/// How long the stages of recent passages took, milliseconds; absent: none yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StageTimes {
    /// First sight to verdict, median.
    pub verdict_ms: Option<u32>,
    /// First sight to Up, median.
    pub up_ms: Option<u32>,
    /// First sight to clear, median.
    pub clear_ms: Option<u32>,
}

/// What `{lane}/health` says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// UTC milliseconds; absent where the clock is not trusted.
    #[serde(default)]
    pub utc_ms: Option<i64>,
    /// Seconds since the daemon started.
    pub up_s: u64,
    /// The lane's phase and mode, as words.
    pub phase: String,
    /// Mode.
    pub mode: String,
    /// The passage at the boom.
    #[serde(default)]
    pub passage: Option<String>,
    /// Devices, at most 32.
    pub devices: Vec<DeviceHealth>,
    /// Faults, at most 64.
    pub faults: Vec<FaultHealth>,
    /// Records that the centre has not acknowledged.
    pub queue_records: u64,
    /// Age of the oldest of them.
    #[serde(default)]
    pub queue_oldest_age_ms: Option<u64>,
    /// Stage times.
    pub stages: StageTimes,
    /// Free disk, bytes.
    #[serde(default)]
    pub disk_free_bytes: Option<u64>,
    /// Is the wall clock believed?
    pub clock_trusted: bool,
    /// Age of the declarations, seconds; absent: unknown.
    #[serde(default)]
    pub knowledge_age_s: Option<u32>,
    /// Rows of the collections that this lane does not understand: what they name is unknown to it.
    #[serde(default)]
    pub rows_quarantined: u64,
    /// Claims of this lane that the others did not hear, since its start.
    #[serde(default)]
    pub claims_lost: u64,
}
