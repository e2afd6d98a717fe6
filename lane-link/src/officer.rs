//! The wire form of an officer: one JSON object a row of the `officers` replica.
//!
//! ```json
//! {"id":"lan.nguyen","agency":"customs","role":"officer","sites":["huu-nghi"],"valid_from_ms":0,"valid_until_ms":1800000000000}
//! ```
//! A row brings a person and no PIN: what is kept of a PIN is made under the site's pepper, which the centre does not have. The person gets one at
//! the lane (`borderlane officer pin`). Who leaves gets a tombstone. Unknown fields are tolerated.

use crate::words::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One officer. Times are UTC milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Officer {
    /// The login, the row's key: a-z, 0-9, dot, underscore, dash, at most 32.
    pub id: String,
    /// The agency's short name.
    pub agency: String,
    /// What the person is trusted with.
    pub role: Role,
    /// Sites, 1 to 16.
    pub sites: Vec<String>,
    /// Valid from.
    pub valid_from_ms: i64,
    /// Valid until (exclusive).
    pub valid_until_ms: i64,
}
