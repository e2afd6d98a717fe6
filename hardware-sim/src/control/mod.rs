//! The control interface: a small HTTP API on the loopback interface, and the page on which a person plays the lane.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `GET /` | | the page |
//! | `GET /state` | | the world, modules and knobs, see [`State`] |
//! | `GET /knobs` | | every knob with its meaning, default and range |
//! | `GET /events?since_ms=` | | what an onlooker noted at or after that simulated time |
//! | `GET /modbus-writes?since=&module=&last=` | | writes as the devices saw them, sequence above `since` (a module's own count), the newest `last`; oldest first, at most [`MAX_ANSWER_WRITES`] |
//! | `POST /vehicle` | `VehicleSpec` | `{"id"}`; with `at_ms` > 0 it comes later and `id` is null |
//! | `POST /vehicle/{id}/behaviour` | `{"order": "go" \| "stop" \| "reverse"}` | |
//! | `DELETE /vehicle/{id}` | | lifted out of the lane |
//! | `POST /fault/{name}` | `{"on": true, "value": 1.5, "for_ms": 3000}`; value and time optional | |
//! | `POST /step` | `{"ms"}`, 1 to [`MAX_STEP_MS`]; only while paused | `{"now_ms"}` |
//! | `POST /pause`, `POST /resume`, `POST /reset` | | |
//! | `POST /scenario?reset=true` | TOML text | `{"name"}` |
//!
//! Refusals are `{"error": "..."}` with 400 (bad request), 404 (no such thing) or 409 (not now). Unknown keys are refused.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Path, Query, State as Held};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{delete, get, post};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::knobs::KnobError;
use crate::modbus::device::{Watchdog, Write};
use crate::shell::Shared;
use crate::signal::{Output, Signal};
use crate::sim::ScenarioError;
use crate::world::boom::Motion;
use crate::world::platform::Display;
use crate::world::vehicle::{Order, VehicleSpec};
use crate::world::{Act, WorldError};

/// Longest single step over the interface, ms.
pub const MAX_STEP_MS: u64 = 600_000;
/// Longest body, bytes.
const MAX_BODY_BYTES: usize = 256 * 1024;
/// Most writes in one answer.
const MAX_ANSWER_WRITES: usize = 5_000;

/// `GET /state`.
#[derive(Debug, Serialize)]
pub struct State {
    pub now_ms: u64,
    pub paused: bool,
    pub speed: f64,
    pub scheduled: usize,
    pub vehicles: Vec<VehicleState>,
    pub boom: BoomState,
    /// Active sense.
    pub signals: std::collections::BTreeMap<&'static str, bool>,
    pub outputs: std::collections::BTreeMap<&'static str, bool>,
    pub scale: Display,
    pub modules: Vec<ModuleState>,
    /// Knobs that are on, with values.
    pub faults: std::collections::BTreeMap<String, f64>,
    /// The lane's places, metres.
    pub lane: crate::world::geometry::Geometry,
}

#[derive(Debug, Serialize)]
pub struct VehicleState {
    pub id: u64,
    pub plate: String,
    pub trailer_plate: Option<String>,
    pub front_m: f64,
    pub tail_m: f64,
    /// Bodies as lowest and highest place, metres.
    pub bodies_m: Vec<[f64; 2]>,
    pub speed_m_s: f64,
    pub gross_kg: f64,
    pub order: Option<Order>,
    pub struck: bool,
}

#[derive(Debug, Serialize)]
pub struct BoomState {
    pub angle_deg: f64,
    pub motion: Motion,
}

#[derive(Debug, Serialize)]
pub struct ModuleState {
    pub kind: crate::modbus::device::ModuleKind,
    /// Levels at the terminals.
    pub inputs: Vec<bool>,
    pub relays: Vec<bool>,
    pub watchdog: Watchdog,
    pub requests: u64,
}

/// A refused request.
#[derive(Debug)]
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, axum::Json(json!({ "error": self.1 }))).into_response()
    }
}

impl From<KnobError> for Refusal {
    fn from(error: KnobError) -> Refusal {
        let status = if matches!(error, KnobError::Unknown(_)) { StatusCode::NOT_FOUND } else { StatusCode::BAD_REQUEST };
        Refusal(status, error.to_string())
    }
}

impl From<WorldError> for Refusal {
    fn from(error: WorldError) -> Refusal {
        let status = if matches!(error, WorldError::NoVehicle(_)) { StatusCode::NOT_FOUND } else { StatusCode::CONFLICT };
        Refusal(status, error.to_string())
    }
}

impl From<JsonRejection> for Refusal {
    fn from(error: JsonRejection) -> Refusal {
        Refusal(StatusCode::BAD_REQUEST, error.body_text())
    }
}

type Answer = Result<axum::Json<serde_json::Value>, Refusal>;
type Body<T> = Result<axum::Json<T>, JsonRejection>;

fn done(value: serde_json::Value) -> Answer {
    Ok(axum::Json(value))
}

/// Starts the interface.
pub async fn serve(shared: Shared, listen: SocketAddr) -> std::io::Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let app = router(shared);
    let task = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!(%error, "the control interface ended");
        }
    });
    Ok((address, task))
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/", get(|| async { Html(include_str!("page.html")) }))
        .route("/page.js", get(|| async { ([("content-type", "text/javascript; charset=utf-8")], include_str!("page.js")) }))
        .route("/state", get(state))
        .route("/knobs", get(knobs))
        .route("/events", get(events))
        .route("/modbus-writes", get(modbus_writes))
        .route("/vehicle", post(spawn))
        .route("/vehicle/{id}", delete(remove))
        .route("/vehicle/{id}/behaviour", post(order))
        .route("/fault/{name}", post(fault))
        .route("/step", post(step))
        .route("/pause", post(|shared: Held<Shared>| pause(shared, true)))
        .route("/resume", post(|shared: Held<Shared>| pause(shared, false)))
        .route("/reset", post(reset))
        .route("/scenario", post(scenario))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(shared)
}

async fn state(Held(shared): Held<Shared>) -> axum::Json<State> {
    let (paused, speed) = (shared.paused(), shared.speed());
    let sim = shared.sim();
    let world = &sim.world;
    let (signals, drive) = (world.signals(), sim.drive());
    let vehicles = world.vehicles().iter().map(|vehicle| VehicleState {
        id: vehicle.id,
        plate: vehicle.spec.plate.clone(),
        trailer_plate: vehicle.spec.trailer_plate.clone(),
        front_m: vehicle.front_m,
        tail_m: vehicle.tail_m(),
        bodies_m: vehicle.bodies_m().into_iter().map(|(low, high)| [low, high]).collect(),
        speed_m_s: vehicle.speed_m_s,
        gross_kg: vehicle.spec.gross_kg(),
        order: vehicle.order,
        struck: vehicle.struck,
    });
    let modules = sim.modules().iter().map(|module| ModuleState {
        kind: module.build().kind,
        inputs: module.inputs().to_vec(),
        relays: module.relays().to_vec(),
        watchdog: module.watchdog(),
        requests: module.requests(),
    });
    axum::Json(State {
        now_ms: world.now_ms(),
        paused,
        speed,
        scheduled: world.scheduled(),
        vehicles: vehicles.collect(),
        boom: BoomState { angle_deg: world.boom().angle_deg(), motion: world.boom().motion() },
        signals: Signal::ALL.into_iter().map(|signal| (signal.name(), signals.get(signal))).collect(),
        outputs: Output::ALL.into_iter().map(|output| (output.name(), drive.get(output))).collect(),
        scale: world.display(),
        modules: modules.collect(),
        faults: world.knobs.active().clone(),
        lane: world.geometry().clone(),
    })
}

async fn knobs(Held(shared): Held<Shared>) -> Answer {
    let sim = shared.sim();
    done(json!(sim.world.knobs.known().collect::<Vec<_>>()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Since {
    #[serde(default)]
    since: u64,
    module: Option<usize>,
    /// Only the newest so many.
    last: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SinceMs {
    #[serde(default)]
    since_ms: u64,
}

async fn events(Held(shared): Held<Shared>, Query(query): Query<SinceMs>) -> Answer {
    let sim = shared.sim();
    let events: Vec<_> = sim.world.events().filter(|event| event.at_ms >= query.since_ms).collect();
    done(json!(events))
}

#[derive(Serialize)]
struct ModuleWrite<'a> {
    module: usize,
    #[serde(flatten)]
    write: &'a Write,
}

async fn modbus_writes(Held(shared): Held<Shared>, Query(query): Query<Since>) -> Answer {
    let sim = shared.sim();
    let wanted = |index: usize| query.module.is_none_or(|module| module == index);
    let mut writes: Vec<ModuleWrite> = Vec::new();
    for (module, device) in sim.modules().iter().enumerate().filter(|(index, _)| wanted(*index)) {
        writes.extend(device.writes(query.since).map(|write| ModuleWrite { module, write }));
    }
    writes.sort_by_key(|entry| entry.write.stamp.real_us);
    if let Some(last) = query.last {
        writes.drain(..writes.len().saturating_sub(last));
    }
    writes.truncate(MAX_ANSWER_WRITES);
    done(json!(writes))
}

async fn spawn(Held(shared): Held<Shared>, body: Body<VehicleSpec>) -> Answer {
    let spec = body?.0;
    let problems = spec.problems();
    if !problems.is_empty() {
        return Err(Refusal(StatusCode::BAD_REQUEST, problems.join("; ")));
    }
    let id = shared.act(|sim| match spec.at_ms {
        0 => sim.world.spawn(spec).map(Some),
        in_ms => sim.world.schedule(in_ms, Act::Spawn(spec)).map(|()| None),
    })?;
    done(json!({ "id": id }))
}

async fn remove(Held(shared): Held<Shared>, Path(id): Path<u64>) -> Answer {
    shared.act(|sim| sim.world.remove(id))?;
    done(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderBody {
    order: Order,
}

async fn order(Held(shared): Held<Shared>, Path(id): Path<u64>, body: Body<OrderBody>) -> Answer {
    let order = body?.0.order;
    shared.act(|sim| sim.world.order(id, order))?;
    done(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultBody {
    on: bool,
    value: Option<f64>,
    for_ms: Option<u64>,
}

async fn fault(Held(shared): Held<Shared>, Path(name): Path<String>, body: Body<FaultBody>) -> Answer {
    let body = body?.0;
    shared.act(|sim| {
        let world = &mut sim.world;
        if body.on {
            world.knobs.turn_on(&name, body.value)?;
            if let Some(for_ms) = body.for_ms {
                world.schedule(for_ms, Act::KnobOff(name.clone()))?;
            }
        } else {
            world.knobs.turn_off(&name)?;
        }
        Ok::<(), Refusal>(())
    })?;
    done(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepBody {
    ms: u64,
}

async fn step(Held(shared): Held<Shared>, body: Body<StepBody>) -> Answer {
    let ms = body?.0.ms;
    if !(1..=MAX_STEP_MS).contains(&ms) {
        return Err(Refusal(StatusCode::BAD_REQUEST, format!("`ms` must be 1 to {MAX_STEP_MS}")));
    }
    if !shared.paused() {
        return Err(Refusal(StatusCode::CONFLICT, "time runs by itself: POST /pause first".to_owned()));
    }
    let now_ms = shared.act(|sim| {
        sim.step(ms);
        sim.world.now_ms()
    });
    done(json!({ "now_ms": now_ms }))
}

async fn pause(Held(shared): Held<Shared>, paused: bool) -> Answer {
    shared.pause(paused);
    done(json!({ "paused": paused }))
}

async fn reset(Held(shared): Held<Shared>) -> Answer {
    shared.act(|sim| sim.world.reset(None));
    done(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioQuery {
    #[serde(default)]
    reset: bool,
}

async fn scenario(Held(shared): Held<Shared>, Query(query): Query<ScenarioQuery>, text: String) -> Answer {
    let name = shared.act(|sim| sim.run_scenario(&text, query.reset)).map_err(|error| match error {
        ScenarioError::Text(problems) => Refusal(StatusCode::BAD_REQUEST, problems.to_string()),
        ScenarioError::World(error) => Refusal::from(error),
    })?;
    done(json!({ "name": name }))
}
