//! The screens' server: what `docs/screen-api.md` says, and nothing that the lane does not know.
//!
//! ```text
//!  touchscreen, sign ──HTTP──▶ listen ─▶ guard ─┬─▶ stream  ◀── frames, turns ── lane loop
//!                              (bounds) (host,  ├─▶ act     ─── acts ──────────▶ lane loop
//!                                       origin) ├─▶ stop    ─── presses ───────▶ barrier task
//!                                               ├─▶ login, reads ─ requests ──▶ the store's side
//!                                               └─▶ pages (embedded)
//! ```
//! Loopback only: there are no certificates yet, so another address is refused at the start.
//!
//! **Architecture invariants:** Stop touches neither session, lane loop nor store. The beat's number is the lane loop's; nothing here moves it. An act
//! whose person was told "no answer" is not done later ([`seams::ActRequest::take`]). Every wait here ends: streams with the daemon, the rest by a timeout.

mod act;
mod cameras;
mod error;
mod guard;
mod listen;
mod login;
mod metrics;
mod pages;
mod reads;
pub mod seams;
mod sessions;
mod stream;
#[cfg(test)]
mod tests;

pub use error::Refusal;
pub use metrics::WebMetrics;

use crate::officer::lockout::Attempts;
use crate::officer::pin::Pepper;
use axum::Router;
use axum::routing::{get, post};
use seams::{Answer, Clocks, StopButton, Turn, ViewFrame, WebRequest, WebSeams};
use sessions::Sessions;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// A session ends after so long without an act.
pub const IDLE_LOGOUT_MS: u64 = 300_000;
/// The store's side answers within this.
const REQUEST_TIMEOUT_MS: u64 = 2_000;
/// Connections that are still busy so long after the shutdown signal are cut.
const SHUTDOWN_GRACE_MS: u64 = 2_000;

/// What the server is told once.
#[derive(Debug, Clone)]
pub struct WebSettings {
    /// Where it listens: loopback; port 0 takes any.
    pub listen: SocketAddr,
    /// The site as accounts name it.
    pub site: String,
    /// [`IDLE_LOGOUT_MS`].
    pub idle_logout_ms: u64,
}

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// Another address than loopback.
    #[error("web.listen is {0}: only loopback (127.0.0.1 or [::1]) is served, since there are no certificates")]
    NotLoopback(SocketAddr),
    /// The address is taken or not ours.
    #[error("web.listen {address} could not be bound")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The server ended by itself.
    #[error("the screens' server ended")]
    Serve(#[source] std::io::Error),
}

struct Shared {
    settings: WebSettings,
    pepper: Arc<Pepper>,
    frames: watch::Receiver<Arc<ViewFrame>>,
    turns: watch::Receiver<Turn>,
    stop: StopButton,
    acts: mpsc::Sender<seams::ActRequest>,
    requests: mpsc::Sender<WebRequest>,
    clocks: Clocks,
    sessions: Mutex<Sessions>,
    attempts: Mutex<Attempts>,
    login_gate: Semaphore,
    streams: Arc<Semaphore>,
    metrics: WebMetrics,
    stopping: CancellationToken,
}

impl Shared {
    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the store's side, within bounds.
    async fn ask<T>(&self, request: impl FnOnce(Answer<T>) -> WebRequest) -> Result<T, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.requests.try_send(request(answer)).map_err(|error| match error {
            TrySendError::Full(_) => Refusal::Busy,
            TrySendError::Closed(_) => Refusal::Stopping,
        })?;
        match tokio::time::timeout(Duration::from_millis(REQUEST_TIMEOUT_MS), answered).await {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(error))) => {
                tracing::warn!(%error, "a screen's question was not answered");
                Err(Refusal::NoAnswer)
            }
            Ok(Err(_)) | Err(_) => Err(Refusal::NoAnswer),
        }
    }
}

/// The server, bound and not yet running.
pub struct Web {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Web {
    /// Binds the address. `stopping` ends the streams and then the server.
    ///
    /// # Errors
    /// [`WebError::NotLoopback`], [`WebError::Bind`].
    pub async fn bind(
        settings: WebSettings,
        pepper: Pepper,
        seams: WebSeams,
        metrics: WebMetrics,
        stopping: CancellationToken,
    ) -> Result<Self, WebError> {
        if !settings.listen.ip().is_loopback() {
            return Err(WebError::NotLoopback(settings.listen));
        }
        let failed = |source| WebError::Bind { address: settings.listen, source };
        let listener = TcpListener::bind(settings.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let shared = Shared {
            sessions: Mutex::new(Sessions::new(settings.idle_logout_ms)),
            attempts: Mutex::new(Attempts::default()),
            login_gate: Semaphore::new(1),
            streams: Arc::new(Semaphore::new(stream::STREAMS_MAX)),
            settings,
            pepper: Arc::new(pepper),
            frames: seams.frames,
            turns: seams.turns,
            stop: seams.stop,
            acts: seams.acts,
            requests: seams.requests,
            clocks: seams.clocks,
            metrics,
            stopping,
        };
        Ok(Self { listener, address, shared: Arc::new(shared) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stopping`.
    ///
    /// # Errors
    /// [`WebError::Serve`].
    pub async fn run(self) -> Result<(), WebError> {
        let stopping = self.shared.stopping.clone();
        let shared = self.shared.clone();
        let router = router(self.shared);
        tracing::info!(address = %self.address, "the screens are served");
        let serve = axum::serve(listen::Bounded::new(self.listener), router).with_graceful_shutdown(stopping.clone().cancelled_owned());
        let cut = async {
            stopping.cancelled().await;
            tokio::time::sleep(Duration::from_millis(SHUTDOWN_GRACE_MS)).await;
        };
        tokio::select! {
            served = serve => served.map_err(WebError::Serve),
            () = login::sweep(&shared) => Ok(()),
            () = cut => {
                tracing::warn!("connections of screens were cut at the end");
                Ok(())
            }
        }
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/api/stream", get(stream::view))
        .route("/api/driver", get(stream::sign))
        .route("/api/stop", post(act::stop))
        .route("/api/act", post(act::act))
        .route("/api/login", post(login::login))
        .route("/api/logout", post(login::logout))
        .route("/api/session", get(login::session))
        .route("/api/officers", get(login::officers))
        .route("/api/evidence/{digest}", get(reads::evidence))
        .route("/api/passages", get(reads::passages))
        .route("/api/camera/{name}/now", get(cameras::now))
        .route("/api/camera/{name}/view", get(cameras::view).post(cameras::set_view))
        .route("/health", get(reads::health))
        .route("/metrics", get(reads::metrics))
        .fallback_service(get(pages::page))
        .method_not_allowed_fallback(async || Refusal::NotFound)
        .layer(axum::middleware::from_fn_with_state(shared.clone(), guard::guard))
        .with_state(shared)
}
