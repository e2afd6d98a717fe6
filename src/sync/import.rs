//! Collections from a file, for the day the network is gone: the same signed bytes, the same checks, the same requests to the store.

use crate::sync::ports::{ApplyRefused, SyncRequest};
use lane_link::keys::KeyRing;
use lane_link::replica::{Collection, OpenedBundle, Place, ReplicaError, open_bundle};
use tokio::sync::{mpsc, oneshot};

/// Why a bundle was not imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Not believed, not newer, or not whole.
    #[error("{0}")]
    Refused(#[from] ReplicaError),
    /// The store did not take it. The copy is unchanged.
    #[error("{0}")]
    Store(#[from] ApplyRefused),
}

/// Believes a bundle file under the pinned root: its signed key list is taken into `ring` first, where it has a newer one. Nothing older
/// than `have` is accepted.
///
/// # Errors
/// [`ReplicaError`].
pub fn verify_bundle(
    bytes: &[u8],
    ring: &mut KeyRing,
    now_ms: Option<i64>,
    have: impl Fn(Collection) -> Place,
) -> Result<OpenedBundle, ReplicaError> {
    open_bundle(bytes, ring, now_ms, have)
}

/// Gives a believed bundle to the store as a snapshot.
///
/// # Errors
/// [`ImportError::Store`].
pub async fn apply_bundle(bundle: OpenedBundle, store: &mpsc::Sender<SyncRequest>) -> Result<Place, ImportError> {
    let collection = bundle.manifest.collection;
    let place = Place { epoch: bundle.manifest.epoch, revision: bundle.manifest.revision };
    let rows = bundle.manifest.rows;
    ask(store, |reply| SyncRequest::SnapshotBegin { collection, place, rows, reply }).await?;
    for rows in bundle.parts {
        ask(store, |reply| SyncRequest::SnapshotRows { collection, rows, reply }).await?;
    }
    ask(store, |reply| SyncRequest::SnapshotCommit { collection, place, reply }).await?;
    if let Some(head) = bundle.head {
        let reached = SyncRequest::HeadReached { collection, utc_ms: head.utc_ms };
        store.send(reached).await.map_err(|_| ApplyRefused::Failed)?;
    }
    Ok(place)
}

async fn ask(
    store: &mpsc::Sender<SyncRequest>,
    request: impl FnOnce(oneshot::Sender<Result<(), ApplyRefused>>) -> SyncRequest,
) -> Result<(), ApplyRefused> {
    let (reply, answer) = oneshot::channel();
    store.send(request(reply)).await.map_err(|_| ApplyRefused::Failed)?;
    answer.await.map_err(|_| ApplyRefused::Failed)?
}
