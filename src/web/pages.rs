//! The screens themselves, embedded from `ui/dist`. A debug build reads that folder when asked; a release build carries it.

use super::error::Refusal;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

#[derive(rust_embed::RustEmbed)]
#[folder = "ui/dist"]
#[allow_missing = true]
struct Screens;

/// Shown where the screens were not built.
const FALLBACK: &str = include_str!("fallback.html");

pub(super) async fn page(uri: Uri, headers: HeaderMap) -> Result<Response, Refusal> {
    let path = match uri.path() {
        "/" => "index.html",
        "/driver" => "driver.html",
        path => path.trim_start_matches('/'),
    };
    if path.starts_with("api/") {
        return Err(Refusal::NotFound);
    }
    let Some(file) = Screens::get(path) else {
        return if matches!(path, "index.html" | "driver.html") { Ok(fallback()) } else { Err(Refusal::NotFound) };
    };
    let tag = format!("\"{}\"", hex::encode(file.metadata.sha256_hash()));
    // Names below /assets/ carry a digest of their own; everything else is asked for again each time.
    let keep = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let own = [(header::CONTENT_TYPE, mime(path).to_owned()), (header::CACHE_CONTROL, keep.to_owned()), (header::ETAG, tag.clone())];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, own).into_response());
    }
    Ok((own, file.data.into_owned()).into_response())
}

fn fallback() -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], FALLBACK).into_response()
}

fn mime(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, end)| end) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("mp3") => "audio/mpeg",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
