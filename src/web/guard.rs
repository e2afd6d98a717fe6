//! What every request must be before anything looks at it, and what every answer carries.
//!
//! - `Host` is a loopback name: a page of another name that resolves to us (DNS rebinding) gets nothing.
//! - A POST that a browser sends names its origin: it must be ours. It must be JSON, which no plain form can send.
//! - Stop is spared the content type, but not the origin: it needs no body, and works while the daemon stops.

use super::Shared;
use super::error::{Refusal, Word};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header};
use axum::middleware::Next;
use axum::response::IntoResponse;
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// The longest body.
pub const MAX_BODY_BYTES: usize = 16 * 1024;
/// A body must arrive within this.
pub const BODY_TIMEOUT_MS: u64 = 5_000;
/// No handler takes longer (streams begin within it).
const HANDLER_TIMEOUT_MS: u64 = 15_000;
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response<Body> {
    let stop = request.uri().path() == "/api/stop";
    let allowed = check(request.method(), request.headers(), stop);
    let mut response = match allowed {
        Err(refusal) => refusal.into_response(),
        Ok(()) if shared.stopping.is_cancelled() && !stop => Refusal::Stopping.into_response(),
        Ok(()) => match tokio::time::timeout(Duration::from_millis(HANDLER_TIMEOUT_MS), next.run(request)).await {
            Ok(response) => response,
            Err(_) => Refusal::NoAnswer.into_response(),
        },
    };
    if let Some(Word(word)) = response.extensions().get() {
        shared.metrics.refused(word);
    }
    dress(response.headers_mut());
    response
}

fn check(method: &Method, headers: &HeaderMap, stop: bool) -> Result<(), Refusal> {
    let host = only(headers, &header::HOST).ok_or(Refusal::BadHost)?;
    if !is_loopback(host) {
        return Err(Refusal::BadHost);
    }
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    if headers.contains_key(header::ORIGIN) {
        let ours =
            only(headers, &header::ORIGIN).and_then(|origin| origin.strip_prefix("http://")).is_some_and(|o| o.eq_ignore_ascii_case(host));
        if !ours {
            return Err(Refusal::CrossOrigin);
        }
    }
    let json = || {
        let kind = only(headers, &header::CONTENT_TYPE)?.split(';').next()?.trim();
        Some(kind.eq_ignore_ascii_case("application/json"))
    };
    if stop || json() == Some(true) { Ok(()) } else { Err(Refusal::NotJson) }
}

fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

/// `localhost`, `127.0.0.1`, `[::1]`, with or without a port.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => {
            if port.parse::<u16>().is_err() {
                return false;
            }
            name
        }
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost") || matches!(name, "127.0.0.1" | "[::1]")
}

fn dress(headers: &mut HeaderMap) {
    let always = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // What may be kept says so itself.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Reads a JSON body within its bounds.
pub(super) async fn read_json<T: DeserializeOwned>(body: Body) -> Result<T, Refusal> {
    let read = tokio::time::timeout(Duration::from_millis(BODY_TIMEOUT_MS), read_bytes(body));
    let bytes = read.await.map_err(|_| Refusal::TooSlow)??;
    serde_json::from_slice(&bytes).map_err(|error| Refusal::BadJson(error.to_string()))
}

async fn read_bytes(body: Body) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let mut parts = body.into_data_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| Refusal::TooSlow)?;
        if bytes.len() + part.len() > MAX_BODY_BYTES {
            return Err(Refusal::TooLarge { max_body_bytes: MAX_BODY_BYTES });
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_hosts() {
        for good in ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:8080"] {
            assert!(is_loopback(good), "{good}");
        }
        for bad in ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "localhost:x", "::1", "[::1]evil", "0.0.0.0"]
        {
            assert!(!is_loopback(bad), "{bad}");
        }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_post_is_json_and_of_our_origin() {
        let post = |pairs: &[_], stop| check(&Method::POST, &headers(pairs), stop);
        let host = ("host", "localhost:8080");
        let json = ("content-type", "application/json; charset=utf-8");
        assert_eq!(post(&[host, json], false), Ok(()));
        assert_eq!(post(&[host, json, ("origin", "http://localhost:8080")], false), Ok(()));
        for origin in ["http://evil.example", "null", "https://localhost:8080", "http://localhost:8081", "http://localhost:8080.evil"] {
            assert_eq!(post(&[host, json, ("origin", origin)], false), Err(Refusal::CrossOrigin), "{origin}");
            assert_eq!(post(&[host, ("origin", origin)], true), Err(Refusal::CrossOrigin), "stop from {origin}");
        }
        assert_eq!(post(&[host, ("content-type", "text/plain")], false), Err(Refusal::NotJson));
        assert_eq!(post(&[host], false), Err(Refusal::NotJson));
        assert_eq!(post(&[host], true), Ok(()));
        assert_eq!(post(&[json], true), Err(Refusal::BadHost));
    }
}
