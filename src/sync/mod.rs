//! The link to the centre: records and pictures up, replicas, commands and answers down.
//!
//! ```text
//!                 ┌───────────────────────── sync task ─────────────────────────┐
//!  store ◀─ SyncRequest (bounded, each with its answer) ── uplink               │
//!                 │                                        downlink ── gate     │◀─▶ lane_link::mqtt ◀─▶ broker
//!  lane  ◀─ SyncReport (bounded) ─────────────────────────                      │
//!  lane  ── SyncInput, health, facts, last sequence ─────▶                      │
//!                 └──────────────────────────────────────────────────────────────┘
//! ```
//! * **Uplink.** The store is the outbox. Records go up in order, a few batches at a time; a batch ends when the centre's *signed*
//!   acknowledgement covers it. Silence, a lost connection or "resend" takes the uplink back to the acknowledged place: the centre knows
//!   duplicates. A picture goes only while no record waits, one at a time.
//! * **Downlink.** Nothing is believed without its signature under the pinned root's key list. A change applies to exactly the revision it
//!   follows; a gap or a head ahead of the copy asks for repair; snapshots are staged part by part and committed at once.
//! * **Commands** pass [`lane_link::command::CommandGate`] and a durable memory of ids, and are then only wishes to the lane.
//! * **The network is never needed.** Every state of this task but "ended" leaves the lane working on what it has.
//!
//! **Architecture invariant:** this module knows neither store nor lane; the runtime joins them by the channels of [`ports`].

pub mod claims;
pub mod downlink;
pub mod import;
pub mod key_files;
pub mod ports;
mod receive;
mod task;
pub mod uplink;

use crate::sync::ports::Wires;
use ed25519_dalek::SigningKey;
use lane_link::hex_bytes::{Hex16, Hex32};
use lane_link::keys::KeyListError;
use lane_link::mqtt::{LinkError, LinkSettings};
use lane_link::topics::Name;
use std::path::PathBuf;
use tokio::task::JoinHandle;

/// Settings of the link. [`SyncSettings::new`] gives the defaults.
#[derive(Debug, Clone)]
pub struct SyncSettings {
    /// The site.
    pub site: Name,
    /// This lane.
    pub lane: Name,
    /// The broker; will and subscriptions are filled in here.
    pub link: LinkSettings,
    /// The pinned root of the site.
    pub root_key: Hex32,
    /// Where the newest signed key list is kept.
    pub key_list_path: PathBuf,
    /// The lane's key id in the key list.
    pub lane_key_id: String,
    /// Records of one batch.
    pub batch_max_records: usize,
    /// Stored bytes of one batch.
    pub batch_max_bytes: usize,
    /// Batches without the centre's acknowledgement.
    pub batches_max: usize,
    /// Without progress for this long, batches go again; doubles up to `ack_timeout_max_ms`.
    pub ack_timeout_ms: u64,
    /// Longest wait for an acknowledgement.
    pub ack_timeout_max_ms: u64,
    /// A picture without acknowledgement goes again after this.
    pub evidence_timeout_ms: u64,
    /// A repair without progress is asked for again after this.
    pub repair_timeout_ms: u64,
    /// Health is published this often.
    pub health_every_ms: u64,
    /// An answer counts within this.
    pub query_deadline_ms: u64,
    /// A store that does not answer within this is taken for failed, until it does.
    pub store_timeout_ms: u64,
    /// `open_once` needs two persons' keys.
    pub open_needs_two_keys: bool,
}

impl SyncSettings {
    /// The defaults.
    #[must_use]
    pub fn new(site: Name, lane: Name, link: LinkSettings, root_key: Hex32, key_list_path: PathBuf) -> Self {
        Self {
            lane_key_id: lane.as_str().to_owned(),
            site,
            lane,
            link,
            root_key,
            key_list_path,
            batch_max_records: 64,
            batch_max_bytes: 128 * 1024,
            batches_max: 8,
            ack_timeout_ms: 10_000,
            ack_timeout_max_ms: 60_000,
            evidence_timeout_ms: 60_000,
            repair_timeout_ms: 15_000,
            health_every_ms: 10_000,
            query_deadline_ms: 2_000,
            store_timeout_ms: 10_000,
            open_needs_two_keys: false,
        }
    }
}

/// Who this lane is, for its birth.
#[derive(Debug, Clone)]
pub struct Identity {
    /// This start of the daemon.
    pub boot: Hex16,
    /// The ledger in use.
    pub ledger: Hex16,
    /// Version of the daemon.
    pub version: String,
    /// What this lane can do, at most 32 words.
    pub capabilities: Vec<String>,
    /// Signs claims.
    pub lane_key: SigningKey,
}

/// Why the link cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The broker's settings.
    #[error("link: {0}")]
    Link(#[from] LinkError),
    /// The root key or the stored key list.
    #[error("{0}")]
    Keys(#[from] KeyListError),
    /// The key list's file.
    #[error("{0}")]
    KeyFile(#[from] key_files::KeyFileError),
}

/// Begins the link; it ends when the task is aborted or the requests' receiver is dropped.
///
/// # Errors
/// [`SyncError`] for settings that can never work. An unreachable broker is no error.
pub fn begin(settings: SyncSettings, identity: Identity, wires: Wires) -> Result<JoinHandle<()>, SyncError> {
    let task = task::SyncTask::new(settings, identity, wires)?;
    Ok(tokio::spawn(task.run()))
}
