//! A plate that the cache does not know: declared a minute ago, or for another gate. The answer is signed, counts for 2 s, and is shown and
//! judged like a row of the replica at the revision it names.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Plates of one query.
pub const MAX_QUERY_PLATES: usize = 8;
/// Rows of one answer.
pub const MAX_ANSWER_ROWS: usize = 8;

/// What a lane asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Query {
    /// Its name, unique for this boot; at most 64 bytes.
    pub id: String,
    /// Best first, at most [`MAX_QUERY_PLATES`].
    pub plates: Vec<String>,
}

/// What the centre knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// The query's name.
    pub id: String,
    /// Declarations of this gate, as rows of the replica; at most [`MAX_ANSWER_ROWS`].
    pub declarations: Vec<Value>,
    /// The gate they are declared for, if only elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<String>,
    /// Epoch of the declarations collection it was answered from.
    pub epoch: u32,
    /// Revision of it.
    pub revision: u64,
}
