//! The lane's health for the centre, and the small facts the link's gate needs.

use crate::camera::board::Board;
use crate::clock;
use crate::store::{Store, StoreMetrics};
use crate::sync::ports::LaneFacts;
use lane_core::input::{CameraState, ScaleState};
use lane_core::time::Wall;
use lane_core::view::LaneView;
use lane_link::health::{DeviceHealth, FaultHealth, Health};
use lane_link::words;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The link wakes for new records within this.
const EVERY_MS: u64 = 100;

/// What the link watches.
pub struct Watches {
    /// The health to publish.
    pub health: watch::Sender<Health>,
    /// What the gate of commands must know.
    pub facts: watch::Sender<LaneFacts>,
    /// The ledger's last sequence.
    pub last_seq: watch::Sender<u64>,
}

/// Keeps the link's watches true until the link is gone.
pub async fn publish(
    store: Store,
    board: Board,
    view: watch::Receiver<Arc<LaneView>>,
    Watches { health, facts, last_seq }: Watches,
    claims_lost: Arc<AtomicU64>,
    trust: clock::Trust,
) {
    let started = Instant::now();
    let mut every = tokio::time::interval(Duration::from_millis(EVERY_MS));
    while !last_seq.is_closed() {
        every.tick().await;
        let metrics = store.metrics();
        last_seq.send_if_modified(|seq| std::mem::replace(seq, metrics.last_seq) != metrics.last_seq);
        let view = view.borrow().clone();
        let passage = view.at_boom.as_ref().and_then(|v| v.passage).map(lane_link::ids::passage_text);
        facts.send_if_modified(|facts| std::mem::replace(&mut facts.passage, passage.clone()) != passage);
        let up_s = started.elapsed().as_secs();
        health.send_replace(Health { up_s, claims_lost: claims_lost.load(Relaxed), ..of(&view, &board, &metrics, clock::wall(trust)) });
    }
}

/// The health of a lane as its view and its store show it.
#[must_use]
pub fn of(view: &LaneView, board: &Board, metrics: &StoreMetrics, wall: Wall) -> Health {
    let fault = |f: &lane_core::view::FaultView| FaultHealth {
        name: word(words::Fault::from(f.fault)),
        severity: word(words::Severity::from(f.severity)),
        age_ms: f.age_ms,
    };
    Health {
        utc_ms: wall.trusted(),
        phase: word(words::Phase::from(view.phase)),
        mode: word(words::Mode::from(view.mode)),
        passage: view.at_boom.as_ref().and_then(|v| v.passage).map(lane_link::ids::passage_text),
        devices: devices(view, board),
        faults: view.faults.iter().map(fault).collect(),
        queue_records: metrics.last_seq.saturating_sub(metrics.acknowledged_seq),
        disk_free_bytes: Some(metrics.free_bytes),
        clock_trusted: wall.trusted().is_some(),
        knowledge_age_s: view.knowledge_age_s,
        rows_quarantined: metrics.quarantined,
        ..Health::default()
    }
}

/// A closed vocabulary's word.
pub fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn devices(view: &LaneView, board: &Board) -> Vec<DeviceHealth> {
    let mut devices = Vec::new();
    let sights = board.sights(clock::mono());
    for ((name, state), sight) in [("front_camera", view.cameras[0]), ("rear_camera", view.cameras[1])].into_iter().zip(sights) {
        if state != CameraState::Absent {
            let (picture, view) = (sight.picture, sight.accepted.map(|view| view.picture));
            devices.push(DeviceHealth { name: name.into(), state: word(words::CameraState::from(state)), age_ms: None, picture, view });
        }
    }
    if view.scale != ScaleState::Absent {
        let age_ms = view.platform.as_ref().map(|p| p.age_ms);
        devices.push(DeviceHealth {
            name: "scale".into(),
            state: word(words::ScaleState::from(view.scale)),
            age_ms,
            picture: None,
            view: None,
        });
    }
    let oldest = view.signals.iter().filter(|s| s.present).map(|s| s.age_ms).max().flatten();
    devices.push(DeviceHealth {
        name: "barrier".into(),
        state: word(words::Boom::from(view.boom)),
        age_ms: oldest,
        picture: None,
        view: None,
    });
    devices
}
