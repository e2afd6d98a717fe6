//! What people do with cameras: look at them, and accept how they look. The record is durable before the view counts.

use super::centre::raw_record;
use crate::camera::board::{Board, LookedAt};
use crate::camera::view::ViewError;
use crate::clock;
use crate::store::{Store, StoreError};
use lane_core::input::Camera;
use lane_link::record::{Body, Person};
use lane_link::view_api::{AcceptedView, ViewAct};

/// Why a view was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ViewActError {
    /// The picture was not looked at, or too long ago: nobody accepts what nobody saw.
    #[error("this picture was not shown in the last minutes: look again")]
    NotSeen,
    /// The camera sends nothing.
    #[error("the camera sends no picture now")]
    NoPicture,
    /// The views.
    #[error(transparent)]
    Views(#[from] ViewError),
    /// The record.
    #[error("it could not be recorded: {0}")]
    Store(#[from] StoreError),
}

/// Does a view act of a person, or of the control socket (`by` is `None`).
///
/// # Errors
/// [`ViewActError`]; then the view is the old one.
pub async fn act(
    which: Camera,
    act: ViewAct,
    by: Option<Person>,
    board: &Board,
    store: &Store,
    trust: clock::Trust,
) -> Result<Option<AcceptedView>, ViewActError> {
    let wall = clock::wall(trust);
    let login = by.as_ref().map(|person| person.id.clone());
    match act {
        ViewAct::Accept { picture } => {
            let seen = board.seen(which, &picture, clock::mono()).ok_or(ViewActError::NotSeen)?;
            // As evidence too: the centre gets the picture that the record names.
            store.put_evidence(seen.jpeg.to_vec(), wall.trusted()).await?;
            note(which, "accepted", Some(picture), by, store, trust).await?;
            board.accept(which, &seen.jpeg, wall.utc_ms, login)?;
        }
        ViewAct::TakeBack => {
            if !board.has_previous(which) {
                return Err(ViewError::NoPrevious.into());
            }
            note(which, "back", None, by, store, trust).await?;
            board.take_back(which)?;
        }
    }
    let now = board.current_view(which);
    tracing::warn!(camera = ?which, view = ?now, "the commissioning view was changed");
    Ok(now)
}

async fn note(
    which: Camera,
    what: &str,
    picture: Option<String>,
    by: Option<Person>,
    store: &Store,
    trust: clock::Trust,
) -> Result<(), StoreError> {
    let body = Body::CameraView { camera: which.into(), what: what.to_owned(), picture, by };
    store.append(vec![raw_record(body, trust)]).await.map(drop)
}

/// The camera's newest frame.
///
/// # Errors
/// [`ViewActError::NoPicture`].
pub async fn look(which: Camera, board: &Board) -> Result<LookedAt, ViewActError> {
    board.look(which, clock::mono()).await.ok_or(ViewActError::NoPicture)
}

/// Keeps the picture of a condition as evidence, with its record.
pub async fn keep_condition(which: Camera, jpeg: Vec<u8>, board: &Board, store: &Store, trust: clock::Trust) {
    let now = clock::mono();
    let Some(condition) = board.picture_due(which, now) else { return };
    let kept = match store.put_evidence(jpeg, clock::wall(trust).trusted()).await {
        Ok(digest) => hex::encode(digest.0),
        Err(error) => return tracing::warn!(%error, "the picture of a camera's condition could not be kept"),
    };
    board.picture_kept(which, condition, kept.clone(), now);
    let state = super::devices::camera_state(condition).into();
    let body = Body::CameraCondition { camera: which.into(), state, picture: kept };
    if let Err(error) = store.append(vec![raw_record(body, trust)]).await {
        tracing::warn!(%error, "a camera's condition could not be recorded");
    }
}
