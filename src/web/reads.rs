//! What can be asked without a login: pictures, the last passages, health, metrics.

use super::Shared;
use super::error::Refusal;
use super::seams::{PassageRow, WebRequest};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use lane_core::ids::Digest;
use lane_link::words::{Fault, Mode, Phase};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A lane loop whose last turn is older stands still.
pub const TURN_STALLED_MS: u64 = 2_000;
/// Passages in one list.
pub const PASSAGES_MAX: usize = 100;
const PASSAGES_DEFAULT: usize = 20;

pub(super) async fn evidence(State(shared): State<Arc<Shared>>, Path(digest): Path<String>) -> Result<Response, Refusal> {
    let digest = parse_digest(&digest).ok_or(Refusal::NotFound)?;
    let bytes = shared.ask(|answer| WebRequest::Evidence { digest, answer }).await?.ok_or(Refusal::NotFound)?;
    let kind = picture_kind(&bytes).ok_or(Refusal::NotFound)?;
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "private, max-age=3600, immutable")];
    Ok((headers, bytes).into_response())
}

fn parse_digest(text: &str) -> Option<Digest> {
    if text.len() != 64 || text.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(Digest(bytes))
}

fn picture_kind(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        return Some("image/jpeg");
    }
    bytes.starts_with(b"\x89PNG\r\n\x1a\n").then_some("image/png")
}

#[derive(Deserialize)]
pub(super) struct PassagesQuery {
    limit: Option<usize>,
}

#[derive(Serialize)]
pub(super) struct PassagesBody {
    passages: Vec<PassageRow>,
}

pub(super) async fn passages(
    State(shared): State<Arc<Shared>>,
    query: Result<Query<PassagesQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<PassagesBody>, Refusal> {
    let limit = query.map(|Query(query)| query.limit.unwrap_or(PASSAGES_DEFAULT)).unwrap_or(0);
    if !(1..=PASSAGES_MAX).contains(&limit) {
        return Err(Refusal::BadJson(format!("limit: 1 to {PASSAGES_MAX}")));
    }
    let mut passages = shared.ask(|answer| WebRequest::Passages { limit, answer }).await?;
    passages.truncate(limit);
    Ok(Json(PassagesBody { passages }))
}

#[derive(Serialize)]
struct HealthBody {
    ok: bool,
    lane_turn_age_ms: u64,
    store_ok: bool,
    link_up: bool,
    phase: Phase,
    mode: Mode,
    faults: Vec<Fault>,
}

/// Asks nobody: it tells what is there, also when everything stands still.
pub(super) async fn health(State(shared): State<Arc<Shared>>) -> Response {
    let lane_turn_age_ms = (shared.clocks.mono)().since(shared.turns.borrow().at);
    let frame = shared.frames.borrow().clone();
    let body = HealthBody {
        ok: lane_turn_age_ms < TURN_STALLED_MS && frame.view.store_ok,
        lane_turn_age_ms,
        store_ok: frame.view.store_ok,
        link_up: frame.view.link_up,
        phase: frame.view.phase,
        mode: frame.view.mode,
        faults: frame.view.faults.iter().map(|f| f.fault).collect(),
    };
    let status = if body.ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}

pub(super) async fn metrics(State(shared): State<Arc<Shared>>) -> Result<Response, Refusal> {
    let text = shared.ask(|answer| WebRequest::Metrics { answer }).await?;
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response())
}
