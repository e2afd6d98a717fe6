//! As much of HTTP/1.1 (RFC 9112) as one page on this machine needs: a request of bounded size, an answer, the end of the connection.

use std::io::{Read, Write};
use std::time::{Duration, Instant};
use thiserror::Error;

/// Longest request line and headers.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Longest body.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// A request has come whole within this, or it is dropped.
pub const REQUEST_TIMEOUT_MS: u64 = 5_000;

/// Why a connection brought no request.
#[derive(Debug, Error)]
pub enum HttpError {
    /// It ended, or failed.
    #[error("the connection ended: {0}")]
    Connection(#[from] std::io::Error),
    /// It took too long.
    #[error("no whole request within {REQUEST_TIMEOUT_MS} ms")]
    Slow,
    /// Over one of the limits.
    #[error("a request over its limit")]
    TooLarge,
    /// Not HTTP.
    #[error("not an HTTP request")]
    NotHttp,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// GET or POST, as sent.
    pub method: String,
    /// With its leading slash, without a query.
    pub path: String,
    /// Of the header `Host`.
    pub host: String,
    /// Of the header `Origin`, where there is one.
    pub origin: Option<String>,
    /// What was sent along.
    pub body: Vec<u8>,
}

/// What is answered.
#[derive(Debug)]
pub struct Answer {
    /// 200, 400, ...
    pub status: u16,
    /// Its media type.
    pub kind: &'static str,
    /// What is sent.
    pub body: Vec<u8>,
}

impl Answer {
    /// Words for people.
    pub fn words(status: u16, words: impl ToString) -> Self {
        Self { status, kind: "text/plain; charset=utf-8", body: words.to_string().into_bytes() }
    }

    /// An object for the page.
    pub fn json(value: &impl serde::Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self { status: 200, kind: "application/json", body },
            Err(error) => Self::words(500, error),
        }
    }
}

/// Reads one request.
pub fn read_request(stream: &mut impl Read) -> Result<Request, HttpError> {
    let until = Instant::now() + Duration::from_millis(REQUEST_TIMEOUT_MS);
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(head_end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let (mut request, length) = head(&bytes[..head_end])?;
            if length > MAX_BODY_BYTES {
                return Err(HttpError::TooLarge);
            }
            if bytes.len() >= head_end + 4 + length {
                request.body = bytes[head_end + 4..head_end + 4 + length].to_vec();
                return Ok(request);
            }
        } else if bytes.len() > MAX_HEAD_BYTES {
            return Err(HttpError::TooLarge);
        }
        if Instant::now() > until {
            return Err(HttpError::Slow);
        }
        let length = stream.read(&mut chunk)?;
        if length == 0 {
            return Err(HttpError::NotHttp);
        }
        bytes.extend_from_slice(&chunk[..length]);
    }
}

/// The request without its body, and the body's length.
fn head(bytes: &[u8]) -> Result<(Request, usize), HttpError> {
    let text = std::str::from_utf8(bytes).map_err(|_| HttpError::NotHttp)?;
    let mut lines = text.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None) = (first.next(), first.next(), first.next(), first.next()) else {
        return Err(HttpError::NotHttp);
    };
    let path = target.split('?').next().unwrap_or_default().to_owned();
    let mut request = Request { method: method.to_owned(), path, host: String::new(), origin: None, body: Vec::new() };
    let mut length = 0;
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(HttpError::NotHttp)?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "host" => request.host = value.to_owned(),
            "origin" => request.origin = Some(value.to_owned()),
            "content-length" => length = value.parse().map_err(|_| HttpError::NotHttp)?,
            "transfer-encoding" => return Err(HttpError::NotHttp),
            _ => {}
        }
    }
    Ok((request, length))
}

/// Writes an answer; the page may load nothing but what comes from here.
pub fn write_answer(stream: &mut impl Write, answer: &Answer) -> std::io::Result<()> {
    let reason = match answer.status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        _ => "Error",
    };
    write!(
        stream,
        "HTTP/1.1 {} {reason}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\nCache-Control: no-store\r\n\
         Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\
         X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\r\n",
        answer.status,
        answer.kind,
        answer.body.len()
    )?;
    stream.write_all(&answer.body)?;
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Request, HttpError> {
        read_request(&mut &bytes[..])
    }

    #[test]
    fn a_request_is_taken_apart() {
        let asked =
            read(b"POST /t/photo/1?x HTTP/1.1\r\nHost: 127.0.0.1:9\r\norigin: http://127.0.0.1:9\r\nContent-Length: 2\r\n\r\n{}more")
                .unwrap();
        assert_eq!((asked.method.as_str(), asked.path.as_str(), asked.body.as_slice()), ("POST", "/t/photo/1", b"{}".as_slice()));
        assert_eq!((asked.host.as_str(), asked.origin.as_deref()), ("127.0.0.1:9", Some("http://127.0.0.1:9")));
    }

    #[test]
    fn what_is_too_long_or_no_request_is_refused() {
        assert!(matches!(read(&[b'a'; MAX_HEAD_BYTES + 5]), Err(HttpError::TooLarge)));
        assert!(matches!(read(b"POST / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n"), Err(HttpError::TooLarge)));
        for bad in [
            "GET /\r\n\r\n",
            "GET / HTTP/1.1 x\r\n\r\n",
            "GET / HTTP/1.1\r\nno colon\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        ] {
            assert!(matches!(read(bad.as_bytes()), Err(HttpError::NotHttp)), "{bad:?}");
        }
        assert!(matches!(read(b"GET / HTTP/1.1\r\n"), Err(HttpError::NotHttp)), "it ended before its head did");
    }
}
