//! The lane's control socket, for `borderlane officer` and `borderlane declarations import` while the daemon runs: the store has one writer, so who
//! wants something written asks the daemon.
//!
//! ```text
//! state_dir/control.sock, mode 0600, the daemon's user and root only; one request a connection
//! ──▶ {"do":"officers"}\n      {"do":"put_officer","officer":{...}}\n      {"do":"unlock","id":"..."}\n      {"do":"health"}\n
//!     {"do":"camera","camera":"front"}\n      {"do":"camera_view","camera":"front","act":{"do":"accept","picture":"..."}}\n
//!     {"do":"import","bytes":N}\n and N bytes of a bundle
//! ◀── {"ok":...}\n  or  {"error":"a sentence"}\n
//! ```

use super::Joints;
use super::cameras;
use super::health;
use crate::clock;
use crate::officer::lockout::Lockout;
use crate::store::{OfficerRow, Store};
use crate::sync::import::{Imported, Trusted, import};
use crate::sync::ports::{SyncInput, SyncRequest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use lane_core::input::Input;
use lane_link::view_api::{CameraSight, ViewAct};
use lane_link::words;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};

/// Its name in the state folder.
pub const SOCKET: &str = "control.sock";
/// Bytes of a request's line.
const LINE_MAX_BYTES: u64 = 64 * 1024;
/// Bytes of a bundle that is handed over: opened it takes about eight times as much, and the service may use 512 MiB. A larger one is imported while
/// the daemon is stopped.
pub const BUNDLE_MAX_BYTES: u64 = 24 << 20;
/// Bytes of an answer.
const ANSWER_MAX_BYTES: u64 = 16 << 20;
/// Connections at once.
const CONNECTIONS_MAX: usize = 4;
/// A request that does not come whole within this is dropped.
const REQUEST_TIMEOUT_MS: u64 = 60_000;
/// An answer that does not come within this is given up.
const ANSWER_TIMEOUT_MS: u64 = 120_000;

/// What may be asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do", deny_unknown_fields)]
pub enum Ask {
    /// All accounts with their lockouts.
    Officers,
    /// Write an account.
    PutOfficer {
        /// It.
        officer: OfficerRow,
    },
    /// Forget an account's wrong PINs.
    Unlock {
        /// The login.
        id: String,
    },
    /// Import a bundle.
    Import {
        /// So many bytes follow the line.
        bytes: u64,
    },
    /// The lane's health.
    Health,
    /// A camera's newest frame, and its commissioning view.
    Camera {
        /// Which.
        camera: words::Camera,
    },
    /// Accept a camera's view, or take the one before back.
    CameraView {
        /// Which.
        camera: words::Camera,
        /// What.
        act: ViewAct,
    },
}

/// The answer to [`Ask::Camera`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CameraNow {
    /// What the lane says of it.
    pub state: words::CameraState,
    /// Its newest frame, a JPEG file in base64; `None`: it sends none.
    pub jpeg: Option<String>,
    /// That frame's SHA-256.
    pub picture: Option<String>,
    /// Beside the state.
    pub sight: CameraSight,
}

/// What the import needs.
#[derive(Clone)]
pub struct Importer {
    /// What a file is believed by.
    pub trusted: Trusted,
    /// The store's side of the link.
    pub requests: mpsc::Sender<SyncRequest>,
    /// The link.
    pub inputs: mpsc::Sender<SyncInput>,
}

/// The socket's path.
#[must_use]
pub fn path(state_dir: &Path) -> PathBuf {
    state_dir.join(SOCKET)
}

/// Serves the socket for ever. Without it the lane works, and says so.
pub(super) async fn serve(state_dir: PathBuf, joints: Joints, importer: Option<Importer>) {
    let path = path(&state_dir);
    // The store's lock is held: nobody else serves here, and what lies there is of a daemon that died.
    let _ = std::fs::remove_file(&path);
    let bound = UnixListener::bind(&path).and_then(|listener| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    });
    let listener = match bound {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(path = %path.display(), %error, "no control socket: accounts and imports have to wait until the daemon is stopped");
            return std::future::pending().await;
        }
    };
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let shared = Arc::new((joints, importer));
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let shared = shared.clone();
                tokio::spawn(async move {
                    let _slot = slot;
                    if let Err(error) = connection(stream, &shared.0, shared.1.as_ref()).await {
                        tracing::warn!(%error, "a request at the control socket failed");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the control socket takes no connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(stream: UnixStream, joints: &Joints, importer: Option<&Importer>) -> std::io::Result<()> {
    let who = stream.peer_cred()?.uid();
    if who != 0 && who != rustix::process::geteuid().as_raw() {
        return Err(std::io::Error::other(format!("user {who} may not ask")));
    }
    let (read, mut write) = stream.into_split();
    let mut read = tokio::io::BufReader::new(read);
    let whole = tokio::time::timeout(Duration::from_millis(REQUEST_TIMEOUT_MS), request(&mut read)).await;
    let answered = match whole {
        Ok(Ok((ask, bytes))) => perform(ask, bytes, joints, importer).await,
        Ok(Err(error)) => Err(error),
        Err(_) => Err("the request did not come whole".to_owned()),
    };
    let line = match answered {
        Ok(value) => json!({ "ok": value }),
        Err(error) => json!({ "error": error }),
    };
    write.write_all(format!("{line}\n").as_bytes()).await?;
    write.shutdown().await
}

async fn request(read: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> Result<(Ask, Vec<u8>), String> {
    let mut line = String::new();
    read.take(LINE_MAX_BYTES).read_line(&mut line).await.map_err(|error| error.to_string())?;
    let ask: Ask = serde_json::from_str(&line).map_err(|error| format!("no request: {error}"))?;
    let mut bytes = Vec::new();
    if let Ask::Import { bytes: length } = ask {
        if length > BUNDLE_MAX_BYTES {
            return Err(format!("a bundle of {length} bytes, more than {BUNDLE_MAX_BYTES}"));
        }
        read.take(length).read_to_end(&mut bytes).await.map_err(|error| error.to_string())?;
        if bytes.len() as u64 != length {
            return Err("the bundle did not come whole".to_owned());
        }
    }
    Ok((ask, bytes))
}

async fn perform(ask: Ask, bytes: Vec<u8>, joints: &Joints, importer: Option<&Importer>) -> Result<Value, String> {
    let store = &joints.store;
    match ask {
        Ask::Officers => serde_json::to_value(store.officers().await.map_err(|e| e.to_string())?).map_err(|e| e.to_string()),
        Ask::PutOfficer { officer } => {
            let account = super::accounts::account(officer.clone()).ok_or("the account's role is not known")?;
            account.check().map_err(|e| e.to_string())?;
            tracing::warn!(officer = %officer.id, "an account was written at the control socket");
            super::accounts::put(store, officer, joints.trust).await.map(|()| Value::Null).map_err(|e| e.to_string())
        }
        Ask::Unlock { id } => super::accounts::unlock(store, id, joints.trust).await.map(|()| Value::Null).map_err(|e| e.to_string()),
        Ask::Health => {
            let health = health::of(&joints.view.borrow().clone(), &joints.board, &store.metrics(), clock::wall(joints.trust));
            serde_json::to_value(health).map_err(|e| e.to_string())
        }
        Ask::Camera { camera } => serde_json::to_value(camera_now(camera.into(), joints).await).map_err(|e| e.to_string()),
        Ask::CameraView { camera, act } => {
            let now = cameras::act(camera.into(), act, None, &joints.board, store, joints.trust).await.map_err(|e| e.to_string())?;
            serde_json::to_value(now).map_err(|e| e.to_string())
        }
        Ask::Import { .. } => {
            let importer = importer.ok_or("the settings name no centre: there is no root key to believe a bundle by")?;
            let done = import(&bytes, &importer.trusted, clock::wall(joints.trust).trusted(), &importer.requests).await;
            let done = done.map_err(|error| error.to_string())?;
            if let Some(keys) = &done.keys {
                let _ = importer.inputs.send(SyncInput::KeyList(keys.clone())).await;
            }
            let _ = importer.inputs.send(SyncInput::CopiesChanged).await;
            joints.standing.notify_one();
            joints.inbox.give(Input::KnowledgeChanged).await;
            Ok(Value::String(sentence(&done)))
        }
    }
}

async fn camera_now(which: lane_core::input::Camera, joints: &Joints) -> CameraNow {
    let look = cameras::look(which, &joints.board).await.ok();
    let [front, rear] = joints.board.sights(clock::mono());
    CameraNow {
        state: joints.view.borrow().cameras[which as usize].into(),
        jpeg: look.as_ref().map(|look| BASE64.encode(&*look.jpeg)),
        picture: look.map(|look| look.digest),
        sight: if which == lane_core::input::Camera::Front { front } else { rear },
    }
}

/// What an import did, for the person who asked.
#[must_use]
pub fn sentence(done: &Imported) -> String {
    let at =
        done.head_utc_ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).map_or_else(|| "unknown time".into(), |t| t.to_string());
    let (name, epoch, revision) = (done.collection.word(), done.place.epoch, done.place.revision);
    match done.rows {
        Some(rows) => format!("{name}: {rows} rows at revision {epoch}.{revision}, as of {at}"),
        None => format!("{name}: revision {epoch}.{revision} was there already, and is still so as of {at}"),
    }
}

/// Asks a running daemon; blocks.
///
/// # Errors
/// A sentence: nobody answers, or what the daemon refused.
pub fn ask(state_dir: &Path, ask: &Ask, bytes: &[u8]) -> Result<Value, String> {
    let path = path(state_dir);
    let wrong = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut stream = std::os::unix::net::UnixStream::connect(&path).map_err(wrong)?;
    let patience = Some(Duration::from_millis(ANSWER_TIMEOUT_MS));
    stream.set_read_timeout(patience).and_then(|()| stream.set_write_timeout(patience)).map_err(wrong)?;
    let line = serde_json::to_string(ask).map_err(|error| error.to_string())?;
    stream.write_all(line.as_bytes()).and_then(|()| stream.write_all(b"\n")).and_then(|()| stream.write_all(bytes)).map_err(wrong)?;
    let mut answer = String::new();
    BufReader::new(stream.take(ANSWER_MAX_BYTES)).read_line(&mut answer).map_err(wrong)?;
    let mut answer: Value = serde_json::from_str(&answer).map_err(|error| format!("the daemon's answer: {error}"))?;
    match answer.get("error").and_then(Value::as_str) {
        Some(error) => Err(error.to_owned()),
        None => Ok(answer.get_mut("ok").map(Value::take).unwrap_or_default()),
    }
}

/// All accounts of a running daemon.
///
/// # Errors
/// As [`ask`].
pub fn officers(state_dir: &Path) -> Result<Vec<(OfficerRow, Lockout)>, String> {
    serde_json::from_value(ask(state_dir, &Ask::Officers, &[])?).map_err(|error| error.to_string())
}

/// Imports a bundle into a store that no daemon uses.
///
/// # Errors
/// A sentence.
pub async fn import_into(store: &Store, bytes: &[u8], trusted: &Trusted, utc_ms: Option<i64>) -> Result<Imported, String> {
    let (requests, taken) = mpsc::channel(crate::sync::ports::REQUESTS_MAX);
    let serving = tokio::spawn(super::centre::requests(taken, store.clone()));
    let done = import(bytes, trusted, utc_ms, &requests).await.map_err(|error| error.to_string());
    drop(requests);
    // The last request has no answer: it is done when the serving ends.
    let _ = serving.await;
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn asked(bytes: &[u8]) -> Result<(Ask, Vec<u8>), String> {
        let mut read = tokio::io::BufReader::new(bytes);
        request(&mut read).await
    }

    #[tokio::test]
    async fn what_is_no_whole_request_is_refused_with_a_sentence() {
        assert!(matches!(asked(b"{\"do\":\"officers\"}\n").await, Ok((Ask::Officers, _))));
        let (ask, bytes) = asked(b"{\"do\":\"import\",\"bytes\":3}\nabcdef").await.unwrap();
        assert!(matches!(ask, Ask::Import { bytes: 3 }));
        assert_eq!(bytes, b"abc");
        for (bad, says) in [
            (&b""[..], "no request"),
            (b"open the boom\n", "no request"),
            (b"{\"do\":\"open\"}\n", "no request"),
            (b"{\"do\":\"unlock\",\"id\":\"a\",\"boom\":\"up\"}\n", "no request"),
            (b"{\"do\":\"import\",\"bytes\":4}\nabc", "did not come whole"),
            (b"{\"do\":\"import\",\"bytes\":999999999999}\n", "more than"),
        ] {
            let error = asked(bad).await.unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        let long = vec![b'x'; 2 * LINE_MAX_BYTES as usize];
        assert!(asked(&long).await.is_err());
    }
}
