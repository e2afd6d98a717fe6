//! `borderlane-vision plates --label FOLDER`: a page on this machine where a person checks and corrects what the models propose for a
//! site's own photos; the answers stand in the folder's [`sheet`].
//!
//! ```text
//! browser ── 127.0.0.1, a port of its own, a token in the path ──▶ listener ─▶ a thread a connection (at most MAX_CONNECTIONS)
//!                                                                                   │ asks (bounded)
//!                                                     networks, photos, sheet: [`desk`], on the one thread that loaded them
//! ```
//! Nothing else listens, and nothing is sent anywhere. A request needs the token, the right `Host` (a foreign page that names this address by
//! another name has neither) and, where the browser says so, an `Origin` that is this page. Photos are asked for by number, never by name, so that
//! no request can leave the folder. Whoever closes the browser or ends the program loses nothing that was accepted.

mod desk;
mod http;
mod sheet;

use crate::eyes::Eyes;
use desk::Desk;
use http::{Answer, HttpError, Request, read_request, write_answer};
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;
use thiserror::Error;

pub use sheet::SheetError;

/// Connections at a time; a browser opens six.
const MAX_CONNECTIONS: usize = 16;
/// Requests that wait.
const MAX_ASKS: usize = 32;
const TOKEN_BYTES: usize = 16;
/// One read or write of a connection.
const SOCKET_TIMEOUT_MS: u64 = 2_000;
/// Most photos of a folder.
pub const MAX_PHOTOS: usize = 50_000;

/// Why nothing can be labelled.
#[derive(Debug, Error)]
pub enum LabelError {
    /// The folder.
    #[error("{folder}: {reason}")]
    Folder {
        /// As given.
        folder: PathBuf,
        /// Why.
        #[source]
        reason: std::io::Error,
    },
    /// The folder has nothing to label.
    #[error("{folder}: no photos in it (files that end in .jpg, .jpeg, .png, .bmp, .tif, .tiff or .webp)")]
    NoPhotos {
        /// As given.
        folder: PathBuf,
    },
    /// Over [`MAX_PHOTOS`].
    #[error("{folder}: more than {MAX_PHOTOS} photos; make it several folders")]
    TooManyPhotos {
        /// As given.
        folder: PathBuf,
    },
    /// Another one of this program labels the same folder.
    #[error("{folder}: another borderlane-vision labels this folder")]
    InUse {
        /// As given.
        folder: PathBuf,
    },
    /// What was said before.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// No page can be served.
    #[error("cannot serve the page: {0}")]
    Serve(#[source] std::io::Error),
    /// The person cannot be told.
    #[error("cannot write: {0}")]
    Tell(#[source] std::io::Error),
}

/// A request on its way to the desk, and where its answer is waited for.
struct Ask {
    request: Request,
    answer: SyncSender<Answer>,
}

/// Serves the page until the person ends it there. What cannot be read is told on `told`; true where that was nothing.
pub fn label(eyes: Eyes, folder: &Path, out: &mut impl Write, told: &mut impl Write) -> Result<bool, LabelError> {
    let mut desk = Desk::open(eyes, folder)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(LabelError::Serve)?;
    let address = listener.local_addr().map_err(LabelError::Serve)?.to_string();
    let mut token = [0; TOKEN_BYTES];
    getrandom::fill(&mut token).map_err(|error| LabelError::Serve(std::io::Error::other(error.to_string())))?;
    let token = hex::encode(token);
    let (send, asks) = sync_channel::<Ask>(MAX_ASKS);
    let door = Door { host: address.clone(), prefix: format!("/{token}/") };
    thread::Builder::new().name("page".into()).spawn(move || listen(&listener, &door, &send)).map_err(LabelError::Serve)?;
    let (done, all) = desk.progress();
    writeln!(out, "{done} of {all} photos are labelled in {}", folder.display())
        .and_then(|()| writeln!(out, "open in a browser on this machine: http://{address}/{token}/"))
        .and_then(|()| out.flush())
        .map_err(LabelError::Tell)?;
    while let Ok(ask) = asks.recv() {
        let answer = desk.answer(&ask.request, told);
        // a browser that went away needs no answer
        let _gone = ask.answer.send(answer);
        if desk.is_over() {
            break;
        }
    }
    // the last answer is on its way on a thread of its own
    thread::sleep(Duration::from_millis(200));
    let (done, all) = desk.progress();
    writeln!(out, "{done} of {all} photos are labelled in {}", folder.join(sheet::SHEET).display()).map_err(LabelError::Tell)?;
    Ok(desk.unreadable() == 0)
}

/// Who may come in.
struct Door {
    host: String,
    prefix: String,
}

impl Door {
    /// The request with the path that is left within; or the refusal.
    fn admit(&self, mut request: Request) -> Result<Request, Answer> {
        let own = format!("http://{}", self.host);
        if request.host != self.host || request.origin.as_ref().is_some_and(|origin| *origin != own) {
            return Err(Answer::words(403, "only from this machine's own page"));
        }
        match request.path.strip_prefix(&self.prefix) {
            Some(within) => {
                request.path = within.to_owned();
                Ok(request)
            }
            None => Err(Answer::words(404, "nothing here: use the address that borderlane-vision printed")),
        }
    }
}

fn listen(listener: &TcpListener, door: &Door, asks: &SyncSender<Ask>) {
    let open = Arc::new(AtomicUsize::new(0));
    thread::scope(|scope| {
        for mut stream in listener.incoming().flatten() {
            if open.load(SeqCst) >= MAX_CONNECTIONS {
                continue;
            }
            open.fetch_add(1, SeqCst);
            let held = Arc::clone(&open);
            let started = thread::Builder::new().spawn_scoped(scope, move || {
                // a connection that fails is the browser's to try again
                let _lost = serve(&mut stream, door, asks);
                held.fetch_sub(1, SeqCst);
            });
            if started.is_err() {
                open.fetch_sub(1, SeqCst);
            }
        }
    });
}

fn serve(stream: &mut TcpStream, door: &Door, asks: &SyncSender<Ask>) -> Result<(), HttpError> {
    let timeout = Some(Duration::from_millis(SOCKET_TIMEOUT_MS));
    stream.set_read_timeout(timeout)?;
    stream.set_write_timeout(timeout)?;
    let answer = match read_request(stream).map(|request| door.admit(request)) {
        Ok(Ok(request)) => {
            let (send, wait) = sync_channel(1);
            let asked = asks.send(Ask { request, answer: send }).ok().and_then(|()| wait.recv().ok());
            asked.unwrap_or_else(|| Answer::words(503, "the program has ended"))
        }
        Ok(Err(refusal)) => refusal,
        Err(error @ (HttpError::TooLarge | HttpError::NotHttp)) => Answer::words(400, error),
        Err(error) => return Err(error),
    };
    Ok(write_answer(stream, &answer)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(host: &str, origin: Option<&str>, path: &str) -> Request {
        Request { method: "GET".into(), path: path.into(), host: host.into(), origin: origin.map(str::to_owned), body: vec![] }
    }

    #[test]
    fn only_the_page_itself_gets_in() {
        let door = Door { host: "127.0.0.1:80".into(), prefix: "/secret/".into() };
        let status = |asked| door.admit(asked).map(|request| request.path).map_err(|answer| answer.status);
        assert_eq!(status(request("127.0.0.1:80", None, "/secret/photo/1")), Ok("photo/1".into()));
        assert_eq!(status(request("127.0.0.1:80", Some("http://127.0.0.1:80"), "/secret/")), Ok(String::new()));
        assert_eq!(status(request("evil.example:80", None, "/secret/photo/1")), Err(403));
        assert_eq!(status(request("127.0.0.1:80", Some("http://evil.example"), "/secret/photo/1")), Err(403));
        assert_eq!(status(request("127.0.0.1:80", None, "/photo/1")), Err(404));
        assert_eq!(status(request("127.0.0.1:80", None, "/secre")), Err(404));
    }
}
