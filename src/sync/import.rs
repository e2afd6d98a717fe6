//! Collections from a file, for the day the network is gone: the same signed bytes, the same checks, the same requests to the store.
//!
//! ```text
//!   bundle ─▶ its key list under the pinned root ─▶ manifest newer than the copy? ─ yes ─▶ parts by digest ─▶ store, as a snapshot ─▶ head
//!                                                   └ the same revision ─▶ its head only: still so at that time
//!                                                   └ older ─▶ refused
//! ```

use crate::sync::key_files::{self, KeyFileError};
use crate::sync::ports::{ApplyRefused, SyncRequest};
use lane_link::envelope::Envelope;
use lane_link::hex_bytes::Hex32;
use lane_link::keys::{KeyListError, KeyRing};
use lane_link::replica::{Bundle, Collection, OpenedBundle, Place, ReplicaError, open_bundle, open_head};
use lane_link::topics::Name;
use std::path::PathBuf;
use tokio::sync::{mpsc, oneshot};

/// What a lane believes a file by.
#[derive(Debug, Clone)]
pub struct Trusted {
    /// The site.
    pub site: Name,
    /// Its pinned root.
    pub root_key: Hex32,
    /// Where the newest signed key list is kept.
    pub key_list_path: PathBuf,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Which collection.
    pub collection: Collection,
    /// Where its copy stands now.
    pub place: Place,
    /// Rows of the snapshot; `None`: the copy had this revision already, and only its head is newer.
    pub rows: Option<u64>,
    /// Time of the bundle's head, UTC milliseconds.
    pub head_utc_ms: Option<i64>,
    /// A newer key list came with it, and is kept.
    pub keys: Option<Box<Envelope>>,
}

/// Why a bundle was not imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Not believed, not newer, or not whole.
    #[error("{0}")]
    Refused(#[from] ReplicaError),
    /// The store did not take it. The copy is unchanged.
    #[error("{0}")]
    Store(#[from] ApplyRefused),
    /// The pinned root or the kept key list cannot be used.
    #[error("{0}")]
    Keys(String),
}

impl From<KeyFileError> for ImportError {
    fn from(error: KeyFileError) -> Self {
        Self::Keys(error.to_string())
    }
}

impl From<KeyListError> for ImportError {
    fn from(error: KeyListError) -> Self {
        Self::Keys(error.to_string())
    }
}

/// Believes a bundle and gives it to the store: the whole way from the file to the copy.
///
/// # Errors
/// [`ImportError`]: the copy is unchanged. A newer key list is kept even then, if the root signed it.
pub async fn import(
    bytes: &[u8],
    trusted: &Trusted,
    now_ms: Option<i64>,
    store: &mpsc::Sender<SyncRequest>,
) -> Result<Imported, ImportError> {
    let mut ring = KeyRing::pinned(trusted.site.clone(), &trusted.root_key)?;
    if let Some(kept) = key_files::read_key_list(&trusted.key_list_path)? {
        ring.import(&kept)?;
    }
    let version = ring.version();
    let (reply, copies) = oneshot::channel();
    store.send(SyncRequest::Copies { reply }).await.map_err(|_| ApplyRefused::Failed)?;
    let copies = copies.await.map_err(|_| ApplyRefused::Failed)?;
    let have = |which| copies.iter().find(|copy| copy.collection == which).map_or_else(Place::default, |copy| copy.place);
    let opened = verify_bundle(bytes, &mut ring, now_ms, have);
    let mut keys = None;
    if ring.version() != version
        && let Ok(Bundle { keys: Some(list), .. }) = serde_json::from_slice::<Bundle>(bytes)
    {
        key_files::keep_key_list(&trusted.key_list_path, &list)?;
        keys = Some(Box::new(list));
    }
    match opened {
        Ok(bundle) => {
            let (collection, rows) = (bundle.manifest.collection, Some(bundle.manifest.rows));
            let head_utc_ms = bundle.head.map(|head| head.utc_ms);
            let place = apply_bundle(bundle, store).await?;
            Ok(Imported { collection, place, rows, head_utc_ms, keys })
        }
        Err(ReplicaError::Older { offered, have: there, .. }) if offered == there => {
            let bundle: Bundle = serde_json::from_slice(bytes).map_err(|e| ReplicaError::Bundle(e.to_string()))?;
            let place = have(bundle.collection);
            let no_head = || ReplicaError::Bundle("it has the revision that is there, and no head of it".into());
            let head = open_head(&bundle.head.ok_or_else(no_head)?, bundle.collection, &ring, now_ms)?;
            if head.epoch != place.epoch || head.revision != place.revision {
                return Err(no_head().into());
            }
            let reached = SyncRequest::HeadReached { collection: bundle.collection, utc_ms: head.utc_ms };
            store.send(reached).await.map_err(|_| ApplyRefused::Failed)?;
            Ok(Imported { collection: bundle.collection, place, rows: None, head_utc_ms: Some(head.utc_ms), keys })
        }
        Err(error) => Err(error.into()),
    }
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
