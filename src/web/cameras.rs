//! How the cameras look now, how they looked when they were accepted, and a supervisor's word on it. Pictures need no login, as evidence needs none.

use super::Shared;
use super::error::Refusal;
use super::guard::read_json;
use super::login::person;
use super::seams::WebRequest;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use lane_core::input::Camera;
use lane_core::officer::Role;
use lane_link::view_api::{ViewAct, ViewAnswer};
use std::sync::Arc;

fn camera(name: &str) -> Result<Camera, Refusal> {
    match name {
        "front" => Ok(Camera::Front),
        "rear" => Ok(Camera::Rear),
        _ => Err(Refusal::NotFound),
    }
}

/// The digest is the `ETag`: what a person accepts is what was shown.
fn picture((digest, jpeg): (String, Vec<u8>)) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "image/jpeg".to_owned()),
        (header::ETAG, format!("\"{digest}\"")),
        (header::CACHE_CONTROL, "no-store".into()),
    ];
    (headers, jpeg).into_response()
}

pub(super) async fn now(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Result<Response, Refusal> {
    let camera = camera(&name)?;
    let found = shared.ask(|answer| WebRequest::CameraNow { camera, answer }).await?;
    found.map(picture).ok_or(Refusal::NotFound)
}

pub(super) async fn view(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Result<Response, Refusal> {
    let camera = camera(&name)?;
    let found = shared.ask(|answer| WebRequest::CameraView { camera, answer }).await?;
    found.map(picture).ok_or(Refusal::NotFound)
}

pub(super) async fn set_view(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ViewAnswer>, Refusal> {
    let camera = camera(&name)?;
    let act: ViewAct = read_json(body).await?;
    let by = person(&shared, &headers).await?;
    if by.role != Role::Supervisor {
        return Err(Refusal::NotAllowed);
    }
    let done = shared.ask(|answer| WebRequest::SetCameraView { camera, act, by, answer }).await?;
    done.map(Json).ok_or(Refusal::LookAgain)
}
