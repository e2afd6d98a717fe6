//! The live streams. An event `view` (or `sign`) first and on change, a named `beat` every 500 ms that carries the lane loop's own counter: this
//! module has no counter to move. A comment would keep a connection alive without telling the page anything, so there is none.

use super::Shared;
use super::error::Refusal;
use super::seams::{Clocks, Turn, ViewFrame};
use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use futures_util::Stream;
use lane_link::view_api::{Beat, SignFrame};
use serde::Serialize;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// Streams at a time, of both kinds.
pub const STREAMS_MAX: usize = 8;
/// Between beats.
pub const BEAT_MS: u64 = 500;
/// At least between views: ten a second.
pub const VIEW_GAP_MS: u64 = 100;
/// A page that lost its stream asks again after this.
const RETRY_MS: u64 = 1_000;
const NOT_KEPT: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

fn sign_of(frame: &ViewFrame) -> SignFrame {
    let vehicle = frame.view.at_boom.as_ref();
    let best = vehicle.and_then(|v| v.plates.iter().max_by_key(|p| (p.by_officer, p.probability_ppm)));
    SignFrame {
        sign: frame.view.sign,
        plate: best.map(|p| p.text.clone()),
        here_ms: vehicle.map(|v| v.here_ms),
        gross_grams: frame.view.platform_grams,
    }
}

fn same_but_for_time(now: &SignFrame, last: &SignFrame) -> bool {
    SignFrame { here_ms: None, ..now.clone() } == SignFrame { here_ms: None, ..last.clone() }
        && now.here_ms.is_some() == last.here_ms.is_some()
        // Another vehicle: it has been here for less long.
        && last.here_ms <= now.here_ms
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    View,
    Sign,
}

struct Live {
    kind: Kind,
    frames: watch::Receiver<Arc<ViewFrame>>,
    turns: watch::Receiver<Turn>,
    clocks: Clocks,
    stopping: CancellationToken,
    beat: Interval,
    next_view_at: Instant,
    begun: bool,
    last_sign: Option<SignFrame>,
    _place: OwnedSemaphorePermit,
}

pub(super) async fn view(State(shared): State<Arc<Shared>>) -> Result<impl IntoResponse, Refusal> {
    Ok((NOT_KEPT, Sse::new(begin(&shared, Kind::View)?)))
}

pub(super) async fn sign(State(shared): State<Arc<Shared>>) -> Result<impl IntoResponse, Refusal> {
    Ok((NOT_KEPT, Sse::new(begin(&shared, Kind::Sign)?)))
}

fn begin(shared: &Shared, kind: Kind) -> Result<impl Stream<Item = Result<Event, Infallible>> + use<>, Refusal> {
    let place = shared.streams.clone().try_acquire_owned().map_err(|_| Refusal::Busy)?;
    let mut beat = tokio::time::interval(Duration::from_millis(BEAT_MS));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let live = Live {
        kind,
        frames: shared.frames.clone(),
        turns: shared.turns.clone(),
        clocks: shared.clocks.clone(),
        stopping: shared.stopping.clone(),
        beat,
        next_view_at: Instant::now(),
        begun: false,
        last_sign: None,
        _place: place,
    };
    Ok(futures_util::stream::unfold(live, async |mut live| live.next().await.map(|event| (Ok(event), live))))
}

impl Live {
    /// The next event; `None` ends the stream: the daemon stops, or the lane loop is gone.
    async fn next(&mut self) -> Option<Event> {
        if !self.begun {
            self.begun = true;
            if let Some(event) = self.picture(Event::default().retry(Duration::from_millis(RETRY_MS))) {
                return Some(event);
            }
        }
        loop {
            let changed = async {
                tokio::time::sleep_until(self.next_view_at).await;
                self.frames.changed().await
            };
            tokio::select! {
                () = self.stopping.cancelled() => return None,
                _ = self.beat.tick() => return json(Event::default().event("beat"), &self.beat_now()),
                changed = changed => {
                    changed.ok()?;
                    if let Some(event) = self.picture(Event::default()) {
                        return Some(event);
                    }
                }
            }
        }
    }

    fn beat_now(&self) -> Beat {
        let turn = self.turns.borrow().turn;
        let wall = (self.clocks.wall)();
        Beat { turn, now_ms: (self.clocks.mono)().0, utc_ms: wall.utc_ms, clock_trusted: wall.trusted().is_some() }
    }

    fn picture(&mut self, event: Event) -> Option<Event> {
        self.next_view_at = Instant::now() + Duration::from_millis(VIEW_GAP_MS);
        let frame = self.frames.borrow_and_update().clone();
        match self.kind {
            Kind::View => json(event.event("view"), frame.as_ref()),
            Kind::Sign => {
                let sign = sign_of(&frame);
                if self.last_sign.as_ref().is_some_and(|last| same_but_for_time(&sign, last)) {
                    self.last_sign = Some(sign);
                    return None;
                }
                self.last_sign = Some(sign.clone());
                json(event.event("sign"), &sign)
            }
        }
    }
}

/// Our own types always serialise; if one did not, the stream would rather go on without that event than end.
fn json(event: Event, body: &impl Serialize) -> Option<Event> {
    match event.json_data(body) {
        Ok(event) => Some(event),
        Err(error) => {
            tracing::error!(%error, "an event could not be written");
            None
        }
    }
}
