//! `lane.db`: what must never be lost. Everything here runs on the writer thread, inside its transaction.
//!
//! * [`ledger`]: append, sign, acknowledge, send;
//! * [`permits`]: passages, permits and the entries they use;
//! * [`persons`]: officers, lockout, ids of acts;
//! * [`black_box`]: what a passage's decisions were made of;
//! * [`evidence`]: the index of the picture files;
//! * [`segment`]: old records leave, sealed;
//! * [`open`]: start, damage, restore.

pub mod black_box;
pub mod evidence;
pub mod ledger;
pub mod mark;
pub mod open;
pub mod permits;
pub mod persons;
pub mod schema;
pub mod segment;

use crate::store::settings::StoreSettings;
use ed25519_dalek::SigningKey;
use lane_core::ids::{BootId, Digest, LedgerId};
use rusqlite::Connection;

/// Where the ledger stands. The writer keeps one; a transaction works on a copy that replaces it when the commit was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// The ledger.
    pub ledger: LedgerId,
    /// Its last sequence.
    pub seq: u64,
    /// The hash of that record.
    pub hash: Digest,
    /// The last sequence under a signed head.
    pub head_seq: u64,
    /// The last sequence the centre has acknowledged.
    pub acknowledged_seq: u64,
    /// Bytes of evidence in the index.
    pub evidence_bytes: u64,
    /// Trusted UTC milliseconds as last told; dates heads that are signed between two maintenances.
    pub utc_ms: Option<i64>,
}

/// One running transaction of `lane.db`.
pub struct LaneTx<'a> {
    /// The connection.
    pub conn: &'a Connection,
    /// The tip as this transaction leaves it.
    pub tip: Tip,
    /// The lane's key.
    pub key: &'a SigningKey,
    /// Limits.
    pub settings: &'a StoreSettings,
    /// This start.
    pub boot: BootId,
}
