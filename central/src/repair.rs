//! What a lane missed, sent piece by piece so that it never fills the link's queue.

use crate::replicas::Snapshot;
use base64::Engine;
use lane_link::envelope::Envelope;
use lane_link::replica::{Collection, RepairMessage};
use std::collections::VecDeque;

/// Repairs at once; a lane that asks while all are taken asks again.
pub const REPAIRS_MAX: usize = 32;

/// One lane's repair of one collection.
#[derive(Debug)]
pub struct Repair {
    /// For whom.
    pub lane: String,
    /// Of what.
    pub collection: Collection,
    changes: VecDeque<Envelope>,
    manifest: Option<Envelope>,
    parts: VecDeque<Vec<u8>>,
    next_part: u32,
}

impl Repair {
    /// Missed changes.
    #[must_use]
    pub fn changes(lane: String, collection: Collection, changes: Vec<Envelope>) -> Self {
        Self { lane, collection, changes: changes.into(), manifest: None, parts: VecDeque::new(), next_part: 0 }
    }

    /// A whole snapshot.
    #[must_use]
    pub fn snapshot(lane: String, collection: Collection, snapshot: Snapshot) -> Self {
        let Snapshot { manifest, parts } = snapshot;
        Self { lane, collection, changes: VecDeque::new(), manifest: Some(manifest), parts: parts.into(), next_part: 0 }
    }

    /// The next message; `None`: all are sent.
    pub fn next_message(&mut self) -> Option<RepairMessage> {
        let collection = self.collection;
        if let Some(envelope) = self.changes.pop_front() {
            return Some(RepairMessage::Change { collection, envelope });
        }
        if let Some(envelope) = self.manifest.take() {
            return Some(RepairMessage::Manifest { collection, envelope });
        }
        let bytes_b64 = base64::engine::general_purpose::STANDARD.encode(self.parts.pop_front()?);
        let index = self.next_part;
        self.next_part += 1;
        Some(RepairMessage::Part { collection, index, bytes_b64 })
    }
}
