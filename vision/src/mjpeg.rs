//! MJPEG over HTTP (`multipart/x-mixed-replace`), as cameras serve it: a small reader of our own, because every wait must end.
//!
//! One GET (HTTP/1.0, so that no server answers in chunks), then parts: a line `--boundary`, header lines, an empty line, the JPEG, with
//! or without a `Content-Length`. [`Parts`] is pure: bytes in, pictures out. Limits: [`MAX_HEAD_BYTES`], [`MAX_FRAME_BYTES`]; a wait for bytes
//! ends after `read_timeout_ms`, a picture that does not get complete after [`FRAME_TIMEOUT_MS`].

use crate::live::Credentials;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};
use thiserror::Error;

/// Largest head of an answer or a part in bytes.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Largest picture in bytes: it has to fit a message to the daemon.
pub const MAX_FRAME_BYTES: usize = 3 * 1024 * 1024 + 512 * 1024;
/// A picture not complete after this many milliseconds ends the connection.
pub const FRAME_TIMEOUT_MS: u64 = 10_000;
const CHUNK_BYTES: usize = 64 * 1024;

/// Why there are no (more) pictures from a camera.
#[derive(Debug, Error)]
pub enum MjpegError {
    /// Not an address that we can use.
    #[error("{url:?} is no address of a camera: {reason}")]
    Url {
        /// As given.
        url: String,
        /// Why.
        reason: &'static str,
    },
    /// Nobody answers.
    #[error("{host}: cannot connect: {reason}")]
    Connect {
        /// Host and port.
        host: String,
        /// The system's words.
        #[source]
        reason: std::io::Error,
    },
    /// The connection broke or was silent for too long.
    #[error("{host}: connection lost: {reason}")]
    Lost {
        /// Host and port.
        host: String,
        /// The system's words.
        #[source]
        reason: std::io::Error,
    },
    /// The camera ended the stream.
    #[error("{host}: the camera ended the stream")]
    Ended {
        /// Host and port.
        host: String,
    },
    /// Bytes come, pictures do not.
    #[error("{host}: no whole picture within {FRAME_TIMEOUT_MS} ms")]
    FrameTimeout {
        /// Host and port.
        host: String,
    },
    /// The answer is not a stream of JPEG pictures.
    #[error("{host}: {reason}")]
    Answer {
        /// Host and port.
        host: String,
        /// What is wrong with it.
        reason: StreamError,
    },
}

/// What is wrong with a stream.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum StreamError {
    /// A head without end.
    #[error("a head of more than {MAX_HEAD_BYTES} bytes")]
    HeadTooLong,
    /// Not HTTP, or not "200".
    #[error("answered {0:?}, not 200")]
    Status(String),
    /// Not multipart, or without a boundary.
    #[error("sends {0:?}, not multipart/x-mixed-replace with a boundary")]
    ContentType(String),
    /// Answers in chunks though asked not to.
    #[error("sends in chunks, which is not supported")]
    Chunked,
    /// A picture over its limit.
    #[error("a picture of more than {MAX_FRAME_BYTES} bytes")]
    FrameTooLong,
}

/// `http://host[:port]/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraUrl {
    host: String,
    port: u16,
    path: String,
    credentials: Option<Credentials>,
}

impl CameraUrl {
    /// Reads an address. Names and passwords in it are refused: they would show in process lists.
    pub fn parse(url: &str) -> Result<Self, MjpegError> {
        let wrong = |reason| MjpegError::Url { url: url.to_owned(), reason };
        let rest = url.strip_prefix("http://").ok_or_else(|| wrong("it must begin with http://"))?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err(wrong("a name or password in it is not supported"));
        }
        if url.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(wrong("it contains a space or control character"));
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| wrong("its port is not a number from 0 to 65535"))?),
            None => (authority, 80),
        };
        if host.is_empty() {
            return Err(wrong("it names no host"));
        }
        Ok(Self { host: host.to_owned(), port, path: format!("/{path}"), credentials: None })
    }

    /// With a name and a password, told to the camera as HTTP's basic authentication.
    #[must_use]
    pub fn with_credentials(self, credentials: Option<Credentials>) -> Self {
        Self { credentials, ..self }
    }

    fn authorization(&self) -> String {
        let known = self.credentials.as_ref().map(|known| STANDARD.encode(format!("{}:{}", known.user, known.password)));
        known.map_or_else(String::new, |known| format!("Authorization: Basic {known}\r\n"))
    }

    fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// A connection to a camera.
pub struct MjpegStream {
    stream: TcpStream,
    parts: Parts,
    host: String,
    chunk: Vec<u8>,
}

impl MjpegStream {
    /// Connects and asks; does not wait for the answer.
    pub fn open(url: &CameraUrl, connect_timeout_ms: u64, read_timeout_ms: u64) -> Result<Self, MjpegError> {
        let host = url.authority();
        let failed = |reason| MjpegError::Connect { host: host.clone(), reason };
        let mut last = std::io::Error::new(ErrorKind::NotFound, "the name has no address");
        for address in (url.host.trim_matches(['[', ']']), url.port).to_socket_addrs().map_err(failed)?.take(4) {
            match TcpStream::connect_timeout(&address, Duration::from_millis(connect_timeout_ms)) {
                Ok(mut stream) => {
                    stream.set_read_timeout(Some(Duration::from_millis(read_timeout_ms))).map_err(failed)?;
                    stream.set_write_timeout(Some(Duration::from_millis(read_timeout_ms))).map_err(failed)?;
                    let accept = "Accept: multipart/x-mixed-replace\r\n";
                    let request = format!("GET {} HTTP/1.0\r\nHost: {host}\r\n{accept}{}\r\n", url.path, url.authorization());
                    stream.write_all(request.as_bytes()).map_err(failed)?;
                    return Ok(Self { stream, parts: Parts::new(), host, chunk: vec![0; CHUNK_BYTES] });
                }
                Err(reason) => last = reason,
            }
        }
        Err(failed(last))
    }

    /// Waits for the next whole picture.
    pub fn next_frame(&mut self) -> Result<Vec<u8>, MjpegError> {
        let began = Instant::now();
        loop {
            let answer = |reason| MjpegError::Answer { host: self.host.clone(), reason };
            if let Some(jpeg) = self.parts.next_frame().map_err(answer)? {
                return Ok(jpeg);
            }
            if began.elapsed() > Duration::from_millis(FRAME_TIMEOUT_MS) {
                return Err(MjpegError::FrameTimeout { host: self.host.clone() });
            }
            match self.stream.read(&mut self.chunk) {
                Ok(0) => return Err(MjpegError::Ended { host: self.host.clone() }),
                Ok(length) => self.parts.push(&self.chunk[..length]),
                Err(reason) if reason.kind() == ErrorKind::Interrupted => {}
                Err(reason) => return Err(MjpegError::Lost { host: self.host.clone(), reason }),
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    Answer,
    PartHead,
    Sized(usize),
    Unsized { searched: usize },
}

/// Takes a stream of bytes apart into pictures.
#[derive(Debug)]
pub struct Parts {
    buffer: Vec<u8>,
    stage: Stage,
    // "--" and the boundary's name
    delimiter: Vec<u8>,
}

impl Default for Parts {
    fn default() -> Self {
        Self::new()
    }
}

impl Parts {
    /// Before the answer's first byte.
    pub fn new() -> Self {
        Self { buffer: Vec::new(), stage: Stage::Answer, delimiter: Vec::new() }
    }

    /// Takes what was read; take the pictures out before adding more.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole picture, if it is there. After an error the stream cannot be followed any more.
    pub fn next_frame(&mut self) -> Result<Option<Vec<u8>>, StreamError> {
        loop {
            match self.stage {
                Stage::Answer => {
                    let Some(head) = self.take_head()? else { return Ok(None) };
                    self.delimiter = boundary(&head)?;
                    self.stage = Stage::PartHead;
                }
                Stage::PartHead => {
                    let Some(head) = self.take_head()? else { return Ok(None) };
                    // an empty head is the line break between a picture and its boundary
                    if head.trim().is_empty() {
                        continue;
                    }
                    self.stage = match header(&head, "content-length").and_then(|value| value.parse().ok()) {
                        Some(length) if length > MAX_FRAME_BYTES => return Err(StreamError::FrameTooLong),
                        Some(length) => Stage::Sized(length),
                        None => Stage::Unsized { searched: 0 },
                    };
                }
                Stage::Sized(length) => {
                    if self.buffer.len() < length {
                        return Ok(None);
                    }
                    return Ok(Some(self.take(length)));
                }
                Stage::Unsized { searched } => {
                    let Some(found) = find(&self.buffer[searched..], &self.delimiter).map(|at| at + searched) else {
                        if self.buffer.len() > MAX_FRAME_BYTES {
                            return Err(StreamError::FrameTooLong);
                        }
                        self.stage = Stage::Unsized { searched: self.buffer.len().saturating_sub(self.delimiter.len()) };
                        return Ok(None);
                    };
                    let mut jpeg = self.take(found);
                    let line_break = jpeg.iter().rev().take_while(|byte| matches!(byte, b'\r' | b'\n')).count().min(2);
                    jpeg.truncate(jpeg.len() - line_break);
                    return Ok(Some(jpeg));
                }
            }
        }
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        self.stage = Stage::PartHead;
        let rest = self.buffer.split_off(length);
        std::mem::replace(&mut self.buffer, rest)
    }

    /// Everything up to the first empty line.
    fn take_head(&mut self) -> Result<Option<String>, StreamError> {
        let ends = [find(&self.buffer, b"\r\n\r\n").map(|at| at + 4), find(&self.buffer, b"\n\n").map(|at| at + 2)];
        let Some(end) = ends.into_iter().flatten().min() else {
            return if self.buffer.len() > MAX_HEAD_BYTES { Err(StreamError::HeadTooLong) } else { Ok(None) };
        };
        if end > MAX_HEAD_BYTES {
            return Err(StreamError::HeadTooLong);
        }
        let head: Vec<u8> = self.buffer.drain(..end).collect();
        Ok(Some(String::from_utf8_lossy(&head).into_owned()))
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

fn boundary(head: &str) -> Result<Vec<u8>, StreamError> {
    let shown = |text: &str| text.chars().take(80).collect::<String>();
    let status = head.lines().next().unwrap_or_default();
    if !status.starts_with("HTTP/1.") || status.split_whitespace().nth(1) != Some("200") {
        return Err(StreamError::Status(shown(status)));
    }
    if header(head, "transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        return Err(StreamError::Chunked);
    }
    let content_type = header(head, "content-type").unwrap_or_default();
    let wrong = || StreamError::ContentType(shown(content_type));
    if !content_type.to_ascii_lowercase().starts_with("multipart/") {
        return Err(wrong());
    }
    let name =
        content_type.split(';').filter_map(|part| part.trim().split_once('=')).find(|(key, _)| key.trim().eq_ignore_ascii_case("boundary"));
    let name = name.map(|(_, value)| value.trim().trim_matches('"').trim_start_matches("--")).filter(|name| !name.is_empty());
    Ok([b"--", name.ok_or_else(wrong)?.as_bytes()].concat())
}

fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n";

    fn frames(stream: &[u8], chunk: usize) -> Vec<Vec<u8>> {
        let mut parts = Parts::new();
        let mut got = Vec::new();
        for bytes in stream.chunks(chunk) {
            parts.push(bytes);
            while let Some(frame) = parts.next_frame().unwrap() {
                got.push(frame);
            }
        }
        got
    }

    #[test]
    fn pictures_with_and_without_a_length_are_found_whatever_the_chunks() {
        let sized = format!(
            "{ANSWER}--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 7\r\n\r\nab\r\n\r\ne\r\n--frame\r\nContent-length:2\r\n\r\nxy\r\n--frame--\r\n"
        );
        let unsized_ = format!(
            "{ANSWER}\r\n--frame\r\nContent-Type: image/jpeg\r\n\r\nab\r\n\r\ne\r\n--frame\r\nX: y\r\n\r\nxy\r\n--frame\r\nX: y\r\n\r\n"
        );
        for stream in [sized, unsized_] {
            for chunk in [1, 2, 3, 7, 10_000] {
                assert_eq!(frames(stream.as_bytes(), chunk), [b"ab\r\n\r\ne".to_vec(), b"xy".to_vec()], "chunks of {chunk}");
            }
        }
    }

    #[test]
    fn a_boundary_may_be_quoted_or_carry_its_dashes() {
        for text in ["boundary=\"frame\"", "boundary=--frame", "charset=x; Boundary=frame"] {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: multipart/x-mixed-replace;{text}\r\n\r\n");
            assert_eq!(boundary(&head).unwrap(), b"--frame");
        }
    }

    #[test]
    fn what_is_no_stream_of_pictures_is_told() {
        let error = |head: &str| boundary(head).unwrap_err();
        assert_eq!(error("HTTP/1.1 401 Unauthorized\r\n\r\n"), StreamError::Status("HTTP/1.1 401 Unauthorized".into()));
        assert_eq!(error("SSH-2.0-x\r\n\r\n"), StreamError::Status("SSH-2.0-x".into()));
        assert_eq!(error("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"), StreamError::ContentType("text/html".into()));
        assert_eq!(error("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), StreamError::Chunked);
    }

    #[test]
    fn heads_and_pictures_are_bounded() {
        let mut parts = Parts::new();
        parts.push(&vec![b'a'; MAX_HEAD_BYTES + 1]);
        assert_eq!(parts.next_frame(), Err(StreamError::HeadTooLong));
        let mut parts = Parts::new();
        parts.push(format!("{ANSWER}--frame\r\nContent-Length: {}\r\n\r\n", MAX_FRAME_BYTES + 1).as_bytes());
        assert_eq!(parts.next_frame(), Err(StreamError::FrameTooLong));
        let mut parts = Parts::new();
        parts.push(format!("{ANSWER}--frame\r\nA: b\r\n\r\n").as_bytes());
        assert_eq!(parts.next_frame(), Ok(None));
        parts.push(&vec![0; MAX_FRAME_BYTES + 1]);
        assert_eq!(parts.next_frame(), Err(StreamError::FrameTooLong));
    }

    #[test]
    fn addresses_are_checked() {
        let url = CameraUrl::parse("http://10.0.0.5:8080/mjpg/video.mjpg?fps=10").unwrap();
        assert_eq!((url.host.as_str(), url.port, url.path.as_str()), ("10.0.0.5", 8080, "/mjpg/video.mjpg?fps=10"));
        assert_eq!(CameraUrl::parse("http://cam").unwrap().path, "/");
        for bad in ["rtsp://cam/", "http://", "http://u:p@cam/", "http://cam:99999/", "http://cam/a b", "http://cam/\r\nX: y"] {
            assert!(matches!(CameraUrl::parse(bad), Err(MjpegError::Url { .. })), "{bad}");
        }
    }
}
