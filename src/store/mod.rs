//! The store: what the lane knows, and what it can prove.
//!
//! ```text
//!  lane.db   WAL, FULL     ledger (= outbox), heads, permits, passages, entries, black box, officers, acts, evidence index
//!  cache.db  WAL, NORMAL   declarations, watchlist, officers, rules as replicated: disposable
//!  evidence/ segments/     files: pictures by SHA-256, sealed old records            kept/   what was set aside
//!  ledger.mark             where the ledger stood: an older copy put back is noticed
//! ```
//! One thread writes ([`writer`]); readers read beside it ([`reader`]). [`Store`] is the handle: each method answers when what it says is so; an
//! authorisation is durable when it is answered (I9). Time comes from the caller.
//!
//! **Architecture invariants:** no record is changed, none leaves but sealed and acknowledged; within one ledger id there is no gap and no fork (I12); a
//! permit id is granted once, ever (I3); a request that the disk did not take is answered with an error, never with silence.

mod bundle;
pub mod cache;
pub mod chain;
mod codec;
mod convert;
mod error;
pub mod files;
mod handle;
pub mod lane;
mod maintain;
mod metrics;
mod reader;
mod replication;
mod settings;
mod types;
pub mod verify;
mod writer;

pub use cache::replica::row_problem;
pub use convert::{RowError, candidates, declaration_row, plate_key};
pub use error::StoreError;
pub use handle::Store;
pub use maintain::Maintained;
pub use metrics::StoreMetrics;
pub use settings::{
    CHANGE_MAX_ROWS, COUNTED_MAX, LOOKUP_MAX_CANDIDATES, LOOKUP_MAX_PLATES, PERMIT_MAX_DECLARATIONS, REPLICA_ROW_MAX_BYTES,
    REPLICA_ROW_MAX_PLATES, StoreSettings,
};
pub use types::*;
