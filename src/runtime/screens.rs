//! Joins the screens' server to the lane and the store. Stop has a wire of its own: from the button straight to the barrier task.

use super::Joints;
use super::RunError;
use super::cameras::{self, ViewActError};
use super::door::Door;
use super::inbox::{Inbox, ToLane};
use crate::barrier;
use crate::camera::board::Board;
use crate::clock;
use crate::runtime::accounts;
use crate::runtime::metrics::{Counters, DeviceCounters};
use crate::settings::Settings;
use crate::store::{Store, StoreError};
use crate::web::seams::{
    ACTS_MAX, ActRequest, Clocks, LinkFacts, PassageRow, REQUESTS_MAX, StopButton, Turn, Unavailable, Versions, ViewFrame, WebRequest,
    WebSeams,
};
use crate::web::{Web, WebMetrics, WebSettings};
use lane_core::ids::{LedgerId, PassageId};
use lane_core::view::LaneView;
use lane_link::record::{Body, Record as WireRecord};
use lane_link::view_api::ViewAnswer;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The running server.
pub(super) struct Screens {
    stopping: CancellationToken,
}

impl Screens {
    pub(super) async fn stop(&self) {
        self.stopping.cancel();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(super) async fn start(
    settings: &Settings,
    joints: &Joints,
    (stop, field): (barrier::StopButton, watch::Receiver<barrier::View>),
    devices: DeviceCounters,
    ledger: LedgerId,
    tasks: &mut JoinSet<&'static str>,
) -> Result<Screens, RunError> {
    let wrong = |error: String| RunError::Screens(error);
    let pepper = super::accounts::pepper(settings).map_err(wrong)?;
    let trust = joints.trust;
    let shown = Shown {
        settings: settings.clone(),
        view: joints.view.clone(),
        turns: joints.turns.clone(),
        store: joints.store.clone(),
        board: joints.board.clone(),
        trust,
    };
    let first = shown.frame(&field, 0);
    let (frames_in, frames) = watch::channel(Arc::new(first));
    let (turns_in, turns) = watch::channel(Turn { turn: 0, at: clock::mono() });
    let (button, presses) = StopButton::new();
    let (acts, acts_taken) = mpsc::channel(ACTS_MAX);
    let (requests, requests_taken) = mpsc::channel(REQUESTS_MAX);
    let clocks = Clocks { mono: Arc::new(clock::mono), wall: Arc::new(move || clock::wall(trust)) };
    let seams = WebSeams { frames, turns, stop: button, acts, requests, clocks };
    let web = WebSettings {
        listen: settings.web.listen,
        site: settings.site.clone(),
        idle_logout_ms: u64::from(settings.web.session_idle_s) * 1000,
    };
    let stopping = CancellationToken::new();
    let metrics = WebMetrics::default();
    let server = Web::bind(web, pepper, seams, metrics.clone(), stopping.clone()).await.map_err(|error| wrong(error.to_string()))?;
    tasks.spawn(super::named("screens", async move {
        if let Err(error) = server.run().await {
            tracing::error!(%error, "the screens' server failed");
        }
    }));
    tasks.spawn(super::named("stop wire", stop_wire(presses, stop)));
    tasks.spawn(super::named("acts", carry_acts(acts_taken, joints.inbox.clone())));
    let kept = (joints.store.clone(), joints.board.clone());
    let counters = Counters { web: metrics, devices };
    tasks.spawn(super::named("screens' questions", answer(requests_taken, kept, ledger, counters, trust)));
    tasks.spawn(super::named("frames", frames_out(shown, field, frames_in, turns_in)));
    Ok(Screens { stopping })
}

/// Every change of the count is a press.
async fn stop_wire(mut presses: watch::Receiver<u64>, stop: barrier::StopButton) {
    while presses.changed().await.is_ok() {
        stop.press();
    }
}

/// An act whose person was told "no answer" is not done any more.
async fn carry_acts(mut acts: mpsc::Receiver<ActRequest>, inbox: Inbox) {
    while let Some(request) = acts.recv().await {
        if let Some((act, answer)) = request.take() {
            inbox.send(ToLane::Act(Box::new(act), answer)).await;
        }
    }
}

struct Shown {
    settings: Settings,
    view: watch::Receiver<Arc<LaneView>>,
    turns: watch::Receiver<u64>,
    store: Store,
    board: Board,
    trust: clock::Trust,
}

/// Views as the screens get them, and the lane loop's pulse.
async fn frames_out(
    mut shown: Shown,
    field: watch::Receiver<barrier::View>,
    frames: watch::Sender<Arc<ViewFrame>>,
    pulse: watch::Sender<Turn>,
) {
    let mut link = (shown.view.borrow().link_up, clock::mono());
    loop {
        tokio::select! {
            changed = shown.turns.changed() => {
                if changed.is_err() { return; }
                let turn = *shown.turns.borrow_and_update();
                pulse.send_replace(Turn { turn, at: clock::mono() });
            }
            changed = shown.view.changed() => {
                if changed.is_err() { return; }
                let up = shown.view.borrow_and_update().link_up;
                if up != link.0 {
                    link = (up, clock::mono());
                }
                frames.send_replace(Arc::new(shown.frame(&field, clock::mono().since(link.1))));
            }
        }
    }
}

impl Shown {
    fn frame(&self, field: &watch::Receiver<barrier::View>, link_since_ms: u64) -> ViewFrame {
        let metrics = self.store.metrics();
        let wall = clock::wall(self.trust);
        ViewFrame {
            turn: *self.turns.borrow(),
            now_ms: clock::mono().0,
            utc_ms: wall.utc_ms,
            clock_trusted: wall.trusted().is_some(),
            lane: self.settings.lane.clone(),
            site: self.settings.site.clone(),
            time_zone: "Asia/Ho_Chi_Minh".into(),
            link: LinkFacts { since_ms: Some(link_since_ms), waiting_records: metrics.last_seq.saturating_sub(metrics.acknowledged_seq) },
            software_stop: field.borrow().software_stop,
            versions: Versions { program: env!("CARGO_PKG_VERSION").into() },
            view: lane_link::view::LaneView::from(&**self.view.borrow()),
            cameras: self.board.sights(clock::mono()),
        }
    }
}

fn unavailable(error: StoreError) -> Unavailable {
    Unavailable(error.to_string())
}

/// The store's side of the screens. Each question is a task of its own: a slow disk delays no other.
async fn answer(
    mut requests: mpsc::Receiver<WebRequest>,
    (store, board): (Store, Board),
    ledger: LedgerId,
    metrics: Counters,
    trust: clock::Trust,
) {
    let door = Arc::new(Door::default());
    let mut every = tokio::time::interval(Duration::from_secs(1));
    loop {
        let request = tokio::select! {
            request = requests.recv() => request,
            _ = every.tick() => {
                door.tick(&store, trust).await;
                continue;
            }
        };
        let Some(request) = request else { return };
        let (store, metrics, door, board) = (store.clone(), metrics.clone(), door.clone(), board.clone());
        tokio::spawn(async move {
            match request {
                WebRequest::Door(event) => door.note(event, &store, trust).await,
                WebRequest::Officer { id, answer } => {
                    let now = clock::wall(clock::Trust::Vouched).utc_ms;
                    let found = store.officer(id, now).await.map_err(unavailable);
                    let _ = answer.send(found.map(|found| found.and_then(|(row, lockout)| Some((accounts::account(row)?, lockout)))));
                }
                WebRequest::LoginAttempt { id, utc_ms, answer } => {
                    let _ = answer.send(store.officer_failed(id, utc_ms).await.map_err(unavailable));
                }
                WebRequest::LoginSucceeded { id, answer } => {
                    let _ = answer.send(store.officer_succeeded(id).await.map(drop).map_err(unavailable));
                }
                WebRequest::Officers { answer } => {
                    let found = store.officers().await.map_err(unavailable);
                    let _ = answer.send(
                        found.map(|rows| rows.into_iter().filter_map(|(row, lockout)| Some((accounts::account(row)?, lockout))).collect()),
                    );
                }
                WebRequest::Evidence { digest, answer } => {
                    // A picture that is not there, or not what its name says, is no picture.
                    let _ = answer.send(Ok(store.read_evidence(digest).await.ok()));
                }
                WebRequest::CameraNow { camera, answer } => {
                    let look = cameras::look(camera, &board).await.ok();
                    let _ = answer.send(Ok(look.map(|look| (look.digest, look.jpeg.to_vec()))));
                }
                WebRequest::CameraView { camera, answer } => {
                    let read = tokio::task::spawn_blocking(move || board.view(camera)).await;
                    let _ = answer.send(Ok(read.ok().flatten().map(|(view, jpeg)| (view.picture, jpeg))));
                }
                WebRequest::SetCameraView { camera, act, by, answer } => {
                    let done = cameras::act(camera, act, Some(super::door::person(&by)), &board, &store, trust).await;
                    let _ = answer.send(match done {
                        Ok(view) => Ok(Some(ViewAnswer { accepted: view })),
                        Err(ViewActError::Store(error)) => Err(unavailable(error)),
                        Err(error) => {
                            tracing::warn!(%error, "a commissioning view was not changed");
                            Ok(None)
                        }
                    });
                }
                WebRequest::Passages { limit, answer } => {
                    let _ = answer.send(passages(&store, ledger, limit).await.map_err(unavailable));
                }
                WebRequest::Metrics { answer } => {
                    let _ = answer.send(Ok(super::metrics::text(&store, &metrics)));
                }
            }
        });
    }
}

/// The last passages with their plate and end.
async fn passages(store: &Store, ledger: LedgerId, limit: usize) -> Result<Vec<PassageRow>, StoreError> {
    let mut rows = Vec::new();
    for opened in store.newest("passage_opened", limit).await? {
        let passage = PassageId { ledger, seq: opened.seq };
        let mut row =
            PassageRow { passage: lane_link::ids::passage_text(passage), utc_ms: opened.utc_ms.unwrap_or(0), plate: None, end: None };
        for record in store.passage_records(passage).await? {
            match WireRecord::from_bytes(&record.bytes).map(|r| r.body) {
                Ok(Body::PlateRead { text, .. }) if row.plate.is_none() => row.plate = Some(text),
                Ok(Body::PassageEnded { end, .. }) => row.end = Some(end),
                _ => {}
            }
        }
        rows.push(row);
    }
    Ok(rows)
}
