//! The lane in real time: one lock around the pure [`Sim`], a clock that steps it, and its servers.
//!
//! The lock is held for one request or one tick, never across a wait. Real time times `speed` becomes simulated time; when the machine falls
//! behind by more than [`MAX_CATCH_UP_MS`] the rest is dropped, so that a suspended process does not race afterwards. Paused, time moves only by
//! `POST /step`. Device watchdogs and pulses run in simulated time, frames of the indicator and the cameras in real time.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::control;
use crate::indicator;
use crate::modbus;
use crate::picture;
use crate::sim::{Sim, TICK_MS};
use crate::world::platform::Display;

/// Most simulated time caught up after a stall, ms.
pub const MAX_CATCH_UP_MS: f64 = 500.0;

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("{what} cannot listen on {address}")]
    Listen { what: String, address: SocketAddr, source: std::io::Error },
    #[error("camera {camera}: {source}")]
    Camera { camera: String, source: picture::SourceError },
}

struct Inner {
    sim: Mutex<Sim>,
    paused: watch::Sender<bool>,
    changes: watch::Sender<u64>,
    speed: f64,
    started: Instant,
}

/// A handle to the running lane.
#[derive(Clone)]
pub struct Shared(Arc<Inner>);

impl Shared {
    pub fn new(config: &Config) -> Shared {
        Shared(Arc::new(Inner {
            sim: Mutex::new(Sim::new(config)),
            paused: watch::Sender::new(config.paused),
            changes: watch::Sender::new(0),
            speed: config.speed,
            started: Instant::now(),
        }))
    }

    /// The lane, locked. A panic elsewhere does not take the lane away.
    pub fn sim(&self) -> MutexGuard<'_, Sim> {
        self.0.sim.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Acts on the lane and tells the sockets if a knob was changed.
    pub fn act<T>(&self, act: impl FnOnce(&mut Sim) -> T) -> T {
        let (result, generation) = {
            let mut sim = self.sim();
            let result = act(&mut sim);
            (result, sim.world.knobs.generation())
        };
        self.0.changes.send_if_modified(|known| std::mem::replace(known, generation) != generation);
        result
    }

    pub fn knob(&self, name: &str) -> bool {
        self.sim().world.knobs.on(name)
    }

    pub fn module_knob(&self, module: usize, name: &str) -> bool {
        self.module_value(module, name).is_some()
    }

    pub fn module_value(&self, module: usize, name: &str) -> Option<f64> {
        self.sim().world.knobs.module(module, name)
    }

    /// Told whenever knobs changed.
    pub fn knob_changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    pub fn modbus_request(&self, module: usize, unit: u8, pdu: &[u8]) -> Option<Vec<u8>> {
        let real_us = u64::try_from(self.0.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.sim().modbus_request(module, real_us, unit, pdu)
    }

    /// The display and its step, kg.
    pub fn display(&self) -> (Display, i64) {
        let sim = self.sim();
        (sim.world.display(), sim.world.division_kg())
    }

    pub fn paused(&self) -> bool {
        *self.0.paused.borrow()
    }

    pub fn pause(&self, paused: bool) {
        self.0.paused.send_replace(paused);
    }

    pub fn speed(&self) -> f64 {
        self.0.speed
    }

    async fn run_clock(self) {
        let mut pace = tokio::time::interval(Duration::from_millis(TICK_MS));
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut last = Instant::now();
        let mut owed_ms = 0.0;
        loop {
            pace.tick().await;
            let now = Instant::now();
            let passed_ms = now.duration_since(last).as_secs_f64() * 1_000.0 * self.0.speed;
            last = now;
            if self.paused() {
                owed_ms = 0.0;
                continue;
            }
            owed_ms = f64::min(owed_ms + passed_ms, MAX_CATCH_UP_MS.max(self.0.speed * 100.0));
            let whole_ms = owed_ms as u64 / TICK_MS * TICK_MS;
            owed_ms -= whole_ms as f64;
            self.act(|sim| sim.step(whole_ms));
        }
    }
}

/// Where everything listens; printed as one line of JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Addresses {
    pub control: SocketAddr,
    pub modules: Vec<SocketAddr>,
    pub scale: SocketAddr,
    /// Camera name and the address of its stream: `http://ADDRESS/stream`.
    pub cameras: std::collections::BTreeMap<String, SocketAddr>,
}

/// A running lane; dropping it stops all its servers.
pub struct Lane {
    pub shared: Shared,
    pub addresses: Addresses,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Lane {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Binds every server and starts the clock.
pub async fn start(config: &Config) -> Result<Lane, StartError> {
    let shared = Shared::new(config);
    let mut tasks = Vec::new();
    let mut modules = Vec::new();
    for (index, build) in config.modules.iter().enumerate() {
        let served = modbus::server::serve(shared.clone(), index, build.listen, build.max_connections).await;
        let server = served.map_err(|source| listen(format!("module {index}"), build.listen, source))?;
        modules.push(server.address);
        tasks.push(server.task);
    }
    let served = indicator::server::serve(shared.clone(), config.scale.clone()).await;
    let (scale, task) = served.map_err(|source| listen("scale".to_owned(), config.scale.listen, source))?;
    tasks.push(task);
    let mut cameras = std::collections::BTreeMap::new();
    let faces = Arc::new(picture::glyph::Faces::load(config.font.as_deref()));
    let photos: Option<PathBuf> = config.photos.clone();
    for camera in &config.cameras {
        let studio = picture::Studio::new(camera, faces.clone(), photos.clone())
            .map_err(|source| StartError::Camera { camera: camera.name.clone(), source })?;
        let served = picture::server::serve(shared.clone(), camera.clone(), studio).await;
        let (address, task) = served.map_err(|source| listen(format!("camera {}", camera.name), camera.listen, source))?;
        cameras.insert(camera.name.clone(), address);
        tasks.push(task);
    }
    let served = control::serve(shared.clone(), config.control.listen).await;
    let (control, task) = served.map_err(|source| listen("control".to_owned(), config.control.listen, source))?;
    tasks.push(task);
    tasks.push(tokio::spawn(shared.clone().run_clock()));
    Ok(Lane { shared, addresses: Addresses { control, modules, scale, cameras }, tasks })
}

fn listen(what: String, address: SocketAddr, source: std::io::Error) -> StartError {
    StartError::Listen { what, address, source }
}
